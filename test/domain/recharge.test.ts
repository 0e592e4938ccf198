import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Decline, Severity } from "../../functions/domain/declines.ts";
import { applyPublished, type Esim, type OpenRecharge, type Origin, type Resolution } from "../../functions/domain/esim.ts";
import { money } from "../../functions/domain/money.ts";
import {
  applyAwake,
  applyCleared,
  applyLease,
  applyMove,
  applyReminder,
  applyReserved,
  applyResolution,
  applyUnknown,
  applyWait,
  decideRecharge,
  IllegalMove,
  isStillWanted,
  LEASE_SECONDS,
} from "../../functions/domain/recharge.ts";
import { type Move, type MoveType, type RechargeEnd, type StateName, TRANSITIONS } from "../../functions/domain/recharge-states.ts";
import { plusMinutes, plusSeconds } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

const PERIOD = { month: "2026-11", day: "2026-11-23" };
const ID = "recharge-1";
const PI = "pi_1";

function reserved(changes: Partial<Esim> = {}): Esim & { readonly open: OpenRecharge } {
  const reservation = { rechargeId: ID, amount: cny(5000), period: PERIOD, method: METHOD, reading: reading(999) };
  const esim = { ...applyReserved(esimWithRule(), reservation, NOW), ...changes };
  if (esim.open === undefined) throw new Error();
  return { ...esim, open: esim.open };
}

const NO_DECLINES = { declines: [] };
const decline = (n: number, severity: Severity = "soft"): Decline => ({
  rechargeId: `old-${n}`,
  at: plusMinutes(NOW, -600 + n),
  code: "card_declined",
  severity,
});

