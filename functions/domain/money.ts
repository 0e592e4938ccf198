/**
 * An amount of money: an integer of minor units (fen, cents; whole yen) and an ISO 4217 code, exactly as Stripe counts it.
 *
 * Source: https://docs.stripe.com/currencies#zero-decimal
 */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}

/** Two amounts of different currencies met: a fault of ours, as the edge refuses mixed currencies. */
export class CurrencyMismatch extends Error {
  override name = "CurrencyMismatch";
}

export function money(amount: number, currency: string): Money {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`Money needs a safe integer of minor units, got ${amount}`);
  return { amount, currency };
}

function sameCurrency(a: Money, b: Money): string {
  if (a.currency !== b.currency) throw new CurrencyMismatch(`${a.currency} met ${b.currency}`);
  return a.currency;
}

export function plus(a: Money, b: Money): Money {
  return money(a.amount + b.amount, sameCurrency(a, b));
}

export function minus(a: Money, b: Money): Money {
  return money(a.amount - b.amount, sameCurrency(a, b));
}

/** Strictly below: a balance equal to the threshold is not low. */
export function isBelow(a: Money, b: Money): boolean {
  sameCurrency(a, b);
  return a.amount < b.amount;
}

export function isSameMoney(a: Money, b: Money): boolean {
  return a.amount === b.amount && a.currency === b.currency;
}

const currencies = new Set(Intl.supportedValuesOf("currency"));

/** Whether the text is an ISO 4217 code in upper case that this runtime knows. */
export function isCurrency(text: string): boolean {
  return currencies.has(text);
}

/**
 * Stripe's own lists, not the runtime's: ICU counts some currencies in other units (HUF), and a new ICU may change its mind.
 *
 * Source: https://docs.stripe.com/currencies#zero-decimal and #three-decimal; ISK and UGX keep two decimals in the API.
 */
const ZERO_DECIMALS: ReadonlySet<string> = new Set("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(" "));
const THREE_DECIMALS: ReadonlySet<string> = new Set("BHD JOD KWD OMR TND".split(" "));

/** How many decimals the minor unit stands for: 2 for CNY, 0 for JPY, 3 for KWD. */
export function decimalsOf(currency: string): number {
  if (ZERO_DECIMALS.has(currency)) return 0;
  return THREE_DECIMALS.has(currency) ? 3 : 2;
}

/** `CNY 50.00`, `JPY 500`: for people, the same in every language; never parsed. */
export function formatMoney({ amount, currency }: Money): string {
  const decimals = decimalsOf(currency);
  const digits = String(Math.abs(amount)).padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return `${currency} ${amount < 0 ? "-" : ""}${whole}${decimals > 0 ? `.${digits.slice(-decimals)}` : ""}`;
}
