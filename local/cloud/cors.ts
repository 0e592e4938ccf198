import type { IncomingHttpHeaders } from "node:http";

/** Which pages of other origins may call an HTTP API from a browser, and how. */
export interface CorsRules {
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds: number | undefined;
}

type Headers = Readonly<Record<string, string>>;

/** Whether a browser asks if it may send a request. */
export function isPreflight(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

/** What API Gateway answers a preflight with, whatever the path: nothing, and so no, for an origin that is not allowed. */
export function preflightHeaders(rules: CorsRules, origin: string | undefined): Headers {
  if (origin === undefined || !rules.allowOrigins.includes(origin)) return {};
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": rules.allowMethods.join(","),
    "access-control-allow-headers": rules.allowHeaders.join(","),
    ...(rules.maxAgeSeconds !== undefined && { "access-control-max-age": String(rules.maxAgeSeconds) }),
  };
}

/**
 * Headers as they go to the caller: the gateway's word on other origins takes the place of a function's, and stands on the gateway's own answers (401, 429, ...), too.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html, which speaks of integrations' answers only.
 */
export function withCors<Value>(
  headers: Readonly<Record<string, Value>>,
  rules: CorsRules | undefined,
  origin: string | undefined,
): Readonly<Record<string, Value | string>> {
  if (rules === undefined) return headers;
  const own = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("access-control-")));
  if (origin === undefined || !rules.allowOrigins.includes(origin)) return own;
  const exposed = rules.exposeHeaders.length > 0 && { "access-control-expose-headers": rules.exposeHeaders.join(",") };
  return { ...own, "access-control-allow-origin": origin, ...exposed };
}
