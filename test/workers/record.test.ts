import { describe, expect, it } from "@jest/globals";
import type { Esim } from "../../functions/domain/esim.ts";
import type { Esims } from "../../functions/domain/ports.ts";
import { record } from "../../functions/workers/record.ts";
import { esimWithRule, ICCID, NOW } from "../builders.ts";
import { memoryEsims } from "../fakes/memory-stores.ts";

/** What a worker found out: the line may not act before then. */
const quieted = (esim: Esim): Esim => ({ ...esim, quietUntil: NOW });

async function recorderWorld() {
  const esims = memoryEsims();
  const stored = await esims.save({ ...esimWithRule(), version: 0 }, "seed");
  if (stored === undefined) throw new Error("There is such a line already");
  let ids = 0;
  const next = () => {
    ids += 1;
    return `record-${ids}`;
  };
  const seed = esims.writes();
  return { esims, ports: { esims, ids: { next } }, stored, writes: () => esims.writes() - seed };
}

/** A store in which somebody else counts the cycle up just before each of the next writes. */
function busy(esims: Esims, times: number): Esims {
  let left = times;
  return {
    ...esims,
    async save(esim, writeId) {
      const current = await esims.load(esim.iccid);
      if (left > 0 && current !== undefined) await esims.save({ ...current, cycle: current.cycle + 1 }, `other-${left}`);
      left -= 1;
      return esims.save(esim, writeId);
    },
  };
}

describe("recording a finding", () => {
  it("writes it, and gives the line back as it is stored", async () => {
    const { esims, ports, stored, writes } = await recorderWorld();
    const recorded = await record(ports, stored, quieted);
    expect(recorded).toMatchObject({ own: true, esim: { version: 2, quietUntil: NOW } });
    expect(await esims.load(ICCID)).toMatchObject({ version: 2, quietUntil: NOW });
    expect(writes()).toBe(1);
  });

  it("writes nothing when it is old news", async () => {
    const { ports, stored, writes } = await recorderWorld();
    expect(await record(ports, stored, (esim) => esim)).toEqual({ esim: stored, own: false });
    expect(writes()).toBe(0);
  });

  it.each([1, 4])("applies it again to what the line became meanwhile, after %i conflicts", async (conflicts) => {
    const { esims, ports, stored } = await recorderWorld();
    const recorded = await record({ ...ports, esims: busy(esims, conflicts) }, stored, quieted);
    expect(recorded).toMatchObject({ own: true, esim: { cycle: conflicts, quietUntil: NOW } });
    expect(await esims.load(ICCID)).toMatchObject({ cycle: conflicts, quietUntil: NOW });
  });

  it("leaves the line alone when another has recorded the same meanwhile", async () => {
    const { esims, ports, stored } = await recorderWorld();
    await esims.save(quieted(stored), "other");
    const recorded = await record(ports, stored, (esim) => (esim.quietUntil === NOW ? esim : quieted(esim)));
    expect(recorded).toMatchObject({ own: false, esim: { version: 2, quietUntil: NOW } });
    expect(await esims.load(ICCID)).toMatchObject({ version: 2 });
  });

  it("names each try anew, so that no write is taken for another", async () => {
    const { esims, ports, stored } = await recorderWorld();
    const names: string[] = [];
    const save = async (esim: Esim, writeId: string) => {
      names.push(writeId);
      return names.length < 3 ? undefined : esims.save(esim, writeId);
    };
    await record({ ...ports, esims: { ...esims, save } }, stored, quieted);
    expect(names).toEqual(["record-1", "record-2", "record-3"]);
  });

  it("stops with a fault after five conflicts in a row, so that its message comes again", async () => {
    const { esims, ports, stored } = await recorderWorld();
    await expect(record({ ...ports, esims: busy(esims, 5) }, stored, quieted)).rejects.toThrow("changed by others 5 times");
    expect((await esims.load(ICCID))?.quietUntil).toBeUndefined();
  });

  it("stops with a fault when the line is gone", async () => {
    const { ports, stored } = await recorderWorld();
    const esims: Esims = { ...memoryEsims(), save: async () => undefined };
    await expect(record({ ...ports, esims }, stored, quieted)).rejects.toThrow("vanished");
  });

  it("passes on what the finding itself says is impossible, without a write", async () => {
    const { ports, stored, writes } = await recorderWorld();
    const impossible = () => {
      throw new Error("impossible");
    };
    await expect(record(ports, stored, impossible)).rejects.toThrow("impossible");
    expect(writes()).toBe(0);
  });
});
