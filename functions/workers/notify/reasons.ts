/** Why a payment was refused, as far as its payer may hear of it. */
export type DeclineKind = "funds" | "limit" | "expired" | "details" | "unsupported" | "unavailable" | "revoked" | "confirm" | "unknown";

const KINDS: ReadonlyMap<string, DeclineKind> = new Map(
  Object.entries({
    funds: "insufficient_funds",
    limit: "card_velocity_exceeded withdrawal_count_limit_exceeded amount_too_large",
    expired: "expired_card invalid_expiry_month invalid_expiry_year",
    details: `incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_zip invalid_account invalid_amount invalid_cvc invalid_number invalid_pin
      new_account_information_available pin_try_exceeded`,
    unsupported: "card_not_supported currency_not_supported not_permitted service_not_allowed testmode_decline transaction_not_allowed",
    unavailable: `issuer_not_available processing_error reenter_transaction try_again_later payment_method_not_available payment_method_provider_timeout
      payment_intent_payment_attempt_expired`,
    revoked: "payment_intent_mandate_invalid revocation_of_all_authorizations revocation_of_authorization stop_payment_order",
    confirm:
      "approve_with_id authentication_not_handled authentication_required mobile_device_authentication_required offline_pin_required online_or_offline_pin_required payment_intent_authentication_failure",
  } satisfies Record<Exclude<DeclineKind, "unknown">, string>).flatMap(([kind, codes]) => codes.split(/\s+/).map((code) => [code, kind as DeclineKind])),
);

/**
 * The kind of a decline by Stripe's code.
 *
 * `unknown` also where Stripe asks not to tell the customer more (`fraudulent`, `lost_card`, `stolen_card`, `merchant_blacklist`, ...).
 * Source: https://docs.stripe.com/declines/codes
 */
export function declineKind(code: string): DeclineKind {
  return KINDS.get(code) ?? "unknown";
}

/** Whether a review was begun when the payment was certain. */
export function isPaid(reason: string): boolean {
  return reason.startsWith("carrier-") || reason.startsWith("refund-");
}
