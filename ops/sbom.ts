import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod/mini";

// `npm run sbom`: what is deployed besides our own code, as CycloneDX JSON, by npm's own generator.
//
// It is asked about a copy of the project that has production dependencies only. Told to leave out the others it also leaves out what both need, such as
// half of the AWS SDK. Source: https://github.com/npm/cli/issues/7909

const ROOT = join(import.meta.dirname, "..");
const [file = "sbom.json"] = process.argv.slice(2);

const {
  devDependencies: _tools,
  optionalDependencies: _node,
  ...production
} = z.parse(
  z.looseObject({ name: z.string(), devDependencies: z.unknown(), optionalDependencies: z.unknown() }),
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
);
const work = mkdtempSync(join(tmpdir(), "auto-recharge-sbom-"));
try {
  const copy = join(work, production.name); // npm names what it describes after the folder
  mkdirSync(copy);
  for (const name of ["package-lock.json", ".npmrc"]) copyFileSync(join(ROOT, name), join(copy, name));
  writeFileSync(join(copy, "package.json"), JSON.stringify(production));
  const npm = (...args: readonly string[]) => execFileSync("npm", args, { cwd: copy, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  npm("install", "--package-lock-only", "--offline", "--ignore-scripts"); // takes the others out of the lock
  const bill = npm("sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application");
  writeFileSync(file, bill);
  const { components } = z.parse(z.object({ components: z.array(z.unknown()) }), JSON.parse(bill));
  console.log(`${file}: ${components.length} packages`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
