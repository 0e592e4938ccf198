import { Metrics as Powertools } from "@aws-lambda-powertools/metrics";
import { METRICS, type Metrics, measurementsIn } from "../domain/metrics.ts";

/** Writes what is put at once as a line of CloudWatch's embedded metric format into the function's log; the namespace is `POWERTOOLS_METRICS_NAMESPACE`. */
export function powertoolsMetrics(service: string): Metrics {
  const metrics = new Powertools({ serviceName: service });
  return {
    put(values, dimensions) {
      for (const [dimension, said] of Object.entries<string>(dimensions)) metrics.addDimension(dimension, said);
      for (const [name, value] of measurementsIn(values)) metrics.addMetric(name, METRICS[name].unit, value);
      metrics.publishStoredMetrics();
    },
  };
}
