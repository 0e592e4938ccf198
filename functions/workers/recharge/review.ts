import type { Esim, OpenRecharge, Resolution } from "../../domain/esim.ts";
import { type Money, money } from "../../domain/money.ts";
import { paymentOutcome } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown } from "../../domain/ports.ts";
import type { RechargeState, ReviewReason } from "../../domain/recharge-states.ts";
import { findTopUp } from "./credit.ts";
import { unpaid } from "./pay.ts";
import type { RechargePorts } from "./ports.ts";
import { move, type Step } from "./step.ts";

type Review = Extract<RechargeState, { name: "needs-review" }>;

/** What Stripe could not give back is not in the carrier's hands; and what it says of a reference that it has given to another order is about that one. */
const NOT_THE_CARRIERS: ReadonlySet<ReviewReason> = new Set(["refund-failed", "carrier-conflict"]);

/** Does what an operator decided; else looks whether Stripe or the carrier has found a certain word after all. */
export async function review(ports: RechargePorts, esim: Esim, open: OpenRecharge, state: Review): Step {
  if (open.resolution !== undefined) return resolve(ports, esim, open, state, open.resolution);
  if (state.reason === "payment-unclear") return lookAgain(ports, esim, open, state);
  if (state.paidAt === undefined || NOT_THE_CARRIERS.has(state.reason)) return "wait";
  const outcome = await findTopUp(ports, open);
  if (outcome.kind === "credited") return move(ports, esim, open, { type: "credited", at: ports.clock.now() });
  const isFinalNo = outcome.kind === "refused" && ports.carrier.answersAreFinal;
  return isFinalNo ? move(ports, esim, open, { type: "refused", code: outcome.code }) : "wait";
}

/** Stripe speaks again: the payment is closed, or found paid by trying to. */
async function lookAgain(ports: RechargePorts, esim: Esim, open: OpenRecharge, { paymentIntentId }: Review): Step {
  const answer = await ports.payments.retrieve(paymentIntentId).catch((error: unknown) => {
    if (error instanceof OutcomeUnknown) return undefined;
    throw error;
  });
  const isClear = answer?.kind === "intent" && paymentOutcome(answer, open.amount).kind !== "mismatch";
  return isClear ? move(ports, esim, open, unpaid(paymentIntentId, "payment-unclear")) : "wait";
}

async function resolve(ports: RechargePorts, esim: Esim, open: OpenRecharge, { name, paymentIntentId, paidAt, reason }: Review, resolution: Resolution): Step {
  const at = ports.clock.now();
  const { rechargeId } = open;
  ports.log.warn("review-resolved", { rechargeId, as: resolution.as });
  // Kept before it is done: what the books say differently from Stripe and the carrier is then known to be a person's word.
  await ports.recharges.putStep({ rechargeId, stepId: ports.ids.next(), at, state: name, asked: "operator.resolve", answer: { ...resolution } });
  switch (resolution.as) {
    case "credited":
      return move(ports, esim, open, { type: "credited", at });
    case "refunded": {
      // Nobody can tell what was paid: nothing is given back that was not taken.
      const taken = paidAt === undefined ? await findTaken(ports, paymentIntentId) : undefined;
      if (paidAt === undefined && taken === undefined) return move(ports, esim, open, unpaid(paymentIntentId, "resolved-by-operator"));
      // What the carrier knows for certain stands above what a person believes; while it says nothing, nothing is given back.
      if (!NOT_THE_CARRIERS.has(reason) && resolution.withoutCarrier !== true) {
        const { kind } = await findTopUp(ports, open);
        if (kind === "unknown" || kind === "fault") throw new OutcomeUnknown("The carrier does not say whether it credited what is to be given back");
        if (kind === "credited") {
          ports.log.error("resolution-refused", { rechargeId, as: resolution.as });
          return move(ports, esim, open, { type: "credited", at });
        }
      }
      // Stripe cannot do it, so it was done by another way; in all other cases Stripe is asked, and does it unless it was done.
      return move(ports, esim, open, reason === "refund-failed" ? { type: "refunded", at } : { type: "refused", code: "resolved-by-operator", taken });
    }
    case "nothing-taken":
      return move(ports, esim, open, unpaid(paymentIntentId, "resolved-by-operator"));
  }
}

/** What Stripe has taken; undefined: nothing. */
async function findTaken({ payments }: RechargePorts, paymentIntentId: string): Promise<Money | undefined> {
  const answer = await payments.retrieve(paymentIntentId);
  if (answer.kind === "refused") {
    if (answer.error.code === "resource_missing") return undefined; // of this account it cannot have been taken
    throw new OutcomeUnknown("Stripe does not say how the payment stands");
  }
  const { status, amountReceived, amount } = answer.intent;
  return status === "succeeded" ? money(amountReceived, amount.currency) : undefined;
}
