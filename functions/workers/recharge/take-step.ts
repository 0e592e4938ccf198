import { billOf } from "../../domain/bill.ts";
import { cardStanding } from "../../domain/declines.ts";
import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { declinedEnd, type PaymentAnswer, paymentOutcome } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown } from "../../domain/ports.ts";
import { applyCleared, applyMove, isStillWanted } from "../../domain/recharge.ts";
import type { CancelReason, Move, ReviewReason } from "../../domain/recharge-states.ts";
import { type Instant, plusMinutes } from "../../domain/time.ts";
import { type TopUpOutcome, topUpOutcome } from "../../domain/top-up-outcomes.ts";
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
  // Whether the card was declined meanwhile is asked below, once for both.
  const dropped = reasonNotToCharge(esim, open, true, ports.clock.now());
  if (dropped !== undefined) return move(ports, esim, open, { type: "dropped", reason: dropped, at: ports.clock.now() });
  await ports.recharges.putStart({ rechargeId, iccid: esim.iccid, subscriberId: open.subscriberId, at: open.reservedAt });
  const answer = await ports.payments.create({ rechargeId, amount, method, idempotencyKey: `${rechargeId}/create/${esim.version}` });
  if (answer.kind === "refused") {
    const outcome = paymentOutcome(answer, amount);
    if (outcome.kind === "unknown") throw new OutcomeUnknown("Stripe cannot say whether it made the PaymentIntent");
    if (outcome.kind === "fault") throw stripeFault(ports, open, outcome.code);
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
  const outcome = paymentOutcome(answer, open.amount);
  if (outcome.kind === "refused") logFault(ports, open, answer, outcome.reason);
  if (outcome.kind === "declined" || outcome.kind === "refused" || outcome.kind === "unconfirmed") {
    throw new OutcomeUnknown("The PaymentIntent is not canceled yet");
  }
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
      const decline = { rechargeId: open.rechargeId, at: clock.now(), code: outcome.code, severity: outcome.severity };
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
    case "fault":
      throw stripeFault(ports, open, outcome.code);
    case "unconfirmed":
    case "unknown":
      throw new OutcomeUnknown(`Stripe's answer leaves the payment ${outcome.kind}`);
  }
}

/** After this long the subscriber is told, and a person looks. No order is made any more: a carrier keeps its answers for 30 days only. */
const CREDIT_HOURS = 24;

/** Tops the line up, once. Whoever finds this state asks the carrier first whether that was done. */
async function credit(ports: RechargePorts, esim: Esim, open: OpenRecharge, paidAt: Instant, own: boolean): Step {
  const isOverdue = ports.clock.now() > plusMinutes(paidAt, CREDIT_HOURS * 60);
  if (own) return moveByTopUp(ports, esim, open, await orderTopUp(ports, esim, open), isOverdue);
  const seen = await findTopUp(ports, open);
  const mayOrder = seen.kind === "unseen" && ports.carrier.answersAreFinal && !isOverdue;
  return moveByTopUp(ports, esim, open, mayOrder ? await orderTopUp(ports, esim, open) : seen, isOverdue);
}

async function orderTopUp({ carrier }: RechargePorts, { iccid }: Esim, { rechargeId, amount }: OpenRecharge): Promise<TopUpOutcome> {
  return topUpOutcome("top-up", rechargeId, await carrier.topUp({ iccid, amount, reference: rechargeId }));
}

/** What became of the order. That the carrier does not answer is an outcome too: a credit that is overdue does not wait for it any longer. */
async function findTopUp({ carrier }: RechargePorts, { rechargeId }: OpenRecharge): Promise<TopUpOutcome> {
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
      return park("carrier-refused");
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

async function lookAtTopUp(ports: RechargePorts, esim: Esim, open: OpenRecharge): Step {
  const outcome = await findTopUp(ports, open);
  return outcome.kind === "credited" ? moveByTopUp(ports, esim, open, outcome, true) : "wait";
}

/** What the operator must see: a refusal that is a fault of ours. */
function logFault({ log }: RechargePorts, { rechargeId }: OpenRecharge, answer: PaymentAnswer, reason: CancelReason): void {
  if (reason === "payment-fault") log.error("payment-fault", { rechargeId, stripe: answer.kind === "refused" ? answer.error : answer.intent.lastError });
}

/** Our access to Stripe is wrong: said loudly, and tried again when the message comes back, as somebody may have mended it by then. */
function stripeFault({ log }: RechargePorts, { rechargeId }: OpenRecharge, code: string): Error {
  log.error("stripe-fault", { rechargeId, stripe: code });
  return new OutcomeUnknown(`Stripe does not take our requests: ${code}`);
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
