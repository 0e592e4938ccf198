import { execFile } from "node:child_process";
import { cpSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { testAssembly } from "../assembly.ts";
import { endLocal, runLocal, temporaryFolder } from "./local-process.ts";

const TIMEOUT_MILLISECONDS = 120_000;
const LOW = "test/events/recharge/low-balance-detected.json";
const page = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const [commands = ""] = [...(/^```sh invoke\n([\s\S]*?)^```$/m.exec(page)?.slice(1) ?? [])];

async function invoke(...args: string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  const run = runLocal("invoke", args);
  const code = await run.ended;
  return { code, output: run.output() };
}

describe("npm run invoke", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeAll(() => {
    folder = temporaryFolder();
  });
  afterAll(() => folder[Symbol.dispose]());

  /** The assembly with another code for one function, which is found by its name in its bundle. */
  function assemblyWith(service: string, code: string): string {
    const assembly = join(folder.path, `${service}-${code.length}`);
    cpSync(testAssembly(), assembly, { recursive: true });
    const bundle = globSync("asset.*/index.cjs", { cwd: assembly }).find((path) =>
      readFileSync(join(assembly, path), "utf8").includes(`powertoolsLog("${service}")`),
    );
    if (bundle === undefined) throw new Error(`${service} has no bundle`);
    writeFileSync(join(assembly, dirname(bundle), "index.cjs"), code);
    return assembly;
  }

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

  it.each([
    [
      "a message fails",
      "exports.handler = async ({ Records }) => ({ batchItemFailures: [{ itemIdentifier: Records[0].messageId }] });",
      "1 of its messages failed",
    ],
    ["the function throws", "exports.handler = async () => { throw new TypeError('no such line'); };", "no such line"],
    [
      "it needs more memory than it has",
      "exports.handler = async () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); };",
      "its process ended",
    ],
    [
      "the second time something else comes of it",
      `let times = 0;
       exports.handler = async () => {
         const body = JSON.stringify({ FromEmailAddress: "a@b.c", Destination: { ToAddresses: ["a@b.c"] }, Content: { Simple: { Subject: { Data: String(++times) }, Body: {} } } });
         await fetch(process.env.AWS_ENDPOINT_URL + "/v2/email/outbound-emails", { method: "POST", body });
         return { batchItemFailures: [] };
       };`,
      "the second time something else came of it: messages",
    ],
  ])(
    "fails when %s",
    async (_, code, fault) => {
      const assembly = assemblyWith("sweep", code);
      const { code: exit, output } = await invoke("Sweep", "test/events/sweep/tick.json", "--assembly", assembly);
      expect(output).toContain("FAILED");
      expect(output).toContain(fault);
      expect(exit).toBe(1);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "uses a stack that runs already, with whatever is there",
    async () => {
      const state = join(folder.path, "state");
      const stack = runLocal("start", ["--assembly", testAssembly(), "--state", state, "--port", "0"]);
      try {
        await stack.until(/Ready at/);
        const listed = await invoke("rules", "test/events/rules/list-rules.json", "--state", state);
        expect(listed).toMatchObject({ code: 0, output: expect.stringContaining("8986012345678900017") });
        const refused = await invoke("Rules", "test/events/rules/create-rule.json", "--state", state);
        expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/needs \{\{\w+\}\}, which this stack does not know/) });
      } finally {
        await endLocal(stack, "SIGKILL");
      }
      expect(await invoke("Recharge", LOW, "--state", state)).toMatchObject({ code: 1, output: expect.stringContaining("No local stack runs on") });
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
