import * as z from "zod/mini";
import { endFamilyGrant } from "../../functions/api/family/end-family-grant.ts";
import { giveFamilyGrant } from "../../functions/api/family/give-family-grant.ts";
import { requestCode } from "../../functions/api/family/request-code.ts";
import type { ApiRequest } from "../../functions/api/pipeline.ts";
import { cancelRecharge } from "../../functions/api/recharges/cancel-recharge.ts";
import { rechargeNow } from "../../functions/api/recharges/recharge-now.ts";
import { createLineRule, replaceLineRule } from "../../functions/api/rules/save-rule.ts";
import { deleteLineRule, setLineRuleState } from "../../functions/api/rules/set-rule-state.ts";
import { previewBody } from "../../functions/contracts/rules.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import { applyResolution } from "../../functions/domain/recharge.ts";
import { TERMS_VERSION } from "../../functions/domain/terms.ts";
import { instant } from "../../functions/domain/time.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { consentTo } from "../consent.ts";
import type { Deed } from "./faults.ts";
import type { Random } from "./random.ts";
import { type SimulatedSubscriber, TIME_ZONES, type World } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const API_SECONDS = 29;

/** Saves a rule for most lines, and has everybody do what people do until the run converges. */
export function letPeopleAct(world: World): void {
  const { random, iccids } = world;
  for (const iccid of iccids) {
    const owner = ownerOf(world, iccid);
    if (random.chance(0.15)) world.scheduler.at(world.startsAt + random.int(0, HOUR), () => payForAnother(world, iccid));
    else if (owner !== undefined && random.chance(0.9))
      world.scheduler.at(world.startsAt + random.int(0, HOUR), () => act(world, "saves a rule", () => createRule(world, owner, iccid)));
  }
  for (const [deed, doIt] of Object.entries(DEEDS)) schedule(world, deed as Deed, doIt);
}

type Doer = (world: World, iccid: Iccid, line: Esim | undefined) => void;

function schedule(world: World, deed: Deed, doIt: Doer): void {
  const { random, scheduler, faults, iccids } = world;
  const perDay = faults.perDay(deed);
  if (perDay === 0) return;
  const next = scheduler.now() + random.int(1, (2 * DAY) / perDay);
  if (next > world.convergesAt) return;
  const doItTo = (iccid: Iccid) => {
    if (scheduler.now() > world.convergesAt) return;
    const line = world.tables.writtenLast().find((each) => each.iccid === iccid);
    doIt(world, iccid, line);
  };
  scheduler.at(next, () => {
    // What somebody does while money is on its way is what matters most, and is seldom met by chance.
    if (random.chance(0.3)) world.ambushes.push(doItTo);
    else {
      const busy = random.chance(0.5) ? world.tables.writtenLast().find(({ open }) => open !== undefined)?.iccid : undefined;
      doItTo(busy ?? random.pickOf(iccids) ?? "");
    }
    schedule(world, deed, doIt);
  });
}

