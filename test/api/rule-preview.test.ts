import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { suspendRule } from "../../functions/domain/esim.ts";
import { TERMS_TEXT } from "../../functions/domain/terms.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, SUBSCRIBER } from "../builders.ts";
import {
  type ApiCall,
  apiWorld,
  newRule,
  previewSettings,
  problemIn,
  ruleSettingsBody,
  STRANGER,
  STRANGERS_ICCID,
  silentCarrier,
  withOpenRecharge,
} from "./api-world.ts";

const preview = (changes: object = {}): ApiCall => ({ method: "POST", path: "/v1/rules/preview", body: previewSettings(changes) });
const create = (changes: object = {}): ApiCall => ({ method: "POST", path: "/v1/rules", body: newRule(changes) });
const replace = (body: object, etag = '"1"'): ApiCall => ({ method: "PUT", path: `/v1/rules/${ICCID}`, body, headers: { "if-match": etag } });
const unagreed = (changes: object = {}) => {
  const { iccid: _line, ...body } = previewSettings(changes);
  return body;
};
const termsIn = (body: unknown) => z.parse(z.object({ terms: z.object({ hash: z.string() }), consentNeeded: z.boolean() }), body);

describe("the preview of a rule", () => {
  it("says what it means, at once and at worst, and what is agreed to, and writes nothing", async () => {
    const world = await apiWorld();
    const { status, headers, body } = await world.send(preview());
    expect([status, headers.etag]).toEqual([200, undefined]);
    expect(body).toEqual({
      words: {
        en: expect.arrayContaining(["When the balance of the line that ends in 0017 is below CNY 10.00, it is recharged with CNY 50.00."]),
        "zh-CN": expect.arrayContaining([expect.stringContaining("0017")]),
      },
      now: { balance: cny(999), readAt: NOW, isLow: true, wouldCharge: cny(5000), whyNot: null },
      worstCasePerMonth: cny(20_000),
      terms: { version: "2026-11-28", text: TERMS_TEXT, hash: newRule().consent.termsHash },
      consentNeeded: true,
    });
    expect([world.writes(), world.pokes]).toEqual([0, []]);
    expect(await world.ports.subscribers.getTerms(SUBSCRIBER, newRule().consent.termsHash)).toBeUndefined();
  });

  it("says why nothing is charged at once, and until when", async () => {
    const world = await apiWorld();
    const at = "2026-11-23T07:30:00.000Z";
    await world.ports.cards.putDecline(METHOD.cardKey, { rechargeId: "re_0", at, code: "do_not_honor", severity: "soft" });
    expect((await world.send(preview())).body).toMatchObject({
      now: { isLow: true, wouldCharge: null, whyNot: { reason: "card-backing-off", until: "2026-11-23T08:30:00.000Z" } },
    });
    world.carrier.setBalance(ICCID, 1000);
    expect((await world.send(preview())).body).toMatchObject({
      now: { balance: cny(1000), isLow: false, wouldCharge: null, whyNot: { reason: "balance-ok" } },
    });
    await world.store(withOpenRecharge(esimWithRule(), "re_1"));
    expect((await world.send(preview())).body).toMatchObject({ now: { whyNot: { reason: "already-open" } } });
    world.carrier.setBalance(ICCID, 1);
    const silent = { ...world.ports.carrier, getBalances: async () => new Map() };
    expect((await world.send(preview(), { carrier: silent })).body).toMatchObject({
      now: { balance: null, readAt: null, isLow: null, wouldCharge: null, whyNot: { reason: "balance-unknown" } },
    });
  });

  it("charges nothing at once of a subscriber whom the operator holds back", async () => {
    const world = await apiWorld();
    await world.ports.subscribers.putHold(SUBSCRIBER, { at: NOW, by: "grace", why: "The bank asked us to." });
    expect((await world.send(preview())).body).toMatchObject({ now: { wouldCharge: null, whyNot: { reason: "paused-by-operator" } } });
  });

  it("says whether the rule that there is covers it", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    const needed = async (changes: object) => termsIn((await world.send(preview(changes))).body).consentNeeded;
    expect(await needed({ threshold: cny(900) })).toBe(false);
    expect(await needed({ threshold: cny(1001) })).toBe(true);
    expect(await needed({ noticeMinutes: 60 })).toBe(false);
  });

  it("takes the default way to pay where none is named", async () => {
    const world = await apiWorld();
    expect(problemIn(await world.send(preview({ paymentMethodId: undefined }))).errors).toEqual([
      { pointer: "/paymentMethodId", detail: "must be one of your saved ways to pay, since none is your default" },
    ]);
    await world.ports.subscribers.putWallet(SUBSCRIBER, {}, { default: METHOD.id });
    const { terms } = termsIn((await world.send(preview({ paymentMethodId: undefined }))).body);
    expect(terms.hash).toBe(newRule().consent.termsHash);
    const saved = await world.send({ ...create(), body: { ...previewSettings({ paymentMethodId: undefined }), consent: { termsHash: terms.hash } } });
    expect(saved).toMatchObject({ status: 201, body: { paymentMethodId: METHOD.id } });
  });

  it("takes no default that is gone", async () => {
    const world = await apiWorld();
    await world.ports.subscribers.putWallet(SUBSCRIBER, {}, { default: "pm_gone" });
    expect(problemIn(await world.send(preview({ paymentMethodId: undefined })))).toMatchObject({ status: 422, code: "rule-makes-no-sense" });
  });

  it.each([
    ["a line of somebody else", { iccid: STRANGERS_ICCID }],
    ["a way to pay that is not saved", { paymentMethodId: "pm_2" }],
    ["somebody else's way to pay", { paymentMethodId: "pm_eve" }],
    ["another currency than the line's", { threshold: { amount: 1000, currency: "USD" } }],
    ["a cap below one recharge", { limits: { perMonth: cny(4999) } }],
    ["a target at the threshold", { topUp: { type: "target", target: cny(1000) } }],
    ["a threshold below nothing", { threshold: cny(-1) }],
  ])("is refused for %s just as saving it is", async (_, changes) => {
    const world = await apiWorld();
    expect(problemIn(await world.send(preview(changes)))).toEqual(problemIn(await world.send(create(changes))));
  });

  it("needs the carrier's word, as saving does", async () => {
    const world = await apiWorld();
    expect(problemIn(await world.send(preview(), { carrier: silentCarrier }))).toMatchObject({ status: 503, code: "try-again" });
  });
});

