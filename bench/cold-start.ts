import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildOptions, buildSync } from "esbuild";
import { environments, type FunctionName } from "../functions/contracts/environment.ts";
import { BUNDLING, bundleFunctions } from "../infra/bundles.ts";
import { VALUES } from "../test/environment-values.ts";

// How long each function's code takes to load, and how large it is, against a bundle of the usual stack, built and loaded in the same run, in turns.
// The usual stack is built as the CDK's NodejsFunction does it when nobody tells it otherwise; a second share tells what is left when it is built as ours are.
// Ends with 1 where a function is above its share.

/** Of the usual bundle's time, at the most; for all others nothing is promised but their size. */
const MOST_TIME: Partial<Readonly<Record<FunctionName, number>>> = { rules: 0.5, "check-balances": 0.5, "stripe-webhook": 0.45, recharge: 0.6, notify: 0.7 };
const MOST_SIZE = 0.6;
const ROUNDS = 15;
/** Both ways to build the usual stack, by what they are called in the table. */
const USUAL = {
  usual: { bundle: true, platform: "node", target: BUNDLING.target, logLevel: BUNDLING.logLevel },
  "built as ours": BUNDLING,
} satisfies Readonly<Record<string, BuildOptions>>;
type Usual = keyof typeof USUAL;

/** Loads a bundle as Lambda's runtime would, in a process of its own, and tells how many milliseconds that took. */
const LOADER = "const startedAt = performance.now(); require(process.argv[1]); console.log(performance.now() - startedAt); process.exit(0);";

function load(file: string, variables: Readonly<Record<string, string>>): number {
  const environment = { ...variables, AWS_REGION: "us-east-1", POWERTOOLS_METRICS_NAMESPACE: "bench", POWERTOOLS_SERVICE_NAME: "bench", NODE_OPTIONS: "" };
  return Number(execFileSync(process.execPath, ["-e", LOADER, file], { env: environment, encoding: "utf8" }));
}

function variablesOf(name: FunctionName): Record<string, string> {
  return Object.fromEntries(Object.keys(environments[name].shape).map((variable) => [variable, VALUES[variable as keyof typeof VALUES].good]));
}

interface Cost {
  readonly milliseconds: number;
  readonly bytes: number;
}

function main(): number {
  const bundles = bundleFunctions();
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-usual-"));
  try {
    const files = new Map<Usual | FunctionName, { readonly file: string; readonly variables: Readonly<Record<string, string>>; readonly times: number[] }>();
    for (const [name, options] of Object.entries(USUAL) as [Usual, BuildOptions][]) {
      const file = join(folder, `${name}.cjs`);
      buildSync({ ...options, entryPoints: [join(import.meta.dirname, "usual-stack.ts")], outfile: file });
      files.set(name, { file, variables: {}, times: [] });
    }
    const names = Object.keys(environments) as FunctionName[];
    for (const name of names) files.set(name, { file: join(bundles.folder, name, "index.cjs"), variables: variablesOf(name), times: [] });
    for (let round = 0; round < ROUNDS; round++) for (const { file, variables, times } of files.values()) times.push(load(file, variables));
    const costs = new Map(
      [...files].map(([name, { file, times }]): [string, Cost] => [name, { milliseconds: Math.min(...times), bytes: statSync(file).size }]),
    );
    return print(costs, names) ? 0 : 1;
  } finally {
    bundles.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints the table, and tells whether each function keeps to its share. */
function print(costs: ReadonlyMap<string, Cost>, names: readonly FunctionName[]): boolean {
  const of = (name: Usual | FunctionName): Cost => costs.get(name) ?? { milliseconds: Number.NaN, bytes: Number.NaN };
  const row = (...cells: readonly string[]) => console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(16) : cell.padStart(13))).join(""));
  const own = ({ milliseconds, bytes }: Cost) => [`${milliseconds.toFixed(0)} ms`, `${(bytes / 1024).toFixed(0)} KB`];
  console.log(
    `Loading each function's bundle: the fastest of ${ROUNDS} times, as whatever else runs only adds to it; its size; both as a share of the usual stack's`,
  );
  row("", "time", "size", "of usual", "at most", "size", "built as ours", "size");
  for (const name of Object.keys(USUAL) as Usual[]) row(name, ...own(of(name)));
  let areAllWithin = true;
  for (const name of names) {
    const shareOf = (usual: Usual) => ({ time: of(name).milliseconds / of(usual).milliseconds, size: of(name).bytes / of(usual).bytes });
    const [{ time, size }, alike] = [shareOf("usual"), shareOf("built as ours")];
    const most = MOST_TIME[name];
    const isWithin = time <= (most ?? Number.POSITIVE_INFINITY) && size <= MOST_SIZE;
    areAllWithin &&= isWithin;
    const told = (share: number) => `${share.toFixed(2)}x`;
    const allowed = most === undefined ? "" : `${most}x`;
    row(name, ...own(of(name)), told(time), allowed, told(size), told(alike.time), told(alike.size), isWithin ? "" : "TOO MUCH");
  }
  console.log(`Each bundle may be ${MOST_SIZE}x in size: ${areAllWithin ? "all are within their shares" : "NOT ALL are within their shares"}`);
  return areAllWithin;
}

process.exitCode = main();
