import type { Bill } from "./bill.ts";
import { type Esim, withEvent } from "./esim.ts";
import type { AdjustmentKind, BillAdjusted } from "./events.ts";
import { adjustGrant } from "./family.ts";
import type { Money } from "./money.ts";
import { type Dispute, hasFailed, type PaymentIntent, type Refund } from "./payment-outcomes.ts";
import { endsOf, giveBack, takeBack } from "./spend.ts";
import type { Instant } from "./time.ts";

/** A fact about the payment of a recharge after its end, as Stripe tells it. */
export interface PaymentFact {
  readonly kind: AdjustmentKind;
  /** Stripe's refund, dispute or PaymentIntent. */
  readonly objectId: string;
  /** Of which payment. */
  readonly paymentIntentId: string;
  readonly amount: Money;
  readonly at: Instant;
}

/** What such a fact is about: a recharge that has its bill, or an open one, which has no end yet. */
export type Adjusted = Pick<Bill, "rechargeId" | "subscriberId" | "amount" | "period" | "paymentIntentId" | "family"> & Partial<Pick<Bill, "end">>;

export function adjustmentId({ objectId, kind }: PaymentFact): string {
  return `${objectId}/${kind}`;
}

/**
 * Whether money came in that no bill knows of: for a recharge that had ended unpaid, or by another PaymentIntent than the billed one.
 *
 * Cannot happen by design; what is certain about it is that it has to be given back.
 */
export function isUnbilled(bill: Bill, payment: PaymentIntent): boolean {
  return payment.status === "succeeded" && (bill.charged.amount === 0 || bill.paymentIntentId !== payment.id);
}

/** Everything that Stripe says has happened to a payment since its recharge ended, and that its bill does not say. */
export function paymentFacts(bill: Bill, payment: PaymentIntent, refunds: readonly Refund[], disputes: readonly Dispute[]): PaymentFact[] {
  const unbilled = isUnbilled(bill, payment)
    ? [{ kind: "paid-after-end", objectId: payment.id, paymentIntentId: payment.id, amount: payment.amount, at: bill.endedAt } as const]
    : [];
  return [...unbilled, ...refunds.flatMap((refund) => refundFacts(bill, payment, refund)), ...disputeFacts(payment.id, disputes)];
}

function refundFacts(bill: Bill, payment: PaymentIntent, refund: Refund): PaymentFact[] {
  const { id, status, amount, at } = refund;
  const fact = { objectId: id, paymentIntentId: payment.id, amount, at };
  if (hasFailed(refund)) return [{ ...fact, kind: "refund-failed" }];
  // The refund with which a recharge ended stands in its bill.
  const isBilled = bill.end === "refunded" && bill.paymentIntentId === payment.id;
  return status === "succeeded" && !isBilled ? [{ ...fact, kind: "refunded" }] : [];
}

/** Stripe's statuses. An inquiry (`warning_...`) can become a chargeback, and is taken as one. Source: https://docs.stripe.com/api/disputes/object#dispute_object-status */
const CLOSED: ReadonlyMap<string, AdjustmentKind> = new Map([
  ["won", "dispute-won"],
  ["warning_closed", "dispute-won"],
  ["prevented", "dispute-won"],
  ["lost", "dispute-lost"],
]);

export function disputeFacts(paymentIntentId: string, disputes: readonly Dispute[]): PaymentFact[] {
  return disputes.flatMap(({ id, status, amount, at }): PaymentFact[] => {
    const fact = { objectId: id, paymentIntentId, amount, at };
    const closed = CLOSED.get(status);
    return [{ ...fact, kind: "dispute-opened" }, ...(closed === undefined ? [] : [{ ...fact, kind: closed }])];
  });
}

/** Tells such a fact where neither the line nor whoever paid is known any more. */
export function billAdjusted(rechargeId: string, fact: PaymentFact, now: Instant): BillAdjusted {
  const { amount, kind, objectId } = fact;
  return { name: "BillAdjusted", id: `${rechargeId}/BillAdjusted/${adjustmentId(fact)}`, version: 1, at: now, rechargeId, amount, kind, objectId };
}

/** The line after such a fact: the subscriber's limit gets a refund back, and the fact is told. A dispute gives nothing back. */
export function applyAdjustment(esim: Esim, adjusted: Adjusted, fact: PaymentFact, now: Instant): Esim {
  const { rechargeId, subscriberId, amount, period, paymentIntentId, end } = adjusted;
  const event = {
    name: "RechargeAdjusted",
    id: `${rechargeId}/RechargeAdjusted/${adjustmentId(fact)}`,
    version: 1,
    at: now,
    iccid: esim.iccid,
    subscriberId,
    rechargeId,
    amount: fact.amount,
    kind: fact.kind,
    objectId: fact.objectId,
  } as const;
  const published = withEvent(esim, event, now);
  const spend = esim.spend[subscriberId];
  // Only what succeeded was booked: its own payment, in its own currency.
  if (spend === undefined || end !== "succeeded" || fact.paymentIntentId !== paymentIntentId || fact.amount.currency !== amount.currency) return published;
  const told = withGrantAdjusted(published, adjusted, fact);
  const change = fact.kind === "refunded" ? giveBack : fact.kind === "refund-failed" ? takeBack : undefined;
  const changed = change?.(spend, period, fact.objectId, fact.amount) ?? spend;
  if (changed === spend) return told;
  return {
    ...(isQuietForCap(told, now) && fact.kind === "refunded" ? { ...told, quietUntil: undefined } : told),
    spend: { ...told.spend, [subscriberId]: changed },
  };
}

function withGrantAdjusted(esim: Esim, { family }: Adjusted, { kind, objectId, amount }: PaymentFact): Esim {
  if (kind !== "refunded" && kind !== "refund-failed") return esim;
  const adjusted = adjustGrant(esim, family, { kind, refundId: objectId, amount });
  return adjusted === esim.family ? esim : { ...esim, family: adjusted };
}

/** Whether the line waits for the next month, as its cap was reached: what is given back may leave room again. */
function isQuietForCap({ rule, subscriberId, spend, quietUntil }: Esim, now: Instant): boolean {
  if (rule === undefined || subscriberId === undefined || quietUntil === undefined) return false;
  return quietUntil === endsOf(spend[subscriberId], rule.consent.timeZone, now).month;
}
