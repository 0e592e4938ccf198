import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { LAWS } from "./oracle.ts";
import { runMutants } from "./run-mutants.ts";
import { type Run, runSeed } from "./run-seed.ts";

/** `npm run simulate`: acts out many seeds, on all cores, and tells of every one that did not end as it must. */

const HELP = `npm run simulate -- [--seeds N] [--seed S] [--story] [--mutants]

Acts out N seeds (1,000 unless given), beginning with seed S (1 unless given), and judges each.
With --story it acts out seed S alone and tells what happened in it.
With --mutants it plants one mistake after the other in a copy of the code, and acts out up to N seeds (10,000 unless given) until each is caught.`;

/** Seeds that a core acts out between two reports. */
const BATCH = 20;
const STORIES = 3;
/** Most of what a seed makes is garbage when it is over; with little room it would be collected over and over. */
const YOUNG_MEGABYTES = 64;

interface Span {
  readonly from: number;
  readonly step: number;
  readonly to: number;
}

interface Totals {
  readonly seeds: number;
  readonly ends: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly broken: readonly Pick<Run, "seed" | "breaks">[];
}

const NOTHING: Totals = { seeds: 0, ends: new Map(), faults: new Map(), broken: [] };

if (isMainThread) process.exitCode = await main();
else await actOutSpan(workerData);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      seed: { type: "string" },
      story: { type: "boolean" },
      mutants: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  if (values.mutants === true) return runMutants(values.seeds === undefined ? {} : { seeds: wholeNumber(values.seeds) });
  const from = wholeNumber(values.seed ?? "1");
  if (values.story === true) return tellStory(from);
  const seeds = wholeNumber(values.seeds ?? (values.seed === undefined ? "1000" : "1"));
  const startedAt = performance.now();
  const shards = Math.min(availableParallelism(), seeds);
  const spans = Array.from({ length: shards }, (_, shard): Span => ({ from: from + shard, step: shards, to: from + seeds - 1 }));
  const totals = (await Promise.all(spans.map(inThread))).reduce(sum, NOTHING);
  report(totals, (performance.now() - startedAt) / 1000);
  for (const { seed } of totals.broken.slice(0, STORIES)) await tellStory(seed);
  return totals.broken.length === 0 ? 0 : 1;
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`"${text}" is no whole number`);
}

function inThread(span: Span): Promise<Totals> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: span, argv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES } });
    let totals = NOTHING;
    thread.on("message", (part: Totals) => {
      totals = sum(totals, part);
    });
    thread.on("error", reject);
    thread.on("exit", () => resolve(totals));
  });
}

async function actOutSpan({ from, step, to }: Span): Promise<void> {
  Error.stackTraceLimit = 0; // nobody reads the traces of planted faults, and they take their time
  let totals = NOTHING;
  for (let seed = from; seed <= to; seed += step) {
    totals = sum(totals, totalsOf(await runSeed(seed)));
    if (totals.seeds < BATCH) continue;
    parentPort?.postMessage(totals);
    totals = NOTHING;
  }
  parentPort?.postMessage(totals);
}

function totalsOf({ seed, breaks, ends, faults }: Run): Totals {
  return { seeds: 1, ends, faults, broken: breaks.length === 0 ? [] : [{ seed, breaks }] };
}

function sum(a: Totals, b: Totals): Totals {
  return { seeds: a.seeds + b.seeds, ends: added(a.ends, b.ends), faults: added(a.faults, b.faults), broken: [...a.broken, ...b.broken] };
}

function added(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): Map<string, number> {
  const all = new Map(a);
  for (const [name, count] of b) all.set(name, (all.get(name) ?? 0) + count);
  return all;
}

function report({ seeds, ends, faults, broken }: Totals, seconds: number): void {
  console.log(`${seeds} seeds in ${seconds.toFixed(0)} s, ${Object.keys(LAWS).length} invariants each, ${broken.length} seeds broke one`);
  console.log(`Recharges by end: ${counted(ends)}`);
  console.log(`Faults and people: ${counted(faults)}`);
  for (const { seed, breaks } of broken) for (const each of breaks) console.log(`seed ${seed}: ${each}`);
}

function counted(counts: ReadonlyMap<string, number>): string {
  const entries = [...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => `${name} ${count.toLocaleString("en")}`);
  return entries.length === 0 ? "none" : entries.join(", ");
}

/** What happened in one seed, in words, and the command that shows it again. */
async function tellStory(seed: number): Promise<number> {
  const { story, breaks } = await runSeed(seed, {}, true);
  console.log([`The story of seed ${seed}`, ...story, `Again: npm run simulate -- --seed ${seed} --story`].join("\n"));
  return breaks.length === 0 ? 0 : 1;
}
