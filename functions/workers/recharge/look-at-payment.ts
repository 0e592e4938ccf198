import {
  type Adjusted,
  adjustmentId,
  applyAdjustment,
  billAdjusted,
  disputeFacts,
  isUnbilled,
  type PaymentFact,
  paymentFacts,
} from "../../domain/adjustments.ts";
import type { Bill } from "../../domain/bill.ts";
import type { OpenRecharge } from "../../domain/esim.ts";
import { hasFailed, type PaymentIntent, type Refund } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown, type PaymentPoke, type RechargeStart } from "../../domain/ports.ts";
import { topUpOutcome } from "../../domain/top-up-outcomes.ts";
import { record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";
import { publishPending, rechargeLine } from "./recharge-line.ts";
import { suspendRulesOfCard } from "./suspend-rules.ts";

/** Stripe says that something happened to a payment: goes on with its recharge, or, where that has ended, keeps what happened since. */
export async function lookAtPayment(ports: RechargePorts, { paymentIntentId, rechargeId }: PaymentPoke): Promise<void> {
  const seen = rechargeId === undefined ? await retrieve(ports, paymentIntentId) : undefined;
  const id = rechargeId ?? seen?.rechargeId;
  if (id === undefined) return; // another stage's, or none of ours
  const start = await ports.recharges.getStart(id);
  if (start !== undefined && (await openOf(ports, start)) !== undefined) {
    await rechargeLine(ports, { iccid: start.iccid, judge: false });
    const open = await openOf(ports, start);
    if (open !== undefined) return keepDisputes(ports, start, open);
  }
  const bill = await ports.recharges.getBill(id);
  if (bill !== undefined) return adjust(ports, start, bill, seen ?? (await retrieve(ports, paymentIntentId)));
  // With a start it was overtaken before the line was reserved: nothing can have been paid.
  if (start === undefined) ports.log.error("payment-without-record", { rechargeId: id, paymentIntentId }); // the reconciler tells of it
}

/** Asked before its bill: a recharge that ends in between leaves its bill before it leaves the line. */
async function openOf({ esims }: RechargePorts, { iccid, rechargeId }: RechargeStart): Promise<OpenRecharge | undefined> {
  const open = (await esims.load(iccid))?.open;
  return open?.rechargeId === rechargeId ? open : undefined;
}

/** A dispute waits for no end of a recharge, which may be under review for weeks: the card stops, and the operator is told. */
async function keepDisputes(ports: RechargePorts, start: RechargeStart, open: OpenRecharge): Promise<void> {
  const { state } = open;
  if (!("paidAt" in state) || state.paymentIntentId === undefined) return; // what is not paid cannot be disputed
  const { paymentIntentId } = state;
  const facts = disputeFacts(paymentIntentId, await ports.payments.listDisputes(paymentIntentId));
  await keepAll(ports, start, { ...open, paymentIntentId }, facts);
}

/** Undefined: Stripe does not know it. */
async function retrieve({ payments, log }: RechargePorts, paymentIntentId: string): Promise<PaymentIntent | undefined> {
  const answer = await payments.retrieve(paymentIntentId);
  if (answer.kind === "intent") return answer.intent;
  if (answer.error.code !== "resource_missing") throw new OutcomeUnknown("Stripe does not say how the payment stands");
  log.error("payment-without-record", { paymentIntentId });
  return undefined;
}

/** Appends what happened to the payment since its recharge ended. The bill stays as it is. `start`: missing where its payer's account is erased. */
async function adjust(ports: RechargePorts, start: RechargeStart | undefined, bill: Bill, payment: PaymentIntent | undefined): Promise<void> {
  if (payment?.rechargeId !== bill.rechargeId) return;
  const { payments } = ports;
  const disputes = await payments.listDisputes(payment.id);
  await keepAll(ports, start, bill, paymentFacts(bill, payment, await payments.listRefunds(payment.id), disputes));
  // Told first: should Stripe refuse to give it back, a person knows of it.
  if (isUnbilled(bill, payment)) await giveBackUnbilled(ports, bill, payment);
}

async function keepAll(ports: RechargePorts, start: RechargeStart | undefined, adjusted: Adjusted, facts: readonly PaymentFact[]): Promise<void> {
  const { adjustments } = await ports.recharges.getHistory(adjusted.rechargeId);
  const kept = new Set(adjustments.map((adjustment) => adjustment.adjustmentId));
  for (const fact of facts.filter((each) => !kept.has(adjustmentId(each)))) await keep(ports, start, adjusted, fact);
}

/** Money that no bill knows of is given back, all of it, and said loudly. */
async function giveBackUnbilled(ports: RechargePorts, { rechargeId, charged }: Bill, { id, amount }: PaymentIntent): Promise<void> {
  const { payments, log } = ports;
  log.error("paid-after-end", { rechargeId, paymentIntentId: id });
  // Credited as well, which its bill does not say: a person has to look, and the reconciler tells of it.
  if (charged.amount === 0 && (await isCredited(ports, rechargeId))) return log.error("credited-without-bill", { rechargeId });
  const made = await payments.listRefunds(id);
  if (refundedOrUnderWay(made) >= amount.amount || made.some(hasFailed)) return; // a refund that failed is a person's: they are told
  const answer = await payments.refund(id, rechargeId, `${rechargeId}/refund-after-end/${id}/${made.length}`); // all that is left
  if (answer.kind === "refused") throw new OutcomeUnknown(`Stripe did not give back what was paid after the end: ${answer.error.code ?? answer.error.type}`);
}

/** While the carrier does not say it, nothing is given back. */
async function isCredited({ carrier }: RechargePorts, rechargeId: string): Promise<boolean> {
  const { kind } = topUpOutcome("find", rechargeId, await carrier.findTopUp(rechargeId));
  if (kind === "unknown" || kind === "fault") throw new OutcomeUnknown("The carrier does not say whether it credited a recharge that was paid after its end");
  return kind === "credited";
}

function refundedOrUnderWay(refunds: readonly Refund[]): number {
  return refunds.filter((refund) => !hasFailed(refund)).reduce((sum, refund) => sum + refund.amount.amount, 0);
}

async function keep(ports: RechargePorts, start: RechargeStart | undefined, adjusted: Adjusted, fact: PaymentFact): Promise<void> {
  const { esims, recharges, events, clock } = ports;
  const { rechargeId } = adjusted;
  const adjustment = { rechargeId, adjustmentId: adjustmentId(fact), kind: fact.kind, amount: fact.amount, at: fact.at };
  if (start !== undefined && fact.kind === "dispute-opened") await suspendRulesOfCard(ports, start, fact);
  const stored = start && (await esims.load(start.iccid));
  if (stored === undefined) {
    // The account is erased, or is being erased: the operator is told, and then it is kept beside the bill.
    await events.publish([billAdjusted(rechargeId, fact, clock.now())]);
    return recharges.putAdjustment(adjustment);
  }
  // Line, then adjustment: a crash in between finds both again, and the line counts a refund once.
  const { esim } = await record(ports, stored, (current) => applyAdjustment(current, adjusted, fact, clock.now()));
  await recharges.putAdjustment(adjustment);
  await publishPending(ports, esim);
}
