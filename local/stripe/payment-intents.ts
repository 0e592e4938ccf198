import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import { checkAmount } from "./amounts.ts";
import { chargeDeclined, chargePaid, withoutMethod } from "./charges.ts";
import type { NextOutcomes } from "./next-outcomes.ts";
import type { cancelIntent, confirmIntent, createIntent, listIntents, retrieveIntent, updateIntent } from "./parameters.ts";
import type { Payment, StoredPayments } from "./payment.ts";
import type { paymentMethods } from "./payment-methods.ts";
import { idOf, newIntent } from "./stripe-objects.ts";
import { type ErrorBody, invalidRequest } from "./stripe-refusal.ts";
import { matching, mergeMetadata, noSuch, pageOf, type Result, type StripeWorld, seconds } from "./stripe-world.ts";
import { asksForCardholder, type CardDecline, declineOf } from "./test-cards.ts";

interface Parts {
  readonly world: StripeWorld;
  readonly payments: StoredPayments;
  readonly methods: Pick<ReturnType<typeof paymentMethods>, "methodFor" | "makeOfType">;
  readonly next: NextOutcomes;
  readonly processingSeconds: number;
}

/** Not paid, and not yet beyond changing: can be confirmed, changed and canceled. */
const OPEN: readonly string[] = ["requires_payment_method", "requires_confirmation", "requires_action"];

/**
 * Tries after which one more cancels the PaymentIntent. Stripe has such a limit and says only that it varies; this number is ours.
 *
 * Source: https://docs.stripe.com/api/payment_intents/confirm
 */
const MOST_TRIES = 10;

