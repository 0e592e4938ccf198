import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import { checkAmount } from "./amounts.ts";
import type { customers } from "./customers.ts";
import type { cancelIntent, confirmIntent, createIntent, listIntents } from "./parameters.ts";
import { idOf, newCharge, newIntent } from "./stripe-objects.ts";
import { type ErrorBody, invalidRequest } from "./stripe-refusal.ts";
import { KIND, noSuch, pageOf, type Result, type StripeWorld, seconds } from "./stripe-world.ts";
import { AUTHENTICATION_REQUIRED, type CardDecline, declineOf, type TestCard } from "./test-cards.ts";

/**
 * What happens to the next confirmation, whatever its card would do.
 *
 * `error-500` does nothing, and the same idempotency key gives the same error again. With `lose-request` nothing happens, with
 * `lose-reply` the card does what it does; both leave the caller without an answer.
 */
export type NextOutcome =
  | { readonly type: "decline"; readonly declineCode: string; readonly adviceCode?: string }
  | "authentication-required"
  | "processing"
  | "error-500"
  | "lose-reply"
  | "lose-request"
  | "succeed";

type Happening =
  | { readonly type: "created" | "action-required" | "processing" | "charged" | "canceled" }
  /** `code` is the decline code, or the error code where there is none. */
  | { readonly type: "declined"; readonly code: string };

/** Something that happened to a PaymentIntent. */
export type StripeFact = Happening & {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly paymentIntentId: string;
  /** Minor units, and the currency as Stripe writes it: lower case. */
  readonly amount: number;
  readonly currency: string;
  readonly metadata: { readonly [name: string]: string };
};

/** In one record, so that a killed process leaves no charge without its PaymentIntent knowing of it. */
interface StoredIntent {
  readonly intent: Stripe.PaymentIntent;
  /** One for each time the card was asked. */
  readonly charges: readonly Stripe.Charge[];
  /** When a processing payment becomes paid; epoch milliseconds. */
  readonly paidAt?: number;
}

interface Parts {
  readonly world: StripeWorld;
  readonly cards: Pick<ReturnType<typeof customers>, "methodFor">;
  readonly observe: (fact: StripeFact) => void;
  readonly processingSeconds: number;
}

/** Not paid, and not yet beyond changing: can be confirmed, and canceled. */
const OPEN: readonly string[] = ["requires_payment_method", "requires_confirmation", "requires_action"];

