import { describe, expect, it } from "@jest/globals";
import { OutcomeUnknown, UnreadableLine } from "../../functions/domain/ports.ts";
import { applyResolution } from "../../functions/domain/recharge.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import type { RechargePorts } from "../../functions/workers/recharge/ports.ts";
import { rechargeLine } from "../../functions/workers/recharge/recharge-line.ts";
import { cny, ICCID, NOW, reading, SUBSCRIBER } from "../builders.ts";
import { expectOneRecharge, type RechargeWorld, rechargeWorld } from "./recharge-world.ts";

/** What Stripe holds of the one payment of this world. */
async function payment({ client }: RechargeWorld) {
  const [intent] = (await client.paymentIntents.list({})).data;
  if (intent === undefined) throw new Error("Nothing was paid or asked for");
  return intent;
}

/** The customer follows the link and passes what their bank asks of them. */
async function actAsCustomer(world: RechargeWorld, how: "succeed" | "fail" = "succeed"): Promise<void> {
  const { client_secret, id } = await payment(world);
  if ((await payment(world)).status !== "requires_action") world.stripe.confirmAsCustomer(client_secret ?? "", world.method.id);
  world.stripe.authenticate(id, how);
}

async function refunds({ client }: RechargeWorld) {
  return (await client.refunds.list({})).data.map(({ amount, status }) => [amount, status]);
}

describe("a card that wants its holder", () => {
  const waiting = async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    await world.look();
    expect((await world.line()).open?.state).toMatchObject({ name: "awaiting-customer", expiresAt: "2026-11-24T08:00:00.000Z" });
    expect(world.eventNames()).toEqual(["RechargeActionRequired"]);
    return world;
  };

  it("is charged by the same PaymentIntent when the holder comes back, and the line is credited once", async () => {
    const world = await waiting();
    world.advanceMinutes(30);
    await actAsCustomer(world);
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    expect(await world.bills()).toMatchObject([{ end: "succeeded", paymentIntentId: (await payment(world)).id }]);
    expect(world.eventNames()).toEqual(["RechargeActionRequired", "RechargeSucceeded"]);
  });

  it("may be tried again by its holder after a try that failed, and counts no decline", async () => {
    const world = await waiting();
    await actAsCustomer(world, "fail");
    world.advanceMinutes(5);
    await world.look();
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toEqual([]);
    await actAsCustomer(world);
    world.advanceMinutes(5);
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
  });

  it("is reminded of once after 12 hours, and expires after 24: nothing was taken, and nothing can be any more", async () => {
    const world = await waiting();
    for (let hour = 1; hour <= 26; hour++) {
      world.advanceMinutes(60);
      await world.look();
    }
    expect(world.published.map((event) => [event.name, "isReminder" in event && event.isReminder])).toEqual([
      ["RechargeActionRequired", false],
      ["RechargeActionRequired", true],
      ["RechargeExpired", false],
    ]);
    expect((await payment(world)).status).toBe("canceled");
    expect(await world.bills()).toMatchObject([{ end: "expired", charged: cny(0) }]);
    await expect(actAsCustomer(world)).rejects.toThrow();
    expect(world.stripe.listCharges()).toHaveLength(1); // and its holder's bank was asked once
  });

  it("is asked for again when the balance was seen well, or after a week, and not before", async () => {
    const expired = async () => {
      const world = await waiting();
      for (let hour = 1; hour <= 26; hour++) {
        world.advanceMinutes(60);
        await world.look();
      }
      return world;
    };
    const asks = ({ eventNames }: RechargeWorld) => eventNames().filter((name) => name === "RechargeActionRequired").length - 1; // without the reminder

    const stayedLow = await expired();
    stayedLow.advanceMinutes(6 * 24 * 60);
    await stayedLow.look();
    expect(asks(stayedLow)).toBe(1);
    stayedLow.advanceMinutes(24 * 60);
    await stayedLow.look();
    expect(asks(stayedLow)).toBe(2);

    const recovered = await expired();
    recovered.carrier.setBalance(ICCID, 1000);
    await recovered.look();
    expect((await recovered.line()).quietUntil).toBeUndefined();
    recovered.carrier.setBalance(ICCID, 900);
    await recovered.look();
    expect(asks(recovered)).toBe(2);
  });

  it("is not waited for when the rule is paused meanwhile; what its holder paid in the last moment is credited", async () => {
    const paused = await waiting();
    await paused.pause();
    await paused.look();
    expect(await paused.bills()).toMatchObject([{ end: "cancelled", reason: "rule-changed" }]);

    const late = await waiting();
    await late.pause();
    await actAsCustomer(late);
    await late.look();
    expect([late.taken(), late.credited()]).toEqual([[5000], [5000]]);
  });
});

describe("a line that became somebody else's while its customer was waited for", () => {
  it("is not waited for any more; and the carrier's silence alone is no reason to stop", async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    await world.look();
    world.advanceMinutes(10);
    const silent = async () => {
      throw new OutcomeUnknown("The carrier does not answer");
    };
    await world.look({ carrier: { ...world.ports.carrier, listEsims: silent } });
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    world.carrier.setOwner(ICCID, { subscriberId: "sub-bob" });
    world.advanceMinutes(10);
    await world.look();
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "line-lost" }]);
  });
});

describe("a recharge of which Stripe says nothing for days", () => {
  it.each(["reserved", "awaiting-customer"] as const)("is told every day while it is %s", async (state) => {
    const away = async () => {
      throw new OutcomeUnknown("Stripe is away");
    };
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    const first = state === "reserved" ? { create: away } : {};
    await world.look({ payments: { ...world.ports.payments, ...first } }).catch(() => {});
    expect((await world.line()).open?.state.name).toBe(state);
    const payments = { ...world.ports.payments, findCreated: away, retrieve: away };
    for (let hour = 1; hour <= 72; hour++) {
      world.advanceMinutes(60);
      await expect(world.look({ payments })).rejects.toThrow(OutcomeUnknown);
    }
    const told = world.published.filter((event) => event.name === "RechargeNeedsReview");
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(new Set(told.map(({ id }) => id)).size).toBe(1);
  });
});

