import { describe, expect, it } from "@jest/globals";
import { type Bill, billOf } from "../../functions/domain/bill.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import { applyMove } from "../../functions/domain/recharge.ts";
import { plusMinutes, plusSeconds } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, rechargeStart, SUBSCRIBER } from "../builders.ts";
import { type ApiWorld, apiWorld, listIn, problemIn, STRANGER, withOpenRecharge } from "./api-world.ts";

const get = (rechargeId: string, sub?: string) => ({ method: "GET", path: `/v1/recharges/${rechargeId}`, sub });

/** A recharge that was paid and credited; it ended this many seconds after NOW, and its line is not free yet. */
function endedLine(rechargeId: string, seconds = 0): Esim {
  const at = plusSeconds(NOW, seconds);
  const reserved = withOpenRecharge(esimWithRule(), rechargeId);
  const paid = applyMove(applyMove(reserved, rechargeId, { type: "created", paymentIntentId: "pi_1" }, at), rechargeId, { type: "paid", at }, at);
  return applyMove(paid, rechargeId, { type: "credited", at }, at);
}

function bill(rechargeId: string, seconds = 0): Bill {
  const { open } = endedLine(rechargeId, seconds);
  if (open === undefined) throw new Error("The line is free");
  return billOf(ICCID, "line-hash", open);
}

async function started(world: ApiWorld, rechargeId: string, subscriberId = SUBSCRIBER): Promise<void> {
  await world.ports.recharges.putStart(rechargeStart({ rechargeId, subscriberId }));
}

