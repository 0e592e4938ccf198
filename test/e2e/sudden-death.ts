import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { DemoSubscriber } from "../../local/demo-subscriber.ts";
import { synthesize } from "../../local/synthesize.ts";
import { faults, type Memory, STORY, type Step, type World } from "./money-story.ts";
import { type MortalStack, mortalStack, type Victim } from "./mortal-stack.ts";

/**
 * `npm run test:sudden-death`: the story of `npm run demo`, told over and over while everything dies under it.
 *
 * Killed with SIGKILL, at moments drawn from a seed: the whole local stack (queues, tables, Stripe, carrier, bus, schedules, API and issuer are one
 * process group; its functions must notice and end by themselves), or only the functions that run at that moment, while the cloud around them lives on.
 * Then the stack is started again on the same state, as `npm start` would be by a person, and the story goes on; every step may be taken again.
 *
 * Not simulated: the death of the machine itself (what the kernel has taken from a process counts as written), a full or broken disk, a network that
 * drops packets, and one cloud service dying alone. Reads /proc, so it runs on Linux only.
 */

const HELP = `npm run test:sudden-death [-- options]
  --seeds <n>       how many stories, of seeds 1 to n (20)
  --seed <n>        only the story of this seed
  --kills <n>       kills in a story, instead of one to three
  --assembly <dir>  run this cloud assembly instead of synthesizing one`;

/** Stories told at a time: each keeps about one processor busy. */
const AT_A_TIME = 2;
/** How long a step may take, with the starts in it: some ten times what it takes on a machine with nothing else to do. */
const STEP_SECONDS = 60;
const POLL_MILLISECONDS = 50;
/** How often to look for the sign of a kill: less than a step of a worker takes. */
const SIGN_MILLISECONDS = 3;

/** A moment of the story, seen in what the stack and the teller have said so far; the kill comes up to `within` milliseconds later. */
interface Moment {
  readonly name: string;
  readonly sign: RegExp;
  readonly within: number;
}

/** One step of a worker takes some 10 ms: most kills fall into the few steps after their moment. */
const STEPS_MILLISECONDS = 120;
/** A start takes one to three seconds. */
const STARTING: Moment = { name: "it came to life", sign: /^/, within: 2500 };

