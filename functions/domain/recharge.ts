import { type CardStanding, cardStanding, type Decline } from "./declines.ts";
import {
  applyPublished,
  type Esim,
  type OpenRecharge,
  type PaymentMethod,
  type Reading,
  type Requested,
  type Resolution,
  suspendRule,
  withEvent,
} from "./esim.ts";
import type { LineEvent, RechargeAnnounced } from "./events.ts";
import { bookOnGrant, exceedsGrant, frozenGrant, grantOf, hasEnded, isStillGranted } from "./family.ts";
import { isBelow, type Money } from "./money.ts";
import {
  type CancelReason,
  type Move,
  type MoveType,
  type RechargeEnd,
  type RechargeState,
  type StateName,
  TRANSITIONS,
  type UnpaidEnd,
} from "./recharge-states.ts";
import { type SuspensionReason, topUpAmount } from "./rule.ts";
import { book, endsOf, limitRefusal, type Period, periodAt } from "./spend.ts";
import { epochMilliseconds, type Instant, latest, plusMinutes, plusSeconds } from "./time.ts";

export type RechargeDecision =
  | { readonly kind: "recharge"; readonly amount: Money; readonly period: Period }
  | { readonly kind: "leave"; readonly reason: "no-active-rule" | "already-open" | "quiet" | "balance-ok" }
  /** The low for which a pay request expired is over. */
  | { readonly kind: "wake" }
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
  if (esim.open !== undefined || esim.requested !== undefined) return { kind: "leave", reason: "already-open" };
  // The checker passes quiet lines over, but its index may be old and a report may come late or twice.
  if (esim.quietUntil !== undefined && now < esim.quietUntil) {
    const isOver = esim.quietWhileLow === true && balance.currency === rule.threshold.currency && !isBelow(balance, rule.threshold);
    return isOver ? { kind: "wake" } : { kind: "leave", reason: "quiet" };
  }
  if (balance.currency !== rule.threshold.currency) return { kind: "suspend", reason: "currency-changed" };
  const amount = topUpAmount(rule.topUp, balance);
  // Before the balance is: that the grant is spent must not tell its payer that somebody else's line is low.
  const grant = grantOf(esim, subscriberId);
  if (grant !== undefined && hasEnded(grant, now)) return { kind: "suspend", reason: "family-ended" };
  if (grant !== undefined && exceedsGrant(grant, amount)) return { kind: "suspend", reason: "family-limit-reached" };
  if (!isBelow(balance, rule.threshold)) return { kind: "leave", reason: "balance-ok" };
  const standing: CardStanding = cardStanding(declines, now);
  if (standing.kind === "exhausted") return { kind: "suspend", reason: standing.reason };
  if (standing.kind === "backing-off") return { kind: "wait", reason: "card-backing-off", until: standing.until };
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

/** What only a person can end is looked at once a day: a late word of the carrier's may end it by itself. */
const PARKED_LOOK_MINUTES = 24 * 60;

function backOffFrom(until: Instant, attempts: number): Instant {
  return plusMinutes(until, Math.min(2 ** attempts, LONGEST_LOOK_DELAY_MINUTES));
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
  readonly check?: string;
}

/** Takes the line for a recharge that `decideRecharge` allowed on this very version of it; where its payer wants to be told before, it is announced, and waits. */
export function applyReserved(esim: Esim, reservation: Reservation, now: Instant): Esim {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined || esim.open !== undefined) throw new Error("Reserving a line that is not free");
  const { noticeMinutes = 0 } = rule;
  const chargeAt = plusMinutes(now, noticeMinutes);
  const until = noticeMinutes === 0 ? plusSeconds(now, LEASE_SECONDS) : now;
  const grant = grantOf(esim, subscriberId);
  const open: OpenRecharge = {
    ...reservation,
    ...(grant !== undefined && { family: frozenGrant(grant) }),
    subscriberId,
    ruleVersion: rule.version,
    consent: rule.consent,
    reservedAt: now,
    lease: { until, attempts: 0, crashes: 0 },
    state: noticeMinutes === 0 ? { name: "reserved" } : { name: "announced", chargeAt },
  };
  const taken = { ...esim, open, lookAt: noticeMinutes === 0 ? backOffFrom(until, 0) : chargeAt, quietUntil: undefined, quietWhileLow: undefined };
  return noticeMinutes === 0 ? taken : withEvent(taken, { ...rechargeEvent(esim, open, "RechargeAnnounced", now), chargeAt }, now);
}

/** What an announced recharge that has come due is judged on. */
export type DueFacts = LineFacts & { readonly reading: Reading };

