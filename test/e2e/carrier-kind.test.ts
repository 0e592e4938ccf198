import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { DRAINING_LINE } from "../../local/demo-data.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, runLocal, temporaryFolder } from "./local-process.ts";
import { readTimeline } from "./main-job.ts";

const TIMEOUT_MILLISECONDS = 120_000;
const PATIENCE_MILLISECONDS = 60_000;

describe("a stage whose carrier cannot promise final answers", () => {
  it(
    "meets such a carrier here too: it credits, remembers nothing, and a lost answer is parked for a person, not ordered again",
    async () => {
      using folder = temporaryFolder();
      const assembly = join(folder.path, "cdk.out");
      cpSync(testAssembly(), assembly, { recursive: true });
      const file = join(assembly, "AutoRecharge-dev-Service.template.json");
      writeFileSync(file, readFileSync(file, "utf8").replace(/("CARRIER_ANSWERS": ?)"final"/g, '$1"once"'));

      const stack = runLocal("start", ["--assembly", assembly, "--state", join(folder.path, "state"), "--port", "0"]);
      try {
        const url = (await stack.until(/^Ready at (\S+)/m))[1] ?? "";
        const post = (path: string, body: object) => fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
        await post("/local/carrier/next", { outcome: "credit-but-lose-reply" });
        await post(`/local/lines/${DRAINING_LINE.iccid}`, { available: 900 });
        await post("/local/clock", { advanceMinutes: 16 });

        const giveUpAt = performance.now() + PATIENCE_MILLISECONDS;
        const isOver = (what: string) => what === "RechargeNeedsReview" || what === "RechargeSucceeded";
        let story = await readTimeline(url);
        while (!story.some(({ what }) => isOver(what)) && performance.now() < giveUpAt) {
          await sleep(200);
          story = await readTimeline(url);
        }
        expect(story.filter(({ what }) => what === "credited" || isOver(what)).map(({ what, note }) => [what, note?.split(",")[0]])).toEqual([
          ["credited", expect.any(String)],
          ["RechargeNeedsReview", "carrier-unclear"],
        ]);
      } finally {
        await endLocal(stack, "SIGKILL");
      }
    },
    TIMEOUT_MILLISECONDS,
  );
});