const DEEDS: Readonly<Record<Deed, Doer>> = {
  pause: (world, iccid, line) => {
    const status = line?.rule?.status.state === "active" ? "paused" : "active";
    ruleDeed(world, line, `makes the rule of …${iccid.slice(-4)} ${status}`, (request) =>
      setLineRuleState(world.ports, { ...request, body: { status } }).then(() => {}),
    );
  },
  edit: (world, iccid, line) => ruleDeed(world, line, `edits the rule of …${iccid.slice(-4)}`, (request) => replaceRule(world, request, iccid)),
  "change-card": (world, iccid, line) => ruleDeed(world, line, `chooses another card for …${iccid.slice(-4)}`, (request) => replaceRule(world, request, iccid)),
  "change-time-zone": (world, iccid, line) => ruleDeed(world, line, "moves to another time zone", (request) => replaceRule(world, request, iccid)),
  "delete-rule": (world, iccid, line) => {
    ruleDeed(world, line, `deletes the rule of …${iccid.slice(-4)}`, (request) => deleteLineRule(world.ports, { ...request, body: undefined }).then(() => {}));
    const owner = ownerOf(world, iccid);
    if (owner === undefined) return;
    world.scheduler.at(world.scheduler.now() + world.random.int(1, 6 * HOUR), () => act(world, "saves a rule again", () => createRule(world, owner, iccid)));
  },
  "manual-top-up": (world, iccid) => atCarrier(world, `…${iccid.slice(-4)} is topped up in a shop`, () => world.carrier.creditElsewhere(iccid, 3000)),
  burst: (world, iccid) => atCarrier(world, `…${iccid.slice(-4)} is used up at once`, () => world.carrier.setBalance(iccid, world.random.int(-200, 1500))),
  "new-owner": (world, iccid) => {
    const { random, people } = world;
    const owner = people[random.int(0, people.length - 1)];
    if (owner === undefined) return;
    atCarrier(world, `…${iccid.slice(-4)} now belongs to ${owner.subscriberId}`, () => world.giveLineTo(iccid, owner.subscriberId));
    const saveRule = () => act(world, "saves a rule for the line", () => createRule(world, owner, iccid));
    if (random.chance(0.5)) saveRule();
    else world.scheduler.at(world.scheduler.now() + random.int(HOUR, DAY), saveRule);
  },
  "customer-acts": actAsCustomer,
  "pay-for-another": payForAnother,
  "end-paying": (world, iccid, line) => {
    const payer = line?.family?.subscriberId;
    if (payer === undefined) return;
    act(world, `${payer} pays for …${iccid.slice(-4)} no more`, () =>
      endFamilyGrant(world.ports, { ...asking(payer), params: { iccid }, body: undefined }).then(() => {}),
    );
  },
  "recharge-now": (world, iccid, line) => {
    const { random, ports, scheduler, people } = world;
    const payer = random.chance(0.5) ? people.find(({ subscriberId }) => subscriberId === line?.family?.subscriberId) : undefined;
    const wanting = payer ?? ownerOf(world, iccid);
    if (wanting === undefined) return;
    const { subscriberId, methods } = wanting;
    const body = { iccid, amount: { amount: random.pick([3000, 5000]), currency: "CNY" }, paymentMethodId: random.pick(methods).id };
    const key = random.id();
    const ask = () =>
      act(world, `${subscriberId} wants …${iccid.slice(-4)} recharged now`, () => rechargeNow(ports, { ...asking(subscriberId, key), body }).then(() => {}));
    ask();
    if (random.chance(0.3)) scheduler.at(scheduler.now() + random.int(0, 3 * HOUR), ask); // their app sends it again
    if (random.chance(0.7)) scheduler.at(scheduler.now() + random.int(MINUTE, 90 * MINUTE), () => actAsCustomer(world));
  },
  "call-off": (world, iccid, line) => {
    const rechargeId = line?.open?.rechargeId ?? line?.requested?.rechargeId;
    const subscriberId = line?.open?.subscriberId ?? line?.requested?.subscriberId;
    if (rechargeId === undefined || subscriberId === undefined) return;
    act(world, `${subscriberId} calls off ${rechargeId} of …${iccid.slice(-4)}`, () =>
      cancelRecharge(world.ports, { ...asking(subscriberId), params: { rechargeId }, body: undefined }).then(() => {}),
    );
  },
  redrive: (world) => {
    world.say(() => "OPERATOR: redrives all dead letters");
    for (const queue of world.queues) queue.redrive();
  },
  "kill-switch": (world) => {
    const { scheduler, random } = world;
    throwSwitch(world, true);
    scheduler.at(scheduler.now() + random.int(MINUTE, 8 * HOUR), () => throwSwitch(world, false));
  },
  hold: (world, _, line) => {
    const { scheduler, random, ports, clock } = world;
    const subscriberId = line?.subscriberId;
    if (subscriberId === undefined) return;
    act(world, `OPERATOR: pauses ${subscriberId}`, () => ports.subscribers.putHold(subscriberId, { at: clock.now(), by: "operator", why: "simulation" }));
    scheduler.at(scheduler.now() + random.int(MINUTE, 12 * HOUR), () =>
      actSurely(world, `OPERATOR: lets ${subscriberId} go on`, () => ports.subscribers.removeHold(subscriberId)),
    );
  },
  "refund-by-hand": (world) => {
    const { stripe, random } = world;
    const paid = stripe.model.listCharges().filter((charge) => charge.paid && !charge.refunded);
    const charge = paid[random.int(0, paid.length - 1)];
    if (charge === undefined) return;
    const amount = random.chance(0.5) ? random.int(1, charge.amount) : charge.amount;
    stripe.touched.add(charge.id);
    atStripe(world, `${charge.id} is refunded in the dashboard`, () =>
      stripe.ask("POST", "/v1/refunds", { charge: charge.id, amount: String(amount) }, z.unknown()),
    );
  },
  dispute: (world) => {
    const { stripe, random, scheduler } = world;
    const paid = stripe.model.listCharges().filter((charge) => charge.paid && !charge.disputed && !charge.refunded);
    const charge = paid[random.int(0, paid.length - 1)];
    const paymentIntentId = idOf(charge?.payment_intent ?? null);
    if (charge === undefined || paymentIntentId === null) return;
    stripe.touched.add(charge.id);
    atStripe(world, `the cardholder contests ${paymentIntentId}`, () => {
      const { id } = stripe.model.dispute(paymentIntentId, { reason: "fraudulent" });
      scheduler.at(scheduler.now() + random.int(HOUR, 2 * DAY), () =>
        atStripe(world, `dispute ${id} is closed`, () => stripe.model.closeDispute(id, random.pick(["won", "lost"]))),
      );
    });
  },
  detach: (world) => {
    const { stripe, people, random } = world;
    const person = people[random.int(0, people.length - 1)];
    const method = person?.methods[random.int(0, 1)];
    if (method === undefined) return;
    atStripe(world, `${method.id} is detached`, () => stripe.ask("POST", `/v1/payment_methods/${method.id}/detach`, {}, z.unknown()));
  },
  resolve: resolveReview,
  restore: (world) => {
    const { scheduler, random, startsAt } = world;
    if (world.tables.seen.restores.length > 0) return; // once is bad enough
    throwSwitch(world, true);
    scheduler.at(scheduler.now() + 10 * MINUTE, () => {
      const to = random.int(startsAt + HOUR, Math.max(scheduler.now() - MINUTE, startsAt + HOUR));
      world.say(() => `OPERATOR: brings the tables back to ${new Date(to).toISOString()}`);
      void world.tables.restore(to);
    });
    scheduler.at(scheduler.now() + HOUR, () => throwSwitch(world, false));
  },
};

