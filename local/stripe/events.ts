import { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { listEvents } from "./parameters.ts";
import { invalidRequest } from "./stripe-refusal.ts";
import { isWithin, KIND, noSuch, pageOf, type Result, type StripeWorld, seconds } from "./stripe-world.ts";

/** The request that caused an event; both are null for what Stripe or a card network did by itself. */
export interface EventRequest {
  readonly id: string | null;
  readonly idempotency_key: string | null;
}

/** How many webhooks are still to come is counted when somebody looks. */
export interface StoredEvent {
  readonly id: string;
  readonly object: "event";
  readonly api_version: string;
  readonly created: number;
  readonly data: { readonly object: object; readonly previous_attributes?: object };
  readonly livemode: false;
  readonly request: EventRequest;
  readonly type: string;
}

interface Parts {
  readonly world: Omit<StripeWorld, "emit">;
  readonly deliveries: { enqueue(event: StoredEvent): void; listPending(): readonly string[] };
  /** The request that is being handled. */
  readonly request: () => EventRequest;
}

/** What happened, as Stripe tells of it. Source: https://docs.stripe.com/api/events */
export function events({ world: { records, now, newId }, deliveries, request }: Parts) {
  function load(id: string): StoredEvent {
    const event = records.get<StoredEvent>(KIND.event, id);
    if (event === undefined) throw noSuch("event", id, "id", 404);
    return event;
  }

  return {
    emit(type: string, object: object, previousAttributes?: object): void {
      const event: StoredEvent = {
        id: newId("evt_"),
        object: "event",
        api_version: Stripe.API_VERSION,
        created: seconds(now()),
        data: { object, previous_attributes: previousAttributes },
        livemode: false,
        request: request(),
        type,
      };
      records.put(KIND.event, event.id, event);
      deliveries.enqueue(event);
    },

    load,

    retrieve: (id: string): Result => ({ body: shownEvent(load(id), deliveries.listPending()) }),

    list({ type = "*", types, created, ...page }: z.output<typeof listEvents>): Result {
      if (types !== undefined && type !== "*") throw invalidRequest("You may pass either `type` or `types`, but not both.", { param: "type" });
      const patterns = types ?? [type];
      const matching = records.list<StoredEvent>(KIND.event).filter((event) => isNamedBy(patterns, event.type) && isWithin(event.created, created));
      const pending = deliveries.listPending();
      return pageOf(
        "/v1/events",
        matching.map((event) => shownEvent(event, pending)),
        page,
      );
    },
  };
}

/** How many of its webhooks are still to come changes: `pending` names the event once for each. */
export function shownEvent(event: StoredEvent, pending: readonly string[]): StoredEvent & { readonly pending_webhooks: number } {
  return { ...event, pending_webhooks: pending.filter((id) => id === event.id).length };
}

/** Whether one of the patterns names the type: `*`, `payment_intent.*`, or the type itself. */
export function isNamedBy(patterns: readonly string[], type: string): boolean {
  return patterns.some((pattern) => (pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : type === pattern));
}

/** The attributes that changed, as they were; what was not there was null. */
export function previousAttributes(before: object, after: object): object {
  const were = new Map<string, unknown>(Object.entries(before));
  const are = new Map<string, unknown>(Object.entries(after));
  const changed = [...new Set([...were.keys(), ...are.keys()])].filter((name) => JSON.stringify(were.get(name)) !== JSON.stringify(are.get(name)));
  return Object.fromEntries(
    changed.map((name) => {
      const [was = null, is = null] = [were.get(name), are.get(name)];
      return [name, isAttributes(was) && isAttributes(is) ? previousAttributes(was, is) : was];
    }),
  );
}

function isAttributes(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
