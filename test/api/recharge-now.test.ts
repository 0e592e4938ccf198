import { describe, expect, it } from "@jest/globals";
import { billOf } from "../../functions/domain/bill.ts";
import { newEsim } from "../../functions/domain/esim.ts";
import type { RechargeStart } from "../../functions/domain/ports.ts";
import { applyMove, applyRequested } from "../../functions/domain/recharge.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import { type ApiWorld, apiWorld, newRule, problemIn, STRANGER, STRANGERS_ICCID } from "./api-world.ts";

const body = { iccid: ICCID, amount: cny(3000), paymentMethodId: METHOD.id };

function rechargeNow(world: ApiWorld, changes: object = {}, key = "wish-0001", sub = SUBSCRIBER) {
  return world.send({ method: "POST", path: "/v1/recharges", sub, body: { ...body, ...changes }, headers: { "idempotency-key": key } });
}

const idOf = (answer: { readonly headers: Readonly<Record<string, unknown>> }) => String(answer.headers.location).split("/").at(-1) ?? "";
const read = (world: ApiWorld, rechargeId: string, sub = SUBSCRIBER) => world.send({ method: "GET", path: `/v1/recharges/${rechargeId}`, sub });
const cancel = (world: ApiWorld, rechargeId: string, sub = SUBSCRIBER) => world.send({ method: "POST", path: `/v1/recharges/${rechargeId}/cancel`, sub });

/** Somebody else may pay for the caller's own line. */
const STRANGERS_GRANT = {
  subscriberId: STRANGER,
  holder: "h-ada",
  since: NOW,
  until: "2027-06-30T16:00:00.000Z",
  cap: cny(50_000),
  spent: cny(0),
  consent: { termsVersion: "2026-11-28", at: NOW },
};

/** As the recharge function does it. */
async function reserve(world: ApiWorld, iccid = ICCID): Promise<void> {
  const line = await world.line(iccid);
  await world.ports.esims.save(applyRequested(line, line.requested?.rechargeId ?? "", NOW), "reserve");
}

