import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type JWK, type JWTHeaderParameters, SignJWT, UnsecuredJWT } from "jose";
import { apiHandler } from "../../functions/api/pipeline.ts";
import { RESOURCE_SERVER, SCOPES } from "../../functions/contracts/route.ts";
import { ROUTES } from "../../functions/contracts/routes.ts";
import { type HttpApi, startHttpApi } from "../../local/cloud/http-api.ts";
import { type Issuer, startIssuer } from "../../local/cloud/issuer.ts";
import { memoryRecords } from "../../local/records.ts";
import { ICCID, METHOD, NOW, SUBSCRIBER } from "../builders.ts";
import { type ApiCall, type ApiWorld, apiRoutes, callGateway, STRANGER } from "./api-world.ts";
import { checkDocumented } from "./documented.ts";
import { GOOD, goodCallOf, knownCaller, SPARE, TERMS, watched } from "./good-calls.ts";

/**
 * Every route that asks for a token, called over HTTP with every kind of token that is not its caller's, through the local gateway with tokens of the local
 * issuer. What is deployed has these routes, scopes and authorizer: test/infra/promises.test.ts.
 */

const CLIENT = "web";
const RECORDS = memoryRecords();
const HOUR_SECONDS = 3600;
/** Whatever names something of the owner's. */
const OWNERS = [SUBSCRIBER, ICCID, METHOD.id, SPARE, TERMS.termsHash, "re_0", "re_1", `${SUBSCRIBER}@example.com`];

let issuer: Issuer;
let otherIssuer: Issuer;
let api: HttpApi;
/** What the gateway calls, and what was done by it. */
let world: ApiWorld;
let functions: ReturnType<typeof apiHandler>;
let acts: readonly string[];
let invocations: number;

beforeAll(async () => {
  const people = { clients: [{ clientId: CLIENT, redirectUris: ["http://127.0.0.1/signed-in"] }], users: [{ sub: SUBSCRIBER }, { sub: STRANGER }] };
  const resourceServer = { identifier: RESOURCE_SERVER, scopes: Object.keys(SCOPES) };
  issuer = await startIssuer({ ...people, resourceServer, records: RECORDS });
  otherIssuer = await startIssuer({ ...people, resourceServer });
  api = await startHttpApi({
    apiId: "api",
    port: 0,
    onError: () => {}, // says why a token was refused
    routes: ROUTES.map(({ method, path, scope, function: functionName }) => ({
      routeKey: `${method} ${path}`,
      functionName,
      timeoutMilliseconds: 29_000,
      jwt: { issuer: issuer.issuer, audience: [CLIENT], scopes: [`${RESOURCE_SERVER}/${scope}`] },
    })),
    invoke: async (_, event) => {
      invocations += 1;
      return callGateway(functions, event);
    },
  });
});

afterAll(async () => {
  await Promise.all([api.close(), issuer.close(), otherIssuer.close()]);
});

/** The owner's world, as each call finds it; the stranger is known in it too. */
async function begin(call: ApiCall): Promise<void> {
  world = await knownCaller(call);
  await world.ports.subscribers.putProfile({ subscriberId: STRANGER, email: `${STRANGER}@example.com`, verifiedAt: NOW });
  const seen = watched(world.ports);
  acts = seen.acts;
  invocations = 0;
  functions = apiHandler(world.ports.log, Object.values(apiRoutes(seen.ports)).flat(), seen.ports);
}