/** PaymentIntents and their charges. Source: https://docs.stripe.com/payments/paymentintents/lifecycle */
export function paymentIntents({ world: { records, now, newId }, cards, observe, processingSeconds }: Parts) {
  const chosen: NextOutcome[] = [];

  /** Writes, then tells. */
  function save(stored: StoredIntent, happening: Happening): Stripe.PaymentIntent {
    const { intent } = stored;
    records.put(KIND.intent, intent.id, stored);
    observe({ ...happening, at: now(), paymentIntentId: intent.id, amount: intent.amount, currency: intent.currency, metadata: intent.metadata });
    return intent;
  }

  /** A processing payment whose time has come is paid when somebody looks. */
  function settle(stored: StoredIntent): StoredIntent {
    if (stored.paidAt === undefined || now() < stored.paidAt) return stored;
    const paid = charged(stored, stored.paidAt);
    save(paid, { type: "charged" });
    return paid;
  }

  function charged({ intent, charges }: StoredIntent, at: number): StoredIntent {
    const charge = newCharge(newId("ch_"), intent, at);
    const paid: Stripe.PaymentIntent = {
      ...intent,
      status: "succeeded",
      amount_received: intent.amount,
      latest_charge: charge.id,
      next_action: null,
      processing: null,
    };
    return { intent: paid, charges: [...charges, charge] };
  }

  function load(id: string): StoredIntent {
    const stored = records.get<StoredIntent>(KIND.intent, id);
    if (stored === undefined) throw noSuch("payment_intent", id, "intent", 404);
    return settle(stored);
  }

  const listStored = () => records.list<StoredIntent>(KIND.intent).map(settle);

  function decline({ intent, charges }: StoredIntent, reason: CardDecline, method: Stripe.PaymentMethod): Result {
    const charge = newCharge(newId("ch_"), intent, now(), reason);
    const error = {
      type: "card_error",
      code: reason.code,
      decline_code: reason.declineCode,
      advice_code: reason.adviceCode,
      message: reason.message,
      charge: charge.id,
      payment_method: method,
    } as const;
    const declined: Stripe.PaymentIntent = {
      ...intent,
      status: "requires_payment_method",
      payment_method: null,
      latest_charge: charge.id,
      last_payment_error: error,
      next_action: null,
    };
    save({ intent: declined, charges: [...charges, charge] }, { type: "declined", code: reason.declineCode ?? reason.code });
    const body: ErrorBody = { ...error, payment_intent: declined };
    return { status: 402, body: { error: body } };
  }

  /** Asks the card, as it is or as it was chosen to be. */
  function charge(stored: StoredIntent, card: TestCard, method: Stripe.PaymentMethod, input: z.output<typeof confirmIntent>, next?: NextOutcome): Result {
    if (typeof next === "object") return decline(stored, declineOf(next.declineCode, next.adviceCode), method);
    const { off_session: offSession = false, error_on_requires_action: refusesAction = false } = input;
    const usual = next === undefined || next === "lose-reply";
    const asksForCustomer = card.authentication === "always" || (card.authentication === "on-session" && !offSession);
    if (next === "authentication-required" || (usual && asksForCustomer)) {
      if (offSession || refusesAction) return decline(stored, AUTHENTICATION_REQUIRED, method);
      const waiting: Stripe.PaymentIntent = { ...stored.intent, status: "requires_action", next_action: { type: "use_stripe_sdk", use_stripe_sdk: {} } };
      return { body: save({ ...stored, intent: waiting }, { type: "action-required" }) };
    }
    if (usual && card.decline !== undefined) return decline(stored, card.decline, method);
    if (next === "processing") {
      const processing: Stripe.PaymentIntent = { ...stored.intent, status: "processing", processing: { type: "card" } };
      return { body: save({ ...stored, intent: processing, paidAt: now() + processingSeconds * 1000 }, { type: "processing" }) };
    }
    return { body: save(charged(stored, now()), { type: "charged" }) };
  }

  function confirm(id: string, input: z.output<typeof confirmIntent>): Result {
    const stored = load(id);
    const { intent } = stored;
    if (!OPEN.includes(intent.status)) {
      const why = intent.status === "succeeded" ? "it has already succeeded after being previously confirmed" : `it has a status of ${intent.status}`;
      throw unexpectedState(`You cannot confirm this PaymentIntent because ${why}.`, intent);
    }
    const methodId = input.payment_method ?? idOf(intent.payment_method);
    if (methodId === null) throw unexpectedState("You cannot confirm this PaymentIntent because it's missing a payment method.", intent);
    const { card, method } = cards.methodFor(methodId, idOf(intent.customer));
    const next = chosen.shift();
    if (next === "lose-request") return { body: {}, lost: "request" };
    if (next === "error-500") return { status: 500, body: { error: { type: "api_error", message: "An unexpected error occurred." } satisfies ErrorBody } };
    const result = charge({ ...stored, intent: { ...intent, payment_method: method.id, last_payment_error: null } }, card, method, input, next);
    return next === "lose-reply" ? { ...result, lost: "reply" } : result;
  }

  return {
    create(input: z.output<typeof createIntent>): Result {
      const { confirm: confirmsNow, payment_method: methodId, customer = null, off_session, error_on_requires_action, return_url } = input;
      const onlyWithConfirm = { off_session, error_on_requires_action, return_url };
      const early = Object.entries(onlyWithConfirm).find(([, value]) => value !== undefined);
      if (!confirmsNow && early !== undefined) throw invalidRequest(`The parameter ${early[0]} can only be used with confirm=true.`, { param: early[0] });
      checkAmount(input.amount, input.currency);
      const method = methodId === undefined ? null : cards.methodFor(methodId, customer).method.id;
      const intent = save({ intent: newIntent(newId, input, method, now()), charges: [] }, { type: "created" });
      return confirmsNow ? confirm(intent.id, onlyWithConfirm) : { body: intent };
    },

    retrieve: (id: string): Result => ({ body: load(id).intent }),

    list({ customer, ...page }: z.output<typeof listIntents>): Result {
      const intents = listStored().map(({ intent }) => intent);
      const matching = intents.filter((intent) => customer === undefined || intent.customer === customer);
      return pageOf("/v1/payment_intents", matching, page);
    },

    confirm,

    cancel(id: string, input: z.output<typeof cancelIntent>): Result {
      const { intent, charges } = load(id);
      if (!OPEN.includes(intent.status)) {
        const only = `Only a PaymentIntent with one of the following statuses may be canceled: ${OPEN.join(", ")}.`;
        throw unexpectedState(`You cannot cancel this PaymentIntent because it has a status of ${intent.status}. ${only}`, intent);
      }
      const canceled: Stripe.PaymentIntent = {
        ...intent,
        status: "canceled",
        canceled_at: seconds(now()),
        cancellation_reason: input.cancellation_reason ?? null,
        next_action: null,
      };
      return { body: save({ intent: canceled, charges }, { type: "canceled" }) };
    },

    chooseNext: (outcome: NextOutcome) => void chosen.push(outcome),

    /** Every time a card was asked, oldest first; `paid` tells whether money was taken. */
    listCharges: (): Stripe.Charge[] =>
      listStored()
        .flatMap(({ charges }) => charges)
        .sort((a, b) => a.created - b.created),
  };
}

function unexpectedState(message: string, intent: Stripe.PaymentIntent): Error {
  return invalidRequest(message, { code: "payment_intent_unexpected_state", payment_intent: intent });
}
