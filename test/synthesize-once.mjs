import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Jest's global setup: the stacks are synthesized once a run, and all its tests that need an assembly share it. */
export default function synthesizeOnce() {
  const root = join(import.meta.dirname, "..");
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-test-cdk-"));
  execFileSync(process.execPath, [join(root, "infra/app.ts")], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: folder },
    stdio: ["ignore", "ignore", "inherit"],
  });
  process.env.TEST_ASSEMBLY = folder;
}
