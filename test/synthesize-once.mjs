import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

/** Jest's global setup: the stacks are synthesized once, and all tests that need an assembly share it. */
export default function synthesizeOnce() {
  const root = join(import.meta.dirname, "..");
  const folder = join(root, ".local/test-cdk.out");
  rmSync(folder, { recursive: true, force: true });
  execFileSync(process.execPath, [join(root, "infra/app.ts")], {
    cwd: root,
    env: { ...process.env, CDK_OUTDIR: folder },
    stdio: ["ignore", "ignore", "inherit"],
  });
  process.env.TEST_ASSEMBLY = folder;
}
