import { randomUUID } from "node:crypto";
import { describe, expect, it, jest } from "@jest/globals";
import * as z from "zod/mini";
import { ASSUMED, checkersFor, DEPLOYED, KILOBYTES_PER_LINE, monthlyCosts, priceOf, rechargeSeconds, SCALES } from "../../bench/costs.ts";
import { CPU_MILLISECONDS, MEASURED } from "../../bench/measured.ts";
import { powertoolsLog } from "../../functions/adapters/powertools-log.ts";
import { powertoolsMetrics } from "../../functions/adapters/powertools-metrics.ts";
import { PRICES } from "../../infra/prices.ts";
import { SIZES } from "../../infra/sizes.ts";
import { testAssembly } from "../assembly.ts";
import { readTemplates } from "../infra/templates.ts";

const templates = readTemplates(testAssembly());

function costOf(lines: number, name: string): number {
  const row = monthlyCosts(lines).find((each) => each.name === name);
  if (row === undefined) throw new Error(`No row is called ${name}`);
  return priceOf(row);
}

const quantityOf = (lines: number, name: string, what: string) =>
  monthlyCosts(lines)
    .find((row) => row.name === name)
    ?.parts.find((part) => part.what === what)?.quantity;

describe("what a month costs", () => {
  it("is counted by hand for a million lines: reads of healthy looks, writes of recharges, e-mails, sign-ins", () => {
    // 1,000,000 lines, each looked at 96 times a day for 30 days, 2.5 read units for a page of 100 lines
    expect(quantityOf(1_000_000, "Looking at balances", "read units")).toBeCloseTo((1_000_000 * 96 * 30 * 2.5) / 100, 3);
    expect(quantityOf(1_000_000, "Looking at balances", "write units")).toBe(0);
    expect(quantityOf(1_000_000, "Recharging", "write units")).toBe(1_000_000 * (16 + 4));
    expect(quantityOf(1_000_000, "Telling by e-mail", "e-mails")).toBe(1_000_000);
    // 28,800,000 pages of one call each, a line for each; 1,036,800 runs
    expect(quantityOf(1_000_000, "Looking at balances", "GB logged by check-balances")).toBeCloseTo((28_800_000 * 0.33 + 1_036_800 * 0.5) / 1e6, 6);
    // Two calls of Stripe and two of the carrier, four metrics of its end, two lines of its log, two of the checker that found it low
    expect(quantityOf(1_000_000, "Recharging", "GB logged by recharge")).toBeCloseTo(12 * 0.33 + 0.5, 6);
    expect(costOf(1_000_000, "Signing in at Cognito")).toBeCloseTo(1_000_000 * 0.2 * 0.015, 6);
    expect(costOf(1_000_000, "Looking through all subscribers each day")).toBeCloseTo(3.3 * 0.125 * 30, 6);
  });

  it("counts the processor of a recharge at the share of one that its memory gets, and every call that it waits for", () => {
    const waits = MEASURED.recharge.databaseCalls * 5 + MEASURED.recharge.stripeCalls * 700 + MEASURED.recharge.carrierCalls * 300 + 15;
    expect(rechargeSeconds()).toBeCloseTo((CPU_MILLISECONDS.recharge * (1769 / SIZES.recharge.memoryMegabytes) + waits) / 1000, 9);
  });

  it("grows with the lines in every row but those for which nobody is needed", () => {
    const [few, , most] = SCALES;
    for (const { name } of monthlyCosts(few)) {
      const ratio = costOf(most, name) / costOf(few, name);
      if (name === "Standing by") expect(ratio).toBe(1);
      else if (name === "Watching") expect(ratio).toBeGreaterThan(1);
      else expect(ratio).toBeGreaterThan(1000);
    }
  });

  it("needs more checkers for more lines, and none of them so many parts that a slot cannot be cut into", () => {
    expect(checkersFor(1_000)).toEqual({ hashRanges: 1, atOnce: 1 });
    const [million, ten] = [checkersFor(1_000_000), checkersFor(10_000_000)];
    expect(ten.hashRanges).toBeGreaterThan(million.hashRanges);
    expect(ten.hashRanges).toBeLessThanOrEqual(256);
    expect(million.atOnce).toBeLessThanOrEqual(SIZES["check-balances"].queue?.maxConcurrency ?? 0);
  });

  it("has a price above zero for everything, and shares that are shares", () => {
    for (const price of Object.values(PRICES)) expect(price).toBeGreaterThan(0);
    for (const share of [ASSUMED.activeShare, ASSUMED.tracedShare]) expect(share > 0 && share < 1).toBe(true);
  });
});

