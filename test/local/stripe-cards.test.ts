import { describe, expect, it } from "@jest/globals";
import type { Stripe } from "stripe";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { aStripe, refusalOf } from "./local-stripe.ts";

/** The types of all events, oldest first. */
async function eventTypes(stripe: Stripe): Promise<string[]> {
  const { data } = await stripe.events.list({ limit: 100 });
  return data.map(({ type }) => type).reverse();
}

/** The newest event: its object, and what changed in it. */
async function lastEvent(stripe: Stripe) {
  const { data } = await stripe.events.list({ limit: 1 });
  return data[0];
}

describe("a customer of the local Stripe", () => {
  it("knows its customers by id and by e-mail address", async () => {
    await using local = await aStripe();
    const mei = await local.stripe.customers.create({ email: "mei@example.com", metadata: { subscriberId: "s1" } });
    await local.stripe.customers.create({ email: "jun@example.com" });

    expect(await local.stripe.customers.retrieve(mei.id)).toMatchObject({ email: "mei@example.com", metadata: { subscriberId: "s1" } });
    expect((await local.stripe.customers.list({ email: "mei@example.com" })).data.map(({ id }) => id)).toEqual([mei.id]);
  });

  it("can be changed, metadata name by name", async () => {
    await using local = await aStripe();
    const { id } = await local.stripe.customers.create({ email: "mei@example.com", metadata: { subscriberId: "s1", stage: "dev" } });

    const updated = await local.stripe.customers.update(id, { name: "Mei", metadata: { stage: "", plan: "a" } });

    expect(updated).toMatchObject({ email: "mei@example.com", name: "Mei" });
    expect(updated.metadata).toEqual({ subscriberId: "s1", plan: "a" });
    expect(await lastEvent(local.stripe)).toMatchObject({
      type: "customer.updated",
      data: { object: updated, previous_attributes: { name: null, metadata: { stage: "dev", plan: null } } },
    });
  });

  it("takes its cards along when it is deleted, and is known as deleted", async () => {
    await using local = await aStripe();
    const { customer, payment_method } = await local.saved("pm_card_visa");

    await local.stripe.customers.del(customer);

    expect(await local.stripe.customers.retrieve(customer)).toMatchObject({ id: customer, deleted: true });
    expect((await local.stripe.customers.list()).data).toEqual([]);
    expect((await local.stripe.paymentMethods.retrieve(payment_method)).customer).toBeNull();
    expect(await refusalOf(local.stripe.paymentMethods.attach("pm_card_visa", { customer }))).toMatchObject({ code: "resource_missing", param: "customer" });
    expect(await eventTypes(local.stripe)).toEqual(["customer.created", "payment_method.attached", "payment_method.detached", "customer.deleted"]);
  });
});

