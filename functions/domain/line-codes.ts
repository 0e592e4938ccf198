import { type Instant, plusMinutes } from "./time.ts";

/** How long a code that was sent to a line is good for. */
export const CODE_MINUTES = 10;
/** 5 of a million at each sending, and no line gets more than 5 codes a day: whoever guesses hits one line in 110 years. */
export const CODE_TRIES = 5;

/** A line belongs to somebody who did not ask for the messages. */
const MINUTES_BETWEEN_CODES = 2;
const CODES_PER_DAY = 5;
const DAY_MINUTES = 24 * 60;

/** When codes were sent to a line, with one more now; undefined when it may have none now. */
export function withCodeTurn(sentAt: readonly Instant[], now: Instant): Instant[] | undefined {
  const ofToday = sentAt.filter((at) => plusMinutes(at, DAY_MINUTES) > now);
  const last = ofToday.at(-1);
  if (ofToday.length >= CODES_PER_DAY || (last !== undefined && now < plusMinutes(last, MINUTES_BETWEEN_CODES))) return undefined;
  return [...ofToday, now];
}
