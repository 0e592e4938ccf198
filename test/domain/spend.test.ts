import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { money } from "../../functions/domain/money.ts";
import { book, leftThisMonth, limitRefusal, periodAt, type Spend } from "../../functions/domain/spend.ts";
import { dayIn, instant, monthIn, plusMinutes } from "../../functions/domain/time.ts";
import { cny, NOW } from "../builders.ts";

const ZONE = "Asia/Shanghai";
const limits = { perMonth: cny(10_000), timesPerDay: 2, cooldownMinutes: 60 };

describe("the limits of a rule", () => {
  const once = book(undefined, periodAt(undefined, ZONE, NOW), cny(5000), NOW);

  it("let the first recharge through", () => expect(limitRefusal(undefined, limits, cny(5000), ZONE, NOW)).toBeUndefined());

  it("hold a recharge back until the cooldown after the last paid one is over", () => {
    expect(limitRefusal(once, limits, cny(5000), ZONE, plusMinutes(NOW, 59))).toEqual({ reason: "cooling-down", until: "2026-11-23T09:00:00.000Z" });
    expect(limitRefusal(once, limits, cny(5000), ZONE, plusMinutes(NOW, 60))).toBeUndefined();
  });

  it("hold a recharge back that would pass the monthly cap, until the month ends in the consent's time zone", () => {
    expect(limitRefusal(once, limits, cny(5000), ZONE, plusMinutes(NOW, 60))).toBeUndefined();
    expect(limitRefusal(once, limits, cny(5001), ZONE, plusMinutes(NOW, 60))).toEqual({ reason: "cap-reached", until: "2026-11-30T16:00:00.000Z" });
    expect(leftThisMonth(once, limits, ZONE, NOW)).toEqual(cny(5000));
    expect(leftThisMonth(once, limits, ZONE, "2026-11-30T16:00:00.000Z")).toEqual(cny(10_000));
  });

  it("hold a recharge back after the day's last one, until the day ends in the consent's time zone", () => {
    const twice = book(once, periodAt(once, ZONE, plusMinutes(NOW, 90)), cny(1), plusMinutes(NOW, 90));
    expect(limitRefusal(twice, limits, cny(1), ZONE, plusMinutes(NOW, 180))).toEqual({ reason: "daily-limit", until: "2026-11-23T16:00:00.000Z" });
    expect(limitRefusal(twice, limits, cny(1), ZONE, "2026-11-23T16:00:00.000Z")).toBeUndefined();
  });

  it("never go back to a period that was left, whatever the time zone says", () => {
    const inDecember = book(undefined, periodAt(undefined, "Asia/Shanghai", "2026-11-30T16:30:00.000Z"), cny(9000), "2026-11-30T16:30:00.000Z");
    const inHonolulu = "2026-11-30T18:00:00.000Z"; // November there, for most of a day
    expect(periodAt(inDecember, "Pacific/Honolulu", inHonolulu).month).toBe("2026-12");
    expect(limitRefusal(inDecember, limits, cny(5000), "Pacific/Honolulu", inHonolulu)?.reason).toBe("cap-reached");
  });

  it("never let a month's sum pass the cap, nor a day's count its limit, for any sequence of wishes and time zones", () => {
    const wish = fc.record({
      afterMinutes: fc.integer({ min: 0, max: 4000 }),
      amount: fc.integer({ min: 1, max: 6000 }),
      zone: fc.constantFrom("Asia/Shanghai", "Pacific/Honolulu", "Pacific/Kiritimati", "America/New_York", "UTC"),
    });
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 60 }), fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2027-12-31") }), (wishes, start) => {
        let now = instant(start);
        let spend: Spend | undefined;
        const months = new Map<string, number>();
        const days = new Map<string, number>();
        for (const { afterMinutes, amount, zone } of wishes) {
          now = plusMinutes(now, afterMinutes);
          if (limitRefusal(spend, limits, cny(amount), zone, now) !== undefined) continue;
          const period = periodAt(spend, zone, now);
          months.set(period.month, (months.get(period.month) ?? 0) + amount);
          days.set(period.day, (days.get(period.day) ?? 0) + 1);
          expect(period.month >= monthIn(zone, now) && period.day >= dayIn(zone, now)).toBe(true);
          spend = book(spend, period, cny(amount), now);
        }
        expect(Math.max(0, ...months.values())).toBeLessThanOrEqual(10_000);
        expect(Math.max(0, ...days.values())).toBeLessThanOrEqual(2);
      }),
      { numRuns: 300 },
    );
  });

  it("hold in a new currency too, and go on counting in the old one when it comes back", () => {
    const dollars = { ...limits, perMonth: money(500, "USD"), timesPerDay: 24 };
    const later = plusMinutes(NOW, 600);
    expect(limitRefusal(once, dollars, money(501, "USD"), ZONE, later)?.reason).toBe("cap-reached");
    const both = book(once, periodAt(once, ZONE, later), money(500, "USD"), later);
    expect(limitRefusal(both, dollars, money(1, "USD"), ZONE, plusMinutes(later, 60))?.reason).toBe("cap-reached");
    expect(leftThisMonth(both, limits, ZONE, later)).toEqual(cny(5000));
    expect(limitRefusal(both, { ...limits, timesPerDay: 24 }, cny(5001), ZONE, plusMinutes(later, 60))?.reason).toBe("cap-reached");
  });

  it("count anew in a new currency", () => {
    expect(limitRefusal(once, { ...limits, perMonth: money(500, "USD") }, money(500, "USD"), ZONE, plusMinutes(NOW, 60))).toBeUndefined();
    expect(leftThisMonth(once, { ...limits, perMonth: money(500, "USD") }, ZONE, NOW)).toEqual(money(500, "USD"));
  });
});
