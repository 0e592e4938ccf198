import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import * as z from "zod/mini";
import type { Log } from "../domain/ports.ts";

/**
 * The handler of every queue: each message is parsed and worked on by itself, so that a bad one does not hold up the others.
 *
 * What fails is told to SQS message by message; it comes back until its dead-letter queue takes it.
 */
export function queueHandler<Shape extends z.core.$ZodType>(log: Log, shape: Shape, work: (message: z.core.output<Shape>) => Promise<void>) {
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const results = await Promise.allSettled(event.Records.map(async ({ body }) => work(z.parse(shape, JSON.parse(body)))));
    const batchItemFailures = event.Records.flatMap(({ messageId }, index) => {
      const result = results[index];
      if (result?.status === "fulfilled") return [];
      log.error("message-failed", { messageId, error: result?.reason });
      return [{ itemIdentifier: messageId }];
    });
    return { batchItemFailures };
  };
}
