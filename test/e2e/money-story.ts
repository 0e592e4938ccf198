import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";
import { DRAINING_LINE, QUIET_LINE } from "../../local/demo-data.ts";
import type { DemoSubscriber } from "../../local/demo-subscriber.ts";

/** The story of `npm run demo` about money, in steps that may each be taken any number of times, as a person would whose stack keeps dying. */

const { iccid } = QUIET_LINE;
/** How long an event may need to arrive after the clock was moved on. */
const ARRIVAL_SECONDS = 10;
const POLL_MILLISECONDS = 50;
/** Longer than the shortest tier's turn (15 minutes): every line of that tier is checked in it. */
const MINUTES_UNTIL_CHECKED = 16;
const FIFTY = { amount: 5000, currency: "CNY" };
const NOTHING = { amount: 0, currency: "CNY" };
/** The queues that the schedules fill every minute: hardly ever empty. */
const TICKING = /(PlanChecks|CheckBalances|Sweep)Queue[0-9A-F]{8}$/;

const esims = z.object({ data: z.array(z.object({ iccid: z.string(), openRecharge: z.nullable(z.object({ state: z.string() })) })) });
const lines = z.array(z.object({ iccid: z.string(), available: z.number() }));
const depths = z.record(z.string(), z.number());
const mails = z.array(z.object({ text: z.string() }));
const charges = z.array(z.object({ paid: z.boolean() }));
const entries = z.array(z.object({ sequence: z.number(), source: z.string(), what: z.string(), iccid: z.optional(z.string()) }));

/** What the teller of the story remembers; the stack remembers the rest. */
export interface Memory {
  firstCard?: string;
  secondCard?: string;
  /** The number on the timeline at which the recharged line was free again, and at which the two quiet hours were over. */
  quietFrom?: number;
  quietTo?: number;
}

/** The stack as it is in one of its lives. */
export interface World {
  readonly ada: DemoSubscriber;
  readonly memory: Memory;
  readonly read: <Shape extends z.ZodMiniType>(path: string, shape: Shape) => Promise<z.output<Shape>>;
}

/** A step says whether it came true, and is taken again until then: also when it came true in an earlier life and its answer was lost. */
export interface Step {
  readonly name: string;
  readonly take: (world: World) => Promise<boolean>;
}

export const STORY: readonly Step[] = [
  { name: "Ada's other line is not used", take: restOtherLine },
  { name: "Ada saves her rule", take: saveRule },
  { name: "the line is used up", take: useUp },
  { name: "a check finds it low", take: (world) => checkUntilBilled(world, 1) },
  { name: "it is recharged and she is told", take: (world) => isOverAndTold(world, 1) },
  { name: "the next check reads it again", take: readAgain },
  ...Array.from({ length: 8 }, (_, index) => ({ name: `${(index + 1) * 15} quiet minutes`, take: waitQuietly })),
  { name: "Ada changes to a card that will be declined", take: changeCard },
  { name: "the line is low again", take: ({ ada }: World) => ada.setLine(iccid, { available: 500 }).then(() => true) },
  { name: "a check finds it low again", take: (world) => checkUntilBilled(world, 2) },
  { name: "it is declined and she is told", take: (world) => isOverAndTold(world, 2) },
];

async function restOtherLine({ ada }: World): Promise<boolean> {
  await ada.setLine(DRAINING_LINE.iccid, { available: 3000, drainPerMinute: 0 });
  return true;
}

async function saveRule({ ada, memory }: World): Promise<boolean> {
  memory.firstCard ??= await ada.saveTestCard("pm_card_visa");
  await ada.saveRule(iccid, memory.firstCard);
  return arrives(async () => (await ada.timeline()).some((entry) => entry.what === "RuleSaved" && entry.iccid === iccid));
}

/** Looks first: taken again after the recharge, it would ask for another one. */
async function useUp({ ada, read }: World): Promise<boolean> {
  const line = (await read("/local/lines", lines)).find((each) => each.iccid === iccid);
  if (line?.available === QUIET_LINE.available) await ada.setLine(iccid, { available: 900 });
  return true;
}

/** Moves the clock on until a recharge is open or has ended. */
async function checkUntilBilled({ ada, read }: World, bills: number): Promise<boolean> {
  const isUnderWay = async () => (await openRecharge(read)) !== null || (await ada.bills()).length >= bills;
  if (await isUnderWay()) return true;
  await ada.advance(MINUTES_UNTIL_CHECKED);
  return arrives(isUnderWay);
}

