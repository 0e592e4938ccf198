import { describe, expect, it } from "@jest/globals";
import { createRule, type Esim, newEsim, type PaymentMethod, type Requested, replaceRule } from "../../functions/domain/esim.ts";
import { OutcomeUnknown } from "../../functions/domain/ports.ts";
import { applyCancelRequest, requestRecharge } from "../../functions/domain/recharge.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { cny, ICCID, NOW, ruleSettings, SUBSCRIBER } from "../builders.ts";
import { type RechargeWorld, rechargeWorld } from "./recharge-world.ts";

/** Recharges that are announced first, that their payer wants there and then, and that a backup stands in for. */

async function payment({ client }: RechargeWorld) {
  const [intent] = (await client.paymentIntents.list({})).data;
  if (intent === undefined) throw new Error("Nothing was paid or asked for");
  return intent;
}

/** Its payer does not want what is open. */
async function callOff(world: RechargeWorld): Promise<boolean> {
  const line = await world.line();
  const called = applyCancelRequest(line, line.open?.rechargeId ?? "", SUBSCRIBER, world.ports.clock.now());
  return called !== undefined && (await world.ports.esims.save(called, "cancel")) !== undefined;
}

/** Its payer wants a recharge there and then. */
async function wanted(world: RechargeWorld, changes: Partial<Requested> = {}) {
  const line = (await world.ports.esims.load(ICCID)) ?? newEsim(ICCID);
  const now = world.ports.clock.now();
  const consent = { termsVersion: "2026-11-28", at: now, timeZone: "Asia/Shanghai" };
  const request: Requested = {
    rechargeId: "now-1",
    origin: "payer",
    subscriberId: SUBSCRIBER,
    amount: cny(3000),
    method: world.method,
    ruleVersion: 0,
    consent,
    at: now,
    ...changes,
  };
  const decision = requestRecharge(line, request, now);
  if (decision.kind === "requested") await world.ports.esims.save(decision.esim, "api");
  return decision.kind;
}

/** They pay what waits for them. */
async function pay(world: RechargeWorld) {
  const { client_secret: secret } = await payment(world);
  world.stripe.confirmAsCustomer(secret ?? "", world.method.id);
  await world.look({}, false);
}

