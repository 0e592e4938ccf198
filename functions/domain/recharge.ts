import { type CardStanding, cardStanding, type Decline } from "./declines.ts";
import { applyPublished, type Esim, type OpenRecharge, type PaymentMethod, type Reading, suspendRule, withEvent } from "./esim.ts";
import type { DomainEvent } from "./events.ts";
import { isBelow, type Money } from "./money.ts";
import { type CancelReason, type Move, type RechargeState, type StateName, TRANSITIONS, type UnpaidEnd } from "./recharge-states.ts";
import { type SuspensionReason, topUpAmount } from "./rule.ts";
import { book, limitRefusal, type Period, periodAt } from "./spend.ts";
import { type Instant, latest, plusMinutes, plusSeconds } from "./time.ts";

export type RechargeDecision =
  | { readonly kind: "recharge"; readonly amount: Money; readonly period: Period }
  | { readonly kind: "leave"; readonly reason: "no-active-rule" | "already-open" | "quiet" | "balance-ok" }
  | { readonly kind: "wait"; readonly reason: "cooling-down" | "daily-limit" | "cap-reached" | "card-backing-off"; readonly until: Instant }
  | { readonly kind: "suspend"; readonly reason: SuspensionReason };

/** What bears on a low line besides its own item: the card's declines, and what the carrier would credit (any amount when missing). */
export interface LineFacts {
  readonly declines: readonly Decline[];
  readonly topUpAmounts?: readonly number[];
}

/**
 * Decides whether a line becomes a recharge at this balance.
 *
 * The balance is judged again here, since a report may come late or twice; exactly at the threshold is not low.
 * Never charges part of a top-up: the subscriber sees the amount they chose, or nothing.
 */
export function decideRecharge(esim: Esim, balance: Money, { declines, topUpAmounts }: LineFacts, now: Instant): RechargeDecision {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined || rule.status.state !== "active") return { kind: "leave", reason: "no-active-rule" };
  if (esim.open !== undefined) return { kind: "leave", reason: "already-open" };
  // The checker passes quiet lines over, but its index may be old and a report may come late or twice.
  if (esim.quietUntil !== undefined && now < esim.quietUntil) return { kind: "leave", reason: "quiet" };
  if (balance.currency !== rule.threshold.currency) return { kind: "suspend", reason: "currency-changed" };
  if (!isBelow(balance, rule.threshold)) return { kind: "leave", reason: "balance-ok" };
  const standing: CardStanding = cardStanding(declines, now);
  if (standing.kind === "exhausted") return { kind: "suspend", reason: standing.reason };
  if (standing.kind === "backing-off") return { kind: "wait", reason: "card-backing-off", until: standing.until };
  const amount = topUpAmount(rule.topUp, balance);
  if (topUpAmounts !== undefined && !topUpAmounts.includes(amount.amount)) return { kind: "suspend", reason: "amount-not-offered" };
  const spend = esim.spend[subscriberId];
  const refusal = limitRefusal(spend, rule.limits, amount, rule.consent.timeZone, now);
  if (refusal !== undefined) return { kind: "wait", ...refusal };
  return { kind: "recharge", amount, period: periodAt(spend, rule.consent.timeZone, now) };
}

/** A worker's time for its calls; longer than the recharge function may run, so that a lease never ends under a living worker. */
export const LEASE_SECONDS = 90;

/** How much later the next look comes after each lease that led to nothing: 1, 2, 4, ... 64 minutes. */
const LONGEST_LOOK_DELAY_MINUTES = 64;

/** A review is looked at once a day: only the carrier's late word can end it by itself. */
const REVIEW_LOOK_MINUTES = 24 * 60;

function leaseAt(attempts: number, now: Instant): { lease: OpenRecharge["lease"]; lookAt: Instant } {
  const until = plusSeconds(now, LEASE_SECONDS);
  return { lease: { until, attempts }, lookAt: plusMinutes(until, Math.min(2 ** attempts, LONGEST_LOOK_DELAY_MINUTES)) };
}

/**
 * Whether a reading shows the line as it was before its last credit, whoever paid for that: judged on it, a low that was mended would be charged again.
 *
 * A carrier may repeat a reading for some minutes, and a new payer has no cooldown.
 */
