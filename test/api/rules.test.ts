import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { SECURITY_HEADERS } from "../../functions/api/pipeline.ts";
import type { Severity } from "../../functions/domain/declines.ts";
import { type Esim, suspendRule } from "../../functions/domain/esim.ts";
import type { Esims } from "../../functions/domain/ports.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import {
  type ApiCall,
  type ApiWorld,
  apiWorld,
  listIn,
  newRule,
  problemIn,
  ruleSettingsBody,
  STRANGER,
  STRANGERS_ICCID,
  silentCarrier,
  strangersLine,
  withOpenRecharge,
} from "./api-world.ts";

const create = (changes: object = {}): ApiCall => ({ method: "POST", path: "/v1/rules", body: newRule(changes) });
const at = (iccid: string) => `/v1/rules/${iccid}`;
const replace = (changes: object = {}, etag = '"1"', iccid = ICCID): ApiCall => ({
  method: "PUT",
  path: at(iccid),
  body: ruleSettingsBody(changes),
  headers: { "if-match": etag },
});
const setState = (status: "active" | "paused", etag = '"1"', iccid = ICCID): ApiCall => ({
  method: "PATCH",
  path: at(iccid),
  body: { status },
  headers: { "if-match": etag },
});
const remove = (etag = '"1"', iccid = ICCID): ApiCall => ({ method: "DELETE", path: at(iccid), headers: { "if-match": etag } });

/** A store in which a worker writes the same line just before each of the next writes. */
function busy({ esims }: ApiWorld["ports"], times: number): Esims {
  let left = times;
  return {
    ...esims,
    async save(esim, writeId) {
      const stored = await esims.load(esim.iccid);
      if (left > 0) {
        left -= 1;
        await esims.save(stored === undefined ? { ...esim, rule: undefined, cycle: 1 } : { ...stored, cycle: stored.cycle + 1 }, `machine-${left}`);
      }
      return esims.save(esim, writeId);
    },
  };
}

