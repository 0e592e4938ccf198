import { describe, expect, it } from "@jest/globals";
import type { Operation } from "../../local/stripe/next-outcomes.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { StripeRefusal } from "../../local/stripe/stripe-refusal.ts";
import { aQuickStripe, aStripe, recordsOverSuddenDeath, refusalOf } from "./local-stripe.ts";

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
    const local = aQuickStripe();
    const { customer, payment_method } = await local.saved("pm_card_visa");
    const { id, status } = await local.stripe.paymentIntents.create({ customer, amount: 5000, currency: "cny" });
    expect(status).toBe("requires_payment_method");

    expect(await refusalOf(local.stripe.paymentIntents.confirm(id))).toMatchObject({ code: "payment_intent_unexpected_state" });
    expect(await local.stripe.paymentIntents.confirm(id, { payment_method })).toMatchObject({ status: "succeeded", payment_method });
  });

  it("can be created and confirmed at once", async () => {
    const local = aQuickStripe();
    const intent = { ...(await local.saved("pm_card_visa")), amount: 5000, currency: "cny", confirm: true, off_session: true };

    expect(await local.stripe.paymentIntents.create(intent)).toMatchObject({ status: "succeeded" });
  });

  it.each([
    ["pm_card_visa_chargeDeclined", { code: "card_declined", decline_code: "generic_decline", advice_code: "try_again_later" }],
    ["pm_card_chargeCustomerFail", { code: "card_declined", decline_code: "generic_decline" }],
    ["pm_card_visa_chargeDeclinedInsufficientFunds", { code: "card_declined", decline_code: "insufficient_funds" }],
    ["pm_card_visa_chargeDeclinedLostCard", { code: "card_declined", decline_code: "lost_card", advice_code: "do_not_try_again" }],
    ["pm_card_visa_chargeDeclinedStolenCard", { code: "card_declined", decline_code: "stolen_card" }],
    ["pm_card_visa_chargeDeclinedVelocityLimitExceeded", { code: "card_declined", decline_code: "card_velocity_exceeded" }],
    ["pm_card_radarBlock", { code: "card_declined", decline_code: "fraudulent" }],
    ["pm_card_chargeDeclinedExpiredCard", { code: "expired_card" }],
    ["pm_card_chargeDeclinedIncorrectCvc", { code: "incorrect_cvc" }],
    ["pm_card_chargeDeclinedProcessingError", { code: "processing_error" }],
    ["pm_card_authenticationRequired", { code: "authentication_required", decline_code: "authentication_required" }],
    ["pm_card_authenticationRequiredOnSetup", { code: "authentication_required" }],
  ])("is declined off-session with %s, and then wants another method", async (name, reason) => {
    const local = aQuickStripe();
    const { id } = await local.intentWith(name);

    const refusal = await refusalOf(local.stripe.paymentIntents.confirm(id, { off_session: true }));

    expect(refusal).toMatchObject({ ...reason, type: "StripeCardError", rawType: "card_error", statusCode: 402, payment_intent: { id } });
    const after = await local.stripe.paymentIntents.retrieve(id);
    expect(after).toMatchObject({ status: "requires_payment_method", payment_method: null, amount_received: 0, last_payment_error: reason });
    expect(local.model.listCharges()).toMatchObject([{ id: after.latest_charge, paid: false, status: "failed" }]);
  });

  it("does not ask a card again that declined it", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_chargeDeclined");
    await refusalOf(local.stripe.paymentIntents.confirm(id));

    expect(await refusalOf(local.stripe.paymentIntents.confirm(id))).toMatchObject({ code: "payment_intent_unexpected_state" });

    expect(local.model.listCharges()).toHaveLength(1);
  });

  it("can be paid by another card after a decline", async () => {
    const local = aQuickStripe();
    const { id, customer } = await local.intentWith("pm_card_chargeDeclined");
    await refusalOf(local.stripe.paymentIntents.confirm(id));
    const { id: payment_method } = await local.stripe.paymentMethods.attach("pm_card_visa", { customer });

    const paid = await local.stripe.paymentIntents.confirm(id, { payment_method });

    expect(paid).toMatchObject({ status: "succeeded", last_payment_error: null });
    expect(local.model.listCharges().map((charge) => charge.paid)).toEqual([false, true]);
  });

  it("asks for the customer on-session, unless the request wants an error instead", async () => {
    const local = aQuickStripe();
    const first = await local.intentWith("pm_card_authenticationRequired");
    const second = await local.intentWith("pm_card_authenticationRequired");

    expect(await local.stripe.paymentIntents.confirm(first.id)).toMatchObject({ status: "requires_action", next_action: { type: "use_stripe_sdk" } });
    expect(await refusalOf(local.stripe.paymentIntents.confirm(second.id, { error_on_requires_action: true }))).toMatchObject({
      code: "authentication_required",
    });
  });

  it("is paid off-session by a card that was set up for that", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_authenticationRequiredSetupForOffSession");

    expect(await local.stripe.paymentIntents.confirm(id, { off_session: true })).toMatchObject({ status: "succeeded" });
  });

  it("is canceled before it is paid, and never after", async () => {
    const local = aQuickStripe();
    const unpaid = await local.intentWith("pm_card_visa");
    const paid = await local.intentWith("pm_card_visa");
    await local.stripe.paymentIntents.confirm(paid.id);

    const canceled = await local.stripe.paymentIntents.cancel(unpaid.id, { cancellation_reason: "abandoned" });
    const refusal = await refusalOf(local.stripe.paymentIntents.cancel(paid.id));

    expect(canceled).toMatchObject({ status: "canceled", cancellation_reason: "abandoned", canceled_at: local.clock.now / 1000 });
    expect(refusal).toMatchObject({ statusCode: 400, code: "payment_intent_unexpected_state", payment_intent: { id: paid.id, status: "succeeded" } });
  });

  it("is never confirmed again once it is paid or canceled", async () => {
    const local = aQuickStripe();
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
    const local = aQuickStripe();
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
    const local = aQuickStripe();

    const refusal = await refusalOf(local.stripe.paymentIntents.create({ amount: least - 1, currency }));

    expect(refusal).toMatchObject({ statusCode: 400, code: "amount_too_small", param: "amount" });
    expect(await local.stripe.paymentIntents.create({ amount: least, currency })).toMatchObject({ amount: least, currency });
  });

  it("in a currency of three decimals ends in 0", async () => {
    const local = aQuickStripe();
    expect(await refusalOf(local.stripe.paymentIntents.create({ amount: 1005, currency: "kwd" }))).toMatchObject({ param: "amount" });
    expect(await local.stripe.paymentIntents.create({ amount: 1010, currency: "kwd" })).toMatchObject({ amount: 1010 });
  });

  it("has at most eight digits, and a currency that exists", async () => {
    const local = aQuickStripe();

    expect(await refusalOf(local.stripe.paymentIntents.create({ amount: 100_000_000, currency: "cny" }))).toMatchObject({ code: "amount_too_large" });
    expect(await refusalOf(local.stripe.paymentIntents.create({ amount: 5000, currency: "xyz" }))).toMatchObject({ param: "currency" });
  });

  it("is listed newest first, page by page, and by customer", async () => {
    const local = aQuickStripe();
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
    const local = aQuickStripe();
    const first = await local.intentWith("pm_card_visa");
    const second = await local.intentWith("pm_card_visa");
    local.model.chooseNext({ type: "decline", declineCode: "do_not_honor", adviceCode: "try_again_later" });

    const refusal = await refusalOf(local.stripe.paymentIntents.confirm(first.id, { off_session: true }));

    expect(refusal).toMatchObject({ code: "card_declined", decline_code: "do_not_honor", advice_code: "try_again_later" });
    expect(await local.stripe.paymentIntents.confirm(second.id)).toMatchObject({ status: "succeeded" });
  });

  it("outdoes what the card itself would do", async () => {
    const local = aQuickStripe();
    const bad = await local.intentWith("pm_card_chargeDeclined");
    const good = await local.intentWith("pm_card_visa");
    local.model.chooseNext("succeed");
    local.model.chooseNext("authentication-required");

    expect(await local.stripe.paymentIntents.confirm(bad.id, { off_session: true })).toMatchObject({ status: "succeeded" });
    expect(await refusalOf(local.stripe.paymentIntents.confirm(good.id, { off_session: true }))).toMatchObject({ code: "authentication_required" });
  });

  it("can be a payment that is processing for a while, and cannot be canceled meanwhile", async () => {
    const local = aQuickStripe();
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

describe("the customer before the local Stripe", () => {
  it("passes what their bank asks, and the payment is made", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_threeDSecure2Required");
    await local.stripe.paymentIntents.confirm(id);
    expect(local.model.listCharges()).toEqual([]);

    expect(local.model.authenticate(id, "succeed")).toMatchObject({ status: "succeeded", amount_received: 5000, next_action: null });

    expect(local.model.listCharges()).toMatchObject([{ paid: true }]);
    expect(await local.eventTypes()).toEqual(["payment_intent.created", "payment_intent.requires_action", "charge.succeeded", "payment_intent.succeeded"]);
  });

  it("fails it, and is asked for another way to pay; no card was charged", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_authenticationRequired");
    await local.stripe.paymentIntents.confirm(id);

    const failed = local.model.authenticate(id, "fail");

    expect(failed).toMatchObject({
      status: "requires_payment_method",
      payment_method: null,
      last_payment_error: { type: "invalid_request_error", code: "payment_intent_authentication_failure" },
    });
    expect(local.model.listCharges()).toEqual([]);
    expect((await local.eventTypes()).at(-1)).toBe("payment_intent.payment_failed");
  });

  it("passes it, and their bank declines all the same", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds");
    await local.stripe.paymentIntents.confirm(id);

    const declined = local.model.authenticate(id, "succeed");

    expect(declined).toMatchObject({ status: "requires_payment_method", last_payment_error: { decline_code: "insufficient_funds" } });
  });

  it("is asked nothing where nothing waits for them", async () => {
    const local = aQuickStripe();
    const { id } = await local.paid();

    expect(() => local.model.authenticate(id, "succeed")).toThrow(StripeRefusal);
  });

  it.each([
    ["not confirmed yet", undefined],
    ["declined off-session", "pm_card_chargeDeclined"],
    ["that wants the cardholder", "pm_card_authenticationRequired"],
  ])("pays with the client secret a PaymentIntent %s", async (_, card) => {
    const local = aQuickStripe();
    const { id, clientSecret } = await local.intentWith(card ?? "pm_card_visa");
    if (card !== undefined) await refusalOf(local.stripe.paymentIntents.confirm(id, { off_session: true }));

    expect(local.model.confirmAsCustomer(clientSecret, "pm_card_visa")).toMatchObject({ id, status: "succeeded", last_payment_error: null });
  });

  it("is declined like anybody, and may try again", async () => {
    const local = aQuickStripe();
    const { clientSecret } = await local.intentWith("pm_card_visa");

    expect(local.model.confirmAsCustomer(clientSecret, "pm_card_chargeDeclined")).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { code: "card_declined" },
    });
    expect(local.model.confirmAsCustomer(clientSecret, "pm_card_visa")).toMatchObject({ status: "succeeded" });
  });

  it("cannot pay what is canceled, paid, or somebody else's secret", async () => {
    const local = aQuickStripe();
    const canceled = await local.intentWith("pm_card_visa");
    await local.stripe.paymentIntents.cancel(canceled.id);
    const paid = await local.intentWith("pm_card_visa");
    await local.stripe.paymentIntents.confirm(paid.id);

    for (const secret of [canceled.clientSecret, paid.clientSecret, `${paid.id}_secret_guessed`]) {
      expect(() => local.model.confirmAsCustomer(secret, "pm_card_visa")).toThrow(StripeRefusal);
    }
    expect(local.model.listCharges()).toHaveLength(1);
  });

  it.each(["wechat_pay", "alipay"] as const)("pays by %s once they have confirmed it there, and may try again", async (type) => {
    const local = aQuickStripe();
    const { id: customer } = await local.stripe.customers.create();
    const intent = await local.stripe.paymentIntents.create({ customer, amount: 5000, currency: "cny", allowed_payment_method_types: [type] });
    const secret = intent.client_secret ?? "";
    expect(intent.status).toBe("requires_payment_method");

    expect(local.model.confirmAsCustomer(secret, type)).toMatchObject({ status: "requires_action", next_action: { type: expect.stringContaining(type) } });
    expect(local.model.authenticate(intent.id, "fail")).toMatchObject({ status: "requires_payment_method" });
    expect(local.model.listCharges()).toEqual([]);
    const { payment_method } = local.model.confirmAsCustomer(secret, type);
    expect(local.model.authenticate(intent.id, "succeed")).toMatchObject({ status: "succeeded", amount_received: 5000 });

    expect(local.model.listCharges()).toMatchObject([{ paid: true, payment_method, payment_method_details: { type } }]);
    const method = await local.stripe.paymentMethods.retrieve(idOf(payment_method) ?? "");
    expect(method).toMatchObject({ type, [type]: {}, customer: null });
    expect(method).not.toHaveProperty("card");
  });

  it("pays only by what the PaymentIntent allows, and can save nothing but a card", async () => {
    const local = aQuickStripe();
    const { id: customer } = await local.stripe.customers.create();
    const { client_secret } = await local.stripe.paymentIntents.create({ customer, amount: 5000, currency: "cny", allowed_payment_method_types: ["alipay"] });
    const { clientSecret } = await local.intentWith("pm_card_visa");
    const { payment_method } = local.model.confirmAsCustomer(client_secret ?? "", "alipay");

    for (const means of ["pm_card_visa", "wechat_pay"]) {
      expect(() => local.model.confirmAsCustomer(client_secret ?? "", means)).toThrow("not allowed for this PaymentIntent");
    }
    expect(() => local.model.confirmAsCustomer(clientSecret, "alipay")).toThrow("not allowed for this PaymentIntent");
    const wrong = { customer, payment_method: "pm_card_visa", amount: 5000, currency: "cny", allowed_payment_method_types: ["alipay" as const] };
    expect(await refusalOf(local.stripe.paymentIntents.create(wrong))).toMatchObject({ param: "payment_method" });
    expect((await refusalOf(local.stripe.paymentMethods.attach(idOf(payment_method) ?? "", { customer }))).message).toContain("cannot be attached");
    expect(local.model.listCharges()).toEqual([]);
  });

  it("and a cancel: whichever comes first holds", async () => {
    const local = aQuickStripe();
    const paidFirst = await local.intentWith("pm_card_authenticationRequired");
    const canceledFirst = await local.intentWith("pm_card_authenticationRequired");
    await local.stripe.paymentIntents.confirm(paidFirst.id);
    await local.stripe.paymentIntents.confirm(canceledFirst.id);

    local.model.authenticate(paidFirst.id, "succeed");
    expect(await refusalOf(local.stripe.paymentIntents.cancel(paidFirst.id))).toMatchObject({ payment_intent: { status: "succeeded" } });
    await local.stripe.paymentIntents.cancel(canceledFirst.id);
    expect(() => local.model.authenticate(canceledFirst.id, "succeed")).toThrow(StripeRefusal);

    expect(local.model.listCharges()).toMatchObject([{ payment_intent: paidFirst.id, paid: true }]);
  });
});

