import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { iccid } from "../../functions/contracts/iccid.ts";
import { newRuleBody, previewBody, ruleBody, ruleStateBody } from "../../functions/contracts/rules.ts";
import { ICCID } from "../builders.ts";

const cny = (amount: unknown) => ({ amount, currency: "CNY" });

const RULE = {
  threshold: cny(1000),
  topUp: { type: "fixed", amount: cny(5000) },
  limits: { perMonth: cny(20_000), timesPerDay: 5, cooldownMinutes: 30 },
  paymentMethodId: "pm_1Nv0FGQ9RKHgCVdK00dK5vWm",
  timeZone: "Asia/Shanghai",
  noticeMinutes: 60,
  consent: { termsHash: "A".repeat(43) },
};

/** Where a body is wrong, as JSON pointers; nothing when it is good. */
function pointersOf(schema: z.ZodMiniType, body: unknown): string[] {
  const { error } = z.safeParse(schema, body);
  return (error?.issues ?? []).flatMap((issue) => {
    const paths = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return paths.map((path) => path.map((key) => `/${String(key)}`).join(""));
  });
}

function detailsOf(schema: z.ZodMiniType, body: unknown): string[] {
  return (z.safeParse(schema, body).error?.issues ?? []).map((issue) => issue.message);
}

describe("the body of a rule", () => {
  it("comes back as it was sent", () => {
    expect(z.parse(ruleBody, RULE)).toEqual(RULE);
    expect(z.parse(newRuleBody, { iccid: ICCID, ...RULE })).toEqual({ iccid: ICCID, ...RULE });
  });

  it("need not say how often a day, and how long to wait", () => {
    const body = { ...RULE, limits: { perMonth: cny(20_000) } };
    expect(z.parse(ruleBody, body).limits).toEqual({ perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 60 });
  });

  it("need not name a way to pay, nor ask to be told before a charge", () => {
    const { paymentMethodId: _default, noticeMinutes: _none, ...body } = RULE;
    expect(z.parse(ruleBody, body)).toEqual({ ...body, noticeMinutes: 0 });
  });

  it("is agreed to when it is new, may be when it replaces another, and is not when it is only reviewed", () => {
    const { consent, ...body } = RULE;
    expect(pointersOf(newRuleBody, { iccid: ICCID, ...body })).toEqual(["/consent"]);
    expect(pointersOf(ruleBody, body)).toEqual([]);
    expect(pointersOf(previewBody, { iccid: ICCID, ...body })).toEqual([]);
    expect(pointersOf(previewBody, { iccid: ICCID, ...body, consent })).toEqual(["/consent"]);
  });

  it.each<[string, object]>([
    ["a threshold of nothing", { threshold: cny(0) }],
    ["the smallest and the largest sum", { topUp: { type: "fixed", amount: cny(1) }, limits: { perMonth: cny(99_999_999) } }],
    ["a target", { topUp: { type: "target", target: cny(8000) } }],
    ["a currency without decimals", { threshold: { amount: 500, currency: "JPY" } }],
    ["the tightest limits", { limits: { perMonth: cny(1), timesPerDay: 1, cooldownMinutes: 10_080 } }],
    ["the loosest limits", { limits: { perMonth: cny(1), timesPerDay: 24, cooldownMinutes: 15 } }],
    ["UTC", { timeZone: "UTC" }],
    ["no notice", { noticeMinutes: 0 }],
    ["the shortest notice", { noticeMinutes: 30 }],
    ["the longest notice", { noticeMinutes: 1440 }],
  ])("may say %s", (_, changes) => expect(pointersOf(ruleBody, { ...RULE, ...changes })).toEqual([]));

  it.each<[string, object, string[]]>([
    ["no threshold", { threshold: undefined }, ["/threshold"]],
    ["a bare number", { threshold: 1000 }, ["/threshold"]],
    ["a negative threshold", { threshold: cny(-1) }, ["/threshold/amount"]],
    ["a fraction", { threshold: cny(10.5) }, ["/threshold/amount"]],
    ["a number as text", { threshold: cny("1000") }, ["/threshold/amount"]],
    ["a number beyond what Stripe takes", { threshold: cny(100_000_000) }, ["/threshold/amount"]],
    ["a sum without a currency", { threshold: { amount: 1000 } }, ["/threshold/currency"]],
    ["a currency in lower case", { threshold: { amount: 1000, currency: "cny" } }, ["/threshold/currency"]],
    ["a currency that is none", { threshold: { amount: 1000, currency: "ZZZ" } }, ["/threshold/currency"]],
    ["money with more than money", { threshold: { ...cny(1000), cents: true } }, ["/threshold/cents"]],
    ["no top-up", { topUp: undefined }, ["/topUp"]],
    ["a top-up of another type", { topUp: { type: "percent", amount: cny(10) } }, ["/topUp/type"]],
    ["a top-up of nothing", { topUp: { type: "fixed", amount: cny(0) } }, ["/topUp/amount/amount"]],
    ["a fixed top-up with a target", { topUp: { type: "fixed", amount: cny(5000), target: cny(8000) } }, ["/topUp/target"]],
    ["a target without a sum", { topUp: { type: "target" } }, ["/topUp/target"]],
    ["no limits", { limits: undefined }, ["/limits"]],
    ["no monthly cap", { limits: {} }, ["/limits/perMonth"]],
    ["a monthly cap of nothing", { limits: { perMonth: cny(0) } }, ["/limits/perMonth/amount"]],
    ["never a day", { limits: { ...RULE.limits, timesPerDay: 0 } }, ["/limits/timesPerDay"]],
    ["too often a day", { limits: { ...RULE.limits, timesPerDay: 25 } }, ["/limits/timesPerDay"]],
    ["half a time a day", { limits: { ...RULE.limits, timesPerDay: 1.5 } }, ["/limits/timesPerDay"]],
    ["too short a cooldown", { limits: { ...RULE.limits, cooldownMinutes: 14 } }, ["/limits/cooldownMinutes"]],
    ["a cooldown of more than a week", { limits: { ...RULE.limits, cooldownMinutes: 10_081 } }, ["/limits/cooldownMinutes"]],
    ["a notice that comes too late to skip anything", { noticeMinutes: 29 }, ["/noticeMinutes"]],
    ["a notice of more than a day", { noticeMinutes: 1441 }, ["/noticeMinutes"]],
    ["a notice of half a minute", { noticeMinutes: 30.5 }, ["/noticeMinutes"]],
    ["a notice before now", { noticeMinutes: -30 }, ["/noticeMinutes"]],
    ["a way to pay that is nothing", { paymentMethodId: null }, ["/paymentMethodId"]],
    ["a card number as the way to pay", { paymentMethodId: "4242424242424242" }, ["/paymentMethodId"]],
    ["a way to pay that is only its prefix", { paymentMethodId: "pm_" }, ["/paymentMethodId"]],
    ["a way to pay with a path in it", { paymentMethodId: "pm_1/detach" }, ["/paymentMethodId"]],
    ["an offset as time zone", { timeZone: "+08:00" }, ["/timeZone"]],
    ["a time zone that is none", { timeZone: "Asia/Atlantis" }, ["/timeZone"]],
    ["consent to nothing", { consent: {} }, ["/consent/termsHash"]],
    ["consent to what is no hash", { consent: { termsHash: "yes" } }, ["/consent/termsHash"]],
    ["consent to a version only", { consent: { termsVersion: "2026-11-28" } }, ["/consent/termsHash", "/consent/termsVersion"]],
    ["a field that is not there", { status: "active" }, ["/status"]],
    ["two things at once", { threshold: cny(-1), timeZone: "Mars" }, ["/threshold/amount", "/timeZone"]],
  ])("may not say %s", (_, changes, pointers) => {
    expect(pointersOf(ruleBody, { ...RULE, ...changes })).toEqual(pointers);
    expect(pointersOf(newRuleBody, { iccid: ICCID, ...RULE, ...changes })).toEqual(pointers);
  });

  it("names its line when it is new, and only then", () => {
    expect(pointersOf(newRuleBody, RULE)).toEqual(["/iccid"]);
    expect(pointersOf(ruleBody, { iccid: ICCID, ...RULE })).toEqual(["/iccid"]);
  });

  it.each([null, undefined, "rule", 7, [], true])("is an object, and not %j", (body) => {
    for (const schema of [ruleBody, newRuleBody, ruleStateBody]) expect(pointersOf(schema, body)).toEqual([""]);
  });
});

