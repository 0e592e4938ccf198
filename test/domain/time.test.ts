import { describe, expect, it } from "@jest/globals";
import { dayIn, endOfPeriod, isTimeZone, latest, monthIn, plusMinutes } from "../../functions/domain/time.ts";

describe("time", () => {
  it("counts days and months in the subscriber's time zone", () => {
    const at = "2026-11-30T16:30:00.000Z"; // half past midnight in Shanghai
    expect([dayIn("Asia/Shanghai", at), monthIn("Asia/Shanghai", at)]).toEqual(["2026-12-01", "2026-12"]);
    expect([dayIn("UTC", at), monthIn("UTC", at)]).toEqual(["2026-11-30", "2026-11"]);
  });

  it("finds the end of a month and of a day to the minute, across daylight saving", () => {
    expect(endOfPeriod("Asia/Shanghai", "2026-11", "2026-11-23T08:00:00.000Z")).toBe("2026-11-30T16:00:00.000Z");
    expect(endOfPeriod("America/New_York", "2026-11", "2026-11-01T04:30:00.000Z")).toBe("2026-12-01T05:00:00.000Z");
    expect(endOfPeriod("America/New_York", "2026-03-08", "2026-03-08T12:00:00.000Z")).toBe("2026-03-09T04:00:00.000Z");
  });

  it("ends a period at once when it has passed, and a later one when it really ends", () => {
    expect(endOfPeriod("UTC", "2026-10", "2026-11-23T08:00:00.000Z")).toBe("2026-11-23T08:00:00.000Z");
    expect(endOfPeriod("UTC", "2026-12", "2026-11-23T08:00:00.000Z")).toBe("2027-01-01T00:00:00.000Z");
  });

  it("takes time zones by their IANA names only", () => {
    expect(["Asia/Shanghai", "UTC", "America/Argentina/Ushuaia"].every(isTimeZone)).toBe(true);
    expect(["+08:00", "Mars/Phobos", "", "asia", "Etc/../Shanghai"].some(isTimeZone)).toBe(false);
  });

  it("adds minutes and finds the latest", () => {
    const at = plusMinutes("2026-11-23T23:59:00.000Z", 2);
    expect(at).toBe("2026-11-24T00:01:00.000Z");
    expect(latest(undefined, at, "2026-11-23T00:00:00.000Z")).toBe(at);
    expect(latest(undefined)).toBeUndefined();
  });
});
