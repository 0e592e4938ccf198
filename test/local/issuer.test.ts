import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createRemoteJWKSet, decodeJwt, type JWK, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { installClock, type LocalClock } from "../../local/clock.ts";
import { type Issuer, type IssuerOptions, startIssuer } from "../../local/cloud/issuer.ts";
import { fileRecords, memoryRecords, type Records } from "../../local/records.ts";

const ANNA = { sub: "b6f0", clientId: "web" };
const OPTIONS: IssuerOptions = {
  clients: [{ clientId: "web", redirectUris: ["http://127.0.0.1:8080/signed-in"] }],
  users: [{ sub: "b6f0", email: "anna@example.com", emailVerified: true, phoneNumber: "+8613800000000" }, { sub: "nobody" }],
  resourceServer: { identifier: "https://recharge.example.com", scopes: ["rules", "recharges"] },
};

let folder: string;
let clock: LocalClock;
let issuers: Issuer[];

async function start(options: Partial<IssuerOptions> = {}) {
  const issuer = await startIssuer({ ...OPTIONS, ...options });
  issuers.push(issuer);
  return issuer;
}

async function discover(issuer: Issuer) {
  const response = await fetch(`${issuer.issuer}/.well-known/openid-configuration`);
  return JSON.parse(await response.text());
}

function userinfo(issuer: Issuer, token: string) {
  return fetch(issuer.userinfoEndpoint, { headers: { authorization: `Bearer ${token}` } });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "issuer-"));
  clock = installClock({ file: join(folder, "clock") });
  issuers = [];
});

afterEach(async () => {
  await Promise.all(issuers.map((issuer) => issuer.close()));
  clock.close();
  rmSync(folder, { recursive: true });
});

describe("the local issuer", () => {
  it("is found by discovery, and asks for code and PKCE", async () => {
    const issuer = await start();
    expect(await discover(issuer)).toMatchObject({
      issuer: issuer.issuer,
      jwks_uri: `${issuer.issuer}/.well-known/jwks.json`,
      userinfo_endpoint: issuer.userinfoEndpoint,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      scopes_supported: expect.arrayContaining(["openid", "https://recharge.example.com/rules"]),
    });
  });

  it("signs access tokens as Cognito does, which anybody can verify with the published key", async () => {
    const issuer = await start();
    const token = await issuer.issueToken({ ...ANNA, scopes: ["rules"], expiresInSeconds: 60 });
    const keys = createRemoteJWKSet(new URL((await discover(issuer)).jwks_uri));
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: issuer.issuer });
    expect(protectedHeader).toEqual({ alg: "RS256", kid: expect.any(String) });
    expect(payload).toEqual({
      iss: issuer.issuer,
      sub: "b6f0",
      client_id: "web",
      token_use: "access",
      scope: "openid https://recharge.example.com/rules",
      auth_time: expect.any(Number),
      iat: expect.any(Number),
      exp: Number(payload.iat) + 60,
      jti: expect.any(String),
    });
    const published = await (await fetch((await discover(issuer)).jwks_uri)).text();
    expect(JSON.parse(published).keys).toHaveLength(1);
    expect(published).not.toContain('"d"');
  });

  it("gives all scopes for an hour unless told otherwise, by the local clock", async () => {
    const issuer = await start();
    clock.setSpeed(1e-9);
    clock.advance(1000 * 86_400_000);
    const { scope, iat, exp } = decodeJwt(await issuer.issueToken(ANNA));
    expect(scope).toBe("openid https://recharge.example.com/rules https://recharge.example.com/recharges");
    expect([iat, exp]).toEqual([Math.floor(clock.now() / 1000), Math.floor(clock.now() / 1000) + 3600]);
  });

  it("says who holds its access token, as Cognito's userinfo does", async () => {
    const issuer = await start();
    const response = await userinfo(issuer, await issuer.issueToken(ANNA));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      sub: "b6f0",
      email: "anna@example.com",
      email_verified: "true",
      phone_number: "+8613800000000",
      phone_number_verified: "false",
    });
    const another = await userinfo(issuer, await issuer.issueToken({ sub: "nobody", clientId: "web" }));
    expect(await another.json()).toEqual({ sub: "nobody" });
  });

  it("tells nothing for a token that has expired, was changed, is another issuer's or missing", async () => {
    const records = memoryRecords();
    const issuer = await start({ records });
    const sameKey = await start({ records });
    const token = await issuer.issueToken(ANNA);
    expect((await userinfo(issuer, `${token.slice(0, -8)}AAAAAAAA`)).status).toBe(401);
    expect((await userinfo(issuer, await sameKey.issueToken(ANNA))).status).toBe(401);
    expect((await fetch(issuer.userinfoEndpoint)).status).toBe(401);
    clock.advance(3_601_000);
    const expired = await userinfo(issuer, token);
    expect(expired.status).toBe(401);
    expect(expired.headers.get("www-authenticate")).toContain("invalid_token");
  });

  it("tells nothing for an ID token, or for a token that is not for it", async () => {
    const records = memoryRecords();
    const issuer = await start({ records });
    const key = records.get<JWK>("signing-key", "RS256") ?? {};
    const sign = (claims: JWTPayload) =>
      new SignJWT({ token_use: "access", scope: "openid", ...claims })
        .setProtectedHeader({ alg: "RS256", kid: key.kid })
        .setIssuer(issuer.issuer)
        .setSubject(ANNA.sub)
        .setExpirationTime("1 hour")
        .sign(key);
    expect((await userinfo(issuer, await sign({}))).status).toBe(200);
    expect((await userinfo(issuer, await sign({ token_use: "id" }))).status).toBe(401);
    expect((await userinfo(issuer, await sign({ scope: "email openidx" }))).status).toBe(401);
  });

  it("knows its users, clients and scopes", async () => {
    const issuer = await start();
    await expect(issuer.issueToken({ ...ANNA, sub: "eve" })).rejects.toThrow("no user eve");
    await expect(issuer.issueToken({ ...ANNA, clientId: "app" })).rejects.toThrow("no client app");
    await expect(issuer.issueToken({ ...ANNA, scopes: ["admin"] })).rejects.toThrow("no scope admin");
  });

  it("stands by its tokens after a restart", async () => {
    const path = join(folder, "issuer.sqlite");
    const records: Records[] = [];
    const withFile = () => {
      const opened = fileRecords(path);
      records.push(opened);
      return opened;
    };
    const first = await startIssuer({ ...OPTIONS, records: withFile() });
    const token = await first.issueToken(ANNA);
    await first.close();
    const second = await start({ records: withFile(), port: Number(new URL(first.issuer).port) });
    expect((await userinfo(second, token)).status).toBe(200);
    for (const opened of records) opened.close();
  });

  it("begins a sign-in for its own client, and remembers it", async () => {
    const records = memoryRecords();
    const issuer = await start({ records });
    const request = new URL((await discover(issuer)).authorization_endpoint);
    request.search = new URLSearchParams({
      client_id: "web",
      redirect_uri: "http://127.0.0.1:8080/signed-in",
      response_type: "code",
      scope: "openid email phone",
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
      code_challenge_method: "S256",
    }).toString();
    const response = await fetch(request, { redirect: "manual" });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toMatch(/^\/login\?interaction=/);
    expect(records.list("Interaction")).toHaveLength(1);
  });

  it("says nothing on the console", async () => {
    const said = [jest.spyOn(console, "info"), jest.spyOn(console, "warn")];
    const issuer = await start();
    await discover(issuer);
    for (const spy of said) {
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
    }
  });
});
