import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { keptFor, randomIds, systemClock } from "../../functions/adapters/system.ts";
import { installClock, type LocalClock } from "../../local/clock.ts";

const MINUTE = 60_000;

/** Makes 1, 2, 3, ..., and fails where it is told to. */
function maker({ failing = [] }: { readonly failing?: readonly number[] } = {}) {
  let made = 0;
  return async () => {
    made += 1;
    if (failing.includes(made)) throw new Error(`attempt ${made} failed`);
    return made;
  };
}

describe("what is kept", () => {
  let folder: string;
  let clock: LocalClock;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "system-"));
    clock = installClock({ file: join(folder, "clock") });
    clock.setSpeed(1e-9); // stands still, unless a test moves it
  });
  afterEach(() => {
    clock.close();
    rmSync(folder, { recursive: true });
  });

  it("is made once and given to all, even to those who ask while it is made", async () => {
    const get = keptFor(5, maker());
    expect(await Promise.all([get(), get()])).toEqual([1, 1]);
    clock.advance(5 * MINUTE - 1);
    expect(await get()).toBe(1);
  });

  it("is made anew after its minutes, counted from its making and not from its last use", async () => {
    const get = keptFor(5, maker());
    await get();
    clock.advance(4 * MINUTE);
    await get();
    clock.advance(MINUTE);
    expect(await get()).toBe(2);
    expect(await get()).toBe(2);
  });

  it("is made anew every time when it is kept for no time", async () => {
    const get = keptFor(0, maker());
    expect([await get(), await get()]).toEqual([1, 2]);
  });

  it("is made anew at once after a failure, which everyone who waited is told", async () => {
    const get = keptFor(5, maker({ failing: [1, 2] }));
    const first = await Promise.allSettled([get(), get()]);
    expect(first.map((outcome) => outcome.status)).toEqual(["rejected", "rejected"]);
    await expect(get()).rejects.toThrow("attempt 2 failed");
    expect(await get()).toBe(3);
    expect(await get()).toBe(3);
  });
});

describe("the system's clock and ids", () => {
  it("tell the time in UTC with milliseconds", () => {
    const [before, now, after] = [Date.now(), systemClock.now(), Date.now()];
    expect(now).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Date.parse(now)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(now)).toBeLessThanOrEqual(after);
  });

  it("give no id twice", () => {
    const ids = Array.from({ length: 1000 }, () => randomIds.next());
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
