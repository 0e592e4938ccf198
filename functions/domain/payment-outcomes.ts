import { type Decline, retryAt, type Severity } from "./declines.ts";
import type { Money } from "./money.ts";
import type { CancelReason, UnpaidEnd } from "./recharge-states.ts";
import type { Instant } from "./time.ts";

/** Why Stripe refused, in Stripe's own words. Source: https://docs.stripe.com/api/errors */
export interface PaymentError {
  /** The HTTP status of the answer; missing where it is what a PaymentIntent remembers of its last try. */
  readonly status?: number;
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
  /** The way by which it was paid, or was tried last. */
  readonly methodId?: string;
  /** From its metadata; missing when it is not of this stage. */
  readonly rechargeId?: string;
}

/** A refund as Stripe shows it; `status` is Stripe's. */
export interface Refund {
  readonly id: string;
  readonly status: string;
  readonly amount: Money;
  readonly at: Instant;
}

export type RefundAnswer = { readonly kind: "refund"; readonly refund: Refund } | { readonly kind: "refused"; readonly error: PaymentError };

/** A dispute as Stripe shows it; `status` is Stripe's. */
export interface Dispute {
  readonly id: string;
  readonly status: string;
  readonly amount: Money;
  readonly at: Instant;
}

/** What Stripe answered. That it did not answer, or not clearly, is not an answer: the adapter throws then. */
export type PaymentAnswer = { readonly kind: "intent"; readonly intent: PaymentIntent } | { readonly kind: "refused"; readonly error: PaymentError };

/** What an answer means for a recharge. */
export type PaymentOutcome =
  | { readonly kind: "paid" }
  | { readonly kind: "processing" }
  | { readonly kind: "unconfirmed" }
  | { readonly kind: "canceled" }
  | { readonly kind: "declined"; readonly code: string; readonly severity: Severity }
  /** Not paid, unless the cardholder acts. */
  | { readonly kind: "needs-customer" }
  /** Not paid, and this request never will be. */
  | { readonly kind: "refused"; readonly reason: CancelReason }
  | { readonly kind: "mismatch" }
  /** Our access to Stripe is wrong: nothing was done, and nothing can be until somebody mends that. */
  | { readonly kind: "fault"; readonly code: string }
  /** Neither paid nor certainly unpaid: ask again. */
  | { readonly kind: "unknown" };

/** Outcomes by Stripe's code, whether it stands in `decline_code` or in `code`. Source: https://docs.stripe.com/declines/codes, https://docs.stripe.com/error-codes */
const BY_CODE: ReadonlyMap<string, PaymentOutcome> = new Map([
  // The cardholder has to be there.
  ...each(
    "authentication_required authentication_not_handled mobile_device_authentication_required payment_intent_authentication_failure",
    (): PaymentOutcome => ({ kind: "needs-customer" }),
  ),
  // Somebody else was faster, or is at work on it right now: how the PaymentIntent stands is the answer.
  ...each("payment_intent_unexpected_state lock_timeout idempotency_key_in_use rate_limit", (): PaymentOutcome => ({ kind: "unknown" })),
  // Our key or account.
  ...each(
    "account_invalid api_key_expired livemode_mismatch platform_api_key_expired secret_key_required testmode_charges_only",
    (code): PaymentOutcome => ({ kind: "fault", code }),
  ),
  ...each("amount_too_small amount_too_large", (): PaymentOutcome => ({ kind: "refused", reason: "amount-refused" })),
  // The way to pay is not what it was when it was saved.
  ...each(
    "account_closed payment_method_unexpected_state payment_method_customer_decline payment_method_currency_mismatch payment_method_unactivated",
    (): PaymentOutcome => ({ kind: "refused", reason: "payment-method-unusable" }),
  ),
  // A try that failed without a word about the card itself.
  ...each("payment_intent_payment_attempt_failed payment_method_provider_decline", (code): PaymentOutcome => ({ kind: "declined", code, severity: "soft" })),
  ...each(
    "processing_error issuer_not_available reenter_transaction payment_intent_payment_attempt_expired payment_method_provider_timeout payment_method_not_available",
    (code): PaymentOutcome => ({ kind: "declined", code, severity: "outage" }),
  ),
  // What a card network forbids to try again (Visa's category 1: "issuer will never approve"), what its payer took back, and what would be pointless or harmful.
  ...each(
    `fraudulent incorrect_number invalid_account invalid_number lost_card merchant_blacklist payment_intent_mandate_invalid pickup_card restricted_card
    revocation_of_all_authorizations revocation_of_authorization security_violation stolen_card stop_payment_order`,
    (code): PaymentOutcome => ({ kind: "declined", code, severity: "hard" }),
  ),
]);

