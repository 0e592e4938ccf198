import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";

const ROOT = join(import.meta.dirname, "../..");
const { scripts } = z.parse(z.object({ scripts: z.record(z.string(), z.string()) }), JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
const PAGES = ["README.md", "SECURITY.md", "docs/architecture.md", "docs/deploy.md", "docs/proof.md", "docs/runbook.md"];

describe("every npm script", () => {
  it.each(Object.entries(scripts))("%s names only programs that exist: %s", (_, command) => {
    const files = command.split(/\s+/).filter((word) => /^[\w./-]+\.(ts|js|mjs)$/.test(word));
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it.each(PAGES)("that %s names exists", (page) => {
    const named = [...readFileSync(join(ROOT, page), "utf8").matchAll(/npm (?:run )?([a-z][a-z0-9:-]*[a-z0-9])/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => name !== "ci" && !(name in scripts))).toEqual([]);
  });
});