describe("a way to pay that is always a pay request", () => {
  it("stays one when Stripe says that it changed", async () => {
    const made = await world();
    const kept = await made.ports.subscribers.getMethod(SUBSCRIBER, made.method.id);
    await made.lookAtMethod(made.method.id);
    expect(await made.ports.subscribers.getMethod(SUBSCRIBER, made.method.id)).toEqual(kept);
  });

  const world = async () => {
    const made = await rechargeWorld();
    await made.ports.subscribers.putMethod(SUBSCRIBER, {
      ...made.method,
      cardKey: `alipay of ${SUBSCRIBER}`,
      brand: "alipay",
      lastFour: "",
      payRequest: "alipay",
    });
    return made;
  };

  it("is never confirmed by us: the customer is asked, pays, and the line is credited", async () => {
    const made = await world();
    await made.look();
    expect((await made.line()).open?.state.name).toBe("awaiting-customer");
    const { client_secret, id } = await payment(made);
    made.stripe.confirmAsCustomer(client_secret ?? "", "alipay");
    if ((await payment(made)).status === "requires_action") made.stripe.authenticate(id, "succeed");
    await made.look();
    expect(made.credited()).toEqual([5000]);
    expect(made.eventNames()).toEqual(["RechargeActionRequired", "RechargeSucceeded"]);
  });

  it("expires like any other, and can then not be paid any more", async () => {
    const made = await world();
    await made.look();
    for (let hour = 1; hour <= 26; hour++) {
      made.advanceMinutes(60);
      await made.look();
    }
    expect((await made.bills())[0]?.end).toBe("expired");
    expect((await payment(made)).status).toBe("canceled");
  });
});

describe("a credit that the carrier refuses for good", () => {
  it("is paid back in full, once, and both are on the bill", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("refuse");
    await world.look();
    expect(await refunds(world)).toEqual([[5000, "succeeded"]]);
    expect(await world.bills()).toMatchObject([{ end: "refunded", charged: cny(5000), credited: cny(0), refunded: cny(5000) }]);
    expect(world.eventNames()).toEqual(["RechargeRefunded", "RuleSuspended"]);
    expect(await world.line()).toMatchObject({ open: undefined, spend: {} });
  });

  it("suspends the rule, so that nothing is charged and given back at every check", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("refuse");
    await world.look();
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "carrier-refused" });
    world.advanceMinutes(3 * 24 * 60);
    await world.look();
    expect(world.taken()).toEqual([5000]);
  });

  it.each(["lose-reply", "lose-request", "error-500", "rate-limited"] as const)("is paid back once also when Stripe's answer is: %s", async (fault) => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("refuse");
    world.stripe.chooseNext(fault, "refund");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe("refunding");
    world.advanceMinutes(2);
    await world.look();
    expect(await refunds(world)).toEqual([[5000, "succeeded"]]);
    expect(world.eventNames()).toEqual(["RechargeRefunded", "RuleSuspended"]);
  });

  it("waits for a refund that takes its time, and ends only when that is there", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("refuse");
    world.stripe.chooseNext("pending", "refund");
    await world.look();
    expect([(await world.line()).open?.state.name, world.eventNames()]).toEqual(["refunding", []]);
    world.advanceMinutes(2);
    await world.look();
    expect(world.eventNames()).toEqual(["RechargeRefunded", "RuleSuspended"]);
    expect(await refunds(world)).toHaveLength(1);
  });

  it("needs a person when the refund fails; their word ends it, or Stripe's, when the refund is there after all", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("refuse");
    const failed = async () => ({ kind: "refused", error: { status: 400, type: "invalid_request_error", code: "charge_disputed" } }) as const;
    await world.look({ payments: { ...world.ports.payments, refund: failed } });
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "refund-failed" });
    expect(world.eventNames()).toEqual(["RechargeNeedsReview"]);
    world.advanceMinutes(24 * 60 + 10);
    await world.look();
    expect(await refunds(world)).toEqual([]); // nobody tries by themselves what Stripe refused
    await resolve(world, "refunded");
    expect(await world.bills()).toMatchObject([{ end: "refunded" }]);
  });

  it("that failed later, after all had ended, is told, and leaves the bill as it was", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("refuse");
    world.stripe.chooseNext("fail-later", "refund");
    await world.look();
    const [before] = await world.bills();
    world.advanceMinutes(2);
    await world.lookAtPayment((await payment(world)).id);
    expect(world.published.at(-1)).toMatchObject({ name: "RechargeAdjusted", kind: "refund-failed", amount: cny(5000) });
    expect(await world.bills()).toEqual([before]);
  });
});

/** An operator has looked, and says how it stands. */
async function resolve(world: RechargeWorld, as: "credited" | "refunded" | "nothing-taken"): Promise<void> {
  const line = await world.line();
  const { now } = world.ports.clock;
  const noted = applyResolution(line, line.open?.rechargeId ?? "", { as, by: "grace", at: now(), note: "looked it up" }, now());
  if (noted === undefined) throw new Error("It cannot be resolved like that");
  await world.ports.esims.save(noted, "ops");
  await world.look({}, false);
}

