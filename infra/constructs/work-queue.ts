import { Duration, Validations } from "aws-cdk-lib";
import { type IEventBus, Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { SqsSendMessage } from "aws-cdk-lib/aws-scheduler-targets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Queue, QueueEncryption } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import type { FunctionName } from "../../functions/contracts/environment.ts";
import { EVENT_SOURCE } from "../../functions/contracts/events.ts";
import { SIZES } from "../sizes.ts";
import { alarmOnAnyMessage } from "./alarm-on-any-message.ts";
import type { ServiceFunction } from "./service-function.ts";

const DELIVERIES_BEFORE_DEAD_LETTER = 5;
/** AWS advises six times the function's timeout. Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
const VISIBILITY_TIMEOUTS = 6;
const DEAD_LETTER_DAYS = 14; // SQS's longest

/** EventBridge's own longest: after that an event joins the dead letters. */
export const EVENT_RETRIES = { maxEventAge: Duration.hours(24), retryAttempts: 185 };

export interface WorkQueueProps {
  /** The function that works on the queue; how much of it at once says `sizes.ts`. */
  readonly worker: FunctionName;
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
  private readonly worker: FunctionName;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    this.worker = props.worker;
    this.deadLetters = deadLettersOf(this);
    this.queue = new Queue(this, "Queue", {
      visibilityTimeout: Duration.seconds(SIZES[props.worker].timeoutSeconds * VISIBILITY_TIMEOUTS),
      retentionPeriod: Duration.days(4),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: DELIVERIES_BEFORE_DEAD_LETTER },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
    alarmOnAnyMessage(this, "DeadLettersAlarm", this.deadLetters, {
      alarms: props.alarms,
      whoIsHurt: `${props.whoIsHurt} Messages of ${id} failed ${DELIVERIES_BEFORE_DEAD_LETTER} times.`,
      heading: "dead-letters",
    });
  }

  /** Hands the messages to their function. */
  deliverTo(target: ServiceFunction<FunctionName>): void {
    const taken = SIZES[this.worker].queue;
    if (target.serviceName !== this.worker || taken === undefined) throw new Error(`${this.node.path} is for ${this.worker}, with its share in sizes.ts`);
    target.addEventSource(new SqsEventSource(this.queue, { ...taken, reportBatchItemFailures: true }));
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
