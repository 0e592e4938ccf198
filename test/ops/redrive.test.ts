import { describe, expect, it } from "@jest/globals";
import { QUEUE_CONTRACTS } from "../../ops/queue-contracts.ts";
import { redrive } from "../../ops/redrive.ts";
import { cny, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { memoryDeadLetters, OPERATOR, opsWorld } from "./ops-world.ts";

const POKE = JSON.stringify({ iccid: ICCID });
const OLD = "2026-11-08T08:00:00.000Z"; // 15 days before
const report = JSON.stringify({
  source: "auto-recharge",
  "detail-type": "LowBalanceDetected",
  detail: { name: "LowBalanceDetected", id: "1", version: 1, at: OLD, iccid: ICCID, subscriberId: SUBSCRIBER, balance: cny(1), readAt: OLD, cycle: 0 },
});

function redriving(bodies: readonly string[], sentAt?: string) {
  const world = opsWorld();
  const queue = memoryDeadLetters(bodies, sentAt);
  const ports = { ...world.ports, deadLettersOf: () => queue.letters };
  const run = (changes: { yes?: boolean; limit?: number; queue?: string } = {}) =>
    redrive(ports, { queue: "RechargeQueue", limit: 1000, yes: true, by: OPERATOR, ...changes });
  return { ...world, ...queue, ports, run };
}

describe("a redrive", () => {
  it("moves every message, sent before it is removed", async () => {
    const { run, log, source, left } = redriving([POKE, report]);
    await run();
    expect(log).toEqual([`send ${POKE}`, "remove message-1", `send ${report}`, "remove message-2"]);
    expect(source).toEqual([POKE, report]);
    expect(left()).toEqual([]);
  });

  it("shows each message without naming its line, and counts them", async () => {
    const { run, printed, text } = redriving([POKE, report], OLD);
    await run();
    expect(printed).toEqual([
      `moved       message-1  sent ${OLD}  a poke of line …0017`,
      `moved       message-2  sent ${OLD}  LowBalanceDetected of line …0017 at ${OLD}`,
      "RechargeQueue: 2 moved, 0 refused by its contract",
    ]);
    expect(text()).not.toContain(ICCID);
  });

  it("only shows them without --yes: nothing is sent, removed or written down, and others can have them at once", async () => {
    const { run, log, left, free, printed, written } = redriving([POKE, report]);
    await run({ yes: false });
    expect(log).toEqual([]);
    expect(left()).toHaveLength(2);
    expect(free()).toBe(2);
    expect((await written()).audit).toEqual([]);
    expect(printed.at(-1)).toBe("RechargeQueue: 2 would move (say --yes to move them), 0 refused by its contract");
  });

  it("leaves what the queue's reader would refuse, and says what is wrong with it but not what it holds", async () => {
    const { run, left, free, source, text } = redriving(["not JSON, of 8986012345678900017", '{"iccid":"8986012345678900018"}', POKE]);
    await run();
    expect(source).toEqual([POKE]);
    expect(left()).toHaveLength(2);
    expect(free()).toBe(2);
    expect(text()).toContain("stays       message-1");
    expect(text()).toContain("The message is not JSON");
    expect(text()).toContain("1 moved, 2 refused by its contract, which stay among the dead letters");
    expect(text()).not.toMatch(/898601/);
  });

  it("moves messages of 15 days ago like those of today", async () => {
    const { run, source } = redriving([report], OLD);
    await run();
    expect(source).toEqual([report]);
  });

  it("doubles a message at the most when it is killed between sending and removing, and loses none", async () => {
    const world = redriving([POKE, report]);
    const killed = { ...world.ports, deadLettersOf: () => ({ ...world.letters, remove: () => Promise.reject(new Error("killed")) }) };
    await expect(redrive(killed, { queue: "RechargeQueue", limit: 10, yes: true, by: OPERATOR })).rejects.toThrow("killed");
    expect(world.source).toEqual([POKE]);
    expect(world.left()).toEqual([POKE, report]);
    await world.run();
    expect(world.source).toEqual([POKE, POKE, report]);
    expect(world.left()).toEqual([]);
  });

  it("removes nothing that it could not send", async () => {
    const world = redriving([POKE]);
    const failing = { ...world.ports, deadLettersOf: () => ({ ...world.letters, sendBack: () => Promise.reject(new Error("throttled")) }) };
    await expect(redrive(failing, { queue: "RechargeQueue", limit: 10, yes: true, by: OPERATOR })).rejects.toThrow("throttled");
    expect(world.left()).toEqual([POKE]);
    expect(world.free()).toBe(1);
  });

  it("looks at no more than the limit", async () => {
    const { run, source, left, free } = redriving(Array.from({ length: 25 }, () => POKE));
    await run({ limit: 12 });
    expect(source).toHaveLength(12);
    expect(left()).toHaveLength(13);
    expect(free()).toBe(13);
  });

  it("goes on until none is left", async () => {
    const { run, left } = redriving(Array.from({ length: 25 }, () => POKE));
    await run();
    expect(left()).toEqual([]);
  });

  it("ends although refused messages come again and again, and gives each of them back by its newest receipt", async () => {
    const world = redriving(["bad", "worse"]);
    const restless = {
      ...world.letters,
      receive: async (most: number) => {
        world.reappear();
        return world.letters.receive(most);
      },
    };
    await redrive({ ...world.ports, deadLettersOf: () => restless }, { queue: "RechargeQueue", limit: 1000, yes: true, by: OPERATOR });
    expect(world.printed.at(-1)).toContain("2 refused");
    expect(world.free()).toBe(2);
  });

  it("is in the audit before the first message moves", async () => {
    const world = redriving([POKE]);
    const failing = { ...world.ports, deadLettersOf: () => ({ ...world.letters, sendBack: () => Promise.reject(new Error("throttled")) }) };
    await expect(redrive(failing, { queue: "RechargeQueue", limit: 7, yes: true, by: OPERATOR })).rejects.toThrow();
    expect((await world.written()).audit).toEqual([
      { at: NOW, id: "id-1", by: OPERATOR, verb: "redrive", subject: "RechargeQueue", why: "at most 7 messages" },
    ]);
  });

  it("knows no other queue", async () => {
    const { run } = redriving([]);
    await expect(run({ queue: "toString" })).rejects.toThrow(`There is no queue "toString"; there are: ${[...QUEUE_CONTRACTS.keys()].join(" ")}`);
  });
});

describe("the contract of a queue", () => {
  const notice = {
    name: "RechargeSucceeded",
    id: "r/RechargeSucceeded",
    version: 1,
    at: NOW,
    iccid: ICCID,
    subscriberId: SUBSCRIBER,
    rechargeId: "r",
    amount: cny(1),
  };
  it.each([
    ["PlanChecksQueue", { scheduledTime: NOW }, `the tick of ${NOW}`],
    ["SweepQueue", { scheduledTime: NOW }, `the tick of ${NOW}`],
    ["RemindQueue", { scheduledTime: NOW }, `the tick of ${NOW}`],
    ["RemindQueue", { scheduledTime: NOW, page: "mark" }, `the tick of ${NOW}, for the rest of the subscribers`],
    ["RemindQueue", { scheduledTime: NOW, subscriberId: SUBSCRIBER }, `the tick of ${NOW}, for subscriber ${SUBSCRIBER}`],
    ["CheckBalancesQueue", { slot: "15m#3", from: "00000000", to: "ffffffff" }, "the check of slot 15m#3, 00000000 to ffffffff"],
    ["RechargeQueue", { paymentIntentId: "pi_1", rechargeId: "r" }, "a poke of payment pi_1"],
    ["RechargeQueue", { paymentMethodId: "pm_1" }, "a poke of the way to pay pm_1"],
    ["NotifyQueue", { source: "auto-recharge", "detail-type": "RechargeSucceeded", detail: notice }, `RechargeSucceeded of line …0017 (recharge r) at ${NOW}`],
    ["NeedsReview", { source: "auto-recharge", "detail-type": "RechargeSucceeded", detail: notice }, `RechargeSucceeded of line …0017 (recharge r) at ${NOW}`],
  ])("%s: says what %j is", (queue, message, words) => {
    expect(QUEUE_CONTRACTS.get(queue)?.(JSON.stringify(message))).toBe(words);
  });
});
