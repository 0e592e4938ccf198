import { describe, expect, it } from "@jest/globals";
import { ASSUMED, checkersFor, DEPLOYED, monthlyCosts, priceOf, rechargeSeconds, SCALES } from "../../bench/costs.ts";
import { CPU_MILLISECONDS, MEASURED } from "../../bench/measured.ts";
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

describe("what is deployed", () => {
  it.each([
    ["AWS::CloudWatch::Alarm", DEPLOYED.alarms],
    ["AWS::SecretsManager::Secret", DEPLOYED.secrets],
    ["AWS::Lambda::EventSourceMapping", DEPLOYED.queuesWithReader],
  ])("has not more of %s than are paid for: %i", (type, paid) => {
    expect(templates.ofType(type).length).toBeLessThanOrEqual(paid);
  });
});
