import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { lastFour } from "../../functions/domain/iccid.ts";
import { DRAINING_LINE } from "../../local/demo-data.ts";
import { synthesize } from "../../local/synthesize.ts";
import { type Random, randomFrom } from "../simulation/random.ts";
import { playInProcess } from "./in-process-stage.ts";
import { localStage, type Memory } from "./local-stage.ts";
import { mortalStack, type Victim } from "./mortal-stack.ts";
import { differences, type EndState, endState, STORIES, type Stage, type Step, type Story } from "./ten-stories.ts";
import { within } from "./within.ts";

/**
 * `npm run test:sudden-death`: ten recharges, each played twice, in one process where nothing dies, and on the local stack while everything dies under it.
 *
 * What they come to must be the same: bills, sums, the rule, what was told. Killed with SIGKILL, at moments drawn from a seed: the whole local stack
 * (queues, tables, Stripe, carrier, bus, schedules, API and issuer are one process group; its functions must notice and end by themselves), or only the
 * functions that run at that moment, while the cloud around them lives on. Then the stack is started again on the same state, as `npm start` would be by
 * a person, and the story goes on; every step may be taken again.
 *
 * Not simulated: the death of the machine itself (what the kernel has taken from a process counts as written), a full or broken disk, a network that
 * drops packets, and one cloud service dying alone. Reads /proc, so it runs on Linux only.
 */

const HELP = `npm run test:sudden-death [-- options]: ten stories, undisturbed and killed, must come to the same end states
  --seed <n>        draw the moments of the kills from this seed (1)
  --seeds <n>       play all stories with each of the seeds 1 to n
  --story <n>       only the story of this number, 1 to ${STORIES.length}: ${STORIES.map(({ name }, index) => `\n                      ${index + 1}  ${name}`).join("")}
  --kills <n>       kills in a story, instead of one to three
  --assembly <dir>  run this cloud assembly instead of synthesizing one`;

/** Stories told at a time: each keeps about one processor busy. */
const AT_A_TIME = 2;
/** How long a step may take, with the starts in it: some ten times what it takes on a machine with nothing else to do. */
const STEP_SECONDS = 60;
/** How long one try of a step may take: longer than it waits by itself. */
const TRY_SECONDS = 20;
const POLL_MILLISECONDS = 50;
/** How often to look for the sign of a kill: less than a step of a worker takes. */
const SIGN_MILLISECONDS = 3;

/** A moment of the story, seen in what the stack has said so far; the kill comes up to `within` milliseconds later. */
interface Moment {
  readonly name: string;
  readonly sign: RegExp;
  readonly within: number;
}

/** One step of a worker takes some 10 ms: most kills fall into the few steps after their moment. */
const STEPS_MILLISECONDS = 120;
/** A start takes one to three seconds. */
const STARTING: Moment = { name: "it came to life", sign: /^/, within: 2500 };

interface Kill {
  readonly moment: Moment;
  readonly afterMilliseconds: number;
  readonly victim: Victim;
}

/** The moment at which something shows in the timeline, which sets each word between two spaces and more; not on the line that is in no story. */
function momentOf(happening: string): Moment {
  return { name: happening, sign: new RegExp(`  ${happening} {2,}(?! |…${lastFour(DRAINING_LINE.iccid)})`), within: STEPS_MILLISECONDS };
}

/** The kills of a story, among what happens in it undisturbed. What follows the first hits the recovery, or comes later. */
function planKills(random: Random, happened: readonly string[], count = random.pick([1, 1, 1, 2, 2, 3])): Kill[] {
  const last = happened.length - 1;
  let place = random.int(0, last);
  return Array.from({ length: count }, (_, index) => {
    const isRecovery = index > 0 && random.chance(0.5);
    if (index > 0 && !isRecovery) place = random.int(place, last);
    const happening = happened[place];
    const moment = isRecovery || happening === undefined ? STARTING : momentOf(happening);
    const victim = moment !== STARTING && random.chance(0.3) ? "functions" : "stack";
    const { within: most } = moment;
    // The smaller of two: most is at stake right after something has happened.
    return { moment, afterMilliseconds: Math.min(random.int(0, most), random.int(0, most)), victim };
  });
}

interface Outcome {
  readonly seconds: number;
  readonly kills: readonly string[];
  /** What went wrong, if anything did, with all that was said. */
  readonly failure?: string;
}

