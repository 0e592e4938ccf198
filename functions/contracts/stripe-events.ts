import * as z from "zod/mini";
import { paymentIntentId } from "./messages.ts";
import type { Routes } from "./route.ts";

const metadata = z.nullish(z.record(z.string(), z.string()));

function event<const Types extends readonly string[], Shape extends z.core.$ZodShape>(types: Types, object: Shape) {
  return z.object({ type: z.enum(types), data: z.object({ object: z.object(object) }) });
}

/**
 * The events of Stripe's that we listen to, and what we read of them: only of what they tell, as the object itself is then asked for.
 *
 * There is none for a card that is about to expire. Source: https://docs.stripe.com/api/events/types
 */
export const stripeEvent = z.discriminatedUnion("type", [
  event(
    ["payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing", "payment_intent.requires_action"],
    { object: z.literal("payment_intent"), id: paymentIntentId, metadata },
  ),
  event(["charge.refunded", "refund.created", "refund.updated", "refund.failed", "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"], {
    object: z.enum(["charge", "refund", "dispute"]),
    payment_intent: z.nullish(paymentIntentId),
    metadata,
  }),
  event(["payment_method.detached", "payment_method.updated", "payment_method.automatically_updated"], {
    object: z.literal("payment_method"),
    id: z.string(),
  }),
  // Its payer took back at Alipay what they had authorised, or authorised it again.
  event(["mandate.updated"], { object: z.literal("mandate"), payment_method: z.string() }),
]);
export type StripeEvent = z.infer<typeof stripeEvent>;

/** What an endpoint at Stripe has to be told to send. */
export const STRIPE_EVENT_TYPES = stripeEvent.def.options.flatMap((option) => option.def.shape.type.options);

export const stripeWebhookRoutes = {
  receiveStripeEvent: {
    method: "POST",
    path: "/webhooks/stripe",
    function: "stripe-webhook",
    summary: "Take an event of Stripe's",
    description: "For Stripe alone, which signs what it sends. Events of other types are taken and left alone.",
    headers: ["stripe-signature"],
    body: z.looseObject({ type: z.string() }),
    replies: { 200: { says: "It was taken." } },
    problems: ["not-from-stripe", "unreadable-event", "body-too-large", "webhooks-not-set-up"],
  },
} as const satisfies Routes;
