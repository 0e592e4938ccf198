import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Esim, replaceRule } from "../../functions/domain/esim.ts";
import { applyCleared, applyMove, applyReserved, applyWait, decideRecharge } from "../../functions/domain/recharge.ts";
import type { Move } from "../../functions/domain/recharge-states.ts";
import { epochMilliseconds, type Instant, instant, plusMinutes } from "../../functions/domain/time.ts";
import { cny, esimWithRule, METHOD, ruleSettings, SUBSCRIBER } from "../builders.ts";

/**
 * A line's life, decision by decision, against a bookkeeper of its own: it knows only when and in which zone money was
 * taken, and looks up days and months by another way than the product.
 */

const ZONES = ["Asia/Shanghai", "Pacific/Honolulu", "Pacific/Kiritimati", "America/New_York", "UTC"] as const;
const ACTS = ["low", "low", "low", "low", "edit"] as const;

const happening = fc.record({
  act: fc.constantFrom(...ACTS),
  // Minutes, days and weeks.
  afterMinutes: fc.oneof(fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 30_000 })),
  balance: fc.integer({ min: -3000, max: 1100 }),
  ends: fc.constantFrom("paid", "paid", "paid", "declined"),
  paysAfterMinutes: fc.integer({ min: 0, max: 59 }),
  zone: fc.constantFrom(...ZONES),
  cap: fc.integer({ min: 5000, max: 30_000 }),
  isTarget: fc.boolean(),
  timesPerDay: fc.integer({ min: 1, max: 4 }),
  cooldownMinutes: fc.integer({ min: 15, max: 600 }),
});
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

interface Paid {
  readonly reservedAt: Instant;
  readonly endedAt: Instant;
  readonly zone: string;
  readonly amount: number;
}

const PI = "pi_1";
const clocks = new Map(ZONES.map((zone) => [zone as string, new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" })]));
const dateIn = (zone: string, at: Instant) => clocks.get(zone)?.format(epochMilliseconds(at)) ?? "";

function settingsOf({ cap, isTarget, timesPerDay, cooldownMinutes }: Happening) {
  const limits = { perMonth: cny(cap), timesPerDay, cooldownMinutes };
  return ruleSettings({ limits, topUp: isTarget ? { type: "target", target: cny(4000) } : { type: "fixed", amount: cny(5000) } });
}

/** Lives through all that happens; gives what was paid, each with the rule under which it was reserved. */
function live(start: Instant, happenings: readonly Happening[]) {
  let esim: Esim = esimWithRule({}, start);
  let now = start;
  const paid: (Paid & { readonly before: readonly Paid[]; readonly limits: { cap: number; timesPerDay: number; cooldownMinutes: number } })[] = [];
  for (const [index, each] of happenings.entries()) {
    now = plusMinutes(now, each.afterMinutes);
    const { rule } = esim;
    if (rule === undefined) throw new Error("The rule is gone");
    if (each.act === "edit") {
      const consent = { termsVersion: "2026-11-28", at: now, timeZone: each.zone };
      const decision = replaceRule(esim, { subscriberId: SUBSCRIBER, settings: settingsOf(each), consent, writeId: `w${index}` }, rule.version, now);
      if (decision.kind !== "changed") throw new Error(decision.reason);
      esim = { ...decision.esim, pendingEvents: [] };
      continue;
    }
    const reading = { balance: cny(each.balance), readAt: now };
    const decision = decideRecharge(esim, reading.balance, { declines: [] }, now);
    if (decision.kind === "wait") esim = { ...applyWait(esim, decision, reading, now), pendingEvents: [] };
    if (decision.kind !== "recharge") continue;

    const rechargeId = `re-${index}`;
    const reservedAt = now;
    const endedAt = plusMinutes(now, each.paysAfterMinutes); // over midnight, over a month's end
    const unpaid: Move = { type: "unpaid", paymentIntentId: PI, because: { end: "declined", code: "card_declined", severity: "soft", retryAt: endedAt } };
    const moves: Move[] =
      each.ends === "paid"
        ? [
            { type: "paid", at: endedAt },
            { type: "credited", at: endedAt },
          ]
        : [unpaid, { type: "canceled", at: endedAt }];
    esim = applyReserved(esim, { rechargeId, amount: decision.amount, period: decision.period, method: METHOD, reading }, now);
    // While one is open, nothing else is decided, whatever the balance.
    if (decideRecharge(esim, cny(-1), { declines: [] }, now).kind !== "leave") throw new Error("A second one while one is open");
    for (const move of [{ type: "created", paymentIntentId: PI } as const, ...moves]) esim = applyMove(esim, rechargeId, move, endedAt);
    esim = applyCleared(esim, rechargeId, esim.pendingEvents, endedAt);
    now = endedAt;
    if (each.ends !== "paid") continue;
    const { limits, consent } = rule;
    const record = { reservedAt, endedAt, zone: consent.timeZone, amount: decision.amount.amount };
    const before = [...paid];
    paid.push({ ...record, before, limits: { cap: limits.perMonth.amount, timesPerDay: limits.timesPerDay, cooldownMinutes: limits.cooldownMinutes } });
  }
  return paid;
}

const sum = (records: readonly Paid[]) => records.reduce((total, { amount }) => total + amount, 0);
const life = fc.array(happening, { minLength: 5, maxLength: 40 });
const start = fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2027-12-31") }).map(instant);

function must(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(what);
}

describe("any sequence of decisions, month ends, edits and time-zone changes", () => {
  it("never takes more in a calendar month of the rule's time zone than the cap that was in force, nor more often in a day, nor within the cooldown", () => {
    let taken = 0;
    fc.assert(
      fc.property(start, life, (from, happenings) => {
        const paid = live(from, happenings);
        taken += paid.length;
        for (const each of paid) {
          // As the subscriber counts: by the calendar of the zone in force, in which every earlier charge has its date too.
          const month = dateIn(each.zone, each.reservedAt).slice(0, 7);
          const day = dateIn(each.zone, each.reservedAt);
          // What was reserved under another zone may lie in another period there; it counts where it was booked, so only these are compared.
          const here = each.before.filter(({ zone }) => zone === each.zone);
          const sameMonth = here.filter(({ reservedAt }) => dateIn(each.zone, reservedAt).startsWith(month));
          const sameDay = here.filter(({ reservedAt }) => dateIn(each.zone, reservedAt) === day);
          must(sum(sameMonth) + each.amount <= each.limits.cap, `${sum(sameMonth)} + ${each.amount} passes the cap of ${each.limits.cap} in ${month}`);
          must(sameDay.length + 1 <= each.limits.timesPerDay, `${sameDay.length + 1} times on ${day}`);
          const last = each.before.at(-1);
          must(last === undefined || plusMinutes(last.endedAt, each.limits.cooldownMinutes) <= each.reservedAt, "within the cooldown");
        }
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(3000); // or nothing was tried
  });

  it("never takes more than one cap per month that began, wherever the subscriber says to live", () => {
    fc.assert(
      fc.property(start, life, fc.integer({ min: 5000, max: 30_000 }), (from, happenings, cap) => {
        const paid = live(from, [{ ...(happenings[0] as Happening), act: "edit", cap }, ...happenings.map((each) => ({ ...each, cap }))]);
        // Every month that began anywhere on earth from the first charge on: what a traveller could get at most, were it allowed.
        const months = new Set(paid.map(({ zone, reservedAt }) => dateIn(zone, reservedAt).slice(0, 7)));
        must(sum(paid) <= cap * months.size, `${sum(paid)} in ${months.size} months with a cap of ${cap}`);
      }),
      { numRuns: 3000 },
    );
  });
});
