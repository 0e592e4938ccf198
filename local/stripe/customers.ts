import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { attachMethod, createCustomer, listCustomers, listMethods } from "./parameters.ts";
import { newCustomer, newMethod } from "./stripe-objects.ts";
import { invalidRequest } from "./stripe-refusal.ts";
import { KIND, noSuch, pageOf, type Result, type StripeWorld } from "./stripe-world.ts";
import { type TestCard, testCardNamed } from "./test-cards.ts";

interface StoredMethod {
  readonly method: Stripe.PaymentMethod;
  readonly card: TestCard;
}

/** Customers and their saved cards. */
export function customers({ records, now, newId }: StripeWorld) {
  const find = (id: string) => records.get<Stripe.Customer>(KIND.customer, id);

  function load(id: string): Stripe.Customer {
    const customer = find(id);
    if (customer === undefined) throw noSuch("customer", id, "customer", 404);
    return customer;
  }

  /** A test card by its name becomes a payment method of its own, each time it is named. */
  function findMethod(id: string): StoredMethod | undefined {
    const card = testCardNamed(id);
    if (card === undefined) return records.get<StoredMethod>(KIND.method, id);
    const stored = { method: newMethod(newId("pm_"), card, now()), card };
    records.put(KIND.method, stored.method.id, stored);
    return stored;
  }

  function loadMethod(id: string, status: 400 | 404): StoredMethod {
    const stored = findMethod(id);
    if (stored === undefined) throw noSuch("PaymentMethod", id, "payment_method", status);
    return stored;
  }

  return {
    create(input: z.output<typeof createCustomer>): Result {
      const customer = newCustomer(newId("cus_"), input, now());
      records.put(KIND.customer, customer.id, customer);
      return { body: customer };
    },

    retrieve: (id: string): Result => ({ body: load(id) }),

    list({ email, ...page }: z.output<typeof listCustomers>): Result {
      const all = records.list<Stripe.Customer>(KIND.customer).filter((customer) => email === undefined || customer.email === email);
      return pageOf("/v1/customers", all, page);
    },

    attachMethod(id: string, { customer }: z.output<typeof attachMethod>): Result {
      if (find(customer) === undefined) throw noSuch("customer", customer, "customer", 400);
      const { method, card } = loadMethod(id, 404);
      if (method.customer !== null && method.customer !== customer) {
        throw invalidRequest("The payment method you provided has already been attached to a customer.", { code: "payment_method_unexpected_state" });
      }
      const attached = { ...method, customer };
      records.put(KIND.method, method.id, { method: attached, card });
      return { body: attached };
    },

    retrieveMethod: (id: string): Result => ({ body: loadMethod(id, 404).method }),

    listMethods(id: string, { type = "card", ...page }: z.output<typeof listMethods>): Result {
      const { id: customer } = load(id);
      const methods = records.list<StoredMethod>(KIND.method).map((stored) => stored.method);
      const mine = methods.filter((method) => method.customer === customer && method.type === type);
      return pageOf(`/v1/customers/${customer}/payment_methods`, mine, page);
    },

    /** The card that a payment of this customer may use. Throws Stripe's error when there is no such card, or it is another's. */
    methodFor(id: string, customer: string | null): StoredMethod {
      if (customer !== null && find(customer) === undefined) throw noSuch("customer", customer, "customer", 400);
      const stored = loadMethod(id, 400);
      const owner = stored.method.customer;
      if (owner !== null && customer === null) {
        throw invalidRequest("The payment method is attached to a customer, so you must provide the customer in the request.", { param: "customer" });
      }
      if (owner !== null && owner !== customer) {
        throw invalidRequest(`The customer does not have a payment method with the ID ${id}.`, { code: "resource_missing", param: "payment_method" });
      }
      return stored;
    },
  };
}
