import type { SuspensionReason } from "./rule.ts";
import { type Instant, latest, plusMinutes } from "./time.ts";

/**
 * How serious a decline is.
 *
 * `hard`: never try this card again. `outage`: the bank or its network was out of order, which says nothing about the card.
 * `dispute`: no decline, but a charge that the cardholder contested; only they can start again. `soft`: everything else.
 */
export type Severity = "soft" | "hard" | "outage" | "dispute";

/** One refusal of a card, kept per card (not per line), so that ten lines cannot hammer one card. */
export interface Decline {
  /** Of the dispute, where it is one. */
  readonly rechargeId: string;
  readonly at: Instant;
  /** Stripe's decline code, or its error code where there is none. */
  readonly code: string;
  readonly severity: Severity;
}

/** Soft declines of one series: then only the subscriber can start again. */
export const SOFT_DECLINES_BEFORE_SUSPENSION = 4;

/** Declines of any kind in one series: an outage that lasts this long is none. With the pauses below that is a month, and fewer than the 15 tries in 30 days that Visa allows. */
export const DECLINES_BEFORE_SUSPENSION = 12;

/** Hours after the FIRST decline of a series until the next try, by declines so far. */
const BACK_OFF_HOURS: Readonly<Record<number, number>> = { 1: 1, 2: 3, 3: 7 };
/** Minutes after the LAST decline, at least: the first one may be weeks old. */
const SHORTEST_BACK_OFF_MINUTES = 60;
/** Hours after the last decline of a longer series, which outages alone can make: three days. */
const LONG_OUTAGE_HOURS = 72;

export type CardStanding =
  | { readonly kind: "usable" }
  | { readonly kind: "backing-off"; readonly until: Instant }
  | { readonly kind: "exhausted"; readonly reason: SuspensionReason };

/** Whether a card with these declines may be charged again by itself, and when. */
export function cardStanding(declines: readonly Decline[], now: Instant): CardStanding {
  if (declines.some(({ severity }) => severity === "hard")) return { kind: "exhausted", reason: "card-refused-for-good" };
  if (declines.some(({ severity }) => severity === "dispute")) return { kind: "exhausted", reason: "payment-disputed" };
  const until = retryAt(declines);
  if (until === undefined) return declines.length === 0 ? { kind: "usable" } : { kind: "exhausted", reason: "declined-too-often" };
  return now < until ? { kind: "backing-off", until } : { kind: "usable" };
}

/** When a card with these declines may be tried again by itself; undefined when it may now, or never again. */
export function retryAt(declines: readonly Decline[]): Instant | undefined {
  const times = declines.map(({ at }) => at).sort();
  const [first, last] = [times[0], times.at(-1)];
  const count = (severity: Severity) => declines.filter((decline) => decline.severity === severity).length;
  const isOver = count("hard") > 0 || count("dispute") > 0 || count("soft") >= SOFT_DECLINES_BEFORE_SUSPENSION || declines.length >= DECLINES_BEFORE_SUSPENSION;
  if (first === undefined || last === undefined || isOver) return undefined;
  const hours = BACK_OFF_HOURS[declines.length];
  if (hours === undefined) return plusMinutes(last, LONG_OUTAGE_HOURS * 60);
  return latest(plusMinutes(first, hours * 60), plusMinutes(last, SHORTEST_BACK_OFF_MINUTES));
}
