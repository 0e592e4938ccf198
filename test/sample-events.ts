import type { DomainEvent, EventName, LineEvent } from "../functions/domain/events.ts";
import { cny, ICCID, NOW, SUBSCRIBER } from "./builders.ts";

function happened<Name extends LineEvent["name"]>(name: Name) {
  return { name, id: `id/${name}`, version: 1, at: NOW, iccid: ICCID, subscriberId: SUBSCRIBER } as const;
}

const recharge = { rechargeId: "r-1", amount: cny(5000), origin: "backup" } as const;

/** One of each kind, with every field that it can have: a new kind or field that is missing here does not compile. */
export const SAMPLE_EVENTS: { readonly [Name in EventName]: Required<Extract<DomainEvent, { name: Name }>> } = {
  LowBalanceDetected: { ...happened("LowBalanceDetected"), balance: cny(-1), readAt: NOW, cycle: 7, check: "check-1" },
  RechargeSucceeded: { ...happened("RechargeSucceeded"), ...recharge },
  RechargeDeclined: { ...happened("RechargeDeclined"), ...recharge, reason: "insufficient_funds", nextTryAt: NOW },
  RechargeCancelled: { ...happened("RechargeCancelled"), ...recharge, reason: "rule-changed" },
  RechargeNeedsReview: { ...happened("RechargeNeedsReview"), ...recharge, reason: "carrier-unclear" },
  RechargeActionRequired: { ...happened("RechargeActionRequired"), ...recharge, expiresAt: NOW, isReminder: true },
  RechargeAnnounced: { ...happened("RechargeAnnounced"), ...recharge, chargeAt: NOW },
  RechargeExpired: { ...happened("RechargeExpired"), ...recharge },
  RechargeRefunded: { ...happened("RechargeRefunded"), ...recharge, reason: "line-closed" },
  RechargeAdjusted: { ...happened("RechargeAdjusted"), ...recharge, kind: "dispute-opened", objectId: "du_1" },
  BillAdjusted: {
    name: "BillAdjusted",
    id: `r-1/BillAdjusted/du_1/dispute-opened`,
    version: 1,
    at: NOW,
    rechargeId: "r-1",
    amount: cny(5000),
    kind: "dispute-opened",
    objectId: "du_1",
  },
  RuleSaved: { ...happened("RuleSaved"), ruleVersion: 3 },
  RulePaused: { ...happened("RulePaused"), ruleVersion: 3 },
  RuleSuspended: { ...happened("RuleSuspended"), ruleVersion: 3, reason: "declined-too-often" },
  RuleDeleted: { ...happened("RuleDeleted"), ruleVersion: 3 },
  CapReached: { ...happened("CapReached"), limit: "perMonth", perMonth: cny(20_000), timesPerDay: 3, balance: cny(0), until: NOW },
  PaymentMethodExpiring: {
    name: "PaymentMethodExpiring",
    id: "pm_1/2026-12/30",
    version: 1,
    at: NOW,
    subscriberId: SUBSCRIBER,
    paymentMethodId: "pm_1",
    brand: "visa",
    lastFour: "4242",
    expiry: { month: 12, year: 2026 },
    daysLeft: 30,
  },
  MonthEnded: {
    name: "MonthEnded",
    id: "sub-ada/month/2026-10",
    version: 1,
    at: NOW,
    subscriberId: SUBSCRIBER,
    month: "2026-10",
    totals: [{ recharges: 3, charged: cny(15_000) }],
  },
  ReconciliationBreakFound: {
    name: "ReconciliationBreakFound",
    id: "break/pi_1",
    version: 1,
    at: NOW,
    kind: "charge-without-record",
    objectId: "pi_1",
    rechargeId: "r-1",
    mended: false,
    detail: "Nothing of ours knows of this charge.",
  },
};
