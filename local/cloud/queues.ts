import diagnostics from "node:diagnostics_channel";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import type { ConsumedQueue, ReceivedMessage } from "./event-source.ts";
import { LOCAL_ACCOUNT, type PropertiesOf } from "./supported-resources.ts";

/** A queue of the template, with its resolved properties. Times are local time. */
export interface QueueDefinition {
  readonly name: string;
  readonly properties: PropertiesOf<"AWS::SQS::Queue">;
}

/** A message that somebody looks at without taking it. */
export interface PeekedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly state: "visible" | "delayed" | "in-flight";
  readonly receiveCount: number;
}

/** SQS on this machine. Queues are named by name, ARN or URL. */
export interface Queues {
  /** For `AWS_ENDPOINT_URL_SQS`. */
  readonly endpoint: string;
  /**
   * Makes the queues that are missing and gives those that exist these settings; messages stay.
   *
   * To be called before anybody receives: what an earlier process had received and not removed is visible again at once, as nobody works on it any more.
   */
  ensure(definitions: readonly QueueDefinition[]): Promise<void>;
  /** Where a queue is, or will be. */
  urlOf(queue: string): string;
  /** Gives the message's id, once it is kept. Rejects when there is no such queue; everything below throws then. */
  send(queue: string, body: string, delaySeconds?: number): Promise<string>;
  /** The queue as Lambda's poller uses it. A wait takes real seconds, and ends with nothing when the queues are closed. */
  consume(queue: string): ConsumedQueue;
  /** CloudWatch's ApproximateNumberOfMessagesVisible. */
  depth(queue: string): number;
  peek(queue: string): PeekedMessage[];
  close(): Promise<void>;
}

const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" }; // any will do
/** With a folder, fauxqs 2.4.1 cannot store that a message is visible at once (its receive count would become null). */
const SHORTEST_VISIBILITY_SECONDS = 0.001;

/**
 * Starts SQS (fauxqs) in this process, so that delays, visibility and receipts follow the local clock: it compares with `Date.now()` at each receive,
 * and every 20 real milliseconds while somebody waits. With a folder, everything is on disk before a call returns.
 *
 * Retention is kept as a setting only: a local message stays until it is removed.
 */
export async function startQueues({ dataDir, region = "us-east-1" }: { readonly dataDir?: string; readonly region?: string } = {}): Promise<Queues> {
  const server = await onLoopbackOnly(() => startFauxqs({ port: 0, logger: false, defaultRegion: region, dataDir }));
  const endpoint = `http://127.0.0.1:${server.port}`;
  const client = new SQSClient({ endpoint, region, credentials: CREDENTIALS, maxAttempts: 1 });
  let open = true;

  const nameOf = (queue: string) => queue.slice(Math.max(queue.lastIndexOf(":"), queue.lastIndexOf("/")) + 1);
  function inspect(queue: string) {
    const found = server.inspectQueue(nameOf(queue));
    if (found === undefined) throw new Error(`There is no queue ${nameOf(queue)} in the local stack`);
    return found;
  }
  // Not the URL under which fauxqs keeps it: that names a host that need not resolve, and the port of an earlier start.
  const urlOf = (queue: string) => `${endpoint}/${LOCAL_ACCOUNT}/${nameOf(queue)}`;

  async function changeVisibility(queue: string, receiptHandle: string, seconds: number): Promise<void> {
    const timeout = Math.max(seconds, SHORTEST_VISIBILITY_SECONDS);
    await client.send(new ChangeMessageVisibilityCommand({ QueueUrl: urlOf(queue), ReceiptHandle: receiptHandle, VisibilityTimeout: timeout }));
  }

  function messages(queue: string): PeekedMessage[] {
    const { ready, delayed, inflight } = inspect(queue).messages;
    const now = Date.now();
    // fauxqs moves messages on only when somebody receives: what has become visible meanwhile is told here.
    const stateUntil = (state: "delayed" | "in-flight", until: number) => (until > now ? state : "visible");
    return [
      ...ready.map((message) => peeked(message, "visible")),
      ...delayed.map((message) => peeked(message, stateUntil("delayed", message.delayUntil ?? 0))),
      ...inflight.map(({ message, visibilityDeadline }) => peeked(message, stateUntil("in-flight", visibilityDeadline))),
    ];
  }

  return {
    endpoint,
    async ensure(definitions) {
      for (const { name, properties } of definitions) {
        if (server.inspectQueue(name) === undefined) server.createQueue(name); // making one that exists would empty it
        await client.send(new SetQueueAttributesCommand({ QueueUrl: urlOf(name), Attributes: attributesOf(properties) }));
        // On AWS the visibility timeout brings them back; with the clock running fast that would be minutes of real time here.
        for (const { receiptHandle } of inspect(name).messages.inflight) await changeVisibility(name, receiptHandle, 0);
      }
    },
    urlOf,
    send: async (queue, body, delaySeconds) => server.sendMessage(inspect(queue).name, body, { delaySeconds }).messageId,
    consume(queue) {
      const { arn, attributes } = inspect(queue);
      const QueueUrl = urlOf(queue);
      return {
        arn,
        visibilityTimeoutSeconds: Number(attributes.VisibilityTimeout),
        async receive({ maxMessages, waitSeconds, visibilityTimeoutSeconds }) {
          const command = new ReceiveMessageCommand({
            QueueUrl,
            MaxNumberOfMessages: maxMessages,
            WaitTimeSeconds: waitSeconds,
            VisibilityTimeout: visibilityTimeoutSeconds,
            MessageSystemAttributeNames: ["All"],
            MessageAttributeNames: ["All"],
          });
          const answer = await client.send(command).catch((error: unknown) => {
            if (open) throw error;
            return undefined;
          });
          return (answer?.Messages ?? []).map(received);
        },
        async remove(receiptHandle) {
          await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: receiptHandle }));
        },
        changeVisibility: (receiptHandle, seconds) => changeVisibility(queue, receiptHandle, seconds),
      };
    },
    depth: (queue) => messages(queue).filter((message) => message.state === "visible").length,
    peek: messages,
    async close() {
      open = false;
      await server.stop();
      client.destroy();
    },
  };
}

