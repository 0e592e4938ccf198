import { createRule, type Esim, newEsim, type PaymentMethod, type Reading } from "../functions/domain/esim.ts";
import { passesLuhn } from "../functions/domain/iccid.ts";
import { type Money, money } from "../functions/domain/money.ts";
import type { RechargeStart } from "../functions/domain/ports.ts";
import type { Rule, RuleSettings } from "../functions/domain/rule.ts";

/** Things that most tests need, with nothing surprising in them. */

export const ICCID = "8986012345678900017";
export const OTHER_ICCID = "8986012345678900025";
export const NOW = "2026-11-23T08:00:00.000Z";
export const SUBSCRIBER = "sub-ada";

export const cny = (amount: number): Money => money(amount, "CNY");

export const METHOD: PaymentMethod = { id: "pm_1", customerId: "cus_1", cardKey: "fp_1", brand: "visa", lastFour: "4242" };

export function ruleSettings(changes: Partial<RuleSettings> = {}): RuleSettings {
  return {
    threshold: cny(1000),
    topUp: { type: "fixed", amount: cny(5000) },
    limits: { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 60 },
    paymentMethodId: METHOD.id,
    ...changes,
  };
}

export function esimWithRule(changes: Partial<RuleSettings> = {}, now = NOW): Esim & { readonly rule: Rule } {
  const consent = { termsVersion: "2026-11-28", at: now, timeZone: "Asia/Shanghai" };
  const decision = createRule(newEsim(ICCID), { subscriberId: SUBSCRIBER, settings: ruleSettings(changes), consent, writeId: "write-1" }, now);
  if (decision.kind !== "changed") throw new Error(decision.reason);
  return { ...decision.esim, version: 1, rule: decision.rule, pendingEvents: [], lookAt: undefined };
}

export function reading(amount: number, readAt = NOW): Reading {
  return { balance: cny(amount), readAt };
}

export function rechargeStart(changes: Partial<RechargeStart> = {}): RechargeStart {
  const { rule } = esimWithRule();
  const { threshold, topUp, limits, paymentMethodId, version, consent } = rule;
  return {
    rechargeId: "re_1",
    iccid: ICCID,
    subscriberId: SUBSCRIBER,
    at: NOW,
    amount: cny(5000),
    rule: { threshold, topUp, limits, paymentMethodId, version },
    consent,
    reading: reading(999),
    cardKey: METHOD.cardKey,
    declines: 0,
    ...changes,
  };
}

/** The digit that completes a payload so that it passes Luhn. */
export function luhnCheckDigit(payload: string): string {
  const digit = "0123456789".split("").find((each) => passesLuhn(`${payload}${each}`));
  if (digit === undefined) throw new RangeError("Luhn needs a text of digits");
  return digit;
}
