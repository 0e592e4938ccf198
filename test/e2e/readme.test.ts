import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { testAssembly } from "../assembly.ts";
import { endLocal, runLocal, temporaryFolder } from "./local-process.ts";

const TIMEOUT_MILLISECONDS = 120_000;
const page = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const tour = [...page.matchAll(/^```sh tour\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);

describe("the README's tour", () => {
  it(
    "does what it says, every command as printed",
    async () => {
      using folder = temporaryFolder();
      const stack = runLocal("start", ["--assembly", testAssembly(), "--state", folder.path, "--port", "0"]);
      try {
        const url = String((await stack.until(/Ready at (\S+)/))[1]);
        expect(tour[0]).toContain("API=http://127.0.0.1:8787\n");
        const script = ["set -eu", ...tour.map((block, index) => `echo "== ${index}"\n${block}`)].join("\n").replace("http://127.0.0.1:8787", url);
        const { stdout } = await promisify(execFile)("bash", ["-c", script]);
        const [, lines, previewed, saved, refused, low, recharged, lost, paused] = stdout.split(/== \d\n/);
        expect(lines).toContain('"iccid":"8986012345678900025"');
        expect(previewed).toMatch(/is below CNY 10\.00, it is recharged with CNY 50\.00.*"wouldCharge":null,"whyNot":{"reason":"balance-ok"}/);
        expect(saved).toMatch(/^HTTP\/1.1 201/);
        expect(saved).toMatch(/etag: "1"/i);
        expect(refused).toContain('"pointer":"/threshold/amount"');
        expect(refused).toContain('"pointer":"/threshold/currency"');
        expect(low).toContain('"available": 900');
        expect(recharged).toMatch(/"lineLastFour":"0025".*"charged":\{"amount":5000/);
        expect(recharged).toContain('"iccid":"8986012345678900025","currency":"CNY","rule":{"status":{"state":"active"},"leftThisMonth":{"amount":25000');
        expect(recharged).toContain("…0025: recharged with CN¥50.00");
        const topUps = z.parse(z.array(z.object({ iccid: z.string() })), JSON.parse(lost?.slice(lost.indexOf("\n[\n")) ?? ""));
        expect(topUps.filter(({ iccid }) => iccid === "8986012345678900025")).toHaveLength(2);
        await stack.until(/unanswered[\s\S]*RechargeSucceeded +…0025/);
        expect(paused).toContain('"state":"paused"');
      } finally {
        await endLocal(stack, "SIGKILL");
      }
    },
    TIMEOUT_MILLISECONDS,
  );
});
