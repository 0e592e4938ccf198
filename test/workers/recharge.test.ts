import { describe, expect, it } from "@jest/globals";
import { type Esims, OutcomeUnknown } from "../../functions/domain/ports.ts";
import type { RechargePorts } from "../../functions/workers/recharge/ports.ts";
import { rechargeLine } from "../../functions/workers/recharge/recharge-line.ts";
import { cny, ICCID, NOW, OTHER_ICCID, reading } from "../builders.ts";
import { expectOneRecharge, type RechargeWorld, rechargeWorld } from "./recharge-world.ts";

describe("a low line", () => {
  it("is charged once and credited once, and is free again", async () => {
    const world = await rechargeWorld();
    await world.look();
    await expectOneRecharge(world);
    expect((await world.line()).quietUntil).toBe("2026-11-23T09:00:00.000Z");
    const [bill] = await world.bills();
    expect(bill).toMatchObject({ lineLastFour: "0017", lineHash: "hash", ruleVersion: 1, reading: reading(999), method: { brand: "visa" }, endedAt: NOW });
  });

  it("costs five writes of its item", async () => {
    const world = await rechargeWorld();
    let writes = 0;
    const esims: Esims = {
      ...world.ports.esims,
      save: (esim, writeId) => {
        writes += 1;
        return world.ports.esims.save(esim, writeId);
      },
    };
    await world.look({ esims });
    expect(writes).toBe(5);
  });

  it("does nothing more when it is looked at again", async () => {
    const world = await rechargeWorld();
    for (let i = 0; i < 3; i++) await world.look();
    await expectOneRecharge(world);
  });

  it("is filled up to a target", async () => {
    const world = await rechargeWorld({ settings: { topUp: { type: "target", target: cny(4000) } } });
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[3001], [3001]]);
  });

  it("is left alone without a judgement, when it is well, and when its rule is paused", async () => {
    const world = await rechargeWorld();
    await world.look({}, false);
    world.carrier.setBalance(ICCID, 1000);
    await world.look();
    world.carrier.setBalance(ICCID, 0);
    await world.pause();
    await world.look();
    expect([world.taken(), await world.bills(), world.eventNames()]).toEqual([[], [], ["RulePaused"]]);
  });

  it("is judged by a fresh report of this cycle without asking the carrier again", async () => {
    const world = await rechargeWorld();
    const asked: string[] = [];
    const carrier = {
      ...world.ports.carrier,
      getBalances: (iccids: readonly string[]) => {
        asked.push(...iccids);
        return world.ports.carrier.getBalances(iccids);
      },
    };
    const report = { ...reading(999), cycle: 0, check: "check-1" };
    await rechargeLine({ ...world.ports, carrier }, { iccid: ICCID, judge: true, report });
    expect(asked).toEqual([]);
    await expectOneRecharge(world);
    await expectOneRecharge(world);
  });

  it.each([
    ["of the cycle before", 0, { ...reading(0), cycle: -1, check: "check-1" }],
    ["that the carrier would not repeat any more", 5, { ...reading(0), cycle: 0, check: "check-1" }],
    ["from the future", -1, { ...reading(0), cycle: 0, check: "check-1" }],
  ])("is judged anew after a report %s", async (_, ageMinutes, report) => {
    const world = await rechargeWorld({ balance: 1000 }); // well by now
    world.advanceMinutes(ageMinutes);
    await rechargeLine(world.ports, { iccid: ICCID, judge: true, report });
    expect(world.taken()).toEqual([]);
  });

  it("is not charged when the carrier no longer lists it as the payer's: the rule is suspended and that is told", async () => {
    const world = await rechargeWorld();
    const carrier = { ...world.ports.carrier, listEsims: async () => [{ iccid: OTHER_ICCID, currency: "CNY" }] };
    await world.look({ carrier });
    expect(world.taken()).toEqual([]);
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "line-not-yours" });
    expect(world.eventNames()).toEqual(["RuleSuspended"]);
  });

  it("is recharged up to the monthly cap and no further, and the cap is told once", async () => {
    const world = await rechargeWorld({ settings: { limits: { perMonth: cny(10_000), timesPerDay: 24, cooldownMinutes: 15 } } });
    for (let i = 0; i < 6; i++) {
      world.carrier.setBalance(ICCID, 0);
      await world.look();
      world.advanceMinutes(30);
    }
    expect(world.taken()).toEqual([5000, 5000]);
    expect(world.eventNames()).toEqual(["RechargeSucceeded", "RechargeSucceeded", "CapReached"]);
  });
});

