import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { InvalidPage } from "../../functions/adapters/dynamodb-client.ts";
import type { Choices, NoticeChoices } from "../../functions/domain/choices.ts";
import type { PaymentMethod, SavedMethod } from "../../functions/domain/esim.ts";
import type { Hold, Profile, Subscribers } from "../../functions/domain/ports.ts";
import { type AgreedTerms, termsOf } from "../../functions/domain/terms.ts";
import { ICCID, METHOD, NOW, OTHER_ICCID, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { forgedMark, type MakeStore, readPages } from "./store-contract.ts";

const STRANGER = "sub-eve";
const EVENT_ID = "r-1/RechargeSucceeded";
const PROFILE: Required<Omit<Profile, keyof Choices | "ruleTimeZone">> = {
  subscriberId: SUBSCRIBER,
  email: "ada@example.com",
  phoneNumber: "+8613800000000",
  verifiedAt: NOW,
};

const CHOICES: Required<Choices> = {
  language: "zh-CN",
  timeZone: "Asia/Shanghai",
  notices: { channels: ["email", "sms"], succeeded: false, monthlySummary: true },
};

const TERMS: AgreedTerms = {
  ...termsOf(ICCID, { ...ruleSettings(), noticeMinutes: 60 }, METHOD, "Asia/Shanghai"),
  termsHash: "A".repeat(43),
};

const HOLD: Hold = { at: NOW, by: "grace", why: "The bank asked us to." };

/** What every store of subscribers promises. */
export function describeSubscribers(name: string, make: MakeStore<Subscribers>): void {
  describe(`the subscribers ${name}`, () => {
    let store: Subscribers;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ store, close } = await make());
    });
    afterEach(() => close?.());

    it("are unknown until they are put", async () => {
      expect(await store.getProfile(SUBSCRIBER)).toBeUndefined();
      expect(await store.getMethod(SUBSCRIBER, METHOD.id)).toBeUndefined();
      expect(await store.wasNoticed(SUBSCRIBER, EVENT_ID)).toBe(false);
    });

    it("can be reached as the issuer said last", async () => {
      await store.putProfile(PROFILE);
      expect(await store.getProfile(SUBSCRIBER)).toEqual(PROFILE);
      const withoutPhone: Profile = { subscriberId: SUBSCRIBER, email: "ada@example.org", phoneNumber: undefined };
      await store.putProfile(withoutPhone);
      expect(await store.getProfile(SUBSCRIBER)).toEqual(withoutPhone);
      expect(await store.getProfile(STRANGER)).toBeUndefined();
    });

    it("chose nothing until they do, and each choice is the last one made, whatever else is chosen", async () => {
      await store.putProfile(PROFILE);
      expect(await store.getProfile(SUBSCRIBER)).toEqual(PROFILE);
      await store.putChoices(SUBSCRIBER, { ...CHOICES, language: "en" });
      await store.putChoices(SUBSCRIBER, { language: "zh-CN" });
      await store.putChoices(SUBSCRIBER, { timeZone: undefined });
      await store.putChoices(SUBSCRIBER, {});
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ ...PROFILE, ...CHOICES });
      expect(await store.getProfile(STRANGER)).toBeUndefined();
    });

    it("are told of times in the zone of their rule, whatever the issuer says and they choose", async () => {
      await store.putRuleTimeZone(SUBSCRIBER, "Europe/Berlin");
      await store.putProfile(PROFILE);
      await store.putChoices(SUBSCRIBER, CHOICES);
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ ...PROFILE, ...CHOICES, ruleTimeZone: "Europe/Berlin" });
      await store.putRuleTimeZone(SUBSCRIBER, "Asia/Shanghai");
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ ...PROFILE, ...CHOICES, ruleTimeZone: "Asia/Shanghai" });
    });

    it("keep what they chose when the issuer says anew how to reach them, whichever comes first", async () => {
      await store.putChoices(SUBSCRIBER, CHOICES);
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ subscriberId: SUBSCRIBER, ...CHOICES });
      await store.putProfile(PROFILE);
      await store.putProfile({ subscriberId: SUBSCRIBER, email: "ada@example.org" });
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ subscriberId: SUBSCRIBER, email: "ada@example.org", ...CHOICES });
    });

    it("are listed, each once, if they have a profile", async () => {
      expect((await readPages((page) => store.listSubscribers(page))).flat()).toEqual([]);
      const many = Array.from({ length: 250 }, (_, index) => `sub-${index}`);
      for (const subscriberId of many) {
        const notices = ["a", "b", "c", "d"].map((notice) => store.putNotice(subscriberId, notice, NOW)); // so that DynamoDB needs several pages
        await Promise.all([store.putProfile({ subscriberId, email: "ada@example.com" }), ...notices]);
      }
      await store.putMethod("sub-without-profile", METHOD);
      await store.putHold("sub-without-profile", HOLD);
      const pages = await readPages((page) => store.listSubscribers(page));
      expect(pages.length).toBeGreaterThan(1);
      expect(pages.flat().toSorted()).toEqual(many.toSorted());
    });

    it("are not listed from a mark that this list did not give", async () => {
      const wrong = Buffer.from(JSON.stringify({ list: "lines", after: "sub-1" })).toString("base64url");
      for (const mark of ["?", wrong]) await expect(store.listSubscribers(mark)).rejects.toThrow(InvalidPage);
    });

    it("have ways to pay, each their own", async () => {
      const second: PaymentMethod = { id: "pm_2", customerId: "cus_1", cardKey: "pm_2", brand: "alipay", lastFour: "" };
      await store.putMethod(SUBSCRIBER, METHOD);
      await store.putMethod(SUBSCRIBER, second);
      expect(await store.getMethod(SUBSCRIBER, METHOD.id)).toEqual(METHOD);
      expect(await store.getMethod(SUBSCRIBER, second.id)).toEqual(second);
      expect(await store.getMethod(STRANGER, METHOD.id)).toBeUndefined();
    });

    it("have the lines on which they begin something, each once and each their own", async () => {
      expect(await store.listLines(SUBSCRIBER)).toEqual([]);
      for (const iccid of [OTHER_ICCID, ICCID, OTHER_ICCID]) await store.putLine(SUBSCRIBER, iccid);
      await store.putLine(STRANGER, ICCID);
      expect(await store.listLines(SUBSCRIBER)).toEqual([ICCID, OTHER_ICCID].toSorted());
      expect(await store.listLines(STRANGER)).toEqual([ICCID]);
      await store.erase(SUBSCRIBER);
      expect([await store.listLines(SUBSCRIBER), await store.listLines(STRANGER)]).toEqual([[], [ICCID]]);
    });

    it("have a way to pay as it was put last", async () => {
      await store.putMethod(SUBSCRIBER, METHOD);
      await store.putMethod(SUBSCRIBER, { ...METHOD, lastFour: "0341" });
      expect(await store.getMethod(SUBSCRIBER, METHOD.id)).toEqual({ ...METHOD, lastFour: "0341" });
    });

    it("lose a way to pay that is removed, however often it is, and no other", async () => {
      await store.putMethod(SUBSCRIBER, METHOD);
      await store.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_2" });
      await store.putMethod(STRANGER, METHOD);
      for (const _again of [1, 2]) await store.removeMethod(SUBSCRIBER, METHOD.id);
      expect(await store.getMethod(SUBSCRIBER, METHOD.id)).toBeUndefined();
      expect(await store.getMethod(SUBSCRIBER, "pm_2")).toBeDefined();
      expect(await store.getMethod(STRANGER, METHOD.id)).toEqual(METHOD);
    });

    it("have one customer at Stripe, the first that was put, each their own", async () => {
      expect(await store.getCustomer(SUBSCRIBER)).toBeUndefined();
      expect(await store.putCustomer(SUBSCRIBER, "cus_1")).toBe("cus_1");
      expect(await store.putCustomer(SUBSCRIBER, "cus_2")).toBe("cus_1");
      expect(await store.putCustomer(STRANGER, "cus_3")).toBe("cus_3");
      expect(await store.getCustomer(SUBSCRIBER)).toBe("cus_1");
    });

    it("have a list of their own ways to pay, which says until when a card can be used", async () => {
      expect(await store.listMethods(SUBSCRIBER)).toEqual([]);
      const card: Required<Omit<SavedMethod, "payRequest">> = { ...METHOD, id: "pm_b", expiry: { month: 2, year: 2028 } };
      await store.putCustomer(SUBSCRIBER, "cus_1");
      await store.putMethod(SUBSCRIBER, card);
      await store.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_a" });
      await store.putMethod(STRANGER, METHOD);
      expect(await store.listMethods(SUBSCRIBER)).toEqual([{ ...METHOD, id: "pm_a" }, card]);
      expect(await store.getMethod(SUBSCRIBER, "pm_b")).toEqual({ ...METHOD, id: "pm_b" }); // what a recharge freezes
    });

    it("have a way to pay refreshed, unless they removed it meanwhile", async () => {
      await store.putMethod(SUBSCRIBER, METHOD);
      await store.refreshMethod(SUBSCRIBER, { ...METHOD, lastFour: "0341", expiry: { month: 2, year: 2031 } });
      expect(await store.listMethods(SUBSCRIBER)).toEqual([{ ...METHOD, lastFour: "0341", expiry: { month: 2, year: 2031 } }]);
      expect(await store.listHolders(METHOD.id)).toEqual([SUBSCRIBER]);
      await store.removeMethod(SUBSCRIBER, METHOD.id);
      await store.refreshMethod(SUBSCRIBER, METHOD);
      expect(await store.listMethods(SUBSCRIBER)).toEqual([]);
      expect(await store.listHolders(METHOD.id)).toEqual([]);
    });

    it("are found by a way to pay, for as long as they have it", async () => {
      expect(await store.listHolders(METHOD.id)).toEqual([]);
      await store.putMethod(SUBSCRIBER, METHOD);
      await store.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_2" });
      await store.putMethod(STRANGER, METHOD);
      await store.putNotice(SUBSCRIBER, METHOD.id, NOW);
      expect((await store.listHolders(METHOD.id)).toSorted()).toEqual([SUBSCRIBER, STRANGER].toSorted());
      await store.removeMethod(STRANGER, METHOD.id);
      expect(await store.listHolders(METHOD.id)).toEqual([SUBSCRIBER]);
    });

    it("have a way to pay that they confirm themselves", async () => {
      const asked: Required<PaymentMethod> = {
        id: "wechat_pay",
        customerId: "cus_1",
        cardKey: "cus_1",
        brand: "wechat_pay",
        lastFour: "",
        payRequest: "wechat_pay",
      };
      await store.putMethod(SUBSCRIBER, asked);
      expect(await store.getMethod(SUBSCRIBER, asked.id)).toEqual(asked);
    });

    it("choose what is used for what on the choice that they saw, each their own", async () => {
      expect(await store.getWallet(SUBSCRIBER)).toEqual({});
      expect(await store.putWallet(SUBSCRIBER, { default: "pm_1" }, { default: "pm_2" })).toBe(false);
      expect(await store.putWallet(SUBSCRIBER, { default: undefined }, { default: "pm_1", backup: undefined })).toBe(true);
      expect(await store.getWallet(SUBSCRIBER)).toEqual({ default: "pm_1" });
      for (const was of [{}, { default: "pm_2" }, { backup: "pm_1" }, { default: "pm_1", backup: "pm_2" }]) {
        expect(await store.putWallet(SUBSCRIBER, was, { backup: "pm_9" })).toBe(false);
      }
      expect(await store.putWallet(SUBSCRIBER, { default: "pm_1" }, { default: "pm_2", backup: "pm_1" })).toBe(true);
      expect(await store.putWallet(SUBSCRIBER, { default: "pm_2", backup: "pm_1" }, { backup: "pm_1" })).toBe(true);
      expect(await store.getWallet(SUBSCRIBER)).toEqual({ backup: "pm_1" });
      expect(await store.getWallet(STRANGER)).toEqual({});
    });

    it("choose once when they choose twice at once", async () => {
      const held = await Promise.all(["pm_1", "pm_2"].map((id) => store.putWallet(SUBSCRIBER, {}, { default: id })));
      expect(held.toSorted((a, b) => Number(a) - Number(b))).toEqual([false, true]);
      expect(await store.getWallet(SUBSCRIBER)).toEqual({ default: held[0] ? "pm_1" : "pm_2" });
    });

    it("keep the terms that they agreed to, as they were then, each their own", async () => {
      expect(await store.getTerms(SUBSCRIBER, TERMS.termsHash)).toBeUndefined();
      await store.putTerms(SUBSCRIBER, TERMS);
      await store.putTerms(SUBSCRIBER, { ...TERMS, version: "2030-01-01" });
      await store.putTerms(SUBSCRIBER, { ...TERMS, termsHash: "B".repeat(43) });
      expect(await store.getTerms(SUBSCRIBER, TERMS.termsHash)).toEqual(TERMS);
      expect(await store.getTerms(STRANGER, TERMS.termsHash)).toBeUndefined();
      expect(await store.listTerms(SUBSCRIBER)).toEqual([TERMS, { ...TERMS, termsHash: "B".repeat(43) }]);
      expect(await store.listTerms(STRANGER)).toEqual([]);
    });

    it("are held back from when the operator says so until that is taken back, each alone", async () => {
      expect(await store.getHold(SUBSCRIBER)).toBeUndefined();
      await store.putHold(SUBSCRIBER, { ...HOLD, why: "?" });
      await store.putHold(SUBSCRIBER, HOLD);
      expect(await store.getHold(SUBSCRIBER)).toEqual(HOLD);
      expect(await store.getHold(STRANGER)).toBeUndefined();
      for (const _again of [1, 2]) await store.removeHold(SUBSCRIBER);
      expect(await store.getHold(SUBSCRIBER)).toBeUndefined();
    });

    it("have a code for a line, which costs a try each time and is gone when its tries or its time are over", async () => {
      const code = { hash: "h-1", validUntil: "2026-11-23T08:10:00.000Z", triesLeft: 2 };
      const take = (now = NOW, who = SUBSCRIBER, line = "line-1") => store.takeCodeTry(who, line, now);
      expect(await take()).toBeUndefined();
      await store.putCode(SUBSCRIBER, "line-1", { ...code, hash: "h-0" });
      await store.putCode(SUBSCRIBER, "line-1", code);
      await store.putCode(SUBSCRIBER, "line-2", { ...code, hash: "h-2" });
      expect(await take()).toEqual({ ...code, triesLeft: 1 });
      expect(await take(code.validUntil)).toBeUndefined();
      expect(await take(NOW, STRANGER)).toBeUndefined();
      expect(await take("2026-11-23T08:09:59.999Z")).toEqual({ ...code, triesLeft: 0 });
      expect(await take()).toBeUndefined();
      expect(await take(NOW, SUBSCRIBER, "line-2")).toMatchObject({ hash: "h-2" });
      for (const _again of [1, 2]) await store.removeCode(SUBSCRIBER, "line-2");
      expect(await take(NOW, SUBSCRIBER, "line-2")).toBeUndefined();
    });

    it("share a line's turns for codes: of many who ask at the same moment, one has it", async () => {
      const turns = await Promise.all(Array.from({ length: 5 }, () => store.takeCodeTurn("line-1", NOW)));
      expect(turns.filter(Boolean)).toHaveLength(1);
      expect(await store.takeCodeTurn("line-2", NOW)).toBe(true);
      const at = (minute: number) => `2026-11-23T08:0${minute}:00.000Z`;
      expect(await store.takeCodeTurn("line-1", at(1))).toBe(false);
      for (const minute of [2, 4, 6, 8]) expect(await store.takeCodeTurn("line-1", at(minute))).toBe(true);
      expect(await store.takeCodeTurn("line-1", "2026-11-23T08:30:00.000Z")).toBe(false);
      expect(await store.takeCodeTurn("line-1", "2026-11-24T08:00:00.000Z")).toBe(true);
    });

    it("were told of an event once it is noted, however often it is", async () => {
      await store.putNotice(SUBSCRIBER, EVENT_ID, NOW);
      await store.putNotice(SUBSCRIBER, EVENT_ID, NOW);
      expect(await store.wasNoticed(SUBSCRIBER, EVENT_ID)).toBe(true);
      expect(await store.wasNoticed(SUBSCRIBER, "r-2/RechargeSucceeded")).toBe(false);
      expect(await store.wasNoticed(STRANGER, EVENT_ID)).toBe(false);
    });

    it("keep what they chose when they are put again, and take back what is null", async () => {
      const notices: NoticeChoices = { channels: ["email", "sms"], succeeded: false, monthlySummary: true };
      await store.putProfile(PROFILE);
      await store.putChoices(SUBSCRIBER, { language: "zh-CN", timeZone: "Asia/Shanghai" });
      await store.putChoices(SUBSCRIBER, { notices });
      await store.putProfile({ ...PROFILE, email: "ada@example.org" });
      const chosen = { ...PROFILE, email: "ada@example.org", language: "zh-CN", timeZone: "Asia/Shanghai", notices };
      expect(await store.getProfile(SUBSCRIBER)).toEqual(chosen);
      await store.putChoices(SUBSCRIBER, { timeZone: null, notices: null });
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ ...PROFILE, email: "ada@example.org", language: "zh-CN" });
      await store.putChoices(SUBSCRIBER, {});
      expect(await store.getProfile(SUBSCRIBER)).toEqual({ ...PROFILE, email: "ada@example.org", language: "zh-CN" });
    });

    it("have a list of what they were told, by the event's id", async () => {
      expect(await store.listNotices(SUBSCRIBER)).toEqual([]);
      await store.putNotice(SUBSCRIBER, "r-2/RechargeSucceeded", "2026-11-24T08:00:00.000Z");
      await store.putNotice(SUBSCRIBER, EVENT_ID, NOW);
      await store.putNotice(STRANGER, "r-3/RechargeSucceeded", NOW);
      expect(await store.listNotices(SUBSCRIBER)).toEqual([
        { eventId: EVENT_ID, at: NOW },
        { eventId: "r-2/RechargeSucceeded", at: "2026-11-24T08:00:00.000Z" },
      ]);
    });

    it("are closing from when they first said so, each alone, until all is done", async () => {
      expect(await store.getClosing(SUBSCRIBER)).toBeUndefined();
      expect(await store.putClosing(SUBSCRIBER, { since: NOW })).toEqual({ since: NOW });
      expect(await store.putClosing(SUBSCRIBER, { since: "2026-11-24T08:00:00.000Z" })).toEqual({ since: NOW });
      expect(await store.getClosing(SUBSCRIBER)).toEqual({ since: NOW });
      expect(await store.getClosing(STRANGER)).toBeUndefined();
      for (const _again of [1, 2]) await store.removeClosing(SUBSCRIBER);
      expect(await store.getClosing(SUBSCRIBER)).toBeUndefined();
    });

    it("who are closing can be listed, all of them, page by page", async () => {
      const closing = Array.from({ length: 103 }, (_, index) => `sub-${String(index).padStart(3, "0")}`);
      for (const each of closing) await store.putClosing(each, { since: NOW });
      await store.putProfile(PROFILE);
      expect(await readPages((page) => store.listClosing(page))).toEqual([closing.slice(0, 100), closing.slice(100)]);
      await expect(store.listClosing(forgedMark({ subscriberId: SUBSCRIBER, part: "profile" }))).rejects.toThrow("page mark");
    });

    it("are forgotten with everything but that they are closing and the operator's hold, and nobody else is", async () => {
      for (const each of [SUBSCRIBER, STRANGER]) {
        await store.putProfile({ ...PROFILE, subscriberId: each });
        await store.putCustomer(each, "cus_1");
        await store.putMethod(each, METHOD);
        await store.putWallet(each, {}, { default: METHOD.id });
        await store.putTerms(each, TERMS);
        await store.putHold(each, HOLD);
        await store.putNotice(each, EVENT_ID, NOW);
        await store.putClosing(each, { since: NOW });
      }
      for (const _again of [1, 2]) await store.erase(SUBSCRIBER);
      const kept = async (each: string) => [
        await store.getProfile(each),
        await store.getCustomer(each),
        await store.listMethods(each),
        await store.getWallet(each),
        await store.listTerms(each),
        await store.getHold(each),
        await store.listNotices(each),
        await store.getClosing(each),
      ];
      expect(await kept(SUBSCRIBER)).toEqual([undefined, undefined, [], {}, [], HOLD, [], { since: NOW }]);
      expect(await kept(STRANGER)).toEqual([
        { ...PROFILE, subscriberId: STRANGER },
        "cus_1",
        [METHOD],
        { default: METHOD.id },
        [TERMS],
        HOLD,
        [{ eventId: EVENT_ID, at: NOW }],
        { since: NOW },
      ]);
    });

    it("keep profile, hold, ways to pay and notices apart, whatever they are called", async () => {
      await store.putProfile(PROFILE);
      await store.putMethod(SUBSCRIBER, { ...METHOD, id: "profile" });
      await store.putNotice(SUBSCRIBER, "profile", NOW);
      await store.putMethod(SUBSCRIBER, { ...METHOD, id: "hold" });
      await store.removeMethod(SUBSCRIBER, "hold");
      await store.putHold(SUBSCRIBER, HOLD);
      await store.putMethod(SUBSCRIBER, { ...METHOD, id: "wallet" });
      await store.putWallet(SUBSCRIBER, {}, { backup: "wallet" });
      expect(await store.getWallet(SUBSCRIBER)).toEqual({ backup: "wallet" });
      expect(await store.getMethod(SUBSCRIBER, "wallet")).toEqual({ ...METHOD, id: "wallet" });
      expect(await store.getProfile(SUBSCRIBER)).toEqual(PROFILE);
      expect(await store.getMethod(SUBSCRIBER, "profile")).toEqual({ ...METHOD, id: "profile" });
      expect(await store.getMethod(SUBSCRIBER, "hold")).toBeUndefined();
      expect(await store.getHold(SUBSCRIBER)).toEqual(HOLD);
    });
  });
}
