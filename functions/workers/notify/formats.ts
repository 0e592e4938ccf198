import type { Language } from "../../domain/choices.ts";
import { decimalsOf, type Money } from "../../domain/money.ts";
import type { Instant } from "../../domain/time.ts";

/** Amounts and times as a reader is used to them. */
export interface Formats {
  money(money: Money): string;
  /** With the name of the time zone. */
  moment(at: Instant): string;
  /** For text messages: without the year. */
  shortMoment(at: Instant): string;
  /** Of a month as in `2026-11`. */
  month(month: string): string;
  /** The last day of a month. */
  lastDay(of: { readonly month: number; readonly year: number }): string;
}

export function formatsOf(language: Language, timeZone: string): Formats {
  const dates = (options: Intl.DateTimeFormatOptions) => dateFormat(language, { timeZone, ...options });
  const show = (at: Instant, options: Intl.DateTimeFormatOptions) => plainSpaces(dates(options).format(new Date(at)));
  const zone = (at: Instant) =>
    dates({ timeZoneName: "short" })
      .formatToParts(new Date(at))
      .find(({ type }) => type === "timeZoneName")?.value ?? timeZone;
  return {
    money: (money) => moneyIn(language, money),
    moment(at) {
      const [date, time] = [show(at, { dateStyle: "long" }), show(at, { timeStyle: "short" })];
      return language === "zh-CN" ? `${date} ${time}（${zone(at)}）` : `${date} at ${time} (${zone(at)})`;
    },
    shortMoment(at) {
      const [date, time] = [show(at, { month: "short", day: "numeric" }), show(at, { timeStyle: "short" })];
      return language === "zh-CN" ? `${date}${time}（${zone(at)}）` : `${date}, ${time} ${zone(at)}`;
    },
    // Calendar facts: the same in every time zone.
    month: (month) => show(`${month}-01T00:00:00.000Z`, { timeZone: "UTC", year: "numeric", month: "long" }),
    lastDay: ({ month, year }) => show(new Date(Date.UTC(year, month, 0)).toISOString(), { timeZone: "UTC", dateStyle: "long" }),
  };
}

const dateFormats = new Map<string, Intl.DateTimeFormat>();

/** Made once: that takes longer than all the rest of a notice. */
function dateFormat(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([language, options]);
  const format = dateFormats.get(key) ?? new Intl.DateTimeFormat(language, options);
  dateFormats.set(key, format);
  return format;
}

const moneyFormats = new Map<string, Intl.NumberFormat>();

/** Counted in minor units as Stripe counts them, not as the runtime would. */
function moneyIn(language: Language, { amount, currency }: Money): string {
  const decimals = decimalsOf(currency);
  const key = `${language} ${currency}`;
  const format =
    moneyFormats.get(key) ?? new Intl.NumberFormat(language, { style: "currency", currency, minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  moneyFormats.set(key, format);
  return plainSpaces(format.format(amount / 10 ** decimals));
}

/** Intl writes spaces that do not break, some of which text messages cannot hold. */
function plainSpaces(text: string): string {
  return text.replace(/\s/g, " ");
}
