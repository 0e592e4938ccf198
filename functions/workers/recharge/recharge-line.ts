import type { Esim, Reading } from "../../domain/esim.ts";
import { applyPublished } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import { applyLease } from "../../domain/recharge.ts";
import { epochMilliseconds } from "../../domain/time.ts";
import { record } from "../record.ts";
import { judgeLine } from "./judge-line.ts";
import type { RechargePorts } from "./ports.ts";
import { takeStep } from "./take-step.ts";

/** A report of the balance checker: already read, and in which cycle. */
export type Report = Reading & { readonly cycle: number };

export interface LookRequest {
  readonly iccid: Iccid;
  /** Also judge the balance of a line that is free. */
  readonly judge: boolean;
  readonly report?: Report;
}

/**
 * Looks at a line and does whatever is next there, until nothing can be done or the world must be waited for.
 *
 * May be called at any time, any number of times, by any number of workers.
 */
export async function rechargeLine(ports: RechargePorts, { iccid, judge, report }: LookRequest): Promise<void> {
  const stored = await ports.esims.load(iccid);
  if (stored === undefined) return;

  const started = stored.open === undefined ? await startIfLow(ports, stored, judge, report) : await takeOver(ports, stored);
  if (started === undefined) return;

  let { esim, own } = started;
  const rechargeId = esim.open?.rechargeId;
  // Another id: this recharge was ended by another worker, which has begun the next one.
  try {
    while (esim.open !== undefined && esim.open.rechargeId === rechargeId) {
      const next = await takeStep(ports, esim, esim.open, own);
      if (next === "wait") break;
      ({ esim, own } = next);
    }
  } finally {
    await publishPending(ports, esim); // what is true is told, also while a step waits for a system that is down
  }
}

async function startIfLow(ports: RechargePorts, esim: Esim, judge: boolean, report: Report | undefined) {
  return judge ? judgeLine(ports, esim, report) : { esim, own: false };
}

/** Goes on where another worker stopped; while that one may still be at work, asks to be woken when its lease is over. */
async function takeOver(ports: RechargePorts, esim: Esim) {
  const now = ports.clock.now();
  const leased = applyLease(esim, now);
  const saved = leased && (await ports.esims.save(leased, ports.ids.next()));
  if (saved !== undefined) return { esim: saved, own: false };
  const until = esim.open?.lease.until ?? now;
  await ports.pokes.send([{ iccid: esim.iccid }], Math.max((epochMilliseconds(until) - epochMilliseconds(now)) / 1000, 1));
  return undefined;
}

/** Publishes the line's outbox, then empties it. A crash in between publishes twice, never not at all. */
async function publishPending(ports: RechargePorts, esim: Esim): Promise<void> {
  const { pendingEvents } = esim;
  if (pendingEvents.length === 0) return;
  await ports.events.publish(pendingEvents);
  await record(ports, esim, (current) => applyPublished(current, pendingEvents));
}