describe("the decision to recharge", () => {
  it.each([
    ["below the threshold", 999, "recharge"],
    ["at the threshold", 1000, "leave"],
    ["below zero", -1, "recharge"],
    ["above the threshold", 1001, "leave"],
  ])("is made %s: %s", (_, balance, kind) => expect(decideRecharge(esimWithRule(), cny(balance), NO_DECLINES, NOW).kind).toBe(kind));

  it("recharges the rule's amount, booked in the period of the consent's time zone", () => {
    expect(decideRecharge(esimWithRule(), cny(999), NO_DECLINES, "2026-11-30T16:00:00.000Z")).toEqual({
      kind: "recharge",
      amount: cny(5000),
      period: { month: "2026-12", day: "2026-12-01" },
    });
  });

  it("leaves a line without an active rule, and one with an open recharge", () => {
    const paused = { ...esimWithRule().rule, status: { state: "paused", at: NOW } as const };
    expect(decideRecharge({ ...esimWithRule(), rule: paused }, cny(0), NO_DECLINES, NOW)).toEqual({ kind: "leave", reason: "no-active-rule" });
    expect(decideRecharge({ ...esimWithRule(), rule: undefined }, cny(0), NO_DECLINES, NOW)).toEqual({ kind: "leave", reason: "no-active-rule" });
    expect(decideRecharge(reserved(), cny(0), NO_DECLINES, NOW)).toEqual({ kind: "leave", reason: "already-open" });
  });

  it("leaves a line that is well, and says so", () => {
    expect(decideRecharge(esimWithRule(), cny(1000), NO_DECLINES, NOW)).toEqual({ kind: "leave", reason: "balance-ok" });
  });

  it("suspends a rule whose line changed its currency", () => {
    expect(decideRecharge(esimWithRule(), money(0, "USD"), NO_DECLINES, NOW)).toEqual({ kind: "suspend", reason: "currency-changed" });
  });

  it.each([
    [1, "2026-11-22T23:01:00.000Z"],
    [2, "2026-11-23T01:01:00.000Z"],
    [3, "2026-11-23T05:01:00.000Z"],
  ])("waits after %i declines until hours after the first", (count, until) => {
    const declines = Array.from({ length: count }, (_, i) => decline(i + 1));
    expect(decideRecharge(esimWithRule(), cny(0), { declines }, plusMinutes(until, -1))).toEqual({ kind: "wait", reason: "card-backing-off", until });
    expect(decideRecharge(esimWithRule(), cny(0), { declines }, until).kind).toBe("recharge");
  });

  it("waits an hour after the last decline, however old the first one is", () => {
    const declines = [decline(1), { ...decline(2), at: NOW }].map((each, i) => (i === 0 ? { ...each, at: plusMinutes(NOW, -30 * 24 * 60) } : each));
    expect(decideRecharge(esimWithRule(), cny(0), { declines }, plusMinutes(NOW, 59))).toEqual({
      kind: "wait",
      reason: "card-backing-off",
      until: plusMinutes(NOW, 60),
    });
  });

  it("leaves a line that is to be quiet, whatever an old index or a late report says", () => {
    const quiet = { ...esimWithRule(), quietUntil: plusMinutes(NOW, 60) };
    expect(decideRecharge(quiet, cny(0), NO_DECLINES, plusMinutes(NOW, 59))).toEqual({ kind: "leave", reason: "quiet" });
    expect(decideRecharge(quiet, cny(0), NO_DECLINES, plusMinutes(NOW, 60)).kind).toBe("recharge");
  });

  it("suspends at the fourth decline, and at the first hard one", () => {
    expect(decideRecharge(esimWithRule(), cny(0), { declines: [1, 2, 3, 4].map((n) => decline(n)) }, NOW)).toEqual({
      kind: "suspend",
      reason: "declined-too-often",
    });
    expect(decideRecharge(esimWithRule(), cny(0), { declines: [decline(1, "hard")] }, NOW)).toEqual({ kind: "suspend", reason: "card-refused-for-good" });
  });

  it("tells of a reached cap once, and stays quiet until the month ends", () => {
    const spend = { [SUBSCRIBER]: { month: "2026-11", monthAmounts: [cny(16_000)], day: "2026-11-20", dayCount: 1, lastEndedAt: plusMinutes(NOW, -4000) } };
    const esim = { ...esimWithRule(), spend };
    const decision = decideRecharge(esim, cny(0), NO_DECLINES, NOW);
    if (decision.kind !== "wait") throw new Error(decision.kind);
    const waiting = applyWait(esim, decision, reading(0), NOW);
    expect(waiting).toMatchObject({
      quietUntil: "2026-11-30T16:00:00.000Z",
      pendingEvents: [{ name: "CapReached", limit: "perMonth", perMonth: cny(20_000), balance: cny(0) }],
    });
    expect(applyWait(waiting, decision, reading(0), NOW)).toBe(waiting);
    // Told again under the same id after the rule was changed; a cap that was raised, and is reached again, is news, and so is another payer's.
    const idOf = (changed: Esim) => applyWait(changed, decision, reading(0), NOW).pendingEvents[0]?.id;
    const first = waiting.pendingEvents[0]?.id;
    expect(idOf({ ...esim, rule: { ...esim.rule, version: 2 } })).toBe(first);
    expect(idOf({ ...esim, rule: { ...esim.rule, limits: { ...esim.rule.limits, perMonth: cny(20_001) } } })).not.toBe(first);
    expect(idOf({ ...esim, subscriberId: "sub-eve" })).not.toBe(first);
  });

  it("tells of a reached daily limit once, and stays quiet until the day ends", () => {
    const spend = { [SUBSCRIBER]: { month: "2026-11", monthAmounts: [cny(3000)], day: "2026-11-23", dayCount: 3, lastEndedAt: plusMinutes(NOW, -200) } };
    const esim = { ...esimWithRule(), spend };
    const decision = decideRecharge(esim, cny(0), NO_DECLINES, NOW);
    if (decision.kind !== "wait") throw new Error(decision.kind);
    const waiting = applyWait(esim, decision, reading(0), NOW);
    const until = "2026-11-23T16:00:00.000Z";
    expect(waiting).toMatchObject({ quietUntil: until, pendingEvents: [{ name: "CapReached", limit: "timesPerDay", timesPerDay: 3, until }] });
    expect(applyWait(waiting, decision, reading(0), NOW)).toBe(waiting);
  });

  it("suspends a rule whose amount the carrier does not add any more: paid, it would never be credited", () => {
    const facts = (topUpAmounts: number[]) => ({ declines: [], topUpAmounts });
    expect(decideRecharge(esimWithRule(), cny(0), facts([1000, 5000]), NOW).kind).toBe("recharge");
    expect(decideRecharge(esimWithRule(), cny(0), facts([1000, 3000]), NOW)).toEqual({ kind: "suspend", reason: "amount-not-offered" });
  });

  it("does not tell of a mere pause", () => {
    const waiting = applyWait(esimWithRule(), { kind: "wait", reason: "cooling-down", until: plusMinutes(NOW, 60) }, reading(0), NOW);
    expect(waiting).toMatchObject({ quietUntil: plusMinutes(NOW, 60), pendingEvents: [] });
  });
});

describe("the outbox", () => {
  const [first, second] = [SAMPLE_EVENTS.RuleSaved, SAMPLE_EVENTS.RulePaused];
  const waiting: Esim = { ...esimWithRule(), pendingEvents: [first, second], lookAt: NOW };

  it("is looked at no more when all is published and nothing is open", () => {
    expect(applyPublished(waiting, [first, second])).toMatchObject({ pendingEvents: [], lookAt: undefined });
  });

  it("is looked at again while something is left in it, or open", () => {
    expect(applyPublished(waiting, [first])).toMatchObject({ pendingEvents: [second], lookAt: NOW });
    expect(applyPublished({ ...reserved(), pendingEvents: [first], lookAt: NOW }, [first])).toMatchObject({ pendingEvents: [], lookAt: NOW });
  });

  it("is as it was when nothing of it was published", () => expect(applyPublished(waiting, [SAMPLE_EVENTS.RuleDeleted])).toBe(waiting));
});

