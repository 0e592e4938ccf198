import { adjustmentId, applyAdjustment, isUnbilled, type PaymentFact, paymentFacts } from "../../domain/adjustments.ts";
import type { Bill } from "../../domain/bill.ts";
import type { PaymentIntent } from "../../domain/payment-outcomes.ts";
import { OutcomeUnknown, type PaymentPoke, type RechargeStart } from "../../domain/ports.ts";
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
  if (start === undefined) return ports.log.error("payment-without-record", { rechargeId: id, paymentIntentId }); // the reconciler tells of it
  // The line first: a recharge that ends in between leaves its bill before it leaves the line.
  const open = (await ports.esims.load(start.iccid))?.open;
  if (open?.rechargeId === id) return rechargeLine(ports, { iccid: start.iccid, judge: false });
  const bill = await ports.recharges.getBill(id);
  if (bill === undefined) return; // overtaken before the line was reserved: nothing can have been paid
  await adjust(ports, start, bill, seen ?? (await retrieve(ports, paymentIntentId)));
}

/** Undefined: Stripe does not know it. */
async function retrieve({ payments, log }: RechargePorts, paymentIntentId: string): Promise<PaymentIntent | undefined> {
  const answer = await payments.retrieve(paymentIntentId);
  if (answer.kind === "intent") return answer.intent;
  if (answer.error.code !== "resource_missing") throw new OutcomeUnknown("Stripe does not say how the payment stands");
  log.error("payment-without-record", { paymentIntentId });
  return undefined;
}

/** Appends what happened to the payment since its recharge ended. The bill stays as it is. */
async function adjust(ports: RechargePorts, start: RechargeStart, bill: Bill, payment: PaymentIntent | undefined): Promise<void> {
  if (payment?.rechargeId !== bill.rechargeId) return;
  const { recharges, payments } = ports;
  const [{ adjustments }, disputes] = await Promise.all([recharges.getHistory(bill.rechargeId), payments.listDisputes(payment.id)]);
  const kept = new Set(adjustments.map((adjustment) => adjustment.adjustmentId));
  if (isUnbilled(bill, payment)) await giveBackUnbilled(ports, bill, payment);
  const facts = paymentFacts(bill, payment, await payments.listRefunds(payment.id), disputes);
  for (const fact of facts.filter((each) => !kept.has(adjustmentId(each)))) await keep(ports, start, bill, fact);
}

/** Money that no bill knows of is given back, all of it, and said loudly. */
async function giveBackUnbilled({ payments, log }: RechargePorts, { rechargeId }: Bill, { id }: PaymentIntent): Promise<void> {
  log.error("paid-after-end", { rechargeId, paymentIntentId: id });
  if ((await payments.listRefunds(id)).length > 0) return;
  const answer = await payments.refund(id, rechargeId, `${rechargeId}/refund-after-end/${id}`);
  if (answer.kind === "refused") throw new OutcomeUnknown(`Stripe did not give back what was paid after the end: ${answer.error.code ?? answer.error.type}`);
}

async function keep(ports: RechargePorts, { iccid }: RechargeStart, bill: Bill, fact: PaymentFact): Promise<void> {
  if (fact.kind === "dispute-opened") await suspendRulesOfCard(ports, bill, fact);
  const stored = await ports.esims.load(iccid);
  if (stored === undefined) throw new Error("The line of a bill is gone");
  // Line, then adjustment: a crash in between finds both again, and the line counts a refund once.
  const { esim } = await record(ports, stored, (current) => applyAdjustment(current, bill, fact, ports.clock.now()));
  await ports.recharges.putAdjustment({ rechargeId: bill.rechargeId, adjustmentId: adjustmentId(fact), kind: fact.kind, amount: fact.amount, at: fact.at });
  await publishPending(ports, esim);
}