async function playKilled({ steps }: Story, end: EndState, kills: readonly Kill[], assembly: string): Promise<Outcome> {
  const startedAt = performance.now();
  const secondsPassed = () => Math.round((performance.now() - startedAt) / 100) / 10;
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-death-"));
  const stack = mortalStack(join(folder, "state"), assembly);
  const discard = () => void stack.discard();
  process.once("exit", discard); // Ctrl-C leaves nothing behind
  const told: string[] = [];
  const memory: Memory = {};
  let isOver = false;
  const killed: string[] = [];

  async function killAll(): Promise<void> {
    for (const { moment, afterMilliseconds, victim } of kills) {
      const isReached = () => !stack.isDead() && moment.sign.test(stack.said());
      while (!isReached() && !isOver) await sleep(SIGN_MILLISECONDS);
      if (!isReached() && killed.length > 0) continue; // its sign was lost in an earlier kill
      await sleep(afterMilliseconds);
      const report = `${afterMilliseconds} ms after "${moment.name}", at ${secondsPassed()} s; ${lastHappening(stack.said())}`;
      // Where no function runs just then, there is still a stack to kill.
      const died = stack.kill(victim) ? victim : stack.kill("stack") && "stack";
      if (died !== false) killed.push(`the ${died}, ${report}`);
    }
  }

  /** As often as it takes, in whatever life the stack is. */
  async function comeTrue({ name, take }: Step): Promise<void> {
    told.push(`# ${name}`);
    const giveUpAt = performance.now() + STEP_SECONDS * 1000;
    for (;;) {
      const url = await stack.url();
      let because = "";
      try {
        if (await within(TRY_SECONDS, "the stack answered", localStage(url, memory).then(take))) return;
      } catch (error) {
        because = `: ${messageOf(error)}`; // it died, or is not there yet
      }
      if (performance.now() > giveUpAt) throw new Error(`"${name}" did not come true within ${STEP_SECONDS} s${because}`);
      await sleep(POLL_MILLISECONDS);
    }
  }

  /** What is not as it should be by now, for people: the story broke off. */
  async function seenDifferences(): Promise<string> {
    const stage = await localStage(await stack.url(), memory);
    return differences(end, endState(await stage.look())).join("\n");
  }

  const killing = killAll();
  let failure: string | undefined;
  try {
    for (const step of steps) await comeTrue(step);
    isOver = true;
    await killing;
    if (killed.length === 0) throw new Error("Nothing was killed");
    await comeTrue({ name: "the end state is the same", take: (stage) => isSame(stage, end) });
    await stack.stop();
  } catch (error) {
    isOver = true;
    await killing;
    const seen = await within(STEP_SECONDS, "the stack said how it stands", seenDifferences()).catch(messageOf);
    failure = [messageOf(error), seen, told.join("\n"), stack.said(), `Kept in ${folder}`].join("\n\n");
    await stack.discard();
  }
  process.off("exit", discard);
  if (failure === undefined) rmSync(folder, { recursive: true, force: true });
  return { seconds: secondsPassed(), kills: killed, failure };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was written last may still have to be told; on the way there, nothing may be left behind. */
async function isSame(stage: Stage, end: EndState): Promise<boolean> {
  const isQuiet = await stage.isQuiet();
  return isQuiet && differences(end, endState(await stage.look())).length === 0;
}

/** The last line of the timeline: `2026-11-23 20:01:45  stripe    charged ...`. */
function lastHappening(said: string): string {
  const last = [...said.matchAll(/^\d{4}-\S+ \S+ +(\S+) +(.+?) {2,}/gm)].at(-1);
  return last === undefined ? "nothing had happened yet" : `the last thing that happened was ${last[1]} ${last[2]}`;
}

interface Play {
  readonly number: number;
  readonly story: Story;
  readonly seed: number;
}

function nameOf({ number, story, seed }: Play): string {
  return `story ${number}, seed ${seed}: ${story.name}`;
}

function print(play: Play, { seconds, kills, failure }: Outcome, repeat: string): void {
  console.log(`${nameOf(play)}: ${failure === undefined ? "the same end state" : "BROKEN"}, ${seconds} s`);
  for (const kill of kills) console.log(`  killed ${kill}`);
  if (failure !== undefined) console.log(`\n${failure}\n\nTo see it again: ${repeat}\n`);
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`--${name} must be a whole number above 0`);
  return Number(text);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string" },
      story: { type: "string" },
      kills: { type: "string" },
      assembly: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const seeds =
    values.seeds === undefined ? [wholeNumber("seed", values.seed)] : Array.from({ length: wholeNumber("seeds", values.seeds) }, (_, index) => index + 1);
  const only = values.story === undefined ? undefined : wholeNumber("story", values.story);
  const count = values.kills === undefined ? undefined : wholeNumber("kills", values.kills);
  const plays: Play[] = seeds
    .flatMap((seed) => STORIES.map((story, index) => ({ number: index + 1, story, seed })))
    .filter(({ number }) => only === undefined || number === only);
  if (plays.length === 0) throw new Error(`--story must be a number from 1 to ${STORIES.length}`);

  process.once("SIGINT", () => process.exit(130));
  const made = mkdtempSync(join(tmpdir(), "auto-recharge-death-cdk-"));
  const assembly = values.assembly ?? made;
  const sameOptions = [values.kills && `--kills ${values.kills}`, values.assembly && `--assembly ${values.assembly}`].filter((option) => option !== undefined);
  const total = plays.length;
  const broken: string[] = [];
  let killed = 0;
  async function playMore(): Promise<void> {
    for (let play = plays.shift(); play !== undefined; play = plays.shift()) {
      const { number, story, seed } = play;
      const { end, happened } = await playInProcess(story);
      const kills = planKills(randomFrom(seed * STORIES.length + number), happened, count);
      const outcome = await playKilled(story, end, kills, assembly);
      print(play, outcome, ["npm run test:sudden-death --", `--story ${number} --seed ${seed}`, ...sameOptions].join(" "));
      killed += outcome.kills.length;
      if (outcome.failure !== undefined) broken.push(nameOf(play));
    }
  }
  try {
    if (values.assembly === undefined) await synthesize(made);
    await Promise.all(Array.from({ length: AT_A_TIME }, playMore));
    console.log(`${total} stories, ${killed} kills: ${broken.length === 0 ? "the same end states" : `NOT the same end states\n  ${broken.join("\n  ")}`}`);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  if (broken.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
