import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Bill } from "../../functions/domain/bill.ts";
import type { AdjustmentKind } from "../../functions/domain/events.ts";
import type { Adjustment, RechargeStart, RechargeStep, Recharges } from "../../functions/domain/ports.ts";
import type { RechargeEnd, StateName } from "../../functions/domain/recharge-states.ts";
import { cny, ICCID, METHOD, NOW, reading, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { forgedMark, type MakeStore, readPages, seed } from "./store-contract.ts";

const STRANGER = "sub-eve";
const LATER = "2026-11-23T09:00:00.000Z";
const CONSENT = { termsVersion: "2026-11-28", termsHash: "h4sh", at: NOW, timeZone: "Asia/Shanghai" };
const PERIOD = { month: "2026-11", day: "2026-11-23" };

/** A start with everything that a start can have: a new field that is missing here does not compile. */
export const FULL_START: Required<RechargeStart> = {
  rechargeId: "r-1",
  iccid: ICCID,
  subscriberId: SUBSCRIBER,
  at: NOW,
  origin: "backup",
  amount: cny(5000),
  rule: { ...ruleSettings({ topUp: { type: "target", target: cny(9000) } }), version: 4 },
  consent: CONSENT,
  reading: reading(-250),
  check: "report-1",
  cardKey: METHOD.cardKey,
  spend: { ...PERIOD, monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW, refunds: ["re_1"] },
  declines: 2,
  requestHash: "hash of a request",
};
/** As the first recharge of a line starts that was not found by a check. */
const { check: _, spend: __, ...BARE_START } = FULL_START;

export const STEP: RechargeStep = {
  rechargeId: "r-1",
  stepId: "s-1",
  at: NOW,
  state: "confirming",
  asked: "payments.confirm",
  answer: { kind: "refused", error: { status: 402, code: "card_declined" }, declines: [1, 2], isLast: false, note: null },
};

/** A state that is missing here does not compile. */
const STATE_NAMES: { readonly [Name in StateName]: Name } = {
  announced: "announced",
  reserved: "reserved",
  confirming: "confirming",
  processing: "processing",
  "awaiting-customer": "awaiting-customer",
  crediting: "crediting",
  refunding: "refunding",
  closing: "closing",
  "needs-review": "needs-review",
  ended: "ended",
};

export const ADJUSTMENT: Adjustment = { rechargeId: "r-1", adjustmentId: "re_1/succeeded", kind: "refunded", amount: cny(5000), at: LATER };

/** A kind that is missing here does not compile. */
const ADJUSTMENT_KINDS: { readonly [Kind in AdjustmentKind]: Kind } = {
  refunded: "refunded",
  "refund-failed": "refund-failed",
  "dispute-opened": "dispute-opened",
  "dispute-won": "dispute-won",
  "dispute-lost": "dispute-lost",
  "paid-after-end": "paid-after-end",
};

/** An end that is missing here does not compile. */
const ENDS: { readonly [End in RechargeEnd]: End } = {
  succeeded: "succeeded",
  declined: "declined",
  cancelled: "cancelled",
  expired: "expired",
  refunded: "refunded",
};

/** A bill with everything that a bill can have: a new field that is missing here does not compile. */
export const FULL_BILL: Required<Bill> = {
  rechargeId: "r-1",
  subscriberId: SUBSCRIBER,
  lineLastFour: "0017",
  lineHash: "5f2a",
  end: "succeeded",
  reason: "none",
  amount: cny(5000),
  charged: cny(5000),
  credited: cny(0),
  refunded: cny(5000),
  method: { id: METHOD.id, brand: METHOD.brand, lastFour: METHOD.lastFour },
  paymentIntentId: "pi_1",
  origin: "backup",
  ruleVersion: 4,
  consent: CONSENT,
  family: { since: NOW, until: "2027-06-30T16:00:00.000Z", cap: cny(50_000), spent: cny(15_000), consent: { termsVersion: "2026-11-28", at: NOW } },
  period: PERIOD,
  reading: reading(-250),
  check: "check-1",
  reservedAt: NOW,
  paidAt: NOW,
  endedAt: NOW,
};

/** As `billOf` makes it: what it does not know stands there as undefined. */
const CANCELLED: Bill = { ...FULL_BILL, end: "cancelled", reason: "rule-changed", charged: cny(0), paymentIntentId: undefined, paidAt: undefined };

function billAt(minute: number, changes: Partial<Bill> = {}): Bill {
  const endedAt = new Date(Date.parse(NOW) + minute * 60_000).toISOString();
  return { ...FULL_BILL, rechargeId: `r-${(minute * 77) % 120}`, endedAt, ...changes }; // ids in another order than times
}

/** What every store of recharges promises. */
export function describeRecharges(name: string, make: MakeStore<Recharges>): void {
  describe(`the recharges ${name}`, () => {
    let store: Recharges;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ store, close } = await make());
    });
    afterEach(() => close?.());

    describe("as they start", () => {
      it("remember their line and payer", async () => {
        expect(await store.getStart("r-1")).toBeUndefined();
        await store.putStart(FULL_START);
        expect(await store.getStart("r-1")).toEqual(FULL_START);
      });

      it("remember what there is of why they were made", async () => {
        await store.putStart(BARE_START);
        expect(await store.getStart("r-1")).toEqual(BARE_START);
      });

      it("start once", async () => {
        await store.putStart(FULL_START);
        await store.putStart({ ...FULL_START, subscriberId: STRANGER, at: "2026-11-24T08:00:00.000Z" });
        expect(await store.getStart("r-1")).toEqual(FULL_START);
      });

      it("start as one of many said who start them at the same moment, and none is told off", async () => {
        const subscribers = Array.from({ length: 20 }, (_, index) => `sub-${index}`);
        await Promise.all(subscribers.map((subscriberId) => store.putStart({ ...FULL_START, subscriberId })));
        const first = await store.getStart("r-1");
        expect(subscribers).toContain(first?.subscriberId);
        await store.putStart(FULL_START);
        expect(await store.getStart("r-1")).toEqual(first);
      });

      it("have no bill, and are not listed", async () => {
        await store.putStart(FULL_START);
        expect(await store.getBill("r-1")).toBeUndefined();
        expect(await store.listBills(SUBSCRIBER)).toEqual({ items: [], next: undefined });
      });
    });

    describe("as a history", () => {
      const step = (number: number, at: string, changes: Partial<RechargeStep> = {}): RechargeStep => ({ ...STEP, stepId: `s-${number}`, at, ...changes });

      it("have none at first", async () => expect(await store.getHistory("r-1")).toEqual({ start: undefined, steps: [], bill: undefined, adjustments: [] }));

      it("have all that was put, each recharge its own", async () => {
        await store.putStart(FULL_START);
        await store.putStep(STEP);
        await store.putBill(FULL_BILL);
        await store.putAdjustment(ADJUSTMENT);
        await store.putStep({ ...STEP, rechargeId: "r-2" });
        await store.putAdjustment({ ...ADJUSTMENT, rechargeId: "r-2" });
        expect(await store.getHistory("r-1")).toEqual({ start: FULL_START, steps: [STEP], bill: FULL_BILL, adjustments: [ADJUSTMENT] });
        expect(await store.getHistory("r-2")).toMatchObject({ start: undefined, bill: undefined, steps: [{ rechargeId: "r-2" }] });
      });

      it("have their steps oldest first, whoever put them in what order, and also those of one moment", async () => {
        const [first, second, third, fourth] = [step(4, NOW), step(1, LATER), step(2, LATER), step(3, "2026-11-24T08:00:00.000Z")];
        for (const each of [third, first, fourth, second]) await store.putStep(each);
        expect((await store.getHistory("r-1")).steps).toEqual([first, second, third, fourth]);
      });

      it("have steps in every state, and facts of every kind", async () => {
        const steps = Object.values(STATE_NAMES).map((state, index) => step(index, NOW, { state }));
        const adjustments = Object.values(ADJUSTMENT_KINDS).map((kind, index): Adjustment => ({ ...ADJUSTMENT, adjustmentId: `du_1/${index}`, kind }));
        for (const each of steps) await store.putStep(each);
        for (const each of adjustments) await store.putAdjustment(each);
        expect(await store.getHistory("r-1")).toMatchObject({ steps, adjustments });
      });

      it("have all of their steps, also of a long life", async () => {
        const long = "x".repeat(10_000);
        const steps = Array.from({ length: 150 }, (_, index) => step(100 + index, NOW, { answer: { long } })); // 1.5 MB: more than a page of DynamoDB's
        await seed(steps, store.putStep);
        expect((await store.getHistory("r-1")).steps.map(({ stepId }) => stepId)).toEqual(steps.map(({ stepId }) => stepId));
      });

      it("keep each fact once, as it was told first, and each new one of the same object beside it", async () => {
        await store.putAdjustment(ADJUSTMENT);
        await store.putAdjustment(ADJUSTMENT);
        await store.putAdjustment({ ...ADJUSTMENT, at: "2026-11-25T08:00:00.000Z", amount: cny(1) });
        const failed: Adjustment = { ...ADJUSTMENT, adjustmentId: "re_1/failed", kind: "refund-failed" };
        await store.putAdjustment(failed);
        const { adjustments } = await store.getHistory("r-1");
        expect(new Set(adjustments)).toEqual(new Set([ADJUSTMENT, failed]));
      });

      it("list no bill for a start, a step or a fact", async () => {
        await store.putStart(FULL_START);
        await store.putStep(STEP);
        await store.putAdjustment(ADJUSTMENT);
        expect((await store.listBills(SUBSCRIBER)).items).toEqual([]);
      });
    });

    describe("whose history is erased", () => {
      it("keep their bill and what happened since, and nothing else", async () => {
        await store.putStart(FULL_START);
        for (const stepId of ["s-1", "s-2"]) await store.putStep({ ...STEP, stepId });
        await store.putBill(FULL_BILL);
        await store.putAdjustment(ADJUSTMENT);
        await store.putStart({ ...FULL_START, rechargeId: "r-2" });
        for (const _again of [1, 2]) await store.eraseHistory("r-1");
        expect(await store.getHistory("r-1")).toEqual({ start: undefined, steps: [], bill: FULL_BILL, adjustments: [ADJUSTMENT] });
        expect(await store.getStart("r-2")).toBeDefined();
      });

      it("are found by their subscriber until then, with or without a bill", async () => {
        await store.putStart(FULL_START);
        await store.putBill(FULL_BILL);
        await store.putStart({ ...FULL_START, rechargeId: "r-2" });
        await store.putStep({ ...STEP, rechargeId: "r-2" });
        await store.putStart({ ...FULL_START, rechargeId: "r-3", subscriberId: STRANGER });
        const found = async () => (await readPages((page) => store.findStarts(SUBSCRIBER, page))).flat().toSorted();
        expect(await found()).toEqual(["r-1", "r-2"]);
        await store.eraseHistory("r-1");
        expect(await found()).toEqual(["r-2"]);
        await expect(store.findStarts(SUBSCRIBER, forgedMark({ rechargeId: "r-1" }))).rejects.toMatchObject({ name: "InvalidPage" });
      });
    });

    describe("as bills", () => {
      it("come back with every field, and beside their start", async () => {
        await store.putStart(FULL_START);
        await store.putBill(FULL_BILL);
        expect(await store.getBill("r-1")).toEqual(FULL_BILL);
        expect(await store.getStart("r-1")).toEqual(FULL_START);
        expect((await store.listBills(SUBSCRIBER)).items).toEqual([FULL_BILL]);
      });

      it("come back without what they lack", async () => {
        for (const [index, end] of Object.values(ENDS).entries()) {
          const bill = { ...CANCELLED, rechargeId: `r-${index}`, end, reason: undefined };
          await store.putBill(bill);
          expect(await store.getBill(bill.rechargeId)).toEqual(bill);
        }
      });

      it("may be put again as they are", async () => {
        for (const bill of [FULL_BILL, { ...CANCELLED, rechargeId: "r-2" }]) {
          await store.putBill(bill);
          await store.putBill(bill);
          expect(await store.getBill(bill.rechargeId)).toEqual(bill);
        }
      });

      it.each<[string, Partial<Bill>]>([
        ["another sum", { charged: cny(4999) }],
        ["another end", { end: "declined" }],
        ["another time", { endedAt: "2026-11-23T08:00:00.001Z" }],
        ["one fact less", { paidAt: undefined }],
        ["another consent", { consent: { ...FULL_BILL.consent, termsVersion: "2027-01-01" } }],
      ])("never change: %s is a conflict", async (_, changes) => {
        await store.putBill(FULL_BILL);
        await expect(store.putBill({ ...FULL_BILL, ...changes })).rejects.toMatchObject({ name: "BillConflict" });
        expect(await store.getBill("r-1")).toEqual(FULL_BILL);
      });

      it("never learn a fact afterwards", async () => {
        await store.putBill(CANCELLED);
        await expect(store.putBill({ ...CANCELLED, paidAt: NOW })).rejects.toMatchObject({ name: "BillConflict" });
      });

      it("are written by one of many who put different ones at the same moment", async () => {
        const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => store.putBill({ ...FULL_BILL, ruleVersion: index })));
        expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
      });
    });

    describe("in a subscriber's list", () => {
      it("come newest first, page by page, and nobody else's among them", async () => {
        const bills = Array.from({ length: 120 }, (_, minute) => billAt(minute));
        const theirs = [7, 8].map((minute) => billAt(minute, { subscriberId: STRANGER, rechargeId: `theirs-${minute}` }));
        await seed([...bills, ...theirs], store.putBill);
        const pages = await readPages((page) => store.listBills(SUBSCRIBER, page));
        expect(pages.length).toBeGreaterThan(1);
        expect(pages.flat()).toEqual(bills.toReversed());
      });

      it("come once each when many ended at the same moment", async () => {
        const bills = Array.from({ length: 60 }, (_, index) => ({ ...FULL_BILL, rechargeId: `r-${index}` }));
        await seed(bills, store.putBill);
        const listed = (await readPages((page) => store.listBills(SUBSCRIBER, page))).flat().map((bill) => bill.rechargeId);
        expect(listed.toSorted()).toEqual(bills.map((bill) => bill.rechargeId).toSorted());
      });

      it.each([
        ["nothing", ""],
        ["no JSON", "garbage"],
        ["no key", forgedMark({})],
        ["a start", forgedMark({ rechargeId: "r-1", part: "step#000", subscriberId: SUBSCRIBER, endedAt: NOW })],
        ["an empty key", forgedMark({ rechargeId: "r-1", part: "bill", subscriberId: SUBSCRIBER, endedAt: "" })],
      ])("do not come from a page mark that nobody gave: %s", async (_, page) => {
        await store.putBill(FULL_BILL);
        await expect(store.listBills(SUBSCRIBER, page)).rejects.toMatchObject({ name: "InvalidPage" });
      });

      it("do not come to another who brings their page mark", async () => {
        const theirs = Array.from({ length: 60 }, (_, minute) => billAt(minute, { subscriberId: STRANGER }));
        await seed(theirs, store.putBill);
        const { next } = await store.listBills(STRANGER);
        expect(next).toBeDefined();
        const listed = await store.listBills(SUBSCRIBER, next).then(
          ({ items }) => items,
          (error: unknown) => {
            expect(error).toMatchObject({ name: "InvalidPage" }); // a store may also refuse it
            return [];
          },
        );
        expect(listed).toEqual([]);
      });
    });
  });
}
