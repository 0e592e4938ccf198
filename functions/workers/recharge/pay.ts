import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { mayBePaid } from "../../domain/family.ts";
import { declinedEnd, type PaymentAnswer, type PaymentIntent, paymentOutcome } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown } from "../../domain/ports.ts";
import { applyMove, applyReminder, isCalledOff, unwantedBecause } from "../../domain/recharge.ts";
import type { CancelReason, Move, RechargeState } from "../../domain/recharge-states.ts";
import { plusMinutes } from "../../domain/time.ts";
import { record } from "../record.ts";
import { lineOf } from "./line-of.ts";
import type { RechargePorts } from "./ports.ts";
import { lineAgainst, stopOf, worldAgainst } from "./standing.ts";
import { move, type Step } from "./step.ts";

/** How far Stripe's clock may be behind ours. */
const CLOCKS_APART_MINUTES = 60;
/** A backup can be so old. Source: point-in-time recovery of DynamoDB */
const OLDEST_BACKUP_MINUTES = 35 * 24 * 60;

/**
 * The PaymentIntents that were made for a recharge before.
 *
 * What was requested has an id that is made of a wish or of another recharge, and can come again after the tables were brought back to an earlier day.
 */
export function findMade({ payments }: RechargePorts, { rechargeId, method, reservedAt, origin }: OpenRecharge): Promise<PaymentIntent[]> {
  const back = origin === undefined ? CLOCKS_APART_MINUTES : OLDEST_BACKUP_MINUTES;
  return payments.findCreated({ rechargeId, customerId: method.customerId, since: plusMinutes(reservedAt, -back) });
}

/** Makes the PaymentIntent, unconfirmed; then, in the write that stores its id, asks once more whether the charge is still wanted. */
export async function createPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, own: boolean): Step {
  const { rechargeId, amount, method, check } = open;
  if (!own) {
    // The last worker may have made one, and a line that was restored from a backup may even have been charged: nothing is made before that is known.
    const made = furthest(await findMade(ports, open));
    if (made !== undefined) return adopt(ports, esim, open, made);
  }
  const against = own ? lineAgainst(esim, open, ports.clock.now()) : await againstGoingOn(ports, esim, open);
  if (against !== undefined) return move(ports, esim, open, { type: "dropped", reason: against, at: ports.clock.now() });

  const answer = await ports.payments.create({ rechargeId, check, amount, method, idempotencyKey: `${rechargeId}/create/${esim.version}` });
  if (answer.kind === "refused") {
    const outcome = paymentOutcome(answer, amount);
    if (outcome.kind === "unknown") throw new OutcomeUnknown("Stripe cannot say whether it made the PaymentIntent");
    if (outcome.kind === "fault") throw stripeFault(ports, open, outcome.code);
    const reason = outcome.kind === "refused" ? outcome.reason : "payment-fault";
    logFault(ports, open, answer, reason);
    return move(ports, esim, open, { type: "dropped", reason, at: ports.clock.now() });
  }
  const paymentIntentId = answer.intent.id;
  const worldSays = await worldAgainst(ports, open);
  return record(ports, esim, (current) => {
    const at = ports.clock.now();
    const unwanted = lineAgainst(current, open, at) ?? worldSays;
    return applyMove(current, rechargeId, unwanted === undefined ? madeMove(open, paymentIntentId, at) : unpaid(paymentIntentId, unwanted), at);
  });
}

/** What speaks against charging what another worker began, perhaps an hour ago: also that the line has changed hands at the carrier since. */
async function againstGoingOn(ports: RechargePorts, esim: Esim, open: OpenRecharge): Promise<CancelReason | undefined> {
  const against = lineAgainst(esim, open, ports.clock.now()) ?? (await worldAgainst(ports, open));
  if (against !== undefined) return against;
  return (await lineOf(ports, esim, open.subscriberId, open.origin)) === undefined ? "line-lost" : undefined;
}

/** Whether its payer confirms it in their browser: a pay request, or what they wanted there and then. Everything else is confirmed by us. */
function isPayersToConfirm({ method, origin }: OpenRecharge): boolean {
  return method.payRequest !== undefined || origin === "payer";
}

