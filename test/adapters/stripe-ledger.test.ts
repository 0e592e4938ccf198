import { describe, expect, it } from "@jest/globals";
import { stripeLedger } from "../../functions/adapters/stripe-ledger.ts";
import { stripeClient } from "../../functions/adapters/stripe-payments.ts";
import { type LedgerList, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { instant } from "../../functions/domain/time.ts";
import { aQuickStripe } from "../local/local-stripe.ts";

const LISTS: readonly LedgerList[] = ["payments", "charges", "refunds", "disputes"];

/** Stripe's books, and payments of CNY 50 in them. */
function aLedger() {
  const { clock, model, stripe, saved } = aQuickStripe();
  const seconds = Math.floor(clock.now / 1000);
  async function payment({ rechargeId = "r1", stage = "test", isPaid = true } = {}) {
    const metadata = { rechargeId, stage };
    const { id } = await stripe.paymentIntents.create({ ...(await saved("pm_card_visa")), amount: 5000, currency: "cny", metadata });
    if (isPaid) await stripe.paymentIntents.confirm(id, { off_session: true });
    return id;
  }
  const at = (second: number) => instant((seconds + second) * 1000);
  return {
    model,
    stripe,
    payment,
    at,
    pass: (milliseconds: number) => {
      clock.now += milliseconds;
    },
    ledger: stripeLedger({ stripe, stage: "test" }),
    all: { from: at(-60), to: at(3600) },
  };
}

describe("Stripe's books", () => {
  it("show a payment with its charge, and nothing of the customer", async () => {
    const { ledger, payment, at } = aLedger();
    const id = await payment();
    expect(await ledger.find(id)).toEqual({
      id,
      status: "succeeded",
      amount: { amount: 5000, currency: "CNY" },
      amountReceived: 5000,
      rechargeId: "r1",
      at: at(0),
      charge: { id: expect.stringMatching(/^ch_/), at: at(0), isDisputed: false, refunded: 0 },
    });
  });

  it("show what was given back of it, and that it is contested", async () => {
    const { ledger, payment, stripe, model } = aLedger();
    const id = await payment();
    await stripe.refunds.create({ payment_intent: id, amount: 1200 });
    model.dispute(id, { reason: "fraudulent" });
    expect(await ledger.find(id)).toMatchObject({ charge: { isDisputed: true, refunded: 1200 } });
  });

  it("show a payment that nobody tried yet, without a charge", async () => {
    const { ledger, payment } = aLedger();
    const id = await payment({ isPaid: false });
    expect(await ledger.find(id)).toMatchObject({ status: "requires_confirmation", amountReceived: 0, charge: undefined });
  });

  it("do not show another stage's payment, one of somebody else's, or one that is not there", async () => {
    const { ledger, payment, stripe } = aLedger();
    const foreign = await stripe.paymentIntents.create({ amount: 5000, currency: "cny" });
    expect(await ledger.find(await payment({ stage: "prod" }))).toBeUndefined();
    expect(await ledger.find(foreign.id)).toBeUndefined();
    expect(await ledger.find("pi_none")).toBeUndefined();
  });

  it("list payments, charges, refunds and disputes by the payment that they are about", async () => {
    const { ledger, payment, stripe, model, all } = aLedger();
    const paymentIntentId = await payment();
    await stripe.refunds.create({ payment_intent: paymentIntentId, amount: 1 }); // by hand: it names no recharge
    model.dispute(paymentIntentId, { reason: "fraudulent" });
    const listed = await Promise.all(LISTS.map(async (list) => (await ledger.list(list, all)).items));
    const known = { paymentIntentId, rechargeId: "r1" };
    expect(listed).toEqual([[known], [known], [{ paymentIntentId }], [{ paymentIntentId }]]);
  });

  it("leave another stage's payments out of the list of payments", async () => {
    const { ledger, payment, all } = aLedger();
    await payment({ stage: "prod" });
    expect((await ledger.list("payments", all)).items).toEqual([]);
  });

  it("list what was made in a time: its first second, and not its last", async () => {
    const { ledger, payment, at, pass } = aLedger();
    const ids: string[] = [];
    for (let second = 0; second < 4; second++) {
      ids.push(await payment());
      pass(1000);
    }
    const { items } = await ledger.list("payments", { from: at(1), to: at(3) });
    expect(items.map(({ paymentIntentId }) => paymentIntentId)).toEqual([ids[2], ids[1]]);
  });

  it("lose nothing between two ranges that meet within a second", async () => {
    const { ledger, payment, at, pass } = aLedger();
    pass(1000);
    const paymentIntentId = await payment();
    const middle = `${at(1).slice(0, 20)}400Z`;
    const halves = await Promise.all([ledger.list("payments", { from: at(0), to: middle }), ledger.list("payments", { from: middle, to: at(5) })]);
    expect(new Set(halves.flatMap(({ items }) => items.map((item) => item.paymentIntentId)))).toEqual(new Set([paymentIntentId]));
  });

  it("are read page by page, each entry once", async () => {
    const { ledger, payment, all } = aLedger();
    const ids = new Set<string>();
    for (let i = 0; i < 45; i++) ids.add(await payment({ isPaid: false }));
    const seen: string[] = [];
    let page: string | undefined;
    do {
      const { items, next } = await ledger.list("payments", all, page);
      seen.push(...items.map(({ paymentIntentId }) => paymentIntentId));
      page = next;
    } while (page !== undefined);
    expect(seen).toHaveLength(45);
    expect(new Set(seen)).toEqual(ids);
  });

  it("are unknown when Stripe does not answer, or refuses the key", async () => {
    const { payment, ledger, model, all } = aLedger();
    const id = await payment();
    model.chooseNext("lose-reply", "retrieve");
    await expect(ledger.find(id)).rejects.toThrow(OutcomeUnknown);
    model.chooseNext("error-500", "retrieve");
    await expect(ledger.find(id)).rejects.toThrow(OutcomeUnknown);
    const nowhere = stripeLedger({ stripe: stripeClient({ secretKey: "sk_test", baseUrl: "http://127.0.0.1:9" }), stage: "test" });
    await expect(nowhere.list("charges", all)).rejects.toThrow(OutcomeUnknown);
  });
});
