import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { synthesize } from "../../local/synthesize.ts";
import { permissionsPage } from "./permissions-table.ts";

/** `npm run permissions`: writes docs/permissions.md. */
const assembly = mkdtempSync(join(tmpdir(), "auto-recharge-permissions-"));
try {
  await synthesize(assembly);
  writeFileSync(join(import.meta.dirname, "../../docs/permissions.md"), await permissionsPage(assembly));
} finally {
  rmSync(assembly, { recursive: true });
}
