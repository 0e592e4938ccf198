import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { testAssembly } from "../assembly.ts";
import { ICCID } from "../builders.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "../e2e/local-process.ts";

/** What only a gateway sees of bad input, sent over real sockets to the local stack and, behind its gateway, to the bundled functions. */

const MEGABYTE = 1024 * 1024;

let folder: ReturnType<typeof temporaryFolder>;
let stack: LocalProcess;
let url: URL;
let token: string;
let rules: unknown;

const readRules = async (): Promise<unknown> => (await fetch(new URL("/v1/rules", url), { headers: { authorization: `Bearer ${token}` } })).json();

beforeAll(async () => {
  folder = temporaryFolder();
  stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0", "--speed", "1"]);
  url = new URL(String((await stack.until(/Ready at (\S+)/))[1]));
  token = await (await fetch(new URL("/local/token", url))).text();
  rules = await readRules();
});

afterAll(async () => {
  await endLocal(stack, "SIGKILL");
  folder[Symbol.dispose]();
});

/** Sends bytes as they are, and gives the first line of what comes back; nothing when the gateway hangs up without a word. */
function sendRaw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(url.port), url.hostname);
    const done = () => {
      socket.destroy();
      resolve(answer.split("\r\n")[0] ?? "");
    };
    socket.on("data", (chunk) => {
      answer += String(chunk);
      if (answer.includes("\r\n\r\n")) done();
    });
    socket.on("error", done).on("close", done);
    socket.write(bytes);
  });
}

const head = (line: string, ...headers: string[]) => [line, "Host: api", ...headers, "", ""].join("\r\n");

describe("the gateway", () => {
  it.each([
    ["an unknown method", head("BREW /v1/rules HTTP/1.1"), /^HTTP\/1\.1 400/],
    ["another protocol", "\u0016\u0003\u0001\u0002\u0000", /^HTTP\/1\.1 400/],
    ["a version of HTTP that is none", head("GET /v1/rules HTTP/9.9"), /^HTTP\/1\.1 400/],
    ["no host", "GET /v1/rules HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400/],
    ["a line that is too long", head(`GET /v1/rules?page=${"x".repeat(20_000)} HTTP/1.1`), /^HTTP\/1\.1 431/],
    ["a header that is too long", head("GET /v1/rules HTTP/1.1", `X-Long: ${"x".repeat(20_000)}`), /^HTTP\/1\.1 431/],
    ["a header with NUL in it", head("GET /v1/rules HTTP/1.1", "X-Odd: a\u0000b"), /^HTTP\/1\.1 400/],
    ["two lengths", head("POST /v1/rules HTTP/1.1", "Content-Length: 1", "Content-Length: 2"), /^HTTP\/1\.1 400/],
    ["a length and chunks", head("POST /v1/rules HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), /^HTTP\/1\.1 400/],
    ["a length below zero", head("POST /v1/rules HTTP/1.1", "Content-Length: -1"), /^HTTP\/1\.1 400/],
    ["a space in the path", head("GET /v1/rules /x HTTP/1.1"), /^HTTP\/1\.1 400/],
    ["the address of another host", head("GET http://example.com/v1/rules HTTP/1.1"), /^HTTP\/1\.1 404/],
    ["a star for a path", head("OPTIONS * HTTP/1.1"), /^HTTP\/1\.1 404/],
    ["a path of a proxy", head("GET //example.com/v1/rules HTTP/1.1"), /^HTTP\/1\.1 404/],
    ["a tunnel", head("CONNECT example.com:443 HTTP/1.1"), /^$/],
  ])("refuses %s", async (_, bytes, answer) => expect(await sendRaw(bytes)).toMatch(answer));

  it.each([
    ["HEAD", "/v1/rules"],
    ["OPTIONS", "/v1/rules"],
    ["POST", "/v1/esims"],
    ["DELETE", "/v1/rules"],
    ["GET", "/"],
    ["GET", "/v2/rules"],
    ["GET", "/v1"],
    ["GET", "/v1/rules/"],
    ["GET", `/v1/rules/${ICCID}/more`],
    ["GET", `/v1/rules/${ICCID}%2Fmore`],
    ["GET", "/v1/rules/..%2F..%2Fesims"],
    ["GET", "/v1/rules/%ff"],
    ["GET", "/v1%2Frules%2Fx%2Fy"],
  ])("knows no route for %s %s", async (method, path) => {
    const response = await fetch(new URL(path, url), { method, headers: { authorization: `Bearer ${token}` } });
    expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/json"]);
    if (method !== "HEAD") expect(await response.json()).toEqual({ message: "Not Found" });
  });

  it("leaves a path that is only odd to the function, which knows no such line", async () => {
    for (const path of [`/v1/rules/%00${ICCID}`, "/v1/rules/%EF%BC%98%EF%BC%99", "/v1/rules/4242424242424242", `/v1/rules/${"9".repeat(5000)}`]) {
      const response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } });
      expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
      expect(await response.text()).toMatch(/iccid must (be 18 to 22 digits|start with 89)/);
    }
  });

  it.each([
    ["more than 10 MB, in its own words", 10 * MEGABYTE + 1, "application/json", { message: "Request Entity Too Large" }],
    [
      "much less that is still too much, in the function's words",
      MEGABYTE,
      "application/problem+json",
      { detail: "The body must be no longer than 65536 bytes" },
    ],
  ])("refuses a body of %s", async (_, bytes, type, told) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(new URL("/v1/rules", url), { method: "POST", headers, body: "x".repeat(bytes) });
    expect([response.status, response.headers.get("content-type")]).toEqual([413, type]);
    expect(await response.json()).toMatchObject(told);
  });

  it("lets go of a caller who stops in the middle of a body", async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(url.port), url.hostname);
      const headers = [`Authorization: Bearer ${token}`, "Content-Type: application/json", "Content-Length: 1000"];
      socket.on("error", () => {}).on("close", () => resolve());
      socket.write(`${head("POST /v1/rules HTTP/1.1", ...headers)}{"iccid":`, () => socket.destroy());
    });
    expect(await readRules()).toEqual(rules);
  });

  it("is still there after all that, with nothing changed", async () => {
    expect(stack.process.exitCode).toBeNull();
    expect(await readRules()).toEqual(rules);
    expect(stack.output()).not.toMatch(/charged|4242424242424242/);
  });
});
