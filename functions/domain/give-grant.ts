import { deleteRule, type Esim, isDead } from "./esim.ts";
import { type FamilyGrant, grantOf } from "./family.ts";
import { money } from "./money.ts";
import type { Instant } from "./time.ts";

export type NewGrant = Pick<FamilyGrant, "subscriberId" | "holder" | "until" | "cap" | "consent">;

/**
 * Lets a payer pay for the line. Undefined: a rule stands on it that was not saved by such a grant of theirs.
 *
 * Given anew to the same payer by the same holder it is the same grant, with another end and cap: what was spent goes on counting.
 */
export function giveGrant(esim: Esim, grant: NewGrant, now: Instant): Esim | undefined {
  const { subscriberId, holder, cap } = grant;
  const before = grantOf(esim, subscriberId);
  if (esim.rule !== undefined && before === undefined && !isDead(esim)) return undefined;
  const isSame = before?.holder === holder && before.cap.currency === cap.currency;
  const counted = isSame ? { since: before.since, spent: before.spent, refunds: before.refunds } : { since: now, spent: money(0, cap.currency) };
  const known = { ...counted, threshold: before?.threshold };
  // How long the line is left alone was found for another payer: a new one's rule does not wait for it.
  const line = before === undefined ? { ...esim, quietUntil: undefined, quietWhileLow: undefined } : esim;
  // A rule of another time may say what the payer of somebody else's line must not.
  return { ...line, subscriberId, rule: before === undefined ? undefined : esim.rule, family: { ...grant, ...known } };
}

/** Ends a payer's grant, and their rule with it; an open recharge that is not being paid yet ends unpaid. Undefined: they have none. */
export function endGrant(esim: Esim, subscriberId: string, now: Instant): Esim | undefined {
  if (grantOf(esim, subscriberId) === undefined) return undefined;
  const { rule } = esim;
  const deleted = rule && deleteRule(esim, subscriberId, rule.version, now);
  return { ...(deleted?.kind === "changed" ? deleted.esim : esim), family: undefined };
}