function each(codes: string, outcome: (code: string) => PaymentOutcome): [code: string, outcome: PaymentOutcome][] {
  return codes.split(/\s+/).map((code) => [code, outcome(code)]);
}

/** Parameters of ours that name the customer's things, not Stripe's or ours. */
const METHOD_PARAMS: ReadonlySet<string> = new Set(["payment_method", "customer"]);

/**
 * What a refusal by Stripe means.
 *
 * Statuses first: 401 and 403 are about our key, and after 409, 429 and 5xx nobody can tell. Then the code, then the type.
 * Source: https://docs.stripe.com/api/errors
 */
export function errorOutcome({ status, type, code, declineCode, adviceCode, param }: PaymentError): PaymentOutcome {
  const reason = declineCode ?? code ?? type;
  if (status === 401 || status === 403) return { kind: "fault", code: reason };
  if (status === 409 || status === 429 || (status !== undefined && status >= 500)) return { kind: "unknown" };
  if (adviceCode === "do_not_try_again") return { kind: "declined", code: reason, severity: "hard" };
  const known = BY_CODE.get(reason) ?? (code === undefined ? undefined : BY_CODE.get(code));
  if (known !== undefined) return known;
  if (type === "card_error") return { kind: "declined", code: reason, severity: "soft" };
  if (type === "api_error" || type === "idempotency_error") return { kind: "unknown" };
  // Anything else that is missing is a PaymentIntent of ours: a wrong account or key, which says nothing about the payment.
  if (code === "resource_missing") return METHOD_PARAMS.has(param ?? "") ? { kind: "refused", reason: "payment-method-unusable" } : { kind: "unknown" };
  return { kind: "refused", reason: "payment-fault" };
}

/**
 * What the state of a PaymentIntent means for the recharge that it belongs to.
 *
 * Source: https://docs.stripe.com/payments/paymentintents/lifecycle. An off-session decline, and an off-session
 * `authentication_required`, leave `requires_payment_method` with the reason in `last_payment_error`.
 */
export function intentOutcome(intent: PaymentIntent, expected: Money): PaymentOutcome {
  if (intent.status === "canceled") return { kind: "canceled" }; // whatever it was for, it cannot be paid any more
  if (intent.amount.amount !== expected.amount || intent.amount.currency !== expected.currency) return { kind: "mismatch" };
  switch (intent.status) {
    case "succeeded":
      return intent.amountReceived === expected.amount ? { kind: "paid" } : { kind: "mismatch" };
    case "processing":
      return { kind: "processing" };
    case "requires_confirmation":
      return { kind: "unconfirmed" };
    case "requires_action":
      return { kind: "needs-customer" };
    case "requires_payment_method":
      return intent.lastError === undefined ? { kind: "refused", reason: "payment-method-unusable" } : lastTryOutcome(intent.lastError);
    default:
      return { kind: "unknown" };
  }
}

/** What became of the last try of a PaymentIntent that waits for another method: it is certainly not paid, whatever went wrong. */
function lastTryOutcome(error: PaymentError): PaymentOutcome {
  const outcome = errorOutcome(error);
  const isUnclear = outcome.kind === "unknown" || outcome.kind === "fault";
  return isUnclear ? { kind: "declined", code: error.declineCode ?? error.code ?? error.type, severity: "outage" } : outcome;
}

/** What any answer of Stripe means. */
export function paymentOutcome(answer: PaymentAnswer, expected: Money): PaymentOutcome {
  return answer.kind === "intent" ? intentOutcome(answer.intent, expected) : errorOutcome(answer.error);
}

/** How a recharge ends after a decline that is counted among these. */
export function declinedEnd(outcome: Extract<PaymentOutcome, { kind: "declined" }>, declines: readonly Decline[]): UnpaidEnd {
  return { end: "declined", code: outcome.code, severity: outcome.severity, retryAt: retryAt(declines) };
}

/** Whether a refund will never arrive. */
export function hasFailed({ status }: Refund): boolean {
  return status === "failed" || status === "canceled";
}

/** What the refunds of a payment come to: `pending` while one of them may still succeed. Source: https://docs.stripe.com/refunds#failed-refunds */
export function refundStanding(refunds: readonly Refund[], expected: Money): "refunded" | "pending" | "failed" {
  const sumOf = (...statuses: string[]) => refunds.filter(({ status }) => statuses.includes(status)).reduce((sum, { amount }) => sum + amount.amount, 0);
  if (sumOf("succeeded") >= expected.amount) return "refunded";
  return sumOf("succeeded", "pending", "requires_action") >= expected.amount ? "pending" : "failed";
}
