import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from "jose";
import { type Adapter, type Context, interactionPolicy, type Payload, Provider } from "oidc-provider";
import * as z from "zod/mini";
import { memoryRecords, type Records } from "../records.ts";
import type { IssuerClient } from "./issuer-clients.ts";
import { LANGUAGE_PARAMETER, PAGE_PARAMETER, pageUrl, signInPages } from "./issuer-sign-in.ts";
import { type IssuerUser, issuerUsers } from "./issuer-users.ts";

export interface IssuerOptions {
  /** Part of the issuer's name: tokens of an earlier start are good only on the same port. Any free one unless set. */
  readonly port?: number;
  /** Keeps the signing key, and what is signed in; in memory unless set. */
  readonly records?: Records;
  readonly clients: readonly IssuerClient[];
  /** Who is there from the start; whoever has a password can sign in as a browser does. Those who register are kept in the records. */
  readonly users: readonly (IssuerUser & { readonly password?: string })[];
  /** The least that the password of somebody who registers must have; Cognito's own least unless set. */
  readonly passwordLength?: number;
  /** Scopes are named `<identifier>/<scope>` in tokens, as at Cognito. */
  readonly resourceServer: { readonly identifier: string; readonly scopes: readonly string[] };
}

export interface TokenRequest {
  readonly sub: string;
  readonly clientId: string;
  /** Of the resource server, without its identifier; all of them unless set. */
  readonly scopes?: readonly string[];
  /** Local time; an hour unless set, as at Cognito. */
  readonly expiresInSeconds?: number;
}

export interface Issuer {
  /** The issuer's name in tokens, and where its discovery document is found. */
  readonly issuer: string;
  readonly userinfoEndpoint: string;
  /** Signs an access token without anybody signing in. Throws for a user, client or scope that the issuer does not know. */
  issueToken(request: TokenRequest): Promise<string>;
  close(): Promise<void>;
}

const ALGORITHM = "RS256"; // Cognito's
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
/** As at Cognito, so that nobody comes to rely on oidc-provider's own paths. */
const ROUTES = {
  authorization: "/oauth2/authorize",
  token: "/oauth2/token",
  userinfo: "/oauth2/userInfo",
  revocation: "/oauth2/revoke",
  jwks: "/.well-known/jwks.json",
};

