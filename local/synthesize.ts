import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(import.meta.dirname, "..");

/** Synthesizes the stacks, as `npm run synth` does, into a folder. In a process of its own: the CDK is large, and the local stack need not carry it. */
export async function synthesize(folder: string): Promise<void> {
  await promisify(execFile)(process.execPath, [join(ROOT, "infra/app.ts")], { cwd: ROOT, env: { ...process.env, CDK_OUTDIR: folder } });
}
