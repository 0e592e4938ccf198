import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from "jose";
import { type Adapter, type Payload, Provider } from "oidc-provider";
import { memoryRecords, type Records } from "../records.ts";

/** Somebody who can sign in. */
export interface IssuerUser {
  readonly sub: string;
  readonly email?: string;
  readonly emailVerified?: boolean;
  /** E.164, e.g. `+8613800000000`. */
  readonly phoneNumber?: string;
  readonly phoneNumberVerified?: boolean;
}

/** A public client: an app that keeps no secret and signs in with a code and PKCE. */
export interface IssuerClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
}

export interface IssuerOptions {
  /** Part of the issuer's name: tokens of an earlier start are good only on the same port. Any free one unless set. */
  readonly port?: number;
  /** Keeps the signing key, and what is signed in; in memory unless set. */
  readonly records?: Records;
  readonly clients: readonly IssuerClient[];
  readonly users: readonly IssuerUser[];
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
 * Starts an OpenID Connect issuer (oidc-provider) on this machine, in place of a Cognito user pool: discovery, keys, userinfo, and access tokens as Cognito
 * writes them (`client_id` and no `aud`, `token_use`, scopes with the resource server's name).
 */
export async function startIssuer({ port = 0, records = memoryRecords(), clients, users, resourceServer }: IssuerOptions): Promise<Issuer> {
  const key = await signingKey(records);
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The issuer does not listen on a port");
  const issuer = `http://127.0.0.1:${address.port}`;
  const scopeNames = new Map(resourceServer.scopes.map((scope) => [scope, `${resourceServer.identifier}/${scope}`]));
  const userOf = (sub: unknown) => users.find((user) => user.sub === sub);

  const provider = new Provider(issuer, {
    adapter: recordsAdapter(records),
    jwks: { keys: [key] },
    clients: clients.map(({ clientId, redirectUris }) => ({
      client_id: clientId,
      redirect_uris: redirectUris,
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    })),
    findAccount: (_context: unknown, sub: string) => {
      const user = userOf(sub);
      return user && { accountId: sub, claims: () => claimsOf(user) };
    },
    claims: { openid: ["sub"], email: ["email", "email_verified"], phone: ["phone_number", "phone_number_verified"] },
    scopes: ["openid", "email", "phone", ...scopeNames.values()],
    responseTypes: ["code"],
    issueRefreshToken: () => true, // Cognito does, whatever scopes are asked for
    routes: ROUTES,
    renderError: (context: { body: unknown }, error: object) => {
      context.body = error;
    },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false }, revocation: { enabled: true } },
    ttl: {
      AccessToken: HOUR_SECONDS,
      IdToken: HOUR_SECONDS,
      AuthorizationCode: 300,
      RefreshToken: 30 * DAY_SECONDS,
      Interaction: HOUR_SECONDS,
      Session: DAY_SECONDS,
      Grant: 30 * DAY_SECONDS,
    },
  });

  const publicKeys = createLocalJWKSet({ keys: [publicPart(key)] });
  /** Cognito's userinfo takes its own access tokens, which are JWTs for a resource server; oidc-provider's takes only opaque ones. */
  async function userinfo(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const token = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const verified = await jwtVerify(token, publicKeys, { issuer, algorithms: [ALGORITHM], currentDate: new Date() }).catch(() => undefined);
    const { sub, scope, token_use: use } = verified?.payload ?? {};
    const user = userOf(sub);
    const allowed = use === "access" && typeof scope === "string" && scope.split(" ").includes("openid");
    if (user === undefined || !allowed) {
      return { status: 401, body: { error: "invalid_token", error_description: "Access token is expired, disabled, or deleted, or has no openid scope." } };
    }
    return { status: 200, body: claimsOf(user) };
  }

  const answerOthers = provider.callback();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.split("?")[0] !== ROUTES.userinfo) {
      answerOthers(request, response);
      return;
    }
    void userinfo(request).then(({ status, body }) => {
      const challenge = status === 401 ? { "www-authenticate": 'Bearer error="invalid_token"' } : {};
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...challenge }).end(JSON.stringify(body));
    });
  });

  return {
    issuer,
    userinfoEndpoint: `${issuer}${ROUTES.userinfo}`,
    async issueToken({ sub, clientId, scopes = resourceServer.scopes, expiresInSeconds = HOUR_SECONDS }) {
      if (userOf(sub) === undefined) throw new Error(`The local issuer knows no user ${sub}`);
      if (!clients.some((client) => client.clientId === clientId)) throw new Error(`The local issuer knows no client ${clientId}`);
      const scope = scopes.map((name) => {
        const full = scopeNames.get(name);
        if (full === undefined) throw new Error(`${resourceServer.identifier} has no scope ${name}`);
        return full;
      });
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ client_id: clientId, token_use: "access", scope: ["openid", ...scope].join(" "), auth_time: now })
        .setProtectedHeader({ alg: ALGORITHM, kid: key.kid })
        .setIssuer(issuer)
        .setSubject(sub)
        .setJti(randomUUID())
        .setIssuedAt(now)
        .setExpirationTime(now + expiresInSeconds)
        .sign(key);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** As Cognito's userinfo tells them: booleans are texts there. */
function claimsOf({ sub, email, emailVerified = false, phoneNumber, phoneNumberVerified = false }: IssuerUser) {
  return {
    sub,
    ...(email === undefined ? {} : { email, email_verified: String(emailVerified) }),
    ...(phoneNumber === undefined ? {} : { phone_number: phoneNumber, phone_number_verified: String(phoneNumberVerified) }),
  };
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

/** Keeps what oidc-provider remembers. It looks at expiry itself; a local stack does not live long enough to need cleaning up. */
function recordsAdapter(records: Records): (model: string) => Adapter {
  return (model) => {
    const find = (matches: (payload: Payload) => boolean) => records.list<Payload>(model).find(matches);
    return {
      upsert: async (id, payload) => records.put(model, id, payload),
      find: async (id) => records.get<Payload>(model, id),
      findByUid: async (uid) => find((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => find((payload) => payload.userCode === userCode),
      consume: async (id) => records.put(model, id, { ...records.get<Payload>(model, id), consumed: Math.floor(Date.now() / 1000) }),
      destroy: async (id) => records.remove(model, id),
      revokeByGrantId: async (grantId) => {
        for (const { jti, ...payload } of records.list<Payload>(model)) {
          if (payload.grantId === grantId && jti !== undefined) records.remove(model, jti);
        }
      },
    };
  };
}
