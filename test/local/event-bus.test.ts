import { describe, expect, it } from "@jest/globals";
import { type BusRule, type EventEnvelope, eventBus, InvalidPutEvents } from "../../local/cloud/event-bus.ts";

const QUEUE = "arn:aws:sqs:us-east-1:000000000000:work";
const OTHER_QUEUE = "arn:aws:sqs:us-east-1:000000000000:mail";
const DEAD_LETTERS = "arn:aws:sqs:us-east-1:000000000000:dead";

function rule(pattern: BusRule["properties"]["EventPattern"], more: Partial<BusRule["properties"]> = {}): BusRule {
  return { logicalId: "Rule", properties: { EventBusName: "recharge", EventPattern: pattern, Targets: [{ Arn: QUEUE }], ...more } };
}

const low = { Source: "auto-recharge", DetailType: "LowBalanceDetected", Detail: JSON.stringify({ version: 1 }), EventBusName: "recharge" };

/** A bus with queues that remember; those in `broken` refuse so many messages first. */
function start(rules: readonly BusRule[], broken: Record<string, number> = {}) {
  const sent: { queueArn: string; body: string }[] = [];
  const observed: EventEnvelope[] = [];
  const errors: unknown[] = [];
  const bus = eventBus({
    region: "us-east-1",
    buses: [
      { name: "recharge", arn: "arn:aws:events:us-east-1:000000000000:event-bus/recharge" },
      { name: "other", arn: "arn:aws:events:us-east-1:000000000000:event-bus/other" },
    ],
    rules,
    send: async (queueArn, body) => {
      const refusals = broken[queueArn] ?? 0;
      broken[queueArn] = refusals - 1;
      if (refusals > 0) throw new Error(`${queueArn} is down`);
      sent.push({ queueArn, body });
    },
    observe: (envelope) => observed.push(envelope),
    onError: (error) => errors.push(error),
  });
  return { bus, sent, observed, errors };
}

describe("the local event bus", () => {
  it("wraps an event as EventBridge does, and hands it to every matching target before it answers", async () => {
    const both = { Targets: [{ Arn: QUEUE }, { Arn: OTHER_QUEUE }] };
    const { bus, sent, observed } = start([rule({ source: ["auto-recharge"] }, both), rule({ source: ["somebody-else"] })]);
    const answer = await bus.putEvents({ Entries: [{ ...low, Time: 1_795_449_600.5, Resources: ["a"] }] });
    const envelope = {
      version: "0",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      "detail-type": "LowBalanceDetected",
      source: "auto-recharge",
      account: "000000000000",
      time: "2026-11-23T16:00:00Z",
      region: "us-east-1",
      resources: ["a"],
      detail: { version: 1 },
    };
    expect(sent.map(({ queueArn }) => queueArn)).toEqual([QUEUE, OTHER_QUEUE]);
    for (const { body } of sent) expect(JSON.parse(body)).toEqual(envelope);
    expect(observed).toEqual([envelope]);
    expect(answer).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: observed[0]?.id }] });
  });

  it("tells the time of publishing where the entry tells none", async () => {
    const { bus, observed } = start([]);
    await bus.putEvents({ Entries: [low] });
    expect(observed[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  it("keeps to the rules of the bus that is named, by name or ARN", async () => {
    const { bus, sent } = start([rule({ source: ["auto-recharge"] })]);
    await bus.putEvents({ Entries: [{ ...low, EventBusName: "other" }] });
    expect(sent).toEqual([]);
    await bus.putEvents({ Entries: [{ ...low, EventBusName: "arn:aws:events:us-east-1:000000000000:event-bus/recharge" }] });
    expect(sent).toHaveLength(1);
  });

  it("passes over a disabled rule", async () => {
    const { bus, sent } = start([rule({ source: ["auto-recharge"] }, { State: "DISABLED" })]);
    await bus.putEvents({ Entries: [low] });
    expect(sent).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["without a source", { Source: undefined }, "InvalidArgument"],
    ["without a detail type", { DetailType: undefined }, "InvalidArgument"],
    ["without a detail", { Detail: undefined }, "InvalidArgument"],
    ["with a detail that is no JSON", { Detail: "{" }, "MalformedDetail"],
    ["with a detail that is no object", { Detail: "[1]" }, "MalformedDetail"],
    ["of more than 1 MB", { Detail: JSON.stringify({ long: "x".repeat(1024 * 1024) }) }, "InvalidArgument"],
    ["for a bus that is not there", { EventBusName: "gone" }, "InvalidArgument"],
    ["for the default bus", { EventBusName: undefined }, "InvalidArgument"],
    ["in the name of AWS", { Source: "aws.s3" }, "NotAuthorizedForSourceException"],
  ])("refuses an entry %s, and only that", async (_name, fault, code) => {
    const { bus, sent } = start([rule({ source: [{ exists: true }] })]);
    const answer = await bus.putEvents({ Entries: [{ ...low, ...fault }, low] });
    expect(answer).toEqual({ FailedEntryCount: 1, Entries: [{ ErrorCode: code, ErrorMessage: expect.any(String) }, { EventId: expect.any(String) }] });
    expect(sent).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ["no entries", { Entries: [] }],
    ["eleven entries", { Entries: Array.from({ length: 11 }, () => low) }],
    ["something else", "hello"],
  ])("refuses a request with %s as a whole", async (_name, request) => {
    await expect(start([]).bus.putEvents(request)).rejects.toThrow(InvalidPutEvents);
  });

  it("tries a target again", async () => {
    const { bus, sent, errors } = start([rule({ source: ["auto-recharge"] })], { [QUEUE]: 2 });
    expect(await bus.putEvents({ Entries: [low] })).toMatchObject({ FailedEntryCount: 0 });
    expect(sent.map(({ queueArn }) => queueArn)).toEqual([QUEUE]);
    expect(errors).toEqual([]);
  });

  it("gives an event that its target does not take to the dead-letter queue", async () => {
    const target = { Arn: QUEUE, DeadLetterConfig: { Arn: DEAD_LETTERS }, RetryPolicy: { MaximumRetryAttempts: 1 } };
    const { bus, sent, observed } = start([rule({ source: ["auto-recharge"] }, { Targets: [target] })], { [QUEUE]: 9 });
    expect(await bus.putEvents({ Entries: [low] })).toMatchObject({ FailedEntryCount: 0 });
    expect(sent).toEqual([{ queueArn: DEAD_LETTERS, body: JSON.stringify(observed[0]) }]);
  });

  it("does not acknowledge an event that no queue took", async () => {
    const { bus, observed, errors } = start([rule({ source: ["auto-recharge"] }, { Targets: [{ Arn: QUEUE, RetryPolicy: { MaximumRetryAttempts: 0 } }] })], {
      [QUEUE]: 9,
    });
    expect(await bus.putEvents({ Entries: [low] })).toMatchObject({ FailedEntryCount: 1, Entries: [{ ErrorCode: "InternalFailure" }] });
    expect(observed).toEqual([]);
    expect(errors).toEqual([new Error(`${QUEUE} is down`)]);
  });

  it("does not start with a pattern that it cannot read, and names the rule", () => {
    expect(() => start([rule({ source: [{ wildcard: "*" }] })])).toThrow(
      "Rule Rule: Event pattern, field source: the operator wildcard is not supported locally",
    );
  });
});
