import type { Random } from "./random.ts";

/** What a worker calls. */
export const SYSTEMS = ["database", "stripe", "carrier", "bus", "queues", "mail", "issuer"] as const;
export type System = (typeof SYSTEMS)[number];

/** What can become of a call, besides going well. */
const CALL_FAULTS = [
  /** The worker dies just before it, or just after what was asked for was done. */
  "crash-before",
  "crash-after",
  /** Nothing was done, all of it was, or it will be when the caller has long given up: the caller cannot tell which. */
  "lost-request",
  "lost-reply",
  "late-effect",
  /** Turned away: throttled, 409, 429, 500, 503. */
  "refused",
  /** An error, although it was done. */
  "refused-after-effect",
  /** Done, and the answer cannot be read. */
  "garbled",
  /** Sent once more below us, as an SDK does after a broken connection: the caller sees the second answer. */
  "doubled",
  /** It takes seconds. */
  "slow",
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];
export type Fate = CallFault | "fine";

/** What the rest of the world does to us. */
const WORLD_FAULTS = ["duplicate-delivery", "late-delivery", "lost-webhook", "stale-index", "skipped-tick", "outage", "forgotten-keys"] as const;
/** How issuers, Stripe and carriers answer when all goes well with the call itself. */
const ANSWERS = [
  "soft-decline",
  "hard-decline",
  "issuer-outage",
  "authentication",
  "processing",
  "processing-then-failed",
  "refund-trouble",
  "carrier-refusal",
  "late-credit",
  /** The customer pays just when we are about to cancel. */
  "last-moment-payment",
] as const;
/** What people do, each at its own rate a day. */
const DEEDS = [
  "pause",
  "edit",
  "change-card",
  "change-time-zone",
  "delete-rule",
  "manual-top-up",
  "burst",
  "new-owner",
  "customer-acts",
  "recharge-now",
  "call-off",
  "pay-for-another",
  "end-paying",
  "redrive",
  "kill-switch",
  "hold",
  "refund-by-hand",
  "dispute",
  "detach",
  "resolve",
  "restore",
] as const;
export type Deed = (typeof DEEDS)[number];
export type FaultKind = CallFault | (typeof WORLD_FAULTS)[number] | (typeof ANSWERS)[number] | Deed | "timeout";

export const FAULT_KINDS: readonly FaultKind[] = [...CALL_FAULTS, ...WORLD_FAULTS, ...ANSWERS, ...DEEDS, "timeout"];

export interface Call {
  readonly system: System;
  /** `esims.save`, `POST /v1/refunds`. */
  readonly what: string;
  readonly changes: boolean;
  /** Whether what lies between us and the system may send it once more by itself. */
  readonly mayRepeat: boolean;
}

/** Everything that goes wrong in one run. Replace it to have something certain go wrong. */
export interface Faults {
  fateOf(call: Call): Fate;
  /** Whether something that is not a call's own fault happens here and now. */
  happens(kind: FaultKind): boolean;
  /** How often a day. */
  perDay(deed: Deed): number;
  /** From now on all goes well. */
  end(): void;
  readonly counts: ReadonlyMap<FaultKind, number>;
}

interface Outage {
  readonly system: System;
  readonly from: number;
  readonly to: number;
}

const HOUR = 3_600_000;

/** Of these, so many in a run at most: each copy of a poke is sent on while its line is taken, so that many more would be a storm of copies and little else. */
const MOST_COPIES = 15;

/**
 * The faults of a seed: each kind is there in half of the seeds, at a rate of its own.
 *
 * With all of them at once nothing would ever get far enough for the rare ones to matter.
 */
export function drawFaults(random: Random, now: () => number, span: { readonly from: number; readonly to: number }): Faults {
  const rateOf = new Map<FaultKind, number>();
  const isQuiet = random.chance(0.05);
  for (const kind of CALL_FAULTS) rateOf.set(kind, isQuiet || random.chance(0.5) ? 0 : random.pick([0.001, 0.005, 0.02, 0.05]));
  for (const kind of WORLD_FAULTS) rateOf.set(kind, isQuiet || random.chance(0.5) ? 0 : random.pick([0.005, 0.02, 0.1, 0.3]));
  for (const kind of ANSWERS) rateOf.set(kind, random.chance(0.6) ? 0 : random.pick([0.02, 0.1, 0.3, 0.6]));
  // What is given back is what a carrier refused: troubles with it are seldom met unless both come together.
  if (rateOf.get("carrier-refusal") !== 0 && random.chance(0.5)) rateOf.set("refund-trouble", random.pick([0.3, 0.7]));
  const deeds = new Map(DEEDS.map((deed) => [deed, isQuiet || random.chance(0.5) ? 0 : random.pick([0.5, 2, 8])]));
  const outages = (rateOf.get("outage") ?? 0) === 0 ? [] : Array.from({ length: random.int(1, 3) }, () => drawOutage(random, span));
  const counts = new Map<FaultKind, number>();
  let isOver = false;
  let queueFaults = 0;

  const count = (kind: FaultKind) => void counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const happens = (kind: FaultKind) => {
    if (kind === "duplicate-delivery" && (counts.get(kind) ?? 0) >= MOST_COPIES) return false;
    if (isOver || !random.chance(rateOf.get(kind) ?? 0)) return false;
    count(kind);
    return true;
  };

  return {
    counts,
    happens,
    perDay: (deed) => (isOver ? 0 : (deeds.get(deed) ?? 0)),
    end() {
      isOver = true;
    },
    fateOf({ system, what, changes, mayRepeat }) {
      if (what === "POST /v1/refunds" && happens("refund-trouble")) return random.pick(["lost-request", "lost-reply", "late-effect"]);
      if (system === "queues" && queueFaults >= MOST_COPIES) return "fine";
      if (isOver) return "fine";
      if (outages.some((outage) => outage.system === system && outage.from <= now() && now() < outage.to)) {
        count("outage");
        return random.chance(0.5) ? "lost-request" : "refused";
      }
      const fate = CALL_FAULTS.find((kind) => (changes || !isAboutChanges(kind)) && (mayRepeat || kind !== "doubled") && random.chance(rateOf.get(kind) ?? 0));
      if (fate === undefined) return "fine";
      count(fate);
      if (system === "queues") queueFaults += 1;
      return fate;
    },
  };
}

function isAboutChanges(kind: CallFault): boolean {
  return kind === "late-effect" || kind === "refused-after-effect" || kind === "doubled";
}

function drawOutage(random: Random, { from, to }: { readonly from: number; readonly to: number }): Outage {
  const start = random.int(from, to);
  return { system: random.pick(SYSTEMS), from: start, to: start + random.int(1, 30) * (HOUR / 5) };
}
