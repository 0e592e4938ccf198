import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { environments, type FunctionName } from "../functions/contracts/environment.ts";
import { BUNDLING, bundleFunctions } from "../infra/bundles.ts";
import { VALUES } from "../test/environment-values.ts";

// How long each function's code takes to load, and how large it is, against a bundle of the usual stack, built and loaded in the same run, in turns.
// Ends with 1 where a function is above its share.

/** Of the usual bundle's time, at the most; for all others nothing is promised but their size. */
const MOST_TIME: Partial<Readonly<Record<FunctionName, number>>> = { rules: 0.5, "check-balances": 0.5, "stripe-webhook": 0.45, recharge: 0.6, notify: 0.7 };
const MOST_SIZE = 0.6;
const ROUNDS = 15;
const USUAL = "usual";

/** Loads a bundle as Lambda's runtime would, in a process of its own, and tells how many milliseconds that took. */
const LOADER = "const startedAt = performance.now(); require(process.argv[1]); console.log(performance.now() - startedAt); process.exit(0);";

function load(file: string, variables: Readonly<Record<string, string>>): number {
  const environment = { ...variables, AWS_REGION: "us-east-1", POWERTOOLS_METRICS_NAMESPACE: "bench", POWERTOOLS_SERVICE_NAME: "bench", NODE_OPTIONS: "" };
  return Number(execFileSync(process.execPath, ["-e", LOADER, file], { env: environment, encoding: "utf8" }));
}

function variablesOf(name: FunctionName): Record<string, string> {
  return Object.fromEntries(Object.keys(environments[name].shape).map((variable) => [variable, VALUES[variable as keyof typeof VALUES].good]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function main(): number {
  const bundles = bundleFunctions();
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-usual-"));
  try {
    const usual = join(folder, "index.cjs");
    buildSync({ ...BUNDLING, entryPoints: [join(import.meta.dirname, "usual-stack.ts")], outfile: usual });
    const names = Object.keys(environments) as FunctionName[];
    const fileOf = (name: FunctionName) => join(bundles.folder, name, "index.cjs");
    const times = new Map<string, number[]>([[USUAL, []], ...names.map((name): [string, number[]] => [name, []])]);
    for (let round = 0; round < ROUNDS; round++) {
      times.get(USUAL)?.push(load(usual, {}));
      for (const name of names) times.get(name)?.push(load(fileOf(name), variablesOf(name)));
    }
    const usualTime = median(times.get(USUAL) ?? []);
    const usualSize = statSync(usual).size;
    console.log(
      `Load time (median of ${ROUNDS}) and size of each bundle, and their share of the usual stack's: ${usualTime.toFixed(0)} ms, ${(usualSize / 1024).toFixed(0)} KB`,
    );
    let failed = 0;
    for (const name of names) {
      const [time, size] = [median(times.get(name) ?? []), statSync(fileOf(name)).size];
      const most = MOST_TIME[name];
      const isOver = (most !== undefined && time > most * usualTime) || size > MOST_SIZE * usualSize;
      if (isOver) failed += 1;
      const allowed = most === undefined ? "" : ` (at most ${most})`;
      const told = [
        name.padEnd(16),
        `${time.toFixed(0)} ms`.padStart(7),
        `${(time / usualTime).toFixed(2)}x${allowed}`.padEnd(20),
        `${(size / 1024).toFixed(0)} KB`.padStart(8),
        `${(size / usualSize).toFixed(2)}x`,
      ];
      console.log(`${told.join("  ")}${isOver ? "  TOO MUCH" : ""}`);
    }
    return failed === 0 ? 0 : 1;
  } finally {
    bundles.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = main();
