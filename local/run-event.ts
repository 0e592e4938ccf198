import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { DynamoDBClient, ListTablesCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import { functionHost } from "./cloud/functions.ts";
import { localText, type RunningStack, readTimeline } from "./running-stack.ts";
import type { TimelineEntry } from "./timeline.ts";

/** One of the two times that a function got the event. */
export interface Invocation {
  readonly milliseconds: number;
  readonly answer: unknown;
}

/** What came of an event that a function got twice. */
export interface EventRun {
  /** In a new process: to start it, to load the code, and to answer. */
  readonly cold?: Invocation;
  /** In the same process, once all that the first had begun was done. */
  readonly warm?: Invocation;
  /** Every line that the function wrote. */
  readonly log: readonly string[];
  /** What it began, as the stack's timeline tells it. */
  readonly happened: readonly TimelineEntry[];
  /** What was not as it should be. */
  readonly fault?: string;
}

const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
/** Longer than the functions behind the queues need for what one event begins. */
const LONGEST_REST_SECONDS = 30;

/** The event was not worked on, or not the second time as the first. */
class Fault extends Error {}

/**
 * Gives an event to a function twice, in a process of its own: its bundle, handler, environment, memory limit and timeout are those of the running stack.
 *
 * A good run answers well the first time (or refuses with the status that is expected), does not fail the second time, and leaves the same end behind
 * after both.
 */
export async function runTwice(stack: RunningStack, described: RunningStack["functions"][number], event: unknown, refusedWith?: number): Promise<EventRun> {
  const log: string[] = [];
  const host = functionHost({ ...stack, functions: [described], onLog: ({ line }) => log.push(line) });
  const invoke = async (): Promise<Invocation> => {
    const startedAt = performance.now();
    const answer = await host.invoke(described.name, event);
    return { milliseconds: performance.now() - startedAt, answer };
  };
  let run: EventRun = { log, happened: [] };
  const before = (await readTimeline(stack)).at(-1)?.sequence ?? 0;
  try {
    const cold = await invoke();
    run = { ...run, cold };
    checkAnswer(cold.answer, (status) => (refusedWith === undefined ? status < 400 : status === refusedWith));
    const first = await endOf(stack);
    const warm = await invoke();
    run = { ...run, warm };
    checkAnswer(warm.answer, (status) => status < 500); // what is done already may be refused
    const second = await endOf(stack);
    run = { ...run, happened: await readTimeline(stack, before) };
    const differs = Object.keys(first).filter((part) => !isDeepStrictEqual(first[part], second[part]));
    if (differs.length > 0) throw new Fault(`the second time something else came of it: ${differs.join(", ")}`);
    return run;
  } catch (error) {
    return { ...run, fault: error instanceof Error ? error.message : String(error) };
  } finally {
    await host.close();
  }
}

const batchAnswer = z.object({ batchItemFailures: z.array(z.unknown()) });
/** What API Gateway would get. */
export const httpAnswer = z.object({ statusCode: z.int(), body: z.optional(z.string()) });

/** Throws unless all messages were worked on, or the request was answered with a good status. */
function checkAnswer(answer: unknown, isGood: (status: number) => boolean): void {
  const batch = z.safeParse(batchAnswer, answer);
  if (batch.success) {
    const failed = batch.data.batchItemFailures.length;
    if (failed > 0) throw new Fault(`${failed} of its messages failed`);
    return;
  }
  const { statusCode } = z.parse(httpAnswer, answer);
  if (!isGood(statusCode)) throw new Fault(`it answered ${statusCode}`);
}

/** Counted, kept or made anew each time that somebody asks or looks, whatever comes of it. */
const OF_EACH_TIME = { parts: /^(quota|step)#/, fields: ["version", "writeId", "lookAt"] } as const;

/** What there is once nothing goes on any more: at Stripe, at the carrier, in mailboxes, on the bus and in the tables. */
async function endOf(stack: RunningStack): Promise<Readonly<Record<string, unknown>>> {
  await rest(stack);
  const [charges, topUps, messages] = await Promise.all(["stripe/charges", "carrier/top-ups", "outbox"].map((path) => localText(stack, path)));
  const events = (await readTimeline(stack)).filter(({ source }) => source === "events").map((entry) => ({ ...entry, sequence: undefined, at: undefined }));
  return { charges, "top-ups": topUps, messages, events, "stored items": await storedItems(stack) };
}

async function storedItems({ region, endpoints }: RunningStack): Promise<readonly unknown[]> {
  const client = new DynamoDBClient({ region, endpoint: endpoints.AWS_ENDPOINT_URL_DYNAMODB, credentials: CREDENTIALS });
  try {
    const { TableNames = [] } = await client.send(new ListTablesCommand({}));
    const scans = await Promise.all(TableNames.map((TableName) => client.send(new ScanCommand({ TableName, ConsistentRead: true }))));
    return scans
      .flatMap(({ Items = [] }) => Items)
      .filter(({ part }) => !OF_EACH_TIME.parts.test(part?.S ?? ""))
      .map(({ open, ...item }) => {
        const facts = Object.entries(item).filter(([field]) => !OF_EACH_TIME.fields.some((each) => each === field));
        return { ...Object.fromEntries(facts), open: open?.M && { rechargeId: open.M.rechargeId, state: open.M.state } };
      });
  } finally {
    client.destroy();
  }
}

/** Waits until no function has a message to work on. One that is delayed is for later. */
async function rest({ region, endpoints, workQueues }: RunningStack): Promise<void> {
  const client = new SQSClient({ region, endpoint: endpoints.AWS_ENDPOINT_URL_SQS, credentials: CREDENTIALS });
  const depthOf = async (QueueUrl: string) => {
    const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
    const { Attributes = {} } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }));
    return names.reduce((sum, name) => sum + Number(Attributes[name]), 0);
  };
  try {
    const deadline = performance.now() + LONGEST_REST_SECONDS * 1000;
    while (performance.now() < deadline) {
      const depths = await Promise.all(workQueues.map(depthOf));
      if (depths.every((depth) => depth === 0)) return;
      await sleep(50);
    }
    throw new Fault(`what it began does not come to an end within ${LONGEST_REST_SECONDS} s`);
  } finally {
    client.destroy();
  }
}
