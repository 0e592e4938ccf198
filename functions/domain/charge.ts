import { type Money, money } from "./money.ts";

/**
 * The least that Stripe charges, in minor units.
 *
 * Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts. CNY is not in that table: there, as for
 * all others, the least is the equivalent of 0.50 USD in the currency of the operator's account, rounded up here for CNY.
 */
const LEAST: ReadonlyMap<string, number> = new Map(
  Object.entries({
    AED: 200,
    AUD: 50,
    BGN: 100,
    BRL: 50,
    CAD: 50,
    CHF: 50,
    CNY: 400,
    CZK: 1500,
    DKK: 250,
    EUR: 50,
    GBP: 30,
    HKD: 400,
    HUF: 17_500,
    INR: 50,
    JPY: 50,
    MXN: 1000,
    MYR: 200,
    NOK: 300,
    NZD: 50,
    PLN: 200,
    RON: 200,
    SEK: 300,
    SGD: 50,
    THB: 1000,
    USD: 50,
  }),
);
/** Where Stripe names no least amount; what is still too little is refused by Stripe, and the subscriber told. */
const LEAST_ELSEWHERE = 50;

/** Amounts must be multiples of this. Source: https://docs.stripe.com/currencies#special-cases and #three-decimal */
const STEPS: ReadonlyMap<string, number> = new Map([
  ...["ISK", "UGX"].map((currency): [string, number] => [currency, 100]),
  ...["BHD", "JOD", "KWD", "OMR", "TND"].map((currency): [string, number] => [currency, 10]),
]);

/** The smallest sum that can be charged in a currency. */
export function smallestCharge(currency: string): Money {
  return money(Math.max(LEAST.get(currency) ?? LEAST_ELSEWHERE, chargeStep(currency)), currency);
}

/** Sums in this currency can be charged in steps of so many minor units: 10 for KWD, whose last decimal is always 0 at Stripe. */
export function chargeStep(currency: string): number {
  return STEPS.get(currency) ?? 1;
}

/** The largest sum up to this one that can be charged. */
export function chargeable({ amount, currency }: Money): Money {
  return money(amount - (amount % chargeStep(currency)), currency);
}
