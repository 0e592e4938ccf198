import type { MetricName, Metrics } from "../../functions/domain/metrics.ts";

/** Keeps what was measured, in order: `[name, value]`, and the dimensions where there are any. */
export function keptMetrics(): Metrics & { readonly measured: readonly (readonly [MetricName, number, string?])[] } {
  const measured: (readonly [MetricName, number, string?])[] = [];
  return {
    measured,
    put(name, value, dimensions) {
      const [dimension] = Object.values<string>(dimensions);
      measured.push(dimension === undefined ? [name, value] : [name, value, dimension]);
    },
  };
}

/** For worlds in which nobody asks what was measured. */
export const noMetrics: Metrics = { put: () => {} };
