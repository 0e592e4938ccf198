import type { Metrics } from "../../domain/metrics.ts";
import type { CheckRequests, Clock, Controls, SlotRange } from "../../domain/ports.ts";
import { dueSlots } from "../../domain/slots.ts";
import { epochMinute, type Instant } from "../../domain/time.ts";

export interface PlanChecksPorts {
  readonly controls: Controls;
  readonly checkRequests: CheckRequests;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Into how many parts each slot is cut, so that checkers share it: 1 to 256. */
  readonly hashRanges: number;
}

/**
 * Sends out every slot of the wheel that fell due since the last planned minute.
 *
 * The cursor moves only after the messages are sent: a crash in between sends some of them twice, which costs a second
 * look; none is ever left out.
 */
export async function planChecks({ controls, checkRequests, clock, metrics, hashRanges }: PlanChecksPorts, scheduledTime: Instant): Promise<void> {
  // Never ahead of the clock: a tick with a time to come would move the cursor there, and nothing would be checked until then.
  const through = Math.min(epochMinute(scheduledTime), epochMinute(clock.now()));
  const [wheel, killSwitch] = await Promise.all([controls.getWheel(), controls.getKillSwitch()]);
  const lagMinutes = Math.max(epochMinute(clock.now()) - (wheel?.plannedThrough ?? through - 1), 0);
  metrics.put({ KillSwitchOn: killSwitch?.on === true ? 1 : 0, CheckerLagSeconds: lagMinutes * 60 }, {});
  if (wheel !== undefined && wheel.plannedThrough >= through) return;
  const ranges = rangesOf(hashRanges);
  await checkRequests.send(dueSlots(wheel?.plannedThrough, through).flatMap((slot) => ranges.map((range) => ({ slot, ...range }))));
  await controls.putWheel({ plannedThrough: through });
}

/** The equal ranges into which a slot is cut, by its sort key: eight hex digits. */
function rangesOf(count: number): Omit<SlotRange, "slot">[] {
  const bound = (index: number) => Math.ceil((index * 2 ** 32) / count);
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  return Array.from({ length: count }, (_, index) => ({ from: hex(bound(index)), to: hex(bound(index + 1) - 1) }));
}
