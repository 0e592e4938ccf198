import type { Records } from "../records.ts";
import { invalidRequest } from "./stripe-refusal.ts";

/** What all parts of the model share. */
export interface StripeWorld {
  readonly records: Records;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A new id behind a prefix of Stripe's: `pi_...`. */
  readonly newId: (prefix: string) => string;
}

/** What an endpoint did. `lost`: the request or the answer never arrives, which the caller cannot tell apart. */
export interface Result {
  readonly status?: number;
  readonly body: object;
  readonly lost?: "request" | "reply";
}

/** Stripe counts time in whole seconds. */
export function seconds(epochMilliseconds: number): number {
  return Math.floor(epochMilliseconds / 1000);
}

export const KIND = {
  customer: "stripe-customer",
  method: "stripe-payment-method",
  intent: "stripe-payment-intent",
  idempotency: "stripe-idempotency-key",
} as const;

/** `status` is 404 for an object that the path names, and 400 for one that a parameter names. */
export function noSuch(object: string, id: string, param: string, status: 400 | 404): Error {
  return invalidRequest(`No such ${object}: '${id}'`, { code: "resource_missing", param }, status);
}

/** One page of a list, newest first. Source: https://docs.stripe.com/api/pagination */
export function pageOf<T extends { readonly id: string }>(
  url: string,
  oldestFirst: readonly T[],
  page: { readonly limit: number; readonly starting_after?: string },
): Result {
  const all = oldestFirst.toReversed();
  const after = page.starting_after;
  const start = after === undefined ? 0 : all.findIndex((object) => object.id === after) + 1;
  if (after !== undefined && start === 0) throw noSuch("object", after, "starting_after", 400);
  const data = all.slice(start, start + page.limit);
  return { body: { object: "list", url, has_more: start + data.length < all.length, data } };
}
