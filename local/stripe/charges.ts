import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { listCharges } from "./parameters.ts";
import type { Change, Payment, StoredPayments } from "./payment.ts";
import { newCharge } from "./stripe-objects.ts";
import { findById, matching, pageOf, type Result, type StripeWorld } from "./stripe-world.ts";
import type { CardDecline } from "./test-cards.ts";

/** Every time a card was asked. Source: https://docs.stripe.com/api/charges */
export function charges({ list }: StoredPayments) {
  const all = () => list().flatMap((payment) => payment.charges);

  return {
    retrieve: (id: string): Result => ({ body: findById("charge", all(), id) }),

    list: ({ limit, starting_after, ...filter }: z.output<typeof listCharges>): Result =>
      pageOf("/v1/charges", matching(all(), filter), { limit, starting_after }),

    /** Oldest first; `paid` tells whether money was taken. */
    listAll: (): Stripe.Charge[] => matching(all(), {}),
  };
}

/** The card pays. `at` is in epoch milliseconds. */
export function chargePaid({ newId }: StripeWorld, payment: Payment, method: Stripe.PaymentMethod, at: number): Change {
  const charge = newCharge(newId("ch_"), payment.intent, method, at);
  const intent: Stripe.PaymentIntent = {
    ...payment.intent,
    status: "succeeded",
    amount_received: payment.intent.amount,
    latest_charge: charge.id,
    next_action: null,
    processing: null,
  };
  return {
    payment: { ...payment, intent, charges: [...payment.charges, charge] },
    events: [
      { type: "charge.succeeded", object: charge },
      { type: "payment_intent.succeeded", object: intent },
    ],
  };
}

/** The card does not pay, and its PaymentIntent waits for another one. `at` is in epoch milliseconds. */
export function chargeDeclined({ newId }: StripeWorld, payment: Payment, method: Stripe.PaymentMethod, reason: CardDecline, at: number): Change {
  const charge = newCharge(newId("ch_"), payment.intent, method, at, reason);
  const intent = withoutMethod(payment.intent, {
    type: "card_error",
    code: reason.code,
    decline_code: reason.declineCode,
    advice_code: reason.adviceCode,
    message: reason.message,
    charge: charge.id,
    payment_method: method,
  });
  const failed = { ...intent, latest_charge: charge.id };
  return {
    payment: { ...payment, intent: failed, charges: [...payment.charges, charge] },
    events: [
      { type: "charge.failed", object: charge },
      { type: "payment_intent.payment_failed", object: failed },
    ],
  };
}

/** What a failed try leaves: no payment method, and the reason. */
export function withoutMethod(intent: Stripe.PaymentIntent, reason: Stripe.PaymentIntent.LastPaymentError): Stripe.PaymentIntent {
  return { ...intent, status: "requires_payment_method", payment_method: null, last_payment_error: reason, next_action: null, processing: null };
}
