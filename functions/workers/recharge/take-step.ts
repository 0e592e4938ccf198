import { billOf } from "../../domain/bill.ts";
import { cardStanding } from "../../domain/declines.ts";
import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { declinedEnd, type PaymentAnswer, paymentOutcome } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown, type TopUpAnswer } from "../../domain/ports.ts";
import { applyCleared, applyMove, isStillWanted } from "../../domain/recharge.ts";
import type { CancelReason, Move } from "../../domain/recharge-states.ts";
import { type Recorded, record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";

type Step = Promise<Recorded | "wait">;

/**
 * Does the one next thing for an open recharge and records what came of it.
 *
 * `own`: this worker brought the recharge into its state just now, so the call that belongs to the state was not made
 * yet. Anybody else asks first what became of it. Throws OutcomeUnknown when nobody can tell: the message comes back.
 */
export function takeStep(ports: RechargePorts, esim: Esim, open: OpenRecharge, own: boolean): Step {
  const { state } = open;
  switch (state.name) {
    case "reserved":
      return createPayment(ports, esim, open);
    case "confirming":
      return confirmPayment(ports, esim, open, state.paymentIntentId, own);
    case "processing":
      return own ? Promise.resolve("wait") : lookAtPayment(ports, esim, open, state.paymentIntentId);
    case "closing":
      return closePayment(ports, esim, open, state.paymentIntentId);
    case "crediting":
      return credit(ports, esim, open, own);
    case "needs-review":
      return own || state.paidAt === undefined ? Promise.resolve("wait") : lookAtTopUp(ports, esim, open);
    case "ended":
      return settle(ports, esim, open);
  }
}

/** Makes the PaymentIntent, unconfirmed; then, in the write that stores its id, asks once more whether the charge is still wanted. */
async function createPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge): Step {
  const { rechargeId, amount, method } = open;
  await ports.recharges.putStart({ rechargeId, iccid: esim.iccid, subscriberId: open.subscriberId, at: open.reservedAt });
  const answer = await ports.payments.create({ rechargeId, amount, method, idempotencyKey: `${rechargeId}/create/${esim.version}` });
  if (answer.kind === "refused") {
    const outcome = paymentOutcome(answer, amount);
    if (outcome.kind === "unknown") throw new OutcomeUnknown("Stripe cannot say whether it made the PaymentIntent");
    return move(ports, esim, open, { type: "dropped", reason: outcome.kind === "refused" ? outcome.reason : "payment-fault", at: ports.clock.now() });
  }
  const paymentIntentId = answer.intent.id;
  const isUsable = await isCardUsable(ports, open);
  return record(ports, esim, (current) => {
    const unwanted = reasonNotToCharge(current, open, isUsable);
    const found: Move = unwanted === undefined ? { type: "created", paymentIntentId } : unpaid(paymentIntentId, unwanted);
    return applyMove(current, rechargeId, found, ports.clock.now());
  });
}

async function confirmPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string, own: boolean): Step {
  if (!own) {
    const seen = await ports.payments.retrieve(paymentIntentId);
    if (paymentOutcome(seen, open.amount).kind !== "unconfirmed") return moveByPayment(ports, esim, open, paymentIntentId, seen);
    const unwanted = reasonNotToCharge(esim, open, await isCardUsable(ports, open));
    if (unwanted !== undefined) return move(ports, esim, open, unpaid(paymentIntentId, unwanted));
  }
  const answer = await ports.payments.confirm(paymentIntentId, `${open.rechargeId}/confirm/${esim.version}`);
  return moveByPayment(ports, esim, open, paymentIntentId, answer);
}

async function lookAtPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string): Step {
  return moveByPayment(ports, esim, open, paymentIntentId, await ports.payments.retrieve(paymentIntentId));
}

/** Cancels, then believes only what it sees: a payment that succeeded after all is credited. */
async function closePayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string): Step {
  const answer = await ports.payments.cancel(paymentIntentId);
  const { kind } = paymentOutcome(answer, open.amount);
  if (kind === "declined" || kind === "refused" || kind === "unconfirmed") throw new OutcomeUnknown("The PaymentIntent is not canceled yet");
  return moveByPayment(ports, esim, open, paymentIntentId, answer);
}

