import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import * as z from "zod/mini";

/** Who may call a route, as a JWT authorizer and the route's scopes say. */
export interface JwtRequirement {
  readonly issuer: string;
  /** One of these must be the token's `aud`, or its `client_id` where it has no `aud`. */
  readonly audience: readonly string[];
  /** One of these must be among the token's scopes; none are asked for when empty. */
  readonly scopes: readonly string[];
}

/** What a function finds in `requestContext.authorizer.jwt`: every claim arrives as a text. */
export interface JwtIdentity {
  readonly claims: Readonly<Record<string, string>>;
  readonly scopes: readonly string[] | null;
}

export type JwtVerdict =
  | { readonly kind: "allowed"; readonly jwt: JwtIdentity }
  | { readonly kind: "unauthorized"; readonly why: string }
  | { readonly kind: "forbidden"; readonly why: string };

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });
const claimsSchema = z.object({ aud: z.optional(z.union([z.string(), z.array(z.string())])), client_id: z.optional(z.string()), iat: z.optional(z.number()) });
const scopesSchema = z.object({ scope: z.optional(z.string()), scp: z.optional(z.union([z.string(), z.array(z.string())])) });
/** HTTP APIs know RSA only. */
const ALGORITHMS = ["RS256", "RS384", "RS512"];

/**
 * Judges bearer tokens as an HTTP API does: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 *
 * Asks each issuer for its discovery document once it is needed, and keeps its keys.
 */
export function jwtAuthorizer(): (authorization: string | undefined, requirement: JwtRequirement) => Promise<JwtVerdict> {
  const keySets = new Map<string, Promise<ReturnType<typeof createRemoteJWKSet>>>();

  function keysOf(issuer: string) {
    const known = keySets.get(issuer);
    if (known !== undefined) return known;
    const found = discoverKeys(issuer);
    keySets.set(issuer, found);
    found.catch(() => keySets.delete(issuer)); // ask again next time
    return found;
  }

  return async (authorization, requirement) => {
    if (authorization === undefined) return { kind: "unauthorized", why: "there is no token" };
    const token = authorization.replace(/^Bearer /i, "");
    try {
      const keys = await keysOf(requirement.issuer);
      const { payload } = await jwtVerify(token, keys, { issuer: requirement.issuer, algorithms: ALGORITHMS, requiredClaims: ["exp"] });
      return judge(payload, requirement);
    } catch (error) {
      return { kind: "unauthorized", why: error instanceof Error ? error.message : String(error) }; // also when the issuer cannot be reached
    }
  };
}

async function discoverKeys(issuer: string) {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  try {
    const response = await fetch(url);
    const { jwks_uri } = z.parse(discoverySchema, await response.json());
    return createRemoteJWKSet(new URL(jwks_uri));
  } catch (error) {
    throw new Error(`OIDC discovery at ${url} failed`, { cause: error });
  }
}

function judge(payload: JWTPayload, { audience, scopes }: JwtRequirement): JwtVerdict {
  const read = z.safeParse(claimsSchema, payload);
  if (!read.success) return { kind: "unauthorized", why: "the token's claims cannot be read" };
  const { aud, client_id, iat } = read.data;
  const offered = aud ?? client_id;
  if (![offered].flat().some((one) => one !== undefined && audience.includes(one)))
    return { kind: "unauthorized", why: "the token does not have a valid audience" };
  if (iat !== undefined && iat * 1000 > Date.now()) return { kind: "unauthorized", why: "the token is issued in the future" };
  const granted = grantedScopes(payload);
  if (scopes.length > 0 && !scopes.some((scope) => granted.includes(scope))) return { kind: "forbidden", why: "the token does not have a scope of the route" };
  const claims = Object.fromEntries(Object.entries(payload).map(([name, claim]) => [name, claimText(claim)]));
  return { kind: "allowed", jwt: { claims, scopes: scopes.length === 0 ? null : granted } };
}

function grantedScopes(payload: JWTPayload): string[] {
  const { scope, scp } = z.safeParse(scopesSchema, payload).data ?? {};
  return [scope, scp].flat().flatMap((text) => text?.split(" ") ?? []);
}

/** API Gateway writes a list as `[a b]`. */
function claimText(claim: unknown): string {
  if (typeof claim === "string") return claim;
  return Array.isArray(claim) ? `[${claim.map(claimText).join(" ")}]` : JSON.stringify(claim);
}
