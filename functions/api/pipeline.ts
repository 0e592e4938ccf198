import middy from "@middy/core";
import httpRouter from "@middy/http-router";
import type { APIGatewayProxyEventV2WithJWTAuthorizer as Event, APIGatewayProxyStructuredResultV2 as Result } from "aws-lambda";
import * as z from "zod/mini";
import type { Method } from "../contracts/routes.ts";
import { iccid } from "../contracts/rules.ts";
import { CallerUnknown, type Log, OutcomeUnknown } from "../domain/ports.ts";
import type { Problem } from "../domain/rule.ts";
import { parseJsonBody } from "./json-body.ts";
import { HttpProblem, pointerTo, problemResponse } from "./problem.ts";

/** What a step gets of a request: parsed, and whose it is. */
export interface ApiRequest<Body> {
  /** The `sub` of the verified token. */
  readonly subscriberId: string;
  /** The token itself, to ask the issuer who that is. */
  readonly accessToken: string;
  /** The parameters of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly page: string | undefined;
  readonly body: Body;
  /** The version that the caller changes. Throws 428 where it was not named. */
  readonly expectedVersion: () => number;
}

export interface ApiResponse {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One route of a function: what its body must be, and the step that answers it. */
export interface ApiRoute {
  readonly method: Method;
  readonly path: string;
  readonly respond: (event: Event) => Promise<Result>;
}

export function route<Shape extends z.core.$ZodType = z.core.$ZodUndefined>(
  method: Method,
  path: string,
  step: (request: ApiRequest<z.core.output<Shape>>) => Promise<ApiResponse>,
  { body, reply }: RouteShapes<Shape> = {},
): ApiRoute {
  return { method, path, respond: async (event) => toGateway(checked(await step(requestFrom(event, body)), reply)) };
}

/** What a route takes, and what it answers when all is well. */
export interface RouteShapes<Shape extends z.core.$ZodType> {
  readonly body?: Shape;
  /** Of the body of every good answer: what it does not name never leaves us. */
  readonly reply?: z.core.$ZodType;
}

/** The answer as its schema has it. Throws when it is not what was promised: a fault of ours, which tests find. */
function checked(response: ApiResponse, shape: z.core.$ZodType | undefined): ApiResponse {
  if (shape === undefined || response.body === undefined) return response;
  return { ...response, body: z.parse(shape, response.body) as object };
}

/** The one pipeline of every HTTP function: route, parse, answer; and every error as problem+json. */
export function apiHandler(log: Log, routes: readonly ApiRoute[]) {
  const router = httpRouter<Event, Result>(routes.map(({ method, path, respond }) => ({ method, path, handler: respond })));
  return middy<Event, Result>()
    .use({
      onError: (request) => {
        const problem = asProblem(request.error);
        if (problem.status >= 500) log.error("request-failed", { error: request.error });
        request.response = problemResponse(problem);
      },
    })
    .handler<Event, Result>(router);
}

const pathParams = z.object({
  iccid: z.optional(iccid),
  paymentMethodId: z.optional(z.string().check(z.regex(/^pm_[A-Za-z0-9_]{1,100}$/, { error: "is not the id of a way to pay" }))),
  rechargeId: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "is not the id of a recharge" }))),
});

function requestFrom<Shape extends z.core.$ZodType>(event: Event, shape: Shape | undefined): ApiRequest<z.core.output<Shape>> {
  const { sub } = event.requestContext.authorizer.jwt.claims;
  if (typeof sub !== "string" || sub === "") throw new HttpProblem(403, "no-subject", "The token names nobody");
  const params = z.safeParse(pathParams, event.pathParameters ?? {});
  // No line has such a number, so it is not the caller's line either.
  if (!params.success)
    throw new HttpProblem(404, "not-found", `${params.error.issues[0]?.path.join(".") ?? "The path"} ${params.error.issues[0]?.message ?? "is not valid"}`);
  return {
    subscriberId: sub,
    accessToken: (event.headers.authorization ?? "").replace(/^Bearer\s+/i, ""),
    params: Object.fromEntries(Object.entries(params.data).filter((entry): entry is [string, string] => entry[1] !== undefined)),
    page: event.queryStringParameters?.page,
    body: bodyFrom(event, shape),
    expectedVersion: () => versionFrom(event.headers["if-match"]),
  };
}

function bodyFrom<Shape extends z.core.$ZodType>(event: Event, shape: Shape | undefined): z.core.output<Shape> {
  if (shape === undefined) return undefined as z.core.output<Shape>;
  const result = z.safeParse(shape, parseJsonBody(event));
  if (result.success) return result.data;
  throw new HttpProblem(400, "invalid-body", "The body is not what this route takes", result.error.issues.flatMap(problemsOf));
}

/** Where a schema's issue stands and what would be right, which each schema of a body says itself. */
function problemsOf(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => ({ pointer: pointerTo([...issue.path, key]), detail: "is not a field of this body" }));
  return [{ pointer: pointerTo(issue.path), detail: issue.message }];
}

function versionFrom(ifMatch: string | undefined): number {
  if (ifMatch === undefined) {
    throw new HttpProblem(428, "if-match-required", "Send the ETag of the rule that you change in If-Match, so that no change of somebody else is lost");
  }
  const version = /^"(0|[1-9]\d{0,14})"$/.exec(ifMatch)?.[1];
  if (version === undefined) throw new HttpProblem(400, "invalid-if-match", 'If-Match must be the ETag of a rule, e.g. "3" with its quotes');
  return Number(version);
}

function asProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof Error && error.name === "InvalidPage") return new HttpProblem(400, "invalid-page", "page must be the `next` of this list's last answer");
  if (error instanceof CallerUnknown)
    return new HttpProblem(403, "caller-unknown", "The issuer does not say who you are: sign in again, with the scope openid");
  if (error instanceof OutcomeUnknown)
    return new HttpProblem(503, "try-again", "A system that we depend on does not answer; nothing was changed", [], { "retry-after": "5" });
  // What middy's router says, in our words.
  if (error instanceof Error && "statusCode" in error && error.statusCode === 404) return new HttpProblem(404, "not-found", "There is no such route");
  return new HttpProblem(500, "internal", "Something went wrong on our side");
}

function toGateway({ status, body, headers }: ApiResponse): Result {
  return {
    statusCode: status,
    headers: { ...(body !== undefined && { "content-type": "application/json" }), "cache-control": "no-store", ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}
