import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { stripeLedger } from "../../functions/adapters/stripe-ledger.ts";
import { stripeSignatures } from "../../functions/adapters/stripe-webhooks.ts";
import { receiveEvent } from "../../functions/api/stripe-webhook/receive-event.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
import type { ReconcileRequest } from "../../functions/domain/ports.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import { planReconcile } from "../../functions/workers/reconcile/plan-reconcile.ts";
import { reconcile } from "../../functions/workers/reconcile/reconcile.ts";
import { sweep } from "../../functions/workers/sweep/sweep.ts";
import { ICCID, SUBSCRIBER } from "../builders.ts";
import { type Random, randomFrom } from "../simulation/random.ts";
import { intercepted, PROOF_SCALE, type ProofWorld, proofWorld } from "./proof-world.ts";

/**
 * What happens at Stripe, step by step, and the webhooks that tell of it: each may arrive from the step that makes it on, before or after any later
 * step, once, twice or not at all, also when somebody else has looked before and the recharge is over.
 */
interface Story {
  readonly name: string;
  readonly card?: string;
  readonly steps: readonly Step[];
  /** What then stands in the books. */
  readonly end: BooksEnd;
  /** Where what stands there in the end rightly depends on whether anybody looked between the step of this number and the next one. */
  readonly unlessLookedAfter?: { readonly step: number; readonly end: BooksEnd; readonly sweeperLooks: boolean };
}

interface Step {
  readonly happen: (world: ProofWorld) => Promise<unknown>;
  /** The types that it makes Stripe tell of, in this order. */
  readonly tells: readonly string[];
}

interface BooksEnd {
  readonly ends: readonly string[];
  readonly adjustments: readonly string[];
  /** Of the month, as the subscriber's limit counts it. */
  readonly spent: number;
}

async function intentOf({ client }: ProofWorld) {
  const [intent] = (await client.paymentIntents.list({})).data;
  if (intent === undefined) throw new Error("Nothing was paid or asked for");
  return intent;
}

const recharge = ({ ports }: ProofWorld) => look(ports, { iccid: ICCID, judge: true });

const PAID: Step = { happen: recharge, tells: ["payment_intent.succeeded"] };

const PAID_BY_CARDHOLDER: readonly Step[] = [
  { happen: recharge, tells: ["payment_intent.payment_failed"] },
  {
    happen: async (world) => world.stripe.confirmAsCustomer((await intentOf(world)).client_secret ?? "", world.method.id),
    tells: ["payment_intent.requires_action"],
  },
  { happen: async (world) => world.stripe.authenticate((await intentOf(world)).id, "succeed"), tells: ["payment_intent.succeeded"] },
];

function refunded(amount: number, fate?: "fail-later"): Step {
  return {
    async happen(world) {
      if (fate !== undefined) world.stripe.chooseNext(fate, "refund");
      await world.client.refunds.create({ payment_intent: (await intentOf(world)).id, amount });
    },
    tells: ["refund.created", "charge.refunded"],
  };
}

const DISPUTED: Step = {
  happen: async (world) => world.stripe.dispute((await intentOf(world)).id, { reason: "product_not_received" }),
  tells: ["charge.dispute.created"],
};

const DISPUTE_WON: Step = {
  async happen(world) {
    const [dispute] = (await world.client.disputes.list({})).data;
    world.stripe.closeDispute(dispute?.id ?? "", "won");
  },
  tells: ["charge.dispute.closed"],
};

const SOON: (world: ProofWorld) => Promise<unknown> = async (world) => world.advanceMinutes(1);

function startsProcessing(outcome: "processing" | "processing-then-failed"): Step {
  return {
    happen(world) {
      world.stripe.chooseNext(outcome);
      return recharge(world);
    },
    tells: ["payment_intent.processing"],
  };
}

