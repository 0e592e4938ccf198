import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { checkRequest, eraseMessage, rechargeMessage, reconcileMessage, remindRequest, tick } from "../../functions/contracts/messages.ts";
import { ICCID } from "../builders.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

const { LowBalanceDetected, RuleSaved } = SAMPLE_EVENTS;
const envelope = (detail: object, changes: object = {}) => ({ source: "auto-recharge", "detail-type": "LowBalanceDetected", detail, ...changes });

function isTaken(schema: z.ZodMiniType, message: unknown): boolean {
  return z.safeParse(schema, message).success;
}

describe("the queue of recharge", () => {
  it("takes a wish to look at a line, and to judge its balance too", () => {
    for (const wish of [{ iccid: ICCID }, { iccid: ICCID, judge: true }, { iccid: ICCID, judge: false }]) expect(z.parse(rechargeMessage, wish)).toEqual(wish);
  });

  it("takes a wish to look at a payment, whether it says for which recharge or not, and at a way to pay", () => {
    const paymentIntentId = "pi_3PqrSt2eZvKYlo2C1abc";
    for (const wish of [{ paymentIntentId, rechargeId: "8a4f2b1e-0c3d-4e5f-8a9b-0c1d2e3f4a5b" }, { paymentIntentId }, { paymentMethodId: "pm_1PqrSt" }])
      expect(z.parse(rechargeMessage, wish)).toEqual(wish);
  });

  it("takes LowBalanceDetected as EventBridge delivers it", () => {
    const delivered = { version: "0", id: "6a7e8feb", account: "111122223333", region: "us-east-1", resources: [], time: LowBalanceDetected.at };
    expect(z.parse(rechargeMessage, { ...delivered, ...envelope(LowBalanceDetected) })).toEqual(envelope(LowBalanceDetected));
  });

  it.each<[string, unknown]>([
    ["nothing", null],
    ["an empty message", {}],
    ["a text", ICCID],
    ["a wish without a line", { judge: true }],
    ["a line that is a number", { iccid: 8986012345678 }],
    ["a line that is none", { iccid: "4242424242424242" }],
    ["a judgement that is a text", { iccid: ICCID, judge: "true" }],
    ["a payment that is no PaymentIntent", { paymentIntentId: "ch_1" }],
    ["a payment with more than an id", { paymentIntentId: "pi_1/../refunds" }],
    ["a payment without its number", { paymentIntentId: "pi_" }],
    ["a payment of what is no recharge", { paymentIntentId: "pi_1", rechargeId: "bill#1" }],
    ["a recharge without its payment", { rechargeId: "re_1" }],
    ["a card's number for a way to pay", { paymentMethodId: "4242424242424242" }],
    ["a way to pay of another kind", { paymentMethodId: "src_1" }],
    ["another's event", envelope(LowBalanceDetected, { source: "aws.ec2" })],
    ["another event of ours", envelope(RuleSaved)],
    ["an event without its envelope's detail", { source: "auto-recharge", "detail-type": "LowBalanceDetected" }],
    ["a later version of the event", envelope({ ...LowBalanceDetected, version: 2 })],
    ["a balance that is a fraction", envelope({ ...LowBalanceDetected, balance: { amount: 9.5, currency: "CNY" } })],
  ])("does not take %s", (_, message) => expect(isTaken(rechargeMessage, message)).toBe(false));
});

describe("the queue of check-balances", () => {
  const request = { slot: "15m#3", from: "00000000", to: "ffffffff" };

  it("takes part of a slot, and the rest of one", () => {
    for (const message of [request, { ...request, page: "mark" }]) expect(z.parse(checkRequest, message)).toEqual(message);
  });

  it("takes no part of no slot", () => {
    for (const message of [
      null,
      {},
      { ...request, slot: undefined },
      { ...request, from: 0 },
      { ...request, page: 2 },
      { ...request, slot: "2h#3" },
      { ...request, slot: "15m#" },
      { ...request, to: "fffffffff" },
    ]) {
      expect(isTaken(checkRequest, message)).toBe(false);
    }
  });
});

describe("the queue of remind", () => {
  const tickOfDay = { scheduledTime: "2026-12-01T00:00:00Z" };

  it("takes the day's tick, the rest of its subscribers, and one of them", () => {
    for (const message of [tickOfDay, { ...tickOfDay, page: "mark" }, { ...tickOfDay, subscriberId: "sub-ada" }])
      expect(z.parse(remindRequest, message)).toEqual(message);
  });

  it("takes nothing without its day, and no subscriber that is none", () => {
    for (const message of [null, {}, { page: "mark" }, { ...tickOfDay, subscriberId: 7 }, { ...tickOfDay, page: {} }])
      expect(isTaken(remindRequest, message)).toBe(false);
  });
});

describe("a tick of the schedule", () => {
  it("says for when it was meant", () => {
    for (const scheduledTime of ["2026-11-23T08:00:00Z", "2026-11-23T08:00:00.000Z"]) expect(z.parse(tick, { scheduledTime })).toEqual({ scheduledTime });
  });

  it("is not taken without that, or with a placeholder that the scheduler did not fill in", () => {
    for (const message of [{}, { scheduledTime: "<aws.scheduler.scheduled-time>" }, { scheduledTime: 1_795_420_800 }])
      expect(isTaken(tick, message)).toBe(false);
  });
});

describe("the queue of erase", () => {
  it("keeps all that a stage goes on with", () => {
    const message = { subscriberId: "sub-ada", stage: "bills", since: "2026-11-23T08:00:00.000Z", page: "mark", tries: 3 };
    expect(z.parse(eraseMessage, message)).toEqual(message);
  });
});

describe("the queue of reconcile", () => {
  const request = { list: "top-ups", from: "2026-11-23T16:00:00.000Z", to: "2026-11-23T19:00:00.000Z" };

  it("takes the tick of each hour and of each day", () => {
    for (const every of ["hour", "day"]) expect(isTaken(reconcileMessage, { scheduledTime: "2026-11-23T16:00:00Z", every })).toBe(true);
  });

  it("takes a list to go through, and the rest of one", () => {
    for (const message of [request, { ...request, page: "mark", pagesDone: 3 }]) expect(z.parse(reconcileMessage, message)).toEqual(message);
  });

  it.each<[string, unknown]>([
    ["a tick that does not say how often it comes", { scheduledTime: "2026-11-23T16:00:00Z" }],
    ["a tick of each week", { scheduledTime: "2026-11-23T16:00:00Z", every: "week" }],
    ["a list that nobody has", { ...request, list: "payouts" }],
    ["a list without an end", { ...request, to: undefined }],
    ["a time that is none", { ...request, from: "yesterday" }],
    ["half a page", { ...request, pagesDone: 0.5 }],
  ])("does not take %s", (_, message) => {
    expect(isTaken(reconcileMessage, message)).toBe(false);
  });
});
