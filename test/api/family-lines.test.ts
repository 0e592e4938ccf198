import { describe, expect, it } from "@jest/globals";
import { OutcomeUnknown } from "../../functions/domain/ports.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import {
  type ApiWorld,
  apiWorld,
  CODE,
  listIn,
  newRule,
  previewSettings,
  problemIn,
  ruleSettingsBody,
  STRANGER,
  STRANGERS_ICCID,
  silentCarrier,
  withOpenRecharge,
} from "./api-world.ts";

const lines = "/v1/family-lines";
const line = `${lines}/${STRANGERS_ICCID}`;
const rule = `/v1/rules/${STRANGERS_ICCID}`;
const UNKNOWN_ICCID = "8986012345678900041";

const ask = (iccid = STRANGERS_ICCID) => ({ method: "POST", path: lines, body: { iccid } });
const agree = (changes: object = {}, path = line) => ({
  method: "PUT",
  path,
  body: { code: CODE, until: "2027-06-30T16:00:00Z", lifetimeCap: cny(50_000), consent: { termsVersion: "2026-11-28" }, ...changes },
});
const end = { method: "DELETE", path: line };
const list = { method: "GET", path: lines };
const TERMS = { until: "2027-06-30T16:00:00.000Z", lifetimeCap: cny(50_000), spent: cny(0) };

/** The same ports some minutes later. */
const later = ({ ports }: ApiWorld, minutes: number) => ({ clock: { now: () => plusMinutes(ports.clock.now(), minutes) } });

describe("a code for a line of somebody else's", () => {
  it("comes to the line through the carrier, in the language that was asked for", async () => {
    const { send, carrier } = await apiWorld();
    expect(await send({ ...ask(), body: { iccid: STRANGERS_ICCID, language: "en" } })).toMatchObject({ status: 202, body: undefined });
    expect(carrier.listMessages()).toMatchObject([{ iccid: STRANGERS_ICCID, code: CODE, language: "en", text: expect.stringContaining(CODE) }]);
  });

  it("is asked for with the same answer, whether there is such a line or not, and whatever was asked before", async () => {
    const world = await apiWorld();
    const answers = [
      await world.send(ask()),
      await world.send(ask(UNKNOWN_ICCID)),
      await world.send(ask()),
      await world.send({ ...ask(), sub: STRANGER }),
      await world.send(ask(ICCID)),
    ];
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(world.carrier.listMessages().map(({ iccid }) => iccid)).toEqual([STRANGERS_ICCID, ICCID]);
  });

  it("comes every two minutes at the most, and five times a day, whoever asks", async () => {
    const world = await apiWorld();
    const askAt = async (minutes: number, sub = SUBSCRIBER) => {
      await world.send({ ...ask(), sub }, later(world, minutes));
      return world.carrier.listMessages().length;
    };
    expect([await askAt(0), await askAt(1, STRANGER), await askAt(2, STRANGER), await askAt(4), await askAt(6), await askAt(8)]).toEqual([1, 1, 2, 3, 4, 5]);
    expect([await askAt(10), await askAt(23 * 60, STRANGER), await askAt(24 * 60)]).toEqual([5, 5, 6]);
  });

  it("is said not to have been sent when the carrier does not answer", async () => {
    const { send } = await apiWorld();
    expect(problemIn(await send(ask(), { carrier: silentCarrier }))).toMatchObject({ status: 503, code: "try-again" });
  });

  it("is kept by a hash only", async () => {
    const world = await apiWorld();
    const kept: object[] = [];
    const subscribers = { ...world.ports.subscribers, putCode: async (_: string, hash: string, code: object) => void kept.push({ hash, ...code }) };
    await world.send(ask(), { subscribers, hash: (text) => String(text.length) });
    expect(kept).toMatchObject([{ validUntil: "2026-11-23T08:10:00.000Z", triesLeft: 5 }]);
    expect(JSON.stringify(kept)).not.toContain(CODE);
    expect(JSON.stringify(kept)).not.toContain(STRANGERS_ICCID);
  });
});

