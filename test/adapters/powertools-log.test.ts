import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { masked, powertoolsLog } from "../../functions/adapters/powertools-log.ts";

describe("the log", () => {
  let lines: string[];
  beforeEach(() => {
    process.env.POWERTOOLS_DEV = "true"; // writes to this console instead of one of its own
    lines = [];
    for (const method of ["info", "warn", "error"] as const) jest.spyOn(console, method).mockImplementation((line: unknown) => void lines.push(String(line)));
  });
  afterEach(() => {
    delete process.env.POWERTOOLS_DEV;
    jest.restoreAllMocks();
  });

  it("writes a line of JSON with a code to search for, and its fields", () => {
    powertoolsLog("recharge").warn("carrier-refused", { rechargeId: "e0f0b7ec-3242-4a8b-9f57-123456789012" });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "WARN",
      service: "recharge",
      message: "carrier-refused",
      code: "carrier-refused",
      rechargeId: "e0f0b7ec-3242-4a8b-9f57-123456789012",
    });
  });

  it("has its own code, whatever else it says", () => {
    const log = powertoolsLog("recharge");
    // @ts-expect-error: a field of that name would hide what a line is searched by
    log.warn("carrier-refused", { code: "line-closed" });
    // @ts-expect-error: so would one that every line has
    log.warn("carrier-refused", { message: "line-closed" });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ code: "carrier-refused", message: "carrier-refused" });
  });

  it("masks what names a person, wherever it stands: also in errors and their causes", () => {
    const cause = new Error("no mail to ada@example.com");
    const error = new Error("line 8986012345678900017 of +8613800000001", { cause });
    powertoolsLog("notify").error("message-failed", { error, nested: { list: ["4242 4242 4242 4242"] } });
    expect(lines).toHaveLength(1);
    for (const told of ["8986012345678900017", "+8613800000001", "ada@example.com", "4242 4242"]) expect(lines[0]).not.toContain(told);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      error: { message: "line [number] of [phone]", cause: { message: "no mail to [e-mail]" } },
      nested: { list: ["[number]"] },
    });
  });
});

describe("a text for the log", () => {
  it.each([
    ["iccid=8986012345678900017", "iccid=[number]"],
    ["to <ada.lin+x@mail.example.co.uk>, and on", "to <[e-mail]>, and on"],
    ['{"phone":"+8613800000001"}', '{"phone":"[phone]"}'],
    ["card 4242424242424242.", "card [number]."],
  ])("%s becomes %s", (text, expected) => {
    expect(masked(text)).toBe(expected);
  });

  it.each([
    "pi_3NvXyZ1234567890123456",
    "e0f0b7ec-3242-4a8b-9f57-123456789012",
    "2026-11-28T15:31:37.779Z",
    "arn:aws:sqs:us-east-1:000000000000:Recharge",
    "…0017",
    "999999999999",
  ])("%s stays, as somebody searches for it", (text) => {
    expect(masked(text)).toBe(text);
  });
});
