import { Duration } from "aws-cdk-lib";
import { type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { EVENT_SOURCE } from "../../functions/contracts/events.ts";
import { alarmOnAnyMessage } from "./alarm-on-any-message.ts";
import { deadLettersOf, EVENT_RETRIES } from "./work-queue.ts";

/** How long an event waits for a person: as long as SQS lets it. */
const WAITING_DAYS = 14;
/** Each look of a person is a delivery; SQS's most, so that none of them takes a message away. */
const LOOKS = 1000;

export interface OperatorInboxProps {
  readonly bus: IEventBus;
  /** The events that a person must act on. */
  readonly detailTypes: readonly string[];
  /** Only those whose fields have one of these values. */
  readonly detail?: Readonly<Record<string, readonly string[]>>;
  readonly alarms: ITopic;
  readonly whoIsHurt: string;
  /** Of docs/runbook.md, as an anchor. */
  readonly heading: string;
}

/** Events that wait for a person: they stay in a queue that no function reads, and an alarm rings until it is empty. */
export class OperatorInbox extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { bus, detailTypes, detail, ...who }: OperatorInboxProps) {
    super(scope, id);
    this.deadLetters = deadLettersOf(this);
    this.queue = new Queue(this, "Queue", {
      retentionPeriod: Duration.days(WAITING_DAYS),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: LOOKS },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    new Rule(this, "Rule", {
      eventBus: bus,
      eventPattern: { source: [EVENT_SOURCE], detailType: [...detailTypes], detail },
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters, ...EVENT_RETRIES })],
    });
    alarmOnAnyMessage(this, "Alarm", this.queue, who);
    alarmOnAnyMessage(this, "DeadLettersAlarm", this.deadLetters, { ...who, heading: "dead-letters" });
  }
}
