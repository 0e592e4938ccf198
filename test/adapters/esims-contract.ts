import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  applyPublished,
  deleteRule,
  type Esim,
  newEsim,
  type OpenRecharge,
  type Requested,
  setRuleState,
  suspendRule,
  withEvent,
} from "../../functions/domain/esim.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import { type Esims, type Page, type SlotLine, UnreadableLine } from "../../functions/domain/ports.ts";
import type { CancelReason, RechargeState, ReviewReason, StateName } from "../../functions/domain/recharge-states.ts";
import type { Consent, Rule, RuleStatus, SuspensionReason, TopUp } from "../../functions/domain/rule.ts";
import { lookShard, slotHash, slotKey, type Tier } from "../../functions/domain/slots.ts";
import type { Spend } from "../../functions/domain/spend.ts";
import { record } from "../../functions/workers/record.ts";
import { cny, esimWithRule, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";
import { forgedMark, iccidOf, type MakeStore, readPages, seed } from "./store-contract.ts";

const LATER = "2026-11-23T09:00:00.000Z";
const STRANGER = "sub-eve";
const UNPAID = { paymentIntentId: "pi_1", end: "declined", code: "insufficient_funds", severity: "soft" } as const;
const CANCELLED = { end: "cancelled", reason: "kill-switch" } as const;
const EXPIRED = { end: "expired" } as const;

/** Every state, with and without what it may lack. */
const STATES: { readonly [Name in StateName]: readonly Extract<RechargeState, { name: Name }>[] } = {
  announced: [{ name: "announced", chargeAt: LATER }],
  reserved: [{ name: "reserved" }],
  confirming: [{ name: "confirming", paymentIntentId: "pi_1" }],
  processing: [{ name: "processing", paymentIntentId: "pi_1" }],
  "awaiting-customer": [
    { name: "awaiting-customer", paymentIntentId: "pi_1", remindAt: NOW, expiresAt: LATER },
    { name: "awaiting-customer", paymentIntentId: "pi_1", expiresAt: LATER },
  ],
  crediting: [{ name: "crediting", paymentIntentId: "pi_1", paidAt: NOW }],
  refunding: [{ name: "refunding", paymentIntentId: "pi_1", paidAt: NOW, code: "line-closed" }],
  closing: [
    { name: "closing", ...UNPAID },
    { name: "closing", ...UNPAID, retryAt: LATER },
    { name: "closing", paymentIntentId: "pi_1", ...CANCELLED },
    { name: "closing", paymentIntentId: "pi_1", ...EXPIRED },
  ],
  "needs-review": [
    { name: "needs-review", paymentIntentId: "pi_1", reason: "payment-mismatch", since: NOW },
    { name: "needs-review", paymentIntentId: "pi_1", reason: "carrier-unclear", since: LATER, paidAt: NOW },
    { name: "needs-review", paymentIntentId: "pi_1", reason: "refund-failed", since: LATER, paidAt: NOW },
  ],
  ended: [
    { name: "ended", at: LATER, paymentIntentId: "pi_1", end: "succeeded", paidAt: NOW },
    { name: "ended", at: LATER, paymentIntentId: "pi_1", end: "refunded", paidAt: NOW, code: "line-closed" },
    { name: "ended", at: LATER, paymentIntentId: "pi_1", ...EXPIRED },
    { name: "ended", at: LATER, ...UNPAID, severity: "hard" },
    { name: "ended", at: LATER, ...UNPAID, retryAt: LATER },
    { name: "ended", at: LATER, ...CANCELLED },
    { name: "ended", at: LATER, paymentIntentId: "pi_1", ...CANCELLED },
  ],
};

/** A reason that is missing here, or that a store refuses, does not compile or does not pass. */
const CANCEL_REASONS: { readonly [Reason in CancelReason]: true } = {
  "rule-changed": true,
  "line-lost": true,
  "by-subscriber": true,
  "balance-recovered": true,
  "limit-reached": true,
  outdated: true,
  "card-declined-elsewhere": true,
  "kill-switch": true,
  "paused-by-operator": true,
  "resolved-by-operator": true,
  "payment-method-unusable": true,
  "amount-refused": true,
  "payment-fault": true,
  "payment-canceled-elsewhere": true,
  "payment-unclear": true,
};
const REVIEW_REASONS: { readonly [Reason in ReviewReason]: true } = {
  "carrier-refused": true,
  "carrier-unclear": true,
  "carrier-conflict": true,
  "payment-mismatch": true,
  "refund-failed": true,
  "refund-by-hand": true,
  "payment-unclear": true,
};
const SUSPENSION_REASONS: { readonly [Reason in SuspensionReason]: true } = {
  "card-refused-for-good": true,
  "declined-too-often": true,
  "line-not-yours": true,
  "currency-changed": true,
  "payment-method-gone": true,
  "amount-not-offered": true,
  "carrier-refused": true,
  "payment-disputed": true,
  "paused-by-operator": true,
  "family-ended": true,
  "family-limit-reached": true,
};

function namesOf<Name extends string>(names: { readonly [Each in Name]: true }): Name[] {
  return Object.keys(names) as Name[];
}

const STATUSES: { readonly [State in RuleStatus["state"]]: Extract<RuleStatus, { state: State }> } = {
  active: { state: "active" },
  paused: { state: "paused", at: NOW },
  suspended: { state: "suspended", at: NOW, reason: "card-refused-for-good" },
};

const TOP_UPS: { readonly [Type in TopUp["type"]]: Extract<TopUp, { type: Type }> } = {
  fixed: { type: "fixed", amount: cny(5000) },
  target: { type: "target", target: cny(99_999_999) },
};

const CONSENT = { termsVersion: "2026-11-28", termsHash: "h4sh", at: NOW, timeZone: "Asia/Shanghai" };

const OPEN: Required<OpenRecharge> = {
  rechargeId: "r-1",
  subscriberId: SUBSCRIBER,
  amount: cny(5000),
  method: { ...METHOD, payRequest: "wechat_pay" },
  origin: "backup",
  ruleVersion: 4,
  consent: CONSENT,
  family: { since: NOW, until: LATER, cap: cny(50_000), spent: cny(15_000) },
  period: { month: "2026-11", day: "2026-11-23" },
  reading: reading(-250),
  check: "check-1",
  reservedAt: NOW,
  lease: { until: LATER, attempts: 2, crashes: 1 },
  state: { name: "reserved" },
  toldAt: LATER,
  actBy: LATER,
  resolution: { as: "nothing-taken", by: "ada", at: LATER, note: "The carrier says so.", withoutCarrier: true },
  cancelRequested: { by: SUBSCRIBER, at: LATER },
};

const REQUESTED: Required<Requested> = {
  rechargeId: "r-2",
  origin: "payer",
  subscriberId: SUBSCRIBER,
  amount: cny(5000),
  method: METHOD,
  ruleVersion: 0,
  consent: CONSENT,
  reading: reading(-250),
  check: "check-1",
  at: NOW,
  cancelRequested: { by: SUBSCRIBER, at: LATER },
};

const RULE: Required<Rule> = {
  threshold: cny(0),
  topUp: TOP_UPS.fixed,
  limits: { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 60 },
  paymentMethodId: METHOD.id,
  noticeMinutes: 60,
  version: 4,
  writeId: "rule-write",
  status: STATUSES.active,
  consent: CONSENT,
  createdAt: NOW,
  updatedAt: LATER,
};

/** A line with everything that a line can have: a new field that is missing here does not compile. */
const FULL: Required<Esim> = {
  iccid: iccidOf(0),
  version: 0,
  subscriberId: SUBSCRIBER,
  rule: RULE,
  family: {
    subscriberId: SUBSCRIBER,
    holder: "holder-1",
    since: NOW,
    until: LATER,
    cap: cny(50_000),
    spent: cny(15_000),
    consent: { termsVersion: "2026-11-28", at: NOW },
    refunds: ["re_1"],
    threshold: { is: cny(1000), since: NOW },
  },
  open: OPEN,
  requested: REQUESTED,
  spend: {
    [SUBSCRIBER]: { month: "2026-11", monthAmounts: [cny(15_000)], day: "2026-11-23", dayCount: 3, lastEndedAt: NOW },
    [STRANGER]: { month: "2025-01", monthAmounts: [{ amount: 500, currency: "JPY" }], refunds: ["re_1"], day: "2025-01-31", dayCount: 1, lastEndedAt: NOW },
  },
  cycle: 12,
  tier: "6h",
  quietUntil: LATER,
  quietWhileLow: true,
  pendingEvents: Object.values(SAMPLE_EVENTS).filter((event) => "iccid" in event),
  lookAt: LATER,
};

/** A line that is watched: an active rule, nothing open, nothing to do. */
function watched(number: number, changes: Partial<Esim> = {}): Esim {
  return { ...esimWithRule(), iccid: iccidOf(number), version: 0, ...changes };
}

/** Numbers whose lines lie in one partition of an index. */
function numbersWhere(matches: (number: number) => boolean, count: number): number[] {
  const numbers: number[] = [];
  for (let number = 1; numbers.length < count; number++) if (matches(number)) numbers.push(number);
  return numbers;
}

/** Overwrites fields of what is stored of a line, so that it need not be a line any more. */
export type Spoil = (iccid: Iccid, fields: Record<string, unknown>) => Promise<unknown>;
type MakeEsims = () => Promise<Awaited<ReturnType<MakeStore<Esims>>> & { readonly spoil: Spoil }>;

/** What every store of lines promises. */
export function describeEsims(name: string, make: MakeEsims): void {
  describe(`the lines ${name}`, () => {
    let store: Esims;
    let spoil: Spoil;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ store, spoil, close } = await make());
    });
    afterEach(() => close?.());

    let writes = 0;
    /** A write that nobody competes with. */
    async function saved(esim: Esim): Promise<Esim> {
      writes += 1;
      const stored = await store.save(esim, `write ${writes}`);
      if (stored === undefined) throw new Error(`${esim.iccid} was written by somebody else`);
      return stored;
    }

    async function expectRoundTrip(esim: Esim): Promise<void> {
      const expected = { ...esim, version: 1 };
      expect(await saved(esim)).toEqual(expected);
      expect(await store.load(esim.iccid)).toEqual(expected);
    }

    const slotLines = async (slot: string, from = "00000000", to = "ffffffff") => (await readPages((page) => store.listSlot({ slot, from, to }, page))).flat();
    const isWatched = async ({ iccid, tier }: Esim) => (await slotLines(slotKey(iccid, tier))).some((line) => line.iccid === iccid);
    const dueLines = async (shard: string, now: string, page?: string) => {
      const { items, next } = await store.listDue(shard, now, page);
      return { items: items.map(({ iccid }) => iccid), next };
    };
    const isDue = async ({ iccid }: Esim, now = "2027-01-01T00:00:00.000Z") => (await dueLines(lookShard(iccid), now)).items.includes(iccid);
    const linesOf = async (subscriberId: string) => (await readPages((page) => store.listBySubscriber(subscriberId, page))).flat();

    describe("when they are read", () => {
      it("come back with every field that they were saved with", async () => {
        await expectRoundTrip(FULL);
        await expectRoundTrip(newEsim(iccidOf(1)));
      });

      it("come back in every state of a recharge", async () => {
        for (const [index, state] of Object.values(STATES).flat().entries()) {
          await expectRoundTrip({ ...FULL, iccid: iccidOf(index), open: { ...OPEN, state } });
        }
      });

      it("come back with every status and every top-up of a rule", async () => {
        for (const [index, status] of Object.values(STATUSES).entries()) await expectRoundTrip(watched(index, { rule: { ...RULE, status } }));
        for (const [index, topUp] of Object.values(TOP_UPS).entries()) await expectRoundTrip(watched(100 + index, { rule: { ...RULE, topUp } }));
      });

      it("come back with the consent that an open recharge stands on, whatever became of the rule's", async () => {
        const others: Consent[] = [
          { ...CONSENT, termsHash: "0ther" },
          { ...CONSENT, termsHash: undefined },
          { ...CONSENT, at: LATER },
          { ...CONSENT, timeZone: "UTC" },
          { ...CONSENT, termsVersion: "2025-01-01" },
        ];
        for (const [index, consent] of others.entries()) await expectRoundTrip({ ...FULL, iccid: iccidOf(index), open: { ...OPEN, consent } });
        await expectRoundTrip({ ...FULL, iccid: iccidOf(100), rule: undefined });
      });

      it("come back with every reason", async () => {
        const cancelled = namesOf(CANCEL_REASONS).map((reason) => ({ name: "closing", paymentIntentId: "pi_1", end: "cancelled", reason }) as const);
        const parked = namesOf(REVIEW_REASONS).map((reason) => ({ name: "needs-review", paymentIntentId: "pi_1", reason, since: NOW }) as const);
        for (const [index, state] of [...cancelled, ...parked].entries()) await expectRoundTrip({ ...FULL, iccid: iccidOf(index), open: { ...OPEN, state } });
        for (const [index, reason] of namesOf(SUSPENSION_REASONS).entries()) {
          await expectRoundTrip(watched(100 + index, { rule: { ...RULE, status: { ...STATUSES.suspended, reason } } }));
        }
      });

      it("lose the fields that a later write leaves out", async () => {
        const { iccid, version } = await saved(FULL);
        await saved({ ...newEsim(iccid), version });
        expect(await store.load(iccid)).toEqual({ ...newEsim(iccid), version: 2 });
      });

      it("are missing when nobody saved them", async () => expect(await store.load(iccidOf(1))).toBeUndefined());

      it("come many at once, without those that are not stored", async () => {
        const numbers = Array.from({ length: 250 }, (_, index) => index);
        const stored = await seed(
          numbers.filter((number) => number % 2 === 0),
          (number) => saved(watched(number)),
        );
        const found = await store.loadMany(numbers.map(iccidOf));
        expect(found.toSorted((a, b) => (a.iccid < b.iccid ? -1 : 1))).toEqual(stored);
        expect(await store.loadMany([])).toEqual([]);
      });

      it("come once, however often they are asked for", async () => {
        const line = await saved(watched(1));
        expect(await store.loadMany([line.iccid, line.iccid])).toEqual([line]);
      });
    });

    describe("when what is stored is not a line", () => {
      /** Ends in 0012, and can no longer be read. */
      async function unreadable(changes: Partial<Esim> = {}): Promise<Iccid> {
        const { iccid } = await saved(watched(1, changes));
        await spoil(iccid, { cycle: "twelve" });
        return iccid;
      }

      it("are a fault that names the line by its last four digits only", async () => {
        const iccid = await unreadable();
        const fault: unknown = await store.load(iccid).catch((error: unknown) => error);
        expect(fault).toBeInstanceOf(UnreadableLine);
        expect(String(fault)).toContain(iccid.slice(-4));
        expect(inspect(fault, { depth: null })).not.toContain(iccid);
      });

      it("are a fault among many, too: left out, it would pass for one that is not stored", async () => {
        const iccid = await unreadable();
        await saved(watched(2));
        await expect(store.loadMany([iccid, iccidOf(2)])).rejects.toThrow(UnreadableLine);
      });

      it("can be met later: only the time to look moves", async () => {
        const iccid = await unreadable({ lookAt: NOW });
        await store.postpone(iccid, LATER);
        expect((await store.listDue(lookShard(iccid), NOW)).items).toEqual([]);
        expect((await store.listDue(lookShard(iccid), LATER)).items).toEqual([{ iccid, lookAt: LATER }]);
        await spoil(iccid, { cycle: 0 });
        expect(await store.load(iccid)).toEqual(watched(1, { version: 1, lookAt: LATER }));
      });

      it("get no time to look when they had none, and none of them is made", async () => {
        const iccid = await unreadable();
        await store.postpone(iccid, LATER);
        await store.postpone(iccidOf(2), LATER);
        expect(await isDue(watched(1))).toBe(false);
        expect(await store.load(iccidOf(2))).toBeUndefined();
      });
    });

    describe("when they are written", () => {
      it("are created once", async () => {
        const first = await saved(watched(1, { cycle: 1 }));
        expect(await store.save(watched(1, { cycle: 2 }), "another write")).toBeUndefined();
        expect(await store.load(first.iccid)).toEqual(first);
      });

      it("change only on the version that was read", async () => {
        const read = await saved(watched(1));
        const current = await saved({ ...read, cycle: 1 });
        expect(current.version).toBe(2);
        expect(await store.save({ ...read, cycle: 2 }, "an older read")).toBeUndefined();
        expect(await store.save({ ...read, cycle: 3, version: 7 }, "a version that never was")).toBeUndefined();
        expect(await store.load(read.iccid)).toEqual(current);
      });

      it("do not change when they are gone", async () => {
        expect(await store.save(watched(1, { version: 3 }), "write")).toBeUndefined();
        expect(await store.load(iccidOf(1))).toBeUndefined();
      });

      it("are taken by one of many who write at the same moment", async () => {
        const read = await saved(watched(1));
        const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => store.save({ ...read, cycle: index }, `racer ${index}`)));
        const winners = outcomes.filter((outcome) => outcome !== undefined);
        expect(winners).toHaveLength(1);
        expect(await store.load(read.iccid)).toEqual(winners[0]);
      });

      it("are created by one of many who see none", async () => {
        const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => store.save(watched(1, { cycle: index }), `racer ${index}`)));
        const winners = outcomes.filter((outcome) => outcome !== undefined);
        expect(winners).toHaveLength(1);
        expect(await store.load(iccidOf(1))).toEqual(winners[0]);
      });

      it("are saved, and saved once, when the reply was lost and the same write comes again", async () => {
        const created = await store.save(watched(1), "a");
        expect(await store.save(watched(1), "a")).toEqual(created);
        const changed = { ...watched(1), version: 1, cycle: 1 };
        const first = await store.save(changed, "b");
        expect(await store.save(changed, "b")).toEqual(first);
        expect(await store.load(changed.iccid)).toEqual({ ...changed, version: 2 });
      });

      it("tell a rule's own write although the machine has written since", async () => {
        const line = watched(1, { rule: { ...RULE, writeId: "of the rule" } });
        const created = await store.save(line, "of the rule");
        const moved = await saved({ ...line, ...created, cycle: 1 });
        expect(await store.save(line, "of the rule")).toEqual(moved);
        expect(await store.save(line, "of somebody else")).toBeUndefined();
        expect(await store.load(line.iccid)).toEqual(moved);
      });

      it("forget a machine's write once another came", async () => {
        const read = await saved(watched(1));
        const first = { ...read, cycle: 1 };
        await store.save(first, "first");
        await store.save({ ...first, version: 2, cycle: 2 }, "second");
        expect(await store.save(first, "first")).toBeUndefined();
      });
    });

    describe("with events that wait to be published", () => {
      const { RuleSaved, RulePaused, RuleDeleted, RechargeSucceeded } = SAMPLE_EVENTS;
      const waiting = async ({ iccid }: Esim) => (await store.load(iccid))?.pendingEvents;

      it("keep them as they are and in their order, also while others write", async () => {
        const line = await saved(watched(1, { pendingEvents: [RulePaused, RuleSaved], lookAt: NOW }));
        await saved({ ...line, cycle: 1 });
        expect(await waiting(line)).toEqual([RulePaused, RuleSaved]);
        expect(await isDue(line)).toBe(true);
      });

      it("lose those that were published and no others, whoever writes at the same moment", async () => {
        const line = await saved(watched(1, { pendingEvents: [RuleSaved, RulePaused], lookAt: NOW }));
        let ids = 0;
        const ports = { esims: store, ids: { next: () => `write of ${++ids}` } };
        await Promise.all([
          record(ports, line, (current) => applyPublished(current, [RuleSaved, RulePaused])),
          record(ports, line, (current) => withEvent(current, RuleDeleted, NOW)),
          record(ports, line, (current) => applyPublished(current, [RuleSaved])),
          record(ports, line, (current) => withEvent(current, RechargeSucceeded, NOW)),
        ]);
        expect(new Set((await waiting(line))?.map(({ name }) => name))).toEqual(new Set(["RuleDeleted", "RechargeSucceeded"]));
        expect(await isDue(line)).toBe(true);
      });

      it("are not due any more once all are published", async () => {
        const line = await saved(watched(1, { pendingEvents: [RuleSaved], lookAt: NOW }));
        await saved(applyPublished(line, [RuleSaved]));
        expect(await waiting(line)).toEqual([]);
        expect(await isDue(line)).toBe(false);
      });
    });

    describe("of a subscriber", () => {
      it("are listed by ICCID, page by page, whatever stands on them, and no others", async () => {
        const numbers = Array.from({ length: 150 }, (_, index) => index);
        const mine = numbers.map((number) => watched(number, number % 3 === 0 ? { rule: undefined } : number % 3 === 1 ? { open: OPEN } : {}));
        await seed([...mine, ...[150, 151].map((number) => watched(number, { subscriberId: STRANGER })), newEsim(iccidOf(152))], saved);
        const pages = await readPages((page) => store.listBySubscriber(SUBSCRIBER, page));
        expect(pages.length).toBeGreaterThan(1);
        expect(pages.flat()).toEqual(numbers.map(iccidOf));
        expect(await linesOf("sub-nobody")).toEqual([]);
      });

      it("are listed for who pays now", async () => {
        const line = await saved(watched(1));
        await saved({ ...line, subscriberId: STRANGER });
        expect([await linesOf(SUBSCRIBER), await linesOf(STRANGER)]).toEqual([[], [line.iccid]]);
      });

      it.each([
        ["nothing", ""],
        ["no JSON", "garbage"],
        ["no base64", "\u00ff"],
        ["no key", forgedMark({})],
        ["an empty key", forgedMark({ iccid: "", subscriberId: SUBSCRIBER })],
        ["a key too long", forgedMark({ iccid: "8".repeat(1025), subscriberId: SUBSCRIBER })],
        ["more than a key", forgedMark({ iccid: iccidOf(1), subscriberId: SUBSCRIBER, more: "fields" })],
      ])("are not listed from a page mark that nobody gave: %s", async (_, page) => {
        await saved(watched(1));
        await expect(store.listBySubscriber(SUBSCRIBER, page)).rejects.toMatchObject({ name: "InvalidPage" });
      });

      it("are not listed to another who brings their page mark", async () => {
        const theirs = Array.from({ length: 101 }, (_, index) => watched(index, { subscriberId: STRANGER }));
        await seed([...theirs, watched(500)], saved);
        const { next } = await store.listBySubscriber(STRANGER);
        expect(next).toBeDefined();
        const listed = await store.listBySubscriber(SUBSCRIBER, next).then(
          ({ items }) => items,
          (error: unknown) => {
            expect(error).toMatchObject({ name: "InvalidPage" }); // a store may also refuse it
            return [];
          },
        );
        expect(listed.filter((iccid) => iccid !== iccidOf(500))).toEqual([]);
      });
    });

    describe("in the slot wheel", () => {
      it("are those with an active rule and nothing open", async () => {
        const active = await saved(watched(1));
        const others: Partial<Esim>[] = [
          { rule: { ...RULE, status: STATUSES.paused } },
          { rule: { ...RULE, status: STATUSES.suspended } },
          { rule: undefined },
          { open: OPEN },
        ];
        const unwatched = await Promise.all(others.map((changes, index) => saved(watched(2 + index, changes))));
        expect(await isWatched(active)).toBe(true);
        for (const line of unwatched) expect(await isWatched(line)).toBe(false);
      });

      it("show what a balance is judged by", async () => {
        const { iccid, tier } = await saved(watched(1, { cycle: 7, quietUntil: LATER, quietWhileLow: true }));
        const expected: Required<SlotLine> = {
          iccid,
          subscriberId: SUBSCRIBER,
          threshold: cny(1000),
          cycle: 7,
          quietUntil: LATER,
          quietWhileLow: true,
        };
        expect(await slotLines(slotKey(iccid, tier))).toEqual([expected]);
      });

      it("show what changed with the last write", async () => {
        const line = await saved(watched(1, { quietUntil: LATER, quietWhileLow: true }));
        await saved({ ...line, cycle: 1, quietUntil: undefined, quietWhileLow: undefined, rule: { ...RULE, threshold: cny(2000) } });
        const expected: SlotLine = { iccid: line.iccid, subscriberId: SUBSCRIBER, threshold: cny(2000), cycle: 1, quietUntil: undefined };
        expect(await slotLines(slotKey(line.iccid, line.tier))).toEqual([expected]);
      });

      it("lie in the slot of their tier, and move with it", async () => {
        let line = watched(1);
        const tiers: Tier[] = ["15m", "1h", "6h", "24h"];
        for (const tier of tiers) {
          line = await saved({ ...line, tier });
          for (const other of tiers) expect(await isWatched({ ...line, tier: other })).toBe(other === tier);
        }
      });

      it("leave it while something is open, and come back", async () => {
        const free = await saved(watched(1));
        const busy = await saved({ ...free, open: OPEN });
        expect(await isWatched(free)).toBe(false);
        await saved({ ...busy, open: undefined });
        expect(await isWatched(free)).toBe(true);
      });

      it("leave it when the rule is paused, suspended or deleted", async () => {
        const line = await saved(watched(1));
        const pause = setRuleState(line, { subscriberId: SUBSCRIBER, state: "paused", writeId: "p" }, 1, NOW);
        const removal = deleteRule(line, SUBSCRIBER, 1, NOW);
        if (pause.kind !== "changed" || removal.kind !== "changed") throw new Error("The rule was not changed");
        for (const changed of [pause.esim, suspendRule(line, "declined-too-often", NOW), removal.esim]) {
          const { version } = await saved({ ...line, version: (await store.load(line.iccid))?.version ?? 0 });
          expect(await isWatched(line)).toBe(true);
          await saved({ ...changed, version });
          expect(await isWatched(line)).toBe(false);
        }
      });

      it("are listed page by page, and by ranges of their hash with both bounds included", async () => {
        const slot = "15m#3";
        const numbers = numbersWhere((number) => slotKey(iccidOf(number), "15m") === slot, 150);
        const byHash = numbers.map(iccidOf).toSorted((a, b) => (slotHash(a) < slotHash(b) ? -1 : 1));
        const hashes = byHash.map(slotHash);
        await seed(numbers, (number) => saved(watched(number)));
        const pages = await readPages((page) => store.listSlot({ slot, from: "00000000", to: "ffffffff" }, page));
        expect(pages.length).toBeGreaterThan(1);
        expect(pages.flat().map((line) => line.iccid)).toEqual(byHash);
        expect((await slotLines(slot, hashes[20], hashes[39])).map((line) => line.iccid)).toEqual(byHash.slice(20, 40));
        expect((await slotLines(slot, hashes[20], hashes[139])).map((line) => line.iccid)).toEqual(byHash.slice(20, 140));
      });
    });

    describe("with something to do", () => {
      it("are due from their time on", async () => {
        const line = await saved(watched(1, { lookAt: NOW }));
        expect(await isDue(line, "2026-11-23T07:59:59.999Z")).toBe(false);
        expect(await isDue(line, NOW)).toBe(true);
        expect(await isDue(line, LATER)).toBe(true);
      });

      it("are due until nothing is left to do", async () => {
        const line = await saved(FULL);
        expect(await isDue(line)).toBe(true);
        await saved({ ...line, open: undefined, pendingEvents: [], lookAt: undefined });
        expect(await isDue(line)).toBe(false);
      });

      it("are listed by shard, the longest due first, page by page", async () => {
        const shard = lookShard(iccidOf(0));
        const numbers = numbersWhere((number) => lookShard(iccidOf(number)) === shard, 150);
        const lookAt = (index: number) => new Date(Date.parse(NOW) + ((index * 77) % 150) * 1000).toISOString(); // 77 and 150 share no factor: all differ
        const lines = numbers.map((number, index) => watched(number, { lookAt: lookAt(index) }));
        const elsewhere = numbersWhere((number) => lookShard(iccidOf(number)) !== shard, 5).map((number) => watched(number, { lookAt: NOW }));
        await seed([...lines, ...elsewhere], saved);
        const pages = await readPages((page) => dueLines(shard, LATER, page));
        expect(pages.length).toBeGreaterThan(1);
        const longestFirst = lines.toSorted((a, b) => ((a.lookAt ?? "") < (b.lookAt ?? "") ? -1 : 1)).map((line) => line.iccid);
        expect(pages.flat()).toEqual(longestFirst);
      });
    });

    describe("that hold something of a subscriber", () => {
      const found = async () => (await readPages((page) => store.findOf(SUBSCRIBER, page))).flat().toSorted();
      const spent: Spend = { month: "2026-11", day: "2026-11-23", monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW };

      it("are found as their payer's, by a former payer's counters, and by the payer of what is open", async () => {
        await saved(watched(1));
        await saved(watched(2, { subscriberId: STRANGER, spend: { [STRANGER]: spent, [SUBSCRIBER]: spent } }));
        await saved(watched(3, { subscriberId: STRANGER, open: OPEN }));
        await saved(watched(4, { subscriberId: STRANGER, spend: { [STRANGER]: spent } }));
        await saved(newEsim(iccidOf(5)));
        await saved(watched(6, { subscriberId: STRANGER, requested: REQUESTED }));
        expect(await found()).toEqual([1, 2, 3, 6].map(iccidOf));
        await expect(store.findOf(SUBSCRIBER, forgedMark({}))).rejects.toMatchObject({ name: "InvalidPage" });
      });

      it("are gone once they are removed, on the version that was read", async () => {
        const old = await saved(watched(1));
        const line = await saved({ ...old, cycle: 1 });
        expect(await store.remove(old)).toBe(false);
        expect(await store.load(line.iccid)).toEqual(line);
        for (const _again of [1, 2]) expect(await store.remove(line)).toBe(true);
        expect(await store.load(line.iccid)).toBeUndefined();
        expect(await found()).toEqual([]);
        expect(await store.save(line, "late")).toBeUndefined();
        expect(await saved(watched(1))).toMatchObject({ version: 1 });
      });
    });

    describe("in lists that go on", () => {
      const slot = "15m#3";
      const shard = "look#3";
      const slotPage = async (page?: string): Promise<Page<Iccid>> => {
        const { items, next } = await store.listSlot({ slot, from: "00000000", to: "ffffffff" }, page);
        return { items: items.map(({ iccid }) => iccid), next };
      };
      const lists: readonly [string, (iccid: Iccid) => boolean, Partial<Esim>, (page?: string) => Promise<Page<Iccid>>][] = [
        ["a subscriber's", () => true, { subscriberId: STRANGER }, (page) => store.listBySubscriber(SUBSCRIBER, page)],
        ["a slot's", (iccid) => slotKey(iccid, "15m") === slot, { open: OPEN }, slotPage],
        ["a shard's", (iccid) => lookShard(iccid) === shard, { lookAt: undefined }, (page) => dueLines(shard, NOW, page)],
      ];

      it.each(lists)("%s comes without gaps or repeats although the lines at the end of its first page have left it", async (_, isListed, leave, list) => {
        const lines = numbersWhere((number) => isListed(iccidOf(number)), 120).map((number) => watched(number, { lookAt: NOW }));
        const stored = new Map((await seed(lines, saved)).map((line) => [line.iccid, line]));
        const first = await list();
        for (const iccid of first.items.slice(-2)) await saved({ ...newEsim(iccid), ...stored.get(iccid), ...leave });
        const rest = await list(first.next);
        expect(first.next).toBeDefined();
        expect(rest.next).toBeUndefined();
        expect([...first.items, ...rest.items].toSorted()).toEqual(lines.map(({ iccid }) => iccid).toSorted());
      });

      it.each([
        ["no JSON", "garbage"],
        ["no key", forgedMark({})],
        ["a subscriber's key", forgedMark({ iccid: iccidOf(1), subscriberId: SUBSCRIBER })],
      ])("neither a slot's nor a shard's comes from a page mark that nobody gave: %s", async (_, page) => {
        await saved(watched(1, { lookAt: NOW }));
        await expect(slotPage(page)).rejects.toMatchObject({ name: "InvalidPage" });
        await expect(store.listDue(shard, LATER, page)).rejects.toMatchObject({ name: "InvalidPage" });
      });

      it.each(lists.slice(1))("%s does not come from the page mark of another such list", async (_, isListed, __, list) => {
        const numbers = numbersWhere((number) => isListed(iccidOf(number)), 101);
        await seed(numbers, (number) => saved(watched(number, { lookAt: NOW })));
        const { next } = await list();
        expect(next).toBeDefined();
        await expect(store.listSlot({ slot: "15m#4", from: "00000000", to: "ffffffff" }, next)).rejects.toThrow();
        await expect(store.listDue("look#4", NOW, next)).rejects.toThrow();
      });
    });
  });
}
