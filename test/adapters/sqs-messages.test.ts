import { type SendMessageBatchRequestEntry, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "@jest/globals";
import { sqsCheckRequests, sqsPokes, sqsReconcileRequests, sqsRemindRequests } from "../../functions/adapters/sqs-messages.ts";
import type { Poke } from "../../functions/domain/ports.ts";
import { ICCID } from "../builders.ts";
import { iccidOf } from "./store-contract.ts";

const QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/111122223333/Recharge";

const pokes = (count: number): Poke[] => Array.from({ length: count }, (_, index) => ({ iccid: iccidOf(index) }));

/** SQS as far as SendMessageBatch goes: refuses messages one by one, as it is told to. `call` counts from 1. */
function sqsThat(refuses: (iccid: string, call: number) => boolean) {
  const calls: { readonly url: string; readonly entries: SendMessageBatchRequestEntry[] }[] = [];
  const client = new SQSClient({ region: "us-east-1" });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        if (!("Entries" in input) || input.Entries === undefined) throw new Error("Only SendMessageBatch is answered here");
        const entries = input.Entries.filter((entry) => "MessageBody" in entry);
        calls.push({ url: input.QueueUrl ?? "", entries });
        const isRefused = ({ MessageBody = "{}" }: SendMessageBatchRequestEntry) => refuses(JSON.parse(MessageBody).iccid, calls.length);
        const Successful = entries.filter((entry) => !isRefused(entry)).map(({ Id }) => ({ Id, MessageId: "5fea7756", MD5OfMessageBody: "" }));
        const Failed = entries.filter(isRefused).map(({ Id }) => ({ Id, SenderFault: false, Code: "InternalError" }));
        return { response: {}, output: { $metadata: {}, Successful, Failed } };
      },
    { step: "initialize" },
  );
  const bodiesSent = () => calls.map(({ entries }) => entries.map((entry): unknown => JSON.parse(entry.MessageBody ?? "null")));
  return { client, calls, bodiesSent };
}

describe("messages for SQS", () => {
  it("are pokes as JSON, in the queue they are for, at once", async () => {
    const { client, calls } = sqsThat(() => false);
    await sqsPokes(client, QUEUE_URL).send([{ iccid: ICCID, judge: true }, { iccid: iccidOf(1) }]);
    expect(calls).toEqual([
      {
        url: QUEUE_URL,
        entries: [
          { Id: "0", MessageBody: `{"iccid":"${ICCID}","judge":true}`, DelaySeconds: 0 },
          { Id: "1", MessageBody: `{"iccid":"${iccidOf(1)}"}`, DelaySeconds: 0 },
        ],
      },
    ]);
  });

  it("are pokes about payments and ways to pay, too", async () => {
    const { client, bodiesSent } = sqsThat(() => false);
    const all: Poke[] = [{ paymentIntentId: "pi_1", rechargeId: "r-1" }, { paymentIntentId: "pi_2" }, { paymentMethodId: "pm_1" }];
    await sqsPokes(client, QUEUE_URL).send(all);
    expect(bodiesSent()).toEqual([all]);
  });

  it("are work for the checker as JSON, at once", async () => {
    const { client, calls, bodiesSent } = sqsThat(() => false);
    const requests = [
      { slot: "15m#3", from: "00000000", to: "ffffffff" },
      { slot: "1h#4", from: "00000000", to: "7fffffff", page: "mark" },
    ];
    await sqsCheckRequests(client, QUEUE_URL).send(requests);
    expect(bodiesSent()).toEqual([requests]);
    expect(calls[0]?.entries.map((entry) => entry.DelaySeconds)).toEqual([0, 0]);
  });

  it("are work for the reconciler as JSON, at once", async () => {
    const { client, bodiesSent } = sqsThat(() => false);
    const requests = [{ list: "refunds", from: "2026-11-23T16:00:00.000Z", to: "2026-11-23T19:00:00.000Z", page: "re_1", pagesDone: 1 }] as const;
    await sqsReconcileRequests(client, QUEUE_URL).send(requests);
    expect(bodiesSent()).toEqual([requests]);
  });

  it("are work for the reminder as JSON, at once", async () => {
    const { client, bodiesSent } = sqsThat(() => false);
    const requests = [
      { scheduledTime: "2026-12-01T00:00:00Z", page: "mark" },
      { scheduledTime: "2026-12-01T00:00:00Z", subscriberId: "sub-ada" },
    ];
    await sqsRemindRequests(client, QUEUE_URL).send(requests);
    expect(bodiesSent()).toEqual([requests]);
  });

  it.each([
    [0, 0],
    [-5, 0],
    [0.2, 1],
    [12, 12],
    [12.4, 13],
    [900, 900],
    [3600, 900],
  ])("are delayed by whole seconds, never shorter than wished and at most 900: %d becomes %d", async (wished, delay) => {
    const { client, calls } = sqsThat(() => false);
    await sqsPokes(client, QUEUE_URL).send(pokes(2), wished);
    expect(calls[0]?.entries.map((entry) => entry.DelaySeconds)).toEqual([delay, delay]);
  });

  it("are sent ten at a time, each with its own id, and none is no call", async () => {
    const { client, calls, bodiesSent } = sqsThat(() => false);
    await sqsPokes(client, QUEUE_URL).send(pokes(21));
    expect(bodiesSent()).toEqual([pokes(21).slice(0, 10), pokes(21).slice(10, 20), pokes(21).slice(20)]);
    for (const { entries } of calls) expect(new Set(entries.map((entry) => entry.Id)).size).toBe(entries.length);
    await sqsPokes(client, QUEUE_URL).send([]);
    expect(calls).toHaveLength(3);
  });

  it("are sent again only where they were refused, with the same delay", async () => {
    const { client, calls, bodiesSent } = sqsThat((iccid, call) => call === 1 && iccid !== iccidOf(1));
    await sqsPokes(client, QUEUE_URL).send(pokes(3), 30);
    expect(bodiesSent()).toEqual([pokes(3), [{ iccid: iccidOf(0) }, { iccid: iccidOf(2) }]]);
    expect(calls[1]?.entries.map((entry) => entry.DelaySeconds)).toEqual([30, 30]);
  });

  it("are a fault after three tries, which names no line", async () => {
    const { client, calls } = sqsThat((iccid) => iccid === ICCID);
    const error: unknown = await sqsPokes(client, QUEUE_URL)
      .send([...pokes(3), { iccid: ICCID }])
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toContain("SQS refused 1 messages");
    expect(String(error)).not.toContain(ICCID);
    expect(calls).toHaveLength(3);
  });
});
