import { createServer } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type HttpApi, type HttpApiOptions, type HttpRoute, routeTable, startHttpApi } from "../../local/cloud/http-api.ts";
import { tokenBucket } from "../../local/cloud/throttle.ts";

const CLIENT = "web-client";
const SCOPE = "auto-recharge/manage";

/** An issuer that serves a discovery document and its keys. */
async function startIssuer() {
  const { privateKey, publicKey } = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "RS256" };
  const server = createServer((request, response) => {
    const body = request.url === "/keys" ? { keys: [jwk] } : { issuer: url, jwks_uri: `${url}/keys` };
    response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  return { url, privateKey, close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) };
}

let issuer: Awaited<ReturnType<typeof startIssuer>>;
const open: HttpApi[] = [];
beforeAll(async () => {
  issuer = await startIssuer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.close()));
});
afterAll(() => issuer.close());

interface Answered {
  readonly events: unknown[];
  readonly errors: unknown[];
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>;
}

/** A gateway whose function answers with `result`. */
async function start(routes: readonly Partial<HttpRoute>[], result: (functionName: string) => unknown, more: Partial<HttpApiOptions> = {}): Promise<Answered> {
  const events: unknown[] = [];
  const errors: unknown[] = [];
  const api = await startHttpApi({
    apiId: "api",
    routes: routes.map((route) => ({ routeKey: "$default", functionName: "work", timeoutMilliseconds: 30_000, ...route })),
    invoke: async (functionName, event) => {
      events.push(event);
      return result(functionName);
    },
    port: 0,
    onError: (error) => errors.push(error),
    ...more,
  });
  open.push(api);
  return { events, errors, fetch: (path, init) => fetch(`${api.url}${path}`, init) };
}

describe("the routes of an HTTP API", () => {
  const keys = ["$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/dog/{id}", "ANY /pets/dog/1", "GET /pets/dog/1", "PUT /v1/rules/{iccid}"];
  const find = routeTable(keys.map((routeKey) => ({ routeKey, functionName: "x", timeoutMilliseconds: 1 })));

  it.each<[string, string, string, object]>([
    ["GET", "/pets/dog/1", "GET /pets/dog/1", {}],
    ["POST", "/pets/dog/1", "ANY /pets/dog/1", {}],
    ["GET", "/pets/dog/2", "GET /pets/dog/{id}", { id: "2" }],
    ["GET", "/pets/cat/1/tail", "GET /pets/{proxy+}", { proxy: "cat/1/tail" }],
    ["POST", "/pets/dog/2", "ANY /{proxy+}", { proxy: "pets/dog/2" }],
    ["PUT", "/v1/rules/89", "PUT /v1/rules/{iccid}", { iccid: "89" }],
    ["PUT", "/v1/rules/", "ANY /{proxy+}", { proxy: "v1/rules/" }],
    ["GET", "/", "$default", {}],
  ])("%s %s is taken by %s", (method, path, routeKey, pathParameters) => {
    expect(find(method, path)).toMatchObject({ route: { routeKey }, pathParameters });
  });
});

