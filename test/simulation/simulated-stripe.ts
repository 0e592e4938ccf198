import * as z from "zod/mini";
import { stripePayments } from "../../functions/adapters/stripe-payments.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
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
const intents = z.object({ data: z.array(z.object({ id: z.string(), status: z.string() })) });

export interface SimulatedStripeOptions extends Surroundings {
  /** Sends a webhook after so many milliseconds. */
  readonly deliver: (body: string, delay: number) => void;
}

/** Stripe's model with issuers of all moods behind it and unreliable webhooks, and the port on it through the adapter and everything that can happen on the way. */
export function simulatedStripe({ scheduler, random, faults, calls, say, deliver }: SimulatedStripeOptions) {
  const { now } = scheduler;
  const model = stripeModel({
    records: plainRecords(),
    now,
    ids: () => random.id().replaceAll("-", ""),
    processingSeconds: random.pick([10, 3600, 26 * 3600]),
    observe: (fact) => say(() => `STRIPE: ${fact.type} ${fact.paymentIntentId} for ${fact.metadata.rechargeId}`),
  });
  const confirms: At<{ readonly paymentIntentId: string }>[] = [];
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
    if (request === "POST /v1/refunds" && faults.happens("refund-trouble")) model.chooseNext(random.pick(["pending", "fail-later"]), "refund");
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

  /** Stripe tells of whatever has happened there. */
  function sendWebhooks(): void {
    for (const { id, body } of model.dueDeliveries()) {
      model.delivered(id, 200); // how it is delivered is up to us
      if (!faults.happens("lost-webhook")) deliver(body, 0);
      if (faults.happens("duplicate-delivery")) deliver(body, random.int(1, random.pick([60_000, 3 * DAY])));
    }
  }

  const client = linkedStripe(model, calls, random, { asked, arrived, dealtWith: sendWebhooks });

  return {
    model,
    ask,
    touched,
    sendWebhooks,
    payments: stripePayments({ stripe: client, stage: SIMULATED_STAGE }),

    /** What has come due by itself happens, and is told. */
    lookAround(): void {
      model.listCharges();
      sendWebhooks();
    },

    seen(): Pick<Evidence, "charges" | "canceled" | "confirms"> {
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
          wasTouched: touched.has(charge.id),
        })),
        canceled: new Set(
          ask("GET", "/v1/payment_intents", { limit: "100" }, intents)
            .data.filter(({ status }) => status === "canceled")
            .map(({ id }) => id),
        ),
        confirms: confirms.map(({ at, paymentIntentId }) => ({
          at,
          rechargeId: ask("GET", `/v1/payment_intents/${paymentIntentId}`, {}, charged).metadata.rechargeId,
        })),
      };
    },
  };
}
