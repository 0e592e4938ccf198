import { setTimeout as sleep } from "node:timers/promises";
import { type DeliveryTarget, deliver, type SendMessage } from "./delivery.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

/** A schedule as `StackGraph.list("AWS::Scheduler::Schedule")` gives it. */
export interface LocalSchedule {
  readonly logicalId: string;
  readonly properties: {
    readonly ScheduleExpression: string;
    readonly State?: "ENABLED" | "DISABLED" | undefined;
    readonly Target: DeliveryTarget & { readonly Input?: string | undefined };
  };
}

export interface SchedulesOptions {
  readonly schedules: readonly LocalSchedule[];
  readonly send: SendMessage;
  /** Hears of messages that no queue took. */
  readonly onError: (error: unknown) => void;
  /** Milliseconds since 1970 on the local clock. */
  readonly now?: () => number;
  /** How often to look at the clock, in real milliseconds. */
  readonly pollMilliseconds?: number;
}

/** At most an hour of missed minutes, so that a clock that jumps by a month floods nothing. */
export const MOST_MISSED = 60;
/** At 60 times the speed a local minute lasts a second. */
const POLL_MILLISECONDS = 50;
const UNIT_MILLISECONDS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/**
 * Fires the schedules by the local clock, at whole multiples of their rate since 1970, so that a restart does not move them.
 *
 * Throws UnsupportedTemplate for an expression that is not a rate, or an input that asks for more than the scheduled time.
 */
export function startSchedules(options: SchedulesOptions): { stop(): Promise<void> } {
  const { schedules, send, onError, now = () => Date.now(), pollMilliseconds = POLL_MILLISECONDS } = options;
  const enabled = schedules.map(readSchedule).filter((schedule) => schedule.enabled);
  const stopping = new AbortController();
  const running = enabled.map(async ({ interval, input, target }) => {
    let last = now();
    while (!stopping.signal.aborted) {
      const current = now();
      const due = dueInstants(last, current, interval);
      last = current; // a clock that went back fires again only what comes after it
      for (const at of due) await deliver(target, input(at), send).catch(onError);
      await sleep(pollMilliseconds, undefined, { signal: stopping.signal }).catch(() => {});
    }
  });
  return {
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

/**
 * The instants of a rate after `last` and up to `current`, in milliseconds since 1970, oldest first.
 *
 * Of more than 60 missed ones: the 60 oldest, and the newest.
 */
export function dueInstants(last: number, current: number, interval: number): number[] {
  const first = Math.floor(last / interval) + 1;
  const newest = Math.floor(current / interval);
  const due = Array.from({ length: Math.min(Math.max(newest - first + 1, 0), MOST_MISSED) }, (_, index) => (first + index) * interval);
  return newest - first + 1 > MOST_MISSED ? [...due, newest * interval] : due;
}

function readSchedule({ logicalId, properties: { ScheduleExpression, State, Target } }: LocalSchedule) {
  const [, count, unit = ""] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(ScheduleExpression) ?? [];
  const milliseconds = UNIT_MILLISECONDS[unit];
  if (milliseconds === undefined) throw new UnsupportedTemplate(`Schedule ${logicalId}: ${ScheduleExpression} is not a rate, and only rates are run locally`);
  // Without an input Scheduler sends a JSON text of its own; we always say what we send.
  if (Target.Input === undefined) throw new UnsupportedTemplate(`Schedule ${logicalId}: Target.Input is missing; say what is to be sent`);
  const text = Target.Input;
  const unknown = /<aws\.scheduler\.(?!scheduled-time>)[^>]*>/.exec(text);
  if (unknown !== null) throw new UnsupportedTemplate(`Schedule ${logicalId}: ${unknown[0]} in Target.Input is not supported locally`);
  return {
    enabled: State !== "DISABLED",
    interval: Number(count) * milliseconds,
    target: Target,
    input: (at: number) => text.replaceAll("<aws.scheduler.scheduled-time>", new Date(at).toISOString().replace(/\.\d+Z$/, "Z")),
  };
}