function madeMove(open: OpenRecharge, paymentIntentId: string, at: string): Move {
  return isPayersToConfirm(open) ? { type: "awaiting", paymentIntentId, at } : { type: "created", paymentIntentId };
}

const PROGRESS = ["canceled", "requires_payment_method", "requires_confirmation", "requires_action", "processing", "succeeded"];

/** Of several PaymentIntents that were made for one recharge, the one on which most has happened; the others were never confirmed. */
function furthest(made: readonly PaymentIntent[]): PaymentIntent | undefined {
  return [...made].sort((a, b) => PROGRESS.indexOf(b.status) - PROGRESS.indexOf(a.status))[0];
}

/** Goes on with a PaymentIntent that was made before: looks at it first, as somebody else's. */
async function adopt(ports: RechargePorts, esim: Esim, open: OpenRecharge, { id }: PaymentIntent): Step {
  const recorded = await move(ports, esim, open, madeMove(open, id, ports.clock.now()));
  return recorded === "wait" ? recorded : { ...recorded, own: false };
}

/** Confirms, once; whoever did not just store the PaymentIntent looks at it first, and asks whether the charge is still wanted. */
export async function confirmPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string, own: boolean): Step {
  if (!own) {
    const seen = await ports.payments.retrieve(paymentIntentId);
    if (paymentOutcome(seen, open.amount).kind !== "unconfirmed") return moveByPayment(ports, esim, open, paymentIntentId, seen);
    const unwanted = await againstGoingOn(ports, esim, open);
    if (unwanted !== undefined) return move(ports, esim, open, unpaid(paymentIntentId, unwanted));
  }
  const answer = await ports.payments.confirm(paymentIntentId, `${open.rechargeId}/confirm/${esim.version}`);
  return moveByPayment(ports, esim, open, paymentIntentId, answer);
}

export async function lookAtPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string): Step {
  return moveByPayment(ports, esim, open, paymentIntentId, await ports.payments.retrieve(paymentIntentId));
}

type Awaiting = Extract<RechargeState, { name: "awaiting-customer" }>;

/** Looks whether the customer has acted; reminds them once, and closes what they let pass or do not want any more. */
export async function waitForCustomer(ports: RechargePorts, esim: Esim, open: OpenRecharge, state: Awaiting): Step {
  const { paymentIntentId, remindAt, expiresAt } = state;
  const seen = await ports.payments.retrieve(paymentIntentId);
  if (!isCustomersTurn(seen, open)) return moveByPayment(ports, esim, open, paymentIntentId, seen);

  const now = ports.clock.now();
  if (isCalledOff(esim, open)) return move(ports, esim, open, unpaid(paymentIntentId, "by-subscriber"));
  // Its grant was shortened, used up or taken back since.
  if (!mayBePaid(esim, open, now)) return move(ports, esim, open, unpaid(paymentIntentId, "line-lost"));
  const unwanted = unwantedBecause(esim, open) ?? ((await isOthersNow(ports, esim, open)) ? "line-lost" : undefined);
  if (unwanted !== undefined) return move(ports, esim, open, unpaid(paymentIntentId, unwanted));
  const stop = await stopOf(ports, open.subscriberId);
  // What the bank asked of them was confirmed by us before; a pay request is still to be.
  const isStopped = stop === "paused-by-operator" || (stop === "kill-switch" && isPayersToConfirm(open));
  if (stop !== undefined && isStopped) return move(ports, esim, open, unpaid(paymentIntentId, stop));
  if (now >= expiresAt) return move(ports, esim, open, { type: "unpaid", paymentIntentId, because: { end: "expired" } });
  if (remindAt === undefined || now < remindAt) return "wait";
  return record(ports, esim, (current) => applyReminder(current, open.rechargeId, now));
}

/** Whether the carrier has given the line to somebody else, whom this customer would pay for. No answer is no reason to stop waiting. */
async function isOthersNow(ports: RechargePorts, esim: Esim, { subscriberId, origin }: OpenRecharge): Promise<boolean> {
  try {
    return (await lineOf(ports, esim, subscriberId, origin)) === undefined;
  } catch (error) {
    if (error instanceof OutcomeUnknown) return false;
    throw error;
  }
}