describe("a declined card", () => {
  it("ends declined once its PaymentIntent is canceled, takes nothing, and is tried again after 1 h, 3 h and 7 h, then suspended", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    for (let minutes = 0; minutes < 24 * 60; minutes += 5) {
      await world.look();
      world.advanceMinutes(5);
    }
    const tries = world.stripe.listCharges().map((charge) => (charge.created * 1000 - Date.parse(NOW)) / 3_600_000);
    expect(tries).toEqual([0, 1, 3, 7]);
    expect(world.taken()).toEqual([]);
    expect(world.credited()).toEqual([]);
    expect(world.eventNames()).toEqual(["RechargeDeclined", "RechargeDeclined", "RechargeDeclined", "RechargeDeclined", "RuleSuspended"]);
    expect((await world.bills()).map(({ end, charged }) => [end, charged.amount])).toEqual(Array(4).fill(["declined", 0]));
    expect(await world.line()).toMatchObject({ cycle: 4, spend: {}, rule: { status: { state: "suspended", reason: "declined-too-often" } } });
  });

  it("is never tried again after a hard decline", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext({ type: "decline", declineCode: "stolen_card" });
    await world.look();
    world.advanceMinutes(60 * 24 * 30);
    await world.look();
    expect(world.stripe.listCharges()).toHaveLength(1);
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "card-refused-for-good" });
  });

  it("starts anew after a success", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext({ type: "decline", declineCode: "insufficient_funds" });
    await world.look();
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1);
    world.advanceMinutes(60);
    await world.look();
    expect(world.taken()).toEqual([5000]);
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toEqual([]);
  });
});

describe("a line whose credit took long", () => {
  it("is not charged again on a balance from before the credit: the cooldown counts from the credit", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("error-500");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(70);
    await world.look();
    world.carrier.setBalance(ICCID, 0);
    world.advanceMinutes(59);
    await world.look();
    expect(world.taken()).toEqual([5000]);
    world.advanceMinutes(1);
    await world.look();
    expect(world.taken()).toEqual([5000, 5000]);
  });

  it("is parked and told after a day without an answer, and nothing is ordered any more", async () => {
    const world = await rechargeWorld();
    const dead = () => Promise.reject(new OutcomeUnknown("The carrier is down"));
    const carrier = { ...world.ports.carrier, topUp: dead, findTopUp: dead };
    await expect(world.look({ carrier })).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(23 * 60);
    await expect(world.look({ carrier })).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(62);
    await world.look({ carrier });
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-unclear" });
    expect(world.eventNames()).toEqual(["RechargeNeedsReview"]);
    world.advanceMinutes(24 * 60);
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], []]);
  });
});

