import type { Stripe } from "stripe";
import { chargeDeclined, chargePaid } from "./charges.ts";
import type { Change, Payment, Pending, StoredPayments } from "./payment.ts";
import { settleRefund } from "./refunds.ts";
import { KIND, noSuch, type StripeWorld } from "./stripe-world.ts";

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

export function storedPayments(world: StripeWorld, observe: (fact: StripeFact) => void): StoredPayments {
  const { records, now, emit } = world;

  function save({ payment, events }: Change): Payment {
    const { intent } = payment;
    records.put(KIND.intent, intent.id, payment);
    for (const { type, object, previous } of events) {
      emit(type, object, previous);
      const happening = happeningOf(type, intent);
      if (happening === undefined) continue;
      observe({ ...happening, at: now(), paymentIntentId: intent.id, amount: intent.amount, currency: intent.currency, metadata: intent.metadata });
    }
    return payment;
  }

  /** What was to happen by now happens when somebody looks. */
  function settled(payment: Payment): Payment {
    const [due, ...pending] = payment.pending;
    if (due === undefined || now() < due.at) return payment;
    return settled(save(settle(world, { ...payment, pending }, due)));
  }

  return {
    save,

    load(id) {
      const payment = records.get<Payment>(KIND.intent, id);
      if (payment === undefined) throw noSuch("payment_intent", id, "intent", 404);
      return settled(payment);
    },

    list: () => records.list<Payment>(KIND.intent).map(settled),
  };
}

function settle(world: StripeWorld, payment: Payment, due: Pending): Change {
  if (due.type === "refund") return settleRefund(payment, due.id, due.status);
  return due.decline === undefined ? chargePaid(world, payment, due.method, due.at) : chargeDeclined(world, payment, due.method, due.decline, due.at);
}

function happeningOf(event: string, { last_payment_error }: Stripe.PaymentIntent): Happening | undefined {
  switch (event) {
    case "payment_intent.created":
      return { type: "created" };
    case "payment_intent.requires_action":
      return { type: "action-required" };
    case "payment_intent.processing":
      return { type: "processing" };
    case "payment_intent.succeeded":
      return { type: "charged" };
    case "payment_intent.canceled":
      return { type: "canceled" };
    case "payment_intent.payment_failed":
      return { type: "declined", code: last_payment_error?.decline_code ?? last_payment_error?.code ?? "unknown" };
    default:
      return undefined;
  }
}