describe("creating a rule", () => {
  it("keeps the line among the caller's, so that what their rule has open is found when somebody else takes the line over", async () => {
    const world = await apiWorld();
    await world.send(create());
    await world.ports.esims.save(withOpenRecharge(await world.line(), "re_1"), "reserve");
    world.carrier.setOwner(ICCID, { subscriberId: STRANGER });
    expect((await world.send({ ...create({ paymentMethodId: "pm_eve" }), sub: STRANGER })).status).toBe(201);
    expect(await world.line()).toMatchObject({ subscriberId: STRANGER, open: { subscriberId: SUBSCRIBER } });
    const removed = await world.send({ method: "DELETE", path: `/v1/payment-methods/${METHOD.id}` });
    expect(problemIn(removed)).toMatchObject({ status: 409, code: "payment-method-in-use" });
  });

  it("answers with the rule, its ETag and its place, and fills in the defaults", async () => {
    const world = await apiWorld();
    const { status, headers, body } = await world.send(create());
    expect({ status, headers }).toEqual({
      status: 201,
      headers: { "content-type": "application/json", ...SECURITY_HEADERS, etag: '"1"', location: `/v1/rules/${ICCID}` },
    });
    expect(body).toEqual({
      ...newRule(),
      limits: { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 60 },
      noticeMinutes: 0,
      consent: { termsVersion: "2026-11-28", termsHash: newRule().consent.termsHash, at: NOW },
      version: 1,
      status: { state: "active" },
      createdAt: NOW,
      updatedAt: NOW,
    });
  });

  it("is in the time zone in which its payer is told of times, until they choose one", async () => {
    const world = await apiWorld();
    const zone = async () => z.parse(z.object({ timeZone: z.string() }), (await world.send({ method: "GET", path: "/v1/me" })).body).timeZone;
    expect(await zone()).toBe("UTC");
    await world.send(create());
    expect(await zone()).toBe("Asia/Shanghai");
    const body = ruleSettingsBody({ timeZone: "Europe/Berlin" });
    expect((await world.send({ method: "PUT", path: `/v1/rules/${ICCID}`, body, headers: { "if-match": '"1"' } })).status).toBe(200);
    expect(await zone()).toBe("Europe/Berlin");
    await world.send({ method: "PATCH", path: "/v1/me", body: { timeZone: "Asia/Tokyo" } });
    expect(await zone()).toBe("Asia/Tokyo");
  });

  it("leaves its event in the line's outbox and has the line looked at", async () => {
    const world = await apiWorld();
    await world.send(create());
    expect(await world.line()).toMatchObject({
      subscriberId: SUBSCRIBER,
      lookAt: "2026-11-23T08:01:00.000Z",
      pendingEvents: [{ name: "RuleSaved", id: `${ICCID}/rule/1/RuleSaved`, at: NOW, subscriberId: SUBSCRIBER, ruleVersion: 1 }],
    });
    expect(world.pokes).toEqual([{ iccid: ICCID, judge: true }]);
    expect(world.writes()).toBe(1);
  });

  it("asks the issuer who the caller is where they are not known, and whether they still are when the rule is saved, not when it is refused", async () => {
    const world = await apiWorld();
    await world.send(create({ threshold: cny(-1) }));
    expect(world.askedIssuer).toEqual([]);
    await world.send(create({ limits: { perMonth: cny(1) } }));
    expect(world.askedIssuer).toEqual([`token-of-${SUBSCRIBER}`]);
    await world.send(create());
    expect(world.askedIssuer).toEqual([`token-of-${SUBSCRIBER}`, `token-of-${SUBSCRIBER}`]);
    expect(await world.ports.subscribers.getProfile(SUBSCRIBER)).toEqual({
      subscriberId: SUBSCRIBER,
      email: `${SUBSCRIBER}@example.com`,
      verifiedAt: NOW,
      ruleTimeZone: "Asia/Shanghai",
    });
  });

  it("is refused while the line has one", async () => {
    const world = await apiWorld();
    await world.send(create());
    expect(problemIn(await world.send(create({ threshold: cny(1) })))).toMatchObject({ status: 409, code: "rule-exists" });
    expect((await world.line()).rule?.threshold).toEqual(cny(1000));
  });

  it("is possible again after it was deleted, with an ETag that the old one never had", async () => {
    const world = await apiWorld();
    await world.send(create());
    await world.send(remove());
    expect((await world.send(create())).headers.etag).toBe('"3"');
  });

  it.each([
    ["a line of somebody else", create({ iccid: STRANGERS_ICCID }), 404, "not-found", []],
    ["a line that the carrier does not know", create({ iccid: "8986012345678900041" }), 404, "not-found", []],
    ["a way to pay that is not saved", create({ paymentMethodId: "pm_2" }), 422, "rule-makes-no-sense", ["/paymentMethodId"]],
    ["somebody else's way to pay", create({ paymentMethodId: "pm_eve" }), 422, "rule-makes-no-sense", ["/paymentMethodId"]],
    ["another currency than the line's", create({ threshold: { amount: 1000, currency: "USD" } }), 422, "rule-makes-no-sense", ["/threshold/currency"]],
    ["a cap below one recharge", create({ limits: { perMonth: cny(4999) } }), 422, "rule-makes-no-sense", ["/limits/perMonth/amount"]],
    [
      "a target at the threshold and an unknown way to pay, both told",
      create({ topUp: { type: "target", target: cny(1000) }, paymentMethodId: "pm_2" }),
      422,
      "rule-makes-no-sense",
      ["/topUp/target/amount", "/paymentMethodId"],
    ],
  ] as const)("is refused for %s", async (_, call, status, code, pointers) => {
    const world = await apiWorld();
    const told = problemIn(await world.send(call));
    expect(told).toMatchObject({ status, code });
    expect(told.errors.map((error) => error.pointer)).toEqual(pointers);
    expect([world.writes(), world.pokes]).toEqual([0, []]);
  });

  it("needs the carrier's word whose line it is: without it nothing is written, and the caller may try again", async () => {
    const world = await apiWorld();
    const answer = await world.send(create(), { carrier: silentCarrier });
    expect(problemIn(answer)).toMatchObject({ status: 503, code: "try-again" });
    expect(answer.headers["retry-after"]).toBe("5");
    expect([world.writes(), world.pokes]).toEqual([0, []]);
  });

  it("stands when the poke is lost: the event waits in the line for the sweeper", async () => {
    const world = await apiWorld();
    const pokes = { send: () => Promise.reject(new Error("the queue is away")) };
    expect((await world.send(create(), { pokes })).status).toBe(201);
    expect((await world.line()).pendingEvents).toHaveLength(1);
    expect(world.logged).toEqual(["poke-failed"]);
  });

  it("is not lost to a worker's write in between, and does not undo it", async () => {
    const world = await apiWorld();
    expect((await world.send(create(), { esims: busy(world.ports, 1) })).status).toBe(201);
    expect(await world.line()).toMatchObject({ cycle: 1, rule: { threshold: cny(1000) }, version: 2 });
  });

  it("knows its own write when the reply to it was lost, even after a worker's write", async () => {
    const { ports, send, line } = await apiWorld();
    const esims: Esims = {
      ...ports.esims,
      async save(esim, writeId) {
        const stored = await ports.esims.save(esim, writeId);
        if (stored !== undefined) await ports.esims.save({ ...stored, cycle: 7 }, "machine");
        return ports.esims.save(esim, writeId); // the SDK sends it once more
      },
    };
    expect((await send(create(), { esims })).status).toBe(201);
    expect(await line()).toMatchObject({ cycle: 7, rule: { version: 1 }, pendingEvents: [{ name: "RuleSaved" }] });
  });
});

