import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import type { RechargeMessage } from "../../functions/contracts/messages.ts";
import type { EventName } from "../../functions/domain/events.ts";
import { applyResolution } from "../../functions/domain/recharge.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { ICCID, SUBSCRIBER } from "../builders.ts";
import { randomFrom } from "../simulation/random.ts";
import { type Call, type CarrierKind, FIRST_BALANCE, intercepted, isWrite, lostAnswer, PROOF_SCALE, type ProofWorld, proofWorld } from "./proof-world.ts";

/**
 * Every call of a recharge goes wrong in every way, alone and in pairs.
 *
 * `before`: the worker dies, the call is not made. `after`: it is made, then the worker dies. `lost reply`: it is made, its caller learns nothing.
 * `late`: its caller learns nothing, and a minute later it has its effect. `late by n`: it has it right before the n-th call from then on.
 */
type Way = "before" | "lost reply" | "late" | "after" | `late by ${number}`;

interface Fault {
  /** Calls of all workers are counted, from 1. */
  readonly at: number;
  readonly way: Way;
}

interface Story {
  readonly name: string;
  readonly card?: string;
  /** Both kinds, where it is paid; what is never paid never comes to the carrier. */
  readonly kinds?: readonly CarrierKind[];
  readonly prepare?: (world: ProofWorld) => unknown;
  /** What people do between one look and the next. */
  readonly meanwhile?: (world: ProofWorld) => Promise<unknown>;
  /** A review is no end: somebody resolves it. */
  readonly isResolved?: true;
  /** Minutes between one look and the next; the last is repeated. */
  readonly pauses: readonly number[];
  readonly taken: number;
  readonly end: "succeeded" | "declined" | "refunded" | "expired";
  /** The money came back by another way than Stripe. */
  readonly returnedByHand?: true;
  readonly event: EventName;
  readonly otherEvents?: readonly EventName[];
}

/** As often as any two faults can have it ordered. */
const refusesCredit = ({ carrier }: ProofWorld) => carrier.chooseNext(...Array.from({ length: 5 }, () => "refuse" as const));

const STORIES: readonly Story[] = [
  { name: "a success", pauses: [2], taken: 5000, end: "succeeded", event: "RechargeSucceeded" },
  { name: "a decline", card: "pm_card_chargeDeclined", pauses: [2], taken: 0, end: "declined", event: "RechargeDeclined" },
  {
    name: "a cardholder who acts",
    card: "pm_card_authenticationRequired",
    meanwhile: (world) => actAsCustomer(world, world.method.id),
    pauses: [2],
    taken: 5000,
    end: "succeeded",
    event: "RechargeSucceeded",
    otherEvents: ["RechargeActionRequired"],
  },
  {
    name: "a pay request that the customer pays",
    prepare: ({ ports, method }) => ports.subscribers.putMethod(SUBSCRIBER, { ...method, brand: "alipay", lastFour: "", payRequest: "alipay" }),
    meanwhile: (world) => actAsCustomer(world, "alipay"),
    pauses: [2],
    taken: 5000,
    end: "succeeded",
    event: "RechargeSucceeded",
    otherEvents: ["RechargeActionRequired"],
  },
  {
    name: "a payment that is processing first",
    prepare: ({ stripe }) => stripe.chooseNext("processing"),
    pauses: [2],
    taken: 5000,
    end: "succeeded",
    event: "RechargeSucceeded",
  },
  {
    name: "a refused credit",
    prepare: refusesCredit,
    pauses: [2],
    taken: 5000,
    end: "refunded",
    event: "RechargeRefunded",
    otherEvents: ["RuleSuspended"],
  },
  {
    name: "a review that an operator resolves as credited, having done that by hand",
    kinds: ["forgetful"],
    prepare: refusesCredit,
    meanwhile: (world) => resolveAs(world, "credited"),
    isResolved: true,
    pauses: [2],
    taken: 5000,
    end: "succeeded",
    event: "RechargeSucceeded",
    otherEvents: ["RechargeNeedsReview"],
  },
  {
    name: "a review that an operator resolves as refunded",
    kinds: ["forgetful"],
    prepare: refusesCredit,
    meanwhile: (world) => resolveAs(world, "refunded"),
    isResolved: true,
    pauses: [2],
    taken: 5000,
    end: "refunded",
    event: "RechargeRefunded",
    otherEvents: ["RechargeNeedsReview", "RuleSuspended"],
  },
  {
    name: "a refund that fails, and is made by hand",
    kinds: ["final"],
    prepare(world) {
      refusesCredit(world);
      world.stripe.chooseNext("pending-then-failed", "refund");
    },
    meanwhile: (world) => resolveAs(world, "refunded"),
    isResolved: true,
    returnedByHand: true,
    pauses: [2],
    taken: 5000,
    end: "refunded",
    event: "RechargeRefunded",
    otherEvents: ["RechargeNeedsReview", "RuleSuspended"],
  },
  {
    name: "a cardholder who never acts",
    card: "pm_card_authenticationRequired",
    pauses: [2, 2, 2, 12 * 60, 2, 12 * 60, 2],
    taken: 0,
    end: "expired",
    event: "RechargeExpired",
    // Two faults may have it closed later than a day after the last word: an alarm that is true at that moment.
    otherEvents: ["RechargeActionRequired", "RechargeNeedsReview"],
  },
];

