import type { NoticedEvent } from "../../functions/contracts/events.ts";
import type { AdjustmentKind } from "../../functions/domain/events.ts";
import type { SuspensionReason } from "../../functions/domain/rule.ts";
import { cny, ICCID, SUBSCRIBER } from "../builders.ts";

/** One notice of each kind, as subscribers get them; the tests read them, and `npm run notices` draws them. */

const RECHARGE = "8a4f2b1e-0c3d-4e5f-8a9b-0c1d2e3f4a5b";
const happened = { version: 1, at: "2026-11-23T08:00:00.000Z", subscriberId: SUBSCRIBER } as const;
const ofLine = { ...happened, iccid: ICCID };
const ofRecharge = { ...ofLine, rechargeId: RECHARGE, amount: cny(5000) };
/** In Shanghai 17:30 on the same day; in UTC 09:30. */
export const HALF_PAST_NINE = "2026-11-23T09:30:00.000Z";

type Named<Name extends NoticedEvent["name"]> = Extract<NoticedEvent, { name: Name }>;

export const succeeded: Named<"RechargeSucceeded"> = { ...ofRecharge, name: "RechargeSucceeded", id: `${RECHARGE}/RechargeSucceeded` };
export function declined(reason: string, nextTryAt?: string): Named<"RechargeDeclined"> {
  return { ...ofRecharge, name: "RechargeDeclined", id: `${RECHARGE}/RechargeDeclined`, reason, nextTryAt };
}
export function cancelled(reason: string): Named<"RechargeCancelled"> {
  return { ...ofRecharge, name: "RechargeCancelled", id: `${RECHARGE}/RechargeCancelled`, reason };
}
export function actionRequired(isReminder: boolean): Named<"RechargeActionRequired"> {
  return { ...ofRecharge, name: "RechargeActionRequired", id: `${RECHARGE}/RechargeActionRequired/${isReminder}`, expiresAt: HALF_PAST_NINE, isReminder };
}
export const announced: Named<"RechargeAnnounced"> = {
  ...ofRecharge,
  name: "RechargeAnnounced",
  id: `${RECHARGE}/RechargeAnnounced`,
  chargeAt: HALF_PAST_NINE,
};
export const expired: Named<"RechargeExpired"> = { ...ofRecharge, name: "RechargeExpired", id: `${RECHARGE}/RechargeExpired` };
export const refunded: Named<"RechargeRefunded"> = { ...ofRecharge, name: "RechargeRefunded", id: `${RECHARGE}/RechargeRefunded`, reason: "line-closed" };
export function adjusted(kind: AdjustmentKind): Named<"RechargeAdjusted"> {
  return { ...ofRecharge, name: "RechargeAdjusted", id: `${RECHARGE}/RechargeAdjusted/${kind}`, kind, amount: cny(2000), objectId: "re_3MtwBwLkdIwHu7ix" };
}
export function inReview(reason: string): Named<"RechargeNeedsReview"> {
  return { ...ofRecharge, name: "RechargeNeedsReview", id: `${RECHARGE}/RechargeNeedsReview`, reason };
}
export function suspended(reason: SuspensionReason): Named<"RuleSuspended"> {
  return { ...ofLine, name: "RuleSuspended", id: `suspended/${reason}`, ruleVersion: 2, reason };
}
export function capReached(limit: "perMonth" | "timesPerDay"): Named<"CapReached"> {
  return {
    ...ofLine,
    name: "CapReached",
    id: `cap/${limit}`,
    limit,
    perMonth: cny(20_000),
    timesPerDay: 3,
    balance: cny(-777),
    until: "2026-11-30T16:00:00.000Z",
  };
}
export const expiring: Named<"PaymentMethodExpiring"> = {
  ...happened,
  name: "PaymentMethodExpiring",
  id: "pm_1NvRvJ2eZvKYlo2C/2026-12/30",
  paymentMethodId: "pm_1NvRvJ2eZvKYlo2C",
  brand: "visa",
  lastFour: "4242",
  expiry: { month: 12, year: 2026 },
  daysLeft: 30,
};
export const monthEnded: Named<"MonthEnded"> = {
  ...happened,
  name: "MonthEnded",
  id: "sub-ada/month/2026-10",
  month: "2026-10",
  totals: [
    { recharges: 3, charged: cny(15_000) },
    { recharges: 1, charged: { amount: 1200, currency: "JPY" } },
  ],
};

export const KINDS: readonly AdjustmentKind[] = ["refunded", "refund-failed", "dispute-opened", "dispute-won", "dispute-lost", "paid-after-end"];
export const SUSPENSIONS: readonly SuspensionReason[] = [
  "card-refused-for-good",
  "declined-too-often",
  "line-not-yours",
  "currency-changed",
  "payment-method-gone",
  "amount-not-offered",
  "carrier-refused",
  "payment-disputed",
  "paused-by-operator",
];

export const SAMPLE_NOTICES: readonly NoticedEvent[] = [
  succeeded,
  announced,
  actionRequired(false),
  declined("insufficient_funds", HALF_PAST_NINE),
  declined("lost_card"),
  actionRequired(true),
  expired,
  cancelled("rule-changed"),
  refunded,
  inReview("carrier-unclear"),
  ...KINDS.map(adjusted),
  capReached("perMonth"),
  capReached("timesPerDay"),
  suspended("declined-too-often"),
  expiring,
  monthEnded,
];

/** Where these say what to do, they lead there. */
export function linkIn(event: NoticedEvent): string | undefined {
  const leads = event.name === "RechargeActionRequired" || event.name === "RechargeAnnounced";
  return leads ? "https://recharge.example.com/pay/cmVjaGFyZ2U.c2lnbmVk" : undefined;
}
