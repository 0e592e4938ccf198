import { Stripe } from "stripe";
import * as z from "zod/mini";
import { methodType, type SavedMethod } from "../domain/esim.ts";
import { type Money, money } from "../domain/money.ts";
import type { Dispute, PaymentAnswer, PaymentError, PaymentIntent, Refund } from "../domain/payment-outcomes.ts";
import { OutcomeUnknown, type Payments } from "../domain/ports.ts";
import { epochMilliseconds, instant } from "../domain/time.ts";

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

/** Stripe's largest page. */
const PAGE_SIZE = 100;
/** A customer with hundreds of lines may have had hundreds of recharges since; a list that goes on after this is no answer. */
const MOST_LISTED = 1000;

/**
 * Charges saved cards, and asks customers to pay, by PaymentIntents; each carries the rechargeId and the stage in its metadata.
 *
 * Every error that Stripe itself tells of is an answer; domain/payment-outcomes.ts says what it means. That nothing came, or
 * nothing that can be read, is an OutcomeUnknown. To lists and look-ups an error is one, too: they have found nothing out.
 */
export function stripePayments({ stripe, stage }: { readonly stripe: Stripe; readonly stage: string }): Payments {
  const { paymentIntents, refunds, disputes } = stripe;

  async function answerOf(call: () => Promise<unknown>): Promise<PaymentAnswer> {
    const answer = await ask(call);
    return answer.kind === "refused" ? answer : { kind: "intent", intent: toIntent(read(stripeIntent, answer.reply)) };
  }

  function toIntent({ metadata, ...intent }: z.output<typeof stripeIntent>): PaymentIntent {
    return {
      id: intent.id,
      status: intent.status,
      amount: moneyOf(intent),
      amountReceived: intent.amount_received,
      lastError: intent.last_payment_error ? toError(intent.last_payment_error) : undefined,
      methodId: intent.payment_method ?? intent.last_payment_error?.payment_method?.id, // a declined one is taken off the PaymentIntent
      rechargeId: metadata?.stage === stage ? metadata.rechargeId : undefined,
    };
  }

  const retrieve = (paymentIntentId: string) => answerOf(() => paymentIntents.retrieve(paymentIntentId));

  return {
    create: ({ rechargeId, check, amount, method, idempotencyKey }) =>
      answerOf(() =>
        paymentIntents.create(
          {
            amount: amount.amount,
            currency: amount.currency.toLowerCase(),
            customer: method.customerId,
            // A pay request has no method until the customer confirms it.
            payment_method: method.payRequest === undefined ? method.id : undefined,
            allowed_payment_method_types: [methodType(method)],
            metadata: { rechargeId, stage, ...(check !== undefined && { check }) },
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

    async findCreated({ rechargeId, customerId, since }) {
      const created = { gte: Math.floor(epochMilliseconds(since) / 1000) };
      const made = await listOf(stripeIntent, paymentIntents.list({ customer: customerId, created, limit: PAGE_SIZE }));
      return made.map(toIntent).filter((intent) => intent.rechargeId === rechargeId);
    },

    async refund(paymentIntentId, rechargeId, idempotencyKey) {
      const request = { payment_intent: paymentIntentId, metadata: { rechargeId, stage } };
      const answer = await ask(() => refunds.create(request, { idempotencyKey }));
      return answer.kind === "refused" ? answer : { kind: "refund", refund: toEntry(read(stripeRefund, answer.reply)) };
    },

    async listRefunds(paymentIntentId) {
      return (await listOf(stripeRefund, refunds.list({ payment_intent: paymentIntentId, limit: PAGE_SIZE }))).map(toEntry);
    },

    async listDisputes(paymentIntentId) {
      return (await listOf(stripeDispute, disputes.list({ payment_intent: paymentIntentId, limit: PAGE_SIZE }))).map(toEntry);
    },

    clientSecret: async (paymentIntentId) => (await find(stripeSecret, () => paymentIntents.retrieve(paymentIntentId)))?.client_secret,

    findMethod: (paymentMethodId) => findStripeMethod(stripe, paymentMethodId),
  };
}

const stripeError = z.object({
  type: z.string(),
  code: z.nullish(z.string()),
  decline_code: z.nullish(z.string()),
  advice_code: z.nullish(z.string()),
  param: z.nullish(z.string()),
  payment_method: z.nullish(z.object({ id: z.string() })),
});

const stripeMoney = { amount: z.int(), currency: z.string() };

const stripeIntent = z.object({
  id: z.string().check(z.startsWith("pi_")),
  status: z.string(),
  ...stripeMoney,
  amount_received: z.int(),
  payment_method: z.nullish(z.string()),
  last_payment_error: z.nullish(stripeError),
  metadata: z.nullish(z.record(z.string(), z.string())),
});

const stripeSecret = z.object({ client_secret: z.string() });

/** What refunds and disputes say alike. */
const stripeEntry = { id: z.string(), status: z.string(), ...stripeMoney, created: z.int() };
const stripeRefund = z.object({ object: z.literal("refund"), ...stripeEntry });
const stripeDispute = z.object({ object: z.literal("dispute"), ...stripeEntry });

const stripeMethod = z.object({
  id: z.string(),
  type: z.string(),
  customer: z.nullable(z.string()),
  card: z.optional(z.object({ brand: z.string(), last4: z.string(), fingerprint: z.nullish(z.string()), exp_month: z.int(), exp_year: z.int() })),
});

type Reply = { readonly kind: "reply"; readonly reply: unknown } | { readonly kind: "refused"; readonly error: PaymentError };

/** What Stripe said; throws OutcomeUnknown where it said nothing. */
export async function ask(call: () => Promise<unknown>): Promise<Reply> {
  try {
    return { kind: "reply", reply: await call() };
  } catch (fault) {
    return { kind: "refused", error: refusalOf(fault) };
  }
}

export function read<T>(schema: z.ZodMiniType<T>, reply: unknown): T {
  const result = z.safeParse(schema, reply);
  if (!result.success) throw new OutcomeUnknown("Stripe's reply is not what was asked for", { cause: result.error });
  return result.data;
}

/** All of a list, oldest first: Stripe gives the newest first. */
async function listOf<T>(schema: z.ZodMiniType<T>, list: { autoPagingToArray(bounds: { limit: number }): Promise<unknown> }): Promise<T[]> {
  const answer = await ask(() => list.autoPagingToArray({ limit: MOST_LISTED }));
  if (answer.kind === "refused") throw new OutcomeUnknown("Stripe gave no list", { cause: answer.error });
  const listed = read(z.array(schema), answer.reply);
  if (listed.length === MOST_LISTED) throw new OutcomeUnknown(`Stripe's list may go on after ${MOST_LISTED}`);
  return listed.reverse();
}

/** Undefined when Stripe knows no such object. */
export async function find<T>(schema: z.ZodMiniType<T>, call: () => Promise<unknown>): Promise<T | undefined> {
  const answer = await ask(call);
  if (answer.kind === "reply") return read(schema, answer.reply);
  if (answer.error.code === "resource_missing") return undefined;
  throw new OutcomeUnknown("Stripe refused to show it", { cause: answer.error });
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

export function moneyOf({ amount, currency }: { readonly amount: number; readonly currency: string }): Money {
  return money(amount, currency.toUpperCase());
}

function toEntry({ id, status, created, ...sum }: z.output<typeof stripeRefund | typeof stripeDispute>): Refund & Dispute {
  return { id, status, amount: moneyOf(sum), at: instant(created * 1000) };
}

/** What a payer's authorisation became. Source: https://docs.stripe.com/api/mandates/object */
const stripeAuthorisation = z.object({ mandate: z.nullish(z.object({ status: z.string() })) });

/**
 * Undefined when it is nobody's: it was detached, or never saved, or its owner took back at Alipay what they had authorised.
 *
 * Stripe tells an Alipay account by a fingerprint only on charges, so what is saved of it counts by its own id.
 * Source: https://docs.stripe.com/api/payment_methods/object#payment_method_object-alipay
 */
export async function findStripeMethod(stripe: Stripe, paymentMethodId: string): Promise<SavedMethod | undefined> {
  const method = await find(stripeMethod, () => stripe.paymentMethods.retrieve(paymentMethodId));
  if (method === undefined || method.customer === null) return undefined;
  const { id, type, customer, card } = method;
  if (card === undefined && (await isRevoked(stripe, id))) return undefined;
  const expiry = card && { month: card.exp_month, year: card.exp_year };
  return { id, customerId: customer, cardKey: card?.fingerprint ?? id, brand: card?.brand ?? type, lastFour: card?.last4 ?? "", expiry };
}

/** Whether the payer took back what they had authorised. Where Stripe keeps no mandate of it, the next charge tells. */
async function isRevoked(stripe: Stripe, paymentMethodId: string): Promise<boolean> {
  const setups = stripe.setupIntents.list({ payment_method: paymentMethodId, limit: 1, expand: ["data.mandate"] });
  const [last] = (await find(z.object({ data: z.array(stripeAuthorisation) }), () => setups))?.data ?? [];
  return last?.mandate?.status === "inactive";
}