describe("a PaymentIntent of the local Stripe", () => {
  it("is paid off-session by a card that a SetupIntent set up for that, and asks for the customer on-session", async () => {
    const local = aQuickStripe();
    const { id: customer } = await local.stripe.customers.create();
    const { client_secret } = await local.stripe.setupIntents.create({ customer, usage: "off_session" });
    const setup = local.model.confirmSetupAsCustomer(client_secret ?? "", "pm_card_authenticationRequiredOnSetup");
    const payment_method = idOf(local.model.authenticateSetup(setup.id, "succeed").payment_method) ?? "";
    const create = () => local.stripe.paymentIntents.create({ customer, payment_method, amount: 5000, currency: "cny" });

    expect(await local.stripe.paymentIntents.confirm((await create()).id, { off_session: true })).toMatchObject({ status: "succeeded" });
    expect(await local.stripe.paymentIntents.confirm((await create()).id)).toMatchObject({ status: "requires_action" });
  });

  it("is canceled by Stripe itself after too many tries", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");
    for (let tries = 0; tries < 10; tries += 1) await refusalOf(local.stripe.paymentIntents.confirm(id, { payment_method: "pm_card_chargeDeclined" }));

    expect(await local.stripe.paymentIntents.confirm(id, { payment_method: "pm_card_visa" })).toMatchObject({
      status: "canceled",
      cancellation_reason: "automatic",
    });
    expect(local.model.listCharges().filter((charge) => charge.paid)).toEqual([]);
    expect((await local.eventTypes()).at(-1)).toBe("payment_intent.canceled");
  });

  it("forgets why it failed when it is changed, and takes the new amount and card", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_chargeDeclined");
    await refusalOf(local.stripe.paymentIntents.confirm(id));

    const updated = await local.stripe.paymentIntents.update(id, { amount: 6000, payment_method: "pm_card_visa" });

    expect(updated).toMatchObject({ status: "requires_confirmation", amount: 6000, last_payment_error: null });
    expect(await local.stripe.paymentIntents.confirm(id)).toMatchObject({ status: "succeeded", amount_received: 6000 });
  });

  it("keeps its status when only its metadata changes; an empty value removes a key", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");

    const updated = await local.stripe.paymentIntents.update(id, { metadata: { rechargeId: "", note: "x" }, description: "a recharge" });

    expect(updated).toMatchObject({ status: "requires_confirmation", description: "a recharge" });
    expect(updated.metadata).toEqual({ note: "x" });
  });

  it.each(["succeeded", "canceled"])("has an amount for good once it is %s, and metadata that can still change", async (status) => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");
    await (status === "succeeded" ? local.stripe.paymentIntents.confirm(id) : local.stripe.paymentIntents.cancel(id));

    expect(await refusalOf(local.stripe.paymentIntents.update(id, { amount: 6000 }))).toMatchObject({ code: "payment_intent_unexpected_state" });
    expect(await local.stripe.paymentIntents.update(id, { metadata: { note: "x" } })).toMatchObject({ status, amount: 5000 });
  });

  it("cannot become too small", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");

    expect(await refusalOf(local.stripe.paymentIntents.update(id, { amount: 399 }))).toMatchObject({ code: "amount_too_small" });
  });

  it("shows its latest charge whole when that is asked for, and nothing else", async () => {
    const local = aQuickStripe();
    const { id, charge } = await local.paid();

    const retrieved = await local.stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] });
    const { data } = await local.stripe.paymentIntents.list({ expand: ["data.latest_charge"] });

    expect(retrieved).toMatchObject({ latest_charge: { id: charge, object: "charge", paid: true } });
    expect(data).toMatchObject([{ latest_charge: { id: charge } }]);
    expect(await refusalOf(local.stripe.paymentIntents.retrieve(id, { expand: ["customer"] }))).toMatchObject({ statusCode: 400, param: "expand" });
  });

  it("is listed by the time of its making", async () => {
    const local = aQuickStripe();
    const at = local.clock.now / 1000;
    const ids: string[] = [];
    for (let second = 0; second < 3; second += 1) {
      ids.push((await local.intentWith("pm_card_visa")).id);
      local.clock.now += 1000;
    }
    const listed = async (created: object | number) => (await local.stripe.paymentIntents.list({ created })).data.map(({ id }) => ids.indexOf(id));

    expect(await listed({ gte: at + 1 })).toEqual([2, 1]);
    expect(await listed({ gt: at + 1 })).toEqual([2]);
    expect(await listed({ lte: at + 1 })).toEqual([1, 0]);
    expect(await listed({ lt: at + 1 })).toEqual([0]);
    expect(await listed(at + 1)).toEqual([1]);
  });

  it.each([
    ["a decline", "pm_card_chargeDeclined", ["charge.failed", "payment_intent.payment_failed"]],
    ["a payment", "pm_card_visa", ["charge.succeeded", "payment_intent.succeeded"]],
  ])("tells of %s by events", async (_, card, types) => {
    const local = aQuickStripe();
    const { id } = await local.intentWith(card);
    await local.stripe.paymentIntents.confirm(id, { off_session: true }).catch(() => undefined);

    expect(await local.eventTypes()).toEqual(["payment_intent.created", ...types]);
    const { data } = await local.stripe.events.list({ type: types[1] });
    expect(data).toMatchObject([{ data: { object: { id } } }]);
  });
});

