import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import * as z from "zod/mini";
import { installClock, type LocalClock } from "../../local/clock.ts";
import { type Issuer, type IssuerOptions, startIssuer } from "../../local/cloud/issuer.ts";
import { memoryRecords, type Records } from "../../local/records.ts";
import { askForTokens, pkce, SignInBrowser, signInUrl, signInWith, type Tokens, tokens } from "./sign-in-browser.ts";

const MINUTE = 60_000;
const WEB = { clientId: "web", redirectUri: "https://app.example.com/signed-in", scope: "openid email phone api/rules api/esims" };
const NATIVE = { clientId: "native", redirectUri: "com.example.app://signed-in", scope: "openid api/rules" };
const ADA = { username: "ada@example.com", password: "correct horse" };
const LIN = { username: "lin@example.com", password: "battery staple" };
const OPTIONS: IssuerOptions = {
  clients: [
    {
      clientId: WEB.clientId,
      redirectUris: [WEB.redirectUri],
      logoutUris: ["https://app.example.com/"],
      scopes: ["openid", "email", "phone", "api/rules", "api/esims"],
      accessTokenSeconds: 900,
      idTokenSeconds: 900,
      refreshTokenSeconds: 86_400,
      rotationGraceSeconds: 60,
    },
    { clientId: NATIVE.clientId, redirectUris: [NATIVE.redirectUri], rotationGraceSeconds: 0 },
  ],
  users: [{ sub: "ada", email: "ada@example.com", emailVerified: true, phoneNumber: "+8613800000001", phoneNumberVerified: true, password: ADA.password }],
  passwordLength: 12,
  resourceServer: { identifier: "api", scopes: ["rules", "esims"] },
};
const oauthError = z.object({ error: z.string() });

/** Made once: it takes longer than all the rest of a test. */
let signingKey: object;
beforeAll(async () => {
  const made = memoryRecords();
  await (await startIssuer({ ...OPTIONS, records: made })).close();
  signingKey = made.get<object>("signing-key", "RS256") ?? {};
});

let folder: string;
let clock: LocalClock;
let records: Records;
let issuer: Issuer;
let browser: SignInBrowser;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sign-in-"));
  clock = installClock({ file: join(folder, "clock") });
  records = memoryRecords();
  records.put("signing-key", "RS256", signingKey);
  issuer = await startIssuer({ ...OPTIONS, records });
  browser = new SignInBrowser(issuer.issuer);
});
afterEach(async () => {
  await issuer.close();
  clock.close();
  rmSync(folder, { recursive: true });
});

const { challenge, verifier } = pkce();
const PROOF = { code_challenge: challenge, code_challenge_method: "S256" };
const signIn = (person = ADA, request = WEB) => signInWith(browser, issuer.issuer, "/login", request, person);
const register = (person = LIN, request = WEB) => signInWith(browser, issuer.issuer, "/signup", request, person);
const authorize = (more: Readonly<Record<string, string>> = PROOF, request = WEB) => browser.open(signInUrl("/oauth2/authorize", request, more));

/** Ada's code, for the secret of `PROOF`. */
async function code(request = WEB): Promise<string> {
  const { url } = await browser.submit(await authorize(PROOF, request), ADA);
  return url.searchParams.get("code") ?? "";
}

const redeem = (given: Readonly<Record<string, string>>, { clientId, redirectUri } = WEB) =>
  askForTokens(issuer.issuer, { grant_type: "authorization_code", client_id: clientId, redirect_uri: redirectUri, code_verifier: verifier, ...given });
const renew = ({ refresh_token }: Tokens, clientId = WEB.clientId) =>
  askForTokens(issuer.issuer, { grant_type: "refresh_token", client_id: clientId, refresh_token });
const renewed = async (before: Tokens) => z.parse(tokens, (await renew(before)).body);
const whoIs = (token: string) => fetch(issuer.userinfoEndpoint, { headers: { authorization: `Bearer ${token}` } });
const refusal = ({ status, body }: { status: number; body: unknown }) => [status, z.parse(oauthError, body).error];

