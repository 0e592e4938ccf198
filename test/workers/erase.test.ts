import { beforeEach, describe, expect, it } from "@jest/globals";
import { stripeWallet } from "../../functions/adapters/stripe-wallet.ts";
import { closeAccount } from "../../functions/api/me/close-account.ts";
import { newEsim } from "../../functions/domain/esim.ts";
import type { EraseRequest } from "../../functions/domain/ports.ts";
import { applyResolution } from "../../functions/domain/recharge.ts";
import { type ErasePorts, erase, resumeErasing } from "../../functions/workers/erase/erase.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, OTHER_ICCID, rechargeStart, SUBSCRIBER } from "../builders.ts";
import { memoryCards, memoryEsims, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import { rechargeWorld } from "./recharge-world.ts";

const STRANGER = "sub-eve";
const SPENT = { month: "2026-11", day: "2026-11-23", monthAmounts: [cny(5000)], dayCount: 1, lastEndedAt: NOW };
const WECHAT = {
  id: "pm_wechat_pay_1",
  customerId: "cus_ada",
  cardKey: "pm_wechat_pay_1",
  brand: "wechat_pay",
  lastFour: "",
  payRequest: "wechat_pay",
} as const;

/** A subscriber with a recharge behind them and something in every table; beside them a stranger, who must lose nothing. */
async function eraseWorld(options: Parameters<typeof rechargeWorld>[0] = {}) {
  const stores = { esims: memoryEsims(), recharges: memoryRecharges(), subscribers: memorySubscribers(), cards: memoryCards() };
  const base = await rechargeWorld({ ...options, stores });
  const { esims, recharges, subscribers, cards } = stores;
  await base.look();
  await subscribers.putProfile({ subscriberId: SUBSCRIBER, email: "ada@example.com", phoneNumber: "+8613800000000" });
  await subscribers.putCustomer(SUBSCRIBER, base.method.customerId);
  await subscribers.putMethod(SUBSCRIBER, WECHAT);
  await subscribers.putNotice(SUBSCRIBER, `${ICCID}/rule/1/RuleSuspended`, NOW);
  await cards.putDecline(WECHAT.cardKey, { rechargeId: "r-0", at: NOW, code: "expired", severity: "hard" });
  await recharges.putStart(rechargeStart({ rechargeId: "overtaken" }));
  await esims.save({ ...newEsim(OTHER_ICCID), subscriberId: STRANGER, spend: { [STRANGER]: SPENT, [SUBSCRIBER]: SPENT } }, "seed");
  await subscribers.putProfile({ subscriberId: STRANGER, email: "eve@example.com" });
  await subscribers.putMethod(STRANGER, { ...METHOD, id: "pm_eve" });
  await recharges.putStart(rechargeStart({ rechargeId: "eves", subscriberId: STRANGER, iccid: OTHER_ICCID }));

  const queue: { readonly request: EraseRequest; readonly delaySeconds: number }[] = [];
  const ports: ErasePorts = {
    ...base.ports,
    ...stores,
    wallet: stripeWallet({ stripe: base.client, stage: "test" }),
    eraseRequests: { send: async (sent, delaySeconds = 0) => void queue.push(...sent.map((request) => ({ request, delaySeconds }))) },
  };
  const request = {
    subscriberId: SUBSCRIBER,
    accessToken: "",
    params: {},
    page: undefined,
    body: undefined,
    expectedVersion: () => 0,
    idempotencyKey: () => "",
  };
  const close = (with_: ErasePorts = ports) => closeAccount(with_, request);

  /** Messages arrive, and what fails comes back; gives how many times the queue was empty before all was erased. */
  async function run(with_: ErasePorts = ports, { ticks = 3 }: { readonly ticks?: number } = {}): Promise<void> {
    for (let deliveries = 0; deliveries < 100; deliveries++) {
      for (const poke of base.pokes.splice(0)) await look(base.ports, poke);
      if ((await subscribers.getClosing(SUBSCRIBER)) === undefined) return;
      const next = queue.shift();
      if (next === undefined) {
        if (ticks === 0) return;
        ticks -= 1;
        base.advanceMinutes(24 * 60);
        await resumeErasing(ports);
        continue;
      }
      base.advanceMinutes(next.delaySeconds / 60);
      await erase(with_, next.request).catch(() => queue.unshift({ ...next, delaySeconds: 0 }));
    }
    throw new Error("The queue never comes to rest");
  }

  /** All that is stored and may name somebody: everything but the bills. */
  const kept = () => [esims, recharges, subscribers, cards].map((store) => store.kept()).join("\n");
  const theirs = [SUBSCRIBER, "ada@example.com", "+8613800000000", ICCID, base.method.id, base.method.customerId, WECHAT.id];
  /** What of them is still there, and what of the stranger is not. */
  const wrong = () => [
    ...theirs.filter((text) => kept().includes(text)),
    ...[STRANGER, "eve@example.com", "pm_eve", "eves", OTHER_ICCID].filter((text) => !kept().includes(text)).map((text) => `${text} is gone`),
  ];
  return { ...base, ...stores, erasePorts: ports, queue, close, run, kept, theirs, wrong };
}

type EraseWorld = Awaited<ReturnType<typeof eraseWorld>>;

describe("an account that is closed", () => {
  let world: EraseWorld;
  beforeEach(async () => {
    world = await eraseWorld();
  });

  it("has no rule when that is answered, and says so", async () => {
    expect(await world.close()).toEqual({ status: 202, body: { closing: { since: NOW } } });
    expect((await world.line()).rule).toBeUndefined();
    await world.run();
    expect(world.eventNames()).toContain("RuleDeleted");
  });

  it("keeps the date on which it was first closed, however often it is", async () => {
    await world.close();
    world.advanceMinutes(5);
    expect(await world.close()).toMatchObject({ body: { closing: { since: NOW } } });
  });

  it("leaves nothing behind but its bills, which say what they said", async () => {
    const bills = await world.bills();
    expect(bills).toHaveLength(1);
    expect(world.theirs.filter((text) => !world.kept().includes(text))).toEqual([]); // all of it was there
    await world.close();
    await world.run();
    expect(world.wrong()).toEqual([]);
    expect(await world.bills()).toEqual(bills);
    expect(JSON.stringify(bills)).not.toMatch(new RegExp(`ada@example|13800000000|${ICCID}|${world.method.customerId}`));
  });

  it("that the operator has paused is paused still, for whoever comes back with it", async () => {
    const hold = { at: NOW, by: "grace", why: "stolen cards" };
    await world.subscribers.putHold(SUBSCRIBER, hold);
    await world.close();
    await world.run();
    expect(await world.subscribers.getClosing(SUBSCRIBER)).toBeUndefined();
    expect(await world.subscribers.getHold(SUBSCRIBER)).toEqual(hold);
  });

  it("is named in the log, once, for whoever deletes the account to sign in with", async () => {
    const logged: unknown[] = [];
    await world.close();
    await world.run({ ...world.erasePorts, log: { ...world.erasePorts.log, info: (code, fields) => void logged.push([code, fields]) } });
    expect(logged).toEqual([["account-erased", { subscriberId: SUBSCRIBER }]]);
  });

  it("is gone at Stripe, too: nothing can be charged any more", async () => {
    await world.close();
    await world.run();
    expect(await world.client.customers.retrieve(world.method.customerId)).toMatchObject({ deleted: true });
    expect(await world.client.paymentMethods.retrieve(world.method.id)).toMatchObject({ customer: null });
  });

  it("waits a quarter of an hour after all is over, so that the last notice finds its address", async () => {
    await world.close();
    const [first] = world.queue.splice(0);
    for (const poke of world.pokes.splice(0)) await look(world.ports, poke);
    if (first === undefined) throw new Error("Nothing was sent");
    await erase(world.erasePorts, first.request);
    expect(world.queue).toEqual([{ request: { subscriberId: SUBSCRIBER, stage: "lines", since: NOW }, delaySeconds: 900 }]);
    expect(await world.subscribers.getProfile(SUBSCRIBER)).toBeDefined();
  });

  it("takes along a rule that was being saved while it was closed", async () => {
    await world.close();
    const late = await world.line();
    await world.esims.save({ ...late, rule: esimWithRule().rule }, "late");
    await world.run();
    expect(world.wrong()).toEqual([]);
  });

  it("is erased by the daily tick when its messages were lost", async () => {
    await world.close();
    world.queue.splice(0);
    await world.run();
    expect(world.wrong()).toEqual([]);
  });

  it.each(["lines", "bills", "starts", "account"] as const)(
    "is erased in order, whatever a late message says of an account of the same person that was closed before: %s",
    async (stage) => {
      await world.close();
      for (const since of ["2026-10-01T08:00:00.000Z", undefined]) await erase(world.erasePorts, { subscriberId: SUBSCRIBER, stage, since });
      expect(world.theirs.filter((text) => !world.kept().includes(text))).toEqual([]);
      expect(await world.subscribers.getClosing(SUBSCRIBER)).toEqual({ since: NOW });
      expect(world.queue).toHaveLength(1);
      await world.run();
      expect(world.wrong()).toEqual([]);
    },
  );

  it("is erased once: a message that comes late finds nobody", async () => {
    await world.close();
    const [first] = world.queue;
    await world.run();
    if (first === undefined) throw new Error("Nothing was sent");
    await erase(world.erasePorts, first.request);
    expect(world.queue).toEqual([]);
  });
});

describe("an account that is closed while a recharge is under review", () => {
  let world: EraseWorld;
  beforeEach(async () => {
    world = await eraseWorld({ answersAreFinal: false, refuse: true });
    expect((await world.line()).open?.state.name).toBe("needs-review");
    await world.close();
  });

  it("keeps everything that the recharge needs, asks again eight times, and then once a day", async () => {
    await world.run(world.erasePorts, { ticks: 0 });
    expect(world.theirs.filter((text) => !world.kept().includes(text))).toEqual([]);
    const asked: unknown[] = [];
    await resumeErasing(world.erasePorts);
    asked.push(...world.queue);
    expect(asked).toEqual([{ request: { subscriberId: SUBSCRIBER, tries: 7 }, delaySeconds: 0 }]);
    await world.run(world.erasePorts, { ticks: 0 });
    expect(world.queue).toEqual([]);
    expect((await world.line()).open?.state.name).toBe("needs-review");
  });

  it("is erased when a person has resolved it", async () => {
    await world.run(world.erasePorts, { ticks: 1 });
    const line = await world.line();
    const rechargeId = line.open?.rechargeId ?? "";
    const resolved = applyResolution(line, rechargeId, { as: "refunded", by: "grace", at: NOW, note: "x" }, world.ports.clock.now());
    if (resolved === undefined) throw new Error("It cannot be resolved");
    await world.esims.save(resolved, "resolve");
    await world.look();
    expect(await world.bills()).toMatchObject([{ end: "refunded" }]);
    await world.run();
    expect(world.wrong()).toEqual([]);
  });
});

describe("an account that is closed while a payment waits for its payer", () => {
  it("withdraws it, and is erased when that is seen", async () => {
    const world = await eraseWorld({ card: "pm_card_authenticationRequired" });
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    await world.close();
    world.advanceMinutes(2);
    await world.run();
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "by-subscriber" }]);
    expect(world.wrong()).toEqual([]);
  });
});

