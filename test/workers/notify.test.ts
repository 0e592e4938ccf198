import { describe, expect, it } from "@jest/globals";
import { NOTICED_EVENTS, type NoticedEvent } from "../../functions/contracts/events.ts";
import type { Mail } from "../../functions/domain/ports.ts";
import { noticeText } from "../../functions/workers/notify/notice-text.ts";
import { type NotifyPorts, notify } from "../../functions/workers/notify/notify.ts";
import { cny, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { memorySubscribers } from "../fakes/memory-stores.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

const LATER = "2026-11-23T09:00:00.000Z";
const happened = { version: 1, at: NOW, iccid: ICCID, subscriberId: SUBSCRIBER } as const;
const ofRecharge = { ...happened, rechargeId: "re_1", amount: cny(5000) };

const succeeded: NoticedEvent = { ...ofRecharge, name: "RechargeSucceeded", id: "re_1/RechargeSucceeded" };
const declined: NoticedEvent = { ...ofRecharge, name: "RechargeDeclined", id: "re_1/RechargeDeclined", reason: "do_not_honor", nextTryAt: LATER };
const lastDeclined: NoticedEvent = { ...ofRecharge, name: "RechargeDeclined", id: "re_1/RechargeDeclined", reason: "lost_card" };
const cancelled: NoticedEvent = { ...ofRecharge, name: "RechargeCancelled", id: "re_1/RechargeCancelled", reason: "rule-changed" };
const inReview: NoticedEvent = { ...ofRecharge, name: "RechargeNeedsReview", id: "re_1/RechargeNeedsReview", reason: "carrier-unclear" };
const actionRequired = (isReminder: boolean): NoticedEvent => ({
  ...ofRecharge,
  name: "RechargeActionRequired",
  id: `re_1/RechargeActionRequired/${isReminder}`,
  expiresAt: LATER,
  isReminder,
});
const expired: NoticedEvent = { ...ofRecharge, name: "RechargeExpired", id: "re_1/RechargeExpired" };
const refunded: NoticedEvent = { ...ofRecharge, name: "RechargeRefunded", id: "re_1/RechargeRefunded", reason: "line-blocked" };
const adjusted = (kind: Extract<NoticedEvent, { name: "RechargeAdjusted" }>["kind"]): NoticedEvent => ({
  ...ofRecharge,
  name: "RechargeAdjusted",
  id: `re_1/RechargeAdjusted/${kind}`,
  kind,
  amount: cny(2000),
  objectId: "obj_1",
});
const capReached: NoticedEvent = {
  ...happened,
  name: "CapReached",
  id: "cap",
  limit: "perMonth",
  perMonth: cny(20_000),
  timesPerDay: 3,
  balance: cny(-20),
  until: "2026-11-30T16:00:00.000Z",
};
const suspended = (reason: Extract<NoticedEvent, { name: "RuleSuspended" }>["reason"]): NoticedEvent => ({
  ...happened,
  name: "RuleSuspended",
  id: `suspended/${reason}`,
  ruleVersion: 2,
  reason,
});

const events: readonly NoticedEvent[] = [
  succeeded,
  declined,
  lastDeclined,
  cancelled,
  inReview,
  capReached,
  suspended("card-refused-for-good"),
  suspended("declined-too-often"),
  suspended("line-not-yours"),
  suspended("currency-changed"),
  suspended("payment-method-gone"),
  suspended("amount-not-offered"),
  suspended("carrier-refused"),
  suspended("payment-disputed"),
  suspended("paused-by-operator"),
  actionRequired(false),
  actionRequired(true),
  expired,
  refunded,
  ...(["refunded", "refund-failed", "dispute-opened", "dispute-won", "dispute-lost", "paid-after-end"] as const).map(adjusted),
];

describe("the text of a notice", () => {
  it("exists for every event that is noticed", () => {
    const told = [...events, SAMPLE_EVENTS.RechargeAnnounced, SAMPLE_EVENTS.PaymentMethodExpiring, SAMPLE_EVENTS.MonthEnded];
    expect(new Set(told.map((event) => event.name))).toEqual(new Set(NOTICED_EVENTS));
    for (const event of told) expect(noticeText(event).subject).not.toBe("");
  });

  it.each([
    ["a recharge", succeeded, /recharged with CNY 50\.00/, [/charged CNY 50\.00 and credited it/, /re_1/]],
    ["a decline that is tried again", declined, /declined CNY 50\.00/, [/do_not_honor/, /Nothing was taken/, /try again after 2026-11-23T09/, /re_1/]],
    ["the last decline", lastDeclined, /declined CNY 50\.00/, [/lost_card/, /Nothing was taken/, /not try this card again by itself/]],
    ["a cancelled recharge", cancelled, /CNY 50\.00 cancelled/, [/rule-changed/, /Nothing was taken/, /re_1/]],
    [
      "a payment that stays unclear",
      { ...inReview, reason: "payment-unclear" },
      /looking into your recharge of CNY 50\.00/,
      [/payment-unclear/, /finding out what was taken/, /no further charge/],
    ],
    ["a review", inReview, /looking into your recharge of CNY 50\.00/, [/carrier-unclear/, /Your payment was taken/, /no further charge/, /re_1/]],
    [
      "a recharge that waits",
      actionRequired(false),
      /confirm your recharge of CNY 50\.00/,
      [/needs you/, /before 2026-11-23T09/, /Nothing was taken yet/, /re_1/],
    ],
    ["one that still waits", actionRequired(true), /reminder: confirm/, [/before 2026-11-23T09/]],
    ["one that waited in vain", expired, /CNY 50\.00 expired/, [/Nothing was taken/, /cannot be paid any more/]],
    ["one that was given back", refunded, /CNY 50\.00 given back/, [/carrier refused/, /line-blocked/, /All of it was given back/]],
    ["a refund that failed", { ...inReview, reason: "refund-failed" }, /looking into/, [/Your payment was taken/]],
    ["a later refund", adjusted("refunded"), /CNY 20\.00 given back/, [/CNY 20\.00 of a recharge/, /re_1/]],
    ["a dispute", adjusted("dispute-opened"), /CNY 20\.00 disputed/, [/suspended/]],
    ["a disputed card", suspended("payment-disputed"), /suspended/, [/disputed/, /resume/]],
    ["a paused account", suspended("paused-by-operator"), /suspended/, [/paused/]],
    ["a reached cap", capReached, /monthly limit reached/, [/CNY -0\.20/, /limit of CNY 200\.00 a month/, /Nothing was taken/, /2026-11-30T16/]],
    ["a card refused for good", suspended("card-refused-for-good"), /suspended/, [/refuses the card for good/, /another card/, /Nothing is taken/]],
    ["a card declined too often", suspended("declined-too-often"), /suspended/, [/declined several times/, /resume/]],
    ["a line that is not the payer's", suspended("line-not-yours"), /suspended/, [/no longer lists this line as yours/]],
    ["another currency", suspended("currency-changed"), /suspended/, [/currency changed/, /Save the rule again/]],
    ["a way to pay that is gone", suspended("payment-method-gone"), /suspended/, [/way to pay was removed/, /Choose another/]],
  ] as const)("says of %s what happened, how much, and what to do", (_, event, subject, texts) => {
    const notice = noticeText(event);
    expect(notice.subject).toMatch(subject);
    for (const text of texts) expect(notice.text).toMatch(text);
  });

  it("names a line by its last four digits only", () => {
    for (const notice of events.map(noticeText)) {
      expect(notice.subject).toMatch(/^eSIM …0017: /);
      expect(`${notice.subject}${notice.text}`).not.toContain(ICCID);
      expect(notice.text).not.toMatch(/undefined|NaN|\[object/);
      expect(notice.subject).not.toContain("\n"); // it becomes a mail header
    }
  });
});

async function notifierWorld(email: string | undefined = "ada@example.com") {
  const sent: Parameters<Mail["send"]>[0][] = [];
  const logged: { readonly code: string; readonly fields?: object }[] = [];
  const log = (code: string, fields?: object) => void logged.push({ code, fields });
  const subscribers = memorySubscribers();
  await subscribers.putProfile({ subscriberId: SUBSCRIBER, email });
  const ports: NotifyPorts = {
    subscribers,
    mail: { send: async (message) => void sent.push(message) },
    clock: { now: () => NOW },
    log: { info: log, warn: log, error: log },
  };
  return { ports, sent, logged, wasNoticed: (event: NoticedEvent) => subscribers.wasNoticed(SUBSCRIBER, event.id) };
}

describe("the notifier", () => {
  it("writes to the payer", async () => {
    const world = await notifierWorld();
    await notify(world.ports, succeeded);
    expect(world.sent).toEqual([{ to: "ada@example.com", ...noticeText(succeeded) }]);
    expect(world.logged).toEqual([]);
  });

  it("writes once per event, however often it comes", async () => {
    const world = await notifierWorld();
    for (const event of [succeeded, declined, succeeded, succeeded, declined]) await notify(world.ports, event);
    expect(world.sent.map((message) => message.subject)).toEqual([succeeded, declined].map((event) => noticeText(event).subject));
  });

  it("asks nobody for what cannot be done any more, however late it is redriven", async () => {
    const world = await notifierWorld();
    const late = actionRequired(false);
    if (late.name !== "RechargeActionRequired") throw new Error("Another event");
    await notify({ ...world.ports, clock: { now: () => late.expiresAt } }, late);
    expect(world.sent).toEqual([]);
    expect(world.logged).toMatchObject([{ code: "notice-outdated" }]);
    await notify(world.ports, late);
    expect(world.sent).toHaveLength(1);
  });

  it.each([
    ["without an e-mail address", SUBSCRIBER],
    ["of whom nothing is known", "sub-nobody"],
  ])("logs that it cannot reach a payer %s, naming neither address nor line, once", async (_, subscriberId) => {
    const world = await notifierWorld();
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, phoneNumber: "+8613800000000" });
    const event = { ...succeeded, subscriberId };
    await notify(world.ports, event);
    await notify(world.ports, event);
    expect(world.sent).toEqual([]);
    expect(world.logged).toEqual([{ code: "notice-undeliverable", fields: { subscriberId, event: "RechargeSucceeded" } }]);
    expect(await world.ports.subscribers.wasNoticed(subscriberId, event.id)).toBe(true);
  });

  it("does not take a notice for sent that was not: it comes again", async () => {
    const world = await notifierWorld();
    const mail = { send: () => Promise.reject(new Error("the mail is away")) };
    await expect(notify({ ...world.ports, mail }, succeeded)).rejects.toThrow("the mail is away");
    expect(await world.wasNoticed(succeeded)).toBe(false);
    await notify(world.ports, succeeded);
    expect(world.sent).toHaveLength(1);
    expect(await world.wasNoticed(succeeded)).toBe(true);
  });

  it("tells twice rather than not at all when it dies before it remembered", async () => {
    const world = await notifierWorld();
    const subscribers = { ...world.ports.subscribers, putNotice: () => Promise.reject(new Error("killed")) };
    await expect(notify({ ...world.ports, subscribers }, succeeded)).rejects.toThrow("killed");
    await notify(world.ports, succeeded);
    expect(world.sent).toHaveLength(2);
  });
});
