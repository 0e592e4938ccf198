import type { PropertiesOf } from "./supported-resources.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

/** CloudWatch evaluates at most a day of minutes: however far the clock is moved, no more periods than that can matter. */
const MOST_PERIODS = 1440;

/** An alarm of the template on the messages of a queue, with its resolved properties. */
export interface AlarmDefinition {
  readonly name: string;
  readonly properties: Extract<PropertiesOf<"AWS::CloudWatch::Alarm">, { Namespace: "AWS/SQS" }>;
}

/** Those of a template's alarms that can ring locally. */
export function watchable(alarms: readonly { readonly name: string; readonly properties: PropertiesOf<"AWS::CloudWatch::Alarm"> }[]): AlarmDefinition[] {
  return alarms.flatMap(({ name, properties }) => (isOnQueue(properties) ? [{ name, properties }] : []));
}

function isOnQueue(properties: PropertiesOf<"AWS::CloudWatch::Alarm">): properties is AlarmDefinition["properties"] {
  return properties.Namespace === "AWS/SQS";
}

export type AlarmState = "OK" | "ALARM";

/** What an alarm's topic is told: that its state is another one now. */
export interface AlarmChange {
  readonly name: string;
  readonly description: string;
  readonly queueName: string;
  readonly state: AlarmState;
  /** Local time, milliseconds since 1970. */
  readonly at: number;
  /** ARNs of the topics to tell. */
  readonly actions: readonly string[];
}

export interface AlarmsOptions {
  readonly alarms: readonly AlarmDefinition[];
  /** The visible messages of a queue. */
  readonly depth: (queueName: string) => number;
  readonly tell: (change: AlarmChange) => void;
  /** Real milliseconds between two looks at the queues. */
  readonly pollMilliseconds?: number;
}

export interface Alarms {
  /** Looks at the queues now, as the poll does. */
  look(): void;
  states(): ReadonlyMap<string, AlarmState>;
  close(): void;
}

/** What was seen in one period of local time. */
interface Period {
  readonly number: number;
  readonly depths: readonly number[];
}

/**
 * Watches the depth of queues as CloudWatch would, in periods of local time. Every alarm begins OK, also after a restart.
 *
 * Throws UnsupportedTemplate for an alarm on a sum: how often one looks at a queue must not decide about it.
 */
export function startAlarms({ alarms, depth, tell, pollMilliseconds = 250 }: AlarmsOptions): Alarms {
  const watches = alarms.map((alarm) => watch(alarm, depth, tell));
  const look = () => {
    const now = Date.now();
    for (const each of watches) each.look(now);
  };
  const timer = setInterval(look, pollMilliseconds);
  return {
    look,
    states: () => new Map(watches.map(({ name, state }) => [name, state()])),
    close: () => clearInterval(timer),
  };
}

function watch({ name, properties }: AlarmDefinition, depth: AlarmsOptions["depth"], tell: AlarmsOptions["tell"]) {
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, Period: periodSeconds, Threshold } = properties;
  const queueName = properties.Dimensions[0].Value;
  const datapoint = statistic(name, properties.Statistic);
  const breaches = properties.ComparisonOperator === "GreaterThanThreshold" ? (value: number) => value > Threshold : (value: number) => value >= Threshold;
  let state: AlarmState = "OK";
  let periods: readonly Period[] = [];
  return {
    name,
    state: () => state,
    look(now: number) {
      periods = withLook(periods, Math.floor(now / (periodSeconds * 1000)), depth(queueName)).slice(-EvaluationPeriods);
      const breaching = periods.filter((period) => breaches(datapoint(period.depths))).length;
      const next = breaching >= DatapointsToAlarm ? "ALARM" : "OK";
      if (next === state) return;
      state = next;
      const actions = (state === "ALARM" ? properties.AlarmActions : properties.OKActions) ?? [];
      tell({ name, description: properties.AlarmDescription ?? "", queueName, state, at: now, actions });
    },
  };
}

function statistic(alarmName: string, name: AlarmDefinition["properties"]["Statistic"]): (depths: readonly number[]) => number {
  switch (name) {
    case "Maximum":
      return (depths) => Math.max(...depths);
    case "Minimum":
      return (depths) => Math.min(...depths);
    case "Average":
      return (depths) => depths.reduce((sum, depth) => sum + depth, 0) / depths.length;
    case "Sum":
      throw new UnsupportedTemplate(`${alarmName}: an alarm on the sum of a queue's depths is not supported locally, take the maximum`);
  }
}

/** A period that was passed over (the clock was moved) had the depth that was seen last: messages do not come and go by themselves. */
function withLook(periods: readonly Period[], number: number, depth: number): readonly Period[] {
  const latest = periods.at(-1);
  if (latest === undefined) return [{ number, depths: [depth] }];
  if (latest.number === number) return [...periods.slice(0, -1), { number, depths: [...latest.depths, depth] }];
  const missed = Math.min(number - latest.number - 1, MOST_PERIODS);
  const carried = Array.from({ length: missed }, (_, index) => ({ number: number - missed + index, depths: latest.depths.slice(-1) }));
  return [...periods, ...carried, { number, depths: [depth] }];
}