/**
 * Starts an OpenID Connect issuer (oidc-provider) on this machine, in place of a Cognito user pool: discovery, keys, userinfo, sign-in with code and PKCE,
 * registration, renewal, revocation, sign-out, and access tokens as Cognito writes them (`client_id` and no `aud`, `token_use`, scopes with the resource
 * server's name). Stricter than Cognito in one thing: without PKCE there is no code.
 */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { port = 0, records = memoryRecords(), clients, users: given, passwordLength = 8, resourceServer } = options;
  const key = await signingKey(records);
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The issuer does not listen on a port");
  const issuer = `http://127.0.0.1:${address.port}`;
  const scopeNames = new Map(resourceServer.scopes.map((scope) => [scope, `${resourceServer.identifier}/${scope}`]));
  const allScopes = ["openid", "email", "phone", ...scopeNames.values()];
  const users = issuerUsers(records, given, passwordLength);
  const clientOf = (clientId: string | undefined) => clients.find((client) => client.clientId === clientId);

  const policy = interactionPolicy.base();
  policy.remove("consent"); // these are the operator's own apps: Cognito asks nobody either

  const provider = new Provider(issuer, {
    adapter: recordsAdapter(records, (clientId) => clientOf(clientId)?.rotationGraceSeconds),
    jwks: { keys: [key] },
    clients: clients.map(({ clientId, redirectUris, scopes = allScopes }) => ({
      client_id: clientId,
      redirect_uris: redirectUris,
      // Only an app on a phone may have a scheme of its own.
      application_type: redirectUris.every((uri) => /^https?:/.test(uri)) ? "web" : "native",
      scope: scopes.join(" "),
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    })),
    clientBasedCORS: (_context: unknown, origin: string, client: { readonly redirectUris: readonly string[] }) =>
      client.redirectUris.some((uri) => URL.parse(uri)?.origin === origin),
    findAccount: (_context: unknown, sub: string) => {
      const user = users.find(sub);
      return user && { accountId: sub, claims: () => ({ ...idClaimsOf(user), token_use: "id" }) };
    },
    claims: { openid: ["sub", "token_use"], email: ["email", "email_verified"], phone: ["phone_number", "phone_number_verified"] },
    conformIdTokenClaims: false, // Cognito's ID tokens carry what was asked for
    scopes: allScopes,
    responseTypes: ["code"],
    pkce: { required: () => true },
    extraParams: [PAGE_PARAMETER, LANGUAGE_PARAMETER],
    interactions: { policy, url: async (_context: unknown, interaction: Parameters<typeof pageUrl>[0]) => pageUrl(interaction) },
    // Every sign-in is a grant of its own, so that one can be revoked and the others stay.
    loadExistingGrant: async ({ oidc }: Context) => {
      if (oidc?.account === undefined) return undefined;
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.account.accountId });
      grant.addOIDCScope(oidc.client.scope ?? "");
      await grant.save();
      return grant;
    },
    issueRefreshToken: () => true, // Cognito does, whatever scopes are asked for
    expiresWithSession: () => false, // nor are Cognito's tokens bound to the browser's cookie
    rotateRefreshToken: ({ oidc }: Context) => clientOf(oidc?.client.clientId)?.rotationGraceSeconds !== undefined,
    routes: ROUTES,
    discovery: { end_session_endpoint: `${issuer}/logout` },
    renderError: (context: { body: unknown }, error: object) => {
      context.body = error;
    },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false }, revocation: { enabled: true, allowedPolicy: isOwnToken } },
    ttl: {
      AccessToken: ({ oidc }: Context) => clientOf(oidc?.client.clientId)?.accessTokenSeconds ?? HOUR_SECONDS,
      IdToken: ({ oidc }: Context) => clientOf(oidc?.client.clientId)?.idTokenSeconds ?? HOUR_SECONDS,
      AuthorizationCode: 300,
      // One that takes another's place ends when that would have.
      RefreshToken: ({ oidc }: Context) =>
        oidc?.entities.RotatedRefreshToken?.remainingTTL ?? clientOf(oidc?.client.clientId)?.refreshTokenSeconds ?? 30 * DAY_SECONDS,
      Interaction: HOUR_SECONDS,
      Session: HOUR_SECONDS, // Cognito's cookie
      Grant: 10 * 365 * DAY_SECONDS, // as long as the longest refresh token
    },
  });
  // oidc-provider's access tokens for no resource are opaque, and its JWTs carry an audience: Cognito's take their place.
  provider.use(async (context, next) => {
    await next();
    const { AccessToken: granted, AuthorizationCode: code, RefreshToken: refresh } = context.oidc?.entities ?? {};
    const reply = z.safeParse(tokenReply, context.body);
    if (context.oidc?.route !== "token" || granted === undefined || !reply.success) return;
    const { clientId, accountId: sub, grantId, scope = "" } = granted;
    const authTime = code?.authTime ?? refresh?.authTime;
    const token = await sign({ clientId, sub, scope, authTime, grantId, expiresInSeconds: reply.data.expires_in });
    context.body = { ...reply.data, access_token: token };
  });

  /** An access token as Cognito writes them. */
  async function sign({ clientId, sub, scope, authTime, grantId, expiresInSeconds }: TokenParts): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ client_id: clientId, token_use: "access", scope, auth_time: authTime ?? now, ...(grantId !== undefined && { origin_jti: grantId }) })
      .setProtectedHeader({ alg: ALGORITHM, kid: key.kid })
      .setIssuer(issuer)
      .setSubject(sub)
      .setJti(randomUUID())
      .setIssuedAt(now)
      .setExpirationTime(now + expiresInSeconds)
      .sign(key);
  }

  const publicKeys = createLocalJWKSet({ keys: [publicPart(key)] });
  /** Cognito's userinfo takes its own access tokens, which are JWTs for a resource server; oidc-provider's takes only opaque ones. */
  async function userinfo(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const verified = await jwtVerify(token, publicKeys, { issuer, algorithms: [ALGORITHM], currentDate: new Date() }).catch(() => undefined);
    const { sub, scope, token_use: use, origin_jti: grantId } = verified?.payload ?? {};
    const user = users.find(sub);
    const isRevoked = typeof grantId === "string" && records.get("Grant", grantId) === undefined;
    const allowed = !isRevoked && use === "access" && typeof scope === "string" && scope.split(" ").includes("openid");
    if (user === undefined || !allowed) {
      return { status: 401, body: { error: "invalid_token", error_description: "Access token is expired, disabled, or deleted, or has no openid scope." } };
    }
    return { status: 200, body: claimsOf(user, scope.split(" ")) };
  }

  const answerOthers = provider.callback();
  const answerPages = signInPages({ provider, users, clients, passwordLength, authorization: ROUTES.authorization });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url?.split("?")[0] !== ROUTES.userinfo) {
      if (!(await answerPages(request, response))) answerOthers(request, response);
      return;
    }
    const { status, body } = await userinfo(request);
    const challenge = status === 401 ? { "www-authenticate": 'Bearer error="invalid_token"' } : {};
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...challenge }).end(JSON.stringify(body));
  }
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { "content-type": "text/plain" }).end(String(error));
    });
  });

  return {
    issuer,
    userinfoEndpoint: `${issuer}${ROUTES.userinfo}`,
    async issueToken({ sub, clientId, scopes = resourceServer.scopes, expiresInSeconds = HOUR_SECONDS }) {
      if (users.find(sub) === undefined) throw new Error(`The local issuer knows no user ${sub}`);
      if (clientOf(clientId) === undefined) throw new Error(`The local issuer knows no client ${clientId}`);
      const scope = scopes.map((name) => {
        const full = scopeNames.get(name);
        if (full === undefined) throw new Error(`${resourceServer.identifier} has no scope ${name}`);
        return full;
      });
      return sign({ clientId, sub, scope: ["openid", ...scope].join(" "), expiresInSeconds });
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isOwnToken(_context: unknown, client: { readonly clientId: string }, token: { readonly clientId: string }): boolean {
  return token.clientId === client.clientId;
}

/** What the token endpoint answers. */
const tokenReply = z.looseObject({ access_token: z.string(), expires_in: z.int() });

interface TokenParts {
  readonly clientId: string;
  readonly sub: string;
  readonly scope: string;
  /** Seconds since 1970; now unless set. */
  readonly authTime?: number | undefined;
  /** Of the sign-in that it came from, by which it can be revoked. */
  readonly grantId?: string;
  readonly expiresInSeconds: number;
}

/** As Cognito's ID tokens tell them. */
function idClaimsOf({ sub, email, emailVerified = false, phoneNumber, phoneNumberVerified = false }: IssuerUser) {
  return {
    sub,
    ...(email === undefined ? {} : { email, email_verified: emailVerified }),
    ...(phoneNumber === undefined ? {} : { phone_number: phoneNumber, phone_number_verified: phoneNumberVerified }),
  };
}

/**
 * As Cognito's userinfo tells them: booleans are texts there, and who asks for `openid` alone gets all of them.
 *
 * Source: https://docs.aws.amazon.com/cognito/latest/developerguide/userinfo-endpoint.html
 */
function claimsOf(user: IssuerUser, scopes: readonly string[]) {
  const asksForAll = !scopes.includes("email") && !scopes.includes("phone");
  const claims = Object.entries(idClaimsOf(user)).filter(
    ([name]) => name === "sub" || asksForAll || scopes.includes(name.startsWith("email") ? "email" : "phone"),
  );
  return Object.fromEntries(claims.map(([name, value]) => [name, String(value)]));
}

/** The same at every start, so that tokens outlive a restart. */
async function signingKey(records: Records): Promise<JWK> {
  const kept = records.get<JWK>("signing-key", ALGORITHM);
  if (kept !== undefined) return kept;
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: ALGORITHM, use: "sig" };
  records.put("signing-key", ALGORITHM, key);
  return key;
}

function publicPart({ kty, n, e, kid, alg, use }: JWK): JWK {
  return { kty, n, e, kid, alg, use };
}

/**
 * Keeps what oidc-provider remembers. It looks at expiry itself; a local stack does not live long enough to need cleaning up.
 *
 * A refresh token that was used goes on working for its client's time of grace, counted from its first use, as at Cognito; then there is none.
 */
function recordsAdapter(records: Records, graceSecondsOf: (clientId: string | undefined) => number | undefined): (model: string) => Adapter {
  return (model) => {
    const find = (matches: (payload: Payload) => boolean) => records.list<Payload>(model).find(matches);
    return {
      upsert: async (id, payload) => records.put(model, id, payload),
      async find(id) {
        const payload = records.get<Payload>(model, id);
        if (model !== "RefreshToken" || payload?.consumed === undefined) return payload;
        const { consumed, ...unused } = payload;
        return Date.now() / 1000 - consumed < (graceSecondsOf(payload.clientId) ?? 0) ? unused : undefined;
      },
      findByUid: async (uid) => find((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => find((payload) => payload.userCode === userCode),
      async consume(id) {
        const payload = records.get<Payload>(model, id);
        records.put(model, id, { ...payload, consumed: payload?.consumed ?? Math.floor(Date.now() / 1000) });
      },
      destroy: async (id) => records.remove(model, id),
      revokeByGrantId: async (grantId) => {
        for (const { jti, ...payload } of records.list<Payload>(model)) {
          if (payload.grantId === grantId && jti !== undefined) records.remove(model, jti);
        }
      },
    };
  };
}