describe("a lease", () => {
  it("has the line looked at within minutes after it, whatever else there is to tell", () => {
    for (const pendingEvents of [[], [SAMPLE_EVENTS.RuleSaved]]) {
      const taken = applyLease({ ...reserved(), pendingEvents }, plusSeconds(NOW, LEASE_SECONDS));
      expect(String(taken?.lookAt) < plusMinutes(NOW, 10)).toBe(true);
    }
  });

  it("is a fault on a line without a recharge, as is a second reservation", () => {
    expect(() => applyLease(esimWithRule(), NOW)).toThrow("Nothing is open");
    const reservation = { rechargeId: "again", amount: cny(5000), period: PERIOD, method: METHOD, reading: reading(999) };
    for (const line of [reserved(), { ...esimWithRule(), rule: undefined }]) expect(() => applyReserved(line, reservation, NOW)).toThrow("not free");
  });

  it("keeps a second worker off until it is over, and is then taken with a later look", () => {
    const esim = reserved();
    expect(applyLease(esim, plusSeconds(NOW, LEASE_SECONDS - 1))).toBeUndefined();
    const taken = applyLease(esim, plusSeconds(NOW, LEASE_SECONDS));
    expect(taken?.open?.lease).toEqual({ until: plusSeconds(NOW, 2 * LEASE_SECONDS), attempts: 1, crashes: 1 });
    expect(String(taken?.lookAt) > String(esim.lookAt)).toBe(true);
  });
});

const MOVES: Readonly<Record<MoveType, Move>> = {
  due: { type: "due", amount: cny(5000), period: PERIOD, reading: reading(999), at: NOW },
  created: { type: "created", paymentIntentId: PI },
  dropped: { type: "dropped", reason: "payment-fault", at: NOW },
  paid: { type: "paid", at: NOW },
  pending: { type: "pending" },
  unpaid: { type: "unpaid", paymentIntentId: PI, because: { end: "declined", code: "card_declined", severity: "soft", retryAt: plusMinutes(NOW, 60) } },
  canceled: { type: "canceled", at: NOW },
  awaiting: { type: "awaiting", paymentIntentId: PI, at: NOW },
  credited: { type: "credited", at: NOW },
  refused: { type: "refused", code: "line-blocked" },
  refunded: { type: "refunded", at: NOW },
  puzzled: { type: "puzzled", reason: "carrier-unclear", at: NOW },
};

function play(moves: readonly Move[], start: Esim = reserved()): Esim {
  return moves.reduce((esim, move) => applyMove(esim, ID, move, NOW), start);
}

