import { rmSync } from "node:fs";

/** Jest's global teardown: forgets what synthesize-once.mjs made. */
export default function removeAssembly() {
  if (process.env.TEST_ASSEMBLY !== undefined) rmSync(process.env.TEST_ASSEMBLY, { recursive: true, force: true });
}
