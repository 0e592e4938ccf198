import { chargeable, type SumTerms, smallestCharge, sumProblem } from "./charge.ts";
import { formatMoney, isBelow, type Money, minus, money } from "./money.ts";
import type { Instant } from "./time.ts";

/** What a recharge adds: always the same amount, or what is missing up to a target balance. */
export type TopUp = { readonly type: "fixed"; readonly amount: Money } | { readonly type: "target"; readonly target: Money };

/** What a rule may spend at most; every limit is checked before a charge, never after. */
export interface Limits {
  /** The most that may be charged for this line in a calendar month of the consent's time zone. */
  readonly perMonth: Money;
  /** Paid recharges per calendar day of the consent's time zone. */
  readonly timesPerDay: number;
  /** Minutes that must pass after a paid recharge was credited before the next one. */
  readonly cooldownMinutes: number;
}

export const DEFAULT_TIMES_PER_DAY = 3;
export const DEFAULT_COOLDOWN_MINUTES = 60;
/** A carrier may show an old balance for some minutes after a top-up; a shorter pause would charge for the same low twice. */
export const SHORTEST_COOLDOWN_MINUTES = 15;

/** What the subscriber agreed to, and when; frozen into every recharge that stands on it. */
export interface Consent {
  readonly termsVersion: string;
  /** Names the very terms, as they are kept for the subscriber; missing from before they were kept. */
  readonly termsHash?: string;
  readonly at: Instant;
  /** IANA name; months and days of the limits are counted in it, so that nobody resets a cap by moving. */
  readonly timeZone: string;
}

/** What of a rule the subscriber chooses. */
export interface RuleSettings {
  /** The line is low when its balance is strictly below this. */
  readonly threshold: Money;
  readonly topUp: TopUp;
  readonly limits: Limits;
  /** Stripe's id of the saved way to pay (`pm_...`). */
  readonly paymentMethodId: string;
  /** How long before each charge its payer is told, so that they can skip it; none when missing or 0. */
  readonly noticeMinutes?: number;
}

/** The most days that a month has. */
const DAYS = 31;

/** The most that the limits allow to be charged in a month: whole recharges of a fixed amount, or all of the cap on the way to a target. */
export function worstCasePerMonth({ topUp, limits: { perMonth, timesPerDay } }: Pick<RuleSettings, "topUp" | "limits">): Money {
  if (topUp.type === "target") return perMonth;
  const { amount } = topUp.amount;
  return money(amount * Math.min(Math.floor(perMonth.amount / amount), timesPerDay * DAYS), perMonth.currency);
}

/** Whether a subscriber must agree anew: what may be taken is more, sooner, from elsewhere, counted by another clock or told later than they agreed to. */
export function needsConsent(rule: RuleSettings & { readonly consent: Consent }, next: RuleSettings, timeZone: string): boolean {
  const isRaised = (was: Money, now: Money) => was.currency !== now.currency || isBelow(was, now);
  return (
    isRaised(rule.threshold, next.threshold) ||
    isTopUpRaised(rule.topUp, next.topUp, isRaised) ||
    isRaised(rule.limits.perMonth, next.limits.perMonth) ||
    next.limits.timesPerDay > rule.limits.timesPerDay ||
    next.limits.cooldownMinutes < rule.limits.cooldownMinutes ||
    next.paymentMethodId !== rule.paymentMethodId ||
    (next.noticeMinutes ?? 0) < (rule.noticeMinutes ?? 0) ||
    timeZone !== rule.consent.timeZone
  );
}

function isTopUpRaised(was: TopUp, now: TopUp, isRaised: (was: Money, now: Money) => boolean): boolean {
  if (was.type === "fixed" && now.type === "fixed") return isRaised(was.amount, now.amount);
  return was.type === "fixed" || now.type === "fixed" || isRaised(was.target, now.target);
}

export type SuspensionReason =
  | "card-refused-for-good"
  | "declined-too-often"
  | "line-not-yours"
  | "currency-changed"
  | "payment-method-gone"
  | "amount-not-offered"
  /** It was charged, and the carrier refused the top-up for good. */
  | "carrier-refused"
  /** A charge of this card was disputed. */
  | "payment-disputed"
  | "paused-by-operator"
  /** The line is somebody else's, and by now nobody lets this payer pay for it: the time is over, or the line changed hands. */
  | "family-ended"
  /** Another recharge would be more than may ever be charged on that line of somebody else's. */
  | "family-limit-reached";

export type RuleStatus =
  | { readonly state: "active" }
  | { readonly state: "paused"; readonly at: Instant }
  | { readonly state: "suspended"; readonly at: Instant; readonly reason: SuspensionReason };