async function isOverAndTold({ ada, read }: World, bills: number): Promise<boolean> {
  return (await ada.bills()).length >= bills && (await openRecharge(read)) === null && (await billsWithoutMail({ ada, read })).length === 0;
}

async function billsWithoutMail({ ada, read }: Pick<World, "ada" | "read">): Promise<string[]> {
  const outbox = await read("/local/outbox", mails);
  return (await ada.bills()).map(({ rechargeId }) => rechargeId).filter((rechargeId) => !outbox.some(({ text }) => text.includes(rechargeId)));
}

/** The index of free lines has the line again: everything about its recharge is over. */
async function readAgain({ ada, memory }: World): Promise<boolean> {
  const read = await checkOnce(ada);
  memory.quietFrom = read;
  return read !== undefined;
}

async function waitQuietly({ ada, memory }: World): Promise<boolean> {
  const read = await checkOnce(ada);
  memory.quietTo = read;
  return read !== undefined;
}

/** Moves the clock on by a quarter of an hour, and gives the number under which the line's balance was read in it. */
async function checkOnce(ada: DemoSubscriber): Promise<number | undefined> {
  const before = (await ada.timeline()).at(-1)?.sequence ?? 0;
  await ada.advance(15);
  let read: number | undefined;
  await arrives(async () => {
    read = (await ada.timeline(before)).find((entry) => entry.what === "balance read" && entry.iccid === iccid)?.sequence;
    return read !== undefined;
  });
  return read;
}

/** Looks first: each change of a rule is another one. */
async function changeCard({ ada, memory, read }: World): Promise<boolean> {
  memory.secondCard ??= await ada.saveTestCard("pm_card_chargeDeclined");
  const { paymentMethodId } = await read(`/v1/rules/${iccid}`, z.object({ paymentMethodId: z.string() }));
  if (paymentMethodId !== memory.secondCard) await ada.changeCard(iccid, memory.secondCard);
  return true;
}

async function openRecharge(read: World["read"]) {
  return (await read("/v1/esims", esims)).data.find((line) => line.iccid === iccid)?.openRecharge ?? null;
}

async function arrives(isTrue: () => Promise<boolean>): Promise<boolean> {
  const giveUpAt = performance.now() + ARRIVAL_SECONDS * 1000;
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) return false;
    await sleep(POLL_MILLISECONDS);
  }
  return true;
}

/** What is not as it must be when the story is over; nothing, if all is well. */
export async function faults({ ada, read, memory: { quietFrom = 0, quietTo = 0 } }: World): Promise<string[]> {
  const timeline = (await read("/local/timeline", entries)).filter((entry) => (entry.iccid ?? iccid) === iccid);
  const quiet = timeline.filter(({ sequence }) => sequence > quietFrom && sequence <= quietTo);
  const bills = (await ada.bills()).map(({ status, charged, credited }) => ({ status, charged, credited }));
  const queues = Object.entries(await read("/local/queues", depths)).filter(([name, depth]) => depth > 0 && !TICKING.test(name));
  const expectations: readonly (readonly [string, unknown, unknown])[] = [
    ["taken at Stripe", await ada.taken(), [FIFTY.amount]],
    ["credited at the carrier", await ada.credited(), [FIFTY.amount]],
    ["whether the cards paid, each time that one was asked", (await read("/local/stripe/charges", charges)).map(({ paid }) => paid), [true, false]],
    [
      "bills",
      bills,
      [
        { status: "declined", charged: NOTHING, credited: NOTHING },
        { status: "succeeded", charged: FIFTY, credited: FIFTY },
      ],
    ],
    ["recharges she was not told of", await billsWithoutMail({ ada, read }), []],
    ["open recharge", await openRecharge(read), null],
    ["messages left, dead letters too", queues, []],
    [
      "what happened in the two quiet hours",
      quiet.filter(({ source, what }) => ["events", "stripe", "carrier"].includes(source) && what !== "balance read").map(({ what }) => what),
      [],
    ],
  ];
  return expectations
    .filter(([, actual, expected]) => !isDeepStrictEqual(actual, expected))
    .map(([what, actual, expected]) => `${what}: expected ${JSON.stringify(expected)}, but it is ${JSON.stringify(actual)}`);
}
