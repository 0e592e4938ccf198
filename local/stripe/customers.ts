import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { Records } from "../records.ts";
import { previousAttributes } from "./events.ts";
import type { createCustomer, listCustomers, updateCustomer } from "./parameters.ts";
import { newCustomer } from "./stripe-objects.ts";
import { KIND, mergeMetadata, noSuch, pageOf, type Result, type StripeWorld } from "./stripe-world.ts";

type AnyCustomer = Stripe.Customer | Stripe.DeletedCustomer;

/** Undefined for one that was deleted, too. */
export function findCustomer(records: Records, id: string): Stripe.Customer | undefined {
  const customer = records.get<AnyCustomer>(KIND.customer, id);
  return customer?.deleted ? undefined : customer;
}

/** Source: https://docs.stripe.com/api/customers */
export function customers({ records, now, newId, emit }: StripeWorld, methods: { detachAll(customer: string): void }) {
  function load(id: string): Stripe.Customer {
    const customer = findCustomer(records, id);
    if (customer === undefined) throw noSuch("customer", id, "customer", 404);
    return customer;
  }

  return {
    create(input: z.output<typeof createCustomer>): Result {
      const customer = newCustomer(newId("cus_"), input, now());
      records.put(KIND.customer, customer.id, customer);
      emit("customer.created", customer);
      return { body: customer };
    },

    /** A deleted one is still known as that. */
    retrieve: (id: string): Result => ({ body: records.get<AnyCustomer>(KIND.customer, id) ?? load(id) }),

    list({ email, ...page }: z.output<typeof listCustomers>): Result {
      const wanted = records.list<AnyCustomer>(KIND.customer).filter((customer) => !customer.deleted && (email === undefined || customer.email === email));
      return pageOf("/v1/customers", wanted, page);
    },

    update(id: string, { metadata, ...changes }: z.output<typeof updateCustomer>): Result {
      const before = load(id);
      const customer: Stripe.Customer = { ...before, ...changes, metadata: mergeMetadata(before.metadata, metadata) };
      records.put(KIND.customer, id, customer);
      emit("customer.updated", customer, previousAttributes(before, customer));
      return { body: customer };
    },

    /** Takes its payment methods along. */
    delete(id: string): Result {
      const customer = load(id);
      const deleted: Stripe.DeletedCustomer = { id, object: "customer", deleted: true };
      methods.detachAll(id);
      records.put(KIND.customer, id, deleted);
      emit("customer.deleted", customer);
      return { body: deleted };
    },
  };
}