describe("an open recharge", () => {
  it("is confirmed, credited, ended and cleared, and books what was spent", () => {
    const ended = play([MOVES.created, MOVES.paid, MOVES.credited]);
    expect(ended.open?.state).toEqual({ name: "ended", paymentIntentId: PI, at: NOW, end: "succeeded", paidAt: NOW });
    expect(ended.pendingEvents).toMatchObject([{ name: "RechargeSucceeded", id: `${ID}/RechargeSucceeded`, amount: cny(5000) }]);
    const cleared = applyCleared(ended, ID, ended.pendingEvents, NOW);
    expect(cleared).toMatchObject({ open: undefined, cycle: 1, pendingEvents: [], lookAt: undefined, quietUntil: plusMinutes(NOW, 60) });
    expect(cleared.spend[SUBSCRIBER]).toEqual({ ...PERIOD, monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW, month: "2026-11" });
  });

  it("says in its events who wanted it, unless its rule did", () => {
    for (const origin of ["payer", "backup", undefined] as const) {
      const reserved = play([]);
      const wanted = { ...reserved, open: reserved.open && { ...reserved.open, origin } };
      const [event] = applyMove(wanted, ID, { type: "dropped", reason: "kill-switch", at: NOW }, NOW).pendingEvents;
      expect(event).toEqual({ ...event, name: "RechargeCancelled", ...(origin !== undefined && { origin }) });
      expect(event !== undefined && "origin" in event).toBe(origin !== undefined);
    }
  });

  it.each([
    ["rule-changed", undefined],
    ["line-lost", undefined],
    ["outdated", 3 * 60],
    ["card-declined-elsewhere", 15],
    ["kill-switch", undefined],
    ["paused-by-operator", undefined],
    ["resolved-by-operator", 60],
    ["payment-method-unusable", 24 * 60],
    ["amount-refused", 24 * 60],
    ["payment-fault", 24 * 60],
    ["payment-canceled-elsewhere", 60],
  ] as const)("that was cancelled (%s) keeps its line quiet for this many minutes: %p", (reason, minutes) => {
    const ended = play([MOVES.created, { type: "unpaid", paymentIntentId: PI, because: { end: "cancelled", reason } }, MOVES.canceled]);
    const { quietUntil } = applyCleared(ended, ID, ended.pendingEvents, NOW);
    expect(quietUntil).toBe(minutes === undefined ? undefined : plusMinutes(NOW, minutes));
  });

  it("keeps an event that came in while its own were published", () => {
    const ended = play([MOVES.created, MOVES.paid, MOVES.credited]);
    const [own] = ended.pendingEvents;
    if (own === undefined) throw new Error();
    const late = { ...own, id: "late" };
    const cleared = applyCleared({ ...ended, pendingEvents: [own, late] }, ID, [own], NOW);
    expect(cleared).toMatchObject({ open: undefined, pendingEvents: [{ id: "late" }], lookAt: NOW });
  });

  it("ends declined only when its PaymentIntent is seen canceled, books nothing, and waits for the next try", () => {
    const closing = play([MOVES.created, MOVES.unpaid]);
    expect(closing.open?.state.name).toBe("closing");
    expect(closing.pendingEvents).toEqual([]);
    const ended = play([MOVES.canceled], closing);
    expect(ended.pendingEvents).toMatchObject([{ name: "RechargeDeclined", reason: "card_declined", nextTryAt: plusMinutes(NOW, 60) }]);
    const cleared = applyCleared(ended, ID, ended.pendingEvents, NOW);
    expect(cleared).toMatchObject({ spend: {}, cycle: 1, quietUntil: plusMinutes(NOW, 60), rule: { status: { state: "active" } } });
  });

  it("that its payer called off ends as they wished, whatever else kept it from being paid, unless its rule's card may not be tried again", () => {
    const endBy = (origin: Origin | undefined, ...moves: Move[]) => {
      const line = reserved();
      const { open } = play(moves, { ...line, open: { ...line.open, origin, cancelRequested: { by: SUBSCRIBER, at: NOW } } });
      return open?.state.name === "ended" && { reason: undefined, ...open.state };
    };
    const endOf = (...moves: Move[]) => endBy(undefined, ...moves);
    const hard: Move = { type: "unpaid", paymentIntentId: PI, because: { end: "declined", code: "lost_card", severity: "hard" } };
    expect(endOf(MOVES.created, MOVES.unpaid, MOVES.canceled)).toMatchObject({ end: "cancelled", reason: "by-subscriber" });
    expect(endOf(MOVES.created, MOVES.canceled)).toMatchObject({ end: "cancelled", reason: "by-subscriber" });
    expect(endOf(MOVES.created, hard, MOVES.canceled)).toMatchObject({ end: "declined", code: "lost_card" });
    // That of a backup, or of what its payer wanted there and then, stops no rule.
    for (const origin of ["backup", "payer"] as const)
      expect(endBy(origin, MOVES.created, hard, MOVES.canceled)).toMatchObject({ end: "cancelled", reason: "by-subscriber" });
    expect(endOf(MOVES.created, MOVES.unpaid, MOVES.paid, MOVES.credited)).toMatchObject({ end: "succeeded" });
  });

  it("suspends the rule with its last decline, unless the rule uses another card by now", () => {
    const last: Move = { type: "unpaid", paymentIntentId: PI, because: { end: "declined", code: "lost_card", severity: "hard" } };
    const ended = play([MOVES.created, last, MOVES.canceled]);
    expect(ended.rule?.status).toMatchObject({ state: "suspended", reason: "card-refused-for-good" });
    expect(ended.pendingEvents.map((event) => event.name)).toEqual(["RechargeDeclined", "RuleSuspended"]);
    const otherCard = { ...esimWithRule({ paymentMethodId: "pm_2" }).rule };
    expect(play([MOVES.created, last, MOVES.canceled], reserved({ rule: otherCard })).rule?.status.state).toBe("active");
  });

  it("leaves the line awake when another card was chosen while it was declined", () => {
    const otherCard = { ...esimWithRule({ paymentMethodId: "pm_2" }).rule };
    const ended = play([MOVES.created, MOVES.unpaid, MOVES.canceled], reserved({ rule: otherCard }));
    expect(applyCleared(ended, ID, ended.pendingEvents, NOW).quietUntil).toBeUndefined();
  });

  it("is credited after all when the payment came through while it was being closed", () => {
    expect(play([MOVES.created, MOVES.unpaid, MOVES.paid]).open?.state).toEqual({ name: "crediting", paymentIntentId: PI, paidAt: NOW });
  });

  it("is parked when nobody can tell, tells so once, and ends well if the credit turns up", () => {
    const parked = play([MOVES.created, MOVES.paid, MOVES.puzzled]);
    expect(parked.open?.state).toMatchObject({ name: "needs-review", paidAt: NOW, reason: "carrier-unclear" });
    expect(parked.pendingEvents).toMatchObject([{ name: "RechargeNeedsReview", reason: "carrier-unclear" }]);
    expect(play([MOVES.puzzled], parked)).toBe(parked);
    expect(play([MOVES.credited], parked).open?.state).toMatchObject({ name: "ended", end: "succeeded", paidAt: NOW });
  });

  it("cannot be found credited before it was paid, nor paid after it ended unpaid", () => {
    expect(() => play([MOVES.created, MOVES.credited])).toThrow(IllegalMove);
    expect(() => play([MOVES.created, MOVES.unpaid, MOVES.canceled, MOVES.paid])).toThrow(IllegalMove);
    expect(() => play([MOVES.created, MOVES.unpaid, MOVES.canceled, MOVES.credited])).toThrow(IllegalMove);
    expect(() => play([MOVES.created, MOVES.paid, MOVES.credited, MOVES.unpaid])).toThrow(IllegalMove);
    expect(() => play([MOVES.created, MOVES.paid, MOVES.credited, MOVES.canceled])).toThrow(IllegalMove);
    expect(() => play([MOVES.created, { ...MOVES.puzzled, reason: "payment-mismatch" } as Move, MOVES.credited])).toThrow(IllegalMove);
  });

  it("is not stopped by a second thought that comes when it is paid", () => {
    const reasons = ["rule-changed", "outdated", "card-declined-elsewhere"] as const;
    const late = reasons.map((reason): Move => ({ type: "unpaid", paymentIntentId: PI, because: { end: "cancelled", reason } }));
    for (const paid of [
      [MOVES.created, MOVES.paid],
      [MOVES.created, MOVES.paid, MOVES.puzzled],
      [MOVES.created, MOVES.paid, MOVES.credited],
    ]) {
      const esim = play(paid);
      expect(play(late, esim)).toBe(esim);
      expect(() => play([MOVES.unpaid], esim)).toThrow(IllegalMove); // a decline of what was paid is a fault
    }
  });

  it("is not cleared before its end", () => {
    const crediting = play([MOVES.created, MOVES.paid]);
    expect(() => applyCleared(crediting, ID, [], NOW)).toThrow(IllegalMove);
  });

  it("is not changed by old news after its end", () => {
    const succeeded = play([MOVES.created, MOVES.paid, MOVES.credited]);
    expect(play([MOVES.created, MOVES.dropped, MOVES.paid, MOVES.pending, MOVES.credited, MOVES.puzzled], succeeded)).toBe(succeeded);
    const unpaid = play([MOVES.created, MOVES.unpaid, MOVES.canceled]);
    expect(play([MOVES.created, MOVES.dropped, MOVES.pending, MOVES.unpaid, MOVES.canceled, MOVES.puzzled], unpaid)).toBe(unpaid);
    const cleared = applyCleared(succeeded, ID, succeeded.pendingEvents, NOW);
    expect(play([MOVES.paid], cleared)).toBe(cleared);
    expect(applyCleared(cleared, ID, succeeded.pendingEvents, NOW)).toBe(cleared);
  });

  it("that somebody canceled at Stripe ends cancelled, and says so", () => {
    const ended = play([MOVES.created, MOVES.canceled]);
    expect(ended.open?.state).toEqual({ name: "ended", at: NOW, paymentIntentId: PI, end: "cancelled", reason: "payment-canceled-elsewhere" });
  });

  it("ends on a line whose rule was deleted, or uses another card by now", () => {
    const last: Move = { type: "unpaid", paymentIntentId: PI, because: { end: "declined", code: "lost_card", severity: "hard" } };
    const declined = play([MOVES.created, last, MOVES.canceled], reserved({ rule: undefined }));
    expect(applyCleared(declined, ID, declined.pendingEvents, NOW)).toMatchObject({ rule: undefined, cycle: 1 });
    const paid = [MOVES.created, MOVES.paid, MOVES.credited];
    const withoutRule = play(paid, reserved({ rule: undefined }));
    expect(applyCleared(withoutRule, ID, withoutRule.pendingEvents, NOW).spend[SUBSCRIBER]?.dayCount).toBe(1);
    const otherCard = play(paid, reserved({ rule: esimWithRule({ paymentMethodId: "pm_2" }).rule }));
    expect(applyCleared(otherCard, ID, otherCard.pendingEvents, NOW).quietUntil).toBe(plusMinutes(NOW, 60)); // paid is paid: the cooldown holds
  });

  it("is looked at soon while its review is not told yet, and once a day then", () => {
    const parked = play([MOVES.created, MOVES.paid, MOVES.puzzled]);
    const later = plusSeconds(NOW, LEASE_SECONDS);
    expect(String(applyLease(parked, later)?.lookAt) < plusMinutes(NOW, 10)).toBe(true);
    expect(applyLease({ ...parked, pendingEvents: [] }, later)?.lookAt).toBe(plusMinutes(later, 24 * 60));
  });

  it("is not moved by a finding about a PaymentIntent that is not its own", () => {
    const confirming = play([MOVES.created]);
    expect(play([{ type: "unpaid", paymentIntentId: "pi_other", because: { end: "cancelled", reason: "rule-changed" } }], confirming)).toBe(confirming);
    expect(play([{ type: "created", paymentIntentId: "pi_other" }], confirming)).toBe(confirming);
  });

  it("is not moved by what was found about an earlier one", () => {
    const esim = reserved();
    expect(applyMove(esim, "recharge-0", MOVES.created, NOW)).toBe(esim);
  });

  it("is no longer wanted when the rule is paused, edited, deleted or another payer's", () => {
    const esim = reserved();
    expect(isStillWanted(esim, esim.open)).toBe(true);
    const { rule } = esimWithRule();
    for (const change of [
      { rule: { ...rule, status: { state: "paused", at: NOW } as const } },
      { rule: { ...rule, version: 2 } },
      { rule: undefined },
      { subscriberId: "sub-eve" },
    ]) {
      expect(isStillWanted({ ...esim, ...change }, esim.open)).toBe(false);
    }
  });

  it("can reach its end from every state, and leaves an end never again", () => {
    const next = (name: StateName) => Object.values(TRANSITIONS[name]);
    for (const name of Object.keys(TRANSITIONS) as StateName[]) {
      const reached = new Set<StateName>([name]);
      for (const each of reached) for (const to of next(each)) reached.add(to);
      expect([name, reached.has("ended")]).toEqual([name, true]);
    }
    expect(new Set(next("ended"))).toEqual(new Set(["ended"]));
  });

  it("reaches a legal end or stays open, in any order of findings and repeats, and takes each finding twice as once", () => {
    const moves = fc.array(fc.constantFrom(...Object.values(MOVES)), { maxLength: 30 });
    fc.assert(
      fc.property(moves, (found) => {
        let esim: Esim = reserved();
        const happened = new Set<MoveType>();
        for (const move of found) {
          const name = esim.open?.state.name ?? "ended";
          try {
            const next = applyMove(esim, ID, move, NOW);
            // The one exception of the table: a carrier that credits what it had refused for good.
            const to = name === "refunding" && move.type === "credited" ? "needs-review" : TRANSITIONS[name][move.type];
            expect(next.open?.state.name).toBe(to);
            if (next !== esim) happened.add(move.type);
            const again = TRANSITIONS[next.open?.state.name ?? "ended"][move.type];
            if (again === next.open?.state.name) expect(applyMove(next, ID, move, NOW)).toBe(next);
            esim = next;
          } catch (error) {
            expect(error).toBeInstanceOf(IllegalMove);
          }
        }
        const state = esim.open?.state;
        if (state?.name === "ended") {
          // What a person refunds without knowing what was paid counts as paid.
          if (state.end === "succeeded") expect([happened.has("paid") || happened.has("refused"), happened.has("credited")]).toEqual([true, true]);
          if (state.end === "refunded") expect(happened.has("refunded")).toBe(true);
          if (state.end !== "succeeded" && state.end !== "refunded") expect(happened.has("paid")).toBe(false); // paid never ends unpaid
          expect(esim.pendingEvents.filter((event) => event.name === END_EVENTS[state.end])).toHaveLength(1);
        }
        expect(esim.iccid).toBe(ICCID);
      }),
      { numRuns: 5000 },
    );
  });
});

