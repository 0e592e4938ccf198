import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import type { Money } from "../../domain/money.ts";
import { errorOutcome, hasFailed, type Refund, refundStanding } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown } from "../../domain/ports.ts";
import { stripeFault } from "./pay.ts";
import type { RechargePorts } from "./ports.ts";
import { move, type Step } from "./step.ts";

/**
 * Gives the money back, once: looks for a refund first, whoever made it, and ends only on one that is seen succeeded.
 *
 * Stripe never gives back more than was taken, so that two workers cannot refund twice.
 */
export async function refund(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string): Step {
  const made = await ports.payments.listRefunds(paymentIntentId);
  // A part that somebody gave back by hand counts; one that failed is not tried again by itself.
  const mayMake = refundStanding(made, owed(open)) === "failed" && !made.some(hasFailed);
  return moveByRefunds(ports, esim, open, mayMake ? await makeRefund(ports, esim, open, paymentIntentId, made) : made);
}

async function makeRefund(
  ports: RechargePorts,
  esim: Esim,
  open: OpenRecharge,
  paymentIntentId: string,
  made: readonly Refund[],
): Promise<readonly Refund[] | "refused"> {
  const { rechargeId } = open;
  const answer = await ports.payments.refund(paymentIntentId, rechargeId, `${rechargeId}/refund/${esim.version}`);
  if (answer.kind === "refund") return [...made, answer.refund];
  if (answer.error.code === "charge_already_refunded") return ports.payments.listRefunds(paymentIntentId);
  const outcome = errorOutcome(answer.error);
  if (outcome.kind === "fault") throw stripeFault(ports, open, outcome.code);
  if (outcome.kind === "unknown") throw new OutcomeUnknown("Stripe cannot say whether it gave the money back");
  ports.log.error("refund-failed", { rechargeId, stripe: answer.error });
  return "refused";
}

async function moveByRefunds(ports: RechargePorts, esim: Esim, open: OpenRecharge, refunds: readonly Refund[] | "refused"): Step {
  const at = ports.clock.now();
  const standing = refunds === "refused" ? "failed" : refundStanding(refunds, owed(open));
  switch (standing) {
    case "refunded":
      return move(ports, esim, open, { type: "refunded", at });
    case "pending":
      return "wait";
    case "failed":
      ports.log.error("refund-failed", { rechargeId: open.rechargeId });
      return move(ports, esim, open, { type: "puzzled", reason: "refund-failed", at });
  }
}

/** What was taken, and so is to be given back. */
function owed({ state, amount }: OpenRecharge): Money {
  return state.name === "refunding" ? (state.taken ?? amount) : amount;
}
