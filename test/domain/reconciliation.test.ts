import { describe, expect, it } from "@jest/globals";
import type { Bill } from "../../functions/domain/bill.ts";
import { type Books, breakEvent, breakId, findBreaks, type Payment } from "../../functions/domain/reconciliation.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { cny, ICCID, NOW, reading, SUBSCRIBER } from "../builders.ts";

const PAYMENT: Payment = {
  id: "pi_1",
  rechargeId: "r-1",
  status: "succeeded",
  amount: cny(5000),
  amountReceived: 5000,
  at: NOW,
  charge: { id: "ch_1", at: NOW, isDisputed: false, refunded: 0 },
  refunds: [],
  disputes: [],
};

const BILL: Bill = {
  rechargeId: "r-1",
  subscriberId: SUBSCRIBER,
  lineLastFour: ICCID.slice(-4),
  lineHash: "hash",
  end: "succeeded",
  amount: cny(5000),
  charged: cny(5000),
  credited: cny(5000),
  refunded: cny(0),
  method: { id: "pm_1", brand: "visa", lastFour: "4242" },
  paymentIntentId: "pi_1",
  ruleVersion: 1,
  consent: { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" },
  period: { month: "2026-11", day: "2026-11-23" },
  reading: reading(999),
  reservedAt: NOW,
  paidAt: NOW,
  endedAt: NOW,
};

/** Books that agree on a recharge that succeeded. */
function books({ bill = BILL, ...changes }: Partial<Books> & { readonly bill?: Bill } = {}): Books {
  return { rechargeId: "r-1", history: { bill, steps: [], adjustments: [] }, payment: PAYMENT, credit: "credited", topUps: [], ...changes };
}

const kindsOf = (found: Books, now = NOW) => findBreaks(found, now).map(({ kind }) => kind);

describe("the books of a recharge", () => {
  it("agree when it was charged, billed and credited", () => {
    expect(kindsOf(books())).toEqual([]);
  });

  it("agree without the start of a recharge whose subscriber has left", () => {
    const topUp = { reference: "r-1", iccid: ICCID, amount: cny(5000), status: "credited", at: NOW } as const;
    expect(kindsOf(books({ topUps: [topUp] }))).toEqual([]);
  });

  it("say nothing of a credit about which the carrier cannot know", () => {
    expect(kindsOf(books({ credit: undefined }))).toEqual([]);
  });

  it.each([
    ["less than a day", 24 * 60 - 1, []],
    ["a day", 24 * 60, ["orphan-payment"]],
  ])("have an orphan when a PaymentIntent that nobody stored is %s old", (_, minutes, kinds) => {
    const orphan: Payment = { ...PAYMENT, id: "pi_2", status: "requires_confirmation", amountReceived: 0, charge: undefined };
    expect(kindsOf(books({ payment: orphan }), plusMinutes(NOW, minutes))).toEqual(kinds);
  });

  it.each(["processing", "canceled"])("have no orphan in one that is %s: it cannot be canceled", (status) => {
    const other: Payment = { ...PAYMENT, id: "pi_2", status, amountReceived: 0, charge: undefined };
    expect(kindsOf(books({ payment: other }), plusMinutes(NOW, 48 * 60))).toEqual([]);
  });

  it.each([
    [15, []],
    [16, ["credited-after-end"]],
  ])("forgive the carrier's clock when it is ahead by %d minutes, and no more than a quarter of an hour", (minutes, kinds) => {
    const topUp = { reference: "r-1", iccid: ICCID, amount: cny(5000), status: "credited", at: plusMinutes(NOW, minutes) } as const;
    expect(kindsOf(books({ topUps: [topUp] }), plusMinutes(NOW, 60))).toEqual(kinds);
  });

  it.each([
    ["on its way back", "pending", []],
    ["back", "succeeded", []],
    ["not back after all", "failed", ["second-charge"]],
  ])("take a second charge for settled when it is %s", (_, status, kinds) => {
    const refunds = [{ id: "re_1", status, amount: cny(5000), at: NOW }];
    expect(kindsOf(books({ payment: { ...PAYMENT, id: "pi_2", refunds } }))).toEqual(kinds);
  });

  it("do not take a part that came back for the whole", () => {
    const refunds = [{ id: "re_1", status: "succeeded", amount: cny(4999), at: NOW }];
    expect(kindsOf(books({ payment: { ...PAYMENT, id: "pi_2", refunds } }))).toEqual(["second-charge"]);
  });

  it("give a poke two hours to mend what it can", () => {
    const refunds = [{ id: "re_1", status: "succeeded", amount: cny(5000), at: NOW }];
    expect(findBreaks(books({ payment: { ...PAYMENT, refunds } }), NOW)).toMatchObject([
      { kind: "refund-unknown", objectId: "re_1", rechargeId: "r-1", mend: "poke", toldFrom: plusMinutes(NOW, 120) },
    ]);
  });
});

describe("the event of a break", () => {
  it("has an id that is made of what it is about", () => {
    const found = { kind: "refund-unknown", objectId: "re_1", rechargeId: "r-1", detail: "said", mend: "poke" } as const;
    expect(breakId(found)).toBe("refund-unknown/re_1");
    expect(breakEvent(found, false, NOW)).toEqual({
      name: "ReconciliationBreakFound",
      id: "refund-unknown/re_1",
      version: 1,
      at: NOW,
      kind: "refund-unknown",
      objectId: "re_1",
      rechargeId: "r-1",
      mended: false,
      detail: "said",
    });
  });
});
