import { createHmac, timingSafeEqual } from "node:crypto";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type * as z from "zod/mini";
import { secrets } from "../contracts/environment.ts";
import type { PayLink, PayLinks } from "../domain/ports.ts";
import { epochMilliseconds, instant } from "../domain/time.ts";
import { readSecret } from "./secrets-manager.ts";
import { keptFor } from "./system.ts";

const SECRET_MINUTES = 5;

/** A token: what it says, and the signature of that, both in base64url. */
const TOKEN = /^([\w-]{1,150})\.([\w-]{43})$/;
/** Seconds since 1970, so that a link fits into a text message, and the recharge. */
const CONTENT = /^(\d{1,11}) ([\w-]{1,64})$/;

export interface HmacPayLinksOptions {
  readonly keys: () => Promise<z.infer<typeof secrets.payLink>>;
  /** Where the pages are; without a slash at its end. */
  readonly apiUrl: string;
}

/** Links that only who has the key can make. A stage has a key of its own, so another's links are none. */
export function hmacPayLinks({ keys, apiUrl }: HmacPayLinksOptions): PayLinks {
  return {
    async urlFor({ rechargeId, expiresAt }) {
      const content = `${Math.floor(epochMilliseconds(expiresAt) / 1000)} ${rechargeId}`;
      if (!CONTENT.test(content)) throw new Error("A pay link can only be made for a recharge's own id");
      const said = Buffer.from(content).toString("base64url");
      return `${apiUrl}/pay/${said}.${signatureOf(said, (await keys()).key)}`;
    },

    async read(token) {
      const [, said, signature] = TOKEN.exec(token) ?? [];
      if (said === undefined || signature === undefined) return undefined;
      const { key, previousKey } = await keys();
      const isSigned = [key, ...(previousKey === undefined ? [] : [previousKey])].some((each) => isSame(signature, signatureOf(said, each)));
      return isSigned ? contentOf(said) : undefined;
    },
  };
}

/** Over what is signed for nothing else, should the key ever sign other things. The text itself, not what it decodes to: there is one way to write it. */
function signatureOf(said: string, key: string): string {
  return createHmac("sha256", key).update(`pay-link ${said}`).digest("base64url");
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function contentOf(said: string): PayLink | undefined {
  const [, seconds, rechargeId] = CONTENT.exec(Buffer.from(said, "base64url").toString()) ?? [];
  return rechargeId === undefined ? undefined : { rechargeId, expiresAt: instant(Number(seconds) * 1000) };
}

/** Signed with the key that the secret holds now; links of the previous one are taken as long as that is kept there. */
export function payLinksFromSecret(
  client: Pick<SecretsManagerClient, "send">,
  environment: { readonly PAY_LINK_SECRET_ARN: string; readonly API_URL: string },
): PayLinks {
  const keys = keptFor(SECRET_MINUTES, () => readSecret(client, environment.PAY_LINK_SECRET_ARN, secrets.payLink));
  return hmacPayLinks({ keys, apiUrl: environment.API_URL });
}