const END_EVENTS: Readonly<Record<RechargeEnd, string>> = {
  succeeded: "RechargeSucceeded",
  declined: "RechargeDeclined",
  cancelled: "RechargeCancelled",
  expired: "RechargeExpired",
  refunded: "RechargeRefunded",
};

const later = (hours: number) => plusMinutes(NOW, hours * 60);

describe("a recharge that waits for its customer", () => {
  it("says until when, and is let go at once, so that whoever hears of the customer goes on", () => {
    const waiting = play([MOVES.created, MOVES.awaiting]);
    expect(waiting.open?.state).toEqual({ name: "awaiting-customer", paymentIntentId: PI, remindAt: later(12), expiresAt: later(24) });
    expect(waiting.open?.lease.until).toBe(NOW);
    expect(waiting.pendingEvents).toMatchObject([{ name: "RechargeActionRequired", expiresAt: later(24), isReminder: false }]);
  });

  it("may be a pay request right from its reservation", () => {
    expect(play([MOVES.awaiting]).open?.state).toMatchObject({ name: "awaiting-customer", paymentIntentId: PI });
  });

  it("is looked at when it is to be reminded of and when it expires, however long it was looked at in vain", () => {
    const waiting = play([MOVES.created, MOVES.awaiting]);
    const worn = { ...waiting, pendingEvents: [], open: waiting.open && { ...waiting.open, lease: { until: NOW, attempts: 9, crashes: 0 } } };
    expect(applyLease(worn, plusMinutes(later(12), -10))?.lookAt).toBe(later(12));
    const reminded = { ...applyReminder(worn, ID, later(12)), pendingEvents: [] };
    expect(applyLease(reminded, plusMinutes(later(24), -10))?.lookAt).toBe(later(24));
  });

  it("is reminded of once", () => {
    const reminded = applyReminder(play([MOVES.created, MOVES.awaiting]), ID, later(12));
    expect(reminded.pendingEvents).toMatchObject([{ isReminder: false }, { id: `${ID}/RechargeActionRequired/reminder`, isReminder: true }]);
    expect(applyReminder(reminded, ID, later(13))).toBe(reminded);
    const paid = play([MOVES.created, MOVES.awaiting, MOVES.paid]);
    expect(applyReminder(paid, ID, later(12))).toBe(paid);
    expect(applyReminder(paid, "another", later(12))).toBe(paid);
  });

  it("has the time that it was first given, also when a payment of theirs was on its way in between, and failed", () => {
    const waiting = play([MOVES.created, MOVES.awaiting]);
    const first = waiting.pendingEvents;
    for (const way of [[MOVES.pending], [{ type: "unpaid", paymentIntentId: PI, because: { end: "expired" } }, MOVES.pending]] as const) {
      const again = applyMove(play(way, waiting), ID, { ...MOVES.awaiting, at: later(10) } as Move, later(10));
      expect(again.open?.state).toMatchObject({ name: "awaiting-customer", expiresAt: later(24), remindAt: later(22) });
      expect(again.pendingEvents).toEqual(first);
    }
    const late = applyMove(play([MOVES.pending], waiting), ID, { ...MOVES.awaiting, at: later(13) } as Move, later(13));
    expect(late.open?.state).toEqual({ name: "awaiting-customer", paymentIntentId: PI, expiresAt: later(24) });
  });

  it("expires only when its PaymentIntent is seen canceled, and keeps its line quiet for a week, or until the low is over", () => {
    const expired: Move = { type: "unpaid", paymentIntentId: PI, because: { end: "expired" } };
    const closing = play([MOVES.created, MOVES.awaiting, expired]);
    expect(closing.open?.state).toEqual({ name: "closing", paymentIntentId: PI, end: "expired" });
    const ended = play([MOVES.canceled], closing);
    expect(ended.pendingEvents.at(-1)?.name).toBe("RechargeExpired");
    const cleared = applyCleared(ended, ID, ended.pendingEvents, NOW);
    expect(cleared).toMatchObject({ spend: {}, quietUntil: later(7 * 24), quietWhileLow: true });
    expect(decideRecharge(cleared, cny(999), { declines: [] }, later(1))).toEqual({ kind: "leave", reason: "quiet" });
    expect(decideRecharge(cleared, cny(1000), { declines: [] }, later(1))).toEqual({ kind: "wake" });
    expect(decideRecharge(cleared, cny(999), { declines: [] }, later(7 * 24)).kind).toBe("recharge");
    // A time to wait for that comes later is waited for, well or low.
    const declined = applyWait(cleared, { kind: "wait", reason: "card-backing-off", until: later(7 * 24 + 1) }, reading(0), later(7 * 24));
    expect(decideRecharge(declined, cny(1000), { declines: [] }, later(7 * 24))).toEqual({ kind: "leave", reason: "quiet" });
    expect(decideRecharge(applyAwake(cleared), cny(999), { declines: [] }, later(2)).kind).toBe("recharge");
    expect(play([MOVES.paid], closing).open?.state.name).toBe("crediting"); // in the last second
    expect(play([MOVES.created, MOVES.awaiting, MOVES.paid, expired]).open?.state.name).toBe("crediting");
  });
});

