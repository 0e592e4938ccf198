import { instant } from "../../functions/domain/time.ts";
import type { Evidence } from "./evidence.ts";
import type { FaultKind } from "./faults.ts";
import { breaksOf } from "./oracle.ts";
import { letPeopleAct } from "./people.ts";
import { buildWorld, type Overrides, type World } from "./world.ts";

export interface Run {
  readonly seed: number;
  /** What is not as it must be; empty when all is well. */
  readonly breaks: readonly string[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How many recharges came to each end; `open` are those that are parked. */
  readonly ends: ReadonlyMap<string, number>;
  /** What happened, in words; empty unless it was asked for. */
  readonly story: readonly string[];
}

const HOUR = 3_600_000;
/** From the end of all faults until everything has ended: the customer's day, the carrier's day, and what backs off after them. */
const LONGEST_CONVERGENCE_HOURS = 24 * 4;

/** Longer than any queue or bus keeps a message. */
const LATEST_DELIVERY_DAYS = 16;

/** Acts out one seed: first with everything that can go wrong, then without, and judges what came of it. */
export async function runSeed(seed: number, overrides: Overrides = {}, withStory = false): Promise<Run> {
  const story: string[] = [];
  const tell = withStory ? (at: number, text: () => string) => void story.push(`${instant(at)} ${text()}`) : undefined;
  const world = await buildWorld(seed, overrides, tell);
  world.start();
  letPeopleAct(world);
  await world.scheduler.runUntil(world.convergesAt);

  world.faults.end();
  world.say(() => "From here on nothing goes wrong any more.");
  for (const queue of world.queues) queue.redrive();
  for (const iccid of world.iccids) world.carrier.setDrain(iccid, 0);
  for (let hours = 1; hours <= LONGEST_CONVERGENCE_HOURS && !isSettled(world, hours); hours++) await world.scheduler.runUntil(world.convergesAt + hours * HOUR);

  world.stopChecking();
  world.say(() => "What was delayed on its way arrives.");
  await world.scheduler.runUntil(world.scheduler.now() + LATEST_DELIVERY_DAYS * 24 * HOUR);

  const evidence = await world.evidence();
  const breaks = breaksOf(evidence);
  for (const each of breaks) world.say(() => `BROKEN: ${each}`);
  return { seed, breaks, faults: world.faults.counts, ends: endsOf(evidence), story };
}

/** Nothing is open but what a person has to end, everything was told, and the lines had time to be found low once more. */
function isSettled({ tables }: World, hours: number): boolean {
  const isOver = tables
    .writtenLast()
    .every(({ open, pendingEvents }) => pendingEvents.length === 0 && (open === undefined || open.state.name === "needs-review"));
  return hours > 3 && isOver && tables.seen.killSwitches.at(-1)?.on !== true;
}

function endsOf({ bills, lines }: Evidence): Map<string, number> {
  const ends = [...bills.map(({ end }) => String(end)), ...lines.flatMap(({ open }) => (open === undefined ? [] : [`open: ${open.state.name}`]))];
  const counts = new Map<string, number>();
  for (const end of ends) counts.set(end, (counts.get(end) ?? 0) + 1);
  return counts;
}