describe("what can be chosen for the local Stripe's next answer", () => {
  it("is a payment that is processing for a while and then fails", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("processing-then-failed");
    expect(await local.stripe.paymentIntents.confirm(id, { off_session: true })).toMatchObject({ status: "processing" });

    local.clock.now += 30_000;

    expect(await local.stripe.paymentIntents.retrieve(id)).toMatchObject({
      status: "requires_payment_method",
      payment_method: null,
      processing: null,
      last_payment_error: { type: "card_error", code: "card_declined" },
    });
    expect(await local.eventTypes()).toEqual(["payment_intent.created", "payment_intent.processing", "charge.failed", "payment_intent.payment_failed"]);
  });

  it("is a cancel that succeeds while the payment is processing, and then nothing is taken", async () => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("processing");
    local.model.chooseNext("cancel-processing", "cancel");
    await local.stripe.paymentIntents.confirm(id);

    expect(await local.stripe.paymentIntents.cancel(id)).toMatchObject({ status: "canceled" });
    local.clock.now += 30_000;

    expect(await local.stripe.paymentIntents.retrieve(id)).toMatchObject({ status: "canceled", processing: null });
    expect(local.model.listCharges()).toEqual([]);
  });

  it.each(["authentication_required", "expired_card", "incorrect_cvc", "processing_error"])(
    "is the decline %s, which is an error code of its own",
    async (code) => {
      const local = aQuickStripe();
      const { id } = await local.intentWith("pm_card_visa");
      local.model.chooseNext({ type: "decline", declineCode: code });

      expect(await refusalOf(local.stripe.paymentIntents.confirm(id))).toMatchObject({ code, decline_code: code });
    },
  );

  it.each([
    ["rate-limited", { statusCode: 429, type: "StripeRateLimitError", rawType: "invalid_request_error", code: "rate_limit" }],
    ["lock-timeout", { statusCode: 429, type: "StripeRateLimitError", rawType: "invalid_request_error", code: "lock_timeout" }],
  ] as const)("is %s, which no idempotency key remembers", async (fault, expected) => {
    const local = aQuickStripe();
    const { id } = await local.intentWith("pm_card_visa");
    const confirm = () => local.stripe.paymentIntents.confirm(id, {}, { idempotencyKey: "k" });
    local.model.chooseNext(fault);

    expect(await refusalOf(confirm())).toMatchObject(expected);
    expect(await confirm()).toMatchObject({ status: "succeeded" });
  });

  it.each(["create", "retrieve", "confirm", "cancel", "refund"] as const)("is a fault of %s alone", async (operation) => {
    const local = aQuickStripe();
    const { id: paid } = await local.paid();
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("error-500", operation);
    const { paymentIntents } = local.stripe;
    const calls: Record<Operation, () => Promise<unknown>> = {
      create: () => paymentIntents.create({ amount: 5000, currency: "cny" }),
      retrieve: () => paymentIntents.retrieve(id),
      confirm: () => paymentIntents.confirm(id),
      cancel: () => paymentIntents.cancel(id),
      refund: () => local.stripe.refunds.create({ payment_intent: paid }),
    };

    const answers = await Promise.allSettled(Object.values(calls).map((call) => call()));

    const failed = Object.keys(calls).filter((_, index) => JSON.stringify(answers[index]).includes("StripeAPIError"));
    expect(failed).toEqual([operation]);
  });

  it.each(["lose-reply", "lose-request"] as const)("can %s of a create and of a refund", async (fault) => {
    await using local = await aStripe();
    const { id: payment_intent } = await local.paid();
    local.model.chooseNext(fault, "create");
    local.model.chooseNext(fault, "refund");

    const created = await refusalOf(local.stripe.paymentIntents.create({ amount: 5000, currency: "cny" }, { idempotencyKey: "k1" }));
    const refunded = await refusalOf(local.stripe.refunds.create({ payment_intent }, { idempotencyKey: "k2" }));

    expect([created.type, refunded.type]).toEqual(["StripeConnectionError", "StripeConnectionError"]);
    expect((await local.stripe.paymentIntents.list()).data).toHaveLength(fault === "lose-reply" ? 2 : 1);
    expect((await local.stripe.refunds.list()).data).toHaveLength(fault === "lose-reply" ? 1 : 0);
  });

  it("loses the reply even of a refusal", async () => {
    await using local = await aStripe();
    const { id } = await local.paid();
    local.model.chooseNext("lose-reply");

    expect((await refusalOf(local.stripe.paymentIntents.confirm(id))).type).toBe("StripeConnectionError");
  });

  it("is still chosen after the process was killed, and what was processing goes on", async () => {
    await using records = await recordsOverSuddenDeath();
    const first = aQuickStripe(records.before);
    const processing = await first.intentWith("pm_card_visa");
    const fresh = await first.intentWith("pm_card_visa");
    first.model.chooseNext("processing");
    first.model.chooseNext({ type: "decline", declineCode: "do_not_honor" });
    await first.stripe.paymentIntents.confirm(processing.id);

    const second = aQuickStripe(records.after);
    second.clock.now += 30_000;

    expect(await second.stripe.paymentIntents.retrieve(processing.id)).toMatchObject({ status: "succeeded" });
    expect(await refusalOf(second.stripe.paymentIntents.confirm(fresh.id))).toMatchObject({ decline_code: "do_not_honor" });
  });
});