function throwSwitch(world: World, on: boolean): void {
  const { ports, clock } = world;
  actSurely(world, `OPERATOR: throws the kill switch ${on ? "on" : "off"}`, () =>
    ports.controls.putKillSwitch({ on, at: clock.now(), by: "operator", why: "simulation" }),
  );
}

/** A code goes to the line, its holder hands it on, and somebody else saves a rule, some minutes later. */
function payForAnother(world: World, iccid: Iccid): void {
  const { random, scheduler, people, ports } = world;
  const owner = ownerOf(world, iccid);
  const payer = random.pickOf(people.filter((person) => person !== owner));
  if (owner === undefined || payer === undefined) return;
  const { subscriberId } = payer;
  const code = String(random.int(100_000, 999_999));
  const family = { ...ports, codes: { next: () => code }, hash: (text: string) => `hash of ${text}` };
  act(world, `${subscriberId} asks to pay for …${iccid.slice(-4)}`, () =>
    requestCode(family, { ...asking(subscriberId), body: { iccid, language: "en" } }).then(() => {}),
  );
  // As long as its holder has a rule, nobody else can have one.
  const rule = world.tables.writtenLast().find((line) => line.iccid === iccid)?.rule;
  if (rule !== undefined && random.chance(0.8))
    act(world, `${owner.subscriberId} deletes their rule`, () =>
      deleteLineRule(ports, { ...asking(owner.subscriberId), params: { iccid }, expectedVersion: () => rule.version, body: undefined }).then(() => {}),
    );
  const days = random.pick([0.1, 30, 30]);
  const lifetimeCap = { amount: random.pick([6000, 6000, 15_000, 100_000]), currency: "CNY" };
  const agree = async () => {
    const body = { code, until: instant(scheduler.now() + days * DAY), lifetimeCap, consent: { termsVersion: TERMS_VERSION } } as const;
    await giveFamilyGrant(family, { ...asking(subscriberId), params: { iccid }, body });
    await createLineRule(ports, { ...asking(subscriberId), body: drawRule(random, payer, iccid, "fixed") });
    // It runs dry again and again, or most agreements would end before they are used.
    for (let hours = 1; hours < 24; hours += random.int(1, 5))
      scheduler.at(scheduler.now() + hours * HOUR, () => scheduler.now() < world.convergesAt && world.carrier.setBalance(iccid, 300));
  };
  scheduler.at(scheduler.now() + random.int(MINUTE, 8 * MINUTE), () => act(world, `${subscriberId} pays for …${iccid.slice(-4)} from now on`, agree));
}

/** A person looks after some hours, when nothing can be on its way any more, and says what they see at Stripe and the carrier. */
function resolveReview(world: World, _: Iccid, line: Esim | undefined): void {
  const { carrier, stripe, ports, clock, scheduler } = world;
  const open = line?.open;
  if (line === undefined || open?.state.name !== "needs-review" || Date.parse(open.state.since) > scheduler.now() - 6 * HOUR) return;
  const { rechargeId } = open;
  const isCredited = carrier.listTopUps().some(({ reference, refusal }) => reference === rechargeId && refusal === undefined);
  const isTaken = stripe.model.listCharges().some(({ paid, metadata }) => paid && metadata.rechargeId === rechargeId);
  const as = isCredited ? "credited" : isTaken ? "refunded" : "nothing-taken";
  act(world, `OPERATOR: resolves ${rechargeId} as ${as}`, async () => {
    const stored = await ports.esims.load(line.iccid);
    const resolved = stored && applyResolution(stored, rechargeId, { as, by: "operator", at: clock.now(), note: "simulation" }, clock.now());
    if (resolved === undefined) return;
    await ports.esims.save(resolved, ports.ids.next());
    await ports.pokes.send([{ iccid: line.iccid }]);
  });
}

