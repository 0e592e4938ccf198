import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { Stripe } from "stripe";
import { fileRecords, memoryRecords, type Records } from "../../local/records.ts";
import { parseForm } from "../../local/stripe/form.ts";
import type { StripeFact } from "../../local/stripe/payment-intents.ts";
import { stripeModel } from "../../local/stripe/stripe-model.ts";
import { startStripeServer } from "../../local/stripe/stripe-server.ts";

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

/** A model behind HTTP, Stripe's own client before it, and a clock that only the test moves. */
async function aStripe(records: Records = memoryRecords()) {
  const clock = { now: Date.parse("2026-11-23T08:00:00Z") };
  const facts: StripeFact[] = [];
  const model = stripeModel({ records, now: () => clock.now, observe: (fact) => facts.push(fact), processingSeconds: 30 });
  const server = await startStripeServer({ model });
  const { hostname, port } = new URL(server.url);
  const clientWith = (key: string) => new Stripe(key, { host: hostname, port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
  const stripe = clientWith("sk_test_local");
  return {
    clock,
    facts,
    model,
    url: server.url,
    stripe,
    clientWith,
    /** A new customer with this card saved. */
    saved: async (name: string) => {
      const { id: customer } = await stripe.customers.create({ email: "mei@example.com" });
      const { id: payment_method } = await stripe.paymentMethods.attach(name, { customer });
      return { customer, payment_method };
    },
    /** A PaymentIntent of CNY 50 with this card, saved by a customer of its own, not confirmed. */
    async intentWith(name: string) {
      const saved = await this.saved(name);
      const intent = await stripe.paymentIntents.create({ ...saved, amount: 5000, currency: "cny", metadata: { rechargeId: "r1" } });
      return { ...intent, customer: saved.customer };
    },
    [Symbol.asyncDispose]: server.close,
  };
}

/** The error of Stripe's that a call ends with. */
async function refusalOf(call: Promise<unknown>): Promise<Stripe.errors.StripeError> {
  const fault = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (fault instanceof Stripe.errors.StripeError) return fault;
  throw new Error(`Expected Stripe's refusal, got ${String(fault)}`);
}

describe("the local Stripe's customers and cards", () => {
  it("makes a saved payment method of a test card's name", async () => {
    await using local = await aStripe();
    const { customer, payment_method } = await local.saved("pm_card_mastercard");

    const method = await local.stripe.paymentMethods.retrieve(payment_method);

    expect(method.id).toMatch(/^pm_[0-9a-f]{32}$/);
    expect(method.customer).toBe(customer);
    expect(method.card).toMatchObject({ brand: "mastercard", last4: "4444", exp_month: 11, exp_year: 2027 });
  });

  it("gives the same card the same fingerprint, and other cards others", async () => {
    await using local = await aStripe();
    const { customer } = await local.saved("pm_card_visa");
    await local.stripe.paymentMethods.attach("pm_card_visa", { customer });
    await local.stripe.paymentMethods.attach("pm_card_mastercard", { customer });

    const { data } = await local.stripe.customers.listPaymentMethods(customer, { type: "card" });

    const [mastercard, ...visas] = data.map((method) => method.card?.fingerprint);
    expect(visas).toEqual([visas[0], visas[0]]);
    expect(mastercard).not.toBe(visas[0]);
  });

  it("knows its customers by id and by e-mail address", async () => {
    await using local = await aStripe();
    const mei = await local.stripe.customers.create({ email: "mei@example.com", metadata: { subscriberId: "s1" } });
    await local.stripe.customers.create({ email: "jun@example.com" });

    expect(await local.stripe.customers.retrieve(mei.id)).toMatchObject({ email: "mei@example.com", metadata: { subscriberId: "s1" } });
    expect((await local.stripe.customers.list({ email: "mei@example.com" })).data.map(({ id }) => id)).toEqual([mei.id]);
  });

  it("attaches no card to a second customer", async () => {
    await using local = await aStripe();
    const { payment_method } = await local.saved("pm_card_visa");
    const { id: customer } = await local.stripe.customers.create();

    const refusal = await refusalOf(local.stripe.paymentMethods.attach(payment_method, { customer }));

    expect(refusal).toMatchObject({ statusCode: 400, code: "payment_method_unexpected_state" });
  });
});

describe("a PaymentIntent of the local Stripe", () => {
  it("waits for confirmation, and is then paid by one charge", async () => {
    await using local = await aStripe();
    const created = await local.intentWith("pm_card_visa");
    expect(created).toMatchObject({ status: "requires_confirmation", amount_received: 0, latest_charge: null });
    expect(local.model.listCharges()).toEqual([]);

    const paid = await local.stripe.paymentIntents.confirm(created.id, { off_session: true });

    expect(paid).toMatchObject({ status: "succeeded", amount_received: 5000, currency: "cny", metadata: { rechargeId: "r1" } });
    expect(local.model.listCharges()).toMatchObject([{ id: paid.latest_charge, paid: true, amount: 5000, payment_intent: created.id }]);
  });

  it("waits for a payment method when it has none, and takes one at its confirmation", async () => {
    await using local = await aStripe();
    const { customer, payment_method } = await local.saved("pm_card_visa");
    const { id, status } = await local.stripe.paymentIntents.create({ customer, amount: 5000, currency: "cny" });
    expect(status).toBe("requires_payment_method");

    expect(await refusalOf(local.stripe.paymentIntents.confirm(id))).toMatchObject({ code: "payment_intent_unexpected_state" });
    expect(await local.stripe.paymentIntents.confirm(id, { payment_method })).toMatchObject({ status: "succeeded", payment_method });
  });

  it("can be created and confirmed at once", async () => {
    await using local = await aStripe();
    const intent = { ...(await local.saved("pm_card_visa")), amount: 5000, currency: "cny", confirm: true, off_session: true };

    expect(await local.stripe.paymentIntents.create(intent)).toMatchObject({ status: "succeeded" });
  });

  it.each([
    ["pm_card_visa_chargeDeclined", { code: "card_declined", decline_code: "generic_decline", advice_code: "try_again_later" }],
    ["pm_card_chargeCustomerFail", { code: "card_declined", decline_code: "generic_decline" }],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", { code: "card_declined", decline_code: "insufficient_funds" }],
    ["pm_card_visa_chargeDeclinedLostCard", { code: "card_declined", decline_code: "lost_card", advice_code: "do_not_try_again" }],
    ["pm_card_visa_chargeDeclinedStolenCard", { code: "card_declined", decline_code: "stolen_card" }],
    ["pm_card_chargeDeclinedExpiredCard", { code: "expired_card" }],
    ["pm_card_authenticationRequired", { code: "authentication_required", decline_code: "authentication_required" }],
    ["pm_card_authenticationRequiredOnSetup", { code: "authentication_required" }],
  ])("is declined off-session with %s, and then wants another method", async (name, reason) => {
    await using local = await aStripe();
    const { id } = await local.intentWith(name);

    const refusal = await refusalOf(local.stripe.paymentIntents.confirm(id, { off_session: true }));

    expect(refusal).toMatchObject({ ...reason, type: "StripeCardError", rawType: "card_error", statusCode: 402, payment_intent: { id } });
    const after = await local.stripe.paymentIntents.retrieve(id);
    expect(after).toMatchObject({ status: "requires_payment_method", payment_method: null, amount_received: 0, last_payment_error: reason });
    expect(local.model.listCharges()).toMatchObject([{ id: after.latest_charge, paid: false, status: "failed" }]);
  });

  it("does not ask a card again that declined it", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_chargeDeclined");
    await refusalOf(local.stripe.paymentIntents.confirm(id));

    expect(await refusalOf(local.stripe.paymentIntents.confirm(id))).toMatchObject({ code: "payment_intent_unexpected_state" });

    expect(local.model.listCharges()).toHaveLength(1);
  });

  it("can be paid by another card after a decline", async () => {
    await using local = await aStripe();
    const { id, customer } = await local.intentWith("pm_card_chargeDeclined");
    await refusalOf(local.stripe.paymentIntents.confirm(id));
    const { id: payment_method } = await local.stripe.paymentMethods.attach("pm_card_visa", { customer });

    const paid = await local.stripe.paymentIntents.confirm(id, { payment_method });

    expect(paid).toMatchObject({ status: "succeeded", last_payment_error: null });
    expect(local.model.listCharges().map((charge) => charge.paid)).toEqual([false, true]);
  });

  it("asks for the customer on-session, unless the request wants an error instead", async () => {
    await using local = await aStripe();
    const first = await local.intentWith("pm_card_authenticationRequired");
    const second = await local.intentWith("pm_card_authenticationRequired");

    expect(await local.stripe.paymentIntents.confirm(first.id)).toMatchObject({ status: "requires_action", next_action: { type: "use_stripe_sdk" } });
    expect(await refusalOf(local.stripe.paymentIntents.confirm(second.id, { error_on_requires_action: true }))).toMatchObject({
      code: "authentication_required",
    });
  });

  it("is paid off-session by a card that was set up for that", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_authenticationRequiredSetupForOffSession");

    expect(await local.stripe.paymentIntents.confirm(id, { off_session: true })).toMatchObject({ status: "succeeded" });
  });

  it("is canceled before it is paid, and never after", async () => {
    await using local = await aStripe();
    const unpaid = await local.intentWith("pm_card_visa");
    const paid = await local.intentWith("pm_card_visa");
    await local.stripe.paymentIntents.confirm(paid.id);

    const canceled = await local.stripe.paymentIntents.cancel(unpaid.id, { cancellation_reason: "abandoned" });
    const refusal = await refusalOf(local.stripe.paymentIntents.cancel(paid.id));

    expect(canceled).toMatchObject({ status: "canceled", cancellation_reason: "abandoned", canceled_at: local.clock.now / 1000 });
    expect(refusal).toMatchObject({ statusCode: 400, code: "payment_intent_unexpected_state", payment_intent: { id: paid.id, status: "succeeded" } });
  });

  it("is never confirmed again once it is paid or canceled", async () => {
    await using local = await aStripe();
    const paid = await local.intentWith("pm_card_visa");
    const canceled = await local.intentWith("pm_card_visa");
    await local.stripe.paymentIntents.confirm(paid.id);
    await local.stripe.paymentIntents.cancel(canceled.id);

    for (const { id } of [paid, canceled]) {
      const refusal = await refusalOf(local.stripe.paymentIntents.confirm(id));
      expect(refusal).toMatchObject({ rawType: "invalid_request_error", code: "payment_intent_unexpected_state", payment_intent: { id } });
    }
    expect(local.model.listCharges()).toHaveLength(1);
  });

  it("uses no card of another customer", async () => {
    await using local = await aStripe();
    const { payment_method } = await local.saved("pm_card_visa");
    const { id: customer } = await local.stripe.customers.create();

    const refusal = await refusalOf(local.stripe.paymentIntents.create({ customer, payment_method, amount: 5000, currency: "cny" }));

    expect(refusal).toMatchObject({ statusCode: 400, code: "resource_missing", param: "payment_method" });
  });

  it.each([
    ["usd", 50],
    ["cny", 400],
    ["eur", 50],
    ["hkd", 400],
    ["jpy", 50],
    ["sgd", 50],
    ["gbp", 30],
  ])("in %s is of at least %d minor units", async (currency, least) => {
    await using local = await aStripe();

    const refusal = await refusalOf(local.stripe.paymentIntents.create({ amount: least - 1, currency }));

    expect(refusal).toMatchObject({ statusCode: 400, code: "amount_too_small", param: "amount" });
    expect(await local.stripe.paymentIntents.create({ amount: least, currency })).toMatchObject({ amount: least, currency });
  });

  it("has at most eight digits, and a currency that exists", async () => {
    await using local = await aStripe();

    expect(await refusalOf(local.stripe.paymentIntents.create({ amount: 100_000_000, currency: "cny" }))).toMatchObject({ code: "amount_too_large" });
    expect(await refusalOf(local.stripe.paymentIntents.create({ amount: 5000, currency: "xyz" }))).toMatchObject({ param: "currency" });
  });

  it("is listed newest first, page by page, and by customer", async () => {
    await using local = await aStripe();
    const first = await local.intentWith("pm_card_visa");
    const second = await local.intentWith("pm_card_visa");
    const third = await local.intentWith("pm_card_visa");

    const page = await local.stripe.paymentIntents.list({ limit: 2 });
    const rest = await local.stripe.paymentIntents.list({ limit: 2, starting_after: second.id });
    const ofSecond = await local.stripe.paymentIntents.list({ customer: second.customer });

    expect([page.data.map(({ id }) => id), page.has_more]).toEqual([[third.id, second.id], true]);
    expect([rest.data.map(({ id }) => id), rest.has_more]).toEqual([[first.id], false]);
    expect(ofSecond.data.map(({ id }) => id)).toEqual([second.id]);
  });
});