describe("a charge of the local Stripe", () => {
  it("says who paid, by which card, and who decided", async () => {
    const local = aQuickStripe();
    const { id, customer, charge } = await local.paid();

    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({
      amount: 5000,
      amount_captured: 5000,
      amount_refunded: 0,
      customer,
      payment_intent: id,
      status: "succeeded",
      metadata: { rechargeId: "r1" },
      outcome: { network_status: "approved_by_network", type: "authorized", reason: null },
      payment_method_details: { type: "card", card: { brand: "visa", last4: "4242", fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) } },
    });
  });

  it.each([
    [
      "pm_card_visa_chargeDeclinedLostCard",
      { network_status: "declined_by_network", type: "issuer_declined", reason: "lost_card", advice_code: "do_not_try_again" },
    ],
    ["pm_card_chargeDeclinedExpiredCard", { network_status: "declined_by_network", type: "issuer_declined", reason: "expired_card" }],
    ["pm_card_radarBlock", { network_status: "not_sent_to_network", type: "blocked", reason: "highest_risk_level", risk_level: "highest" }],
  ])("says why %s did not pay", async (card, outcome) => {
    const local = aQuickStripe();
    const { id } = await local.intentWith(card);
    await refusalOf(local.stripe.paymentIntents.confirm(id, { off_session: true }));

    const { data } = await local.stripe.charges.list({ payment_intent: id });

    expect(data).toMatchObject([{ paid: false, captured: false, amount_captured: 0, status: "failed", outcome }]);
  });

  it("is listed by PaymentIntent, customer and time, page by page", async () => {
    const local = aQuickStripe();
    const first = await local.paid();
    local.clock.now += 1000;
    const second = await local.paid();
    local.clock.now += 1000;
    const third = await local.paid();
    const listed = async (filter: object) => (await local.stripe.charges.list(filter)).data.map(({ id }) => id);

    expect(await listed({})).toEqual([third.charge, second.charge, first.charge]);
    expect(await listed({ payment_intent: second.id })).toEqual([second.charge]);
    expect(await listed({ customer: first.customer })).toEqual([first.charge]);
    expect(await listed({ created: { gte: local.clock.now / 1000 - 1 } })).toEqual([third.charge, second.charge]);
    expect(await listed({ limit: 1, starting_after: third.charge })).toEqual([second.charge]);
    const all = [];
    for await (const charge of local.stripe.charges.list({ limit: 1 })) all.push(charge.id);
    expect(all).toEqual([third.charge, second.charge, first.charge]);
  });

  it("is refused when it does not exist", async () => {
    const local = aQuickStripe();

    for (const missing of [local.stripe.charges.retrieve("ch_0"), local.stripe.refunds.retrieve("re_0"), local.stripe.disputes.retrieve("du_0")]) {
      expect(await refusalOf(missing)).toMatchObject({ statusCode: 404, code: "resource_missing" });
    }
  });
});

