import { describe, expect, it } from "@jest/globals";
import { NOTICED_EVENTS, type NoticedEvent } from "../../functions/contracts/events.ts";
import type { Choices, NoticeChoices } from "../../functions/domain/choices.ts";
import type { Mail, PayLinks, TextMessages } from "../../functions/domain/ports.ts";
import { NobodyReached, type NotifyPorts, notify } from "../../functions/workers/notify/notify.ts";
import { renderNotice } from "../../functions/workers/notify/render-notice.ts";
import { ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { memorySubscribers } from "../fakes/memory-stores.ts";
import { actionRequired, announced, declined, HALF_PAST_NINE, monthEnded, SAMPLE_NOTICES, succeeded } from "../notices/sample-notices.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

const EMAIL = "ada@example.com";
const PHONE = "+8613800000000";
const BY_DEFAULT = { language: "en", timeZone: "UTC" } as const;
const EVERYTHING: NoticeChoices = { channels: ["email"], succeeded: true, monthlySummary: true };

interface Reader extends Choices {
  readonly email?: string;
  readonly phoneNumber?: string;
}

async function notifierWorld({ email = EMAIL, phoneNumber, ...choices }: Reader | ({ readonly email: null; readonly phoneNumber?: string } & Choices) = {}) {
  const mails: Parameters<Mail["send"]>[0][] = [];
  const texts: Parameters<TextMessages["send"]>[0][] = [];
  const logged: { readonly code: string; readonly fields?: object }[] = [];
  const log = (code: string, fields?: object) => void logged.push({ code, fields });
  const subscribers = memorySubscribers();
  await subscribers.putProfile({ subscriberId: SUBSCRIBER, email: email ?? undefined, phoneNumber });
  await subscribers.putChoices(SUBSCRIBER, choices);
  const ports: NotifyPorts = {
    subscribers,
    mail: { send: async (message) => void mails.push(message) },
    textMessages: { send: async (message) => void texts.push(message) },
    clock: { now: () => NOW },
    log: { info: log, warn: log, error: log },
  };
  return { ports, mails, texts, logged, kept: subscribers.kept, wasNoticed: (event: NoticedEvent) => subscribers.wasNoticed(SUBSCRIBER, event.id) };
}

function mailOf(event: NoticedEvent, reader: Pick<Required<Choices>, "language" | "timeZone"> = BY_DEFAULT) {
  const { subject, text, html } = renderNotice(event, reader);
  return { to: EMAIL, subject, text, html };
}

const textOf = (event: NoticedEvent) => ({ to: PHONE, text: renderNotice(event, BY_DEFAULT).sms });

describe("the notifier", () => {
  it("writes to the payer: in English and in UTC, until they choose", async () => {
    const world = await notifierWorld();
    await notify(world.ports, declined("insufficient_funds", HALF_PAST_NINE));
    expect(world.mails).toEqual([mailOf(declined("insufficient_funds", HALF_PAST_NINE))]);
    expect([world.texts, world.logged]).toEqual([[], []]);
  });

  it("writes in the language and the time zone of their choice", async () => {
    const chosen = { language: "zh-CN", timeZone: "Asia/Shanghai" } as const;
    const world = await notifierWorld(chosen);
    await notify(world.ports, declined("insufficient_funds", HALF_PAST_NINE));
    expect(world.mails).toEqual([mailOf(declined("insufficient_funds", HALF_PAST_NINE), chosen)]);
    expect(world.mails[0]?.text).toContain("17:30（GMT+8）");
  });

  it("says times in the time zone of the payer's rule until they choose one", async () => {
    const world = await notifierWorld();
    await world.ports.subscribers.putRuleTimeZone(SUBSCRIBER, "Asia/Shanghai");
    await notify(world.ports, actionRequired(false));
    expect(world.mails).toEqual([mailOf(actionRequired(false), { language: "en", timeZone: "Asia/Shanghai" })]);
  });

  it("writes once per event, however often it comes", async () => {
    const world = await notifierWorld();
    const [first, second] = [succeeded, declined("lost_card")];
    for (const event of [first, second, first, first, second]) await notify(world.ports, event);
    expect(world.mails).toEqual([mailOf(first), mailOf(second)]);
  });

  it.each([
    ["an action", actionRequired(false)],
    ["a word on what is announced", announced],
  ])("asks nobody for %s that comes too late, however late it is redriven", async (_, event) => {
    const world = await notifierWorld();
    await notify({ ...world.ports, clock: { now: () => HALF_PAST_NINE } }, event);
    expect(world.mails).toEqual([]);
    expect(world.logged).toMatchObject([{ code: "notice-outdated" }]);
    await notify(world.ports, event);
    expect(world.mails).toHaveLength(1);
  });

  it.each([
    ["what is done", succeeded],
    ["a pay request", actionRequired(false)],
    ["an announced charge", announced],
  ])("writes a text message of %s to who signed up by phone", async (_, event) => {
    const world = await notifierWorld({ email: null, phoneNumber: PHONE });
    for (const _again of [1, 2]) await notify(world.ports, event);
    expect([world.mails, world.texts, world.logged]).toEqual([[], [textOf(event)], []]);
  });

  it("logs that it cannot reach a payer without an address, naming neither them nor their line, and tells them when it comes again and they have one", async () => {
    const world = await notifierWorld({ email: null });
    await notify(world.ports, succeeded);
    expect([world.mails, world.texts]).toEqual([[], []]);
    expect(world.logged).toEqual([{ code: "notice-undeliverable", fields: { subscriberId: SUBSCRIBER, event: "RechargeSucceeded" } }]);
    expect(await world.wasNoticed(succeeded)).toBe(false);
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, phoneNumber: PHONE });
    await notify(world.ports, succeeded);
    expect(world.texts).toEqual([textOf(succeeded)]);
  });

  it.each([
    ["a pay request", actionRequired(false)],
    ["an announced charge", announced],
  ])("calls a person, by its dead letters, when nobody can be told of %s", async (_, event) => {
    const world = await notifierWorld({ email: null });
    await expect(notify(world.ports, event)).rejects.toThrow(NobodyReached);
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, email: EMAIL });
    await notify(world.ports, event); // redriven
    expect(world.mails).toEqual([mailOf(event)]);
  });

  it("keeps nothing of somebody of whom nothing is known any more, as what an event is called may name their line", async () => {
    const world = await notifierWorld();
    await world.ports.subscribers.erase(SUBSCRIBER);
    const suspended = { ...SAMPLE_EVENTS.RuleSuspended, id: `${ICCID}/rule/3/RuleSuspended` };
    await notify(world.ports, suspended);
    expect([world.mails, world.logged]).toEqual([[], [{ code: "notice-undeliverable", fields: { subscriberId: SUBSCRIBER, event: "RuleSuspended" } }]]);
    expect(world.kept()).not.toContain(ICCID);
    expect(world.kept()).not.toContain(SUBSCRIBER);
  });

  it("does not take a notice for sent that was not: it comes again", async () => {
    const world = await notifierWorld();
    const mail = { send: () => Promise.reject(new Error("the mail is away")) };
    await expect(notify({ ...world.ports, mail }, succeeded)).rejects.toThrow("the mail is away");
    expect(await world.wasNoticed(succeeded)).toBe(false);
    await notify(world.ports, succeeded);
    expect(world.mails).toHaveLength(1);
    expect(await world.wasNoticed(succeeded)).toBe(true);
  });

  it("tells twice rather than not at all when it dies before it remembered", async () => {
    const world = await notifierWorld();
    const subscribers = { ...world.ports.subscribers, putNotice: () => Promise.reject(new Error("killed")) };
    await expect(notify({ ...world.ports, subscribers }, succeeded)).rejects.toThrow("killed");
    await notify(world.ports, succeeded);
    expect(world.mails).toHaveLength(2);
  });
});

