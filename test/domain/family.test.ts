import { describe, expect, it } from "@jest/globals";
import { applyAdjustment, type PaymentFact } from "../../functions/domain/adjustments.ts";
import { billOf } from "../../functions/domain/bill.ts";
import {
  createRule,
  deleteRule,
  type Esim,
  newEsim,
  type RuleDecision,
  replaceRule,
  setRuleState,
  suspendRule,
  withoutGrantOf,
} from "../../functions/domain/esim.ts";
import type { FamilyGrant } from "../../functions/domain/family.ts";
import { endGrant, giveGrant, type NewGrant } from "../../functions/domain/give-grant.ts";
import { withCodeTurn } from "../../functions/domain/line-codes.ts";
import { money } from "../../functions/domain/money.ts";
import { applyCleared, applyDue, applyMove, applyRequested, applyReserved, applyWait, decideRecharge, isStillWanted } from "../../functions/domain/recharge.ts";
import type { Move } from "../../functions/domain/recharge-states.ts";
import { ruleProblems } from "../../functions/domain/rule.ts";
import { type Instant, plusMinutes } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, ruleSettings, SUBSCRIBER } from "../builders.ts";

const HOLDER = "sub-lin";
const STRANGER = "sub-eve";
const UNTIL = "2027-06-30T16:00:00.000Z";
const CONSENT = { termsVersion: "2026-11-28", at: NOW };

function grant(changes: Partial<FamilyGrant> = {}): FamilyGrant {
  return { subscriberId: SUBSCRIBER, holder: "holder-1", since: NOW, until: UNTIL, cap: cny(20_000), spent: cny(0), consent: CONSENT, ...changes };
}

/** Ada's rule on a line of Lin's. */
function familyLine(changes: Partial<FamilyGrant> = {}): Esim {
  return { ...esimWithRule(), family: grant(changes) };
}

const RESERVATION = { rechargeId: "r-1", amount: cny(5000), period: { month: "2026-11", day: "2026-11-23" }, method: METHOD, reading: reading(999) };
const reserved = (changes: Partial<FamilyGrant> = {}) => applyReserved(familyLine(changes), RESERVATION, NOW);
const PAID: readonly Move[] = [
  { type: "created", paymentIntentId: "pi_1" },
  { type: "paid", at: NOW },
  { type: "credited", at: NOW },
];
const ended = (esim: Esim, moves = PAID) => moves.reduce((line, move) => applyMove(line, "r-1", move, NOW), esim);
const input = (subscriberId: string, byGrant = false) => ({
  subscriberId,
  settings: ruleSettings(),
  consent: { ...CONSENT, timeZone: "Asia/Shanghai" },
  writeId: "w",
  byGrant,
});

