import { describe, expect, it } from "@jest/globals";
import { decideAtOnce } from "../../functions/domain/at-once.ts";
import { type Esim, newEsim, type Reading, setRuleState, suspendRule } from "../../functions/domain/esim.ts";
import { money } from "../../functions/domain/money.ts";
import { applyReserved, type LineFacts } from "../../functions/domain/recharge.ts";
import type { RuleSettings } from "../../functions/domain/rule.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, ruleSettings, SUBSCRIBER } from "../builders.ts";

const consent = { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" };
const EARLIER = "2026-11-23T07:30:00.000Z";

interface Saving {
  readonly esim?: Esim;
  readonly reading?: Reading;
  readonly facts?: LineFacts & { readonly isHeld?: boolean };
  readonly settings?: Partial<RuleSettings>;
}

const LOW = reading(999);
const decide = ({ esim = newEsim(ICCID), settings, facts, ...given }: Saving) =>
  decideAtOnce(
    esim,
    { subscriberId: SUBSCRIBER, settings: ruleSettings(settings), consent, writeId: "w" },
    "reading" in given ? given.reading : LOW,
    { declines: [], isHeld: false, ...facts },
    NOW,
  );
const spent = (changes: object = {}): Esim => ({
  ...esimWithRule(),
  spend: { [SUBSCRIBER]: { month: "2026-11", monthAmounts: [cny(5000)], day: "2026-11-22", dayCount: 1, lastEndedAt: "2026-11-22T00:00:00.000Z", ...changes } },
});
const open = applyReserved(
  esimWithRule(),
  { rechargeId: "r", amount: cny(5000), period: { month: "2026-11", day: "2026-11-23" }, method: METHOD, reading: LOW },
  NOW,
);
const paused = setRuleState(esimWithRule(), { subscriberId: SUBSCRIBER, state: "paused", writeId: "w" }, 1, NOW);
const soft = { declines: [{ rechargeId: "r-0", at: EARLIER, code: "do_not_honor", severity: "soft" }] } as const;

describe("saving a rule", () => {
  it.each<[string, Saving]>([
    ["of a line without one that is low", {}],
    ["of a line that has one", { esim: esimWithRule() }],
    ["of a line that was quiet: saving wakes it", { esim: { ...esimWithRule(), quietUntil: "2026-12-01T00:00:00.000Z" } }],
    ["of a line whose former payer's rule gives way", { esim: { ...esimWithRule(), subscriberId: "sub-eve" } }],
  ])("%s charges at once", (_, saving) => expect(decide(saving)).toEqual({ kind: "charge", amount: cny(5000) }));

  it("charges what is missing to a target", () => {
    expect(decide({ settings: { topUp: { type: "target", target: cny(8000) } }, reading: reading(-1) })).toEqual({ kind: "charge", amount: cny(8001) });
  });

  it.each<[string, Saving, string, string?]>([
    ["while the balance is well", { reading: reading(1000) }, "balance-ok"],
    ["while the carrier does not say the balance", { reading: undefined }, "balance-unknown"],
    ["on a balance from before the last credit", { esim: spent({ lastEndedAt: NOW }), reading: reading(5, EARLIER) }, "balance-outdated"],
    ["while a recharge is open", { esim: open }, "already-open"],
    [
      "while a former payer's recharge is open, which is nobody else's business",
      { esim: { ...open, subscriberId: "sub-eve", open: open.open && { ...open.open, subscriberId: "sub-eve" } } },
      "quiet",
    ],
    ["while the rule is paused", { esim: paused.kind === "changed" ? paused.esim : undefined }, "no-active-rule"],
    ["while the rule is suspended", { esim: suspendRule(esimWithRule(), "payment-disputed", NOW) }, "no-active-rule"],
    ["while the operator holds the subscriber back", { facts: { declines: [], isHeld: true } }, "paused-by-operator"],
    ["so soon after the last recharge", { esim: spent({ lastEndedAt: EARLIER }) }, "cooling-down", "2026-11-23T08:30:00.000Z"],
    ["more often today", { esim: spent({ day: "2026-11-23", dayCount: 3 }) }, "daily-limit", "2026-11-23T16:00:00.000Z"],
    ["over the cap", { esim: spent({ monthAmounts: [cny(15_001)] }) }, "cap-reached", "2026-11-30T16:00:00.000Z"],
    ["while the card must rest", { facts: soft }, "card-backing-off", "2026-11-23T08:30:00.000Z"],
    ["with a card that is refused for good", { facts: { declines: [{ ...soft.declines[0], severity: "hard" }] } }, "card-refused-for-good"],
    ["what the carrier does not add", { facts: { declines: [], topUpAmounts: [3000] } }, "amount-not-offered"],
    ["in another currency", { reading: { balance: money(1, "USD"), readAt: NOW } }, "currency-changed"],
  ])("charges nothing %s", (_, saving, ...[reason, until]) => expect(decide(saving)).toEqual({ kind: "nothing", reason, until }));

  it("that would be refused says so, whatever the balance is", () => {
    const input = { subscriberId: SUBSCRIBER, settings: ruleSettings(), consent, writeId: "w", byGrant: true };
    for (const told of [LOW, undefined]) {
      const facts = { declines: [], isHeld: false };
      expect(decideAtOnce(esimWithRule(), input, told, facts, NOW)).toEqual({ kind: "refused", reason: "no-grant" });
    }
  });

  it("is judged by the new limits, not the old ones", () => {
    const limits = { perMonth: cny(9000), timesPerDay: 3, cooldownMinutes: 60 };
    expect(decide({ esim: spent(), settings: { limits } })).toMatchObject({ reason: "cap-reached" });
  });
});