const STORIES: readonly Story[] = [
  {
    name: "a cardholder who is asked for, and pays",
    card: "pm_card_authenticationRequired",
    steps: PAID_BY_CARDHOLDER,
    end: { ends: ["succeeded"], adjustments: [], spent: 5000 },
  },
  {
    name: "a cardholder who pays, gets some of it back, and contests the rest",
    card: "pm_card_authenticationRequired",
    steps: [...PAID_BY_CARDHOLDER, refunded(2000), DISPUTED],
    end: { ends: ["succeeded"], adjustments: ["dispute-opened", "refunded"], spent: 3000 },
  },
  {
    name: "two refunds by hand",
    steps: [PAID, refunded(2000), refunded(1000)],
    end: { ends: ["succeeded"], adjustments: ["refunded", "refunded"], spent: 2000 },
  },
  {
    name: "a refund, and a dispute that is opened and closed",
    steps: [PAID, refunded(2000), DISPUTED, DISPUTE_WON],
    end: { ends: ["succeeded"], adjustments: ["dispute-opened", "dispute-won", "refunded"], spent: 3000 },
  },
  {
    name: "a refund by hand that fails later",
    steps: [PAID, refunded(2000, "fail-later"), { happen: SOON, tells: ["refund.failed", "refund.updated"] }],
    end: { ends: ["succeeded"], adjustments: ["refund-failed"], spent: 5000 },
    unlessLookedAfter: { step: 1, end: { ends: ["succeeded"], adjustments: ["refund-failed", "refunded"], spent: 5000 }, sweeperLooks: false },
  },
  {
    name: "a payment that is processing, and succeeds",
    steps: [startsProcessing("processing"), { happen: SOON, tells: ["payment_intent.succeeded"] }, DISPUTED],
    end: { ends: ["succeeded"], adjustments: ["dispute-opened"], spent: 5000 },
  },
  {
    name: "a payment that is processing, and fails",
    steps: [startsProcessing("processing-then-failed"), { happen: SOON, tells: ["payment_intent.payment_failed"] }],
    end: { ends: ["declined"], adjustments: [], spent: 0 },
  },
  {
    name: "a decline whose worker died, canceled by somebody else",
    card: "pm_card_chargeDeclined",
    steps: [
      { happen: dieAfterConfirming, tells: ["payment_intent.payment_failed"] },
      // Canceled already, where somebody looked before.
      { happen: async (world) => world.client.paymentIntents.cancel((await intentOf(world)).id).catch(() => {}), tells: ["payment_intent.canceled"] },
    ],
    end: { ends: ["cancelled"], adjustments: [], spent: 0 },
    unlessLookedAfter: { step: 0, end: { ends: ["declined"], adjustments: [], spent: 0 }, sweeperLooks: true },
  },
];

async function dieAfterConfirming({ ports }: ProofWorld): Promise<void> {
  let isDead = false;
  const mortal = intercepted(ports, async ({ name, make }) => {
    if (isDead) throw new Error("It is dead");
    const answer = await make();
    isDead = name === "payments.confirm";
    return answer;
  });
  await look(mortal, { iccid: ICCID, judge: true }).catch(() => {});
}

/** The next step of the story happens; the event of this number, as the steps tell them, arrives; or the sweeper looks. */
type Happening = "step" | "sweep" | number;

/** How many events the first steps of a story make. */
function eventsOf({ steps }: Story, first = steps.length): number {
  return steps.slice(0, first).flatMap(({ tells }) => tells).length;
}

/** Every order in which the steps can happen and these events arrive, none before its step. */
function* orders(story: Story, arriving: readonly number[], done = 0, arrived: readonly number[] = []): Generator<Happening[]> {
  if (done === story.steps.length && arrived.length === arriving.length) yield [];
  if (done < story.steps.length) for (const rest of orders(story, arriving, done + 1, arrived)) yield ["step", ...rest];
  for (const event of arriving)
    if (event < eventsOf(story, done) && !arrived.includes(event))
      for (const rest of orders(story, arriving, done, [...arrived, event])) yield [event, ...rest];
}

/** Each may come once more, at once or after all the others, and the sweeper may look in between. */
function disturbed(random: Random, order: readonly Happening[]): Happening[] {
  const twice = order.flatMap((each) => (each !== "step" && random.chance(0.3) ? [each, each] : [each]));
  const again = order.filter((each) => each !== "step" && random.chance(0.3));
  const all = [...twice, ...again];
  return random.chance(0.3) ? all.toSpliced(random.int(1, all.length), 0, "sweep") : all;
}

function wasLookedAfter(order: readonly Happening[], { step, sweeperLooks }: NonNullable<Story["unlessLookedAfter"]>): boolean {
  const steps = order.flatMap((each, index) => (each === "step" ? [index] : []));
  return order.slice(steps[step], steps[step + 1]).some((each) => typeof each === "number" || (each === "sweep" && sweeperLooks));
}