describe("signing in", () => {
  it("goes from the app to a form and back with a code, which the app changes for tokens as Cognito writes them", async () => {
    const form = await authorize();
    expect([form.status, form.url.pathname]).toEqual([200, "/login"]);
    const { url } = await browser.submit(form, ADA);
    expect(url.href).toMatch(/^https:\/\/app\.example\.com\/signed-in\?code=[\w-]+&state=xyz/);
    const { status, body } = await redeem({ code: url.searchParams.get("code") ?? "" });
    const reply = z.parse(tokens, body);
    expect([status, reply.expires_in]).toEqual([200, 900]);

    const keys = createRemoteJWKSet(new URL(`${issuer.issuer}/.well-known/jwks.json`));
    const access = await jwtVerify(reply.access_token, keys, { issuer: issuer.issuer });
    expect(access.payload).toEqual({
      iss: issuer.issuer,
      sub: "ada",
      client_id: "web",
      token_use: "access",
      scope: WEB.scope,
      auth_time: expect.any(Number),
      iat: expect.any(Number),
      exp: Number(access.payload.iat) + 900,
      jti: expect.any(String),
      origin_jti: expect.any(String),
    });
    const id = await jwtVerify(reply.id_token ?? "", keys, { issuer: issuer.issuer, audience: "web" });
    expect(id.payload).toMatchObject({ sub: "ada", token_use: "id", email: "ada@example.com", email_verified: true, phone_number: "+8613800000001" });
    expect(await (await whoIs(reply.access_token)).json()).toMatchObject({ sub: "ada", email_verified: "true" });
  });

  it.each([
    ["openid email api/rules", ["sub", "email", "email_verified"]],
    ["openid phone api/rules", ["sub", "phone_number", "phone_number_verified"]],
    ["openid api/rules", ["sub", "email", "email_verified", "phone_number", "phone_number_verified"]],
  ])("tells of somebody what the app asked for, or all of it with openid alone, as Cognito does: %s", async (scope, names) => {
    const reply = await signIn(ADA, { ...WEB, scope });
    expect(Object.keys(z.parse(z.looseObject({}), await (await whoIs(reply.access_token)).json()))).toEqual(names);
  });

  it("works for an app on a phone, with a scheme of its own and without asking for consent", async () => {
    const reply = await signIn(ADA, NATIVE);
    expect(decodeJwt(reply.access_token)).toMatchObject({ client_id: "native", scope: NATIVE.scope });
    expect(reply.expires_in).toBe(3600); // what is not set is as at Cognito
  });

  it.each(["ADA@example.com", " ada@example.com ", "+8613800000001", "+86 138 0000 0001"])(
    "knows somebody by address or number, however they write it: %s",
    async (username) => {
      expect(decodeJwt((await signIn({ ...ADA, username })).access_token).sub).toBe("ada");
    },
  );

  it.each([
    ["another password", { ...ADA, password: "correct horsf" }],
    ["no password", { ...ADA, password: "" }],
    ["nobody's name", { ...ADA, username: "eve@example.com" }],
    ["no name", { username: "", password: "" }],
  ])("shows the form again for %s, and does not say what was wrong", async (_, person) => {
    const answer = await browser.submit(await authorize(), person);
    expect([answer.status, answer.url.pathname]).toEqual([400, "/login"]);
    expect(answer.text).toContain("Incorrect username or password.");
    expect((await browser.submit(answer, ADA)).url.origin).toBe("https://app.example.com");
  });

  it("is not asked for again in the same browser within the hour", async () => {
    await signIn();
    expect((await authorize()).url.searchParams.get("code")).not.toBeNull();
    clock.advance(61 * MINUTE);
    expect((await authorize()).url.pathname).toBe("/login");
  });

  it("is in Chinese or English, as the browser or the app asks for it", async () => {
    const chinese = new SignInBrowser(issuer.issuer, "zh-CN,zh;q=0.9,en;q=0.8");
    const page = await chinese.open(signInUrl("/oauth2/authorize", WEB, PROOF));
    expect(page.text).toContain('<html lang="zh-CN">');
    expect((await chinese.submit(page, { ...ADA, password: "?" })).text).toContain("用户名或密码不正确。");
    expect((await authorize()).text).toContain('<html lang="en">');
    expect((await authorize({ ...PROOF, lang: "zh-CN" })).text).toContain("登录");
  });

  it("shows what somebody wrote as text, whatever it is", async () => {
    const { text } = await browser.submit(await authorize(), { username: '"><script>alert(1)</script>', password: "x" });
    expect(text).not.toContain("<script>");
    expect(text).toContain("&#60;script&#62;");
  });

  it("takes a form only from the browser that it was shown to", async () => {
    const form = await authorize();
    browser.forget();
    const answer = await browser.submit(form, ADA);
    expect([answer.status, answer.url.pathname]).toEqual([400, "/login"]);
    expect(answer.text).toContain("go back to the app");
  });
});

