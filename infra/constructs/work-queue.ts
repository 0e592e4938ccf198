import { Duration, Validations } from "aws-cdk-lib";
import { type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { SqsSendMessage } from "aws-cdk-lib/aws-scheduler-targets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { EVENT_SOURCE } from "../../functions/contracts/events.ts";
import { alarmOnAnyMessage } from "./alarm-on-any-message.ts";

export const DELIVERIES_BEFORE_DEAD_LETTER = 5;
/** AWS advises six times the function's timeout. Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const VISIBILITY_TIMEOUTS = 6;
const DEAD_LETTER_DAYS = 14; // SQS's longest

/** EventBridge's own longest: after that an event joins the dead letters. */
export const EVENT_RETRIES = { maxEventAge: Duration.hours(24), retryAttempts: 185 };

export interface WorkQueueProps {
  /** Longest run of the function that works on the queue. */
  readonly timeoutSeconds: number;
  readonly alarms: ITopic;
  /** Who is hurt when a message ends among the dead letters; the first words of the alarm. */
  readonly whoIsHurt: string;
}

/** Where messages end that failed too often. */
export function deadLettersOf(scope: Construct): Queue {
  const deadLetters = new Queue(scope, "DeadLetters", {
    retentionPeriod: Duration.days(DEAD_LETTER_DAYS),
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
  });
  Validations.of(deadLetters).acknowledge({
    id: "Serverless-SQSRedrivePolicy",
    reason: "It is a dead-letter queue itself: an alarm calls a person at its first message, and nothing takes messages out by itself.",
  });
  return deadLetters;
}

/** The one way work reaches a function without somebody waiting: a queue, its dead letters beside it, and an alarm on the first of them. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  private readonly timeoutSeconds: number;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    this.timeoutSeconds = props.timeoutSeconds;
    this.deadLetters = deadLettersOf(this);
    this.queue = new Queue(this, "Queue", {
      visibilityTimeout: Duration.seconds(props.timeoutSeconds * VISIBILITY_TIMEOUTS),
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: DELIVERIES_BEFORE_DEAD_LETTER },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    alarmOnAnyMessage(
      this,
      "DeadLettersAlarm",
      this.deadLetters,
      props.alarms,
      `${props.whoIsHurt} Messages of ${id} failed ${DELIVERIES_BEFORE_DEAD_LETTER} times. See docs/runbook.md#dead-letters`,
    );
  }

  /** Hands the messages to a function, `maxConcurrency` (2 to 1,000) invocations at once at the most. */
  deliverTo(target: LambdaFunction, options: { readonly batchSize: number; readonly maxConcurrency: number }): void {
    if (target.timeout?.toSeconds() !== this.timeoutSeconds)
      throw new Error(`${target.node.path} must time out after ${this.timeoutSeconds} s, as its queue expects`);
    target.addEventSource(new SqsEventSource(this.queue, { ...options, reportBatchItemFailures: true }));
    Validations.of(target).acknowledge({
      id: "Serverless-LambdaEventSourceMappingDestination",
      reason: "A mapping of SQS takes no destination: what fails goes back to its queue, and from there to the dead letters, whole and able to be sent again.",
    });
  }

  /** Feeds the queue with our events of these names. What EventBridge cannot deliver within a day joins the dead letters. */
  listenTo(bus: IEventBus, detailTypes: readonly string[]): void {
    new Rule(this, "Rule", {
      eventBus: bus,
      eventPattern: { source: [EVENT_SOURCE], detailType: [...detailTypes] },
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters, ...EVENT_RETRIES })],
    });
  }

  /** Feeds the queue with a tick `{ scheduledTime }` each minute. A tick that is an hour late has been overtaken by later ones. */
  tickEveryMinute(): void {
    this.tickEvery(Duration.minutes(1), "Schedule");
  }

  /** Feeds the queue with a tick `{ scheduledTime, ...more }` at a rate. One that cannot be delivered within an hour joins the dead letters. */
  tickEvery(interval: Duration, scheduleId: string, more: Readonly<Record<string, string>> = {}): void {
    new Schedule(this, scheduleId, {
      schedule: ScheduleExpression.rate(interval),
      target: new SqsSendMessage(this.queue, {
        input: ScheduleTargetInput.fromObject({ scheduledTime: "<aws.scheduler.scheduled-time>", ...more }),
        deadLetterQueue: this.deadLetters,
        maxEventAge: Duration.hours(1),
        retryAttempts: 60,
      }),
    });
  }
}
