import { describe, expect, it } from "@jest/globals";
import { applyAdjustment, isUnbilled, type PaymentFact, paymentFacts } from "../../functions/domain/adjustments.ts";
import type { Bill } from "../../functions/domain/bill.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import { money } from "../../functions/domain/money.ts";
import { type PaymentIntent, type Refund, refundStanding } from "../../functions/domain/payment-outcomes.ts";
import { cny, esimWithRule, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";

const PERIOD = { month: "2026-11", day: "2026-11-23" };
const succeeded: Bill = {
  rechargeId: "r-1",
  subscriberId: SUBSCRIBER,
  lineLastFour: "0017",
  lineHash: "hash",
  end: "succeeded",
  amount: cny(5000),
  charged: cny(5000),
  credited: cny(5000),
  refunded: cny(0),
  method: { id: METHOD.id, brand: METHOD.brand, lastFour: METHOD.lastFour },
  paymentIntentId: "pi_1",
  ruleVersion: 1,
  consent: esimWithRule().rule.consent,
  period: PERIOD,
  reading: reading(999),
  reservedAt: NOW,
  endedAt: NOW,
};
const refundedBill: Bill = { ...succeeded, end: "refunded", credited: cny(0), refunded: cny(5000) };
const declined: Bill = { ...succeeded, end: "declined", charged: cny(0), credited: cny(0) };
const paid: PaymentIntent = { id: "pi_1", status: "succeeded", amount: cny(5000), amountReceived: 5000, rechargeId: "r-1" };

const refund = (status: string, amount = 5000): Refund => ({ id: "re_1", status, amount: cny(amount), at: NOW });
const dispute = (status: string) => ({ id: "dp_1", status, amount: cny(5000), at: NOW });
const kinds = (facts: readonly PaymentFact[]) => facts.map(({ kind }) => kind);

describe("what Stripe says of an ended recharge's payment", () => {
  it.each([
    ["succeeded", ["refunded"]],
    ["pending", []],
    ["requires_action", []],
    ["failed", ["refund-failed"]],
    ["canceled", ["refund-failed"]],
  ])("is of a refund that is %s: %j", (status, expected) => expect(kinds(paymentFacts(succeeded, paid, [refund(status)], []))).toEqual(expected));

  it("says nothing new of the refund with which it ended, but that it failed later", () => {
    expect(paymentFacts(refundedBill, paid, [refund("succeeded")], [])).toEqual([]);
    expect(kinds(paymentFacts(refundedBill, paid, [refund("failed")], []))).toEqual(["refund-failed"]);
  });

  it.each([
    ["needs_response", ["dispute-opened"]],
    ["under_review", ["dispute-opened"]],
    ["warning_needs_response", ["dispute-opened"]],
    ["won", ["dispute-opened", "dispute-won"]],
    ["warning_closed", ["dispute-opened", "dispute-won"]],
    ["lost", ["dispute-opened", "dispute-lost"]],
  ])("is of a dispute that is %s: %j", (status, expected) => expect(kinds(paymentFacts(succeeded, paid, [], [dispute(status)]))).toEqual(expected));

  it("is that money came in which no bill knows of: after an unpaid end, or by another PaymentIntent", () => {
    expect(isUnbilled(succeeded, paid)).toBe(false);
    expect(isUnbilled(refundedBill, paid)).toBe(false);
    expect(isUnbilled(declined, { ...paid, status: "canceled" })).toBe(false);
    expect(isUnbilled(declined, paid)).toBe(true);
    expect(isUnbilled(succeeded, { ...paid, id: "pi_2" })).toBe(true);
    expect(kinds(paymentFacts(declined, paid, [refund("succeeded")], []))).toEqual(["paid-after-end", "refunded"]);
  });
});

describe("a fact about an ended recharge", () => {
  const spend = { ...PERIOD, monthAmounts: [cny(8000), money(300, "USD")], dayCount: 2, lastEndedAt: NOW };
  const line: Esim = { ...esimWithRule(), spend: { [SUBSCRIBER]: spend } };
  const fact = (kind: PaymentFact["kind"], amount = cny(5000)): PaymentFact => ({ kind, objectId: "re_1", paymentIntentId: "pi_1", amount, at: NOW });
  const spendAfter = (bill: Bill, ...facts: PaymentFact[]) => facts.reduce((esim, each) => applyAdjustment(esim, bill, each, NOW), line).spend[SUBSCRIBER];

  it("is told, once however often it is found", () => {
    const told = applyAdjustment(line, succeeded, fact("refunded"), NOW);
    expect(told.pendingEvents).toMatchObject([{ name: "RechargeAdjusted", id: "r-1/RechargeAdjusted/re_1/refunded", kind: "refunded", amount: cny(5000) }]);
    expect(applyAdjustment(told, succeeded, fact("refunded"), NOW)).toBe(told);
  });

  it("gives a refund back to the month in which it was booked, once, and takes it again when it fails", () => {
    expect(spendAfter(succeeded, fact("refunded"))).toMatchObject({ monthAmounts: [cny(3000), money(300, "USD")], refunds: ["re_1"], dayCount: 2 });
    expect(spendAfter(succeeded, fact("refunded"), fact("refunded"))?.monthAmounts[0]).toEqual(cny(3000));
    expect(spendAfter(succeeded, fact("refunded"), fact("refund-failed"))).toMatchObject({ monthAmounts: spend.monthAmounts, refunds: [] });
    expect(spendAfter(succeeded, fact("refund-failed"))).toBe(spend);
  });

  it("gives nothing back to another month, for what was never booked, or for a dispute", () => {
    expect(spendAfter({ ...succeeded, period: { month: "2026-10", day: "2026-10-31" } }, fact("refunded"))).toBe(spend);
    expect(spendAfter(declined, fact("refunded"))).toBe(spend);
    expect(spendAfter(refundedBill, fact("refund-failed"))).toBe(spend);
    for (const kind of ["dispute-opened", "dispute-won", "dispute-lost", "paid-after-end"] as const) expect(spendAfter(succeeded, fact(kind))).toBe(spend);
    expect(spendAfter(succeeded, fact("refunded", money(300, "USD")))).toBe(spend);
    expect(spendAfter(succeeded, { ...fact("refunded"), paymentIntentId: "pi_2" })).toBe(spend); // a payment beside the billed one was never booked
  });
});

describe("the refunds of a payment", () => {
  it.each([
    ["refunded", [refund("succeeded")]],
    ["refunded", [refund("failed"), refund("succeeded")]],
    ["refunded", [refund("succeeded", 2000), refund("succeeded", 3000)]],
    ["pending", [refund("pending")]],
    ["pending", [refund("requires_action")]],
    ["pending", [refund("succeeded", 2000), refund("pending", 3000)]],
    ["failed", [refund("failed")]],
    ["failed", [refund("canceled")]],
    ["failed", [refund("succeeded", 2000)]],
    ["failed", []],
  ] as const)("come to: %s", (standing, all) => expect(refundStanding(all, cny(5000))).toBe(standing));
});