describe("reading rules", () => {
  it("shows one with the ETag that changes it", async () => {
    const world = await apiWorld();
    const created = await world.send(create());
    const { status, headers, body } = await world.send({ method: "GET", path: at(ICCID) });
    expect([status, headers.etag, headers.location]).toEqual([200, '"1"', undefined]);
    expect(body).toEqual(created.body);
  });

  it("lists the caller's own, without lines whose rule was deleted", async () => {
    const world = await apiWorld();
    await world.store(strangersLine());
    await world.send(create());
    await world.send(create({ iccid: OTHER_ICCID }));
    await world.send(remove('"1"', OTHER_ICCID));
    const { status, body } = await world.send({ method: "GET", path: "/v1/rules" });
    expect(status).toBe(200);
    expect(body).toMatchObject({ data: [{ iccid: ICCID, version: 1 }] });
    expect(JSON.stringify(body)).not.toMatch(/writeId|id-1/);
  });

  it("goes through them page by page, each once", async () => {
    const world = await apiWorld();
    const iccids = Array.from({ length: 230 }, (_, i) => `8986${String(i).padStart(15, "0")}`);
    for (const iccid of iccids) await world.store({ ...esimWithRule(), iccid });
    const seen: unknown[] = [];
    const sizes: number[] = [];
    let page: string | undefined;
    do {
      const { data, next } = listIn(await world.send({ method: "GET", path: "/v1/rules", query: page === undefined ? undefined : { page } }));
      seen.push(...data.map((rule) => rule.iccid));
      sizes.push(data.length);
      page = next;
    } while (page !== undefined);
    expect(seen).toEqual(iccids);
    expect(sizes).toEqual([100, 100, 30]);
  });

  it.each(["rubbish", "", "eyJhIjoxfQ"])("refuses the page mark %j that no list gave", async (page) => {
    const { send } = await apiWorld();
    expect(problemIn(await send({ method: "GET", path: "/v1/rules", query: { page } }))).toMatchObject({ status: 400, code: "invalid-page" });
  });
});

describe("replacing a rule", () => {
  it("saves the new settings under a new ETag, with the consent of today", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule({}, "2026-11-01T00:00:00.000Z"));
    const { status, headers, body } = await world.send(replace({ threshold: cny(2000), timeZone: "Europe/Berlin" }));
    expect([status, headers.etag]).toEqual([200, '"2"']);
    expect(body).toMatchObject({ threshold: cny(2000), timeZone: "Europe/Berlin", version: 2, consent: { at: NOW }, createdAt: "2026-11-01T00:00:00.000Z" });
    expect(await world.line()).toMatchObject({ pendingEvents: [{ name: "RuleSaved", ruleVersion: 2 }] });
    expect(world.pokes).toEqual([{ iccid: ICCID, judge: true }]);
  });

  it("resumes nothing", async () => {
    const world = await apiWorld();
    await world.store({ ...suspendRule(esimWithRule(), "declined-too-often", NOW), pendingEvents: [] });
    const { body } = await world.send(replace({}, '"2"'));
    expect(body).toMatchObject({ version: 3, status: { state: "suspended", reason: "declined-too-often" } });
  });

  it("is not stopped by workers' writes in between, and does not undo them", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    expect((await world.send(replace({ threshold: cny(2000) }), { esims: busy(world.ports, 4) })).status).toBe(200);
    expect(await world.line()).toMatchObject({ cycle: 4, rule: { threshold: cny(2000), version: 2 } });
  });

  it("gives up on a line that is written all the time, with nothing saved", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    const answer = await world.send(replace({ threshold: cny(2000) }), { esims: busy(world.ports, 5) });
    expect(problemIn(answer)).toMatchObject({ status: 503, code: "try-again" });
    expect((await world.line()).rule).toMatchObject({ threshold: cny(1000), version: 1 });
    expect(world.pokes).toEqual([]);
  });
});

