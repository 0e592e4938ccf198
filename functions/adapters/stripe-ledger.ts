import type { Stripe } from "stripe";
import * as z from "zod/mini";
import { type LedgerCharge, type LedgerEntry, type LedgerList, OutcomeUnknown, type PaymentLedger, type TimeRange } from "../domain/ports.ts";
import { epochMilliseconds, instant } from "../domain/time.ts";
import { ask, find, moneyOf, read } from "./stripe-payments.ts";

/** As many payments as a reconciler can look at in one go: each costs it some calls. */
const ENTRIES_PER_PAGE = 20;

/** Stripe's lists, by `created`, and single PaymentIntents with their last charge. Source: https://docs.stripe.com/api/pagination */
export function stripeLedger({ stripe, stage }: { readonly stripe: Stripe; readonly stage: string }): PaymentLedger {
  const lists: { readonly [List in LedgerList]: (query: Query) => Promise<unknown> } = {
    payments: (query) => stripe.paymentIntents.list(query),
    charges: (query) => stripe.charges.list(query),
    refunds: (query) => stripe.refunds.list(query),
    disputes: (query) => stripe.disputes.list(query),
  };

  /** Nothing where money was moved without a PaymentIntent, or by another stage's: neither is ours. */
  function toEntry({ object, id, payment_intent, metadata }: z.output<typeof stripeEntry>): LedgerEntry[] {
    const paymentIntentId = object === "payment_intent" ? id : payment_intent;
    const rechargeId = metadata?.stage === stage ? metadata.rechargeId : undefined;
    if (!paymentIntentId || (object === "payment_intent" && rechargeId === undefined)) return [];
    return [{ paymentIntentId, rechargeId }];
  }

  return {
    async list(list, range, page) {
      const answer = await ask(() => lists[list]({ created: createdIn(range), limit: ENTRIES_PER_PAGE, starting_after: page }));
      if (answer.kind === "refused") throw new OutcomeUnknown(`Stripe gave no list of ${list}`, { cause: answer.error });
      const { data, has_more } = read(stripeList, answer.reply);
      return { items: data.flatMap(toEntry), next: has_more ? data.at(-1)?.id : undefined };
    },

    async find(paymentIntentId) {
      const intent = await find(ledgerIntent, () => stripe.paymentIntents.retrieve(paymentIntentId, { expand: ["latest_charge"] }));
      const { stage: itsStage, rechargeId } = intent?.metadata ?? {};
      if (intent === undefined || itsStage !== stage || rechargeId === undefined) return undefined;
      return {
        id: intent.id,
        status: intent.status,
        amount: moneyOf(intent),
        amountReceived: intent.amount_received,
        rechargeId,
        at: instant(intent.created * 1000),
        charge: intent.latest_charge ? toCharge(intent.latest_charge) : undefined,
      };
    },
  };
}

interface Query {
  readonly created: { readonly gte: number; readonly lt: number };
  readonly limit: number;
  readonly starting_after?: string;
}

/** Stripe counts in whole seconds: rounded outwards, so that nothing falls between two ranges. */
function createdIn({ from, to }: TimeRange): Query["created"] {
  return { gte: Math.floor(epochMilliseconds(from) / 1000), lt: Math.ceil(epochMilliseconds(to) / 1000) };
}

const metadata = z.record(z.string(), z.string());
const stripeEntry = z.object({ object: z.string(), id: z.string(), payment_intent: z.nullish(z.string()), metadata: z.nullish(metadata) });
const stripeList = z.object({ has_more: z.boolean(), data: z.array(stripeEntry) });

const ledgerCharge = z.object({ id: z.string(), created: z.int(), amount_refunded: z.int(), disputed: z.boolean() });

const ledgerIntent = z.object({
  id: z.string().check(z.startsWith("pi_")),
  status: z.string(),
  amount: z.int(),
  currency: z.string(),
  amount_received: z.int(),
  created: z.int(),
  metadata,
  latest_charge: z.nullable(ledgerCharge),
});

function toCharge({ id, created, amount_refunded, disputed }: z.output<typeof ledgerCharge>): LedgerCharge {
  return { id, at: instant(created * 1000), isDisputed: disputed, refunded: amount_refunded };
}
