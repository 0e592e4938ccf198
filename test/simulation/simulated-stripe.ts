import type { Stripe } from "stripe";
import * as z from "zod/mini";
import { stripeLedger } from "../../functions/adapters/stripe-ledger.ts";
import { stripePayments } from "../../functions/adapters/stripe-payments.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
import type { PaymentMethod } from "../../functions/domain/esim.ts";
import type { Form } from "../../local/stripe/form.ts";
import { stripeModel } from "../../local/stripe/stripe-model.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import type { Surroundings } from "./calls.ts";
import type { At, Evidence } from "./evidence.ts";
import { plainRecords } from "./plain-records.ts";
import { linkedStripe } from "./stripe-link.ts";

export const SIMULATED_STAGE = "simulated";

const SOFT_CODES: readonly [string, ...string[]] = ["insufficient_funds", "do_not_honor", "generic_decline", "card_velocity_exceeded"];
const HARD_CODES: readonly [string, ...string[]] = ["lost_card", "stolen_card", "pickup_card"];
const OUTAGE_CODES: readonly [string, ...string[]] = ["issuer_not_available", "processing_error"];
const DAY = 24 * 3_600_000;

const charged = z.object({ metadata: z.object({ rechargeId: z.string() }) });
const refunds = z.object({ data: z.array(z.object({ charge: z.string(), status: z.string() })) });
const refundEvent = z.object({
  created: z.int(),
  data: z.object({ object: z.object({ id: z.string(), charge: z.string(), amount: z.int(), status: z.string() }) }),
});
const intent = z.object({ client_secret: z.string(), status: z.string(), customer: z.string() });
const intents = z.object({ data: z.array(z.object({ id: z.string(), canceled_at: z.nullable(z.int()) })) });

export interface SimulatedStripeOptions extends Surroundings {
  /** Sends a webhook after so many milliseconds. */
  readonly deliver: (body: string, delay: number) => void;
  /** Told when a cancellation has arrived, before it is carried out. */
  readonly beforeCancel: (paymentIntentId: string) => void;
}

