import { billOf } from "../../domain/bill.ts";
import { cardStanding } from "../../domain/declines.ts";
import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { declinedEnd, type PaymentAnswer, paymentOutcome } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown, type TopUpAnswer } from "../../domain/ports.ts";
import { applyCleared, applyMove, isStillWanted } from "../../domain/recharge.ts";
import type { CancelReason, Move } from "../../domain/recharge-states.ts";
import { type Instant, plusMinutes } from "../../domain/time.ts";
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
      return credit(ports, esim, open, state.paidAt, own);
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
    const reason = outcome.kind === "refused" ? outcome.reason : "payment-fault";
    logFault(ports, open, answer, reason);
    return move(ports, esim, open, { type: "dropped", reason, at: ports.clock.now() });
  }
  const paymentIntentId = answer.intent.id;
  const isUsable = await isCardUsable(ports, open);
  return record(ports, esim, (current) => {
    const unwanted = reasonNotToCharge(current, open, isUsable, ports.clock.now());
    const found: Move = unwanted === undefined ? { type: "created", paymentIntentId } : unpaid(paymentIntentId, unwanted);
    return applyMove(current, rechargeId, found, ports.clock.now());
  });
}

async function confirmPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string, own: boolean): Step {
  if (!own) {
    const seen = await ports.payments.retrieve(paymentIntentId);
    if (paymentOutcome(seen, open.amount).kind !== "unconfirmed") return moveByPayment(ports, esim, open, paymentIntentId, seen);
    const unwanted = reasonNotToCharge(esim, open, await isCardUsable(ports, open), ports.clock.now());
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
      await cards.clear(cardKey, open.reservedAt); // a success ends the series of declines before it
      return move(ports, esim, open, { type: "paid", at: clock.now() });
    case "processing": {
      const isKnown = open.state.name === "processing";
      return isKnown ? "wait" : move(ports, esim, open, { type: "pending" });
    }
    case "canceled":
      return move(ports, esim, open, { type: "canceled", at: clock.now() });
    case "declined": {
      // Counted before the end is written, so that no crash forgets it.
      const decline = { rechargeId: open.rechargeId, at: clock.now(), code: outcome.code, hard: outcome.hard };
      await cards.putDecline(cardKey, decline);
      const listed = await cards.listDeclines(cardKey);
      // Another line's success may have cleared this one already; it still happened.
      const isListed = listed.some(({ rechargeId }) => rechargeId === open.rechargeId);
      const because = declinedEnd(outcome, isListed ? listed : [...listed, decline]);
      return move(ports, esim, open, { type: "unpaid", paymentIntentId, because });
    }
    case "refused":
      logFault(ports, open, answer, outcome.reason);
      return move(ports, esim, open, unpaid(paymentIntentId, outcome.reason));
    case "mismatch":
      ports.log.error("payment-mismatch", { rechargeId: open.rechargeId });
      return move(ports, esim, open, { type: "puzzled", reason: "payment-mismatch", at: clock.now() });
    case "unconfirmed":
    case "unknown":
      throw new OutcomeUnknown(`Stripe's answer leaves the payment ${outcome.kind}`);
  }
}

/** After this long the subscriber is told, and a person looks. No order is made any more: a carrier keeps its answers for 30 days only. */
const CREDIT_HOURS = 24;

/** Tops the line up, once. Whoever finds this state asks the carrier first whether that was done. */
async function credit(ports: RechargePorts, esim: Esim, open: OpenRecharge, paidAt: Instant, own: boolean): Step {
  const { carrier, clock } = ports;
  const { rechargeId, amount } = open;
  const order = { iccid: esim.iccid, amount, reference: rechargeId };
  if (own) return moveByTopUp(ports, esim, open, await carrier.topUp(order));
  const isOverdue = clock.now() > plusMinutes(paidAt, CREDIT_HOURS * 60);
  const seen = await carrier.findTopUp(rechargeId).catch((error: unknown) => {
    if (isOverdue && error instanceof OutcomeUnknown) return undefined;
    throw error;
  });
  if (seen !== undefined) return moveByTopUp(ports, esim, open, seen);
  if (carrier.answersAreFinal && !isOverdue) return moveByTopUp(ports, esim, open, await carrier.topUp(order));
  ports.log.error("carrier-unclear", { rechargeId, isOverdue });
  return move(ports, esim, open, { type: "puzzled", reason: "carrier-unclear", at: clock.now() });
}

/** What the operator must see: a refusal that is a fault of ours. */
function logFault({ log }: RechargePorts, { rechargeId }: OpenRecharge, answer: PaymentAnswer, reason: CancelReason): void {
  if (reason === "payment-fault") log.error("payment-fault", { rechargeId, stripe: answer.kind === "refused" ? answer.error : answer.intent.lastError });
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

/** A balance that was judged longer ago than this says nothing any more: the line may be full by now. */
const OUTDATED_AFTER_MINUTES = 60;

function reasonNotToCharge(esim: Esim, open: OpenRecharge, isUsable: boolean, now: Instant): CancelReason | undefined {
  if (!isStillWanted(esim, open)) return "rule-changed";
  if (now > plusMinutes(open.reservedAt, OUTDATED_AFTER_MINUTES)) return "outdated";
  return isUsable ? undefined : "card-declined-elsewhere";
}

/** Whether the card was not declined, for whatever line, since the recharge was reserved. */
async function isCardUsable({ cards, clock }: RechargePorts, open: OpenRecharge): Promise<boolean> {
  return cardStanding(await cards.listDeclines(open.method.cardKey), clock.now()).kind === "usable";
}
