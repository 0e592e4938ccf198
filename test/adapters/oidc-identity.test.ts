import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { afterEach, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { oidcIdentity } from "../../functions/adapters/oidc-identity.ts";
import { CallerUnknown, type IssuerWord, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { startIssuer } from "../../local/cloud/issuer.ts";
import type { IssuerUser } from "../../local/cloud/issuer-users.ts";

const EMAIL = "ada@example.com";
const PHONE = "+8613800000000";

const closers: (() => Promise<void>)[] = [];
async function closeAll(): Promise<void> {
  for (const close of closers.splice(0)) await close();
}
afterEach(closeAll);

/** The local issuer with one user, an adapter for it, and an access token of that user. */
async function issuerOf(user: IssuerUser) {
  const issuer = await startIssuer({
    clients: [{ clientId: "web", redirectUris: ["http://127.0.0.1/"] }],
    users: [user],
    resourceServer: { identifier: "https://recharge.example.com", scopes: ["rules"] },
  });
  closers.push(() => issuer.close());
  return { url: issuer.issuer, identity: oidcIdentity(issuer.issuer), token: await issuer.issueToken({ sub: user.sub, clientId: "web" }) };
}

/** A server that answers as no issuer of ours does. */
async function serverThat(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${z.parse(z.object({ port: z.number() }), server.address()).port}`;
}

/** An issuer whose userinfo says this. Counts how often it is discovered. */
async function issuerSaying(claims: unknown) {
  let discoveries = 0;
  const url = await serverThat((request, response) => {
    const isDiscovery = request.url === "/.well-known/openid-configuration";
    if (isDiscovery) discoveries += 1;
    const userinfoEndpoint = `http://${request.headers.host}/userinfo`;
    response.setHeader("content-type", "application/json").end(JSON.stringify(isDiscovery ? { userinfo_endpoint: userinfoEndpoint } : claims));
  });
  return { identity: oidcIdentity(url), discoveries: () => discoveries };
}

/** An access token with these claims. The gateway has verified it. */
function tokenWith(claims: object): string {
  return ["{}", JSON.stringify(claims), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".");
}

/** What the adapter throws; nothing in its message may name a token or a person. */
async function faultOf(url: string, token = "a.secret.token"): Promise<unknown> {
  const fault: unknown = await oidcIdentity(url)
    .whoIs(token, "ada")
    .catch((thrown: unknown) => thrown);
  expect(String(fault)).not.toMatch(/secret|ada@/);
  return fault;
}

describe("the issuer's word on a caller", () => {
  it.each<[string, Partial<IssuerUser>, IssuerWord]>([
    ["both addresses when both are verified", { emailVerified: true, phoneNumberVerified: true }, { email: EMAIL, phoneNumber: PHONE }],
    ["no phone number that is not verified", { emailVerified: true }, { email: EMAIL, phoneNumber: null }],
    ["no e-mail address that is not verified", { phoneNumberVerified: true }, { email: null, phoneNumber: PHONE }],
    ["no address when none is verified", {}, { email: null, phoneNumber: null }],
  ])("gives %s, as Cognito writes it", async (_, changes, expected) => {
    const { identity, token } = await issuerOf({ sub: "ada", email: EMAIL, phoneNumber: PHONE, ...changes });
    expect(await identity.whoIs(token, "ada")).toEqual(expected);
  });

  it.each<[string, object, IssuerWord]>([
    ["there is none, where its scope was granted", { scope: "openid email phone" }, { email: null, phoneNumber: null }],
    ["nothing is said of it, where its scope was not granted", { scope: "openid phone" }, { phoneNumber: null }],
    ["nothing is said of it, where the token names no scopes", {}, {}],
    ["there is none, where scopes are a list", { scp: ["openid", "email"] }, { email: null }],
  ])("tells of an address that is missing that %s", async (_, payload, expected) => {
    const { identity } = await issuerSaying({ sub: "ada" });
    expect(await identity.whoIs(tokenWith(payload), "ada")).toEqual(expected);
  });

  it("is not asked for with a token without the scope openid, which it would refuse", async () => {
    const { identity, discoveries } = await issuerSaying({ sub: "ada" });
    await expect(identity.whoIs(tokenWith({ scope: "auto-recharge/esims:read" }), "ada")).rejects.toBeInstanceOf(CallerUnknown);
    expect(discoveries()).toBe(0);
  });

  it("is understood where it writes null for what there is not", async () => {
    const { identity } = await issuerSaying({ sub: "ada", email: null, email_verified: null, phone_number: PHONE, phone_number_verified: true });
    expect(await identity.whoIs(tokenWith({ scope: "openid email phone" }), "ada")).toEqual({ email: null, phoneNumber: PHONE });
  });

  it("is understood when it says true and false as the standard does", async () => {
    const { identity } = await issuerSaying({ sub: "ada", email: EMAIL, email_verified: true, phone_number: PHONE, phone_number_verified: false });
    expect(await identity.whoIs("token", "ada")).toEqual({ email: EMAIL, phoneNumber: null });
  });

  it("is not believed about an address of which it does not say whether it is verified", async () => {
    const { identity } = await issuerSaying({ sub: "ada", email: EMAIL, phone_number: PHONE });
    expect(await identity.whoIs("token", "ada")).toEqual({ email: null, phoneNumber: null });
  });

  it("is not believed when it is about somebody else", async () => {
    const { identity, token } = await issuerOf({ sub: "eve", email: EMAIL, emailVerified: true });
    await expect(identity.whoIs(token, "ada")).rejects.toThrow("somebody else");
  });

  it("is not believed when it makes no sense", async () => {
    for (const claims of [null, {}, { sub: 7 }, { sub: "ada", email: EMAIL, email_verified: "yes" }]) {
      const { identity } = await issuerSaying(claims);
      await expect(identity.whoIs("token", "ada")).rejects.toBeInstanceOf(OutcomeUnknown);
    }
  });

  it("is asked for where discovery says, which is read once", async () => {
    const { identity, discoveries } = await issuerSaying({ sub: "ada" });
    await identity.whoIs("token", "ada");
    await identity.whoIs("token", "ada");
    expect(discoveries()).toBe(1);
  });

  it("is unknown while the issuer is down, and known when it is back", async () => {
    let isDown = true;
    const url = await serverThat((request, response) => {
      if (isDown) response.writeHead(503).end();
      else response.end(JSON.stringify({ userinfo_endpoint: `http://${request.headers.host}/userinfo`, sub: "ada" }));
    });
    const identity = oidcIdentity(url);
    await expect(identity.whoIs("token", "ada")).rejects.toBeInstanceOf(OutcomeUnknown);
    isDown = false;
    expect(await identity.whoIs("token", "ada")).toEqual({});
  });

  it("is unknown when nobody listens, the line breaks or the answer is no JSON", async () => {
    const deserted = await serverThat(() => {});
    await closeAll();
    const broken = await serverThat((request) => request.socket.destroy());
    const page = await serverThat((_, response) => response.end("<html>secret</html>"));
    for (const url of [deserted, broken, page]) expect(await faultOf(url)).toBeInstanceOf(OutcomeUnknown);
  });

  it("is refused for a token that the issuer does not take", async () => {
    const { url } = await issuerOf({ sub: "ada" });
    expect(await faultOf(url)).toBeInstanceOf(CallerUnknown);
  });
});
