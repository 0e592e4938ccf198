import type { Bill } from "./bill.ts";
import type { OpenRecharge } from "./esim.ts";
import type { AdjustmentKind, ReconciliationBreakFound } from "./events.ts";
import { lastFour } from "./iccid.ts";
import { formatMoney, isSameMoney, type Money, money } from "./money.ts";
import type { Dispute, Refund } from "./payment-outcomes.ts";
import type { LedgerPayment, ListedTopUp, RechargeHistory } from "./ports.ts";
import type { StateName } from "./recharge-states.ts";
import { type Instant, latest, plusMinutes } from "./time.ts";

/** What the carrier says of a reference; undefined where nobody asked, or where this carrier cannot know. */
export type Credit = "credited" | "refused" | "unseen";

/** A payment with what became of it after it was paid. */
export interface Payment extends LedgerPayment {
  readonly refunds: readonly Refund[];
  readonly disputes: readonly Dispute[];
}

/**
 * What the three books say about one recharge.
 *
 * Ours must have been read before Stripe's and the carrier's: what is in theirs then was decided in ours before, so no recharge on its way looks like a break.
 */
export interface Books {
  readonly rechargeId: string;
  readonly history: RechargeHistory;
  /** Where it is still open. */
  readonly open?: OpenRecharge;
  /** The payment that was looked at, or else the one that our books name; undefined when Stripe does not know that. */
  readonly payment?: Payment;
  readonly credit?: Credit;
  /** The carrier could not be asked: `credit` says nothing, and what depends on it must wait. */
  readonly isCreditUnclear?: boolean;
  /** The carrier's entries under this reference, as far as its list was read. */
  readonly topUps: readonly ListedTopUp[];
}

/** What can be done about a break with certainty: have the recharge function look at the payment, or cancel a payment that nobody may make any more. */
export type Mend = "poke" | "cancel";

interface Finding {
  /** Stripe's object, or the rechargeId, which is the carrier's reference. */
  readonly objectId: string;
  /** For a person; never names the line. */
  readonly detail: string;
  readonly mend?: Mend;
  /** A poke may mend it by itself until then: told only if it is still there after that. */
  readonly toldFrom?: Instant;
}

export interface Break extends Finding {
  readonly kind: BreakKind;
  readonly rechargeId?: string;
}

/** Webhooks and pokes arrive within minutes; an hourly look has poked by then, and a second one tells. */
const MENDED_BY_POKE_MINUTES = 2 * 60;
/** A credit is asked for, for a day; then the recharge is parked at the next look, an hour later at most. */
const CREDITED_WITHIN_MINUTES = 26 * 60;
/** The customer has a day, and the carrier another; reviews and refunds are told of elsewhere. */
const OPEN_AT_MOST_MINUTES = 72 * 60;
/** Nobody who made it can still be about to store it. */
const ORPHANED_AFTER_MINUTES = 24 * 60;
/** The carrier's clock and ours may differ by as much. */
const SKEW_MINUTES = 15;

/** PaymentIntents in these states can still be paid, and can be canceled. Source: https://docs.stripe.com/payments/paymentintents/lifecycle */
const PAYABLE: ReadonlySet<string> = new Set(["requires_confirmation", "requires_payment_method", "requires_action"]);
const UNPAID_STATES: ReadonlySet<StateName> = new Set(["reserved", "confirming", "processing", "awaiting-customer", "closing"]);
const UNPAID_ENDS: ReadonlySet<Bill["end"]> = new Set(["declined", "cancelled", "expired"]);
/** Source: https://docs.stripe.com/api/disputes/object#dispute_object-status */
const CLOSED_DISPUTES: ReadonlySet<string> = new Set(["won", "lost", "warning_closed", "prevented"]);
/** States that end only by a person or a bank, which may take long and is told of by events of its own. */
const PATIENT_STATES: ReadonlySet<StateName> = new Set(["needs-review", "refunding"]);

