import { fork } from "node:child_process";
import { on, once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod/mini";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { runSeed } from "./run-seed.ts";

/** Shows that the simulation bites: every planted mistake has to break a seed that is whole without it. */

export interface MutantsOptions {
  /** Each mutant is looked for in at most so many seeds, and for at most so long. */
  readonly seeds?: number;
  readonly secondsEach?: number;
  readonly mutants?: readonly Mutant[];
}

export interface Verdict {
  readonly name: string;
  readonly seeds: number;
  readonly seconds: number;
  /** What the last seed broke; missing when nothing did. */
  readonly caughtBy?: string;
}

/** The acceptance of the simulation. */
const SEEDS = 10_000;
const SECONDS_EACH = 600;
const AT_ONCE = 2;

const ROOT = join(import.meta.dirname, "..", "..");
/** As in simulate.ts: most of what a seed makes is garbage when it is over. */
const EXEC_ARGV = ["--max-semi-space-size=64", "--disable-warning=ExperimentalWarning"];
const COPIED = ["functions", "local", "test", "package.json", "tsconfig.json"];

const report = z.object({ seed: z.int(), breaks: z.readonly(z.array(z.string())) });
type Report = z.infer<typeof report>;

if (import.meta.main) await actOutSeeds(Number(process.argv[2]), process.argv.slice(3).map(Number));

/** In the process that runs the planted mistake: says of each seed what broke, of the hinted ones first. */
async function actOutSeeds(seeds: number, hinted: readonly number[]): Promise<void> {
  Error.stackTraceLimit = 0; // as in simulate.ts
  for (const seed of hinted) process.send?.({ seed, breaks: await breaksIn(seed) } satisfies Report);
  for (let seed = 1; seed <= seeds; seed++) process.send?.({ seed, breaks: await breaksIn(seed) } satisfies Report);
}

async function breaksIn(seed: number): Promise<readonly string[]> {
  try {
    return (await runSeed(seed)).breaks;
  } catch (error) {
    return [`the run fell over: ${String(error)}`];
  }
}

/** The same source with the mistake in it. */
export function mutated({ name, find, replace }: Mutant, source: string): string {
  const [before, after, ...others] = source.split(find);
  if (before === undefined || after === undefined || others.length > 0) throw new Error(`What "${name}" is to replace does not stand there exactly once`);
  return `${before}${replace}${after}`;
}

/** Plants one mistake into a copy of the code and acts out seed after seed, until one breaks that is whole without it. */
export async function runMutant(mutant: Mutant, { seeds = SEEDS, secondsEach = SECONDS_EACH }: MutantsOptions = {}): Promise<Verdict> {
  const startedAt = performance.now();
  const copy = mkdtempSync(join(tmpdir(), "auto-recharge-mutant-"));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const file = join(copy, "functions", mutant.file);
    writeFileSync(file, mutated(mutant, readFileSync(file, "utf8")));
    const hinted = mutant.shownBy === undefined ? [] : [mutant.shownBy];
    const found = await firstBreak(join(copy, "test", "simulation", "run-mutants.ts"), seeds, hinted, secondsEach);
    return { name: mutant.name, seconds: (performance.now() - startedAt) / 1000, ...found };
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** Acts out the seeds in a process of their own: a mistake may hang it, or bring it down. */
async function firstBreak(program: string, seeds: number, hinted: readonly number[], seconds: number): Promise<Pick<Verdict, "seeds" | "caughtBy">> {
  const child = fork(program, [seeds, ...hinted].map(String), { execArgv: EXEC_ARGV, timeout: seconds * 1000 });
  const exited = once(child, "exit");
  let done = 0;
  try {
    for await (const [message] of on(child, "message", { close: ["disconnect"] })) {
      const { seed, breaks } = report.parse(message);
      done = seed;
      if (breaks[0] !== undefined && (await breaksIn(seed)).length === 0) return { seeds: seed, caughtBy: breaks[0] };
    }
    const [code] = await exited;
    if (typeof code !== "number" || code === 0) return { seeds: done };
    if (done === 0) throw new Error("It does not even start");
    return { seeds: done + 1, caughtBy: "the process fell over" };
  } finally {
    child.kill();
  }
}

/** Plants every mistake, one after the other, and prints what became of each. Gives the exit code: 1 when one survived. */
export async function runMutants(options: MutantsOptions = {}): Promise<number> {
  const { mutants = MUTANTS } = options;
  const startedAt = performance.now();
  const nameWidth = Math.max(...mutants.map(({ name }) => name.length));
  const waiting = [...mutants];
  const verdicts: Verdict[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const verdict = await runMutant(next, options);
      verdicts.push(verdict);
      console.log(lineOf(verdict, nameWidth));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const survivors = verdicts.filter(({ caughtBy }) => caughtBy === undefined);
  const latest = Math.max(...verdicts.map(({ seeds }) => seeds));
  const minutes = (performance.now() - startedAt) / 60_000;
  console.log(`${verdicts.length} planted, ${verdicts.length - survivors.length} caught within ${latest} seeds, in ${minutes.toFixed(1)} minutes`);
  for (const { name } of survivors) console.log(`SURVIVED: ${name}`);
  return survivors.length === 0 ? 0 : 1;
}

function lineOf({ name, seeds, seconds, caughtBy }: Verdict, nameWidth: number): string {
  const found = caughtBy === undefined ? "SURVIVED" : "caught";
  const [law = ""] = caughtBy?.split(": ") ?? [];
  return `${name.padEnd(nameWidth)}  ${found.padEnd(8)}  seed ${String(seeds).padStart(6)}  ${seconds.toFixed(1).padStart(6)} s  ${law}`.trimEnd();
}
