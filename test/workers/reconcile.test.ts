import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import type { Bill } from "../../functions/domain/bill.ts";
import { type Money, money } from "../../functions/domain/money.ts";
import { OutcomeUnknown, UnreadableLine } from "../../functions/domain/ports.ts";
import { BREAK_KINDS } from "../../functions/domain/reconciliation.ts";
import { planReconcile } from "../../functions/workers/reconcile/plan-reconcile.ts";
import type { ReconcilePorts } from "../../functions/workers/reconcile/ports.ts";
import { reconcile } from "../../functions/workers/reconcile/reconcile.ts";
import { cny, ICCID, NOW, OTHER_ICCID } from "../builders.ts";
import { inProcessCarrier } from "../fakes/in-process-carrier.ts";
import { PROOF_SCALE } from "../proof/proof-world.ts";
import { type ReconcileWorld, reconcileWorld } from "./reconcile-world.ts";

const AN_HOUR = 60;
const A_DAY = 24 * AN_HOUR;
const NOTHING: Money = cny(0);

type MakeWorld = () => Promise<ReconcileWorld>;

async function justSucceeded(aWorld: MakeWorld) {
  const world = await aWorld();
  await world.look();
  return world;
}

async function succeeded(aWorld: MakeWorld) {
  const world = await justSucceeded(aWorld);
  world.advanceMinutes(AN_HOUR);
  return world;
}

async function declined(aWorld: MakeWorld) {
  const world = await aWorld();
  world.stripe.chooseNext({ type: "decline", declineCode: "insufficient_funds" });
  await world.look();
  world.advanceMinutes(AN_HOUR);
  return world;
}

async function refunded(aWorld: MakeWorld) {
  const world = await aWorld();
  world.carrier.chooseNext("refuse");
  await world.look();
  world.advanceMinutes(AN_HOUR);
  return world;
}

async function awaiting(aWorld: MakeWorld) {
  const world = await aWorld();
  world.stripe.chooseNext("authentication-required");
  await world.look();
  world.advanceMinutes(AN_HOUR);
  return world;
}

async function rewriteBill(world: ReconcileWorld, change: (bill: Bill) => Bill) {
  const { rechargeId } = await world.ended();
  return world.rewritten(rechargeId, (history) => ({ ...history, bill: history.bill && change(history.bill) }));
}

const asUnpaid = (bill: Bill): Bill => ({ ...bill, end: "declined", charged: NOTHING, credited: NOTHING });

/** The books of a carrier that credited something else under the reference. */
async function creditedElsewhere(world: ReconcileWorld, { iccid = ICCID, amount = world.amount, minutes = 0 } = {}) {
  const { rechargeId } = await world.ended();
  const carrier = world.otherCarrier({}, amount.currency);
  world.advanceMinutes(minutes);
  carrier.topUp({ iccid, amount, reference: rechargeId });
  return { carrier: inProcessCarrier(carrier) };
}

async function refusedElsewhere(world: ReconcileWorld) {
  const { rechargeId } = await world.ended();
  const carrier = world.otherCarrier();
  carrier.chooseNext("refuse");
  carrier.topUp({ iccid: ICCID, amount: world.amount, reference: rechargeId });
  return { carrier: inProcessCarrier(carrier) };
}

function ifUnknown(error: unknown): void {
  if (!(error instanceof OutcomeUnknown)) throw error;
}

interface Planted {
  readonly kind: string;
  /** Breaks one thing, and gives what of the auditor's world is another one by that. */
  readonly plant: (aWorld: MakeWorld) => Promise<{ readonly world: ReconcileWorld; readonly changes?: Partial<ReconcilePorts> }>;
  readonly mended?: boolean;
}

/** A recharge that never went on: only why it was begun is kept. */
async function startedOnly(aWorld: MakeWorld, rechargeId: string) {
  const world = await succeeded(aWorld);
  const { start } = await world.ports.recharges.getHistory((await world.ended()).rechargeId);
  if (start !== undefined) await world.ports.recharges.putStart({ ...start, rechargeId });
  return world;
}