class Death extends Error {}

/** More than any two faults can cost. */
const MOST_LOOKS = 25;

/** Workers of a world in which these faults happen. */
function mortalWorkers(world: ProofWorld, faults: readonly Fault[]) {
  /** The names of all calls, in order. */
  const calls: string[] = [];
  let late: { readonly make: () => Promise<unknown>; readonly beforeCall: number }[] = [];

  async function takeLateEffects(isDue: (effect: (typeof late)[number]) => boolean = () => true): Promise<void> {
    const due = late.filter(isDue);
    late = late.filter((effect) => !due.includes(effect));
    for (const { make } of due) await make().catch(() => {}); // nobody waits for it any more
  }

  /** One worker; when it is dead it does nothing more. Gives whether it came to its end; else the message comes back. */
  async function work(message: RechargeMessage): Promise<boolean> {
    let isDead = false;
    const meet = async (call: Call): Promise<unknown> => {
      const { name, make } = call;
      if (isDead) throw new Death();
      if (isInNobodysWay(call)) return make();
      calls.push(name);
      const number = calls.length;
      await takeLateEffects(({ beforeCall }) => beforeCall <= number);
      const way = faults.find(({ at }) => at === number)?.way;
      switch (way) {
        case undefined:
          return make();
        case "before":
          isDead = true;
          throw new Death();
        case "after":
          await make().catch(() => {});
          isDead = true;
          throw new Death();
        case "lost reply":
          await make().catch(() => {});
          throw lostAnswer(name);
        case "late":
          late.push({ make, beforeCall: Number.POSITIVE_INFINITY });
          throw lostAnswer(name);
        default:
          late.push({ make, beforeCall: number + Number(way.slice("late by ".length)) });
          throw lostAnswer(name);
      }
    };
    return look(intercepted(world.ports, meet), message).then(
      () => !isDead,
      () => false,
    );
  }
  return { calls, work, takeLateEffects };
}

/** What the history keeps of questions and answers is read by no worker; what an operator said is kept before it is done. */
function isInNobodysWay({ name, arguments: [step] }: Call): boolean {
  return name === "recharges.putStep" && z.parse(z.object({ asked: z.string() }), step).asked !== "operator.resolve";
}

const LOOK_AT_LINE: RechargeMessage = { iccid: ICCID, judge: true };

interface Lived {
  readonly calls: readonly string[];
  /** What is wrong at its end. */
  readonly broken: readonly string[];
}

/** Lives through a recharge in which these faults happen. */
async function live(story: Story, carrierKind: CarrierKind, faults: readonly Fault[]): Promise<Lived> {
  const world = await proofWorld({ card: story.card, carrierKind });
  await story.prepare?.(world);
  const { calls, work, takeLateEffects } = mortalWorkers(world, faults);
  for (let looks = 0; looks < MOST_LOOKS && !(await isOver(world, story)); looks++) {
    await work(LOOK_AT_LINE);
    world.advanceMinutes(1);
    await takeLateEffects();
    await story.meanwhile?.(world);
    world.advanceMinutes((story.pauses[looks] ?? story.pauses.at(-1) ?? 2) - 1);
  }
  // Once more without faults: what is over stays over.
  await look(world.ports, LOOK_AT_LINE);
  return { calls, broken: await brokenAt(world, story, carrierKind) };
}

/** A customer who was told acts once, and is let in by their bank. */
async function actAsCustomer({ published, client, stripe, line }: ProofWorld, means: string): Promise<void> {
  const { open } = await line();
  if (open?.state.name !== "awaiting-customer" || !published.some(({ name }) => name === "RechargeActionRequired")) return;
  const { id, client_secret, status } = await client.paymentIntents.retrieve(open.state.paymentIntentId);
  if (status === "succeeded") return;
  if (status !== "requires_action") stripe.confirmAsCustomer(client_secret ?? "", means);
  stripe.authenticate(id, "succeed");
}