/** Reserves an announced recharge that has come due, on what the line and its rule are now; or drops it. Never more than was announced. */
export function applyDue(esim: Esim, rechargeId: string, { reading, ...facts }: DueFacts, now: Instant): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId || open.state.name !== "announced") return esim;
  const dropped = (reason: CancelReason) => applyMove(esim, rechargeId, { type: "dropped", reason, at: now }, now);
  const against = lineAgainstAnnounced(esim, open);
  if (against !== undefined) return dropped(against);
  const decision = decideRecharge({ ...esim, open: undefined, quietUntil: undefined }, reading.balance, facts, now);
  switch (decision.kind) {
    case "recharge": {
      const amount = isBelow(decision.amount, open.amount) ? decision.amount : open.amount;
      return applyMove(esim, rechargeId, { type: "due", amount, period: decision.period, reading, at: now }, now);
    }
    case "leave":
    case "wake":
      return dropped("balance-recovered");
    case "wait":
      return dropped(decision.reason === "card-backing-off" ? "card-declined-elsewhere" : "limit-reached");
    case "suspend":
      return suspendRule(dropped(decision.reason.startsWith("family-") ? "line-lost" : "rule-changed"), decision.reason, now);
  }
}

/** How long the bus may take to be told of an announcement before that counts as late. */
const TOLD_AT_ONCE_MINUTES = 1;

/** Who is told late has the whole time that they agreed to: it counts from the moment in which the announcement leaves the outbox, and the announcement says so. */
export function applyToldLate(esim: Esim, now: Instant): Esim {
  const { open, rule, pendingEvents } = esim;
  if (open?.state.name !== "announced" || rule === undefined || !isUntold(esim, open)) return esim;
  const chargeAt = plusMinutes(now, rule.noticeMinutes ?? 0);
  if (chargeAt <= plusMinutes(open.state.chargeAt, TOLD_AT_ONCE_MINUTES)) return esim;
  return {
    ...esim,
    open: { ...open, state: { name: "announced", chargeAt } },
    pendingEvents: pendingEvents.map((event) => (isAnnouncementOf(event, open) ? { ...event, chargeAt } : event)),
  };
}

/** Whether the bus has not taken an announcement within the time of its notice: nobody could skip what they were not told of. */
export function isUntoldTooLong(esim: Esim, open: OpenRecharge, now: Instant): boolean {
  return isUntold(esim, open) && now >= plusMinutes(open.reservedAt, esim.rule?.noticeMinutes ?? 0);
}

function isUntold({ pendingEvents }: Esim, open: OpenRecharge): boolean {
  return pendingEvents.some((event) => isAnnouncementOf(event, open));
}

function isAnnouncementOf(event: LineEvent, { rechargeId }: OpenRecharge): event is RechargeAnnounced {
  return event.name === "RechargeAnnounced" && event.rechargeId === rechargeId;
}

/** What the line itself says against an announced recharge. */
export function lineAgainstAnnounced(esim: Esim, open: OpenRecharge): CancelReason | undefined {
  if (isCalledOff(esim, open)) return "by-subscriber";
  return unwantedBecause(esim, open);
}

/** Whether its payer does not want it any more. */
export function isCalledOff(esim: Esim, { rechargeId }: OpenRecharge): boolean {
  return esim.open?.rechargeId === rechargeId && esim.open.cancelRequested !== undefined;
}

export type RequestDecision =
  | { readonly kind: "requested"; readonly esim: Esim }
  /** It was requested before. */
  | { readonly kind: "repeated" }
  /** Another one is open. `rechargeId`: missing where it is another payer's, as it is nobody else's business. */
  | { readonly kind: "busy"; readonly rechargeId?: string };

/** Notes that a recharge is wanted, whatever the balance is; the recharge function reserves it. */
export function requestRecharge(esim: Esim, request: Requested, now: Instant): RequestDecision {
  const busy = esim.open ?? esim.requested;
  if (busy === undefined) return { kind: "requested", esim: { ...payersOwn(esim, request.subscriberId), requested: request, lookAt: now } };
  if (busy.rechargeId === request.rechargeId) return { kind: "repeated" };
  return busy.subscriberId === request.subscriberId ? { kind: "busy", rechargeId: busy.rechargeId } : { kind: "busy" };
}

/** A line that nobody's rule or grant stands on is its payer's from now on, so that it is among their lines; else it stays whose it is. */
function payersOwn(esim: Esim, subscriberId: string): Esim {
  return esim.rule === undefined && esim.family === undefined ? { ...esim, subscriberId } : esim;
}

/**
 * Takes the line for what was requested. Nobody has asked the world yet: whoever goes on asks all that speaks against it.
 *
 * A backup keeps to the rule's caps, though not to its cooldown: it stands in for the recharge that was declined a moment ago.
 */
