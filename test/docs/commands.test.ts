import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";

const ROOT = join(import.meta.dirname, "../..");
const { scripts } = z.parse(z.object({ scripts: z.record(z.string(), z.string()) }), JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
const readme = readFileSync(join(ROOT, "README.md"), "utf8");

describe("every npm script", () => {
  it.each(Object.entries(scripts))("%s names only programs that exist: %s", (_, command) => {
    const files = command.split(/\s+/).filter((word) => /^[\w./-]+\.(ts|js|mjs)$/.test(word));
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("that the README names exists", () => {
    const named = [...readme.matchAll(/npm (?:run )?([a-z][\w:-]*\w)/g)].map(([, name = ""]) => name).filter((name) => name !== "ci");
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});
