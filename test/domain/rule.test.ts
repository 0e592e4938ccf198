import { describe, expect, it } from "@jest/globals";
import { createRule, deleteRule, newEsim, replaceRule, ruleOf, setRuleState, suspendRule } from "../../functions/domain/esim.ts";
import { money } from "../../functions/domain/money.ts";
import { type RuleSettings, ruleProblems, topUpAmount, worstCasePerMonth } from "../../functions/domain/rule.ts";
import { cny, esimWithRule, ICCID, NOW, ruleSettings, SUBSCRIBER } from "../builders.ts";

const LATER = "2026-11-23T09:00:00.000Z";
const consent = { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" };
const input = (changes = {}) => ({ subscriberId: SUBSCRIBER, settings: ruleSettings(changes), consent, writeId: "write-2" });

describe("a rule", () => {
  it("is saved active, tells of itself, and has the line looked at", () => {
    const decision = createRule(newEsim(ICCID), input(), NOW);
    expect(decision).toMatchObject({
      kind: "changed",
      rule: { version: 1, status: { state: "active" }, consent },
      esim: { subscriberId: SUBSCRIBER, pendingEvents: [{ name: "RuleSaved", id: `${ICCID}/rule/1/RuleSaved` }], lookAt: "2026-11-23T08:01:00.000Z" },
    });
  });

  it("is the only one of its line", () => expect(createRule(esimWithRule(), input(), NOW)).toEqual({ kind: "refused", reason: "rule-exists" }));

  it("of a former payer gives way to the new holder's, and the former payer is told", () => {
    const decision = createRule(esimWithRule(), { ...input(), subscriberId: "sub-eve" }, LATER);
    expect(decision).toMatchObject({
      kind: "changed",
      esim: {
        subscriberId: "sub-eve",
        pendingEvents: [
          { name: "RuleSuspended", subscriberId: SUBSCRIBER, reason: "line-not-yours" },
          { name: "RuleSaved", subscriberId: "sub-eve" },
        ],
      },
    });
  });

  it("that is saved while a look is far away is looked at soon, and one that comes soon is left where it is", () => {
    const far = { ...esimWithRule(), lookAt: "2026-11-24T08:00:00.000Z" };
    expect(suspendRule(far, "currency-changed", NOW).lookAt).toBe("2026-11-23T08:01:00.000Z");
    expect(suspendRule({ ...far, lookAt: "2026-11-23T08:03:00.000Z" }, "currency-changed", NOW).lookAt).toBe("2026-11-23T08:03:00.000Z");
  });

  it("is replaced on the version that was read, keeps its status, and wakes a quiet line up", () => {
    const paused = setRuleState(esimWithRule(), { subscriberId: SUBSCRIBER, state: "paused", writeId: "w" }, 1, NOW);
    if (paused.kind !== "changed") throw new Error();
    const replaced = replaceRule({ ...paused.esim, quietUntil: LATER, tier: "24h" }, input({ threshold: cny(2000) }), 2, LATER);
    expect(replaced).toMatchObject({
      kind: "changed",
      rule: { version: 3, threshold: cny(2000), status: { state: "paused" }, createdAt: NOW, updatedAt: LATER },
      esim: { tier: "15m", quietUntil: undefined },
    });
    expect(replaceRule(esimWithRule(), input(), 7, NOW)).toEqual({ kind: "refused", reason: "version-mismatch" });
  });

  const RAISED: readonly (readonly [says: string, changes: Partial<RuleSettings>, timeZone?: string])[] = [
    ["a higher threshold", { threshold: cny(1001) }],
    ["a higher amount", { topUp: { type: "fixed", amount: cny(5001) } }],
    ["a target instead of an amount", { topUp: { type: "target", target: cny(4000) } }],
    ["a higher cap", { limits: { perMonth: cny(20_001), timesPerDay: 3, cooldownMinutes: 60 } }],
    ["one more recharge a day", { limits: { perMonth: cny(20_000), timesPerDay: 4, cooldownMinutes: 60 } }],
    ["a shorter pause", { limits: { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 59 } }],
    ["another way to pay", { paymentMethodId: "pm_2" }],
    ["a shorter notice", { noticeMinutes: 119 }],
    ["no notice", { noticeMinutes: undefined }],
    ["another currency", { threshold: money(1, "USD") }],
    ["another time zone", {}, "Asia/Tokyo"],
  ];

  it.each(RAISED)("needs a new consent for %s", (_, changes, timeZone = "Asia/Shanghai") => {
    const esim = esimWithRule({ noticeMinutes: 120 });
    const change = { ...input({ noticeMinutes: 120, ...changes }), consent: undefined, timeZone };
    expect(replaceRule(esim, change, 1, LATER)).toEqual({ kind: "refused", reason: "consent-needed" });
    const agreed = { ...consent, termsHash: "h4sh", at: LATER, timeZone };
    expect(replaceRule(esim, { ...change, consent: agreed }, 1, LATER)).toMatchObject({ kind: "changed", rule: { consent: agreed } });
  });

  it("needs a new consent for a higher target, or an amount instead of it", () => {
    const esim = esimWithRule({ topUp: { type: "target", target: cny(8000) } });
    const replaced = (topUp: RuleSettings["topUp"]) => replaceRule(esim, { ...input({ topUp }), consent: undefined, timeZone: "Asia/Shanghai" }, 1, LATER).kind;
    expect(replaced({ type: "target", target: cny(8001) })).toBe("refused");
    expect(replaced({ type: "fixed", amount: cny(400) })).toBe("refused");
    expect(replaced({ type: "target", target: cny(7999) })).toBe("changed");
  });

  it("goes on standing on its consent when nothing is raised", () => {
    const limits = { perMonth: cny(10_000), timesPerDay: 1, cooldownMinutes: 120 };
    const lower = { threshold: cny(500), topUp: { type: "fixed", amount: cny(3000) }, limits, noticeMinutes: 60 };
    for (const changes of [{}, lower]) {
      const change = { ...input(changes), consent: undefined, timeZone: "Asia/Shanghai" };
      expect(replaceRule(esimWithRule(), change, 1, LATER)).toMatchObject({ kind: "changed", rule: { consent, updatedAt: LATER } });
    }
  });

  it.each<[string, Pick<RuleSettings, "topUp" | "limits">, number]>([
    [
      "as many whole amounts as the cap takes",
      { topUp: { type: "fixed", amount: cny(3000) }, limits: { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 60 } },
      18_000,
    ],
    [
      "what 31 days of its daily limit take",
      { topUp: { type: "fixed", amount: cny(400) }, limits: { perMonth: cny(20_000), timesPerDay: 1, cooldownMinutes: 60 } },
      12_400,
    ],
    [
      "the cap on the way to a target",
      { topUp: { type: "target", target: cny(3000) }, limits: { perMonth: cny(20_001), timesPerDay: 1, cooldownMinutes: 60 } },
      20_001,
    ],
  ])("charges in a month at worst %s", (_, settings, amount) => expect(worstCasePerMonth(settings)).toEqual(cny(amount)));

  it("is nobody else's business", () => {
    const esim = esimWithRule();
    const stranger = "sub-eve";
    expect(ruleOf(esim, stranger)).toBeUndefined();
    const refused = { kind: "refused", reason: "no-rule" };
    expect(replaceRule(esim, { ...input(), subscriberId: stranger }, 1, NOW)).toEqual(refused);
    expect(setRuleState(esim, { subscriberId: stranger, state: "paused", writeId: "w" }, 1, NOW)).toEqual(refused);
    expect(deleteRule(esim, stranger, 1, NOW)).toEqual(refused);
  });

  it("leaves the counters behind when it is deleted, and its successor goes on with higher versions", () => {
    const spend = { [SUBSCRIBER]: { month: "2026-11", monthAmounts: [cny(5000)], day: "2026-11-23", dayCount: 1, lastEndedAt: NOW } };
    const deleted = deleteRule({ ...esimWithRule(), spend, version: 4 }, SUBSCRIBER, 1, LATER);
    expect(deleted).toMatchObject({ kind: "changed", esim: { rule: undefined, spend, pendingEvents: [{ name: "RuleDeleted" }] } });
    if (deleted.kind !== "changed") throw new Error();
    expect(createRule({ ...deleted.esim, version: 5 }, input(), LATER)).toMatchObject({ kind: "changed", rule: { version: 6 }, esim: { spend } });
  });

  it("is suspended once, with its reason told", () => {
    const suspended = suspendRule(esimWithRule(), "declined-too-often", NOW);
    expect(suspended.rule?.status).toEqual({ state: "suspended", at: NOW, reason: "declined-too-often" });
    expect(suspended.pendingEvents).toMatchObject([{ name: "RuleSuspended", reason: "declined-too-often", ruleVersion: 2 }]);
    expect(suspendRule(suspended, "currency-changed", LATER)).toBe(suspended);
  });
});

const CNY_LINE = { currency: "CNY" };

describe("what a change of a rule tells", () => {
  const eventOf = (decision: ReturnType<typeof deleteRule>) => (decision.kind === "changed" ? decision.esim.pendingEvents.at(-1) : undefined);
  const setState = (state: "active" | "paused") => eventOf(setRuleState(esimWithRule(), { subscriberId: SUBSCRIBER, state, writeId: "w" }, 1, LATER));

  it("names what happened, under a version that no earlier change had", () => {
    expect(setState("paused")).toMatchObject({ name: "RulePaused", ruleVersion: 2 });
    expect(setState("active")).toMatchObject({ name: "RuleSaved", ruleVersion: 2 });
    expect(eventOf(deleteRule(esimWithRule(), SUBSCRIBER, 1, LATER))).toMatchObject({ name: "RuleDeleted", ruleVersion: 2 });
  });
});

describe("the settings of a rule", () => {
  it("make sense when the cap leaves room for one recharge", () => {
    expect(ruleProblems(ruleSettings(), CNY_LINE)).toEqual([]);
    expect(ruleProblems(ruleSettings({ limits: { perMonth: cny(5000), timesPerDay: 1, cooldownMinutes: 15 } }), CNY_LINE)).toEqual([]);
  });

  it.each([
    ["a cap below one recharge", { limits: { perMonth: cny(4999), timesPerDay: 3, cooldownMinutes: 60 } }, "/limits/perMonth/amount"],
    [
      "a cap of just what is missing at the threshold, since a low balance lacks more",
      { topUp: { type: "target", target: cny(5000) } as const, limits: { perMonth: cny(4000), timesPerDay: 3, cooldownMinutes: 60 } },
      "/limits/perMonth/amount",
    ],
    ["a target at the threshold", { topUp: { type: "target", target: cny(1000) } as const }, "/topUp/target/amount"],
    ["a threshold in another currency", { threshold: money(1000, "USD") }, "/threshold/currency"],
    ["an amount in another currency", { topUp: { type: "fixed", amount: money(5000, "USD") } as const }, "/topUp/amount/currency"],
    ["a target in another currency", { topUp: { type: "target", target: money(5000, "USD") } as const }, "/topUp/target/currency"],
    ["a cap in another currency", { limits: { perMonth: money(5000, "USD"), timesPerDay: 3, cooldownMinutes: 60 } }, "/limits/perMonth/currency"],
  ])("make no sense with %s", (_, changes, pointer) => {
    expect(ruleProblems(ruleSettings(changes), CNY_LINE).map((problem) => problem.pointer)).toEqual([pointer]);
  });

  it("make sense with an amount that the carrier adds", () => {
    expect(ruleProblems(ruleSettings(), { currency: "CNY", topUpAmounts: [1000, 5000] })).toEqual([]);
  });

  it.each([
    [
      "below what can be charged",
      "CNY",
      { type: "fixed", amount: cny(399) } as const,
      "/topUp/amount/amount",
      "must be at least CNY 4.00, the least that can be charged",
    ],
    [
      "below what can be charged in yen",
      "JPY",
      { type: "fixed", amount: money(49, "JPY") } as const,
      "/topUp/amount/amount",
      "must be at least JPY 50, the least that can be charged",
    ],
    [
      "that ends in a thousandth of a dinar",
      "KWD",
      { type: "fixed", amount: money(5005, "KWD") } as const,
      "/topUp/amount/amount",
      "must be a multiple of KWD 0.010: smaller parts cannot be charged",
    ],
    [
      "of a fraction of a krona",
      "ISK",
      { type: "fixed", amount: money(50_050, "ISK") } as const,
      "/topUp/amount/amount",
      "must be a multiple of ISK 1.00: smaller parts cannot be charged",
    ],
    [
      "to a target too near to the threshold",
      "CNY",
      { type: "target", target: cny(1398) } as const,
      "/topUp/target/amount",
      "must be further above the threshold of CNY 10.00: less than CNY 4.00 cannot be charged",
    ],
  ])("make no sense with a sum %s", (_, currency, topUp, pointer, detail) => {
    const limits = { perMonth: money(100_000, currency), timesPerDay: 3, cooldownMinutes: 60 };
    expect(ruleProblems(ruleSettings({ topUp, threshold: money(1000, currency), limits }), { currency })).toEqual([{ pointer, detail }]);
  });

  it("are told what would be right", () => {
    const details = (changes: Partial<RuleSettings>) => ruleProblems(ruleSettings(changes), CNY_LINE).map(({ detail }) => detail);
    expect(details({ threshold: money(1000, "USD") })).toEqual(["must be CNY, the currency of this line"]);
    expect(details({ topUp: { type: "target", target: cny(1000) } })).toEqual(["must be above the threshold of CNY 10.00"]);
    expect(details({ limits: { perMonth: cny(4999), timesPerDay: 3, cooldownMinutes: 60 } })).toEqual([
      "must be at least CNY 50.00, one recharge of this rule",
    ]);
  });

  it("make sense with the least that can be charged", () => {
    expect(ruleProblems(ruleSettings({ topUp: { type: "fixed", amount: cny(400) } }), CNY_LINE)).toEqual([]);
    expect(ruleProblems(ruleSettings({ topUp: { type: "target", target: cny(1399) } }), CNY_LINE)).toEqual([]);
  });

  it("make no sense with an amount or a target that the carrier does not add", () => {
    const line = { currency: "CNY", topUpAmounts: [1000, 3000] };
    expect(ruleProblems(ruleSettings(), line)).toEqual([
      { pointer: "/topUp/amount/amount", detail: "must be one of the amounts that your carrier adds to this line: CNY 10.00, CNY 30.00" },
    ]);
    expect(ruleProblems(ruleSettings({ topUp: { type: "target", target: cny(5000) } }), line)).toMatchObject([{ pointer: "/topUp/type" }]);
  });

  it("make no sense with more than the operator lets anybody recharge at once, as an amount or as the target of an empty line", () => {
    const line = { ...CNY_LINE, most: 20_000 };
    const limits = { perMonth: cny(50_000), timesPerDay: 3, cooldownMinutes: 60 };
    const detail = "must be at most CNY 200.00, the most that can be recharged at once";
    for (const [pointer, topUp] of [
      ["/topUp/amount/amount", (amount: number) => ({ type: "fixed", amount: cny(amount) }) as const],
      ["/topUp/target/amount", (amount: number) => ({ type: "target", target: cny(amount) }) as const],
    ] as const) {
      expect(ruleProblems(ruleSettings({ topUp: topUp(20_001), limits }), line)).toEqual([{ pointer, detail }]);
      expect(ruleProblems(ruleSettings({ topUp: topUp(20_000), limits }), line)).toEqual([]);
    }
  });

  it("charge up to the target in steps that can be charged, and never above it", () => {
    expect(topUpAmount({ type: "target", target: money(5000, "KWD") }, money(1234, "KWD"))).toEqual(money(3760, "KWD"));
    expect(topUpAmount({ type: "target", target: money(500_000, "ISK") }, money(-150, "ISK"))).toEqual(money(500_100, "ISK"));
  });

  it("charge the fixed amount, or what is missing up to the target", () => {
    expect(topUpAmount({ type: "fixed", amount: cny(5000) }, cny(-20))).toEqual(cny(5000));
    expect(topUpAmount({ type: "target", target: cny(5000) }, cny(-20))).toEqual(cny(5020));
  });
});