export function applyRequested(esim: Esim, rechargeId: string, now: Instant, judged: Partial<Pick<Requested, "amount" | "reading">> = {}): Esim {
  const { requested, rule } = esim;
  if (requested?.rechargeId !== rechargeId || esim.open !== undefined) return esim;
  const { at: _asked, ...asked } = requested;
  const wanted = { ...asked, ...judged };
  const spend = esim.spend[wanted.subscriberId];
  const refusal = rule === undefined ? undefined : limitRefusal(spend, rule.limits, wanted.amount, rule.consent.timeZone, now);
  const isOver = refusal !== undefined && refusal.reason !== "cooling-down";
  if (wanted.origin === "backup" && (rule === undefined || isOver)) return applyRequestDropped(esim, rechargeId);
  const until = plusSeconds(now, LEASE_SECONDS);
  const grant = grantOf(esim, wanted.subscriberId);
  const open: OpenRecharge = {
    ...wanted,
    ...(grant !== undefined && { family: frozenGrant(grant) }),
    period: periodAt(spend, wanted.consent.timeZone, now),
    reservedAt: now,
    lease: { until, attempts: 0, crashes: 0 },
    state: { name: "reserved" },
  };
  return { ...esim, requested: undefined, open, lookAt: backOffFrom(until, 0) };
}

/** Forgets what was requested. */
export function applyRequestDropped(esim: Esim, rechargeId: string): Esim {
  if (esim.requested?.rechargeId !== rechargeId) return esim;
  return { ...esim, requested: undefined, lookAt: esim.pendingEvents.length > 0 ? esim.lookAt : undefined };
}

/** What a backup charges at this balance: nothing for a line that is not low any more, and never more than was declined. */
export function backupAmount(esim: Esim, requested: Requested, reading: Reading, now: Instant): Money | undefined {
  const { rule } = esim;
  const isLate = now > plusMinutes(requested.at, BACKUP_MINUTES);
  if (rule === undefined || isLate || isFromBeforeLastCredit(esim, reading)) return undefined;
  if (reading.balance.currency !== rule.threshold.currency || !isBelow(reading.balance, rule.threshold)) return undefined;
  const amount = topUpAmount(rule.topUp, reading.balance);
  return isBelow(amount, requested.amount) ? amount : requested.amount;
}

/** At once, or not at all: after this long the next check decides anew. */
const BACKUP_MINUTES = 60;

/** The line was low for a pay request that expired, and is not any more: the next low is a new one. */
export function applyAwake(esim: Esim): Esim {
  return { ...esim, quietUntil: undefined, quietWhileLow: undefined };
}

/** In these states a look may well change nothing, so that a lease alone is no sign of a crash; in all others a worker moves on, or says that it cannot tell. */
const MAY_WAIT: ReadonlySet<StateName> = new Set(["announced", "processing", "awaiting-customer", "needs-review", "refunding"]);

/**
 * For how many minutes nobody could tell what became of a call that moves money: since it was reserved or paid, but not longer than the looks without
 * progress take that were planned since, as a payment may have waited for its customer before.
 *
 * 0 where the world is waited for, however often one has looked.
 */
export function minutesUnclear({ state, lease, reservedAt }: OpenRecharge, now: Instant): number {
  if (MAY_WAIT.has(state.name)) return 0;
  const planned = Array.from({ length: lease.attempts }, (_, look) => LEASE_SECONDS / 60 + Math.min(2 ** look, LONGEST_LOOK_DELAY_MINUTES));
  const since = "paidAt" in state && state.paidAt !== undefined ? state.paidAt : reservedAt;
  const passed = (epochMilliseconds(now) - epochMilliseconds(since)) / 60_000;
  return Math.min(
    passed,
    planned.reduce((sum, minutes) => sum + minutes, 0),
  );
}

/** Workers that ended without a word, one after the other: what kills them is in the line. */
const CRASHES_BEFORE_PARKED = 5;

/** Whether the line does harm to whoever works on it: it is looked at once a day, and a person is told. */
export function isParked({ lease }: OpenRecharge): boolean {
  return lease.crashes > CRASHES_BEFORE_PARKED;
}

/** Takes over an open recharge whose last worker is gone, or undefined while its lease runs. */
export function applyLease(esim: Esim, now: Instant): Esim | undefined {
  if (esim.open === undefined) throw new Error("Nothing is open on this line");
  const { lease, state } = esim.open;
  if (now < lease.until) return undefined;
  const attempts = lease.attempts + 1;
  const until = plusSeconds(now, LEASE_SECONDS);
  const open = { ...esim.open, lease: { until, attempts, crashes: lease.crashes + (MAY_WAIT.has(state.name) ? 0 : 1) } };
  const leased = { ...esim, open, lookAt: nextLook(esim, open, backOffFrom(until, attempts), now) };
  const reason = overdueReason(open, now);
  return reason === undefined ? leased : applyTold(leased, open, reason, now);
}

