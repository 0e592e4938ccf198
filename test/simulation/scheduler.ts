/** The one clock and order of a run: what happens, happens one after the other, at a time that was chosen for it. */
export interface Scheduler {
  /** Epoch milliseconds: the true time, which no worker's clock need show. */
  readonly now: () => number;
  /** What is planned for a time that is over happens next. */
  at(time: number, act: () => void): void;
  /** Lets everything happen up to a moment. Throws what an act threw. */
  runUntil(time: number): Promise<void>;
}

interface Planned {
  readonly time: number;
  /** Of two things at one time, that which was planned first happens first. */
  readonly order: number;
  readonly act: () => void;
}

export function schedulerFrom(start: number): Scheduler {
  let now = start;
  let planned = 0;
  const heap: Planned[] = [];

  return {
    now: () => now,
    at(time, act) {
      planned += 1;
      push(heap, { time: Math.max(time, now), order: planned, act });
    },
    async runUntil(time) {
      const actNext = () => {
        const next = heap[0];
        if (next === undefined || next.time > time) return false;
        pop(heap);
        now = next.time;
        next.act();
        return true;
      };
      while (await settledAfterEach(actNext));
      now = time;
    },
  };
}

/** So many acts for each turn of the event loop, which takes longer than most of them. */
const ACTS_PER_TURN = 200;

/**
 * Acts again and again, and each time only when nothing goes on by itself any more: promises are all that the code under test waits for,
 * and all of them come to rest between two immediates. Gives whether there is more to do.
 */
function settledAfterEach(act: () => boolean): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let isOn = true;
    const actIfOn = () => {
      try {
        if (isOn) isOn = act();
      } catch (error) {
        isOn = false;
        reject(error);
      }
    };
    for (let count = 0; count < ACTS_PER_TURN; count++) setImmediate(actIfOn);
    setImmediate(() => resolve(isOn));
  });
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/** A binary heap: the soonest is at 0, and each stands before the two at twice its place. */
function push(heap: Planned[], added: Planned): void {
  let place = heap.length;
  while (place > 0) {
    const above = (place - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || isBefore(parent, added)) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = added;
}

function pop(heap: Planned[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let place = 0;
  for (;;) {
    const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]];
    if (left === undefined) break;
    const isRight = right !== undefined && isBefore(right, left);
    const soonest = isRight ? right : left;
    if (isBefore(last, soonest)) break;
    heap[place] = soonest;
    place = 2 * place + (isRight ? 2 : 1);
  }
  heap[place] = last;
}
