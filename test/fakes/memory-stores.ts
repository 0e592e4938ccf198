import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";
import { pageKey, pageMark } from "../../functions/adapters/dynamodb-client.ts";
import { carriesWriteId, esimFrom, itemOf, slotLineFrom } from "../../functions/adapters/esim-item.ts";
import type { Bill } from "../../functions/domain/bill.ts";
import type { Decline } from "../../functions/domain/declines.ts";
import type { SavedMethod } from "../../functions/domain/esim.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import { withCodeTurn } from "../../functions/domain/line-codes.ts";
import type { MethodUses } from "../../functions/domain/method-uses.ts";
import {
  type Adjustment,
  type AuditEntry,
  BillConflict,
  type Cards,
  type Closing,
  type Controls,
  type Esims,
  type Hold,
  type KillSwitch,
  type Page,
  type Profile,
  type Quotas,
  type RechargeStart,
  type RechargeStep,
  type Recharges,
  type SentCode,
  type SentNotice,
  type Subscribers,
  type Wheel,
} from "../../functions/domain/ports.ts";
import { quotaHour } from "../../functions/domain/quota.ts";
import type { AgreedTerms } from "../../functions/domain/terms.ts";

/** The stores in memory, with the same meanings as in DynamoDB: test/adapters holds both to one contract. */

const PAGE_SIZE = 100;
const BILLS_PAGE_SIZE = 50;

type Item = Record<string, unknown>;

function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function compositeKey(...parts: string[]): string {
  return JSON.stringify(parts);
}

function putIfAbsent<T>(stored: Map<string, T>, key: string, value: T): void {
  if (!stored.has(key)) stored.set(key, copy(value));
}

function textOf(...stored: readonly ReadonlyMap<unknown, unknown>[]): string {
  return JSON.stringify(stored.map((each) => [...each]));
}

interface Listing<T> {
  /** A mark of another list is refused. */
  readonly name: string;
  /** What the list is sorted by; differs for any two items. */
  readonly keyOf: (item: T) => string;
  readonly pageSize: number;
  readonly descending?: boolean;
}

/** Sorts a list and cuts a page out of it. A mark is the key of the last one seen, which may have left the list since. */
function pageOf<T>(items: readonly T[], { name, keyOf, pageSize, descending = false }: Listing<T>, page: string | undefined): Page<T> {
  const isBefore = (a: string, b: string) => (descending ? a > b : a < b);
  const after = pageKey(page, (value) => z.parse(z.strictObject({ list: z.literal(name), after: z.string() }), value).after);
  const left = items.filter((item) => after === undefined || isBefore(after, keyOf(item))).toSorted((a, b) => (isBefore(keyOf(a), keyOf(b)) ? -1 : 1));
  const [found, last] = [left.slice(0, pageSize), left[pageSize - 1]];
  return { items: found, next: last !== undefined && left.length > pageSize ? pageMark({ list: name, after: keyOf(last) }) : undefined };
}

export interface Kept {
  /** All that is stored, as text: to look for what should not be there. */
  readonly kept: () => string;
}

export interface MemoryEsims extends Esims, Kept {
  /** Every write that was tried. */
  readonly writes: () => number;
  /** Overwrites fields of what is stored of a line, so that it need not be a line any more. */
  readonly spoil: (iccid: Iccid, fields: Item) => void;
}

