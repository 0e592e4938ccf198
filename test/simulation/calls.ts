import { AsyncLocalStorage } from "node:async_hooks";
import type { Call, Faults } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** Somebody who runs our code: a function's invocation. Killed, it never goes on: what it waits for does not come. */
export interface Worker {
  readonly name: string;
  readonly endsAt: number;
  /** By how much its clock is wrong. */
  readonly skewMilliseconds: number;
  isDead: boolean;
}

/** One call of a worker, and what it looks like when it goes wrong. */
export interface Asked<T> extends Call {
  readonly act: () => T | Promise<T>;
  /** What the caller gets when no answer comes, and after how long. */
  readonly lost: () => Error;
  readonly patienceMilliseconds: number;
  /** The answer of a system that turns the call away; may throw. */
  readonly refuse: () => T;
  /** An answer that cannot be read; may throw. */
  readonly garble: (answer: T) => T;
}

export interface Calls {
  /** Every call of our code to anything outside it: here workers overtake each other, die, and hear wrong things. */
  make<T>(asked: Asked<T>): Promise<T>;
  /** Runs our code as a worker that is killed when its time is over. */
  run(name: string, milliseconds: number, work: () => Promise<void>, ended: (fault: unknown) => void): void;
  /** The time on the clock of whoever asks. */
  clockOf(): number;
}

/** What everything that is simulated is made with. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly calls: Calls;
  /** A sentence for the story. */
  readonly say: (text: () => string) => void;
}

const LATE_MILLISECONDS: readonly [number, ...number[]] = [1000, 30_000, 60_000, 600_000, 3_600_000];

export function callsOver(scheduler: Scheduler, random: Random, faults: Faults, skewMilliseconds: number, tell: (text: () => string) => void): Calls {
  const current = new AsyncLocalStorage<Worker>();
  let workers = 0;

  function isGone(worker: Worker): boolean {
    if (!worker.isDead && scheduler.now() >= worker.endsAt) kill(worker, "its time is over");
    return worker.isDead;
  }

  function kill(worker: Worker, why: string): void {
    worker.isDead = true;
    tell(() => `${worker.name} is killed: ${why}`);
  }

  function run(name: string, milliseconds: number, work: () => Promise<void>, ended: (fault: unknown) => void): void {
    workers += 1;
    const skew = skewMilliseconds === 0 ? 0 : random.int(-skewMilliseconds, skewMilliseconds);
    const worker: Worker = { name: `${name} ${workers}`, endsAt: scheduler.now() + milliseconds, skewMilliseconds: skew, isDead: false };
    current.run(worker, () => {
      work().then(
        () => worker.isDead || ended(undefined),
        (fault: unknown) => {
          if (worker.isDead) return;
          tell(() => `${worker.name} gives up: ${String(fault)}`);
          ended(fault);
        },
      );
    });
  }

  function make<T>({ act, lost, patienceMilliseconds, refuse, garble, ...call }: Asked<T>): Promise<T> {
    const worker = current.getStore();
    if (worker === undefined) throw new Error(`${call.what} was called by nobody`);
    return new Promise((resolve, reject) => {
      if (isGone(worker)) return;
      const fate = faults.fateOf(call);
      const [there, back] = [random.int(1, fate === "slow" ? 9000 : 60), random.int(1, 60)];
      const soon = scheduler.now() + there;
      const patience = scheduler.now() + patienceMilliseconds;
      if (fate !== "fine") tell(() => `${worker.name}: ${call.what} meets "${fate}"`);
      else tell(() => `${worker.name}: ${call.what}`);

      const reply = (time: number, answer: () => void) => scheduler.at(time, () => isGone(worker) || answer());
      const giveUp = () => reply(patience, () => reject(lost()));
      /** What is done is done, whatever becomes of the one who asked. */
      const carryOut = (time: number, then: (answer: T) => void = () => {}) =>
        scheduler.at(time, () => {
          Promise.resolve()
            .then(act)
            .then(then, (error: unknown) => reply(scheduler.now() + back, () => reject(error)));
        });
      /** An answer that arrives does so at once: between what was done and that, its caller does nothing that others could see. */
      const answer = (given: T) => {
        if (!isGone(worker)) resolve(given);
      };
      const answerBy = (give: () => T) =>
        reply(scheduler.now() + back, () => {
          try {
            resolve(give());
          } catch (error) {
            reject(error);
          }
        });

      switch (fate) {
        case "fine":
        case "slow":
          carryOut(soon, answer);
          return;
        case "crash-before":
          kill(worker, `before ${call.what}`);
          return;
        case "crash-after":
          carryOut(soon, () => kill(worker, `after ${call.what}`));
          return;
        case "lost-request":
          giveUp();
          return;
        case "lost-reply":
          carryOut(soon);
          giveUp();
          return;
        case "late-effect":
          carryOut(patience + random.int(1, random.pick(LATE_MILLISECONDS)));
          giveUp();
          return;
        case "refused":
          answerBy(refuse);
          return;
        case "refused-after-effect":
          carryOut(soon, () => answerBy(refuse));
          return;
        case "garbled":
          carryOut(soon, (given) => answerBy(() => garble(given)));
          return;
        case "doubled":
          carryOut(soon, () => carryOut(scheduler.now() + back, answer));
          return;
      }
    });
  }

  return { make, run, clockOf: () => scheduler.now() + (current.getStore()?.skewMilliseconds ?? 0) };
}
