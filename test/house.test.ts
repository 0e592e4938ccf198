import { execFile } from "node:child_process";
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";

const ROOT = join(import.meta.dirname, "..");

/** The sources of some folders, by path from the root. */
function sourcesOf(pattern: string): (readonly [path: string, text: string])[] {
  const sources = globSync(pattern, { cwd: ROOT }).map((path) => [path, readFileSync(join(ROOT, path), "utf8")] as const);
  if (sources.length === 0) throw new Error(`Nothing is at ${pattern}: this test has lost its object`);
  return sources;
}

const IMPORTS = "lint/style/noRestrictedImports";

interface Planted {
  readonly says: string;
  readonly path: string;
  /** What is judged there. */
  readonly source: string;
  /** The rule that refuses it; undefined when it is allowed. */
  readonly refusedBy?: string;
}

const PLANTED: readonly Planted[] = [
  { says: "the domain may import the domain", path: "functions/domain/a.ts", source: 'import "./money.ts";' },
  { says: "the domain may not import an adapter", path: "functions/domain/b.ts", source: 'import "../adapters/system.ts";', refusedBy: IMPORTS },
  { says: "the domain may not import the contracts", path: "functions/domain/c.ts", source: 'import "../contracts/money.ts";', refusedBy: IMPORTS },
  { says: "the domain may not import Node", path: "functions/domain/d.ts", source: 'import "node:crypto";', refusedBy: IMPORTS },
  { says: "the domain may not import a package", path: "functions/domain/e.ts", source: 'import "zod/mini";', refusedBy: IMPORTS },
  { says: "the domain may not import types either", path: "functions/domain/f.ts", source: 'import type { Stripe } from "stripe";', refusedBy: IMPORTS },
  { says: "the domain may not import late", path: "functions/domain/g.ts", source: 'await import("../adapters/system.ts");', refusedBy: IMPORTS },
  {
    says: "the domain may not pass on what is not its own",
    path: "functions/domain/h.ts",
    source: 'export { x } from "../adapters/x.ts";',
    refusedBy: IMPORTS,
  },
  { says: "contracts may import the domain and zod", path: "functions/contracts/a.ts", source: 'import "../domain/money.ts";\nimport "zod/mini";' },
  { says: "contracts may not import an adapter", path: "functions/contracts/b.ts", source: 'import "../adapters/system.ts";', refusedBy: IMPORTS },
  { says: "contracts may not import a step", path: "functions/contracts/c.ts", source: 'import "../workers/sweep/sweep.ts";', refusedBy: IMPORTS },
  { says: "contracts may not import the AWS SDK", path: "functions/contracts/d.ts", source: 'import "@aws-sdk/client-sqs";', refusedBy: IMPORTS },
  { says: "adapters may import contracts and packages", path: "functions/adapters/a.ts", source: 'import "../contracts/money.ts";\nimport "stripe";' },
  { says: "adapters may not import a worker", path: "functions/adapters/b.ts", source: 'import "../workers/sweep/sweep.ts";', refusedBy: IMPORTS },
  { says: "adapters may not import the API", path: "functions/adapters/c.ts", source: 'import "../api/pipeline.ts";', refusedBy: IMPORTS },
  { says: "a step may import domain and contracts", path: "functions/workers/x/a.ts", source: 'import "../../domain/x.ts";\nimport "../../contracts/x.ts";' },
  { says: "a step may not import an adapter", path: "functions/workers/x/b.ts", source: 'import "../../adapters/system.ts";', refusedBy: IMPORTS },
  { says: "a step may not import the AWS SDK", path: "functions/workers/x/c.ts", source: 'import "@aws-sdk/client-sqs";', refusedBy: IMPORTS },
  { says: "a step of the API may not import an adapter", path: "functions/api/x/b.ts", source: 'import "../../adapters/system.ts";', refusedBy: IMPORTS },
  { says: "a step may not import Stripe", path: "functions/api/x/c.ts", source: 'import "stripe";', refusedBy: IMPORTS },
  { says: "a worker's handler may import adapters", path: "functions/workers/x/handler.ts", source: 'import "../../adapters/system.ts";' },
  { says: "a handler of the API may import adapters", path: "functions/api/x/handler.ts", source: 'import "../../adapters/system.ts";' },
  { says: "a verb of ops may not import an adapter", path: "ops/a.ts", source: 'import "../functions/adapters/system.ts";', refusedBy: IMPORTS },
  { says: "the entry of ops may import adapters", path: "ops/ops.ts", source: 'import "../functions/adapters/system.ts";' },
  { says: "functions do not write to the console", path: "functions/workers/x/d.ts", source: 'console.log("x");', refusedBy: "lint/suspicious/noConsole" },
  { says: "nothing is exported by default", path: "infra/a.ts", source: "export default 1;", refusedBy: "lint/style/noDefaultExport" },
  { says: "nothing is any", path: "infra/b.ts", source: "export const x: any = 1;", refusedBy: "lint/suspicious/noExplicitAny" },
  { says: "no file only passes on others", path: "infra/c.ts", source: 'export * from "./a.ts";', refusedBy: "lint/performance/noBarrelFile" },
];

const lintReport = z.object({
  diagnostics: z.array(z.object({ severity: z.string(), category: z.string(), location: z.object({ path: z.string() }) })),
});

describe("the linter, with our rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-house-"));
  let errors: readonly (readonly [path: string, rule: string])[];

  // Planted in a copy of the house, as biome does not report what it finds in a file from standard input.
  beforeAll(async () => {
    for (const file of ["biome.json", ".gitignore"]) cpSync(join(ROOT, file), join(folder, file));
    for (const { path, source } of PLANTED) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), `${source}\n`);
    }
    const { diagnostics } = await lint(folder);
    errors = diagnostics.filter(({ severity }) => severity === "error").map(({ category, location }) => [location.path, category]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(PLANTED)("says that $says", ({ path, refusedBy }) => {
    const rules = errors.filter(([where]) => where === path).map(([, rule]) => rule);
    if (refusedBy === undefined) expect(rules).toEqual([]);
    else expect(rules).toContain(refusedBy);
  });
});

async function lint(folder: string): Promise<z.infer<typeof lintReport>> {
  const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [biome, "lint", "--reporter=json", "--max-diagnostics=none"], { cwd: folder }, (_error, stdout) => resolve(stdout)); // it ends with 1 when it finds something
  });
  return z.parse(lintReport, JSON.parse(output));
}

describe("the domain", () => {
  it("gets the time, ids and chance as arguments", () => {
    const ownClock = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\bperformance\.now\b/;
    expect(sourcesOf("functions/domain/**/*.ts").flatMap(([path, text]) => (ownClock.test(text) ? [path] : []))).toEqual([]);
  });
});

describe("what is deployed", () => {
  it.each(["functions", "infra"])("does not import from local/, test/ or ops/ in %s/", (folder) => {
    const foreign = /\bfrom "[./]*\/(?:local|test|ops|bench)\/|\bimport\(?\s*"[./]*\/(?:local|test|ops|bench)\//;
    expect(sourcesOf(`${folder}/**/*.ts`).flatMap(([path, text]) => (foreign.test(text) ? [path] : []))).toEqual([]);
  });

  it("does not import infra/ in functions/", () => {
    expect(sourcesOf("functions/**/*.ts").flatMap(([path, text]) => (/"[./]*\/infra\//.test(text) ? [path] : []))).toEqual([]);
  });
});
