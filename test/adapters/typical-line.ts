import { randomUUID } from "node:crypto";
import type { Esim } from "../../functions/domain/esim.ts";
import { cny, esimWithRule, NOW } from "../builders.ts";

/** A watched line with ids of the length that they have in production, which was recharged before. */
export function typicalLine(): Esim {
  const subscriberId = randomUUID();
  const { rule, ...line } = esimWithRule({ paymentMethodId: "pm_1Nv0FGQ9RKHgCVdK00dK5vWm" });
  const spend = { month: "2026-11", monthAmounts: [cny(15_000)], day: "2026-11-22", dayCount: 1, lastEndedAt: NOW };
  const consent = { ...rule.consent, termsHash: "Xq3kZ0m1vB8sT5uYw7aCdEfGhIjKlMnOpQrStUvWxYz" };
  return { ...line, subscriberId, rule: { ...rule, consent, writeId: randomUUID() }, spend: { [subscriberId]: spend }, cycle: 12, quietUntil: NOW };
}
