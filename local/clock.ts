import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

/** Names the clock's file to a child process that is started with the preload. */
export const CLOCK_FILE_VARIABLE = "AUTO_RECHARGE_LOCAL_CLOCK";

/** The one time of the local stack. It may run faster than real time and be moved on, and never goes back: not even when the stack is killed. */
export interface LocalClock {
  /** Milliseconds since 1970, as every `Date` of the stack tells them. */
  now(): number;
  /** Local seconds that pass in a real second. */
  readonly speed: number;
  /** Moves the time on at once. Throws a RangeError when told to go back. */
  advance(milliseconds: number): void;
  /** By how many local milliseconds it was moved on within the last real ten seconds: what was begun before may arrive so much later. */
  recentlyAdvanced(): number;
  /** Throws a RangeError unless the speed is above zero. */
  setSpeed(speed: number): void;
  /** What a child process needs to see this time: flags for node, and variables for its environment. */
  readonly forChildren: { readonly execArgv: readonly string[]; readonly env: Readonly<Record<string, string>> };
  /** Stops the time where it is, for the next start to go on from, and gives the real `Date` back. */
  close(): void;
}

/**
 * What all processes of the stack compute the time from, in milliseconds; `realAnchor` and `localAnchor` are the same moment.
 *
 * Nobody tells a time beyond `horizon` before a later one is on disk. So after a crash the time goes on from the horizon, and nothing that was
 * recorded lies in the future; and what outlives the main process stands still.
 */
interface ClockState {
  readonly realAnchor: number;
  readonly localAnchor: number;
  readonly speed: number;
  readonly horizon: number;
}

/** How far the horizon lies ahead, in real milliseconds: what a crash skips at most. */
const HORIZON_MILLISECONDS = 2000;
/** Four times within a horizon, so that a busy main process does not make the others stand still. */
const HEARTBEAT_MILLISECONDS = HORIZON_MILLISECONDS / 4;
/** A child that was told nothing looks into the file again after so many real milliseconds; reading it takes about 0.02 ms. */
const LOOK_AGAIN_MILLISECONDS = 5;

/** Longer than any request between the parts of the stack is under way. */
const RECENT_MILLISECONDS = 10_000;

/** The real `Date`, whatever is installed. */
const RealDate = Date;

/**
 * Replaces `Date` in this process by the local clock, which is kept in a file: time goes on from where it was when the stack stopped.
 *
 * `new Date()`, `Date()` and `Date.now()` tell local time. Timers and `performance.now()` stay real, and so does an `Intl.DateTimeFormat` that is
 * asked to format without being told a date. Call it before anything can take `Date.now` for itself.
 */
export function installClock({ file }: { readonly file: string }): LocalClock {
  const stopped = readState(file);
  let state = write(anchored(stopped?.horizon ?? RealDate.now(), stopped?.speed ?? 1));

  function anchored(local: number, speed: number): ClockState {
    return { realAnchor: realNow(), localAnchor: local, speed, horizon: local + HORIZON_MILLISECONDS * speed };
  }
  function write(next: ClockState): ClockState {
    writeState(file, next);
    return next;
  }
  function preciseNow(): number {
    const local = localAt(realNow(), state);
    if (local > state.horizon - (HORIZON_MILLISECONDS / 2) * state.speed) state = write(anchored(local, state.speed));
    return local;
  }

  const advances: { readonly at: number; readonly milliseconds: number }[] = [];
  const now = () => Math.floor(preciseNow());
  const heartbeat = setInterval(preciseNow, HEARTBEAT_MILLISECONDS).unref();
  const giveBack = replaceDate(now);
  return {
    now,
    get speed() {
      return state.speed;
    },
    advance(milliseconds) {
      if (!(milliseconds >= 0 && Number.isFinite(milliseconds))) throw new RangeError(`The local clock cannot be moved by ${milliseconds} ms: never back`);
      state = write(anchored(preciseNow() + milliseconds, state.speed));
      advances.push({ at: performance.now(), milliseconds });
    },
    recentlyAdvanced() {
      while (advances[0] !== undefined && performance.now() - advances[0].at > RECENT_MILLISECONDS) advances.shift();
      return advances.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    },
    setSpeed(speed) {
      if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`The local clock cannot run at speed ${speed}: it must be above zero`);
      state = write(anchored(preciseNow(), speed));
    },
    forChildren: { execArgv: ["--import", new URL("./clock-preload.ts", import.meta.url).href], env: { [CLOCK_FILE_VARIABLE]: file } },
    close() {
      clearInterval(heartbeat);
      giveBack();
      const local = preciseNow();
      write({ ...anchored(local, state.speed), horizon: local });
    },
  };
}

/**
 * Replaces `Date` in a child process by the clock that the main process keeps in the file, and notices within 5 ms when that is moved.
 *
 * Reads the file again instead of watching it: watchers need a free event loop and tell late, and a change of the modification time can be missed.
 */
export function followClock({ file }: { readonly file: string }): void {
  const found = readState(file);
  if (found === undefined) throw new Error(`There is no local clock in ${file}`);
  let state = found;
  let lookedAt = realNow();
  let last = 0;
  replaceDate(() => {
    const real = realNow();
    if (real - lookedAt >= LOOK_AGAIN_MILLISECONDS) {
      state = readState(file) ?? state;
      lookedAt = real;
    }
    last = Math.max(last, Math.floor(Math.min(localAt(real, state), state.horizon)));
    return last;
  });
}

function localAt(real: number, { realAnchor, localAnchor, speed }: ClockState): number {
  return localAnchor + Math.max(0, real - realAnchor) * speed; // an anchor may be younger than the `real` it is compared with
}

/** Real milliseconds by the kernel's steady clock: the same in all processes of a machine, and never set back. */
function realNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function replaceDate(now: () => number): () => void {
  // A proxy, since `Date()` without `new` must go on telling a text, which a class could not.
  const LocalDate = new Proxy(RealDate, {
    apply: () => new RealDate(now()).toString(),
    construct: (target, parts, newTarget) => Reflect.construct(target, parts.length === 0 ? [now()] : parts, newTarget),
    get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
  });
  const install = (value: DateConstructor) => {
    globalThis.Date = value;
    RealDate.prototype.constructor = value; // `new date.constructor()` is a way to make dates, too
  };
  install(LocalDate);
  return () => install(RealDate);
}

/** One line of four numbers: read so often, and by every child at its start, that a schema library would cost more than all the rest. */
function readState(file: string): ClockState | undefined {
  if (!existsSync(file)) return undefined;
  const [realAnchor, localAnchor, speed, horizon] = readFileSync(file, "utf8").split(" ").map(Number);
  if (realAnchor === undefined || localAnchor === undefined || speed === undefined || horizon === undefined || Number.isNaN(realAnchor + horizon)) {
    throw new Error(`${file} does not hold a local clock`);
  }
  return { realAnchor, localAnchor, speed, horizon };
}

/** Renamed into place, so that nobody reads half a line. */
function writeState(file: string, { realAnchor, localAnchor, speed, horizon }: ClockState): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${realAnchor} ${localAnchor} ${speed} ${horizon}\n`);
  renameSync(draft, file);
}
