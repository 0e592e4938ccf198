import { beforeEach, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { exportReply } from "../../functions/contracts/me.ts";
import { type Bill, billOf } from "../../functions/domain/bill.ts";
import { withEvent } from "../../functions/domain/esim.ts";
import { applyMove } from "../../functions/domain/recharge.ts";
import { termsOf } from "../../functions/domain/terms.ts";
import { plusSeconds } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, rechargeStart, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";
import { type ApiWorld, apiWorld, newRule, problemIn, STRANGER, STRANGERS_ICCID, withOpenRecharge } from "./api-world.ts";

const me = (method: string, body?: object) => ({ method, path: "/v1/me", body });
const DEFAULTS = { language: "en", timeZone: "UTC", notices: { channels: ["email"], succeeded: true, monthlySummary: true } };
const ADA = { subscriberId: SUBSCRIBER, email: "sub-ada@example.com" };

let world: ApiWorld;
beforeEach(async () => {
  world = await apiWorld();
});

describe("who the caller is", () => {
  it("is what the issuer verified, and what holds while they chose nothing", async () => {
    expect(await world.send(me("GET"))).toMatchObject({ status: 200, body: { ...ADA, ...DEFAULTS } });
    expect(await world.ports.subscribers.getProfile(SUBSCRIBER)).toMatchObject(ADA);
  });

  it("is changed by what is named, and stays in everything else", async () => {
    await world.send(me("PATCH", { language: "zh-CN" }));
    const answer = await world.send(me("PATCH", { timeZone: "Asia/Shanghai", notices: { succeeded: false } }));
    const chosen = { ...ADA, language: "zh-CN", timeZone: "Asia/Shanghai", notices: { channels: ["email"], succeeded: false, monthlySummary: true } };
    expect(answer).toMatchObject({ status: 200, body: chosen });
    expect((await world.send(me("GET"))).body).toEqual(answer.body);
    expect((await world.send(me("PATCH", {}))).body).toEqual(answer.body);
    expect(await world.ports.subscribers.getProfile(STRANGER)).toBeUndefined();
  });

  it("is again as if nothing was chosen, where that is taken back", async () => {
    await world.send(me("PATCH", { language: "zh-CN", timeZone: "Asia/Shanghai", notices: { channels: ["sms"] } }));
    const answer = await world.send(me("PATCH", { language: null, notices: null }));
    expect(answer.body).toMatchObject({ ...DEFAULTS, timeZone: "Asia/Shanghai" });
  });

  it("is not changed by choices that make no sense", async () => {
    for (const body of [
      { language: "fr" },
      { timeZone: "+08:00" },
      { notices: { channels: [] } },
      { notices: { channels: ["sms", "sms"] } },
      { email: "x@example.com" },
    ]) {
      expect(problemIn(await world.send(me("PATCH", body)))).toMatchObject({ status: 400, code: "invalid-body" });
    }
    expect((await world.send(me("GET"))).body).toMatchObject(DEFAULTS);
  });
});

function billAt(rechargeId: string, seconds = 0, subscriberId = SUBSCRIBER): Bill {
  const at = plusSeconds(NOW, seconds);
  const paid = [
    { type: "created", paymentIntentId: "pi_1" },
    { type: "paid", at },
    { type: "credited", at },
  ] as const;
  const { open } = paid.reduce((esim, move) => applyMove(esim, rechargeId, move, at), withOpenRecharge(esimWithRule(), rechargeId));
  if (open === undefined) throw new Error("The line is free");
  return { ...billOf(ICCID, "line-hash", open), subscriberId };
}

describe("the export", () => {
  const get = async (page?: string, sub?: string) =>
    z.parse(exportReply, (await world.send({ method: "GET", path: "/v1/me/export", query: page === undefined ? undefined : { page }, sub })).body);

  it("holds everything that is held of the caller", async () => {
    const { recharges, subscribers, cards } = world.ports;
    const spend = { month: "2026-11", day: "2026-11-23", monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW };
    await world.store({ ...withOpenRecharge(esimWithRule(), "re_2"), spend: { [SUBSCRIBER]: spend } });
    await recharges.putStart(rechargeStart());
    await recharges.putStart(rechargeStart({ rechargeId: "re_2", check: undefined }));
    await cards.putDecline(METHOD.cardKey, { rechargeId: "re_of-another", at: NOW, code: "insufficient_funds", severity: "soft" });
    const step = { rechargeId: "re_1", stepId: "s-1", at: NOW, state: "confirming", asked: "payments.confirm", answer: { kind: "intent" } } as const;
    await recharges.putStep(step);
    await recharges.putStep({ ...step, stepId: "s-2", asked: "operator.resolve", answer: { as: "credited", by: "grace", note: "seen" } });
    await recharges.putStep({ ...step, rechargeId: "re_2", asked: "payments.create" });
    await recharges.putBill(billAt("re_1"));
    await recharges.putAdjustment({ rechargeId: "re_1", adjustmentId: "re_1/refunded", kind: "refunded", amount: cny(5000), at: NOW });
    await subscribers.putWallet(SUBSCRIBER, {}, { backup: METHOD.id });
    await subscribers.putTerms(SUBSCRIBER, { ...termsOf(ICCID, ruleSettings(), METHOD, "Asia/Shanghai"), termsHash: "h4sh" });
    await subscribers.putNotice(SUBSCRIBER, "re_1/RechargeSucceeded", NOW);
    await subscribers.putHold(SUBSCRIBER, { at: NOW, by: "grace", why: "The bank asked us to." });

    const exported = await get();
    expect(exported).toMatchObject({
      exportedAt: NOW,
      profile: ADA,
      paymentMethods: [{ paymentMethodId: METHOD.id, use: "backup", declines: [{ at: NOW, code: "insufficient_funds", severity: "soft" }] }],
      terms: [{ termsHash: "h4sh", version: "2026-11-28", words: { en: expect.arrayContaining([expect.stringContaining("0017")]) } }],
      lines: [
        {
          iccid: ICCID,
          rule: { threshold: cny(1000) },
          spend,
          openRecharge: { rechargeId: "re_2", status: "reserved", why: { rule: { version: 1 } }, steps: [{ asked: "payments.create" }] },
        },
      ],
      recharges: [
        {
          bill: { rechargeId: "re_1", status: "succeeded", adjustments: [{ kind: "refunded" }] },
          why: { iccid: ICCID, rule: { version: 1 } },
          steps: [
            { asked: "payments.confirm", answer: { kind: "intent" } },
            { asked: "operator.resolve", answer: { as: "credited", note: "seen" } },
          ],
        },
      ],
      notices: [{ eventId: "re_1/RechargeSucceeded", at: NOW }],
      hold: { at: NOW, why: "The bank asked us to." },
    });
    expect(exported.next).toBeUndefined();
    expect(JSON.stringify(exported)).not.toContain("re_of-another");
  });

  it("holds why a recharge was wanted that is not reserved yet", async () => {
    const body = { iccid: ICCID, amount: cny(3000), paymentMethodId: METHOD.id };
    await world.send({ method: "POST", path: "/v1/recharges", body, headers: { "idempotency-key": "wish-0001" } });
    expect(await get()).toMatchObject({ lines: [{ requestedRecharge: { status: "requested", why: { origin: "payer", declines: 0 }, steps: [] } }] });
  });

  it("does not say the balance of a line of somebody else's that the caller pays for, and says on which terms they do", async () => {
    const { recharges } = world.ports;
    const { family: grant } = await world.familyLine();
    if (grant === undefined) throw new Error("There is no grant");
    const { since, until, cap, spent, consent } = grant;
    const answer = { balance: cny(999), readAt: NOW };
    for (const rechargeId of ["re_1", "re_2"]) {
      await recharges.putStart(rechargeStart({ rechargeId, iccid: STRANGERS_ICCID }));
      await recharges.putStep({ rechargeId, stepId: "s-1", at: NOW, state: "announced", asked: "judge", answer });
    }
    const reserved = withOpenRecharge({ ...esimWithRule(), ...(await world.line(STRANGERS_ICCID)) }, "re_2");
    await world.ports.esims.save(reserved, "reserve");
    await recharges.putBill({ ...billAt("re_1"), family: { since, until, cap, spent, consent } });
    const exported = await get();
    const terms = { until, lifetimeCap: cap, spent, consent };
    expect(exported).toMatchObject({
      lines: [{ iccid: STRANGERS_ICCID, family: terms, openRecharge: { family: terms, why: { declines: 0 }, steps: [{ asked: "judge" }] } }],
      recharges: [{ bill: { family: terms }, steps: [{ asked: "judge" }] }],
    });
    expect(JSON.stringify(exported)).not.toMatch(/reading|balance|999,/);
  });

  it("holds nothing of anybody else, and no secret or key of ours", async () => {
    const { recharges, subscribers } = world.ports;
    await world.store({ ...withOpenRecharge(esimWithRule(), "re_2"), subscriberId: STRANGER });
    await recharges.putBill(billAt("re_1", 0, STRANGER));
    await subscribers.putHold(SUBSCRIBER, { at: NOW, by: "grace", why: "?" });
    await recharges.putBill(billAt("re_3"));
    const text = JSON.stringify(await get());
    expect(text).not.toMatch(/sub-eve|pm_eve|grace|line-hash|_secret_|re_1/);
    expect(JSON.stringify(await get(undefined, STRANGER))).not.toContain(SUBSCRIBER);
  });

  it("holds 200 recharges at once, and the earlier ones on the next page", async () => {
    for (let i = 0; i < 230; i++) await world.ports.recharges.putBill(billAt(`re_${i}`, i));
    const first = await get();
    expect(first.recharges).toHaveLength(200);
    const second = await get(first.next);
    expect(second.recharges).toHaveLength(30);
    expect(second.next).toBeUndefined();
    expect(new Set([...first.recharges, ...second.recharges].map(({ bill }) => bill.rechargeId)).size).toBe(230);
  });
});

describe("closing the account", () => {
  it("deletes every rule at once, has the lines looked at, and leaves the rest to the eraser", async () => {
    await world.store(withOpenRecharge(esimWithRule(), "re_1"));
    expect(await world.send(me("DELETE"))).toMatchObject({ status: 202, body: { closing: { since: NOW } } });
    expect(await world.line()).toMatchObject({ pendingEvents: [{ name: "RuleDeleted" }], open: { rechargeId: "re_1" } });
    expect(await world.line()).not.toHaveProperty("rule");
    expect(world.pokes).toEqual([{ iccid: ICCID }]);
    expect(world.eraseRequests).toEqual([{ subscriberId: SUBSCRIBER, delaySeconds: 60 }]);
    expect((await world.send(me("GET"))).body).toMatchObject({ ...ADA, closing: { since: NOW } });
  });

  it("is the same when it is asked again", async () => {
    for (const _again of [1, 2]) expect(await world.send(me("DELETE"))).toMatchObject({ status: 202, body: { closing: { since: NOW } } });
  });

  it("touches no line and no rule of another", async () => {
    const line = await world.store(esimWithRule());
    await world.send({ ...me("DELETE"), sub: STRANGER });
    expect(await world.line()).toEqual(line);
    expect((await world.send(me("GET"))).body).not.toHaveProperty("closing");
  });

  it("does not stop at a line that cannot be read", async () => {
    await world.store(withEvent(esimWithRule(), SAMPLE_EVENTS.RuleSaved, NOW));
    world.spoil(ICCID, { spend: "gone" });
    expect((await world.send(me("DELETE"))).status).toBe(202);
    expect(world.logged).toContain("unreadable-line");
  });

  it.each([
    ["save a rule", { method: "POST", path: "/v1/rules", body: newRule() }],
    ["begin to save a card", { method: "POST", path: "/v1/payment-methods/setup-intents" }],
    ["begin to save an Alipay", { method: "POST", path: "/v1/payment-methods/setup-intents/alipay" }],
    ["save a way to pay", { method: "POST", path: "/v1/payment-methods", body: { type: "alipay" } }],
    [
      "recharge a line now",
      {
        method: "POST",
        path: "/v1/recharges",
        body: { iccid: ICCID, amount: cny(5000), paymentMethodId: METHOD.id },
        headers: { "idempotency-key": "wish-0001" },
      },
    ],
    ["make a way to pay the default", { method: "PATCH", path: `/v1/payment-methods/${METHOD.id}`, body: { use: "default" } }],
    ["choose a language", { method: "PATCH", path: "/v1/me", body: { language: "en" } }],
  ])("allows nobody to %s meanwhile", async (_, call) => {
    await world.send(me("DELETE"));
    const writes = world.writes();
    expect(problemIn(await world.send(call))).toMatchObject({ status: 409, code: "account-closing" });
    expect(world.writes()).toBe(writes);
    expect((await world.send({ ...call, sub: STRANGER })).status).not.toBe(409);
  });

  it("makes nobody known again who is being forgotten", async () => {
    await world.send(me("DELETE"));
    await world.ports.subscribers.erase(SUBSCRIBER);
    expect((await world.send({ method: "GET", path: "/v1/esims" })).status).toBe(200);
    expect(await world.ports.subscribers.getProfile(SUBSCRIBER)).toBeUndefined();
  });
});
