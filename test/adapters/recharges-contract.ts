import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Bill } from "../../functions/domain/bill.ts";
import type { RechargeStart, Recharges } from "../../functions/domain/ports.ts";
import { cny, ICCID, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";
import { forgedMark, type MakeStore, readPages, seed } from "./store-contract.ts";

const STRANGER = "sub-eve";
const START: RechargeStart = { rechargeId: "r-1", iccid: ICCID, subscriberId: SUBSCRIBER, at: NOW };

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
  method: { id: METHOD.id, brand: METHOD.brand, lastFour: METHOD.lastFour },
  paymentIntentId: "pi_1",
  ruleVersion: 4,
  consent: { termsVersion: "2026-11-01", at: NOW, timeZone: "Asia/Shanghai" },
  reading: reading(-250),
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
        await store.putStart(START);
        expect(await store.getStart("r-1")).toEqual(START);
      });

      it("start once", async () => {
        await store.putStart(START);
        await store.putStart({ ...START, subscriberId: STRANGER, at: "2026-11-24T08:00:00.000Z" });
        expect(await store.getStart("r-1")).toEqual(START);
      });

      it("start as one of many said who start them at the same moment, and none is told off", async () => {
        const subscribers = Array.from({ length: 20 }, (_, index) => `sub-${index}`);
        await Promise.all(subscribers.map((subscriberId) => store.putStart({ ...START, subscriberId })));
        const first = await store.getStart("r-1");
        expect(subscribers).toContain(first?.subscriberId);
        await store.putStart(START);
        expect(await store.getStart("r-1")).toEqual(first);
      });

      it("have no bill, and are not listed", async () => {
        await store.putStart(START);
        expect(await store.getBill("r-1")).toBeUndefined();
        expect(await store.listBills(SUBSCRIBER)).toEqual({ items: [], next: undefined });
      });
    });

    describe("as bills", () => {
      it("come back with every field, and beside their start", async () => {
        await store.putStart(START);
        await store.putBill(FULL_BILL);
        expect(await store.getBill("r-1")).toEqual(FULL_BILL);
        expect(await store.getStart("r-1")).toEqual(START);
        expect((await store.listBills(SUBSCRIBER)).items).toEqual([FULL_BILL]);
      });

      it("come back without what they lack", async () => {
        for (const [index, end] of (["succeeded", "declined", "cancelled"] as const).entries()) {
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
