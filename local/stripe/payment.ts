import type { Stripe } from "stripe";
import type { CardDecline } from "./test-cards.ts";

/** A PaymentIntent and all that came of it. In one record, so that a killed process leaves no charge, refund or dispute that the others do not know of. */
export interface Payment {
  readonly intent: Stripe.PaymentIntent;
  /** One for each time the card was asked. */
  readonly charges: readonly Stripe.Charge[];
  readonly refunds: readonly Stripe.Refund[];
  readonly disputes: readonly Stripe.Dispute[];
  /** What is still to happen by itself, soonest first. */
  readonly pending: readonly Pending[];
}

/** `at` is in epoch milliseconds. */
export type Pending =
  /** The PaymentIntent stops processing: paid, or declined. */
  | { readonly type: "payment"; readonly at: number; readonly method: Stripe.PaymentMethod; readonly decline?: CardDecline }
  | { readonly type: "refund"; readonly at: number; readonly id: string; readonly status: "succeeded" | "failed" };

/** A payment as it is to be from now on, and the events that tell of it. */
export interface Change {
  readonly payment: Payment;
  readonly events: readonly StripeEvent[];
}

export interface StripeEvent {
  /** Stripe's: `charge.refunded`. */
  readonly type: string;
  readonly object: object;
  /** What the event says was different before. */
  readonly previous?: object;
}

/** Everything that was to happen by then has happened to what they give. */
export interface StoredPayments {
  /** Writes, then tells. */
  save(change: Change): Payment;
  /** Throws Stripe's error when there is none. */
  load(paymentIntentId: string): Payment;
  /** Oldest first. */
  list(): Payment[];
}
