import { SHORTEST_TIER, TIER_MINUTES } from "../functions/domain/slots.ts";
import { PRICES } from "../infra/prices.ts";
import { SIZES } from "../infra/sizes.ts";
import { CPU_MILLISECONDS, MEASURED } from "./measured.ts";

/** What nobody can measure before there are subscribers. Put in your own. */
export const ASSUMED = {
  linesPerSubscriber: 1,
  rechargesPerLine: 1,
  apiRequestsPerSubscriber: 20,
  /** Who signs in, or has an app that renews its token, in a month. */
  activeShare: 0.2,
  mailsPerRecharge: 1,
  webhooksPerRecharge: 2,
  /** Until an answer is there. */
  milliseconds: { database: 5, aws: 15, stripe: 700, carrier: 300 },
  /** A look at a line without anything to do, and a webhook: mostly one call to AWS. */
  lookMilliseconds: 50,
  webhookMilliseconds: 50,
  api: { milliseconds: 100, readUnits: 3, kilobytesSent: 2 },
  /** START, END and REPORT; and a line of the access log. */
  kilobytesLoggedPerRun: 0.5,
  /** X-Ray's default: one a second, and 5 % of the rest. */
  tracedShare: 0.05,
  /** Tables grow; the table is for the end of this month. */
  monthsInUse: 12,
} as const;

/** So many are deployed: held against the templates by a test. An alarm costs for each metric that it reads; metrics are our own, in three currencies. */
export const DEPLOYED = {
  queuesWithReader: 8,
  secrets: 4,
  metricsWithAlarm: 63,
  metrics: 27,
  dashboards: 1,
} as const;

/**
 * Of a line that a function writes itself, as long as the longest while all is well, with the 26 bytes that CloudWatch counts for each line: held against what is written by a test.
 *
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs-Limits.html
 */
export const KILOBYTES_PER_LINE = 0.33;
/** A call of Stripe or the carrier is a line. So are an end, the money charged and credited, and how long it took; what is reserved and what ended; and a low balance in the checker's log and metrics. */
const LINES = {
  check: MEASURED.check.carrierCalls,
  recharge: MEASURED.recharge.stripeCalls + MEASURED.recharge.carrierCalls + 4 + 2 + 2,
  tick: 1,
};

const DAYS = 30;
const MINUTES = DAYS * 24 * 60;
/** Lambda gives one processor at this. Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const MEGABYTES_PER_PROCESSOR = 1769;
/** A message of work: sent, received and deleted. */
const REQUESTS_PER_MESSAGE = 3;
/** Lambda asks each queue so, busy or not: five connections at once, 20 s each. Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const POLLS_PER_MINUTE = 5 * 3;
/** `remind` reads so much of each subscriber each day: docs/decisions.md. */
const REMIND_READ_UNITS = 3.3;
/** Payments, charges and top-ups of the last 3 hours each hour and of the last 4 days each day: 3 x (3 + 4) looks at each recharge, two reads each. */
const RECONCILE_READ_UNITS = 3 * (3 + 4) * 2;
/** A checker begins no page in the last 20 of its 60 s. */
const CHECKER_SECONDS = 40;
const WHEEL_TIERS = Object.keys(TIER_MINUTES).length;
/** An item is at most as many KB as its write units: line with its indexes, subscriber with ways to pay; bill with its index and history, notice of 90 days. */
const KILOBYTES = { line: 4, subscriber: 3, recharge: 2 + MEASURED.recharge.historyWriteUnits };
const NOTICE_MONTHS = 3;
const KILOBYTES_PER_GIGABYTE = 1e6;

/** A quantity of a month at its price. */
export interface Part {
  readonly what: string;
  readonly quantity: number;
  readonly price: keyof typeof PRICES;
}

/** A line of the bill. */
export interface Row {
  readonly name: string;
  readonly parts: readonly Part[];
}

export function priceOf(row: Row): number {
  return row.parts.reduce((sum, { quantity, price }) => sum + quantity * PRICES[price], 0);
}

/** How the checker has to be set for so many lines: parts of a slot (`hashRanges`), and checkers at once (`maxConcurrency`). */
export function checkersFor(lines: number): { readonly hashRanges: number; readonly atOnce: number } {
  const seconds = (lines / TIER_MINUTES[SHORTEST_TIER] / MEASURED.check.lines) * checkSeconds();
  return { hashRanges: Math.max(1, Math.ceil(seconds / CHECKER_SECONDS)), atOnce: Math.ceil(seconds / 60) };
}

function seconds(megabytes: number, cpu: number, waits: number): number {
  return (cpu * Math.max(1, MEGABYTES_PER_PROCESSOR / megabytes) + waits) / 1000;
}

function checkSeconds(): number {
  const { database, carrier } = ASSUMED.milliseconds;
  const { databaseCalls, carrierCalls } = MEASURED.check;
  return seconds(SIZES["check-balances"].memoryMegabytes, CPU_MILLISECONDS.check, databaseCalls * database + carrierCalls * carrier);
}