describe("a review", () => {
  const inReview = async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("refuse");
    await world.look();
    expect((await world.line()).open?.state.name).toBe("needs-review");
    return world;
  };

  it("ends credited on an operator's word, and counts as paid", async () => {
    const world = await inReview();
    await resolve(world, "credited");
    expect(await world.bills()).toMatchObject([{ end: "succeeded" }]);
    expect((await world.line()).spend[SUBSCRIBER]?.monthAmounts).toEqual([cny(5000)]);
  });

  it("ends refunded on an operator's word, by one refund, also when they made it by hand before", async () => {
    const world = await inReview();
    await resolve(world, "refunded");
    expect(await refunds(world)).toEqual([[5000, "succeeded"]]);

    const byHand = await inReview();
    await byHand.client.refunds.create({ payment_intent: (await payment(byHand)).id });
    await resolve(byHand, "refunded");
    expect(await refunds(byHand)).toEqual([[5000, "succeeded"]]);
    expect(await byHand.bills()).toMatchObject([{ end: "refunded", refunded: cny(5000) }]);
  });

  it("gives back the rest where a person had given back a part", async () => {
    const world = await inReview();
    await world.client.refunds.create({ payment_intent: (await payment(world)).id, amount: 1000 });
    await resolve(world, "refunded");
    expect((await refunds(world)).map(([amount]) => amount).toSorted((a, b) => Number(a) - Number(b))).toEqual([1000, 4000]);
    expect(await world.bills()).toMatchObject([{ end: "refunded" }]);
  });

  it("of a reference that the carrier gave to another order waits for a person, whatever the carrier says of that order", async () => {
    const world = await rechargeWorld();
    const topUp = async () => ({ kind: "other", status: 409 }) as const;
    await world.look({ carrier: { ...world.ports.carrier, topUp } });
    const findTopUp = async (reference: string) => ({ kind: "credited", reference, at: NOW }) as const;
    world.advanceMinutes(25 * 60);
    await world.look({ carrier: { ...world.ports.carrier, findTopUp } });
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-conflict" });
  });

  it("of a payment that Stripe shows with another amount ends when that is canceled, and gives nothing back that was not taken", async () => {
    for (const as of ["nothing-taken", "refunded"] as const) {
      const world = await rechargeWorld();
      const other = await world.client.paymentIntents.create({
        amount: 4999,
        currency: "cny",
        customer: world.method.customerId,
        payment_method: world.method.id,
      });
      const answer = { id: other.id, status: "requires_confirmation", amount: cny(4999), amountReceived: 0 };
      const create = async () => ({ kind: "intent", intent: answer }) as const;
      const confirm = async () => ({ kind: "intent", intent: answer }) as const;
      await world.look({ payments: { ...world.ports.payments, create, confirm } });
      expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "payment-mismatch" });
      await resolve(world, as);
      expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "resolved-by-operator", charged: cny(0) }]);
      expect([(await world.client.paymentIntents.retrieve(other.id)).status, await refunds(world)]).toEqual(["canceled", []]);
    }
  });

  it("keeps in its history who resolved it, and how", async () => {
    const world = await inReview();
    await resolve(world, "credited");
    const { steps } = await world.ports.recharges.getHistory((await world.bills())[0]?.rechargeId ?? "");
    expect(steps.find(({ asked }) => asked === "operator.resolve")?.answer).toMatchObject({ as: "credited", by: "grace", note: "looked it up" });
  });

  it("of an unclear payment ends with nothing taken when that is seen at Stripe, and credited when it was paid after all", async () => {
    const mismatched = async (confirmed: boolean) => {
      const world = await rechargeWorld();
      const confirm: RechargePorts["payments"]["confirm"] = async (id, key) => {
        if (confirmed) await world.ports.payments.confirm(id, key);
        return { kind: "intent", intent: { id, status: "succeeded", amount: cny(4999), amountReceived: 4999 } };
      };
      await world.look({ payments: { ...world.ports.payments, confirm } });
      expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "payment-mismatch" });
      await resolve(world, "nothing-taken");
      return world;
    };
    const unpaid = await mismatched(false);
    expect(await unpaid.bills()).toMatchObject([{ end: "cancelled", reason: "resolved-by-operator" }]);
    expect((await payment(unpaid)).status).toBe("canceled");
    const paid = await mismatched(true);
    expect([paid.taken(), paid.credited()]).toEqual([[5000], [5000]]);
  });
});