type Check = (books: Books, now: Instant) => readonly Finding[];

const NOTHING: readonly Finding[] = [];

function when(isBroken: boolean, finding: () => Finding): readonly Finding[] {
  return isBroken ? [finding()] : NOTHING;
}

function isPaid(payment: Payment | undefined): payment is Payment {
  return payment?.status === "succeeded";
}

function received({ amount, amountReceived }: Payment): Money {
  return money(amountReceived, amount.currency);
}

function paidAt({ charge, at }: Payment): Instant {
  return charge?.at ?? at;
}

function sumOf(refunds: readonly Refund[]): number {
  return refunds.reduce((sum, { amount }) => sum + amount.amount, 0);
}

function succeeded({ refunds }: Payment): readonly Refund[] {
  return refunds.filter(({ status }) => status === "succeeded");
}

/** Given back in full, or on its way back. */
function isReturned(payment: Payment): boolean {
  return sumOf(payment.refunds.filter(({ status }) => status !== "failed" && status !== "canceled")) >= payment.amountReceived;
}

/** Money that was taken and not given back. */
function isKept(payment: Payment | undefined): payment is Payment {
  return isPaid(payment) && !isReturned(payment);
}

/** The PaymentIntent that our books name. */
export function storedPayment({ history, open }: Pick<Books, "history" | "open">): string | undefined {
  if (history.bill !== undefined) return history.bill.paymentIntentId;
  return open !== undefined && "paymentIntentId" in open.state ? open.state.paymentIntentId : undefined;
}

function isStored(books: Books): boolean {
  return books.payment !== undefined && books.payment.id === storedPayment(books);
}

function isCharged(bill: Bill | undefined): bill is Bill {
  return bill !== undefined && bill.charged.amount > 0;
}

function isUnpaid(bill: Bill | undefined): bill is Bill {
  return bill !== undefined && UNPAID_ENDS.has(bill.end);
}

/** A person has settled it so, with the carrier or the subscriber, by other means, and said so. */
function isSettledByHand({ history }: Books, as: "credited" | "refunded"): boolean {
  return history.steps.some(({ asked, answer }) => asked === "operator.resolve" && answer.as === as);
}

/** Empty, and so before all else, when nobody did. */
function settledByHandAt({ history }: Books): Instant {
  return latest(...history.steps.filter(({ asked }) => asked === "operator.resolve").map(({ at }) => at)) ?? "";
}

function hasNoRecord({ history, open }: Books): boolean {
  return history.start === undefined && hasNoEnd({ history, open });
}

function hasNoEnd({ history, open }: Pick<Books, "history" | "open">): boolean {
  return history.bill === undefined && open === undefined;
}

function hasAdjustment({ history }: Books, objectId: string, ...kinds: readonly AdjustmentKind[]): boolean {
  return history.adjustments.some(({ adjustmentId, kind }) => adjustmentId.startsWith(`${objectId}/`) && (kinds.length === 0 || kinds.includes(kind)));
}

function creditsOf({ topUps }: Books): readonly ListedTopUp[] {
  return topUps.filter(({ status }) => status === "credited");
}

function isCredited(books: Books): boolean {
  return books.credit === "credited" || creditsOf(books).length > 0;
}

/** What was to be charged and credited. */
function agreed({ history, open }: Books): Money | undefined {
  return history.bill?.amount ?? open?.amount ?? history.start?.amount;
}

function poked(since: Instant, afterMinutes = MENDED_BY_POKE_MINUTES): Pick<Finding, "mend" | "toldFrom"> {
  return { mend: "poke", toldFrom: plusMinutes(since, afterMinutes) };
}

function chargeOf({ charge, id }: Payment): string {
  return charge?.id ?? id;
}

