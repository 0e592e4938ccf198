import { Stripe } from "stripe";
import * as z from "zod/mini";
import { money } from "../domain/money.ts";
import type { PaymentAnswer, PaymentError, PaymentIntent } from "../domain/payment-outcomes.ts";
import { OutcomeUnknown, type Payments } from "../domain/ports.ts";

export interface StripeAccess {
  readonly secretKey: string;
  /** Another server that speaks Stripe's API, e.g. `http://127.0.0.1:12111`; Stripe itself when missing. */
  readonly baseUrl?: string;
  /** How long one try may stay silent. */
  readonly timeoutMilliseconds?: number;
  readonly httpClient?: Stripe.StripeConfig["httpClient"];
}

/** The SDK sends once more after a reset connection, even when told not to retry: 2 x 10 s, within the 60 s of the recharge function. Its own 80 s is not. */
const TIMEOUT_MILLISECONDS = 10_000;

/** The SDK without retries and telemetry: what to do about a lost answer is decided by the recharge, not here. */
export function stripeClient({ secretKey, baseUrl, timeoutMilliseconds = TIMEOUT_MILLISECONDS, httpClient }: StripeAccess): Stripe {
  const address = baseUrl === undefined ? {} : addressOf(new URL(baseUrl));
  return new Stripe(secretKey, { ...address, timeout: timeoutMilliseconds, maxNetworkRetries: 0, telemetry: false, httpClient });
}

function addressOf({ protocol, hostname, port, pathname }: URL): { protocol: "http" | "https"; host: string; port: string } {
  if ((protocol !== "http:" && protocol !== "https:") || pathname !== "/") throw new Error("Stripe's base URL must be http or https and have no path");
  return protocol === "http:" ? { protocol: "http", host: hostname, port: port || "80" } : { protocol: "https", host: hostname, port: port || "443" };
}

/**
 * Charges saved cards by PaymentIntents; every PaymentIntent carries the rechargeId and the stage in its metadata.
 *
 * Every error that Stripe itself tells of is an answer; domain/payment-outcomes.ts says what it means. That nothing came, or
 * nothing that can be read, is an OutcomeUnknown.
 */
export function stripePayments({ stripe, stage }: { readonly stripe: Stripe; readonly stage: string }): Payments {
  const { paymentIntents } = stripe;
  const retrieve = (paymentIntentId: string) => answerOf(() => paymentIntents.retrieve(paymentIntentId));
  return {
    create: ({ rechargeId, amount, method, idempotencyKey }) =>
      answerOf(() =>
        paymentIntents.create(
          {
            amount: amount.amount,
            currency: amount.currency.toLowerCase(),
            customer: method.customerId,
            payment_method: method.id,
            allowed_payment_method_types: ["card"],
            metadata: { rechargeId, stage },
          },
          { idempotencyKey },
        ),
      ),
    // off_session alone makes an issuer's wish for the cardholder a decline (`authentication_required`), so error_on_requires_action would add nothing.
    // Source: https://docs.stripe.com/payments/save-during-payment#charge-saved-payment-method
    confirm: (paymentIntentId, idempotencyKey) => answerOf(() => paymentIntents.confirm(paymentIntentId, { off_session: true }, { idempotencyKey })),
    retrieve,
    cancel: async (paymentIntentId) => {
      const answer = await answerOf(() => paymentIntents.cancel(paymentIntentId, { cancellation_reason: "abandoned" }));
      // It was canceled or paid before, or is on its way: how it stands is the answer.
      return answer.kind === "refused" && answer.error.code === "payment_intent_unexpected_state" ? retrieve(paymentIntentId) : answer;
    },
  };
}

const stripeError = z.object({
  type: z.string(),
  code: z.nullish(z.string()),
  decline_code: z.nullish(z.string()),
  advice_code: z.nullish(z.string()),
  param: z.nullish(z.string()),
});

const stripeIntent = z.object({
  id: z.string().check(z.startsWith("pi_")),
  status: z.string(),
  amount: z.int(),
  currency: z.string(),
  amount_received: z.int(),
  last_payment_error: z.nullish(stripeError),
});

async function answerOf(call: () => Promise<unknown>): Promise<PaymentAnswer> {
  let reply: unknown;
  try {
    reply = await call();
  } catch (fault) {
    return { kind: "refused", error: refusalOf(fault) };
  }
  const intent = stripeIntent.safeParse(reply);
  if (!intent.success) throw new OutcomeUnknown("Stripe's reply is not a PaymentIntent", { cause: intent.error });
  return { kind: "intent", intent: toIntent(intent.data) };
}

/** What Stripe refused and why. Throws what is no answer of Stripe's: a broken connection, a time-out, a page of a proxy. */
function refusalOf(fault: unknown): PaymentError {
  if (fault instanceof Stripe.errors.StripeError && fault.statusCode !== undefined) {
    const error = stripeError.safeParse(fault.raw);
    if (error.success) return { ...toError(error.data), status: fault.statusCode };
  }
  throw new OutcomeUnknown("Stripe gave no clear answer", { cause: fault });
}

function toError({ type, code, decline_code, advice_code, param }: z.output<typeof stripeError>): PaymentError {
  return { type, code: code ?? undefined, declineCode: decline_code ?? undefined, adviceCode: advice_code ?? undefined, param: param ?? undefined };
}

function toIntent(intent: z.output<typeof stripeIntent>): PaymentIntent {
  return {
    id: intent.id,
    status: intent.status,
    amount: money(intent.amount, intent.currency.toUpperCase()),
    amountReceived: intent.amount_received,
    lastError: intent.last_payment_error ? toError(intent.last_payment_error) : undefined,
  };
}
