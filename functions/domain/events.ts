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
}

interface OfRecharge {
  readonly rechargeId: string;
  readonly amount: Money;
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

/** Nobody can tell how the recharge stands, or money was taken and the carrier refused: a person has to look. */
export interface RechargeNeedsReview extends Happened<"RechargeNeedsReview">, OfRecharge {
  readonly reason: string;
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
  readonly balance: Money;
  readonly until: Instant;
}

export type DomainEvent =
  | LowBalanceDetected
  | RechargeSucceeded
  | RechargeDeclined
  | RechargeCancelled
  | RechargeNeedsReview
  | RuleSaved
  | RulePaused
  | RuleSuspended
  | RuleDeleted
  | CapReached;

export type EventName = DomainEvent["name"];
