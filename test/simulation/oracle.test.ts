import { describe, expect, it } from "@jest/globals";
import type { Bill } from "../../functions/domain/bill.ts";
import type { Decline } from "../../functions/domain/declines.ts";
import type { Esim, OpenRecharge, Requested } from "../../functions/domain/esim.ts";
import type { LineEvent, RechargeSucceeded } from "../../functions/domain/events.ts";
import type { FamilyGrant } from "../../functions/domain/family.ts";
import type { RechargeState, UnpaidEnd } from "../../functions/domain/recharge-states.ts";
import { book } from "../../functions/domain/spend.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, OTHER_ICCID, reading, SUBSCRIBER } from "../builders.ts";
import type { Evidence } from "./evidence.ts";
import { breaksOf, LAWS } from "./oracle.ts";

const HOUR = 3_600_000;
const T0 = Date.parse(NOW);
const at = (seconds: number) => T0 + seconds * 1000;
const instantAt = (seconds: number) => new Date(at(seconds)).toISOString();

const line = esimWithRule();

function open(rechargeId: string, state: RechargeState, seconds = 0): OpenRecharge {
  return {
    rechargeId,
    subscriberId: SUBSCRIBER,
    amount: cny(5000),
    method: METHOD,
    ruleVersion: line.rule.version,
    consent: line.rule.consent,
    period: { month: "2026-11", day: "2026-11-23" },
    reading: reading(900),
    reservedAt: instantAt(seconds),
    lease: { until: instantAt(seconds + 90), attempts: 0, crashes: 0 },
    state,
  };
}

function ended(rechargeId: string): RechargeSucceeded {
  const told = { version: 1, at: NOW, iccid: ICCID, subscriberId: SUBSCRIBER, rechargeId, amount: cny(5000) } as const;
  return { name: "RechargeSucceeded", id: `${rechargeId}/RechargeSucceeded`, ...told };
}

/** All that a recharge leaves behind that went well, begun so many seconds after the start. */
function good(rechargeId: string, seconds = 0) {
  const paymentIntentId = `pi_${rechargeId}`;
  const paid = { paymentIntentId, paidAt: instantAt(seconds + 3) };
  const states: readonly [number, RechargeState][] = [
    [1, { name: "reserved" }],
    [2, { name: "confirming", paymentIntentId }],
    [4, { name: "crediting", ...paid }],
    [6, { name: "ended", end: "succeeded", at: instantAt(seconds + 6), ...paid }],
  ];
  const write = (after: number, esim: Esim) => ({ at: at(seconds + after), esim });
  const bill: Bill = {
    rechargeId,
    subscriberId: SUBSCRIBER,
    lineLastFour: ICCID.slice(-4),
    lineHash: "hash",
    end: "succeeded",
    amount: cny(5000),
    charged: cny(5000),
    credited: cny(5000),
    refunded: cny(0),
    period: { month: "2026-11", day: "2026-11-23" },
    method: METHOD,
    paymentIntentId,
    ruleVersion: line.rule.version,
    consent: line.rule.consent,
    reading: reading(900),
    reservedAt: instantAt(seconds),
    paidAt: paid.paidAt,
    endedAt: instantAt(seconds + 6),
  };
  return {
    writes: [
      ...states.map(([after, state]) =>
        write(after, { ...line, open: open(rechargeId, state, seconds), pendingEvents: state.name === "ended" ? [ended(rechargeId)] : [] }),
      ),
      write(8, line),
    ],
    charges: [{ rechargeId, paymentIntentId, at: at(seconds + 3), paid: true, amount: 5000, currency: "CNY", refunded: 0, refunds: [], wasTouched: false }],
    topUps: [{ reference: rechargeId, iccid: ICCID, at: at(seconds + 5), amount: 5000, currency: "CNY", isRefused: false }],
    confirms: [{ at: at(seconds + 2), rechargeId }],
    bills: [bill],
    published: [{ at: at(seconds + 7), event: ended(rechargeId) }],
  };
}

const NOTHING: Evidence = {
  convergesAt: at(0),
  checkedUntil: at(8) + 12 * HOUR,
  skewMilliseconds: 0,
  answersAreFinal: true,
  charges: [],
  topUps: [],
  orders: [],
  asks: [],
  owners: [{ at: at(-HOUR), iccid: ICCID, subscriberId: SUBSCRIBER }],
  canceledAt: new Map(),
  confirms: [],
  writes: [],
  lines: [line],
  bills: [],
  adjustments: [],
  published: [],
  declines: [],
  clears: [],
  killSwitches: [],
  holds: [],
  restores: [],
  balances: new Map([[ICCID, { available: 5900, ownerId: SUBSCRIBER }]]),
};

