import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { domainEvent, envelopeOf, lowBalanceDetected, NOTICED_EVENTS, noticedEvent } from "../../functions/contracts/events.ts";
import type { EventName } from "../../functions/domain/events.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

/** What the subscriber is told of; the others are for the machine and the archive. */
const TOLD: EventName[] = [
  "RechargeSucceeded",
  "RechargeDeclined",
  "RechargeCancelled",
  "RechargeActionRequired",
  "RechargeExpired",
  "RechargeRefunded",
  "RechargeAdjusted",
  "RechargeNeedsReview",
  "RuleSuspended",
  "CapReached",
  "RechargeAnnounced",
  "PaymentMethodExpiring",
  "MonthEnded",
];

const OPTIONAL = new Set(["ReconciliationBreakFound.rechargeId", "CapReached.balance", "LowBalanceDetected.check"]);

describe.each(Object.entries(SAMPLE_EVENTS))("the event %s", (name, event) => {
  it("comes through JSON with every field", () => expect(z.parse(domainEvent, JSON.parse(JSON.stringify(event)))).toEqual(event));

  it("may say more in a later release", () => expect(z.parse(domainEvent, { ...event, more: "news" })).toEqual(event));

  it("is one thing that the subscriber is told, or is none", () => {
    expect(z.safeParse(noticedEvent, event).success).toBe(TOLD.some((told) => told === name));
  });

  it.each(Object.keys(event).filter((field) => field !== "nextTryAt" && field !== "origin" && !OPTIONAL.has(`${name}.${field}`)))(
    "is refused without its %s",
    (field) => {
      expect(z.safeParse(domainEvent, { ...event, [field]: undefined }).success).toBe(false);
    },
  );

  it("is refused in a shape of another version, or at no time", () => {
    for (const changes of [{ version: 2 }, { at: "yesterday" }, { at: 1_795_420_800 }]) {
      expect(z.safeParse(domainEvent, { ...event, ...changes }).success).toBe(false);
    }
  });
});

describe("events", () => {
  it("of which the subscriber is told are named for the rule on the bus", () => expect(NOTICED_EVENTS.toSorted()).toEqual(TOLD.toSorted()));

  it("of another name are refused", () => {
    expect(z.safeParse(domainEvent, { ...SAMPLE_EVENTS.RuleSaved, name: "RuleLiked" }).success).toBe(false);
  });

  it("of which nothing more is tried need not say when the next try is", () => {
    const { nextTryAt: _, ...last } = SAMPLE_EVENTS.RechargeDeclined;
    expect(z.parse(domainEvent, last)).toEqual(last);
  });

  it("that a rule wanted do not say who did, and nobody unknown wants one", () => {
    const { origin: _, ...byRule } = SAMPLE_EVENTS.RechargeExpired;
    expect(z.parse(domainEvent, byRule)).toEqual(byRule);
    expect(z.safeParse(domainEvent, { ...byRule, origin: "somebody" }).success).toBe(false);
  });

  it("are taken out of our own envelopes only", () => {
    const schema = envelopeOf(lowBalanceDetected);
    const envelope = { source: "auto-recharge", "detail-type": "LowBalanceDetected", detail: SAMPLE_EVENTS.LowBalanceDetected };
    expect(z.parse(schema, envelope)).toEqual(envelope);
    for (const changes of [{ source: "aws.events" }, { detail: SAMPLE_EVENTS.RuleSaved }, { detail: undefined }]) {
      expect(z.safeParse(schema, { ...envelope, ...changes }).success).toBe(false);
    }
  });
});
