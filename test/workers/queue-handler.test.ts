import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import type { SQSEvent, SQSRecord } from "aws-lambda";
import * as z from "zod/mini";
import type { Log } from "../../functions/domain/ports.ts";
import { queueHandler, UnreadableMessage } from "../../functions/workers/queue-handler.ts";

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
    const reasons = [
      ["no-json", new UnreadableMessage("The message is not JSON")],
      ["failing", new Error("the table is away")],
      ["wrong-shape", new UnreadableMessage("The message lacks a proper value in: iccid")],
      ["no-body", new UnreadableMessage("The message is not JSON")],
    ] as const;
    expect(logged).toEqual(reasons.map(([messageId, error]) => ({ code: "message-failed", fields: { messageId, error } })));
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

  it.each([
    ["no JSON", "8986012345678900017 of ada@example.com", "The message is not JSON"],
    ["no object", '["8986012345678900017"]', "The message lacks a proper value in: the whole"],
    ["neither of two things", '{"line":"8986012345678900017"}', "The message lacks a proper value in: iccid; or in: event"],
    ["half of one thing", '{"event":{"name":"8986012345678900017","to":"ada@example.com"}}', "The message lacks a proper value in: iccid; or in: event.name"],
  ])("says where a message is wrong that is %s, and never what it holds", async (_, body, reason) => {
    const logged: unknown[] = [];
    const log: Log = { info: () => {}, warn: () => {}, error: (_code, fields) => void logged.push(fields) };
    const either = z.union([shape, z.object({ event: z.object({ name: z.literal("Happened"), to: z.string() }) })]);
    const handle = queueHandler(log, body.startsWith("[") ? shape : either, async () => {});
    expect(await handle(batch(record("1", body)))).toEqual({ batchItemFailures: [{ itemIdentifier: "1" }] });
    expect(logged).toEqual([{ messageId: "1", error: new UnreadableMessage(reason) }]);
    expect(inspect(logged, { depth: null, showHidden: true })).not.toMatch(/8986012345678900017|ada@example/);
  });

  it("hands over what the schema makes of a message, not what it was sent", async () => {
    const seen: unknown[] = [];
    const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
    await queueHandler(log, shape, async (message) => void seen.push(message))(batch(record("1", '{"iccid":"1","more":true}')));
    expect(seen).toEqual([{ iccid: "1" }]);
  });
});