export function memoryEsims(): MemoryEsims {
  const items = new Map<string, Item>();
  let writes = 0;
  const sortedBy =
    (...names: readonly string[]) =>
    (item: Item) =>
      names.map((name) => String(item[name])).join(" ");
  const listed = (listing: Omit<Listing<Item>, "pageSize">, isListed: (item: Item) => boolean, page: string | undefined) =>
    pageOf([...items.values()].filter(isListed), { ...listing, pageSize: PAGE_SIZE }, page);
  const iccidOf = (item: Item) => String(item.iccid);
  const iccidsOf = ({ items: found, next }: Page<Item>) => ({ items: found.map(iccidOf), next });

  return {
    kept: () => textOf(items),
    writes: () => writes,
    spoil: (iccid, fields) => void items.set(iccid, { ...items.get(iccid), ...fields, iccid }),
    async load(iccid) {
      const item = items.get(iccid);
      return item === undefined ? undefined : esimFrom(item);
    },
    async loadMany(iccids) {
      const found = [...new Set(iccids)].map((iccid) => items.get(iccid)).filter((item) => item !== undefined);
      return found.map((item) => esimFrom(item));
    },
    async save(esim, writeId) {
      writes += 1;
      const stored = items.get(esim.iccid);
      if ((stored?.version ?? 0) !== esim.version) return stored !== undefined && carriesWriteId(stored, writeId) ? esimFrom(copy(stored)) : undefined;
      items.set(esim.iccid, copy(itemOf(esim, esim.version + 1, writeId)));
      return { ...esim, version: esim.version + 1 };
    },
    async listBySubscriber(subscriberId, page) {
      return iccidsOf(listed({ name: "subscriber", keyOf: sortedBy("iccid") }, (item) => item.subscriberId === subscriberId, page));
    },
    async listSlot({ slot, from, to }, page) {
      const isInRange = (item: Item) => item.slot === slot && String(item.slotHash) >= from && String(item.slotHash) <= to;
      const { items: found, next } = listed({ name: slot, keyOf: sortedBy("slotHash", "iccid") }, isInRange, page);
      return { items: found.map(copy).map(slotLineFrom), next };
    },
    async listDue(shard, now, page) {
      const isDue = (item: Item) => item.lookShard === shard && String(item.lookAt) <= now;
      const { items: found, next } = listed({ name: shard, keyOf: sortedBy("lookAt", "iccid") }, isDue, page);
      return { items: found.map((item) => ({ iccid: iccidOf(item), lookAt: String(item.lookAt) })), next };
    },
    async findOf(subscriberId, page) {
      const holds = (item: Item) => {
        const { subscriberId: payer, spend, open, requested } = esimFrom(item);
        return [payer, open?.subscriberId, requested?.subscriberId, ...Object.keys(spend)].includes(subscriberId);
      };
      return iccidsOf(listed({ name: "of", keyOf: sortedBy("iccid") }, holds, page));
    },
    async remove({ iccid, version }) {
      const stored = items.get(iccid);
      if (stored !== undefined && stored.version !== version) return false;
      items.delete(iccid);
      return true;
    },
    async postpone(iccid, lookAt) {
      const item = items.get(iccid);
      if (item?.lookAt !== undefined) items.set(iccid, { ...item, lookAt });
    },
  };
}

/** The same lines behind indexes that are late: every list is given as it was when it was first asked for. */
export function lateIndexes(esims: Esims): Esims {
  return {
    ...esims,
    listBySubscriber: answeredOnce(esims.listBySubscriber),
    listSlot: answeredOnce(esims.listSlot),
    listDue: answeredOnce(esims.listDue),
  };
}

function answeredOnce<Question extends readonly unknown[], Answer>(
  ask: (...question: Question) => Promise<Answer>,
): (...question: Question) => Promise<Answer> {
  const answers = new Map<string, Promise<Answer>>();
  return (...question) => {
    const key = JSON.stringify(question.filter((part) => part !== undefined)); // without a page is the first page
    const answer = answers.get(key) ?? ask(...question);
    answers.set(key, answer);
    return answer;
  };
}

export interface MemoryRecharges extends Recharges {
  /** All that is stored but the bills, as text. */
  readonly kept: () => string;
}

export function memoryRecharges(): MemoryRecharges {
  const starts = new Map<string, RechargeStart>();
  const bills = new Map<string, Bill>();
  const steps = new Map<string, RechargeStep>();
  const adjustments = new Map<string, Adjustment>();
  /** In the order of their keys. */
  const of = <T extends { readonly rechargeId: string }>(rechargeId: string, parts: ReadonlyMap<string, T>): T[] =>
    [...parts]
      .filter(([, part]) => part.rechargeId === rechargeId)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, part]) => part);
  return {
    kept: () => textOf(starts, steps, adjustments),
    putStart: async (start) => putIfAbsent(starts, start.rechargeId, start),
    getStart: async (rechargeId) => starts.get(rechargeId),
    async putBill(bill) {
      const stored = bills.get(bill.rechargeId);
      if (stored === undefined) bills.set(bill.rechargeId, copy(bill));
      else if (!isDeepStrictEqual(stored, copy(bill))) throw new BillConflict(`Recharge ${bill.rechargeId} has another bill already`);
    },
    getBill: async (rechargeId) => bills.get(rechargeId),
    async listBills(subscriberId, page) {
      const listing: Listing<Bill> = {
        name: "bills",
        keyOf: (bill) => `${bill.endedAt} ${bill.rechargeId}`,
        pageSize: BILLS_PAGE_SIZE,
        descending: true,
      };
      const theirs = [...bills.values()].filter((bill) => bill.subscriberId === subscriberId);
      return pageOf(theirs, listing, page);
    },
    putStep: async (step) => putIfAbsent(steps, compositeKey(step.rechargeId, step.at, step.stepId), step),
    putAdjustment: async (adjustment) => putIfAbsent(adjustments, compositeKey(adjustment.rechargeId, adjustment.adjustmentId), adjustment),
    getHistory: async (rechargeId) => ({
      start: starts.get(rechargeId),
      steps: of(rechargeId, steps),
      bill: bills.get(rechargeId),
      adjustments: of(rechargeId, adjustments),
    }),
    async findStarts(subscriberId, page) {
      const listing: Listing<RechargeStart> = { name: "starts", keyOf: ({ rechargeId }) => rechargeId, pageSize: PAGE_SIZE };
      const { items, next } = pageOf(
        [...starts.values()].filter((start) => start.subscriberId === subscriberId),
        listing,
        page,
      );
      return { items: items.map(({ rechargeId }) => rechargeId), next };
    },
    async eraseHistory(rechargeId) {
      for (const [key, step] of steps) if (step.rechargeId === rechargeId) steps.delete(key);
      starts.delete(rechargeId);
    },
  };
}