describe("the agreement to pay for a line of somebody else's", () => {
  const asked = async () => {
    const world = await apiWorld();
    await world.send(ask());
    return world;
  };

  it("stands with the code, and says on which terms", async () => {
    const world = await asked();
    const view = { iccid: STRANGERS_ICCID, ...TERMS, consent: { termsVersion: "2026-11-28", at: NOW } };
    expect(await world.send(agree())).toMatchObject({ status: 200, body: view });
    expect(listIn(await world.send(list)).data).toEqual([view]);
    expect((await world.line(STRANGERS_ICCID)).family).toMatchObject({ subscriberId: SUBSCRIBER, holder: expect.stringMatching(/^holder-/), since: NOW });
    expect(world.pokes).toEqual([{ iccid: STRANGERS_ICCID }]);
  });

  it("needs the right code: after five wrong ones, and after its use, none is good any more", async () => {
    const world = await asked();
    for (const left of ["4 tries are left", "3 tries are left", "2 tries are left", "1 try is left", "0 tries are left"]) {
      expect(problemIn(await world.send(agree({ code: "000000" })))).toMatchObject({
        status: 422,
        code: "wrong-code",
        errors: [{ pointer: "/code", detail: `is not the code; ${left}` }],
      });
    }
    expect(problemIn(await world.send(agree()))).toMatchObject({ status: 410, code: "code-expired" });
    await world.send(ask(), later(world, 2));
    expect((await world.send(agree(), later(world, 3))).status).toBe(200);
    expect(problemIn(await world.send(agree(), later(world, 3)))).toMatchObject({ status: 410 });
  });

  it("needs a code of its own: of this payer, of this line, and not older than ten minutes", async () => {
    const world = await asked();
    for (const wrong of [{ ...agree(), sub: STRANGER }, agree({}, `${lines}/${ICCID}`)]) expect(problemIn(await world.send(wrong)).status).toBe(410);
    expect(problemIn(await world.send(agree(), later(world, 10))).status).toBe(410);
    expect((await world.send(agree(), later(world, 9.9))).status).toBe(200);
  });

  it("gives as many tries to calls at the same moment as to calls one after the other", async () => {
    const world = await asked();
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.send(agree({ code: "111111" }))));
    const counted = [410, 422].map((each) => answers.filter(({ status }) => status === each).length);
    expect(counted).toEqual([15, 5]);
  });

  it.each([
    ["has begun", "2026-11-23T08:00:00Z"],
    ["is further away than 366 days", "2027-11-24T08:00:01Z"],
  ])("is refused with an end that %s, before a try is taken", async (_, until) => {
    const world = await asked();
    for (let time = 0; time < 6; time++) {
      expect(problemIn(await world.send(agree({ until })))).toMatchObject({ status: 422, code: "grant-makes-no-sense", errors: [{ pointer: "/until" }] });
    }
    expect((await world.send(agree({ until: "2027-11-24T08:00:00Z" }))).status).toBe(200);
  });

  it("counts in the line's currency", async () => {
    const { send } = await asked();
    expect(problemIn(await send(agree({ lifetimeCap: { amount: 5000, currency: "USD" } })))).toMatchObject({
      status: 422,
      errors: [{ pointer: "/lifetimeCap/currency", detail: "must be CNY, the currency of this line" }],
    });
  });

  it("is not to be had while the line has a rule of its holder's, which is told only to who has the code", async () => {
    const world = await asked();
    await world.store({ ...esimWithRule(), iccid: STRANGERS_ICCID, subscriberId: STRANGER });
    expect(problemIn(await world.send(agree({ code: "000000" }))).code).toBe("wrong-code");
    expect(problemIn(await world.send(agree()))).toMatchObject({ status: 409, code: "line-has-a-rule" });
    expect((await world.line(STRANGERS_ICCID)).subscriberId).toBe(STRANGER);
  });

  it("is not to be had for a line that the carrier does not know any more", async () => {
    const world = await asked();
    world.carrier.removeLine(STRANGERS_ICCID);
    expect(problemIn(await world.send(agree())).status).toBe(404);
  });

  it("costs no code when the carrier does not say whose line it is", async () => {
    const world = await asked();
    expect(problemIn(await world.send(agree(), { carrier: silentCarrier })).status).toBe(503);
    expect((await world.send(agree())).status).toBe(200);
  });

  it("outlives a write of the machine in between", async () => {
    const world = await asked();
    let conflicts = 2;
    const esims = {
      ...world.ports.esims,
      save: async (...saved: Parameters<typeof world.ports.esims.save>) => (conflicts-- > 0 ? undefined : world.ports.esims.save(...saved)),
    };
    expect((await world.send(agree(), { esims })).status).toBe(200);
  });

  it("is ended by its payer, with the rule", async () => {
    const world = await asked();
    await world.send(agree());
    await world.send({ method: "POST", path: "/v1/rules", body: newRule({ iccid: STRANGERS_ICCID }) });
    expect((await world.send(end)).status).toBe(204);
    expect(await world.line(STRANGERS_ICCID)).toMatchObject({ pendingEvents: [{ name: "RuleSaved" }, { name: "RuleDeleted" }] });
    expect(problemIn(await world.send(end)).status).toBe(404);
    expect(listIn(await world.send(list)).data).toEqual([]);
    expect(problemIn(await world.send({ method: "GET", path: rule })).status).toBe(404);
  });

  it("is nobody else's to see or to end, not even the holder's", async () => {
    const world = await asked();
    await world.send(agree());
    for (const sub of [STRANGER, "sub-nobody"]) {
      expect(listIn(await world.send({ ...list, sub })).data).toEqual([]);
      expect(problemIn(await world.send({ ...end, sub })).status).toBe(404);
    }
    expect((await world.line(STRANGERS_ICCID)).family?.subscriberId).toBe(SUBSCRIBER);
  });
});

