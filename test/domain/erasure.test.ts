import { describe, expect, it } from "@jest/globals";
import { erasedOf, isBusyFor, leftBy } from "../../functions/domain/erasure.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import { applyMove, applyReserved } from "../../functions/domain/recharge.ts";
import { cny, esimWithRule, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";

const STRANGER = "sub-eve";
const SPENT = { month: "2026-11", day: "2026-11-23", monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW };
const free = (changes: Partial<Esim> = {}): Esim => ({ ...esimWithRule(), rule: undefined, ...changes });
const withOpen = (esim: Esim) =>
  applyReserved(esim, { rechargeId: "r-1", amount: cny(5000), period: { month: "2026-11", day: "2026-11-23" }, method: METHOD, reading: reading(999) }, NOW);

describe("a line whose payer is to be forgotten", () => {
  it("loses their rule whatever its version, and tells it", () => {
    const line = leftBy(esimWithRule(), SUBSCRIBER, NOW);
    expect(line).toMatchObject({ rule: undefined, subscriberId: SUBSCRIBER, pendingEvents: [{ name: "RuleDeleted" }] });
    expect(leftBy(line, SUBSCRIBER, NOW)).toBe(line);
  });

  it("has what is not paid called off, and what is being paid left to its end", () => {
    expect(leftBy(withOpen(esimWithRule()), SUBSCRIBER, NOW).open?.cancelRequested).toEqual({ by: "account-closed", at: NOW });
    const confirming = applyMove(withOpen(esimWithRule()), "r-1", { type: "created", paymentIntentId: "pi_1" }, NOW);
    const paid = applyMove(confirming, "r-1", { type: "paid", at: NOW }, NOW);
    expect(leftBy(paid, SUBSCRIBER, NOW).open).toEqual(paid.open);
  });

  it("drops what they wanted and nobody has begun, and then there is nothing to look for", () => {
    const { rule } = esimWithRule();
    const requested = {
      rechargeId: "r-1",
      origin: "payer",
      subscriberId: SUBSCRIBER,
      amount: cny(5000),
      method: METHOD,
      ruleVersion: 0,
      consent: rule.consent,
      at: NOW,
    } as const;
    const line = free({ requested, lookAt: NOW });
    expect(isBusyFor(line, SUBSCRIBER)).toBe(true);
    expect(leftBy(line, SUBSCRIBER, NOW)).toEqual({ ...line, requested: undefined, lookAt: undefined });
    expect(leftBy(line, STRANGER, NOW)).toBe(line);
  });

  it("keeps the rule of another payer", () => {
    const line = esimWithRule();
    expect(leftBy(line, STRANGER, NOW)).toBe(line);
  });

  it("is busy for them while a recharge of theirs is open or an event of theirs is untold, and not for others", () => {
    const deleted = leftBy(esimWithRule(), SUBSCRIBER, NOW);
    for (const line of [withOpen(esimWithRule()), deleted]) {
      expect([isBusyFor(line, SUBSCRIBER), isBusyFor(line, STRANGER)]).toEqual([true, false]);
      expect(() => erasedOf(line, SUBSCRIBER)).toThrow("not over");
    }
    expect(isBusyFor(free(), SUBSCRIBER)).toBe(false);
  });

  it("can go when nothing of anybody else is on it", () => {
    expect(erasedOf(free({ spend: { [SUBSCRIBER]: SPENT } }), SUBSCRIBER)).toBeUndefined();
    expect(erasedOf(free({ quietUntil: NOW, cycle: 4 }), SUBSCRIBER)).toBeUndefined();
  });

  it("keeps the counters of former payers", () => {
    const left = erasedOf(free({ spend: { [SUBSCRIBER]: SPENT, [STRANGER]: SPENT } }), SUBSCRIBER);
    expect(left).toMatchObject({ subscriberId: undefined, rule: undefined, spend: { [STRANGER]: SPENT } });
    expect(JSON.stringify(left)).not.toContain(SUBSCRIBER);
  });

  it("keeps everything of the payer who came after them, also what is open", () => {
    const line = withOpen({ ...esimWithRule(), spend: { [STRANGER]: SPENT, [SUBSCRIBER]: SPENT } });
    expect(erasedOf(line, STRANGER)).toEqual({ ...line, spend: { [SUBSCRIBER]: SPENT } });
  });
});

describe("a grant on a line of somebody else's", () => {
  const grant = {
    subscriberId: SUBSCRIBER,
    holder: "holder-1",
    since: NOW,
    until: "2027-06-30T16:00:00.000Z",
    cap: cny(20_000),
    spent: cny(0),
    consent: { termsVersion: "2026-11-28", at: NOW },
  };
  const line = { ...esimWithRule(), family: grant };

  it("ends with its payer's account, with the rule and without one", () => {
    expect(leftBy(line, SUBSCRIBER, NOW)).toMatchObject({ rule: undefined, family: undefined, pendingEvents: [{ name: "RuleDeleted" }] });
    expect(leftBy({ ...line, rule: undefined }, SUBSCRIBER, NOW).family).toBeUndefined();
    expect(leftBy(line, STRANGER, NOW)).toBe(line);
  });

  it("is not left behind, and is left alone when somebody else is forgotten", () => {
    expect(erasedOf(line, SUBSCRIBER)).toBeUndefined();
    expect(
      erasedOf({ ...line, spend: { [STRANGER]: { month: "2026-11", monthAmounts: [], day: "2026-11-23", dayCount: 0, lastEndedAt: NOW } } }, STRANGER)?.family,
    ).toEqual(grant);
  });
});