function nextLook({ pendingEvents }: Esim, open: OpenRecharge, backOff: Instant, now: Instant): Instant {
  const { state } = open;
  // What was not told yet waits for no day.
  const isWaiting = state.name === "needs-review" && open.resolution === undefined;
  if ((isWaiting || isParked(open)) && pendingEvents.length === 0) return plusMinutes(now, PARKED_LOOK_MINUTES);
  if (state.name === "announced" && now < state.chargeAt && pendingEvents.length === 0) return state.chargeAt;
  if (state.name !== "awaiting-customer") return backOff;
  const due = state.remindAt ?? state.expiresAt;
  return due < backOff ? (latest(due, open.lease.until) ?? due) : backOff;
}

/** A worker fell over a line in a state in which its lease did not count as a crash. */
export function applyFault(esim: Esim, rechargeId: string, now: Instant): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId || !MAY_WAIT.has(open.state.name)) return esim;
  const fallen = { ...open, lease: { ...open.lease, crashes: open.lease.crashes + 1 } };
  const counted = { ...esim, open: fallen };
  return isParked(fallen) && !isParked(open) ? applyTold(counted, fallen, "worker-fault", now) : counted;
}

/** A worker has looked, and waits for the world or could not find out how things stand: no crash, and nothing to park the line for. */
export function applyUnknown(esim: Esim, rechargeId: string): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId || open.lease.crashes === 0) return esim;
  return { ...esim, open: { ...open, lease: { ...open.lease, crashes: 0 } } };
}

/** After this long without a clear word, the subscriber and the operator are told, the operator again every so often. We ask further: it may still turn out. */
const TELL_AGAIN_HOURS = 24;

function overdueReason(open: OpenRecharge, now: Instant): string | undefined {
  const { state, toldAt, reservedAt } = open;
  const isOverdue = now > plusMinutes(toldAt ?? reservedAt, TELL_AGAIN_HOURS * 60);
  if (isParked(open) && (toldAt === undefined || isOverdue)) return "worker-fault";
  if (!isOverdue) return undefined;
  switch (state.name) {
    case "reserved":
    case "confirming":
    case "processing":
    case "awaiting-customer":
    case "closing":
      return "payment-unclear";
    case "refunding":
      return "refund-unclear";
    case "needs-review":
      return state.reason;
    case "announced":
    case "crediting":
    case "ended":
      return undefined; // the first is dropped when it cannot be judged, the second is put under review within a day, and what keeps the third from being settled parks it
  }
}

function applyTold(esim: Esim, open: OpenRecharge, reason: string, now: Instant): Esim {
  const { id, ...told } = rechargeEvent(esim, open, "RechargeNeedsReview", now);
  // A review keeps its id; what is only unclear has one of its own, as it may still be parked, which is told then.
  const event = { ...told, id: open.state.name === "needs-review" ? reviewId(id, open.state) : `${id}/${reason}`, reason };
  return withEvent({ ...esim, open: { ...open, toldAt: now } }, event, now);
}

/** Records that a low line may not be recharged before a certain time; the checker passes it over until then. */
export function applyWait(esim: Esim, decision: Extract<RechargeDecision, { kind: "wait" }>, reading: Reading, now: Instant): Esim {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined || esim.quietUntil === decision.until) return esim;
  const quiet = { ...esim, quietUntil: decision.until, quietWhileLow: undefined };
  if (decision.reason !== "cap-reached" && decision.reason !== "daily-limit") return quiet; // these end by themselves, soon
  const limit = decision.reason === "cap-reached" ? "perMonth" : "timesPerDay";
  const most = limit === "perMonth" ? rule.limits.perMonth.amount : rule.limits.timesPerDay;
  const event: LineEvent = {
    name: "CapReached",
    // A raised cap that is reached again is news; its payer's same cap in the same period is not, however often the rule was changed.
    id: `${esim.iccid}/${subscriberId}/${limit}/${most}/${decision.until}`,
    version: 1,
    at: now,
    iccid: esim.iccid,
    subscriberId,
    limit,
    perMonth: rule.limits.perMonth,
    timesPerDay: rule.limits.timesPerDay,
    ...(grantOf(esim, subscriberId) === undefined && { balance: reading.balance }),
    until: decision.until,
  };
  return withEvent(quiet, event, now);
}

/** What the line says against a recharge that it does not want any more. */
export function unwantedBecause(esim: Esim, open: OpenRecharge): CancelReason | undefined {
  if (isStillWanted(esim, open)) return undefined;
  const hasAnotherPayer = esim.subscriberId !== undefined && esim.subscriberId !== open.subscriberId;
  return hasAnotherPayer || !isStillGranted(esim, open.family, open.amount) ? "line-lost" : "rule-changed";
}

/** Whether the rule still says what the recharge was reserved on; asked once more before money can move. What its payer wanted there and then stands on no rule; for a line of somebody else's, on what its holder agreed to. */
export function isStillWanted(esim: Esim, open: OpenRecharge): boolean {
  const { rule } = esim;
  if (!isStillGranted(esim, open.family, open.amount)) return false;
  if (open.origin === "payer") return true;
  return rule !== undefined && esim.subscriberId === open.subscriberId && rule.status.state === "active" && rule.version === open.ruleVersion;
}

