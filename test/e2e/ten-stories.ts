import { isDeepStrictEqual } from "node:util";
import type { Money } from "../../functions/domain/money.ts";
import type { NextOutcome as CarrierOutcome } from "../../local/carrier/next-outcomes.ts";
import type { NextOutcome as StripeOutcome } from "../../local/stripe/next-outcomes.ts";

/** Ten recharges, each written once, for any stage that can play them: in one process, or on the local stack while it is being killed. */

export const LOW = 900;
export const WELL = 3000;

export type Outcomes = { readonly stripe: StripeOutcome & string } | { readonly carrier: CarrierOutcome };

/**
 * One line of Ada's, well at first, with Stripe, the carrier and us around it; amounts in minor units.
 *
 * Everything may be asked again by a teller who never got the answer: what would do harm twice looks first.
 */
export interface Stage {
  /** Saves the rule of the line, below CNY 10 recharge CNY 50, with one of Stripe's test cards; gives whether that was told and nothing goes on any more. */
  saveRule(testCard: string): Promise<boolean>;
  choose(next: Outcomes): Promise<void>;
  setBalance(available: number): Promise<void>;
  /** Moves the clock on, and leaves some time for a check to begin a recharge. */
  passMinutes(minutes: number): Promise<void>;
  /** The state of the recharge that is open, else the end of the last one; undefined before the first. */
  status(): Promise<string | undefined>;
  /** Moves the clock on to so long after the time at which the recharge expires that waits for Ada; before it, if below zero. */
  passExpiry(minutes: number): Promise<void>;
  /** What Ada does in her browser when her bank wants her. */
  payAsCustomer(testCard: string): Promise<void>;
  /** Ada contests what was taken. */
  dispute(): Promise<void>;
  /** Whether every queue is empty; with a dead letter it never is. */
  isQuiet(): Promise<boolean>;
  look(): Promise<Seen>;
}

/** What can be seen of the line, by Ada, at Stripe, at the carrier and on the bus. */
export interface Seen {
  readonly bills: readonly {
    readonly rechargeId: string;
    readonly status: string;
    readonly reason?: string;
    readonly amount: Money;
    readonly charged: Money;
    readonly credited: Money;
    readonly refunded: Money;
  }[];
  /** Of its recharges, in any order. */
  readonly adjustments: readonly { readonly rechargeId: string; readonly kind: string; readonly amount: Money }[];
  readonly openState: string | undefined;
  readonly rule: { readonly state: string; readonly reason?: string } | undefined;
  /** Each time that a card was asked. */
  readonly charges: readonly {
    readonly metadata: Readonly<Record<string, string>>;
    readonly paid: boolean;
    readonly amount: number;
    readonly amount_refunded: number;
    readonly disputed: boolean;
  }[];
  readonly topUps: readonly { readonly reference: string; readonly amount: Money; readonly refusal?: string }[];
  /** Names of events, and subjects of mails: each was told at least once. */
  readonly events: readonly string[];
  readonly mails: readonly string[];
}

/** A step says whether it came true, and is taken again until then: also when it came true before and the answer was lost. */
export interface Step {
  readonly name: string;
  readonly take: (stage: Stage) => Promise<boolean>;
}

export interface Story {
  readonly name: string;
  readonly steps: readonly Step[];
}

/** Longer than the shortest tier's turn: every line of that tier is checked in it. */
const MINUTES_UNTIL_CHECKED = 16;
/** An hour after she was reminded. */
const MINUTES_BEFORE_EXPIRY = 11 * 60;
const MINUTES_AFTER_EXPIRY = 2 * 60;

function story(name: string, { card = "pm_card_visa", next }: { readonly card?: string; readonly next?: Outcomes }, ...then: readonly Step[]): Story {
  return {
    name,
    steps: [
      { name: `Ada saves her rule with ${card}`, take: (stage) => stage.saveRule(card) },
      ...(next === undefined ? [] : [choice(next)]),
      { name: "the line is used up", take: useUp },
      { name: "a check finds it low", take: checkUntilRecharge },
      ...then,
      // Low for longer, a line would be recharged again when its pauses are over: the real stack may take its time.
      { name: "Ada tops the line up in a shop", take: (stage) => stage.setBalance(WELL).then(() => true) },
      { name: "nothing is left to be done", take: (stage) => stage.isQuiet() },
    ],
  };
}

function choice(next: Outcomes): Step {
  const [[who, outcome] = []] = Object.entries(next);
  return { name: `the next answer of ${who} will be: ${String(outcome)}`, take: (stage) => stage.choose(next).then(() => true) };
}

