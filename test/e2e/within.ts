import { setTimeout as sleep } from "node:timers/promises";

/** What the promise gives; rejects, with what was waited for, when that takes longer. What was begun goes on. */
export async function within<T>(seconds: number, what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const tooLate = sleep(seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`It took more than ${Math.round(seconds)} s until ${what}`);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    timer.abort();
  }
}