/** PaymentIntents. Source: https://docs.stripe.com/payments/paymentintents/lifecycle */
export function paymentIntents({ world, payments, methods, next, processingSeconds }: Parts) {
  const { now, newId } = world;
  const { load, save } = payments;

  function decline(payment: Payment, method: Stripe.PaymentMethod, reason: CardDecline): Result {
    const { intent } = save(chargeDeclined(world, payment, method, reason, now()));
    const error: ErrorBody = {
      type: "card_error",
      code: reason.code,
      decline_code: reason.declineCode,
      advice_code: reason.adviceCode,
      message: reason.message,
      charge: idOf(intent.latest_charge) ?? undefined,
      payment_method: method,
      payment_intent: intent,
    };
    return { status: 402, body: { error } };
  }

  function pay(payment: Payment, method: Stripe.PaymentMethod): Result {
    return { body: save(chargePaid(world, payment, method, now())).intent };
  }

  function startProcessing(payment: Payment, method: Stripe.PaymentMethod, reason?: CardDecline): Result {
    const intent: Stripe.PaymentIntent = { ...payment.intent, status: "processing", next_action: null, processing: { type: "card" } };
    const pending = [{ type: "payment", at: now() + processingSeconds * 1000, method, decline: reason } as const];
    save({ payment: { ...payment, intent, pending }, events: [{ type: "payment_intent.processing", object: intent }] });
    return { body: intent };
  }

  function askCustomer(payment: Payment, { type }: Stripe.PaymentMethod): Result {
    const intent: Stripe.PaymentIntent = { ...payment.intent, status: "requires_action", next_action: nextActionFor(type) };
    save({ payment: { ...payment, intent }, events: [{ type: "payment_intent.requires_action", object: intent }] });
    return { body: intent };
  }

  function cancel(payment: Payment, reason: Stripe.PaymentIntent.CancellationReason | null): Result {
    const intent: Stripe.PaymentIntent = {
      ...payment.intent,
      status: "canceled",
      canceled_at: seconds(now()),
      cancellation_reason: reason,
      next_action: null,
      processing: null,
    };
    save({ payment: { ...payment, intent, pending: [] }, events: [{ type: "payment_intent.canceled", object: intent }] });
    return { body: intent };
  }

  function confirm(id: string, input: z.output<typeof confirmIntent>): Result {
    return next.attempt("confirm", (chosen) => {
      const payment = load(id);
      const { intent } = payment;
      if (!OPEN.includes(intent.status)) {
        const why = intent.status === "succeeded" ? "it has already succeeded after being previously confirmed" : `it has a status of ${intent.status}`;
        throw unexpectedState(`You cannot confirm this PaymentIntent because ${why}.`, intent);
      }
      if (payment.charges.length >= MOST_TRIES) return cancel(payment, "automatic");
      const methodId = input.payment_method ?? idOf(intent.payment_method);
      if (methodId === null) throw unexpectedState("You cannot confirm this PaymentIntent because it's missing a payment method.", intent);
      const { card, method, mandate, setUpForOffSession: setUp = false } = methods.methodFor(methodId, idOf(intent.customer));
      checkType(method, intent.payment_method_types);

      const { off_session: offSession = false, error_on_requires_action: refusesAction = false } = input;
      if (offSession && mandate?.status === "inactive") {
        throw invalidRequest("The provided mandate is invalid and can not be used for the payment intent.", { code: "payment_intent_mandate_invalid" });
      }
      const tried = { ...payment, intent: { ...intent, payment_method: method.id, last_payment_error: null } };
      if (typeof chosen === "object") return decline(tried, method, declineOf(chosen.declineCode, chosen.adviceCode));
      if (chosen === "authentication-required" || (chosen === undefined && asksForCardholder(card, { offSession, setUp }))) {
        return offSession || refusesAction ? decline(tried, method, declineOf("authentication_required")) : askCustomer(tried, method);
      }
      if (chosen === "processing") return startProcessing(tried, method);
      if (chosen === "processing-then-failed") return startProcessing(tried, method, declineOf("generic_decline", "try_again_later"));
      return chosen === undefined && card.decline !== undefined ? decline(tried, method, card.decline) : pay(tried, method);
    });
  }

  return {
    create(input: z.output<typeof createIntent>): Result {
      return next.attempt("create", () => {
        const { confirm: confirmsNow, payment_method: methodId, customer = null, off_session, error_on_requires_action, return_url } = input;
        const onlyWithConfirm = { off_session, error_on_requires_action, return_url };
        const early = Object.entries(onlyWithConfirm).find(([, value]) => value !== undefined);
        if (!confirmsNow && early !== undefined) throw invalidRequest(`The parameter ${early[0]} can only be used with confirm=true.`, { param: early[0] });
        checkAmount(input.amount, input.currency);
        const method = methodId === undefined ? undefined : methods.methodFor(methodId, customer).method;
        const intent = newIntent(newId, input, method?.id ?? null, now());
        if (method !== undefined) checkType(method, intent.payment_method_types);
        const payment = { intent, charges: [], refunds: [], disputes: [], pending: [] };
        save({ payment, events: [{ type: "payment_intent.created", object: intent }] });
        return confirmsNow ? confirm(intent.id, onlyWithConfirm) : { body: intent };
      });
    },

    retrieve: (id: string, { expand }: z.output<typeof retrieveIntent>): Result =>
      next.attempt("retrieve", () => ({ body: expanded(load(id), expand, "latest_charge") })),

    list({ limit, starting_after, expand, ...filter }: z.output<typeof listIntents>): Result {
      const intents = payments.list().map((payment) => expanded(payment, expand, "data.latest_charge"));
      return pageOf("/v1/payment_intents", matching(intents, filter), { limit, starting_after });
    },

    /** Any change makes Stripe forget why the last try failed. */
    update(id: string, { amount, payment_method: methodId, description, metadata }: z.output<typeof updateIntent>): Result {
      const payment = load(id);
      const { intent } = payment;
      const isOpen = OPEN.includes(intent.status);
      const fixed = amount !== undefined ? "amount" : methodId !== undefined ? "payment_method" : undefined;
      if (!isOpen && fixed !== undefined) {
        const only = `You may only update the ${fixed} of a PaymentIntent with one of the following statuses: ${OPEN.join(", ")}.`;
        throw unexpectedState(`This PaymentIntent's ${fixed} could not be updated because it has a status of ${intent.status}. ${only}`, intent);
      }
      if (amount !== undefined) checkAmount(amount, intent.currency);
      const method = methodId === undefined ? idOf(intent.payment_method) : methods.methodFor(methodId, idOf(intent.customer)).method.id;
      const open: Partial<Stripe.PaymentIntent> = {
        amount: amount ?? intent.amount,
        payment_method: method,
        last_payment_error: null,
        ...(fixed === undefined ? {} : { status: method === null ? "requires_payment_method" : "requires_confirmation", next_action: null }),
      };
      const updated: Stripe.PaymentIntent = {
        ...intent,
        ...(isOpen ? open : {}),
        description: description ?? intent.description,
        metadata: mergeMetadata(intent.metadata, metadata),
      };
      save({ payment: { ...payment, intent: updated }, events: [] });
      return { body: updated };
    },

    confirm,

    cancel: (id: string, input: z.output<typeof cancelIntent>): Result =>
      next.attempt("cancel", (chosen) => {
        const payment = load(id);
        const { status } = payment.intent;
        const isCancelable = OPEN.includes(status) || (status === "processing" && chosen === "cancel-processing");
        if (isCancelable) return cancel(payment, input.cancellation_reason ?? null);
        const only = `Only a PaymentIntent with one of the following statuses may be canceled: ${OPEN.join(", ")}.`;
        throw unexpectedState(`You cannot cancel this PaymentIntent because it has a status of ${status}. ${only}`, payment.intent);
      }),

    /** The customer passes, or fails, what their bank asks of them. */
    authenticate(id: string, how: "succeed" | "fail"): Stripe.PaymentIntent {
      const payment = load(id);
      const { status, payment_method, customer } = payment.intent;
      if (status !== "requires_action") throw unexpectedState(`Nothing is asked of the customer: the PaymentIntent has a status of ${status}.`, payment.intent);
      const { card, method } = methods.methodFor(idOf(payment_method) ?? "", idOf(customer));
      if (how === "fail") {
        const intent = withoutMethod(payment.intent, {
          type: "invalid_request_error",
          code: "payment_intent_authentication_failure",
          message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
          payment_method: method,
        });
        save({ payment: { ...payment, intent }, events: [{ type: "payment_intent.payment_failed", object: intent }] });
      } else if (card.decline === undefined) pay(payment, method);
      else decline(payment, method, card.decline);
      return load(id).intent;
    },

    /** What Stripe.js does for a customer who holds the client secret: confirms on-session. Throws Stripe's error where there is nothing to confirm. */
    confirmAsCustomer(clientSecret: string, means: string): Stripe.PaymentIntent {
      const payment = payments.list().find(({ intent }) => intent.client_secret === clientSecret);
      if (payment === undefined) throw noSuch("payment_intent", clientSecret, "intent", 404);
      confirm(payment.intent.id, { payment_method: means === "wechat_pay" || means === "alipay" ? methods.makeOfType(means) : means });
      return load(payment.intent.id).intent;
    },
  };
}

