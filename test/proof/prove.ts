import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod/mini";

/** `npm run prove`: all proofs at length. Fails where one of them did not run: Jest is content with whatever files its arguments leave over. */

const ROOT = join(import.meta.dirname, "..", "..");
const SCALE = "10";

const report = z.object({
  testResults: z.array(z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});
export type Report = z.infer<typeof report>;

/** Every proof, by its path from the root. */
export function listProofs(): string[] {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".test.ts"));
  return [...files.map((file) => `test/proof/${file}`), "test/workers/reconcile.test.ts"];
}

/** The files in which nothing was shown: that did not run, failed, or in which every test was passed over. */
export function unproved(files: readonly string[], { testResults }: Report): string[] {
  return files.filter((file) => {
    const result = testResults.find(({ name }) => name === join(ROOT, file));
    return result?.status !== "passed" || !result.assertionResults.some(({ status }) => status === "passed");
  });
}

/** Runs them by way of `npm test`, as one would by hand, with Jest's options in `given`. Gives the exit code. */
function prove(given: readonly string[]): number {
  const proofs = listProofs();
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-prove-"));
  try {
    const outputFile = join(folder, "report.json");
    const { status } = spawnSync("npm", ["test", "--", ...proofs, "--json", "--outputFile", outputFile, ...given], {
      cwd: ROOT,
      env: { PROOF_SCALE: SCALE, ...process.env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (status !== 0) return status ?? 1;
    const missing = unproved(proofs, report.parse(JSON.parse(readFileSync(outputFile, "utf8"))));
    for (const file of missing) console.error(`NOT PROVED: nothing of ${file} ran`);
    if (missing.length === 0) console.log(`${proofs.length} files of proofs ran`);
    return missing.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) process.exitCode = prove(process.argv.slice(2));
