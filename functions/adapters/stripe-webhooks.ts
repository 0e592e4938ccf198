import { Stripe } from "stripe";
import type { Instant } from "../domain/time.ts";

/** Stripe's own default. Source: https://docs.stripe.com/webhooks#replay-attacks */
const TOLERANCE_SECONDS = 300;

export interface SignedText {
  /** Exactly as it came. */
  readonly text: string;
  /** The header `Stripe-Signature`. */
  readonly signature: string;
  readonly now: Instant;
}

/** Tells whether Stripe sent a text: whether it was signed with one of the endpoint's secrets, not more than five minutes ago. */
export function stripeSignatures(secrets: readonly string[]): (signed: SignedText) => boolean {
  return (signed) => isNotFromTheFuture(signed) && secrets.some((secret) => isSignedWith(secret, signed));
}

/** Stripe's library takes any time that is yet to come, and the last one where there are several. */
function isNotFromTheFuture({ signature, now }: SignedText): boolean {
  const [time = "", ...others] = signature.split(",").filter((part) => part.startsWith("t="));
  return others.length === 0 && /^t=[1-9]\d*$/.test(time) && Number(time.slice(2)) - Date.parse(now) / 1000 <= TOLERANCE_SECONDS;
}

function isSignedWith(secret: string, { text, signature, now }: SignedText): boolean {
  try {
    return Stripe.webhooks.signature?.verifyHeader(text, signature, secret, TOLERANCE_SECONDS, undefined, Date.parse(now)) === true;
  } catch {
    return false; // a StripeSignatureVerificationError; a RangeError for a signature beyond ASCII
  }
}