describe("what is found late", () => {
  it("is a credit that was never ordered: it is not ordered any more after a day, also where answers are final", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(24 * 60 + 1);
    await world.look();
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-unclear" });
    expect([world.taken(), world.credited()]).toEqual([[5000], []]);
  });

  it("is a credit that a carrier without final answers shows when the recharge is parked already", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(2);
    await world.look();
    expect((await world.line()).open?.state.name).toBe("needs-review");
    world.advanceMinutes(24 * 60 + 2);
    const findTopUp = async (reference: string) => ({ kind: "credited", reference, at: NOW }) as const;
    await world.look({ carrier: { ...world.ports.carrier, findTopUp } });
    expect(world.eventNames()).toEqual(["RechargeNeedsReview", "RechargeNeedsReview", "RechargeSucceeded"]); // after a day it is told again
  });

  it("is a payment that nobody confirmed, of a rule that was paused meanwhile: it is not confirmed any more", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    await world.pause();
    world.advanceMinutes(2);
    await world.look({}, false);
    expect(world.taken()).toEqual([]);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "rule-changed" }]);
  });

  it("is nothing at all when Stripe cannot say whether it made the PaymentIntent: the recharge stays open", async () => {
    const world = await rechargeWorld();
    const create = async () => ({ kind: "refused", error: { status: 500, type: "api_error" } }) as const;
    await expect(world.look({ payments: { ...world.ports.payments, create } })).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe("reserved");
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
  });

  it("is a decline that is not canceled yet: it is no end", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    const cancel = (id: string) => world.ports.payments.retrieve(id);
    await expect(world.look({ payments: { ...world.ports.payments, cancel } })).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe("closing");
    expect(world.eventNames()).toEqual([]);
  });

  it("is a request of ours that Stripe does not take: loud, cancelled, and quiet for a day", async () => {
    const world = await rechargeWorld();
    const logged: string[] = [];
    const log = { ...world.ports.log, error: (code: string) => void logged.push(code) };
    const create = async () => ({ kind: "refused", error: { status: 400, type: "invalid_request_error", code: "parameter_unknown" } }) as const;
    await world.look({ log, payments: { ...world.ports.payments, create } });
    expect(logged).toEqual(["payment-fault"]);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "payment-fault" }]);
    expect((await world.line()).quietUntil).toBe("2026-11-24T08:00:00.000Z");
  });
});

describe("a recharge that was decided long ago", () => {
  it("is not charged any more when Stripe could not be asked for an hour: the line may be full by now", async () => {
    const world = await rechargeWorld();
    const payments = { ...world.ports.payments, create: () => Promise.reject(new OutcomeUnknown("Stripe is down")) };
    await expect(world.look({ payments })).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(61);
    await world.look();
    expect(world.stripe.listCharges()).toEqual([]);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "outdated" }]);
  });
});

describe("what is true", () => {
  it("is told also while a step waits for a system that is down", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    await world.pause();
    world.advanceMinutes(2);
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    expect(world.eventNames()).toEqual(["RulePaused"]);
  });

  it("is told of a line that the carrier does not know any more: its rule is suspended", async () => {
    const world = await rechargeWorld();
    const carrier = { ...world.ports.carrier, getBalances: async () => new Map(), listEsims: async () => [] };
    await world.look({ carrier });
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "line-not-yours" });
  });
});

describe("a card of several lines", () => {
  it("that was refused for good while another line's payment was unclear stays refused", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    await world.ports.cards.putDecline(world.method.cardKey, { rechargeId: "of-another-line", at: NOW, code: "stolen_card", severity: "hard" });
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toMatchObject([{ code: "stolen_card" }]);
  });

  it("counts its own decline though another line's success cleared it at that moment: one decline suspends nothing", async () => {
    const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
    let puts = 0;
    const cards = {
      ...world.ports.cards,
      putDecline: async () => {
        puts += 1; // and cleared again
      },
    };
    await world.look({ cards });
    expect(puts).toBe(1);
    expect(await world.line()).toMatchObject({ rule: { status: { state: "active" } }, quietUntil: "2026-11-23T09:00:00.000Z" });
  });

  it("keeps a decline that another line met while this one was being paid: the success forgets what came before it", async () => {
    const world = await rechargeWorld();
    const confirm: RechargePorts["payments"]["confirm"] = async (id, key) => {
      world.advanceMinutes(1);
      const decline = { rechargeId: "of-another-line", at: "2026-11-23T08:00:30.000Z", code: "card_declined", severity: "soft" } as const;
      await world.ports.cards.putDecline(world.method.cardKey, decline);
      return world.ports.payments.confirm(id, key);
    };
    await world.look({ payments: { ...world.ports.payments, confirm } });
    expect(world.taken()).toEqual([5000]);
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1);
  });

  it("is asked once, however often the same report comes, when it wants its holder", async () => {
    const world = await rechargeWorld({ card: "pm_card_authenticationRequired" });
    const report = { ...reading(999), cycle: 0, check: "check-1" };
    for (let i = 0; i < 6; i++) await rechargeLine(world.ports, { iccid: ICCID, judge: true, report });
    expect(world.stripe.listCharges()).toHaveLength(1);
    expect(world.eventNames()).toEqual(["RechargeActionRequired"]);
  });

  it("is not confirmed after it was declined for another line meanwhile", async () => {
    const world = await rechargeWorld();
    const payments: RechargePorts["payments"] = {
      ...world.ports.payments,
      create: async (request) => {
        await world.ports.cards.putDecline(world.method.cardKey, { rechargeId: "of-another-line", at: NOW, code: "card_declined", severity: "soft" });
        return world.ports.payments.create(request);
      },
    };
    await world.look({ payments });
    expect(world.stripe.listCharges()).toEqual([]);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "card-declined-elsewhere" }]);
  });
});