export function isFromBeforeLastCredit(esim: Esim, { readAt }: Reading): boolean {
  return Object.values(esim.spend).some(({ lastEndedAt }) => readAt <= lastEndedAt);
}

export interface Reservation {
  readonly rechargeId: string;
  readonly amount: Money;
  readonly period: Period;
  readonly method: PaymentMethod;
  readonly reading: Reading;
}

/** Takes the line for a recharge that `decideRecharge` allowed on this very version of it. */
export function applyReserved(esim: Esim, reservation: Reservation, now: Instant): Esim {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined || esim.open !== undefined) throw new Error("Reserving a line that is not free");
  const { lease, lookAt } = leaseAt(0, now);
  const open: OpenRecharge = {
    ...reservation,
    subscriberId,
    ruleVersion: rule.version,
    consent: rule.consent,
    reservedAt: now,
    lease,
    state: { name: "reserved" },
  };
  return { ...esim, open, lookAt, quietUntil: undefined };
}

/** Takes over an open recharge whose last worker is gone, or undefined while its lease runs. */
export function applyLease(esim: Esim, now: Instant): Esim | undefined {
  const { open } = esim;
  if (open === undefined) throw new Error("Nothing is open on this line");
  if (now < open.lease.until) return undefined;
  const { lease, lookAt } = leaseAt(open.lease.attempts + 1, now);
  // A review that was not told yet waits for no day.
  const isToldReview = open.state.name === "needs-review" && esim.pendingEvents.length === 0;
  const leased = { ...esim, open: { ...open, lease }, lookAt: isToldReview ? plusMinutes(now, REVIEW_LOOK_MINUTES) : lookAt };
  return isUnclearTooLong(open, now) ? applyUnclear(leased, { ...open, lease }, now) : leased;
}

/** After this long without a clear word of Stripe's, the subscriber and the operator are told. Stripe is asked further: the payment may still turn out. */
const UNCLEAR_HOURS = 24;
const ASKS_STRIPE: ReadonlySet<StateName> = new Set(["confirming", "processing", "closing"]);

function isUnclearTooLong({ state, reservedAt, unclearToldAt }: OpenRecharge, now: Instant): boolean {
  return unclearToldAt === undefined && ASKS_STRIPE.has(state.name) && now > plusMinutes(reservedAt, UNCLEAR_HOURS * 60);
}

function applyUnclear(esim: Esim, open: OpenRecharge, now: Instant): Esim {
  const { id, ...told } = rechargeEvent(esim, open, "RechargeNeedsReview", now);
  // With an id of its own, as the recharge may still be parked, which is told then.
  const event = { ...told, id: `${id}/payment-unclear`, reason: "payment-unclear" };
  return withEvent({ ...esim, open: { ...open, unclearToldAt: now } }, event, now);
}

/** Records that a low line may not be recharged before a certain time; the checker passes it over until then. */
export function applyWait(esim: Esim, decision: Extract<RechargeDecision, { kind: "wait" }>, reading: Reading, now: Instant): Esim {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined || esim.quietUntil === decision.until) return esim;
  const quiet = { ...esim, quietUntil: decision.until };
  if (decision.reason !== "cap-reached" && decision.reason !== "daily-limit") return quiet; // these end by themselves, soon
  const limit = decision.reason === "cap-reached" ? "perMonth" : "timesPerDay";
  const event: DomainEvent = {
    name: "CapReached",
    // A raised cap that is reached again is news; the same cap in the same period is not.
    id: `${esim.iccid}/${limit}/${rule.version}/${decision.until}`,
    version: 1,
    at: now,
    iccid: esim.iccid,
    subscriberId,
    limit,
    perMonth: rule.limits.perMonth,
    timesPerDay: rule.limits.timesPerDay,
    balance: reading.balance,
    until: decision.until,
  };
  return withEvent(quiet, event, now);
}

/** Whether the rule still says what the recharge was reserved on; asked once more before money can move. */
export function isStillWanted(esim: Esim, open: OpenRecharge): boolean {
  const { rule } = esim;
  return rule !== undefined && esim.subscriberId === open.subscriberId && rule.status.state === "active" && rule.version === open.ruleVersion;
}

/** A finding that the transition table does not know: a fault of ours, which must be seen. */
export class IllegalMove extends Error {
  override name = "IllegalMove";
}

