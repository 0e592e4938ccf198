import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { METRICS } from "../../functions/domain/metrics.ts";
import { SIZES } from "../../infra/sizes.ts";
import { testAssembly } from "../assembly.ts";
import { measuredMetrics } from "./measured-metrics.ts";
import { pointer, readTemplates } from "./templates.ts";

const { ofType, read } = readTemplates(testAssembly());
const OURS = "auto-recharge-dev";

/** A metric as alarms and dashboard name it: `OldestDueSeconds service=sweep`. What a value points at stands for it; another dimension's value does not matter. */
function metricName(name: string, dimensions: readonly (readonly [string, unknown])[]): string {
  const said = ([dimension, value]: readonly [string, unknown]) => {
    const target = z.safeParse(pointer, value).data?.replace(/[0-9A-F]{8}$/, "");
    return dimension === "service" || target !== undefined ? `${dimension}=${target ?? String(value)}` : dimension;
  };
  return [name, ...dimensions.map(said).toSorted()].join(" ");
}

const dimensions = z._default(z.array(z.object({ Name: z.string(), Value: z.unknown() })), []);
const named = (MetricName: string, Dimensions: z.infer<typeof dimensions>) =>
  metricName(
    MetricName,
    Dimensions.map(({ Name, Value }) => [Name, Value] as const),
  );
const statSchema = z.object({
  Metric: z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions: dimensions }),
  Period: z.int(),
  Stat: z.string(),
});
const alarmSchema = z.object({
  Namespace: z.optional(z.string()),
  MetricName: z.optional(z.string()),
  Dimensions: dimensions,
  Statistic: z.optional(z.string()),
  ExtendedStatistic: z.optional(z.string()),
  Period: z.optional(z.int()),
  Metrics: z._default(z.array(z.object({ Expression: z.optional(z.string()), MetricStat: z.optional(statSchema) })), []),
  Threshold: z.number(),
  ComparisonOperator: z.string(),
  EvaluationPeriods: z.int(),
  DatapointsToAlarm: z.optional(z.int()),
  TreatMissingData: z.string(),
});
type Alarm = z.infer<typeof alarmSchema>;

/** What an alarm reads: each metric with its statistic and period in seconds, in `namespace/`. */
function readBy({ Namespace, MetricName = "", Dimensions, Statistic, ExtendedStatistic, Period, Metrics }: Alarm): string[] {
  if (Namespace !== undefined) return [`${Namespace}/${named(MetricName, Dimensions)}, ${Statistic ?? ExtendedStatistic} of ${Period} s`];
  return Metrics.flatMap(({ MetricStat }) =>
    MetricStat === undefined
      ? []
      : [`${MetricStat.Metric.Namespace}/${named(MetricStat.Metric.MetricName, MetricStat.Metric.Dimensions)}, ${MetricStat.Stat} of ${MetricStat.Period} s`],
  );
}

/** The whole of an alarm, in a few words. */
function described(alarm: Alarm): readonly string[] {
  const { Threshold, ComparisonOperator, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, TreatMissingData, Metrics } = alarm;
  const above = `${ComparisonOperator === "GreaterThanThreshold" ? ">" : ComparisonOperator} ${Threshold}`;
  const formulas = Metrics.flatMap(({ Expression }) => Expression ?? []);
  return [...readBy(alarm), ...formulas, `${above} in ${DatapointsToAlarm} of ${EvaluationPeriods}, silence is ${TreatMissingData}`];
}

const alarms = read("AWS::CloudWatch::Alarm", alarmSchema);
const alarmsById = Object.fromEntries(alarms.map(({ id, properties }) => [id.slice(0, -8), described(properties)]));

const functions = read(
  "AWS::Lambda::Function",
  z.object({ Timeout: z.int(), Environment: z.object({ Variables: z.looseObject({ POWERTOOLS_SERVICE_NAME: z.string() }) }) }),
).map(({ id, properties }) => ({ id: id.slice(0, -8), timeout: properties.Timeout, name: properties.Environment.Variables.POWERTOOLS_SERVICE_NAME }));
const queueIds = ofType("AWS::SQS::Queue").map(({ id }) => id.slice(0, -8));

const GOOD = "silence is notBreaching";

