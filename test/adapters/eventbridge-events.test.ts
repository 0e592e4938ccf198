import { EventBridgeClient, type PutEventsRequestEntry } from "@aws-sdk/client-eventbridge";
import { describe, expect, it } from "@jest/globals";
import { eventBridgeEvents } from "../../functions/adapters/eventbridge-events.ts";
import type { DomainEvent } from "../../functions/domain/events.ts";
import { NOW } from "../builders.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

const events = (count: number): DomainEvent[] => Array.from({ length: count }, (_, index) => ({ ...SAMPLE_EVENTS.RuleSaved, id: `event-${index}` }));

/** EventBridge as far as PutEvents goes: refuses entries one by one, as it is told to. `call` counts from 1. */
function eventBridgeThat(refuses: (entry: PutEventsRequestEntry, call: number) => boolean) {
  const calls: PutEventsRequestEntry[][] = [];
  const client = new EventBridgeClient({ region: "us-east-1" });
  client.middlewareStack.add(
    () =>
      async ({ input }) => {
        if (!("Entries" in input) || input.Entries === undefined) throw new Error("Only PutEvents is answered here");
        calls.push(input.Entries);
        const Entries = input.Entries.map((entry) =>
          refuses(entry, calls.length) ? { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" } : { EventId: "11710aed" },
        );
        return { response: {}, output: { $metadata: {}, FailedEntryCount: Entries.filter((entry) => "ErrorCode" in entry).length, Entries } };
      },
    { step: "initialize" },
  );
  const idsSent = () => calls.map((entries) => entries.map((entry): unknown => JSON.parse(entry.Detail ?? "{}").id));
  return { adapter: eventBridgeEvents(client, "auto-recharge-dev"), calls, idsSent };
}

describe("events for EventBridge", () => {
  it("carry their bus, source, name, time and whole detail", async () => {
    const { adapter, calls } = eventBridgeThat(() => false);
    await adapter.publish([SAMPLE_EVENTS.RechargeDeclined]);
    const [[entry] = []] = calls;
    expect(entry).toEqual({
      EventBusName: "auto-recharge-dev",
      Source: "auto-recharge",
      DetailType: "RechargeDeclined",
      Time: new Date(NOW),
      Detail: expect.any(String),
    });
    expect(JSON.parse(entry?.Detail ?? "")).toEqual(SAMPLE_EVENTS.RechargeDeclined);
  });

  it("are sent ten at a time, and none is no call", async () => {
    const { adapter, calls } = eventBridgeThat(() => false);
    await adapter.publish(events(21));
    expect(calls.map((entries) => entries.length)).toEqual([10, 10, 1]);
    await adapter.publish([]);
    expect(calls).toHaveLength(3);
  });

  it("are sent again only where they were refused", async () => {
    const refused = new Map([
      [1, ["event-1", "event-3"]],
      [2, ["event-3"]],
    ]);
    const { adapter, idsSent } = eventBridgeThat(({ Detail = "{}" }, call) => refused.get(call)?.includes(JSON.parse(Detail).id) ?? false);
    await adapter.publish(events(4));
    expect(idsSent()).toEqual([["event-0", "event-1", "event-2", "event-3"], ["event-1", "event-3"], ["event-3"]]);
  });

  it("are a fault after three tries, which says how many and why", async () => {
    const { adapter, calls } = eventBridgeThat(({ Detail = "{}" }) => JSON.parse(Detail).id === "event-2");
    await expect(adapter.publish(events(5))).rejects.toThrow("EventBridge refused 1 of 5 events: ThrottlingException");
    expect(calls).toHaveLength(3);
  });

  it("are a fault when the first ten fail, before the others are sent", async () => {
    const { adapter, idsSent } = eventBridgeThat(() => true);
    await expect(adapter.publish(events(12))).rejects.toThrow("10 of 10");
    expect(idsSent().flat()).not.toContain("event-10");
  });

  it("are not taken for published when an answer is too short", async () => {
    const client = new EventBridgeClient({ region: "us-east-1" });
    client.middlewareStack.add(() => async () => ({ response: {}, output: { $metadata: {}, Entries: [] } }), { step: "initialize" });
    await expect(eventBridgeEvents(client, "bus").publish(events(1))).rejects.toThrow("no answer for an entry");
  });
});