describe("a rule for a line of somebody else's", () => {
  const agreed = async () => {
    const world = await apiWorld();
    await world.familyLine();
    return world;
  };
  const save = (changes: object = {}) => ({ method: "POST", path: "/v1/rules", body: newRule({ iccid: STRANGERS_ICCID, ...changes }) });

  it("is saved by whom its holder lets pay, and leaves the agreement as it is", async () => {
    const world = await agreed();
    expect((await world.send(save())).status).toBe(201);
    expect(
      (await world.send({ method: "PUT", path: rule, body: ruleSettingsBody({ noticeMinutes: 60 }, STRANGERS_ICCID), headers: { "if-match": '"2"' } })).status,
    ).toBe(200);
    expect(await world.line(STRANGERS_ICCID)).toMatchObject({ rule: { noticeMinutes: 60 }, family: { subscriberId: SUBSCRIBER } });
  });

  it("keeps its threshold for a day, also when it is deleted and saved anew: else it would tell the balance", async () => {
    const world = await agreed();
    await world.send(save());
    const other = (version: number) => ({
      method: "PUT",
      path: rule,
      body: ruleSettingsBody({ threshold: cny(2000) }, STRANGERS_ICCID),
      headers: { "if-match": `"${version}"` },
    });
    const tooSoon = { status: 409, code: "threshold-too-soon", errors: [{ pointer: "/threshold/amount" }] };
    expect(problemIn(await world.send(other(2)))).toMatchObject(tooSoon);
    expect((await world.send({ method: "DELETE", path: rule, headers: { "if-match": '"2"' } })).status).toBe(204);
    expect(problemIn(await world.send(save({ ...ruleSettingsBody({ threshold: cny(2000) }, STRANGERS_ICCID) })))).toMatchObject(tooSoon);
    const preview = { method: "POST", path: "/v1/rules/preview", body: previewSettings({ iccid: STRANGERS_ICCID, threshold: cny(2000) }) };
    expect(problemIn(await world.send(preview))).toMatchObject(tooSoon);
    expect((await world.send(save())).status).toBe(201);
    const { version = 0 } = (await world.line(STRANGERS_ICCID)).rule ?? {};
    expect((await world.send(other(version), later(world, 24 * 60))).status).toBe(200);
  });

  it.each([
    ["a target, which would tell the balance", { topUp: { type: "target", target: cny(9000) } }, "/topUp/type"],
    ["more a month than may ever be spent", { limits: { perMonth: cny(50_001) } }, "/limits/perMonth/amount"],
  ])("is refused with %s", async (_, changes, pointer) => {
    const { send } = await agreed();
    expect(problemIn(await send(save(changes)))).toMatchObject({ status: 422, code: "rule-makes-no-sense", errors: [{ pointer }] });
  });

  it("is not needed to recharge it now, within what is left, and with no word of its balance", async () => {
    const world = await withTerms({ spent: cny(45_001) });
    const now = (amount: number) => ({
      method: "POST",
      path: "/v1/recharges",
      body: { iccid: STRANGERS_ICCID, amount: cny(amount), paymentMethodId: "pm_1" },
      headers: { "idempotency-key": `wish-${amount}` },
    });
    expect(problemIn(await world.send(now(5000)))).toMatchObject({
      status: 422,
      errors: [{ pointer: "/amount/amount", detail: expect.stringMatching(/^must be at most CNY 49\.99,/) }],
    });
    expect((await world.send(now(4999))).status).toBe(202);
    expect((await world.line(STRANGERS_ICCID)).requested).toMatchObject({ subscriberId: SUBSCRIBER, amount: cny(4999) });
    expect(problemIn(await (await apiWorld()).send(now(4999))).status).toBe(404);
  });

  it.each([
    ["without an agreement", async () => apiWorld()],
    ["after its end", async () => withTerms({ until: NOW })],
    ["with another holder's agreement", async () => withTerms({ holder: "holder-of-before" })],
    ["with somebody else's agreement", async () => withTerms({ subscriberId: "sub-bob" })],
  ])("is not saved %s", async (_, worldOf) => {
    const { send } = await worldOf();
    expect(problemIn(await send(save()))).toMatchObject({ status: 404, code: "not-found", detail: expect.stringMatching(/^You have no such line;/) });
  });

  it("is not promised by a preview when the agreement ends while that is being made", async () => {
    const world = await agreed();
    const { esims } = world.ports;
    let loads = 0;
    const ending = {
      ...esims,
      async load(iccid: string) {
        const line = await esims.load(iccid);
        loads += 1;
        return loads === 1 || line === undefined ? line : { ...line, family: undefined };
      },
    };
    const body = previewSettings({ iccid: STRANGERS_ICCID });
    const answer = await world.send({ method: "POST", path: "/v1/rules/preview", body }, { esims: ending });
    expect(problemIn(answer)).toMatchObject({ status: 404, code: "not-found", detail: "You have no such line" });
    expect(loads).toBe(2);
  });

  it("is taken over by the line's holder, who sees nothing of the payer, nor they of the holder", async () => {
    const world = await agreed();
    await world.send(save());
    const theirs = { ...save({ paymentMethodId: "pm_eve" }), sub: STRANGER };
    const [before] = listIn(await world.send({ method: "GET", path: "/v1/esims", sub: STRANGER })).data;
    expect(before).toMatchObject({ iccid: STRANGERS_ICCID, rule: null, openRecharge: null, balance: cny(999) });
    expect(before).not.toHaveProperty("family");
    const taken = await world.send(theirs);
    expect(taken.status).toBe(201);
    expect(JSON.stringify(taken.body)).not.toContain(SUBSCRIBER);
    expect(await world.line(STRANGERS_ICCID)).toMatchObject({
      subscriberId: STRANGER,
      pendingEvents: [
        { name: "RuleSaved" },
        { name: "RuleSuspended", subscriberId: SUBSCRIBER, reason: "family-ended" },
        { name: "RuleSaved", subscriberId: STRANGER },
      ],
    });
    expect(await world.line(STRANGERS_ICCID)).not.toHaveProperty("family");
    expect(problemIn(await world.send({ method: "GET", path: rule })).status).toBe(404);
    expect(listIn(await world.send(list)).data).toEqual([]);
    expect(listIn(await world.send({ method: "GET", path: "/v1/esims" })).data.map(({ iccid }) => iccid)).not.toContain(STRANGERS_ICCID);
  });

  async function withTerms(terms: Parameters<ApiWorld["familyLine"]>[0]): Promise<ApiWorld> {
    const world = await apiWorld();
    await world.familyLine(terms);
    return world;
  }
});