describe("pausing and resuming a rule", () => {
  it("pauses, tells of it, and has the line looked at, so that an open recharge hears of it", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    const { status, headers, body } = await world.send(setState("paused"));
    expect([status, headers.etag]).toEqual([200, '"2"']);
    expect(body).toMatchObject({ status: { state: "paused", at: NOW } });
    expect((await world.line()).pendingEvents).toMatchObject([{ name: "RulePaused" }]);
    expect(world.pokes).toEqual([{ iccid: ICCID, judge: true }]);
  });

  it("resumes what was paused", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    await world.send(setState("paused"));
    expect((await world.send(setState("active", '"2"'))).body).toMatchObject({ version: 3, status: { state: "active" } });
  });

  async function declinedWorld(declines: number, severity: Severity = "soft") {
    const world = await apiWorld();
    await world.store({ ...suspendRule(esimWithRule(), severity === "hard" ? "card-refused-for-good" : "declined-too-often", NOW), pendingEvents: [] });
    const code = severity === "hard" ? "lost_card" : "do_not_honor";
    for (let i = 1; i <= declines; i++) await world.ports.cards.putDecline(METHOD.cardKey, { rechargeId: `re_${i}`, at: NOW, code, severity });
    return world;
  }

  it("gives a card that was declined too often another try", async () => {
    const world = await declinedWorld(4);
    expect((await world.send(setState("active", '"2"'))).body).toMatchObject({ status: { state: "active" } });
    expect(await world.ports.cards.listDeclines(METHOD.cardKey)).toEqual([]);
  });

  it("gives no other try before its time to a card that still may be tried", async () => {
    const world = await declinedWorld(2);
    await world.send(setState("active", '"2"'));
    expect(await world.ports.cards.listDeclines(METHOD.cardKey)).toHaveLength(2);
  });

  it("forgets no decline for a request that is refused", async () => {
    const world = await declinedWorld(4);
    expect(problemIn(await world.send(setState("active", '"1"')))).toMatchObject({ status: 412 });
    expect(problemIn(await world.send({ ...setState("active", '"2"'), sub: STRANGER }))).toMatchObject({ status: 404 });
    expect(await world.ports.cards.listDeclines(METHOD.cardKey)).toHaveLength(4);
  });

  it("does not resume on a card that is refused for good, until the rule has another", async () => {
    const world = await declinedWorld(1, "hard");
    expect(problemIn(await world.send(setState("active", '"2"')))).toMatchObject({ status: 409, code: "card-refused-for-good" });
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended" });
    expect(world.writes()).toBe(1); // that of the seed
    await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_2", cardKey: "fp_2" });
    await world.send(replace({ paymentMethodId: "pm_2" }, '"2"'));
    expect((await world.send(setState("active", '"3"'))).body).toMatchObject({ status: { state: "active" }, paymentMethodId: "pm_2" });
  });

  it("does not take the same card for another one because it was added again", async () => {
    const world = await declinedWorld(1, "hard");
    await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_again" });
    await world.send(replace({ paymentMethodId: "pm_again" }, '"2"'));
    expect(problemIn(await world.send(setState("active", '"3"')))).toMatchObject({ status: 409, code: "card-refused-for-good" });
  });

  it("does not resume on a way to pay that was removed", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule({ paymentMethodId: "pm_gone" }));
    expect(problemIn(await world.send(setState("active")))).toMatchObject({ status: 409, code: "payment-method-gone" });
  });

  it("pauses whatever became of the card", async () => {
    const world = await declinedWorld(1, "hard");
    expect((await world.send(setState("paused", '"2"'))).body).toMatchObject({ status: { state: "paused" } });
  });

  it("does not need the carrier", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    expect((await world.send(setState("paused"), { carrier: silentCarrier })).status).toBe(200);
    expect((await world.send(setState("active", '"2"'), { carrier: silentCarrier })).status).toBe(200);
    expect((await world.send(remove('"3"'), { carrier: silentCarrier })).status).toBe(204);
  });
});

