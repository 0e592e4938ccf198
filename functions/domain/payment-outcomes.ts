import { type Decline, retryAt } from "./declines.ts";
import type { Money } from "./money.ts";
import type { CancelReason, UnpaidEnd } from "./recharge-states.ts";

/** Why Stripe refused, in Stripe's own words. Source: https://docs.stripe.com/api/errors */
export interface PaymentError {
  readonly type: string;
  readonly code?: string;
  readonly declineCode?: string;
  readonly adviceCode?: string;
  /** The parameter of our request that it is about. */
  readonly param?: string;
}

/** A PaymentIntent as Stripe shows it; `status` is Stripe's. */
export interface PaymentIntent {
  readonly id: string;
  readonly status: string;
  readonly amount: Money;
  readonly amountReceived: number;
  readonly lastError?: PaymentError;
}

/** What Stripe answered. That it did not answer, or not clearly, is not an answer: the adapter throws then. */
export type PaymentAnswer = { readonly kind: "intent"; readonly intent: PaymentIntent } | { readonly kind: "refused"; readonly error: PaymentError };

/** What an answer means for a recharge. */
export type PaymentOutcome =
  | { readonly kind: "paid" }
  | { readonly kind: "processing" }
  | { readonly kind: "unconfirmed" }
  | { readonly kind: "canceled" }
  | { readonly kind: "declined"; readonly code: string; readonly hard: boolean }
  | { readonly kind: "refused"; readonly reason: CancelReason }
  | { readonly kind: "mismatch" }
  /** Neither paid nor certainly unpaid: ask again. */
  | { readonly kind: "unknown" };

/**
 * Declines after which the card must never be tried again.
 *
 * Sources: https://docs.stripe.com/declines/codes, and Visa's category 1 ("issuer will never approve").
 */
const HARD_DECLINES: ReadonlySet<string> = new Set([
  "expired_card",
  "fraudulent",
  "invalid_account",
  "lost_card",
  "pickup_card",
  "restricted_card",
  "revocation_of_all_authorizations",
  "revocation_of_authorization",
  "security_violation",
  "stolen_card",
  "stop_payment_order",
]);

const NEEDS_CUSTOMER: ReadonlySet<string> = new Set(["authentication_required", "authentication_not_handled", "payment_intent_authentication_failure"]);
const AMOUNT_REFUSED: ReadonlySet<string> = new Set(["amount_too_small", "amount_too_large"]);
const METHOD_UNUSABLE: ReadonlySet<string> = new Set(["payment_method_unexpected_state", "payment_method_customer_decline"]);
const METHOD_PARAMS: ReadonlySet<string> = new Set(["payment_method", "customer"]);
const LOOK_AGAIN: ReadonlySet<string> = new Set(["payment_intent_unexpected_state", "lock_timeout", "idempotency_key_in_use"]);

/** What a refusal by Stripe means. */
export function errorOutcome(error: PaymentError): PaymentOutcome {
  const code = error.declineCode ?? error.code ?? error.type;
  if ([error.code, error.declineCode].some((text) => text !== undefined && NEEDS_CUSTOMER.has(text))) return { kind: "refused", reason: "needs-customer" };
  if (error.code !== undefined && LOOK_AGAIN.has(error.code)) return { kind: "unknown" };
  if (error.type === "card_error") return { kind: "declined", code, hard: error.adviceCode === "do_not_try_again" || HARD_DECLINES.has(code) };
  if (error.code !== undefined && AMOUNT_REFUSED.has(error.code)) return { kind: "refused", reason: "amount-refused" };
  // Anything else that is missing is a PaymentIntent of ours: a wrong account or key, which says nothing about the payment.
  if (error.code === "resource_missing")
    return METHOD_PARAMS.has(error.param ?? "") ? { kind: "refused", reason: "payment-method-unusable" } : { kind: "unknown" };
  if (error.code !== undefined && METHOD_UNUSABLE.has(error.code)) return { kind: "refused", reason: "payment-method-unusable" };
  return { kind: "refused", reason: "payment-fault" };
}

/**
 * What the state of a PaymentIntent means for the recharge that it belongs to.
 *
 * Source: https://docs.stripe.com/payments/paymentintents/lifecycle. An off-session decline, and an off-session
 * `authentication_required`, leave `requires_payment_method` with the reason in `last_payment_error`.
 */
export function intentOutcome(intent: PaymentIntent, expected: Money): PaymentOutcome {
  if (intent.amount.amount !== expected.amount || intent.amount.currency !== expected.currency) return { kind: "mismatch" };
  switch (intent.status) {
    case "succeeded":
      return intent.amountReceived === expected.amount ? { kind: "paid" } : { kind: "mismatch" };
    case "processing":
      return { kind: "processing" };
    case "canceled":
      return { kind: "canceled" };
    case "requires_confirmation":
      return { kind: "unconfirmed" };
    case "requires_action":
      return { kind: "refused", reason: "needs-customer" };
    case "requires_payment_method":
      return intent.lastError === undefined ? { kind: "refused", reason: "payment-method-unusable" } : errorOutcome(intent.lastError);
    default:
      return { kind: "unknown" };
  }
}

/** What any answer of Stripe means. */
export function paymentOutcome(answer: PaymentAnswer, expected: Money): PaymentOutcome {
  return answer.kind === "intent" ? intentOutcome(answer.intent, expected) : errorOutcome(answer.error);
}

/** How a recharge ends after a decline that is counted among these. */
export function declinedEnd(outcome: Extract<PaymentOutcome, { kind: "declined" }>, declines: readonly Decline[]): UnpaidEnd {
  return { end: "declined", code: outcome.code, hard: outcome.hard, retryAt: retryAt(declines) };
}
