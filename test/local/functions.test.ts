import { spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, it, jest } from "@jest/globals";
import { type FunctionHost, functionHost, type LocalFunction } from "../../local/cloud/functions.ts";

jest.setTimeout(60_000); // processes start slowly while every other test runs, too

const root = realpathSync(mkdtempSync(join(tmpdir(), "functions-")));
const hosts: FunctionHost[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await Promise.all(hosts.splice(0).map((host) => host.close()));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Writes a function's code into a folder of its own and starts a host for it. */
function start(code: string, more: Partial<LocalFunction> = {}, file = "index.cjs") {
  const folder = mkdtempSync(join(root, "code-"));
  writeFileSync(join(folder, file), code);
  const lines: string[] = [];
  const described = {
    name: "work",
    arn: "arn:aws:lambda:eu-west-1:000000000000:function:work",
    folder,
    handler: "index.handler",
    environment: {},
    roleArn: "",
  };
  const host = functionHost({
    functions: [{ memoryMegabytes: 128, timeoutSeconds: 20, ...described, ...more }],
    region: "eu-west-1",
    endpoints: { AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:1" },
    onLog: ({ line }) => lines.push(line),
  });
  hosts.push(host);
  return { invoke: (event: unknown = {}) => host.invoke("work", event), host, lines, folder };
}

/** Code that makes a process hold a line to the test, which hears when the process is gone. */
async function startLifelines() {
  let [held, cut] = [0, 0];
  const server = createServer((socket) => {
    held += 1;
    socket.on("error", () => {}).on("close", () => (cut += 1));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { code: `require("node:net").connect(${port}, "127.0.0.1")`, held: () => held, cut: () => cut };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

describe("a local function", () => {
  it("gets the event and a context, and gives its result", async () => {
    const { invoke, host } = start("exports.handler = async (event, context) => ({ event, context, left: context.getRemainingTimeInMillis() });");
    const answer = await invoke({ a: [1, null] });
    expect(answer).toEqual({
      event: { a: [1, null] },
      context: {
        awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        functionName: "work",
        functionVersion: "$LATEST",
        invokedFunctionArn: "arn:aws:lambda:eu-west-1:000000000000:function:work",
        memoryLimitInMB: "128",
        logGroupName: "/aws/lambda/work",
        logStreamName: "local",
        callbackWaitsForEmptyEventLoop: true,
      },
      left: expect.any(Number),
    });
    await expect(host.invoke("arn:aws:lambda:eu-west-1:000000000000:function:work", 1)).resolves.toMatchObject({ event: 1 });
    await expect(host.invoke("other", {})).rejects.toThrow("There is no function other; there are work");
  });

  it("sees the environment of the template, of Lambda and the endpoints, and nothing of ours", async () => {
    const { invoke, folder } = start("exports.handler = async () => ({ env: process.env, cwd: process.cwd() });", {
      environment: { STAGE: "dev" },
      logFormat: "JSON",
    });
    expect(await invoke()).toEqual({
      cwd: folder,
      env: {
        STAGE: "dev",
        AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:1",
        _HANDLER: "index.handler",
        AWS_ACCESS_KEY_ID: "work",
        AWS_SECRET_ACCESS_KEY: "local",
        AWS_SESSION_TOKEN: "local",
        AWS_REGION: "eu-west-1",
        AWS_DEFAULT_REGION: "eu-west-1",
        AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
        AWS_LAMBDA_FUNCTION_NAME: "work",
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
        AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
        AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
        AWS_LAMBDA_LOG_FORMAT: "JSON",
        AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/work",
        AWS_LAMBDA_LOG_STREAM_NAME: "local",
        LAMBDA_TASK_ROOT: folder,
        LANG: "en_US.UTF-8",
        TZ: "UTC",
      },
    });
  });

  it("sees the local clock", async () => {
    const folder = mkdtempSync(join(root, "clock-"));
    writeFileSync(join(folder, "index.cjs"), "exports.handler = async () => [globalThis.noon, process.env.CLOCK];");
    const described = { name: "work", arn: "a", folder, handler: "index.handler", memoryMegabytes: 128, timeoutSeconds: 20, environment: {}, roleArn: "" };
    const clock = { execArgv: ["--import", "data:text/javascript,globalThis.noon=12"], env: { CLOCK: "here" } };
    const host = functionHost({ functions: [described], region: "eu-west-1", endpoints: {}, clock, onLog: () => {} });
    hosts.push(host);
    await expect(host.invoke("work", {})).resolves.toEqual([12, "here"]);
  });

  it.each([
    ["index.js", "exports.handler = async () => 'js';", "js"],
    ["index.mjs", "export const handler = async () => 'mjs';", "mjs"],
    ["index.cjs", "const built = {}; module.exports = built; built.handler = async () => 'cjs';", "cjs"],
  ])("may be %s", async (file, code, answer) => {
    await expect(start(code, {}, file).invoke()).resolves.toBe(answer);
  });

  it("stays warm, also after it threw", async () => {
    const { invoke } = start("let calls = 0; exports.handler = async (event) => { calls += 1; if (event.fail) throw new TypeError('no'); return calls; };");
    expect(await invoke()).toBe(1);
    await expect(invoke({ fail: true })).rejects.toMatchObject({ name: "FunctionError", errorType: "TypeError", message: expect.stringContaining("no") });
    expect(await invoke()).toBe(3);
  });

  it("runs one invocation at a time in a process, and up to four processes", async () => {
    const { invoke } = start(`
      let running = 0;
      exports.handler = async () => {
        running += 1;
        await new Promise((resolve) => setTimeout(resolve, 30));
        const seen = running;
        running -= 1;
        return { seen, pid: process.pid };
      };`);
    const answers = (await Promise.all(Array.from({ length: 10 }, () => invoke()))) as { seen: number; pid: number }[];
    expect(new Set(answers.map(({ seen }) => seen))).toEqual(new Set([1]));
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(4);
  });

  it("is ended with everything it started when it takes too long, and starts again", async () => {
    const lifelines = await startLifelines();
    const { invoke } = start(
      `exports.handler = async (event) => {
         if (!event.hang) return "back";
         ${lifelines.code};
         require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(lifelines.code)}]);
         await new Promise(() => {});
       };`,
      { timeoutSeconds: 2 },
    );
    await expect(invoke({ hang: true })).rejects.toMatchObject({ errorType: "Sandbox.Timedout", message: "work: it did not answer within 2 s" });
    await until(() => lifelines.cut() === lifelines.held());
    expect(await invoke()).toBe("back");
  });

  it.each([
    ["it exits", "process.exit(3)", "work: its process ended: exit code 3"],
    ["it throws where nobody listens", "setTimeout(() => { throw new Error('late'); }); await new Promise(() => {})", "exit code 1"],
    ["it rejects where nobody listens", "Promise.reject(new Error('late')); await new Promise((resolve) => setTimeout(resolve, 5000))", "exit code 1"],
    ["it needs more memory than it has", "const all = []; for (;;) all.push(new Array(1e5).fill({}).map(() => ({})))", "SIGABRT"],
  ])("fails when %s, and starts again", async (_name, fault, message) => {
    const { invoke } = start(`exports.handler = async (event) => { if (!event.fail) return "back"; ${fault}; };`);
    await expect(invoke({ fail: true })).rejects.toMatchObject({ errorType: "Runtime.ExitError", message: expect.stringContaining(message) });
    expect(await invoke()).toBe("back");
  });

  it.each([
    ["there is no such file", "", { handler: "other.handler" }, "There is no file for the handler other.handler"],
    ["there is no such export", "exports.other = async () => {};", {}, "does not export the function handler"],
    ["it takes a callback", "exports.handler = (event, context, callback) => callback();", {}, "make it async"],
    ["its code throws", "throw new Error('no environment');", {}, "no environment"],
  ])("does not load when %s, and says so", async (_name, code, more, message) => {
    const { invoke, lines } = start(code, more);
    await expect(invoke()).rejects.toMatchObject({ errorType: "Runtime.ExitError" });
    await until(() => lines.some((line) => line.includes(message)));
  });

  it("is told about line by line", async () => {
    const { invoke, lines } = start("exports.handler = async () => { console.log('out\\nmore'); console.error('err'); };");
    expect(await invoke()).toBeNull();
    await until(() => lines.length === 3);
    expect(lines.sort()).toEqual(["err", "more", "out"]);
  });

  it("leaves in its log what it threw, as the runtime does on AWS", async () => {
    const { invoke, lines } = start("exports.handler = async () => { throw new TypeError('no such line'); };");
    await expect(invoke()).rejects.toMatchObject({ errorType: "TypeError" });
    await until(() => lines.length > 0);
    expect(lines).toEqual([expect.stringMatching(/^\d{4}-\S+\t[0-9a-f-]{36}\tERROR\tInvoke Error \t\{"errorType":"TypeError","errorMessage":"no such line"/)]);
  });

  it("ends with the host; what runs is rejected, and nothing more is taken", async () => {
    const lifelines = await startLifelines();
    const { invoke, host } = start(`exports.handler = async () => { ${lifelines.code}; await new Promise(() => {}); };`);
    const running = expect(invoke()).rejects.toThrow("the local stack is stopping");
    await until(() => lifelines.held() === 1);
    await host.close();
    await running;
    await until(() => lifelines.cut() === 1);
    await expect(invoke()).rejects.toThrow("the local stack is stopping");
  });

  it("ends when its host is killed", async () => {
    const lifelines = await startLifelines();
    const folder = mkdtempSync(join(root, "orphan-"));
    writeFileSync(join(folder, "index.cjs"), `exports.handler = async () => { ${lifelines.code}; await new Promise(() => {}); };`);
    const described = { name: "work", arn: "a", folder, handler: "index.handler", memoryMegabytes: 128, timeoutSeconds: 60, environment: {} };
    const program = `
      const { functionHost } = await import(${JSON.stringify(new URL("../../local/cloud/functions.ts", import.meta.url).href)});
      await functionHost({ functions: [${JSON.stringify(described)}], region: "eu-west-1", endpoints: {}, onLog: console.log }).invoke("work", {});`;
    const host = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
    await until(() => lifelines.held() === 1);
    host.kill("SIGKILL");
    await until(() => lifelines.cut() === 1);
  });
});
