import { describe, expect, it } from "@jest/globals";
import { applyPublished, createRule, deleteRule, type Esim, type RuleDecision, replaceRule } from "../../functions/domain/esim.ts";
import type { DomainEvent, LowBalanceDetected } from "../../functions/domain/events.ts";
import type { CheckRequest, Poke } from "../../functions/domain/ports.ts";
import { lookShard, slotKey } from "../../functions/domain/slots.ts";
import { checkBalances } from "../../functions/workers/check-balances/check-balances.ts";
import { rechargeLine } from "../../functions/workers/recharge/recharge-line.ts";
import { sweep } from "../../functions/workers/sweep/sweep.ts";
import { apiWorld, listIn, STRANGER } from "../api/api-world.ts";
import { cny, esimWithRule, ICCID, NOW, OTHER_ICCID, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { lateIndexes } from "../fakes/memory-stores.ts";
import { noMetrics } from "../fakes/metrics.ts";
import { expectOneRecharge, rechargeWorld } from "../workers/recharge-world.ts";

const SLOT: CheckRequest = { slot: slotKey(ICCID, "15m"), from: "00000000", to: "ffffffff" };
const CONSENT = { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" };

/** A line that is low, and a checker that sees it in its slot as it is now, whatever becomes of it. */
async function lateCheckerWorld() {
  const world = await rechargeWorld();
  const esims = lateIndexes(world.ports.esims);
  await esims.listSlot(SLOT);
  return {
    ...world,
    async change(decide: (esim: Esim) => RuleDecision): Promise<void> {
      const decision = decide(await world.line());
      if (decision.kind !== "changed") throw new Error(decision.reason);
      await world.ports.esims.save(decision.esim, "change");
    },
    /** Checks the slot, and has the recharge function look at what was reported. */
    async checkAndLook(): Promise<LowBalanceDetected[]> {
      const reported: DomainEvent[] = [];
      const events = { publish: async (low: readonly DomainEvent[]) => void reported.push(...low) };
      await checkBalances({ ...world.ports, esims, events, checkRequests: { send: async () => {} }, timeLeft: () => 60_000 }, SLOT);
      const reports = reported.flatMap((event) => (event.name === "LowBalanceDetected" ? [event] : []));
      for (const report of reports) await rechargeLine(world.ports, { iccid: report.iccid, judge: true, report: { ...report, check: report.id } });
      return reports;
    },
  };
}

describe("a slot's index that is late", () => {
  it("shows a line whose rule is paused: it is reported, and nothing is charged", async () => {
    const world = await lateCheckerWorld();
    await world.pause();
    expect(await world.checkAndLook()).toHaveLength(1);
    expect(world.taken()).toEqual([]);
  });

  it("shows a line whose rule is deleted: it is reported, and nothing is charged", async () => {
    const world = await lateCheckerWorld();
    await world.change((esim) => deleteRule(esim, SUBSCRIBER, 1, NOW));
    expect(await world.checkAndLook()).toHaveLength(1);
    expect(world.taken()).toEqual([]);
  });

  it("shows a threshold that was lowered: the line is judged by the rule as it is", async () => {
    const world = await lateCheckerWorld();
    const input = { subscriberId: SUBSCRIBER, settings: ruleSettings({ threshold: cny(500) }), consent: CONSENT, writeId: "lower" };
    await world.change((esim) => replaceRule(esim, input, 1, NOW));
    expect(await world.checkAndLook()).toHaveLength(1);
    expect(world.taken()).toEqual([]);
  });

  it("shows a line that was recharged meanwhile: a carrier that tells the old balance still has it charged once", async () => {
    const world = await lateCheckerWorld();
    await world.look();
    world.carrier.setBalance(ICCID, 999);
    const [report] = await world.checkAndLook();
    expect(report?.cycle).toBe(0);
    await expectOneRecharge(world);
  });

  it("shows a line that is being recharged: the recharge goes on, and there is no second one", async () => {
    const world = await lateCheckerWorld();
    const payments = { ...world.ports.payments, confirm: () => Promise.reject(new Error("the worker died")) };
    await expect(world.look({ payments })).rejects.toThrow("the worker died");
    expect(await world.checkAndLook()).toHaveLength(1);
    expect((await world.line()).open?.state.name).toBe("confirming"); // its lease runs
    world.advanceMinutes(2);
    expect(await world.checkAndLook()).toHaveLength(1);
    await expectOneRecharge(world);
  });
});

describe("a shard's index that is late", () => {
  it("shows a line that has nothing left to do: it is poked again, and nothing changes", async () => {
    const world = await rechargeWorld();
    const esims = lateIndexes(world.ports.esims);
    const waiting = await world.ports.esims.save({ ...(await world.line()), pendingEvents: [], lookAt: NOW }, "waits");
    await esims.listDue(lookShard(ICCID), NOW);
    if (waiting === undefined) throw new Error("The line was written by somebody else");
    await world.ports.esims.save({ ...applyPublished(waiting, []), lookAt: undefined }, "done");
    const before = await world.line();
    const poked: Poke[] = [];
    await sweep({ esims, pokes: { send: async (pokes) => void poked.push(...pokes) }, clock: world.ports.clock, metrics: noMetrics });
    expect(poked).toEqual([{ iccid: ICCID }]);
    await rechargeLine(world.ports, { iccid: ICCID, judge: false });
    expect(await world.line()).toEqual(before);
    expect([world.taken(), world.published]).toEqual([[], []]);
  });
});

describe("a subscriber's index that is late", () => {
  const list = { method: "GET", path: "/v1/rules" };

  /** The caller's list of rules, after it was asked for once and the line then changed. */
  async function listedAfter(change: (esim: Esim) => RuleDecision) {
    const world = await apiWorld();
    const line = await world.store(esimWithRule());
    await world.store({ ...esimWithRule(), iccid: OTHER_ICCID });
    const esims = lateIndexes(world.ports.esims);
    expect(listIn(await world.send(list, { esims })).data).toHaveLength(2);
    const decision = change(line);
    if (decision.kind !== "changed") throw new Error(decision.reason);
    await world.ports.esims.save(decision.esim, "change");
    return listIn(await world.send(list, { esims })).data;
  }

  it("shows a line whose rule is deleted: it is not listed", async () => {
    const data = await listedAfter((esim) => deleteRule(esim, SUBSCRIBER, 1, NOW));
    expect(data).toMatchObject([{ iccid: OTHER_ICCID }]);
  });

  it("shows a line that another pays for by now: they are not told what its rule says", async () => {
    const input = { subscriberId: STRANGER, settings: ruleSettings(), consent: CONSENT, writeId: "eve" };
    const data = await listedAfter((esim) => createRule(esim, input, NOW));
    expect(data).toMatchObject([{ iccid: OTHER_ICCID }]);
  });

  it("shows a rule that was changed: it is listed as it is now", async () => {
    const input = { subscriberId: SUBSCRIBER, settings: ruleSettings({ threshold: cny(700) }), consent: CONSENT, writeId: "change" };
    const data = await listedAfter((esim) => replaceRule(esim, input, 1, NOW));
    expect(data).toMatchObject([
      { iccid: ICCID, threshold: cny(700) },
      { iccid: OTHER_ICCID, threshold: cny(1000) },
    ]);
  });
});
