import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { mutated, runMutant } from "./run-mutants.ts";

const FUNCTIONS = join(import.meta.dirname, "..", "..", "functions");

/** Among those that the first seeds find. */
const FOUND_SOON: readonly string[] = ["the end of a recharge is told to nobody", "a retry makes another PaymentIntent"];
const SOON = 40;

function mutantNamed(name: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.name === name);
  if (found === undefined) throw new Error(`No mutant is called "${name}"`);
  return found;
}

describe("the planted mistakes", () => {
  it("are at least thirty, each with a name of its own", () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  });

  it.each(MUTANTS)("can be planted: $name", (mutant) => {
    const source = readFileSync(join(FUNCTIONS, mutant.file), "utf8");
    const planted = mutated(mutant, source);
    expect(planted).not.toBe(source);
    expect(() => stripTypeScriptTypes(planted)).not.toThrow();
  });

  it.each(FOUND_SOON)("are found by the simulation: %s", async (name) => {
    await expect(runMutant(mutantNamed(name), { seeds: SOON })).resolves.toMatchObject({ caughtBy: expect.any(String) });
  });

  it("survive where they change nothing", async () => {
    const harmless = { name: "nothing is wrong", file: "domain/spend.ts", find: "const others = ", replace: "const  others = " };
    const { seeds, caughtBy } = await runMutant(harmless, { seeds: 2 });
    expect({ seeds, caughtBy }).toEqual({ seeds: 2, caughtBy: undefined });
  });

  it("are refused where what they replace stands twice, or not at all", () => {
    const mutant = { name: "twice", file: "x.ts", find: "a", replace: "b" };
    expect(() => mutated(mutant, "a, a")).toThrow("exactly once");
    expect(() => mutated(mutant, "c")).toThrow("exactly once");
  });
});