describe("the channels of a notice", () => {
  const by = (...channels: NoticeChoices["channels"]) => ({ notices: { ...EVERYTHING, channels }, phoneNumber: PHONE });

  it("are those of the payer's choice", async () => {
    const [both, onlySms, onlyMail] = [await notifierWorld(by("email", "sms")), await notifierWorld(by("sms")), await notifierWorld(by("email"))];
    for (const { ports } of [both, onlySms, onlyMail]) await notify(ports, succeeded);
    expect([both.mails, both.texts]).toEqual([[mailOf(succeeded)], [textOf(succeeded)]]);
    expect([onlySms.mails, onlySms.texts]).toEqual([[], [textOf(succeeded)]]);
    expect([onlyMail.mails, onlyMail.texts]).toEqual([[mailOf(succeeded)], []]);
  });

  it("leave out one without an address, and are the other when none of the choice reaches the payer", async () => {
    const [noPhone, noMail, onlyMailLeft, onlyPhoneLeft] = [
      await notifierWorld({ ...by("email", "sms"), phoneNumber: undefined }),
      await notifierWorld({ ...by("email", "sms"), email: null }),
      await notifierWorld({ ...by("sms"), phoneNumber: undefined }),
      await notifierWorld({ ...by("email"), email: null }),
    ];
    for (const { ports } of [noPhone, noMail, onlyMailLeft, onlyPhoneLeft]) await notify(ports, succeeded);
    expect([noPhone.mails.length, noPhone.texts.length]).toEqual([1, 0]);
    expect([noMail.mails.length, noMail.texts.length]).toEqual([0, 1]);
    expect([onlyMailLeft.mails.length, onlyMailLeft.texts.length]).toEqual([1, 0]);
    expect([onlyPhoneLeft.mails.length, onlyPhoneLeft.texts.length]).toEqual([0, 1]);
    for (const { logged } of [noPhone, noMail, onlyMailLeft, onlyPhoneLeft]) expect(logged).toEqual([]);
  });

  it.each(["mail", "textMessages"] as const)("are each remembered by themselves: when %s fails, it alone is tried again", async (failing) => {
    const world = await notifierWorld(by("email", "sms"));
    const away = { send: () => Promise.reject(new Error("away")) };
    for (const _again of [1, 2]) await expect(notify({ ...world.ports, [failing]: away }, succeeded)).rejects.toThrow("away");
    expect(world.mails.length + world.texts.length).toBe(1);
    await notify(world.ports, succeeded);
    await notify(world.ports, succeeded);
    expect([world.mails, world.texts]).toEqual([[mailOf(succeeded)], [textOf(succeeded)]]);
  });
});