/** What is shown of a recharge from its first moment on. */
const reserved = {
  rechargeId: "re_1",
  lineLastFour: "0017",
  status: "reserved",
  amount: cny(5000),
  method: { id: METHOD.id, brand: "visa", lastFour: "4242" },
  origin: "rule",
  ruleVersion: 1,
  consent: { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" },
  reading: reading(999),
  reservedAt: NOW,
};
const ended = {
  ...reserved,
  status: "succeeded",
  charged: cny(5000),
  credited: cny(5000),
  refunded: cny(0),
  period: { month: "2026-11", day: "2026-11-23" },
  paymentIntentId: "pi_1",
  paidAt: NOW,
  endedAt: NOW,
};

describe("the list of recharges", () => {
  it("shows the caller's bills, newest first, and keeps what is ours to itself", async () => {
    const world = await apiWorld();
    await world.ports.recharges.putBill(bill("re_1"));
    await world.ports.recharges.putBill(bill("re_2", 60));
    await world.ports.recharges.putBill({ ...bill("re_3", 120), subscriberId: STRANGER });
    const answer = await world.send({ method: "GET", path: "/v1/recharges" });
    expect(answer.status).toBe(200);
    expect(listIn(answer)).toEqual({ data: [expect.objectContaining({ rechargeId: "re_2" }), ended], next: undefined });
    expect(JSON.stringify(answer.body)).not.toMatch(new RegExp(`line-hash|${SUBSCRIBER}|${ICCID}|${METHOD.cardKey}|${METHOD.customerId}`));
  });

  it("goes through them page by page, each once", async () => {
    const world = await apiWorld();
    for (let i = 0; i < 120; i++) await world.ports.recharges.putBill(bill(`re_${i}`, i));
    const seen: unknown[] = [];
    let page: string | undefined;
    let pages = 0;
    do {
      const { data, next } = listIn(await world.send({ method: "GET", path: "/v1/recharges", query: page === undefined ? undefined : { page } }));
      seen.push(...data.map((recharge) => recharge.rechargeId));
      page = next;
      pages += 1;
    } while (page !== undefined);
    expect(seen).toEqual(Array.from({ length: 120 }, (_, i) => `re_${119 - i}`));
    expect(pages).toBe(3);
  });

  it.each(["rubbish", ""])("refuses the page mark %j that it never gave", async (page) => {
    const { send } = await apiWorld();
    expect(problemIn(await send({ method: "GET", path: "/v1/recharges", query: { page } }))).toMatchObject({ status: 400, code: "invalid-page" });
  });
});

describe("a recharge", () => {
  it("shows its bill when it has ended", async () => {
    const world = await apiWorld();
    await started(world, "re_1");
    await world.ports.recharges.putBill(bill("re_1"));
    const { status, body } = await world.send(get("re_1"));
    expect([status, body]).toEqual([200, { ...ended, adjustments: [] }]);
  });

  it("shows where it stands while it is open", async () => {
    const world = await apiWorld();
    await started(world, "re_1");
    await world.store(withOpenRecharge(esimWithRule(), "re_1"));
    const { status, body } = await world.send(get("re_1"));
    expect([status, body]).toEqual([200, { ...reserved, isCalledOff: false }]);
  });

  it("shows its bill also when why it was made is not kept any more, to its payer only", async () => {
    const world = await apiWorld();
    await world.ports.recharges.putBill(bill("re_1"));
    expect((await world.send(get("re_1"))).body).toEqual({ ...ended, adjustments: [] });
    expect((await world.send(get("re_1", STRANGER))).status).toBe(404);
  });

  it("shows what happened to its payment since, and leaves the bill as it was", async () => {
    const world = await apiWorld();
    await started(world, "re_1");
    await world.ports.recharges.putBill(bill("re_1"));
    const told = { adjustmentId: "re_9/refunded", kind: "refunded", amount: cny(5000), at: NOW } as const;
    await world.ports.recharges.putAdjustment({ rechargeId: "re_1", ...told });
    expect((await world.send(get("re_1"))).body).toEqual({ ...ended, adjustments: [told] });
  });

  it("gives its payer, and nobody else, what it takes to pay while it waits for them", async () => {
    const clientSecret = async (id: string) => `${id}_secret_1`;
    const payments = async () => ({ clientSecret });
    const world = await apiWorld();
    await started(world, "re_1");
    const waiting = applyMove(withOpenRecharge(esimWithRule(), "re_1"), "re_1", { type: "awaiting", paymentIntentId: "pi_1", at: NOW }, NOW);
    await world.store(waiting);
    const { status, body } = await world.send(get("re_1"), { payments });
    const action = { expiresAt: plusSeconds(NOW, 24 * 60 * 60), clientSecret: "pi_1_secret_1" };
    expect([status, body]).toEqual([200, { ...reserved, isCalledOff: false, status: "awaiting-customer", action }]);
    expect((await world.send(get("re_1", STRANGER), { payments })).status).toBe(404);
  });

  it.each([
    ["when its time is over", plusMinutes(NOW, 24 * 60), {}],
    ["when the grant by which they pay for the line is over", NOW, { until: NOW }],
    ["when there is another grant", NOW, { since: plusMinutes(NOW, 1) }],
  ])("gives nobody what it takes to pay %s", async (_, now, changes) => {
    const clientSecret = async () => "pi_1_secret_1";
    const world = await apiWorld();
    await started(world, "re_1");
    const cap = { cap: cny(50_000), spent: cny(0) };
    const family = {
      subscriberId: SUBSCRIBER,
      holder: "holder-1",
      since: NOW,
      until: plusMinutes(NOW, 48 * 60),
      ...cap,
      consent: { termsVersion: "t", at: NOW },
    };
    const waiting = applyMove(withOpenRecharge({ ...esimWithRule(), family }, "re_1"), "re_1", { type: "awaiting", paymentIntentId: "pi_1", at: NOW }, NOW);
    await world.store({ ...waiting, family: { ...family, ...changes } });
    const read = await world.send(get("re_1"), { payments: async () => ({ clientSecret }), clock: { now: () => now } });
    expect(read).toMatchObject({ status: 200, body: { status: "awaiting-customer" } });
    expect(JSON.stringify(read.body)).not.toContain("action");
  });

  it("shows its end before its bill is put, and the same after", async () => {
    const world = await apiWorld();
    await started(world, "re_1");
    await world.store(endedLine("re_1"));
    expect((await world.send(get("re_1"))).body).toEqual({ ...reserved, isCalledOff: false, status: "succeeded" });
    await world.ports.recharges.putBill(bill("re_1"));
    expect((await world.send(get("re_1"))).body).toEqual({ ...ended, adjustments: [] });
  });

  it("is never missing while it ends, between one look and the next", async () => {
    const world = await apiWorld();
    const { esims, recharges } = world.ports;
    await started(world, "re_1");
    const stored = await world.store(endedLine("re_1"));
    const andThenEnd = async <T>(look: Promise<T>) => {
      const seen = await look;
      await recharges.putBill(bill("re_1"));
      await esims.save({ ...stored, open: undefined }, "clear");
      return seen;
    };
    const answer = await world.send(get("re_1"), {
      esims: { ...esims, load: (iccid) => andThenEnd(esims.load(iccid)) },
      recharges: { ...recharges, getBill: (rechargeId) => andThenEnd(recharges.getBill(rechargeId)) },
    });
    expect(answer.status).toBe(200);
  });

  it("is not there while only its start was noted: another one took the line", async () => {
    const world = await apiWorld();
    await started(world, "re_1");
    await world.store(withOpenRecharge(esimWithRule(), "re_2"));
    expect(problemIn(await world.send(get("re_1")))).toMatchObject({ status: 404, code: "not-found" });
  });

  it("of somebody else is as unknown as one that never was", async () => {
    const world = await apiWorld();
    await started(world, "re_1", STRANGER);
    await world.ports.recharges.putBill({ ...bill("re_1"), subscriberId: STRANGER });
    const theirs = await world.send(get("re_1"));
    expect(problemIn(theirs)).toMatchObject({ status: 404, code: "not-found" });
    expect(theirs).toEqual(await world.send(get("re_never")));
    expect((await world.send(get("re_1", STRANGER))).status).toBe(200);
  });
});
