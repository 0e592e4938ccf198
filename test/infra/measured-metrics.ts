import { METRICS } from "../../functions/domain/metrics.ts";
import { MEASURED_BY } from "../../infra/watching.ts";

/**
 * Every metric that functions measure, with the function and the names of its other dimensions: `RechargesEnded end service=recharge`.
 *
 * The logs of the demo hold exactly these (`test/e2e/logs.test.ts`); alarms and dashboard may read no others (`watching.test.ts`).
 */
export function measuredMetrics(): string[] {
  return Object.entries(METRICS).flatMap(([name, { dimensions }]) => {
    const [services = []] = Object.entries(MEASURED_BY).flatMap(([each, by]): (readonly string[])[] => (each === name ? [by] : []));
    return services.map((service) => [name, ...[...dimensions, `service=${service}`].toSorted()].join(" "));
  });
}