const PLANTED: readonly Planted[] = [
  {
    kind: "charge-without-record",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      await world.plantPayment("nobodys");
      return { world };
    },
  },
  {
    kind: "charge-without-bill",
    plant: async (aWorld) => {
      const world = await startedOnly(aWorld, "forgotten");
      await world.plantPayment("forgotten");
      return { world };
    },
  },
  {
    kind: "second-charge",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      await world.plantPayment((await world.ended()).rechargeId);
      return { world };
    },
  },
  {
    kind: "charge-after-unpaid-end",
    plant: async (aWorld) => {
      const world = await declined(aWorld);
      const paymentIntentId = await world.plantPayment((await world.ended()).rechargeId);
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, paymentIntentId })) };
    },
  },
  {
    kind: "unpaid-bill-charged-and-credited",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: await rewriteBill(world, asUnpaid) };
    },
  },
  {
    kind: "charged-amount-differs",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, charged: cny(bill.charged.amount - 1) })) };
    },
  },
  {
    kind: "charged-currency-differs",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, charged: money(bill.charged.amount, "HKD") })) };
    },
  },
  {
    kind: "bill-without-charge",
    plant: async (aWorld) => {
      const world = await declined(aWorld);
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, end: "succeeded", charged: bill.amount, credited: bill.amount })) };
    },
  },
  {
    kind: "payment-missing",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      const { auditor } = await aWorld(); // another account of Stripe's
      return { world, changes: { ledger: auditor.ledger } };
    },
  },
  {
    kind: "charge-not-credited",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: { carrier: inProcessCarrier(world.otherCarrier()) } };
    },
  },
  {
    kind: "charge-not-credited",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: { carrier: inProcessCarrier(world.otherCarrier({ answersAreFinal: false })) } }; // seen in its list
    },
  },
  {
    kind: "credit-refused",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: await refusedElsewhere(world) };
    },
  },
  {
    kind: "refund-unknown",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      await world.client.refunds.create({ payment_intent: (await world.ended()).paymentIntentId });
      return { world };
    },
  },
  {
    kind: "partial-refund-unknown",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      await world.client.refunds.create({ payment_intent: (await world.ended()).paymentIntentId, amount: 1 });
      return { world };
    },
  },
  {
    kind: "refund-failed-unknown",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      world.stripe.chooseNext("fail-later", "refund");
      await world.client.refunds.create({ payment_intent: (await world.ended()).paymentIntentId });
      world.advanceMinutes(AN_HOUR);
      return { world };
    },
  },
  {
    kind: "refund-missing",
    plant: async (aWorld) => {
      const world = await aWorld();
      world.carrier.chooseNext("refuse");
      const refund = { id: "re_1", status: "succeeded", amount: cny(1_000_000), at: NOW }; // whatever was taken in this world
      await world.look({ payments: { ...world.ports.payments, refund: async () => ({ kind: "refund", refund }) } });
      return { world };
    },
  },
  {
    kind: "refund-amount-differs",
    plant: async (aWorld) => {
      const world = await refunded(aWorld);
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, refunded: cny(bill.refunded.amount - 1) })) };
    },
  },
  {
    kind: "refunded-and-credited",
    plant: async (aWorld) => {
      const world = await refunded(aWorld);
      return { world, changes: await creditedElsewhere(world) };
    },
  },
  {
    kind: "dispute-unknown",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      world.stripe.dispute((await world.ended()).paymentIntentId, { reason: "fraudulent" });
      return { world };
    },
  },
  {
    kind: "dispute-end-unknown",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      const { rechargeId, paymentIntentId } = await world.ended();
      const { id } = world.stripe.dispute(paymentIntentId, { reason: "fraudulent" });
      world.pokes.push({ paymentIntentId, rechargeId, delaySeconds: 0 });
      await world.followPokes();
      world.stripe.closeDispute(id, "won");
      return { world };
    },
  },
  {
    kind: "adjustment-without-refund",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      const { rechargeId, endedAt: at } = await world.ended();
      await world.ports.recharges.putAdjustment({ rechargeId, adjustmentId: "re_none/refunded", kind: "refunded", amount: cny(1), at });
      return { world };
    },
  },
  {
    kind: "adjustment-without-dispute",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      const { rechargeId, endedAt: at } = await world.ended();
      await world.ports.recharges.putAdjustment({ rechargeId, adjustmentId: "du_none/dispute-opened", kind: "dispute-opened", amount: cny(1), at });
      return { world };
    },
  },
  {
    kind: "paid-and-stuck",
    plant: async (aWorld) => {
      const world = await aWorld();
      world.stripe.chooseNext("processing");
      await world.look();
      world.advanceMinutes(27 * AN_HOUR); // paid after ten seconds, and nobody looked
      return { world };
    },
  },
  {
    kind: "open-too-long",
    plant: async (aWorld) => {
      const world = await awaiting(aWorld);
      world.advanceMinutes(3 * A_DAY);
      return { world };
    },
  },
  {
    kind: "orphan-payment",
    mended: true,
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      await world.plantPayment((await world.ended()).rechargeId, { isPaid: false });
      world.advanceMinutes(A_DAY);
      return { world };
    },
  },
  {
    kind: "payment-left-open",
    mended: true,
    plant: async (aWorld) => {
      const world = await declined(aWorld);
      const paymentIntentId = await world.plantPayment((await world.ended()).rechargeId, { isPaid: false });
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, paymentIntentId })) };
    },
  },
  {
    kind: "credit-without-record",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      world.carrier.topUp({ iccid: ICCID, amount: world.amount, reference: "nobodys" });
      return { world };
    },
  },
  {
    kind: "credit-without-bill",
    plant: async (aWorld) => {
      const world = await startedOnly(aWorld, "forgotten");
      world.carrier.topUp({ iccid: ICCID, amount: world.amount, reference: "forgotten" });
      return { world };
    },
  },
  {
    kind: "credit-without-charge",
    plant: async (aWorld) => {
      const world = await declined(aWorld);
      world.carrier.topUp({ iccid: ICCID, amount: world.amount, reference: (await world.ended()).rechargeId });
      return { world };
    },
  },
  {
    kind: "credited-before-paid",
    plant: async (aWorld) => {
      const world = await awaiting(aWorld);
      world.carrier.topUp({ iccid: ICCID, amount: world.amount, reference: (await world.open()).rechargeId });
      return { world };
    },
  },
  {
    kind: "credited-other-line",
    plant: async (aWorld) => {
      const world = await justSucceeded(aWorld);
      return { world, changes: await creditedElsewhere(world, { iccid: OTHER_ICCID }) };
    },
  },
  {
    kind: "credited-other-amount",
    plant: async (aWorld) => {
      const world = await justSucceeded(aWorld);
      return { world, changes: await creditedElsewhere(world, { amount: cny(world.amount.amount - 1) }) };
    },
  },
  {
    kind: "credited-other-currency",
    plant: async (aWorld) => {
      const world = await justSucceeded(aWorld);
      return { world, changes: await creditedElsewhere(world, { amount: money(world.amount.amount, "HKD") }) };
    },
  },
  {
    kind: "credited-twice",
    plant: async (aWorld) => {
      const world = await aWorld();
      const once = world.otherCarrier({ answersAreFinal: false });
      await world.look({ carrier: inProcessCarrier(once) });
      once.topUp({ iccid: ICCID, amount: world.amount, reference: (await world.ended()).rechargeId });
      world.advanceMinutes(AN_HOUR);
      return { world, changes: { carrier: inProcessCarrier(once) } };
    },
  },
  {
    kind: "credited-after-end",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: await creditedElsewhere(world, { minutes: AN_HOUR }) };
    },
  },
  {
    kind: "review-credited",
    plant: async (aWorld) => {
      const world = await aWorld();
      const once = world.otherCarrier({ answersAreFinal: false });
      const carrier = inProcessCarrier(once);
      once.chooseNext("credit-but-lose-reply");
      for (let i = 0; i < 3; i++) {
        await world.look({ carrier }).catch(ifUnknown);
        world.advanceMinutes(30);
      }
      return { world, changes: { carrier } };
    },
  },
  {
    kind: "bill-contradicts-start",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      return { world, changes: await rewriteBill(world, (bill) => ({ ...bill, subscriberId: "sub-eve" })) };
    },
  },
  {
    kind: "bill-while-open",
    plant: async (aWorld) => {
      const world = await awaiting(aWorld);
      const ended = await (await declined(aWorld)).ended();
      const { rechargeId, state } = await world.open();
      if (state.name !== "awaiting-customer") throw new Error(state.name);
      await world.ports.recharges.putBill({ ...ended, rechargeId, paymentIntentId: state.paymentIntentId });
      return { world };
    },
  },
  {
    kind: "line-unreadable",
    plant: async (aWorld) => {
      const world = await succeeded(aWorld);
      const load = () => Promise.reject(new UnreadableLine("odd"));
      return { world, changes: { esims: { ...world.ports.esims, load } } };
    },
  },
  {
    kind: "carrier-listing-missing",
    plant: async (aWorld) => {
      const world = await aWorld();
      return { world, changes: { carrier: inProcessCarrier(world.otherCarrier({ listsTopUps: false })) } };
    },
  },
];

