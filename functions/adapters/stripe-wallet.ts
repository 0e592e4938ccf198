import type { Stripe } from "stripe";
import * as z from "zod/mini";
import { OutcomeUnknown, type Wallet } from "../domain/ports.ts";
import { ask, find, findStripeMethod, read } from "./stripe-payments.ts";

const stripeCustomer = z.object({ object: z.literal("customer"), id: z.string() });
const stripeSetup = z.object({
  object: z.literal("setup_intent"),
  id: z.string(),
  status: z.string(),
  customer: z.nullish(z.string()),
  payment_method: z.nullish(z.string()),
  client_secret: z.nullish(z.string()),
});
const newSetup = z.object({ id: z.string(), client_secret: z.string() });

/** Customers and their saved ways to pay at Stripe. */
export function stripeWallet({ stripe, stage }: { readonly stripe: Stripe; readonly stage: string }): Wallet {
  async function done<T>(shape: z.ZodMiniType<T>, call: () => Promise<unknown>): Promise<T> {
    const answer = await ask(call);
    if (answer.kind === "refused") throw new OutcomeUnknown(`Stripe refused it: ${answer.error.code ?? answer.error.type}`, { cause: answer.error });
    return read(shape, answer.reply);
  }

  return {
    createCustomer: async (subscriberId) => (await done(stripeCustomer, () => stripe.customers.create({ metadata: { subscriberId, stage } }))).id,

    // Confirmed in the browser or app, which also says where Alipay leads back to: Stripe takes a return_url only with a confirmation.
    // Source: https://docs.stripe.com/payments/save-and-reuse
    async createSetupIntent(customer, subscriberId, type) {
      const metadata = { subscriberId, stage };
      const made = await done(newSetup, () => stripe.setupIntents.create({ customer, usage: "off_session", allowed_payment_method_types: [type], metadata }));
      return { id: made.id, clientSecret: made.client_secret };
    },

    async findSetupIntent(setupIntentId) {
      const setup = await find(stripeSetup, () => stripe.setupIntents.retrieve(setupIntentId));
      return setup && { status: setup.status, customerId: setup.customer ?? undefined, paymentMethodId: setup.payment_method ?? undefined };
    },

    findMethod: (paymentMethodId) => findStripeMethod(stripe, paymentMethodId),

    async detach(paymentMethodId) {
      const answer = await ask(() => stripe.paymentMethods.detach(paymentMethodId));
      if (answer.kind === "reply") return;
      // It may have been detached before, which Stripe answers with an error.
      if ((await findStripeMethod(stripe, paymentMethodId)) === undefined) return;
      throw new OutcomeUnknown("Stripe did not let the way to pay go", { cause: answer.error });
    },

    async deleteCustomer(customerId) {
      const answer = await ask(() => stripe.customers.del(customerId));
      if (answer.kind === "reply" || answer.error.code === "resource_missing") return; // it was deleted before
      throw new OutcomeUnknown("Stripe did not delete the customer", { cause: answer.error });
    },
  };
}
