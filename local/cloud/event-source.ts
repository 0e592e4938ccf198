import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import type { InvokeFunction } from "./functions.ts";

/** A message as SQS hands it out. */
export interface ReceivedMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** `ApproximateReceiveCount`, `SentTimestamp` and the like. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes?: Readonly<Record<string, { readonly dataType: string; readonly stringValue?: string; readonly binaryValue?: string }>>;
}

/** One queue, as a consumer uses it. All seconds are seconds of the queue's clock, which is the local one. */
export interface ConsumedQueue {
  readonly arn: string;
  /** The queue's own. */
  readonly visibilityTimeoutSeconds: number;
  /** Waits up to `waitSeconds` for the first message. */
  receive(request: {
    readonly maxMessages: number;
    readonly waitSeconds: number;
    readonly visibilityTimeoutSeconds: number;
  }): Promise<readonly ReceivedMessage[]>;
  remove(receiptHandle: string): Promise<unknown>;
  changeVisibility(receiptHandle: string, seconds: number): Promise<unknown>;
}

export interface EventSourceOptions {
  /** As `StackGraph.list("AWS::Lambda::EventSourceMapping")` gives it. */
  readonly mapping: {
    readonly properties: {
      readonly FunctionName: string;
      readonly BatchSize?: number | undefined;
      readonly MaximumBatchingWindowInSeconds?: number | undefined;
      readonly ScalingConfig?: { readonly MaximumConcurrency: number } | undefined;
      readonly FunctionResponseTypes?: readonly "ReportBatchItemFailures"[] | undefined;
    };
  };
  readonly queue: ConsumedQueue;
  readonly invoke: InvokeFunction;
  readonly region: string;
  /** Local seconds that pass in a real second; asked for each batch, since the clock's speed can be changed. */
  readonly speed?: () => number;
  /** Hears of failed invocations, wrong answers and a queue that does not answer. */
  readonly onError: (error: unknown) => void;
}

/** What Lambda takes when the template says nothing. */
const DEFAULT_BATCH_SIZE = 10;
/** Without a limit Lambda starts with five pollers. */
const DEFAULT_CONCURRENCY = 5;
/** SQS gives out at most ten messages, and hides them for at most twelve hours. */
const MOST_RECEIVED = 10;
const LONGEST_VISIBILITY_SECONDS = 43_200;
/** Short, so that the stack stops within a second. */
const WAIT_SECONDS = 1;
const PAUSE_AFTER_FAULT_MILLISECONDS = 200;

/** Feeds a queue to a function, as Lambda's poller does, until it is stopped; `stop` waits for the invocations under way. */
export function startEventSource(options: EventSourceOptions): { stop(): Promise<void> } {
  const { mapping, queue, onError, speed = () => 1 } = options;
  const concurrency = mapping.properties.ScalingConfig?.MaximumConcurrency ?? DEFAULT_CONCURRENCY;
  const running = new Set<Promise<void>>();
  let stopping = false;

  async function poll(): Promise<void> {
    while (!stopping) {
      if (running.size >= concurrency) {
        await Promise.race(running);
        continue;
      }
      try {
        // The function may run for its whole real timeout, while the queue's clock runs faster.
        const hidden = Math.min(Math.ceil(queue.visibilityTimeoutSeconds * Math.max(speed(), 1)), LONGEST_VISIBILITY_SECONDS);
        const messages = await receiveBatch(options, hidden, () => stopping);
        if (messages.length === 0) continue;
        const batch = processBatch(options, messages, hidden).catch(onError);
        running.add(batch);
        void batch.finally(() => running.delete(batch));
      } catch (error) {
        if (stopping) return;
        onError(error);
        await sleep(PAUSE_AFTER_FAULT_MILLISECONDS);
      }
    }
  }

  const polling = poll();
  return {
    async stop() {
      stopping = true;
      await polling;
      await Promise.all(running);
    },
  };
}

/** Fills a batch until it is full or its window has passed, in real seconds. */
async function receiveBatch({ mapping, queue }: EventSourceOptions, visibilityTimeoutSeconds: number, isStopping: () => boolean): Promise<ReceivedMessage[]> {
  const { BatchSize = DEFAULT_BATCH_SIZE, MaximumBatchingWindowInSeconds = 0 } = mapping.properties;
  const messages: ReceivedMessage[] = [];
  let windowEnds = Number.POSITIVE_INFINITY;
  do {
    const maxMessages = Math.min(BatchSize - messages.length, MOST_RECEIVED);
    messages.push(...(await queue.receive({ maxMessages, waitSeconds: WAIT_SECONDS, visibilityTimeoutSeconds })));
    if (messages.length > 0) windowEnds = Math.min(windowEnds, performance.now() + MaximumBatchingWindowInSeconds * 1000);
  } while (messages.length > 0 && messages.length < BatchSize && performance.now() < windowEnds && !isStopping());
  return messages;
}

async function processBatch({ mapping, queue, invoke, region, onError }: EventSourceOptions, messages: readonly ReceivedMessage[], hiddenSeconds: number) {
  const { FunctionName, FunctionResponseTypes = [] } = mapping.properties;
  const event = { Records: messages.map((message) => recordOf(message, queue.arn, region)) };
  let failed: ReadonlySet<string>;
  try {
    const answer = await invoke(FunctionName, event);
    failed = FunctionResponseTypes.includes("ReportBatchItemFailures") ? failedMessages(answer, messages) : new Set();
  } catch (error) {
    onError(error);
    failed = new Set(messages.map(({ messageId }) => messageId));
  }
  await Promise.all(
    messages.map(async ({ messageId, receiptHandle }) => {
      if (!failed.has(messageId)) await queue.remove(receiptHandle);
      // Hidden for longer than the queue says only because its clock runs fast: from here on the queue's own time holds again.
      else if (hiddenSeconds !== queue.visibilityTimeoutSeconds) await queue.changeVisibility(receiptHandle, queue.visibilityTimeoutSeconds);
    }),
  );
}

const answerSchema = z.nullish(z.object({ batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string().check(z.minLength(1)) }))) }));

/**
 * The ids of the messages that the function could not process.
 *
 * Throws when the answer cannot be read or names a message that was not in the batch: then the whole batch has failed
 * (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
 */
function failedMessages(answer: unknown, messages: readonly ReceivedMessage[]): ReadonlySet<string> {
  const { success, data } = z.safeParse(answerSchema, answer);
  const failed = data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier) ?? [];
  if (!success || failed.some((id) => !messages.some(({ messageId }) => messageId === id))) {
    throw new Error(`A function answered with batch item failures that cannot be read, so its whole batch has failed: ${JSON.stringify(answer)}`);
  }
  return new Set(failed);
}

function recordOf(message: ReceivedMessage, eventSourceARN: string, awsRegion: string) {
  const { messageId, receiptHandle, body, attributes, messageAttributes = {} } = message;
  const md5OfBody = createHash("md5").update(body).digest("hex");
  return { messageId, receiptHandle, body, attributes, messageAttributes, md5OfBody, eventSource: "aws:sqs", eventSourceARN, awsRegion };
}
