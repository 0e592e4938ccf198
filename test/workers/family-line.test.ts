import { describe, expect, it } from "@jest/globals";
import { type Esim, withoutGrantOf } from "../../functions/domain/esim.ts";
import type { FamilyGrant } from "../../functions/domain/family.ts";
import { endGrant } from "../../functions/domain/give-grant.ts";
import { OutcomeUnknown } from "../../functions/domain/ports.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { cny, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { type RechargeWorld, rechargeWorld } from "./recharge-world.ts";

const HOLDER = { subscriberId: "sub-lin" };

/** Ada's rule on Lin's line, which Lin agreed to. */
async function familyWorld(terms: Partial<FamilyGrant> = {}, options: Parameters<typeof rechargeWorld>[0] = {}): Promise<RechargeWorld> {
  const world = await rechargeWorld(options);
  world.carrier.setOwner(ICCID, HOLDER);
  const holder = world.carrier.queryLine(ICCID).line?.holder ?? "";
  const consent = { termsVersion: "2026-11-28", at: NOW };
  const grant = { subscriberId: SUBSCRIBER, holder, since: NOW, until: "2027-06-30T16:00:00.000Z", cap: cny(20_000), spent: cny(0), consent, ...terms };
  await change(world, (line) => ({ ...line, family: grant }));
  return world;
}

async function change({ ports, line }: RechargeWorld, apply: (line: Esim) => Esim | undefined): Promise<void> {
  const changed = apply(await line());
  if (changed === undefined || (await ports.esims.save(changed, "by-hand")) === undefined) throw new Error("Not changed");
}

async function suspension(world: RechargeWorld): Promise<unknown> {
  const { rule } = await world.line();
  return rule?.status.state === "suspended" ? rule.status.reason : rule?.status.state;
}

const toldOf = ({ published }: RechargeWorld) => published.map((event) => [event.name, "reason" in event ? event.reason : undefined]);

describe("a low line of somebody else's", () => {
  it("is charged to whom its holder lets pay, booked on the grant, and billed with its terms", async () => {
    const world = await familyWorld({ spent: cny(1000) });
    await world.look();
    expect([world.taken(), world.credited()]).toEqual([[5000], [5000]]);
    expect((await world.line()).family?.spent).toEqual(cny(6000));
    expect(await world.bills()).toMatchObject([{ end: "succeeded", family: { cap: cny(20_000), spent: cny(1000), until: "2027-06-30T16:00:00.000Z" } }]);
    expect(JSON.stringify(world.published)).not.toContain("balance");
  });

  it("is charged up to the lifetime cap, at the very amount, and then never again: its payer is told", async () => {
    const world = await familyWorld({ cap: cny(10_000) });
    for (let hour = 0; hour < 4; hour++) {
      world.carrier.setBalance(ICCID, 999);
      await world.look();
      world.advanceMinutes(61);
    }
    expect(world.taken()).toEqual([5000, 5000]);
    expect((await world.line()).family?.spent).toEqual(cny(10_000));
    expect(await suspension(world)).toBe("family-limit-reached");
    expect(toldOf(world).at(-1)).toEqual(["RuleSuspended", "family-limit-reached"]);
  });

  it("is not charged any more from the end of the agreement on", async () => {
    const world = await familyWorld({ until: "2026-11-23T08:30:00.000Z" });
    world.advanceMinutes(30);
    await world.look();
    expect([world.taken(), await suspension(world), toldOf(world)]).toEqual([[], "family-ended", [["RuleSuspended", "family-ended"]]]);
  });

  it.each([
    ["changed hands", (world: RechargeWorld) => world.carrier.setOwner(ICCID, { subscriberId: "sub-eve" })],
    ["became its payer's own", (world: RechargeWorld) => world.carrier.setOwner(ICCID, { subscriberId: SUBSCRIBER })],
    ["is gone from the carrier", (world: RechargeWorld) => world.carrier.removeLine(ICCID)],
  ])("that %s is not charged any more", async (_, happens) => {
    const world = await familyWorld();
    happens(world);
    await world.look();
    expect([world.taken(), await suspension(world), toldOf(world)]).toEqual([[], "family-ended", [["RuleSuspended", "family-ended"]]]);
  });

  it("is not charged any more by a rule whose grant was dropped as the line is its payer's own by now, whatever time the grant had left", async () => {
    const world = await familyWorld({ until: plusMinutes(NOW, 24 * 60), cap: cny(6000), spent: cny(4000) });
    world.carrier.setOwner(ICCID, { subscriberId: SUBSCRIBER });
    await change(world, (line) => withoutGrantOf(line, SUBSCRIBER, NOW));
    for (const minutes of [0, 3 * 24 * 60]) {
      world.advanceMinutes(minutes);
      await world.look();
    }
    expect([world.taken(), await suspension(world), toldOf(world)]).toEqual([[], "family-ended", [["RuleSuspended", "family-ended"]]]);
  });

  it("waits while the carrier does not say whose it is", async () => {
    const world = await familyWorld();
    world.carrier.failNext("queryLine", "error-503");
    await expect(world.look()).rejects.toThrow(OutcomeUnknown);
    expect([world.taken(), await suspension(world)]).toEqual([[], "active"]);
    await world.look();
    expect(world.taken()).toEqual([5000]);
  });

  it("is charged to nobody who was never let pay for it", async () => {
    const world = await familyWorld();
    await change(world, (line) => ({ ...line, family: undefined }));
    await world.look();
    expect([world.taken(), await suspension(world)]).toEqual([[], "line-not-yours"]);
  });

  it("gives a refund back to what may ever be spent", async () => {
    const world = await familyWorld();
    await world.look();
    const [bill] = await world.bills();
    await world.client.refunds.create({ payment_intent: bill?.paymentIntentId ?? "", amount: 2000 });
    for (let time = 0; time < 2; time++) await world.lookAtPayment(bill?.paymentIntentId ?? "");
    expect((await world.line()).family?.spent).toEqual(cny(3000));
  });

  it("is charged once when two workers find it low", async () => {
    const world = await familyWorld({ cap: cny(5000) });
    await Promise.allSettled([world.look(), world.look()]);
    world.advanceMinutes(2);
    await world.look();
    expect([world.taken(), (await world.line()).family?.spent]).toEqual([[5000], cny(5000)]);
  });
});