describe("a recharge that succeeded on a line that was to be left alone", () => {
  const MONTH_ENDS = "2026-11-30T16:00:00.000Z";
  const left = { quietUntil: plusMinutes(NOW, 7 * 24 * 60), quietWhileLow: true };
  const cleared = (quiet: Partial<Esim>, by: Partial<OpenRecharge> = {}) => {
    const line = reserved();
    const ended = play([MOVES.created, MOVES.paid, MOVES.credited], { ...line, ...quiet, open: { ...line.open, origin: "payer", ...by } });
    const { quietUntil, quietWhileLow } = applyCleared(ended, ID, ended.pendingEvents, NOW);
    return { quietUntil, quietWhileLow };
  };

  it.each([
    ["its low was left", left],
    ["a card rested", { quietUntil: plusMinutes(NOW, 72 * 60) }],
    ["nothing but the last cooldown is waited for", { quietUntil: plusMinutes(NOW, 20) }],
  ])("leaves it its cooldown where %s: the rest is judged anew", (_, quiet) => {
    expect(cleared(quiet)).toEqual({ quietUntil: plusMinutes(NOW, 60), quietWhileLow: undefined });
  });

  it.each([
    ["month", MONTH_ENDS],
    ["day", "2026-11-23T16:00:00.000Z"],
  ])("leaves a limit of the %s as it is: that was told, and holds", (_, quietUntil) => {
    expect(cleared({ quietUntil })).toEqual({ quietUntil, quietWhileLow: undefined });
  });

  it("leaves all as it is where another paid for it than the payer of its rule", () => {
    const by = { subscriberId: "sub-holder" };
    expect(cleared(left, by)).toEqual(left);
    expect(cleared({ quietUntil: plusMinutes(NOW, 72 * 60) }, by).quietUntil).toBe(plusMinutes(NOW, 72 * 60));
  });

  it("does not give a card that still rests to its rule", () => {
    const resting = { ...esimWithRule(), ...cleared({ quietUntil: plusMinutes(NOW, 72 * 60) }) };
    const declines = [{ rechargeId: "r-x", at: plusMinutes(NOW, 30), code: "x", severity: "soft" }] as const;
    expect(decideRecharge(resting, cny(0), { declines }, plusMinutes(NOW, 61))).toEqual({
      kind: "wait",
      reason: "card-backing-off",
      until: plusMinutes(NOW, 90),
    });
  });
});

