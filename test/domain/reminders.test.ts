import { describe, expect, it } from "@jest/globals";
import type { SavedMethod } from "../../functions/domain/esim.ts";
import { type Money, money } from "../../functions/domain/money.ts";
import { type AdjustedBill, expiryOf, monthEnded, monthToSumUp } from "../../functions/domain/reminders.ts";
import { cny, METHOD, NOW, SUBSCRIBER } from "../builders.ts";

const SHANGHAI = "Asia/Shanghai";

describe("a card that ends", () => {
  const card: SavedMethod = { ...METHOD, expiry: { month: 12, year: 2026 } };
  const told = (now: string, timeZone = "UTC", method = card) => {
    const event = expiryOf(SUBSCRIBER, method, timeZone, now);
    return event && [event.id, event.daysLeft];
  };

  it.each([
    ["31 days before its last day", "2026-11-30T23:59:59.999Z", undefined],
    ["30 days before", "2026-12-01T00:00:00.000Z", ["pm_1/2026-12/30", 30]],
    ["when the 30th day was missed", "2026-12-05T12:00:00.000Z", ["pm_1/2026-12/30", 26]],
    ["8 days before", "2026-12-23T23:59:59.999Z", ["pm_1/2026-12/30", 8]],
    ["7 days before, and not of the 30th day too", "2026-12-24T00:00:00.000Z", ["pm_1/2026-12/7", 7]],
    ["when the 7th day was missed", "2026-12-28T12:00:00.000Z", ["pm_1/2026-12/7", 3]],
    ["on its last day", "2026-12-31T23:59:59.999Z", ["pm_1/2026-12/7", 0]],
    ["once it has ended", "2027-01-01T00:00:00.000Z", undefined],
  ])("is told as it should be %s", (_, now, expected) => expect(told(now)).toEqual(expected));

  it("is told by the calendar of its owner", () => {
    expect(told("2026-11-30T15:59:59.999Z", SHANGHAI)).toBeUndefined();
    expect(told("2026-11-30T16:00:00.000Z", SHANGHAI)).toEqual(["pm_1/2026-12/30", 30]);
    expect(told("2026-12-24T04:59:00.000Z", "America/New_York")).toEqual(["pm_1/2026-12/30", 8]);
  });

  it("ends on the last day of its month, in February of a leap year too", () => {
    const leaping = { ...card, expiry: { month: 2, year: 2028 } };
    expect(told("2028-01-29T12:00:00.000Z", "UTC", leaping)).toBeUndefined();
    expect(told("2028-01-30T12:00:00.000Z", "UTC", leaping)).toEqual(["pm_1/2028-02/30", 30]);
    expect(told("2028-02-29T12:00:00.000Z", "UTC", leaping)).toEqual(["pm_1/2028-02/7", 0]);
  });

  it("is told with what its owner knows it by", () => {
    expect(expiryOf(SUBSCRIBER, card, "UTC", "2026-12-24T00:00:00.000Z")).toEqual({
      name: "PaymentMethodExpiring",
      id: "pm_1/2026-12/7",
      version: 1,
      at: "2026-12-24T00:00:00.000Z",
      subscriberId: SUBSCRIBER,
      paymentMethodId: "pm_1",
      brand: "visa",
      lastFour: "4242",
      expiry: { month: 12, year: 2026 },
      daysLeft: 7,
    });
  });

  it("is none where a way to pay has no end", () => expect(told(NOW, "UTC", METHOD)).toBeUndefined());
});

describe("the month to sum up", () => {
  it.each([
    ["on the first day", "2026-12-01T00:00:00.000Z", "UTC", "2026-11"],
    ["on the fifth, should the first days have been missed", "2026-12-05T23:59:59.999Z", "UTC", "2026-11"],
    ["on the sixth", "2026-12-06T00:00:00.000Z", "UTC", undefined],
    ["in a new year", "2027-01-02T00:00:00.000Z", "UTC", "2026-12"],
    ["where it is December already", "2026-11-30T16:00:00.000Z", SHANGHAI, "2026-11"],
    ["where it is November still", "2026-12-01T04:59:00.000Z", "America/New_York", undefined],
  ])("is the last one %s", (_, now, timeZone, expected) => expect(monthToSumUp(timeZone, now)).toBe(expected));
});

