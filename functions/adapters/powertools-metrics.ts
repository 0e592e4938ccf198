import { Metrics as Powertools } from "@aws-lambda-powertools/metrics";
import { METRICS, type Metrics } from "../domain/metrics.ts";

/** Writes each measurement as a line of CloudWatch's embedded metric format into the function's log; the namespace is `POWERTOOLS_METRICS_NAMESPACE`. */
export function powertoolsMetrics(service: string): Metrics {
  const metrics = new Powertools({ serviceName: service });
  return {
    put(name, value, dimensions) {
      const single = metrics.singleMetric();
      for (const [dimension, said] of Object.entries<string>(dimensions)) single.addDimension(dimension, said);
      single.addMetric(name, METRICS[name].unit, value);
    },
  };
}
