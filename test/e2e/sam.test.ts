import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { functionNamed, listEventFiles, readEvent, refusalIn } from "../../local/event-files.ts";
import { type RunningStack, readRunning } from "../../local/running-stack.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";
import { samLocalInvoke } from "./sam-stand-in.ts";

const TIMEOUT_MILLISECONDS = 120_000;
/** Another address of this machine than that at which the stack listens, as Docker's bridge is one. */
const BRIDGE = "127.0.0.2";
const page = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const [commands = ""] = [...(/^```sh sam\n([\s\S]*?)^```$/m.exec(page)?.slice(1) ?? [])];

describe("npm run sam", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let sam: LocalProcess;
  let stack: RunningStack;
  const output = () => join(folder.path, "sam");
  const template = () => join(output(), "template.json");
  const state = () => join(output(), "state");

  beforeAll(async () => {
    folder = temporaryFolder();
    sam = runLocal("sam", ["--assembly", testAssembly(), "--output", output(), "--host", BRIDGE]);
    await sam.until(/Ctrl-C stops it/);
    stack = await readRunning(state());
  }, TIMEOUT_MILLISECONDS);
  afterAll(async () => {
    await endLocal(sam, "SIGKILL");
    folder[Symbol.dispose]();
  });

  const files = [...new Map(listEventFiles().map((each) => [each.service, each])).values()];
  it.each(files)(
    "gives $service all that it needs in a container: $file",
    async ({ service, file }) => {
      const answer = await samLocalInvoke(template(), functionNamed(stack, service).id, await readEvent(file, stack, state()));
      const { statusCode, batchItemFailures } = { statusCode: undefined, batchItemFailures: undefined, ...(answer as object) };
      if (batchItemFailures !== undefined) expect(batchItemFailures).toEqual([]);
      else expect([200, 201, 202, 204, refusalIn(file)]).toContain(statusCode);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "fits the commands of the README, with a stand-in for SAM",
    async () => {
      const bin = join(folder.path, "bin");
      mkdirSync(bin);
      writeFileSync(join(bin, "sam"), `#!/bin/sh\nexec "${process.execPath}" "${join(import.meta.dirname, "sam-stand-in.ts")}" "$@"\n`);
      chmodSync(join(bin, "sam"), 0o755);
      const script = commands.replaceAll(".local/sam", output()).replaceAll("npm run sam --silent --", `npm run sam --silent -- --output ${output()}`);
      const { stdout } = await promisify(execFile)("bash", ["-c", `set -euo pipefail\n${script}`], {
        env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      });
      const [recharged, rules, webhook] = stdout.trim().split("\n");
      expect(recharged).toBe('{"batchItemFailures":[]}');
      expect(rules).toContain('"statusCode":200');
      expect(rules).toContain("8986012345678900025");
      expect(webhook).toContain('"statusCode":200');
    },
    TIMEOUT_MILLISECONDS,
  );

  it("has an issuer that can be asked from there who somebody is", async () => {
    const { ISSUER_URL = "" } = functionNamed(stack, "me").environment;
    const discovery = await fetch(`${ISSUER_URL.replace("127.0.0.1", BRIDGE)}/.well-known/openid-configuration`);
    expect(await discovery.json()).toMatchObject({ userinfo_endpoint: expect.stringMatching(/^http:\/\/127\.0\.0\.2:/) });
  });

  it("uses a stack that runs already, and says so when there is none", async () => {
    const third = runLocal("sam", ["--state", state(), "--output", join(folder.path, "third")]);
    expect(await third.ended).toBe(0);
    expect(readFileSync(join(folder.path, "third/template.json"), "utf8")).toContain("http://host.docker.internal:");
    const none = runLocal("sam", ["--state", join(folder.path, "none"), "--output", join(folder.path, "fourth")]);
    expect(await none.ended).toBe(1);
    expect(none.output()).toContain("No local stack runs on");
  });

  it("refuses a stack whose time is not the containers' own", async () => {
    await fetch(`${stack.url}/local/clock`, { method: "POST", body: JSON.stringify({ advanceMinutes: 10 }) });
    const second = runLocal("sam", ["--state", state(), "--output", join(folder.path, "second")]);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain("start it with npm start -- --fresh --speed 1");
    expect(existsSync(join(folder.path, "second/template.json"))).toBe(false);
  });

  it("ends with Ctrl-C", async () => {
    expect(await endLocal(sam)).toBe(0);
    await expect(readRunning(state())).rejects.toThrow("No local stack runs on");
  });
});