async function useUp(stage: Stage): Promise<boolean> {
  if ((await stage.status()) === undefined) await stage.setBalance(LOW);
  return true;
}

async function checkUntilRecharge(stage: Stage): Promise<boolean> {
  if ((await stage.status()) !== undefined) return true;
  await stage.passMinutes(MINUTES_UNTIL_CHECKED);
  return false;
}

function becomes(status: string): Step {
  return { name: `the recharge is ${status}`, take: async (stage) => (await stage.status()) === status };
}

const waits = becomes("awaiting-customer");

function whileWaiting(name: string, act: (stage: Stage) => Promise<void>): Step {
  return {
    name,
    async take(stage) {
      if ((await stage.status()) !== "awaiting-customer") return true;
      await act(stage);
      return false;
    },
  };
}

const adjusted: Step = { name: "that is kept beside the bill", take: async (stage) => (await stage.look()).adjustments.length > 0 };

const WARY_CARD = "pm_card_authenticationRequired";

export const STORIES: readonly Story[] = [
  story("success", {}, becomes("succeeded")),
  story("soft decline", { card: "pm_card_chargeDeclinedInsufficientFunds" }, becomes("declined")),
  story("hard decline", { card: "pm_card_chargeDeclinedLostCard" }, becomes("declined")),
  story(
    "3DS, passed by the customer",
    { card: WARY_CARD },
    waits,
    whileWaiting("Ada passes her bank's check", (stage) => stage.payAsCustomer(WARY_CARD)),
    becomes("succeeded"),
  ),
  story(
    "3DS, expired",
    { card: WARY_CARD },
    waits,
    {
      name: "half a day passes, and she is reminded",
      async take(stage) {
        await stage.passExpiry(-MINUTES_BEFORE_EXPIRY);
        return (await stage.look()).mails.some((subject) => subject.includes("reminder"));
      },
    },
    whileWaiting("26 hours after she was asked, the time is over", (stage) => stage.passExpiry(MINUTES_AFTER_EXPIRY)),
    becomes("expired"),
  ),
  story("refused credit", { next: { carrier: "refuse" } }, becomes("refunded")),
  story("Stripe's reply lost", { next: { stripe: "lose-reply" } }, becomes("succeeded")),
  story("carrier's reply lost after the credit", { next: { carrier: "credit-but-lose-reply" } }, becomes("succeeded")),
  story("processing, then paid", { next: { stripe: "processing" } }, becomes("succeeded")),
  story("dispute", {}, becomes("succeeded"), { name: "Ada contests the charge", take: (stage) => stage.dispute().then(() => true) }, adjusted),
];

/** What a story comes to: nothing in it depends on when things happened, or how often they were tried. */
export type EndState = ReturnType<typeof endState>;

export function endState({ bills, adjustments, openState, rule, charges, topUps, events, mails }: Seen) {
  const atStripe = (isOf: (rechargeId: string | undefined) => boolean) =>
    charges
      .filter(({ metadata }) => isOf(metadata.rechargeId))
      .map(({ paid, amount, amount_refunded, disputed }) => ({ taken: paid ? amount : 0, refunded: amount_refunded, disputed }));
  const atCarrier = (isOf: (rechargeId: string) => boolean) =>
    topUps.filter(({ reference }) => isOf(reference)).map(({ amount, refusal }) => ({ credited: refusal === undefined ? amount.amount : 0, refusal }));
  const isBilled = (id: string | undefined) => bills.some(({ rechargeId }) => rechargeId === id);
  return {
    recharges: bills.map(({ rechargeId, status, reason: because, amount, charged, credited, refunded }) => ({
      bill: { status, because, amount, charged, credited, refunded },
      atStripe: atStripe((id) => id === rechargeId),
      atCarrier: atCarrier((id) => id === rechargeId),
      adjustments: adjustments.filter((each) => each.rechargeId === rechargeId).map(({ kind, amount: about }) => ({ kind, amount: about })),
    })),
    withoutBill: [...atStripe((id) => !isBilled(id)), ...atCarrier((id) => !isBilled(id))],
    openState,
    rule: { state: rule?.state, reason: rule?.reason },
    told: [...new Set([...events, ...mails])].toSorted(),
  };
}

/** What differs on the killed stack from how it ended in process; nothing, if it is the same. */
export function differences(inProcess: EndState, killed: EndState): string[] {
  const found = new Map<string, unknown>(Object.entries(killed));
  return Object.entries(inProcess)
    .filter(([part, value]) => !isDeepStrictEqual(value, found.get(part)))
    .map(([part, value]) => `${part}: in process ${JSON.stringify(value)}, on the killed stack ${JSON.stringify(found.get(part))}`);
}
