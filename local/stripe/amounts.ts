import { chargeStep, smallestCharge } from "../../functions/domain/charge.ts";
import { formatMoney, isCurrency } from "../../functions/domain/money.ts";
import { invalidRequest } from "./stripe-refusal.ts";

/** Stripe takes amounts of up to eight digits. */
const MAXIMUM = 99_999_999;

/** Throws Stripe's error for a sum that cannot be charged. */
export function checkAmount(amount: number, currency: string): void {
  const code = currency.toUpperCase();
  if (!isCurrency(code)) throw invalidRequest(`Invalid currency: ${currency}.`, { param: "currency" });
  const least = smallestCharge(code);
  if (amount < least.amount) throw invalidRequest(`Amount must be at least ${formatMoney(least)}`, { code: "amount_too_small", param: "amount" });
  if (amount % chargeStep(code) !== 0)
    throw invalidRequest(`Invalid amount: ${amount} must be divisible by ${chargeStep(code)} in ${currency}.`, { param: "amount" });
  if (amount > MAXIMUM)
    throw invalidRequest(`Amount must be no more than ${formatMoney({ amount: MAXIMUM, currency: code })}`, { code: "amount_too_large", param: "amount" });
}
