import { describe, expect, it } from "@jest/globals";
import { domainEvent } from "../../functions/contracts/events.ts";
import { remindRequest } from "../../functions/contracts/messages.ts";
import type { Bill } from "../../functions/domain/bill.ts";
import type { DomainEvent } from "../../functions/domain/events.ts";
import type { RemindRequest, Subscribers } from "../../functions/domain/ports.ts";
import { type RemindPorts, remind } from "../../functions/workers/remind/remind.ts";
import { FULL_BILL } from "../adapters/recharges-contract.ts";
import { cny, METHOD, SUBSCRIBER } from "../builders.ts";
import { memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";

const CARD = { ...METHOD, expiry: { month: 12, year: 2026 } };
const TICK: RemindRequest = { scheduledTime: "2026-12-01T08:00:00.000Z" };
const NEW_MONTH = "2026-12-01T08:00:00.000Z";
const LATER = "2026-12-10T08:00:00.000Z";
const ENOUGH = 60_000;

function remindWorld() {
  const subscribers = memorySubscribers();
  const recharges = memoryRecharges();
  const published: DomainEvent[] = [];
  const requests: RemindRequest[] = [];
  const logged: object[] = [];
  const log = (code: string, fields?: object) => void logged.push({ code, ...fields });
  const ports: RemindPorts = {
    subscribers,
    recharges,
    events: { publish: async (events) => void published.push(...events.map((event) => domainEvent.parse(event))) },
    remindRequests: { send: async (more) => void requests.push(...more.map((request) => remindRequest.parse(request))) },
    clock: { now: () => NEW_MONTH },
    log: { info: log, warn: log, error: log },
    timeLeft: () => ENOUGH,
  };
  return {
    ports,
    published,
    requests,
    logged,
    ids: () => published.map(({ id }) => id),
    async join(subscriberId: string) {
      await subscribers.putProfile({ subscriberId, email: `${subscriberId}@example.com` });
      await subscribers.putMethod(subscriberId, { ...CARD, id: `pm_${subscriberId}` });
    },
    putBill: (bill: Partial<Bill>) =>
      recharges.putBill({ ...FULL_BILL, subscriberId: SUBSCRIBER, end: "succeeded", charged: cny(5000), refunded: cny(0), ...bill }),
    /** What is published is told, and remembered. */
    tell: async () =>
      Promise.all(published.flatMap((event) => ("subscriberId" in event ? [subscribers.putNotice(event.subscriberId, event.id, NEW_MONTH)] : []))),
  };
}

describe("the reminder", () => {
  it("announces each card that ends soon, to its owner", async () => {
    const world = remindWorld();
    await world.join("sub-ada");
    await world.join("sub-bob");
    await world.ports.subscribers.putMethod("sub-bob", { ...CARD, id: "pm_old", expiry: { month: 11, year: 2026 } });
    await world.ports.subscribers.putMethod("sub-bob", { ...CARD, id: "pm_good", expiry: { month: 1, year: 2027 } });
    await remind(world.ports, TICK);
    expect(world.published).toMatchObject([
      { name: "PaymentMethodExpiring", id: "pm_sub-ada/2026-12/30", subscriberId: "sub-ada" },
      { name: "PaymentMethodExpiring", id: "pm_sub-bob/2026-12/30", subscriberId: "sub-bob" },
    ]);
    expect(world.logged).toEqual([]);
  });

  it("publishes again what was not told, and never what was", async () => {
    const world = remindWorld();
    await world.join(SUBSCRIBER);
    await world.putBill({ endedAt: "2026-11-10T08:00:00.000Z" });
    for (const _again of [1, 2]) await remind(world.ports, TICK);
    expect(world.ids()).toEqual(["pm_sub-ada/2026-12/30", "sub-ada/month/2026-11", "pm_sub-ada/2026-12/30", "sub-ada/month/2026-11"]);
    await world.tell();
    await remind(world.ports, TICK);
    expect(world.published).toHaveLength(4);
    await remind({ ...world.ports, clock: { now: () => "2026-12-24T08:00:00.000Z" } }, TICK);
    expect(world.ids().slice(4)).toEqual(["pm_sub-ada/2026-12/7"]);
  });

  it.each<[string, (subscribers: Subscribers) => Promise<void>]>([
    ["the time zone that the subscriber chose", (subscribers) => subscribers.putChoices(SUBSCRIBER, { timeZone: "Asia/Shanghai" })],
    ["the time zone of their rule, in which its cap counts", (subscribers) => subscribers.putRuleTimeZone(SUBSCRIBER, "Asia/Shanghai")],
  ])("sums up the last month in %s, less what was given back since", async (_, choose) => {
    const world = remindWorld();
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER });
    await choose(world.ports.subscribers);
    await world.putBill({ rechargeId: "in-october", endedAt: "2026-10-31T15:59:00.000Z" });
    await world.putBill({ rechargeId: "first", endedAt: "2026-10-31T16:00:00.000Z" });
    await world.putBill({ rechargeId: "last", endedAt: "2026-11-30T15:59:00.000Z" });
    await world.putBill({ rechargeId: "in-december", endedAt: "2026-11-30T16:00:00.000Z" });
    await world.ports.recharges.putAdjustment({ rechargeId: "first", adjustmentId: "re_1/refunded", kind: "refunded", amount: cny(2000), at: NEW_MONTH });
    await remind(world.ports, TICK);
    expect(world.published).toMatchObject([{ name: "MonthEnded", month: "2026-11", totals: [{ recharges: 2, charged: cny(8000) }] }]);
  });

  it("counts every bill of a month, however many pages they fill", async () => {
    const world = remindWorld();
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER });
    for (let index = 0; index < 120; index++) {
      await world.putBill({ rechargeId: `re_${index}`, endedAt: `2026-11-${String(1 + (index % 28)).padStart(2, "0")}T08:00:00.000Z` });
    }
    await world.putBill({ rechargeId: "older", endedAt: "2026-10-01T08:00:00.000Z" });
    await remind(world.ports, TICK);
    expect(world.published).toMatchObject([{ totals: [{ recharges: 120, charged: cny(600_000) }] }]);
  });

  it("reads no bills but in the first days of a month", async () => {
    const world = remindWorld();
    await world.join(SUBSCRIBER);
    const recharges = { ...world.ports.recharges, listBills: () => Promise.reject(new Error("Read")) };
    await remind({ ...world.ports, recharges, clock: { now: () => LATER } }, TICK);
    expect([world.ids(), world.requests]).toEqual([["pm_sub-ada/2026-12/30"], []]);
  });

  it("says nothing to those who had no recharge, and is not stopped by those who are gone", async () => {
    const world = remindWorld();
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER });
    await remind(world.ports, TICK);
    await remind(world.ports, { ...TICK, subscriberId: "sub-gone" });
    expect([world.published, world.requests]).toEqual([[], []]);
  });
});

