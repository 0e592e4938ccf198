import type { Bill } from "./bill.ts";
import type { SavedMethod } from "./esim.ts";
import type { AdjustmentKind, MonthEnded, PaymentMethodExpiring } from "./events.ts";
import { type Money, money, plus } from "./money.ts";
import { dayIn, type Instant, monthIn } from "./time.ts";

/** What time alone brings: cards that end, and months. */

/** Days before a card's last day on which its owner is told, the earlier first. */
const TOLD_DAYS_BEFORE = [30, 7] as const;

/** Days at the beginning of a month in which the last one is summed up: some, so that a day on which nothing ran is made up for. */
const SUMMARY_DAYS = 5;

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** The last day of a month, as milliseconds since 1970 of its beginning in UTC; day 0 of a month is the last one of the month before. */
function lastDayOf({ month, year }: { readonly month: number; readonly year: number }): number {
  return Date.UTC(year, month, 0);
}

/**
 * What the owner of a card is to be told today, by the calendar of their time zone: undefined when the card is good for longer, or ended already.
 *
 * The same event every day from the 30th day on, and another one from the 7th: repeats have the same id, and a day on which nothing ran is made up for.
 */
export function expiryOf(subscriberId: string, method: SavedMethod, timeZone: string, now: Instant): PaymentMethodExpiring | undefined {
  const { id: paymentMethodId, brand, lastFour, expiry } = method;
  if (expiry === undefined) return undefined;
  const daysLeft = (lastDayOf(expiry) - Date.parse(dayIn(timeZone, now))) / DAY_MILLISECONDS;
  const days = TOLD_DAYS_BEFORE.findLast((each) => daysLeft <= each);
  if (days === undefined || daysLeft < 0) return undefined;
  const lastMonth = `${expiry.year}-${String(expiry.month).padStart(2, "0")}`;
  return {
    name: "PaymentMethodExpiring",
    id: `${paymentMethodId}/${lastMonth}/${days}`,
    version: 1,
    at: now,
    subscriberId,
    paymentMethodId,
    brand,
    lastFour,
    expiry,
    daysLeft,
  };
}

/** The month (`2026-10`) that is to be summed up today by the calendar of a time zone; undefined but for the first days of the next. */
export function monthToSumUp(timeZone: string, now: Instant): string | undefined {
  const [year = 0, month = 0, day = 0] = dayIn(timeZone, now).split("-").map(Number);
  return day > SUMMARY_DAYS ? undefined : new Date(Date.UTC(year, month - 2)).toISOString().slice(0, 7);
}

/** Names the summary of a month: each is told once. */
export function summaryId(subscriberId: string, month: string): string {
  return `${subscriberId}/month/${month}`;
}

/** A bill, and what happened to its payment later. */
export interface AdjustedBill {
  readonly bill: Pick<Bill, "end" | "charged" | "refunded" | "endedAt">;
  readonly adjustments: readonly { readonly adjustmentId: string; readonly kind: AdjustmentKind; readonly amount: Money }[];
}

/** What the recharges of a month came to, less all that was given back for them so far; undefined when nothing was charged. */
export function monthEnded(subscriberId: string, month: string, bills: readonly AdjustedBill[], timeZone: string, now: Instant): MonthEnded | undefined {
  const ended = bills.filter(({ bill }) => monthIn(timeZone, bill.endedAt) === month);
  const moves = ended.flatMap(movesOf);
  const totals = [...new Set(moves.map(({ currency }) => currency))].toSorted().flatMap((currency) => {
    const charged = moves.filter((move) => move.currency === currency).reduce(plus);
    const recharges = ended.filter(({ bill }) => bill.end === "succeeded" && bill.charged.currency === currency).length;
    return recharges > 0 || charged.amount !== 0 ? [{ recharges, charged }] : [];
  });
  if (totals.length === 0) return undefined;
  return { name: "MonthEnded", id: summaryId(subscriberId, month), version: 1, at: now, subscriberId, month, totals };
}

/** Every sum that a recharge took from its payer, and, below zero, gave back. What a bank only asks about is not given back yet, and a refund that failed was none. */
function movesOf({ bill, adjustments }: AdjustedBill): Money[] {
  const failed = new Set(adjustments.filter(({ kind }) => kind === "refund-failed").map(({ adjustmentId }) => refundOf(adjustmentId)));
  const given = ({ amount, currency }: Money) => money(-amount, currency);
  const later = adjustments.flatMap(({ kind, amount, adjustmentId }) => {
    if (kind === "paid-after-end") return [amount];
    if (kind === "dispute-lost") return [given(amount)];
    return kind === "refunded" && !failed.has(refundOf(adjustmentId)) ? [given(amount)] : [];
  });
  return [bill.charged, given(bill.refunded), ...later];
}

/** `<refund>/refunded` and `<refund>/refund-failed` are about the same refund. */
function refundOf(adjustmentId: string): string {
  return adjustmentId.split("/")[0] ?? adjustmentId;
}
