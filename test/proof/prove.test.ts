import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { listProofs, type Report, unproved } from "./prove.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const FILES = ["test/proof/caps.test.ts", "test/proof/webhooks.test.ts"];

function reported(...results: readonly (readonly [file: string, status: string, ...tests: string[]])[]): Report {
  const testResults = results.map(([file, status, ...tests]) => ({
    name: join(ROOT, file),
    status,
    assertionResults: tests.map((each) => ({ status: each })),
  }));
  return { testResults };
}

describe("npm run prove", () => {
  it("is of all files with proofs, and they are there", () => {
    const proofs = listProofs();
    expect(proofs).toEqual(expect.arrayContaining(["crash-matrix", "webhooks", "caps", "outcomes", "redelivery"].map((name) => `test/proof/${name}.test.ts`)));
    expect(proofs.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it("is content when each of them ran, and something of it passed", () => {
    expect(unproved(FILES, reported([FILES[0] ?? "", "passed", "passed"], [FILES[1] ?? "", "passed", "pending", "passed"]))).toEqual([]);
  });

  it.each<[string, Report]>([
    ["others ran in its place", reported(["test/house.test.ts", "passed", "passed"], [FILES[0] ?? "", "passed", "passed"])],
    ["it failed", reported([FILES[0] ?? "", "passed", "passed"], [FILES[1] ?? "", "failed", "passed", "failed"])],
    ["all its tests were passed over", reported([FILES[0] ?? "", "passed", "passed"], [FILES[1] ?? "", "passed", "pending"])],
  ])("tells of a file when %s", (_, report) => expect(unproved(FILES, report)).toEqual([FILES[1]]));
});

describe("npm test", () => {
  /** The files that it would run with these arguments. */
  function filesFor(...given: readonly string[]): string[] {
    const listed = execFileSync("npm", ["test", "--silent", "--", "--listTests", ...given], { cwd: ROOT, encoding: "utf8" });
    return listed
      .split("\n")
      .filter((line) => line.endsWith(".test.ts"))
      .map((line) => line.slice(ROOT.length + 1))
      .toSorted();
  }

  it("runs the files that it is given, and no others", () => {
    expect(filesFor(...FILES)).toEqual(FILES);
    expect(filesFor(...listProofs())).toEqual(listProofs().toSorted());
  });

  it("runs everything but what is slow when it is given none, in one process, too", () => {
    const files = filesFor("--runInBand");
    expect(files).toEqual(expect.arrayContaining(["test/house.test.ts", ...FILES]));
    expect(files.filter((file) => file.startsWith("test/e2e/"))).toEqual([]);
  });
});
