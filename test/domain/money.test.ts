import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CurrencyMismatch, decimalsOf, formatMoney, isBelow, isCurrency, minus, money, plus } from "../../functions/domain/money.ts";
import { cny } from "../builders.ts";

describe("money", () => {
  it("is a safe integer of minor units and nothing else", () => {
    for (const amount of [0.1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) expect(() => money(amount, "CNY")).toThrow(RangeError);
  });

  it("never mixes currencies", () => {
    const mixed = [() => plus(cny(1), money(1, "USD")), () => minus(cny(1), money(1, "USD")), () => isBelow(cny(1), money(1, "USD"))];
    for (const act of mixed) expect(act).toThrow(CurrencyMismatch);
  });

  it("is below only when strictly below", () => {
    expect(isBelow(cny(999), cny(1000))).toBe(true);
    expect(isBelow(cny(1000), cny(1000))).toBe(false);
    expect(isBelow(cny(-1), cny(0))).toBe(true);
  });

  it("adds and takes away without losing a unit", () => {
    const amount = fc.integer({ min: -(2 ** 50), max: 2 ** 50 });
    fc.assert(fc.property(amount, amount, (a, b) => expect(minus(plus(cny(a), cny(b)), cny(b))).toEqual(cny(a))));
  });

  it.each([
    ["CNY", 2],
    ["JPY", 0],
    ["KRW", 0],
    ["KWD", 3],
    ["XAF", 0],
    ["ISK", 2],
    ["UGX", 2],
    ["HUF", 2],
    ["TWD", 2],
    ["MGA", 0],
  ])("counts %s in Stripe's minor units: %i decimals", (currency, decimals) => expect(decimalsOf(currency)).toBe(decimals));

  it.each([
    [5000, "CNY", "CNY 50.00"],
    [5, "CNY", "CNY 0.05"],
    [-105, "CNY", "CNY -1.05"],
    [0, "CNY", "CNY 0.00"],
    [500, "JPY", "JPY 500"],
    [1500, "KWD", "KWD 1.500"],
  ])("shows %i minor units of %s as %s", (amount, currency, shown) => expect(formatMoney(money(amount, currency))).toBe(shown));

  it("knows the codes of ISO 4217 in upper case", () => {
    expect(["CNY", "USD", "JPY"].every(isCurrency)).toBe(true);
    expect(["cny", "XX", "RMB", ""].some(isCurrency)).toBe(false);
  });
});
