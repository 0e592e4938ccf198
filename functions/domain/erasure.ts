import { deleteRule, type Esim, ruleOf } from "./esim.ts";
import { grantOf } from "./family.ts";
import { endGrant } from "./give-grant.ts";
import { applyCancelRequest } from "./recharge.ts";
import type { Instant } from "./time.ts";

/** What forgetting a subscriber means for a line. */

/**
 * The line as a subscriber leaves it: their rule is deleted (with the grant, where the line is somebody else's), whatever its version, and told; what they wanted and nobody has begun is dropped, and
 * what is open is called off, unless it is too late for that. The same line where there is nothing of that.
 */
export function leftBy(esim: Esim, subscriberId: string, now: Instant): Esim {
  const line = endGrant(esim, subscriberId, now) ?? esim;
  const rule = ruleOf(line, subscriberId);
  const decision = rule && deleteRule(line, subscriberId, rule.version, now);
  const without = withoutRequest(decision?.kind === "changed" ? decision.esim : line, subscriberId);
  const { open } = without;
  if (open?.subscriberId !== subscriberId) return without;
  return applyCancelRequest(without, open.rechargeId, "account-closed", now) ?? without;
}

function withoutRequest(esim: Esim, subscriberId: string): Esim {
  if (esim.requested?.subscriberId !== subscriberId) return esim;
  return { ...esim, requested: undefined, lookAt: esim.pendingEvents.length === 0 ? undefined : esim.lookAt };
}

/** Whether something of theirs is not over on this line: a recharge has no end yet, or an event was not told. */
export function isBusyFor({ open, requested, pendingEvents }: Esim, subscriberId: string): boolean {
  return [open, requested, ...pendingEvents].some((each) => each?.subscriberId === subscriberId);
}

/**
 * The line without anything of theirs; undefined when nothing of anybody else is left on it, so that the line itself can go.
 *
 * Throws while something of theirs is not over. What is lost with a line that goes are only its counters of cycles and versions,
 * which no report or reading of minutes ago may meet again: see the wait in workers/erase.
 */
export function erasedOf(esim: Esim, subscriberId: string): Esim | undefined {
  if (isBusyFor(esim, subscriberId)) throw new Error("Erasing a subscriber for whom something is not over on the line");
  const { [subscriberId]: _theirs, ...spend } = esim.spend;
  const isPayer = esim.subscriberId === subscriberId;
  const family = grantOf(esim, subscriberId) === undefined ? esim.family : undefined;
  const left: Esim = { ...esim, spend, family, ...(isPayer && { subscriberId: undefined, rule: undefined }) };
  const isOthers = [left.subscriberId, left.open, left.requested, ...left.pendingEvents, ...Object.keys(spend)].some((each) => each !== undefined);
  return isOthers ? left : undefined;
}
