import type { Surroundings } from "./calls.ts";
import type { Random } from "./random.ts";

/** A queue as SQS keeps it: at least once, in any order; what fails comes back when its visibility timeout is over, until the dead letters take it. */
export interface Queue {
  send(body: unknown, delaySeconds?: number): void;
  /** Sends the dead letters back to their queue. */
  redrive(): void;
}

export interface QueueOptions extends Surroundings {
  readonly name: string;
  readonly work: (body: unknown) => Promise<void>;
  /** Of the function that works on it. */
  readonly timeoutSeconds: number;
}

/** Source: infra/constructs/work-queue.ts */
const DELIVERIES_BEFORE_DEAD_LETTER = 5;
const VISIBILITY_TIMEOUTS = 6;
/** SQS keeps a message for at most 14 days; with the day that EventBridge may take. */
const LONGEST_DELAY_MILLISECONDS = 15 * 24 * 3_600_000;

export function queueOver({ name, scheduler, random, faults, calls, work, timeoutSeconds }: QueueOptions): Queue {
  let deadLetters: string[] = [];

  function deliver(body: string, receives: number): void {
    const visibleAgainAt = scheduler.now() + timeoutSeconds * VISIBILITY_TIMEOUTS * 1000;
    let isDone = false;
    calls.run(
      name,
      timeoutSeconds * 1000,
      () => work(JSON.parse(body)),
      (fault) => {
        isDone = fault === undefined;
      },
    );
    scheduler.at(visibleAgainAt, () => {
      if (isDone) return;
      if (receives < DELIVERIES_BEFORE_DEAD_LETTER) deliver(body, receives + 1);
      else deadLetters.push(body);
    });
  }

  function enqueue(body: string, delayMilliseconds: number): void {
    const late = faults.happens("late-delivery") ? lateness(random) : 0;
    scheduler.at(scheduler.now() + delayMilliseconds + random.int(1, 200) + late, () => deliver(body, 1));
  }

  return {
    send(body, delaySeconds = 0) {
      const text = JSON.stringify(body);
      enqueue(text, delaySeconds * 1000);
      if (faults.happens("duplicate-delivery")) enqueue(text, delaySeconds * 1000 + lateness(random));
    },
    redrive() {
      const bodies = deadLetters;
      deadLetters = [];
      for (const body of bodies) enqueue(body, 0);
    },
  };
}

function lateness(random: Random): number {
  return random.int(1000, random.pick([10_000, 600_000, 3 * 3_600_000, LONGEST_DELAY_MILLISECONDS]));
}
