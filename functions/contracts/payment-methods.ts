import * as z from "zod/mini";
import type { MethodUse } from "../domain/method-uses.ts";
import { ASKS_OUTSIDE, type SubscriberRoutes } from "./route.ts";

/** With the secret Stripe's own fields in the browser or app save a card; no card number comes to us. */
export const setupIntentReply = z.object({ setupIntentId: z.string(), clientSecret: z.string() }).register(z.globalRegistry, { id: "SetupIntent" });

const TYPES = ["card", "alipay", "wechat_pay"] as const;

const setupIntentId = z
  .string({ error: "must be the setupIntentId that POST /v1/payment-methods/setup-intents gave, e.g. seti_1Nv0FG" })
  .check(z.regex(/^seti_\w{1,100}$/, { error: "must be the setupIntentId that POST /v1/payment-methods/setup-intents gave, e.g. seti_1Nv0FG" }));

/** A card names the SetupIntent by which its owner entered it; so does an Alipay that may be charged with its owner away. */
export const newPaymentMethodBody = z
  .strictObject(
    { type: z.enum(TYPES, { error: 'must be "card", "alipay" or "wechat_pay"' }), setupIntentId: z.optional(setupIntentId) },
    { error: 'must be { "type": "card", "setupIntentId": "seti_..." }, { "type": "alipay" }, with a setupIntentId or without, or { "type": "wechat_pay" }' },
  )
  .check(
    z.superRefine(({ type, setupIntentId: given }, context) => {
      if (type === "alipay" || (type === "card") === (given !== undefined)) return;
      const message = type === "card" ? "must be given for a card: what POST /v1/payment-methods/setup-intents gave" : "is only for a card or Alipay";
      context.addIssue({ code: "custom", path: ["setupIntentId"], message });
    }),
  )
  .register(z.globalRegistry, {
    id: "NewPaymentMethod",
    description:
      "`setupIntentId` must be given for a card, and never for WeChat Pay. Alipay with it is charged by itself, where the operator offers that; without it, it asks each time.",
  });
export type NewPaymentMethodBody = z.infer<typeof newPaymentMethodBody>;

const USES = { default: "default", backup: "backup", none: "none" } as const satisfies { readonly [Use in MethodUse]: Use };

export const methodUseBody = z.strictObject(
  { use: z.enum(USES, { error: 'must be "default", "backup" or "none"' }) },
  { error: 'must be { "use": "default" }, { "use": "backup" } or { "use": "none" }' },
);
export type MethodUseBody = z.infer<typeof methodUseBody>;

/** A saved way to pay. WeChat Pay, and an Alipay that was not set up for it, cannot be charged with the customer away. */
export const paymentMethodReply = z
  .object({
    paymentMethodId: z.string(),
    type: z.enum(TYPES),
    brand: z.string(),
    lastFour: z.string().check(z.describe("Empty where there is no number")),
    asksEachTime: z.boolean().check(z.describe("It cannot be charged with the customer away: each recharge is a request that they confirm")),
    use: z
      .enum(USES)
      .check(z.describe("Rules that name no way to pay take the default; the backup is tried once, at once, where another is declined and may be tried again")),
    expiry: z.optional(z.object({ month: z.int(), year: z.int() }).check(z.describe("The last month in which a card can be used"))),
  })
  .register(z.globalRegistry, {
    id: "PaymentMethod",
    description:
      "A card can be charged with its owner away, and so can an Alipay that was set up for it. With WeChat Pay, and with any other Alipay, each recharge is a request that the customer confirms.",
  });

/**
 * Whoever tests stolen card numbers saves one after the other: Stripe asks each card's bank. A person who mistypes needs a few tries.
 *
 * Source: https://docs.stripe.com/disputes/prevention/card-testing
 */
const CARD_TRIES_PER_HOUR = 10;

export const paymentMethodRoutes = {
  beginSetup: {
    method: "POST",
    path: "/v1/payment-methods/setup-intents",
    scope: "payment-methods:write",
    function: "payment-methods",
    limit: { perHour: CARD_TRIES_PER_HOUR },
    summary: "Begin to save a card",
    description:
      "Its owner then enters the card in Stripe's own fields, with the client secret, and POST /v1/payment-methods saves it. No card number comes to us.",
    replies: { 201: { says: "What Stripe's fields in the browser or app need.", body: setupIntentReply } },
    problems: ["account-closing", "too-many-payment-methods"],
  },
  beginAlipaySetup: {
    method: "POST",
    path: "/v1/payment-methods/setup-intents/alipay",
    scope: "payment-methods:write",
    function: "payment-methods",
    limit: { perHour: CARD_TRIES_PER_HOUR },
    summary: "Begin to save an Alipay that may be charged with its owner away",
    description:
      "Stripe's library (`confirmSetup`, with a `return_url`) then leads its owner to Alipay, who authorises such charges there and comes back; and POST /v1/payment-methods saves it. Only where the operator offers that: else Alipay asks each time.",
    replies: { 201: { says: "What Stripe's library in the browser or app needs.", body: setupIntentReply } },
    problems: ["account-closing", "alipay-asks-each-time", "too-many-payment-methods"],
  },
  addPaymentMethod: {
    method: "POST",
    path: "/v1/payment-methods",
    scope: "payment-methods:write",
    function: "payment-methods",
    limit: { perHour: 2 * CARD_TRIES_PER_HOUR },
    summary: "Save a way to pay",
    description:
      "The same card is saved once. Entered again with a later expiry it was renewed: it is saved beside the old one, and takes its place as the default or the backup. Rules keep the old one until they are changed. An Alipay that may be charged with its owner away is saved once, as long as its authorisation stands: who wants another account removes the first.",
    body: newPaymentMethodBody,
    replies: {
      200: { says: "The same way to pay was saved before: this one.", body: paymentMethodReply },
      201: { says: "The way to pay that was saved.", body: paymentMethodReply },
    },
    problems: ["account-closing", "alipay-asks-each-time", "no-such-setup", "setup-not-finished", "payment-method-gone", "too-many-payment-methods"],
  },
  listPaymentMethods: {
    method: "GET",
    path: "/v1/payment-methods",
    scope: "payment-methods:read",
    function: "payment-methods",
    summary: "List my ways to pay",
    replies: { 200: { says: "All of them.", body: z.object({ data: z.array(paymentMethodReply) }) } },
    problems: [],
  },
  setPaymentMethodUse: {
    method: "PATCH",
    path: "/v1/payment-methods/{paymentMethodId}",
    scope: "payment-methods:write",
    function: "payment-methods",
    summary: "Make a way to pay the default or the backup",
    description:
      "It takes the place of the one that was used so before, and is never both. What asks each time (`asksEachTime`) cannot be a backup, as it cannot be charged with the customer away. Rules that were saved keep their way to pay, and none is resumed.",
    body: methodUseBody,
    replies: { 200: { says: "The way to pay as it is now.", body: paymentMethodReply } },
    problems: ["not-found", "account-closing", "cannot-be-backup"],
  },
  removePaymentMethod: {
    method: "DELETE",
    path: "/v1/payment-methods/{paymentMethodId}",
    scope: "payment-methods:write",
    function: "payment-methods",
    limit: ASKS_OUTSIDE,
    summary: "Remove a way to pay",
    description: "Nothing can be charged by it any more. Rules that use it are suspended.",
    replies: { 204: { says: "It is removed." } },
    problems: ["not-found", "payment-method-in-use"],
  },
} as const satisfies SubscriberRoutes;
