import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildOptions, buildSync } from "esbuild";
import { environments, type FunctionName } from "../functions/contracts/environment.ts";
import { PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "../functions/contracts/routes.ts";

const ROOT = join(import.meta.dirname, "..");
const API_FUNCTIONS: ReadonlySet<FunctionName> = new Set([...ROUTES, ...PUBLIC_ROUTES, ...WEBHOOK_ROUTES].map((route) => route.function));

/** Where a function's handler stands. */
function entryOf(name: FunctionName): string {
  return `functions/${API_FUNCTIONS.has(name) ? "api" : "workers"}/${name}/handler.ts`;
}

/** How a function's code becomes one file. */
export const BUNDLING = {
  bundle: true,
  format: "cjs" as const,
  platform: "node",
  target: "node24",
  mainFields: ["module", "main"] as string[], // what is written as modules loses what nobody uses
  minifySyntax: true,
  minifyWhitespace: true, // but not the names: a stack trace is read at night
  lineLimit: 160, // so that its line numbers still tell something
  alias: { "@aws-sdk/credential-provider-node": join(ROOT, "functions/adapters/lambda-credentials.ts") },
  legalComments: "none",
  logLevel: "warning",
} satisfies BuildOptions;

/**
 * Bundles every function, each into a folder `<name>/index.cjs` of a new temporary folder.
 *
 * One esbuild call for all. CommonJS, because Node loads it several times faster at a cold start; `.cjs`, because under
 * "type": "module" a plain `index.js` would load as an empty module without any error.
 */
export function bundleFunctions(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-bundles-"));
  buildSync({
    ...BUNDLING,
    absWorkingDir: ROOT,
    entryPoints: (Object.keys(environments) as FunctionName[]).map((name) => ({ in: entryOf(name), out: `${name}/index` })),
    outdir: folder,
    outExtension: { ".js": ".cjs" },
  });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