/** Refunds of an ended recharge that our books do not have yet. */
function unknownRefunds(books: Books): readonly Refund[] {
  const { history, payment } = books;
  if (history.bill === undefined || history.bill.end === "refunded" || !isPaid(payment) || !isStored(books)) return [];
  return succeeded(payment).filter(({ id }) => !hasAdjustment(books, id));
}

function orphanFindings(books: Books, now: Instant): readonly Finding[] {
  const { history, open, payment } = books;
  if (payment === undefined || !PAYABLE.has(payment.status)) return NOTHING;
  // What an open recharge holds is its own to close; a reserved one may be about to take this very payment.
  if (open !== undefined && (isStored(books) || open.state.name === "reserved")) return NOTHING;
  if (history.bill !== undefined && isStored(books)) return NOTHING; // payment-left-open, or bill-without-charge
  return when(now >= plusMinutes(payment.at, ORPHANED_AFTER_MINUTES), () => ({
    objectId: payment.id,
    detail: `A PaymentIntent that is ${payment.status} belongs to no recharge`,
    mend: "cancel",
  }));
}

/** Every kind of break, and how it is seen. docs/runbook.md#reconciliation-breaks says what each means and what to do. */
const CHECKS = {
  "charge-without-record": (books) =>
    when(isKept(books.payment) && hasNoRecord(books), () => ({ objectId: objectOf(books), detail: "Paid, and we have no record of the recharge" })),

  "charge-without-bill": (books) =>
    when(isKept(books.payment) && hasNoEnd(books) && !hasNoRecord(books), () => ({
      objectId: objectOf(books),
      detail: "Paid, and the recharge is neither open nor ended",
    })),

  "second-charge": (books) => {
    const { history, open, payment } = books;
    // A recharge that is reserved may be about to take this very payment.
    if (!isKept(payment) || isStored(books) || hasNoEnd(books) || open?.state.name === "reserved") return NOTHING;
    const detail = `Paid beside ${storedPayment(books) ?? "no payment"}, which is the payment of this recharge`;
    return [{ objectId: objectOf(books), detail, ...(history.bill !== undefined && poked(paidAt(payment))) }];
  },

  "charge-after-unpaid-end": (books) => {
    const { history, payment } = books;
    if (books.isCreditUnclear === true || !isUnpaid(history.bill) || !isKept(payment) || !isStored(books) || isCredited(books)) return NOTHING;
    return [{ objectId: objectOf(books), detail: `Paid, though the recharge ended ${history.bill.end}`, ...poked(paidAt(payment)) }];
  },

  "unpaid-bill-charged-and-credited": (books) =>
    when(isUnpaid(books.history.bill) && isKept(books.payment) && isStored(books) && isCredited(books), () => ({
      objectId: objectOf(books),
      detail: "Paid and credited, and the bill says that nothing was taken",
    })),

  "charged-amount-differs": (books) => {
    const { history, payment } = books;
    if (!isCharged(history.bill) || !isPaid(payment) || !isStored(books)) return NOTHING;
    const [ours, theirs] = [history.bill.charged, received(payment)];
    return when(ours.currency === theirs.currency && ours.amount !== theirs.amount, () => ({
      objectId: objectOf(books),
      detail: `Stripe took ${formatMoney(theirs)}, the bill says ${formatMoney(ours)}`,
    }));
  },

  "charged-currency-differs": (books) => {
    const { history, payment } = books;
    if (!isCharged(history.bill) || !isPaid(payment) || !isStored(books)) return NOTHING;
    const [ours, theirs] = [history.bill.charged, received(payment)];
    return when(ours.currency !== theirs.currency, () => ({
      objectId: objectOf(books),
      detail: `Stripe took ${formatMoney(theirs)}, the bill says ${formatMoney(ours)}`,
    }));
  },

  "bill-without-charge": (books) =>
    when(isCharged(books.history.bill) && isStored(books) && !isPaid(books.payment), () => ({
      objectId: objectOf(books),
      detail: `The bill says paid, Stripe says ${books.payment?.status}`,
    })),

  "payment-missing": (books) =>
    when(isCharged(books.history.bill) && books.payment === undefined, () => ({
      objectId: books.rechargeId,
      detail: `The bill names ${storedPayment(books) ?? "no payment"}, which is not in Stripe's books of this stage`,
    })),

  "charge-not-credited": (books) =>
    when(books.history.bill?.end === "succeeded" && books.credit === "unseen" && isKept(books.payment) && !isSettledByHand(books, "credited"), () => ({
      objectId: books.rechargeId,
      detail: "Paid and billed as credited; the carrier has never seen it",
    })),

  "credit-refused": (books) =>
    when(books.history.bill?.end === "succeeded" && books.credit === "refused" && !isSettledByHand(books, "credited"), () => ({
      objectId: books.rechargeId,
      detail: "Paid and billed as credited; the carrier says that it refused",
    })),

  "refund-unknown": (books) =>
    unknownRefunds(books)
      .filter(({ amount }) => amount.amount === books.payment?.amountReceived)
      .map(({ id, amount, at }) => ({ objectId: id, detail: `${formatMoney(amount)} was given back, all of it; our books do not say so`, ...poked(at) })),

  "partial-refund-unknown": (books) =>
    unknownRefunds(books)
      .filter(({ amount }) => amount.amount !== books.payment?.amountReceived)
      .map(({ id, amount, at }) => ({ objectId: id, detail: `${formatMoney(amount)} was given back, a part; our books do not say so`, ...poked(at) })),

  "refund-failed-unknown": (books) => {
    const { bill } = books.history;
    if (bill === undefined || !isStored(books)) return NOTHING;
    // One that failed before the end, or before a person settled it, is part of how it ended; the one that it ended with was made before.
    const since = bill.end === "refunded" ? settledByHandAt(books) : bill.endedAt;
    const failed = books.payment?.refunds.filter(({ id, status, at }) => status === "failed" && at > since && !hasAdjustment(books, id, "refund-failed"));
    return (failed ?? []).map(({ id, amount, at }) => ({
      objectId: id,
      detail: `A refund of ${formatMoney(amount)} failed; our books do not say so`,
      ...poked(at),
    }));
  },

  "refund-missing": (books) => {
    const { history, payment } = books;
    if (history.bill?.end !== "refunded" || !isPaid(payment) || !isStored(books)) return NOTHING;
    // One that failed is told as that.
    const isMissing = payment.refunds.length === 0 && !isSettledByHand(books, "refunded");
    return when(isMissing, () => ({ objectId: payment.id, detail: "The bill says given back; Stripe has no refund that succeeded" }));
  },

  "refund-amount-differs": (books) => {
    const { history, payment } = books;
    if (history.bill?.end !== "refunded" || !isPaid(payment) || !isStored(books)) return NOTHING;
    const [ours, theirs] = [history.bill.refunded.amount, sumOf(succeeded(payment))];
    return when(theirs > 0 && ours !== theirs, () => ({
      objectId: payment.id,
      detail: `Stripe gave back ${theirs} minor units, the bill says ${ours}`,
    }));
  },

  "refunded-and-credited": (books) =>
    when(books.history.bill?.end === "refunded" && isCredited(books), () => ({
      objectId: books.rechargeId,
      detail: "Given back, and credited by the carrier",
    })),

  "dispute-unknown": (books) =>
    disputesOfEnded(books)
      .filter(({ id }) => !hasAdjustment(books, id))
      .map(({ id, amount, at }) => ({ objectId: id, detail: `A dispute about ${formatMoney(amount)}; our books do not say so`, ...poked(at) })),

  "dispute-end-unknown": (books) =>
    disputesOfEnded(books)
      .filter(({ id, status }) => CLOSED_DISPUTES.has(status) && hasAdjustment(books, id) && !hasAdjustment(books, id, "dispute-won", "dispute-lost"))
      .map(({ id, status, at }) => ({ objectId: id, detail: `A dispute was ${status}; our books do not say so`, ...poked(at) })),

  "adjustment-without-refund": (books) => adjustmentsWithout(books, ["refunded", "refund-failed"], books.payment?.refunds ?? []),

  "adjustment-without-dispute": (books) => adjustmentsWithout(books, ["dispute-opened", "dispute-won", "dispute-lost"], books.payment?.disputes ?? []),

  "paid-and-stuck": (books) => {
    const { open, payment } = books;
    if (open === undefined || open.state.name === "ended" || PATIENT_STATES.has(open.state.name) || !isPaid(payment) || !isStored(books)) return NOTHING;
    return [{ objectId: payment.id, detail: `Paid, and the recharge is still ${open.state.name}`, ...poked(paidAt(payment), CREDITED_WITHIN_MINUTES) }];
  },

  "open-too-long": ({ rechargeId, open }, now) =>
    when(open !== undefined && !PATIENT_STATES.has(open.state.name) && now >= plusMinutes(open.reservedAt, OPEN_AT_MOST_MINUTES), () => ({
      objectId: rechargeId,
      detail: `Open since ${open?.reservedAt}, and still ${open?.state.name}`,
    })),

  "orphan-payment": orphanFindings,

  "payment-left-open": (books) =>
    when(books.open === undefined && isUnpaid(books.history.bill) && isStored(books) && PAYABLE.has(books.payment?.status ?? ""), () => ({
      objectId: objectOf(books),
      detail: `The recharge ended ${books.history.bill?.end}, and its PaymentIntent can still be paid: it is ${books.payment?.status}`,
      mend: "cancel",
    })),

  "credit-without-record": (books) =>
    when(creditsOf(books).length > 0 && hasNoRecord(books), () => ({
      objectId: books.rechargeId,
      detail: "Credited under a reference of which we have no record",
    })),

  "credit-without-bill": (books) =>
    when(creditsOf(books).length > 0 && hasNoEnd(books) && !hasNoRecord(books), () => ({
      objectId: books.rechargeId,
      detail: "Credited, and the recharge is neither open nor ended",
    })),

  "credit-without-charge": (books) =>
    when(isUnpaid(books.history.bill) && isCredited(books) && !isPaid(books.payment), () => ({
      objectId: books.rechargeId,
      detail: `Credited, though the recharge ended ${books.history.bill?.end} and nothing was paid`,
    })),

  "credited-before-paid": (books) =>
    when(creditsOf(books).length > 0 && books.open !== undefined && UNPAID_STATES.has(books.open.state.name) && !isPaid(books.payment), () => ({
      objectId: books.rechargeId,
      detail: `Credited, while the recharge is ${books.open?.state.name}`,
    })),

  "credited-other-line": ({ rechargeId, history: { start, bill }, topUps }) => {
    const isOther = ({ iccid }: ListedTopUp) => (start === undefined ? bill !== undefined && lastFour(iccid) !== bill.lineLastFour : iccid !== start.iccid);
    return when(topUps.some(isOther), () => ({ objectId: rechargeId, detail: "The carrier's entry is for another line than the recharge" }));
  },

  "credited-other-amount": (books) => differingCredits(books, (ours, theirs) => ours.currency === theirs.currency && ours.amount !== theirs.amount),

  "credited-other-currency": (books) => differingCredits(books, (ours, theirs) => ours.currency !== theirs.currency),

  "credited-twice": (books) =>
    when(creditsOf(books).length > 1, () => ({ objectId: books.rechargeId, detail: `Credited ${creditsOf(books).length} times under one reference` })),

  "credited-after-end": (books) => {
    const { bill } = books.history;
    const isLate = bill?.end === "succeeded" && creditsOf(books).some(({ at }) => at > plusMinutes(bill.endedAt, SKEW_MINUTES));
    return when(isLate && !isSettledByHand(books, "credited"), () => ({
      objectId: books.rechargeId,
      detail: "Credited when it had ended as credited already",
    }));
  },

  "review-credited": (books) => {
    const { rechargeId, open } = books;
    if (open?.state.name !== "needs-review" || !isCredited(books)) return NOTHING;
    return [{ objectId: rechargeId, detail: `Parked as ${open.state.reason}; the carrier says credited`, ...poked(open.state.since) }];
  },

  "bill-contradicts-start": ({ rechargeId, history: { start, bill } }) => {
    if (start === undefined || bill === undefined) return NOTHING;
    const isSame = bill.subscriberId === start.subscriberId && bill.lineLastFour === lastFour(start.iccid) && isSameMoney(bill.amount, start.amount);
    return when(!isSame, () => ({ objectId: rechargeId, detail: "Payer, line or amount of the bill are not those that the recharge was started with" }));
  },

  "bill-while-open": ({ rechargeId, history, open }) =>
    when(history.bill !== undefined && open !== undefined && open.state.name !== "ended", () => ({
      objectId: rechargeId,
      detail: `Billed as ${history.bill?.end}, and open: ${open?.state.name}`,
    })),
} as const satisfies Readonly<Record<string, Check>>;