type StoredMessage = NonNullable<ReturnType<FauxqsServer["inspectQueue"]>>["messages"]["ready"][number];

function peeked({ messageId, body, approximateReceiveCount }: StoredMessage, state: PeekedMessage["state"]): PeekedMessage {
  return { messageId, body, state, receiveCount: approximateReceiveCount };
}

function received({ MessageId = "", ReceiptHandle = "", Body = "", Attributes = {}, MessageAttributes = {} }: Message): ReceivedMessage {
  const attributes = Object.entries(MessageAttributes).map(([name, { DataType = "", StringValue, BinaryValue }]) => {
    const binaryValue = BinaryValue && Buffer.from(BinaryValue).toString("base64");
    return [name, { dataType: DataType, stringValue: StringValue, binaryValue }] as const;
  });
  return { messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes, messageAttributes: Object.fromEntries(attributes) };
}

/** Every setting, so that one which is no longer in the template goes back to what AWS gives without it. */
function attributesOf({ RedrivePolicy, ...settings }: QueueDefinition["properties"]): Record<string, string> {
  return {
    VisibilityTimeout: String(settings.VisibilityTimeout ?? 30),
    MessageRetentionPeriod: String(settings.MessageRetentionPeriod ?? 345_600),
    DelaySeconds: String(settings.DelaySeconds ?? 0),
    ReceiveMessageWaitTimeSeconds: String(settings.ReceiveMessageWaitTimeSeconds ?? 0),
    MaximumMessageSize: String(settings.MaximumMessageSize ?? 1_048_576),
    RedrivePolicy: RedrivePolicy === undefined ? "" : JSON.stringify(RedrivePolicy),
  };
}

interface ListeningServer {
  listen(options: { port: number; host: string }): Promise<string>;
}

/** fauxqs listens on every interface of the machine and offers no choice; fastify, which it is made with, tells of each new server before that listens. */
async function onLoopbackOnly<T>(start: () => Promise<T>): Promise<T> {
  const bind = (message: unknown) => {
    if (!tellsOfServer(message)) return;
    const { fastify } = message;
    const listen = fastify.listen.bind(fastify);
    fastify.listen = (options) => listen({ ...options, host: "127.0.0.1" });
  };
  diagnostics.subscribe("fastify.initialization", bind);
  try {
    return await start();
  } finally {
    diagnostics.unsubscribe("fastify.initialization", bind);
  }
}

function tellsOfServer(message: unknown): message is { fastify: ListeningServer } {
  return typeof message === "object" && message !== null && "fastify" in message;
}