/** Records what the PaymentIntent turned out to be. */
async function moveByPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string, answer: PaymentAnswer): Step {
  const { clock, cards } = ports;
  const { cardKey } = open.method;
  const outcome = paymentOutcome(answer, open.amount);
  switch (outcome.kind) {
    case "paid":
      await cards.clear(cardKey); // a success ends the series of declines
      return move(ports, esim, open, { type: "paid", at: clock.now() });
    case "processing": {
      const isKnown = open.state.name === "processing";
      return isKnown ? "wait" : move(ports, esim, open, { type: "pending" });
    }
    case "canceled":
      return move(ports, esim, open, { type: "canceled", at: clock.now() });
    case "declined": {
      // Counted before the end is written, so that no crash forgets it.
      await cards.putDecline(cardKey, { rechargeId: open.rechargeId, at: clock.now(), code: outcome.code, hard: outcome.hard });
      const because = declinedEnd(outcome, await cards.listDeclines(cardKey));
      return move(ports, esim, open, { type: "unpaid", paymentIntentId, because });
    }
    case "refused":
      return move(ports, esim, open, unpaid(paymentIntentId, outcome.reason));
    case "mismatch":
      ports.log.error("payment-mismatch", { rechargeId: open.rechargeId });
      return move(ports, esim, open, { type: "puzzled", reason: "payment-mismatch", at: clock.now() });
    case "unconfirmed":
    case "unknown":
      throw new OutcomeUnknown(`Stripe's answer leaves the payment ${outcome.kind}`);
  }
}

/** Tops the line up, once. Whoever finds this state asks the carrier first whether that was done. */
async function credit(ports: RechargePorts, esim: Esim, open: OpenRecharge, own: boolean): Step {
  const { carrier, clock } = ports;
  const { rechargeId, amount } = open;
  const seen = own ? undefined : await carrier.findTopUp(rechargeId);
  if (seen !== undefined) return moveByTopUp(ports, esim, open, seen);
  if (!own && !carrier.answersAreFinal) return move(ports, esim, open, { type: "puzzled", reason: "carrier-unclear", at: clock.now() });
  return moveByTopUp(ports, esim, open, await carrier.topUp({ iccid: esim.iccid, amount, reference: rechargeId }));
}

async function lookAtTopUp(ports: RechargePorts, esim: Esim, open: OpenRecharge): Step {
  const seen = await ports.carrier.findTopUp(open.rechargeId);
  return seen?.kind === "credited" ? moveByTopUp(ports, esim, open, seen) : "wait";
}

function moveByTopUp(ports: RechargePorts, esim: Esim, open: OpenRecharge, answer: TopUpAnswer): Step {
  const at = ports.clock.now();
  if (answer.kind === "credited") return move(ports, esim, open, { type: "credited", at });
  ports.log.error("carrier-refused", { rechargeId: open.rechargeId, carrierCode: answer.code });
  return move(ports, esim, open, { type: "puzzled", reason: "carrier-refused", at });
}

/** Puts the bill, publishes, and only then sets the line free. */
async function settle(ports: RechargePorts, esim: Esim, open: OpenRecharge): Step {
  const { pendingEvents } = esim;
  await ports.recharges.putBill(billOf(esim.iccid, ports.hashLine(esim.iccid), open));
  await ports.events.publish(pendingEvents);
  return record(ports, esim, (current) => applyCleared(current, open.rechargeId, pendingEvents, ports.clock.now()));
}

function move(ports: RechargePorts, esim: Esim, open: OpenRecharge, found: Move): Step {
  return record(ports, esim, (current) => applyMove(current, open.rechargeId, found, ports.clock.now()));
}

function unpaid(paymentIntentId: string, reason: CancelReason): Move {
  return { type: "unpaid", paymentIntentId, because: { end: "cancelled", reason } };
}

function reasonNotToCharge(esim: Esim, open: OpenRecharge, isUsable: boolean): CancelReason | undefined {
  if (!isStillWanted(esim, open)) return "rule-changed";
  return isUsable ? undefined : "card-declined-elsewhere";
}

/** Whether the card was not declined, for whatever line, since the recharge was reserved. */
async function isCardUsable({ cards, clock }: RechargePorts, open: OpenRecharge): Promise<boolean> {
  return cardStanding(await cards.listDeclines(open.method.cardKey), clock.now()).kind === "usable";
}