/** Worlds that differ in all that should not matter: the sum, the balance, the time, and what another stage does at the same Stripe. */
function variation(number: number): MakeWorld {
  return async () => {
    const world = await reconcileWorld({ balance: (number * 97) % 1000, settings: { topUp: { type: "fixed", amount: cny(5000 + number * 13) } } });
    world.advanceMinutes(number * 7);
    for (let i = 0; i < number % 3; i++) await world.plantPayment("theirs", { stage: "prod", isPaid: i === 0 });
    return world;
  };
}

/** A hundred in CI. */
const VARIATIONS = Array.from({ length: Math.min(50 * PROOF_SCALE, 100) }, (_, number) => variation(number));

describe("the reconciler", () => {
  it.each(PLANTED)("finds $kind in every world, and takes it for nothing else", async ({ kind, plant, mended = false }) => {
    for (const aWorld of VARIATIONS) {
      const { world, changes } = await plant(aWorld);
      world.advanceMinutes(AN_HOUR);
      const found = await world.auditTwice(changes);
      expect(found.map((event) => event.kind)).toEqual([kind]);
      expect(found).toMatchObject([{ mended, version: 1 }]);
      expect(JSON.stringify(found)).not.toContain(ICCID);
    }
  });

  it("has a planted break for each kind", () => {
    expect(new Set(PLANTED.map(({ kind }) => kind))).toEqual(new Set(BREAK_KINDS));
  });
});

