import { describe, expect, it } from "@jest/globals";
import { cardStanding, type Decline, retryAt, type Severity } from "../../functions/domain/declines.ts";
import { epochMilliseconds, type Instant, plusMinutes } from "../../functions/domain/time.ts";
import { NOW } from "../builders.ts";

const hours = (count: number): Instant => plusMinutes(NOW, count * 60);
let number = 0;
const decline = (severity: Severity, at: Instant): Decline => ({ rechargeId: `re-${++number}`, at, code: "card_declined", severity });
const backingOff = (until: Instant) => ({ kind: "backing-off", until });

/** What comes of a card that is asked whenever it may be, and is always answered alike. */
function series(severity: Severity) {
  const declines: Decline[] = [];
  for (let at: Instant | undefined = NOW; at !== undefined; at = retryAt(declines)) {
    declines.push(decline(severity, at));
    if (declines.length > 100) throw new Error("It never ends");
  }
  return { declines, standing: cardStanding(declines, plusMinutes(declines.at(-1)?.at ?? NOW, 1)) };
}

const hoursSinceFirst = ({ at }: Decline) => (epochMilliseconds(at) - epochMilliseconds(NOW)) / 3_600_000;

describe("the standing of a card", () => {
  it("is usable without declines", () => expect(cardStanding([], NOW)).toEqual({ kind: "usable" }));

  it("after soft declines is tried 1, 3 and 7 hours after the first, and suspended at the fourth", () => {
    const { declines, standing } = series("soft");
    expect(declines.map(hoursSinceFirst)).toEqual([0, 1, 3, 7]);
    expect(standing).toEqual({ kind: "exhausted", reason: "declined-too-often" });
  });

  it("after a hard decline is over at once, whatever came before", () => {
    expect(series("hard").declines).toHaveLength(1);
    expect(cardStanding([decline("soft", NOW), decline("hard", NOW)], hours(9))).toEqual({ kind: "exhausted", reason: "card-refused-for-good" });
  });

  it("in an outage of the bank is tried as seldom, then every three days, and suspended after a month", () => {
    const { declines, standing } = series("outage");
    expect(declines.map(hoursSinceFirst)).toEqual([0, 1, 3, 7, 79, 151, 223, 295, 367, 439, 511, 583]);
    expect(standing).toEqual({ kind: "exhausted", reason: "declined-too-often" });
  });

  it("is never asked more than 15 times in any 30 days, as Visa has it", () => {
    for (const severity of ["soft", "outage"] as const)
      expect(series(severity).declines.filter((each) => hoursSinceFirst(each) < 30 * 24).length).toBeLessThanOrEqual(15);
  });

  it("does not hold an outage against the card: only soft declines count towards the fourth", () => {
    const outages = [0, 1, 3].map((hour) => decline("outage", hours(hour)));
    const soft = [7, 79, 151].map((hour) => decline("soft", hours(hour)));
    expect(cardStanding([...outages, ...soft], hours(300)).kind).toBe("usable");
    expect(cardStanding([...outages, ...soft, decline("soft", hours(223))], hours(300))).toEqual({ kind: "exhausted", reason: "declined-too-often" });
  });

  it("rests an hour after the last decline at least, in whatever order they are told", () => {
    const declines = [decline("soft", hours(24)), decline("soft", NOW)];
    expect(cardStanding(declines, hours(24.5))).toEqual(backingOff(hours(25)));
    expect(cardStanding(declines, hours(25))).toEqual({ kind: "usable" });
  });
});
