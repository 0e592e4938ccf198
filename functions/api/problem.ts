import type { APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { Problem } from "../domain/rule.ts";

/**
 * A request that cannot be answered as asked, told as RFC 9457 problem details.
 *
 * `code` is stable: callers may decide by it. `errors` names each field (JSON pointer) and what would be right.
 */
export class HttpProblem extends Error {
  override name = "HttpProblem";
  readonly status: number;
  readonly code: string;
  readonly errors: readonly Problem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, detail: string, errors: readonly Problem[] = [], headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.headers = headers;
  }
}

export function problemResponse({ status, code, message, errors, headers }: HttpProblem): APIGatewayProxyStructuredResultV2 {
  const body = { type: `urn:auto-recharge:problem:${code}`, title: code.replaceAll("-", " "), status, detail: message, ...(errors.length > 0 && { errors }) };
  return { statusCode: status, headers: { "content-type": "application/problem+json", "cache-control": "no-store", ...headers }, body: JSON.stringify(body) };
}
