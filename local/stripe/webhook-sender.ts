import { setTimeout as sleep } from "node:timers/promises";
import type { StripeModel } from "./stripe-model.ts";
import type { DueDelivery } from "./webhook-deliveries.ts";

export interface WebhookSenderOptions {
  readonly model: Pick<StripeModel, "dueDeliveries" | "delivered">;
  /** Real milliseconds within which an endpoint must answer. */
  readonly timeoutMilliseconds?: number;
}

/** Stripe does not say how long it waits. */
const TIMEOUT_MILLISECONDS = 20_000;
/** In real time: at 60 times the speed, three local seconds. */
const POLL_MILLISECONDS = 50;
const MOST_AT_ONCE = 20;

/** Sends what the model says is due, several at a time. What a killed process was sending is sent again by the next. */
export function startWebhookSender({ model, timeoutMilliseconds = TIMEOUT_MILLISECONDS }: WebhookSenderOptions): { close(): Promise<void> } {
  const stopping = new AbortController();
  const underway = new Map<string, Promise<void>>();

  async function send(delivery: DueDelivery): Promise<void> {
    const status = await sendWebhook(delivery, AbortSignal.any([stopping.signal, AbortSignal.timeout(timeoutMilliseconds)]));
    // Cut off by us, not by the endpoint: the next start tries again.
    if (!stopping.signal.aborted) model.delivered(delivery.id, status);
    underway.delete(delivery.id);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const waiting = model.dueDeliveries().filter(({ id }) => !underway.has(id));
      for (const delivery of waiting.slice(0, MOST_AT_ONCE - underway.size)) underway.set(delivery.id, send(delivery));
      await sleep(POLL_MILLISECONDS, undefined, { signal: stopping.signal }).catch(() => {});
    }
    await Promise.all(underway.values());
  }

  const running = run();
  return {
    close() {
      stopping.abort();
      return running;
    },
  };
}

/** The status of the endpoint's answer; undefined when there was none in time. A redirect is not followed, as at Stripe. */
export async function sendWebhook({ url, headers, body }: Omit<DueDelivery, "id">, signal?: AbortSignal): Promise<number | undefined> {
  try {
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
