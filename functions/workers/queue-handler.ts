import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import * as z from "zod/mini";
import type { Log } from "../domain/ports.ts";

/** A message that is not what its queue takes. Says what is wrong and where, never what it holds: that may name a line or a person. */
export class UnreadableMessage extends Error {
  override name = "UnreadableMessage";
}

/**
 * The handler of every queue: each message is parsed and worked on by itself, so that a bad one does not hold up the others.
 *
 * What fails is told to SQS message by message; it comes back until its dead-letter queue takes it.
 */
export function queueHandler<Shape extends z.core.$ZodType>(log: Log, shape: Shape, work: (message: z.core.output<Shape>) => Promise<void>) {
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const results = await Promise.allSettled(event.Records.map(async ({ body }) => work(readMessage(shape, body))));
    const batchItemFailures = event.Records.flatMap(({ messageId }, index) => {
      const result = results[index];
      if (result?.status === "fulfilled") return [];
      log.error("message-failed", { messageId, error: result?.reason });
      return [{ itemIdentifier: messageId }];
    });
    return { batchItemFailures };
  };
}

export function readMessage<Shape extends z.core.$ZodType>(shape: Shape, body: string): z.core.output<Shape> {
  let message: unknown;
  try {
    message = JSON.parse(body);
  } catch {
    throw new UnreadableMessage("The message is not JSON"); // without the cause: it would quote the message
  }
  const result = z.safeParse(shape, message);
  if (result.success) return result.data;
  throw new UnreadableMessage(`The message lacks a proper value in: ${placesOf(result.error.issues)}`);
}

function placesOf(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .map((issue) =>
      issue.code === "invalid_union" && issue.errors.length > 0 ? issue.errors.map(placesOf).join("; or in: ") : issue.path.join(".") || "the whole",
    )
    .join(", ");
}
