import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CLOCK_FILE_VARIABLE } from "../../local/clock.ts";
import { endLocal, type LocalProcess, runLocal } from "./local-process.ts";
import { within } from "./within.ts";

const START_SECONDS = 60;
const STOP_SECONDS = 30;
/** Functions notice at once that their host is gone; a machine may be busy. */
const ORPHAN_SECONDS = 10;
const POLL_MILLISECONDS = 50;

/** `stack`: everything, by its process group. `functions`: the processes in which functions run, while the rest lives on. */
export type Victim = "stack" | "functions";

/** The local stack on one state folder: it can be killed, and whoever asks for it then starts it again. */
export function mortalStack(state: string, assembly: string) {
  const start = () => runLocal("start", ["--assembly", assembly, "--state", state, "--port", "0"]);
  const past: LocalProcess[] = [];
  const killed = new Set<LocalProcess>();
  let life = start();
  const hasEnded = () => life.process.exitCode !== null || life.process.signalCode !== null;
  const isDead = () => killed.has(life) || hasEnded();
  const expectNoFunctions = async () => {
    const giveUpAt = performance.now() + ORPHAN_SECONDS * 1000;
    while (functionsOf(state).length > 0) {
      if (performance.now() > giveUpAt) throw new Error("The functions outlived the stack");
      await sleep(POLL_MILLISECONDS);
    }
  };

  return {
    isDead,
    /** What all its lives have said. */
    said: () => [...past, life].map((each) => each.output()).join(""),
    /** Where it is reached, once it is ready. Throws when it ended or hangs by itself. */
    async url(): Promise<string> {
      const giveUpAt = performance.now() + START_SECONDS * 1000;
      while (performance.now() < giveUpAt) {
        if (hasEnded()) {
          if (!killed.has(life)) throw new Error(`The stack ended by itself (${life.process.exitCode ?? life.process.signalCode})`);
          await expectNoFunctions();
          past.push(life);
          life = start();
        }
        const ready = /Ready at (\S+)/.exec(life.output())?.[1];
        if (ready !== undefined && !isDead()) return ready;
        await sleep(POLL_MILLISECONDS);
      }
      throw new Error(`The stack was not ready within ${START_SECONDS} s`);
    },
    /** Whether there was anything to kill: functions that have nothing to do end by themselves. */
    kill(victim: Victim): boolean {
      if (isDead()) return false;
      if (victim === "functions") return functionsOf(state).filter(killIfAlive).length > 0;
      killed.add(life);
      void endLocal(life, "SIGKILL");
      return true;
    },
    /** Ctrl-C, as at the end of a day. */
    async stop(): Promise<void> {
      const code = await within(STOP_SECONDS, "the stack ends by Ctrl-C", endLocal(life));
      if (code !== 0) throw new Error(`Ctrl-C ended the stack with ${code}`);
      await expectNoFunctions();
    },
    discard: () => within(STOP_SECONDS, "the killed stack is gone", endLocal(life, "SIGKILL")),
  };
}

export type MortalStack = ReturnType<typeof mortalStack>;

/** The processes of the functions that work for the stack on this state folder: they alone are told where its clock is. */
function functionsOf(state: string): number[] {
  const sign = `${CLOCK_FILE_VARIABLE}=${join(state, "clock.json")}`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(sign);
      } catch {
        return false; // it ended meanwhile, or is not ours
      }
    })
    .map(Number);
}

function killIfAlive(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false; // it ended meanwhile
  }
}