describe("what is not a sign-in of the app", () => {
  it("gets no code without PKCE, or with a challenge that can be read", async () => {
    const none: Readonly<Record<string, string>> = {};
    for (const proof of [none, { code_challenge: verifier, code_challenge_method: "plain" }]) {
      const { url } = await authorize(proof);
      expect([url.searchParams.get("error"), url.searchParams.get("code")]).toEqual(["invalid_request", null]);
    }
  });

  it.each([
    ["another page", { redirect_uri: "https://evil.example/signed-in" }],
    ["a page beneath", { redirect_uri: `${WEB.redirectUri}/more` }],
    ["the other app's", { redirect_uri: NATIVE.redirectUri }],
  ])("is not sent to %s, with a code or without", async (_, more) => {
    const { url, status, text } = await authorize({ ...PROOF, ...more });
    expect([url.origin, status]).toEqual([issuer.issuer, 400]);
    expect(text).toContain("invalid_redirect_uri");
  });

  it("is not known as an app", async () => {
    expect((await authorize({ ...PROOF, client_id: "other" })).status).toBe(400);
  });

  it.each([
    ["the secret of another sign-in", () => ({ code_verifier: pkce().verifier })],
    ["no secret", () => ({ code_verifier: "" })],
    ["another page to return to", () => ({ redirect_uri: "https://app.example.com/" })],
    ["the name of the other app", () => ({ client_id: NATIVE.clientId })],
    ["a code that nobody gave", () => ({ code: "nonsense" })],
  ])("gets no tokens with %s", async (_, given) => {
    const answer = await redeem({ code: await code(), ...given() });
    expect(answer.status).toBe(400);
    expect(["invalid_grant", "invalid_request"]).toContain(refusal(answer)[1]);
  });

  it("gets no tokens for a code that was used, and the tokens that it gave are good for nothing more", async () => {
    const used = await code();
    const first = z.parse(tokens, (await redeem({ code: used })).body);
    expect(refusal(await redeem({ code: used }))).toEqual([400, "invalid_grant"]);
    expect(refusal(await renew(first))).toEqual([400, "invalid_grant"]);
  });

  it("gets no tokens for a code of five minutes ago", async () => {
    const old = await code();
    clock.advance(5 * MINUTE + 1000);
    expect(refusal(await redeem({ code: old }))).toEqual([400, "invalid_grant"]);
  });

  it("gets no scope that the app has not", async () => {
    const { url } = await authorize({ ...PROOF, scope: "openid api/admin" });
    expect(url.searchParams.get("error") ?? "").toBe("");
    const { url: back } = await browser.submit(await authorize({ ...PROOF, scope: "openid api/admin" }), ADA);
    const reply = z.parse(tokens, (await redeem({ code: back.searchParams.get("code") ?? "" })).body);
    expect(decodeJwt(reply.access_token).scope).toBe("openid");
  });
});

describe("registering", () => {
  it.each([
    ["an e-mail address", LIN, { email: LIN.username, email_verified: "true" }],
    ["a phone number", { ...LIN, username: "+44 20 7946 0958" }, { phone_number: "+442079460958", phone_number_verified: "true" }],
  ])("with %s signs in at once, and is believed on this machine", async (_, person, claims) => {
    const reply = await register(person);
    const { sub } = decodeJwt(reply.access_token);
    expect(sub).toMatch(/^[0-9a-f-]{36}$/);
    expect(await (await whoIs(reply.access_token)).json()).toEqual({ sub, ...claims });
    browser.forget();
    expect(decodeJwt((await signIn(person)).access_token).sub).toBe(sub);
  });

  it.each([
    ["a name that is neither", { ...LIN, username: "lin" }, "Enter an e-mail address"],
    ["a number without its country", { ...LIN, username: "02079460958" }, "Enter an e-mail address"],
    ["a password that is too short", { ...LIN, password: "eleven char" }, "at least 12 characters"],
    ["a name that somebody has", { ...LIN, username: "Ada@Example.com" }, "such an account already"],
  ])("is refused for %s", async (_, person, says) => {
    const form = await browser.open(signInUrl("/signup", WEB, PROOF));
    expect(form.url.pathname).toBe("/signup");
    const answer = await browser.submit(form, person);
    expect([answer.status, answer.url.pathname]).toEqual([400, "/signup"]);
    expect(answer.text).toContain(says);
    expect(records.list("issuer-user")).toEqual([]);
  });

  it("is one link away from signing in, and back, for the same app", async () => {
    const link = (text: string) => /<a href="([^"]+)"/.exec(text)?.[1]?.replaceAll("&#38;", "&") ?? "";
    const login = await authorize();
    const signup = await browser.open(link(login.text));
    expect(signup.url.pathname).toBe("/signup");
    const again = await browser.open(link(signup.text));
    expect(again.url.pathname).toBe("/login");
    const { url } = await browser.submit(again, ADA);
    expect((await redeem({ code: url.searchParams.get("code") ?? "" })).status).toBe(200);
  });

  it("is for somebody else, where somebody is signed in", async () => {
    await signIn();
    expect(decodeJwt((await register()).access_token).sub).not.toBe("ada");
  });

  it("outlives a restart", async () => {
    await register();
    await issuer.close();
    issuer = await startIssuer({ ...OPTIONS, records });
    browser = new SignInBrowser(issuer.issuer);
    expect((await signIn(LIN)).expires_in).toBe(900);
  });
});

