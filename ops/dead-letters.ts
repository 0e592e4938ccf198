import { ChangeMessageVisibilityCommand, DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { type Instant, instant } from "../functions/domain/time.ts";

/** A message that failed too often. */
export interface DeadLetter {
  readonly messageId: string;
  readonly body: string;
  readonly sentAt: Instant;
  /** Good for what is done with the message as it was received this time. */
  readonly receipt: string;
}

/** A queue's dead letters, and the way back. */
export interface DeadLetters {
  /** At most this many (1 to 10), which nobody else is given meanwhile; none when all are taken or gone. A message may come twice. */
  receive(most: number): Promise<readonly DeadLetter[]>;
  /** Into the queue that it came from. */
  sendBack(body: string): Promise<void>;
  remove(receipt: string): Promise<void>;
  /** Lets others have it now. */
  release(receipt: string): Promise<void>;
}

/** Longer than a person's look at a thousand messages takes to print; what is left over by a crash is there again after it. */
const VISIBILITY_SECONDS = 300;
/** Not 0, which the local SQS (fauxqs 2.4.1) cannot keep in its folder. */
const RELEASE_SECONDS = 1;
/** Any wait makes SQS ask all its servers, so that an empty answer means that there is none. Longer than a release, and below AWS_LIMITS's 3 s. */
const WAIT_SECONDS = 2;

export function sqsDeadLetters(client: SQSClient, { url, deadLettersUrl }: { readonly url: string; readonly deadLettersUrl: string }): DeadLetters {
  return {
    async receive(most) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({
          QueueUrl: deadLettersUrl,
          MaxNumberOfMessages: most,
          VisibilityTimeout: VISIBILITY_SECONDS,
          WaitTimeSeconds: WAIT_SECONDS,
          MessageSystemAttributeNames: ["SentTimestamp"],
        }),
      );
      return Messages.map(({ MessageId = "", Body = "", ReceiptHandle = "", Attributes }) => ({
        messageId: MessageId,
        body: Body,
        sentAt: instant(Number(Attributes?.SentTimestamp ?? 0)),
        receipt: ReceiptHandle,
      }));
    },
    async sendBack(body) {
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
    },
    async remove(receipt) {
      await client.send(new DeleteMessageCommand({ QueueUrl: deadLettersUrl, ReceiptHandle: receipt }));
    },
    async release(receipt) {
      await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: deadLettersUrl, ReceiptHandle: receipt, VisibilityTimeout: RELEASE_SECONDS }));
    },
  };
}
