import { setTimeout as sleep } from "node:timers/promises";

/** Puts a message into a queue; rejects when the queue does not have it. */
export type SendMessage = (queueArn: string, body: string) => Promise<unknown>;

export interface DeliveryTarget {
  readonly Arn: string;
  readonly DeadLetterConfig?: { readonly Arn: string } | undefined;
  readonly RetryPolicy?: { readonly MaximumRetryAttempts?: number | undefined } | undefined;
}

/** AWS tries for up to 24 hours; a queue on the same machine that refused four times within 350 ms will not change its mind. */
const MOST_RETRIES = 3;
const FIRST_PAUSE_MILLISECONDS = 50;

/**
 * Hands a message to a target's queue, and after failed retries to its dead-letter queue.
 *
 * Rejects when neither took it. AWS would drop the message then; here somebody has to hear of it.
 */
export async function deliver(target: DeliveryTarget, body: string, send: SendMessage): Promise<void> {
  const retries = Math.min(target.RetryPolicy?.MaximumRetryAttempts ?? MOST_RETRIES, MOST_RETRIES);
  for (let attempt = 0; ; attempt += 1) {
    try {
      await send(target.Arn, body);
      return;
    } catch (error) {
      if (attempt < retries) await sleep(FIRST_PAUSE_MILLISECONDS * 2 ** attempt);
      else if (target.DeadLetterConfig === undefined) throw error;
      else break;
    }
  }
  await send(target.DeadLetterConfig.Arn, body);
}