describe("a line that a function writes", () => {
  it("is no longer than it is paid for, whatever it tells while all is well", () => {
    const written: string[] = [];
    const keep = (line: unknown) => void written.push(JSON.stringify(JSON.parse(String(line)))); // here the logger indents it
    Object.assign(process.env, { POWERTOOLS_DEV: "true", POWERTOOLS_METRICS_DISABLED: "false" }); // writes to this console instead of one of its own
    const spies = (["log", "info"] as const).map((method) => jest.spyOn(console, method).mockImplementation(keep));
    process.env.POWERTOOLS_METRICS_NAMESPACE = "auto-recharge-prod";
    const metrics = powertoolsMetrics("check-balances");
    metrics.put({ CarrierMilliseconds: 7999, CarrierFaults: 0 }, {});
    metrics.put({ MoneyCharged: 50_000 }, { currency: "CNY" });
    const log = powertoolsLog("recharge");
    log.info("recharge-ended", { rechargeId: randomUUID(), check: randomUUID(), end: "succeeded" });
    for (const spy of spies) spy.mockRestore();
    expect(written).toHaveLength(3);
    const longest = Math.max(...written.map((line) => line.length + 26));
    expect(longest).toBeLessThanOrEqual(KILOBYTES_PER_LINE * 1000);
    expect(longest).toBeGreaterThan(KILOBYTES_PER_LINE * 900);
  });
});

describe("what is deployed", () => {
  it.each([
    ["AWS::CloudWatch::Dashboard", DEPLOYED.dashboards],
    ["AWS::SecretsManager::Secret", DEPLOYED.secrets],
    ["AWS::Lambda::EventSourceMapping", DEPLOYED.queuesWithReader],
  ])("has as many of %s as are paid for: %i", (type, paid) => {
    expect(templates.ofType(type).length).toBe(paid);
  });

  it("has alarms on as many metrics as are paid for, formulas counted by what they read", () => {
    const alarm = z.object({ Metrics: z.optional(z.array(z.object({ MetricStat: z.optional(z.unknown()) }))) });
    const read = templates
      .read("AWS::CloudWatch::Alarm", alarm)
      .map(({ properties: { Metrics } }) => Metrics?.filter(({ MetricStat }) => MetricStat).length ?? 1);
    expect(read.reduce((sum, count) => sum + count, 0)).toBe(DEPLOYED.metricsWithAlarm);
  });

  it("measures as many metrics of its own as are paid for: those on the dashboard, and those counted in logs", () => {
    const body = z.object({ DashboardBody: z.object({ "Fn::Join": z.tuple([z.literal(""), z.array(z.unknown())]) }) });
    const [dashboard] = templates.read("AWS::CloudWatch::Dashboard", body);
    const text = dashboard?.properties.DashboardBody["Fn::Join"][1].map((part) => (typeof part === "string" ? part : "")).join("") ?? "";
    const shown = new Set([...text.matchAll(/\["auto-recharge-dev"((?:,"[^"]+")+)/g)].map(([, metric]) => metric));
    expect(shown.size + templates.ofType("AWS::Logs::MetricFilter").length).toBe(DEPLOYED.metrics);
  });
});
