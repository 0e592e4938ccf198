import { describe, expect, it } from "@jest/globals";
import { measured } from "../../functions/adapters/measured-calls.ts";
import { OutcomeUnknown } from "../../functions/domain/ports.ts";
import { rechargeLine } from "../../functions/workers/recharge/recharge-line.ts";
import { ICCID, reading } from "../builders.ts";
import { keptMetrics } from "../fakes/metrics.ts";
import { expectOneRecharge, rechargeWorld } from "./recharge-world.ts";

describe("what the recharge function measures", () => {
  it("is each end once, with what was charged and credited, and how long that took from the reading", async () => {
    const world = await rechargeWorld();
    world.advanceMinutes(2);
    const report = { ...reading(999), cycle: 0, check: "check-1" };
    for (let i = 0; i < 3; i++) await rechargeLine(world.ports, { iccid: ICCID, judge: true, report });
    await expectOneRecharge(world);
    expect(world.measured).toEqual([
      ["RechargesEnded", 1, "succeeded"],
      ["MoneyCharged", 5000, "CNY"],
      ["MoneyCredited", 5000, "CNY"],
      ["SecondsToCredit", 120],
    ]);
  });

  it("is no money where a card was declined", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    await world.look();
    expect(world.measured).toEqual([["RechargesEnded", 1, "declined"]]);
  });

  it("is how long a paid recharge waits for its credit, and for how long nobody can tell", async () => {
    const world = await rechargeWorld();
    const silent = () => Promise.reject(new OutcomeUnknown("no answer"));
    const carrier = { ...world.ports.carrier, topUp: silent, findTopUp: silent };
    await expect(world.look({ carrier })).rejects.toThrow("no answer");
    for (const minutes of [2, 4, 6, 8, 16]) {
      world.advanceMinutes(minutes);
      await expect(world.look({ carrier })).rejects.toThrow("The carrier leaves the top-up unknown");
    }
    const of = (name: string) => world.measured.filter(([each]) => each === name).map(([, value]) => value);
    expect(of("PaidNotCreditedSeconds")).toEqual([120, 360, 720, 1200, 2160]);
    // The second to last is more than the quarter of an hour of its alarm.
    expect(of("OutcomeUnknownMinutes")).toEqual([0, 2, 6, 11.5, 20, 36]);
  });

  it("is no longer unclear than it takes, however often a line is looked at meanwhile", async () => {
    const world = await rechargeWorld();
    const silent = () => Promise.reject(new OutcomeUnknown("no answer"));
    const carrier = { ...world.ports.carrier, topUp: silent, findTopUp: silent };
    for (let i = 0; i < 6; i++) {
      await expect(world.look({ carrier })).rejects.toThrow(OutcomeUnknown);
      world.advanceMinutes(2);
    }
    expect(Math.max(...world.measured.filter(([name]) => name === "OutcomeUnknownMinutes").map(([, value]) => value))).toBe(10);
  });

  // The alarms StripeFails and CarrierFails ring in three of six such spans: infra/watching.ts
  it.each(["payments", "carrier"] as const)(
    "is a fault in three spans of ten minutes of an hour, wherever they begin, from one recharge in an outage: %s",
    async (port) => {
      const world = await rechargeWorld();
      const asked: number[] = [];
      const silent = () => {
        asked.push((Date.parse(world.ports.clock.now()) - Date.parse(began)) / 60_000);
        return Promise.reject(new OutcomeUnknown("no answer"));
      };
      const began = world.ports.clock.now();
      const payments = { ...world.ports.payments, create: silent, retrieve: silent, findCreated: silent };
      const carrier = { ...world.ports.carrier, topUp: silent, findTopUp: silent };
      while (Date.parse(world.ports.clock.now()) < Date.parse(began) + 3_600_000) {
        await expect(world.look(port === "payments" ? { payments } : { carrier })).rejects.toThrow(OutcomeUnknown);
        const { lookAt = "" } = await world.line();
        world.advanceMinutes((Date.parse(lookAt) - Date.parse(world.ports.clock.now())) / 60_000);
      }
      for (let begins = 0; begins < 10; begins += 0.5) {
        const spans = asked.map((minute) => Math.floor((minute + begins) / 10));
        expect(new Set(spans.filter((span) => span < 6)).size).toBeGreaterThanOrEqual(3);
      }
    },
  );

  it("is nothing unclear while a customer is waited for, however often Stripe was silent meanwhile", async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    await world.look();
    const payments = { ...world.ports.payments, retrieve: () => Promise.reject(new OutcomeUnknown("no answer")) };
    for (let i = 0; i < 6; i++) {
      world.advanceMinutes(70);
      await expect(world.look({ payments })).rejects.toThrow("no answer");
    }
    expect(new Set(world.measured.map(([name, value]) => `${name} ${value}`))).toEqual(new Set(["OutcomeUnknownMinutes 0"]));
  });
});

describe("a check's id", () => {
  it("leads from the check's log to Stripe, to why it was charged, to every line of the recharge's log and to its bill", async () => {
    const world = await rechargeWorld();
    const logged: object[] = [];
    const log = (code: string, fields: object = {}) => void logged.push({ code, ...fields });
    const report = { ...reading(999), cycle: 0, check: "check-1" };
    await rechargeLine({ ...world.ports, log: { info: log, warn: log, error: log } }, { iccid: ICCID, judge: true, report });
    const [bill] = await world.bills();
    const rechargeId = bill?.rechargeId ?? "";
    expect(bill).toMatchObject({ check: "check-1" });
    expect(await world.ports.recharges.getStart(rechargeId)).toMatchObject({ check: "check-1" });
    expect(world.stripe.listCharges().map(({ metadata }) => metadata)).toMatchObject([{ check: "check-1", rechargeId }]);
    expect(logged).toEqual([
      { code: "reserving", rechargeId, check: "check-1" },
      { code: "recharge-ended", rechargeId, check: "check-1", end: "succeeded" },
    ]);
  });
});

describe("a measured call", () => {
  it.each([
    ["an answer", async () => 200, 0],
    ["a no", async () => 402, 0],
    ["that it is asked too often", async () => 429, 1],
    ["a fault of its own", async () => 503, 1],
  ])("counts %s as it is", async (_, call, faults) => {
    const metrics = keptMetrics();
    await measured(metrics, "Carrier", call, (status) => status)();
    expect(metrics.measured).toEqual([
      ["CarrierMilliseconds", expect.any(Number)],
      ["CarrierFaults", faults],
    ]);
  });

  it("counts no answer as a fault, and leaves it to its caller", async () => {
    const metrics = keptMetrics();
    const call = measured(metrics, "Stripe", () => Promise.reject(new Error("reset")), Number);
    await expect(call()).rejects.toThrow("reset");
    expect(metrics.measured).toEqual([
      ["StripeMilliseconds", expect.any(Number)],
      ["StripeFaults", 1],
    ]);
  });
});