describe("a refresh token", () => {
  it("gives new tokens with the same scopes, and another refresh token in its place", async () => {
    const first = await signIn();
    clock.advance(20 * MINUTE);
    const second = await renewed(first);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    const [before, after] = [first, second].map(({ access_token }) => decodeJwt(access_token));
    expect(after).toMatchObject({ sub: "ada", scope: WEB.scope, auth_time: before?.auth_time, origin_jti: before?.origin_jti });
    expect(Number(after?.exp) - Number(before?.exp)).toBeGreaterThanOrEqual(20 * 60);
  });

  it("that was used works for a minute more, for a phone that lost the answer; then no more, and its successor does", async () => {
    const first = await signIn();
    const second = await renewed(first);
    clock.advance(30_000);
    expect((await renew(first)).status).toBe(200);
    clock.advance(31_000); // a minute from its first use
    expect(refusal(await renew(first))).toEqual([400, "invalid_grant"]);
    expect((await renew(second)).status).toBe(200);
  });

  it("that was used works no more where there is no time of grace", async () => {
    const first = await signIn(ADA, NATIVE);
    expect((await renew(first, NATIVE.clientId)).status).toBe(200);
    expect(refusal(await renew(first, NATIVE.clientId))).toEqual([400, "invalid_grant"]);
  });

  it("does not live longer for being replaced", async () => {
    const first = await signIn();
    clock.advance(23 * 60 * MINUTE);
    const second = await renewed(first);
    clock.advance(61 * MINUTE);
    expect(refusal(await renew(second))).toEqual([400, "invalid_grant"]);
  });

  it("is its own app's", async () => {
    expect(refusal(await renew(await signIn(), NATIVE.clientId))).toEqual([400, "invalid_grant"]);
  });

  it("that is revoked gives no tokens, and its access token says no more whose it is", async () => {
    const first = await signIn();
    browser.forget();
    const other = await signIn();
    const revoked = await fetch(`${issuer.issuer}/oauth2/revoke`, {
      method: "POST",
      body: new URLSearchParams({ token: first.refresh_token, client_id: WEB.clientId }),
    });
    expect(revoked.status).toBe(200);
    expect(refusal(await renew(first))).toEqual([400, "invalid_grant"]);
    expect((await whoIs(first.access_token)).status).toBe(401);
    expect((await whoIs(other.access_token)).status).toBe(200);
    expect((await renew(other)).status).toBe(200);
  });
});

describe("signing out", () => {
  const logout = (query: Readonly<Record<string, string>>) => browser.open(`/logout?${new URLSearchParams(query).toString()}`);

  it("returns to the app, and the next sign-in asks again", async () => {
    await signIn();
    const { url } = await logout({ client_id: WEB.clientId, logout_uri: "https://app.example.com/" });
    expect(url.href).toBe("https://app.example.com/");
    expect((await authorize()).url.pathname).toBe("/login");
  });

  it("can lead to the next sign-in", async () => {
    await signIn();
    const page = await browser.open(signInUrl("/logout", WEB, PROOF));
    expect(page.url.pathname).toBe("/login");
    expect((await browser.submit(page, ADA)).url.origin).toBe("https://app.example.com");
  });

  it("sends nobody to a page that is not the app's, and signs nobody out", async () => {
    await signIn();
    for (const query of [
      { client_id: WEB.clientId, logout_uri: "https://evil.example/" },
      { client_id: "other", logout_uri: "https://app.example.com/" },
    ]) {
      expect((await logout(query)).status).toBe(400);
    }
    expect((await logout({})).status).toBe(400);
    expect((await authorize()).url.searchParams.get("code")).not.toBeNull();
  });
});

describe("a page in the browser", () => {
  it("may ask for tokens from the app's own origin, and from no other", async () => {
    const askFrom = (origin: string) =>
      fetch(`${issuer.issuer}/oauth2/token`, {
        method: "POST",
        headers: { origin },
        body: new URLSearchParams({ client_id: "web", grant_type: "refresh_token" }),
      });
    expect((await askFrom("https://app.example.com")).headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect((await askFrom("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
  });
});
