import type { Origin } from "./esim.ts";
import type { Iccid } from "./iccid.ts";
import type { Money } from "./money.ts";
import type { SuspensionReason } from "./rule.ts";
import type { Instant } from "./time.ts";

/** What every event says. Ids are made of facts, so that a consumer can drop repeats; `version` is that of the detail's shape. */
interface Happened<Name extends string> {
  readonly name: Name;
  readonly id: string;
  readonly version: 1;
  readonly at: Instant;
  readonly iccid: Iccid;
  readonly subscriberId: string;
}

/** The checker saw a line below its rule's threshold. Only a report: the recharge function judges the line again. */
export interface LowBalanceDetected extends Happened<"LowBalanceDetected"> {
  readonly balance: Money;
  readonly readAt: Instant;
  readonly cycle: number;
  /** Random: names this check in the logs, at Stripe and on the bill of what comes of it. */
  readonly check?: string;
}

interface OfRecharge {
  readonly rechargeId: string;
  readonly amount: Money;
  /** Missing: its rule wanted it. */
  readonly origin?: Origin;
}

/** Charged and credited. */
export interface RechargeSucceeded extends Happened<"RechargeSucceeded">, OfRecharge {}

/** The way to pay was refused; nothing was taken. `nextTryAt` is missing when there will be none by itself. */
export interface RechargeDeclined extends Happened<"RechargeDeclined">, OfRecharge {
  readonly reason: string;
  readonly nextTryAt?: Instant;
}

/** Nothing was taken, and not because of the card. */
export interface RechargeCancelled extends Happened<"RechargeCancelled">, OfRecharge {
  readonly reason: string;
}

/** The customer has to act before `expiresAt`: nothing is taken until then. Told once, and once more as a reminder. */
export interface RechargeActionRequired extends Happened<"RechargeActionRequired">, OfRecharge {
  readonly expiresAt: Instant;
  readonly isReminder: boolean;
}

/** The customer did not act in time; nothing was taken, and nothing can be any more. */
export interface RechargeExpired extends Happened<"RechargeExpired">, OfRecharge {}

/** Charged, finally refused by the carrier (`reason` is its code), and given back in full. */
export interface RechargeRefunded extends Happened<"RechargeRefunded">, OfRecharge {
  readonly reason: string;
}

/** Nobody can tell how the recharge stands, or money was taken and the carrier refused: a person has to look. Said again every day, under the same id, until it is resolved. */
export interface RechargeNeedsReview extends Happened<"RechargeNeedsReview">, OfRecharge {
  readonly reason: string;
}

/** What can happen to the payment of a recharge after its end. `paid-after-end`: money came in for a recharge that had ended unpaid; it is given back. */
export type AdjustmentKind = "refunded" | "refund-failed" | "dispute-opened" | "dispute-won" | "dispute-lost" | "paid-after-end";

/** Something happened to the payment of an ended recharge; its bill stays as it is. `amount` is what the fact is about, not the recharge's. */
export interface RechargeAdjusted extends Happened<"RechargeAdjusted">, OfRecharge {
  readonly kind: AdjustmentKind;
  /** Stripe's refund, dispute or PaymentIntent. */
  readonly objectId: string;
}

/** The payer asked to be told before each charge: it comes at `chargeAt`, unless they skip it, the rule changes or the line is not low any more by then. */
export interface RechargeAnnounced extends Happened<"RechargeAnnounced">, OfRecharge {
  readonly chargeAt: Instant;
}

interface OfRule {
  readonly ruleVersion: number;
}

export interface RuleSaved extends Happened<"RuleSaved">, OfRule {}
export interface RulePaused extends Happened<"RulePaused">, OfRule {}
export interface RuleSuspended extends Happened<"RuleSuspended">, OfRule {
  readonly reason: SuspensionReason;
}
export interface RuleDeleted extends Happened<"RuleDeleted">, OfRule {}

/** The line is low, and a limit of its rule leaves no room for another recharge; said once per month, or per day. */
export interface CapReached extends Happened<"CapReached"> {
  readonly limit: "perMonth" | "timesPerDay";
  readonly perMonth: Money;
  readonly timesPerDay: number;
  /** Missing where the line is somebody else's. */
  readonly balance?: Money;
  readonly until: Instant;
}

/** What concerns a subscriber and none of their lines. */
interface Concerned<Name extends string> {
  readonly name: Name;
  readonly id: string;
  readonly version: 1;
  readonly at: Instant;
  readonly subscriberId: string;
}

/** A saved card ends soon: told 30 and 7 days before the end of its last month. */
export interface PaymentMethodExpiring extends Concerned<"PaymentMethodExpiring"> {
  readonly paymentMethodId: string;
  readonly brand: string;
  readonly lastFour: string;
  /** The last month in which it can be used. */
  readonly expiry: { readonly month: number; readonly year: number };
  readonly daysLeft: number;
}

/** What a subscriber's recharges of a month came to, by the calendar of their time zone; `month` as in 2026-11. */
export interface MonthEnded extends Concerned<"MonthEnded"> {
  readonly month: string;
  /** How many were charged and credited, and what was charged less what was given back; one entry per currency. */
  readonly totals: readonly { readonly recharges: number; readonly charged: Money }[];
}

/** Our records, Stripe's and the carrier's do not agree. About the books, not about one subscriber, so it names no line. */
export interface ReconciliationBreakFound {
  readonly name: "ReconciliationBreakFound";
  readonly id: string;
  readonly version: 1;
  readonly at: Instant;
  /** Which of the kinds of docs/runbook.md#reconciliation-breaks. */
  readonly kind: string;
  /** What it is about, at Stripe (`pi_...`, `ch_...`, `re_...`), the carrier or here. */
  readonly objectId: string;
  readonly rechargeId?: string;
  /** Whether it was mended already, because mending was certain. */
  readonly mended: boolean;
  readonly detail: string;
}

/** Something happened to the payment of a recharge of which only its bill is left, as whoever paid it has closed their account: names neither them nor a line. As `RechargeAdjusted` else. */
export interface BillAdjusted {
  readonly name: "BillAdjusted";
  readonly id: string;
  readonly version: 1;
  readonly at: Instant;
  readonly rechargeId: string;
  readonly amount: Money;
  readonly kind: AdjustmentKind;
  readonly objectId: string;
}

/** What a line's outbox may hold. */
export type LineEvent =
  | LowBalanceDetected
  | RechargeSucceeded
  | RechargeDeclined
  | RechargeCancelled
  | RechargeActionRequired
  | RechargeAnnounced
  | RechargeExpired
  | RechargeRefunded
  | RechargeAdjusted
  | RechargeNeedsReview
  | RuleSaved
  | RulePaused
  | RuleSuspended
  | RuleDeleted
  | CapReached;

export type SubscriberEvent = PaymentMethodExpiring | MonthEnded;

export type DomainEvent = LineEvent | SubscriberEvent | BillAdjusted | ReconciliationBreakFound;

export type EventName = DomainEvent["name"];
