import { describe, expect, it } from "@jest/globals";
import type { LinePoke, Poke } from "../../functions/domain/ports.ts";
import { LOOK_SHARDS, lookShard } from "../../functions/domain/slots.ts";
import { plusSeconds } from "../../functions/domain/time.ts";
import { sweep } from "../../functions/workers/sweep/sweep.ts";
import { esimWithRule, NOW } from "../builders.ts";
import { memoryEsims } from "../fakes/memory-stores.ts";
import { keptMetrics } from "../fakes/metrics.ts";
import { linePokes } from "../line-pokes.ts";

/** Numbers of lines in all shards; without check digits, which only the edge looks at. */
const ICCIDS = Array.from({ length: 2000 }, (_, i) => `8986${String(i).padStart(14, "0")}`);

function sweeperWorld() {
  const esims = memoryEsims();
  const poked: LinePoke[] = [];
  const metrics = keptMetrics();
  const ports = { esims, pokes: { send: async (pokes: readonly Poke[]) => void poked.push(...linePokes(pokes)) }, clock: { now: () => NOW }, metrics };
  return {
    ports,
    poked,
    measured: metrics.measured,
    writes: esims.writes,
    async store(iccids: readonly string[], lookAt: string | undefined): Promise<void> {
      for (const iccid of iccids) await esims.save({ ...esimWithRule(), iccid, version: 0, lookAt }, "seed");
    },
    iccids: () => poked.map((poke) => poke.iccid).sort(),
  };
}

describe("the sweeper", () => {
  it("pokes every line of every shard whose time to look has come, and none else", async () => {
    const world = sweeperWorld();
    const late = ICCIDS.slice(0, 50);
    const due = ICCIDS.slice(50, 60);
    await world.store(late, plusSeconds(NOW, -1));
    await world.store(due, NOW);
    await world.store(ICCIDS.slice(60, 70), plusSeconds(NOW, 1));
    await world.store(ICCIDS.slice(70, 80), undefined);
    await sweep(world.ports);
    expect(world.iccids()).toEqual([...late, ...due]);
    expect(new Set(world.iccids().map(lookShard)).size).toBe(LOOK_SHARDS);
  });

  it("asks for a look only: it is not for the sweeper to have balances judged", async () => {
    const world = sweeperWorld();
    await world.store(ICCIDS.slice(0, 1), NOW);
    await sweep(world.ports);
    expect(world.poked).toEqual([{ iccid: ICCIDS[0] }]);
  });

  it("writes nothing, so that what it poked is due until somebody has looked", async () => {
    const world = sweeperWorld();
    await world.store(ICCIDS.slice(0, 3), NOW);
    const before = world.writes();
    await sweep(world.ports);
    await sweep(world.ports);
    expect(world.writes()).toBe(before);
    expect(world.poked).toHaveLength(6);
  });

  it("sends nothing when nothing is due", async () => {
    const world = sweeperWorld();
    await world.store(ICCIDS.slice(0, 10), undefined);
    await sweep({ ...world.ports, pokes: { send: () => Promise.reject(new Error("nothing to send")) } });
    expect(world.poked).toEqual([]);
  });

  it("goes through the pages of a shard, each line once", async () => {
    const world = sweeperWorld();
    const crowded = ICCIDS.filter((iccid) => lookShard(iccid) === "look#3");
    for (const [index, iccid] of crowded.entries()) await world.store([iccid], plusSeconds(NOW, index - crowded.length));
    expect(crowded.length).toBeGreaterThan(100); // more than a page
    await sweep(world.ports);
    expect(world.iccids()).toEqual(crowded);
  });

  it("takes at most ten pages of a shard, and still comes to the other shards", async () => {
    const world = sweeperWorld();
    let asked = 0;
    const listDue = async (shard: string) => {
      asked += 1;
      return shard === "look#0" ? { items: [{ iccid: "endless", lookAt: NOW }], next: "more" } : { items: [{ iccid: shard, lookAt: NOW }] };
    };
    await sweep({ ...world.ports, esims: { ...world.ports.esims, listDue } });
    expect(asked).toBe(10 + LOOK_SHARDS - 1);
    expect(world.iccids()).toEqual([...Array.from({ length: 10 }, () => "endless"), ...Array.from({ length: 9 }, (_, i) => `look#${i + 1}`)]);
  });

  it("measures by how long the line is overdue that should have been looked at longest ago", async () => {
    const world = sweeperWorld();
    await sweep(world.ports);
    for (const [index, iccid] of ICCIDS.slice(0, 30).entries()) await world.store([iccid], plusSeconds(NOW, -index));
    await sweep(world.ports);
    expect(world.measured).toEqual([
      ["OldestDueSeconds", 0],
      ["OldestDueSeconds", 29],
    ]);
  });

  it("fails, so that the tick comes again, when the queue is away", async () => {
    const world = sweeperWorld();
    await world.store(ICCIDS.slice(0, 1), NOW);
    await expect(sweep({ ...world.ports, pokes: { send: () => Promise.reject(new Error("the queue is away")) } })).rejects.toThrow("the queue is away");
  });
});
