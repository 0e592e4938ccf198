import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { fileRecords } from "../../local/records.ts";

const RECORDS = join(import.meta.dirname, "../../local/records.ts");

describe("what a local server remembers", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "auto-recharge-records-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A process that opens the file, does this, and is killed. */
  function killedAfter(statements: string): void {
    const program = `import { fileRecords } from ${JSON.stringify(RECORDS)};
      const records = fileRecords(${JSON.stringify(join(folder, "records.sqlite"))});
      const die = () => process.kill(process.pid, "SIGKILL");
      ${statements}`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", program]).signal).toBe("SIGKILL");
  }

  function seen(): unknown[] {
    const records = fileRecords(join(folder, "records.sqlite"));
    const all = records.list("kind");
    records.close();
    return all;
  }

  it("is on disk as soon as it is put", () => {
    killedAfter(`records.put("kind", "a", { n: 1 }); die();`);
    expect(seen()).toEqual([{ n: 1 }]);
  });

  it("is there in one piece when it was put in one piece, and else not at all", () => {
    killedAfter(`records.atomically(() => { records.put("kind", "a", { n: 1 }); records.atomically(() => records.put("kind", "b", { n: 2 })); }); die();`);
    expect(seen()).toEqual([{ n: 1 }, { n: 2 }]);
    killedAfter(`records.atomically(() => { records.put("kind", "c", { n: 3 }); records.atomically(() => records.put("kind", "d", { n: 4 })); die(); });`);
    expect(seen()).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it("is as before when the work on it failed", () => {
    const records = fileRecords(join(folder, "records.sqlite"));
    const work = () => {
      records.put("kind", "a", { n: 1 });
      throw new Error("it broke");
    };
    expect(() => records.atomically(work)).toThrow("it broke");
    records.put("kind", "b", { n: 2 });
    expect(records.list("kind")).toEqual([{ n: 2 }]);
    records.close();
  });
});
