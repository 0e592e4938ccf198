import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { installClock, type LocalClock } from "../../local/clock.ts";

const HOUR = 3_600_000;
/** So slow that it stands for as long as a test takes: equal times are then the same time. */
const STANDING = 1e-9;

let folder: string;
let file: string;
let clocks: LocalClock[];

function install(): LocalClock {
  const clock = installClock({ file });
  clocks.push(clock);
  return clock;
}

function close(clock: LocalClock) {
  clocks = clocks.filter((other) => other !== clock);
  clock.close();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "clock-"));
  file = join(folder, "clock");
  clocks = [];
});

afterEach(() => {
  for (const clock of clocks) clock.close();
  rmSync(folder, { recursive: true });
});

describe("the local clock in the main process", () => {
  it("tells by how much it was moved on a moment ago", () => {
    const clock = install();
    expect(clock.recentlyAdvanced()).toBe(0);
    clock.advance(HOUR);
    clock.advance(HOUR);
    expect(clock.recentlyAdvanced()).toBe(2 * HOUR);
  });

  it("is told by every way to ask a Date for the time", () => {
    const clock = install();
    clock.setSpeed(STANDING);
    clock.advance(1000 * HOUR);
    const now = clock.now();
    expect(Date.now()).toBe(now);
    expect(new Date()).toEqual(new Date(now));
    expect(Date()).toBe(new Date(now).toString());
    class Birthday extends Date {}
    expect(new Birthday().getTime()).toBe(now);
    expect(new Birthday()).toBeInstanceOf(Birthday);
    expect(Reflect.construct(new Date(0).constructor, []).getTime()).toBe(now);
  });

  it("leaves alone what does not ask for the time", () => {
    const before = new Date(5);
    install().advance(HOUR);
    expect(before).toBeInstanceOf(Date);
    expect(new Date(5)).toEqual(before);
    expect(new Date(2026, 10, 23, 4).getMonth()).toBe(10);
    expect(Date.parse("1970-01-01T00:00:01Z")).toBe(1000);
    expect(Date.UTC(1970, 0, 2)).toBe(24 * HOUR);
    expect(structuredClone(new Date(7)).getTime()).toBe(7);
    expect(new Intl.DateTimeFormat("en-CA", { timeZone: "UTC" }).format(new Date(0))).toBe("1970-01-01");
  });

  it("gives the real Date back when it is closed", () => {
    const real = Date;
    const clock = install();
    expect(Date).not.toBe(real);
    close(clock);
    expect(Date).toBe(real);
    expect(new Date().constructor).toBe(real);
  });

  it("runs as fast as it is told to", async () => {
    const clock = install();
    clock.setSpeed(1_000_000);
    const end = clock.now() + HOUR; // 3.6 ms
    while (clock.now() < end) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(clock.speed).toBe(1_000_000);
  });

  it("moves on by what it is told, and refuses to go back or to stand", () => {
    const clock = install();
    clock.setSpeed(STANDING);
    const now = clock.now();
    clock.advance(HOUR);
    expect(clock.now()).toBe(now + HOUR);
    expect(() => clock.advance(-1)).toThrow("never back");
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
    expect(() => clock.setSpeed(0)).toThrow(RangeError);
    expect(clock.now()).toBe(now + HOUR);
  });

  it("goes on from where it stopped, at the same speed", () => {
    const clock = install();
    clock.setSpeed(STANDING);
    clock.advance(HOUR);
    const stoppedAt = clock.now();
    close(clock);
    const next = install();
    expect(next.now()).toBe(stoppedAt);
    expect(next.speed).toBe(STANDING);
  });

  it("never goes back after being killed, whatever the speed", () => {
    // Tells the time for longer than the horizon in local terms, then dies without a word.
    const program = `
      const { installClock } = await import(${JSON.stringify(new URL("../../local/clock.ts", import.meta.url).href)});
      const clock = installClock({ file: ${JSON.stringify(file)} });
      clock.setSpeed(100000);
      const end = performance.now() + 30;
      while (performance.now() < end) Date.now();
      process.getBuiltinModule("node:fs").writeSync(1, String(Date.now()));
      process.kill(process.pid, "SIGKILL");`;
    const killed = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
    expect(killed.signal).toBe("SIGKILL");
    const told = Number(killed.stdout);
    expect(told).toBeGreaterThan(0);
    expect(install().now()).toBeGreaterThanOrEqual(told);
  });

  it("says so when its file holds something else", () => {
    writeFileSync(file, "half past nine");
    expect(() => installClock({ file })).toThrow("does not hold a local clock");
  });
});

describe("the local clock in a child process", () => {
  it("is the same, for plain CommonJS code, and follows when the main process moves it", async () => {
    const clock = install();
    clock.setSpeed(STANDING);
    clock.advance(HOUR);
    const program = join(folder, "function.cjs");
    // Answers a little later, as the next invocation would: within 5 ms it may not look again.
    writeFileSync(program, `process.stdin.on("data", () => setTimeout(() => console.log(Date.now(), new Date().getTime()), 10));`);
    const { execArgv, env } = clock.forChildren;
    const child = spawn(process.execPath, [...execArgv, program], { env, stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const ask = async () => {
      child.stdin.write("?");
      return (await lines.next()).value;
    };
    try {
      expect(await ask()).toBe(`${clock.now()} ${clock.now()}`);
      clock.advance(24 * HOUR);
      expect(await ask()).toBe(`${clock.now()} ${clock.now()}`);
      clock.setSpeed(1e9);
      close(clock);
      const standing = await ask();
      expect(await ask()).toBe(standing);
    } finally {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await gone;
    }
  });

  it("does not start without a clock to follow", () => {
    const { execArgv, env } = install().forChildren;
    const start = (env: NodeJS.ProcessEnv) => spawnSync(process.execPath, [...execArgv, "-e", "0"], { env, encoding: "utf8" });
    expect(start({}).stderr).toContain("AUTO_RECHARGE_LOCAL_CLOCK does not name the local clock's file");
    expect(start({ AUTO_RECHARGE_LOCAL_CLOCK: join(folder, "none") }).stderr).toContain("There is no local clock in");
    expect(start({ ...env }).status).toBe(0);
  });
});
