import { describe, expect, it } from "@jest/globals";
import { stripeSignatures } from "../../functions/adapters/stripe-webhooks.ts";
import { receiveEvent } from "../../functions/api/stripe-webhook/receive-event.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import type { DueDelivery } from "../../local/stripe/webhook-deliveries.ts";
import { ICCID } from "../builders.ts";
import { randomFrom } from "../simulation/random.ts";
import { intercepted, PROOF_SCALE, type ProofWorld, proofWorld } from "./proof-world.ts";

interface Story {
  readonly name: string;
  readonly card?: string;
  /** Everything that happens before the first webhook arrives. */
  readonly happen: (world: ProofWorld) => Promise<void>;
  /** The types that it makes Stripe tell of. */
  readonly tells: readonly string[];
  /** What then stands in the books. */
  readonly ends: string;
  readonly adjustments: readonly string[];
}

async function recharge({ ports }: ProofWorld): Promise<void> {
  await look(ports, { iccid: ICCID, judge: true });
}

async function paymentIntentId({ client }: ProofWorld): Promise<string> {
  const [intent] = (await client.paymentIntents.list({})).data;
  if (intent === undefined) throw new Error("Nothing was paid or asked for");
  return intent.id;
}

async function payAsCustomer(world: ProofWorld): Promise<void> {
  await recharge(world);
  const id = await paymentIntentId(world);
  const { client_secret } = await world.client.paymentIntents.retrieve(id);
  world.stripe.confirmAsCustomer(client_secret ?? "", world.method.id);
  world.stripe.authenticate(id, "succeed");
}

const STORIES: readonly Story[] = [
  {
    name: "a cardholder who is asked for, and pays",
    card: "pm_card_authenticationRequired",
    happen: payAsCustomer,
    tells: ["payment_intent.payment_failed", "payment_intent.requires_action", "payment_intent.succeeded"],
    ends: "succeeded",
    adjustments: [],
  },
  {
    name: "a cardholder who pays, gets some of it back, and contests the rest",
    card: "pm_card_authenticationRequired",
    async happen(world) {
      await payAsCustomer(world);
      const payment_intent = await paymentIntentId(world);
      await world.client.refunds.create({ payment_intent, amount: 2000 });
      world.stripe.dispute(payment_intent, { reason: "fraudulent" });
    },
    tells: [
      "payment_intent.payment_failed",
      "payment_intent.requires_action",
      "payment_intent.succeeded",
      "refund.created",
      "charge.refunded",
      "charge.dispute.created",
    ],
    ends: "succeeded",
    adjustments: ["dispute-opened", "refunded"],
  },
  {
    name: "two refunds by hand",
    async happen(world) {
      await recharge(world);
      const payment_intent = await paymentIntentId(world);
      for (const amount of [2000, 1000]) await world.client.refunds.create({ payment_intent, amount });
    },
    tells: ["payment_intent.succeeded", "refund.created", "charge.refunded", "refund.created", "charge.refunded"],
    ends: "succeeded",
    adjustments: ["refunded", "refunded"],
  },
  {
    name: "a dispute that is opened and closed, and a refund",
    async happen(world) {
      await recharge(world);
      const payment_intent = await paymentIntentId(world);
      await world.client.refunds.create({ payment_intent, amount: 2000 });
      const { id } = world.stripe.dispute(payment_intent, { reason: "product_not_received" });
      world.stripe.closeDispute(id, "won");
    },
    tells: ["payment_intent.succeeded", "refund.created", "charge.refunded", "charge.dispute.created", "charge.dispute.closed"],
    ends: "succeeded",
    adjustments: ["dispute-opened", "dispute-won", "refunded"],
  },
  {
    name: "a decline whose worker died, canceled by somebody else",
    card: "pm_card_chargeDeclined",
    async happen(world) {
      let isDead = false;
      const mortal = intercepted(world.ports, async ({ name, make }) => {
        if (isDead) throw new Error("It is dead");
        const answer = await make();
        isDead = name === "payments.confirm";
        return answer;
      });
      await look(mortal, { iccid: ICCID, judge: true }).catch(() => {});
      await world.client.paymentIntents.cancel(await paymentIntentId(world));
      world.advanceMinutes(2); // until its lease is over
    },
    tells: ["payment_intent.payment_failed", "payment_intent.canceled"],
    ends: "cancelled",
    adjustments: [],
  },
];

