import * as z from "zod/mini";
import { envelopeOf, lowBalanceDetected } from "./events.ts";
import { iccid } from "./rules.ts";

/** The schedule's tick, in the queue of `plan-checks` and of `sweep`. */
export const tick = z.object({ scheduledTime: z.iso.datetime() });

const slotName = z.string().check(z.regex(/^(?:15m|1h|6h|24h)#\d{1,4}$/));
const slotHash = z.string().check(z.regex(/^[0-9a-f]{8}$/));

/** The queue of `check-balances`: part of a slot, or the rest of one. */
export const checkRequest = z.object({ slot: slotName, from: slotHash, to: slotHash, page: z.optional(z.string()) });

/** The queue of `recharge`: a wish that it look at a line, or our own event in EventBridge's envelope. */
export const rechargeMessage = z.union([z.object({ iccid, judge: z.optional(z.boolean()) }), envelopeOf(lowBalanceDetected)]);
export type RechargeMessage = z.infer<typeof rechargeMessage>;
