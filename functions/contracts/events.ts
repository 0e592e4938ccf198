import * as z from "zod/mini";
import type { DomainEvent, EventName, LineEvent, SubscriberEvent } from "../domain/events.ts";
import { balance as anyMoney } from "./money.ts";

/** The bus and the source of everything we publish. */
export const EVENT_SOURCE = "auto-recharge";

const at = z.iso.datetime();

function happened<Name extends EventName, Fields extends z.core.$ZodLooseShape>(name: Name, fields: Fields) {
  return z.object({ name: z.literal(name), id: z.string(), version: z.literal(1), at, iccid: z.string(), subscriberId: z.string(), ...fields });
}

/** The same for what concerns none of their lines. */
function concerned<Name extends EventName, Fields extends z.core.$ZodLooseShape>(name: Name, fields: Fields) {
  return z.object({ name: z.literal(name), id: z.string(), version: z.literal(1), at, subscriberId: z.string(), ...fields });
}

const recharge = { rechargeId: z.string(), amount: anyMoney, origin: z.optional(z.enum(["payer", "backup"])) };
const adjustment = {
  kind: z.enum(["refunded", "refund-failed", "dispute-opened", "dispute-won", "dispute-lost", "paid-after-end"]),
  objectId: z.string(),
};
const rule = { ruleVersion: z.int() };
const suspensionReason = z.enum([
  "card-refused-for-good",
  "declined-too-often",
  "line-not-yours",
  "currency-changed",
  "payment-method-gone",
  "amount-not-offered",
  "carrier-refused",
  "payment-disputed",
  "paused-by-operator",
  "family-ended",
  "family-limit-reached",
]);

/** The details of our events. Unknown fields are let through: a later version may say more. */
export const lowBalanceDetected = happened("LowBalanceDetected", { balance: anyMoney, readAt: at, cycle: z.int(), check: z.optional(z.string()) });

/** Those of them that tell the subscriber something about a line. */
const noticedLineEvent = z.discriminatedUnion("name", [
  happened("RechargeSucceeded", recharge),
  happened("RechargeDeclined", { ...recharge, reason: z.string(), nextTryAt: z.optional(at) }),
  happened("RechargeCancelled", { ...recharge, reason: z.string() }),
  happened("RechargeActionRequired", { ...recharge, expiresAt: at, isReminder: z.boolean() }),
  happened("RechargeAnnounced", { ...recharge, chargeAt: at }),
  happened("RechargeExpired", recharge),
  happened("RechargeRefunded", { ...recharge, reason: z.string() }),
  happened("RechargeAdjusted", { ...recharge, ...adjustment }),
  happened("RechargeNeedsReview", { ...recharge, reason: z.string() }),
  happened("RuleSuspended", { ...rule, reason: suspensionReason }),
  happened("CapReached", { limit: z.enum(["perMonth", "timesPerDay"]), perMonth: anyMoney, timesPerDay: z.int(), balance: z.optional(anyMoney), until: at }),
]);

const subscriberEvent = z.discriminatedUnion("name", [
  concerned("PaymentMethodExpiring", {
    paymentMethodId: z.string(),
    brand: z.string(),
    lastFour: z.string(),
    expiry: z.object({ month: z.int(), year: z.int() }),
    daysLeft: z.int(),
  }),
  concerned("MonthEnded", { month: z.string(), totals: z.readonly(z.array(z.readonly(z.object({ recharges: z.int(), charged: anyMoney })))) }),
]) satisfies z.ZodMiniType<SubscriberEvent>;

/** The events that tell the subscriber something: `notify` gets these and no others. */
export const noticedEvent = z.discriminatedUnion("name", [noticedLineEvent, subscriberEvent]);
export type NoticedEvent = z.infer<typeof noticedEvent>;

const billAdjusted = z.object({
  name: z.literal("BillAdjusted"),
  id: z.string(),
  version: z.literal(1),
  at,
  rechargeId: z.string(),
  amount: anyMoney,
  ...adjustment,
});

export const reconciliationBreakFound = z.object({
  name: z.literal("ReconciliationBreakFound"),
  id: z.string(),
  version: z.literal(1),
  at,
  kind: z.string(),
  objectId: z.string(),
  rechargeId: z.optional(z.string()),
  mended: z.boolean(),
  detail: z.string(),
});

/** What a line's outbox holds. */
export const lineEvent = z.discriminatedUnion("name", [
  lowBalanceDetected,
  noticedLineEvent,
  happened("RuleSaved", rule),
  happened("RulePaused", rule),
  happened("RuleDeleted", rule),
]) satisfies z.ZodMiniType<LineEvent>;

export const domainEvent = z.discriminatedUnion("name", [
  lineEvent,
  subscriberEvent,
  billAdjusted,
  reconciliationBreakFound,
]) satisfies z.ZodMiniType<DomainEvent>;

/** Their names, for the rule on the bus that feeds `notify`. */
export const NOTICED_EVENTS = [
  ...noticedLineEvent.def.options.flatMap((option) => [...option.def.shape.name.def.values]),
  ...subscriberEvent.def.options.flatMap((option) => [...option.def.shape.name.def.values]),
];

/** What EventBridge puts around a detail. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
export function envelopeOf<Detail extends z.core.$ZodType>(detail: Detail) {
  return z.object({ source: z.literal(EVENT_SOURCE), "detail-type": z.string(), detail });
}
