import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type * as z from "zod/mini";
import { PROBLEM_PREFIX, type PROBLEMS, type ProblemCode, type problemReply } from "../contracts/problems.ts";
import type { Problem } from "../domain/rule.ts";

/**
 * A request that cannot be answered as asked, told as RFC 9457 problem details.
 *
 * `code` is stable: callers may decide by it. `errors` names each field (JSON pointer) and what would be right.
 */
export class HttpProblem<Code extends ProblemCode = ProblemCode> extends Error {
  override name = "HttpProblem";
  readonly status: number;
  readonly code: ProblemCode;
  readonly errors: readonly Problem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: (typeof PROBLEMS)[Code]["status"],
    code: Code,
    detail: string,
    errors: readonly Problem[] = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }
}

/** A body of rubbish gets a short answer: Lambda turns one above 6 MB into a fault of ours. */
const MOST_PROBLEMS = 50;
const LONGEST_NAME = 100;

export function problemResponse({ status, code, message, errors, headers }: HttpProblem): APIGatewayProxyStructuredResultV2 {
  const told = errors.slice(0, MOST_PROBLEMS);
  const body = {
    type: `${PROBLEM_PREFIX}${code}`,
    title: code.replaceAll("-", " "),
    status,
    detail: message,
    ...(told.length > 0 && { errors: [...told] }),
  } satisfies z.infer<typeof problemReply>;
  return { statusCode: status, headers: { "content-type": "application/problem+json", ...headers }, body: JSON.stringify(body) };
}

/** As long as the shortest card number: no field of ours has such a name, and what may be one is repeated to nobody. */
const CARD_LIKE = /\d(?:[ ._-]?\d){12,}/g;

/** A JSON pointer. Source: RFC 6901 */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${String(name).replace(CARD_LIKE, "…").slice(0, LONGEST_NAME).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
