import { formatMoney, isCurrency } from "../../functions/domain/money.ts";
import { invalidRequest } from "./stripe-refusal.ts";

/**
 * The least that can be charged, in minor units.
 *
 * Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. CNY is not in that table: there the minimum is
 * the equivalent of 0.50 USD, rounded up here.
 */
const MINIMUM: Readonly<Record<string, number>> = {
  AUD: 50,
  CAD: 50,
  CHF: 50,
  CNY: 400,
  EUR: 50,
  GBP: 30,
  HKD: 400,
  JPY: 50,
  MYR: 200,
  NZD: 50,
  SGD: 50,
  THB: 1000,
  USD: 50,
};
const MINIMUM_ELSEWHERE = 50;

/** Stripe takes amounts of up to eight digits. */
const MAXIMUM = 99_999_999;

/** Throws Stripe's error for a sum that cannot be charged. */
export function checkAmount(amount: number, currency: string): void {
  const code = currency.toUpperCase();
  if (!isCurrency(code)) throw invalidRequest(`Invalid currency: ${currency}.`, { param: "currency" });
  const least = MINIMUM[code] ?? MINIMUM_ELSEWHERE;
  if (amount < least)
    throw invalidRequest(`Amount must be at least ${formatMoney({ amount: least, currency: code })}`, { code: "amount_too_small", param: "amount" });
  if (amount > MAXIMUM)
    throw invalidRequest(`Amount must be no more than ${formatMoney({ amount: MAXIMUM, currency: code })}`, { code: "amount_too_large", param: "amount" });
}
