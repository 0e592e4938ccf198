import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { CheckRequests, EraseRequests, Pokes, ReconcileRequests, RemindRequests } from "../domain/ports.ts";
import { AWS_LIMITS } from "./aws-limits.ts";

const MESSAGES_PER_CALL = 10; // SendMessageBatch's limit
const TRIES = 3;
/** SQS's limit of a message's delay. */
const LONGEST_DELAY_SECONDS = 900;

export function sqs(): SQSClient {
  return new SQSClient(AWS_LIMITS);
}

/** Sends messages as JSON. Messages of a batch fail one by one, so only those that failed are sent again. */
async function sendAll(client: Pick<SQSClient, "send">, queueUrl: string, messages: readonly object[], delaySeconds: number): Promise<void> {
  for (let i = 0; i < messages.length; i += MESSAGES_PER_CALL) {
    let left = messages.slice(i, i + MESSAGES_PER_CALL).map((message, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(message),
      DelaySeconds: Math.min(Math.max(Math.ceil(delaySeconds), 0), LONGEST_DELAY_SECONDS),
    }));
    let reason = "";
    for (let attempt = 1; attempt <= TRIES && left.length > 0; attempt++) {
      const reply = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }));
      const sent = new Set((reply.Successful ?? []).map((entry) => entry.Id));
      reason = reply.Failed?.[0]?.Code ?? "no answer for a message";
      left = left.filter((entry) => !sent.has(entry.Id));
    }
    if (left.length > 0) throw new Error(`SQS refused ${left.length} messages: ${reason}`);
  }
}

/** Pokes of the recharge function, through its queue. */
export function sqsPokes(client: Pick<SQSClient, "send">, queueUrl: string): Pokes {
  return { send: (pokes, delaySeconds = 0) => sendAll(client, queueUrl, pokes, delaySeconds) };
}

/** Work for the balance checker, through its queue. */
export function sqsCheckRequests(client: Pick<SQSClient, "send">, queueUrl: string): CheckRequests {
  return { send: (requests) => sendAll(client, queueUrl, requests, 0) };
}

/** Work for the reminder of what time brings, through its queue. */
export function sqsRemindRequests(client: Pick<SQSClient, "send">, queueUrl: string): RemindRequests {
  return { send: (requests) => sendAll(client, queueUrl, requests, 0) };
}

/** Work for the reconciler, through its queue. */
export function sqsReconcileRequests(client: Pick<SQSClient, "send">, queueUrl: string): ReconcileRequests {
  return { send: (requests, delaySeconds = 0) => sendAll(client, queueUrl, requests, delaySeconds) };
}

/** Work for the eraser, through its queue. */
export function sqsEraseRequests(client: Pick<SQSClient, "send">, queueUrl: string): EraseRequests {
  return { send: (requests, delaySeconds = 0) => sendAll(client, queueUrl, requests, delaySeconds) };
}
