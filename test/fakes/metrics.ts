import { type MetricName, type Metrics, measurementsIn } from "../../functions/domain/metrics.ts";

/** Keeps what was measured, in order: `[name, value]`, and the dimensions where there are any. */
export function keptMetrics(): Metrics & { readonly measured: readonly (readonly [MetricName, number, string?])[] } {
  const measured: (readonly [MetricName, number, string?])[] = [];
  return {
    measured,
    put(values, dimensions) {
      const [dimension] = Object.values<string>(dimensions);
      for (const [name, value] of measurementsIn(values)) measured.push(dimension === undefined ? [name, value] : [name, value, dimension]);
    },
  };
}

/** For worlds in which nobody asks what was measured. */
export const noMetrics: Metrics = { put: () => {} };