describe("after its end", () => {
  const ended = async () => {
    const world = await rechargeWorld();
    await world.look();
    await expectOneRecharge(world);
    return world;
  };
  const spent = async (world: RechargeWorld) => (await world.line()).spend[SUBSCRIBER]?.monthAmounts;

  it("a refund is kept beside the bill, told once, and given back to the limit of its month once", async () => {
    const world = await ended();
    const [before] = await world.bills();
    const { id } = await payment(world);
    await world.client.refunds.create({ payment_intent: id, amount: 2000 });
    for (let i = 0; i < 3; i++) await world.lookAtPayment(id);
    expect(await spent(world)).toEqual([cny(3000)]);
    expect(world.eventNames()).toEqual(["RechargeSucceeded", "RechargeAdjusted"]);
    expect(await world.bills()).toEqual([before]);
    const { adjustments } = await world.ports.recharges.getHistory(before?.rechargeId ?? "");
    expect(adjustments).toMatchObject([{ kind: "refunded", amount: cny(2000) }]);
  });

  it("a refund that failed later counts again", async () => {
    const world = await ended();
    const { id } = await payment(world);
    world.stripe.chooseNext("fail-later", "refund");
    await world.client.refunds.create({ payment_intent: id });
    await world.lookAtPayment(id);
    expect(await spent(world)).toEqual([cny(0)]);
    world.advanceMinutes(2);
    for (let i = 0; i < 2; i++) await world.lookAtPayment(id);
    expect(await spent(world)).toEqual([cny(5000)]);
    expect(world.published.map((event) => ("kind" in event ? event.kind : event.name))).toEqual(["RechargeSucceeded", "refunded", "refund-failed"]);
  });

  it("a refund is not given back to another month", async () => {
    const world = await ended();
    world.advanceMinutes(10 * 24 * 60);
    world.carrier.setBalance(ICCID, 500);
    const { id } = await payment(world);
    await world.look();
    await world.client.refunds.create({ payment_intent: id });
    await world.lookAtPayment(id);
    expect(await spent(world)).toEqual([cny(5000)]); // December's
  });

  it("a dispute suspends the rule, stops the card for every line, and gives nothing back; won or lost is kept; a resume by hand starts anew", async () => {
    const world = await ended();
    const { id } = await payment(world);
    const dispute = world.stripe.dispute(id, { reason: "fraudulent" });
    for (let i = 0; i < 2; i++) await world.lookAtPayment(id);
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "payment-disputed" });
    expect(await spent(world)).toEqual([cny(5000)]);
    expect(new Set(world.eventNames())).toEqual(new Set(["RechargeSucceeded", "RuleSuspended", "RechargeAdjusted"]));
    world.stripe.closeDispute(dispute.id, "lost");
    await world.lookAtPayment(id);
    const { adjustments } = await world.ports.recharges.getHistory((await world.bills())[0]?.rechargeId ?? "");
    expect(adjustments.map(({ kind }) => kind).sort()).toEqual(["dispute-lost", "dispute-opened"]);
    expect((await world.line()).rule?.status.state).toBe("suspended");

    const another = { ...(await world.line()), rule: { ...(await world.line()).rule, status: { state: "active" } as const } };
    await world.ports.esims.save(another as never, "resumed without the card's leave");
    world.advanceMinutes(61);
    world.carrier.setBalance(ICCID, 0);
    await world.look();
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "payment-disputed" });
    expect(world.taken()).toEqual([5000]);
  });

  it("money that came in for a recharge that had ended unpaid is given back in full, and told", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    await world.look();
    const [bill] = await world.bills();
    const { id: rechargeId } = { id: bill?.rechargeId ?? "" };
    const stray = await world.client.paymentIntents.create({
      amount: 5000,
      currency: "cny",
      customer: world.method.customerId,
      payment_method: "pm_card_visa",
      metadata: { rechargeId, stage: "test" },
      confirm: true,
      off_session: true,
    });
    for (let i = 0; i < 3; i++) await world.lookAtPayment(stray.id);
    expect(await refunds(world)).toEqual([[5000, "succeeded"]]);
    expect(world.published.flatMap((event) => ("kind" in event ? [event.kind] : []))).toEqual(["paid-after-end", "refunded"]);
  });

  it("such money is told of also when Stripe refuses to give it back", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    await world.look();
    const [bill] = await world.bills();
    const stray = await world.client.paymentIntents.create({
      amount: 5000,
      currency: "cny",
      customer: world.method.customerId,
      payment_method: "pm_card_visa",
      metadata: { rechargeId: bill?.rechargeId ?? "", stage: "test" },
      confirm: true,
      off_session: true,
    });
    world.stripe.dispute(stray.id, { reason: "fraudulent" });
    await expect(world.lookAtPayment(stray.id)).rejects.toThrow("Stripe did not give back");
    expect(world.published.flatMap((event) => ("kind" in event ? [event.kind] : []))).toEqual(["paid-after-end", "dispute-opened"]);
  });

  it("of such money the rest is given back where a person had given back a part", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    await world.look();
    const [bill] = await world.bills();
    const metadata = { rechargeId: bill?.rechargeId ?? "", stage: "test" };
    const stray = await world.client.paymentIntents.create({
      amount: 5000,
      currency: "cny",
      customer: world.method.customerId,
      payment_method: "pm_card_visa",
      metadata,
      confirm: true,
      off_session: true,
    });
    await world.client.refunds.create({ payment_intent: stray.id, amount: 100 });
    await world.lookAtPayment(stray.id);
    expect((await refunds(world)).map(([amount]) => amount).toSorted((a, b) => Number(a) - Number(b))).toEqual([100, 4900]);
  });

  it("a dispute is told, and stops the card, also while the recharge still waits for a review; once", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("refuse");
    await world.look();
    const { id } = await payment(world);
    world.stripe.dispute(id, { reason: "fraudulent" });
    for (let i = 0; i < 2; i++) await world.lookAtPayment(id);
    expect(world.eventNames()).toEqual(["RechargeNeedsReview", "RuleSuspended", "RechargeAdjusted"]);
    await resolve(world, "credited");
    await world.lookAtPayment(id);
    expect(world.eventNames().filter((name) => name === "RechargeAdjusted")).toHaveLength(1);
  });

  it("a dispute stops the card also when its way to pay was removed since", async () => {
    const world = await ended();
    const { id } = await payment(world);
    await world.ports.subscribers.removeMethod(SUBSCRIBER, world.method.id);
    world.stripe.dispute(id, { reason: "fraudulent" });
    await world.lookAtPayment(id);
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toMatchObject([{ severity: "dispute" }]);
  });

  it("a dispute is not held up by a line that cannot be read", async () => {
    const world = await ended();
    const { id } = await payment(world);
    world.stripe.dispute(id, { reason: "fraudulent" });
    const other = "8986012345678900025";
    const load: RechargePorts["esims"]["load"] = async (iccid) => {
      if (iccid === other) throw new UnreadableLine("The line …0025 is not a line: open");
      return world.ports.esims.load(iccid);
    };
    const listBySubscriber = async () => ({ items: [other, ICCID] });
    await look({ ...world.ports, esims: { ...world.ports.esims, load, listBySubscriber } }, { paymentIntentId: id });
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "payment-disputed" });
  });

  it("a payment of another stage, or of nobody, is left alone", async () => {
    const world = await ended();
    const foreign = await world.client.paymentIntents.create({
      amount: 5000,
      currency: "cny",
      customer: world.method.customerId,
      metadata: { rechargeId: (await world.bills())[0]?.rechargeId ?? "", stage: "another" },
    });
    const bare = await world.client.paymentIntents.create({ amount: 5000, currency: "cny", customer: world.method.customerId });
    const events = world.eventNames();
    for (const { id } of [foreign, bare]) await world.lookAtPayment(id);
    await world.lookAtPayment("pi_unknown");
    expect(world.eventNames()).toEqual(events);
  });
});

describe("the kill switch", () => {
  const throwSwitch = (world: RechargeWorld, on: boolean) => world.ports.controls.putKillSwitch({ on, at: NOW, by: "grace", why: "a wrong price" });

  it("has no line charged while it is on, and loses none", async () => {
    const world = await rechargeWorld();
    await throwSwitch(world, true);
    await world.look();
    expect([world.taken(), world.eventNames(), (await world.line()).open]).toEqual([[], [], undefined]);
    await throwSwitch(world, false);
    await world.look();
    await expectOneRecharge(world);
  });

  it.each([
    ["reserved", "create"],
    ["confirming", "confirm"],
  ] as const)("stops a recharge that is %s and not charged yet, and lets one finish that is paid", async (state, call) => {
    const away = async () => {
      throw new OutcomeUnknown("Stripe is away");
    };
    const world = await rechargeWorld();
    await expect(world.look({ payments: { ...world.ports.payments, [call]: away } })).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe(state);
    await throwSwitch(world, true);
    world.advanceMinutes(3);
    await world.look();
    expect([world.taken(), (await world.bills())[0]]).toMatchObject([[], { end: "cancelled", reason: "kill-switch" }]);

    const paid = await rechargeWorld();
    paid.carrier.chooseNext("lose-request");
    await expect(paid.look()).rejects.toThrow(OutcomeUnknown);
    await throwSwitch(paid, true);
    paid.advanceMinutes(3);
    await paid.look();
    await expectOneRecharge(paid);
  });

  it("that is thrown while the PaymentIntent is made stops its confirmation", async () => {
    const world = await rechargeWorld();
    const create: RechargePorts["payments"]["create"] = async (request) => {
      await throwSwitch(world, true);
      return world.ports.payments.create(request);
    };
    await world.look({ payments: { ...world.ports.payments, create } });
    expect([world.taken(), (await payment(world)).status]).toEqual([[], "canceled"]);
  });
});