/** How a recharge can go without anything being wrong with the books. */
const CLEAN: { readonly [how: string]: (world: ReconcileWorld) => Promise<unknown> } = {
  "it succeeds": (world) => world.look(),
  "the card is declined": async (world) => {
    world.stripe.chooseNext({ type: "decline", declineCode: "insufficient_funds" });
    await world.look();
  },
  "it is declined, and succeeds the next time": async (world) => {
    world.stripe.chooseNext({ type: "decline", declineCode: "insufficient_funds" });
    await world.look();
    world.advanceMinutes(2 * AN_HOUR);
    await world.look();
  },
  "the carrier refuses, and the money goes back": async (world) => {
    world.carrier.chooseNext("refuse");
    await world.look();
  },
  "the money takes long to go back": async (world) => {
    world.carrier.chooseNext("refuse");
    world.stripe.chooseNext("pending", "refund");
    await world.look();
  },
  "it waits for the customer": async (world) => {
    world.stripe.chooseNext("authentication-required");
    await world.look();
  },
  "the customer lets it expire": async (world) => {
    world.stripe.chooseNext("authentication-required");
    await world.look();
    world.advanceMinutes(25 * AN_HOUR);
    await world.look({}, false);
  },
  "the customer pays late": async (world) => {
    world.stripe.chooseNext("authentication-required");
    await world.look();
    world.advanceMinutes(23 * AN_HOUR);
    await world.payAsCustomer();
    await world.look({}, false);
  },
  "the rule is paused while it waits for the customer": async (world) => {
    world.stripe.chooseNext("authentication-required");
    await world.look();
    await world.pause();
    world.advanceMinutes(AN_HOUR);
    await world.look({}, false);
  },
  "Stripe takes its time": async (world) => {
    world.stripe.chooseNext("processing");
    await world.look();
  },
  "Stripe's answer is lost": async (world) => {
    world.stripe.chooseNext("lose-reply");
    await world.look();
  },
  "Stripe makes the payment, and its answer is lost": async (world) => {
    world.stripe.chooseNext("lose-reply", "create");
    await world.look();
  },
  "the carrier's answer is lost": async (world) => {
    world.carrier.chooseNext("credit-but-lose-reply");
    await world.look();
  },
  "the carrier credits late": async (world) => {
    world.carrier.chooseNext("credit-later-but-lose-reply");
    await world.look();
  },
  "the order never reaches the carrier": async (world) => {
    world.carrier.chooseNext("lose-request");
    await world.look();
  },
  "two recharges follow one another": async (world) => {
    await world.look();
    world.advanceMinutes(2 * AN_HOUR);
    world.carrier.setBalance(ICCID, 0);
    await world.look();
  },
  "an operator gives the money back": async (world) => {
    await world.look();
    await world.client.refunds.create({ payment_intent: (await world.ended()).paymentIntentId });
    await world.webhook();
  },
  "an operator gives a part of it back": async (world) => {
    await world.look();
    await world.client.refunds.create({ payment_intent: (await world.ended()).paymentIntentId, amount: 1 });
    await world.webhook();
  },
  "the cardholder contests it, and loses": async (world) => {
    await world.look();
    const { id } = world.stripe.dispute((await world.ended()).paymentIntentId, { reason: "fraudulent" });
    await world.webhook();
    world.stripe.closeDispute(id, "won");
    await world.webhook();
  },
  "a refund fails in the end": async (world) => {
    await world.look();
    world.advanceMinutes(1);
    world.stripe.chooseNext("fail-later", "refund");
    await world.client.refunds.create({ payment_intent: (await world.ended()).paymentIntentId });
    await world.webhook();
    world.advanceMinutes(1);
    await world.webhook();
  },
};

