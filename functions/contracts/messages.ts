import * as z from "zod/mini";
import type { EraseRequest } from "../domain/ports.ts";
import { envelopeOf, lowBalanceDetected } from "./events.ts";
import { iccid } from "./iccid.ts";

/** The schedule's tick, in the queue of `plan-checks` and of `sweep`. */
export const tick = z.object({ scheduledTime: z.iso.datetime() });

const slotName = z.string().check(z.regex(/^(?:15m|1h|6h|24h)#\d{1,4}$/));
const slotHash = z.string().check(z.regex(/^[0-9a-f]{8}$/));

/** The queue of `check-balances`: part of a slot, or the rest of one. */
export const checkRequest = z.object({ slot: slotName, from: slotHash, to: slotHash, page: z.optional(z.string()) });

/** The queue of `reconcile`: the schedule's tick, which says how often it comes. */
export const reconcileTick = z.object({ scheduledTime: z.iso.datetime(), every: z.enum(["hour", "day"]) });

/** The same queue: a list that is to be gone through, or the rest of one. */
export const reconcileRequest = z.object({
  list: z.enum(["payments", "charges", "refunds", "disputes", "top-ups"]),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  page: z.optional(z.string()),
  pagesDone: z.optional(z.int()),
});
export const reconcileMessage = z.union([reconcileTick, reconcileRequest]);

/** The queue of `erase`: a subscriber who is closing, and how far that has come; or the daily tick, for all of them. */
export const eraseRequest = z.object({
  subscriberId: z.string().check(z.minLength(1)),
  stage: z.optional(z.enum(["lines", "bills", "starts", "account"])),
  since: z.optional(z.iso.datetime()),
  page: z.optional(z.string()),
  tries: z.optional(z.int()),
}) satisfies z.ZodMiniType<EraseRequest>;
export const eraseMessage = z.union([tick, eraseRequest]);
/** The queue of `remind`: the schedule's tick, the rest of its subscribers, or one of them. */
export const remindRequest = z.object({ scheduledTime: z.iso.datetime(), page: z.optional(z.string()), subscriberId: z.optional(z.string()) });

export const rechargeId = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/));
/** Stripe's ids are never longer than 255 characters. Source: https://docs.stripe.com/upgrades */
export const paymentIntentId = z.string().check(z.regex(/^pi_\w{1,252}$/));
export const paymentMethodId = z.string().check(z.regex(/^pm_\w{1,252}$/));

/** The queue of `recharge`: a wish that it look at a line, a payment or a way to pay, or our own event in EventBridge's envelope. */
export const rechargeMessage = z.union([
  z.object({ iccid, judge: z.optional(z.boolean()), again: z.optional(z.iso.datetime()) }),
  z.object({ paymentIntentId, rechargeId: z.optional(rechargeId) }),
  z.object({ paymentMethodId, subscriberId: z.optional(z.string()) }),
  envelopeOf(lowBalanceDetected),
]);
export type RechargeMessage = z.infer<typeof rechargeMessage>;
