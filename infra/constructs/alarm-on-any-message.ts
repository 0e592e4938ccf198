import { Duration } from "aws-cdk-lib";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { ServiceAlarm, type ServiceAlarmProps } from "./alarm.ts";

/** Rings as long as there is a message in a queue that should be empty. */
export function alarmOnAnyMessage(scope: Construct, id: string, queue: Queue, who: Pick<ServiceAlarmProps, "alarms" | "whoIsHurt" | "heading">): void {
  const metric = queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: "max" });
  new ServiceAlarm(scope, id, { ...who, metric, above: 0 });
}
