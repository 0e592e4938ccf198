import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STAGES } from "../../infra/stages.ts";
import { synthesize } from "../../local/synthesize.ts";

/**
 * `npm run cfn-lint`: AWS's own linter on every template of every stage; an error fails.
 *
 * It is a program of Python's (`pip install cfn-lint`), and need not be there: then this says so and passes.
 */

/** Where .ci/run puts it; else it is looked for on the path. */
const OWN = join(import.meta.dirname, "../../.local/cfn-lint/bin/cfn-lint");
/**
 * W3005, "dependency already enforced": the CDK says of each function that it comes after its role, which the reference says as well.
 * W6001, "the output is an import": the operator's command line finds the Data stack's tables in the outputs of the Service stack.
 */
const IGNORED = ["W3005", "W6001"];

const program = existsSync(OWN) ? OWN : "cfn-lint";
const version = spawnSync(program, ["--version"], { encoding: "utf8" });
if (version.status !== 0) {
  console.warn("\n*** SKIPPED: there is no cfn-lint on this machine (pip install cfn-lint): no template was linted ***\n");
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), "auto-recharge-lint-"));
try {
  for (const stage of Object.keys(STAGES)) {
    process.env.STAGE = stage;
    await synthesize(join(folder, stage));
  }
  const templates = globSync("*/*.template.json", { cwd: folder }).map((path) => join(folder, path));
  if (templates.length < 2 * Object.keys(STAGES).length) throw new Error(`There are only ${templates.length} templates to lint`);
  const linted = spawnSync(program, ["--ignore-checks", ...IGNORED, "--", ...templates], { stdio: "inherit" });
  if (linted.status === 0) console.log(`${version.stdout.trim()}: no fault in ${templates.length} templates`);
  process.exitCode = linted.status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