export function memorySubscribers(): Subscribers & Kept {
  const profiles = new Map<string, Profile>();
  const customers = new Map<string, string>();
  const methods = new Map<string, { readonly subscriberId: string; readonly method: SavedMethod }>();
  const putMethod = (subscriberId: string, method: SavedMethod) => void methods.set(compositeKey(subscriberId, method.id), copy({ subscriberId, method }));
  const wallets = new Map<string, MethodUses>();
  const agreed = new Map<string, { readonly subscriberId: string; readonly terms: AgreedTerms }>();
  const lines = new Map<string, { readonly subscriberId: string; readonly iccid: Iccid }>();
  const holds = new Map<string, Hold>();
  const notices = new Map<string, SentNotice & { readonly subscriberId: string }>();
  const closings = new Map<string, Closing>();
  const codes = new Map<string, SentCode & { readonly subscriberId: string }>();
  const codesSentAt = new Map<string, string[]>();
  return {
    kept: () => textOf(profiles, customers, methods, wallets, lines, holds, notices, closings, codes),
    getProfile: async (subscriberId) => profiles.get(subscriberId),
    async putProfile({ subscriberId, email, phoneNumber, verifiedAt }) {
      profiles.set(subscriberId, copy({ ...profiles.get(subscriberId), subscriberId, email, phoneNumber, verifiedAt }));
    },
    putRuleTimeZone: async (subscriberId, ruleTimeZone) => void profiles.set(subscriberId, { ...profiles.get(subscriberId), subscriberId, ruleTimeZone }),
    async putChoices(subscriberId, { language, timeZone, notices: chosen }) {
      const changed = Object.entries({ ...profiles.get(subscriberId), ...copy({ language, timeZone, notices: chosen }) });
      profiles.set(subscriberId, { ...Object.fromEntries(changed.filter(([, value]) => value !== null)), subscriberId });
    },
    listSubscribers: async (page) => {
      const { items, next } = pageOf([...profiles.values()], { name: "subscribers", keyOf: (profile) => profile.subscriberId, pageSize: PAGE_SIZE }, page);
      return { items: items.map(({ subscriberId }) => subscriberId), next };
    },
    getCustomer: async (subscriberId) => customers.get(subscriberId),
    async putCustomer(subscriberId, customerId) {
      const kept = customers.get(subscriberId) ?? customerId;
      customers.set(subscriberId, kept);
      return kept;
    },
    async getMethod(subscriberId, id) {
      const { expiry: _shown, ...method } = methods.get(compositeKey(subscriberId, id))?.method ?? {};
      return "id" in method ? method : undefined;
    },
    listMethods: async (subscriberId) =>
      [...methods.values()]
        .filter((each) => each.subscriberId === subscriberId)
        .map(({ method }) => method)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    putMethod: async (subscriberId, method) => putMethod(subscriberId, method),
    async refreshMethod(subscriberId, method) {
      if (methods.has(compositeKey(subscriberId, method.id))) putMethod(subscriberId, method);
    },
    removeMethod: async (subscriberId, id) => void methods.delete(compositeKey(subscriberId, id)),
    getWallet: async (subscriberId) => wallets.get(subscriberId) ?? {},
    async putWallet(subscriberId, was, next) {
      const isAsRead = isDeepStrictEqual(wallets.get(subscriberId) ?? {}, copy(was));
      if (isAsRead) wallets.set(subscriberId, copy(next));
      return isAsRead;
    },
    putLine: async (subscriberId, iccid) => void lines.set(compositeKey(subscriberId, iccid), { subscriberId, iccid }),
    listLines: async (subscriberId) =>
      [...lines.values()]
        .filter((line) => line.subscriberId === subscriberId)
        .map(({ iccid }) => iccid)
        .toSorted(),
    listHolders: async (id) => [...methods.values()].filter(({ method }) => method.id === id).map(({ subscriberId }) => subscriberId),
    putTerms: async (subscriberId, terms) => putIfAbsent(agreed, compositeKey(subscriberId, terms.termsHash), { subscriberId, terms }),
    getTerms: async (subscriberId, termsHash) => agreed.get(compositeKey(subscriberId, termsHash))?.terms,
    listTerms: async (subscriberId) =>
      [...agreed.values()]
        .filter((each) => each.subscriberId === subscriberId)
        .map(({ terms }) => terms)
        .toSorted((a, b) => (a.termsHash < b.termsHash ? -1 : 1)),
    getHold: async (subscriberId) => holds.get(subscriberId),
    putHold: async (subscriberId, hold) => void holds.set(subscriberId, copy(hold)),
    removeHold: async (subscriberId) => void holds.delete(subscriberId),
    async takeCodeTurn(line, now) {
      const sentAt = withCodeTurn(codesSentAt.get(line) ?? [], now);
      if (sentAt !== undefined) codesSentAt.set(line, sentAt);
      return sentAt !== undefined;
    },
    putCode: async (subscriberId, line, code) => void codes.set(compositeKey(subscriberId, line), copy({ ...code, subscriberId })),
    async takeCodeTry(subscriberId, line, now) {
      const code = codes.get(compositeKey(subscriberId, line));
      if (code === undefined || code.triesLeft < 1 || code.validUntil <= now) return undefined;
      const { hash, validUntil, triesLeft } = code;
      codes.set(compositeKey(subscriberId, line), { ...code, triesLeft: triesLeft - 1 });
      return { hash, validUntil, triesLeft: triesLeft - 1 };
    },
    removeCode: async (subscriberId, line) => void codes.delete(compositeKey(subscriberId, line)),
    wasNoticed: async (subscriberId, eventId) => notices.has(compositeKey(subscriberId, eventId)),
    putNotice: async (subscriberId, eventId, at) => void notices.set(compositeKey(subscriberId, eventId), { subscriberId, eventId, at }),
    listNotices: async (subscriberId) =>
      [...notices.values()]
        .filter((notice) => notice.subscriberId === subscriberId)
        .map(({ eventId, at }) => ({ eventId, at }))
        .toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1)),
    getClosing: async (subscriberId) => closings.get(subscriberId),
    async putClosing(subscriberId, closing) {
      const kept = closings.get(subscriberId) ?? copy(closing);
      closings.set(subscriberId, kept);
      return kept;
    },
    listClosing: async (page) => pageOf([...closings.keys()], { name: "closing", keyOf: (subscriberId) => subscriberId, pageSize: PAGE_SIZE }, page),
    async erase(subscriberId) {
      for (const kept of [profiles, customers, wallets]) kept.delete(subscriberId);
      for (const kept of [methods, agreed, lines, notices, codes]) for (const [key, item] of kept) if (item.subscriberId === subscriberId) kept.delete(key);
    },
    removeClosing: async (subscriberId) => void closings.delete(subscriberId),
  };
}