/** An operator who was told of a review looks after it when nothing can be on its way any more, and says what they did about it. */
async function resolveAs({ ports, carrier, advanceMinutes, line }: ProofWorld, as: "credited" | "refunded"): Promise<void> {
  const stored = await line();
  const { open } = stored;
  if (open?.state.name !== "needs-review" || open.resolution !== undefined) return;
  advanceMinutes(6 * 60);
  if (as === "credited" && availableAt(carrier) < 5000) carrier.creditElsewhere(ICCID, 5000);
  const now = ports.clock.now();
  const resolved = applyResolution(stored, open.rechargeId, { as, by: "grace", at: now, note: "asked the carrier" }, now);
  if (resolved !== undefined) await ports.esims.save(resolved, ports.ids.next());
}

function availableAt(carrier: ProofWorld["carrier"]): number {
  return carrier.listLines()[0]?.available ?? 0;
}

async function isOver(world: ProofWorld, { isResolved }: Story): Promise<boolean> {
  const { open, pendingEvents } = await world.line();
  if (pendingEvents.length > 0) return false;
  return open === undefined ? (await world.bills()).length > 0 : open.state.name === "needs-review" && !isResolved;
}

const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);

/** Looks only at what Stripe took and gave back, what is on the line, and what the records and events say. */
async function brokenAt(world: ProofWorld, story: Story, carrierKind: CarrierKind): Promise<string[]> {
  const broken: string[] = [];
  const must = (isTrue: boolean, what: string) => void (isTrue || broken.push(what));
  const [taken, credited, returned] = [world.taken(), availableAt(world.carrier) - FIRST_BALANCE, world.returned()];
  const [line, bills, names] = [await world.line(), await world.bills(), new Set(world.eventNames())];
  must(taken.length <= 1 && sum(taken) === story.taken, `taken ${taken.join(", ")}`);
  must(line.pendingEvents.length === 0, "something was not told");

  const isPaid = story.taken > 0;
  if (carrierKind === "forgetful" && isPaid && line.open !== undefined && !story.isResolved) {
    // The one other end: a person looks, and knows.
    must(line.open.state.name === "needs-review", `it hangs at ${line.open.state.name}`);
    must(names.has("RechargeNeedsReview"), "no alarm");
    must(credited <= 5000 && returned === 0, `credited ${credited}, returned ${returned}, while nobody can tell`);
    must(bills.length === 0, "a bill before the end");
    return broken;
  }
  must(line.open === undefined && line.lookAt === undefined, `the line is not free: ${line.open?.state.name}`);
  must(credited === (story.end === "succeeded" ? 5000 : 0), `credited ${credited}`);
  must(returned === (story.end === "refunded" && !story.returnedByHand ? 5000 : 0), `returned ${returned}`);
  must(names.has(story.event), "its end was not told");
  must(
    [...names].every((name) => name === story.event || story.otherEvents?.includes(name)),
    `told what is not so: ${[...names].join(", ")}`,
  );
  const [bill, ...others] = bills;
  must(bill?.end === story.end && others.length === 0, `bills: ${bills.map(({ end }) => end).join(", ")}`);
  const refunded = story.end === "refunded" ? 5000 : 0;
  must(bill?.charged.amount === story.taken && bill.credited.amount === credited && bill.refunded.amount === refunded, "the bill does not agree");
  must(!isPaid || (await world.client.paymentIntents.retrieve(bill?.paymentIntentId ?? "")).status === "succeeded", "the bill names another payment");
  return broken;
}

/** What happens to a payment when its recharge is over, or waits for a person, and what the books then say besides. */
interface Sequel {
  readonly name: string;
  readonly card?: string;
  readonly kind: CarrierKind;
  readonly prepare?: (world: ProofWorld) => unknown;
  readonly events: readonly SequelEvent[];
  /** Missing where it has not ended. */
  readonly end?: "succeeded" | "declined";
  readonly adjustments: readonly string[];
  /** Of the month, as the subscriber's limit counts it. */
  readonly spent: number;
  /** In all, at Stripe. */
  readonly returned: number;
  readonly isSuspended: boolean;
}

/** Gives the id of the payment that the webhook names. */
type SequelEvent = (world: ProofWorld, paymentIntentId: string) => Promise<string>;

const refundedByHand: SequelEvent = async ({ client }, payment_intent) => {
  await client.refunds.create({ payment_intent, amount: 2000 });
  return payment_intent;
};

