import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { cancelSetup, confirmSetup, createSetup, listSetups } from "./parameters.ts";
import type { paymentMethods } from "./payment-methods.ts";
import { idOf } from "./stripe-objects.ts";
import { type ErrorBody, invalidRequest } from "./stripe-refusal.ts";
import { isWithin, KIND, noSuch, pageOf, type Result, type StripeWorld, seconds } from "./stripe-world.ts";
import { asksForCardholder } from "./test-cards.ts";

/** Not done, and not yet beyond changing: can be confirmed, and canceled. */
const OPEN: readonly string[] = ["requires_payment_method", "requires_confirmation", "requires_action"];

/** SetupIntents: cards saved with the cardholder there, for payments without. Source: https://docs.stripe.com/payments/setupintents/lifecycle */
export function setupIntents(
  { records, now, newId, emit }: StripeWorld,
  methods: Pick<ReturnType<typeof paymentMethods>, "methodFor" | "setUp" | "makeOfType" | "mandateOf">,
) {
  const list = () => records.list<Stripe.SetupIntent>(KIND.setupIntent);

  function save(intent: Stripe.SetupIntent, type: string): Stripe.SetupIntent {
    records.put(KIND.setupIntent, intent.id, intent);
    emit(type, intent);
    return intent;
  }

  function load(id: string): Stripe.SetupIntent {
    const intent = records.get<Stripe.SetupIntent>(KIND.setupIntent, id);
    if (intent === undefined) throw noSuch("setupintent", id, "intent", 404);
    return intent;
  }

  function fail(intent: Stripe.SetupIntent, error: Stripe.SetupIntent.LastSetupError): Stripe.SetupIntent {
    const failed = { ...intent, status: "requires_payment_method", payment_method: null, next_action: null, last_setup_error: error } as const;
    return save(failed, "setup_intent.setup_failed");
  }

  function succeed(intent: Stripe.SetupIntent, methodId: string): Stripe.SetupIntent {
    const mandate = methods.setUp(methodId, { customer: idOf(intent.customer), offSession: intent.usage === "off_session" });
    return save({ ...intent, status: "succeeded", next_action: null, mandate: mandate?.id ?? null }, "setup_intent.succeeded");
  }

  function mandateOf({ mandate, payment_method }: Stripe.SetupIntent): Stripe.Mandate | null {
    return (mandate === null ? undefined : methods.mandateOf(idOf(payment_method) ?? "")) ?? null;
  }

  function confirm(id: string, { payment_method, return_url }: z.output<typeof confirmSetup>): Result {
    const intent = load(id);
    if (!OPEN.includes(intent.status)) {
      throw unexpectedState(`You cannot confirm this SetupIntent because it has a status of ${intent.status}.`, intent);
    }
    const methodId = payment_method ?? idOf(intent.payment_method);
    if (methodId === null) throw unexpectedState("You cannot confirm this SetupIntent because it's missing a payment method.", intent);
    const { card, method } = methods.methodFor(methodId, idOf(intent.customer));
    if (!intent.payment_method_types.includes(method.type)) {
      const only = `Please attach a PaymentMethod with one of the following types: ${intent.payment_method_types.join(", ")}.`;
      throw invalidRequest(`The PaymentMethod provided (${method.type}) is not allowed for this SetupIntent. ${only}`, { param: "payment_method" });
    }
    const isAtAlipay = method.type === "alipay";
    if (isAtAlipay && return_url === undefined) {
      throw invalidRequest("A return_url must be given: the customer is redirected to Alipay.", { code: "parameter_missing", param: "return_url" });
    }
    const tried: Stripe.SetupIntent = { ...intent, payment_method: method.id, latest_attempt: newId("setatt_"), last_setup_error: null };
    if (card.decline !== undefined && !card.declinesOnlyCharges) {
      const { code, declineCode, adviceCode, message } = card.decline;
      const error = { type: "card_error", code, decline_code: declineCode, advice_code: adviceCode, message, payment_method: method } as const;
      const body: ErrorBody = { ...error, setup_intent: fail(tried, error) };
      return { status: 402, body: { error: body } };
    }
    if (asksForCardholder(card, { offSession: false, setUp: false })) {
      const next_action: Stripe.SetupIntent.NextAction = isAtAlipay
        ? { type: "redirect_to_url", redirect_to_url: { return_url: return_url ?? null, url: `https://hooks.stripe.com/redirect/authenticate/${intent.id}` } }
        : { type: "use_stripe_sdk", use_stripe_sdk: {} };
      return { body: save({ ...tried, status: "requires_action", next_action }, "setup_intent.requires_action") };
    }
    return { body: succeed(tried, method.id) };
  }

  return {
    create({ confirm: confirmsNow, return_url, payment_method: methodId, ...input }: z.output<typeof createSetup>): Result {
      if (!confirmsNow && return_url !== undefined) {
        throw invalidRequest("The parameter return_url can only be used with confirm=true.", { param: "return_url" });
      }
      const unfit = input.allowed_payment_method_types?.find((type) => type !== "card" && type !== "alipay");
      if (unfit !== undefined) {
        throw invalidRequest(`The payment method type "${unfit}" cannot be set up for future payments.`, { param: "allowed_payment_method_types" });
      }
      const customer = input.customer ?? null;
      const method = methodId === undefined ? null : methods.methodFor(methodId, customer).method.id;
      const intent = save(newSetupIntent(newId, { ...input, customer, method }, now()), "setup_intent.created");
      return confirmsNow ? confirm(intent.id, { return_url }) : { body: intent };
    },

    retrieve: (id: string): Result => ({ body: load(id) }),

    list({ customer, payment_method: method, created, expand, ...page }: z.output<typeof listSetups>): Result {
      const unknown = expand?.find((property) => property !== "data.mandate");
      if (unknown !== undefined) throw invalidRequest(`This property cannot be expanded (${unknown}).`, { param: "expand" });
      const wanted = list().filter(
        (intent) =>
          (customer === undefined || intent.customer === customer) &&
          (method === undefined || intent.payment_method === method) &&
          isWithin(intent.created, created),
      );
      const shown = expand === undefined ? wanted : wanted.map((intent) => ({ ...intent, mandate: mandateOf(intent) }));
      return pageOf("/v1/setup_intents", shown, page);
    },

    confirm,

    cancel(id: string, { cancellation_reason: reason }: z.output<typeof cancelSetup>): Result {
      const intent = load(id);
      if (!OPEN.includes(intent.status)) {
        throw unexpectedState(`You cannot cancel this SetupIntent because it has a status of ${intent.status}.`, intent);
      }
      return { body: save({ ...intent, status: "canceled", cancellation_reason: reason ?? null, next_action: null }, "setup_intent.canceled") };
    },

    /** What Stripe.js does for a customer who holds the client secret, on a page that they come back to. Throws Stripe's error where there is nothing to confirm. */
    confirmAsCustomer(clientSecret: string, means: string): Stripe.SetupIntent {
      const intent = list().find(({ client_secret }) => client_secret === clientSecret);
      if (intent === undefined) throw noSuch("setupintent", clientSecret, "intent", 404);
      confirm(intent.id, { payment_method: means === "alipay" ? methods.makeOfType(means) : means, return_url: "https://app.example.com/" });
      return load(intent.id);
    },

    /** The customer passes, or fails, what their bank asks of them. */
    authenticate(id: string, how: "succeed" | "fail"): Stripe.SetupIntent {
      const intent = load(id);
      const methodId = idOf(intent.payment_method);
      if (intent.status !== "requires_action" || methodId === null) {
        throw unexpectedState(`Nothing is asked of the customer: the SetupIntent has a status of ${intent.status}.`, intent);
      }
      if (how === "succeed") return succeed(intent, methodId);
      return fail(intent, {
        type: "invalid_request_error",
        code: "setup_intent_authentication_failure",
        message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        payment_method: methods.methodFor(methodId, idOf(intent.customer)).method,
      });
    },
  };
}

function unexpectedState(message: string, intent: Stripe.SetupIntent): Error {
  return invalidRequest(message, { code: "setup_intent_unexpected_state", setup_intent: intent });
}

type NewSetup = Pick<z.output<typeof createSetup>, "allowed_payment_method_types" | "description" | "metadata" | "usage"> & {
  readonly customer: string | null;
  readonly method: string | null;
};

function newSetupIntent(newId: (prefix: string) => string, input: NewSetup, at: number): Stripe.SetupIntent {
  const id = newId("seti_");
  return {
    id,
    object: "setup_intent",
    allowed_payment_method_types: input.allowed_payment_method_types ?? null,
    application: null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: newId(`${id}_secret_`),
    created: seconds(at),
    customer: input.customer,
    description: input.description ?? null,
    excluded_payment_method_types: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: false,
    mandate: null,
    metadata: input.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: input.method,
    payment_method_configuration_details: null,
    payment_method_options: null,
    payment_method_types: input.allowed_payment_method_types ?? ["card"],
    single_use_mandate: null,
    status: input.method === null ? "requires_payment_method" : "requires_confirmation",
    usage: input.usage,
  };
}