/** Stripe's model with issuers of all moods behind it and unreliable webhooks, and the port on it through the adapter and everything that can happen on the way. */
export function simulatedStripe({ scheduler, random, faults, calls, say, deliver, beforeCancel }: SimulatedStripeOptions) {
  const { now } = scheduler;
  const model = stripeModel({
    records: plainRecords(),
    now,
    ids: () => random.id().replaceAll("-", ""),
    processingSeconds: random.pick([10, 3600, 26 * 3600]),
    observe: (fact) => say(() => `STRIPE: ${fact.type} ${fact.paymentIntentId} for ${fact.metadata.rechargeId}`),
  });
  const confirms: At<{ readonly paymentIntentId: string }>[] = [];
  const succeededRefunds: At<{ readonly id: string; readonly charge: string; readonly amount: number }>[] = [];
  /** Charges that were refunded in the dashboard, or contested. */
  const touched = new Set<string>();

  /** Asks Stripe as an operator would, without any faults in between. Throws what Stripe says against it. */
  function ask<T>(method: "GET" | "POST", path: string, form: Form, shape: z.ZodMiniType<T>): T {
    const reply = model.handle({ method, path, form, authorization: "Bearer sk_test_simulated" });
    if (reply.kind === "lost" || reply.status !== 200) throw new Error(`Stripe refuses ${path}`);
    return shape.parse(reply.body);
  }

  ask("POST", "/v1/webhook_endpoints", { url: "https://simulated.test", enabled_events: Object.fromEntries(STRIPE_EVENT_TYPES.entries()) }, z.unknown());

  function asked(request: string): void {
    const paymentIntentId = /\/v1\/payment_intents\/(\w+)\/confirm$/.exec(request)?.[1];
    if (paymentIntentId !== undefined) confirms.push({ at: now(), paymentIntentId });
  }

  function arrived(request: string): void {
    if (request.endsWith("/confirm")) chooseAnswer();
    if (request === "POST /v1/refunds" && faults.happens("refund-trouble"))
      model.chooseNext(random.pick(["pending", "pending-then-failed", "fail-later"]), "refund");
    const canceledId = /\/v1\/payment_intents\/(\w+)\/cancel$/.exec(request)?.[1];
    if (canceledId !== undefined) beforeCancel(canceledId);
    if (faults.happens("forgotten-keys")) model.forgetKeys();
  }

  function chooseAnswer(): void {
    if (faults.happens("soft-decline")) model.chooseNext({ type: "decline", declineCode: random.pick(SOFT_CODES) });
    else if (faults.happens("hard-decline")) model.chooseNext({ type: "decline", declineCode: random.pick(HARD_CODES) });
    else if (faults.happens("issuer-outage")) model.chooseNext({ type: "decline", declineCode: random.pick(OUTAGE_CODES) });
    else if (faults.happens("authentication")) model.chooseNext("authentication-required");
    else if (faults.happens("processing")) model.chooseNext("processing");
    else if (faults.happens("processing-then-failed")) model.chooseNext("processing-then-failed");
  }

  /** The customer pays by one of these means, and passes or fails what their bank asks. Throws what Stripe says against it. */
  function payAsCustomer(paymentIntentId: string, methods: readonly PaymentMethod[], passes: boolean): void {
    const { client_secret: secret, status, customer } = ask("GET", `/v1/payment_intents/${paymentIntentId}`, {}, intent);
    const method = random.pickOf(methods.filter(({ customerId }) => customerId === customer));
    const confirmed = status === "requires_action" || method === undefined ? undefined : model.confirmAsCustomer(secret, method.payRequest ?? method.id);
    if ((confirmed?.status ?? status) === "requires_action") model.authenticate(paymentIntentId, passes ? "succeed" : "fail");
  }

  /** Stripe tells of whatever has happened there. */
  function sendWebhooks(): void {
    for (const { id, body } of model.dueDeliveries()) {
      model.delivered(id, 200); // how it is delivered is up to us
      if (body.includes('"type":"refund.')) noteRefund(refundEvent.parse(JSON.parse(body)));
      if (!faults.happens("lost-webhook")) deliver(body, 0);
      if (faults.happens("duplicate-delivery")) deliver(body, random.int(1, random.pick([60_000, 3 * DAY])));
    }
  }

  function noteRefund({ created, data: { object } }: z.output<typeof refundEvent>): void {
    if (object.status === "succeeded") succeededRefunds.push({ at: created * 1000, ...object });
  }

  /** When the last of it that was missing was given back, if ever. */
  function givenBackAt({ id, amount }: Stripe.Charge): number | undefined {
    const given = new Map<string, number>();
    for (const refund of succeededRefunds) {
      if (refund.charge === id) given.set(refund.id, refund.amount);
      if ([...given.values()].reduce((sum, each) => sum + each, 0) >= amount) return refund.at;
    }
    return undefined;
  }

  const client = linkedStripe(model, calls, random, { asked, arrived, dealtWith: sendWebhooks });

  return {
    model,
    ask,
    touched,
    payAsCustomer,
    sendWebhooks,
    payments: stripePayments({ stripe: client, stage: SIMULATED_STAGE }),
    ledger: stripeLedger({ stripe: client, stage: SIMULATED_STAGE }),

    /** What has come due by itself happens, and is told. */
    lookAround(): void {
      model.listCharges();
      sendWebhooks();
    },

    seen(): Pick<Evidence, "charges" | "canceledAt" | "confirms"> {
      const refundsBy = new Map<string, string[]>();
      for (const { charge, status } of ask("GET", "/v1/refunds", { limit: "100" }, refunds).data) {
        refundsBy.set(charge, [...(refundsBy.get(charge) ?? []), status]);
      }
      return {
        charges: model.listCharges().map((charge) => ({
          rechargeId: charge.metadata.rechargeId ?? "",
          paymentIntentId: idOf(charge.payment_intent) ?? "",
          at: charge.created * 1000,
          paid: charge.paid,
          amount: charge.amount,
          currency: charge.currency.toUpperCase(),
          refunded: charge.amount_refunded,
          refunds: refundsBy.get(charge.id) ?? [],
          givenBackAt: givenBackAt(charge),
          wasTouched: touched.has(charge.id),
        })),
        canceledAt: new Map(
          ask("GET", "/v1/payment_intents", { limit: "100" }, intents).data.flatMap(({ id, canceled_at: at }) => (at === null ? [] : [[id, at * 1000]])),
        ),
        confirms: confirms.map(({ at, paymentIntentId }) => ({
          at,
          rechargeId: ask("GET", `/v1/payment_intents/${paymentIntentId}`, {}, charged).metadata.rechargeId,
        })),
      };
    },
  };
}