describe("what nobody can tell", () => {
  it("is never taken for a failure: a lost reply of Stripe's is asked for, and the payment credited", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe("confirming");
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
  });

  it("is asked again with the same PaymentIntent when the request was lost", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
  });

  it("waits while Stripe is processing, and credits when it is paid", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("processing");
    await world.look();
    expect(await world.line()).toMatchObject({ open: { state: { name: "processing" } }, lookAt: "2026-11-23T08:01:00.000Z" });
    expect(world.credited()).toEqual([]);
    world.advanceMinutes(1);
    await world.look();
    await expectOneRecharge(world);
  });

  it.each(["credit-but-lose-reply", "lose-request", "error-500"] as const)("credits once at a carrier with final answers after: %s", async (outcome) => {
    const world = await rechargeWorld();
    world.carrier.chooseNext(outcome);
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe("crediting");
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
  });

  it("is asked once only at a carrier without final answers, and then parked for a person", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(2);
    await world.look();
    world.advanceMinutes(60 * 48);
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], []]);
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-unclear" });
    expect(world.eventNames()).toEqual(["RechargeNeedsReview", "RechargeNeedsReview"]); // after a day it is told again
  });

  it("ends well at a carrier without final answers when its late word says credited", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("credit-but-lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
  });

  it("is parked for a person when a carrier refuses what was paid, and may think better of it", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.carrier.chooseNext("refuse");
    await world.look();
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-refused" });
    expect(world.eventNames()).toEqual(["RechargeNeedsReview"]);
    expect(await world.bills()).toEqual([]);
  });
});

describe("a balance from before the last credit", () => {
  it("is never judged: not for the next payer of the line either, who has no cooldown", async () => {
    const world = await rechargeWorld();
    await world.look();
    world.advanceMinutes(2);
    const stored = await world.line();
    await world.ports.subscribers.putMethod("sub-bob", world.method);
    await world.ports.subscribers.putProfile({ subscriberId: "sub-bob" });
    world.carrier.setOwner(ICCID, { subscriberId: "sub-bob" });
    await world.ports.esims.save({ ...stored, subscriberId: "sub-bob", quietUntil: undefined }, "bob");
    const repeated = new Map([[ICCID, reading(999, NOW)]]); // as a carrier may, for some minutes
    await world.look({ carrier: { ...world.ports.carrier, getBalances: async () => repeated } });
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    world.carrier.setBalance(ICCID, 900);
    await world.look();
    expect(world.taken()).toEqual([5000, 5000]); // a reading from after the credit counts
  });
});