type CheckKind = keyof typeof CHECKS;
/** The last two are seen while the books are read. */
export type BreakKind = CheckKind | "line-unreadable" | "carrier-listing-missing";

/** All that may be told, in the order of the runbook. */
export const BREAK_KINDS: readonly string[] = [...Object.keys(CHECKS), "line-unreadable", "carrier-listing-missing"];

function objectOf({ payment, rechargeId }: Books): string {
  return payment === undefined ? rechargeId : chargeOf(payment);
}

function disputesOfEnded(books: Books): readonly Dispute[] {
  return books.history.bill !== undefined && isStored(books) ? (books.payment?.disputes ?? []) : [];
}

function adjustmentsWithout(books: Books, kinds: readonly AdjustmentKind[], objects: readonly { readonly id: string }[]): readonly Finding[] {
  const { history } = books;
  // Where money came in by another payment too, what happened to that one is among the adjustments.
  if (!isStored(books) || history.adjustments.some(({ kind }) => kind === "paid-after-end")) return NOTHING;
  const known = new Set(objects.map(({ id }) => id));
  const unfounded = history.adjustments.filter(({ kind, adjustmentId }) => kinds.includes(kind) && !known.has(adjustmentId.split("/")[0] ?? ""));
  return unfounded.map(({ adjustmentId, kind }) => ({ objectId: adjustmentId, detail: `Our books say ${kind}; Stripe knows nothing of it` }));
}