/** A finding that the transition table does not know: a fault of ours, which must be seen. */
export class IllegalMove extends Error {
  override name = "IllegalMove";
}

/** Longer than any outage of Stripe: what is unclear then stays so, unless a person helps. */
const PUZZLED_AFTER_DAYS = 7;

/** Whether a person has to find out how the payment stands, as Stripe could not say it for so long. */
export function isPuzzling({ state, reservedAt }: OpenRecharge, now: Instant): boolean {
  const isUnclear = state.name === "confirming" || state.name === "processing" || state.name === "awaiting-customer" || state.name === "closing";
  return isUnclear && now > plusMinutes(reservedAt, PUZZLED_AFTER_DAYS * 24 * 60);
}

/** Puts a payment that stays unclear under review, unless another worker has moved it meanwhile. */
export function applyPuzzled(esim: Esim, rechargeId: string, now: Instant): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId || !isPuzzling(open, now)) return esim;
  return applyMove(esim, rechargeId, { type: "puzzled", reason: "payment-unclear", at: now }, now);
}

/** The states in which a second thought of ours still counts. */
const MAY_BE_CALLED_OFF: ReadonlySet<StateName> = new Set(["reserved", "confirming", "processing", "awaiting-customer", "closing"]);

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
  if (isSecondThought(move) && !MAY_BE_CALLED_OFF.has(from.name)) return esim;
  // A carrier that first refused for good and then credits has broken its word: the money may be on its way back.
  if (from.name === "refunding" && move.type === "credited")
    return applyMove(esim, rechargeId, { type: "puzzled", reason: "carrier-conflict", at: move.at }, now);
  const to = TRANSITIONS[from.name][move.type];
  if (to === undefined || contradicts(from, move)) {
    throw new IllegalMove(`Recharge ${rechargeId} is ${from.name}: it cannot be found ${move.type}`);
  }
  if (to === from.name) return esim;
  const state = nextState(from, move, open);
  const moved: Esim = { ...esim, open: { ...open, ...judgedAnew(move), state, lease: { ...open.lease, attempts: 0, crashes: 0 } } };
  switch (state.name) {
    case "ended":
      return applyEnded(moved, open, state, now);
    case "needs-review":
      return applyReview(moved, open, state, now);
    case "awaiting-customer":
      return applyAwaiting(moved, open, state, now);
    case "processing":
      return released(moved, open, state, now);
    case "announced":
    case "reserved":
    case "confirming":
    case "crediting":
    case "refunding":
    case "closing":
      return moved;
  }
}

/** What an announced recharge is reserved on when it comes due. */
function judgedAnew(move: Move): Partial<OpenRecharge> {
  if (move.type !== "due") return {};
  const { amount, period, reading, at } = move;
  return { amount, period, reading, reservedAt: at };
}

/** Nobody works on it until the world moves: whoever hears of that may go on at once. */
function released(moved: Esim, open: OpenRecharge, state: RechargeState, now: Instant): Esim {
  return { ...moved, open: { ...open, state, lease: { until: now, attempts: 0, crashes: 0 } }, lookAt: plusMinutes(now, 1) };
}

const SECOND_THOUGHTS: ReadonlySet<CancelReason> = new Set([
  "rule-changed",
  "line-lost",
  "by-subscriber",
  "outdated",
  "card-declined-elsewhere",
  "kill-switch",
  "paused-by-operator",
]);

/** Whether a finding is a decision of ours, and nothing that Stripe said. */
function isSecondThought(move: Move): boolean {
  if (move.type !== "unpaid") return false;
  return move.because.end === "expired" || (move.because.end === "cancelled" && SECOND_THOUGHTS.has(move.because.reason));
}

const PAID: ReadonlySet<MoveType> = new Set(["paid", "credited", "refunded", "refused"]);

/** The findings that deny an end: paid after all, or unpaid after all, or both credited and refunded. */
const DENIES: Readonly<Record<RechargeEnd, ReadonlySet<MoveType>>> = {
  succeeded: new Set(["unpaid", "canceled", "refunded", "refused"]),
  refunded: new Set(["unpaid", "canceled", "credited"]),
  declined: PAID,
  cancelled: PAID,
  expired: PAID,
};

/** Whether a finding denies what is certain. */
function contradicts(from: RechargeState, { type }: Move): boolean {
  if (from.name === "needs-review") return type === "unpaid" && from.paidAt !== undefined;
  return from.name === "ended" && DENIES[from.end].has(type);
}

/** Stripe's issuers and wallets leave a payment open for about a day; we remind once, half way. */
const EXPIRE_HOURS = 24;
const REMIND_HOURS = 12;
/** Whoever wanted it there and then is at the checkout, and needs no reminder. */
const CHECKOUT_MINUTES = 60;