describe("recharging a line now", () => {
  it("is noted in the line, has it looked at, and can be read at once", async () => {
    const world = await apiWorld();
    const answer = await rechargeNow(world);
    expect(answer.status).toBe(202);
    const rechargeId = idOf(answer);
    expect(rechargeId).not.toContain(ICCID);
    expect((await world.line()).requested).toMatchObject({
      rechargeId,
      origin: "payer",
      subscriberId: SUBSCRIBER,
      amount: cny(3000),
      method: { id: METHOD.id },
      consent: { termsVersion: "asked-by-payer", at: NOW, timeZone: "UTC" }, // nobody agreed to terms
    });
    expect(world.pokes).toEqual([{ iccid: ICCID }]);
    expect((await read(world, rechargeId)).body).toMatchObject({ status: "requested", amount: cny(3000), lineLastFour: "0017" });
    await reserve(world);
    expect((await read(world, rechargeId)).body).toMatchObject({ status: "reserved", origin: "payer", ruleVersion: 0 });
  });

  const stages = ["wanted", "reserved"] as const;
  const lines = ["without a rule", "with another's rule", "that another's grant stands on", "whose holder has taken it over from its family payer"] as const;
  it.each(lines.flatMap((line) => stages.map((stage) => ({ line, stage }))))(
    "keeps its way to pay, is in what its payer takes with them, and is called off with their account: $stage, on a line $line",
    async ({ line, stage }) => {
      const world = await apiWorld();
      const isOthers = line === "whose holder has taken it over from its family payer";
      const iccid = isOthers ? STRANGERS_ICCID : ICCID;
      if (line === "with another's rule") await world.store({ ...esimWithRule(), subscriberId: STRANGER });
      if (line === "that another's grant stands on") await world.store({ ...newEsim(ICCID), subscriberId: STRANGER, family: STRANGERS_GRANT });
      if (isOthers) await world.familyLine();
      const rechargeId = idOf(await rechargeNow(world, { iccid }));
      if (stage === "reserved") await reserve(world, iccid);
      if (isOthers) {
        const taken = newRule({ iccid, paymentMethodId: "pm_eve" });
        expect((await world.send({ method: "POST", path: "/v1/rules", sub: STRANGER, body: taken })).status).toBe(201);
      }
      const removed = await world.send({ method: "DELETE", path: `/v1/payment-methods/${METHOD.id}` });
      expect(problemIn(removed)).toMatchObject({ status: 409, code: "payment-method-in-use", detail: expect.stringContaining(rechargeId) });
      const status = stage === "wanted" ? "requested" : "reserved";
      const shown = { [stage === "wanted" ? "requestedRecharge" : "openRecharge"]: { rechargeId, status } };
      expect(await world.send({ method: "GET", path: "/v1/me/export" })).toMatchObject({ body: { lines: [{ iccid, ...shown }] } });
      expect((await world.send({ method: "DELETE", path: "/v1/me" })).status).toBe(202);
      const { open, requested } = await world.line(iccid);
      expect([requested, open?.cancelRequested]).toMatchObject([undefined, stage === "wanted" ? undefined : { by: "account-closed" }]);
    },
  );

  it("keeps its way to pay also while the index of lines does not have it yet", async () => {
    const world = await apiWorld();
    await rechargeNow(world);
    const late = { esims: { ...world.ports.esims, listBySubscriber: async () => ({ items: [] }) } };
    const removed = await world.send({ method: "DELETE", path: `/v1/payment-methods/${METHOD.id}` }, late);
    expect(problemIn(removed)).toMatchObject({ status: 409, code: "payment-method-in-use" });
  });

  it("by who paid for it by a grant, and holds it now themselves, is of their own line: no terms of the grant bind it", async () => {
    const world = await apiWorld();
    await world.familyLine({ cap: cny(2000) });
    world.carrier.setOwner(STRANGERS_ICCID, { subscriberId: SUBSCRIBER });
    expect((await rechargeNow(world, { iccid: STRANGERS_ICCID })).status).toBe(202);
    await reserve(world, STRANGERS_ICCID);
    const { open, family } = await world.line(STRANGERS_ICCID);
    expect([open?.amount, open?.family, family]).toEqual([cny(3000), undefined, undefined]);
  });

  it.each(["active", "paused"] as const)(
    "by who holds it now themselves ends their rule by the grant, which was %s: it is not bound by that any more",
    async (state) => {
      const world = await apiWorld();
      const { version, ...line } = await world.familyLine();
      const { rule } = esimWithRule();
      const status = state === "active" ? { state } : { state, at: NOW };
      await world.ports.esims.save({ ...line, version, rule: rule && { ...rule, status } }, "rule");
      world.carrier.setOwner(STRANGERS_ICCID, { subscriberId: SUBSCRIBER });
      const rechargeId = idOf(await rechargeNow(world, { iccid: STRANGERS_ICCID }));
      expect((await cancel(world, rechargeId)).status).toBe(202);
      const { family, ...left } = await world.line(STRANGERS_ICCID);
      expect(family).toBeUndefined();
      expect(left).toMatchObject({
        rule: { status: { state: "suspended", reason: "family-ended" } },
        pendingEvents: [{ name: "RuleSuspended", subscriberId: SUBSCRIBER, reason: "family-ended" }],
      });
    },
  );

  it("leaves a line whose rule is another's to them", async () => {
    const world = await apiWorld();
    await world.store({ ...esimWithRule(), subscriberId: STRANGER });
    expect((await rechargeNow(world)).status).toBe(202);
    expect(await world.line()).toMatchObject({ subscriberId: STRANGER, requested: { subscriberId: SUBSCRIBER } });
  });

  it("again under the same key is the same one: noted, open or ended; another key meets the open one", async () => {
    const world = await apiWorld();
    const rechargeId = idOf(await rechargeNow(world));
    expect(idOf(await rechargeNow(world))).toBe(rechargeId);
    await reserve(world);
    expect(idOf(await rechargeNow(world))).toBe(rechargeId);
    const other = await rechargeNow(world, {}, "wish-0002");
    expect([problemIn(other), other.headers.location]).toMatchObject([{ status: 409, code: "recharge-open" }, `/v1/recharges/${rechargeId}`]);

    // It ends, and leaves its bill; its line is free.
    const ended = applyMove(await world.line(), rechargeId, { type: "dropped", reason: "kill-switch", at: NOW }, NOW);
    if (ended.open === undefined) throw new Error("It is gone");
    await world.ports.recharges.putBill(billOf(ICCID, "hash", ended.open));
    await world.ports.esims.save({ ...ended, open: undefined }, "clear");
    expect(idOf(await rechargeNow(world))).toBe(rechargeId);
    expect((await world.line()).requested).toBeUndefined();
    expect((await rechargeNow(world, {}, "wish-0003")).status).toBe(202);
  });

  it.each(["wanted", "reserved"])("meets one that is %s for another payer, and learns nothing of it but that it is there", async (stage) => {
    const world = await apiWorld();
    await world.store({ ...esimWithRule(), subscriberId: STRANGER });
    world.carrier.setOwner(ICCID, { subscriberId: STRANGER });
    const rechargeId = idOf(await rechargeNow(world, { paymentMethodId: "pm_eve" }, "wish-0001", STRANGER));
    if (stage === "reserved") await reserve(world);
    world.carrier.setOwner(ICCID, { subscriberId: SUBSCRIBER });
    const met = await rechargeNow(world);
    expect([problemIn(met), met.headers.location]).toMatchObject([{ status: 409, code: "recharge-open" }, undefined]);
    expect(JSON.stringify(met)).not.toContain(rechargeId);
  });

  it("under a key that was used for something else is refused", async () => {
    const world = await apiWorld();
    await rechargeNow(world);
    expect(problemIn(await rechargeNow(world, { amount: cny(4000) }))).toMatchObject({ status: 422, code: "idempotency-key-reused" });
  });

  const others = [
    ["another line", { iccid: OTHER_ICCID }],
    ["another way to pay", { paymentMethodId: "pm_two" }],
    ["another sum", { amount: cny(4000) }],
  ] as const;
  const withTwoWays = async () => {
    const world = await apiWorld();
    await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_two", cardKey: "fp_two" });
    return world;
  };

  it.each(others)("at the same moment as one for %s under the same key: one of them is made, the other refused", async (_, changes) => {
    const world = await withTwoWays();
    const answers = await Promise.all([rechargeNow(world), rechargeNow(world, changes)]);
    expect(answers.map(({ status }) => status)).toContain(202);
    expect(answers.map(({ status }) => status)).toContain(422);
    const stored = await Promise.all([ICCID, OTHER_ICCID].map((iccid) => world.ports.esims.load(iccid)));
    expect(stored.filter((line) => line?.requested !== undefined)).toHaveLength(1);
  });

  it("at the same moment under the same key is one, however often it is sent", async () => {
    const world = await apiWorld();
    const answers = await Promise.all([rechargeNow(world), rechargeNow(world), rechargeNow(world)]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(idOf)).size).toBe(1);
  });

  const moments = ["before its line is read", "before its start is kept", "before its line is read, and ends"] as const;
  it.each(others.flatMap(([what, changes]) => moments.map((moment) => ({ what, changes, moment }))))(
    "is refused where one for $what under the same key comes $moment",
    async ({ changes, moment }) => {
      const world = await withTwoWays();
      const { recharges, esims } = world.ports;
      let rechargeId: string | undefined;
      const comes = async () => {
        if (rechargeId !== undefined) return;
        rechargeId = idOf(await rechargeNow(world));
        if (!moment.endsWith("ends")) return;
        await reserve(world);
        const { open, ...line } = applyMove(await world.line(), rechargeId, { type: "dropped", reason: "kill-switch", at: NOW }, NOW);
        if (open === undefined) throw new Error("It is gone");
        await recharges.putBill(billOf(ICCID, "hash", open));
        await esims.save({ ...line, pendingEvents: [] }, "clear");
      };
      const ports =
        moment === "before its start is kept"
          ? { recharges: { ...recharges, putStart: (start: RechargeStart) => comes().then(() => recharges.putStart(start)) } }
          : { esims: { ...esims, load: (iccid: string) => comes().then(() => esims.load(iccid)) } };
      const call = { method: "POST", path: "/v1/recharges", body: { ...body, ...changes }, headers: { "idempotency-key": "wish-0001" } };
      expect(problemIn(await world.send(call, ports))).toMatchObject({ status: 422, code: "idempotency-key-reused" });
      expect((await esims.load(OTHER_ICCID))?.requested).toBeUndefined();
      expect((await recharges.getStart(rechargeId ?? ""))?.iccid).toBe(ICCID);
    },
  );

  it("under a key from before the request was kept is compared by its line, its sum and its way to pay", async () => {
    const world = await withTwoWays();
    const { recharges } = world.ports;
    const older = { recharges: { ...recharges, putStart: ({ requestHash: _none, ...start }: RechargeStart) => recharges.putStart(start) } };
    const call = { method: "POST", path: "/v1/recharges", body, headers: { "idempotency-key": "wish-0001" } };
    expect((await world.send(call, older)).status).toBe(202);
    expect((await rechargeNow(world)).status).toBe(202);
    for (const [, changes] of others) expect(problemIn(await rechargeNow(world, changes))).toMatchObject({ status: 422, code: "idempotency-key-reused" });
  });

  it("two people's same key are two wishes", async () => {
    const world = await apiWorld();
    const hers = idOf(await rechargeNow(world));
    const eves = idOf(await rechargeNow(world, { iccid: STRANGERS_ICCID, paymentMethodId: "pm_eve" }, "wish-0001", STRANGER));
    expect(eves).not.toBe(hers);
  });

  it("again under the same key is answered as before, though it has used up what may be charged for the line", async () => {
    const world = await apiWorld();
    await world.familyLine({ cap: cny(8000) });
    const again = () => rechargeNow(world, { iccid: STRANGERS_ICCID, amount: cny(5000) });
    const rechargeId = idOf(await again());
    await reserve(world, STRANGERS_ICCID);
    const paid = [
      { type: "awaiting", paymentIntentId: "pi_1", at: NOW },
      { type: "paid", at: NOW },
      { type: "credited", at: NOW },
    ] as const;
    const { open, family, ...line } = paid.reduce((esim, move) => applyMove(esim, rechargeId, move, NOW), await world.line(STRANGERS_ICCID));
    if (open === undefined || family === undefined) throw new Error("It is gone");
    await world.ports.recharges.putBill(billOf(STRANGERS_ICCID, "hash", open));
    await world.ports.esims.save({ ...line, pendingEvents: [], family: { ...family, spent: cny(5000) } }, "clear");
    expect(idOf(await again())).toBe(rechargeId);
    expect((await rechargeNow(world, { iccid: STRANGERS_ICCID, amount: cny(5000) }, "wish-0002")).status).toBe(422);
  });

  it("again under the same key is the same one, though another default was chosen since, and the line is another's", async () => {
    const world = await apiWorld();
    const { subscribers } = world.ports;
    await subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_two", cardKey: "fp_two" });
    await subscribers.putWallet(SUBSCRIBER, {}, { default: METHOD.id });
    const again = (changes = {}) => rechargeNow(world, { paymentMethodId: undefined, ...changes });
    const rechargeId = idOf(await again());
    await subscribers.putWallet(SUBSCRIBER, { default: METHOD.id }, { default: "pm_two" });
    expect(idOf(await again())).toBe(rechargeId);
    world.carrier.setOwner(ICCID, { subscriberId: STRANGER });
    expect(idOf(await again())).toBe(rechargeId);
    expect((await world.line()).requested?.method.id).toBe(METHOD.id);
    for (const other of [{ paymentMethodId: METHOD.id }, { amount: cny(4000) }, { iccid: OTHER_ICCID }]) {
      expect(problemIn(await again(other))).toMatchObject({ status: 422, code: "idempotency-key-reused" });
    }
  });

  it("that could not be saved is judged anew under the same key, and keeps to its way to pay", async () => {
    const world = await apiWorld();
    const { subscribers, esims } = world.ports;
    await subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: "pm_two", cardKey: "fp_two" });
    await subscribers.putWallet(SUBSCRIBER, {}, { default: METHOD.id });
    const call = { method: "POST", path: "/v1/recharges", body: { iccid: ICCID, amount: cny(3000) }, headers: { "idempotency-key": "wish-0001" } };
    expect((await world.send(call, { esims: { ...esims, save: async () => undefined } })).status).toBe(503);
    await subscribers.putWallet(SUBSCRIBER, { default: METHOD.id }, { default: "pm_two" });
    expect(problemIn(await world.send(call))).toMatchObject({ status: 422, code: "idempotency-key-reused" });
    await subscribers.putWallet(SUBSCRIBER, { default: "pm_two" }, { default: METHOD.id });
    expect((await world.send(call)).status).toBe(202);
    expect((await world.line()).requested?.method.id).toBe(METHOD.id);
  });

  it("takes the default way to pay where none is named, and says so where there is none", async () => {
    const world = await apiWorld();
    expect(problemIn(await rechargeNow(world, { paymentMethodId: undefined })).errors).toMatchObject([{ pointer: "/paymentMethodId" }]);
    await world.ports.subscribers.putWallet(SUBSCRIBER, {}, { default: METHOD.id });
    expect((await rechargeNow(world, { paymentMethodId: undefined })).status).toBe(202);
  });

  it.each([
    ["of a line that is not the caller's", { iccid: STRANGERS_ICCID }, 404, undefined],
    ["by somebody else's card", { paymentMethodId: "pm_eve" }, 422, "/paymentMethodId"],
    ["above the operator's maximum", { amount: cny(50_001) }, 422, "/amount/amount"],
    ["of less than can be charged", { amount: cny(399) }, 422, "/amount/amount"],
    ["in another currency", { amount: { amount: 3000, currency: "USD" } }, 422, "/amount/currency"],
  ])("%s is refused, and nothing is written", async (_, changes, status, pointer) => {
    const world = await apiWorld();
    const told = problemIn(await rechargeNow(world, changes));
    expect(told.status).toBe(status);
    expect(told.errors.map((error) => error.pointer)).toEqual(pointer === undefined ? [] : [pointer]);
    expect([world.writes(), world.pokes]).toEqual([0, []]);
  });
});