describe("an outcome chosen for the next confirmation", () => {
  it("can be any decline, and is used up by one confirmation", async () => {
    await using local = await aStripe();
    const first = await local.intentWith("pm_card_visa");
    const second = await local.intentWith("pm_card_visa");
    local.model.chooseNext({ type: "decline", declineCode: "do_not_honor", adviceCode: "try_again_later" });

    const refusal = await refusalOf(local.stripe.paymentIntents.confirm(first.id, { off_session: true }));

    expect(refusal).toMatchObject({ code: "card_declined", decline_code: "do_not_honor", advice_code: "try_again_later" });
    expect(await local.stripe.paymentIntents.confirm(second.id)).toMatchObject({ status: "succeeded" });
  });

  it("outdoes what the card itself would do", async () => {
    await using local = await aStripe();
    const bad = await local.intentWith("pm_card_chargeDeclined");
    const good = await local.intentWith("pm_card_visa");
    local.model.chooseNext("succeed");
    local.model.chooseNext("authentication-required");

    expect(await local.stripe.paymentIntents.confirm(bad.id, { off_session: true })).toMatchObject({ status: "succeeded" });
    expect(await refusalOf(local.stripe.paymentIntents.confirm(good.id, { off_session: true }))).toMatchObject({ code: "authentication_required" });
  });

  it("can be a payment that is processing for a while, and cannot be canceled meanwhile", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("processing");
    expect(await local.stripe.paymentIntents.confirm(id)).toMatchObject({ status: "processing", amount_received: 0 });

    local.clock.now += 29_999;
    expect(await refusalOf(local.stripe.paymentIntents.cancel(id))).toMatchObject({ payment_intent: { status: "processing" } });
    expect(local.model.listCharges()).toEqual([]);
    local.clock.now += 1;

    expect(await local.stripe.paymentIntents.retrieve(id)).toMatchObject({ status: "succeeded", amount_received: 5000 });
    expect(local.model.listCharges()).toHaveLength(1);
  });

  it("can lose the reply: paid, and nobody was told", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("lose-reply");

    const refusal = await refusalOf(local.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "try-1" }));

    expect(refusal.type).toBe("StripeConnectionError");
    expect(local.model.listCharges()).toHaveLength(1);
    expect(await local.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "try-1" })).toMatchObject({ status: "succeeded" });
    expect(local.model.listCharges()).toHaveLength(1);
  });

  it("can lose the request: nothing happened, and nobody was told", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("lose-request");

    const refusal = await refusalOf(local.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "try-1" }));

    expect(refusal.type).toBe("StripeConnectionError");
    expect(await local.stripe.paymentIntents.retrieve(id)).toMatchObject({ status: "requires_confirmation" });
    expect(await local.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "try-1" })).toMatchObject({ status: "succeeded" });
  });
});