const ONE: Evidence = { ...NOTHING, ...good("r1") };

const declined = (severity: Decline["severity"], seconds: number, rechargeId = "r0") => ({
  at: at(seconds),
  cardKey: METHOD.cardKey,
  decline: { rechargeId, at: instantAt(seconds), code: "code", severity },
});

const BACKUP: Requested = {
  rechargeId: "r2",
  origin: "backup",
  subscriberId: SUBSCRIBER,
  amount: cny(5000),
  method: METHOD,
  ruleVersion: line.rule.version,
  consent: line.rule.consent,
  at: NOW,
};

const TRIED_AGAIN: UnpaidEnd = { end: "declined", code: "do_not_honor", severity: "soft", retryAt: instantAt(3600) };

const ANNOUNCED: LineEvent = { ...ended("r1"), name: "RechargeAnnounced", chargeAt: NOW };

/** One thing that went wrong in a run, and the law that it breaks. */
const PLANTED: readonly (readonly [what: string, law: string, seen: Evidence])[] = [
  ["two charges of one recharge", "one charge per recharge", { ...ONE, charges: [...ONE.charges, ...ONE.charges] }],
  ["a line that lost its recharge", "one open recharge per line", { ...ONE, writes: ONE.writes.filter(({ esim }) => esim.open?.state.name !== "ended") }],
  ["a charge that was not credited", "every charge is credited, or given back, or in review", { ...ONE, topUps: [] }],
  ["two credits of one charge", "every charge is credited, or given back, or in review", { ...ONE, topUps: [...ONE.topUps, ...ONE.topUps] }],
  [
    "a charge both credited and given back",
    "every charge is credited, or given back, or in review",
    { ...ONE, charges: ONE.charges.map((charge) => ({ ...charge, refunded: 5000, refunds: ["succeeded"] })) },
  ],
  ["a credit before it was paid", "no credit without its charge", { ...ONE, topUps: ONE.topUps.map((topUp) => ({ ...topUp, at: at(0) })) }],
  ["a credit of another line", "no credit without its charge", { ...ONE, topUps: ONE.topUps.map((topUp) => ({ ...topUp, iccid: OTHER_ICCID })) }],
  ["a credit of another amount", "no credit without its charge", { ...ONE, topUps: ONE.topUps.map((topUp) => ({ ...topUp, amount: 4999 })) }],
  ["a fourth recharge of a day with three", "never over a cap", [7200, 14_400, 21_600].map((seconds) => good(`r${seconds}`, seconds)).reduce(added, ONE)],
  ["a recharge half an hour after the last", "never within the cooldown", added(ONE, good("r2", 1800))],
  ["a card asked after a hard decline", "no card is asked again too soon", { ...ONE, declines: [declined("hard", -HOUR)] }],
  ["a card asked within the first hour", "no card is asked again too soon", { ...ONE, declines: [declined("soft", -1800)] }],
  [
    "a rule that was paused before",
    "the rule stood when the card was charged",
    { ...ONE, writes: ONE.writes.map(({ esim, ...write }) => ({ ...write, esim: paused(esim) })) },
  ],
  [
    "a backup of what was called off",
    "what its payer called off is neither tried again nor stood in for",
    { ...ONE, writes: [...ONE.writes.slice(0, -1).map(calledOff), { at: at(8), esim: { ...line, requested: BACKUP } }] },
  ],
  [
    "a next try of what was called off",
    "what its payer called off is neither tried again nor stood in for",
    { ...ONE, writes: ONE.writes.map(calledOff).map((write) => ({ ...write, esim: endedAs(write.esim, TRIED_AGAIN) })) },
  ],
  [
    "a charge ten minutes after its announcement",
    "who wants to be told before a charge is told in time",
    { ...ONE, writes: ONE.writes.map(withNotice), published: [{ at: at(-600), event: ANNOUNCED }, ...ONE.published] },
  ],
  ["a kill switch that was on", "nothing is charged that an operator has stopped", { ...ONE, killSwitches: [{ at: at(-300), on: true }] }],
  ["a subscriber who was paused", "nothing is charged that an operator has stopped", { ...ONE, holds: [{ at: at(-300), subscriberId: SUBSCRIBER, on: true }] }],
  [
    "a line that belongs to somebody else",
    "nobody's line is recharged by another",
    { ...ONE, owners: [{ at: at(-HOUR), iccid: ICCID, subscriberId: "other" }] },
  ],
  ["more than a payer agreed to for another's line", "another's line is paid for as agreed", { ...ONE, writes: ONE.writes.map(byGrant({ cap: cny(4999) })) }],
  [
    "a charge after the end of what a payer agreed to",
    "another's line is paid for as agreed",
    { ...ONE, writes: ONE.writes.map(byGrant({ until: instantAt(-HOUR / 1000) })) },
  ],
  [
    "a line of another's that changed hands",
    "nobody's line is recharged by another",
    { ...ONE, writes: ONE.writes.map(byGrant({})), owners: [{ at: at(-HOUR), iccid: ICCID, subscriberId: "bob", holder: "holder-of-now" }] },
  ],
  [
    "a line that was well",
    "only a low and fresh balance is recharged",
    { ...ONE, writes: ONE.writes.map((write) => ({ ...write, esim: judgedOn(write.esim, 1000) })) },
  ],
  ["a balance from before the last credit", "only a low and fresh balance is recharged", added(ONE, good("r2", 4000))],
  [
    "a balance of half an hour ago",
    "only a low and fresh balance is recharged",
    { ...ONE, writes: ONE.writes.map((write) => ({ ...write, esim: judgedOn(write.esim, 900, instantAt(-1800)) })) },
  ],
  [
    "a line that had to wait",
    "a line that is to be left alone is left alone",
    { ...ONE, writes: [{ at: at(0), esim: { ...line, quietUntil: instantAt(HOUR / 1000) } }, ...ONE.writes] },
  ],
  [
    "a decline that no card remembers",
    "a decline is kept before its end",
    {
      ...ONE,
      writes: ONE.writes.map((write) => ({ ...write, esim: endedAs(write.esim, { end: "declined", code: "do_not_honor", severity: "soft" }) })),
    },
  ],
  [
    "an unpaid end whose payment is left open",
    "what ended unpaid can not be paid any more",
    { ...ONE, bills: ONE.bills.map((bill) => ({ ...bill, end: "expired" })) },
  ],
  ["an end of which nobody heard", "every event is told", { ...ONE, published: [] }],
  [
    "an announcement of what was charged that nobody heard",
    "every event is told",
    { ...ONE, writes: [{ at: at(0), esim: announced("r1") }, ...ONE.writes], published: ONE.published },
  ],
  ["a success that was none", "no event tells what did not happen", { ...ONE, topUps: [] }],
  ["an event before its time", "no event tells what did not happen", { ...ONE, published: ONE.published.map((told) => ({ ...told, at: at(1) })) }],
  ["a bill that says less", "bills, Stripe and the carrier agree to the cent", { ...ONE, bills: ONE.bills.map((bill) => ({ ...bill, charged: cny(4999) })) }],
  ["an end without a bill", "bills, Stripe and the carrier agree to the cent", { ...ONE, bills: [] }],
  [
    "a limit that forgot a recharge",
    "the limits count what was taken and not given back",
    { ...ONE, lines: [{ ...line, spend: { [SUBSCRIBER]: book(undefined, { month: "2026-11", day: "2026-11-23" }, cny(4999), NOW) } }] },
  ],
  [
    "a refund at a carrier that may credit yet",
    "a no that may become a yes is nobody's reason to give back",
    { ...ONE, answersAreFinal: false, bills: ONE.bills.map((bill) => ({ ...bill, end: "refunded", reason: "line-barred" })) },
  ],
  ["a recharge that never ends", "everything ends", { ...ONE, lines: [{ ...line, open: open("r1", { name: "confirming", paymentIntentId: "pi_r1" }) }] }],
  [
    "a review without an alarm",
    "everything ends",
    { ...NOTHING, lines: [{ ...line, open: open("r1", { name: "needs-review", paymentIntentId: "pi_r1", reason: "carrier-unclear", since: NOW }) }] },
  ],
  ["a review without a question", "a person is asked what the carrier was asked before", { ...ONE, writes: ONE.writes.map(underReview) }],
  ["a low line that nobody looks at", "no line starves", { ...ONE, balances: new Map([[ICCID, { available: 900, ownerId: SUBSCRIBER }]]) }],
];