describe("a subscriber whom the operator paused", () => {
  it("is not charged: the rule is suspended, and they are told", async () => {
    const world = await rechargeWorld();
    await world.ports.subscribers.putHold(SUBSCRIBER, { at: NOW, by: "grace", why: "asked by phone" });
    await world.look();
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "paused-by-operator" });
    expect([world.taken(), world.eventNames()]).toEqual([[], ["RuleSuspended"]]);
  });

  it("is not charged for what was reserved before either", async () => {
    const world = await rechargeWorld();
    const create: RechargePorts["payments"]["create"] = async (request) => {
      await world.ports.subscribers.putHold(SUBSCRIBER, { at: NOW, by: "grace", why: "asked by phone" });
      return world.ports.payments.create(request);
    };
    await world.look({ payments: { ...world.ports.payments, create } });
    expect([world.taken(), (await world.bills())[0]]).toMatchObject([[], { end: "cancelled", reason: "paused-by-operator" }]);
  });
});

describe("an Alipay that may be charged with its owner away", () => {
  it("is charged by itself when the line is low, and named in the bill without digits", async () => {
    const world = await rechargeWorld({ card: "alipay" });
    await world.look();
    await expectOneRecharge(world);
    const [bill] = await world.bills();
    expect(bill?.method).toEqual({ id: world.method.id, brand: "alipay", lastFour: "" });
    expect(world.stripe.listCharges()[0]?.payment_method_details?.type).toBe("alipay");
  });

  it("declines for good when they took that back at Alipay: the rule is suspended, and they are told", async () => {
    const world = await rechargeWorld({ card: "alipay" });
    world.stripe.revoke(world.method.id);
    await world.look();
    expect(await world.bills()).toMatchObject([{ end: "declined", reason: "payment_intent_mandate_invalid" }]);
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "card-refused-for-good" });
    expect(world.eventNames()).toEqual(["RechargeDeclined", "RuleSuspended"]);
    expect(world.taken()).toEqual([]);
  });

  it("stops the rules that use it when Stripe says so before the next charge", async () => {
    const world = await rechargeWorld({ card: "alipay" });
    world.stripe.revoke(world.method.id);
    await world.lookAtMethod(world.method.id);
    await world.look();
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "payment-method-gone" });
    expect([world.taken(), world.eventNames()]).toEqual([[], ["RuleSuspended"]]);
    expect(await world.ports.subscribers.listMethods(SUBSCRIBER)).toEqual([]);
  });

  it("is kept as it was when Stripe says that its authorisation changed and stands", async () => {
    const world = await rechargeWorld({ card: "alipay" });
    await world.lookAtMethod(world.method.id);
    expect(await world.ports.subscribers.listMethods(SUBSCRIBER)).toEqual([world.method]);
  });

  it("backs off by itself when it has too little, and is no other one's business", async () => {
    const world = await rechargeWorld({ card: "alipay" });
    world.stripe.chooseNext({ type: "decline", declineCode: "insufficient_funds" });
    await world.look();
    expect(await world.ports.cards.listDeclines(world.method.id)).toMatchObject([{ severity: "soft", code: "insufficient_funds" }]);
    await world.look();
    expect(world.taken()).toEqual([]);
    world.advanceMinutes(61);
    await world.look();
    expect(world.taken()).toEqual([5000]);
  });

  it("waits for its owner when Alipay asks for them, and is paid by the same payment", async () => {
    const world = await rechargeWorld({ card: "alipay" });
    world.stripe.chooseNext("authentication-required");
    await world.look();
    const { open } = await world.line();
    if (open?.state.name !== "awaiting-customer") throw new Error("Nobody is asked");
    const clientSecret = (await world.ports.payments.clientSecret(open.state.paymentIntentId)) ?? "";
    expect(world.stripe.confirmAsCustomer(clientSecret, world.method.id).status).toBe("requires_action");
    world.stripe.authenticate(open.state.paymentIntentId, "succeed");
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
  });
});

describe("a way to pay that changed at Stripe", () => {
  it("stops the rules that use it when it is removed, and tells their owner", async () => {
    const world = await rechargeWorld();
    await world.client.paymentMethods.detach(world.method.id);
    await world.lookAtMethod(world.method.id);
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "payment-method-gone" });
    expect(world.eventNames()).toEqual(["RuleSuspended"]);
    expect(await world.ports.subscribers.getMethod(SUBSCRIBER, world.method.id)).toBeUndefined();
    await world.lookAtMethod(world.method.id);
    expect(world.eventNames()).toEqual(["RuleSuspended"]);
  });

  it("stops the rules also when its owner removed it before we looked", async () => {
    const world = await rechargeWorld();
    await world.client.paymentMethods.detach(world.method.id);
    await world.ports.subscribers.removeMethod(SUBSCRIBER, world.method.id);
    await look(world.ports, { paymentMethodId: world.method.id, subscriberId: SUBSCRIBER });
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "payment-method-gone" });
    expect(world.eventNames()).toEqual(["RuleSuspended"]);
  });

  it("is not put back when its owner removes it while we look", async () => {
    const world = await rechargeWorld();
    const findMethod = async (id: string) => {
      const found = await world.ports.payments.findMethod(id);
      await world.ports.subscribers.removeMethod(SUBSCRIBER, id);
      return found;
    };
    // Between what we read of it and what we write.
    const getMethod = async () => world.method;
    const ports = { ...world.ports, payments: { ...world.ports.payments, findMethod }, subscribers: { ...world.ports.subscribers, getMethod } };
    await look(ports, { paymentMethodId: world.method.id });
    expect(await world.ports.subscribers.listMethods(SUBSCRIBER)).toEqual([]);
  });

  it("is kept as it is now when its card was replaced", async () => {
    const world = await rechargeWorld();
    world.stripe.updateCard(world.method.id, { expMonth: 12, expYear: 2031, lastFour: "1881" });
    await world.lookAtMethod(world.method.id);
    expect(await world.ports.subscribers.getMethod(SUBSCRIBER, world.method.id)).toMatchObject({ lastFour: "1881" });
    expect((await world.line()).rule?.status.state).toBe("active");
  });

  it("is nobody's business when nobody saved it", async () => {
    const world = await rechargeWorld();
    await world.lookAtMethod("pm_of_another_stage");
    expect(world.eventNames()).toEqual([]);
  });
});