/** How long its payer is waited for, also when they are asked again: never past the end of the grant by which they pay for somebody else's line. */
function waitingUntil(at: Instant, { origin, family, actBy }: OpenRecharge): { readonly remindAt?: Instant; readonly expiresAt: Instant } {
  const minutes = origin === "payer" ? CHECKOUT_MINUTES : EXPIRE_HOURS * 60;
  const usual = actBy ?? plusMinutes(at, minutes);
  const expiresAt = family !== undefined && family.until < usual ? family.until : usual;
  const remindAt = plusMinutes(at, REMIND_HOURS * 60);
  return origin === "payer" || expiresAt <= remindAt ? { expiresAt } : { remindAt, expiresAt };
}

function nextState(from: RechargeState, move: Move, open: OpenRecharge): RechargeState {
  switch (move.type) {
    case "due":
      return { name: "reserved" };
    case "created":
      return { name: "confirming", paymentIntentId: move.paymentIntentId };
    case "dropped":
      return { name: "ended", at: move.at, end: "cancelled", reason: move.reason };
    case "unpaid":
      return { name: "closing", paymentIntentId: move.paymentIntentId, ...move.because };
    case "awaiting":
      return { name: "awaiting-customer", paymentIntentId: move.paymentIntentId, ...waitingUntil(move.at, open) };
    case "paid":
      return { name: "crediting", paymentIntentId: paymentIntentOf(from), paidAt: move.at };
    case "refused": {
      // A review whose payment nobody could place: refunded, whenever it was paid.
      const paidAt = from.name === "needs-review" ? (from.paidAt ?? from.since) : paidAtOf(from);
      return { name: "refunding", paymentIntentId: paymentIntentOf(from), paidAt, code: move.code, taken: move.taken };
    }
    case "refunded": {
      const code = from.name === "refunding" ? from.code : "resolved-by-operator";
      const taken = from.name === "refunding" ? from.taken : undefined;
      return { name: "ended", paymentIntentId: paymentIntentOf(from), at: move.at, end: "refunded", paidAt: paidAtOf(from), code, taken };
    }
    case "pending":
      return { name: "processing", paymentIntentId: paymentIntentOf(from) };
    case "canceled":
      return { name: "ended", paymentIntentId: paymentIntentOf(from), at: move.at, ...unpaidEnd(unpaidBecause(from, open)) };
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

/** What its payer called off ends as they wished, whatever else kept it from being paid; unless the rule's card may not be tried again, which stops the rule. */
function unpaidBecause(from: RechargeState, { cancelRequested, origin }: OpenRecharge): UnpaidEnd {
  // Canceled by somebody else (Stripe itself, or in its dashboard) before we meant to close it.
  const because: UnpaidEnd = from.name === "closing" ? from : { end: "cancelled", reason: "payment-canceled-elsewhere" };
  const stopsRule = origin === undefined && because.end === "declined" && because.retryAt === undefined;
  return cancelRequested === undefined || stopsRule ? because : { end: "cancelled", reason: "by-subscriber" };
}

function unpaidEnd(because: UnpaidEnd): UnpaidEnd {
  switch (because.end) {
    case "declined":
      return { end: "declined", code: because.code, severity: because.severity, retryAt: because.retryAt };
    case "cancelled":
      return { end: "cancelled", reason: because.reason };
    case "expired":
      return { end: "expired" };
  }
}

function rechargeEvent<Name extends string>(esim: Esim, open: OpenRecharge, name: Name, at: Instant) {
  const { rechargeId, subscriberId, amount, origin } = open;
  const happened = { name, id: `${rechargeId}/${name}`, version: 1, at, iccid: esim.iccid, subscriberId, rechargeId, amount } as const;
  return origin === undefined ? happened : { ...happened, origin };
}

type Ended = Extract<RechargeState, { name: "ended" }>;

function endEvent(esim: Esim, open: OpenRecharge, ended: Ended): LineEvent {
  switch (ended.end) {
    case "succeeded":
      return rechargeEvent(esim, open, "RechargeSucceeded", ended.at);
    case "declined":
      return { ...rechargeEvent(esim, open, "RechargeDeclined", ended.at), reason: ended.code, nextTryAt: ended.retryAt };
    case "cancelled":
      return { ...rechargeEvent(esim, open, "RechargeCancelled", ended.at), reason: ended.reason };
    case "expired":
      return rechargeEvent(esim, open, "RechargeExpired", ended.at);
    case "refunded":
      return { ...rechargeEvent(esim, open, "RechargeRefunded", ended.at), amount: ended.taken ?? open.amount, reason: ended.code };
  }
}

function applyEnded(esim: Esim, open: OpenRecharge, ended: Ended, now: Instant): Esim {
  const told = withEvent(withoutAnnouncement(esim, open), endEvent(esim, open, ended), now);
  // What the carrier refuses for good would be charged and given back at every check.
  if (ended.end === "refunded") return told.subscriberId === open.subscriberId && open.origin !== "payer" ? suspendRule(told, "carrier-refused", now) : told;
  const isLast = ended.end === "declined" && ended.retryAt === undefined;
  if (!isLast || told.rule?.paymentMethodId !== open.method.id) return told;
  return suspendRule(told, ended.severity === "hard" ? "card-refused-for-good" : "declined-too-often", now);
}

/** What is dropped before anybody was told of it need not be announced any more, least of all for a time to come. */
function withoutAnnouncement(esim: Esim, open: OpenRecharge): Esim {
  if (open.state.name !== "announced") return esim;
  return { ...esim, pendingEvents: esim.pendingEvents.filter((event) => !isAnnouncementOf(event, open)) };
}

/** Told again under the same id; a second review of the same recharge is another one. */
function reviewId(id: string, { since }: { readonly since: Instant }): string {
  return `${id}/${since}`;
}

function applyReview(esim: Esim, open: OpenRecharge, state: Extract<RechargeState, { name: "needs-review" }>, now: Instant): Esim {
  const { id, ...told } = rechargeEvent(esim, open, "RechargeNeedsReview", now);
  const event = { ...told, id: reviewId(id, state), reason: state.reason } as const;
  const parked = { ...open, state, toldAt: now, resolution: undefined, lease: { ...open.lease, attempts: 0, crashes: 0 } };
  return withEvent({ ...esim, open: parked }, event, now); // told first; the next lease then sets the daily look
}

type Awaiting = Extract<RechargeState, { name: "awaiting-customer" }>;

function applyAwaiting(moved: Esim, open: OpenRecharge, state: Awaiting, now: Instant): Esim {
  const waiting = { ...open, actBy: state.expiresAt };
  if (open.origin === "payer") return released(moved, waiting, state, now); // who is there need not be called
  const event = { ...rechargeEvent(moved, open, "RechargeActionRequired", now), expiresAt: state.expiresAt, isReminder: false } as const;
  return withEvent(released(moved, { ...waiting, toldAt: now }, state, now), event, now);
}

/** Reminds the customer, once. */
export function applyReminder(esim: Esim, rechargeId: string, now: Instant): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId || open.state.name !== "awaiting-customer") return esim;
  const { remindAt, ...state } = open.state;
  if (remindAt === undefined) return esim;
  const { id, ...told } = rechargeEvent(esim, open, "RechargeActionRequired", now);
  const event = { ...told, id: `${id}/reminder`, expiresAt: state.expiresAt, isReminder: true } as const;
  return withEvent({ ...esim, open: { ...open, state, toldAt: now } }, event, now);
}