describe("a charge for a line of somebody else's", () => {
  it.each([
    ["with room for exactly this amount", { spent: cny(15_000) }, NOW, { kind: "recharge" }],
    ["with one fen less", { spent: cny(15_001) }, NOW, { kind: "suspend", reason: "family-limit-reached" }],
    ["in the last moment of its time", {}, "2027-06-30T15:59:59.999Z", { kind: "recharge" }],
    ["when its time is over", {}, UNTIL, { kind: "suspend", reason: "family-ended" }],
    ["that counts in another currency", { cap: money(20_000, "USD"), spent: money(0, "USD") }, NOW, { kind: "suspend", reason: "family-limit-reached" }],
    ["that was given to another payer", { subscriberId: STRANGER, spent: cny(20_000), until: NOW }, NOW, { kind: "recharge" }],
  ])("is decided by a grant %s", (_, changes, now, decision) => {
    expect(decideRecharge(familyLine(changes), cny(999), { declines: [] }, now)).toMatchObject(decision);
  });

  it.each([
    [
      "a day, with a reminder half way, in the middle of the grant",
      UNTIL,
      undefined,
      { remindAt: plusMinutes(NOW, 12 * 60), expiresAt: plusMinutes(NOW, 24 * 60) },
    ],
    [
      "the grant's end, with a reminder before",
      plusMinutes(NOW, 13 * 60),
      undefined,
      { remindAt: plusMinutes(NOW, 12 * 60), expiresAt: plusMinutes(NOW, 13 * 60) },
    ],
    ["the grant's end, without one where that comes sooner", plusMinutes(NOW, 12 * 60), undefined, { expiresAt: plusMinutes(NOW, 12 * 60) }],
    ["an hour at the checkout", UNTIL, "payer", { expiresAt: plusMinutes(NOW, 60) }],
    ["the grant's end at the checkout", plusMinutes(NOW, 30), "payer", { expiresAt: plusMinutes(NOW, 30) }],
  ] as const)("waits for its payer until %s", (_, until, origin, times) => {
    const { open, ...line } = reserved({ until });
    if (open === undefined) throw new Error("Nothing is open");
    const waiting = applyMove({ ...line, open: { ...open, origin } }, "r-1", { type: "awaiting", paymentIntentId: "pi_1", at: NOW }, NOW);
    expect(waiting.open?.state).toEqual({ name: "awaiting-customer", paymentIntentId: "pi_1", ...times });
  });

  it("freezes the terms on which it stands, and its bill shows them", () => {
    const consent = { termsVersion: "2026-11-28", at: NOW };
    const terms = { since: NOW, until: UNTIL, cap: cny(20_000), spent: cny(3000), consent };
    const line = ended(reserved({ spent: cny(3000) }));
    expect(line.open?.family).toEqual(terms);
    if (line.open === undefined) throw new Error();
    expect(billOf(ICCID, "hash", line.open).family).toEqual(terms);
    const own = ended(applyReserved(esimWithRule(), RESERVATION, NOW));
    if (own.open === undefined) throw new Error();
    expect("family" in billOf(ICCID, "hash", own.open)).toBe(false);
  });

  it("is booked on its grant when the line is set free, and on no other one", () => {
    const cleared = (esim: Esim) => applyCleared(esim, "r-1", [], NOW).family;
    expect(cleared(ended(reserved({ spent: cny(3000) })))?.spent).toEqual(cny(8000));
    const later = grant({ since: "2026-11-23T09:00:00.000Z" });
    expect(cleared({ ...ended(reserved()), family: later })).toEqual(later);
    expect(cleared({ ...ended(reserved()), family: undefined })).toBeUndefined();
    expect(cleared(ended(reserved(), [{ type: "dropped", reason: "outdated", at: NOW }]))?.spent).toEqual(cny(0));
  });

  it.each([
    ["as it was", grant({ spent: cny(15_000) }), true],
    ["with another end and another cap that leaves room", grant({ until: NOW, cap: cny(5000) }), true],
    ["with a cap that leaves none any more", grant({ cap: cny(4999) }), false],
    ["of another time", grant({ since: "2026-11-23T09:00:00.000Z" }), false],
    ["that is gone", undefined, false],
  ])("is still wanted on a grant %s: %#", (_, family, wanted) => {
    const line = { ...reserved(), family };
    expect(line.open && isStillWanted(line, line.open)).toBe(wanted);
  });

  it.each(["payer", "backup"] as const)("that was wanted by its %s keeps to the grant too", (origin) => {
    const { rechargeId, amount, method } = RESERVATION;
    const consent = { ...CONSENT, timeZone: "Asia/Shanghai" };
    const request = { rechargeId, origin, subscriberId: SUBSCRIBER, amount, method, ruleVersion: 1, consent, at: NOW };
    const taken = (changes: Partial<FamilyGrant>) => applyRequested({ ...familyLine(changes), requested: request }, rechargeId, NOW);
    const wanted = (line: Esim) => line.open && isStillWanted(line, line.open);
    expect(taken({ spent: cny(15_000) }).open?.family).toMatchObject({ spent: cny(15_000) });
    expect(wanted(taken({ spent: cny(15_000) }))).toBe(true);
    expect(wanted(taken({ spent: cny(15_001) }))).toBe(false);
    expect(taken({ subscriberId: STRANGER }).open?.family).toBeUndefined();
  });

  it("that was announced is dropped when its time comes and the grant is over or spent", () => {
    const announced = (changes: Partial<FamilyGrant>): Esim => {
      const { rule } = esimWithRule();
      return { ...applyReserved({ ...familyLine(), rule: { ...rule, noticeMinutes: 60 } }, RESERVATION, NOW), family: grant(changes) };
    };
    const due = (changes: Partial<FamilyGrant>) => applyDue(announced(changes), "r-1", { reading: reading(999), declines: [] }, plusMinutes(NOW, 60));
    expect(due({}).open?.state.name).toBe("reserved");
    expect(due({ until: plusMinutes(NOW, 30) })).toMatchObject({
      open: { state: { name: "ended", end: "cancelled" } },
      rule: { status: { state: "suspended", reason: "family-ended" } },
    });
    expect(due({ cap: cny(4999) }).open?.state).toMatchObject({ name: "ended", end: "cancelled" });
  });

  it("leaves the balance out of what its payer is told", () => {
    const decision = { kind: "wait", reason: "cap-reached", until: "2026-11-30T16:00:00.000Z" } as const;
    const told = (esim: Esim) => applyWait(esim, decision, reading(999), NOW).pendingEvents;
    expect(told(familyLine())).toMatchObject([{ name: "CapReached", perMonth: cny(20_000) }]);
    expect(JSON.stringify(told(familyLine()))).not.toContain("balance");
    expect(told(esimWithRule())).toMatchObject([{ name: "CapReached", balance: cny(999) }]);
  });
});

