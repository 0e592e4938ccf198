import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { OpenApi } from "../../functions/contracts/openapi.ts";
import { DRAINING_LINE } from "../../local/demo-data.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

const TIMEOUT_MILLISECONDS = 60_000;
/** The draining line is low after ten minutes, and every line of its tier is looked at every fifteen. */
const MINUTES_UNTIL_LOW_AND_SEEN = 16;

function start(state: string, ...args: string[]): LocalProcess {
  return runLocal("start", ["--assembly", testAssembly(), "--state", state, "--port", "0", ...args]);
}

async function ready(stack: LocalProcess): Promise<string> {
  return String((await stack.until(/Ready at (\S+)/))[1]);
}

/** The processes whose parent is this one. */
function childrenOf(pid: number | undefined): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          readFileSync(`/proc/${name}/stat`, "utf8")
            .replace(/^.*\) /, "")
            .split(" ")[1] === String(pid)
        );
      } catch {
        return false; // it ended meanwhile
      }
    })
    .map(Number);
}

describe("npm start", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;
  let token: string;
  const get = async (path: string) => fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  const play = (path: string, body: object) => fetch(`${url}${path}`, { method: "POST", body: JSON.stringify(body) });

  beforeAll(async () => {
    folder = temporaryFolder();
    stack = start(join(folder.path, "state"));
    url = await ready(stack);
    token = await (await fetch(`${url}/local/token`)).text();
  }, TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  it(
    "recharges the draining line by itself, and says so in the terminal",
    async () => {
      await stack.until(/events +RuleSaved/); // the look at a line that was given a rule; the next one is on schedule
      await play("/local/clock", { advanceMinutes: MINUTES_UNTIL_LOW_AND_SEEN });
      await stack.until(/events +RechargeSucceeded +…0017 +\w{8} +CNY 50\.00/);
      const happened = stack.output();
      expect(happened).toMatch(/events +LowBalanceDetected +…0017/);
      expect(happened).toMatch(/stripe +charged +\w{8} +CNY 50\.00/);
      expect(happened).toMatch(/carrier +credited +…0017 +\w{8} +CNY 50\.00/);
    },
    TIMEOUT_MILLISECONDS,
  );

  it("guards every route by token and scope, as deployed", async () => {
    expect((await fetch(`${url}/v1/rules`)).status).toBe(401);
    const narrow = await (await fetch(`${url}/local/token?scope=esims:read`)).text();
    expect((await fetch(`${url}/v1/rules`, { headers: { authorization: `Bearer ${narrow}` } })).status).toBe(403);
    expect((await fetch(`${url}/v1/esims`, { headers: { authorization: `Bearer ${narrow}` } })).status).toBe(200);
  });

  it("tells anybody how it is called, and where to sign in", async () => {
    const page = await fetch(`${url}/docs`);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(await page.text()).toContain("POST /v1/rules");
    const document: OpenApi = JSON.parse(await (await fetch(`${url}/openapi.json`)).text());
    const discovery = await (await fetch(document.components.securitySchemes.signIn.openIdConnectUrl)).json();
    expect(discovery).toMatchObject({ scopes_supported: expect.arrayContaining(Object.values(document.paths["/v1/rules"]?.get?.security[0] ?? {}).flat()) });
  });

  it(
    "calls a person when the carrier takes what was paid for another order",
    async () => {
      await play("/local/carrier/next", { outcome: "error-409" });
      await play(`/local/lines/${DRAINING_LINE.iccid}`, { available: 0 });
      await play("/local/clock", { advanceMinutes: 60 });
      await stack.until(/alarm +ALARM[^\n]*a person must look/);
      expect(stack.output()).toMatch(/events +RechargeNeedsReview +…0017[^\n]*carrier-conflict/);
    },
    TIMEOUT_MILLISECONDS,
  );

  it("does not share its state folder, not even with a start that wants it fresh", async () => {
    for (const second of [start(join(folder.path, "state")), start(join(folder.path, "state"), "--fresh")]) {
      expect(await second.ended).toBe(1);
      expect(second.output()).toContain("stop it first");
    }
    expect((await get("/v1/rules")).status).toBe(200);
  });

  it(
    "ends every process it started at Ctrl-C, and goes on where it was at the next start",
    async () => {
      const children = childrenOf(stack.process.pid);
      expect(children.length).toBeGreaterThan(0);
      const rules = await (await get("/v1/rules")).json();
      expect(await endLocal(stack)).toBe(0);
      expect(children.filter((pid) => childrenOf(process.pid).includes(pid) || isAlive(pid))).toEqual([]);

      stack = start(join(folder.path, "state"), "--speed", "1");
      url = await ready(stack);
      expect(await (await get("/v1/rules")).json()).toEqual(rules); // with the token of the start before
      const bills = JSON.stringify(await (await get("/v1/recharges")).json());
      expect(bills).toContain('"status":"succeeded"');
      const lines = JSON.stringify(await (await fetch(`${url}/local/lines`)).json());
      expect(lines).toContain(DRAINING_LINE.iccid);
    },
    TIMEOUT_MILLISECONDS,
  );
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("npm start says what is wrong", () => {
  it("with a port that is taken", async () => {
    using folder = temporaryFolder();
    const taken = createServer();
    try {
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      const address = taken.address();
      const port = typeof address === "object" && address !== null ? String(address.port) : "";
      const stack = runLocal("start", ["--assembly", testAssembly(), "--state", folder.path, "--port", port]);
      expect(await stack.ended).toBe(1);
      expect(stack.output()).toContain("--port");
    } finally {
      taken.close();
    }
  }, 60_000);

  it.each([
    [["--nonsense"], "--nonsense"],
    [["--speed", "fast"], "--speed must be a number from 1 to 3600"],
    [["--speed", "1e9"], "--speed must be a number from 1 to 3600"],
    [["--port", "70000"], "--port must be a number from 0 to 65535"],
  ])(
    "with %j",
    async (args, message) => {
      const stack = runLocal("start", args);
      expect(await stack.ended).toBe(1);
      expect(stack.output()).toContain(message);
      expect(stack.output()).not.toContain("    at "); // a sentence, not a stack trace
    },
    60_000,
  );

  it("with --fresh on a folder that holds something else, and deletes nothing there", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "precious"), "mine");
    const stack = start(folder.path, "--fresh");
    expect(await stack.ended).toBe(1);
    expect(stack.output()).toContain("holds something else (precious)");
    expect(readFileSync(join(folder.path, "precious"), "utf8")).toBe("mine");
  }, 60_000);
});