describe("the local Stripe's idempotency keys", () => {
  it("replay the first answer to the same request", async () => {
    await using local = await aStripe();
    const create = () => local.stripe.paymentIntents.create({ amount: 5000, currency: "cny" }, { idempotencyKey: "k" });

    const first = await create();
    const second = await create();

    expect(second.id).toBe(first.id);
    expect(first.lastResponse.headers).not.toHaveProperty("idempotent-replayed");
    expect(second.lastResponse.headers).toHaveProperty("idempotent-replayed", "true");
    expect((await local.stripe.paymentIntents.list()).data).toHaveLength(1);
  });

  it("replay a decline as it was, though the PaymentIntent has moved on", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_chargeDeclined");
    const confirm = () => local.stripe.paymentIntents.confirm(id, { off_session: true }, { idempotencyKey: "k" });
    await refusalOf(confirm());

    expect(await refusalOf(confirm())).toMatchObject({ statusCode: 402, decline_code: "generic_decline" });
  });

  it("replay even a stored 500", async () => {
    await using local = await aStripe();
    const { id } = await local.intentWith("pm_card_visa");
    const confirm = (idempotencyKey: string) => local.stripe.paymentIntents.confirm(id, {}, { idempotencyKey });
    local.model.chooseNext("error-500");

    expect(await refusalOf(confirm("k"))).toMatchObject({ type: "StripeAPIError", statusCode: 500 });
    expect(await refusalOf(confirm("k"))).toMatchObject({ type: "StripeAPIError", statusCode: 500 });
    expect(await confirm("another")).toMatchObject({ status: "succeeded" });
  });

  it("refuse another request under the same key", async () => {
    await using local = await aStripe();
    await local.stripe.paymentIntents.create({ amount: 5000, currency: "cny" }, { idempotencyKey: "k" });

    const refusal = await refusalOf(local.stripe.paymentIntents.create({ amount: 5001, currency: "cny" }, { idempotencyKey: "k" }));

    expect(refusal).toMatchObject({ statusCode: 400, rawType: "idempotency_error" });
  });

  it("are forgotten after 24 hours", async () => {
    await using local = await aStripe();
    const create = () => local.stripe.paymentIntents.create({ amount: 5000, currency: "cny" }, { idempotencyKey: "k" });
    const first = await create();

    local.clock.now += DAY_MILLISECONDS - 1;
    expect((await create()).id).toBe(first.id);
    local.clock.now += 1;
    expect((await create()).id).not.toBe(first.id);
  });

  it("stay free when the parameters were refused", async () => {
    await using local = await aStripe();
    const create = (currency: string, more: object) => local.stripe.paymentIntents.create({ amount: 5000, currency, ...more }, { idempotencyKey: "k" });

    await refusalOf(create("cny", { colour: "red" }));

    expect(await create("cny", {})).toMatchObject({ status: "requires_payment_method" });
  });
});

