import type { Esim, OpenRecharge } from "./esim.ts";
import { isBelow, isSameMoney, type Money, minus, plus } from "./money.ts";
import { type Instant, plusMinutes } from "./time.ts";

/**
 * The holder of a line lets somebody else pay for it: proven with a code that was sent to the line, until an end, up to a sum.
 *
 * Belongs to that payer and to that holder: it ends when the line changes hands.
 */
export interface FamilyGrant {
  /** The payer. */
  readonly subscriberId: string;
  /** The carrier's name for whoever held the line when they agreed. */
  readonly holder: string;
  /** When it was first given: names it, so that a refund of an earlier one gives nothing back to this one. */
  readonly since: Instant;
  /** From then on nothing is charged. */
  readonly until: Instant;
  /** The most that may ever be charged on it. */
  readonly cap: Money;
  /** What was charged on it, less what was given back. */
  readonly spent: Money;
  /** What the payer agreed to. */
  readonly consent: { readonly termsVersion: string; readonly at: Instant };
  /** Refunds that were given back already, by Stripe's id. */
  readonly refunds?: readonly string[];
  /** What the payer's rule calls low, and since when; outlives the rule. */
  readonly threshold?: { readonly is: Money; readonly since: Instant };
}

/** Whether a line is low tells something of its balance: so seldom, it takes weeks to close in on it, and it moves meanwhile. */
export const THRESHOLD_STAYS_HOURS = 24;

/** The line with a payer's choice of what is low noted on the grant by which they pay for it, if by one. Undefined: their last one is not a day old. */
export function withThreshold(esim: Esim, subscriberId: string, threshold: Money, now: Instant): Esim | undefined {
  const family = grantOf(esim, subscriberId);
  if (family === undefined || (family.threshold !== undefined && isSameMoney(family.threshold.is, threshold))) return esim;
  if (family.threshold !== undefined && now < plusMinutes(family.threshold.since, THRESHOLD_STAYS_HOURS * 60)) return undefined;
  return { ...esim, family: { ...family, threshold: { is: threshold, since: now } } };
}

/** The grant as a recharge froze it when it was reserved. */
export interface FrozenGrant extends Pick<FamilyGrant, "since" | "until" | "cap" | "spent"> {
  /** Missing from before it was kept. */
  readonly consent?: FamilyGrant["consent"];
}

/** By which this subscriber may pay for the line; undefined where there is none, or it is another's. */
export function grantOf({ family }: Pick<Esim, "family">, subscriberId: string | undefined): FamilyGrant | undefined {
  return family?.subscriberId === subscriberId ? family : undefined;
}

export function hasEnded({ until }: Pick<FamilyGrant, "until">, now: Instant): boolean {
  return now >= until;
}

/** Whether the grant leaves no room for another charge of this amount. */
export function exceedsGrant({ cap, spent }: Pick<FamilyGrant, "cap" | "spent">, amount: Money): boolean {
  return cap.currency !== amount.currency || isBelow(cap, plus(spent, amount));
}

export function frozenGrant({ since, until, cap, spent, consent }: FamilyGrant): FrozenGrant {
  return { since, until, cap, spent, consent };
}

/** Whether the line still has the grant on which a charge was decided, with room for it. */
export function isStillGranted({ family }: Esim, frozen: FrozenGrant | undefined, amount: Money): boolean {
  return frozen === undefined || (family !== undefined && family.since === frozen.since && !exceedsGrant(family, amount));
}

/** Whether a charge may still be paid: not when its grant is over by now, however long was left when it was decided. */
export function mayBePaid(esim: Esim, { family, amount }: Pick<OpenRecharge, "family" | "amount">, now: Instant): boolean {
  return isStillGranted(esim, family, amount) && (family === undefined || esim.family === undefined || !hasEnded(esim.family, now));
}

/** Books a charge on the grant that it was decided on, if the line still has that. */
export function bookOnGrant({ family }: Esim, frozen: FrozenGrant | undefined, amount: Money): FamilyGrant | undefined {
  if (family === undefined || family.since !== frozen?.since) return family;
  return { ...family, spent: plus(family.spent, amount) };
}

/** Many times what one grant sees; the ids only keep a refund that is told again from counting twice. */
const MOST_REFUNDS = 50;

/** A refund gives back to the grant that the charge was booked on, once; one that failed after all counts again. */
export function adjustGrant(
  { family }: Esim,
  frozen: FrozenGrant | undefined,
  change: { readonly kind: "refunded" | "refund-failed"; readonly refundId: string; readonly amount: Money },
): FamilyGrant | undefined {
  if (family === undefined || family.since !== frozen?.since || family.cap.currency !== change.amount.currency) return family;
  const { refunds = [], spent } = family;
  const isCounted = refunds.includes(change.refundId);
  if (change.kind === "refunded") {
    return isCounted ? family : { ...family, spent: minus(spent, change.amount), refunds: [...refunds, change.refundId].slice(-MOST_REFUNDS) };
  }
  return isCounted ? { ...family, spent: plus(spent, change.amount), refunds: refunds.filter((id) => id !== change.refundId) } : family;
}