export function rechargeSeconds(): number {
  const { database, aws, stripe, carrier } = ASSUMED.milliseconds;
  const { databaseCalls, stripeCalls, carrierCalls } = MEASURED.recharge;
  return seconds(SIZES.recharge.memoryMegabytes, CPU_MILLISECONDS.recharge, databaseCalls * database + stripeCalls * stripe + carrierCalls * carrier + aws);
}

/** The parts that Lambda is paid for. */
function runs(what: string, count: number, secondsEach: number, megabytes: number, linesEach = 0): Part[] {
  return [
    { what: `runs of ${what}`, quantity: count, price: "lambdaRequest" },
    {
      what: `GB-s of ${what}, ${Math.round(secondsEach * 1000)} ms at ${megabytes} MB`,
      quantity: count * secondsEach * (megabytes / 1024),
      price: "lambdaGigabyteSecond",
    },
    {
      what: `GB logged by ${what}`,
      quantity: (count * (ASSUMED.kilobytesLoggedPerRun + linesEach * KILOBYTES_PER_LINE)) / KILOBYTES_PER_GIGABYTE,
      price: "gigabyteLogged",
    },
  ];
}

/** What AWS asks for a month with so many lines. Stripe's fees, text messages, and what the carrier asks are not AWS's. */
export function monthlyCosts(lines: number): Row[] {
  const { milliseconds, api } = ASSUMED;
  const subscribers = lines / ASSUMED.linesPerSubscriber;
  const recharges = lines * ASSUMED.rechargesPerLine;
  const webhooks = recharges * ASSUMED.webhooksPerRecharge;
  const pages = (lines / MEASURED.check.lines) * (MINUTES / TIER_MINUTES[SHORTEST_TIER]);
  const checks = MINUTES * WHEEL_TIERS * checkersFor(lines).hashRanges;
  const mails = recharges * ASSUMED.mailsPerRecharge;
  const requests = subscribers * ASSUMED.apiRequestsPerSubscriber;
  const gigabytes =
    (lines * KILOBYTES.line + subscribers * KILOBYTES.subscriber + recharges * ASSUMED.monthsInUse * KILOBYTES.recharge + mails * NOTICE_MONTHS) /
    KILOBYTES_PER_GIGABYTE;
  const ticks = MINUTES * 2;
  const pollingRequests = DEPLOYED.queuesWithReader * POLLS_PER_MINUTE * MINUTES;
  const allRuns = checks + recharges + webhooks * 2 + mails + requests + ticks;
  const traced = Math.min(allRuns, MINUTES * 60 + allRuns * ASSUMED.tracedShare);

  return [
    {
      name: "Looking at balances",
      parts: [
        { what: "read units", quantity: pages * MEASURED.check.readUnits, price: "readUnit" },
        { what: "write units", quantity: pages * MEASURED.check.writeUnits, price: "writeUnit" },
        { what: "requests to queues", quantity: checks * REQUESTS_PER_MESSAGE, price: "queueRequest" },
        ...runs("check-balances", checks, (pages / checks) * checkSeconds(), SIZES["check-balances"].memoryMegabytes, (pages / checks) * LINES.check),
      ],
    },
    {
      name: "Recharging",
      parts: [
        { what: "write units", quantity: recharges * (MEASURED.recharge.writeUnits + MEASURED.recharge.historyWriteUnits), price: "writeUnit" },
        { what: "read units, with the reconciler's", quantity: recharges * (MEASURED.recharge.readUnits + RECONCILE_READ_UNITS) + webhooks, price: "readUnit" },
        { what: "events", quantity: recharges * MEASURED.recharge.events, price: "event" },
        { what: "requests to queues", quantity: (recharges + webhooks) * REQUESTS_PER_MESSAGE, price: "queueRequest" },
        { what: "webhooks", quantity: webhooks, price: "apiRequest" },
        ...runs("recharge", recharges, rechargeSeconds(), SIZES.recharge.memoryMegabytes, LINES.recharge),
        ...runs("recharge that only looks", webhooks, ASSUMED.lookMilliseconds / 1000, SIZES.recharge.memoryMegabytes),
        ...runs("stripe-webhook", webhooks, ASSUMED.webhookMilliseconds / 1000, SIZES["stripe-webhook"].memoryMegabytes),
      ],
    },
    {
      name: "Telling by e-mail",
      parts: [
        { what: "e-mails", quantity: mails, price: "mail" },
        { what: "write units", quantity: mails * MEASURED.notice.writeUnits, price: "writeUnit" },
        { what: "read units", quantity: mails * MEASURED.notice.readUnits, price: "readUnit" },
        { what: "requests to queues", quantity: mails * REQUESTS_PER_MESSAGE, price: "queueRequest" },
        ...runs(
          "notify",
          mails,
          seconds(SIZES.notify.memoryMegabytes, CPU_MILLISECONDS.notice, MEASURED.notice.databaseCalls * milliseconds.database + milliseconds.aws),
          SIZES.notify.memoryMegabytes,
        ),
      ],
    },
    {
      name: "Looking through all subscribers each day",
      parts: [{ what: "read units", quantity: subscribers * DAYS * REMIND_READ_UNITS, price: "readUnit" }],
    },
    {
      name: "The API",
      parts: [
        { what: "requests", quantity: requests, price: "apiRequest" },
        { what: "read units", quantity: requests * api.readUnits, price: "readUnit" },
        { what: "write units, at most: what asks outside is counted", quantity: requests, price: "writeUnit" },
        { what: "GB of access log", quantity: (requests * ASSUMED.kilobytesLoggedPerRun) / KILOBYTES_PER_GIGABYTE, price: "gigabyteLogged" },
        { what: "GB sent", quantity: (requests * api.kilobytesSent) / KILOBYTES_PER_GIGABYTE, price: "gigabyteSent" },
        ...runs("the API's functions", requests, api.milliseconds / 1000, SIZES.rules.memoryMegabytes),
      ],
    },
    {
      name: `Keeping, after ${ASSUMED.monthsInUse} months`,
      parts: [
        { what: "GB in tables", quantity: gigabytes, price: "tableGigabyteMonth" },
        { what: "GB that can be restored", quantity: gigabytes, price: "recoveryGigabyteMonth" },
      ],
    },
    {
      name: "Watching",
      parts: [
        { what: "metrics with an alarm", quantity: DEPLOYED.metricsWithAlarm, price: "alarmMonth" },
        { what: "metrics", quantity: DEPLOYED.metrics, price: "metricMonth" },
        { what: "dashboards", quantity: DEPLOYED.dashboards, price: "dashboardMonth" },
        { what: "traces", quantity: traced, price: "trace" },
      ],
    },
    {
      name: "Standing by",
      parts: [
        { what: "secrets", quantity: DEPLOYED.secrets, price: "secretMonth" },
        { what: "polls of idle queues", quantity: pollingRequests, price: "queueRequest" },
        { what: "ticks of planner and sweeper", quantity: ticks, price: "tick" },
        ...runs("planner and sweeper", ticks, 0.1, SIZES.sweep.memoryMegabytes, LINES.tick),
      ],
    },
    { name: "Signing in at Cognito", parts: [{ what: "monthly active users", quantity: subscribers * ASSUMED.activeShare, price: "monthlyActiveUser" }] },
  ];
}