describe("a refund of the local Stripe", () => {
  it("gives back in parts, until nothing is left", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();

    const part = await local.stripe.refunds.create({ payment_intent, amount: 2000, reason: "requested_by_customer", metadata: { rechargeId: "r1" } });
    expect(part).toMatchObject({ status: "succeeded", amount: 2000, charge, payment_intent, reason: "requested_by_customer", metadata: { rechargeId: "r1" } });
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 2000, refunded: false });
    expect(await refusalOf(local.stripe.refunds.create({ charge, amount: 3001 }))).toMatchObject({
      statusCode: 400,
      param: "amount",
      message: "Refund amount (CNY 30.01) is greater than unrefunded amount on charge (CNY 30.00)",
    });

    expect(await local.stripe.refunds.create({ charge, amount: 3000 })).toMatchObject({ amount: 3000 });
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 5000, refunded: true });
    expect(await refusalOf(local.stripe.refunds.create({ charge }))).toMatchObject({ statusCode: 400, code: "charge_already_refunded" });
    expect(await local.stripe.paymentIntents.retrieve(payment_intent)).toMatchObject({ status: "succeeded", amount_received: 5000 });
  });

  it("tells of itself by events, with what the charge was before", async () => {
    const local = aQuickStripe();
    const { id: payment_intent } = await local.paid();

    await local.stripe.refunds.create({ payment_intent, amount: 2000 });

    expect((await local.eventTypes()).slice(-2)).toEqual(["refund.created", "charge.refunded"]);
    const { data } = await local.stripe.events.list({ type: "charge.refunded" });
    expect(data).toMatchObject([{ data: { object: { amount_refunded: 2000 }, previous_attributes: { amount_refunded: 0 } } }]);
  });

  it("can be pending for a while, and counts as refunded meanwhile", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();
    local.model.chooseNext("pending", "refund");
    const { id, ...refund } = await local.stripe.refunds.create({ payment_intent });
    expect(refund).toMatchObject({ status: "pending", pending_reason: "processing" });
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 5000, refunded: true });

    local.clock.now += 30_000;

    const settled = await local.stripe.refunds.retrieve(id);
    expect(settled.status).toBe("succeeded");
    expect(settled).not.toHaveProperty("pending_reason");
    expect((await local.eventTypes()).slice(-2)).toEqual(["refund.updated", "charge.refund.updated"]);
  });

  it("can fail later: the money is back at the charge, and can be refunded again", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();
    local.model.chooseNext("fail-later", "refund");
    const { id, status } = await local.stripe.refunds.create({ payment_intent, amount: 2000 });
    expect(status).toBe("succeeded");

    local.clock.now += 30_000;

    expect(await local.stripe.refunds.retrieve(id)).toMatchObject({ status: "failed", failure_reason: "lost_or_stolen_card" });
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 0, refunded: false });
    expect((await local.eventTypes()).slice(-3)).toEqual(["refund.failed", "refund.updated", "charge.refund.updated"]);
    expect(await local.stripe.refunds.create({ payment_intent })).toMatchObject({ amount: 5000, status: "succeeded" });
  });

  it("can be pending, and fail then", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();
    local.model.chooseNext("pending-then-failed", "refund");
    const { id, status } = await local.stripe.refunds.create({ payment_intent });
    expect(status).toBe("pending");

    local.clock.now += 30_000;

    expect(await local.stripe.refunds.retrieve(id)).toMatchObject({ status: "failed" });
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 0 });
  });

  it("settles two that are under way, each in its own time", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();
    local.model.chooseNext("fail-later", "refund");
    local.model.chooseNext("pending", "refund");
    await local.stripe.refunds.create({ payment_intent, amount: 2000 });
    local.clock.now += 10_000;
    await local.stripe.refunds.create({ payment_intent, amount: 1000 });
    const statuses = async () => (await local.stripe.refunds.list()).data.map(({ status }) => status);

    local.clock.now += 20_000;
    expect(await statuses()).toEqual(["pending", "failed"]);
    local.clock.now += 10_000;
    expect(await statuses()).toEqual(["succeeded", "failed"]);
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 1000 });
  });

  it("settles all that was due when somebody looks late", async () => {
    const local = aQuickStripe();
    const { id: payment_intent } = await local.paid();
    local.model.chooseNext("pending", "refund");
    local.model.chooseNext("pending", "refund");
    await local.stripe.refunds.create({ payment_intent, amount: 2000 });
    await local.stripe.refunds.create({ payment_intent, amount: 1000 });

    local.clock.now += 30_000;

    expect((await local.stripe.refunds.list()).data.map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
  });

  it("is made once for one idempotency key", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();
    const refund = (idempotencyKey: string) => local.stripe.refunds.create({ payment_intent, amount: 2000 }, { idempotencyKey });

    const first = await refund("k");
    expect((await refund("k")).id).toBe(first.id);
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 2000 });
    expect((await refund("another")).id).not.toBe(first.id);
  });

  it("is not made where a 500 is remembered", async () => {
    const local = aQuickStripe();
    const { id: payment_intent } = await local.paid();
    const refund = (idempotencyKey: string) => local.stripe.refunds.create({ payment_intent }, { idempotencyKey });
    local.model.chooseNext("error-500", "refund");

    expect(await refusalOf(refund("k"))).toMatchObject({ statusCode: 500 });
    expect(await refusalOf(refund("k"))).toMatchObject({ statusCode: 500 });
    expect((await local.stripe.refunds.list()).data).toEqual([]);
    expect(await refund("another")).toMatchObject({ amount: 5000 });
  });

  it("is listed by charge, PaymentIntent and time", async () => {
    const local = aQuickStripe();
    const [one, other] = [await local.paid(), await local.paid()];
    const first = await local.stripe.refunds.create({ charge: one.charge, amount: 1000 });
    local.clock.now += 1000;
    const second = await local.stripe.refunds.create({ charge: one.charge, amount: 1000 });
    const third = await local.stripe.refunds.create({ payment_intent: other.id });
    const listed = async (filter: object) => (await local.stripe.refunds.list(filter)).data.map(({ id }) => id);

    expect(await listed({ charge: one.charge })).toEqual([second.id, first.id]);
    expect(await listed({ payment_intent: other.id })).toEqual([third.id]);
    expect(await listed({ created: { lt: local.clock.now / 1000 } })).toEqual([first.id]);
    expect(await listed({ limit: 1, starting_after: third.id })).toEqual([second.id]);
  });

  it.each([
    ["neither a charge nor a PaymentIntent", {}, {}],
    ["both", { charge: "ch_0", payment_intent: "pi_0" }, {}],
    ["a charge that does not exist", { charge: "ch_0" }, { statusCode: 400, code: "resource_missing", param: "charge" }],
    ["a PaymentIntent that does not exist", { payment_intent: "pi_0" }, { statusCode: 400, code: "resource_missing", param: "payment_intent" }],
    ["a reason of its own", { charge: "ch_0", reason: "carrier_refused" }, { param: "reason" }],
    ["an unknown parameter", { charge: "ch_0", colour: "red" }, { code: "parameter_unknown", param: "colour" }],
  ])("is refused for %s", async (_, params, expected) => {
    const local = aQuickStripe();

    expect(await refusalOf(local.stripe.rawRequest("POST", "/v1/refunds", params))).toMatchObject({ rawType: "invalid_request_error", ...expected });
  });

  it("of nothing is refused", async () => {
    const local = aQuickStripe();
    const { charge } = await local.paid();

    expect(await refusalOf(local.stripe.refunds.create({ charge, amount: 0 }))).toMatchObject({ code: "parameter_invalid_integer", param: "amount" });
  });

  it("is refused for what was not paid", async () => {
    const local = aQuickStripe();
    const { id: payment_intent } = await local.intentWith("pm_card_chargeDeclined");
    const refuse = (params: object) => refusalOf(local.stripe.refunds.create(params));
    expect(await refuse({ payment_intent })).toMatchObject({ message: `This PaymentIntent (${payment_intent}) does not have a successful charge to refund.` });
    await refusalOf(local.stripe.paymentIntents.confirm(payment_intent));

    const [failed] = local.model.listCharges();

    expect(await refuse({ charge: failed?.id })).toMatchObject({ statusCode: 400, rawType: "invalid_request_error" });
  });
});