describe("the local Stripe refuses", () => {
  it.each([
    ["an unknown parameter", { amount: 5000, currency: "cny", payment_method_types: ["card"] }, { code: "parameter_unknown", param: "payment_method_types" }],
    ["a missing parameter", { currency: "cny" }, { code: "parameter_missing", param: "amount" }],
    ["an amount that is no integer", { amount: 50.5, currency: "cny" }, { param: "amount" }],
    ["metadata that is too long", { amount: 5000, currency: "cny", metadata: { note: "x".repeat(501) } }, { param: "metadata[note]" }],
    ["off_session without confirm", { amount: 5000, currency: "cny", off_session: true }, { param: "off_session" }],
    ["return_url without confirm", { amount: 5000, currency: "cny", return_url: "https://example.com" }, { param: "return_url" }],
    ["error_on_requires_action without confirm", { amount: 5000, currency: "cny", error_on_requires_action: true }, { param: "error_on_requires_action" }],
    ["a customer that does not exist", { amount: 5000, currency: "cny", customer: "cus_0", payment_method: "pm_card_visa" }, { param: "customer" }],
    ["a card that does not exist", { amount: 5000, currency: "cny", payment_method: "pm_0" }, { code: "resource_missing", param: "payment_method" }],
  ])("%s", async (_, params, expected) => {
    await using local = await aStripe();

    const refusal = await refusalOf(local.stripe.rawRequest("POST", "/v1/payment_intents", params));

    expect(refusal).toMatchObject({ ...expected, statusCode: 400, rawType: "invalid_request_error" });
    expect((await local.stripe.paymentIntents.list()).data).toEqual([]);
  });

  it("what does not exist", async () => {
    await using local = await aStripe();

    for (const missing of [
      local.stripe.paymentIntents.retrieve("pi_0"),
      local.stripe.customers.retrieve("cus_0"),
      local.stripe.paymentMethods.retrieve("pm_0"),
    ]) {
      expect(await refusalOf(missing)).toMatchObject({ statusCode: 404, code: "resource_missing" });
    }
  });

  it("an endpoint that it does not have", async () => {
    await using local = await aStripe();

    expect(await refusalOf(local.stripe.products.list())).toMatchObject({ statusCode: 404, rawType: "invalid_request_error" });
  });

  it("a request without a secret key", async () => {
    await using local = await aStripe();

    const bare = await fetch(`${local.url}/v1/customers`);

    expect(bare.status).toBe(401);
    expect(await refusalOf(local.clientWith("pk_test_public").customers.list())).toMatchObject({ type: "StripeAuthenticationError" });
  });
});

