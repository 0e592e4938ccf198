import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { chargeable, chargeStep, smallestCharge } from "../../functions/domain/charge.ts";
import { decimalsOf, formatMoney, isBelow, isSameMoney, type Money, minus, money, plus } from "../../functions/domain/money.ts";
import { ruleProblems, type TopUp, topUpAmount } from "../../functions/domain/rule.ts";
import { ruleSettings } from "../builders.ts";

/** With what each counts in, told here once more and by itself: decimals, and the least that Stripe charges in minor units. */
const CURRENCIES = [
  { currency: "CNY", decimals: 2, least: 400, step: 1 },
  { currency: "USD", decimals: 2, least: 50, step: 1 },
  { currency: "EUR", decimals: 2, least: 50, step: 1 },
  { currency: "HUF", decimals: 2, least: 17_500, step: 1 },
  { currency: "JPY", decimals: 0, least: 50, step: 1 },
  { currency: "KRW", decimals: 0, least: 50, step: 1 },
  { currency: "XAF", decimals: 0, least: 50, step: 1 },
  { currency: "KWD", decimals: 3, least: 50, step: 10 },
  { currency: "BHD", decimals: 3, least: 50, step: 10 },
  { currency: "ISK", decimals: 2, least: 100, step: 100 },
  { currency: "UGX", decimals: 2, least: 100, step: 100 },
] as const;

const CASES = 100_000;

/** Near the edges more often than elsewhere. */
const amount = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 99_999_999 }), fc.constantFrom(1, 49, 50, 399, 400, 99_999_999));
const anyAmount = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -99_999_999, max: 99_999_999 }));

/** Without `expect`, which is too slow to be asked a million times. */
function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

/** What a text of `formatMoney` says, counted by another way than it was made. */
function read(text: string): { readonly currency: string; readonly minorUnits: bigint; readonly decimals: number } {
  const match = /^([A-Z]{3}) (-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) throw new Error(`${text} is no sum of money`);
  const [, currency = "", sign, whole = "", fraction = ""] = match;
  return { currency, minorUnits: BigInt(`${sign}${whole}${fraction}`), decimals: fraction.length };
}

describe(`money, in ${CASES} cases of currencies with none, two and three decimals`, () => {
  it("is added, taken away, compared and shown without losing a unit", () => {
    fc.assert(
      fc.property(fc.constantFrom(...CURRENCIES), anyAmount, anyAmount, ({ currency, decimals }, x, y) => {
        const [a, b] = [money(x, currency), money(y, currency)];
        must(BigInt(plus(a, b).amount) === BigInt(x) + BigInt(y), "a sum");
        must(BigInt(minus(a, b).amount) === BigInt(x) - BigInt(y), "a difference");
        must(isSameMoney(minus(plus(a, b), b), a), "there and back");
        must(isBelow(a, b) === BigInt(x) < BigInt(y) && !(isBelow(a, b) && isBelow(b, a)), "an order");
        const shown = read(formatMoney(a));
        must(shown.currency === currency && shown.minorUnits === BigInt(x) && shown.decimals === decimals && decimalsOf(currency) === decimals, "a text");
      }),
      { numRuns: CASES },
    );
  });

  it("that a rule without problems would take can be charged, is what was chosen, and never passes the target", () => {
    let withoutProblems = 0;
    const topUp = fc.constantFrom("fixed" as const, "target" as const);
    fc.assert(
      fc.property(fc.constantFrom(...CURRENCIES), topUp, amount, amount, amount, amount, ({ currency, least, step }, type, sum, low, cap, missing) => {
        const of = (minorUnits: number): Money => money(minorUnits, currency);
        const settings = ruleSettings({
          threshold: of(low),
          topUp: type === "fixed" ? { type, amount: of(sum) } : { type, target: of(sum) },
          limits: { perMonth: of(cap), timesPerDay: 3, cooldownMinutes: 60 },
        });
        if (ruleProblems(settings, { currency }).length > 0) return;
        withoutProblems += 1;
        const balance = of(low - missing); // below the threshold
        const charged = topUpAmount(settings.topUp satisfies TopUp, balance);
        must(charged.currency === currency && Number.isSafeInteger(charged.amount), "a sum of this currency");
        must(charged.amount % step === 0 && chargeStep(currency) === step, "a multiple of what can be charged");
        must(charged.amount >= least && smallestCharge(currency).amount === least, "no less than can be charged");
        if (type === "fixed") must(charged.amount === sum && charged.amount <= cap, "the sum that was chosen, within the cap");
        // A balance just below the threshold: at least then there must be room.
        else must(topUpAmount(settings.topUp, of(low - 1)).amount <= cap, "within the cap");
        if (type === "target") must(balance.amount + charged.amount <= sum && balance.amount + charged.amount > sum - step, "all that is missing, and no more");
      }),
      { numRuns: CASES },
    );
    expect(withoutProblems).toBeGreaterThan(CASES / 20); // or nothing was tried
  });

  it("that cannot be charged to the unit is rounded down, once", () => {
    fc.assert(
      fc.property(fc.constantFrom(...CURRENCIES), amount, ({ currency, step }, sum) => {
        const rounded = chargeable(money(sum, currency));
        must(rounded.amount <= sum && rounded.amount > sum - step && rounded.amount % step === 0, "down to the step");
        must(isSameMoney(chargeable(rounded), rounded), "and stays there");
      }),
      { numRuns: CASES },
    );
  });
});