describe("a rule whose payer wants to be told before each charge", () => {
  const announced = async (options: Parameters<typeof rechargeWorld>[0] = {}) => {
    const world = await rechargeWorld({ ...options, settings: { noticeMinutes: 120, ...options?.settings } });
    await world.look();
    expect((await world.line()).open?.state).toEqual({ name: "announced", chargeAt: plusMinutes(NOW, 120) });
    expect(world.published).toMatchObject([{ name: "RechargeAnnounced", amount: cny(5000), chargeAt: plusMinutes(NOW, 120) }]);
    return world;
  };

  it("is told, and charged after the time that it was told, not before", async () => {
    const world = await announced();
    for (const minutes of [1, 60, 57]) {
      world.advanceMinutes(minutes);
      await world.look();
      expect((await world.line()).open?.state.name).toBe("announced");
    }
    expect((await world.client.paymentIntents.list({})).data).toEqual([]);
    expect((await world.line()).lookAt).toBe(plusMinutes(NOW, 120)); // somebody looks then
    world.advanceMinutes(2);
    await world.look({}, false);
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    expect(world.eventNames()).toEqual(["RechargeAnnounced", "RechargeSucceeded"]);
    // Judged again: the bill says on which balance.
    expect(await world.bills()).toMatchObject([{ end: "succeeded", reading: { readAt: plusMinutes(NOW, 120) }, reservedAt: plusMinutes(NOW, 120) }]);
  });

  it("may be skipped: nothing is asked of Stripe, and the line is left alone until its low is over", async () => {
    const world = await announced();
    expect(await callOff(world)).toBe(true);
    await world.look({}, false);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "by-subscriber", charged: cny(0) }]);
    world.advanceMinutes(24 * 60);
    await world.look();
    expect((await world.line()).open).toBeUndefined();
    expect(world.taken()).toEqual([]);

    world.carrier.setBalance(ICCID, 3000);
    await world.look();
    world.carrier.setBalance(ICCID, 500);
    world.advanceMinutes(10); // past the carrier's read interval
    await world.look();
    expect((await world.line()).open?.state.name).toBe("announced");
  });

  it("is dropped when the line is not low any more by then", async () => {
    const world = await announced();
    world.carrier.creditElsewhere(ICCID, 3000);
    world.advanceMinutes(121);
    await world.look({}, false);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "balance-recovered" }]);
    expect(world.taken()).toEqual([]);
  });

  it("is dropped at the next look when its rule was paused, and at its time when the card rests or the switch was thrown", async () => {
    const paused = await announced();
    await paused.pause();
    await paused.look({}, false);
    expect(await paused.bills()).toMatchObject([{ end: "cancelled", reason: "rule-changed" }]);

    const resting = await announced();
    await resting.ports.cards.putDecline(resting.method.cardKey, {
      rechargeId: "r-x",
      at: plusMinutes(NOW, 100),
      code: "insufficient_funds",
      severity: "soft",
    });
    const stopped = await announced();
    await stopped.ports.controls.putKillSwitch({ on: true, at: NOW, by: "grace", why: "fire" });
    for (const world of [resting, stopped]) {
      world.advanceMinutes(121);
      await world.look({}, false);
      expect(world.taken()).toEqual([]);
    }
    expect(await resting.bills()).toMatchObject([{ end: "cancelled", reason: "card-declined-elsewhere" }]);
    expect(await stopped.bills()).toMatchObject([{ end: "cancelled", reason: "kill-switch" }]);
  });

  it("charges no more than was announced, and never past the cap of the month in which it comes due", async () => {
    const world = await announced({ settings: { topUp: { type: "target", target: cny(5999) } } });
    world.carrier.setBalance(ICCID, 100);
    world.advanceMinutes(121);
    await world.look({}, false);
    expect(world.taken()).toEqual([5000]);

    const less = await announced({ settings: { topUp: { type: "target", target: cny(5999) } }, balance: 999 });
    less.carrier.setBalance(ICCID, 998);
    await less.look({}, false);
    less.carrier.setBalance(ICCID, 999);
    less.advanceMinutes(121);
    await less.look({}, false);
    expect(less.taken()).toEqual([5000]);
  });

  it("is dropped an hour after its time when the carrier does not say the balance, and waits until then", async () => {
    const world = await announced();
    const carrier = {
      ...world.ports.carrier,
      getBalances: async () => {
        throw new OutcomeUnknown("The carrier is away");
      },
    };
    world.advanceMinutes(121);
    await expect(world.look({ carrier }, false)).rejects.toThrow(OutcomeUnknown);
    expect((await world.line()).open?.state.name).toBe("announced");
    world.advanceMinutes(61);
    await world.look({ carrier }, false);
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "outdated" }]);
  });

  it("that came back from a backup after it was charged is credited as that charge says, and not dropped", async () => {
    const world = await announced();
    const before = await world.line();
    world.advanceMinutes(121);
    world.carrier.chooseNext("lose-request");
    await expect(world.look({}, false)).rejects.toThrow(OutcomeUnknown);
    expect(world.taken()).toEqual([5000]);
    // The table is restored to a moment before the charge, and its payer skips what they see announced.
    const now = await world.line();
    await world.ports.esims.save({ ...before, version: now.version, lookAt: world.ports.clock.now() }, "restore");
    expect(await callOff(world)).toBe(true);
    for (let look = 0; look < 3; look++) {
      world.advanceMinutes(3);
      await world.look({}, false);
    }
    expect([world.taken(), world.credited(), (await world.bills()).map(({ end }) => end)]).toEqual([[5000], [5000], ["succeeded"]]);
  });

  it("that nobody could be told of is not charged", async () => {
    const world = await rechargeWorld({ settings: { noticeMinutes: 120 } });
    const events = {
      publish: async () => {
        throw new Error("The bus is down");
      },
    };
    await world.look({ events }).catch(() => {});
    expect((await world.line()).open?.state.name).toBe("announced");
    world.advanceMinutes(3);
    await world.look({ events }, false).catch(() => {});
    expect(String((await world.line()).lookAt) < plusMinutes(NOW, 60)).toBe(true); // it is told as soon as the bus takes it
    world.advanceMinutes(118);
    await world.look({}, false);
    expect([world.taken(), (await world.bills())[0]?.reason]).toEqual([[], "outdated"]);
    expect(world.eventNames()).toEqual(["RechargeCancelled"]); // and not announced any more, for a time to come
    expect((await world.line()).pendingEvents).toEqual([]);
  });

  it("that is told late leaves the whole time that was agreed to, counted from then, and says so", async () => {
    const world = await rechargeWorld({ settings: { noticeMinutes: 120 } });
    const events = {
      publish: async () => {
        throw new Error("The bus is down");
      },
    };
    await world.look({ events }).catch(() => {});
    world.advanceMinutes(119);
    await world.look({}, false);
    expect(world.published).toMatchObject([{ name: "RechargeAnnounced", chargeAt: plusMinutes(NOW, 239) }]);
    expect((await world.line()).open?.state).toEqual({ name: "announced", chargeAt: plusMinutes(NOW, 239) });
    world.advanceMinutes(119);
    await world.look({}, false);
    expect(world.taken()).toEqual([]);
    world.advanceMinutes(2);
    await world.look({}, false);
    expect([world.taken(), world.eventNames()]).toEqual([[5000], ["RechargeAnnounced", "RechargeSucceeded"]]);
  });

  it("that was skipped leaves the line alone no longer than until its payer recharges it", async () => {
    const world = await announced();
    await callOff(world);
    await world.look({}, false);
    expect((await world.line()).quietWhileLow).toBe(true);
    await wanted(world);
    await world.look({}, false);
    await pay(world);
    expect(world.taken()).toEqual([3000]);
    expect(await world.line()).toMatchObject({ quietUntil: plusMinutes(NOW, 60) }); // the cooldown

    world.advanceMinutes(24 * 60);
    world.carrier.setBalance(ICCID, 500);
    await world.look();
    expect((await world.line()).open?.state.name).toBe("announced");
  });

  it("is nobody's to skip once it is being charged", async () => {
    const world = await announced();
    world.advanceMinutes(121);
    await world.look({}, false);
    expect(await callOff(world)).toBe(false);
  });
});