const disputed: SequelEvent = async ({ stripe }, paymentIntentId) => {
  stripe.dispute(paymentIntentId, { reason: "fraudulent" });
  return paymentIntentId;
};

/** Cannot happen by design: the customer pays another PaymentIntent of a recharge that is over. */
const paidAgain: SequelEvent = async ({ client, method }, paymentIntentId) => {
  const { amount, currency, metadata } = await client.paymentIntents.retrieve(paymentIntentId);
  const payer = { customer: method.customerId };
  const { id: payment_method } = await client.paymentMethods.attach("pm_card_visa", payer);
  const { id } = await client.paymentIntents.create({ ...payer, amount, currency, payment_method, metadata });
  await client.paymentIntents.confirm(id, { off_session: true });
  return id;
};

/** What we give back ourselves is told of as any other refund. */
const ourRefund: SequelEvent = async ({ client }) => idOf((await client.refunds.list({})).data[0]?.payment_intent ?? null) ?? "";

const SEQUELS: readonly Sequel[] = [
  {
    name: "a refund by hand and a dispute after the end",
    kind: "final",
    events: [refundedByHand, disputed],
    end: "succeeded",
    adjustments: ["dispute-opened 3000", "refunded 2000"],
    spent: 3000,
    returned: 2000,
    isSuspended: true,
  },
  {
    name: "a second payment, that no bill knows of",
    kind: "final",
    events: [paidAgain, ourRefund],
    end: "succeeded",
    adjustments: ["paid-after-end 5000", "refunded 5000"],
    spent: 5000,
    returned: 5000,
    isSuspended: false,
  },
  {
    name: "a payment after an unpaid end",
    card: "pm_card_chargeDeclined",
    kind: "final",
    events: [paidAgain, ourRefund],
    end: "declined",
    adjustments: ["paid-after-end 5000", "refunded 5000"],
    spent: 0,
    returned: 5000,
    isSuspended: false,
  },
  {
    name: "a dispute while a person is waited for",
    kind: "forgetful",
    prepare: refusesCredit,
    events: [disputed],
    adjustments: ["dispute-opened 5000"],
    spent: 0,
    returned: 0,
    isSuspended: true,
  },
];

type ExpectedBooks = Pick<Sequel, "end" | "adjustments" | "spent" | "returned" | "isSuspended">;

/** Lives through the sequel of a recharge without faults: each webhook comes back until it was dealt with. */
async function liveSequel({ card, kind, prepare, events, ...expected }: Sequel, faults: readonly Fault[]): Promise<Lived> {
  const world = await proofWorld({ card, carrierKind: kind });
  await prepare?.(world);
  await look(world.ports, LOOK_AT_LINE);
  const { calls, work, takeLateEffects } = mortalWorkers(world, faults);
  const [first] = (await world.client.paymentIntents.list({})).data;
  for (const event of events) {
    world.advanceMinutes(3); // no worker is at it any more
    const paymentIntentId = await event(world, first?.id ?? "");
    for (let tries = 0, isDone = false; tries < MOST_LOOKS && !isDone; tries++) {
      isDone = await work({ paymentIntentId });
      world.advanceMinutes(1);
      await takeLateEffects();
    }
  }
  // The sweeper's look, for what was not told yet.
  world.advanceMinutes(5);
  await look(world.ports, { iccid: ICCID });
  return { calls, broken: await brokenAfter(world, expected) };
}

async function brokenAfter(world: ProofWorld, { end, adjustments, spent, returned, isSuspended }: ExpectedBooks): Promise<string[]> {
  const broken: string[] = [];
  const must = (isTrue: boolean, what: string) => void (isTrue || broken.push(what));
  const { rule, pendingEvents, spend } = await world.line();
  const rechargeId = (await world.client.paymentIntents.list({})).data[0]?.metadata.rechargeId ?? "";
  const kept = (await world.ports.recharges.getHistory(rechargeId)).adjustments;
  const keptNames = kept.map(({ kind, amount }) => `${kind} ${amount.amount}`).sort();
  must(keptNames.join() === adjustments.join(), `adjustments: ${keptNames.join(", ")}`);
  must(pendingEvents.length === 0, "something was not told");
  const told = new Set(world.published.flatMap((event) => (event.name === "RechargeAdjusted" ? [`${event.kind} ${event.amount.amount}`] : [])));
  must([...told].sort().join() === adjustments.join(), `told: ${[...told].join(", ")}`);
  must((spend[SUBSCRIBER]?.monthAmounts[0]?.amount ?? 0) === spent, `spent ${spend[SUBSCRIBER]?.monthAmounts[0]?.amount}`);
  must(world.returned() === returned, `returned ${world.returned()}`);
  const declines = await world.ports.cards.listDeclines(world.method.cardKey);
  must(declines.some(({ severity }) => severity === "dispute") === isSuspended, "what the card is known for is wrong");
  must((rule?.status.state === "suspended") === isSuspended, `its rule is ${rule?.status.state}`);
  must(world.eventNames().includes("RuleSuspended") === isSuspended, "that its rule stopped was not told, or is not so");
  const [bill] = await world.bills();
  const charged = end === "succeeded" ? 5000 : 0;
  must(bill?.end === end && (bill === undefined || (bill.charged.amount === charged && bill.refunded.amount === 0)), "its bill was changed");
  return broken;
}

