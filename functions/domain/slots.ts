import type { Iccid } from "./iccid.ts";

/** How often a line of this tier is looked at, in minutes. */
export const TIER_MINUTES = { "15m": 15, "1h": 60, "6h": 360, "24h": 1440 } as const;

export type Tier = keyof typeof TIER_MINUTES;

/** The tier of a line about which nothing is known yet, and of one whose rule has just changed. */
export const SHORTEST_TIER: Tier = "15m";

/** A wheel turns once in the longest tier: looking further back than that names no slot that is not named already. */
export const LONGEST_TIER_MINUTES = 1440;

/** FNV-1a over the digits, 32 bits: spreads lines evenly and never changes, since stored index keys are made of it. */
export function hashIccid(iccid: Iccid): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < iccid.length; i++) {
    hash ^= iccid.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** The sort key of a line within its slot: eight hex digits, so that a slot can be cut into ranges. */
export function slotHash(iccid: Iccid): string {
  // Mixed once more: the slot itself is taken from the low bits, and a range must not hold one slot's lines only.
  return (Math.imul(hashIccid(iccid), 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
}

/** `<tier>#<slot>`: the partition of the slot wheel in which a line is found. */
export function slotKey(iccid: Iccid, tier: Tier): string {
  return `${tier}#${hashIccid(iccid) % TIER_MINUTES[tier]}`;
}

/**
 * The slots that fell due after `plannedThrough` up to and including `through` (epoch minutes), each named once.
 *
 * After an outage of any length that is at most one full turn of each tier.
 */
export function dueSlots(plannedThrough: number | undefined, through: number): string[] {
  const first = Math.max((plannedThrough ?? through - 1) + 1, through - LONGEST_TIER_MINUTES + 1);
  const due = new Set<string>();
  for (let minute = first; minute <= through; minute++) {
    for (const [tier, minutes] of Object.entries(TIER_MINUTES)) due.add(`${tier}#${minute % minutes}`);
  }
  return [...due];
}

/** The shards over which the lines with something to do are spread, so that no partition is hot. */
export const LOOK_SHARDS = 10;

export function lookShard(iccid: Iccid): string {
  return `look#${hashIccid(iccid) % LOOK_SHARDS}`;
}
