import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DEMO_USER, DRAINING_LINE } from "../../local/demo-data.ts";
import { readOutputs } from "../../ops/operations.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";
import { readTimeline } from "./main-job.ts";

const ROOT = join(import.meta.dirname, "../..");
const TIMEOUT_MILLISECONDS = 120_000;
const PATIENCE_MILLISECONDS = 60_000;

interface Result {
  readonly code: number;
  readonly output: string;
}

/** `node ops/ops.ts`, as an operator runs it who works on production otherwise. */
function runOps(args: readonly string[]): Promise<Result> {
  const env = { ...process.env, AWS_PROFILE: "production", AWS_REGION: "eu-west-1", USER: "grace" };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(ROOT, "ops/ops.ts"), ...args], { cwd: ROOT, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: `${stdout}${stderr}` }),
    );
  });
}

/** The subscriber resumes the rule of a line. */
async function resumeRule(url: string, iccid: string): Promise<void> {
  const authorization = `Bearer ${await (await fetch(`${url}/local/token`)).text()}`;
  const rule = `${url}/v1/rules/${iccid}`;
  const etag = (await fetch(rule, { headers: { authorization } })).headers.get("etag") ?? "";
  const headers = { authorization, "content-type": "application/json", "if-match": etag };
  expect((await fetch(rule, { method: "PATCH", headers, body: JSON.stringify({ status: "active" }) })).status).toBe(200);
}

describe("npm run ops, on the local stack of a carrier without final answers", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;
  let outputs: string;
  const ops = (...args: string[]) => runOps([...args, "--outputs", outputs]);
  const play = (path: string, body: object) => fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });
  /** Everything of this name that has happened, once there are so many. */
  async function until(what: string, count = 1) {
    const giveUpAt = performance.now() + PATIENCE_MILLISECONDS;
    for (;;) {
      const found = (await readTimeline(url)).filter((entry) => entry.what === what);
      if (found.length >= count) return found;
      if (performance.now() > giveUpAt) throw new Error(`${what} did not happen ${count} times:\n${stack.output()}`);
      await sleep(200);
    }
  }

  beforeAll(async () => {
    folder = temporaryFolder();
    const assembly = join(folder.path, "cdk.out");
    cpSync(testAssembly(), assembly, { recursive: true });
    const file = join(assembly, "AutoRecharge-dev-Service.template.json");
    writeFileSync(file, readFileSync(file, "utf8").replace(/("CARRIER_ANSWERS": ?)"final"/g, '$1"once"'));
    outputs = join(folder.path, "state/outputs.json");
    stack = runLocal("start", ["--assembly", assembly, "--state", join(folder.path, "state"), "--port", "0", "--speed", "20"]);
    url = String((await stack.until(/^Ready at (\S+)/m))[1]);
  }, TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  it(
    "resolves a review as refunded, and tells the whole story of it afterwards",
    async () => {
      await play("/local/carrier/next", { outcome: "refuse" });
      await play(`/local/lines/${DRAINING_LINE.iccid}`, { available: 900, drainPerMinute: 0 });
      await play("/local/clock", { advanceMinutes: 16 });
      await until("RechargeNeedsReview");

      const list = await ops("list", "--review");
      expect(list).toMatchObject({ code: 0, output: expect.stringMatching(/needs-review \(carrier-refused\)[^\n]*…0017[^\n]*\n1 waiting for a person/) });
      const rechargeId = list.output.split(" ")[0] ?? "";

      const wish = ["resolve", rechargeId, "--as", "refunded", "--note", "the carrier says no"];
      expect((await ops(...wish)).output).toContain("Nothing was written");
      expect(await ops(...wish, "--yes")).toMatchObject({ code: 0 });
      await until("RechargeRefunded");

      const { output } = await ops("show", rechargeId);
      for (const part of ["below CNY 10.00", "asked payments.confirm", "asked carrier.topUp", ": refunded", "resolve", "the carrier says no"])
        expect(output).toContain(part);
      expect(output).not.toContain(DRAINING_LINE.iccid);
      expect((await ops("list")).output).toBe("0 open\n");
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "stops every charge with the kill switch until it is off again",
    async () => {
      expect(await ops("kill-switch", "on", "--why", "drill")).toMatchObject({ code: 0, output: expect.stringContaining("by grace: drill") });
      const before = (await readTimeline(url)).filter(({ what }) => what === "charged").length;
      const lows = (await readTimeline(url)).filter(({ what }) => what === "LowBalanceDetected").length;
      await resumeRule(url, DRAINING_LINE.iccid); // a refund suspends it
      await play(`/local/lines/${DRAINING_LINE.iccid}`, { available: 800 });
      await play("/local/clock", { advanceMinutes: 16 });
      await until("LowBalanceDetected", lows + 2);
      expect((await ops("kill-switch", "status")).output).toContain("ON");
      expect((await ops("kill-switch", "off", "--why", "drill over")).output).toContain("Nothing was written");
      expect((await readTimeline(url)).filter(({ what }) => what === "charged")).toHaveLength(before);

      expect((await ops("kill-switch", "off", "--why", "drill over", "--yes")).output).toContain("off");
      await play("/local/clock", { advanceMinutes: 16 });
      await until("charged", before + 1);
      await until("RechargeSucceeded");
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "redrives dead letters, and leaves those that nobody could read",
    async () => {
      const { operations, environment } = readOutputs(readFileSync(outputs, "utf8"));
      const client = new SQSClient({
        endpoint: environment.AWS_ENDPOINT_URL_SQS,
        region: environment.AWS_REGION,
        credentials: { accessKeyId: "local", secretAccessKey: "local" },
      });
      const QueueUrl = operations.queues.RechargeQueue?.deadLettersUrl;
      for (const MessageBody of [JSON.stringify({ iccid: DRAINING_LINE.iccid }), "not JSON"])
        await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      client.destroy();

      expect((await ops("redrive", "RechargeQueue")).output).toContain("RechargeQueue: 1 would move (say --yes to move them), 1 refused");
      expect((await ops("redrive", "RechargeQueue", "--yes")).output).toContain("RechargeQueue: 1 moved, 1 refused");
      expect((await ops("redrive", "RechargeQueue")).output).toContain("RechargeQueue: 0 would move (say --yes to move them), 1 refused");
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "pauses and resumes a subscriber, and all of it is in the audit",
    async () => {
      expect((await ops("pause", DEMO_USER.sub, "--why", "asked by phone")).output).toMatch(/is paused since .* Their \d lines are looked at now/);
      expect((await ops("resume", DEMO_USER.sub, "--yes")).output).toContain("The pause is lifted");
      const { output } = await ops("audit");
      expect(output.split("\n").map((line) => line.replace(/^\S+ {2}/, "").split(":")[0])).toEqual([
        `grace  resume ${DEMO_USER.sub}`,
        `grace  pause ${DEMO_USER.sub}`,
        "grace  redrive RechargeQueue",
        "grace  kill-switch off",
        "grace  kill-switch on",
        expect.stringMatching(/^grace {2}resolve \S+$/),
        "",
      ]);
    },
    TIMEOUT_MILLISECONDS,
  );

  it("fails in one sentence where it cannot act", async () => {
    expect(await ops("show", "no-such-recharge")).toEqual({ code: 2, output: "There is no recharge no-such-recharge\n" });
    expect(await runOps(["list", "--outputs", "missing.json"])).toMatchObject({
      code: 2,
      output: expect.stringMatching(/^There is no outputs file missing\.json[^\n]*\n$/),
    });
  });
});