describe("a refund for a line of somebody else's", () => {
  const family = { since: NOW, until: UNTIL, cap: cny(20_000), spent: cny(0) };
  const bill = {
    rechargeId: "r-1",
    subscriberId: SUBSCRIBER,
    amount: cny(5000),
    period: RESERVATION.period,
    paymentIntentId: "pi_1",
    end: "succeeded",
  } as const;
  const spend = { ...RESERVATION.period, monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW };
  const line: Esim = { ...familyLine({ spent: cny(5000) }), spend: { [SUBSCRIBER]: spend } };
  const fact = (kind: PaymentFact["kind"], amount = cny(2000)): PaymentFact => ({ kind, objectId: "re_1", paymentIntentId: "pi_1", amount, at: NOW });
  const spentAfter = (adjusted: Parameters<typeof applyAdjustment>[1], ...facts: PaymentFact[]) =>
    facts.reduce((esim, each) => applyAdjustment(esim, adjusted, each, NOW), line).family?.spent;

  it("gives back to the grant that it was booked on, once, also when its month is over", () => {
    expect(spentAfter({ ...bill, family }, fact("refunded"))).toEqual(cny(3000));
    expect(spentAfter({ ...bill, family }, fact("refunded"), fact("refunded"))).toEqual(cny(3000));
    expect(spentAfter({ ...bill, family, period: { month: "2026-10", day: "2026-10-31" } }, fact("refunded"))).toEqual(cny(3000));
  });

  it("that fails after all counts again", () => {
    expect(spentAfter({ ...bill, family }, fact("refunded"), fact("refund-failed"))).toEqual(cny(5000));
    expect(spentAfter({ ...bill, family }, fact("refund-failed"))).toEqual(cny(5000));
  });

  it("gives nothing back to another grant, and a dispute gives back nothing", () => {
    expect(spentAfter({ ...bill, family: { ...family, since: "2026-11-01T00:00:00.000Z" } }, fact("refunded"))).toEqual(cny(5000));
    expect(spentAfter(bill, fact("refunded"))).toEqual(cny(5000));
    expect(spentAfter({ ...bill, family }, fact("dispute-opened"), fact("dispute-lost"))).toEqual(cny(5000));
  });
});

