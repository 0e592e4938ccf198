import { formatMoney, isBelow, type Money, money } from "./money.ts";

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

/** What is said of a line and its operator that bears on a sum. */
export interface SumTerms {
  readonly currency: string;
  /** The only amounts that the carrier adds to it, in minor units; any amount when missing. */
  readonly topUpAmounts?: readonly number[];
  /** The most that the operator lets anybody recharge at once. */
  readonly most?: number;
}

/** What is wrong with a sum that is to be charged and credited to a line, and what would be right; undefined: nothing. */
export function sumProblem(amount: Money, { currency, topUpAmounts, most }: SumTerms): string | undefined {
  if (amount.currency !== currency) return `must be ${currency}, the currency of this line`;
  const least = smallestCharge(currency);
  if (isBelow(amount, least)) return `must be at least ${formatMoney(least)}, the least that can be charged`;
  if (most !== undefined && amount.amount > most) return `must be at most ${formatMoney(money(most, currency))}, the most that can be recharged at once`;
  if (chargeable(amount).amount !== amount.amount) {
    return `must be a multiple of ${formatMoney(money(chargeStep(currency), currency))}: smaller parts cannot be charged`;
  }
  if (topUpAmounts === undefined || topUpAmounts.includes(amount.amount)) return undefined;
  const offered = topUpAmounts.map((offer) => formatMoney(money(offer, currency))).join(", ");
  return `must be one of the amounts that your carrier adds to this line: ${offered}`;
}