describe("the alarms", () => {
  const ofFunctions = functions.flatMap(({ id, timeout }) => [
    [`${id}Errors`, [`AWS/Lambda/Errors FunctionName=${id}, Sum of 300 s`, `> 0 in 2 of 2, ${GOOD}`]],
    [`${id}Slow`, [`AWS/Lambda/Duration FunctionName=${id}, p99 of 300 s`, `> ${timeout * 800} in 3 of 3, ${GOOD}`]],
  ]);
  const ofQueues = queueIds
    .filter((id) => id.endsWith("DeadLetters") || /^(BreakFound|NeedsReview|PaymentAdjusted)Queue$/.test(id))
    .map((id) => [
      `${id.replace(/(?<=BreakFound|NeedsReview|PaymentAdjusted)Queue$/, "")}Alarm`,
      [`AWS/SQS/ApproximateNumberOfMessagesVisible QueueName=${id}, Maximum of 60 s`, `> 0 in 1 of 1, ${GOOD}`],
    ]);

  it("are these, each on what it says, and no others", () => {
    expect(functions).toHaveLength(Object.keys(SIZES).length);
    expect(alarmsById).toEqual({
      ...Object.fromEntries([...ofFunctions, ...ofQueues]),
      Throttles: ["AWS/Lambda/Throttles, Sum of 300 s", `> 0 in 2 of 2, ${GOOD}`],
      ApiFaults: ["AWS/ApiGateway/5xx ApiId=Api, Sum of 300 s", `> 5 in 2 of 2, ${GOOD}`],
      // Where a thousand lines make some thirty requests an hour, all of which fail.
      ApiMostlyFaults: [
        "AWS/ApiGateway/5xx ApiId=Api, Sum of 3600 s",
        "AWS/ApiGateway/Count ApiId=Api, SampleCount of 3600 s",
        "IF(FILL(faults, 0) >= 5, FILL(faults, 0) / requests, 0)",
        `> 0.5 in 1 of 1, ${GOOD}`,
      ],
      OnlyRefusedWebhooks: [
        `${OURS}/WebhooksTaken, Sum of 3600 s`,
        `${OURS}/WebhooksRefused, Sum of 3600 s`,
        "IF(FILL(taken, 0) == 0, FILL(refused, 0), 0)",
        `> 1 in 3 of 6, ${GOOD}`,
      ],
      CheckerLag: [`${OURS}/CheckerLagSeconds service=plan-checks, Maximum of 60 s`, "> 300 in 5 of 5, silence is breaching"],
      OldestDue: [`${OURS}/OldestDueSeconds service=sweep, Maximum of 60 s`, "> 600 in 5 of 5, silence is breaching"],
      OutcomeUnknown: [`${OURS}/OutcomeUnknownMinutes service=recharge, Maximum of 60 s`, `> 15 in 1 of 1, ${GOOD}`],
      PaidNotCredited: [`${OURS}/PaidNotCreditedSeconds service=recharge, Maximum of 60 s`, `> 600 in 1 of 1, ${GOOD}`],
      ManyDeclines: [
        `${OURS}/RechargesEnded end service=recharge, Sum of 3600 s`,
        `${OURS}/RechargesEnded end service=recharge, Sum of 3600 s`,
        "IF(FILL(declined, 0) + FILL(succeeded, 0) > 20, FILL(declined, 0) / (FILL(declined, 0) + FILL(succeeded, 0)), 0)",
        `> 0.3 in 1 of 1, ${GOOD}`,
      ],
      KillSwitchOn: [`${OURS}/KillSwitchOn service=plan-checks, Maximum of 60 s`, `> 0 in 1 of 1, ${GOOD}`],
      // One blip is one span; of an outage each recharge tells in three spans of its first hour.
      StripeFails: [`${OURS}/StripeFaults service=recharge, Average of 600 s`, `> 0.5 in 3 of 6, ${GOOD}`],
      CarrierFails: [`${OURS}/CarrierFaults service=recharge, Average of 600 s`, `> 0.5 in 3 of 6, ${GOOD}`],
    });
  });

  it("compare what their formulas call by these names, of declines and good ends, in this stage", () => {
    const formula = z.object({
      Id: z.string(),
      MetricStat: z.object({ Metric: z.object({ MetricName: z.string(), Dimensions: dimensions }) }),
    });
    const members = read("AWS::CloudWatch::Alarm", z.object({ Metrics: z._default(z.array(z.unknown()), []) })).flatMap(({ properties }) =>
      properties.Metrics.flatMap((each) => z.safeParse(formula, each).data ?? []),
    );
    const end = ({ Dimensions }: { readonly Dimensions: z.infer<typeof dimensions> }) => Dimensions.find(({ Name }) => Name === "end")?.Value;
    expect(members.map(({ Id, MetricStat: { Metric } }) => [Id, Metric.MetricName, end(Metric)])).toEqual(
      expect.arrayContaining([
        ["faults", "5xx", undefined],
        ["requests", "Count", undefined],
        ["taken", "WebhooksTaken", undefined],
        ["refused", "WebhooksRefused", undefined],
        ["declined", "RechargesEnded", "declined"],
        ["succeeded", "RechargesEnded", "succeeded"],
      ]),
    );
    expect(members).toHaveLength(6);
  });
});