describe("an open recharge on a line that has another payer by now", () => {
  it("is waited for, though no index leads to it", async () => {
    const world = await eraseWorld({ answersAreFinal: false, refuse: true });
    const line = await world.line();
    await world.esims.save({ ...line, subscriberId: STRANGER, rule: undefined }, "taken over");
    await world.close();
    await world.run(world.erasePorts, { ticks: 1 });
    expect((await world.line()).open?.subscriberId).toBe(SUBSCRIBER);
    expect(await world.subscribers.getProfile(SUBSCRIBER)).toBeDefined();
  });
});

/** The ports, of which one call fails: the n-th, before it is done or after. */
function failingAt(ports: ErasePorts, at: number, when: "before" | "after") {
  let calls = 0;
  const watch = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        const called: unknown = Reflect.get(target, name);
        if (typeof called !== "function") return called;
        return async (...given: unknown[]) => {
          calls += 1;
          const fails = calls === at;
          if (fails && when === "before") throw new Error("The worker died");
          const result: unknown = await Reflect.apply(called, target, given);
          if (fails) throw new Error("The worker died");
          return result;
        };
      },
    });
  const { esims, recharges, subscribers, cards, wallet, eraseRequests, pokes } = ports;
  return {
    calls: () => calls,
    ports: {
      ...ports,
      esims: watch(esims),
      recharges: watch(recharges),
      subscribers: watch(subscribers),
      cards: watch(cards),
      wallet: watch(wallet),
      eraseRequests: watch(eraseRequests),
      pokes: watch(pokes),
    },
  };
}