interface Life {
  readonly end: BooksEnd;
  /** All that stands in the books, without the ids and moments that are others in every world. */
  readonly whole: string;
  /** What the books did not say right after a webhook that was to have them look. */
  readonly behind: readonly string[];
}

/** Something that somebody could have got wrong: the webhooks that are not minded, by their type and number, or the pokes. */
interface Planted {
  readonly minds?: (type: string, number: number) => boolean;
  readonly forgetsDelayedPokes?: true;
}

const told = z.object({ type: z.string() });

/** The sweeper's first look comes within this time. */
const SWEPT_MINUTES = 3;
/** More than any webhook can make necessary. */
const MOST_POKES = 50;

async function live(
  story: Story,
  order: readonly Happening[],
  { isLossy = false, minds = () => true, forgetsDelayedPokes }: Planted & { isLossy?: boolean } = {},
): Promise<Life> {
  const world = await proofWorld({ card: story.card });
  const { ports, stripe, client, pokes } = world;
  const { secret = "" } = await client.webhookEndpoints.create({ url: "https://example.com/webhooks/stripe", enabled_events: STRIPE_EVENT_TYPES });
  const receiver = { findVerifier: async () => stripeSignatures([secret]), pokes: ports.pokes, clock: ports.clock, log: ports.log, stage: "test" };
  const behind: string[] = [];
  const deliveryOf = new Map<number, string>();
  /** What each event was sent to tell of. */
  const tellsOf = new Map<string, readonly string[]>();
  let [done, received] = [0, 0];
  const dueIds = () => stripe.dueDeliveries().map(({ id }) => id);
  let known: readonly string[] = [];

  async function step(): Promise<void> {
    const { happen, tells } = story.steps[done] ?? { happen: async () => {}, tells: [] };
    known = dueIds(); // with what our own workers made Stripe tell of
    await happen(world);
    await followPokes();
    const fresh = stripe.dueDeliveries().filter(({ id }) => !known.includes(id));
    const types = fresh.map(({ body }) => told.parse(JSON.parse(body)).type);
    // Where we were faster, there is nothing left to be told of.
    if (types.length > 0) expect(types).toEqual(tells);
    const facts = await factsOf(world);
    for (const [index, { id }] of fresh.entries()) {
      deliveryOf.set(eventsOf(story, done) + index, id);
      tellsOf.set(id, facts);
    }
    done += 1;
  }

  async function followPokes(): Promise<void> {
    for (let followed = 0; pokes.length > 0; followed++) {
      if (followed > MOST_POKES) throw new Error("Pokes lead to pokes without end");
      for (const { delaySeconds, ...poke } of pokes.splice(0)) {
        if (delaySeconds > 0 && forgetsDelayedPokes) continue;
        world.advanceMinutes(delaySeconds / 60);
        await look(ports, poke);
      }
    }
  }

  async function deliver(id: string | undefined): Promise<void> {
    const delivery = stripe.dueDeliveries().find((each) => each.id === id); // signed anew
    if (delivery === undefined) return;
    const { type } = told.parse(JSON.parse(delivery.body));
    received += 1;
    if (minds(type, received)) {
      const { statusCode } = await receiveEvent(receiver, { ...delivery, isBase64Encoded: false });
      if (statusCode !== 200) throw new Error(`A webhook was answered with ${statusCode}`);
    }
    await followPokes();
    behind.push(...(await unsaid(world, tellsOf.get(delivery.id) ?? [])).map((what) => `after ${type}: ${what}`));
  }

  async function sweeperLooks(): Promise<void> {
    world.advanceMinutes(SWEPT_MINUTES);
    await sweep(ports);
    await followPokes();
  }

  for (const each of order) {
    if (each === "step") await step();
    else if (each === "sweep") await sweeperLooks();
    else await deliver(deliveryOf.get(each));
  }
  // What our own workers made Stripe tell of comes last.
  const ofSteps = new Set(deliveryOf.values());
  if (!isLossy) for (const id of dueIds()) if (!ofSteps.has(id)) await deliver(id);
  if (isLossy) {
    await sweeperLooks();
    await audit(world, followPokes);
  }
  return { ...(await endState(world)), behind };
}

