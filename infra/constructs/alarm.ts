import { Alarm as CloudWatchAlarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

export interface ServiceAlarmProps {
  readonly metric: IMetric;
  /** It rings above this. */
  readonly above: number;
  /** In so many of the metric's periods, one after the other; one unless given. */
  readonly periods?: number;
  /** Of so many periods those may be any: a blip is over sooner, and a fault on a stage with few calls shows now and then only. */
  readonly outOf?: number;
  /** Rings, too, where nothing is measured any more. */
  readonly ringsWhenSilent?: boolean;
  readonly alarms: ITopic;
  /** Who is hurt, in a sentence. */
  readonly whoIsHurt: string;
  /** The heading of docs/runbook.md that helps, as an anchor. */
  readonly heading: string;
}

/** Calls a person; its description says who is hurt, and where to read what to do. */
export class ServiceAlarm extends CloudWatchAlarm {
  constructor(scope: Construct, id: string, { metric, above, periods = 1, outOf, ringsWhenSilent = false, alarms, whoIsHurt, heading }: ServiceAlarmProps) {
    super(scope, id, {
      metric,
      threshold: above,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: outOf ?? periods,
      ...(outOf !== undefined && { datapointsToAlarm: periods }),
      treatMissingData: ringsWhenSilent ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      alarmDescription: `${whoIsHurt} See docs/runbook.md#${heading}`,
    });
    this.addAlarmAction(new SnsAction(alarms));
  }
}
