import type { Records } from "../records.ts";
import { invalidRequest } from "./stripe-refusal.ts";

/** What all parts of the model share. */
export interface StripeWorld {
  readonly records: Records;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A new id behind a prefix of Stripe's: `pi_...`. */
  readonly newId: (prefix: string) => string;
  /** Tells of a change as a webhook would: `type` is Stripe's (`payment_intent.succeeded`), `object` the object as it is now. On record when it returns. */
  readonly emit: (type: string, object: object, previousAttributes?: object) => void;
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
  setupIntent: "stripe-setup-intent",
  event: "stripe-event",
  endpoint: "stripe-webhook-endpoint",
  delivery: "stripe-webhook-delivery",
  idempotency: "stripe-idempotency-key",
  nextOutcomes: "stripe-next-outcomes",
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

/** A range of times in seconds, as the parameter `created` gives it; a single time is that second alone. */
export type CreatedRange = number | { readonly gt?: number; readonly gte?: number; readonly lt?: number; readonly lte?: number };

export function isWithin(created: number, range: CreatedRange = {}): boolean {
  if (typeof range === "number") return created === range;
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range;
  return created > gt && created >= gte && created < lt && created <= lte;
}

interface Filter {
  readonly created?: CreatedRange;
  /** The value that a field must have: `{ customer: "cus_..." }`. */
  readonly [field: string]: string | CreatedRange | undefined;
}

/** The objects that a list asks for, oldest first. */
export function matching<T extends { readonly created: number }>(objects: readonly T[], { created, ...fields }: Filter): T[] {
  return objects
    .filter((object) => isWithin(object.created, created))
    .filter((object) => Object.entries(fields).every(([field, value]) => value === undefined || Reflect.get(object, field) === value))
    .sort((a, b) => a.created - b.created);
}

/** The object that a path names. Throws Stripe's error when there is none. */
export function findById<T extends { readonly id: string }>(kind: string, objects: readonly T[], id: string): T {
  const found = objects.find((object) => object.id === id);
  if (found === undefined) throw noSuch(kind, id, "id", 404);
  return found;
}

/** A value that is empty removes its name. Source: https://docs.stripe.com/api/metadata */
export function mergeMetadata(known: Readonly<Record<string, string>>, changes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries({ ...known, ...changes }).filter(([, value]) => value !== ""));
}
