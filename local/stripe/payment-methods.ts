import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import { findCustomer } from "./customers.ts";
import { previousAttributes } from "./events.ts";
import type { attachMethod, listMethods, updateMethod } from "./parameters.ts";
import { newMandate, newMethod } from "./stripe-objects.ts";
import { invalidRequest } from "./stripe-refusal.ts";
import { KIND, mergeMetadata, noSuch, pageOf, type Result, type StripeWorld } from "./stripe-world.ts";
import { fingerprintOf, type PayRequestType, payRequestOf, type TestCard, testCardNamed } from "./test-cards.ts";

interface StoredMethod {
  readonly method: Stripe.PaymentMethod;
  readonly card: TestCard;
  /** By a SetupIntent, with the cardholder there. */
  readonly setUpForOffSession?: boolean;
  /** What its owner authorised at Alipay by that; they can take it back there. */
  readonly mandate?: Stripe.Mandate;
  /** Once detached, it is of no more use. */
  readonly wasDetached?: boolean;
}

/** What a card network tells of a card that was replaced. */
export interface CardUpdate {
  readonly expMonth: number;
  readonly expYear: number;
  /** Of the new number, when there is one: it has another fingerprint. */
  readonly lastFour?: string;
}

/** Cards, saved and not, and what cannot be saved. Source: https://docs.stripe.com/api/payment_methods */
export function paymentMethods({ records, now, newId, emit }: StripeWorld) {
  const put = (stored: StoredMethod) => records.put(KIND.method, stored.method.id, stored);

  /** A test card by its name becomes a payment method of its own, each time it is named. */
  function find(id: string): StoredMethod | undefined {
    const card = testCardNamed(id);
    return card === undefined ? records.get<StoredMethod>(KIND.method, id) : make(card);
  }

  function make(card: TestCard): StoredMethod {
    const stored = { method: newMethod(newId("pm_"), card, now()), card };
    put(stored);
    return stored;
  }

  function load(id: string, status: 400 | 404): StoredMethod {
    const stored = find(id);
    if (stored === undefined) throw noSuch("PaymentMethod", id, "payment_method", status);
    return stored;
  }

  function checkUsable(stored: StoredMethod, customer: string | null): void {
    if (customer !== null && findCustomer(records, customer) === undefined) throw noSuch("customer", customer, "customer", 400);
    if (stored.wasDetached) {
      throw invalidRequest(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without " +
          "Customer attachment, or was detached from a Customer. It may not be used again.",
      );
    }
  }

  function attach(stored: StoredMethod, customer: string): Stripe.PaymentMethod {
    const method = { ...stored.method, customer };
    put({ ...stored, method });
    if (stored.method.customer === null) emit("payment_method.attached", method);
    return method;
  }

  function detach(stored: StoredMethod): Stripe.PaymentMethod {
    const method = { ...stored.method, customer: null };
    put({ ...stored, method, wasDetached: true });
    emit("payment_method.detached", method, previousAttributes(stored.method, method));
    return method;
  }

  const listOf = (customer: string) => records.list<StoredMethod>(KIND.method).filter(({ method }) => method.customer === customer);

  return {
    retrieve: (id: string): Result => ({ body: load(id, 404).method }),

    list(customer: string, { type = "card", ...page }: z.output<typeof listMethods>): Result {
      if (findCustomer(records, customer) === undefined) throw noSuch("customer", customer, "customer", 404);
      const methods = listOf(customer).map(({ method }) => method);
      return pageOf(
        `/v1/customers/${customer}/payment_methods`,
        methods.filter((method) => method.type === type),
        page,
      );
    },

    attach(id: string, { customer }: z.output<typeof attachMethod>): Result {
      const stored = load(id, 404);
      checkUsable(stored, customer);
      if (stored.method.type !== "card") throw invalidRequest(`A PaymentMethod of the type ${stored.method.type} cannot be attached to a customer.`);
      if (stored.method.customer !== null && stored.method.customer !== customer) {
        throw invalidRequest("The payment method you provided has already been attached to a customer.", { code: "payment_method_unexpected_state" });
      }
      return { body: attach(stored, customer) };
    },

    detach(id: string): Result {
      const stored = load(id, 404);
      if (stored.method.customer === null) {
        throw invalidRequest("The payment method you provided is not attached to a customer so detachment is impossible.", {
          code: "payment_method_unexpected_state",
        });
      }
      return { body: detach(stored) };
    },

    detachAll: (customer: string): void => listOf(customer).forEach(detach),

    update(id: string, { billing_details, card, metadata }: z.output<typeof updateMethod>): Result {
      const stored = load(id, 404);
      const before = stored.method;
      if (before.customer === null || before.card === undefined) {
        throw invalidRequest("A PaymentMethod must be attached to a customer to be updated.", { code: "payment_method_unexpected_state" });
      }
      const method: Stripe.PaymentMethod = {
        ...before,
        billing_details: { ...before.billing_details, ...billing_details },
        card: { ...before.card, ...card },
        metadata: mergeMetadata(before.metadata ?? {}, metadata),
      };
      put({ ...stored, method });
      emit("payment_method.updated", method, previousAttributes(before, method));
      return { body: method };
    },

    /** What the card network does by itself. */
    updateCard(id: string, { expMonth, expYear, lastFour }: CardUpdate): void {
      const stored = load(id, 404);
      const before = stored.method;
      if (before.card === undefined) throw new Error(`${id} is no card`);
      const card = { ...stored.card, lastFour: lastFour ?? stored.card.lastFour };
      const shown = { ...before.card, exp_month: expMonth, exp_year: expYear, last4: card.lastFour, fingerprint: fingerprintOf(card) };
      const method: Stripe.PaymentMethod = { ...before, card: shown };
      put({ ...stored, method, card });
      emit("payment_method.automatically_updated", method, previousAttributes(before, method));
    },

    /** What Stripe.js makes of `payment_method_data[type]` for a customer who does not pay by card. */
    makeOfType: (type: PayRequestType): string => make(payRequestOf(type)).method.id,

    /** The card that a payment or a setup for this customer may use. Throws Stripe's error when there is no such card, or it is another's. */
    methodFor(id: string, customer: string | null): StoredMethod {
      const stored = load(id, 400);
      checkUsable(stored, customer);
      const owner = stored.method.customer;
      if (owner !== null && customer === null) {
        throw invalidRequest("The payment method is attached to a customer, so you must provide the customer in the request.", { param: "customer" });
      }
      if (owner !== null && owner !== customer) {
        throw invalidRequest(`The customer does not have a payment method with the ID ${id}.`, { code: "resource_missing", param: "payment_method" });
      }
      return stored;
    },

    /** What a SetupIntent that succeeds does. Gives the mandate that there is from then on, if one is. */
    setUp(id: string, { customer, offSession }: { readonly customer: string | null; readonly offSession: boolean }): Stripe.Mandate | undefined {
      const before = load(id, 400);
      const mandate = offSession && before.card.type === "alipay" ? newMandate(newId("mandate_"), before.method, now()) : undefined;
      const stored = offSession ? { ...before, setUpForOffSession: true, mandate } : before;
      if (customer === null) put(stored);
      else attach(stored, customer);
      return mandate;
    },

    mandateOf: (id: string): Stripe.Mandate | undefined => records.get<StoredMethod>(KIND.method, id)?.mandate,

    /** What its owner can do at Alipay. Source: https://docs.stripe.com/api/events/types#event_types-mandate.updated */
    revoke(id: string): Stripe.Mandate {
      const { mandate: before, ...stored } = load(id, 404);
      if (before?.status !== "active") throw invalidRequest(`Nothing is authorised by ${id} that could be taken back.`);
      const mandate: Stripe.Mandate = { ...before, status: "inactive" };
      put({ ...stored, mandate });
      emit("mandate.updated", mandate, previousAttributes(before, mandate));
      return mandate;
    },
  };
}