describe("a dispute of the local Stripe", () => {
  it("takes what was not refunded yet, and stops refunds", async () => {
    const local = aQuickStripe();
    const { id: payment_intent, charge } = await local.paid();
    await local.stripe.refunds.create({ charge, amount: 2000 });

    const dispute = local.model.dispute(payment_intent, { reason: "fraudulent" });

    expect(await local.stripe.disputes.retrieve(dispute.id)).toMatchObject({
      status: "needs_response",
      amount: 3000,
      reason: "fraudulent",
      charge,
      payment_intent,
    });
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ disputed: true });
    expect(await refusalOf(local.stripe.refunds.create({ charge }))).toMatchObject({ statusCode: 400, code: "charge_disputed" });
    expect((await local.eventTypes()).slice(-2)).toEqual(["charge.dispute.created", "charge.dispute.funds_withdrawn"]);
  });

  it("that is won brings the money back, and it can be refunded", async () => {
    const local = aQuickStripe();
    const { id, charge } = await local.paid();
    const dispute = local.model.dispute(id, { reason: "product_not_received" });

    expect(local.model.closeDispute(dispute.id, "won")).toMatchObject({ status: "won" });

    expect((await local.eventTypes()).slice(-2)).toEqual(["charge.dispute.closed", "charge.dispute.funds_reinstated"]);
    expect(await local.stripe.charges.retrieve(charge)).toMatchObject({ disputed: true });
    expect(await local.stripe.refunds.create({ charge })).toMatchObject({ amount: 5000 });
  });

  it("that is lost stays so", async () => {
    const local = aQuickStripe();
    const { id, charge } = await local.paid();
    const dispute = local.model.dispute(id, { reason: "fraudulent" });

    local.model.closeDispute(dispute.id, "lost");

    expect((await local.eventTypes()).at(-1)).toBe("charge.dispute.closed");
    expect(await refusalOf(local.stripe.refunds.create({ charge }))).toMatchObject({ code: "charge_disputed" });
    expect(() => local.model.closeDispute(dispute.id, "won")).toThrow("lost already");
  });

  it("needs a charge that was paid, not refunded and not disputed", async () => {
    const local = aQuickStripe();
    const unpaid = await local.intentWith("pm_card_visa");
    const refunded = await local.paid();
    await local.stripe.refunds.create({ charge: refunded.charge });
    const disputed = await local.paid();
    local.model.dispute(disputed.id, { reason: "fraudulent" });

    for (const { id } of [unpaid, refunded, disputed]) expect(() => local.model.dispute(id, { reason: "fraudulent" })).toThrow("could be disputed");
  });

  it("is listed by charge, PaymentIntent and time", async () => {
    const local = aQuickStripe();
    const [one, other] = [await local.paid(), await local.paid()];
    const first = local.model.dispute(one.id, { reason: "fraudulent" });
    local.clock.now += 1000;
    const second = local.model.dispute(other.id, { reason: "duplicate" });
    const listed = async (filter: object) => (await local.stripe.disputes.list(filter)).data.map(({ id }) => id);

    expect(await listed({})).toEqual([second.id, first.id]);
    expect(await listed({ charge: one.charge })).toEqual([first.id]);
    expect(await listed({ payment_intent: other.id })).toEqual([second.id]);
    expect(await listed({ created: { gte: local.clock.now / 1000 } })).toEqual([second.id]);
    expect(await refusalOf(local.stripe.rawRequest("GET", "/v1/disputes?reason=fraudulent"))).toMatchObject({ code: "parameter_unknown", param: "reason" });
  });
});

describe("a payment with all that came of it", () => {
  it("is one record: a killed process leaves no half of it", async () => {
    await using records = await recordsOverSuddenDeath();
    const first = aQuickStripe(records.before);
    const { id, charge } = await first.paid();
    first.model.chooseNext("pending", "refund");
    const refund = await first.stripe.refunds.create({ charge, amount: 2000 });
    const dispute = first.model.dispute(id, { reason: "fraudulent" });

    const second = aQuickStripe(records.after);
    second.clock.now += 30_000;

    expect(await second.stripe.charges.retrieve(charge)).toMatchObject({ amount_refunded: 2000, disputed: true });
    expect(await second.stripe.refunds.retrieve(refund.id)).toMatchObject({ status: "succeeded" });
    expect(second.model.closeDispute(dispute.id, "won")).toMatchObject({ amount: 3000 });
  });
});