/** The reconciler goes through all lists, twice: what a poke mends is mended, and told to nobody. */
async function audit({ ports, client, advanceMinutes }: ProofWorld, followPokes: () => Promise<void>): Promise<void> {
  const requests: ReconcileRequest[] = [];
  const reconcileRequests = { send: async (sent: readonly ReconcileRequest[]) => void requests.push(...sent) };
  const auditor = { ...ports, ledger: stripeLedger({ stripe: client, stage: "test" }), reconcileRequests, timeLeft: () => 60_000 };
  for (let times = 0; times < 2; times++) {
    advanceMinutes(180);
    await planReconcile(auditor, { scheduledTime: ports.clock.now(), every: "day" });
    for (const request of requests.splice(0)) await reconcile(auditor, request);
    await followPokes();
  }
}

/** What became of the payment after it was paid. */
async function factsOf({ client }: ProofWorld): Promise<string[]> {
  const refunds = (await client.refunds.list({})).data;
  const disputes = (await client.disputes.list({})).data;
  return [
    ...refunds.map(({ id, status }) => `${id}/${status === "failed" ? "refund-failed" : "refunded"}`),
    ...disputes.flatMap(({ id, status }) => [`${id}/dispute-opened`, ...(status === "needs_response" ? [] : [`${id}/dispute-${status}`])]),
  ];
}

/** What our books do not say right after a webhook, though it was sent to tell of it: these facts, and how the payment stands. */
async function unsaid(world: ProofWorld, facts: readonly string[]): Promise<string[]> {
  const { status, last_payment_error } = await intentOf(world);
  const { open, pendingEvents, rule } = await world.line();
  const isDeclined = last_payment_error !== null && last_payment_error.code !== "authentication_required";
  const waits = status === "processing" || status === "requires_action" || (status === "requires_payment_method" && !isDeclined);
  const missing = open === undefined || waits ? [] : [`${open.state.name}, while its payment is ${status}`];
  if (pendingEvents.length > 0) missing.push("something was not told");
  const [bill] = await world.bills();
  const kept = bill && (await world.ports.recharges.getHistory(bill.rechargeId)).adjustments.map(({ adjustmentId }) => adjustmentId);
  const known = new Set(kept);
  // A refund that has failed by now is told of as that.
  const isKnown = (fact: string) => known.has(fact) || (fact.endsWith("/refunded") && known.has(fact.replace("/refunded", "/refund-failed")));
  missing.push(...facts.filter((fact) => !isKnown(fact)).map((fact) => `no ${fact.split("/")[1]}`));
  const isDisputed = facts.some((fact) => fact.endsWith("dispute-opened"));
  if (isDisputed && rule?.status.state !== "suspended") missing.push("its card was contested, and its rule goes on");
  return missing;
}

async function endState(world: ProofWorld): Promise<Omit<Life, "behind">> {
  const { version: _, rule, ...line } = await world.line();
  const bills = await world.bills();
  const histories = await Promise.all(bills.map(({ rechargeId }) => world.ports.recharges.getHistory(rechargeId)));
  const facts = histories.flatMap((history) => history.adjustments);
  const adjustments = facts.map(({ kind, amount }) => JSON.stringify([kind, amount])).sort();
  const events = world.published.map((event) => JSON.stringify([event.name, "kind" in event && event.kind, "amount" in event && event.amount]));
  const money = [world.taken(), world.returned(), world.credited()];
  const state = { line, rule: rule?.status, bills, adjustments, events: [...new Set(events)].sort(), money };
  // Refunds of a month are kept in the order in which they were heard of.
  const whole = JSON.stringify(state, (key, value: unknown) => (key === "refunds" && Array.isArray(value) ? value.length : value))
    .replaceAll(/\b(pi|pm|cus)_\w+/g, "$1")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "then");
  const spent = line.spend[SUBSCRIBER]?.monthAmounts[0]?.amount ?? 0;
  return { end: { ends: bills.map(({ end }) => end), adjustments: facts.map(({ kind }) => kind).sort(), spent }, whole };
}

/** More events than this have hundreds of orders: all are tried at the end of the scale. */
const FEW_EVENTS = 3;
/** Tried in every run of the tests. */
const FEWEST_ORDERS = 15;

function allEvents(story: Story): number[] {
  return [...Array(eventsOf(story)).keys()];
}

/** First all steps, then all events, as they came about. */
function plainly(story: Story): Happening[] {
  return [...story.steps.map(() => "step" as const), ...allEvents(story)];
}