describe("a card at the local Stripe", () => {
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

  it("attaches no card to a second customer", async () => {
    await using local = await aStripe();
    const { payment_method } = await local.saved("pm_card_visa");
    const { id: customer } = await local.stripe.customers.create();

    const refusal = await refusalOf(local.stripe.paymentMethods.attach(payment_method, { customer }));

    expect(refusal).toMatchObject({ statusCode: 400, code: "payment_method_unexpected_state" });
  });

  it("is of no use once it was detached", async () => {
    await using local = await aStripe();
    const { customer, payment_method } = await local.saved("pm_card_visa");

    const detached = await local.stripe.paymentMethods.detach(payment_method);

    expect(detached.customer).toBeNull();
    expect(await local.stripe.paymentMethods.retrieve(payment_method)).toEqual(detached);
    expect((await local.stripe.customers.listPaymentMethods(customer)).data).toEqual([]);
    expect(await lastEvent(local.stripe)).toMatchObject({ type: "payment_method.detached", data: { object: detached, previous_attributes: { customer } } });
    for (const use of [
      local.stripe.paymentMethods.attach(payment_method, { customer }),
      local.stripe.paymentIntents.create({ customer, payment_method, amount: 5000, currency: "cny" }),
      local.stripe.setupIntents.create({ customer, payment_method }),
    ]) {
      expect(await refusalOf(use)).toMatchObject({
        statusCode: 400,
        message: expect.stringContaining("was detached from a Customer. It may not be used again."),
      });
    }
    expect(await refusalOf(local.stripe.paymentMethods.detach(payment_method))).toMatchObject({ statusCode: 400, code: "payment_method_unexpected_state" });
  });

  it("is attached once, however often that is asked", async () => {
    await using local = await aStripe();
    const { customer, payment_method } = await local.saved("pm_card_visa");

    await local.stripe.paymentMethods.attach(payment_method, { customer });

    expect(await eventTypes(local.stripe)).toEqual(["customer.created", "payment_method.attached"]);
  });

  it("can be given another expiry by its holder", async () => {
    await using local = await aStripe();
    const { payment_method } = await local.saved("pm_card_visa");

    const updated = await local.stripe.paymentMethods.update(payment_method, {
      card: { exp_month: 1, exp_year: 2031 },
      billing_details: { name: "Mei" },
      metadata: { rule: "r1" },
    });

    expect(updated).toMatchObject({ card: { last4: "4242", exp_month: 1, exp_year: 2031 }, billing_details: { name: "Mei" }, metadata: { rule: "r1" } });
    expect(await lastEvent(local.stripe)).toMatchObject({
      type: "payment_method.updated",
      data: { object: updated, previous_attributes: { card: { exp_month: 11, exp_year: 2027 }, billing_details: { name: null }, metadata: { rule: null } } },
    });
  });

  it("cannot be changed while nobody has it", async () => {
    await using local = await aStripe();
    const { id } = await local.stripe.paymentMethods.retrieve("pm_card_visa");

    expect(await refusalOf(local.stripe.paymentMethods.update(id, { card: { exp_month: 1 } }))).toMatchObject({ statusCode: 400 });
  });

  it("can be renewed by its network, with the same number or another", async () => {
    await using local = await aStripe();
    const { payment_method } = await local.saved("pm_card_visa");
    const before = await local.stripe.paymentMethods.retrieve(payment_method);

    local.model.updateCard(payment_method, { expMonth: 5, expYear: 2032 });
    const renewed = await local.stripe.paymentMethods.retrieve(payment_method);
    local.model.updateCard(payment_method, { expMonth: 5, expYear: 2032, lastFour: "9424" });
    const replaced = await local.stripe.paymentMethods.retrieve(payment_method);

    expect(renewed.card).toEqual({ ...before.card, exp_month: 5, exp_year: 2032 });
    expect(replaced.card?.last4).toBe("9424");
    expect(replaced.card?.fingerprint).not.toBe(before.card?.fingerprint);
    expect(await lastEvent(local.stripe)).toMatchObject({
      type: "payment_method.automatically_updated",
      data: { object: replaced, previous_attributes: { card: { last4: "4242", fingerprint: before.card?.fingerprint } } },
      request: { id: null, idempotency_key: null },
    });
  });
});

describe("an Alipay at the local Stripe", () => {
  async function beginAt(stripe: Stripe) {
    const { id: customer } = await stripe.customers.create();
    const { id, client_secret } = await stripe.setupIntents.create({ customer, allowed_payment_method_types: ["alipay"] });
    return { customer, id, clientSecret: client_secret ?? "" };
  }

  it("is saved when its customer comes back from Alipay, with a mandate, and pays with them away", async () => {
    await using local = await aStripe();
    const { customer, id, clientSecret } = await beginAt(local.stripe);

    const asking = local.model.confirmSetupAsCustomer(clientSecret, "alipay");
    expect(asking).toMatchObject({
      status: "requires_action",
      next_action: { type: "redirect_to_url", redirect_to_url: { return_url: "https://app.example.com/" } },
    });
    const done = local.model.authenticateSetup(id, "succeed");
    expect(done).toMatchObject({ status: "succeeded", mandate: expect.stringMatching(/^mandate_/) });
    const payment_method = idOf(done.payment_method) ?? "";
    expect((await local.stripe.customers.listPaymentMethods(customer, { type: "alipay" })).data).toMatchObject([{ id: payment_method, alipay: {} }]);
    const { data } = await local.stripe.setupIntents.list({ payment_method, expand: ["data.mandate"] });
    expect(data).toMatchObject([{ mandate: { id: done.mandate, status: "active", type: "multi_use", payment_method } }]);

    const allowed_payment_method_types = ["alipay" as const];
    const payment = { customer, payment_method, amount: 5000, currency: "cny", allowed_payment_method_types, confirm: true };
    expect(await local.stripe.paymentIntents.create({ ...payment, off_session: true })).toMatchObject({ status: "succeeded" });
    // With them there, Alipay shows them what they pay.
    expect(await local.stripe.paymentIntents.create(payment)).toMatchObject({ status: "requires_action", next_action: { type: "alipay_handle_redirect" } });
  });

  it("does not pay with its customer away any more when they took that back, of which an event tells", async () => {
    await using local = await aStripe();
    const { customer, id, clientSecret } = await beginAt(local.stripe);
    local.model.confirmSetupAsCustomer(clientSecret, "alipay");
    const payment_method = idOf(local.model.authenticateSetup(id, "succeed").payment_method) ?? "";
    const payment = { customer, payment_method, amount: 5000, currency: "cny", allowed_payment_method_types: ["alipay" as const] };
    const { id: intent } = await local.stripe.paymentIntents.create(payment);

    const revoked = local.model.revoke(payment_method);

    expect(revoked).toMatchObject({ status: "inactive", payment_method });
    expect(await lastEvent(local.stripe)).toMatchObject({ type: "mandate.updated", data: { object: revoked, previous_attributes: { status: "active" } } });
    expect(await refusalOf(local.stripe.paymentIntents.confirm(intent, { off_session: true }))).toMatchObject({
      type: "StripeInvalidRequestError",
      code: "payment_intent_mandate_invalid",
    });
    expect(await local.stripe.paymentIntents.retrieve(intent)).toMatchObject({ status: "requires_confirmation" });
    expect(() => local.model.revoke(payment_method)).toThrow("taken back");
  });

  it("is refused where Stripe would: without a way back, by another kind of setup, and WeChat Pay by any", async () => {
    await using local = await aStripe();
    const { customer, id } = await beginAt(local.stripe);
    const { client_secret } = await local.stripe.setupIntents.create({ customer });

    expect(() => local.model.confirmSetupAsCustomer(client_secret ?? "", "alipay")).toThrow("(alipay) is not allowed for this SetupIntent");
    expect(await refusalOf(local.stripe.setupIntents.confirm(id, { payment_method: "pm_card_visa" }))).toMatchObject({ param: "payment_method" });
    const wechat = local.stripe.setupIntents.create({ customer, allowed_payment_method_types: ["wechat_pay"] as never });
    expect(await refusalOf(wechat)).toMatchObject({ param: "allowed_payment_method_types" });
    const expanded = local.stripe.setupIntents.list({ expand: ["data.customer"] });
    expect(await refusalOf(expanded)).toMatchObject({ param: "expand" });
  });
});