describe("calling off a recharge", () => {
  it("is noted before it is reserved, and while it is open", async () => {
    const world = await apiWorld();
    const rechargeId = idOf(await rechargeNow(world));
    expect((await cancel(world, rechargeId)).status).toBe(202);
    expect((await world.line()).requested?.cancelRequested).toEqual({ by: SUBSCRIBER, at: NOW });
    await reserve(world);
    expect((await world.line()).open?.cancelRequested).toEqual({ by: SUBSCRIBER, at: NOW });
    expect((await read(world, rechargeId)).body).toMatchObject({ isCalledOff: true });
    expect((await cancel(world, rechargeId)).status).toBe(202);
  });

  it("that is being paid, or is somebody else's, is refused", async () => {
    const world = await apiWorld();
    const rechargeId = idOf(await rechargeNow(world));
    expect(problemIn(await cancel(world, rechargeId, STRANGER))).toMatchObject({ status: 404 });
    await reserve(world);
    const line = await world.line();
    const paid = applyMove(applyMove(line, rechargeId, { type: "created", paymentIntentId: "pi_1" }, NOW), rechargeId, { type: "paid", at: NOW }, NOW);
    await world.ports.esims.save(paid, "pay");
    expect(problemIn(await cancel(world, rechargeId))).toMatchObject({ status: 409, code: "recharge-too-far" });
    expect(problemIn(await cancel(world, "re_unknown"))).toMatchObject({ status: 404 });
  });
});