describe("a payment that stays unclear for a day", () => {
  it.each(["confirming", "processing", "closing"] as const)("is told once while it is %s, and ends well when Stripe says how it stands", async (state) => {
    const world = await rechargeWorld({ card: state === "closing" ? "pm_card_chargeDeclined" : "pm_card_visa" });
    const away = async () => {
      throw new OutcomeUnknown("Stripe is away");
    };
    const first = { confirming: { confirm: away }, processing: {}, closing: { cancel: away } }[state];
    if (state === "processing") world.stripe.chooseNext("processing");
    await world.look({ payments: { ...world.ports.payments, ...first } }).catch(() => {});
    expect((await world.line()).open?.state.name).toBe(state);

    const payments = { ...world.ports.payments, retrieve: away, confirm: away, cancel: away };
    for (let hour = 1; hour <= 72; hour++) {
      world.advanceMinutes(60);
      await expect(world.look({ payments })).rejects.toThrow(OutcomeUnknown);
      // Under one id, so that the subscriber is told once, and the operator again after a day.
      const told = { name: "RechargeNeedsReview", id: expect.stringMatching(/RechargeNeedsReview\/payment-unclear$/), reason: "payment-unclear" };
      expect(world.published).toMatchObject(Array.from({ length: Math.floor(hour / 25) }, () => told));
    }
    expect((await world.line()).open?.state.name).toBe(state);

    world.advanceMinutes(120);
    await world.look();
    const end = { confirming: "RechargeCancelled", processing: "RechargeSucceeded", closing: "RechargeDeclined" }[state];
    expect([...new Set(world.eventNames())]).toEqual(["RechargeNeedsReview", end]);
    expect(world.taken()).toEqual(state === "processing" ? [5000] : []);
    expect(world.credited()).toEqual(world.taken());
  });

  it("is told again when it turns out paid, and the carrier refuses", async () => {
    const world = await rechargeWorld({ answersAreFinal: false });
    world.stripe.chooseNext("lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(25 * 60);
    world.stripe.chooseNext("error-500", "retrieve");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(60);
    world.carrier.chooseNext("refuse");
    await world.look();
    expect(world.published.map(({ name, id }) => [name, id])).toEqual([
      ["RechargeNeedsReview", expect.stringMatching(/\/RechargeNeedsReview\/payment-unclear$/)],
      ["RechargeNeedsReview", expect.stringMatching(/\/RechargeNeedsReview\/2026-/)],
    ]);
  });

  it("ends when the last try is known to have failed, though Stripe cannot say why", async () => {
    const world = await rechargeWorld();
    const refusal = { kind: "refused", error: { status: 500, type: "api_error" } } as const;
    await expect(world.look({ payments: { ...world.ports.payments, confirm: async () => refusal } })).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(2);
    const retrieve = async (id: string) => {
      const seen = { id, status: "requires_payment_method", amount: cny(5000), amountReceived: 0, lastError: { type: "api_error" } };
      return { kind: "intent", intent: seen } as const;
    };
    await world.look({ payments: { ...world.ports.payments, retrieve } });
    expect(world.eventNames()).toEqual(["RechargeDeclined"]);
    expect((await world.line()).rule?.status.state).toBe("active");
  });
});

describe("a reservation whose PaymentIntent could not be made", () => {
  it.each([
    ["the rule is paused", async (world: RechargeWorld) => world.pause(), "rule-changed"],
    ["an hour has passed", async (world: RechargeWorld) => world.advanceMinutes(61), "outdated"],
  ] as const)("ends when %s, without asking Stripe once more", async (_, happen, reason) => {
    const world = await rechargeWorld();
    const create = async () => ({ kind: "refused", error: { status: 401, type: "invalid_request_error" } }) as const;
    await expect(world.look({ payments: { ...world.ports.payments, create } })).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(2);
    await happen(world);
    await world.look({ payments: { ...world.ports.payments, create } }, false);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason }]);
    expect((await world.line()).open).toBeUndefined();
  });
});

