import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import { type CorsRules, isPreflight, preflightHeaders, withCors } from "./cors.ts";
import type { InvokeFunction } from "./functions.ts";
import { type JwtIdentity, type JwtRequirement, jwtAuthorizer } from "./jwt-authorizer.ts";
import { LOCAL_ACCOUNT, type PropertiesOf } from "./supported-resources.ts";
import type { StackGraph } from "./template.ts";
import { type Throttle, tokenBucket } from "./throttle.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

/** A route with all that stands behind it. */
export interface HttpRoute {
  /** `GET /v1/rules/{iccid}`, `ANY /{proxy+}` or `$default`. */
  readonly routeKey: string;
  readonly functionName: string;
  readonly timeoutMilliseconds: number;
  /** Missing where everybody may call. */
  readonly jwt?: JwtRequirement | undefined;
  /** Missing where as many may come as want to. */
  readonly throttle?: Throttle | undefined;
}

export interface HttpApiOptions {
  readonly apiId: string;
  readonly routes: readonly HttpRoute[];
  /** Missing where no page of another origin may call. */
  readonly cors?: CorsRules | undefined;
  readonly invoke: InvokeFunction;
  /** On 127.0.0.1; 0 takes any that is free. */
  readonly port: number;
  /** Is asked first; answers true when it has taken the request, even if it has not ended it yet. */
  readonly handleLocal?: (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;
  /** Hears why a request got 401, 403, 429, 500 or 503, which the answer does not tell. */
  readonly onError: (error: unknown) => void;
}

export interface HttpApi {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

/** docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
const MOST_BYTES = 10 * 1024 * 1024;
const LONGEST_INTEGRATION_MILLISECONDS = 30_000;

/** The one HTTP API in the stacks: its routes, its id, and who may call it from other origins. Throws UnsupportedTemplate when there are several, or none that is served. */
export function readHttpApi(graph: StackGraph): { readonly apiId: string; readonly routes: HttpRoute[]; readonly cors: CorsRules | undefined } {
  const [api, ...others] = graph.list("AWS::ApiGatewayV2::Api");
  if (api === undefined || others.length > 0) throw new UnsupportedTemplate("The local stack serves one AWS::ApiGatewayV2::Api: there must be exactly one");
  const [stage, ...otherStages] = graph.list("AWS::ApiGatewayV2::Stage");
  if (stage === undefined || otherStages.length > 0)
    throw new UnsupportedTemplate(`${api.logicalId} must have one stage, $default: without a stage nothing is served`);
  const integrations = new Map(graph.list("AWS::ApiGatewayV2::Integration").map((integration) => [integration.ref, integration.properties]));
  const authorizers = new Map(graph.list("AWS::ApiGatewayV2::Authorizer").map((authorizer) => [authorizer.ref, authorizer.properties]));
  const routes = graph.list("AWS::ApiGatewayV2::Route").map(({ logicalId, properties }): HttpRoute => {
    const integration = integrations.get(properties.Target.replace("integrations/", ""));
    if (integration === undefined) throw new UnsupportedTemplate(`Route ${logicalId} has no integration`);
    const authorizer = properties.AuthorizerId === undefined ? undefined : authorizers.get(properties.AuthorizerId);
    if ((properties.AuthorizationType === "JWT") !== (authorizer !== undefined)) throw new UnsupportedTemplate(`Route ${logicalId} has half an authorizer`);
    return {
      routeKey: properties.RouteKey,
      functionName: integration.IntegrationUri,
      timeoutMilliseconds: integration.TimeoutInMillis ?? LONGEST_INTEGRATION_MILLISECONDS,
      jwt: authorizer && {
        issuer: authorizer.JwtConfiguration.Issuer,
        audience: authorizer.JwtConfiguration.Audience,
        scopes: properties.AuthorizationScopes ?? [],
      },
      throttle: throttleOf(stage.properties, properties.RouteKey),
    };
  });
  for (const routeKey of Object.keys(stage.properties.RouteSettings ?? {})) {
    if (!routes.some((route) => route.routeKey === routeKey)) throw new UnsupportedTemplate(`${stage.logicalId} throttles ${routeKey}, which is no route`);
  }
  return { apiId: api.ref, routes, cors: corsOf(api.properties) };
}

function throttleOf({ DefaultRouteSettings, RouteSettings }: PropertiesOf<"AWS::ApiGatewayV2::Stage">, routeKey: string): Throttle | undefined {
  const settings = RouteSettings?.[routeKey] ?? DefaultRouteSettings;
  return settings && { perSecond: settings.ThrottlingRateLimit, burst: settings.ThrottlingBurstLimit };
}

function corsOf({ CorsConfiguration: cors }: PropertiesOf<"AWS::ApiGatewayV2::Api">): CorsRules | undefined {
  return (
    cors && {
      allowOrigins: cors.AllowOrigins,
      allowMethods: cors.AllowMethods,
      allowHeaders: cors.AllowHeaders,
      exposeHeaders: cors.ExposeHeaders ?? [],
      maxAgeSeconds: cors.MaxAge,
    }
  );
}

/** Serves an HTTP API on 127.0.0.1, with payload format 2.0, as API Gateway does at stage `$default`. */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const { routes, cors, handleLocal, onError } = options;
  const findRoute = routeTable(routes);
  const buckets = new Map(routes.flatMap(({ routeKey, throttle }) => (throttle === undefined ? [] : [[routeKey, tokenBucket(throttle)]])));
  const authorize = jwtAuthorizer();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if ((await handleLocal?.(request, response)) === true) return;
    const requestId = randomUUID();
    response.setHeader("apigw-requestid", requestId);
    const url = new URL(`http://127.0.0.1${request.url ?? "/"}`);
    const path = decodePath(url.pathname);
    const found = path === undefined ? undefined : findRoute(request.method ?? "GET", path);
    if (found === undefined && cors !== undefined && isPreflight(request.method, request.headers)) {
      response.writeHead(204, preflightHeaders(cors, request.headers.origin)).end();
      return;
    }
    // Also for what is answered without a function, so that a page can read why it was refused.
    for (const [name, value] of Object.entries(withCors<string>({}, cors, request.headers.origin))) response.setHeader(name, value);
    if (path === undefined || found === undefined) return refuse(response, 404, "Not Found");
    const { route, pathParameters } = found;