function differingCredits(books: Books, differ: (ours: Money, theirs: Money) => boolean): readonly Finding[] {
  const ours = agreed(books);
  const other = ours && creditsOf(books).find(({ amount }) => differ(ours, amount));
  if (ours === undefined || other === undefined) return NOTHING;
  return [{ objectId: books.rechargeId, detail: `The carrier credited ${formatMoney(other.amount)} instead of ${formatMoney(ours)}` }];
}

/** Where the books disagree about a recharge; nothing where they agree, or where it may still be on its way. */
export function findBreaks(books: Books, now: Instant): Break[] {
  return Object.entries(CHECKS).flatMap(([kind, check]) =>
    check(books, now).map((finding) => ({ ...finding, kind: kind as CheckKind, rechargeId: books.rechargeId })),
  );
}

/** A break is told once: its id is made of what it is about. */
export function breakId({ kind, objectId }: Pick<Break, "kind" | "objectId">): string {
  return `${kind}/${objectId}`;
}

export function breakEvent(found: Break, mended: boolean, now: Instant): ReconciliationBreakFound {
  const { kind, objectId, rechargeId, detail } = found;
  return { name: "ReconciliationBreakFound", id: breakId(found), version: 1, at: now, kind, objectId, rechargeId, mended, detail };
}