describe("an HTTP API", () => {
  it("gives the function an event of format 2.0", async () => {
    const { events, fetch } = await start([{ routeKey: "PUT /v1/rules/{iccid}" }], () => ({ statusCode: 204 }));
    await fetch("/v1/rules/a%20b?tag=1&tag=2&text=x%2Fy", {
      method: "PUT",
      headers: { "Content-Type": "application/json", "X-Trace": "t", Cookie: "a=1; b=2", "user-agent": "test" },
      body: '{"amount":50}',
    });
    expect(events).toEqual([
      {
        version: "2.0",
        routeKey: "PUT /v1/rules/{iccid}",
        rawPath: "/v1/rules/a b",
        rawQueryString: "tag=1&tag=2&text=x%2Fy",
        cookies: ["a=1", "b=2"],
        headers: expect.objectContaining({ "content-type": "application/json", "x-trace": "t", "content-length": "13" }),
        queryStringParameters: { tag: "1,2", text: "x/y" },
        requestContext: {
          accountId: "000000000000",
          apiId: "api",
          domainName: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          domainPrefix: "127",
          http: { method: "PUT", path: "/v1/rules/a b", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "test" },
          requestId: expect.any(String),
          routeKey: "PUT /v1/rules/{iccid}",
          stage: "$default",
          time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
          timeEpoch: expect.any(Number),
        },
        pathParameters: { iccid: "a b" },
        body: '{"amount":50}',
        isBase64Encoded: false,
      },
    ]);
    expect(events[0]).not.toHaveProperty("headers.cookie");
  });

  it("leaves out what a request does not have", async () => {
    const { events, fetch } = await start([{}], () => ({ statusCode: 200 }));
    await fetch("/");
    for (const part of ["cookies", "queryStringParameters", "pathParameters", "body", "requestContext.authorizer"]) expect(events[0]).not.toHaveProperty(part);
    expect(events[0]).toHaveProperty("isBase64Encoded", false);
  });

  it("encodes a body that is no text", async () => {
    const { events, fetch } = await start([{}], () => ({ statusCode: 200 }));
    await fetch("/", { method: "POST", headers: { "content-type": "application/octet-stream" }, body: new Uint8Array([0, 255]) });
    expect(events[0]).toMatchObject({ body: "AP8=", isBase64Encoded: true });
  });

  it("sends what the function says", async () => {
    const result = { statusCode: 201, headers: { ETag: '"1"', "X-Count": 2 }, cookies: ["a=1", "b=2"], body: "aMOkbGxv", isBase64Encoded: true };
    const { fetch } = await start([{}], () => result);
    const response = await fetch("/");
    expect(response.status).toBe(201);
    expect([response.headers.get("etag"), response.headers.get("x-count"), response.headers.get("content-type")]).toEqual([
      '"1"',
      "2",
      "text/plain; charset=utf-8",
    ]);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe("hällo");
  });

  it.each<[unknown, string]>([
    [{ hello: "world" }, '{"hello":"world"}'],
    ["hello", "hello"],
    [[1], "[1]"],
  ])("takes a result without a status as a body: %j", async (result, body) => {
    const { fetch } = await start([{}], () => result);
    const response = await fetch("/");
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([200, "application/json", body]);
  });

  it.each<[string, unknown]>([
    ["a status that is a text", { statusCode: "200" }],
    ["a body that is an object", { statusCode: 200, body: {} }],
  ])("answers 500 to %s", async (_name, result) => {
    const { fetch, errors } = await start([{}], () => result);
    const response = await fetch("/");
    expect([response.status, await response.json()]).toEqual([500, { message: "Internal Server Error" }]);
    expect(String(errors[0])).toContain("cannot map");
  });

  it("answers 500 when the function fails", async () => {
    const { fetch, errors } = await start([{}], () => {
      throw new Error("broken");
    });
    const response = await fetch("/");
    expect([response.status, await response.json()]).toEqual([500, { message: "Internal Server Error" }]);
    expect(errors).toEqual([new Error("broken")]);
  });

  it("answers 503 when the function takes longer than the integration allows", async () => {
    const { fetch } = await start([{ timeoutMilliseconds: 50 }], () => new Promise(() => {}));
    const response = await fetch("/");
    expect([response.status, await response.json()]).toEqual([503, { message: "Service Unavailable" }]);
  });

  it.each([
    ["an unknown path", "GET", "/v2"],
    ["another method", "POST", "/v1"],
    ["a path that cannot be decoded", "GET", "/%ff"],
    ["a path that looks like a host", "GET", "//v1"],
  ])("answers 404 to %s", async (_name, method, path) => {
    const { fetch } = await start([{ routeKey: "GET /v1" }], () => ({ statusCode: 200 }));
    const response = await fetch(path, { method });
    expect([response.status, await response.json()]).toEqual([404, { message: "Not Found" }]);
  });

  it("answers 413 to more than 10 MB", async () => {
    const { fetch, events } = await start([{}], () => ({ statusCode: 200 }));
    const response = await fetch("/", { method: "POST", body: new Uint8Array(10 * 1024 * 1024 + 1) });
    expect([response.status, await response.json()]).toEqual([413, { message: "Request Entity Too Large" }]);
    expect(events).toEqual([]);
  });

  it("leaves to the stack what is the stack's own", async () => {
    const { fetch, events } = await start([{}], () => ({ statusCode: 200 }), {
      handleLocal: (request, response) => {
        if (request.url !== "/local/clock") return false;
        response.end("noon");
        return true;
      },
    });
    expect(await (await fetch("/local/clock")).text()).toBe("noon");
    expect(events).toEqual([]);
    expect((await fetch("/")).status).toBe(200);
  });
});