export const SCALES = [1_000, 1_000_000, 10_000_000] as const;
/** Of which the arithmetic is shown. */
const SHOWN = 1_000_000;

const counted = (value: number) => value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 1 : 0 });
/** Of a tiny price, for a million. */
const each = (price: number) => (price < 0.001 ? `${Number((price * 1e6).toPrecision(6))} / M` : String(price));
const dollars = (value: number) => value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const rowOf = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

/** The tables of docs/deploy.md. */
export function costTables(): string {
  const all = SCALES.map(monthlyCosts);
  const names = all[0]?.map(({ name }) => name) ?? [];
  const sums = all.map((rows) => rows.reduce((sum, row) => sum + priceOf(row), 0));
  const signIn = all.map((rows) => priceOf(rows.at(-1) ?? { name: "", parts: [] }));
  const totals = [
    rowOf(["USD a month", ...SCALES.map((lines) => `${counted(lines)} lines`)]),
    rowOf(["---", ...SCALES.map(() => "---:")]),
    ...names.map((name, index) => rowOf([name, ...all.map((rows) => dollars(priceOf(rows[index] ?? { name, parts: [] })))])),
    rowOf(["**All**", ...sums.map((sum) => `**${dollars(sum)}**`)]),
    rowOf(["with an issuer of your own", ...sums.map((sum, index) => dollars(sum - (signIn[index] ?? 0)))]),
    rowOf(["a line, with it", ...sums.map((sum, index) => ((sum - (signIn[index] ?? 0)) / (SCALES[index] ?? 1)).toFixed(5))]),
    rowOf(["`hashRanges`, checkers at once", ...SCALES.map((lines) => Object.values(checkersFor(lines)).join(", "))]),
  ];
  const arithmetic = [
    rowOf([`${counted(SHOWN)} lines`, "quantity", "USD each", "USD"]),
    rowOf(["---", "---:", "---:", "---:"]),
    ...monthlyCosts(SHOWN).flatMap(({ name, parts }) =>
      parts.map(({ what, quantity, price }) => rowOf([`${name}: ${what}`, counted(quantity), each(PRICES[price]), dollars(quantity * PRICES[price])])),
    ),
  ];
  return `${totals.join("\n")}\n\n${arithmetic.join("\n")}`;
}