describe("the ICCID of a body", () => {
  it.each<[string, unknown, string]>([
    ["a number", 8_986_012_345_678_900, "must be a text of 18 to 22 digits"],
    ["17 digits", "89860123456789000", "must be 18 to 22 digits"],
    ["digits with spaces", "8986 0123 4567 8900 017", "must be 18 to 22 digits"],
    ["a phone's IMEI prefix", "3586012345678900017", "must start with 89, as every ICCID does"],
    ["a digit that was mistyped", "8986012345678900018", "has a wrong check digit (Luhn): one of its digits was mistyped"],
  ])("may not be %s, and says why", (_, value, detail) => expect(detailsOf(iccid, value)).toEqual([detail]));

  it("may have a right check digit", () => expect(detailsOf(iccid, ICCID)).toEqual([]));
});

describe("the body that pauses or resumes a rule", () => {
  it("says active or paused", () => {
    for (const status of ["active", "paused"]) expect(z.parse(ruleStateBody, { status })).toEqual({ status });
  });

  it.each<[string, unknown, string[]]>([
    ["nothing", {}, ["/status"]],
    ["what only the machine says", { status: "suspended" }, ["/status"]],
    ["an object", { status: { state: "active" } }, ["/status"]],
    ["settings too", { status: "active", threshold: cny(1) }, ["/threshold"]],
  ])("does not say %s", (_, body, pointers) => expect(pointersOf(ruleStateBody, body)).toEqual(pointers));
});