describe("what a month came to", () => {
  const now = "2026-12-01T08:00:00.000Z";
  const nothing = cny(0);
  const succeeded = (endedAt = NOW, charged: Money = cny(5000)): AdjustedBill["bill"] => ({
    end: "succeeded",
    charged,
    refunded: money(0, charged.currency),
    endedAt,
  });
  const unpaid = (end: "declined" | "cancelled" | "expired"): AdjustedBill["bill"] => ({ end, charged: nothing, refunded: nothing, endedAt: NOW });
  const refunded: AdjustedBill["bill"] = { end: "refunded", charged: cny(5000), refunded: cny(5000), endedAt: NOW };
  const later = (adjustmentId: string, kind: AdjustedBill["adjustments"][number]["kind"], amount = cny(2000)) => ({ adjustmentId, kind, amount });
  const of = (bill: AdjustedBill["bill"], ...adjustments: AdjustedBill["adjustments"]): AdjustedBill => ({ bill, adjustments });
  const totals = (bills: readonly AdjustedBill[], timeZone = "UTC") => monthEnded(SUBSCRIBER, "2026-11", bills, timeZone, now)?.totals;

  it("is told once per subscriber and month", () => {
    expect(monthEnded(SUBSCRIBER, "2026-11", [of(succeeded())], "UTC", now)).toEqual({
      name: "MonthEnded",
      id: "sub-ada/month/2026-11",
      version: 1,
      at: now,
      subscriberId: SUBSCRIBER,
      month: "2026-11",
      totals: [{ recharges: 1, charged: cny(5000) }],
    });
  });

  it.each<[string, AdjustedBill[], number, number]>([
    ["all recharges", [of(succeeded()), of(succeeded())], 2, 10_000],
    ["less what was given back", [of(succeeded(), later("re_1/refunded", "refunded"))], 1, 3000],
    ["less each of two refunds", [of(succeeded(), later("re_1/refunded", "refunded"), later("re_2/refunded", "refunded"))], 1, 1000],
    ["and not less a refund that failed", [of(succeeded(), later("re_1/refund-failed", "refund-failed"))], 1, 5000],
    [
      "and not less one that failed after all",
      [of(succeeded(), later("re_1/refunded", "refunded"), later("re_1/refund-failed", "refund-failed"), later("re_2/refunded", "refunded"))],
      1,
      3000,
    ],
    ["and not less what is only disputed", [of(succeeded(), later("du_1/dispute-opened", "dispute-opened"))], 1, 5000],
    [
      "and not less a dispute that was won",
      [of(succeeded(), later("du_1/dispute-opened", "dispute-opened"), later("du_1/dispute-won", "dispute-won"))],
      1,
      5000,
    ],
    ["less what a bank took back", [of(succeeded(), later("du_1/dispute-lost", "dispute-lost", cny(5000)))], 1, 0],
    ["without what was given back at once", [of(succeeded()), of(refunded)], 1, 5000],
    ["without what was never taken", [of(succeeded()), of(unpaid("declined")), of(unpaid("cancelled"))], 1, 5000],
    ["with what came in after the end, until it is given back", [of(unpaid("expired"), later("pi_1/paid-after-end", "paid-after-end"))], 0, 2000],
  ])("counts %s", (_, bills, recharges, amount) => expect(totals(bills)).toEqual([{ recharges, charged: cny(amount) }]));

  it.each<[string, AdjustedBill[]]>([
    ["there was no recharge", []],
    ["nothing was taken", [of(unpaid("declined")), of(unpaid("expired"))]],
    ["all was given back at once", [of(refunded)]],
    ["what came in late was given back", [of(unpaid("expired"), later("pi_1/paid-after-end", "paid-after-end"), later("re_1/refunded", "refunded"))]],
  ])("is not told when %s", (_, bills) => expect(totals(bills)).toBeUndefined());

  it("is told per currency, even where an adjustment is in another", () => {
    const bills = [of(succeeded(NOW, money(500, "JPY"))), of(succeeded(), later("du_1/dispute-lost", "dispute-lost", money(7, "USD")))];
    expect(totals(bills)).toEqual([
      { recharges: 1, charged: cny(5000) },
      { recharges: 1, charged: money(500, "JPY") },
      { recharges: 0, charged: money(-7, "USD") },
    ]);
  });

  it("is that of the subscriber's calendar", () => {
    const bills = ["2026-10-31T15:59:00.000Z", "2026-10-31T16:00:00.000Z", "2026-11-30T15:59:00.000Z", "2026-11-30T16:00:00.000Z"].map((at) =>
      of(succeeded(at)),
    );
    expect(totals(bills, SHANGHAI)).toEqual([{ recharges: 2, charged: cny(10_000) }]);
    expect(totals(bills, "UTC")).toEqual([{ recharges: 2, charged: cny(10_000) }]);
    expect(totals(bills.slice(0, 2), "UTC")).toBeUndefined();
    expect(totals(bills.slice(0, 2), SHANGHAI)).toEqual([{ recharges: 1, charged: cny(5000) }]);
  });
});
