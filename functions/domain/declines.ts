import type { SuspensionReason } from "./rule.ts";
import { type Instant, latest, plusMinutes } from "./time.ts";

/** One refusal of a card, kept per card (not per line), so that ten lines cannot hammer one card. */
export interface Decline {
  readonly rechargeId: string;
  readonly at: Instant;
  /** Stripe's decline code, or its error code where there is none. */
  readonly code: string;
  /** The issuer said never to try this card again. */
  readonly hard: boolean;
}

/** Tries of one series of soft declines: then only the subscriber can start again. Far below the 15 in 30 days that Visa allows. */
export const DECLINES_BEFORE_SUSPENSION = 4;

/** Hours after the FIRST decline of a series until the next try, by declines so far. */
const BACK_OFF_HOURS: Readonly<Record<number, number>> = { 1: 1, 2: 3, 3: 7 };
/** Minutes after the LAST decline, at least: the first one may be weeks old. */
const SHORTEST_BACK_OFF_MINUTES = 60;

export type CardStanding =
  | { readonly kind: "usable" }
  | { readonly kind: "backing-off"; readonly until: Instant }
  | { readonly kind: "exhausted"; readonly reason: SuspensionReason };

/** Whether a card with these declines may be charged again by itself, and when. */
export function cardStanding(declines: readonly Decline[], now: Instant): CardStanding {
  if (declines.some((decline) => decline.hard)) return { kind: "exhausted", reason: "card-refused-for-good" };
  if (declines.length >= DECLINES_BEFORE_SUSPENSION) return { kind: "exhausted", reason: "declined-too-often" };
  const until = retryAt(declines);
  return until !== undefined && now < until ? { kind: "backing-off", until } : { kind: "usable" };
}

/** When a card with these declines may be tried again by itself; undefined when it may now, or never again. */
export function retryAt(declines: readonly Decline[]): Instant | undefined {
  const hours = BACK_OFF_HOURS[declines.length];
  const times = declines.map((decline) => decline.at).sort();
  const [first, last] = [times[0], times.at(-1)];
  if (hours === undefined || first === undefined || last === undefined || declines.some((decline) => decline.hard)) return undefined;
  return latest(plusMinutes(first, hours * 60), plusMinutes(last, SHORTEST_BACK_OFF_MINUTES));
}