    if (buckets.get(route.routeKey)?.() === false) {
      onError(new Error(`${route.routeKey} is asked for too often`));
      return refuse(response, 429, "Too Many Requests");
    }

    let jwt: JwtIdentity | undefined;
    if (route.jwt !== undefined) {
      const verdict = await authorize(request.headers.authorization, route.jwt);
      if (verdict.kind !== "allowed") {
        onError(new Error(`${request.method} ${path} was ${verdict.kind}: ${verdict.why}`));
        if (verdict.kind === "forbidden") return refuse(response, 403, "Forbidden");
        const error =
          request.headers.authorization === undefined ? "" : ` scope="" error="invalid_token" error_description="${verdict.why.replace(/[^ -~]|"/g, "'")}"`;
        response.setHeader("www-authenticate", `Bearer${error}`);
        return refuse(response, 401, "Unauthorized");
      }
      jwt = verdict.jwt;
    }

    const body = await readBody(request);
    if (body === "too-large") return refuse(response, 413, "Request Entity Too Large");
    const event = eventOf({ request, url, path, body, requestId, apiId: options.apiId, route, pathParameters, jwt });
    const result = await invokeInTime(route, event, options);
    if (result === "too-late") return refuse(response, 503, "Service Unavailable");
    if (result === "failed") return refuse(response, 500, "Internal Server Error");
    const mapped = mapResponse(result.value);
    if (mapped === undefined) {
      onError(new Error(`${route.functionName} answered ${route.routeKey} with a response that API Gateway cannot map: ${JSON.stringify(result.value)}`));
      return refuse(response, 500, "Internal Server Error");
    }
    response.writeHead(mapped.statusCode, withCors<string | string[]>(mapped.headers, cors, request.headers.origin)).end(mapped.body);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, "Internal Server Error");
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(options.port, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : options.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message }));
}

/** HTTP APIs decode a path before they match it; a path that cannot be decoded matches nothing. */
function decodePath(pathname: string): string | undefined {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
}

interface FoundRoute {
  readonly route: HttpRoute;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Finds the most specific route: fixed text before a variable, a variable before a greedy one, a method before ANY, and `$default` last
 * (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html).
 */
export function routeTable(routes: readonly HttpRoute[]): (method: string, path: string) => FoundRoute | undefined {
  const table = routes
    .map((route) => {
      const [method = "", path = ""] = route.routeKey.split(" ");
      const segments = path.split("/").map((segment) => {
        const [, name, greedy] = /^\{(\w+)(\+?)\}$/.exec(segment) ?? [];
        return { segment, name, kind: name === undefined ? 0 : greedy === "" ? 1 : 2 };
      });
      const rank = route.routeKey === "$default" ? "9" : segments.map(({ kind }) => kind).join("") + (method === "ANY" ? "1" : "0");
      return { route, method, segments, rank };
    })
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return (method, path) => {
    const given = path.split("/");
    for (const entry of table) {
      if (entry.route.routeKey === "$default") return { route: entry.route, pathParameters: {} };
      if (entry.method !== method && entry.method !== "ANY") continue;
      const greedy = entry.segments.at(-1)?.kind === 2;
      if (greedy ? given.length < entry.segments.length : given.length !== entry.segments.length) continue;
      const values = entry.segments.map(({ kind }, index) => (kind === 2 ? given.slice(index).join("/") : (given[index] ?? "")));
      if (!entry.segments.every(({ segment, kind }, index) => (kind === 0 ? values[index] === segment : values[index] !== ""))) continue;
      const pathParameters = Object.fromEntries(entry.segments.flatMap(({ name }, index) => (name === undefined ? [] : [[name, values[index] ?? ""]])));
      return { route: entry.route, pathParameters };
    }
    return undefined;
  };
}

/** Reads all of it even if it is too large, since a client that is still sending would not see an answer. */
async function readBody(request: IncomingMessage): Promise<Buffer | "too-large"> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  return bytes <= MOST_BYTES ? Buffer.concat(chunks) : "too-large";
}

