import { describe, expect, it } from "@jest/globals";
import type { CheckRequest } from "../../functions/domain/ports.ts";
import { LONGEST_TIER_MINUTES, slotHash, TIER_MINUTES } from "../../functions/domain/slots.ts";
import { epochMinute, plusMinutes } from "../../functions/domain/time.ts";
import { planChecks } from "../../functions/workers/plan-checks/plan-checks.ts";
import { ICCID, NOW } from "../builders.ts";
import { memoryControls } from "../fakes/memory-stores.ts";
import { keptMetrics } from "../fakes/metrics.ts";

function plannerWorld(hashRanges = 1) {
  const controls = memoryControls();
  const sent: CheckRequest[] = [];
  let now = NOW;
  const checkRequests = { send: async (requests: readonly CheckRequest[]) => void sent.push(...requests) };
  const metrics = keptMetrics();
  const ports = { controls, checkRequests, clock: { now: () => now }, metrics, hashRanges };
  return {
    ports,
    sent,
    controls,
    measured: metrics.measured,
    slots: () => sent.map((request) => request.slot),
    plannedThrough: async () => (await controls.getWheel())?.plannedThrough,
    /** The scheduler's tick, this many minutes after NOW; by the clock it comes then, unless told otherwise. */
    tick: (minutes: number, comesAt = minutes) => {
      now = plusMinutes(NOW, comesAt);
      return planChecks(ports, plusMinutes(NOW, minutes));
    },
  };
}

/** The slot of each tier that falls due this many minutes after NOW. */
function slotsAt(minutes: number): string[] {
  return Object.entries(TIER_MINUTES).map(([tier, turn]) => `${tier}#${(epochMinute(NOW) + minutes) % turn}`);
}

describe("the planner", () => {
  it("sends out the slots of this minute when it has never run", async () => {
    const world = plannerWorld();
    await world.tick(0);
    expect(world.sent).toEqual(slotsAt(0).map((slot) => ({ slot, from: "00000000", to: "ffffffff" })));
    expect(await world.plannedThrough()).toBe(epochMinute(NOW));
  });

  it("sends out each slot once, minute by minute", async () => {
    const world = plannerWorld();
    for (let minute = 0; minute < LONGEST_TIER_MINUTES; minute++) await world.tick(minute);
    for (const [tier, turn] of Object.entries(TIER_MINUTES)) {
      const counts = new Map<string, number>();
      for (const slot of world.slots().filter((each) => each.startsWith(`${tier}#`))) counts.set(slot, (counts.get(slot) ?? 0) + 1);
      expect(counts.size).toBe(turn);
      expect(new Set(counts.values())).toEqual(new Set([LONGEST_TIER_MINUTES / turn]));
    }
  });

  it("goes on with the minutes that it missed", async () => {
    const world = plannerWorld();
    await world.tick(0);
    world.sent.length = 0;
    await world.tick(3);
    expect(world.slots()).toEqual([1, 2, 3].flatMap(slotsAt));
  });

  it("does not let a tick from the future stop all checks until then", async () => {
    const world = plannerWorld();
    await world.tick(60 * 24 * 365, 0);
    expect(await world.plannedThrough()).toBe(epochMinute(NOW));
    world.sent.length = 0;
    await world.tick(1);
    expect(world.slots()).toEqual(slotsAt(1));
  });

  it("names every slot once after an outage of days", async () => {
    const world = plannerWorld();
    await world.tick(0);
    world.sent.length = 0;
    await world.tick(10 * LONGEST_TIER_MINUTES);
    expect(new Set(world.slots()).size).toBe(world.slots().length);
    expect(world.slots()).toHaveLength(15 + 60 + 360 + 1440);
  });

  it("does nothing at a tick that comes twice or late", async () => {
    const world = plannerWorld();
    await world.tick(5);
    const refuse = () => Promise.reject(new Error("there is nothing to do"));
    const ports = { ...world.ports, checkRequests: { send: refuse }, controls: { ...world.ports.controls, putWheel: refuse } };
    for (const minutes of [5, 4, -60]) await planChecks(ports, plusMinutes(NOW, minutes));
    expect(await world.plannedThrough()).toBe(epochMinute(NOW) + 5);
  });

  it("measures how far behind it is, and whether the kill switch is on, also at a tick that finds nothing to do", async () => {
    const world = plannerWorld();
    await world.tick(0);
    await world.controls.putKillSwitch({ on: true, at: NOW, by: "ada", why: "test" });
    await world.tick(7);
    await world.tick(7);
    expect(world.measured).toEqual([
      ["KillSwitchOn", 0],
      ["CheckerLagSeconds", 60],
      ["KillSwitchOn", 1],
      ["CheckerLagSeconds", 420],
      ["KillSwitchOn", 1],
      ["CheckerLagSeconds", 0],
    ]);
  });

  it("moves its cursor only after the messages are sent", async () => {
    const world = plannerWorld();
    await world.tick(0);
    const checkRequests = { send: () => Promise.reject(new Error("the queue is away")) };
    await expect(planChecks({ ...world.ports, checkRequests, clock: { now: () => plusMinutes(NOW, 1) } }, plusMinutes(NOW, 1))).rejects.toThrow(
      "the queue is away",
    );
    expect(await world.plannedThrough()).toBe(epochMinute(NOW));
    world.sent.length = 0;
    await world.tick(2);
    expect(world.slots()).toEqual([1, 2].flatMap(slotsAt));
  });

  it("sends them again rather than leave one out when it dies before it moved its cursor", async () => {
    const world = plannerWorld();
    const controls = { ...world.ports.controls, putWheel: () => Promise.reject(new Error("killed")) };
    await expect(planChecks({ ...world.ports, controls }, NOW)).rejects.toThrow("killed");
    await world.tick(0);
    expect(world.slots()).toEqual([...slotsAt(0), ...slotsAt(0)]);
  });

  it.each([1, 2, 3, 7, 256])("cuts a slot into %i ranges without a gap or an overlap", async (hashRanges) => {
    const world = plannerWorld(hashRanges);
    await world.tick(0);
    const ranges = world.sent.filter((request) => request.slot === world.slots()[0]);
    expect(ranges).toHaveLength(hashRanges);
    for (const { from, to } of ranges) expect([from, to]).toEqual([expect.stringMatching(/^[0-9a-f]{8}$/), expect.stringMatching(/^[0-9a-f]{8}$/)]);
    const bounds = ranges.map(({ from, to }) => ({ from: Number.parseInt(from, 16), to: Number.parseInt(to, 16) }));
    expect([bounds[0]?.from, bounds.at(-1)?.to]).toEqual([0, 0xffffffff]);
    for (const [index, { from }] of bounds.entries()) if (index > 0) expect(from).toBe((bounds[index - 1]?.to ?? 0) + 1);
    const sizes = bounds.map(({ from, to }) => to - from + 1);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    expect(ranges.filter(({ from, to }) => from <= slotHash(ICCID) && slotHash(ICCID) <= to)).toHaveLength(1);
  });
});
