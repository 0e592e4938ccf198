import { describe, expect, it } from "@jest/globals";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import * as z from "zod/mini";
import type { Log } from "../../functions/domain/ports.ts";
import { queueHandler } from "../../functions/workers/queue-handler.ts";

const shape = z.object({ iccid: z.string() });

function record(messageId: string, body: string): SQSRecord {
  return {
    messageId,
    receiptHandle: "handle",
    body,
    attributes: { ApproximateReceiveCount: "1", SentTimestamp: "0", SenderId: "sender", ApproximateFirstReceiveTimestamp: "0" },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:000000000000:queue",
    awsRegion: "eu-west-1",
  };
}

const batch = (...Records: SQSRecord[]): SQSEvent => ({ Records });
const good = (messageId: string) => record(messageId, JSON.stringify({ iccid: messageId }));

function worker(work: (iccid: string) => Promise<void> = async () => {}) {
  const done: string[] = [];
  const logged: { readonly code: string; readonly fields?: object }[] = [];
  const log: Log = { info: () => {}, warn: () => {}, error: (code, fields) => void logged.push({ code, fields }) };
  const handle = queueHandler(log, shape, async ({ iccid }) => {
    await work(iccid);
    done.push(iccid);
  });
  return { handle, done, logged };
}

describe("the handler of a queue", () => {
  it("works on every message of a batch and reports none when all went well", async () => {
    const { handle, done, logged } = worker();
    expect(await handle(batch(good("1"), good("2")))).toEqual({ batchItemFailures: [] });
    expect([done, logged]).toEqual([["1", "2"], []]);
  });

  it("reports exactly the messages that are bad or fail, with the reason logged, and works on the others", async () => {
    const { handle, done, logged } = worker(async (iccid) => {
      if (iccid === "failing") throw new Error("the table is away");
    });
    const event = batch(good("1"), record("no-json", "{"), good("failing"), record("wrong-shape", '{"iccid":5}'), record("no-body", ""), good("2"));
    expect(await handle(event)).toEqual({
      batchItemFailures: [{ itemIdentifier: "no-json" }, { itemIdentifier: "failing" }, { itemIdentifier: "wrong-shape" }, { itemIdentifier: "no-body" }],
    });
    expect(done).toEqual(["1", "2"]);
    expect(logged).toEqual(
      ["no-json", "failing", "wrong-shape", "no-body"].map((messageId) => ({ code: "message-failed", fields: { messageId, error: expect.any(Error) } })),
    );
    expect(logged[1]).toMatchObject({ fields: { error: { message: "the table is away" } } });
  });

  it("does not let a slow message hold up the others", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { handle, done } = worker((iccid) => {
      if (iccid === "slow") return promise;
      resolve(); // were they worked on one after the other, nobody would come here
      return Promise.resolve();
    });
    expect(await handle(batch(good("slow"), good("fast")))).toEqual({ batchItemFailures: [] });
    expect(new Set(done)).toEqual(new Set(["slow", "fast"]));
  });

  it("reports a message whose work fails before its first wait", async () => {
    const { handle } = worker(() => {
      throw new Error("at once");
    });
    expect(await handle(batch(good("1")))).toEqual({ batchItemFailures: [{ itemIdentifier: "1" }] });
  });

  it("hands over what the schema makes of a message, not what it was sent", async () => {
    const seen: unknown[] = [];
    const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
    await queueHandler(log, shape, async (message) => void seen.push(message))(batch(record("1", '{"iccid":"1","more":true}')));
    expect(seen).toEqual([{ iccid: "1" }]);
  });
});