const MOMENTS_LATER_MINUTES = [0, 5, 40, 5 * AN_HOUR, 30 * AN_HOUR];

describe("books that agree", () => {
  it.each(Object.entries(CLEAN))("are left alone when %s, whenever one looks", async (_, happen) => {
    for (const minutes of MOMENTS_LATER_MINUTES) {
      const world = await reconcileWorld();
      await Promise.resolve(happen(world)).catch(ifUnknown);
      world.advanceMinutes(minutes);
      expect(await world.audit({}, "hour")).toEqual([]);
      expect(await world.audit()).toEqual([]);
      await world.look({}, false).catch(ifUnknown); // the sweeper
      await world.followPokes();
      world.advanceMinutes(AN_HOUR);
      expect(await world.auditTwice()).toEqual([]);
    }
  });

  it("are left alone when a carrier that forgets its answers has credited", async () => {
    const world = await reconcileWorld();
    const carrier = inProcessCarrier(world.otherCarrier({ answersAreFinal: false }));
    await world.look({ carrier });
    world.advanceMinutes(AN_HOUR);
    expect(await world.auditTwice({ carrier })).toEqual([]);
  });

  it("are left alone when such a carrier has no list, which is told once a day", async () => {
    const world = await reconcileWorld();
    const carrier = inProcessCarrier(world.otherCarrier({ answersAreFinal: false, listsTopUps: false }));
    await world.look({ carrier });
    world.advanceMinutes(AN_HOUR);
    const found = [...(await world.auditTwice({ carrier })), ...(await world.audit({ carrier }, "hour"))];
    expect(found.map(({ id }) => id)).toEqual(["carrier-listing-missing/2026-11-23"]);
  });

  it("are left alone where a person settled it with the carrier, and said so", async () => {
    const world = await succeeded(reconcileWorld);
    const { rechargeId, endedAt: at } = await world.ended();
    await world.ports.recharges.putStep({ rechargeId, stepId: "s-1", at, state: "needs-review", asked: "operator.resolve", answer: { as: "credited" } });
    world.advanceMinutes(AN_HOUR);
    expect(await world.auditTwice({ carrier: inProcessCarrier(world.otherCarrier()) })).toEqual([]);
  });

  it("are left alone by the recharge that ends while they are compared", async () => {
    const world = await reconcileWorld();
    world.stripe.chooseNext("processing");
    await world.look();
    world.advanceMinutes(AN_HOUR);
    const { getHistory } = world.ports.recharges;
    const recharges = {
      ...world.ports.recharges,
      getHistory: async (rechargeId: string) => {
        const history = await getHistory(rechargeId);
        await world.look({}, false);
        return history;
      },
    };
    expect(await world.audit({ recharges })).toEqual([]);
    expect(await world.bills()).toMatchObject([{ end: "succeeded" }]);
  });
});