/** Every metric that the dashboard shows or counts with: `namespace/name dimensions`. */
function shownOnDashboard(): string[] {
  const bodySchema = z.object({ DashboardBody: z.object({ "Fn::Join": z.tuple([z.literal(""), z.array(z.union([z.string(), z.unknown()]))]) }) });
  const widgets = z.object({ widgets: z.array(z.object({ properties: z.object({ metrics: z._default(z.array(z.array(z.unknown())), []) }) })) });
  return read("AWS::CloudWatch::Dashboard", bodySchema).flatMap(({ properties }) => {
    const body = properties.DashboardBody["Fn::Join"][1].map((part) => (typeof part === "string" ? part : "somewhere")).join("");
    const metrics = z.parse(widgets, JSON.parse(body)).widgets.flatMap((widget) => widget.properties.metrics);
    return metrics.flatMap((metric) => {
      const [namespace, name, ...rest] = metric.filter((part) => typeof part === "string");
      const pairs = Array.from({ length: rest.length / 2 }, (_, index) => [rest[2 * index] ?? "", rest[2 * index + 1]] as const);
      return namespace === undefined || name === undefined ? [] : [`${namespace}/${metricName(name, pairs)}`];
    });
  });
}

describe("the dashboard", () => {
  const shown = shownOnDashboard();

  it("is one", () => expect(ofType("AWS::CloudWatch::Dashboard")).toHaveLength(1));

  it.each(Object.keys(METRICS))("shows %s", (name) => {
    expect(shown.some((each) => each.startsWith(`${OURS}/${name} `))).toBe(true);
  });

  it("shows the functions' errors and the API's requests and faults, of each that there is", () => {
    const errors = shown.filter((each) => each.startsWith("AWS/Lambda/Errors"));
    expect(errors).toHaveLength(functions.length);
    for (const name of ["Count", "5xx", "4xx"]) expect(shown).toContainEqual(expect.stringMatching(`^AWS/ApiGateway/${name} ApiId`));
  });
});

describe("a metric of ours that an alarm or the dashboard reads", () => {
  const filters = read(
    "AWS::Logs::MetricFilter",
    z.object({
      LogGroupName: pointer,
      FilterPattern: z.string(),
      MetricTransformations: z.tuple([
        z.object({ MetricName: z.string(), MetricNamespace: z.literal(OURS), MetricValue: z.literal("1"), DefaultValue: z.literal(0) }),
      ]),
    }),
  ).map(({ properties }) => ({
    name: properties.MetricTransformations[0].MetricName,
    log: properties.LogGroupName.slice(0, -8),
    pattern: properties.FilterPattern,
  }));

  it("is measured under that name, with those dimensions and by that function, or counted in a log", () => {
    const all = [...shownOnDashboard(), ...alarms.flatMap(({ properties }) => readBy(properties).map((each) => each.replace(/, .*$/, "")))];
    const ours = new Set(all.flatMap((each) => (each.startsWith(`${OURS}/`) ? [each.slice(OURS.length + 1)] : [])));
    const known = new Set([...measuredMetrics(), ...filters.map(({ name }) => name)]);
    expect([...ours].filter((each) => !known.has(each))).toEqual([]);
    expect(ours.size).toBeGreaterThanOrEqual(Object.keys(METRICS).length);
  });

  it("is counted where its function or the API writes it down", () => {
    expect(filters).toEqual([
      { name: "ReconciliationBreaks", log: "ReconcileLogs", pattern: '{ $.code = "reconciliation-break" }' },
      { name: "WebhooksTaken", log: "AccessLog", pattern: '{ ($.routeKey = "POST /webhooks/stripe") && ($.status = "200") }' },
      { name: "WebhooksRefused", log: "StripeWebhookLogs", pattern: '{ $.code = "webhook-refused" }' },
    ]);
  });
});