function added(seen: Evidence, more: ReturnType<typeof good>): Evidence {
  return {
    ...seen,
    writes: [...seen.writes, ...more.writes],
    charges: [...seen.charges, ...more.charges],
    topUps: [...seen.topUps, ...more.topUps],
    confirms: [...seen.confirms, ...more.confirms],
    bills: [...seen.bills, ...more.bills],
    published: [...seen.published, ...more.published],
  };
}

function announced(rechargeId: string): Esim {
  return {
    ...line,
    open: open(rechargeId, { name: "announced", chargeAt: instantAt(7200) }),
    pendingEvents: [{ ...ANNOUNCED, id: `${rechargeId}/announced` }],
  };
}

function judgedOn(esim: Esim, balance: number, readAt = NOW): Esim {
  return esim.open === undefined ? esim : { ...esim, open: { ...esim.open, reading: reading(balance, readAt) } };
}

/** The same, by an agreement with the line's holder. */
function byGrant(changes: Partial<FamilyGrant>): (write: Evidence["writes"][number]) => Evidence["writes"][number] {
  const consent = { termsVersion: "1", at: instantAt(-HOUR / 1000) };
  const given = { subscriberId: SUBSCRIBER, holder: "holder", since: consent.at, until: instantAt(HOUR), cap: cny(50_000), spent: cny(0), consent };
  const family: FamilyGrant = { ...given, ...changes };
  const { since, until, cap, spent } = family;
  return ({ at: written, esim }) => ({
    at: written,
    esim: { ...esim, family, ...(esim.open !== undefined && { open: { ...esim.open, family: { since, until, cap, spent } } }) },
  });
}