const WAYS: readonly Way[] = ["before", "lost reply", "after"];

function waysOf(name: string): readonly Way[] {
  return isWrite(name) ? [...WAYS, "late"] : WAYS;
}

/** As long as somebody can be in the middle of something when it comes. */
const LONGEST_LATE_BY = 20;
/** All pairs where everything is to be proved, else some, drawn by chance: one in ten in CI. */
const PAIRS_SHARE = PROOF_SCALE / 100;
/** All of them in CI, some in every run of the tests. */
const LATE_SAVES_SHARE = Math.min(PROOF_SCALE, 1);

function faultsAfter(calls: readonly string[], last: number): Fault[] {
  return calls.flatMap((name, index) => (index + 1 > last ? waysOf(name).map((way) => ({ at: index + 1, way })) : []));
}

async function prove(seed: number, liveThrough: (faults: readonly Fault[]) => Promise<Lived>) {
  const random = randomFrom(seed);
  const found: string[] = [];
  let [singly, inPairs, allPairs] = [0, 0, 0];
  const run = async (...faults: Fault[]) => {
    const { calls, broken } = await liveThrough(faults);
    if (broken.length > 0) found.push(`${faults.map(({ at, way }) => `${way} ${calls[at - 1]} (${at})`).join(", ")}: ${broken.join("; ")}`);
    return calls;
  };
  const clean = await run();
  expect(found).toEqual([]);
  for (const first of faultsAfter(clean, 0)) {
    const calls = await run(first);
    singly += 1;
    if (first.way === "late") {
      // Into the middle of what others do meanwhile; a late write of the line is what its condition is for.
      const share = clean[first.at - 1] === "esims.save" ? LATE_SAVES_SHARE : PAIRS_SHARE;
      for (let by = 1; by <= LONGEST_LATE_BY; by++) {
        if (!random.chance(share)) continue;
        await run({ at: first.at, way: `late by ${by}` });
        singly += 1;
      }
    }
    for (const second of faultsAfter(calls, first.at)) {
      allPairs += 1;
      if (!random.chance(PAIRS_SHARE)) continue;
      await run(first, second);
      inPairs += 1;
    }
  }
  return { calls: clean, singly, inPairs, allPairs, found };
}

type Proved = Awaited<ReturnType<typeof prove>>;

function tell(name: string, { calls, singly, inPairs, allPairs, found }: Proved): void {
  console.log(`crash matrix, ${name}: ${calls.length} calls, singly ${singly}, in ${inPairs} of ${allPairs} pairs: ${found.length} broken`);
}

describe("a recharge that goes wrong at any call, in any way, once or twice", () => {
  const kindsFor = ({ taken, kinds = taken > 0 ? ["final", "forgetful"] : ["final"] }: Story): readonly CarrierKind[] => kinds;

  it.each(STORIES.flatMap((story) => kindsFor(story).map((kind) => ({ story, kind, name: story.name }))))(
    "ends as it must: $name, at a carrier whose answers are $kind",
    async ({ story, kind, name }) => {
      const proved = await prove(STORIES.indexOf(story), (faults) => live(story, kind, faults));
      tell(`${name}, carrier ${kind}`, proved);
      expect(proved.found.slice(0, 10)).toEqual([]);
    },
    1_800_000,
  );

  it.each(SEQUELS)(
    "keeps what happens to its payment later: $name",
    async (sequel) => {
      const proved = await prove(SEQUELS.indexOf(sequel), (faults) => liveSequel(sequel, faults));
      tell(sequel.name, proved);
      expect(proved.calls).toContain("recharges.putAdjustment");
      expect(proved.found.slice(0, 10)).toEqual([]);
    },
    1_800_000,
  );
});
