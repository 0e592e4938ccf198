import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import { previousAttributes } from "./events.ts";
import type { listDisputes } from "./parameters.ts";
import type { StoredPayments } from "./payment.ts";
import { idOf, newDispute } from "./stripe-objects.ts";
import { findById, matching, pageOf, type Result, type StripeWorld } from "./stripe-world.ts";

/** Payments that cardholders contest at their banks. Source: https://docs.stripe.com/disputes/how-disputes-work */
export function disputes({ now, newId }: StripeWorld, payments: StoredPayments) {
  const all = () => payments.list().flatMap((payment) => payment.disputes);

  return {
    retrieve: (id: string): Result => ({ body: findById("dispute", all(), id) }),

    list: ({ limit, starting_after, ...filter }: z.output<typeof listDisputes>): Result =>
      pageOf("/v1/disputes", matching(all(), filter), { limit, starting_after }),

    /** The bank takes back what was not refunded. `reason` is Stripe's: `fraudulent`, `product_not_received`, ... */
    open(paymentIntentId: string, { reason }: { readonly reason: string }): Stripe.Dispute {
      const payment = payments.load(paymentIntentId);
      const charge = payment.charges.find(({ paid, disputed, refunded }) => paid && !disputed && !refunded);
      if (charge === undefined) throw new Error(`${paymentIntentId} has no charge that could be disputed`);
      const dispute = newDispute(newId("du_"), charge, reason, now());
      const disputed = { ...charge, disputed: true };
      payments.save({
        payment: { ...payment, charges: payment.charges.map((each) => (each.id === charge.id ? disputed : each)), disputes: [...payment.disputes, dispute] },
        events: [
          { type: "charge.dispute.created", object: dispute },
          { type: "charge.dispute.funds_withdrawn", object: dispute },
        ],
      });
      return dispute;
    },

    /** The bank has decided: `won` by us, who get the money back, or `lost`. */
    close(id: string, status: "won" | "lost"): Stripe.Dispute {
      const dispute = findById("dispute", all(), id);
      if (dispute.status !== "needs_response") throw new Error(`The dispute ${id} is ${dispute.status} already`);
      const closed: Stripe.Dispute = { ...dispute, status };
      const types = status === "won" ? ["charge.dispute.closed", "charge.dispute.funds_reinstated"] : ["charge.dispute.closed"];
      const payment = payments.load(idOf(dispute.payment_intent) ?? "");
      payments.save({
        payment: { ...payment, disputes: payment.disputes.map((each) => (each.id === id ? closed : each)) },
        events: types.map((type) => ({ type, object: closed, previous: previousAttributes(dispute, closed) })),
      });
      return closed;
    },
  };
}
