import { Duration, type Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { Dashboard, GraphWidget, type IMetric, MathExpression, Metric, PeriodOverride, Row, SingleValueWidget, TextWidget } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import type { MetricFilter } from "aws-cdk-lib/aws-logs";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { FunctionName } from "../functions/contracts/environment.ts";
import type { DimensionsOf, MetricName } from "../functions/domain/metrics.ts";
import type { RechargeEnd } from "../functions/domain/recharge-states.ts";
import { ServiceAlarm, type ServiceAlarmProps } from "./constructs/alarm.ts";
import type { ServiceFunction } from "./constructs/service-function.ts";
import { PRICES } from "./prices.ts";
import { SIZES } from "./sizes.ts";

/** The functions that measure a metric, as its dimension `service` names them. That they do is held against the logs of the demo: `test/e2e/logs.test.ts`. */
export const MEASURED_BY = {
  RechargesEnded: ["recharge"],
  MoneyCharged: ["recharge"],
  MoneyCredited: ["recharge"],
  SecondsToCredit: ["recharge"],
  LinesFoundLow: ["check-balances"],
  CheckerLagSeconds: ["plan-checks"],
  KillSwitchOn: ["plan-checks"],
  OldestDueSeconds: ["sweep"],
  OutcomeUnknownMinutes: ["recharge"],
  PaidNotCreditedSeconds: ["recharge"],
  StripeMilliseconds: ["recharge"],
  StripeFaults: ["recharge"],
  CarrierMilliseconds: ["check-balances", "recharge"],
  CarrierFaults: ["check-balances", "recharge"],
} as const satisfies Readonly<Record<MetricName, readonly FunctionName[]>>;

/** A function's own metric. */
interface OwnMetric<Name extends MetricName> {
  readonly name: Name;
  readonly service: (typeof MEASURED_BY)[Name][number];
  readonly dimensions: DimensionsOf<Name>;
}

export interface WatchedService {
  readonly stage: string;
  readonly functions: readonly ServiceFunction<FunctionName>[];
  readonly queues: ReadonlyMap<string, { readonly queue: Queue; readonly deadLetters: Queue }>;
  readonly tables: readonly TableV2[];
  readonly api: HttpApi;
  /** Counts of Stripe's webhooks: whose signature was good, and whose was not. */
  readonly webhooks: { readonly taken: MetricFilter; readonly refused: MetricFilter };
  readonly alarms: ITopic;
}

/** Where the functions' own metrics stand at CloudWatch. */
export function metricsNamespace(stage: string): string {
  return `auto-recharge-${stage}`;
}

const ENDS = ["succeeded", "declined", "expired", "cancelled", "refunded"] as const satisfies readonly RechargeEnd[];
/** What money the dashboard shows; every other currency is measured as well. */
const CURRENCIES = ["CNY", "USD", "EUR"] as const;

/** Of a function's time-out: whoever comes so near will be cut off soon. */
const NEAR_THE_TIMEOUT = 0.8;
const OVERDUE_SECONDS = 600;
const UNKNOWN_MINUTES = 15;
const NOT_CREDITED_SECONDS = 600;
const CHECKER_LAG_SECONDS = 300;
/** Of all recharges of an hour, where there were enough to tell. */
const MANY_DECLINES = 0.3;
const ENOUGH_TO_TELL = 20;
/** Of all calls of ten minutes, or of all requests of an hour. */
const MANY_FAULTS = 0.5;
/** A thousand lines make about three requests in five minutes: what is only counted in them would not be heard there. */
const FAULTS_IN_FIVE_MINUTES = 5;
const ENOUGH_FAULTS_IN_AN_HOUR = 5;
/** A scanner of the internet comes once or for a moment; Stripe sends again what was refused, for three days. */
const STRAY_WEBHOOKS = 1;

/** Shows on one dashboard how the service does, and calls a person where somebody is hurt. */
export function watch(scope: Stack, service: WatchedService): void {
  const own: Own = ({ name, service: measuredBy, dimensions }, statistic, period = Duration.minutes(1)) =>
    new Metric({
      namespace: metricsNamespace(service.stage),
      metricName: name,
      dimensionsMap: { service: measuredBy, ...dimensions },
      statistic,
      period,
    });
  addAlarms(scope, service, own);
  addDashboard(scope, service, own);
}

type Own = <Name extends MetricName>(metric: OwnMetric<Name>, statistic: string, period?: Duration) => Metric;

function addAlarms(scope: Stack, { functions, api, webhooks, alarms }: WatchedService, own: Own): void {
  const alarm = (
    id: string,
    metric: IMetric,
    above: number,
    whoIsHurt: string,
    heading: string,
    more: Pick<ServiceAlarmProps, "periods" | "outOf" | "ringsWhenSilent"> = {},
  ) => new ServiceAlarm(scope, id, { metric, above, alarms, whoIsHurt, heading, ...more });
  const fiveMinutes = Duration.minutes(5);

  for (const each of functions) {
    const { id } = each.node;
    const errors = each.metricErrors({ period: fiveMinutes });
    alarm(`${id}Errors`, errors, 0, `Subscribers whom ${id} was to serve: it breaks off again and again.`, "a-function-breaks-off", { periods: 2 });
    const slowest = each.metricDuration({ period: fiveMinutes, statistic: "p99" });
    const near = (each.timeout?.toMilliseconds() ?? 0) * NEAR_THE_TIMEOUT;
    alarm(`${id}Slow`, slowest, near, `Subscribers who wait for ${id}: it is about to be cut off.`, "a-function-is-near-its-timeout", { periods: 3 });
  }
  const throttles = new Metric({ namespace: "AWS/Lambda", metricName: "Throttles", statistic: "Sum", period: fiveMinutes });
  alarm("Throttles", throttles, 0, "Subscribers who get 503, or wait: Lambda runs no more functions at once for this account.", "throttles", { periods: 2 });
  const faults = api.metricServerError({ period: fiveMinutes, statistic: "Sum" });
  const whoUsesTheApp = "Subscribers who use the app: the API answers with faults of ours.";
  alarm("ApiFaults", faults, FAULTS_IN_FIVE_MINUTES, whoUsesTheApp, "the-api-answers-with-faults", { periods: 2 });
  alarm("ApiMostlyFaults", faultShare(api), MANY_FAULTS, whoUsesTheApp, "the-api-answers-with-faults");
  alarm(
    "OnlyRefusedWebhooks",
    refusedOnly(webhooks),
    STRAY_WEBHOOKS,
    "Subscribers who have paid, or contest a charge: it is noticed late, as what Stripe tells is refused.",
    "webhooks-are-refused",
    { periods: 3, outOf: 6 },
  );

  const lag = own({ name: "CheckerLagSeconds", service: "plan-checks", dimensions: {} }, "Maximum");
  alarm("CheckerLag", lag, CHECKER_LAG_SECONDS, "Every subscriber: low balances are not looked for.", "balances-are-not-checked", {
    periods: 5,
    ringsWhenSilent: true,
  });
  const overdue = own({ name: "OldestDueSeconds", service: "sweep", dimensions: {} }, "Maximum");
  alarm("OldestDue", overdue, OVERDUE_SECONDS, "Subscribers whose recharge was interrupted: nobody goes on with it.", "overdue-lines", {
    periods: 5,
    ringsWhenSilent: true,
  });
  const unknown = own({ name: "OutcomeUnknownMinutes", service: "recharge", dimensions: {} }, "Maximum");
  alarm("OutcomeUnknown", unknown, UNKNOWN_MINUTES, "A subscriber who may have been charged: nobody can tell yet.", "unknown-outcomes");
  const waiting = own({ name: "PaidNotCreditedSeconds", service: "recharge", dimensions: {} }, "Maximum");
  alarm("PaidNotCredited", waiting, NOT_CREDITED_SECONDS, "A subscriber who has paid and is not credited yet.", "paid-and-not-credited");
  alarm(
    "ManyDeclines",
    declineRate(own, Duration.hours(1), ENOUGH_TO_TELL),
    MANY_DECLINES,
    "Subscribers whose lines run dry: an unusual share of recharges is declined.",
    "many-declines",
  );
  const killSwitch = own({ name: "KillSwitchOn", service: "plan-checks", dimensions: {} }, "Maximum");
  alarm("KillSwitchOn", killSwitch, 0, "Every subscriber: nothing is recharged while the kill switch is on.", "kill-switch");
  for (const system of ["Stripe", "Carrier"] as const) {
    // One recharge alone asks in so many of them: it is looked at again after 1, 2, 4 ... 64 minutes.
    const share = own({ name: `${system}Faults`, service: "recharge", dimensions: {} }, "Average", Duration.minutes(10));
    alarm(`${system}Fails`, share, MANY_FAULTS, `Subscribers whose lines run dry: most calls to ${system} fail.`, "stripe-or-the-carrier-fails", {
      periods: 3,
      outOf: 6,
    });
  }
}

/** Of all requests; 0 where faults were too few to tell. */
function faultShare(api: HttpApi): MathExpression {
  const period = Duration.hours(1);
  return new MathExpression({
    label: "answered with a fault",
    expression: `IF(FILL(faults, 0) >= ${ENOUGH_FAULTS_IN_AN_HOUR}, FILL(faults, 0) / requests, 0)`,
    usingMetrics: { faults: api.metricServerError({ period, statistic: "Sum" }), requests: api.metricCount({ period, statistic: "SampleCount" }) },
    period,
  });
}

/** Webhooks that were refused in an hour in which none was taken: then the secret is wrong, and not the sender. */
function refusedOnly({ taken, refused }: WatchedService["webhooks"]): MathExpression {
  const options = { period: Duration.hours(1), statistic: "Sum" };
  return new MathExpression({
    label: "refused, and none taken",
    expression: "IF(FILL(taken, 0) == 0, FILL(refused, 0), 0)",
    usingMetrics: { taken: taken.metric(options), refused: refused.metric(options) },
    period: options.period,
  });
}

function ended(own: Own, end: (typeof ENDS)[number], period: Duration): Metric {
  return own({ name: "RechargesEnded", service: "recharge", dimensions: { end } }, "Sum", period);
}

/** Of those that came to be charged. With `enough`, 0 where there were fewer. */
function declineRate(own: Own, period: Duration, enough = 0): MathExpression {
  return new MathExpression({
    label: "declined",
    expression: `IF(FILL(declined, 0) + FILL(succeeded, 0) > ${enough}, FILL(declined, 0) / (FILL(declined, 0) + FILL(succeeded, 0)), 0)`,
    usingMetrics: { declined: ended(own, "declined", period), succeeded: ended(own, "succeeded", period) },
    period,
  });
}

function addDashboard(scope: Stack, { stage, functions, queues, tables, api }: WatchedService, own: Own): void {
  const five = Duration.minutes(5);
  const graph = (title: string, left: readonly IMetric[], right: readonly IMetric[] = []) =>
    new GraphWidget({ title, left: [...left], right: [...right], width: 8 });
  const money = (name: "MoneyCharged" | "MoneyCredited") =>
    CURRENCIES.map((currency) =>
      own({ name, service: "recharge", dimensions: { currency } }, "Sum", Duration.hours(1)).with({ label: `${currency}, minor units` }),
    );
  const latency = (system: "Stripe" | "Carrier", service: "recharge" | "check-balances") =>
    ["p50", "p99"].map((statistic) =>
      own({ name: `${system}Milliseconds`, service, dimensions: {} }, statistic, five).with({ label: `${service} ${statistic}` }),
    );
  const faultsOf = (system: "Stripe" | "Carrier", service: "recharge" | "check-balances") =>
    own({ name: `${system}Faults`, service, dimensions: {} }, "Sum", five).with({ label: `${service} faults` });
  const waiting = [...queues].map(([id, { queue }]) => queue.metricApproximateAgeOfOldestMessage({ period: five, label: id }));
  const dead = [...queues].map(([id, { deadLetters }]) => deadLetters.metricApproximateNumberOfMessagesVisible({ period: five, statistic: "max", label: id }));

  const dashboard = new Dashboard(scope, "Dashboard", {
    dashboardName: `auto-recharge-${stage}`,
    periodOverride: PeriodOverride.INHERIT,
    defaultInterval: Duration.days(1),
  });
  dashboard.addWidgets(
    new Row(
      graph(
        "Recharges by end",
        ENDS.map((end) => ended(own, end, five).with({ label: end })),
      ),
      graph("Declined, of those that came to be charged", [declineRate(own, Duration.hours(1))]),
      graph(
        "From low to credited, seconds",
        ["p50", "p99"].map((statistic) => own({ name: "SecondsToCredit", service: "recharge", dimensions: {} }, statistic, five).with({ label: statistic })),
      ),
    ),
    new Row(
      graph("Charged", money("MoneyCharged")),
      graph("Credited", money("MoneyCredited")),
      graph(
        "Paid and not credited, unknown, overdue",
        [
          own({ name: "PaidNotCreditedSeconds", service: "recharge", dimensions: {} }, "Maximum", five),
          own({ name: "OldestDueSeconds", service: "sweep", dimensions: {} }, "Maximum", five),
        ],
        [own({ name: "OutcomeUnknownMinutes", service: "recharge", dimensions: {} }, "Maximum", five)],
      ),
    ),
    new Row(
      graph(
        "Checks: lag in seconds; lines found low",
        [own({ name: "CheckerLagSeconds", service: "plan-checks", dimensions: {} }, "Maximum", five)],
        [own({ name: "LinesFoundLow", service: "check-balances", dimensions: {} }, "Sum", five)],
      ),
      graph("Stripe, milliseconds and faults", latency("Stripe", "recharge"), [faultsOf("Stripe", "recharge")]),
      graph(
        "Carrier, milliseconds and faults",
        [...latency("Carrier", "recharge"), ...latency("Carrier", "check-balances")],
        [faultsOf("Carrier", "recharge"), faultsOf("Carrier", "check-balances")],
      ),
    ),
    new Row(
      graph("Oldest message, seconds", waiting),
      graph("Dead letters, and what waits for a person", dead),
      graph("API: requests; faults", [api.metricCount({ period: five })], [api.metricServerError({ period: five }), api.metricClientError({ period: five })]),
    ),
    new Row(
      graph(
        "Functions: errors",
        functions.map((each) => each.metricErrors({ period: five, label: each.node.id })),
      ),
      new SingleValueWidget({
        title: "Kill switch (1: on)",
        metrics: [own({ name: "KillSwitchOn", service: "plan-checks", dimensions: {} }, "Maximum", five)],
        width: 4,
      }),
      new SingleValueWidget({ title: "US dollars for each recharge that ended, estimated", metrics: [costPerRecharge(own, functions, tables)], width: 12 }),
    ),
    new Row(new TextWidget({ markdown: "What each alarm means, how to look and how to mend: docs/runbook.md", width: 24, height: 1 })),
  );
}

/** What Lambda and the tables without their indexes, which DynamoDB measures apart, cost in a day, by the recharges that came to an end in it: an estimate, and the bill knows better. */
function costPerRecharge(own: Own, functions: WatchedService["functions"], tables: readonly TableV2[]): MathExpression {
  const period = Duration.days(1);
  const usingMetrics: Record<string, IMetric> = Object.fromEntries(ENDS.map((end) => [`end_${end}`, ended(own, end, period)]));
  const lambda = functions.map((each, index) => {
    usingMetrics[`ms${index}`] = each.metricDuration({ period, statistic: "Sum" });
    usingMetrics[`runs${index}`] = each.metricInvocations({ period });
    const gigabytes = SIZES[each.serviceName].memoryMegabytes / 1024;
    return `FILL(ms${index}, 0) / 1000 * ${plain(gigabytes * PRICES.lambdaGigabyteSecond)} + FILL(runs${index}, 0) * ${plain(PRICES.lambdaRequest)}`;
  });
  const database = tables.map((table, index) => {
    usingMetrics[`writes${index}`] = table.metricConsumedWriteCapacityUnits({ period });
    usingMetrics[`reads${index}`] = table.metricConsumedReadCapacityUnits({ period });
    return `FILL(writes${index}, 0) * ${plain(PRICES.writeUnit)} + FILL(reads${index}, 0) * ${plain(PRICES.readUnit)}`;
  });
  const all = ENDS.map((end) => `FILL(end_${end}, 0)`).join(" + ");
  return new MathExpression({ label: "US dollars", expression: `(${[...lambda, ...database].join(" + ")}) / (${all})`, usingMetrics, period });
}

/** Without an exponent, which CloudWatch would take for a metric. */
function plain(dollars: number): string {
  return dollars.toFixed(14);
}
