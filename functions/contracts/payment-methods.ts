import * as z from "zod/mini";

/** POST /v1/payment-methods/setup-intents: with the secret Stripe's own fields in the browser or app save a card; no card number comes to us. */
export const setupIntentReply = z.object({ setupIntentId: z.string(), clientSecret: z.string() });

const TYPES = ["card", "alipay", "wechat_pay"] as const;

const setupIntentId = z
  .string({ error: "must be the setupIntentId that POST /v1/payment-methods/setup-intents gave, e.g. seti_1Nv0FG" })
  .check(z.regex(/^seti_\w{1,100}$/, { error: "must be the setupIntentId that POST /v1/payment-methods/setup-intents gave, e.g. seti_1Nv0FG" }));

/** POST /v1/payment-methods. A card names the SetupIntent by which its owner entered it. */
export const newPaymentMethodBody = z
  .strictObject(
    { type: z.enum(TYPES, { error: 'must be "card", "alipay" or "wechat_pay"' }), setupIntentId: z.optional(setupIntentId) },
    { error: 'must be { "type": "card", "setupIntentId": "seti_..." }, { "type": "alipay" } or { "type": "wechat_pay" }' },
  )
  .check(
    z.superRefine(({ type, setupIntentId: given }, context) => {
      if ((type === "card") === (given !== undefined)) return;
      const message = type === "card" ? "must be given for a card: what POST /v1/payment-methods/setup-intents gave" : "is only for a card";
      context.addIssue({ code: "custom", path: ["setupIntentId"], message });
    }),
  );
export type NewPaymentMethodBody = z.infer<typeof newPaymentMethodBody>;

/** A saved way to pay. Alipay and WeChat Pay cannot be charged with the customer away: each recharge is a request that they confirm. */
export const paymentMethodReply = z.object({
  paymentMethodId: z.string(),
  type: z.enum(TYPES),
  brand: z.string(),
  /** Empty where there is no number. */
  lastFour: z.string(),
  /** The last month in which a card can be used. */
  expiry: z.optional(z.object({ month: z.int(), year: z.int() })),
});
export const paymentMethodsReply = z.object({ data: z.array(paymentMethodReply) });