describe("consent", () => {
  const needed = { status: 409, code: "consent-needed", errors: [{ pointer: "/consent/termsHash", detail: expect.stringContaining("/v1/rules/preview") }] };
  const OTHER_HASH = newRule({ threshold: cny(500) }).consent;

  it("to other settings, another line or other terms saves nothing", async () => {
    const world = await apiWorld();
    for (const consent of [OTHER_HASH, newRule({ iccid: STRANGERS_ICCID }).consent, { termsHash: "A".repeat(43) }]) {
      expect(problemIn(await world.send(create({ consent })))).toMatchObject(needed);
    }
    expect([world.writes(), world.pokes]).toEqual([0, []]);
  });

  it("does not hold any more when the card has another number by now", async () => {
    const world = await apiWorld();
    await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, lastFour: "0341" });
    expect(problemIn(await world.send(create()))).toMatchObject(needed);
  });

  it("is kept with the terms as they were shown, for its owner to read", async () => {
    const world = await apiWorld();
    const shown = (await world.send(preview())).body;
    const { terms } = termsIn(shown);
    await world.send(create({ consent: { termsHash: terms.hash } }));
    expect((await world.line()).rule?.consent).toEqual({ termsVersion: "2026-11-28", termsHash: terms.hash, at: NOW, timeZone: "Asia/Shanghai" });
    const { words } = z.parse(z.object({ words: z.unknown() }), shown);
    const path = `/v1/terms/${terms.hash}`;
    expect(await world.send({ method: "GET", path })).toMatchObject({
      status: 200,
      body: { termsHash: terms.hash, version: "2026-11-28", words, text: TERMS_TEXT },
    });
    for (const call of [{ path, sub: STRANGER }, { path: `/v1/terms/${"A".repeat(43)}` }, { path: "/v1/terms/none" }]) {
      expect(problemIn(await world.send({ method: "GET", ...call }))).toMatchObject({ status: 404, code: "not-found" });
    }
  });

  it("is not kept for a change that is refused", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    const body = ruleSettingsBody({ threshold: cny(2000) });
    expect(problemIn(await world.send(replace(body, '"7"')))).toMatchObject({ status: 412 });
    expect(await world.ports.subscribers.getTerms(SUBSCRIBER, body.consent.termsHash)).toBeUndefined();
    await world.send(replace(body));
    expect(await world.ports.subscribers.getTerms(SUBSCRIBER, body.consent.termsHash)).toBeDefined();
  });

  it("is there before the rule that stands on it", async () => {
    const world = await apiWorld();
    const putTerms = () => Promise.reject(new Error("the table is away"));
    expect((await world.send(create(), { subscribers: { ...world.ports.subscribers, putTerms } })).status).toBe(500);
    expect(world.writes()).toBe(0);
  });

  it("may be left out where nothing is raised: the rule stands on the old one", async () => {
    const world = await apiWorld();
    const { rule } = await world.store(esimWithRule({}, "2026-11-01T00:00:00.000Z"));
    const answer = await world.send(replace(unagreed({ threshold: cny(500), noticeMinutes: 30 })));
    expect(answer).toMatchObject({ status: 200, body: { threshold: cny(500), noticeMinutes: 30, version: 2 } });
    expect((await world.line()).rule?.consent).toEqual(rule?.consent);
  });

  it.each([
    ["a higher threshold", { threshold: cny(1001) }],
    ["another time zone", { timeZone: "Asia/Tokyo" }],
    ["another way to pay", { paymentMethodId: "pm_2" }],
  ])("may not be left out for %s", async (_, changes) => {
    const world = await apiWorld();
    await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_2" });
    const stored = await world.store(esimWithRule());
    expect(problemIn(await world.send(replace(unagreed(changes))))).toMatchObject(needed);
    expect(problemIn(await world.send(replace({ ...unagreed(changes), consent: OTHER_HASH })))).toMatchObject(needed);
    expect(await world.line()).toEqual(stored);
    expect((await world.send(replace(ruleSettingsBody(changes)))).status).toBe(200);
  });

  it("to lower settings resumes nothing", async () => {
    const world = await apiWorld();
    await world.store({ ...suspendRule(esimWithRule(), "declined-too-often", NOW), pendingEvents: [] });
    expect((await world.send(replace(unagreed({ threshold: cny(500) }), '"2"'))).body).toMatchObject({ status: { state: "suspended" } });
  });
});
