import { stripeLedger } from "../../functions/adapters/stripe-ledger.ts";
import type { RechargeHistory, Recharges, ReconcileRequest } from "../../functions/domain/ports.ts";
import { lookAtPayment } from "../../functions/workers/recharge/look-at-payment.ts";
import { planReconcile, type ReconcileEvery } from "../../functions/workers/reconcile/plan-reconcile.ts";
import type { ReconcilePorts } from "../../functions/workers/reconcile/ports.ts";
import { reconcile } from "../../functions/workers/reconcile/reconcile.ts";
import { type CarrierModelOptions, carrierModel } from "../../local/carrier/carrier-model.ts";
import { memoryRecords } from "../../local/records.ts";
import { cny, ICCID, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import { inProcessStripe } from "../fakes/in-process-stripe.ts";
import { memoryRecharges } from "../fakes/memory-stores.ts";
import { rechargeWorld } from "./recharge-world.ts";

/** A world of recharges, with an auditor who compares its books. */
export async function reconcileWorld(options: Parameters<typeof rechargeWorld>[0] = {}) {
  const world = await rechargeWorld(options);
  const amount = options.settings?.topUp?.type === "fixed" ? options.settings.topUp.amount : cny(5000);
  const { ports, stripe, published, pokes, method } = world;
  const client = inProcessStripe(stripe);
  const requests: ReconcileRequest[] = [];
  const auditor: ReconcilePorts = {
    ...ports,
    ledger: stripeLedger({ stripe: client, stage: "test" }),
    reconcileRequests: { send: async (sent) => void requests.push(...sent) },
    timeLeft: () => 60_000,
  };

  /** Compares the books once; gives the breaks that were told now. */
  async function audit(changes: Partial<ReconcilePorts> = {}, every: ReconcileEvery = "day") {
    const before = published.length;
    await planReconcile(auditor, { scheduledTime: ports.clock.now(), every });
    for (let request = requests.shift(); request !== undefined; request = requests.shift()) await reconcile({ ...auditor, ...changes }, request);
    return published.slice(before).flatMap((event) => (event.name === "ReconciliationBreakFound" ? [event] : []));
  }

  return {
    ...world,
    /** What each recharge charges. */
    amount,
    client,
    auditor,
    requests,
    audit,
    /** Twice, three hours apart: what a poke was to mend is told at the second look. */
    async auditTwice(changes: Partial<ReconcilePorts> = {}) {
      const first = await audit(changes);
      world.advanceMinutes(180);
      return [...first, ...(await audit(changes))];
    },
    /** The customer comes back to the payment that waits for them. */
    async payAsCustomer() {
      const { open: recharge } = await world.line();
      if (recharge?.state.name !== "awaiting-customer") throw new Error("Nothing waits for the customer");
      const { client_secret } = await client.paymentIntents.retrieve(recharge.state.paymentIntentId);
      stripe.confirmAsCustomer(client_secret ?? "", method.id);
    },
    /** Stripe tells the recharge function that something happened to the payment of the recharge that ended. */
    async webhook() {
      const [bill] = await world.bills();
      if (bill?.paymentIntentId !== undefined) await lookAtPayment(ports, { paymentIntentId: bill.paymentIntentId, rechargeId: bill.rechargeId });
    },
    /** The recharge function does what it was asked about payments. */
    async followPokes() {
      for (const poke of pokes.splice(0)) if ("paymentIntentId" in poke) await lookAtPayment(ports, poke);
    },
    /** The one recharge that has ended. */
    async ended() {
      const [bill] = await world.bills();
      if (bill === undefined) throw new Error("No recharge has ended");
      return { ...bill, paymentIntentId: bill.paymentIntentId ?? "" };
    },
    /** The one that has not. */
    async open() {
      const { open } = await world.line();
      if (open === undefined) throw new Error("No recharge is open");
      return open;
    },
    /** A PaymentIntent that we never made, or do not remember. */
    async plantPayment(rechargeId: string, { isPaid = true, stage = "test" } = {}) {
      const { id } = await client.paymentIntents.create({
        amount: amount.amount,
        currency: "cny",
        customer: method.customerId,
        payment_method: method.id,
        metadata: { rechargeId, stage },
      });
      if (isPaid) await client.paymentIntents.confirm(id, { off_session: true });
      return id;
    },
    /** Another carrier with the same lines, and with books of its own. */
    otherCarrier(changes: Partial<CarrierModelOptions> = {}, currency = "CNY") {
      const model = carrierModel({ records: memoryRecords(), now: () => Date.parse(ports.clock.now()), ...changes });
      for (const iccid of [ICCID, OTHER_ICCID]) model.addLine({ iccid, owner: { subscriberId: SUBSCRIBER }, currency, available: 0, drainPerMinute: 0 });
      return model;
    },
    /** Our records of a recharge as somebody's hand left them. */
    async rewritten(rechargeId: string, change: (history: RechargeHistory) => RechargeHistory): Promise<{ readonly recharges: Recharges }> {
      const recharges = memoryRecharges();
      const { start, bill, adjustments, steps } = change(await ports.recharges.getHistory(rechargeId));
      if (start !== undefined) await recharges.putStart(start);
      if (bill !== undefined) await recharges.putBill(bill);
      for (const adjustment of adjustments) await recharges.putAdjustment(adjustment);
      for (const step of steps) await recharges.putStep(step);
      return { recharges };
    },
  };
}

export type ReconcileWorld = Awaited<ReturnType<typeof reconcileWorld>>;