describe("a fault of ours", () => {
  it.each([
    ["our secret", "error-401"],
    ["our permission", "error-403"],
    ["our request", "error-422"],
  ] as const)("at the carrier (it refuses %s) is loud, is never taken for its final no, and the credit comes once it is mended", async (_, outcome) => {
    const world = await rechargeWorld();
    const logged: string[] = [];
    const log = { ...world.ports.log, error: (code: string) => void logged.push(code) };
    world.carrier.chooseNext(outcome);
    await expect(world.look({ log })).rejects.toThrow(OutcomeUnknown);
    expect(logged).toEqual(["carrier-fault"]);
    expect((await world.line()).open?.state.name).toBe("crediting");
    world.advanceMinutes(2);
    await world.look();
    await expectOneRecharge(world);
  });

  it("that gives one reference to two orders is parked at once: asking again would never help", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("error-409");
    await world.look();
    expect((await world.line()).open?.state).toMatchObject({ name: "needs-review", reason: "carrier-conflict" });
    expect(world.eventNames()).toEqual(["RechargeNeedsReview"]);
    expect([world.taken(), world.credited()]).toEqual([[5000], []]);
  });

  it.each(["create", "confirm", "retrieve", "cancel"] as const)(
    "at Stripe (its %s refuses our key) is loud, ends nothing, and counts against no card",
    async (call) => {
      const world = await rechargeWorld(call === "cancel" ? { card: "pm_card_chargeDeclined" } : {});
      if (call === "retrieve") {
        world.stripe.chooseNext("lose-request");
        await expect(world.look()).rejects.toThrow(OutcomeUnknown);
        world.advanceMinutes(2);
      }
      const logged: string[] = [];
      const log = { ...world.ports.log, error: (code: string) => void logged.push(code) };
      const refusal = { kind: "refused", error: { status: 401, type: "invalid_request_error", code: "api_key_expired" } } as const;
      await expect(world.look({ log, payments: { ...world.ports.payments, [call]: async () => refusal } })).rejects.toThrow(OutcomeUnknown);
      expect(logged).toEqual(["stripe-fault"]);
      expect(world.eventNames()).toEqual([]);
      world.advanceMinutes(2);
      await world.look();
      if (call !== "cancel") return expectOneRecharge(world);
      expect(world.taken()).toEqual([]);
      expect(world.eventNames()).toEqual(["RechargeDeclined"]);
      expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1);
    },
  );
});

describe("a line whose carrier adds certain amounts only", () => {
  it("is not charged for one that it does not add any more: the rule is suspended and that is told", async () => {
    const world = await rechargeWorld();
    world.carrier.setTopUpAmounts(ICCID, [1000, 3000]);
    await world.look();
    expect(world.taken()).toEqual([]);
    expect((await world.line()).rule?.status).toMatchObject({ state: "suspended", reason: "amount-not-offered" });
    expect(world.eventNames()).toEqual(["RuleSuspended"]);
  });

  it("is recharged with one that it adds", async () => {
    const world = await rechargeWorld();
    world.carrier.setTopUpAmounts(ICCID, [1000, 5000]);
    await world.look();
    await expectOneRecharge(world);
  });
});

describe("a bank that is out of order", () => {
  it("makes the line wait longer and longer, and suspends nothing at the fourth try", async () => {
    const world = await rechargeWorld();
    const hours = [1, 2, 4, 72];
    for (const pause of hours) {
      world.stripe.chooseNext({ type: "decline", declineCode: "issuer_not_available" });
      await world.look();
      expect((await world.line()).rule?.status.state).toBe("active");
      world.advanceMinutes(pause * 60 - 1);
      await world.look(); // too early: the card is left alone
      world.advanceMinutes(1);
    }
    expect(world.taken()).toEqual([]);
    expect(world.eventNames()).toEqual(hours.map(() => "RechargeDeclined"));
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toEqual([]);
  });
});

describe("a rule that changes while its recharge is under way", () => {
  it("stops the charge that is not confirmed yet, and the PaymentIntent can never be paid", async () => {
    const world = await rechargeWorld();
    const payments: RechargePorts["payments"] = {
      ...world.ports.payments,
      create: async (request) => {
        const answer = await world.ports.payments.create(request);
        await world.pause();
        return answer;
      },
    };
    await world.look({ payments });
    expect(world.stripe.listCharges()).toEqual([]);
    const [bill] = await world.bills();
    expect(bill).toMatchObject({ end: "cancelled", reason: "rule-changed", charged: cny(0) });
    expect(await world.ports.payments.retrieve(bill?.paymentIntentId ?? "")).toMatchObject({ intent: { status: "canceled" } });
  });

  it("does not lose the charge that is paid already", async () => {
    const world = await rechargeWorld();
    world.carrier.chooseNext("lose-request");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    await world.pause();
    world.advanceMinutes(2);
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
  });
});