describe("a recharge that its payer wants there and then", () => {
  it("waits for them at the checkout, silently, and is credited when they have paid, whatever the balance is", async () => {
    const world = await rechargeWorld({ balance: 90_000 });
    expect(await wanted(world)).toBe("requested");
    expect((await world.line()).lookAt).toBe(NOW); // also if the poke is lost
    await world.look({}, false);
    expect((await world.line()).open).toMatchObject({ origin: "payer", state: { name: "awaiting-customer", expiresAt: plusMinutes(NOW, 60) } });
    expect(world.taken()).toEqual([]);
    await pay(world);
    expect([world.taken(), world.credited(), world.eventNames()]).toEqual([[3000], [3000], ["RechargeSucceeded"]]);
    expect(await world.bills()).toMatchObject([{ rechargeId: "now-1", origin: "payer", end: "succeeded", ruleVersion: 0 }]);
  });

  it("is not bound by the rule's caps and cooldown, and counts towards them", async () => {
    const world = await rechargeWorld({ settings: { limits: { perMonth: cny(5000), timesPerDay: 1, cooldownMinutes: 60 } } });
    await world.look();
    expect(world.taken()).toEqual([5000]);
    await wanted(world);
    await world.look({}, false);
    await pay(world);
    expect(world.taken()).toEqual([5000, 3000]);
    expect((await world.line()).spend[SUBSCRIBER]).toMatchObject({ monthAmounts: [cny(8000)], dayCount: 2 });
  });

  it("of a line that became their own since its holder let them pay is not taken for lost", async () => {
    const world = await rechargeWorld({ balance: 90_000 });
    const { rule: _none, ...line } = await world.line();
    const terms = { holder: "holder-of-before", since: NOW, until: "2027-06-30T16:00:00.000Z", cap: cny(50_000), spent: cny(0) };
    const family = { subscriberId: SUBSCRIBER, consent: { termsVersion: "2026-11-28", at: NOW }, ...terms };
    await world.ports.esims.save({ ...line, family }, "by-hand");
    await wanted(world);
    await world.look({}, false);
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    await pay(world);
    expect([world.taken(), world.credited()]).toEqual([[3000], [3000]]);
  });

  it("leaves a low line's rule alone while it is open, and where it is left", async () => {
    const world = await rechargeWorld();
    await wanted(world);
    await world.look();
    await world.look();
    expect((await world.line()).open?.rechargeId).toBe("now-1");
    world.advanceMinutes(64);
    await world.look({}, false);
    expect(await world.bills()).toMatchObject([{ rechargeId: "now-1", end: "expired" }]);
    expect((await world.line()).quietUntil).toBeUndefined();
    await world.look();
    expect(world.taken()).toEqual([5000]); // the rule's own
  });

  it("is called off while nothing is paid, and its PaymentIntent can never be paid then", async () => {
    const world = await rechargeWorld({ balance: 90_000 });
    await wanted(world);
    await world.look({}, false);
    expect(await callOff(world)).toBe(true);
    await world.look({}, false);
    expect([(await world.bills())[0]?.reason, (await payment(world)).status]).toEqual(["by-subscriber", "canceled"]);
    expect((await world.line()).quietUntil).toBeUndefined();
  });

  it("that was called off and paid at the same moment is credited", async () => {
    const world = await rechargeWorld({ balance: 90_000 });
    await wanted(world);
    await world.look({}, false);
    world.stripe.confirmAsCustomer((await payment(world)).client_secret ?? "", world.method.id);
    expect(await callOff(world)).toBe(true);
    await world.look({}, false);
    expect([world.taken(), world.credited(), (await world.bills())[0]?.end]).toEqual([[3000], [3000], "succeeded"]);
  });

  it("is one with what was asked for before, and gives way to what is open", async () => {
    const world = await rechargeWorld({ balance: 90_000 });
    expect([await wanted(world), await wanted(world), await wanted(world, { rechargeId: "now-2" })]).toEqual(["requested", "repeated", "busy"]);
    await world.look({}, false);
    expect([await wanted(world), await wanted(world, { rechargeId: "now-2" })]).toEqual(["repeated", "busy"]);
  });

  it("may use a card that rests, and none that is refused for good", async () => {
    for (const [severity, state] of [
      ["soft", "awaiting-customer"],
      ["hard", undefined],
    ] as const) {
      const world = await rechargeWorld({ balance: 90_000 });
      await world.ports.cards.putDecline(world.method.cardKey, { rechargeId: "r-x", at: NOW, code: "x", severity });
      await wanted(world);
      await world.look({}, false);
      expect((await world.line()).open?.state.name).toBe(state);
    }
  });

  it("is dropped, and told, where the line is not theirs, the switch is thrown, or nobody came to it for an hour", async () => {
    const foreign = await rechargeWorld({ balance: 90_000 });
    foreign.carrier.setOwner(ICCID, { subscriberId: "sub-eve" });
    const stopped = await rechargeWorld({ balance: 90_000 });
    await stopped.ports.controls.putKillSwitch({ on: true, at: NOW, by: "grace", why: "fire" });
    for (const [world, reason] of [
      [foreign, "line-lost"],
      [stopped, "kill-switch"],
    ] as const) {
      await wanted(world);
      await world.look({}, false);
      expect([(await world.bills())[0], world.eventNames()]).toMatchObject([{ end: "cancelled", reason }, ["RechargeCancelled"]]);
      expect(world.taken()).toEqual([]);
    }
  });

  it("that the carrier refuses for good is given back, and stops no rule", async () => {
    const world = await rechargeWorld({ balance: 90_000 });
    world.carrier.chooseNext("refuse");
    await wanted(world);
    await world.look({}, false);
    await pay(world);
    expect(await world.bills()).toMatchObject([{ end: "refunded", refunded: cny(3000) }]);
    expect((await world.line()).rule?.status.state).toBe("active");
  });
});

