import * as z from "zod/mini";
import { isCurrency } from "../domain/money.ts";

/** Stripe takes at most eight digits of minor units. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
export const LARGEST_AMOUNT = 99_999_999;

const WHOLE = "must be a whole number of minor units (fen, cents), e.g. 5000 for CNY 50.00";

export const currency = z
  .string({ error: "must be an ISO 4217 code in upper case, e.g. CNY" })
  .check(z.refine(isCurrency, { error: "must be an ISO 4217 code in upper case, e.g. CNY" }), z.meta({ description: "ISO 4217", pattern: "^[A-Z]{3}$" }));

/** Any amount, below zero too: a balance. */
export const balance = z
  .strictObject({ amount: z.int({ error: WHOLE }), currency })
  .register(z.globalRegistry, { id: "Money", description: "`amount` is a whole number of minor units (fen, cents; whole yen), as at Stripe." });

/** An amount that is chosen by a person, from `least` on. */
function amountFrom(least: number) {
  const range = `must be between ${least} and ${LARGEST_AMOUNT} minor units`;
  return z.strictObject(
    { amount: z.int({ error: WHOLE }).check(z.gte(least, { error: range }), z.lte(LARGEST_AMOUNT, { error: range })), currency },
    { error: (issue) => (issue.code === "invalid_type" ? 'must be an object such as { "amount": 5000, "currency": "CNY" }' : undefined) },
  );
}

export const positiveMoney = amountFrom(1).register(z.globalRegistry, { id: "PositiveMoney", description: "In whole minor units, e.g. 5000 for CNY 50.00." });
export const nonNegativeMoney = amountFrom(0).register(z.globalRegistry, {
  id: "NonNegativeMoney",
  description: "In whole minor units, e.g. 1000 for CNY 10.00.",
});