describe("a SetupIntent of the local Stripe", () => {
  it("saves the card that its customer gives", async () => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();
    const created = await local.stripe.setupIntents.create({ customer, metadata: { stage: "dev" } });
    expect(created).toMatchObject({ status: "requires_payment_method", usage: "off_session", payment_method: null, payment_method_types: ["card"] });

    const done = local.model.confirmSetupAsCustomer(created.client_secret ?? "", "pm_card_visa");

    expect(done).toMatchObject({ id: created.id, status: "succeeded", metadata: { stage: "dev" } });
    expect(await local.stripe.setupIntents.retrieve(created.id)).toEqual(done);
    expect((await local.stripe.customers.listPaymentMethods(customer)).data.map(({ id }) => id)).toEqual([done.payment_method]);
    expect(await eventTypes(local.stripe)).toEqual(["customer.created", "setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]);
  });

  it("can be created and confirmed at once", async () => {
    await using local = await aStripe();
    const setup = { ...(await local.saved("pm_card_visa")), confirm: true, return_url: "https://example.com" };

    expect(await local.stripe.setupIntents.create(setup)).toMatchObject({ status: "succeeded" });
  });

  it.each(["pm_card_authenticationRequired", "pm_card_authenticationRequiredOnSetup"])("waits for the cardholder with %s", async (name) => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();
    const { id } = await local.stripe.setupIntents.create({ customer });

    const waiting = await local.stripe.setupIntents.confirm(id, { payment_method: name });
    expect(waiting).toMatchObject({ status: "requires_action", next_action: { type: "use_stripe_sdk" } });
    expect((await local.stripe.customers.listPaymentMethods(customer)).data).toEqual([]);

    expect(local.model.authenticateSetup(id, "succeed")).toMatchObject({ status: "succeeded", next_action: null });
    expect((await local.stripe.customers.listPaymentMethods(customer)).data).toMatchObject([{ id: waiting.payment_method, customer }]);
    expect(() => local.model.authenticateSetup(id, "succeed")).toThrow("succeeded");
  });

  it("makes a card chargeable with its holder away, where that is what it was for", async () => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();
    const setUp = async (usage: "off_session" | "on_session") => {
      const { id } = await local.stripe.setupIntents.create({ customer, usage, payment_method: "pm_card_authenticationRequiredOnSetup", confirm: true });
      return idOf(local.model.authenticateSetup(id, "succeed").payment_method) ?? "";
    };
    const [away, present] = [await setUp("off_session"), await setUp("on_session")];
    const payment = { customer, amount: 5000, currency: "cny", confirm: true, off_session: true };

    expect(await local.stripe.paymentIntents.create({ ...payment, payment_method: away })).toMatchObject({ status: "succeeded" });
    expect(await refusalOf(local.stripe.paymentIntents.create({ ...payment, payment_method: present }))).toMatchObject({ code: "authentication_required" });
  });

  it("fails when the cardholder fails, and takes another card then", async () => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();
    const { id } = await local.stripe.setupIntents.create({ customer, payment_method: "pm_card_authenticationRequired", confirm: true });

    const failed = local.model.authenticateSetup(id, "fail");

    expect(failed).toMatchObject({
      status: "requires_payment_method",
      payment_method: null,
      last_setup_error: { type: "invalid_request_error", code: "setup_intent_authentication_failure" },
    });
    expect(await local.stripe.setupIntents.confirm(id, { payment_method: "pm_card_visa" })).toMatchObject({ status: "succeeded", last_setup_error: null });
    const setupEvents = (await eventTypes(local.stripe)).filter((type) => type.startsWith("setup_intent."));
    expect(setupEvents).toEqual(["setup_intent.created", "setup_intent.requires_action", "setup_intent.setup_failed", "setup_intent.succeeded"]);
  });

  it("fails with a card that declines it", async () => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();
    const { id } = await local.stripe.setupIntents.create({ customer });

    const refusal = await refusalOf(local.stripe.setupIntents.confirm(id, { payment_method: "pm_card_chargeDeclinedLostCard" }));

    const reason = { code: "card_declined", decline_code: "lost_card", advice_code: "do_not_try_again" };
    expect(refusal).toMatchObject({ ...reason, type: "StripeCardError", statusCode: 402, setup_intent: { id } });
    const failed = await local.stripe.setupIntents.retrieve(id);
    expect(failed).toMatchObject({ status: "requires_payment_method", payment_method: null, last_setup_error: reason });
    expect((await local.stripe.customers.listPaymentMethods(customer)).data).toEqual([]);
    expect(await lastEvent(local.stripe)).toMatchObject({ type: "setup_intent.setup_failed", data: { object: failed } });
  });

  it("saves a card that will decline only when it is charged", async () => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();

    const { payment_method } = await local.stripe.setupIntents.create({ customer, payment_method: "pm_card_chargeCustomerFail", confirm: true });

    const payment = { customer, payment_method: idOf(payment_method) ?? "", amount: 5000, currency: "cny", confirm: true, off_session: true };
    expect(await refusalOf(local.stripe.paymentIntents.create(payment))).toMatchObject({ decline_code: "generic_decline" });
  });

  it("can be canceled until it has succeeded", async () => {
    await using local = await aStripe();
    const { id: customer } = await local.stripe.customers.create();
    const open = await local.stripe.setupIntents.create({ customer });
    const done = await local.stripe.setupIntents.create({ customer, payment_method: "pm_card_visa", confirm: true });

    const canceled = await local.stripe.setupIntents.cancel(open.id, { cancellation_reason: "abandoned" });

    expect(canceled).toMatchObject({ status: "canceled", cancellation_reason: "abandoned" });
    expect(await lastEvent(local.stripe)).toMatchObject({ type: "setup_intent.canceled", data: { object: canceled } });
    expect(() => local.model.confirmSetupAsCustomer(open.client_secret ?? "", "pm_card_visa")).toThrow("canceled");
    for (const refused of [local.stripe.setupIntents.cancel(done.id), local.stripe.setupIntents.confirm(done.id)]) {
      expect(await refusalOf(refused)).toMatchObject({ statusCode: 400, code: "setup_intent_unexpected_state", setup_intent: { id: done.id } });
    }
  });

  it("needs a card, of its own customer", async () => {
    await using local = await aStripe();
    const { payment_method } = await local.saved("pm_card_visa");
    const { id: customer } = await local.stripe.customers.create();
    const { id } = await local.stripe.setupIntents.create({ customer });

    expect(await refusalOf(local.stripe.setupIntents.confirm(id))).toMatchObject({ code: "setup_intent_unexpected_state" });
    expect(await refusalOf(local.stripe.setupIntents.confirm(id, { payment_method }))).toMatchObject({ code: "resource_missing", param: "payment_method" });
    expect(await refusalOf(local.stripe.setupIntents.create({ customer, return_url: "https://example.com" }))).toMatchObject({ param: "return_url" });
  });

  it("is listed newest first, by customer, card and time", async () => {
    await using local = await aStripe();
    const mei = await local.saved("pm_card_visa");
    const first = await local.stripe.setupIntents.create({ customer: mei.customer });
    local.clock.now += 1000;
    const second = await local.stripe.setupIntents.create(mei);
    const third = await local.stripe.setupIntents.create();
    const ids = async (filter: Stripe.SetupIntentListParams) => (await local.stripe.setupIntents.list(filter)).data.map(({ id }) => id);

    expect(await ids({ customer: mei.customer })).toEqual([second.id, first.id]);
    expect(await ids({ payment_method: mei.payment_method })).toEqual([second.id]);
    expect(await ids({ created: { lt: second.created } })).toEqual([first.id]);
    expect(await ids({ limit: 1, starting_after: third.id })).toEqual([second.id]);
  });
});