/** What stands against an operator's word on a recharge; undefined when it can be taken. */
export function resolutionProblem(open: OpenRecharge | undefined, as: Resolution["as"]): string | undefined {
  if (open?.state.name !== "needs-review") return "it does not wait for a review";
  const isPaid = open.state.paidAt !== undefined;
  if (as === "nothing-taken" && isPaid) return "it was paid: resolve it as credited or refunded";
  if (as === "credited" && !isPaid) return "nobody can tell what was paid for it: resolve it as refunded or nothing-taken";
  return undefined;
}

/** Notes an operator's word; the recharge function acts on it. Undefined: it cannot be taken (`resolutionProblem`). */
export function applyResolution(esim: Esim, rechargeId: string, resolution: Resolution, now: Instant): Esim | undefined {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId || resolutionProblem(open, resolution.as) !== undefined) return undefined;
  return { ...esim, open: { ...open, resolution, lease: { ...open.lease, until: now } }, lookAt: now };
}

/** Until then nothing can have been taken, or it can still be closed. */
const MAY_BE_CANCELLED: ReadonlySet<StateName> = new Set(["announced", "reserved", "confirming", "awaiting-customer", "closing"]);

/** Notes that its payer does not want an open recharge any more; the recharge function acts on it. Undefined: it is too late. */
export function applyCancelRequest(esim: Esim, rechargeId: string, by: string, now: Instant): Esim | undefined {
  const { open, requested } = esim;
  if (requested?.rechargeId === rechargeId) return { ...esim, requested: { ...requested, cancelRequested: { by, at: now } } };
  if (open?.rechargeId !== rechargeId || !MAY_BE_CANCELLED.has(open.state.name)) return undefined;
  if (open.cancelRequested !== undefined) return esim;
  return { ...esim, open: { ...open, cancelRequested: { by, at: now } }, lookAt: now };
}

/** One pay request per low: the next comes when the balance was seen well, after this long, or when the subscriber changes the rule. A skipped charge is no different. */
const QUIET_AFTER_EXPIRY_DAYS = 7;

