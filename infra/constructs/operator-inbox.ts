import { Duration } from "aws-cdk-lib";
import { type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { EVENT_SOURCE } from "../../functions/contracts/events.ts";
import { alarmOnAnyMessage } from "./alarm-on-any-message.ts";
import { DEAD_LETTER_DAYS, DELIVERIES_BEFORE_DEAD_LETTER, EVENT_RETRIES } from "./work-queue.ts";

export interface OperatorInboxProps {
  readonly bus: IEventBus;
  /** The events that a person must act on. */
  readonly detailTypes: readonly string[];
  /** Only those whose fields have one of these values. */
  readonly detail?: Readonly<Record<string, readonly string[]>>;
  readonly alarms: ITopic;
  readonly alarmDescription: string;
}

/** Events that wait for a person: they stay in a queue that no function reads, and an alarm rings until it is empty. */
export class OperatorInbox extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { bus, detailTypes, detail, alarms, alarmDescription }: OperatorInboxProps) {
    super(scope, id);
    const common = { retentionPeriod: Duration.days(DEAD_LETTER_DAYS), encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetters = new Queue(this, "DeadLetters", common);
    this.queue = new Queue(this, "Queue", { ...common, deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: DELIVERIES_BEFORE_DEAD_LETTER } });
    new Rule(this, "Rule", {
      eventBus: bus,
      eventPattern: { source: [EVENT_SOURCE], detailType: [...detailTypes], detail },
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters, ...EVENT_RETRIES })],
    });
    alarmOnAnyMessage(this, "Alarm", this.queue, alarms, alarmDescription);
    alarmOnAnyMessage(this, "DeadLettersAlarm", this.deadLetters, alarms, alarmDescription);
  }
}