/** The story, and what Stripe has to send of it. */
async function lived(story: Story): Promise<{ world: ProofWorld; secret: string; deliveries: DueDelivery[] }> {
  const world = await proofWorld({ card: story.card });
  const { secret = "" } = await world.client.webhookEndpoints.create({ url: "https://example.com/webhooks/stripe", enabled_events: STRIPE_EVENT_TYPES });
  await story.happen(world);
  return { world, secret, deliveries: world.stripe.dueDeliveries() };
}

interface EndState {
  readonly ends: readonly string[];
  readonly adjustments: readonly string[];
  /** All of it, without the ids that are another in every world. */
  readonly whole: string;
}

async function endState(world: ProofWorld): Promise<EndState> {
  const { version: _, rule, ...line } = await world.line();
  const bills = await world.bills();
  const histories = await Promise.all(bills.map(({ rechargeId }) => world.ports.recharges.getHistory(rechargeId)));
  const facts = histories.flatMap((history) => history.adjustments);
  const adjustments = facts.map(({ kind, amount }) => JSON.stringify([kind, amount])).sort();
  const events = world.published.map((event) => JSON.stringify([event.name, "kind" in event && event.kind, "amount" in event && event.amount]));
  const money = [world.taken(), world.returned(), world.credited()];
  const state = { line, rule: rule?.status, bills, adjustments, events: [...new Set(events)].sort(), money };
  // Refunds of a month are kept in the order in which they were heard of.
  const whole = JSON.stringify(state, (key, value: unknown) => (key === "refunds" && Array.isArray(value) ? value.length : value));
  return { ends: bills.map(({ end }) => end), adjustments: facts.map(({ kind }) => kind).sort(), whole: whole.replaceAll(/\b(pi|pm|cus)_\w+/g, "$1") };
}

/** Delivers them as they come, each to the function that receives them, and its poke to the worker; gives what is true then. */
async function deliver(story: Story, order: readonly number[]): Promise<EndState> {
  const { world, secret, deliveries } = await lived(story);
  const { ports } = world;
  const send = async (pokes: Parameters<typeof ports.pokes.send>[0]) => {
    for (const poke of pokes) await look(ports, poke);
  };
  const receiver = { findVerifier: async () => stripeSignatures([secret]), pokes: { send }, clock: ports.clock, log: ports.log, stage: "test" };
  for (const index of order) {
    const { headers, body } = deliveries[index] ?? { headers: {}, body: "" };
    const { statusCode } = await receiveEvent(receiver, { headers, body, isBase64Encoded: false });
    if (statusCode !== 200) throw new Error(`A webhook was answered with ${statusCode}`);
  }
  return endState(world);
}

function permutations(all: readonly number[]): number[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((each) => permutations(all.filter((other) => other !== each)).map((rest) => [each, ...rest]));
}

/** More events than this have hundreds of orders: all are tried in CI, else one in ten. */
const FEW_EVENTS = 4;
const SHARE_OF_MANY = Math.min(PROOF_SCALE / 10, 1);

describe("webhooks of a real story", () => {
  it.each(STORIES)(
    "lead to the same end in every order, twice, and with any one missing: $name",
    async (story) => {
      const { world, deliveries } = await lived(story);
      const types = (await world.client.events.list({ limit: 100 })).data.map(({ type }) => type).filter((type) => story.tells.includes(type));
      expect(types.toSorted()).toEqual([...story.tells].toSorted());
      const all = [...deliveries.keys()];
      expect(all).toHaveLength(story.tells.length);

      const expected = await deliver(story, all);
      expect(expected).toMatchObject({ ends: [story.ends], adjustments: story.adjustments });
      const random = randomFrom(all.length);
      const different = new Set<string>();
      let orders = 0;
      for (const missing of [undefined, ...all]) {
        for (const order of permutations(all.filter((index) => index !== missing))) {
          if (all.length > FEW_EVENTS && !random.chance(SHARE_OF_MANY)) continue;
          // Each may come once more, at once or after all the others.
          const twice = order.flatMap((index) => (random.chance(0.3) ? [index, index] : [index]));
          const again = order.filter(() => random.chance(0.3));
          const { whole } = await deliver(story, [...twice, ...again]);
          if (whole !== expected.whole) different.add(whole);
          orders += 1;
        }
      }
      console.log(`webhooks, ${story.name}: ${all.length} events, ${orders} orders: ${different.size} different ends`);
      expect([...different].slice(0, 3)).toEqual([]);
    },
    600_000,
  );
});