describe("a break", () => {
  it("is told once, however often it is seen", async () => {
    const world = await succeeded(reconcileWorld);
    await world.plantPayment("nobodys");
    world.advanceMinutes(AN_HOUR);
    expect(await world.audit()).toHaveLength(1);
    expect([await world.audit({}, "hour"), await world.audit()]).toEqual([[], []]);
  });

  it("is told again when it could not be remembered, with the same id", async () => {
    const world = await succeeded(reconcileWorld);
    await world.plantPayment("nobodys");
    world.advanceMinutes(AN_HOUR);
    const controls = { ...world.ports.controls, putBreakTold: () => Promise.reject(new Error("throttled")) };
    await expect(world.audit({ controls })).rejects.toThrow("throttled");
    world.requests.splice(0);
    await world.audit();
    const ids = world.published.flatMap(({ name, id }) => (name === "ReconciliationBreakFound" ? [id] : []));
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(2);
  });

  it("is logged under one code, for the metric", async () => {
    const world = await succeeded(reconcileWorld);
    await world.plantPayment("nobodys");
    world.advanceMinutes(AN_HOUR);
    const logged: [string, object | undefined][] = [];
    await world.audit({ log: { ...world.ports.log, error: (code, fields) => void logged.push([code, fields]) } });
    expect(logged).toMatchObject([["reconciliation-break", { kind: "charge-without-record", rechargeId: "nobodys", mended: false }]]);
  });

  it.each([
    ["refund", "whose payer is known"],
    ["dispute", "whose payer is known"],
    ["refund", "whose payer's account is erased"],
    ["dispute", "whose payer's account is erased"],
  ])("that a poke mends, a %s of a recharge %s that no webhook told of, is mended and never told", async (what, whose) => {
    const world = await succeeded(reconcileWorld);
    const { paymentIntentId, rechargeId } = await world.ended();
    if (whose === "whose payer's account is erased") {
      await world.ports.recharges.eraseHistory(rechargeId);
      await world.ports.esims.remove(await world.line());
    }
    if (what === "refund") await world.client.refunds.create({ payment_intent: paymentIntentId });
    else world.stripe.dispute(paymentIntentId, { reason: "fraudulent" });
    world.advanceMinutes(15);
    expect(await world.audit({}, "hour")).toEqual([]);
    expect(world.pokes).toMatchObject([{ paymentIntentId, rechargeId }]);
    await world.followPokes();
    expect(await world.auditTwice()).toEqual([]);
    expect((await world.ports.recharges.getHistory(rechargeId)).adjustments).toHaveLength(1);
  });

  it("that is money for a recharge that had ended unpaid is given back by the poke", async () => {
    const world = await declined(reconcileWorld);
    const { rechargeId } = await world.ended();
    const paymentIntentId = await world.plantPayment(rechargeId);
    world.advanceMinutes(15);
    expect(await world.audit({}, "hour")).toEqual([]);
    await world.followPokes();
    expect(await world.auditTwice()).toEqual([]);
    expect((await world.client.refunds.list({ payment_intent: paymentIntentId })).data).toMatchObject([{ amount: 5000, status: "succeeded" }]);
  });

  it("in which a payment is left open is mended: nobody can pay it any more", async () => {
    const world = await succeeded(reconcileWorld);
    const paymentIntentId = await world.plantPayment((await world.ended()).rechargeId, { isPaid: false });
    world.advanceMinutes(AN_HOUR);
    expect(await world.audit()).toEqual([]); // it may be about to be stored
    world.advanceMinutes(A_DAY);
    expect(await world.audit()).toMatchObject([{ kind: "orphan-payment", mended: true }]);
    expect((await world.client.paymentIntents.retrieve(paymentIntentId)).status).toBe("canceled");
  });

  it("is never seen in the payment that an open recharge holds, however old", async () => {
    const world = await awaiting(reconcileWorld);
    world.advanceMinutes(2 * A_DAY);
    expect(await world.audit()).toEqual([]);
    const { state } = await world.open();
    if (state.name !== "awaiting-customer") throw new Error(state.name);
    expect((await world.client.paymentIntents.retrieve(state.paymentIntentId)).status).toBe("requires_payment_method");
  });

  it("is not looked for in another stage's payments", async () => {
    const world = await reconcileWorld();
    const paymentIntentId = await world.plantPayment("theirs", { stage: "prod" });
    await world.client.refunds.create({ payment_intent: paymentIntentId });
    await world.plantPayment("theirs", { stage: "prod", isPaid: false });
    world.advanceMinutes(2 * A_DAY);
    expect(await world.auditTwice()).toEqual([]);
    expect(world.pokes).toEqual([]);
  });
});

