import type { Metrics } from "../domain/metrics.ts";

/** What a call of another system came to, as far as that system is to blame. */
function isFault(status: number): boolean {
  return status === 429 || status >= 500;
}

/** The same call; how long it took, and whether it failed, is measured. */
export function measured<Asked extends readonly unknown[], Answer>(
  metrics: Metrics,
  system: "Stripe" | "Carrier",
  call: (...asked: Asked) => Promise<Answer>,
  statusOf: (answer: Answer) => number,
): (...asked: Asked) => Promise<Answer> {
  return async (...asked) => {
    const startedAt = performance.now();
    let isFaulty = true;
    try {
      const answer = await call(...asked);
      isFaulty = isFault(statusOf(answer));
      return answer;
    } finally {
      const [milliseconds, faults] = [Math.round(performance.now() - startedAt), isFaulty ? 1 : 0];
      if (system === "Stripe") metrics.put({ StripeMilliseconds: milliseconds, StripeFaults: faults }, {});
      else metrics.put({ CarrierMilliseconds: milliseconds, CarrierFaults: faults }, {});
    }
  };
}
