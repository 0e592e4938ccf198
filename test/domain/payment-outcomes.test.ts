import { describe, expect, it } from "@jest/globals";
import type { Severity } from "../../functions/domain/declines.ts";
import { money } from "../../functions/domain/money.ts";
import { type PaymentError, type PaymentIntent, type PaymentOutcome, paymentOutcome } from "../../functions/domain/payment-outcomes.ts";
import type { CancelReason } from "../../functions/domain/recharge-states.ts";
import { cny } from "../builders.ts";

const declined = (severity: Severity, code: string): PaymentOutcome => ({ kind: "declined", code, severity });
const refused = (reason: CancelReason): PaymentOutcome => ({ kind: "refused", reason });
const fault = (code: string): PaymentOutcome => ({ kind: "fault", code });
const NEEDS_CUSTOMER: PaymentOutcome = { kind: "needs-customer" };
const UNKNOWN: PaymentOutcome = { kind: "unknown" };

type Row = readonly [what: string, answer: PaymentError, outcome: PaymentOutcome];

/** An issuer's decline, as Stripe tells it. */
const bank = (declineCode: string, severity: Severity, adviceCode?: string): Row => [
  `the bank says ${declineCode}${adviceCode === undefined ? "" : `, with the advice ${adviceCode}`}`,
  { status: 402, type: "card_error", code: "card_declined", declineCode, adviceCode },
  declined(severity, declineCode),
];

const card = (code: string, outcome: PaymentOutcome): Row => [`the card error ${code}`, { status: 402, type: "card_error", code }, outcome];

const request = (code: string | undefined, outcome: PaymentOutcome, param?: string, status = 400): Row => [
  `the invalid request ${code ?? "without a code"}${param === undefined ? "" : ` about ${param}`}${status === 400 ? "" : `, ${status}`}`,
  { status, type: "invalid_request_error", code, param },
  outcome,
];

const status = (httpStatus: number, type: string, outcome: PaymentOutcome, code?: string): Row => [
  `${httpStatus} ${type}${code === undefined ? "" : ` ${code}`}`,
  { status: httpStatus, type, code },
  outcome,
];

/** Every class of error that the SDK knows, and the codes of each that mean something of their own. */
const ERRORS: readonly Row[] = [
  // StripeCardError: the card itself
  bank("generic_decline", "soft"),
  bank("generic_decline", "soft", "try_again_later"),
  bank("generic_decline", "soft", "confirm_card_data"),
  bank("generic_decline", "hard", "do_not_try_again"),
  bank("do_not_honor", "soft"),
  bank("do_not_honor", "hard", "do_not_try_again"),
  bank("insufficient_funds", "soft"),
  bank("insufficient_funds", "soft", "try_again_later"),
  bank("card_velocity_exceeded", "soft"),
  bank("withdrawal_count_limit_exceeded", "soft"),
  bank("call_issuer", "soft"),
  bank("approve_with_id", "soft"),
  bank("card_not_supported", "soft"),
  bank("currency_not_supported", "soft"),
  bank("duplicate_transaction", "soft"),
  bank("invalid_amount", "soft"),
  bank("not_permitted", "soft"),
  bank("transaction_not_allowed", "soft"),
  bank("try_again_later", "soft"),
  bank("a_code_of_tomorrow", "soft"),
  bank("expired_card", "soft"),
  bank("fraudulent", "hard"),
  bank("incorrect_number", "hard"),
  bank("invalid_account", "hard"),
  bank("lost_card", "hard"),
  bank("merchant_blacklist", "hard"),
  bank("pickup_card", "hard"),
  bank("restricted_card", "hard"),
  bank("revocation_of_authorization", "hard"),
  bank("revocation_of_all_authorizations", "hard"),
  bank("security_violation", "hard"),
  bank("stolen_card", "hard"),
  bank("stop_payment_order", "hard"),
  bank("issuer_not_available", "outage"),
  bank("processing_error", "outage"),
  bank("reenter_transaction", "outage"),
  card("card_declined", declined("soft", "card_declined")),
  card("processing_error", declined("outage", "processing_error")),
  card("expired_card", declined("soft", "expired_card")),
  card("incorrect_cvc", declined("soft", "incorrect_cvc")),
  card("card_decline_rate_limit_exceeded", declined("soft", "card_decline_rate_limit_exceeded")),
  card("payment_method_provider_decline", declined("soft", "payment_method_provider_decline")),
  card("payment_method_provider_timeout", declined("outage", "payment_method_provider_timeout")),
  card("payment_method_not_available", declined("outage", "payment_method_not_available")),
  card("payment_intent_payment_attempt_expired", declined("outage", "payment_intent_payment_attempt_expired")),
  card("invalid_number", declined("hard", "invalid_number")),
  [
    "a decline code of tomorrow beside a code that is known",
    { status: 402, type: "card_error", code: "processing_error", declineCode: "a_code_of_tomorrow" },
    declined("outage", "processing_error"),
  ],
  // ... and its holder
  card("authentication_not_handled", NEEDS_CUSTOMER),
  card("mobile_device_authentication_required", NEEDS_CUSTOMER),
  card("authentication_required", NEEDS_CUSTOMER),
  ["the bank asks for authentication", { status: 402, type: "card_error", code: "card_declined", declineCode: "authentication_required" }, NEEDS_CUSTOMER],
  card("payment_intent_authentication_failure", NEEDS_CUSTOMER),
  request("payment_intent_authentication_failure", NEEDS_CUSTOMER),
  // StripeInvalidRequestError: what we asked for
  request("amount_too_small", refused("amount-refused"), "amount"),
  request("amount_too_large", refused("amount-refused"), "amount"),
  request("resource_missing", refused("payment-method-unusable"), "payment_method"),
  request("resource_missing", refused("payment-method-unusable"), "customer"),
  request("resource_missing", UNKNOWN, "intent", 404),
  request("account_closed", refused("payment-method-unusable")),
  request("payment_method_unexpected_state", refused("payment-method-unusable")),
  request("payment_method_currency_mismatch", refused("payment-method-unusable")),
  request("payment_method_unactivated", refused("payment-method-unusable")),
  request("payment_method_customer_decline", refused("payment-method-unusable")),
  request("payment_intent_unexpected_state", UNKNOWN),
  request("payment_intent_payment_attempt_failed", declined("soft", "payment_intent_payment_attempt_failed")),
  request("parameter_unknown", refused("payment-fault"), "nonsense"),
  request("parameter_missing", refused("payment-fault"), "amount"),
  request(undefined, refused("payment-fault")),
  request("account_invalid", fault("account_invalid")),
  request("livemode_mismatch", fault("livemode_mismatch")),
  request("platform_api_key_expired", fault("platform_api_key_expired")),
  request("secret_key_required", fault("secret_key_required")),
  request("testmode_charges_only", fault("testmode_charges_only")),
  // StripeIdempotencyError
  status(400, "idempotency_error", UNKNOWN),
  status(409, "invalid_request_error", UNKNOWN, "idempotency_key_in_use"),
  status(409, "invalid_request_error", UNKNOWN, "lock_timeout"),
  status(409, "invalid_request_error", UNKNOWN),
  // StripeAuthenticationError, StripePermissionError
  status(401, "invalid_request_error", fault("invalid_request_error")),
  status(401, "invalid_request_error", fault("api_key_expired"), "api_key_expired"),
  status(403, "invalid_request_error", fault("invalid_request_error")),
  // StripeRateLimitError
  status(429, "invalid_request_error", UNKNOWN, "rate_limit"),
  status(429, "invalid_request_error", UNKNOWN, "lock_timeout"),
  status(429, "card_error", UNKNOWN),
  // StripeAPIError
  status(500, "api_error", UNKNOWN),
  status(502, "api_error", UNKNOWN),
  status(503, "api_error", UNKNOWN),
  status(500, "card_error", UNKNOWN, "card_declined"), // whatever such an answer says
  status(400, "api_error", UNKNOWN),
];