describe("a worker that goes on with another one's recharge of such a line", () => {
  /** The first worker dies when it has reserved the line. */
  async function interrupted(terms: Partial<FamilyGrant> = {}): Promise<RechargeWorld> {
    const world = await familyWorld(terms);
    const payments = { ...world.ports.payments, create: () => Promise.reject(new Error("killed")) };
    await expect(world.look({ payments })).rejects.toThrow("killed");
    expect((await world.line()).open?.state.name).toBe("reserved");
    world.advanceMinutes(10);
    return world;
  }

  it("charges while the agreement stands", async () => {
    const world = await interrupted();
    await world.look();
    expect(world.taken()).toEqual([5000]);
  });

  it.each([
    ["the line changed hands", {}, async (world: RechargeWorld) => world.carrier.setOwner(ICCID, { subscriberId: "sub-eve" })],
    ["its time is over", { until: "2026-11-23T08:05:00.000Z" }, async () => {}],
    ["its payer ended it", {}, (world: RechargeWorld) => change(world, (line) => endGrant(line, SUBSCRIBER, NOW))],
    ["its cap was lowered", {}, (world: RechargeWorld) => change(world, (line) => ({ ...line, family: line.family && { ...line.family, cap: cny(4999) } }))],
  ] as const)("takes nothing when %s meanwhile", async (_, terms, happens) => {
    const world = await interrupted(terms);
    await happens(world);
    await world.look();
    expect([world.taken(), await world.bills()]).toMatchObject([[], [{ end: "cancelled", reason: "line-lost" }]]);
  });
});

describe("a payer of such a line whose bank wants them", () => {
  it("is not waited for when the line changes hands, and pays nothing", async () => {
    const world = await familyWorld({}, { card: "pm_card_authenticationRequired" });
    await world.look();
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    world.carrier.setOwner(ICCID, { subscriberId: "sub-eve" });
    world.advanceMinutes(10);
    await world.look();
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "line-lost", charged: cny(0) }]);
  });

  const waiting = async (terms: Partial<FamilyGrant> = {}): Promise<RechargeWorld> => {
    const world = await familyWorld(terms, { card: "pm_card_authenticationRequired" });
    await world.look();
    return world;
  };
  const shortened = (world: RechargeWorld, until: string) => change(world, (line) => ({ ...line, family: line.family && { ...line.family, until } }));

  it("is waited for, and told so, until the agreement ends, if that is before the day is over", async () => {
    const world = await waiting({ until: "2026-11-23T12:00:00.000Z" });
    expect((await world.line()).open?.state).toMatchObject({ name: "awaiting-customer", expiresAt: "2026-11-23T12:00:00.000Z" });
    expect(world.published).toMatchObject([{ name: "RechargeActionRequired", expiresAt: "2026-11-23T12:00:00.000Z" }]);
    const long = await waiting({ until: "2026-11-25T12:00:00.000Z" });
    expect((await long.line()).open?.state).toMatchObject({ expiresAt: "2026-11-24T08:00:00.000Z" });
  });

  it("is waited for no longer than an agreement that was shortened meanwhile", async () => {
    const world = await waiting();
    await shortened(world, "2026-11-23T09:00:00.000Z");
    world.advanceMinutes(50);
    await world.look();
    expect((await world.line()).open?.state.name).toBe("awaiting-customer");
    world.advanceMinutes(10);
    await world.look();
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "line-lost", charged: cny(0) }]);
  });

  it("hears that the agreement is over, whatever else speaks against the payment", async () => {
    const world = await waiting();
    await shortened(world, "2026-11-23T09:00:00.000Z");
    await world.pause();
    world.advanceMinutes(60);
    await world.look();
    expect(await world.bills()).toMatchObject([{ end: "cancelled", reason: "line-lost", charged: cny(0) }]);
  });
});