/**
 * How long a line whose recharge was cancelled stays quiet, in minutes.
 *
 * A cancelled recharge would be due again at the next check; what failed for want of the customer must not knock at the issuer every 15 minutes.
 */
const QUIET_AFTER_CANCEL_MINUTES: Readonly<Record<CancelReason, number>> = {
  "rule-changed": 0,
  "line-lost": 0,
  "by-subscriber": QUIET_AFTER_EXPIRY_DAYS * 24 * 60,
  "balance-recovered": 0,
  "limit-reached": 0, // the next judgement says until when
  outdated: 3 * 60, // Stripe could not be asked for an hour: not every hour anew
  "card-declined-elsewhere": 15, // the next judgement finds how long the card must rest
  "kill-switch": 0,
  "paused-by-operator": 0, // the next judgement suspends the rule
  "resolved-by-operator": 60,
  "payment-method-unusable": 24 * 60,
  "amount-refused": 24 * 60,
  "payment-fault": 24 * 60,
  "payment-canceled-elsewhere": 60,
  "payment-unclear": 60,
};

/** The line set free after its bill was put and its events were published: spend booked, cycle raised. `backup`: what stands in for it, if its rule still wants that. */
export function applyCleared(esim: Esim, rechargeId: string, published: readonly LineEvent[], now: Instant, backup?: Requested): Esim {
  const { open } = esim;
  if (open?.rechargeId !== rechargeId) return applyPublished(esim, published);
  const { state, subscriberId } = open;
  if (state.name !== "ended") throw new IllegalMove(`Clearing recharge ${rechargeId}, which is ${state.name}`);
  const spend = state.end === "succeeded" ? { ...esim.spend, [subscriberId]: book(esim.spend[subscriberId], open.period, open.amount, state.at) } : esim.spend;
  const cleared = {
    ...esim,
    open: undefined,
    requested: backup !== undefined && isStillWanted(esim, open) ? backup : undefined,
    spend,
    ...(esim.family !== undefined && state.end === "succeeded" && { family: bookOnGrant(esim, open.family, open.amount) }),
    cycle: esim.cycle + 1,
    ...quietAfter(esim, open, state),
  };
  const next = applyPublished(cleared, published);
  return next.pendingEvents.length === 0 && next.requested === undefined ? { ...next, lookAt: undefined } : { ...next, lookAt: now };
}

type Quiet = Pick<Esim, "quietUntil" | "quietWhileLow">;

/** How long an ended recharge leaves its line alone. */
function quietAfter(esim: Esim, open: OpenRecharge, ended: Ended): Quiet {
  if (ended.end === "succeeded") return quietAfterSuccess(esim, open, ended.at);
  const { rule, quietUntil, quietWhileLow } = esim;
  const isCalledOff = ended.end === "cancelled" && ended.reason === "by-subscriber";
  // What went wrong with a card says nothing about another one that was chosen meanwhile; nor does what its payer wanted and left about the next low.
  const isOfRule = open.origin === "backup" ? isCalledOff && isStillWanted(esim, open) : open.origin === undefined && rule?.paymentMethodId === open.method.id;
  if (!isOfRule) return { quietUntil, quietWhileLow };
  return { quietUntil: latest(quietUntil, unpaidQuiet(ended)), quietWhileLow: ended.end === "expired" || isCalledOff ? true : undefined };
}

/** What a low was left for, or a card rested for, is judged anew after the cooldown; a limit was told, and holds. That somebody else paid proves nothing of its payer. */
function quietAfterSuccess(esim: Esim, { subscriberId }: OpenRecharge, at: Instant): Quiet {
  const { rule, quietUntil, quietWhileLow } = esim;
  const cooledAt = plusMinutes(at, rule?.limits.cooldownMinutes ?? 0);
  if (subscriberId !== esim.subscriberId) return { quietUntil: latest(quietUntil, cooledAt), quietWhileLow };
  return { quietUntil: isQuietForLimit(esim, at) ? latest(quietUntil, cooledAt) : cooledAt, quietWhileLow: undefined };
}

/** Whether the line waits for the next month or day, as a limit was reached. */
function isQuietForLimit({ rule, subscriberId, spend, quietUntil }: Esim, now: Instant): boolean {
  if (rule === undefined || subscriberId === undefined) return false;
  const { month, day } = endsOf(spend[subscriberId], rule.consent.timeZone, now);
  return quietUntil === month || quietUntil === day;
}

function unpaidQuiet(ended: Ended): Instant | undefined {
  if (ended.end === "declined") return ended.retryAt;
  if (ended.end === "expired") return plusMinutes(ended.at, QUIET_AFTER_EXPIRY_DAYS * 24 * 60);
  if (ended.end !== "cancelled") return undefined; // refunded: its rule is suspended
  const minutes = QUIET_AFTER_CANCEL_MINUTES[ended.reason];
  return minutes === 0 ? undefined : plusMinutes(ended.at, minutes);
}
