import type { Severity } from "./declines.ts";
import type { Reading } from "./esim.ts";
import type { Money } from "./money.ts";
import type { Period } from "./spend.ts";
import type { Instant } from "./time.ts";

/** How a recharge can end. An ended recharge is a bill record and never changes. */
export type RechargeEnd = "succeeded" | "declined" | "cancelled" | "expired" | "refunded";

/** Why a recharge was cancelled: nothing was taken. */
export type CancelReason =
  /** Paused, edited, deleted or suspended between the decision and the charge. */
  | "rule-changed"
  /** The line is not its payer's any more, or its holder does not let them pay for it, or not so much. */
  | "line-lost"
  /** Its payer does not want it: skipped, declined or called off. */
  | "by-subscriber"
  /** Announced, and not low any more when it came due. */
  | "balance-recovered"
  /** Announced, and a limit left no room for it when it came due. */
  | "limit-reached"
  /** Decided too long ago: Stripe could not be asked in time. */
  | "outdated"
  /** The card was declined for another line after this recharge was reserved. */
  | "card-declined-elsewhere"
  /** The operator has stopped all that is not charged yet. */
  | "kill-switch"
  /** The operator has paused the subscriber. */
  | "paused-by-operator"
  /** It needed a review, and a person found that nothing was taken. */
  | "resolved-by-operator"
  /** Stripe does not know the way to pay any more, or cannot use it. */
  | "payment-method-unusable"
  /** Stripe refuses the sum (below its minimum, above its maximum). */
  | "amount-refused"
  /** Stripe refuses our request: a fault of ours. */
  | "payment-fault"
  /** The PaymentIntent was canceled by somebody else. */
  | "payment-canceled-elsewhere"
  /** For a week Stripe could not say how the payment stands; then it could. */
  | "payment-unclear";

export type ReviewReason =
  /** Paid, and the carrier's answer is no. */
  | "carrier-refused"
  /** Paid, and the carrier cannot say whether it credited. */
  | "carrier-unclear"
  /** Paid, and the carrier says that our reference belongs to another order. */
  | "carrier-conflict"
  /** Stripe's PaymentIntent has another amount or currency than was recorded. */
  | "payment-mismatch"
  /** Paid, finally refused by the carrier, and Stripe could not give the money back. */
  | "refund-failed"
  /** Paid, not credited yet, and somebody gives the money back by hand. */
  | "refund-by-hand"
  /** For a week Stripe could not say how the payment stands. */
  | "payment-unclear";

/** Where an open recharge stands, with what the next step needs. */
export type RechargeState =
  /** Its payer was told, and may skip it until then; nothing was asked of Stripe. When it comes due, the line is judged again. */
  | { readonly name: "announced"; readonly chargeAt: Instant }
  /** The line is taken; no PaymentIntent of ours can have moved money. */
  | { readonly name: "reserved" }
  /** The PaymentIntent is stored; it may or may not have been confirmed: whoever finds this asks Stripe first. */
  | { readonly name: "confirming"; readonly paymentIntentId: string }
  /** Stripe has accepted the payment and does not know its outcome yet. */
  | { readonly name: "processing"; readonly paymentIntentId: string }
  /** The customer has to act: the issuer asks for them, or it is theirs to pay. Reminded once, and closed when the time is over. */
  | {
      readonly name: "awaiting-customer";
      readonly paymentIntentId: string;
      /** Missing once the reminder was told. */
      readonly remindAt?: Instant;
      readonly expiresAt: Instant;
    }
  /** Paid. The carrier may or may not have been asked: whoever finds this asks the carrier first. */
  | { readonly name: "crediting"; readonly paymentIntentId: string; readonly paidAt: Instant }
  /** Paid, and the carrier's final answer is no. The money may or may not have been given back: whoever finds this asks Stripe first. */
  | { readonly name: "refunding"; readonly paymentIntentId: string; readonly paidAt: Instant; readonly code: string; readonly taken?: Money }
  /** Is to end unpaid, as soon as its PaymentIntent is seen canceled. */
  | ({ readonly name: "closing"; readonly paymentIntentId: string } & UnpaidEnd)
  /** Parked: nobody can tell, or it was paid and not credited. Not an end. */
  | { readonly name: "needs-review"; readonly paymentIntentId: string; readonly paidAt?: Instant; readonly reason: ReviewReason; readonly since: Instant }
  /** Decided; the bill is to be put and the event to be published before the line is free again. */
  | ({ readonly name: "ended"; readonly paymentIntentId?: string; readonly at: Instant } & (
      | { readonly end: "succeeded"; readonly paidAt: Instant }
      | { readonly end: "refunded"; readonly paidAt: Instant; readonly code: string; readonly taken?: Money }
      | UnpaidEnd
    ));