describe("a grant", () => {
  const wanted = (changes: Partial<NewGrant> = {}): NewGrant => {
    const { spent: _spent, since: _since, ...rest } = grant();
    return { ...rest, ...changes };
  };
  const LATER = "2026-11-23T09:00:00.000Z";

  it("makes its payer the line's", () => {
    expect(giveGrant(newEsim(ICCID), wanted(), NOW)).toMatchObject({ subscriberId: SUBSCRIBER, family: { since: NOW, spent: cny(0), cap: cny(20_000) } });
  });

  it("that is given anew to the same payer by the same holder goes on counting, and keeps the rule", () => {
    const again = giveGrant(familyLine({ spent: cny(7000), refunds: ["re_1"] }), wanted({ cap: cny(9000), until: LATER }), LATER);
    expect(again).toMatchObject({ rule: { version: 1 }, family: { since: NOW, spent: cny(7000), refunds: ["re_1"], cap: cny(9000), until: LATER } });
  });

  it.each([
    ["another holder", { holder: "holder-2" }],
    ["another payer", { subscriberId: STRANGER }],
    ["another currency", { cap: money(20_000, "USD") }],
  ])("of %s counts anew", (_, changes) => {
    const line = { ...familyLine({ spent: cny(7000) }), rule: undefined };
    expect(giveGrant(line, wanted(changes), LATER)?.family).toMatchObject({ since: LATER, spent: { amount: 0 }, ...changes });
  });

  it("is not given over a rule that was saved without it, unless that is dead already, and then drops it", () => {
    const own = { ...esimWithRule(), subscriberId: HOLDER };
    const suspended = (reason: Parameters<typeof suspendRule>[1]) => suspendRule(own, reason, NOW);
    expect(giveGrant(own, wanted(), NOW)).toBeUndefined();
    expect(giveGrant(esimWithRule(), wanted(), NOW)).toBeUndefined(); // the payer's own line, by what they know
    expect(giveGrant(suspended("declined-too-often"), wanted(), NOW)).toBeUndefined();
    for (const reason of ["line-not-yours", "family-ended"] as const) {
      expect(giveGrant(suspended(reason), wanted(), NOW)).toMatchObject({ subscriberId: SUBSCRIBER, rule: undefined, family: { since: NOW } });
    }
  });

  it("ends with its rule, for its own payer only", () => {
    expect(endGrant(familyLine(), SUBSCRIBER, NOW)).toMatchObject({ rule: undefined, family: undefined, pendingEvents: [{ name: "RuleDeleted" }] });
    expect(endGrant({ ...familyLine(), rule: undefined }, SUBSCRIBER, NOW)).toMatchObject({ family: undefined, pendingEvents: [] });
    expect(endGrant(familyLine(), HOLDER, NOW)).toBeUndefined();
    expect(endGrant(esimWithRule(), SUBSCRIBER, NOW)).toBeUndefined();
  });

  it("ends when the line's holder saves a rule, and its payer is told", () => {
    const taken = createRule(familyLine(), input(HOLDER), NOW);
    expect(taken).toMatchObject({
      kind: "changed",
      esim: {
        subscriberId: HOLDER,
        family: undefined,
        pendingEvents: [
          { name: "RuleSuspended", subscriberId: SUBSCRIBER, reason: "family-ended" },
          { name: "RuleSaved", subscriberId: HOLDER },
        ],
      },
    });
  });

  it.each([
    ["paused", setRuleState(familyLine(), { subscriberId: SUBSCRIBER, state: "paused", writeId: "w" }, 1, NOW)],
    ["suspended for another reason", { kind: "changed", esim: suspendRule(familyLine(), "declined-too-often", NOW) }],
  ] as const)("ends when the line's holder saves a rule, and its payer is told whose rule is %s", (_, before) => {
    if (before.kind !== "changed") throw new Error(before.reason);
    const taken = createRule({ ...before.esim, pendingEvents: [] }, input(HOLDER), NOW);
    const told = [{ name: "RuleSuspended", subscriberId: SUBSCRIBER, reason: "family-ended" }, { name: "RuleSaved" }];
    expect(taken).toMatchObject({ kind: "changed", esim: { pendingEvents: told } });
  });

  it("ends without another word when its payer was told before that they may not pay any more", () => {
    const over = { ...suspendRule(familyLine(), "family-ended", NOW), pendingEvents: [] };
    expect(createRule(over, input(HOLDER), NOW)).toMatchObject({ kind: "changed", esim: { pendingEvents: [{ name: "RuleSaved" }] } });
  });

  it.each(["active", "paused", "suspended"] as const)(
    "ends with its rule, which is %s, when the line is its payer's own by now, and they are told",
    (state) => {
      const rule = esimWithRule().rule;
      const status = state === "active" ? { state } : state === "paused" ? { state, at: NOW } : { state, at: NOW, reason: "declined-too-often" as const };
      const left = withoutGrantOf({ ...familyLine(), rule: rule && { ...rule, status } }, SUBSCRIBER, LATER);
      expect(left).toMatchObject({
        family: undefined,
        rule: { status: { state: "suspended", reason: "family-ended" } },
        pendingEvents: [{ name: "RuleSuspended", subscriberId: SUBSCRIBER, reason: "family-ended" }],
      });
      expect(withoutGrantOf(left, SUBSCRIBER, LATER)).toBe(left);
      expect(withoutGrantOf({ ...familyLine(), rule: undefined }, SUBSCRIBER, LATER)).toMatchObject({ family: undefined, pendingEvents: [] });
      const others = familyLine();
      expect(withoutGrantOf(others, STRANGER, LATER)).toBe(others);
    },
  );

  it("that is gone leaves a rule that goes on only when its payer agrees to it anew", () => {
    const needed = { kind: "refused", reason: "consent-needed" };
    const { consent: _none, ...unagreed } = { ...input(SUBSCRIBER), timeZone: "Asia/Shanghai" };
    expect(replaceRule(familyLine(), unagreed, 1, LATER)).toEqual(needed); // the same settings, without the end and the cap of the grant
    const left = withoutGrantOf(familyLine(), SUBSCRIBER, plusMinutes(NOW, 1));
    const version = left.rule?.version ?? 0;
    const set = (esim: Esim, state: "active" | "paused", on: number) => setRuleState(esim, { subscriberId: SUBSCRIBER, state, writeId: "w" }, on, LATER);
    for (const state of ["active", "paused"] as const) expect(set(left, state, version)).toEqual(needed);
    expect(replaceRule(left, unagreed, version, LATER)).toEqual(needed);
    const agreed = replaceRule(left, { ...input(SUBSCRIBER), consent: { ...input(SUBSCRIBER).consent, at: LATER } }, version, LATER);
    if (agreed.kind === "refused") throw new Error(agreed.reason);
    expect(set(agreed.esim, "active", version + 1)).toMatchObject({ kind: "changed", rule: { status: { state: "active" } } });
  });

  it("that is over leaves a rule that is not resumed on what was agreed to before, unless the holder gave another", () => {
    const ended = suspendRule(familyLine(), "family-ended", plusMinutes(NOW, 1));
    const resumed = (esim: Esim, now: Instant) => setRuleState(esim, { subscriberId: SUBSCRIBER, state: "active", writeId: "w" }, esim.rule?.version ?? 0, now);
    const { until } = grant();
    expect(resumed(ended, until)).toEqual({ kind: "refused", reason: "consent-needed" });
    expect(resumed({ ...ended, family: { ...grant(), until: plusMinutes(until, 1) } }, until)).toMatchObject({ kind: "changed" });
  });

  it("that is gone ends a rule also where its payer agreed to it again while they had one", () => {
    const ended = suspendRule(familyLine(), "family-ended", NOW);
    const agreed = { ...input(SUBSCRIBER, true), consent: { ...input(SUBSCRIBER).consent, at: plusMinutes(NOW, 1) } };
    const again = replaceRule(ended, agreed, ended.rule?.version ?? 0, plusMinutes(NOW, 1));
    if (again.kind === "refused") throw new Error(again.reason);
    const left = withoutGrantOf(again.esim, SUBSCRIBER, LATER);
    const version = left.rule?.version ?? 0;
    expect(setRuleState(left, { subscriberId: SUBSCRIBER, state: "active", writeId: "w" }, version, LATER)).toEqual({
      kind: "refused",
      reason: "consent-needed",
    });
  });

  it("ends without a word when the line became its payer's own, who saves a rule for it", () => {
    const replaced = replaceRule(familyLine(), input(SUBSCRIBER), 1, NOW);
    expect(replaced).toMatchObject({
      kind: "changed",
      rule: { status: { state: "active" } },
      esim: { family: undefined, pendingEvents: [{ name: "RuleSaved" }] },
    });
  });

  it("is what a rule of somebody else's line stands on: without it none is saved", () => {
    expect(createRule({ ...familyLine(), rule: undefined }, input(SUBSCRIBER, true), NOW)).toMatchObject({ kind: "changed", esim: { family: grant() } });
    expect(replaceRule(familyLine(), input(SUBSCRIBER, true), 1, NOW)).toMatchObject({ kind: "changed", esim: { family: grant() } });
    expect(createRule(newEsim(ICCID), input(SUBSCRIBER, true), NOW)).toEqual({ kind: "refused", reason: "no-grant" });
    expect(createRule(familyLine(), input(STRANGER, true), NOW)).toEqual({ kind: "refused", reason: "no-grant" });
    expect(replaceRule(esimWithRule(), input(SUBSCRIBER, true), 1, NOW)).toEqual({ kind: "refused", reason: "no-grant" });
  });
});

