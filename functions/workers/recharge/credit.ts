import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { hasFailed } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown } from "../../domain/ports.ts";
import type { ReviewReason } from "../../domain/recharge-states.ts";
import { epochMilliseconds, type Instant, plusMinutes } from "../../domain/time.ts";
import { type TopUpOutcome, topUpOutcome } from "../../domain/top-up-outcomes.ts";
import type { RechargePorts } from "./ports.ts";
import { move, type Step } from "./step.ts";

/** After this long the subscriber is told, and a person looks. No order is made any more: a carrier keeps its answers for 30 days only. */
const CREDIT_HOURS = 24;
/** A backup is older than this, and a recharge that waits for nobody is paid sooner. */
const FRESH_MINUTES = 10;

/** Tops the line up, once. Whoever finds this state asks the carrier first whether that was done. */
export async function credit(ports: RechargePorts, esim: Esim, open: OpenRecharge, paidAt: Instant, own: boolean): Step {
  const isOverdue = ports.clock.now() > plusMinutes(paidAt, CREDIT_HOURS * 60);
  const byHand = () => move(ports, esim, open, { type: "puzzled", reason: "refund-by-hand", at: ports.clock.now() });
  if (own) {
    // Begun long ago, it may come from a backup, and what was paid may have been given back since.
    const isFresh = ports.clock.now() <= plusMinutes(open.reservedAt, FRESH_MINUTES);
    if (!isFresh && (await isBilledAsCredited(ports, open))) return move(ports, esim, open, { type: "credited", at: ports.clock.now() });
    if (!isFresh && (await isGivenBack(ports, open))) return byHand();
    return moveByTopUp(ports, esim, open, await firstOrder(ports, esim, open), isOverdue);
  }
  ports.metrics.put({ PaidNotCreditedSeconds: (epochMilliseconds(ports.clock.now()) - epochMilliseconds(paidAt)) / 1000 }, {});
  const seen = await findTopUp(ports, open);
  const mayOrder = seen.kind === "unseen" && ports.carrier.answersAreFinal && !isOverdue;
  if (mayOrder && (await isBilledAsCredited(ports, open))) return move(ports, esim, open, { type: "credited", at: ports.clock.now() });
  if (mayOrder && (await isGivenBack(ports, open))) return byHand();
  return moveByTopUp(ports, esim, open, mayOrder ? await orderTopUp(ports, esim, open) : seen, isOverdue);
}

/** Whether a line that came back from a backup was credited for this before: its bill says so, however long the carrier keeps its answers. */
async function isBilledAsCredited({ recharges }: RechargePorts, { rechargeId }: OpenRecharge): Promise<boolean> {
  return (await recharges.getBill(rechargeId))?.end === "succeeded";
}

/** Whether somebody gave back, in Stripe's dashboard, what was paid for a credit that had to wait: all of it, or a part. */
async function isGivenBack({ payments }: RechargePorts, { state }: OpenRecharge): Promise<boolean> {
  if (state.name !== "crediting") return false;
  return (await payments.listRefunds(state.paymentIntentId)).some((refund) => !hasFailed(refund));
}

/**
 * Nobody has ordered yet, unless the line came back from a backup.
 *
 * To a carrier with final answers a repeat would change nothing; any other is asked first, as it would credit again.
 */
async function firstOrder(ports: RechargePorts, esim: Esim, open: OpenRecharge): Promise<TopUpOutcome> {
  if (!ports.carrier.answersAreFinal) {
    const seen = await findTopUp(ports, open);
    if (seen.kind === "credited") return seen;
  }
  return orderTopUp(ports, esim, open);
}

async function orderTopUp({ carrier }: RechargePorts, { iccid }: Esim, { rechargeId, amount }: OpenRecharge): Promise<TopUpOutcome> {
  return topUpOutcome("top-up", rechargeId, await carrier.topUp({ iccid, amount, reference: rechargeId }));
}

/** What became of the order. That the carrier does not answer is an outcome too: a credit that is overdue does not wait for it any longer. */
export async function findTopUp({ carrier }: RechargePorts, { rechargeId }: OpenRecharge): Promise<TopUpOutcome> {
  const answer = await carrier.findTopUp(rechargeId).catch((error: unknown) => {
    if (error instanceof OutcomeUnknown) return undefined;
    throw error;
  });
  return answer === undefined ? { kind: "unknown" } : topUpOutcome("find", rechargeId, answer);
}

/** Records what became of the order, or asks to be called again while that may still turn out. */
async function moveByTopUp(ports: RechargePorts, esim: Esim, open: OpenRecharge, outcome: TopUpOutcome, isOverdue: boolean): Step {
  const { rechargeId } = open;
  const at = ports.clock.now();
  const park = (reason: ReviewReason) => {
    ports.log.error(reason, { rechargeId, isOverdue, outcome });
    return move(ports, esim, open, { type: "puzzled", reason, at });
  };
  switch (outcome.kind) {
    case "credited":
      return move(ports, esim, open, { type: "credited", at });
    case "refused":
      // Only a no that will never become a yes may be answered with the money.
      if (!ports.carrier.answersAreFinal) return park("carrier-refused");
      ports.log.warn("carrier-refused", { rechargeId, refusal: outcome.code });
      return move(ports, esim, open, { type: "refused", code: outcome.code });
    case "conflict":
      return park("carrier-conflict");
    case "unseen":
      return park("carrier-unclear"); // it was ordered, or is too old to be ordered, and is not there
    case "fault":
    case "unknown":
      if (isOverdue) return park("carrier-unclear");
      if (outcome.kind === "fault") ports.log.error("carrier-fault", { rechargeId, status: outcome.status });
      throw new OutcomeUnknown(`The carrier leaves the top-up unknown (${outcome.status ?? "no answer"})`);
  }
}