/**
 * The line after a step found something out.
 *
 * Gives the same line back when the finding is old news, so that a worker may apply what it knows to a line that another has moved meanwhile.
 */
export function applyMove(esim: Esim, rechargeId: string, move: Move, now: Instant): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId) return esim; // ended and cleared by another worker
  const from = open.state;
  // Two workers may each have made a PaymentIntent; only the stored one counts, and the other can never be paid.
  if (move.type === "unpaid" && "paymentIntentId" in from && from.paymentIntentId !== move.paymentIntentId) return esim;
  // That the charge was no longer wanted comes too late for one that another worker has seen paid, or ended.
  if (isSecondThought(move) && (from.name === "crediting" || from.name === "needs-review" || from.name === "ended")) return esim;
  const to = TRANSITIONS[from.name][move.type];
  if (to === undefined || contradicts(from, move)) {
    throw new IllegalMove(`Recharge ${rechargeId} is ${from.name}: it cannot be found ${move.type}`);
  }
  if (to === from.name) return esim;
  const state = nextState(from, move);
  const moved: Esim = { ...esim, open: { ...open, state, lease: { ...open.lease, attempts: 0 } } };
  if (state.name === "ended") return applyEnded(moved, open, state, now);
  if (state.name === "needs-review") return applyReview(moved, open, state, now);
  if (state.name === "processing") return { ...moved, open: { ...open, state, lease: { until: now, attempts: 0 } }, lookAt: plusMinutes(now, 1) };
  return moved;
}

const SECOND_THOUGHTS: ReadonlySet<CancelReason> = new Set(["rule-changed", "outdated", "card-declined-elsewhere"]);

/** Whether a finding is a decision of ours, and nothing that Stripe said. */
function isSecondThought(move: Move): boolean {
  return move.type === "unpaid" && move.because.end === "cancelled" && SECOND_THOUGHTS.has(move.because.reason);
}

/** Whether a finding denies how the recharge ended: paid after all, or unpaid after all. */
function contradicts(from: RechargeState, { type }: Move): boolean {
  if (from.name !== "ended") return false;
  return from.end === "succeeded" ? type === "unpaid" || type === "canceled" : type === "paid" || type === "credited";
}

function nextState(from: RechargeState, move: Move): RechargeState {
  switch (move.type) {
    case "created":
      return { name: "confirming", paymentIntentId: move.paymentIntentId };
    case "dropped":
      return { name: "ended", at: move.at, end: "cancelled", reason: move.reason };
    case "unpaid":
      return { name: "closing", paymentIntentId: move.paymentIntentId, ...move.because };
    case "paid":
      return { name: "crediting", paymentIntentId: paymentIntentOf(from), paidAt: move.at };
    case "pending":
      return { name: "processing", paymentIntentId: paymentIntentOf(from) };
    case "canceled": {
      // Canceled by somebody else (Stripe itself, or in its dashboard) before we meant to close it.
      const because: UnpaidEnd = from.name === "closing" ? from : { end: "cancelled", reason: "payment-canceled-elsewhere" };
      return { name: "ended", paymentIntentId: paymentIntentOf(from), at: move.at, ...unpaidEnd(because) };
    }
    case "credited":
      return { name: "ended", paymentIntentId: paymentIntentOf(from), at: move.at, end: "succeeded", paidAt: paidAtOf(from) };
    case "puzzled": {
      const paidAt = "paidAt" in from ? from.paidAt : undefined;
      return { name: "needs-review", paymentIntentId: paymentIntentOf(from), paidAt, reason: move.reason, since: move.at };
    }
  }
}

function paymentIntentOf(state: RechargeState): string {
  if ("paymentIntentId" in state && state.paymentIntentId !== undefined) return state.paymentIntentId;
  throw new IllegalMove(`A recharge that is ${state.name} has no PaymentIntent`);
}

function paidAtOf(state: RechargeState): Instant {
  if ("paidAt" in state && state.paidAt !== undefined) return state.paidAt;
  throw new IllegalMove(`A recharge that is ${state.name} was not paid: it cannot be credited`);
}

function unpaidEnd(because: UnpaidEnd): UnpaidEnd {
  return because.end === "declined"
    ? { end: "declined", code: because.code, severity: because.severity, retryAt: because.retryAt }
    : { end: "cancelled", reason: because.reason };
}

