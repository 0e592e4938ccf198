import * as z from "zod/mini";
import { CallerUnknown, type Identity, type IssuerWord, OutcomeUnknown } from "../domain/ports.ts";

const TIMEOUT_MILLISECONDS = 5000;

const discovery = z.object({ userinfo_endpoint: z.url() });
const verified = z.nullish(
  z.union([
    z.boolean(),
    z.pipe(
      z.enum(["true", "false"]),
      z.transform((text) => text === "true"),
    ),
  ]),
); // Cognito writes "true"
const userinfo = z.object({
  sub: z.string(),
  email: z.nullish(z.string()),
  email_verified: verified,
  phone_number: z.nullish(z.string()),
  phone_number_verified: verified,
});

/** `scope` is a text by RFC 9068; some issuers write a list, or call it `scp`. */
const scopeClaim = z.union([
  z.pipe(
    z.string(),
    z.transform((text) => text.split(" ")),
  ),
  z.array(z.string()),
]);
const accessTokenClaims = z.object({ scope: z.optional(scopeClaim), scp: z.optional(scopeClaim) });

/**
 * Asks the issuer who holds an access token. Only addresses that the issuer has verified are believed.
 *
 * Source: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
 */
export function oidcIdentity(issuerUrl: string): Identity {
  let endpoint: string | undefined;

  async function get<Shape extends z.ZodMiniType>(shape: Shape, url: string, headers: Record<string, string>): Promise<z.output<Shape>> {
    try {
      const reply = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
      if (reply.status === 401 || reply.status === 403) throw callerUnknown();
      if (!reply.ok) throw new Error(`The issuer answered ${reply.status}`);
      return z.parse(shape, await reply.json());
    } catch (error) {
      if (error instanceof CallerUnknown) throw error;
      throw new OutcomeUnknown("The issuer could not be asked who the caller is", { cause: error });
    }
  }

  return {
    async whoIs(accessToken, subscriberId) {
      const scopes = scopesOf(accessToken);
      if (scopes?.includes("openid") === false) throw callerUnknown(); // it would say so after a call
      endpoint ??= (await get(discovery, `${issuerUrl}/.well-known/openid-configuration`, {})).userinfo_endpoint;
      const claims = await get(userinfo, endpoint, { authorization: `Bearer ${accessToken}` });
      if (claims.sub !== subscriberId) throw new Error("The issuer's userinfo is about somebody else"); // OpenID Connect Core 5.3.2
      return {
        email: wordOn(claims.email, claims.email_verified, scopes?.includes("email")),
        phoneNumber: wordOn(claims.phone_number, claims.phone_number_verified, scopes?.includes("phone")),
      };
    },
  };
}

function callerUnknown(): CallerUnknown {
  return new CallerUnknown("The issuer does not say who holds this token");
}

/** An address that is missing is none only where it was asked for. Cognito tells all of them to who asks for `openid` alone. */
function wordOn(address: string | null | undefined, isVerified: boolean | null | undefined, isGranted: boolean | undefined): IssuerWord["email"] {
  if (address) return isVerified === true ? address : null;
  return isGranted === true ? null : undefined;
}

/** What an access token is good for; undefined where it does not say so. Its signature was verified before it came here. */
function scopesOf(accessToken: string): readonly string[] | undefined {
  try {
    const { scope, scp } = z.parse(accessTokenClaims, JSON.parse(Buffer.from(accessToken.split(".")[1] ?? "", "base64url").toString()));
    return scope ?? scp;
  } catch {
    return undefined; // not a JWT: an issuer of the operator's own may sign others
  }
}