describe("a crash while an account is closed and erased", () => {
  async function wrongAfterCrash(at: number, when: "before" | "after") {
    const world = await eraseWorld();
    const failing = failingAt(world.erasePorts, at, when);
    await world.close(failing.ports).catch(() => world.close(failing.ports)); // the caller asks again
    await world.run(failing.ports);
    return { calls: failing.calls(), wrong: world.wrong() };
  }

  it.each(["before", "after"] as const)("at any call, %s it is done, ends with everything erased", async (when) => {
    const { calls, wrong } = await wrongAfterCrash(Number.POSITIVE_INFINITY, when);
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(30);
    const failures: unknown[] = [];
    for (let at = 1; at <= calls; at++) {
      const outcome = await wrongAfterCrash(at, when);
      if (outcome.wrong.length > 0) failures.push({ at, wrong: outcome.wrong });
    }
    expect(failures).toEqual([]);
  });
});

describe("what happens to a payment whose account was erased", () => {
  const erased = async () => {
    const world = await eraseWorld();
    const [bill] = await world.bills();
    if (bill?.paymentIntentId === undefined) throw new Error("Nothing was paid");
    await world.close();
    await world.run();
    world.published.splice(0);
    return { ...world, bill, paymentIntentId: bill.paymentIntentId };
  };

  it.each([
    ["refunded", async ({ client, paymentIntentId }) => void (await client.refunds.create({ payment_intent: paymentIntentId, amount: 2000 }))],
    ["dispute-opened", async ({ stripe, paymentIntentId }) => void stripe.dispute(paymentIntentId, { reason: "fraudulent" })],
  ] as const satisfies readonly (readonly [string, (world: Awaited<ReturnType<typeof erased>>) => Promise<void>])[])(
    "stands beside the bill and is told the operator, once, naming nobody: %s",
    async (kind, happens) => {
      const world = await erased();
      await happens(world);
      for (const rechargeId of [world.bill.rechargeId, undefined]) await look(world.ports, { paymentIntentId: world.paymentIntentId, rechargeId });
      expect(world.published).toMatchObject([{ name: "BillAdjusted", kind, rechargeId: world.bill.rechargeId }]);
      expect(await world.recharges.getHistory(world.bill.rechargeId)).toMatchObject({ bill: world.bill, adjustments: [{ kind }] });
      expect(world.wrong()).toEqual([]);
      expect(world.theirs.filter((text) => JSON.stringify(world.published).includes(text))).toEqual([]);
    },
  );

  it("is told rather twice than never when the worker dies in between", async () => {
    const world = await erased();
    world.stripe.dispute(world.paymentIntentId, { reason: "fraudulent" });
    const recharges = { ...world.ports.recharges, putAdjustment: () => Promise.reject(new Error("killed")) };
    const poke = { paymentIntentId: world.paymentIntentId, rechargeId: world.bill.rechargeId };
    await expect(look({ ...world.ports, recharges }, poke)).rejects.toThrow("killed");
    await look(world.ports, poke);
    expect(new Set(world.published.map((event) => event.id)).size).toBe(1);
    expect(world.published).toHaveLength(2);
  });

  it("is told while it is being erased, too: the line is gone, and its start is not yet", async () => {
    const world = await eraseWorld();
    const [bill] = await world.bills();
    await world.client.refunds.create({ payment_intent: bill?.paymentIntentId ?? "", amount: 2000 });
    await world.esims.remove(await world.line());
    await look(world.ports, { paymentIntentId: bill?.paymentIntentId ?? "", rechargeId: bill?.rechargeId });
    expect(world.published.at(-1)).toMatchObject({ name: "BillAdjusted", kind: "refunded" });
  });
});