describe("what a payer does not want to hear", () => {
  const told = async (notices: Partial<NoticeChoices>) => {
    const world = await notifierWorld({ notices: { ...EVERYTHING, ...notices } });
    for (const event of SAMPLE_NOTICES) await notify(world.ports, event);
    expect(world.logged).toEqual([]);
    for (const event of SAMPLE_NOTICES) expect(await world.wasNoticed(event)).toBe(true); // and is not published again
    const subjects = world.mails.map(({ subject }) => subject);
    return new Set(SAMPLE_NOTICES.filter((event) => subjects.includes(mailOf(event).subject)).map(({ name }) => name));
  };
  const allBut = (...names: readonly string[]) => new Set(NOTICED_EVENTS.filter((name) => !names.includes(name)));

  it("is nothing, unless they say so", async () => expect(await told({})).toEqual(allBut()));

  it("may be that a recharge was done, or what a month came to", async () => {
    expect(await told({ succeeded: false })).toEqual(allBut(succeeded.name));
    expect(await told({ monthlySummary: false })).toEqual(allBut(monthEnded.name));
  });

  it("is never what is about money at risk", async () =>
    expect(await told({ succeeded: false, monthlySummary: false })).toEqual(allBut(succeeded.name, monthEnded.name)));
});

describe("the link in a notice", () => {
  const payLinks: PayLinks = {
    urlFor: async ({ rechargeId, expiresAt }) => `https://example.com/pay/${rechargeId}/${expiresAt}`,
    read: () => Promise.reject(new Error("Nobody reads here")),
  };

  it("leads to the recharge that waits, or that is announced, for as long as it does", async () => {
    const world = await notifierWorld({ notices: { ...EVERYTHING, channels: ["email", "sms"] }, phoneNumber: PHONE });
    for (const event of [actionRequired(false), announced]) {
      await notify({ ...world.ports, payLinks }, event);
      const link = `https://example.com/pay/${event.rechargeId}/${HALF_PAST_NINE}`;
      expect(world.mails.at(-1)?.text).toContain(link);
      expect(world.mails.at(-1)?.html).toContain(`href="${link}"`);
      expect(world.texts.at(-1)?.text).toContain(link);
    }
  });

  it("is in no other notice", async () => {
    const world = await notifierWorld();
    const others = SAMPLE_NOTICES.filter(({ name }) => name !== "RechargeActionRequired" && name !== "RechargeAnnounced");
    for (const event of others) await notify({ ...world.ports, payLinks }, event);
    expect(world.mails.length).toBeGreaterThan(0);
    for (const { html } of world.mails) expect(html).not.toContain("https://");
  });
});
