import { describe, expect, it } from "@jest/globals";
import { runSeed } from "./run-seed.ts";

/** `npm run simulate -- --seeds 10000` acts out many more. */
const SEEDS = 80;
const SEED = 7;

describe("the simulation", () => {
  it(`breaks no law in seeds 1 to ${SEEDS}`, async () => {
    const broken: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { breaks } = await runSeed(seed);
      broken.push(...breaks.map((each) => `${each}; npm run simulate -- --seed ${seed} --story`));
    }
    expect(broken).toEqual([]);
  });

  it("tells the same story of the same seed, and another one of another", async () => {
    const [first, again, other] = [await runSeed(SEED, {}, true), await runSeed(SEED, {}, true), await runSeed(SEED + 1, {}, true)];
    expect(first.story.length).toBeGreaterThan(100);
    expect(again.story).toEqual(first.story);
    expect(other.story).not.toEqual(first.story);
  });

  it("goes the same way whether its story is told or not", async () => {
    const [told, untold] = [await runSeed(SEED, {}, true), await runSeed(SEED)];
    expect(untold).toEqual({ ...told, story: [] });
  });
});
