import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { GetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import * as z from "zod/mini";
import { functionHost } from "./cloud/functions.ts";
import { localText, type RunningStack } from "./running-stack.ts";

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
  /** What was charged, credited, told and published in the end. */
  readonly end?: Readonly<Record<string, readonly unknown[]>>;
  /** What was not as it should be. */
  readonly fault?: string;
}

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
export async function runTwice(
  stack: RunningStack,
  described: RunningStack["functions"][number],
  event: unknown,
  refusedWith?: number,
): Promise<EventRun> {
  const log: string[] = [];
  const host = functionHost({ ...stack, functions: [described], onLog: ({ line }) => log.push(line) });
  const invoke = async (): Promise<Invocation> => {
    const startedAt = performance.now();
    const answer = await host.invoke(described.name, event);
    return { milliseconds: performance.now() - startedAt, answer };
  };
  let run: EventRun = { log };
  try {
    const cold = await invoke();
    run = { ...run, cold };
    checkAnswer(cold.answer, (status) => (refusedWith === undefined ? status < 400 : status === refusedWith));
    const first = await endOf(stack);
    const warm = await invoke();
    run = { ...run, warm };
    checkAnswer(warm.answer, (status) => status < 500); // what is done already may be refused
    const end = await endOf(stack);
    run = { ...run, end };
    const differs = Object.keys(end).filter((part) => !isDeepStrictEqual(first[part], end[part]));
    if (differs.length > 0) throw new Fault(`the second time something else came of it: ${differs.join(", ")}`);
    return run;
  } catch (error) {
    return { ...run, fault: error instanceof Error ? error.message : String(error) };
  } finally {
    await host.close();
  }
}

const batchAnswer = z.object({ batchItemFailures: z.array(z.unknown()) });
const httpAnswer = z.object({ statusCode: z.int() });

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

const happenings = z.array(
  z.object({
    source: z.string(),
    what: z.string(),
    iccid: z.optional(z.string()),
    rechargeId: z.optional(z.string()),
    amount: z.optional(z.unknown()),
    note: z.optional(z.string()),
  }),
);

/** What is to be seen from outside once nothing goes on any more. */
async function endOf(stack: RunningStack): Promise<Readonly<Record<string, readonly unknown[]>>> {
  await rest(stack);
  const list = async (path: string) => z.parse(z.array(z.unknown()), JSON.parse(await localText(stack, path)));
  const events = z.parse(happenings, await list("timeline")).filter(({ source }) => source === "events");
  return { charges: await list("stripe/charges"), "top-ups": await list("carrier/top-ups"), messages: await list("outbox"), events };
}

/** Waits until no function has a message to work on. One that is delayed is for later. */
async function rest({ region, endpoints, workQueues }: RunningStack): Promise<void> {
  const client = new SQSClient({ region, endpoint: endpoints.AWS_ENDPOINT_URL_SQS, credentials: { accessKeyId: "local", secretAccessKey: "local" } });
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