describe("a second worker", () => {
  it("that meets a lease asks to be woken when the lease is over, and touches nothing", async () => {
    const world = await rechargeWorld();
    world.stripe.chooseNext("lose-reply");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    world.advanceMinutes(1);
    await world.look();
    const again = "2026-11-23T08:01:30.000Z";
    expect(world.pokes).toEqual([{ iccid: ICCID, again, delaySeconds: 30 }]);
    await rechargeLine(world.ports, { iccid: ICCID, judge: true, again });
    expect(world.pokes).toHaveLength(2); // it came too early, or by a clock that is behind
    await rechargeLine(world.ports, { iccid: ICCID, judge: true, again: NOW });
    expect(world.pokes).toHaveLength(2); // whoever holds the lease now began later than what the poke tells of
    expect((await world.line()).open?.state.name).toBe("confirming");
  });

  it("that finds the recharge ended and the next one begun leaves that one to its own worker", async () => {
    const world = await rechargeWorld({ settings: { limits: { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 15 } } });
    let created = 0;
    const payments: RechargePorts["payments"] = {
      ...world.ports.payments,
      create: (request) => {
        created += 1;
        return world.ports.payments.create(request);
      },
    };
    const events = {
      publish: async () => {
        // Slow enough for a second worker to settle, and for the line to be reserved anew.
        world.advanceMinutes(20);
        await world.look();
        world.carrier.setBalance(ICCID, 0);
        await world.look({ payments: { ...world.ports.payments, create: () => Promise.reject(new OutcomeUnknown("of the other worker")) } }).catch(() => {});
      },
    };
    await world.look({ payments, events });
    expect(created).toBe(1);
    expect((await world.line()).open?.state.name).toBe("reserved");
  });

  it("changes nothing: ten at once charge once and credit once", async () => {
    const world = await rechargeWorld();
    await Promise.allSettled(Array.from({ length: 10 }, () => world.look()));
    world.advanceMinutes(5);
    await world.look();
    await expectOneRecharge(world);
  });
});

describe("a worker that dies", () => {
  class Death extends Error {}

  /** Every call to the world, by number; the one with the chosen number dies before or after it has its effect. */
  function mortal(world: RechargeWorld, dieAt: number, when: "before" | "after"): { ports: Partial<RechargePorts>; calls: () => number } {
    let calls = 0;
    const wrap = <T extends object>(port: T): T =>
      new Proxy(port, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return async (...args: unknown[]) => {
            calls += 1;
            const isLast = calls === dieAt;
            if (calls > dieAt || (isLast && when === "before")) throw new Death();
            const result: unknown = await Reflect.apply(member, target, args);
            if (isLast) throw new Death();
            return result;
          };
        },
      });
    const { esims, recharges, subscribers, cards, payments, carrier, events, pokes } = world.ports;
    const ports = { esims, recharges, subscribers, cards, payments, carrier, events, pokes };
    return {
      ports: Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, wrap(port)])),
      calls: () => calls,
    };
  }

  async function callsOfOneRecharge(card: string): Promise<number> {
    const world = await rechargeWorld({ card });
    const counted = mortal(world, Number.POSITIVE_INFINITY, "before");
    await world.look(counted.ports);
    return counted.calls();
  }

  it.each(["before", "after"] as const)("%s any of its calls leaves a state from which the next one goes on to one charge and one credit", async (when) => {
    const total = await callsOfOneRecharge("pm_card_visa");
    expect(total).toBeGreaterThan(15);
    for (let call = 1; call <= total; call++) {
      const world = await rechargeWorld();
      await expect(world.look(mortal(world, call, when).ports)).rejects.toThrow(Death);
      for (let looks = 0; looks < 3; looks++) {
        world.advanceMinutes(2);
        await world.look();
      }
      await expectOneRecharge(world);
    }
  });

  it.each(["before", "after"] as const)("%s any call of a declined recharge leaves one try of the card, and one counted decline", async (when) => {
    const total = await callsOfOneRecharge("pm_card_chargeDeclined");
    for (let call = 1; call <= total; call++) {
      const world = await rechargeWorld({ card: "pm_card_chargeDeclined" });
      await expect(world.look(mortal(world, call, when).ports)).rejects.toThrow(Death);
      for (let looks = 0; looks < 3; looks++) {
        world.advanceMinutes(2);
        await world.look();
      }
      expect(world.stripe.listCharges()).toHaveLength(1);
      expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1);
      expect(await world.bills()).toMatchObject([{ end: "declined" }]);
      expect(await world.line()).toMatchObject({ open: undefined, pendingEvents: [] });
    }
  });
});
