import type { Esim, OpenRecharge, Resolution } from "../../domain/esim.ts";
import type { RechargeState } from "../../domain/recharge-states.ts";
import { findTopUp } from "./credit.ts";
import { unpaid } from "./pay.ts";
import type { RechargePorts } from "./ports.ts";
import { move, type Step } from "./step.ts";

type Review = Extract<RechargeState, { name: "needs-review" }>;

/** Does what an operator decided; else looks whether the carrier has found a certain word after all. */
export async function review(ports: RechargePorts, esim: Esim, open: OpenRecharge, state: Review): Step {
  if (open.resolution !== undefined) return resolve(ports, esim, open, state, open.resolution);
  // What Stripe could not give back is not in the carrier's hands.
  if (state.paidAt === undefined || state.reason === "refund-failed") return "wait";
  const outcome = await findTopUp(ports, open);
  if (outcome.kind === "credited") return move(ports, esim, open, { type: "credited", at: ports.clock.now() });
  const isFinalNo = outcome.kind === "refused" && ports.carrier.answersAreFinal;
  return isFinalNo ? move(ports, esim, open, { type: "refused", code: outcome.code }) : "wait";
}

async function resolve(ports: RechargePorts, esim: Esim, open: OpenRecharge, { name, paymentIntentId, reason }: Review, resolution: Resolution): Step {
  const at = ports.clock.now();
  const { rechargeId } = open;
  ports.log.warn("review-resolved", { rechargeId, as: resolution.as });
  // Kept before it is done: what the books say differently from Stripe and the carrier is then known to be a person's word.
  await ports.recharges.putStep({ rechargeId, stepId: ports.ids.next(), at, state: name, asked: "operator.resolve", answer: { ...resolution } });
  switch (resolution.as) {
    case "credited":
      return move(ports, esim, open, { type: "credited", at });
    case "refunded":
      // Stripe cannot do it, so it was done by another way; in all other cases Stripe is asked, and does it unless it was done.
      return move(ports, esim, open, reason === "refund-failed" ? { type: "refunded", at } : { type: "refused", code: "resolved-by-operator" });
    case "nothing-taken":
      return move(ports, esim, open, unpaid(paymentIntentId, "resolved-by-operator"));
  }
}