describe("a backup way to pay", () => {
  const withBackup = async (card: string, backupCard: string, settings: Parameters<typeof rechargeWorld>[0] = {}) => {
    const world = await rechargeWorld({ card, ...settings });
    const attached = await world.client.paymentMethods.attach(backupCard, { customer: world.method.customerId });
    const backup: PaymentMethod = { ...world.method, id: attached.id, cardKey: attached.card?.fingerprint ?? attached.id };
    await world.ports.subscribers.putMethod(SUBSCRIBER, backup);
    await world.ports.subscribers.putWallet(SUBSCRIBER, {}, { backup: backup.id });
    return { world, backup };
  };
  const settle = async (world: RechargeWorld) => {
    for (let look = 0; look < 4; look++) await world.look({}, false);
  };

  it("is tried once, at once, after a soft decline, as a recharge of its own with its own bill", async () => {
    const { world, backup } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await world.look();
    expect(world.pokes).toContainEqual(expect.objectContaining({ iccid: ICCID }));
    await settle(world);
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    const bills = (await world.bills()).toSorted((a, b) => (a.end < b.end ? -1 : 1)); // of the same moment
    expect(bills).toMatchObject([{ end: "declined" }, { end: "succeeded", origin: "backup", method: { id: backup.id } }]);
    expect(world.eventNames()).toEqual(["RechargeDeclined", "RechargeSucceeded"]);
    expect((await world.line()).spend[SUBSCRIBER]).toMatchObject({ monthAmounts: [cny(5000)], dayCount: 1 });
  });

  it("that is declined too is not followed by another, and each card rests on its own", async () => {
    const { world, backup } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclined");
    await world.look();
    await settle(world);
    expect((await world.bills()).map(({ end }) => end)).toEqual(["declined", "declined"]);
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1);
    expect(await world.ports.cards.listDeclines(backup.cardKey)).toHaveLength(1);
    expect(await world.line()).toMatchObject({
      open: undefined,
      quietUntil: plusMinutes(NOW, 60),
      rule: { status: { state: "active" } },
    });
  });

  it("is not asked after a hard decline, when it rests itself, or when it is the same card", async () => {
    const hard = await withBackup("pm_card_chargeDeclinedLostCard", "pm_card_visa");
    const resting = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await resting.world.ports.cards.putDecline(resting.backup.cardKey, { rechargeId: "r-x", at: NOW, code: "x", severity: "soft" });
    const same = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await same.world.ports.subscribers.putMethod(SUBSCRIBER, { ...same.backup, cardKey: same.world.method.cardKey });
    for (const { world } of [hard, resting, same]) {
      await world.look();
      await settle(world);
      expect((await world.bills()).length).toBe(1);
      expect(world.taken()).toEqual([]);
    }
  });

  it("does not stand in for what its payer called off while the bank was asked: the line is left alone until its low is over", async () => {
    for (const isBackupNamed of [true, false]) {
      const { world, backup } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
      if (!isBackupNamed) await world.ports.subscribers.putWallet(SUBSCRIBER, { backup: backup.id }, {});
      const payments = {
        ...world.ports.payments,
        confirm: async (id: string, key: string) => {
          expect(await callOff(world)).toBe(true);
          return world.ports.payments.confirm(id, key);
        },
      };
      await world.look({ payments });
      await settle(world);
      expect([world.taken(), world.eventNames(), (await world.bills())[0]?.reason]).toEqual([[], ["RechargeCancelled"], "by-subscriber"]);
      expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1);
      world.advanceMinutes(61);
      await world.look();
      expect(await world.line()).toMatchObject({ open: undefined, quietWhileLow: true });
    }
  });

  it("that its payer calls off leaves the line alone until its low is over", async () => {
    const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await world.look();
    const line = await world.line();
    const called = applyCancelRequest(line, line.requested?.rechargeId ?? "", SUBSCRIBER, NOW);
    await world.ports.esims.save(called ?? line, "cancel");
    await settle(world);
    expect([world.taken(), world.eventNames()]).toEqual([[], ["RechargeDeclined", "RechargeCancelled"]]);
    world.advanceMinutes(61);
    await world.look();
    expect(await world.line()).toMatchObject({ open: undefined, quietWhileLow: true });
  });

  it.each([
    ["for now", "pm_card_chargeDeclined", 0],
    ["for good", "pm_card_chargeDeclinedLostCard", 0],
    ["for the fourth time", "pm_card_chargeDeclined", 3],
  ])("that was called off while the bank declined it, %s, leaves the line alone until its low is over", async (_, card, declinesBefore) => {
    const { world, backup } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", card);
    await world.look();
    for (let before = 1; before <= declinesBefore; before++)
      await world.ports.cards.putDecline(backup.cardKey, {
        rechargeId: `r-${before}`,
        at: plusMinutes(NOW, -before * 4 * 24 * 60),
        code: "x",
        severity: "soft",
      });
    const payments = {
      ...world.ports.payments,
      confirm: async (id: string, key: string) => {
        expect(await callOff(world)).toBe(true);
        return world.ports.payments.confirm(id, key);
      },
    };
    for (let look = 0; look < 4; look++) await world.look({ payments }, false);
    expect([world.taken(), world.eventNames()]).toEqual([[], ["RechargeDeclined", "RechargeCancelled"]]);
    expect(await world.ports.cards.listDeclines(backup.cardKey)).toHaveLength(declinesBefore + 1);
    world.advanceMinutes(61);
    await world.look();
    expect(await world.ports.cards.listDeclines(world.method.cardKey)).toHaveLength(1); // it was not asked again
    expect(await world.line()).toMatchObject({ open: undefined, quietWhileLow: true, rule: { status: { state: "active" } } });
  });

  it("keeps to the rule as it is at that moment: paused, edited or switched off, nothing is charged", async () => {
    const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await world.look();
    expect((await world.line()).requested).toBeDefined();
    await world.pause();
    await settle(world);
    expect(world.taken()).toEqual([]);
    expect((await world.bills()).map(({ reason }) => reason)).toContain("rule-changed");
  });

  it("keeps to the cap, also when that was lowered in between", async () => {
    const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await world.look();
    const line = await world.line();
    const settings = ruleSettings({
      paymentMethodId: world.method.id,
      topUp: { type: "fixed", amount: cny(1000) },
      limits: { perMonth: cny(1000), timesPerDay: 3, cooldownMinutes: 60 },
    });
    const consent = { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" };
    const lowered = replaceRule(line, { subscriberId: SUBSCRIBER, settings, consent, writeId: "lower" }, line.rule?.version ?? 0, NOW);
    if (lowered.kind !== "changed") throw new Error(lowered.reason);
    await world.ports.esims.save(lowered.esim, "lower");
    await settle(world);
    expect(world.taken().filter((amount) => amount === 5000)).toEqual([]);
  });

  it("goes to the line's payer only: a new holder's rule is not charged for the old one's request", async () => {
    const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
    await world.look();
    const line = await world.line();
    const consent = { termsVersion: "2026-11-28", at: NOW, timeZone: "Asia/Shanghai" };
    const taken = createRule(line, { subscriberId: "sub-eve", settings: ruleSettings({ paymentMethodId: "pm_eve" }), consent, writeId: "eve" }, NOW);
    if (taken.kind !== "changed") throw new Error(taken.reason);
    await world.ports.esims.save(taken.esim, "eve");
    await settle(world);
    expect(world.taken()).toEqual([]);
  });

  it("charges nothing when the line was filled in the meantime, or when it comes an hour late", async () => {
    for (const [minutes, fill] of [
      [5, 100_000],
      [61, 0],
    ] as const) {
      const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
      await world.look();
      if (fill > 0) world.carrier.creditElsewhere(ICCID, fill);
      world.advanceMinutes(minutes);
      await settle(world);
      expect(world.taken()).toEqual([]);
      expect(await world.line()).not.toHaveProperty("requested.rechargeId");
    }
  });

  it("charges no more than the line lacks by then", async () => {
    const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa", {
      settings: { topUp: { type: "target", target: cny(5999) } },
    });
    await world.look();
    world.carrier.creditElsewhere(ICCID, 0);
    world.carrier.setBalance(ICCID, 100);
    world.advanceMinutes(10);
    await settle(world);
    expect(world.taken()).toEqual([5000]); // what was declined, though 5899 are missing now
  });

  it("is charged once, whatever moment the line is brought back to", async () => {
    for (const isSettled of [true, false]) {
      const { world } = await withBackup("pm_card_chargeDeclinedInsufficientFunds", "pm_card_visa");
      const states: Esim[] = [];
      const { save } = world.ports.esims;
      const esims = {
        ...world.ports.esims,
        save: async (esim: Esim, writeId: string) => {
          const saved = await save(esim, writeId);
          if (saved !== undefined) states.push(saved);
          return saved;
        },
      };
      await world.look({ esims });
      const ended = states.findLast(({ open }) => open?.state.name === "ended");
      const requested = states.findLast((esim) => esim.requested !== undefined);
      await settle(world);
      expect(world.taken()).toEqual([5000]);

      const back = isSettled ? requested : ended;
      if (back === undefined) throw new Error("The line never was like this");
      world.advanceMinutes(isSettled ? 20 : 180);
      world.carrier.setBalance(ICCID, 500);
      const now = await world.line();
      await world.ports.esims.save({ ...back, version: now.version, lookAt: world.ports.clock.now() }, "restore");
      for (let look = 0; look < 4; look++) {
        await settle(world);
        world.advanceMinutes(3);
      }
      expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
      expect((await world.line()).open).toBeUndefined();
    }
  });
});
