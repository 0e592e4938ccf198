import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { EVENT_SOURCE } from "../../functions/contracts/events.ts";
import { type RechargeMessage, rechargeMessage } from "../../functions/contracts/messages.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import { cny, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { type Random, randomFrom } from "../simulation/random.ts";
import { PROOF_SCALE, type ProofWorld, proofWorld } from "./proof-world.ts";

/** The checker's report, which brings its balance, and by which a recharge may be made without another reading. */
const REPORT = "check-1";

const REPORTED: RechargeMessage = z.parse(rechargeMessage, {
  source: EVENT_SOURCE,
  "detail-type": "LowBalanceDetected",
  detail: {
    name: "LowBalanceDetected",
    id: REPORT,
    check: REPORT,
    version: 1,
    at: NOW,
    iccid: ICCID,
    subscriberId: SUBSCRIBER,
    balance: cny(999),
    readAt: NOW,
    cycle: 0,
  },
});

const DELAYS = [
  { delay: "1 second", minutes: 1 / 60 },
  { delay: "1 minute", minutes: 1 },
  { delay: "1 hour", minutes: 60 },
  { delay: "1 day", minutes: 24 * 60 },
  { delay: "3 days", minutes: 3 * 24 * 60 },
  { delay: "15 days", minutes: 15 * 24 * 60 },
];

interface Story {
  readonly name: string;
  readonly card?: string;
  readonly refuses?: true;
  /** What is taken for the report. */
  readonly taken: readonly number[];
}

const STORIES: readonly Story[] = [
  { name: "succeeded", taken: [5000] },
  { name: "was declined", card: "pm_card_chargeDeclined", taken: [] },
  { name: "was refused by the carrier and refunded", refuses: true, taken: [5000] },
  { name: "waits for its cardholder", card: "pm_card_authenticationRequired", taken: [] },
];

/** A line that the report has had recharged, or whatever became of that; and every message that the queue has held for it. */
async function lived({ card, refuses }: Story): Promise<{ world: ProofWorld; messages: RechargeMessage[] }> {
  const world = await proofWorld({ card });
  if (refuses) world.carrier.chooseNext("refuse");
  await look(world.ports, REPORTED);
  const [intent] = (await world.client.paymentIntents.list({})).data;
  if (intent === undefined) throw new Error("Nothing was paid or asked for");
  const { id: paymentIntentId, metadata } = intent;
  return {
    world,
    messages: [
      REPORTED,
      { iccid: ICCID },
      { iccid: ICCID, again: NOW },
      { paymentIntentId, rechargeId: metadata.rechargeId },
      { paymentIntentId },
      { paymentMethodId: world.method.id },
    ],
  };
}

async function deliver({ ports }: ProofWorld, message: RechargeMessage): Promise<void> {
  await look(ports, message).catch(() => {}); // it would come back, as it does here anyway
}

/** Recharges that stand on the report's balance, and what was taken for each that does not, with the age of the balance it was judged on. */
async function recharges({ ports, stripe }: ProofWorld) {
  const paid = stripe.listCharges().filter((charge) => charge.paid);
  const ids = [...new Set(stripe.listCharges().map(({ metadata }) => metadata.rechargeId ?? ""))];
  const starts = await Promise.all(ids.map((id) => ports.recharges.getStart(id)));
  const takenFor = (isMeant: (start: (typeof starts)[number]) => boolean) => {
    const meant = starts.filter(isMeant).map((start) => start?.rechargeId);
    return paid.filter(({ metadata }) => meant.includes(metadata.rechargeId)).map(({ amount }) => amount);
  };
  return {
    ofReport: starts.filter((start) => start?.check === REPORT).length,
    takenForReport: takenFor((start) => start?.check === REPORT),
    takenInAll: paid.map(({ amount }) => amount),
    others: starts.filter((start) => start?.check !== REPORT),
  };
}

async function expectOneOfTheReport(world: ProofWorld, story: Story): Promise<void> {
  const { ofReport, takenForReport, others } = await recharges(world);
  expect({ ofReport, takenForReport }).toEqual({ ofReport: 1, takenForReport: story.taken });
  // Any other one stands on a balance that was read for it.
  for (const start of others) expect(start?.reading?.readAt).toBe(start?.at);
}

describe.each(STORIES)("a message of a recharge that $name", (story) => {
  it.each(DELAYS)("leads to no second charge when it comes again after $delay", async ({ minutes }) => {
    const { messages } = await lived(story);
    for (const index of messages.keys()) {
      const { world, messages: own } = await lived(story);
      const takenBefore = world.taken();
      world.advanceMinutes(minutes);
      const message = own[index];
      if (message !== undefined) for (let times = 0; times < 2; times++) await deliver(world, message);
      await expectOneOfTheReport(world, story);
      if (story.name === "succeeded") expect(world.taken()).toEqual(takenBefore); // the line is well: nobody may charge for it at all
    }
  });

  it("leads to none either when all come again together, in any order, also when the line is low once more", async () => {
    let deliveries = 0;
    const shuffles = 20 * PROOF_SCALE;
    for (let seed = 0; seed < shuffles; seed++) {
      const random = randomFrom(seed);
      const { world, messages } = await lived(story);
      if (seed % 2 === 1 && story.taken.length > 0) world.carrier.setBalance(ICCID, 500);
      let before = 0;
      for (const { minutes } of DELAYS) {
        world.advanceMinutes(minutes - before);
        before = minutes;
        const twice = shuffled(random, [...messages, ...messages]);
        for (const message of twice) await deliver(world, message);
        deliveries += twice.length;
      }
      await expectOneOfTheReport(world, story);
    }
    console.log(`redelivery, a recharge that ${story.name}: ${shuffles} orders, ${deliveries} deliveries up to 15 days late: 0 second charges`);
  });
});

function shuffled<T>(random: Random, all: readonly T[]): T[] {
  return all
    .map((each) => ({ each, rank: random.int(0, 1_000_000) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ each }) => each);
}