describe("the balance of a line of somebody else's", () => {
  const settings = (threshold: number, perMonth = 20_000) =>
    ruleSettings({ threshold: cny(threshold), limits: { perMonth: cny(perMonth), timesPerDay: 3, cooldownMinutes: 60 } });
  const saved = (threshold: number, byGrant = true) => ({ ...input(SUBSCRIBER, byGrant), settings: settings(threshold) });
  const lineAfter = (decision: RuleDecision): Esim => {
    if (decision.kind === "refused") throw new Error(decision.reason);
    return decision.esim;
  };
  const versionOf = ({ rule }: Esim) => rule?.version ?? 0;
  const fresh = () => lineAfter(createRule({ ...familyLine(), rule: undefined }, saved(1000), NOW));
  const TOO_SOON = { kind: "refused", reason: "threshold-too-soon" };

  it("is not closed in on: what counts as low may be chosen anew a day later, not sooner", () => {
    const line = fresh();
    expect(replaceRule(line, saved(2000), versionOf(line), plusMinutes(NOW, 24 * 60 - 1))).toEqual(TOO_SOON);
    const next = lineAfter(replaceRule(line, saved(2000), versionOf(line), plusMinutes(NOW, 24 * 60)));
    expect(replaceRule(next, saved(1000), versionOf(next), plusMinutes(NOW, 24 * 60 + 1))).toEqual(TOO_SOON);
  });

  it("is not closed in on by deleting the rule, or by agreeing anew", () => {
    const line = fresh();
    const deleted = lineAfter(deleteRule(line, SUBSCRIBER, versionOf(line), NOW));
    const { subscriberId, holder, cap, consent } = grant();
    const anew = giveGrant(deleted, { subscriberId, holder, cap, consent, until: plusMinutes(UNTIL, 60) }, NOW);
    for (const each of [deleted, anew]) {
      expect(each && createRule(each, saved(2000), plusMinutes(NOW, 60))).toEqual(TOO_SOON);
      expect(each && createRule(each, saved(1000), plusMinutes(NOW, 60))).toMatchObject({ kind: "changed" });
    }
  });

  it("lets everything else of the rule be changed at any time, and the threshold where the line became the payer's own", () => {
    const line = fresh();
    expect(replaceRule(line, { ...saved(1000), settings: settings(1000, 15_000) }, versionOf(line), NOW)).toMatchObject({ kind: "changed" });
    expect(replaceRule(line, saved(2000, false), versionOf(line), NOW)).toMatchObject({ kind: "changed", esim: { family: undefined } });
  });

  it("is not asked for anew by a change of the rule: a line that is left alone stays so", () => {
    const quiet = { quietUntil: plusMinutes(NOW, 7 * 24 * 60), quietWhileLow: true };
    const line = { ...fresh(), ...quiet };
    const version = versionOf(line);
    const paused = lineAfter(setRuleState(line, { subscriberId: SUBSCRIBER, state: "paused", writeId: "w" }, version, NOW));
    const resumed = lineAfter(setRuleState(paused, { subscriberId: SUBSCRIBER, state: "active", writeId: "w" }, version + 1, NOW));
    const replaced = lineAfter(replaceRule(line, saved(1000), version, NOW));
    const deleted = lineAfter(deleteRule(line, SUBSCRIBER, version, NOW));
    const created = lineAfter(createRule(deleted, saved(1000), NOW));
    for (const each of [paused, resumed, replaced, deleted, created]) expect(each).toMatchObject(quiet);
    // Of their own, and of a new payer, nothing is waited for.
    expect(lineAfter(replaceRule(line, saved(1000, false), version, NOW))).toMatchObject({ quietUntil: undefined, quietWhileLow: undefined });
    const left = endGrant(line, SUBSCRIBER, NOW);
    expect(left && giveGrant(left, { ...grant(), subscriberId: STRANGER }, NOW)).toMatchObject({ quietUntil: undefined, quietWhileLow: undefined });
  });

  it.each([
    ["is spent", { spent: cny(20_000) }, "family-limit-reached"],
    ["is over", { until: NOW }, "family-ended"],
  ])("is not told by a rule that is suspended as its grant %s: that happens whatever the balance is", (_, changes, reason) => {
    for (const balance of [999, 1000, 99_999])
      expect(decideRecharge(familyLine(changes), cny(balance), { declines: [] }, NOW)).toEqual({ kind: "suspend", reason });
  });
});

