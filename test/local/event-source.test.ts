import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "@jest/globals";
import { type ConsumedQueue, type EventSourceOptions, type ReceivedMessage, startEventSource } from "../../local/cloud/event-source.ts";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((source) => source.stop()));
});

function message(id: string): ReceivedMessage {
  return { messageId: id, receiptHandle: `receipt-${id}`, body: `body-${id}`, attributes: { ApproximateReceiveCount: "1" } };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}

type Mapping = EventSourceOptions["mapping"]["properties"];

/** A queue that hands its messages out once, and a function that answers as it is told. */
function start(ids: readonly string[], answer: (event: unknown) => unknown, mapping: Partial<Mapping> = {}, speed = 1) {
  const waiting = ids.map(message);
  const log: string[] = [];
  const events: unknown[] = [];
  const errors: unknown[] = [];
  const queue: ConsumedQueue = {
    arn: "arn:aws:sqs:us-east-1:000000000000:work",
    visibilityTimeoutSeconds: 180,
    receive: async ({ maxMessages, visibilityTimeoutSeconds }) => {
      const batch = waiting.splice(0, maxMessages);
      if (batch.length > 0) log.push(`received ${batch.length} for ${visibilityTimeoutSeconds} s`);
      else await sleep(5);
      return batch;
    },
    remove: async (receipt) => log.push(`removed ${receipt}`),
    changeVisibility: async (receipt, seconds) => log.push(`${receipt} visible in ${seconds} s`),
  };
  const source = startEventSource({
    mapping: { properties: { FunctionName: "work", FunctionResponseTypes: ["ReportBatchItemFailures"], ...mapping } },
    queue,
    invoke: async (_name, event) => {
      events.push(event);
      return answer(event);
    },
    region: "us-east-1",
    speed: () => speed,
    onError: (error) => errors.push(error),
  });
  started.push(source);
  return { source, log, events, errors, waiting };
}

describe("an event source", () => {
  it("hands messages over as Lambda does, and removes them", async () => {
    const { log, events } = start(["a", "b"], () => undefined);
    await until(() => log.length === 3);
    expect(log).toEqual(["received 2 for 180 s", "removed receipt-a", "removed receipt-b"]);
    expect(events).toEqual([
      {
        Records: ["a", "b"].map((id) => ({
          messageId: id,
          receiptHandle: `receipt-${id}`,
          body: `body-${id}`,
          attributes: { ApproximateReceiveCount: "1" },
          messageAttributes: {},
          md5OfBody: id === "a" ? "5f1863235cdd2ad9ba712e53cbc79c65" : expect.stringMatching(/^[0-9a-f]{32}$/),
          eventSource: "aws:sqs",
          eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:work",
          awsRegion: "us-east-1",
        })),
      },
    ]);
  });

  it("removes what did not fail", async () => {
    const { source, log, events } = start(["a", "b"], () => ({ batchItemFailures: [{ itemIdentifier: "a" }] }));
    await until(() => events.length === 1);
    await source.stop();
    expect(log).toEqual(["received 2 for 180 s", "removed receipt-b"]);
  });

  it.each<[string, unknown]>([
    ["nothing", null],
    ["an empty object", {}],
    ["no failures", { batchItemFailures: [] }],
    ["null failures", { batchItemFailures: null }],
  ])("takes %s for success", async (_name, answer) => {
    const { source, log, events } = start(["a"], () => answer);
    await until(() => events.length === 1);
    await source.stop();
    expect(log).toContain("removed receipt-a");
  });

  it.each<[string, unknown]>([
    ["an empty id", { batchItemFailures: [{ itemIdentifier: "" }] }],
    ["a null id", { batchItemFailures: [{ itemIdentifier: null }] }],
    ["another key", { batchItemFailures: [{ itemIdentifiers: "a" }] }],
    ["a message that was not in the batch", { batchItemFailures: [{ itemIdentifier: "z" }] }],
    ["something else", "done"],
  ])("takes %s for the failure of the whole batch, and says so", async (_name, answer) => {
    const { source, log, errors } = start(["a", "b"], () => answer);
    await until(() => errors.length === 1);
    await source.stop();
    expect(log).toEqual(["received 2 for 180 s"]);
    expect(String(errors[0])).toContain("its whole batch has failed");
  });

  it("removes nothing when the function fails", async () => {
    const { source, log, errors } = start(["a"], () => {
      throw new Error("broken");
    });
    await until(() => errors.length === 1);
    await source.stop();
    expect(log).toEqual(["received 1 for 180 s"]);
  });

  it("does not look at failures that the mapping does not ask for", async () => {
    const { source, log, events } = start(["a"], () => ({ batchItemFailures: [{ itemIdentifier: "a" }] }), { FunctionResponseTypes: undefined });
    await until(() => events.length === 1);
    await source.stop();
    expect(log).toContain("removed receipt-a");
  });

  it("hides messages for longer while the clock runs fast, and gives failed ones the queue's own time back", async () => {
    const { source, log, events } = start(["a", "b"], () => ({ batchItemFailures: [{ itemIdentifier: "a" }] }), {}, 60);
    await until(() => events.length === 1);
    await source.stop();
    expect(log).toEqual(["received 2 for 10800 s", "receipt-a visible in 180 s", "removed receipt-b"]);
  });

  it("hides messages for no longer than SQS can", async () => {
    const { log } = start(["a"], () => undefined, {}, 1000);
    await until(() => log.length > 0);
    expect(log[0]).toBe("received 1 for 43200 s");
  });

  it("makes batches of the size that the mapping says", async () => {
    const { log } = start(["a", "b", "c"], () => undefined, { BatchSize: 2 });
    await until(() => log.length === 5);
    expect(log.filter((line) => line.startsWith("received"))).toEqual(["received 2 for 180 s", "received 1 for 180 s"]);
  });

  it("waits for more messages within the window", async () => {
    const { events, waiting } = start(["a"], () => undefined, { MaximumBatchingWindowInSeconds: 1, BatchSize: 2 });
    await until(() => waiting.length === 0);
    waiting.push(message("b"));
    await until(() => events.length === 1);
    expect(events[0]).toMatchObject({ Records: [{ messageId: "a" }, { messageId: "b" }] });
  });

  it("runs no more batches at a time than the mapping allows", async () => {
    let running = 0;
    let most = 0;
    const ids = Array.from({ length: 8 }, (_, index) => `m${index}`);
    const answer = async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(20);
      running -= 1;
    };
    const { events } = start(ids, answer, { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } });
    await until(() => events.length === 8);
    expect(most).toBe(2);
  });

  it("goes on after the queue failed", async () => {
    let fails = true;
    const { errors, events } = startBroken(() => {
      const now = fails;
      fails = false;
      return now;
    });
    await until(() => events.length === 1);
    expect(errors).toEqual([new Error("down")]);
  });
});

function startBroken(isDown: () => boolean) {
  const errors: unknown[] = [];
  const events: unknown[] = [];
  const queue: ConsumedQueue = {
    arn: "arn:aws:sqs:us-east-1:000000000000:work",
    visibilityTimeoutSeconds: 30,
    receive: async () => {
      if (isDown()) throw new Error("down");
      await sleep(5);
      return events.length === 0 ? [message("a")] : [];
    },
    remove: async () => {},
    changeVisibility: async () => {},
  };
  const invoke = async (_name: string, event: unknown) => void events.push(event);
  started.push(
    startEventSource({ mapping: { properties: { FunctionName: "work" } }, queue, invoke, region: "us-east-1", onError: (error) => errors.push(error) }),
  );
  return { errors, events };
}