/** A customer who was once asked to act does so now: perhaps late, perhaps twice, perhaps by an old link. */
function actAsCustomer(world: World): void {
  const { random, stripe, people, links } = world;
  const paymentIntentId = random.pickOf([...links]);
  if (paymentIntentId === undefined) return;
  const methods = people.flatMap((person) => person.methods);
  atStripe(world, `the customer acts on ${paymentIntentId}`, () => stripe.payAsCustomer(paymentIntentId, methods, random.chance(0.8)));
}

/** Whatever Stripe says to it: it is not our code that asked. */
function atStripe(world: World, what: string, doIt: () => unknown): void {
  world.say(() => `AT STRIPE: ${what}`);
  try {
    doIt();
  } catch (error) {
    world.say(() => `STRIPE refuses: ${String(error)}`);
  }
  world.stripe.sendWebhooks();
}

function atCarrier(world: World, what: string, doIt: () => void): void {
  world.say(() => `AT THE CARRIER: ${what}`);
  doIt();
}

function act(world: World, what: string, doIt: () => Promise<void>): void {
  world.say(() => what);
  world.calls.run("api", API_SECONDS * 1000, doIt, () => {});
}

/** Again and again until it is done, as a person would who has to. */
function actSurely(world: World, what: string, doIt: () => Promise<void>): void {
  let isDone = false;
  const tryIt = () => {
    if (isDone) return;
    world.say(() => what);
    world.calls.run("operator", API_SECONDS * 1000, doIt, (fault) => {
      isDone = fault === undefined;
    });
    world.scheduler.at(world.scheduler.now() + MINUTE, tryIt);
  };
  tryIt();
}

type Ask = Omit<ApiRequest<undefined>, "body">;

function asking(subscriberId: string, key = ""): Ask {
  return { subscriberId, accessToken: "token", params: {}, page: undefined, expectedVersion: () => 0, idempotencyKey: () => key };
}

function ruleDeed(world: World, line: Esim | undefined, what: string, doIt: (request: Ask) => Promise<void>): void {
  const { rule, subscriberId, iccid = "" } = line ?? {};
  if (rule === undefined || subscriberId === undefined) return;
  act(world, `${subscriberId} ${what}`, () => doIt({ ...asking(subscriberId), params: { iccid }, expectedVersion: () => rule.version }));
}

async function replaceRule(world: World, request: Ask, iccid: Iccid): Promise<void> {
  const person = world.people.find(({ subscriberId }) => subscriberId === request.subscriberId);
  if (person === undefined) return;
  const { iccid: _, ...body } = drawRule(world.random, person, iccid);
  await replaceLineRule(world.ports, { ...request, body });
}

async function createRule(world: World, { subscriberId, methods }: SimulatedSubscriber, iccid: Iccid): Promise<void> {
  await createLineRule(world.ports, { ...asking(subscriberId), body: drawRule(world.random, { subscriberId, methods }, iccid) });
}

function drawRule(random: Random, { methods }: SimulatedSubscriber, iccid: Iccid, topUpType = random.chance(0.7) ? "fixed" : "target") {
  const cny = (amount: number) => ({ amount, currency: "CNY" });
  const topUp = topUpType === "fixed" ? { type: "fixed", amount: cny(random.pick([3000, 5000, 10_000])) } : { type: "target", target: cny(6000) };
  const threshold = cny(random.pick([500, 1000, 2000]));
  const limits = { perMonth: cny(random.pick([12_000, 20_000, 100_000])), timesPerDay: random.int(1, 5), cooldownMinutes: random.pick([15, 60, 240]) };
  const method = random.chance(0.7) ? methods[0] : (methods[1] ?? methods[0]);
  const body = previewBody.parse({ iccid, threshold, topUp, limits, paymentMethodId: method.id, timeZone: random.pick(TIME_ZONES) });
  const rule = { ...body, noticeMinutes: random.chance(0.25) ? random.pick([30, 90]) : 0 };
  return { ...rule, consent: consentTo(rule, method) };
}

function ownerOf({ carrier, people }: World, iccid: Iccid): SimulatedSubscriber | undefined {
  const ownerId = carrier.listLines().find((line) => line.iccid === iccid)?.owner.subscriberId;
  return people.find(({ subscriberId }) => subscriberId === ownerId);
}
