import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { dueSlots, slotHash, slotKey, TIER_MINUTES, type Tier } from "../../functions/domain/slots.ts";
import { epochMinute } from "../../functions/domain/time.ts";
import { ICCID, NOW } from "../builders.ts";

const tiers = Object.keys(TIER_MINUTES) as Tier[];
const iccids = fc.bigInt({ min: 10n ** 16n, max: 10n ** 17n - 1n }).map((n) => `89${n}`);

describe("the slot wheel", () => {
  it("keeps a line in the same slot for ever, since stored keys are made of it", () => {
    expect([slotKey(ICCID, "15m"), slotKey(ICCID, "24h"), slotHash(ICCID)]).toEqual(["15m#9", "24h#789", "2e598de5"]);
  });

  it("looks at every line exactly once in a turn of its tier", () => {
    fc.assert(
      fc.property(iccids, fc.constantFrom(...tiers), fc.integer({ min: 29_000_000, max: 30_000_000 }), (iccid, tier, start) => {
        const minutes = Array.from({ length: TIER_MINUTES[tier] }, (_, i) => start + i);
        expect(minutes.filter((minute) => dueSlots(minute - 1, minute).includes(slotKey(iccid, tier)))).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });

  it("names what fell due during an outage, each slot once, and at most a full turn", () => {
    const through = epochMinute(NOW);
    expect(dueSlots(through - 3, through)).toHaveLength(12);
    const afterDays = dueSlots(through - 10 * 1440, through);
    expect(new Set(afterDays).size).toBe(afterDays.length);
    expect(afterDays).toHaveLength(15 + 60 + 360 + 1440);
    expect(dueSlots(through, through)).toEqual([]);
  });

  it("spreads lines evenly over slots and over ranges of a slot", () => {
    const slots = new Map<string, number>();
    const halves = { lower: 0, upper: 0 };
    for (let i = 0; i < 15_000; i++) {
      const iccid = `8986012345${String(i).padStart(9, "0")}`;
      slots.set(slotKey(iccid, "15m"), (slots.get(slotKey(iccid, "15m")) ?? 0) + 1);
      if (slotKey(iccid, "15m") === "15m#3") halves[slotHash(iccid) < "80000000" ? "lower" : "upper"] += 1;
    }
    expect(slots.size).toBe(15);
    expect(Math.max(...slots.values())).toBeLessThan(1200);
    expect(Math.min(halves.lower, halves.upper)).toBeGreaterThan(350);
  });
});