describe("the balance of a line of somebody else's", () => {
  it("is not shown in the list of lines, nor is the carrier asked for it", async () => {
    const world = await apiWorld();
    await world.familyLine({ spent: cny(7000) });
    await world.send({ method: "POST", path: "/v1/rules", body: newRule({ iccid: STRANGERS_ICCID }) });
    const asked: string[] = [];
    const getBalances = (iccids: readonly string[]) => {
      asked.push(...iccids);
      return world.ports.carrier.getBalances(iccids);
    };
    const carrier = { ...world.ports.carrier, getBalances };
    const shown = listIn(await world.send({ method: "GET", path: "/v1/esims" }, { carrier })).data.find(({ iccid }) => iccid === STRANGERS_ICCID);
    expect(shown).toEqual({
      iccid: STRANGERS_ICCID,
      currency: "CNY",
      rule: { status: { state: "active" }, leftThisMonth: cny(20_000) },
      openRecharge: null,
      balance: null,
      balanceReadAt: null,
      family: { ...TERMS, spent: cny(7000), consent: { termsVersion: "2026-11-28", at: NOW } },
    });
    expect(asked).not.toContain(STRANGERS_ICCID);
  });

  it("is not told by the preview of a rule, nor by what that says would happen at once", async () => {
    const world = await apiWorld();
    await world.familyLine();
    const { consent: _none, ...body } = newRule({ iccid: STRANGERS_ICCID });
    const previews = [];
    for (const balance of [1, 999_999]) {
      world.carrier.setBalance(STRANGERS_ICCID, balance);
      previews.push(await world.send({ method: "POST", path: "/v1/rules/preview", body }));
    }
    expect(previews[0]).toMatchObject({
      status: 200,
      body: { now: { balance: null, readAt: null, isLow: null, wouldCharge: null, whyNot: { reason: "balance-unknown" } } },
    });
    expect(previews[1]).toEqual(previews[0]);
  });

  it("is shown once where the line became the payer's own meanwhile", async () => {
    const world = await apiWorld();
    await world.familyLine();
    world.carrier.setOwner(STRANGERS_ICCID, { subscriberId: SUBSCRIBER });
    const { data } = listIn(await world.send({ method: "GET", path: "/v1/esims" }));
    expect(data.filter(({ iccid }) => iccid === STRANGERS_ICCID)).toMatchObject([{ balance: cny(999) }]);
  });

  it("is in no view of an open recharge, which says on which terms it is paid instead", async () => {
    const world = await apiWorld();
    const family = { since: NOW, until: TERMS.until, cap: cny(50_000), spent: cny(0) };
    const open = withOpenRecharge(esimWithRule(), "re_1");
    await world.store({ ...open, open: open.open && { ...open.open, family } });
    const { rule: settings } = esimWithRule();
    await world.ports.recharges.putStart({
      rechargeId: "re_1",
      iccid: ICCID,
      subscriberId: SUBSCRIBER,
      at: NOW,
      amount: cny(5000),
      rule: settings,
      consent: settings.consent,
      reading: { balance: cny(999), readAt: NOW },
      cardKey: "fp_1",
      declines: 0,
    });
    const { body } = await world.send({ method: "GET", path: "/v1/recharges/re_1" });
    expect(body).toMatchObject({ status: "reserved", family: TERMS });
    expect(JSON.stringify(body)).not.toMatch(/reading|balance|999/);
  });
});

it("a code is not lost with an answer that is: the carrier is believed only with a whole one", async () => {
  const world = await apiWorld();
  world.carrier.failNext("sendCode", "lose-reply");
  await expect(world.ports.carrier.sendCode({ iccid: STRANGERS_ICCID, code: CODE, language: "en" })).rejects.toThrow(OutcomeUnknown);
});
