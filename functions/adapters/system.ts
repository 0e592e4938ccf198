import { randomInt, randomUUID } from "node:crypto";
import type { Clock, Codes, Ids } from "../domain/ports.ts";
import { instant } from "../domain/time.ts";

export const systemClock: Clock = { now: () => instant(Date.now()) };

/** 122 random bits: nobody guesses one, and a restored backup brings none back. */
export const randomIds: Ids = { next: () => randomUUID() };

export const randomCodes: Codes = { next: () => String(randomInt(1_000_000)).padStart(6, "0") };

/**
 * Makes something once and keeps it for some minutes: clients that stand on a secret, so that a rotated secret is taken up without a deploy.
 *
 * A failure is not kept.
 */
export function keptFor<T>(minutes: number, make: () => Promise<T>): () => Promise<T> {
  let kept: { readonly value: Promise<T>; readonly until: number } | undefined;
  return () => {
    if (kept === undefined || Date.now() >= kept.until) {
      const value = make();
      kept = { value, until: Date.now() + minutes * 60_000 };
      value.catch(() => {
        kept = undefined;
      });
    }
    return kept.value;
  };
}