describe("a reservation that somebody else goes on with", () => {
  const diesAfterCreate = async () => {
    const world = await rechargeWorld();
    const create: RechargePorts["payments"]["create"] = async (request) => {
      await world.ports.payments.create(request);
      throw new Error("The worker died");
    };
    await expect(world.look({ payments: { ...world.ports.payments, create } })).rejects.toThrow("died");
    world.advanceMinutes(3);
    return world;
  };

  it("takes up the PaymentIntent that was made, and makes no other", async () => {
    const world = await diesAfterCreate();
    await world.look();
    await expectOneRecharge(world);
    expect((await world.client.paymentIntents.list({})).data).toHaveLength(1);
  });

  it("charges nothing again where the line came back from a backup", async () => {
    const world = await rechargeWorld();
    const reserved: { line?: Awaited<ReturnType<RechargeWorld["line"]>> } = {};
    const create: RechargePorts["payments"]["create"] = async (request) => {
      reserved.line = await world.line();
      return world.ports.payments.create(request);
    };
    await world.look({ payments: { ...world.ports.payments, create } });
    if (reserved.line === undefined) throw new Error("Nothing was reserved");
    const { version } = await world.line();
    await world.ports.esims.save({ ...reserved.line, version }, "restored");
    world.advanceMinutes(3 * 60);
    await world.look({}, false);
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    expect(await world.bills()).toHaveLength(1);
    expect((await world.line()).open).toBeUndefined();
  });
});

describe("the history of a recharge", () => {
  it("says why it was made, and every thing that was asked and what came back, in order", async () => {
    const world = await rechargeWorld();
    const report = { ...reading(999), cycle: 0, check: "check-1" };
    await rechargeLine(world.ports, { iccid: ICCID, judge: true, report });
    const [bill] = await world.bills();
    const { start, steps } = await world.ports.recharges.getHistory(bill?.rechargeId ?? "");
    expect(start).toMatchObject({
      check: "check-1",
      reading: reading(999),
      rule: { version: 1, threshold: cny(1000), limits: { perMonth: cny(20_000) } },
      consent: { termsVersion: "2026-11-28" },
      amount: cny(5000),
      declines: 0,
    });
    expect(new Set(steps.map(({ asked, state }) => `${state}: ${asked}`))).toEqual(
      new Set(["reserved: payments.create", "confirming: payments.confirm", "crediting: carrier.topUp"]),
    );
    expect(JSON.stringify(steps)).not.toMatch(/secret|4242|ada@/);
  });

  it("keeps that an answer was lost", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    const { open } = await world.line();
    const { steps } = await world.ports.recharges.getHistory(open?.rechargeId ?? "");
    expect(steps.find(({ asked }) => asked === "payments.confirm")?.answer).toEqual({ unknown: "Stripe gave no clear answer" });
  });

  it("is never in the way of the money", async () => {
    const world = await rechargeWorld();
    const putStep = async () => {
      throw new Error("The table is throttled");
    };
    await world.look({ recharges: { ...world.ports.recharges, putStep } });
    await expectOneRecharge(world);
  });
});

describe("a line that makes every worker fall over", () => {
  it("is parked, told once a day, and fails no message any more; and goes on when it is mended", async () => {
    const world = await rechargeWorld();
    const logged: string[] = [];
    const log = { ...world.ports.log, error: (code: string) => void logged.push(code) };
    const topUp = async () => {
      throw new TypeError("a fault of ours");
    };
    const broken = { log, carrier: { ...world.ports.carrier, topUp, findTopUp: topUp } };
    await expect(world.look(broken)).rejects.toThrow(TypeError);
    for (let i = 0; i < 5; i++) {
      world.advanceMinutes(70);
      await expect(world.look(broken)).rejects.toThrow(TypeError);
    }
    expect(world.eventNames()).toEqual([]);
    for (let i = 0; i < 5; i++) {
      world.advanceMinutes(70);
      await world.look(broken);
    }
    expect(world.published).toMatchObject([{ name: "RechargeNeedsReview", reason: "worker-fault" }]);
    expect(logged).toContain("worker-fault");
    await world.look();
    world.advanceMinutes(2);
    await world.look();
    expect(world.credited()).toEqual([5000]);
  });

  it("that cannot even be read is put off for a day, loudly", async () => {
    const world = await rechargeWorld();
    const postponed: string[] = [];
    const logged: string[] = [];
    const esims = {
      ...world.ports.esims,
      load: async () => {
        throw new UnreadableLine("The line …0017 is not a line: open");
      },
      postpone: async (_: string, lookAt: string) => void postponed.push(lookAt),
    };
    const log = { ...world.ports.log, error: (code: string) => void logged.push(code) };
    await expect(world.look({ esims, log })).rejects.toThrow(UnreadableLine);
    expect([postponed, logged]).toEqual([["2026-11-24T08:00:00.000Z"], ["unreadable-line"]]);
  });
});