describe("a recharge that the carrier refused for good", () => {
  const refunding = () => play([MOVES.created, MOVES.paid, MOVES.refused]);

  it("ends refunded when the refund is seen, gives the limits nothing to count, and suspends the rule", () => {
    expect(refunding().open?.state).toEqual({ name: "refunding", paymentIntentId: PI, paidAt: NOW, code: "line-blocked" });
    const ended = play([MOVES.refunded], refunding());
    expect(ended.open?.state).toEqual({ name: "ended", paymentIntentId: PI, at: NOW, end: "refunded", paidAt: NOW, code: "line-blocked" });
    expect(ended.pendingEvents).toMatchObject([
      { name: "RechargeRefunded", reason: "line-blocked" },
      { name: "RuleSuspended", reason: "carrier-refused" },
    ]);
    expect(applyCleared(ended, ID, ended.pendingEvents, NOW)).toMatchObject({ spend: {}, cycle: 1, rule: { status: { reason: "carrier-refused" } } });
  });

  it("is parked when the refund failed, or the carrier credits after all", () => {
    const failed: Move = { type: "puzzled", reason: "refund-failed", at: NOW };
    expect(play([failed], refunding()).open?.state).toMatchObject({ name: "needs-review", reason: "refund-failed" });
    expect(play([MOVES.credited], refunding()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-conflict", paidAt: NOW });
  });

  it("is never ended as credited and refunded both", () => {
    expect(() => play([MOVES.credited], play([MOVES.refunded], refunding()))).toThrow(IllegalMove);
    expect(() => play([MOVES.refunded], play([MOVES.created, MOVES.paid, MOVES.credited]))).toThrow(IllegalMove);
  });
});

describe("an operator's word", () => {
  const word = (as: Resolution["as"]): Resolution => ({ as, by: "grace", at: NOW, note: "looked it up" });
  const paid = () => ({ ...play([MOVES.created, MOVES.paid, MOVES.puzzled]), pendingEvents: [] });
  const unpaid = () => ({ ...play([MOVES.created, { type: "puzzled", reason: "payment-mismatch", at: NOW }]), pendingEvents: [] });

  it("is noted on a review, which is then looked at at once", () => {
    const noted = applyResolution(paid(), ID, word("credited"), later(1));
    expect(noted?.open).toMatchObject({ resolution: word("credited"), lease: { until: later(1) } });
    expect(noted?.lookAt).toBe(later(1));
  });

  it("is taken only where it can be true, and on a review only", () => {
    const taken = (esim: Esim) => (["credited", "refunded", "nothing-taken"] as const).filter((as) => applyResolution(esim, ID, word(as), NOW) !== undefined);
    expect(taken(paid())).toEqual(["credited", "refunded"]);
    expect(taken(unpaid())).toEqual(["refunded", "nothing-taken"]);
    expect(taken(play([MOVES.created, MOVES.paid]))).toEqual([]);
    expect(applyResolution(paid(), "another", word("credited"), NOW)).toBeUndefined();
  });

  it("is forgotten when it led to another review", () => {
    const noted = applyResolution(paid(), ID, word("refunded"), NOW) ?? paid();
    const again = play([MOVES.refused, { type: "puzzled", reason: "refund-failed", at: NOW }], noted);
    expect(again.open?.resolution).toBeUndefined();
  });
});

describe("a line that does harm to whoever works on it", () => {
  /** So many workers fall over it. */
  const fallenOver = (times: number): Esim => {
    let esim: Esim = play([MOVES.created, MOVES.paid]);
    for (let i = 0; i < times; i++) esim = applyLease(esim, plusSeconds(NOW, (i + 1) * LEASE_SECONDS)) ?? esim;
    return esim;
  };

  it("is parked after the sixth, told once, and looked at once a day from then on", () => {
    expect(fallenOver(5).pendingEvents).toEqual([]);
    const parked = fallenOver(6);
    expect(parked.pendingEvents).toMatchObject([{ name: "RechargeNeedsReview", reason: "worker-fault", id: `${ID}/RechargeNeedsReview/worker-fault` }]);
    const told = { ...parked, pendingEvents: [] };
    expect(applyLease(told, later(1))).toMatchObject({ pendingEvents: [], lookAt: later(25) });
    expect(applyLease(told, later(26))?.pendingEvents).toHaveLength(1); // and rings again after a day
  });

  it("is not parked while its workers only cannot tell, nor once one has got on", () => {
    const asked = applyUnknown(fallenOver(5), ID);
    expect(asked.open?.lease.crashes).toBe(0);
    expect(applyUnknown(asked, ID)).toBe(asked);
    expect(play([MOVES.credited], fallenOver(5)).open?.lease.crashes).toBe(0);
  });

  it("counts no look at what may well have to wait", () => {
    let esim: Esim = { ...play([MOVES.created, MOVES.pending]), pendingEvents: [] };
    for (let i = 1; i < 20; i++) esim = applyLease(esim, plusMinutes(NOW, i * 60)) ?? esim;
    expect(esim.open?.lease).toMatchObject({ attempts: 19, crashes: 0 });
  });
});

describe("a review that nobody resolves", () => {
  it("is told again every day, under the same id", () => {
    const parked = { ...play([MOVES.created, MOVES.paid, MOVES.puzzled]), pendingEvents: [] };
    expect(applyLease(parked, later(23))?.pendingEvents).toEqual([]);
    const again = applyLease(parked, later(25));
    expect(again?.pendingEvents).toMatchObject([{ name: "RechargeNeedsReview", id: `${ID}/RechargeNeedsReview/${NOW}`, reason: "carrier-unclear" }]);
    expect(again?.open?.toldAt).toBe(later(25));
  });
});
