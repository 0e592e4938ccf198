import { createHmac } from "node:crypto";
import { type StoredEvent, shownEvent } from "./events.ts";
import { KIND, type StripeWorld, seconds } from "./stripe-world.ts";
import type { webhookEndpoints } from "./webhook-endpoints.ts";

/** What is to be sent now, by POST. The signature tells the time: one that is sent late is to be asked for again. */
export interface DueDelivery {
  readonly id: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One event on its way to one endpoint; gone from the records when it has arrived. With the event in it, so that none is on its way without its content. */
interface StoredDelivery {
  readonly id: string;
  readonly event: StoredEvent;
  readonly endpointId: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly since: number;
  /** Missing when nothing more is tried. */
  readonly dueAt?: number;
}

/** "Up to three days with an exponential back off", in live mode. Source: https://docs.stripe.com/webhooks#retries */
const TRIED_FOR_MILLISECONDS = 3 * 24 * 60 * 60 * 1000;
/** Stripe does not say how it begins. Doubled each time this makes ten attempts in three days. */
const FIRST_WAIT_MILLISECONDS = 5 * 60 * 1000;

/** Decides which webhooks are to be sent when; whoever sends them tells what came of it. */
export function webhookDeliveries({ records, now, newId }: Omit<StripeWorld, "emit">, endpoints: ReturnType<typeof webhookEndpoints>) {
  const put = (delivery: StoredDelivery) => records.put(KIND.delivery, delivery.id, delivery);
  const list = () => records.list<StoredDelivery>(KIND.delivery);
  const listPending = () => list().map(({ event }) => event.id);

  return {
    /** To every endpoint that listens to its type; once more to those that have it already. */
    enqueue(event: StoredEvent): void {
      for (const endpointId of endpoints.listListening(event.type)) {
        put({ id: newId("delivery_"), event, endpointId, attempts: 0, since: now(), dueAt: now() });
      }
    },

    /** The event of each delivery that has not arrived: an event stands here once for each of them. */
    listPending,

    /** Oldest first; may be sent in any order. What is due to an endpoint that was disabled or deleted is dropped. */
    listDue(): DueDelivery[] {
      const pending = listPending();
      return list().flatMap(({ id, event, endpointId, dueAt }) => {
        if (dueAt === undefined || dueAt > now()) return [];
        const target = endpoints.findEnabled(endpointId);
        if (target === undefined) {
          records.remove(KIND.delivery, id);
          return [];
        }
        const body = JSON.stringify(shownEvent(event, pending));
        const headers = { "content-type": "application/json; charset=utf-8", "stripe-signature": sign(body, seconds(now()), target.secrets) };
        return [{ id, url: target.url, headers, body }];
      });
    },

    /** Tells how the endpoint answered, if at all. All but a 2xx is tried again. */
    settle(id: string, status: number | undefined): void {
      const delivery = records.get<StoredDelivery>(KIND.delivery, id);
      if (delivery === undefined) return;
      if (status !== undefined && status >= 200 && status < 300) {
        records.remove(KIND.delivery, id);
        return;
      }
      const next = now() + FIRST_WAIT_MILLISECONDS * 2 ** delivery.attempts;
      const dueAt = next <= delivery.since + TRIED_FOR_MILLISECONDS ? next : undefined;
      put({ ...delivery, attempts: delivery.attempts + 1, dueAt });
    },
  };
}

/** One signature for each secret. Source: https://docs.stripe.com/webhooks#verify-manually */
function sign(body: string, timestamp: number, secrets: readonly string[]): string {
  const signatures = secrets.map((secret) => createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex"));
  return [`t=${timestamp}`, ...signatures.map((signature) => `v1=${signature}`)].join(",");
}