async function send({ method, path, body, headers }: ApiCall, token: string | undefined) {
  const response = await fetch(api.url + path, {
    method,
    headers: {
      ...headers,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = { status: response.status, headers: Object.fromEntries(response.headers), body: text === "" ? undefined : JSON.parse(text) };
  checkDocumented({ method, path }, answer);
  return { ...answer, text };
}

const allScopes = Object.keys(SCOPES).map((scope) => `${RESOURCE_SERVER}/${scope}`);
const claimsNow = (changes: object) => {
  const now = Math.floor(Date.now() / 1000);
  const scope = ["openid", ...allScopes].join(" ");
  return { iss: issuer.issuer, sub: SUBSCRIBER, client_id: CLIENT, token_use: "access", scope, iat: now, exp: now + HOUR_SECONDS, ...changes };
};

/** As the issuer signs, with other claims. */
function signed(changes: object, header: Partial<JWTHeaderParameters> = {}): Promise<string> {
  const key = RECORDS.get<JWK>("signing-key", "RS256") ?? {};
  return new SignJWT(claimsNow(changes)).setProtectedHeader({ alg: "RS256", kid: key.kid, ...header }).sign(key);
}

/** Tokens that open nothing, though they name the owner and every scope. */
const BAD_TOKENS: readonly (readonly [says: string, token: () => string | undefined | Promise<string>])[] = [
  ["no token", () => undefined],
  ["a text that is no token", () => "token"],
  ["an expired token", () => signed({ exp: Math.floor(Date.now() / 1000) - 1, iat: 0 })],
  ["a token that never expires", () => signed({ exp: undefined })],
  ["a token of tomorrow", () => signed({ iat: Math.floor(Date.now() / 1000) + 24 * HOUR_SECONDS, exp: Math.floor(Date.now() / 1000) + 48 * HOUR_SECONDS })],
  ["a token for another audience", () => signed({ client_id: "another-app" })],
  ["a token with another audience beside the client", () => signed({ aud: "another-app" })],
  ["a token of another issuer", () => otherIssuer.issueToken({ sub: SUBSCRIBER, clientId: CLIENT })],
  ["a token that another issuer signed in our issuer's name", () => signed({}, { kid: "another-key" })],
  ["an unsigned token (alg none)", () => new UnsecuredJWT(claimsNow({})).encode()],
  ["a token without its signature", async () => `${(await signed({})).split(".").slice(0, 2).join(".")}.`],
  ["a token signed with what everybody knows (HS256)", () => symmetric()],
  ["a token with another subject than was signed", async () => withSubject(await signed({}), STRANGER)],
];

function symmetric(): Promise<string> {
  const key = RECORDS.get<JWK>("signing-key", "RS256") ?? {};
  return new SignJWT(claimsNow({})).setProtectedHeader({ alg: "HS256", kid: key.kid }).sign(new TextEncoder().encode(`${key.n}`));
}

function withSubject(token: string, sub: string): string {
  const [header, payload = "", signature] = token.split(".");
  const claims: object = JSON.parse(Buffer.from(payload, "base64url").toString());
  return [header, Buffer.from(JSON.stringify({ ...claims, sub })).toString("base64url"), signature].join(".");
}

/** What the store holds of the owner. */
async function ownersRecords(): Promise<string> {
  const { esims, subscribers, recharges, cards } = world.ports;
  return JSON.stringify([
    await esims.load(ICCID),
    await subscribers.getProfile(SUBSCRIBER),
    await subscribers.listMethods(SUBSCRIBER),
    await subscribers.getCustomer(SUBSCRIBER),
    await recharges.listBills(SUBSCRIBER),
    await cards.listDeclines(METHOD.cardKey),
  ]);
}

it("has a good call of every route to begin with", () => {
  expect(Object.keys(GOOD).toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
});

describe.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))("%s", (_, route) => {
  const call = goodCallOf(route);

  it("is answered to its owner, with its own scope alone", async () => {
    await begin(call);
    const { status } = await send(call, await issuer.issueToken({ sub: SUBSCRIBER, clientId: CLIENT, scopes: [route.scope] }));
    expect(status).toBeLessThan(300);
    expect(invocations).toBe(1);
  });

  it.each(BAD_TOKENS)("is not reached with %s", async (_says, token) => {
    await begin(call);
    const { status, body } = await send(call, await token());
    expect([status, body, invocations, acts]).toEqual([401, { message: "Unauthorized" }, 0, []]);
  });

  it("is not reached without its scope, whatever others a token has", async () => {
    await begin(call);
    const others = Object.keys(SCOPES).filter((scope) => scope !== route.scope);
    const token = await issuer.issueToken({ sub: SUBSCRIBER, clientId: CLIENT, scopes: others });
    const { status, body } = await send(call, token);
    expect([status, body, invocations, acts]).toEqual([403, { message: "Forbidden" }, 0, []]);
  });

  it("is not reached with an ID token", async () => {
    await begin(call);
    const { status } = await send(call, await signed({ client_id: undefined, aud: CLIENT, token_use: "id", scope: undefined }));
    expect([status, invocations]).toEqual([403, 0]);
  });

  it("gives a stranger nothing of its owner's, and lets them change nothing of it", async () => {
    await begin(call);
    const before = await ownersRecords();
    const { status, text } = await send(call, await issuer.issueToken({ sub: STRANGER, clientId: CLIENT }));
    const asked = JSON.stringify([call.path, call.body]);
    const named = OWNERS.filter((each) => asked.includes(each));
    if (named.length > 0) {
      expect([403, 404]).toContain(status);
      expect(acts).toEqual([]);
    }
    expect(OWNERS.filter((each) => text.includes(each))).toEqual([]);
    expect(await ownersRecords()).toBe(before);
  });

  it("is refused, where it names somebody, as if there were nothing of that name", async () => {
    const invented = JSON.parse(
      JSON.stringify(call)
        .replaceAll(ICCID, "8986012345678909992")
        .replaceAll("re_1", "re_none")
        .replaceAll(SPARE, "pm_none")
        .replaceAll(TERMS.termsHash, "B".repeat(43)),
    );
    if (invented.path === call.path) return;
    const token = await issuer.issueToken({ sub: STRANGER, clientId: CLIENT });
    await begin(call);
    const theirs = await send(call, token);
    const nobodys = await send(invented, token);
    expect([theirs.status, theirs.body]).toEqual([nobodys.status, nobodys.body]);
  });
});
