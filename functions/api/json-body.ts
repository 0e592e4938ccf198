import { HttpProblem } from "./problem.ts";

/** Many times the largest body that any route takes, and little enough that no rubbish costs much. */
const LONGEST_BODY = 64 * 1024;
const JSON_IN_UTF8 = /^application\/json\s*(?:;\s*(?:charset\s*=\s*"?utf-?8"?\s*)?)?$/i;

export interface SentBody {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

/** The body as JSON says it, still to be judged by a schema. Throws a problem for one that is no JSON. */
export function parseJsonBody({ headers, body = "", isBase64Encoded }: SentBody): unknown {
  if (!JSON_IN_UTF8.test(headers["content-type"] ?? "")) throw new HttpProblem(415, "json-required", "Send the body as application/json, in UTF-8");
  const text = isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
  if (Buffer.byteLength(text) > LONGEST_BODY) throw new HttpProblem(413, "body-too-large", `The body must be no longer than ${LONGEST_BODY} bytes`);
  if (text.trim() === "") throw new HttpProblem(400, "malformed-json", "The body is empty: it must be a JSON object");
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpProblem(400, "malformed-json", "The body must be JSON, in UTF-8: one object and nothing after it");
  }
}
