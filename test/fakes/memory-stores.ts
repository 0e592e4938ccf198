import { isDeepStrictEqual } from "node:util";
import { InvalidPage } from "../../functions/adapters/dynamodb-client.ts";
import { carriesWriteId, esimFrom, itemOf } from "../../functions/adapters/esim-item.ts";
import type { Bill } from "../../functions/domain/bill.ts";
import type { Decline } from "../../functions/domain/declines.ts";
import type { PaymentMethod } from "../../functions/domain/esim.ts";
import {
  BillConflict,
  type Cards,
  type Controls,
  type Esims,
  type Profile,
  type RechargeStart,
  type Recharges,
  type Subscribers,
  type Wheel,
} from "../../functions/domain/ports.ts";

/** The stores in memory, with the same meanings as in DynamoDB: test/adapters holds both to one contract. */

const PAGE_SIZE = 100;
const BILLS_PAGE_SIZE = 50;

type Item = Record<string, unknown>;

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Cuts a sorted list into pages; a mark is the key of the last one seen. */
function pageOf<T>(sorted: readonly T[], keyOf: (item: T) => string, page: string | undefined, size: number) {
  const after = page === undefined ? 0 : sorted.findIndex((item) => keyOf(item) === Buffer.from(page, "base64url").toString()) + 1;
  if (page !== undefined && after === 0) throw new InvalidPage("The page mark was not given by this list");
  const items = sorted.slice(after, after + size);
  const last = items.at(-1);
  return { items, next: last !== undefined && after + size < sorted.length ? Buffer.from(keyOf(last)).toString("base64url") : undefined };
}

export interface MemoryEsims extends Esims {
  /** Every write that was tried. */
  readonly writes: () => number;
}

export function memoryEsims(): MemoryEsims {
  const items = new Map<string, Item>();
  let writes = 0;
  const sortedBy = (key: string, matches: (item: Item) => boolean) =>
    [...items.values()].filter(matches).sort((a, b) => (String(a[key]) < String(b[key]) ? -1 : 1));
  const iccidOf = (item: Item) => String(item.iccid);
  const iccidsOf = (page: { items: Item[]; next?: string }) => ({ ...page, items: page.items.map(iccidOf) });

  return {
    writes: () => writes,
    async load(iccid) {
      const item = items.get(iccid);
      return item === undefined ? undefined : esimFrom(copy(item));
    },
    async loadMany(iccids) {
      const found = [...new Set(iccids)].map((iccid) => items.get(iccid)).filter((item) => item !== undefined);
      return found.map((item) => esimFrom(copy(item)));
    },
    async save(esim, writeId) {
      writes += 1;
      const stored = items.get(esim.iccid);
      if ((stored?.version ?? 0) !== esim.version) return stored !== undefined && carriesWriteId(stored, writeId) ? esimFrom(copy(stored)) : undefined;
      items.set(esim.iccid, copy(itemOf(esim, esim.version + 1, writeId)));
      return { ...esim, version: esim.version + 1 };
    },
    async listBySubscriber(subscriberId, page) {
      return iccidsOf(
        pageOf(
          sortedBy("iccid", (item) => item.subscriberId === subscriberId),
          iccidOf,
          page,
          PAGE_SIZE,
        ),
      );
    },
    async listSlot({ slot, from, to }, page) {
      const due = sortedBy("slotHash", (item) => item.slot === slot && String(item.slotHash) >= from && String(item.slotHash) <= to);
      const { items: found, next } = pageOf(due, iccidOf, page, PAGE_SIZE);
      const lines = found.map((item) => {
        const { iccid, subscriberId = "", rule, cycle, quietUntil } = esimFrom(copy(item));
        if (rule === undefined) throw new Error("A line without a rule is in no slot");
        return { iccid, subscriberId, threshold: rule.threshold, cycle, quietUntil };
      });
      return { items: lines, next };
    },
    async listDue(shard, now, page) {
      const due = sortedBy("lookAt", (item) => item.lookShard === shard && String(item.lookAt) <= now);
      return iccidsOf(pageOf(due, iccidOf, page, PAGE_SIZE));
    },
  };
}

export function memoryRecharges(): Recharges {
  const starts = new Map<string, RechargeStart>();
  const bills = new Map<string, Bill>();
  return {
    async putStart(start) {
      if (!starts.has(start.rechargeId)) starts.set(start.rechargeId, copy(start));
    },
    getStart: async (rechargeId) => starts.get(rechargeId),
    async putBill(bill) {
      const stored = bills.get(bill.rechargeId);
      if (stored === undefined) bills.set(bill.rechargeId, copy(bill));
      else if (!isDeepStrictEqual(stored, copy(bill))) throw new BillConflict(`Recharge ${bill.rechargeId} has another bill already`);
    },
    getBill: async (rechargeId) => bills.get(rechargeId),
    async listBills(subscriberId, page) {
      const newestFirst = [...bills.values()].filter((bill) => bill.subscriberId === subscriberId).sort((a, b) => (a.endedAt > b.endedAt ? -1 : 1));
      return pageOf(newestFirst, (bill) => bill.rechargeId, page, BILLS_PAGE_SIZE);
    },
  };
}

export function memorySubscribers(): Subscribers {
  const profiles = new Map<string, Profile>();
  const methods = new Map<string, PaymentMethod>();
  const notices = new Set<string>();
  const key = (...parts: string[]) => JSON.stringify(parts);
  return {
    getProfile: async (subscriberId) => profiles.get(subscriberId),
    putProfile: async (profile) => void profiles.set(profile.subscriberId, copy(profile)),
    getMethod: async (subscriberId, id) => methods.get(key(subscriberId, id)),
    putMethod: async (subscriberId, method) => void methods.set(key(subscriberId, method.id), copy(method)),
    wasNoticed: async (subscriberId, eventId) => notices.has(key(subscriberId, eventId)),
    putNotice: async (subscriberId, eventId) => void notices.add(key(subscriberId, eventId)),
  };
}

export function memoryCards(): Cards {
  const declines = new Map<string, Decline[]>();
  return {
    listDeclines: async (cardKey) => copy(declines.get(cardKey) ?? []),
    async putDecline(cardKey, decline) {
      const known = declines.get(cardKey) ?? [];
      if (!known.some((each) => each.rechargeId === decline.rechargeId)) declines.set(cardKey, [...known, copy(decline)]);
    },
    async clear(cardKey, upTo) {
      declines.set(
        cardKey,
        (declines.get(cardKey) ?? []).filter(({ hard, at }) => hard || at > upTo),
      );
    },
  };
}

export function memoryControls(): Controls {
  let wheel: Wheel | undefined;
  return {
    getWheel: async () => wheel,
    async putWheel(next) {
      if (wheel === undefined || wheel.plannedThrough < next.plannedThrough) wheel = next;
    },
  };
}