describe("what a bus, a carrier or a person does in between", () => {
  it("a bus that is down for an hour after a success makes no review of it", async () => {
    const world = await rechargeWorld();
    const publish = async () => {
      throw new Error("the bus is down");
    };
    for (let look = 0; look < 12; look++) {
      await expect(world.look({ events: { publish } })).rejects.toThrow();
      world.advanceMinutes(70);
    }
    await world.look({}, false);
    await expectOneRecharge(world);
  });

  it("events that a bus refuses do not bring a free line up every minute", async () => {
    const world = await rechargeWorld({ balance: 5000 });
    await world.pause();
    const publish = async () => {
      throw new Error("the bus is down");
    };
    await expect(world.look({ events: { publish } }, false)).rejects.toThrow("the bus is down");
    expect((await world.line()).lookAt).toBe(plusMinutes(NOW, 10));
    await world.look({}, false);
    expect([world.eventNames(), (await world.line()).lookAt]).toEqual([["RulePaused"], undefined]);
  });

  it.each([
    ["reserved", "create"],
    ["confirming", "confirm"],
  ] as const)("a line that changed hands while its recharge was %s is not charged", async (state, call) => {
    const world = await rechargeWorld();
    const away = async () => {
      throw new OutcomeUnknown("Stripe is away");
    };
    await expect(world.look({ payments: { ...world.ports.payments, [call]: away } })).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe(state);
    world.carrier.setOwner(ICCID, { subscriberId: "sub-bob" });
    world.advanceMinutes(50);
    await world.look();
    expect([world.taken(), world.credited(), (await world.bills())[0]]).toMatchObject([[], [], { end: "cancelled", reason: "line-lost" }]);
  });

  it("whose line it is must be known before a charge that another worker began", async () => {
    const world = await rechargeWorld();
    const away = async () => {
      throw new OutcomeUnknown("It is away");
    };
    await expect(world.look({ payments: { ...world.ports.payments, confirm: away } })).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(3);
    await expect(world.look({ carrier: { ...world.ports.carrier, listEsims: away } })).rejects.toThrow(OutcomeUnknown);
    expect(world.taken()).toEqual([]);
    world.advanceMinutes(3);
    await world.look();
    await expectOneRecharge(world);
  });

  it("a refusal of one payer's recharge leaves the next payer's rule alone", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    const line = await world.line();
    await world.ports.esims.save({ ...line, subscriberId: "sub-bob" }, "bob takes the line over");
    world.advanceMinutes(3);
    world.carrier.chooseNext("refuse");
    await world.look({}, false);
    expect((await world.line()).rule?.status.state).toBe("active");
    expect(world.eventNames()).toEqual(["RechargeRefunded"]);
  });

  it("money that a person gives back while the credit waits is not credited as well", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    await world.client.refunds.create({ payment_intent: (await payment(world)).id, amount: 2000 });
    world.advanceMinutes(3);
    await world.look({}, false);
    expect([world.credited(), (await world.line()).open?.state]).toMatchObject([[], { name: "needs-review", reason: "refund-by-hand" }]);
    expect(world.eventNames()).toEqual(["RechargeNeedsReview"]);
    world.advanceMinutes(24 * 60 + 5);
    await resolve(world, "refunded");
    expect(await world.bills()).toMatchObject([{ end: "refunded" }]);
    expect((await refunds(world)).toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      [2000, "succeeded"],
      [3000, "succeeded"],
    ]);
  });

  it("what the carrier has credited is not given back on a person's word", async () => {
    const world = await rechargeWorld();
    const silent = async () => {
      throw new OutcomeUnknown("The carrier is away");
    };
    world.carrier.chooseNext("credit-but-lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(25 * 60);
    await world.look({ carrier: { ...world.ports.carrier, findTopUp: silent } }, false);
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-unclear" });
    world.advanceMinutes(3);
    await resolve(world, "refunded");
    expect([await world.bills(), await refunds(world)]).toMatchObject([[{ end: "succeeded" }], []]);
  });

  it("the kill switch closes a pay request, which nobody has confirmed yet, and no check that a bank asked for", async () => {
    const throwSwitch = (world: RechargeWorld) => world.ports.controls.putKillSwitch({ on: true, at: NOW, by: "grace", why: "a wrong price" });
    const asked = await rechargeWorld();
    await asked.ports.subscribers.putMethod(SUBSCRIBER, { ...asked.method, brand: "alipay", lastFour: "", payRequest: "alipay" });
    const wary = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    for (const world of [asked, wary]) {
      await world.look();
      await throwSwitch(world);
      world.advanceMinutes(3);
      await world.look({}, false);
    }
    expect([(await asked.bills())[0], (await payment(asked)).status]).toMatchObject([{ end: "cancelled", reason: "kill-switch" }, "canceled"]);
    expect((await wary.line()).open?.state.name).toBe("awaiting-customer");
  });

  it("a second review of one recharge is told as another one", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("refuse");
    await world.look();
    world.advanceMinutes(3);
    world.stripe.chooseNext("pending-then-failed", "refund");
    await resolve(world, "refunded");
    for (let look = 0; look < 4; look++) {
      world.advanceMinutes(60);
      await world.look({}, false);
    }
    const told = world.published.flatMap((event) => (event.name === "RechargeNeedsReview" ? [event] : []));
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(["carrier-refused", "refund-failed"]));
    expect(new Set(told.map(({ id }) => id)).size).toBe(2);
  });

  it("what a customer pays, or fails to pay, with another card says nothing about the saved one", async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    const { cardKey } = world.method;
    const declined = { rechargeId: "r-before", at: plusMinutes(NOW, -600), code: "insufficient_funds", severity: "soft" } as const;
    await world.ports.cards.putDecline(cardKey, declined);
    await world.look();
    const { id, client_secret: secret } = await payment(world);

    world.stripe.chooseNext("processing-then-failed");
    world.stripe.confirmAsCustomer(secret ?? "", "pm_card_visa");
    world.advanceMinutes(3);
    await world.look({}, false);
    for (let look = 0; look < 3 && (await payment(world)).status === "processing"; look++) world.advanceMinutes(24 * 60);
    expect((await payment(world)).status).toBe("requires_payment_method");
    await world.look({}, false);
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    expect(await world.ports.cards.listDeclines(cardKey)).toEqual([declined]);

    world.stripe.confirmAsCustomer(secret ?? "", "pm_card_visa");
    expect((await world.client.paymentIntents.retrieve(id)).status).toBe("succeeded");
    world.advanceMinutes(3);
    await world.look({}, false);
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    expect(await world.ports.cards.listDeclines(cardKey)).toEqual([declined]);
  });

  it("nothing is given back on a person's word while the carrier does not say whether it credited, unless they say that it is gone", async () => {
    for (const [isBack, withoutCarrier, end] of [
      [true, false, "succeeded"],
      [false, true, "refunded"],
    ] as const) {
      const world = await rechargeWorld();
      const carrier = {
        ...world.ports.carrier,
        findTopUp: async () => {
          throw new OutcomeUnknown("The carrier is away");
        },
      };
      world.carrier.chooseNext(isBack ? "credit-but-lose-reply" : "lose-request");
      await expect(world.look()).rejects.toThrow(OutcomeUnknown);
      world.advanceMinutes(25 * 60);
      await world.look({ carrier }, false);
      expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-unclear" });

      world.advanceMinutes(3);
      const line = await world.line();
      const now = world.ports.clock.now();
      const word = { as: "refunded", by: "grace", at: now, note: "it is down", withoutCarrier } as const;
      const noted = applyResolution(line, line.open?.rechargeId ?? "", word, now);
      if (noted === undefined) throw new Error("It cannot be resolved like that");
      await world.ports.esims.save(noted, "ops");
      if (isBack) {
        await expect(world.look({ carrier }, false)).rejects.toThrow(OutcomeUnknown);
        expect([await refunds(world), (await world.line()).open?.resolution?.as]).toEqual([[], "refunded"]);
        world.advanceMinutes(10); // not a day: a person waits for it
        await world.look({}, false);
      } else await world.look({ carrier }, false);
      expect([await world.bills(), await refunds(world), world.credited()]).toMatchObject([
        [{ end }],
        isBack ? [] : [[5000, "succeeded"]],
        isBack ? [5000] : [],
      ]);
    }
  });

  it.each([4000, 7000])("the whole of another sum than was recorded is given back, and billed: %i", async (taken) => {
    const world = await rechargeWorld();
    const create: RechargePorts["payments"]["create"] = (request) => world.ports.payments.create({ ...request, amount: cny(taken) });
    await world.look({ payments: { ...world.ports.payments, create } });
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "payment-mismatch" });
    await resolve(world, "refunded");
    expect(await refunds(world)).toEqual([[taken, "succeeded"]]);
    expect(await world.bills()).toMatchObject([{ end: "refunded", amount: cny(5000), charged: cny(taken), credited: cny(0), refunded: cny(taken) }]);
    expect(world.published.find(({ name }) => name === "RechargeRefunded")).toMatchObject({ amount: cny(taken) });
  });

  const unknownToStripe = (world: RechargeWorld): RechargePorts["payments"] => {
    const missing = async () =>
      ({ kind: "refused", error: { status: 404, type: "invalid_request_error", code: "resource_missing", param: "intent" } }) as const;
    return { ...world.ports.payments, retrieve: missing, cancel: missing };
  };

  it.each(["nothing-taken", "refunded"] as const)("a payment that Stripe does not know any more is a person's after a week: %s", async (as) => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    await world.look();
    const payments = unknownToStripe(world);
    for (let day = 0; day < 6; day++) {
      world.advanceMinutes(24 * 60 + 1);
      await expect(world.look({ payments }, false)).rejects.toThrow(OutcomeUnknown);
    }
    world.advanceMinutes(24 * 60 + 1);
    await world.look({ payments }, false);
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "payment-unclear" });

    world.advanceMinutes(3);
    const line = await world.line();
    const now = world.ports.clock.now();
    const noted = applyResolution(line, line.open?.rechargeId ?? "", { as, by: "grace", at: now, note: "another account" }, now);
    if (noted === undefined) throw new Error("It cannot be resolved like that");
    await world.ports.esims.save(noted, "ops");
    await world.look({ payments }, false);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "resolved-by-operator", charged: cny(0) }]);
    expect((await world.line()).open).toBeUndefined();
  });

  it("a payment that was unclear for a week goes on by itself when Stripe knows it again, paid or not", async () => {
    for (const isPaid of [false, true]) {
      const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
      await world.look();
      world.advanceMinutes(8 * 24 * 60);
      await world.look({ payments: unknownToStripe(world) }, false);
      expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "payment-unclear" });
      if (isPaid) await actAsCustomer(world);
      world.advanceMinutes(24 * 60);
      await world.look({}, false);
      expect(await world.bills()).toMatchObject([isPaid ? { end: "succeeded", credited: cny(5000) } : { end: "cancelled", charged: cny(0) }]);
      expect([world.taken(), world.credited()]).toEqual(isPaid ? [[5000], [5000]] : [[], []]);
    }
  });

  it("a line over which its workers fall while it waits for its customer is parked too, and told", async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    await world.look();
    const retrieve = async () => {
      throw new TypeError("poison");
    };
    const payments = { ...world.ports.payments, retrieve };
    let thrown = 0;
    for (let look = 0; look < 10; look++) {
      world.advanceMinutes(65);
      await world.look({ payments }, false).catch(() => {
        thrown += 1;
      });
    }
    expect(thrown).toBe(6);
    expect(world.published).toContainEqual(expect.objectContaining({ name: "RechargeNeedsReview", reason: "worker-fault" }));
    expect((await world.line()).lookAt).toBe(plusMinutes(world.ports.clock.now(), 24 * 60));

    world.advanceMinutes(24 * 60);
    await world.look({}, false); // mended: it goes on
    expect((await world.line()).open?.lease.crashes ?? 0).toBe(0);
  });

  it("a line that waits for its customer for hours is no poison", async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    for (let look = 0; look < 12; look++) {
      await world.look({}, look === 0);
      world.advanceMinutes(65);
    }
    expect((await world.line()).open?.lease.crashes).toBe(0);
  });

  it("what Stripe tells of a payment while its end waits for the bus is looked for when that is settled", async () => {
    const world = await rechargeWorld();
    const publish = async () => {
      throw new Error("The bus is down");
    };
    await expect(world.look({ events: { publish } })).rejects.toThrow("bus");
    const { id } = await payment(world);
    await world.client.refunds.create({ payment_intent: id });
    await world.lookAtPayment(id).catch(() => {});
    world.advanceMinutes(3);
    world.pokes.length = 0;
    await world.look({}, false);
    expect(world.pokes).toContainEqual(expect.objectContaining({ paymentIntentId: id }));
    await world.lookAtPayment(id);
    expect(world.eventNames()).toContain("RechargeAdjusted");
  });

  it("a recharge that is settled at once looks for nothing more", async () => {
    const world = await rechargeWorld();
    await world.look();
    expect(world.pokes).toEqual([]);
  });

  it("a refund that leaves room under a reached cap ends the wait for the next month", async () => {
    const world = await rechargeWorld({ settings: { limits: { perMonth: cny(5000), timesPerDay: 3, cooldownMinutes: 15 } } });
    await world.look();
    world.carrier.setBalance(ICCID, 100);
    world.advanceMinutes(60);
    await world.look();
    expect((await world.line()).quietUntil).toBe("2026-11-30T16:00:00.000Z");
    await world.client.refunds.create({ payment_intent: (await payment(world)).id });
    await world.lookAtPayment((await payment(world)).id);
    expect((await world.line()).quietUntil).toBeUndefined();
    await world.look();
    expect(world.taken()).toEqual([5000, 5000]);
  });

  it("a refund wakes no line that is quiet for another reason", async () => {
    const world = await rechargeWorld();
    await world.look();
    const { quietUntil } = await world.line();
    expect(quietUntil).toBeDefined();
    await world.client.refunds.create({ payment_intent: (await payment(world)).id });
    await world.lookAtPayment((await payment(world)).id);
    expect((await world.line()).quietUntil).toBe(quietUntil);
  });
});