describe("a route with a JWT authorizer", () => {
  const claims = { client_id: CLIENT, sub: "alice", scope: `openid ${SCOPE}`, admin: true, groups: ["a", "b"] };

  function sign(more: object = {}, key = issuer.privateKey) {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ ...claims, iss: issuer.url, iat: now, exp: now + 60, ...more }).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(key);
  }

  async function call(token: string | undefined, issuerUrl = issuer.url) {
    const jwt = { issuer: issuerUrl, audience: [CLIENT], scopes: [SCOPE, "auto-recharge/read"] };
    const { fetch, events, errors } = await start([{ routeKey: "GET /v1", jwt }], () => ({ statusCode: 200 }));
    const response = await fetch("/v1", { headers: token === undefined ? {} : { authorization: token } });
    return { response, events, errors };
  }

  it("lets a token with one of its scopes in, and hands its claims over as texts", async () => {
    const { response, events } = await call(`Bearer ${await sign()}`);
    expect(response.status).toBe(200);
    expect(events[0]).toMatchObject({
      requestContext: {
        authorizer: {
          jwt: {
            claims: { sub: "alice", client_id: CLIENT, admin: "true", groups: "[a b]", exp: expect.stringMatching(/^\d+$/), iss: issuer.url },
            scopes: ["openid", SCOPE],
          },
        },
      },
    });
  });

  it("takes a token without the word Bearer, and an audience instead of a client", async () => {
    expect((await call(await sign({ client_id: undefined, aud: ["other", CLIENT] }))).response.status).toBe(200);
  });

  it("answers 403 to a token without one of its scopes", async () => {
    const { response, events } = await call(`Bearer ${await sign({ scope: "openid" })}`);
    expect([response.status, await response.json()]).toEqual([403, { message: "Forbidden" }]);
    expect(events).toEqual([]);
  });

  it.each<[string, object]>([
    ["of another issuer", { iss: "http://127.0.0.1:9" }],
    ["for another client", { client_id: "other" }],
    ["for another audience, whatever its client", { aud: "other" }],
    ["that has expired", { exp: Math.floor(Date.now() / 1000) - 5 }],
    ["that never expires", { exp: undefined }],
    ["that is not yet valid", { nbf: Math.floor(Date.now() / 1000) + 60 }],
    ["of the future", { iat: Math.floor(Date.now() / 1000) + 60 }],
  ])("answers 401 to a token %s", async (_name, more) => {
    const { response, events } = await call(`Bearer ${await sign(more)}`);
    expect([response.status, await response.json()]).toEqual([401, { message: "Unauthorized" }]);
    expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
    expect(events).toEqual([]);
  });

  it("answers 401 to a token that somebody else signed", async () => {
    const { privateKey } = await generateKeyPair("RS256");
    expect((await call(`Bearer ${await sign({}, privateKey)}`)).response.status).toBe(401);
  });

  it("answers 401 to no token and to none at all", async () => {
    expect((await call(undefined)).response.headers.get("www-authenticate")).toBe("Bearer");
    expect((await call("Bearer nonsense")).response.status).toBe(401);
  });

  it("answers 401 when the issuer cannot be reached, and says so", async () => {
    const { response, errors } = await call(`Bearer ${await sign()}`, "http://127.0.0.1:9");
    expect(response.status).toBe(401);
    expect(String(errors[0])).toContain("OIDC discovery at http://127.0.0.1:9/.well-known/openid-configuration failed");
  });
});

