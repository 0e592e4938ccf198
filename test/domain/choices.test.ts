import { describe, expect, it } from "@jest/globals";
import { choicesOf } from "../../functions/domain/choices.ts";

describe("what holds for a subscriber", () => {
  const byDefault = { language: "en", timeZone: "UTC", notices: { channels: ["email"], succeeded: true, monthlySummary: true } };

  it("is English, UTC and everything by e-mail until they choose", () => {
    for (const chosen of [undefined, {}]) expect(choicesOf(chosen)).toEqual(byDefault);
  });

  it("is what they chose, and the rest as before", () => {
    const notices = { channels: ["sms"], succeeded: false, monthlySummary: false } as const;
    expect(choicesOf({ language: "zh-CN", timeZone: "Asia/Shanghai", notices })).toEqual({ language: "zh-CN", timeZone: "Asia/Shanghai", notices });
    expect(choicesOf({ language: "zh-CN" })).toEqual({ ...byDefault, language: "zh-CN" });
  });

  it("is UTC where a time zone is none (any more)", () => {
    for (const timeZone of ["Mars/Olympus_Mons", "", "+08:00"]) expect(choicesOf({ timeZone }).timeZone).toBe("UTC");
  });
});
