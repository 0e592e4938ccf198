import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { takeStateFolder } from "../../local/state-folder.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "state-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("a state folder", () => {
  it.each(["clock.json", "clock.json.4711"])("is known by %s, so also when its first start was killed within its first write", (name) => {
    writeFileSync(join(folder, name), "");
    takeStateFolder(folder).release();
  });

  it("is refused when it holds something else", () => {
    writeFileSync(join(folder, "precious"), "mine");
    expect(() => takeStateFolder(folder, true)).toThrow("holds something else (precious)");
    expect(existsSync(join(folder, "precious"))).toBe(true);
  });
});
