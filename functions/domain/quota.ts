import { epochMilliseconds, type Instant } from "./time.ts";

const HOUR_SECONDS = 3600;

/**
 * The hour of UTC in which uses are counted together, e.g. `2026-11-23T16`, and when it is over.
 *
 * Hours that are the same for all need one counter and no history; around their change, up to twice the number may come within an hour.
 */
export function quotaHour(now: Instant): { readonly hour: string; readonly endsAtEpochSeconds: number; readonly endsInSeconds: number } {
  const seconds = Math.floor(epochMilliseconds(now) / 1000);
  const endsInSeconds = HOUR_SECONDS - (seconds % HOUR_SECONDS);
  return { hour: now.slice(0, "2026-11-23T16".length), endsAtEpochSeconds: seconds + endsInSeconds, endsInSeconds };
}
