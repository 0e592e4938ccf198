import { describe, expect, it } from "@jest/globals";
import { parseForm } from "../../local/stripe/form.ts";
import { aStripe, recordsOverSuddenDeath, refusalOf } from "./local-stripe.ts";

const DAY_MILLISECONDS = 24 * 60 * 60 * 1000;

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

  it("can be forgotten at once", async () => {
    await using local = await aStripe();
    const create = () => local.stripe.paymentIntents.create({ amount: 5000, currency: "cny" }, { idempotencyKey: "k" });
    const first = await create();

    local.model.forgetKeys();

    expect((await create()).id).not.toBe(first.id);
  });

  it("replay a refusal that came from doing it", async () => {
    await using local = await aStripe();
    const attach = () => local.stripe.paymentMethods.attach("pm_card_visa", { customer: "cus_0" }, { idempotencyKey: "k" });
    await refusalOf(attach());

    expect((await refusalOf(attach())).headers).toHaveProperty("idempotent-replayed", "true");
  });

  it("have at most 255 characters", async () => {
    await using local = await aStripe();
    const create = (idempotencyKey: string) => local.stripe.customers.create({}, { idempotencyKey });

    expect(await refusalOf(create("k".repeat(256)))).toMatchObject({ statusCode: 400, rawType: "invalid_request_error" });
    expect(await create("k".repeat(255))).toMatchObject({ object: "customer" });
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

  it("an unknown parameter at every endpoint, by its name", async () => {
    await using local = await aStripe();

    for (const endpoint of local.model.endpoints) {
      const [method = "", path = ""] = endpoint.replace(":id", "x").split(" ");
      const call = method === "POST" ? local.stripe.rawRequest(method, path, { colour: "red" }) : local.stripe.rawRequest(method, `${path}?colour=red`);
      const { statusCode, code, param } = await refusalOf(call);
      expect({ endpoint, statusCode, code, param }).toEqual({ endpoint, statusCode: 400, code: "parameter_unknown", param: "colour" });
    }
  });

  it("what is unknown within a parameter, by its full name", async () => {
    await using local = await aStripe();

    const refusal = await refusalOf(local.stripe.rawRequest("POST", "/v1/payment_methods/pm_0", { card: { number: "4242" } }));

    expect(refusal).toMatchObject({ code: "parameter_unknown", param: "card[number]" });
  });

  it("what does not exist", async () => {
    await using local = await aStripe();

    for (const missing of [
      local.stripe.paymentIntents.retrieve("pi_0"),
      local.stripe.customers.retrieve("cus_0"),
      local.stripe.paymentMethods.retrieve("pm_0"),
      local.stripe.setupIntents.retrieve("seti_0"),
      local.stripe.events.retrieve("evt_0"),
      local.stripe.webhookEndpoints.retrieve("we_0"),
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
    await using records = await recordsOverSuddenDeath();
    await using first = await aStripe(records.before);
    const { id } = await first.intentWith("pm_card_visa");
    const confirmed = await first.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "k" });

    await using second = await aStripe(records.after);
    const replayed = await second.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "k" });

    expect(replayed).toEqual(confirmed);
    expect(await second.stripe.paymentIntents.retrieve(id)).toEqual(confirmed);
    expect(second.model.listCharges()).toHaveLength(1);
  });

  it("names every request", async () => {
    await using local = await aStripe();

    const { lastResponse } = await local.stripe.customers.create();
    const refusal = await refusalOf(local.stripe.customers.retrieve("cus_0"));

    expect([lastResponse.requestId, refusal.requestId]).toEqual([expect.stringMatching(/^req_/), expect.stringMatching(/^req_/)]);
    expect(refusal.requestId).not.toBe(lastResponse.requestId);
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
