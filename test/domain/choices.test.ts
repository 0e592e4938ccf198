import { describe, expect, it } from "@jest/globals";
import { choicesOf, type NoticeChoices } from "../../functions/domain/choices.ts";

describe("what holds for a subscriber", () => {
  const byDefault = { language: "en", timeZone: "UTC", notices: { channels: ["email"], succeeded: true, monthlySummary: true } };

  it("is English, UTC and everything by e-mail until they choose", () => {
    for (const chosen of [undefined, {}]) expect(choicesOf(chosen)).toEqual(byDefault);
  });

  it("is text messages to whoever has nothing but a phone, until they choose", () => {
    const phoneNumber = "+8613800000000";
    expect(choicesOf({ phoneNumber }).notices.channels).toEqual(["sms"]);
    expect(choicesOf({ phoneNumber, email: "ada@example.com" }).notices.channels).toEqual(["email"]);
    expect(choicesOf({ phoneNumber, notices: byDefault.notices as NoticeChoices }).notices.channels).toEqual(["email"]);
  });

  it("is what they chose, and the rest as before", () => {
    const notices = { channels: ["sms"], succeeded: false, monthlySummary: false } as const;
    expect(choicesOf({ language: "zh-CN", timeZone: "Asia/Shanghai", notices })).toEqual({ language: "zh-CN", timeZone: "Asia/Shanghai", notices });
    expect(choicesOf({ language: "zh-CN" })).toEqual({ ...byDefault, language: "zh-CN" });
  });

  it("is the time zone of their rule until they choose one", () => {
    expect(choicesOf({ ruleTimeZone: "Asia/Shanghai" }).timeZone).toBe("Asia/Shanghai");
    expect(choicesOf({ ruleTimeZone: "Asia/Shanghai", timeZone: "Europe/Berlin" }).timeZone).toBe("Europe/Berlin");
    expect(choicesOf({ ruleTimeZone: "Asia/Shanghai", timeZone: "Mars/Olympus_Mons" }).timeZone).toBe("Asia/Shanghai");
  });

  it("is UTC where a time zone is none (any more)", () => {
    for (const timeZone of ["Mars/Olympus_Mons", "", "+08:00"]) expect(choicesOf({ timeZone }).timeZone).toBe("UTC");
  });
});