interface RequestParts {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly path: string;
  readonly body: Buffer;
  readonly requestId: string;
  readonly apiId: string;
  readonly route: HttpRoute;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly jwt: JwtIdentity | undefined;
}

/** docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, format 2.0. */
function eventOf({ request, url, path, body, requestId, apiId, route, pathParameters, jwt }: RequestParts) {
  const { cookie, ...headers } = joinedHeaders(request);
  const domainName = headers.host ?? "";
  const now = new Date();
  const isText = /^(text\/.*|application\/(.*\+)?(json|xml)|application\/javascript)?(;|$)/i.test(headers["content-type"] ?? "");
  return {
    version: "2.0",
    routeKey: route.routeKey,
    rawPath: path,
    rawQueryString: url.search.slice(1),
    ...(cookie === undefined ? {} : { cookies: cookie.split(/; ?/) }),
    headers,
    ...(url.search.length > 1 ? { queryStringParameters: joinedQuery(url.searchParams) } : {}),
    requestContext: {
      accountId: LOCAL_ACCOUNT,
      apiId,
      ...(jwt === undefined ? {} : { authorizer: { jwt } }),
      domainName,
      domainPrefix: domainName.split(".")[0],
      http: {
        method: request.method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress,
        userAgent: headers["user-agent"] ?? "",
      },
      requestId,
      routeKey: route.routeKey,
      stage: "$default",
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(Object.keys(pathParameters).length === 0 ? {} : { pathParameters }),
    ...(body.length === 0 ? {} : { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function joinedHeaders(request: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.headersDistinct).map(([name, values = []]) => [name.toLowerCase(), values.join(name === "cookie" ? "; " : ",")]),
  );
}

function joinedQuery(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...new Set(query.keys())].map((name) => [name, query.getAll(name).join(",")]));
}

/** `23/Nov/2026:16:00:00 +0000` */
function commonLogTime(at: Date): string {
  const [, day, month, year, time] = at.toUTCString().split(" ");
  return `${day}/${month}/${year}:${time} +0000`;
}

async function invokeInTime({ functionName, timeoutMilliseconds }: HttpRoute, event: object, { invoke, onError }: HttpApiOptions) {
  const waiting = new AbortController();
  try {
    return await Promise.race([
      invoke(functionName, event).then((value) => ({ value })),
      sleep(timeoutMilliseconds, "too-late" as const, { signal: waiting.signal }), // the function goes on, as on AWS
    ]);
  } catch (error) {
    onError(error);
    return "failed";
  } finally {
    waiting.abort();
  }
}

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const responseSchema = z.object({
  statusCode: z.int().check(z.gte(100), z.lte(599)),
  headers: z.nullish(z.record(z.string(), scalar)),
  cookies: z.nullish(z.array(z.string())),
  body: z.nullish(z.string()),
  isBase64Encoded: z.nullish(z.boolean()),
});

/** What goes to the client for a function's result; undefined when API Gateway could not map it. A result without a status is a body. */
function mapResponse(result: unknown) {
  if (typeof result !== "object" || result === null || !("statusCode" in result)) {
    return { statusCode: 200, headers: { "content-type": "application/json" }, body: typeof result === "string" ? result : JSON.stringify(result) };
  }
  const parsed = z.safeParse(responseSchema, result);
  if (!parsed.success) return undefined;
  const { statusCode, headers, cookies, body, isBase64Encoded } = parsed.data;
  const lowered = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));
  return {
    statusCode,
    headers: { "content-type": "text/plain; charset=utf-8", ...lowered, ...(cookies ? { "set-cookie": cookies } : {}) },
    body: Buffer.from(body ?? "", isBase64Encoded === true ? "base64" : "utf8"),
  };
}
