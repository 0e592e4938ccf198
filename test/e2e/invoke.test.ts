import { execFile } from "node:child_process";
import { cpSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

const TIMEOUT_MILLISECONDS = 240_000;
const LOW = "test/events/recharge/low-balance-detected.json";
const page = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const [commands = ""] = [...(/^```sh invoke\n([\s\S]*?)^```$/m.exec(page)?.slice(1) ?? [])];

async function invoke(...args: string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  const run = runLocal("invoke", args);
  const code = await run.ended;
  return { code, output: run.output() };
}

describe("npm run invoke", () => {
  it(
    "does what the README says, every command as printed",
    async () => {
      const [recharge, webhook, ...others] = commands.trim().split("\n");
      expect(others).toEqual([]);
      const { stdout } = await promisify(execFile)("bash", [
        "-c",
        `${recharge} --assembly ${testAssembly()} && echo == && ${webhook} --assembly ${testAssembly()}`,
      ]);
      const [recharged, received] = stdout.split("==");
      expect(recharged).toMatch(/With 512 MB and 60 s/);
      expect(recharged).toMatch(/cold +\d+ ms {2}\{"batchItemFailures":\[\]\}\nwarm +\d+ ms {2}\{"batchItemFailures":\[\]\}\n/);
      expect(recharged?.match(/charged +[0-9a-f]{8} +CNY 50\.00/g)).toHaveLength(1);
      expect(recharged?.match(/RechargeSucceeded/g)).toHaveLength(1);
      expect(recharged).toContain("The end is the same after both.");
      expect(received).toMatch(/cold +\d+ ms {2}200 \nwarm +\d+ ms {2}200 \n/);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "names the functions that there are, and tells how it is used",
    async () => {
      expect(await invoke("Recharge")).toMatchObject({ code: 1, output: expect.stringContaining("npm run invoke -- <Function> <event file>") });
      expect(await invoke("Nobody", LOW, "--assembly", testAssembly())).toMatchObject({
        code: 1,
        output: expect.stringContaining("there are Rules, EsimsList,"),
      });
    },
    TIMEOUT_MILLISECONDS,
  );
});

/** Functions that go wrong, each in its own way; none is called in the first minute of a stack. */
const BROKEN = {
  erase: "exports.handler = async ({ Records }) => ({ batchItemFailures: [{ itemIdentifier: Records[0].messageId }] });",
  remind: "exports.handler = async () => { throw new TypeError('no such line'); };",
  "payment-methods": "exports.handler = async () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); };",
  reconcile: `let times = 0;
    exports.handler = async () => {
      const Content = { Simple: { Subject: { Data: String(++times) }, Body: {} } };
      const body = JSON.stringify({ FromEmailAddress: "a@b.c", Destination: { ToAddresses: ["a@b.c"] }, Content });
      // The operator's key: the function itself may send no mail.
      const authorization = "AWS4-HMAC-SHA256 Credential=local/20261128/us-east-1/ses/aws4_request";
      await fetch(process.env.AWS_ENDPOINT_URL + "/v2/email/outbound-emails", { method: "POST", body, headers: { authorization } });
      return { batchItemFailures: [] };
    };`,
};

describe("npm run invoke, on a stack that runs already", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let state: string;

  beforeAll(async () => {
    folder = temporaryFolder();
    state = join(folder.path, "state");
    const assembly = join(folder.path, "cdk.out");
    cpSync(testAssembly(), assembly, { recursive: true });
    for (const [service, code] of Object.entries(BROKEN)) {
      const named = (path: string) => readFileSync(join(assembly, path), "utf8").includes(`powertoolsLog("${service}")`);
      writeFileSync(join(assembly, globSync("asset.*/index.cjs", { cwd: assembly }).find(named) ?? service), code);
    }
    stack = runLocal("start", ["--assembly", assembly, "--state", state, "--port", "0", "--speed", "1"]);
    await stack.until(/Ready at/);
  }, TIMEOUT_MILLISECONDS);
  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  it.each([
    ["a message fails", "erase/tick", "1 of its messages failed"],
    ["the function throws", "remind/tick", "no such line"],
    ["it needs more memory than it has", "payment-methods/list-payment-methods", "its process ended"],
    ["the second time something else comes of it", "reconcile/daily-tick", "the second time something else came of it: messages"],
    ["the file needs what such a stack does not know", "rules/create-rule", "needs {{method}}, which this stack does not know"],
  ])(
    "fails when %s",
    async (_, event, fault) => {
      const { code, output } = await invoke(event.split("/")[0] ?? "", `test/events/${event}.json`, "--state", state);
      expect(output).toContain(fault);
      expect(code).toBe(1);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "finds what is there",
    async () => {
      const { code, output } = await invoke("Rules", "test/events/rules/list-rules.json", "--state", state);
      expect(output).toContain("8986012345678900017");
      expect(code).toBe(0);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "says so when it is gone",
    async () => {
      await endLocal(stack);
      expect(await invoke("Recharge", LOW, "--state", state)).toMatchObject({ code: 1, output: expect.stringContaining("No local stack runs on") });
    },
    TIMEOUT_MILLISECONDS,
  );
});