function underReview({ at: written, esim }: Evidence["writes"][number]): Evidence["writes"][number] {
  const state = { name: "needs-review", paymentIntentId: "pi_r1", reason: "carrier-unclear", since: NOW } as const;
  return { at: written, esim: esim.open === undefined ? esim : { ...esim, open: { ...esim.open, state } } };
}

function endedAs(esim: Esim, end: UnpaidEnd): Esim {
  if (esim.open?.state.name !== "ended") return esim;
  return { ...esim, open: { ...esim.open, state: { name: "ended", at: esim.open.state.at, paymentIntentId: "pi_r1", ...end } } };
}

function calledOff({ at: written, esim }: Evidence["writes"][number]): Evidence["writes"][number] {
  return { at: written, esim: esim.open === undefined ? esim : { ...esim, open: { ...esim.open, cancelRequested: { by: SUBSCRIBER, at: NOW } } } };
}

function withNotice({ at: written, esim }: Evidence["writes"][number]): Evidence["writes"][number] {
  return { at: written, esim: esim.rule === undefined ? esim : { ...esim, rule: { ...esim.rule, noticeMinutes: 30 } } };
}

function paused(esim: Esim): Esim {
  return esim.rule === undefined ? esim : { ...esim, rule: { ...esim.rule, status: { state: "paused", at: NOW } } };
}

describe("the oracle", () => {
  it("has nothing to say against a recharge that went well", () => {
    expect(breaksOf(ONE)).toEqual([]);
  });

  it("asks nobody to announce what was dropped first, only to tell of its end", () => {
    const [bill] = ONE.bills;
    if (bill === undefined) throw new Error("There is no bill");
    const before = announced("r1");
    const end: LineEvent = { ...ended("r1"), name: "RechargeCancelled", id: "r1/RechargeCancelled", reason: "outdated" };
    const dropped: Esim = { ...line, open: open("r1", { name: "ended", end: "cancelled", reason: "outdated", at: instantAt(1) }), pendingEvents: [end] };
    const cancelled: Bill = { ...bill, end: "cancelled", reason: "outdated", charged: cny(0), credited: cny(0), paymentIntentId: undefined, paidAt: undefined };
    const writes = [before, dropped, line].map((esim, index) => ({ at: at(index), esim }));
    const seen: Evidence = { ...NOTHING, writes, bills: [cancelled], published: [{ at: at(3), event: end }] };
    expect(breaksOf(seen)).toEqual([]);
    expect(breaksOf({ ...seen, published: [] })).toContainEqual(expect.stringContaining("every event is told: r1/RechargeCancelled"));
  });

  it("has nothing to say against one that was paid for by an agreement with the line's holder", () => {
    const owners = [{ at: at(-HOUR), iccid: ICCID, subscriberId: "bob", holder: "holder" }];
    const balances = new Map([[ICCID, { available: 5900, ownerId: "bob", holder: "holder" }]]);
    expect(breaksOf({ ...ONE, writes: ONE.writes.map(byGrant({})), owners, balances })).toEqual([]);
  });

  it.each(PLANTED)("catches %s", (_, law, seen) => {
    expect(breaksOf(seen).map((found) => found.slice(0, found.indexOf(": ")))).toContain(law);
  });

  it("has every law tried", () => {
    expect(new Set(PLANTED.map(([, law]) => law))).toEqual(new Set(Object.keys(LAWS)));
  });
});