describe("deleting a rule", () => {
  it("leaves no rule, and tells of it", async () => {
    const world = await apiWorld();
    await world.store(esimWithRule());
    expect(await world.send(remove())).toEqual({ status: 204, headers: SECURITY_HEADERS, body: undefined });
    expect((await world.line()).pendingEvents).toMatchObject([{ name: "RuleDeleted" }]);
    expect(world.pokes).toEqual([{ iccid: ICCID, judge: true }]);
    for (const call of [remove(), { method: "GET", path: at(ICCID) }, replace(), setState("paused")]) {
      expect(problemIn(await world.send(call))).toMatchObject({ status: 404, code: "not-found" });
    }
  });

  it("leaves what was spent, so that a new rule starts no new month", async () => {
    const world = await apiWorld();
    const spend: Esim["spend"] = { [SUBSCRIBER]: { month: "2026-11", monthAmounts: [cny(5000)], day: "2026-11-23", dayCount: 1, lastEndedAt: NOW } };
    await world.store({ ...esimWithRule(), spend });
    await world.send(remove());
    expect((await world.line()).spend).toEqual(spend);
  });
});

describe("a change of a rule", () => {
  const changes = [
    ["PUT", replace],
    ["PATCH", (_: object, etag?: string, iccid?: string) => setState("paused", etag, iccid)],
    ["DELETE", (_: object, etag?: string, iccid?: string) => remove(etag, iccid)],
  ] as const;

  it.each(changes)("by %s names the version that it changes", async (_, change) => {
    const world = await apiWorld();
    const stored = await world.store(esimWithRule());
    expect(problemIn(await world.send({ ...change({}), headers: change({}).body === undefined ? {} : { "content-type": "application/json" } }))).toMatchObject({
      status: 428,
      code: "if-match-required",
    });
    for (const etag of ["1", "*", 'W/"1"', '"one"', '"1", "2"', '"-1"', '""', '"1234567890123456"']) {
      expect(problemIn(await world.send(change({}, etag)))).toMatchObject({ status: 400, code: "invalid-if-match" });
    }
    for (const etag of ['"0"', '"2"']) expect(problemIn(await world.send(change({}, etag)))).toMatchObject({ status: 412, code: "rule-changed" });
    expect(await world.line()).toEqual(stored);
    expect((await world.send(change({}))).status).toBeLessThan(300);
  });

  it.each(changes)("by %s does not reach somebody else's rule, nor tell that there is one", async (_, change) => {
    const world = await apiWorld();
    const stored = await world.store(strangersLine());
    const onStrangers = await world.send(change({}, '"1"', STRANGERS_ICCID));
    const onNothing = await world.send(change({}, '"1"', "8986012345678900041"));
    expect(problemIn(onStrangers)).toMatchObject({ status: 404, code: "not-found" });
    expect(onStrangers).toEqual(onNothing);
    expect(await world.line(STRANGERS_ICCID)).toEqual(stored);
    expect(world.pokes).toEqual([]);
  });

  it("by PUT does not reach the rule of a line's former payer either", async () => {
    const world = await apiWorld();
    const stored = await world.store({ ...esimWithRule(), subscriberId: STRANGER });
    expect(problemIn(await world.send(replace()))).toMatchObject({ status: 404 });
    expect(await world.line()).toEqual(stored);
  });

  it("finds nothing under a number that no line can have", async () => {
    const { send } = await apiWorld();
    for (const iccid of ["8986012345678900018", "123", "%00", "x".repeat(5000)]) {
      expect(problemIn(await send({ method: "GET", path: at(iccid) }))).toMatchObject({ status: 404, code: "not-found" });
    }
  });

  it("reads somebody else's as nothing", async () => {
    const world = await apiWorld();
    await world.store(strangersLine());
    expect(problemIn(await world.send({ method: "GET", path: at(STRANGERS_ICCID) }))).toMatchObject({ status: 404, code: "not-found" });
    expect((await world.send({ method: "GET", path: at(STRANGERS_ICCID), sub: STRANGER })).status).toBe(200);
  });
});