export function memoryQuotas(): Quotas {
  const used = new Map<string, number>();
  return {
    async take({ subscriberId, name, perHour, now }) {
      const key = compositeKey(subscriberId, name, quotaHour(now).hour);
      const before = used.get(key) ?? 0;
      if (before < perHour) used.set(key, before + 1);
      return before < perHour;
    },
  };
}

export function memoryCards(): Cards & Kept {
  const declines = new Map<string, Decline[]>();
  return {
    kept: () => textOf(declines),
    listDeclines: async (cardKey) => copy(declines.get(cardKey) ?? []),
    async putDecline(cardKey, decline) {
      const known = declines.get(cardKey) ?? [];
      if (!known.some((each) => each.rechargeId === decline.rechargeId)) declines.set(cardKey, [...known, copy(decline)]);
    },
    async clear(cardKey, upTo) {
      declines.set(
        cardKey,
        (declines.get(cardKey) ?? []).filter(({ severity, at }) => severity === "hard" || at > upTo),
      );
    },
    erase: async (cardKey) => void declines.delete(cardKey),
  };
}

export function memoryControls(): Controls {
  let killSwitch: KillSwitch | undefined;
  let wheel: Wheel | undefined;
  const audit = new Map<string, AuditEntry>();
  const breaks = new Map<string, string>();
  return {
    getKillSwitch: async () => killSwitch,
    async putKillSwitch(next) {
      killSwitch = copy(next);
    },
    putAudit: async (entry) => putIfAbsent(audit, compositeKey(entry.at, entry.id), entry),
    listAudit: async () => [...audit].toSorted(([a], [b]) => (a > b ? -1 : 1)).map(([, entry]) => entry),
    breakToldAt: async (breakId) => breaks.get(breakId),
    putBreakTold: async (breakId, at) => void (breaks.has(breakId) || breaks.set(breakId, at)),
    getWheel: async () => wheel,
    async putWheel(next) {
      if (wheel === undefined || wheel.plannedThrough < next.plannedThrough) wheel = next;
    },
  };
}