/** The like, but for one that arrives right after the step after which that makes a difference. */
function plainlyLooked(story: Story, step: number): Happening[] {
  return plainly(story).toSpliced(step + 1, 0, eventsOf(story, step + 1) - 1);
}

/** Without losses, with each single event lost, and with all of them. */
function lossesOf(story: Story): readonly (readonly number[])[] {
  const all = allEvents(story);
  return [[], ...all.map((event) => [event]), all];
}

async function prove(story: Story, planted?: Planted) {
  const { unlessLookedAfter } = story;
  const all = allEvents(story);
  const random = randomFrom(all.length);
  const expected = (await live(story, plainly(story))).whole;
  const expectedIfLooked = unlessLookedAfter === undefined ? expected : (await live(story, plainlyLooked(story, unlessLookedAfter.step))).whole;
  // Where webhooks get lost, others make up for the mistake that is planted.
  const losses = planted === undefined ? lossesOf(story) : [[]];
  const possible = losses.flatMap((lost) => {
    const arriving = all.filter((event) => !lost.includes(event));
    return [...orders(story, arriving)].map((order) => ({ order, isLossy: lost.length > 0 }));
  });
  const share = Math.max(PROOF_SCALE / (all.length > FEW_EVENTS ? 100 : 10), FEWEST_ORDERS / possible.length);
  const found: string[] = [];
  let tried = 0;
  for (const { order: undisturbed, isLossy } of possible) {
    if (!random.chance(Math.min(share, 1))) continue;
    tried += 1;
    const order = disturbed(random, undisturbed);
    const { whole, behind } = await live(story, order, { ...planted, isLossy });
    const meant = unlessLookedAfter !== undefined && wasLookedAfter(order, unlessLookedAfter) ? expectedIfLooked : expected;
    const wrong = whole === meant ? behind : [...behind, `another end: ${whole}`];
    found.push(...wrong.map((each) => `${each} (${order.join(" ")})`));
  }
  return { events: all.length, tried, possible: possible.length, found };
}

describe("webhooks of a real story", () => {
  it.each(STORIES)(
    "tell of it, each by itself, and lead to the same end in whatever order they arrive, twice or not at all: $name",
    async (story) => {
      const { steps, end, unlessLookedAfter } = story;
      expect(steps.length).toBeGreaterThan(1); // else nothing could arrive in between
      expect((await live(story, plainly(story))).end).toEqual(end);
      if (unlessLookedAfter !== undefined) expect((await live(story, plainlyLooked(story, unlessLookedAfter.step))).end).toEqual(unlessLookedAfter.end);
      const { events, tried, possible, found } = await prove(story);
      console.log(`webhooks, ${story.name}: ${events} events, ${tried} of ${possible} orders: ${found.length} broken`);
      expect(tried).toBeGreaterThan(0);
      expect(found.slice(0, 3)).toEqual([]);
    },
    1_800_000,
  );
});

describe("that proof", () => {
  const without = (prefix: string): Planted => ({ minds: (type) => !type.startsWith(prefix) });

  it.each<[string, string, Planted]>([
    ["all but the first webhook are ignored", "two refunds by hand", { minds: (_, number) => number === 1 }],
    ["all but the first two webhooks are ignored", "a payment that is processing, and succeeds", { minds: (_, number) => number <= 2 }],
    ["what they tell of payments is ignored", "a cardholder who is asked for, and pays", without("payment_intent.")],
    ["what they tell of disputes is ignored", "a refund, and a dispute that is opened and closed", without("charge.dispute.")],
    ["the end of a dispute is ignored", "a refund, and a dispute that is opened and closed", without("charge.dispute.closed")],
    ["what they tell of charges is ignored", "a cardholder who pays, gets some of it back, and contests the rest", without("charge.")],
    ["what they tell of refunds is ignored", "a refund by hand that fails later", without("refund.")],
    ["nobody comes back to a line that another worker has", "a decline whose worker died, canceled by somebody else", { forgetsDelayedPokes: true }],
  ])("finds it when %s", async (_, name, planted) => {
    const story = STORIES.find((each) => each.name === name);
    if (story === undefined) throw new Error(`No story is called "${name}"`);
    expect((await prove(story, planted)).found).not.toEqual([]);
  });
});