export interface Rule extends RuleSettings {
  /** Goes up with every change the subscriber or a suspension makes; the API's ETag. The machine's other writes leave it alone. */
  readonly version: number;
  /** The random id of the write that last changed the rule: tells the API that its own write arrived although its reply was lost. */
  readonly writeId: string;
  readonly status: RuleStatus;
  readonly consent: Consent;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** One thing wrong with a request: which field (JSON pointer), and what would be right. */
export interface Problem {
  readonly pointer: string;
  readonly detail: string;
}

/** What the carrier and the operator say of a line that bears on its rule; and, where it is somebody else's, the most that may ever be charged for it. */
export type LineTerms = SumTerms & { readonly lifetimeCap?: Money };

/**
 * What is wrong with settings that are well-formed one by one but make no sense together, for this line.
 *
 * A rule that its own limits, the carrier or Stripe would refuse whenever it is needed must not be saved: it would never do what it says.
 */
export function ruleProblems({ threshold, topUp, limits }: Pick<RuleSettings, "threshold" | "topUp" | "limits">, line: LineTerms): Problem[] {
  const [pointer, sum] = topUp.type === "fixed" ? ["/topUp/amount", topUp.amount] : ["/topUp/target", topUp.target];
  const foreign = [
    { pointer: "/threshold/currency", sum: threshold },
    { pointer: `${pointer}/currency`, sum },
    { pointer: "/limits/perMonth/currency", sum: limits.perMonth },
  ]
    .filter((field) => field.sum.currency !== line.currency)
    .map((field) => ({ pointer: field.pointer, detail: `must be ${line.currency}, the currency of this line` }));
  if (foreign.length > 0) return foreign;

  const problems = topUp.type === "fixed" ? fixedProblems(topUp.amount, line) : targetProblems(topUp.target, threshold, line);
  problems.push(...familyProblems(topUp, limits, line));
  const smallest = topUp.type === "fixed" ? topUp.amount : smallestGap(topUp.target, threshold);
  if (isBelow(limits.perMonth, smallest)) {
    problems.push({ pointer: "/limits/perMonth/amount", detail: `must be at least ${formatMoney(smallest)}, one recharge of this rule` });
  }
  return problems;
}

/** On somebody else's line: what is missing up to a target would tell its balance. */
function familyProblems(topUp: TopUp, { perMonth }: Limits, { lifetimeCap }: LineTerms): Problem[] {
  if (lifetimeCap === undefined) return [];
  const problems: Problem[] = [];
  if (topUp.type === "target")
    problems.push({ pointer: "/topUp/type", detail: 'must be "fixed": this line is not yours, and a target would tell its balance' });
  if (isBelow(lifetimeCap, perMonth)) {
    problems.push({ pointer: "/limits/perMonth/amount", detail: `must be at most ${formatMoney(lifetimeCap)}, all that may ever be charged for this line` });
  }
  return problems;
}

function fixedProblems(amount: Money, line: LineTerms): Problem[] {
  const detail = sumProblem(amount, line);
  return detail === undefined ? [] : [{ pointer: "/topUp/amount/amount", detail }];
}

function targetProblems(target: Money, threshold: Money, { topUpAmounts, most }: LineTerms): Problem[] {
  if (topUpAmounts !== undefined) {
    return [
      {
        pointer: "/topUp/type",
        detail: 'must be "fixed": your carrier adds only certain amounts to this line, and what is missing up to a target is none of them',
      },
    ];
  }
  const pointer = "/topUp/target/amount";
  if (!isBelow(threshold, target)) return [{ pointer, detail: `must be above the threshold of ${formatMoney(threshold)}` }];
  // An empty line lacks all of it.
  if (most !== undefined && target.amount > most) {
    return [{ pointer, detail: `must be at most ${formatMoney(money(most, target.currency))}, the most that can be recharged at once` }];
  }
  const least = smallestCharge(target.currency);
  if (!isBelow(smallestGap(target, threshold), least)) return [];
  return [{ pointer, detail: `must be further above the threshold of ${formatMoney(threshold)}: less than ${formatMoney(least)} cannot be charged` }];
}

/** What a balance that has just fallen below the threshold lacks to the target: a rule must be able to recharge that. */
function smallestGap(target: Money, threshold: Money): Money {
  return topUpAmount({ type: "target", target }, minus(threshold, money(1, threshold.currency)));
}

/** The sum that one recharge charges at this balance; never above a target. */
export function topUpAmount(topUp: TopUp, balance: Money): Money {
  return topUp.type === "fixed" ? topUp.amount : chargeable(minus(topUp.target, balance));
}
