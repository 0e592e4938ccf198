import type { Esim, OpenRecharge, Reading } from "../../domain/esim.ts";
import { applyPublished, applyUnpublished } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import { OutcomeUnknown, UnreadableLine } from "../../domain/ports.ts";
import { applyFault, applyLease, applyPuzzled, applyToldLate, applyUnknown, isParked, isPuzzling, minutesUnclear } from "../../domain/recharge.ts";
import { epochMilliseconds, type Instant, plusMinutes } from "../../domain/time.ts";
import { record } from "../record.ts";
import { withHistory } from "./history.ts";
import { judgeLine } from "./judge-line.ts";
import type { RechargePorts } from "./ports.ts";
import { reserveRequested } from "./reserve-requested.ts";
import { takeStep } from "./take-step.ts";

/** A report of the balance checker: already read, in which cycle, and by which check. */
export type Report = Reading & { readonly cycle: number; readonly check?: string };

export interface LookRequest {
  readonly iccid: Iccid;
  /** Also judge the balance of a line that is free. */
  readonly judge: boolean;
  readonly report?: Report;
  /** The end of the lease that it met before. */
  readonly again?: Instant;
}

/**
 * Looks at a line and does whatever is next there, until nothing can be done or the world must be waited for.
 *
 * May be called at any time, any number of times, by any number of workers.
 */
export async function rechargeLine(ports: RechargePorts, { iccid, judge, report, again }: LookRequest): Promise<void> {
  const stored = await load(ports, iccid);
  if (stored === undefined) return;

  const started = stored.open === undefined ? await start(ports, stored, judge, report) : await takeOver(ports, stored, again);
  if (started === undefined) return;

  let { esim, own } = started;
  const rechargeId = esim.open?.rechargeId;
  // Another id: this recharge was ended by another worker, which has begun the next one.
  try {
    while (esim.open !== undefined && esim.open.rechargeId === rechargeId) {
      const { open } = esim;
      const next = await takeStep(withHistory(ports, open), esim, open, own);
      if (next === "wait") {
        ({ esim } = await record(ports, esim, (current) => applyUnknown(current, open.rechargeId)));
        break;
      }
      if (next.esim.version === esim.version) throw new Error(`A step of recharge ${open.rechargeId}, which is ${open.state.name}, led nowhere`); // it would for ever
      ({ esim, own } = next);
      if (esim.open === undefined) await lookAfterSlowEnd(ports, open);
      if (esim.requested !== undefined) await ports.pokes.send([{ iccid }]); // the backup of what was declined
    }
  } catch (fault) {
    esim = await afterFault(ports, esim, fault);
  } finally {
    await publishPending(ports, esim); // what is true is told, also while a step waits for a system that is down
  }
}

/** How long a line that cannot be read is left alone; whoever mends it pokes it. */
const UNREADABLE_MINUTES = 24 * 60;

async function load({ esims, clock, log }: RechargePorts, iccid: Iccid): Promise<Esim | undefined> {
  try {
    return await esims.load(iccid);
  } catch (error) {
    if (error instanceof UnreadableLine) {
      log.error("unreadable-line", { error: error.message });
      await esims.postpone(iccid, plusMinutes(clock.now(), UNREADABLE_MINUTES));
    }
    throw error;
  }
}

/**
 * An unknown outcome is no crash; the message comes back and asks again.
 *
 * Any other fault does too, until so many workers fell over this line that it is parked: then it has been told, and fills no dead letters.
 */
async function afterFault(ports: RechargePorts, esim: Esim, fault: unknown): Promise<Esim> {
  const { open } = esim;
  if (open === undefined) throw fault;
  if (fault instanceof OutcomeUnknown) {
    const at = ports.clock.now();
    ports.metrics.put({ OutcomeUnknownMinutes: minutesUnclear(open, at) }, {});
    if (isPuzzling(open, at)) return (await record(ports, esim, (current) => applyPuzzled(current, open.rechargeId, at))).esim;
    await record(ports, esim, (current) => applyUnknown(current, open.rechargeId));
    throw fault;
  }
  if (!isParked(open)) {
    await record(ports, esim, (current) => applyFault(current, open.rechargeId, ports.clock.now()));
    throw fault;
  }
  ports.log.error("worker-fault", { rechargeId: open.rechargeId, error: fault });
  return esim;
}

/** A recharge that takes longer may have missed what Stripe told of its payment meanwhile. */
const SLOW_MINUTES = 1;

/**
 * What Stripe told of a payment while another worker was at its recharge, or while that had ended and could not be settled, as with a bus that is down,
 * belonged to no bill yet: it is looked for once there is one.
 */
async function lookAfterSlowEnd(ports: RechargePorts, { rechargeId, reservedAt, state }: OpenRecharge): Promise<void> {
  const isPaid = state.name === "ended" && "paidAt" in state;
  if (!isPaid || state.paymentIntentId === undefined || ports.clock.now() <= plusMinutes(reservedAt, SLOW_MINUTES)) return;
  await ports.pokes.send([{ paymentIntentId: state.paymentIntentId, rechargeId }]);
}

async function start(ports: RechargePorts, esim: Esim, judge: boolean, report: Report | undefined) {
  if (esim.requested !== undefined) return reserveRequested(ports, esim, esim.requested);
  return judge ? judgeLine(ports, esim, report) : { esim, own: false };
}

/** Goes on where another worker stopped; while that one may still be at work, asks once to be woken when its lease is over. */
async function takeOver(ports: RechargePorts, esim: Esim, again: Instant | undefined) {
  const now = ports.clock.now();
  const leased = applyLease(esim, now);
  const saved = leased && (await ports.esims.save(leased, ports.ids.next()));
  if (saved !== undefined) return { esim: saved, own: false };
  const until = esim.open?.lease.until ?? now;
  if (again !== undefined && again !== until) return undefined;
  await ports.pokes.send([{ iccid: esim.iccid, again: until }], Math.max((epochMilliseconds(until) - epochMilliseconds(now)) / 1000, 1));
  return undefined;
}

/** Publishes the line's outbox, then empties it. A crash in between publishes twice, never not at all. */
export async function publishPending(ports: RechargePorts, stored: Esim): Promise<void> {
  if (stored.pendingEvents.length === 0) return;
  const { esim } = await record(ports, stored, (current) => applyToldLate(current, ports.clock.now()));
  const { pendingEvents } = esim;
  try {
    await ports.events.publish(pendingEvents);
  } catch (error) {
    // Not each minute: every look that fails may become a dead letter.
    if (esim.open === undefined) await record(ports, esim, (current) => applyUnpublished(current, ports.clock.now()));
    throw error;
  }
  await record(ports, esim, (current) => applyPublished(current, pendingEvents));
}