describe("a rule for a line of somebody else's", () => {
  const line = { currency: "CNY", lifetimeCap: cny(20_000) };

  it("recharges a fixed amount, as a target would tell the balance", () => {
    const target = ruleSettings({ topUp: { type: "target", target: cny(9000) } });
    expect(ruleProblems(target, line)).toEqual([{ pointer: "/topUp/type", detail: expect.stringMatching(/^must be "fixed".*balance/) }]);
    expect(ruleProblems(target, { currency: "CNY" })).toEqual([]);
  });

  it("spends no more in a month than may ever be spent", () => {
    const perMonth = (amount: number) => ruleProblems(ruleSettings({ limits: { perMonth: cny(amount), timesPerDay: 3, cooldownMinutes: 60 } }), line);
    expect(perMonth(20_000)).toEqual([]);
    expect(perMonth(20_001)).toEqual([{ pointer: "/limits/perMonth/amount", detail: expect.stringContaining("at most CNY 200.00") }]);
  });
});

describe("the codes of a line", () => {
  const minutesLater = (...minutes: readonly number[]) => minutes.map((minute) => plusMinutes(NOW, minute));

  it.each([
    ["the first", [], 0, true],
    ["one within two minutes of another", [0], 1.99, false],
    ["one two minutes later", [0], 2, true],
    ["the fifth of a day", [0, 10, 20, 30], 40, true],
    ["the sixth", [0, 10, 20, 30, 40], 60, false],
    ["the sixth, within a day of the first", [0, 10, 20, 30, 40], 24 * 60 - 0.01, false],
    ["one a day after the first of five", [0, 10, 20, 30, 40], 24 * 60, true],
  ])("are sent, or not: %s", (_, sent, minute, isSent) => {
    const [now = ""] = minutesLater(minute);
    const turns = withCodeTurn(minutesLater(...sent), now);
    expect(turns !== undefined).toBe(isSent);
    if (isSent) expect(turns?.at(-1)).toBe(now);
  });

  it("of another day are forgotten", () => {
    expect(withCodeTurn(minutesLater(0, 10), plusMinutes(NOW, 24 * 60 + 5))).toEqual(minutesLater(10, 24 * 60 + 5));
  });
});
