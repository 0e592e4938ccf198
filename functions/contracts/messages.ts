import * as z from "zod/mini";
import { envelopeOf, lowBalanceDetected } from "./events.ts";

/** The schedule's tick, in the queue of `plan-checks` and of `sweep`. */
export const tick = z.object({ scheduledTime: z.iso.datetime() });

/** The queue of `check-balances`: part of a slot, or the rest of one. */
export const checkRequest = z.object({ slot: z.string(), from: z.string(), to: z.string(), page: z.optional(z.string()) });

/** The queue of `recharge`: a wish that it look at a line, or our own event in EventBridge's envelope. */
export const rechargeMessage = z.union([z.object({ iccid: z.string(), judge: z.optional(z.boolean()) }), envelopeOf(lowBalanceDetected)]);
export type RechargeMessage = z.infer<typeof rechargeMessage>;
