/** A moment in UTC, ISO 8601 with milliseconds (`2026-11-23T16:00:00.000Z`): readable in items and events, and sorts as text. */
export type Instant = string;

export function instant(epochMilliseconds: number): Instant {
  return new Date(epochMilliseconds).toISOString();
}

export function epochMilliseconds(at: Instant): number {
  return Date.parse(at);
}

export function plusSeconds(at: Instant, seconds: number): Instant {
  return instant(epochMilliseconds(at) + seconds * 1000);
}

export function plusMinutes(at: Instant, minutes: number): Instant {
  return plusSeconds(at, minutes * 60);
}

/** Whole minutes since 1970: what the slot wheel counts in. */
export function epochMinute(at: Instant): number {
  return Math.floor(epochMilliseconds(at) / 60_000);
}

export function latest(...instants: (Instant | undefined)[]): Instant | undefined {
  return instants.filter((at) => at !== undefined).reduce<Instant | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined);
}

/** A time zone of the IANA database, e.g. `Asia/Shanghai`; offsets such as `+08:00` are refused because they do not follow daylight saving. */
export function isTimeZone(text: string): boolean {
  if (knownTimeZones.has(text)) return true;
  if (!/^(UTC|[A-Za-z]+(?:[/_+-][A-Za-z0-9]+)+)$/.test(text)) return false; // no two separators in a row: one way to match, so linear time
  try {
    Intl.DateTimeFormat("en", { timeZone: text }); // throws on a name that it does not know
    knownTimeZones.add(text);
    return true;
  } catch {
    return false;
  }
}

/** Looked up once: that takes longer than all the rest of judging a rule. There are some hundreds. */
const knownTimeZones = new Set<string>();

const dayFormats = new Map<string, Intl.DateTimeFormat>();

/** The calendar day (`2026-11-23`) of a moment in a time zone. */
export function dayIn(timeZone: string, at: Instant): string {
  let format = dayFormats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" }); // en-CA writes ISO dates
    dayFormats.set(timeZone, format);
  }
  return format.format(new Date(at));
}

/** The calendar month (`2026-11`) of a moment in a time zone. */
export function monthIn(timeZone: string, at: Instant): string {
  return dayIn(timeZone, at).slice(0, 7);
}

/**
 * The first moment, to the minute, at which the day (or month) in the time zone is later than the given key.
 *
 * Found by bisection over minutes, so that it holds for every zone and every daylight-saving change.
 */
export function endOfPeriod(timeZone: string, key: string, from: Instant): Instant {
  const isMonth = key.length === 7;
  const keyAt = (minute: number) => (isMonth ? monthIn : dayIn)(timeZone, instant(minute * 60_000));
  let before = epochMinute(from);
  let after = before + (isMonth ? 33 : 2) * 24 * 60; // no month, and no day, is longer than that
  if (keyAt(before) > key) return from;
  while (keyAt(after) <= key) after += 24 * 60; // a key ahead of `from`: a clock went back, or the subscriber moved
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (keyAt(middle) > key) after = middle;
    else before = middle;
  }
  return instant(after * 60_000);
}
