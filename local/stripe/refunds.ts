import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import { formatMoney } from "../../functions/domain/money.ts";
import { previousAttributes } from "./events.ts";
import type { NextOutcomes } from "./next-outcomes.ts";
import type { createRefund, listRefunds } from "./parameters.ts";
import type { Change, Payment, Pending, StoredPayments } from "./payment.ts";
import { newRefund } from "./stripe-objects.ts";
import { invalidRequest } from "./stripe-refusal.ts";
import { findById, matching, noSuch, pageOf, type Result, type StripeWorld } from "./stripe-world.ts";

interface Parts {
  readonly world: StripeWorld;
  readonly payments: StoredPayments;
  readonly next: NextOutcomes;
  readonly pendingSeconds: number;
}

/** Money given back. Source: https://docs.stripe.com/refunds */
export function refunds({ world: { now, newId }, payments, next, pendingSeconds }: Parts) {
  const all = () => payments.list().flatMap((payment) => payment.refunds);

  /** The charge that a request wants to have refunded. Throws Stripe's error when it was not paid. */
  function paidCharge(input: z.output<typeof createRefund>): { readonly payment: Payment; readonly charge: Stripe.Charge } {
    const { charge: chargeId, payment_intent: intentId } = input;
    if ((chargeId === undefined) === (intentId === undefined)) {
      throw invalidRequest("Exactly one of the following params should be provided for this request: payment_intent or charge.");
    }
    const payment = payments.list().find(({ intent, charges }) => intent.id === intentId || charges.some((charge) => charge.id === chargeId));
    if (payment === undefined) {
      throw intentId === undefined ? noSuch("charge", chargeId ?? "", "charge", 400) : noSuch("payment_intent", intentId, "payment_intent", 400);
    }
    const charge = payment.charges.find(({ id, paid }) => paid && (chargeId === undefined || id === chargeId));
    if (charge === undefined) throw invalidRequest(`This PaymentIntent (${payment.intent.id}) does not have a successful charge to refund.`);
    return { payment, charge };
  }

  return {
    create(input: z.output<typeof createRefund>): Result {
      return next.attempt("refund", (chosen) => {
        const { payment, charge } = paidCharge(input);
        if (payment.disputes.some((dispute) => dispute.status !== "won")) {
          throw invalidRequest(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: "charge_disputed" });
        }
        const amount = amountToRefund(charge, input.amount);
        const refund = newRefund(newId("re_"), charge, { ...input, amount }, chosen?.startsWith("pending") === true ? "pending" : "succeeded", now());
        const later: Pending[] =
          chosen === undefined
            ? []
            : [{ type: "refund", at: now() + pendingSeconds * 1000, id: refund.id, status: chosen === "pending" ? "succeeded" : "failed" }];
        const refunded = withRefunded(charge, charge.amount_refunded + amount);
        payments.save({
          payment: {
            ...payment,
            charges: payment.charges.map((each) => (each.id === charge.id ? refunded : each)),
            refunds: [...payment.refunds, refund],
            pending: [...payment.pending, ...later],
          },
          events: [
            { type: "refund.created", object: refund },
            { type: "charge.refunded", object: refunded, previous: previousAttributes(charge, refunded) },
          ],
        });
        return { body: refund };
      });
    },

    retrieve: (id: string): Result => ({ body: findById("refund", all(), id) }),

    list: ({ limit, starting_after, ...filter }: z.output<typeof listRefunds>): Result =>
      pageOf("/v1/refunds", matching(all(), filter), { limit, starting_after }),
  };
}

/** All that is left, unless less is wanted. Throws Stripe's error when that is too much, or nothing. */
function amountToRefund({ id, currency, amount, amount_refunded }: Stripe.Charge, wanted?: number): number {
  const left = amount - amount_refunded;
  if (left === 0) throw invalidRequest(`Charge ${id} has already been refunded.`, { code: "charge_already_refunded" });
  if (wanted === undefined) return left;
  if (wanted < 1) throw invalidRequest("Invalid positive integer", { code: "parameter_invalid_integer", param: "amount" });
  if (wanted <= left) return wanted;
  const [tooMuch, most] = [wanted, left].map((minorUnits) => formatMoney({ amount: minorUnits, currency: currency.toUpperCase() }));
  throw invalidRequest(`Refund amount (${tooMuch}) is greater than unrefunded amount on charge (${most})`, { param: "amount" });
}

/** How a refund that was pending ends, or one that seemed to have succeeded fails. The money of a failed one is back where it came from. */
export function settleRefund(payment: Payment, id: string, status: "succeeded" | "failed"): Change {
  const before = findById("refund", payment.refunds, id);
  const failed = status === "failed";
  const after: Stripe.Refund = { ...before, status, pending_reason: undefined, failure_reason: failed ? "lost_or_stolen_card" : undefined };
  const previous = previousAttributes(before, after);
  return {
    payment: {
      ...payment,
      charges: payment.charges.map((charge) => (failed && charge.id === after.charge ? withRefunded(charge, charge.amount_refunded - after.amount) : charge)),
      refunds: payment.refunds.map((refund) => (refund.id === id ? after : refund)),
    },
    events: [...(failed ? ["refund.failed"] : []), "refund.updated", "charge.refund.updated"].map((type) => ({ type, object: after, previous })),
  };
}

function withRefunded(charge: Stripe.Charge, amount_refunded: number): Stripe.Charge {
  return { ...charge, amount_refunded, refunded: amount_refunded === charge.amount };
}
