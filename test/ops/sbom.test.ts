import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";

const ROOT = join(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "auto-recharge-sbom-test-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const flag = z._default(z.boolean(), false);
const lock = z.object({
  packages: z.record(z.string(), z.object({ version: z.optional(z.string()), dev: flag, optional: flag, devOptional: flag })),
});
const bill = z.object({
  bomFormat: z.literal("CycloneDX"),
  metadata: z.object({ component: z.object({ name: z.string(), type: z.string() }) }),
  components: z.array(z.object({ name: z.string(), version: z.string(), purl: z.string(), hashes: z.array(z.object({ alg: z.string() })) })),
});
const read = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"));

describe("npm run sbom", () => {
  it("lists every package that the lock file has for production, with its hash, and no other", () => {
    const file = join(work, "sbom.json");
    execFileSync(process.execPath, [join(ROOT, "ops/sbom.ts"), file], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    const { components, metadata } = z.parse(bill, read(file));
    const production = Object.entries(z.parse(lock, read(join(ROOT, "package-lock.json"))).packages)
      .filter(([path, { dev, optional, devOptional }]) => path !== "" && !dev && !optional && !devOptional)
      .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")}@${version}`);
    expect(metadata.component).toMatchObject({ name: "auto-recharge", type: "application" });
    expect(components.map(({ name, version }) => `${name}@${version}`).toSorted()).toEqual(production.toSorted());
    expect(components.filter(({ hashes }) => hashes.length === 0)).toEqual([]);
    expect(production.length).toBeGreaterThan(12); // the direct ones alone
  });
});