/** `retryAt`: when it may be tried again by itself; missing when it may not. */
export type UnpaidEnd =
  | { readonly end: "declined"; readonly code: string; readonly severity: Severity; readonly retryAt?: Instant }
  | { readonly end: "cancelled"; readonly reason: CancelReason }
  | { readonly end: "expired" };

export type StateName = RechargeState["name"];

/** What a step found out: the only things that move an open recharge. */
export type Move =
  /** An announced recharge has come due, and the line is still low: reserved on what it is now. */
  | { readonly type: "due"; readonly amount: Money; readonly period: Period; readonly reading: Reading; readonly at: Instant }
  | { readonly type: "created"; readonly paymentIntentId: string }
  | { readonly type: "dropped"; readonly reason: CancelReason; readonly at: Instant }
  | { readonly type: "awaiting"; readonly paymentIntentId: string; readonly at: Instant }
  | { readonly type: "paid"; readonly at: Instant }
  | { readonly type: "pending" }
  | { readonly type: "unpaid"; readonly paymentIntentId: string; readonly because: UnpaidEnd }
  | { readonly type: "canceled"; readonly at: Instant }
  | { readonly type: "credited"; readonly at: Instant }
  /** The carrier's final no. `taken`: what is to be given back, where that is another sum than was recorded. */
  | { readonly type: "refused"; readonly code: string; readonly taken?: Money }
  | { readonly type: "refunded"; readonly at: Instant }
  | { readonly type: "puzzled"; readonly reason: ReviewReason; readonly at: Instant };

export type MoveType = Move["type"];

/**
 * The whole life of a recharge: from which state which finding leads where.
 *
 * A finding that is missing here is impossible by design and stops the worker with a fault; one that leads to its own
 * state is old news (two workers found the same) and changes nothing.
 */
export const TRANSITIONS: { readonly [From in StateName]: { readonly [Found in MoveType]?: StateName } } = {
  announced: { due: "reserved", dropped: "ended" },
  reserved: { due: "reserved", created: "confirming", awaiting: "awaiting-customer", dropped: "ended", unpaid: "closing" },
  confirming: {
    due: "confirming",
    created: "confirming",
    dropped: "confirming",
    awaiting: "awaiting-customer",
    paid: "crediting",
    pending: "processing",
    unpaid: "closing",
    canceled: "ended",
    puzzled: "needs-review",
  },
  processing: {
    due: "processing",
    created: "processing",
    dropped: "processing",
    awaiting: "awaiting-customer",
    paid: "crediting",
    pending: "processing",
    unpaid: "closing",
    canceled: "ended",
    puzzled: "needs-review",
  },
  "awaiting-customer": {
    due: "awaiting-customer",
    created: "awaiting-customer",
    dropped: "awaiting-customer",
    awaiting: "awaiting-customer",
    paid: "crediting",
    pending: "processing",
    unpaid: "closing",
    canceled: "ended",
    puzzled: "needs-review",
  },
  closing: {
    due: "closing",
    created: "closing",
    dropped: "closing",
    awaiting: "closing",
    paid: "crediting",
    pending: "processing",
    unpaid: "closing",
    canceled: "ended",
    puzzled: "needs-review",
  },
  crediting: {
    due: "crediting",
    created: "crediting",
    dropped: "crediting",
    awaiting: "crediting",
    paid: "crediting",
    pending: "crediting",
    credited: "ended",
    refused: "refunding",
    puzzled: "needs-review",
  },
  refunding: {
    due: "refunding",
    created: "refunding",
    dropped: "refunding",
    awaiting: "refunding",
    paid: "refunding",
    pending: "refunding",
    refused: "refunding",
    refunded: "ended",
    puzzled: "needs-review",
  },
  "needs-review": {
    due: "needs-review",
    created: "needs-review",
    dropped: "needs-review",
    awaiting: "needs-review",
    pending: "needs-review",
    paid: "needs-review",
    unpaid: "closing",
    credited: "ended",
    refused: "refunding",
    refunded: "ended",
    puzzled: "needs-review",
  },
  ended: {
    due: "ended",
    created: "ended",
    dropped: "ended",
    awaiting: "ended",
    paid: "ended",
    pending: "ended",
    puzzled: "ended",
    unpaid: "ended",
    canceled: "ended",
    credited: "ended",
    refused: "ended",
    refunded: "ended",
  },
};