describe("the local Stripe", () => {
  it("still knows everything after its process was killed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stripe-"));
    const path = join(folder, "records.sqlite");
    const before = fileRecords(path);
    const after = fileRecords(path); // opened while the first is: nothing is written at a closing
    try {
      await using first = await aStripe(before);
      const { id } = await first.intentWith("pm_card_visa");
      const confirmed = await first.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "k" });

      await using second = await aStripe(after);
      const replayed = await second.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "k" });

      expect(replayed).toEqual(confirmed);
      expect(await second.stripe.paymentIntents.retrieve(id)).toEqual(confirmed);
      expect(second.model.listCharges()).toHaveLength(1);
    } finally {
      before.close();
      after.close();
      await rm(folder, { recursive: true });
    }
  });

  it("tells a watcher what happened, in order", async () => {
    await using local = await aStripe();
    const declined = await local.intentWith("pm_card_visa_chargeDeclinedLostCard");
    await refusalOf(local.stripe.paymentIntents.confirm(declined.id));
    await local.stripe.paymentIntents.cancel(declined.id);
    const paid = await local.intentWith("pm_card_visa");
    await local.stripe.paymentIntents.confirm(paid.id);

    expect(local.facts.map((fact) => [fact.type, fact.paymentIntentId])).toEqual([
      ["created", declined.id],
      ["declined", declined.id],
      ["canceled", declined.id],
      ["created", paid.id],
      ["charged", paid.id],
    ]);
    expect(local.facts[1]).toEqual({
      type: "declined",
      code: "lost_card",
      at: local.clock.now,
      paymentIntentId: declined.id,
      amount: 5000,
      currency: "cny",
      metadata: { rechargeId: "r1" },
    });
  });
});

describe("a form", () => {
  it("nests what stands in brackets, in lists too", () => {
    expect(JSON.stringify(parseForm("a=1&m[x]=2&m[y][z]=3&l[0]=4&e[]=5&e[]=6&s=%5B+%26"))).toBe(
      '{"a":"1","m":{"x":"2","y":{"z":"3"}},"l":{"0":"4"},"e":{"0":"5","1":"6"},"s":"[ &"}',
    );
  });

  it("gives outsiders no way to an object's prototype", () => {
    parseForm("__proto__[polluted]=yes");

    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});