function rechargeEvent<Name extends string>(esim: Esim, open: OpenRecharge, name: Name, at: Instant) {
  const { rechargeId, subscriberId, amount } = open;
  return { name, id: `${rechargeId}/${name}`, version: 1, at, iccid: esim.iccid, subscriberId, rechargeId, amount } as const;
}

type Ended = Extract<RechargeState, { name: "ended" }>;

function endEvent(esim: Esim, open: OpenRecharge, ended: Ended): DomainEvent {
  switch (ended.end) {
    case "succeeded":
      return rechargeEvent(esim, open, "RechargeSucceeded", ended.at);
    case "declined":
      return { ...rechargeEvent(esim, open, "RechargeDeclined", ended.at), reason: ended.code, nextTryAt: ended.retryAt };
    case "cancelled":
      return { ...rechargeEvent(esim, open, "RechargeCancelled", ended.at), reason: ended.reason };
  }
}

function applyEnded(esim: Esim, open: OpenRecharge, ended: Ended, now: Instant): Esim {
  const told = withEvent(esim, endEvent(esim, open, ended), now);
  const isLast = ended.end === "declined" && ended.retryAt === undefined;
  if (!isLast || told.rule?.paymentMethodId !== open.method.id) return told;
  return suspendRule(told, ended.severity === "hard" ? "card-refused-for-good" : "declined-too-often", now);
}

function applyReview(esim: Esim, open: OpenRecharge, state: Extract<RechargeState, { name: "needs-review" }>, now: Instant): Esim {
  const event = { ...rechargeEvent(esim, open, "RechargeNeedsReview", now), reason: state.reason } as const;
  return withEvent(esim, event, now); // told first; the next lease then sets the daily look
}

/**
 * How long a line whose recharge was cancelled stays quiet, in minutes.
 *
 * A cancelled recharge would be due again at the next check; what failed for want of the customer must not knock at the issuer every 15 minutes.
 */
const QUIET_AFTER_CANCEL_MINUTES: Readonly<Record<CancelReason, number>> = {
  "rule-changed": 0,
  outdated: 3 * 60, // Stripe could not be asked for an hour: not every hour anew
  "card-declined-elsewhere": 15, // the next judgement finds how long the card must rest
  "needs-customer": 3 * 24 * 60, // asks the issuer ten times in 30 days; Visa allows 15
  "payment-method-unusable": 24 * 60,
  "amount-refused": 24 * 60,
  "payment-fault": 24 * 60,
  "payment-canceled-elsewhere": 60,
};

/** The line set free after its bill was put and its events were published: spend booked, cycle raised. */
export function applyCleared(esim: Esim, rechargeId: string, published: readonly DomainEvent[], now: Instant): Esim {
  const { open, rule } = esim;
  if (open?.rechargeId !== rechargeId) return applyPublished(esim, published);
  const { state, subscriberId } = open;
  if (state.name !== "ended") throw new IllegalMove(`Clearing recharge ${rechargeId}, which is ${state.name}`);
  const spend = state.end === "succeeded" ? { ...esim.spend, [subscriberId]: book(esim.spend[subscriberId], open.period, open.amount, state.at) } : esim.spend;
  // What went wrong with a card says nothing about another one that was chosen meanwhile.
  const isOldCard = state.end !== "succeeded" && rule?.paymentMethodId !== open.method.id;
  const cleared = {
    ...esim,
    open: undefined,
    spend,
    cycle: esim.cycle + 1,
    quietUntil: isOldCard ? esim.quietUntil : latest(esim.quietUntil, quietUntil(state, rule?.limits.cooldownMinutes)),
  };
  const next = applyPublished(cleared, published);
  return next.pendingEvents.length === 0 ? { ...next, lookAt: undefined } : { ...next, lookAt: now };
}

function quietUntil(ended: Ended, cooldownMinutes = 0): Instant | undefined {
  switch (ended.end) {
    case "succeeded":
      return plusMinutes(ended.at, cooldownMinutes);
    case "declined":
      return ended.retryAt;
    case "cancelled":
      return QUIET_AFTER_CANCEL_MINUTES[ended.reason] === 0 ? undefined : plusMinutes(ended.at, QUIET_AFTER_CANCEL_MINUTES[ended.reason]);
  }
}
