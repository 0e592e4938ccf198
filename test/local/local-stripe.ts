import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Stripe } from "stripe";
import { fileRecords, memoryRecords, type Records } from "../../local/records.ts";
import type { StripeFact } from "../../local/stripe/stored-payments.ts";
import { stripeModel } from "../../local/stripe/stripe-model.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { startStripeServer } from "../../local/stripe/stripe-server.ts";
import { inProcessStripe } from "../fakes/in-process-stripe.ts";

function aModel(records: Records) {
  const clock = { now: Date.parse("2026-11-23T08:00:00Z") };
  const facts: StripeFact[] = [];
  const model = stripeModel({ records, now: () => clock.now, observe: (fact) => facts.push(fact), processingSeconds: 30 });
  return { clock, facts, model };
}

function usedBy(stripe: Stripe) {
  /** A new customer with this card saved. */
  async function saved(name: string) {
    const { id: customer } = await stripe.customers.create({ email: "mei@example.com" });
    const { id: payment_method } = await stripe.paymentMethods.attach(name, { customer });
    return { customer, payment_method };
  }

  /** A PaymentIntent of CNY 50 with this card, saved by a customer of its own, not confirmed. */
  async function intentWith(name: string) {
    const own = await saved(name);
    const intent = await stripe.paymentIntents.create({ ...own, amount: 5000, currency: "cny", metadata: { rechargeId: "r1" } });
    return { ...intent, customer: own.customer, clientSecret: intent.client_secret ?? "" };
  }

  return {
    stripe,
    saved,
    intentWith,
    /** A paid PaymentIntent of CNY 50, and its charge. */
    async paid() {
      const { id, customer } = await intentWith("pm_card_visa");
      const { latest_charge } = await stripe.paymentIntents.confirm(id, { off_session: true });
      return { id, customer, charge: idOf(latest_charge) ?? "" };
    },
    /** What the events told of money, oldest first. */
    async eventTypes() {
      const { data } = await stripe.events.list({ limit: 100 });
      const types = data.map(({ type }): string => type).filter((type) => /^(payment_intent|charge|refund)\./.test(type));
      return types.reverse();
    },
  };
}

/** Stripe's own client before a model without a network, and a clock that only the test moves. */
export function aQuickStripe(records: Records = memoryRecords()) {
  const parts = aModel(records);
  return { ...parts, ...usedBy(inProcessStripe(parts.model)) };
}

/** The same behind HTTP. */
export async function aStripe(records: Records = memoryRecords()) {
  const parts = aModel(records);
  const server = await startStripeServer({ model: parts.model });
  const { hostname, port } = new URL(server.url);
  const clientWith = (key: string) => new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
  return { ...parts, url: server.url, clientWith, ...usedBy(clientWith("sk_test_local")), [Symbol.asyncDispose]: server.close };
}

/** The error of Stripe's that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const fault = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (fault instanceof Stripe.errors.StripeError) return fault;
  throw new Error(`Expected Stripe's refusal, got ${String(fault)}`);
}

/** The records of a process, and of the next one after it was killed: opened while the first are, so nothing depends on a closing. */
export async function recordsOverSuddenDeath() {
  const folder = await mkdtemp(join(tmpdir(), "stripe-"));
  const path = join(folder, "records.sqlite");
  const [before, after] = [fileRecords(path), fileRecords(path)];
  return {
    before,
    after,
    [Symbol.asyncDispose]() {
      before.close();
      after.close();
      return rm(folder, { recursive: true });
    },
  };
}