const intent = (changes: Partial<PaymentIntent>): PaymentIntent => ({ id: "pi_1", status: "succeeded", amount: cny(5000), amountReceived: 5000, ...changes });
const lastTry = (error: Omit<PaymentError, "type">) =>
  intent({ status: "requires_payment_method", amountReceived: 0, lastError: { type: "card_error", ...error } });

const INTENTS: readonly (readonly [what: string, intent: PaymentIntent, outcome: PaymentOutcome])[] = [
  ["a succeeded payment of the recorded sum", intent({}), { kind: "paid" }],
  ["a succeeded payment of another amount", intent({ amount: cny(4999), amountReceived: 4999 }), { kind: "mismatch" }],
  ["a succeeded payment in another currency", intent({ amount: money(5000, "USD") }), { kind: "mismatch" }],
  ["a succeeded payment that received less", intent({ amountReceived: 4999 }), { kind: "mismatch" }],
  ["a succeeded payment that received more", intent({ amountReceived: 5001 }), { kind: "mismatch" }],
  ["a payment that is being processed", intent({ status: "processing" }), { kind: "processing" }],
  ["a payment that was not confirmed", intent({ status: "requires_confirmation" }), { kind: "unconfirmed" }],
  ["an unconfirmed payment of another amount", intent({ status: "requires_confirmation", amount: cny(1) }), { kind: "mismatch" }],
  ["a canceled payment", intent({ status: "canceled" }), { kind: "canceled" }],
  ["a payment that asks for the customer", intent({ status: "requires_action" }), NEEDS_CUSTOMER],
  ["a payment that lost its method", intent({ status: "requires_payment_method" }), refused("payment-method-unusable")],
  ["a payment that waits for a capture, which we never ask for", intent({ status: "requires_capture" }), UNKNOWN],
  ["a state that nobody knows", intent({ status: "requires_magic" }), UNKNOWN],
  ["a last try that was declined", lastTry({ code: "card_declined", declineCode: "insufficient_funds" }), declined("soft", "insufficient_funds")],
  ["a last try with a stolen card", lastTry({ code: "card_declined", declineCode: "stolen_card" }), declined("hard", "stolen_card")],
  ["a last try that met an outage", lastTry({ code: "processing_error" }), declined("outage", "processing_error")],
  ["a last try that Stripe broke", intent({ status: "requires_payment_method", lastError: { type: "api_error" } }), declined("outage", "api_error")],
  ["a last try with a key that is gone", lastTry({ code: "api_key_expired" }), declined("outage", "api_key_expired")],
  ["a last try that asked for the customer", lastTry({ code: "authentication_required", declineCode: "authentication_required" }), NEEDS_CUSTOMER],
];

describe("what Stripe answers", () => {
  it.each(ERRORS)("%s", (_, error, outcome) => expect(paymentOutcome({ kind: "refused", error }, cny(5000))).toEqual(outcome));
  it.each(INTENTS)("%s", (_, seen, outcome) => expect(paymentOutcome({ kind: "intent", intent: seen }, cny(5000))).toEqual(outcome));

  it("is a payment only when Stripe says that this very sum was received", () => {
    const outcomes = [...ERRORS.map(([, , outcome]) => outcome), ...INTENTS.map(([, , outcome]) => outcome)];
    expect(outcomes.filter(({ kind }) => kind === "paid")).toHaveLength(1);
  });
});