describe("a reminder of many subscribers", () => {
  const many = Array.from({ length: 250 }, (_, index) => `sub-${String(index).padStart(3, "0")}`); // three pages
  const crowd = async () => {
    const world = remindWorld();
    for (const subscriberId of many) await world.join(subscriberId);
    return world;
  };
  const told = (world: ReturnType<typeof remindWorld>) => world.published.map((event) => ("subscriberId" in event ? event.subscriberId : "")).toSorted();

  it("goes through all of them", async () => {
    const world = await crowd();
    await remind(world.ports, TICK);
    expect([told(world), world.requests]).toEqual([many, []]);
  });

  it("goes on in new messages when time is short: from the next page, or with those who are left of one", async () => {
    const world = await crowd();
    let left = 100_000;
    const timeLeft = () => {
      left -= 8000;
      return left;
    };
    await remind({ ...world.ports, timeLeft }, TICK);
    expect(world.published.length).toBeLessThan(many.length);
    let messages = 0;
    for (let request = world.requests.shift(); request !== undefined && messages < 1000; request = world.requests.shift()) {
      messages += 1;
      left = 100_000;
      await remind({ ...world.ports, timeLeft }, request);
    }
    expect(told(world)).toEqual(many);
    expect(messages).toBeGreaterThan(1);
  });

  it("is not held up by one who cannot be served: they get a message of their own, which fails by itself", async () => {
    const world = await crowd();
    const failing = "sub-101";
    const getProfile: Subscribers["getProfile"] = async (subscriberId) => {
      if (subscriberId === failing) throw new Error("What is stored of them is broken");
      return world.ports.subscribers.getProfile(subscriberId);
    };
    const ports = { ...world.ports, subscribers: { ...world.ports.subscribers, getProfile } };
    await remind(ports, TICK);
    expect(told(world)).toEqual(many.filter((each) => each !== failing));
    expect(world.requests).toEqual([{ ...TICK, subscriberId: failing }]);
    expect(world.logged).toMatchObject([{ code: "remind-failed", subscriberId: failing }]);
    await expect(remind(ports, { ...TICK, subscriberId: failing })).rejects.toThrow("broken");
    await remind(world.ports, { ...TICK, subscriberId: failing });
    expect(told(world)).toEqual(many);
  });
});
