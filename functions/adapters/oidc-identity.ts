import * as z from "zod/mini";
import { CallerUnknown, type Identity, OutcomeUnknown } from "../domain/ports.ts";

const TIMEOUT_MILLISECONDS = 5000;

const discovery = z.object({ userinfo_endpoint: z.url() });
const verified = z.optional(
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
  email: z.optional(z.string()),
  email_verified: verified,
  phone_number: z.optional(z.string()),
  phone_number_verified: verified,
});

/**
 * Asks the issuer who holds an access token. Only addresses that the issuer has verified are believed.
 *
 * Source: https://openid.net/specs/openid-connect-core-1_0.html#UserInfo
 */
export function oidcIdentity(issuerUrl: string): Identity {
  let endpoint: string | undefined;

  async function get(url: string, headers: Record<string, string>): Promise<unknown> {
    try {
      const reply = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
      if (reply.status === 401 || reply.status === 403) throw new CallerUnknown("The issuer does not say who holds this token");
      if (!reply.ok) throw new Error(`The issuer answered ${reply.status}`);
      return await reply.json();
    } catch (error) {
      if (error instanceof CallerUnknown) throw error;
      throw new OutcomeUnknown("The issuer could not be asked who the caller is", { cause: error });
    }
  }

  return {
    async whoIs(accessToken, subscriberId) {
      endpoint ??= z.parse(discovery, await get(`${issuerUrl}/.well-known/openid-configuration`, {})).userinfo_endpoint;
      const claims = z.parse(userinfo, await get(endpoint, { authorization: `Bearer ${accessToken}` }));
      if (claims.sub !== subscriberId) throw new Error("The issuer's userinfo is about somebody else"); // OpenID Connect Core 5.3.2
      return {
        subscriberId,
        email: claims.email_verified === true ? claims.email : undefined,
        phoneNumber: claims.phone_number_verified === true ? claims.phone_number : undefined,
      };
    },
  };
}