/** What is a decline with the customer away is here only a try of theirs that failed: they may try again, with another card if they like. */
function isCustomersTurn(seen: PaymentAnswer, { amount }: OpenRecharge): boolean {
  if (seen.kind !== "intent") return false;
  const { kind } = paymentOutcome(seen, amount);
  return kind === "needs-customer" || kind === "declined" || kind === "refused" || kind === "unconfirmed";
}

/** Cancels, then believes only what it sees: a payment that succeeded after all is credited. */
export async function closePayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string): Step {
  const answer = await ports.payments.cancel(paymentIntentId);
  const { state } = open;
  const isByHand = state.name === "closing" && state.end === "cancelled" && state.reason === "resolved-by-operator";
  // Stripe does not know it, and a person has looked: of this account nothing can be taken by it.
  if (isByHand && answer.kind === "refused" && answer.error.code === "resource_missing")
    return move(ports, esim, open, { type: "canceled", at: ports.clock.now() });
  const outcome = paymentOutcome(answer, open.amount);
  if (outcome.kind === "refused") logFault(ports, open, answer, outcome.reason);
  const isStillOpen = outcome.kind === "declined" || outcome.kind === "refused" || outcome.kind === "unconfirmed" || outcome.kind === "needs-customer";
  if (isStillOpen) throw new OutcomeUnknown("The PaymentIntent is not canceled yet");
  return moveByPayment(ports, esim, open, paymentIntentId, answer);
}

/** Records what the PaymentIntent turned out to be. */
async function moveByPayment(ports: RechargePorts, esim: Esim, open: OpenRecharge, paymentIntentId: string, answer: PaymentAnswer): Step {
  const { clock, cards } = ports;
  const { cardKey } = open.method;
  const outcome = paymentOutcome(answer, open.amount);
  switch (outcome.kind) {
    case "paid":
      if (!isByAnother(answer, open)) await cards.clear(cardKey, open.reservedAt); // a success ends the series of declines before it
      return move(ports, esim, open, { type: "paid", at: clock.now() });
    case "processing": {
      const isKnown = open.state.name === "processing";
      return isKnown ? "wait" : move(ports, esim, open, { type: "pending" });
    }
    case "canceled":
      return move(ports, esim, open, { type: "canceled", at: clock.now() });
    case "needs-customer":
      return move(ports, esim, open, { type: "awaiting", paymentIntentId, at: clock.now() });
    case "declined": {
      // The customer was there and could not pay: that says nothing about what we may charge by ourselves.
      if (isPayersToConfirm(open)) return move(ports, esim, open, { type: "unpaid", paymentIntentId, because: { end: "expired" } });
      // Nor does another card of theirs say anything about the saved one: they may try again.
      if (isByAnother(answer, open)) return move(ports, esim, open, { type: "awaiting", paymentIntentId, at: clock.now() });
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

/** Whether the customer, who had the link, paid or tried with another card than the one that the rule charges. */
function isByAnother(answer: PaymentAnswer, { method }: OpenRecharge): boolean {
  return answer.kind === "intent" && answer.intent.methodId !== undefined && answer.intent.methodId !== method.id;
}

/** What the operator must see: a refusal that is a fault of ours. */
function logFault({ log }: RechargePorts, { rechargeId }: OpenRecharge, answer: PaymentAnswer, reason: CancelReason): void {
  if (reason === "payment-fault") log.error("payment-fault", { rechargeId, stripe: answer.kind === "refused" ? answer.error : answer.intent.lastError });
}

/** Our access to Stripe is wrong: said loudly, and tried again when the message comes back, as somebody may have mended it by then. */
export function stripeFault({ log }: RechargePorts, { rechargeId }: OpenRecharge, code: string): Error {
  log.error("stripe-fault", { rechargeId, stripe: code });
  return new OutcomeUnknown(`Stripe does not take our requests: ${code}`);
}

export function unpaid(paymentIntentId: string, reason: CancelReason): Move {
  return { type: "unpaid", paymentIntentId, because: { end: "cancelled", reason } };
}