/** Throws Stripe's error for a way to pay that the PaymentIntent does not allow. */
function checkType({ type }: Stripe.PaymentMethod, allowed: readonly string[]): void {
  if (allowed.includes(type)) return;
  const only = `Please attach a PaymentMethod with one of the following types: ${allowed.join(", ")}.`;
  throw invalidRequest(`The PaymentMethod provided (${type}) is not allowed for this PaymentIntent. ${only}`, { param: "payment_method" });
}

/** What the customer's browser is to do. What it would show them is not modelled: `authenticate` is what they then do. */
function nextActionFor(type: string): Stripe.PaymentIntent.NextAction {
  if (type === "wechat_pay") return { type: "wechat_pay_display_qr_code" };
  return type === "alipay" ? { type: "alipay_handle_redirect" } : { type: "use_stripe_sdk", use_stripe_sdk: {} };
}

function unexpectedState(message: string, intent: Stripe.PaymentIntent): Error {
  return invalidRequest(message, { code: "payment_intent_unexpected_state", payment_intent: intent });
}

/** Source: https://docs.stripe.com/api/expanding_objects */
function expanded({ intent, charges }: Payment, expand: readonly string[] = [], known: string): Stripe.PaymentIntent {
  const unknown = expand.find((property) => property !== known);
  if (unknown !== undefined) throw invalidRequest(`This property cannot be expanded (${unknown}).`, { param: "expand" });
  return expand.length === 0 ? intent : { ...intent, latest_charge: charges.find(({ id }) => id === intent.latest_charge) ?? null };
}
