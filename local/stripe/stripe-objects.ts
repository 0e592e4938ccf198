import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { createCustomer, createIntent, createRefund } from "./parameters.ts";
import { seconds } from "./stripe-world.ts";
import { type CardDecline, fingerprintOf, type TestCard } from "./test-cards.ts";

/** New objects as Stripe's API shows them; the SDK's types see to it that no field is missing. `now` and `at` are epoch milliseconds. */

export function newCustomer(id: string, input: z.output<typeof createCustomer>, now: number): Stripe.Customer {
  return {
    id,
    object: "customer",
    address: null,
    balance: 0,
    created: seconds(now),
    currency: null,
    default_source: null,
    delinquent: false,
    description: input.description ?? null,
    discount: null,
    email: input.email ?? null,
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: input.metadata,
    name: input.name ?? null,
    phone: input.phone ?? null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
  };
}

export function newMethod(id: string, card: TestCard, now: number): Stripe.PaymentMethod {
  const common = {
    id,
    object: "payment_method",
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    created: seconds(now),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
  } as const;
  if (card.type !== undefined) return { ...common, type: card.type, [card.type]: {} };
  const date = new Date(now);
  return {
    ...common,
    card: {
      brand: card.brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: null },
      country: "US",
      display_brand: card.brand,
      exp_month: date.getUTCMonth() + 1,
      exp_year: date.getUTCFullYear() + 1,
      fingerprint: fingerprintOf(card),
      funding: "credit",
      generated_from: null,
      last4: card.lastFour,
      networks: { available: [card.brand], preferred: null },
      regulated_status: "unregulated",
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    type: "card",
  };
}

/** What the owner of a way to pay authorised, until they take it back. */
export function newMandate(id: string, { id: payment_method, type }: Stripe.PaymentMethod, at: number): Stripe.Mandate {
  return {
    id,
    object: "mandate",
    customer_acceptance: { accepted_at: seconds(at), online: { ip_address: null, user_agent: null }, type: "online" },
    livemode: false,
    multi_use: {},
    payment_method,
    payment_method_details: { type },
    status: "active",
    type: "multi_use",
  };
}

export function newIntent(newId: (prefix: string) => string, input: z.output<typeof createIntent>, method: string | null, now: number): Stripe.PaymentIntent {
  const id = newId("pi_");
  return {
    id,
    object: "payment_intent",
    allowed_payment_method_types: input.allowed_payment_method_types ?? null,
    amount: input.amount,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: "automatic_async",
    client_secret: newId(`${id}_secret_`),
    confirmation_method: "automatic",
    created: seconds(now),
    currency: input.currency.toLowerCase(),
    customer: input.customer ?? null,
    customer_account: null,
    description: input.description ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: input.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: method,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: input.allowed_payment_method_types ?? ["card"],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: method === null ? "requires_payment_method" : "requires_confirmation",
    transfer_group: null,
  };
}

/** One time that a card was asked; `decline` is why it did not pay. */
export function newCharge(id: string, intent: Stripe.PaymentIntent, method: Stripe.PaymentMethod, at: number, decline?: CardDecline): Stripe.Charge {
  const paid = decline === undefined;
  return {
    id,
    object: "charge",
    amount: intent.amount,
    amount_captured: paid ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: null,
    captured: paid,
    created: seconds(at),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: outcomeOf(decline),
    paid,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: methodDetails(method, paid ? intent.amount : null),
    receipt_email: null,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: paid ? "succeeded" : "failed",
    transfer_data: null,
    transfer_group: null,
  };
}

/** Who decided, and why. Source: https://docs.stripe.com/declines#charge-outcome */
function outcomeOf(decline: CardDecline | undefined): Stripe.Charge.Outcome {
  const silent = { advice_code: null, network_advice_code: null, network_decline_code: null };
  if (decline === undefined) {
    const approved = { network_status: "approved_by_network", type: "authorized", reason: null, seller_message: "Payment complete." };
    return { ...silent, ...approved, risk_level: "normal" };
  }
  if (decline.blocked) {
    const blocked = { network_status: "not_sent_to_network", type: "blocked", reason: "highest_risk_level" };
    return { ...silent, ...blocked, risk_level: "highest", seller_message: "Stripe blocked this payment as too risky." };
  }
  return {
    ...silent,
    advice_code: decline.adviceCode ?? null,
    network_status: "declined_by_network",
    type: "issuer_declined",
    reason: decline.declineCode ?? decline.code,
    risk_level: "normal",
    seller_message: "The bank declined this payment.",
  };
}

function methodDetails({ type, card }: Stripe.PaymentMethod, amount_authorized: number | null): Stripe.Charge.PaymentMethodDetails {
  if (card === undefined) return { type };
  const { brand, checks, country, exp_month, exp_year, fingerprint, funding, last4, regulated_status } = card;
  return {
    type: "card",
    card: {
      amount_authorized,
      authorization_code: null,
      brand,
      checks,
      country,
      electronic_commerce_indicator: null,
      exp_month,
      exp_year,
      fingerprint,
      funding,
      installments: null,
      last4,
      mandate: null,
      network: brand,
      network_transaction_id: null,
      regulated_status,
      three_d_secure: null,
      transaction_link_id: null,
      wallet: null,
    },
  };
}

export function newRefund(
  id: string,
  charge: Stripe.Charge,
  { amount, reason, metadata }: Pick<z.output<typeof createRefund>, "reason" | "metadata"> & { readonly amount: number },
  status: "pending" | "succeeded",
  now: number,
): Stripe.Refund {
  return {
    id,
    object: "refund",
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: seconds(now),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: { card: { reference_status: "pending", reference_type: "acquirer_reference_number", type: "refund" }, type: "card" },
    metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    pending_reason: status === "pending" ? "processing" : undefined,
    reason: reason ?? null,
    receipt_number: null,
    source_transfer_reversal: null,
    status,
    transfer_reversal: null,
  };
}

/** Banks give some days to answer; how many differs. */
const EVIDENCE_DAYS = 9;

/** About all that was not refunded yet. */
export function newDispute(id: string, charge: Stripe.Charge, reason: string, now: number): Stripe.Dispute {
  return {
    id,
    object: "dispute",
    amount: charge.amount - charge.amount_refunded,
    balance_transactions: [],
    charge: charge.id,
    created: seconds(now),
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: {
      access_activity_log: null,
      billing_address: null,
      cancellation_policy: null,
      cancellation_policy_disclosure: null,
      cancellation_rebuttal: null,
      customer_communication: null,
      customer_email_address: null,
      customer_name: null,
      customer_purchase_ip: null,
      customer_signature: null,
      duplicate_charge_documentation: null,
      duplicate_charge_explanation: null,
      duplicate_charge_id: null,
      enhanced_evidence: {},
      product_description: null,
      receipt: null,
      refund_policy: null,
      refund_policy_disclosure: null,
      refund_refusal_explanation: null,
      service_date: null,
      service_documentation: null,
      shipping_address: null,
      shipping_carrier: null,
      shipping_date: null,
      shipping_documentation: null,
      shipping_tracking_number: null,
      uncategorized_file: null,
      uncategorized_text: null,
    },
    evidence_details: {
      due_by: seconds(now) + EVIDENCE_DAYS * 86_400,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: "not_submitted",
    },
    intended_submission_method: null,
    is_charge_refundable: false,
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason,
    status: "needs_response",
  };
}

/** The id of an object that may have been expanded. */
export function idOf(reference: string | { readonly id: string } | null): string | null {
  return typeof reference === "object" && reference !== null ? reference.id : reference;
}