/** In the order of the story. */
const MOMENTS: readonly Moment[] = [
  STARTING,
  during("Ada saves her rule", /# Ada saves her rule/),
  during("the rule is saved", /RuleSaved +…0025/),
  during("a check is due", /# a check finds it low$/m),
  during("the line is found low", /LowBalanceDetected +…0025/),
  during("the payment is made", /stripe +created/),
  during("the card is charged", /stripe +charged/),
  during("the line is credited", /carrier +credited/),
  during("the success is published", /RechargeSucceeded/),
  during("the mail is sent", /mail +mail +.*recharged/),
  during("a quiet check", /# 60 quiet minutes/),
  during("Ada changes her card", /# Ada changes to a card/),
  during("the card declines", /stripe +declined/),
  during("the payment is canceled", /stripe +canceled/),
  during("the decline is published", /RechargeDeclined/),
  during("the mail of the decline is sent", /mail +mail +.*declined/),
];

function during(name: string, sign: RegExp): Moment {
  return { name, sign, within: STEPS_MILLISECONDS };
}

interface Kill {
  readonly moment: Moment;
  readonly afterMilliseconds: number;
  readonly victim: Victim;
}

/** The kills of a story. The seeds go through the moments in turn, so that a run spreads over all of them; what follows hits the recovery, or comes later. */
function planKills(seed: number, count: number | undefined): Kill[] {
  const draw = random(seed);
  const kills = count ?? 1 + Math.floor(draw() ** 2 * 3);
  let place = (seed - 1) % MOMENTS.length;
  return Array.from({ length: kills }, (_, index) => {
    const isRecovery = index > 0 && draw() < 0.5;
    if (index > 0 && !isRecovery) place += Math.floor(draw() * (MOMENTS.length - place));
    const chosen = isRecovery ? STARTING : (MOMENTS[place] ?? STARTING);
    const victim = chosen !== STARTING && draw() < 0.3 ? "functions" : "stack";
    return { moment: chosen, afterMilliseconds: Math.floor(draw() ** 2 * chosen.within), victim };
  });
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32, public domain). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Outcome {
  readonly seed: number;
  readonly seconds: number;
  readonly kills: readonly string[];
  /** What went wrong, if anything did, with all that was said. */
  readonly failure?: string;
}

async function tellStory(seed: number, kills: readonly Kill[], assembly: string): Promise<Outcome> {
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
      const isReached = () => !stack.isDead() && moment.sign.test(`${told.join("\n")}\n${stack.said()}`);
      while (!isReached() && !isOver) await sleep(SIGN_MILLISECONDS);
      if (!isReached()) continue; // its sign was lost in an earlier kill
      await sleep(afterMilliseconds);
      killed.push(`the ${victim}, ${afterMilliseconds} ms after ${moment.name}, at ${secondsPassed()} s; ${lastHappening(stack.said())}`);
      stack.kill(victim);
    }
  }

  const killing = killAll();
  let failure: string | undefined;
  try {
    for (const step of STORY) {
      told.push(`# ${step.name}`);
      await comeTrue(stack, memory, step);
    }
    isOver = true;
    await killing;
    if (killed.length === 0) throw new Error("Nothing was killed");
    await comeTrue(stack, memory, { name: "all is as it must be", take: allIsWell });
    await stack.stop();
  } catch (error) {
    failure = `${error instanceof Error ? error.message : String(error)}\n\n${told.join("\n")}\n\n${stack.said()}\nKept in ${folder}`;
    isOver = true;
    await killing;
    await stack.discard();
  }
  process.off("exit", discard);
  if (failure === undefined) rmSync(folder, { recursive: true, force: true });
  return { seed, seconds: secondsPassed(), kills: killed, failure };
}

async function comeTrue(stack: MortalStack, memory: Memory, { name, take }: Step): Promise<void> {
  const giveUpAt = performance.now() + STEP_SECONDS * 1000;
  for (;;) {
    const url = await stack.url();
    let because = "";
    try {
      if (await take(await enter(url, memory))) return;
    } catch (error) {
      because = `: ${error instanceof Error ? error.message : String(error)}`; // it died, or is not there yet
    }
    if (performance.now() > giveUpAt) throw new Error(`"${name}" did not come true within ${STEP_SECONDS} s${because}`);
    await sleep(POLL_MILLISECONDS);
  }
}

async function enter(url: string, memory: Memory): Promise<World> {
  const token = await (await fetch(`${url}/local/token`)).text();
  return {
    ada: new DemoSubscriber(url, token),
    memory,
    async read(path, shape) {
      const reply = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      if (!reply.ok) throw new Error(`${path} answered ${reply.status}: ${await reply.text()}`);
      return z.parse(shape, await reply.json());
    },
  };
}

async function allIsWell(world: World): Promise<boolean> {
  const found = await faults(world);
  if (found.length > 0) throw new Error(found.join("; "));
  return true;
}

/** The last line of the timeline: `2026-11-23 20:01:45  stripe    charged ...`. */
function lastHappening(said: string): string {
  const last = [...said.matchAll(/^\d{4}-\S+ \S+ +(\S+) +(.+?) {2,}/gm)].at(-1);
  return last === undefined ? "nothing had happened yet" : `the last thing that happened was ${last[1]} ${last[2]}`;
}

function print({ seed, seconds, kills, failure }: Outcome, repeat: string): void {
  console.log(`seed ${seed}: ${failure === undefined ? "one charge, one credit" : "BROKEN"}, ${seconds} s`);
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
      seeds: { type: "string", default: "20" },
      seed: { type: "string" },
      kills: { type: "string" },
      assembly: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const seeds =
    values.seed === undefined ? Array.from({ length: wholeNumber("seeds", values.seeds) }, (_, index) => index + 1) : [wholeNumber("seed", values.seed)];
  const count = values.kills === undefined ? undefined : wholeNumber("kills", values.kills);

  process.once("SIGINT", () => process.exit(130));
  const made = mkdtempSync(join(tmpdir(), "auto-recharge-death-cdk-"));
  const assembly = values.assembly ?? made;
  const sameOptions = [values.kills && `--kills ${values.kills}`, values.assembly && `--assembly ${values.assembly}`].filter((option) => option !== undefined);
  const broken: number[] = [];
  let killed = 0;
  async function tellMore(): Promise<void> {
    for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
      const outcome = await tellStory(seed, planKills(seed, count), assembly);
      print(outcome, ["npm run test:sudden-death --", `--seed ${seed}`, ...sameOptions].join(" "));
      killed += outcome.kills.length;
      if (outcome.failure !== undefined) broken.push(seed);
    }
  }
  try {
    if (values.assembly === undefined) await synthesize(made);
    const stories = seeds.length;
    await Promise.all(Array.from({ length: AT_A_TIME }, tellMore));
    console.log(`${stories} stories, ${killed} kills, ${broken.length === 0 ? "all went on where they were" : `broken: seeds ${broken.join(", ")}`}`);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  if (broken.length > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
