import { createHmac, timingSafeEqual } from "node:crypto";
import type { Instant } from "../domain/time.ts";

/** Stripe's own default. Source: https://docs.stripe.com/webhooks#replay-attacks */
const TOLERANCE_SECONDS = 300;

export interface SignedText {
  /** Exactly as it came. */
  readonly text: string;
  /** The header `Stripe-Signature`: `t=1795900000,v1=…,v1=…`. */
  readonly signature: string;
  readonly now: Instant;
}

/**
 * Tells whether Stripe sent a text: whether it was signed with one of the endpoint's secrets, not more than five minutes ago.
 *
 * Without Stripe's library, which is most of a cold start here; the tests hold this to it. Source: https://docs.stripe.com/webhooks#verify-manually
 */
export function stripeSignatures(secrets: readonly string[]): (signed: SignedText) => boolean {
  return ({ text, signature, now }) => {
    const parts = signature.split(",").map((part) => part.split("="));
    const [time = "", ...otherTimes] = valuesOf("t", parts);
    const isOfNow = otherTimes.length === 0 && /^[1-9]\d*$/.test(time) && Math.abs(Number(time) - Date.parse(now) / 1000) <= TOLERANCE_SECONDS;
    const given = valuesOf("v1", parts);
    return (
      text !== "" &&
      isOfNow &&
      secrets.some((secret) => given.some((each) => isSame(each, createHmac("sha256", secret).update(`${time}.${text}`).digest("hex"))))
    );
  };
}

function valuesOf(scheme: string, parts: readonly (readonly string[])[]): readonly string[] {
  return parts.flatMap(([name, value]) => (name === scheme && value !== undefined ? [value] : []));
}

/** Takes as long wherever the two differ. */
function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
