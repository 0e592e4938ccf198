import { isBelow, type Money, minus, money, plus } from "./money.ts";
import type { Limits } from "./rule.ts";
import { dayIn, endOfPeriod, type Instant, monthIn, plusMinutes } from "./time.ts";

/**
 * What one payer has spent on one line: booked when a paid recharge ends, in the period in which it was reserved.
 *
 * Period keys never go back, so neither a clock nor a new time zone can reopen a period that was left.
 */
export interface Spend {
  readonly month: string;
  /** What was charged in that month, one sum per currency: a line whose currency changes, and changes back, goes on counting where it was. */
  readonly monthAmounts: readonly Money[];
  /** Refunds of that month that were given back already, by Stripe's id. */
  readonly refunds?: readonly string[];
  readonly day: string;
  readonly dayCount: number;
  /** When the last paid recharge ended: the cooldown counts from the credit, since until then the carrier shows the old balance. */
  readonly lastEndedAt: Instant;
}

/** The period in which a recharge counts, fixed when it is reserved. */
export interface Period {
  readonly month: string;
  readonly day: string;
}

function later(a: string | undefined, b: string): string {
  return a !== undefined && a > b ? a : b;
}

export function periodAt(spend: Spend | undefined, timeZone: string, now: Instant): Period {
  return { month: later(spend?.month, monthIn(timeZone, now)), day: later(spend?.day, dayIn(timeZone, now)) };
}

/** When the month and the day that count now are over. */
export function endsOf(spend: Spend | undefined, timeZone: string, now: Instant): { readonly month: Instant; readonly day: Instant } {
  const { month, day } = periodAt(spend, timeZone, now);
  return { month: endOfPeriod(timeZone, month, now), day: endOfPeriod(timeZone, day, now) };
}

export type LimitRefusal = { readonly reason: "cooling-down" | "daily-limit" | "cap-reached"; readonly until: Instant };

function spentIn(spend: Spend | undefined, month: string, currency: string): Money {
  const sums = spend?.month === month ? spend.monthAmounts : [];
  return sums.find((sum) => sum.currency === currency) ?? money(0, currency);
}

/** Says whether another recharge of this amount would pass a limit, which one, and when to ask again. */
export function limitRefusal(spend: Spend | undefined, limits: Limits, amount: Money, timeZone: string, now: Instant): LimitRefusal | undefined {
  const period = periodAt(spend, timeZone, now);
  if (isBelow(limits.perMonth, plus(spentIn(spend, period.month, amount.currency), amount))) {
    return { reason: "cap-reached", until: endOfPeriod(timeZone, period.month, now) };
  }
  if (spend === undefined) return undefined;
  if (spend.day === period.day && spend.dayCount >= limits.timesPerDay) {
    return { reason: "daily-limit", until: endOfPeriod(timeZone, period.day, now) };
  }
  const cooledAt = plusMinutes(spend.lastEndedAt, limits.cooldownMinutes);
  return now < cooledAt ? { reason: "cooling-down", until: cooledAt } : undefined;
}

/** What is left of the monthly cap in the current period. */
export function leftThisMonth(spend: Spend | undefined, limits: Limits, timeZone: string, now: Instant): Money {
  return minus(limits.perMonth, spentIn(spend, periodAt(spend, timeZone, now).month, limits.perMonth.currency));
}

/** Books a paid recharge in the period in which it was reserved. */
export function book(spend: Spend | undefined, period: Period, amount: Money, endedAt: Instant): Spend {
  const others = spend?.month === period.month ? spend.monthAmounts.filter((sum) => sum.currency !== amount.currency) : [];
  return {
    month: period.month, // never before spend.month: periodAt saw to it when the recharge was reserved
    ...(spend?.month === period.month && spend.refunds !== undefined && { refunds: spend.refunds }),
    monthAmounts: [...others, plus(spentIn(spend, period.month, amount.currency), amount)],
    day: period.day,
    dayCount: spend?.day === period.day ? spend.dayCount + 1 : 1,
    lastEndedAt: endedAt,
  };
}

/**
 * Gives a refund of an ended recharge back to the month in which that was reserved; once, however often it is told, and never to another month.
 *
 * The day's count stays: money that came back is no reason to charge more often.
 */
export function giveBack(spend: Spend, period: Period, refundId: string, amount: Money): Spend {
  const { refunds = [] } = spend;
  if (spend.month !== period.month || refunds.includes(refundId)) return spend;
  return { ...spend, monthAmounts: withAmount(spend, (sum) => minus(sum, amount), amount.currency), refunds: [...refunds, refundId] };
}

/** A refund that was given back has failed: it counts again. */
export function takeBack(spend: Spend, period: Period, refundId: string, amount: Money): Spend {
  const { refunds = [] } = spend;
  if (spend.month !== period.month || !refunds.includes(refundId)) return spend;
  return { ...spend, monthAmounts: withAmount(spend, (sum) => plus(sum, amount), amount.currency), refunds: refunds.filter((id) => id !== refundId) };
}

function withAmount({ monthAmounts }: Spend, change: (sum: Money) => Money, currency: string): Money[] {
  return monthAmounts.map((sum) => (sum.currency === currency ? change(sum) : sum));
}
