import middy from "@middy/core";
import httpRouter from "@middy/http-router";
import type { APIGatewayProxyEventV2WithJWTAuthorizer as Event, APIGatewayProxyStructuredResultV2 as Result } from "aws-lambda";
import * as z from "zod/mini";
import { PATH_PARAMETERS } from "../contracts/parameters.ts";
import type { Limit, Method, Route, SubscriberRoute } from "../contracts/route.ts";
import { CallerUnknown, type Clock, type Log, OutcomeUnknown, type Quotas } from "../domain/ports.ts";
import { quotaHour } from "../domain/quota.ts";
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
  /** The caller's own name of this one wish. Throws 428 where there is none. */
  readonly idempotencyKey: () => string;
}

export interface ApiResponse {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One route of a function, and how it answers. */
export interface ApiRoute {
  readonly method: Method;
  readonly path: string;
  readonly limit?: Limit | undefined;
  /** `admit` throws when its caller has done this too often; whoever signs what he sends is nobody's subscriber, and not counted. */
  readonly respond: (event: Event, admit: Admit) => Promise<Result>;
}

type Admit = (subscriberId: string) => Promise<void>;

/** Where the calls of routes with a limit are counted. */
export interface QuotaPorts {
  readonly quotas: Quotas;
  readonly clock: Clock;
  /** For routes that only ask outside, each by itself. */
  readonly requestsPerHour: number;
}

type BodyOf<Contract extends Route> = Contract extends { readonly body: infer Shape extends z.core.$ZodType } ? z.core.output<Shape> : undefined;

/** A route as its contract has it, answered by a step. The step counts (`admit`) where the contract leaves that to it. */
export function route<const Contract extends SubscriberRoute>(
  contract: Contract,
  step: (request: ApiRequest<BodyOf<Contract>>, admit: () => Promise<void>) => Promise<ApiResponse>,
): ApiRoute {
  const { method, path, limit } = contract;
  return {
    method,
    path,
    limit,
    async respond(event, admit) {
      const request = requestFrom(event, contract);
      const admitCaller = () => admit(request.subscriberId);
      if (limit?.counts !== "asking") await admitCaller(); // after the body was judged: what makes no sense costs no write
      return toGateway(checked(await step(request, admitCaller), contract));
    },
  };
}

/** The answer as its contract has it. Throws when it is not what was promised: a fault of ours, which tests find. */
function checked(response: ApiResponse, { replies, method, path }: Route): ApiResponse {
  const { status, body, headers = {} } = response;
  const promised = replies[status];
  const isPromised = promised !== undefined && (promised.body === undefined) === (body === undefined);
  if (!isPromised || Object.keys(headers).toSorted().join() !== [...(promised.headers ?? [])].toSorted().join()) {
    throw new Error(`${method} ${path} does not say that it answers ${status} like this`);
  }
  return promised.body === undefined ? response : { ...response, body: z.parse(promised.body, body) as object };
}

/**
 * On every answer: data for programs, which no browser may show as a page, run, frame, keep or tell other sites of.
 *
 * Source: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
 */
export const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=63072000; includeSubDomains", // two years
  "x-content-type-options": "nosniff",
} as const;

/**
 * The one pipeline of every HTTP function: route, parse, count, answer; and every error as problem+json.
 *
 * A function with a route that the contract limits must be given where to count. An answer's own headers stand before those of all answers.
 */
export function apiHandler(log: Log, routes: readonly ApiRoute[], quotaPorts?: QuotaPorts) {
  const router = httpRouter<Event, Result>(
    routes.map((each) => {
      const admit = admitter(each, quotaPorts);
      return { method: each.method, path: each.path, handler: (event: Event) => each.respond(event, admit) };
    }),
  );
  return middy<Event, Result>()
    .use({
      after: (request) => {
        request.response = secured(request.response);
      },
      onError: (request) => {
        const problem = asProblem(request.error);
        if (problem.status >= 500) log.error("request-failed", { error: request.error });
        request.response = secured(problemResponse(problem));
      },
    })
    .handler<Event, Result>(router);
}

function secured(answer: Result | null | undefined): Result {
  return { ...answer, headers: { ...SECURITY_HEADERS, ...answer?.headers } };
}

/** Counts a caller's calls of a route, and throws at one too many. */
function admitter({ method, path, limit }: ApiRoute, ports: QuotaPorts | undefined): Admit {
  if (limit === undefined) return async () => {};
  if (ports === undefined) throw new Error(`${method} ${path} is limited, and its function has nowhere to count`);
  const perHour = limit.perHour === "stage" ? ports.requestsPerHour : limit.perHour;
  return async (subscriberId) => {
    const now = ports.clock.now();
    if (await ports.quotas.take({ subscriberId, name: `${method} ${path}`, perHour, now })) return;
    throw new HttpProblem(429, "too-many-requests", `You can do this ${perHour} times an hour: try again later`, [], {
      "retry-after": String(quotaHour(now).endsInSeconds),
    });
  };
}

const pathParams = z.partial(z.object(PATH_PARAMETERS));

function requestFrom<Contract extends SubscriberRoute>(event: Event, contract: Contract): ApiRequest<BodyOf<Contract>> {
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
    page: contract.query?.includes("page") === true ? event.queryStringParameters?.page : undefined,
    body: bodyFrom(event, contract.body) as BodyOf<Contract>, // TypeScript cannot follow the schema through the contract
    expectedVersion: () => {
      if (contract.headers?.includes("if-match") !== true) throw new Error(`${contract.method} ${contract.path} does not say that it takes If-Match`);
      return versionFrom(event.headers["if-match"]);
    },
    idempotencyKey: () => {
      if (contract.headers?.includes("idempotency-key") !== true)
        throw new Error(`${contract.method} ${contract.path} does not say that it takes Idempotency-Key`);
      return keyFrom(event.headers["idempotency-key"]);
    },
  };
}

function bodyFrom(event: Event, shape: z.core.$ZodType | undefined): unknown {
  if (shape === undefined) return undefined;
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

function keyFrom(key: string | undefined): string {
  if (key === undefined) {
    throw new HttpProblem(
      428,
      "idempotency-key-required",
      "Send an Idempotency-Key of your own, e.g. a UUID, so that a repeated request is no second recharge",
    );
  }
  if (!/^[!-~]{8,255}$/.test(key))
    throw new HttpProblem(400, "invalid-idempotency-key", "Idempotency-Key must be 8 to 255 visible ASCII characters, e.g. a UUID");
  return key;
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
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
}