describe("an HTTP API that other origins may call", () => {
  const SITE = "https://app.example.com";
  const cors = {
    allowOrigins: [SITE, "https://other.example.com"],
    allowMethods: ["GET", "PUT"],
    allowHeaders: ["authorization", "if-match"],
    exposeHeaders: ["etag"],
    maxAgeSeconds: 600,
  };
  const routes = [{ routeKey: "PUT /v1/rules/{iccid}" }, { routeKey: "OPTIONS /own" }];
  const open = (result: object = { statusCode: 200 }) => start(routes, () => result, { cors });
  const preflight = (origin: string) => ({ method: "OPTIONS", headers: { origin, "access-control-request-method": "PUT" } });
  const corsHeaders = ({ headers }: Response) => Object.fromEntries([...headers].filter(([name]) => name.startsWith("access-control-")));

  it("answers the browser's question by itself, whatever the path and without a token", async () => {
    const { fetch, events } = await open();
    for (const path of ["/v1/rules/89", "/nothing"]) {
      const response = await fetch(path, preflight(SITE));
      expect([response.status, await response.text()]).toEqual([204, ""]);
      expect(corsHeaders(response)).toEqual({
        "access-control-allow-origin": SITE,
        "access-control-allow-methods": "GET,PUT",
        "access-control-allow-headers": "authorization,if-match",
        "access-control-max-age": "600",
      });
    }
    expect(events).toEqual([]);
  });

  it("lets no other origin read anything", async () => {
    const { fetch } = await open();
    for (const origin of ["https://evil.example", "https://app.example.com.evil.example", "null", `${SITE}:8443`]) {
      expect(corsHeaders(await fetch("/v1/rules/89", preflight(origin)))).toEqual({});
      expect(corsHeaders(await fetch("/v1/rules/89", { method: "PUT", headers: { origin } }))).toEqual({});
    }
  });

  it("lets an allowed one read what the function answers, and says so in the function's place", async () => {
    const { fetch } = await open({ statusCode: 409, headers: { etag: '"1"', "Access-Control-Allow-Origin": "*", "access-control-allow-credentials": "true" } });
    const response = await fetch("/v1/rules/89", { method: "PUT", headers: { origin: SITE } });
    expect([response.status, corsHeaders(response)]).toEqual([409, { "access-control-allow-origin": SITE, "access-control-expose-headers": "etag" }]);
  });

  it("lets an allowed one, and no other, read what the gateway answers by itself", async () => {
    const jwt = { issuer: issuer.url, audience: [CLIENT], scopes: [] };
    const guarded = [{ routeKey: "GET /own", jwt }, { routeKey: "GET /slow", throttle: { perSecond: 0.001, burst: 0 } }, { routeKey: "GET /broken" }];
    const { fetch } = await start(guarded, () => Promise.reject(new Error("The function failed")), { cors });
    for (const [path, status] of [
      ["/own", 401],
      ["/slow", 429],
      ["/broken", 500],
      ["/nothing", 404],
    ] as const) {
      const allowed = await fetch(path, { headers: { origin: SITE } });
      expect([allowed.status, corsHeaders(allowed)]).toEqual([status, { "access-control-allow-origin": SITE, "access-control-expose-headers": "etag" }]);
      expect(corsHeaders(await fetch(path, { headers: { origin: "https://evil.example" } }))).toEqual({});
    }
  });

  it("leaves a question to the function that has a route for it, and refuses what is no question", async () => {
    const { fetch, events } = await open();
    await fetch("/own", preflight(SITE));
    expect(events).toHaveLength(1);
    expect((await fetch("/v1/rules/89", { method: "OPTIONS", headers: { origin: SITE } })).status).toBe(404);
  });

  it("answers nobody's question unless it is told to", async () => {
    const { fetch } = await start(routes, () => ({ statusCode: 200 }));
    expect((await fetch("/v1/rules/89", preflight(SITE))).status).toBe(404);
  });
});

describe("a throttled route", () => {
  it("takes a burst, and tells the rest to come later, before their tokens are looked at", async () => {
    const throttle = { perSecond: 0.001, burst: 2 };
    const jwt = { issuer: issuer.url, audience: [CLIENT], scopes: [] };
    const { fetch, errors } = await start([{ routeKey: "GET /slow", throttle, jwt }, { routeKey: "GET /other" }], () => ({ statusCode: 200 }));
    const statuses = [await fetch("/slow"), await fetch("/slow"), await fetch("/slow")].map(({ status }) => status);
    expect(statuses).toEqual([401, 401, 429]);
    expect(await (await fetch("/slow")).json()).toEqual({ message: "Too Many Requests" });
    expect((await fetch("/other")).status).toBe(200);
    expect(String(errors.at(-1))).toContain("GET /slow is asked for too often");
  });

  it("has its tokens back with time, and never more than a burst of them", () => {
    let now = 0;
    const take = tokenBucket({ perSecond: 2, burst: 3 }, () => now);
    const taken = () => [1, 2, 3, 4].map(take);
    expect(taken()).toEqual([true, true, true, false]);
    now = 499;
    expect(take()).toBe(false);
    now = 1000;
    expect(taken()).toEqual([true, true, false, false]);
    now = 3_600_000;
    expect(taken()).toEqual([true, true, true, false]);
  });
});
