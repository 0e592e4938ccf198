import { createHash } from "node:crypto";
import { type Bill, billOf, saysTheSame } from "../../domain/bill.ts";
import { cardStanding } from "../../domain/declines.ts";
import type { Esim, OpenRecharge, Requested } from "../../domain/esim.ts";
import { BillConflict, OutcomeUnknown } from "../../domain/ports.ts";
import { applyCleared } from "../../domain/recharge.ts";
import { epochMilliseconds } from "../../domain/time.ts";
import { record } from "../record.ts";
import { credit } from "./credit.ts";
import { closePayment, confirmPayment, createPayment, lookAtPayment, waitForCustomer } from "./pay.ts";
import type { RechargePorts } from "./ports.ts";
import { refund } from "./refund.ts";
import { review } from "./review.ts";
import type { Step } from "./step.ts";
import { waitForNotice } from "./wait-for-notice.ts";

/**
 * Does the one next thing for an open recharge and records what came of it.
 *
 * `own`: this worker brought the recharge into its state just now, so the call that belongs to the state was not made
 * yet. Anybody else asks first what became of it. Throws OutcomeUnknown when nobody can tell: the message comes back.
 */
export function takeStep(ports: RechargePorts, esim: Esim, open: OpenRecharge, own: boolean): Step {
  const { state } = open;
  switch (state.name) {
    case "announced":
      return own ? Promise.resolve("wait") : waitForNotice(ports, esim, open, state);
    case "reserved":
      return createPayment(ports, esim, open, own);
    case "confirming":
      return confirmPayment(ports, esim, open, state.paymentIntentId, own);
    case "processing":
      return own ? Promise.resolve("wait") : lookAtPayment(ports, esim, open, state.paymentIntentId);
    case "awaiting-customer":
      return own ? Promise.resolve("wait") : waitForCustomer(ports, esim, open, state);
    case "closing":
      return closePayment(ports, esim, open, state.paymentIntentId);
    case "crediting":
      return credit(ports, esim, open, state.paidAt, own);
    case "refunding":
      return refund(ports, esim, open, state.paymentIntentId);
    case "needs-review":
      return own ? Promise.resolve("wait") : review(ports, esim, open, state);
    case "ended":
      return settle(ports, esim, open);
  }
}

/** Puts the bill, publishes, and only then sets the line free. */
async function settle(ports: RechargePorts, esim: Esim, open: OpenRecharge): Step {
  const { pendingEvents } = esim;
  const bill = billOf(esim.iccid, ports.hashLine(esim.iccid), open);
  await putBill(ports, bill);
  await publish(ports, pendingEvents);
  const backup = await backupFor(ports, open);
  const cleared = await record(ports, esim, (current) => applyCleared(current, open.rechargeId, pendingEvents, ports.clock.now(), backup));
  if (cleared.own) measureEnd(ports, open, bill);
  return cleared;
}

/** Only whoever sets the line free counts it: once, unless they die in that moment. */
function measureEnd({ metrics, log }: RechargePorts, { reading, origin, reservedAt }: OpenRecharge, { end, charged, credited, endedAt }: Bill): void {
  log.info("recharge-ended", { end });
  metrics.put({ RechargesEnded: 1 }, { end });
  if (charged.amount > 0) metrics.put({ MoneyCharged: charged.amount }, { currency: charged.currency });
  if (credited.amount > 0) metrics.put({ MoneyCredited: credited.amount }, { currency: credited.currency });
  const lowSince = origin === undefined ? reading?.readAt : reservedAt;
  if (end === "succeeded" && lowSince !== undefined) metrics.put({ SecondsToCredit: (epochMilliseconds(endedAt) - epochMilliseconds(lowSince)) / 1000 }, {});
}

/** What stands in, once and at once, for a recharge that the bank declined for now: the same by the backup that its payer has named. */
async function backupFor({ subscribers, cards, clock }: RechargePorts, open: OpenRecharge): Promise<Requested | undefined> {
  const { rechargeId, state, origin, subscriberId, method, amount, ruleVersion, consent, reading, check } = open;
  const isSoft = state.name === "ended" && state.end === "declined" && state.severity !== "hard" && state.retryAt !== undefined;
  if (!isSoft || origin !== undefined) return undefined;
  const { backup: backupId } = await subscribers.getWallet(subscriberId);
  if (backupId === undefined || backupId === method.id) return undefined;
  const backup = await subscribers.getMethod(subscriberId, backupId);
  if (backup === undefined || backup.payRequest !== undefined || backup.cardKey === method.cardKey) return undefined;
  if (cardStanding(await cards.listDeclines(backup.cardKey), clock.now()).kind !== "usable") return undefined;
  // Made of what it stands in for: however often that is settled, as by a line that came back from a backup, it is the same one.
  const id = createHash("sha256").update(`${rechargeId}/backup`).digest("hex").slice(0, 32);
  return { rechargeId: id, origin: "backup", subscriberId, amount, method: backup, ruleVersion, consent, reading, check, at: clock.now() };
}

/** A bus that does not take them is no fault of this line, which would be parked and told of as unclear. */
async function publish({ events }: RechargePorts, pendingEvents: Esim["pendingEvents"]): Promise<void> {
  try {
    await events.publish(pendingEvents);
  } catch (error) {
    throw new OutcomeUnknown("The bus did not take the events of an ended recharge", { cause: error });
  }
}

/** A line that came back from a backup ends a second time what has its bill already: that one stands, if it says the same of the money. */
async function putBill({ recharges, log }: RechargePorts, bill: Bill): Promise<void> {
  try {
    await recharges.putBill(bill);
  } catch (error) {
    const kept = error instanceof BillConflict ? await recharges.getBill(bill.rechargeId) : undefined;
    if (kept === undefined || !saysTheSame(kept, bill)) throw error;
    log.warn("bill-kept", { rechargeId: bill.rechargeId });
  }
}
