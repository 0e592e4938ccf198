import { describe, expect, it } from "@jest/globals";
import { money } from "../../functions/domain/money.ts";
import { type PaymentAnswer, type PaymentError, type PaymentIntent, paymentOutcome } from "../../functions/domain/payment-outcomes.ts";
import { cny } from "../builders.ts";

const intent = (changes: Partial<PaymentIntent>): PaymentAnswer => ({
  kind: "intent",
  intent: { id: "pi_1", status: "succeeded", amount: cny(5000), amountReceived: 5000, ...changes },
});
const refused = (error: PaymentError): PaymentAnswer => ({ kind: "refused", error });
const card = (code: string, more: Partial<PaymentError> = {}): PaymentError => ({ type: "card_error", code, ...more });
const request = (code: string, param?: string): PaymentError => ({ type: "invalid_request_error", code, param });

const CASES: readonly (readonly [what: string, answer: PaymentAnswer, outcome: object])[] = [
  ["a succeeded payment of the recorded sum", intent({}), { kind: "paid" }],
  ["a succeeded payment of another amount", intent({ amount: cny(4999), amountReceived: 4999 }), { kind: "mismatch" }],
  ["a succeeded payment in another currency", intent({ amount: money(5000, "USD") }), { kind: "mismatch" }],
  ["a succeeded payment that received less", intent({ amountReceived: 4999 }), { kind: "mismatch" }],
  ["a payment that is being processed", intent({ status: "processing" }), { kind: "processing" }],
  ["a payment that was not confirmed", intent({ status: "requires_confirmation" }), { kind: "unconfirmed" }],
  ["a canceled payment", intent({ status: "canceled" }), { kind: "canceled" }],
  ["a payment that asks for the customer", intent({ status: "requires_action" }), { kind: "refused", reason: "needs-customer" }],
  ["a payment that lost its method", intent({ status: "requires_payment_method" }), { kind: "refused", reason: "payment-method-unusable" }],
  [
    "a payment whose last try was declined",
    intent({ status: "requires_payment_method", lastError: card("card_declined", { declineCode: "insufficient_funds" }) }),
    { kind: "declined", code: "insufficient_funds", hard: false },
  ],
  [
    "a payment whose last try asked for the customer",
    intent({ status: "requires_payment_method", lastError: card("authentication_required") }),
    { kind: "refused", reason: "needs-customer" },
  ],
  ["a state that nobody knows", intent({ status: "requires_magic" }), { kind: "unknown" }],
  ["a decline", refused(card("card_declined", { declineCode: "do_not_honor" })), { kind: "declined", code: "do_not_honor", hard: false }],
  ["a decline without a decline code", refused(card("processing_error")), { kind: "declined", code: "processing_error", hard: false }],
  ["a stolen card", refused(card("card_declined", { declineCode: "stolen_card" })), { kind: "declined", code: "stolen_card", hard: true }],
  ["an expired card", refused(card("expired_card")), { kind: "declined", code: "expired_card", hard: true }],
  [
    "the advice never to try again",
    refused(card("card_declined", { declineCode: "generic_decline", adviceCode: "do_not_try_again" })),
    { kind: "declined", code: "generic_decline", hard: true },
  ],
  [
    "a decline that asks for the customer",
    refused(card("card_declined", { declineCode: "authentication_required" })),
    { kind: "refused", reason: "needs-customer" },
  ],
  ["a sum below Stripe's minimum", refused(request("amount_too_small", "amount")), { kind: "refused", reason: "amount-refused" }],
  ["a method that is gone", refused(request("resource_missing", "payment_method")), { kind: "refused", reason: "payment-method-unusable" }],
  ["a PaymentIntent that is not in this account", refused(request("resource_missing", "intent")), { kind: "unknown" }],
  ["a payment that is in another state by now", refused(request("payment_intent_unexpected_state")), { kind: "unknown" }],
  ["a request that is at work already", refused(request("idempotency_key_in_use")), { kind: "unknown" }],
  ["a request that Stripe does not take", refused(request("parameter_unknown", "nonsense")), { kind: "refused", reason: "payment-fault" }],
];

describe("what Stripe answers", () => {
  it.each(CASES)("%s", (_, answer, outcome) => expect(paymentOutcome(answer, cny(5000))).toEqual(outcome));
});