describe("a list", () => {
  /** More payments than a page holds, each paid and in no record. */
  async function manyBreaks() {
    const world = await reconcileWorld();
    for (let i = 0; i < 45; i++) await world.plantPayment(`nobodys-${i}`);
    world.advanceMinutes(AN_HOUR);
    return world;
  }

  it("is gone through to its end", async () => {
    const world = await manyBreaks();
    expect(await world.audit()).toHaveLength(45);
  });

  it("is sent on when time is short, and nothing of it is left out", async () => {
    const world = await manyBreaks();
    const left = [60_000, 10_000];
    const request = { list: "payments", from: NOW, to: world.ports.clock.now() } as const;
    await reconcile({ ...world.auditor, timeLeft: () => left.shift() ?? 0 }, request);
    expect(world.requests).toMatchObject([{ ...request, page: expect.any(String), pagesDone: 1 }]);
    const found = () => world.eventNames().filter((name) => name === "ReconciliationBreakFound").length;
    expect(found()).toBe(20);
    for (let rest = world.requests.shift(); rest !== undefined; rest = world.requests.shift()) await reconcile(world.auditor, rest);
    expect(found()).toBe(45);
  });

  it("that does not end is given up, loudly", async () => {
    const world = await reconcileWorld();
    await expect(reconcile(world.auditor, { list: "payments", from: NOW, to: NOW, pagesDone: 50_000 })).rejects.toThrow("does not end");
  });

  it("that Stripe or the carrier does not give comes back as a message", async () => {
    const world = await succeeded(reconcileWorld);
    const silent = () => Promise.reject(new OutcomeUnknown("down"));
    await expect(world.audit({ ledger: { ...world.auditor.ledger, list: silent } })).rejects.toThrow(OutcomeUnknown);
    world.requests.splice(0);
    await expect(world.audit({ carrier: { ...world.ports.carrier, findTopUp: silent } })).rejects.toThrow(OutcomeUnknown);
  });

  it("is compared with our books also while the carrier says nothing, and comes back", async () => {
    const world = await succeeded(reconcileWorld);
    const { rechargeId } = await world.ended();
    await world.plantPayment(rechargeId);
    world.advanceMinutes(AN_HOUR);
    const silent = () => Promise.reject(new OutcomeUnknown("down"));
    const carrier = { ...world.ports.carrier, findTopUp: silent };
    for (let day = 0; day < 2; day++) {
      await expect(world.audit({ carrier })).rejects.toThrow(OutcomeUnknown);
      world.requests.splice(0);
      world.advanceMinutes(180);
    }
    expect(world.published.flatMap((event) => (event.name === "ReconciliationBreakFound" ? [event.kind] : []))).toEqual(["second-charge"]);
  });

  it("gives nothing back for an unpaid end while the carrier cannot say whether it credited", async () => {
    const world = await succeeded(reconcileWorld);
    const bills = await rewriteBill(world, (bill) => ({ ...bill, end: "cancelled", charged: NOTHING, credited: NOTHING }));
    const silent = () => Promise.reject(new OutcomeUnknown("down"));
    await expect(world.audit({ ...bills, carrier: { ...world.ports.carrier, findTopUp: silent } })).rejects.toThrow(OutcomeUnknown);
    expect(world.pokes.filter((poke) => "paymentIntentId" in poke)).toEqual([]);
  });

  it("is read for the last hours each hour, for the last days each day, and never up to now", async () => {
    const world = await reconcileWorld();
    const rangesOf = async (every: "hour" | "day") => {
      await planReconcile(world.auditor, { scheduledTime: NOW, every });
      return world.requests.splice(0).map(({ list, from, to }) => [list, from, to]);
    };
    const to = "2026-11-23T07:50:00.000Z";
    const lastHours = "2026-11-23T04:50:00.000Z";
    const lastDays = "2026-11-19T07:50:00.000Z";
    expect(await rangesOf("hour")).toEqual(["payments", "charges", "refunds", "disputes", "top-ups"].map((list) => [list, lastHours, to]));
    expect(await rangesOf("day")).toEqual([
      ["payments", lastDays, to],
      ["charges", lastDays, to],
      ["refunds", "2026-10-24T07:50:00.000Z", to],
      ["disputes", "2026-07-26T07:50:00.000Z", to],
      ["top-ups", lastDays, to],
    ]);
  });

  it("is read a minute after the one before, so that a payment that is in both is told of once", async () => {
    const world = await reconcileWorld();
    const delays: (number | undefined)[] = [];
    const reconcileRequests = { send: async (_: unknown, delaySeconds?: number) => void delays.push(delaySeconds) };
    await planReconcile({ ...world.auditor, reconcileRequests }, { scheduledTime: NOW, every: "hour" });
    expect(delays).toEqual([0, 60, 120, 180, 240]);
  });

  it("is not read ahead of the clock, whatever the tick says", async () => {
    const world = await reconcileWorld();
    await planReconcile(world.auditor, { scheduledTime: "2027-01-01T00:00:00.000Z", every: "hour" });
    expect(world.requests.map(({ to }) => to)).toEqual(Array(5).fill("2026-11-23T07:50:00.000Z"));
  });
});

describe("the runbook", () => {
  it("says of each kind what to do, and of no other", () => {
    const [, section = ""] = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8").split("\n## Reconciliation breaks\n");
    const [table = ""] = section.split("\n## ");
    expect([...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, kind]) => kind)).toEqual(BREAK_KINDS);
  });
});
