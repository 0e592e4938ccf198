import { createServer, type RequestListener } from "node:http";
import { describe, expect, it } from "@jest/globals";
import { stripeClient, stripePayments } from "../../functions/adapters/stripe-payments.ts";
import { stripeWallet } from "../../functions/adapters/stripe-wallet.ts";
import { type PaymentAnswer, type PaymentOutcome, paymentOutcome } from "../../functions/domain/payment-outcomes.ts";
import { OutcomeUnknown, type PaymentRequest, type Payments } from "../../functions/domain/ports.ts";
import { memoryRecords } from "../../local/records.ts";
import { stripeModel } from "../../local/stripe/stripe-model.ts";
import { startStripeServer } from "../../local/stripe/stripe-server.ts";
import { cny, NOW } from "../builders.ts";

/** The adapter in front of the local Stripe, and one subscriber with this card. */
async function paymentsWith(card: string) {
  const clock = { now: Date.parse(NOW) };
  const model = stripeModel({ records: memoryRecords(), now: () => clock.now, processingSeconds: 10 });
  const server = await startStripeServer({ model });
  const stripe = stripeClient({ secretKey: "sk_test_local", baseUrl: server.url });
  const customer = await stripe.customers.create();
  const method = await stripe.paymentMethods.attach(card, { customer: customer.id });
  const request: PaymentRequest = {
    rechargeId: "r1",
    amount: { amount: 5000, currency: "CNY" },
    method: { id: method.id, customerId: customer.id, cardKey: "f1", brand: "visa", lastFour: "4242" },
    idempotencyKey: "r1/create/1",
  };
  const payments = stripePayments({ stripe, stage: "test" });
  return {
    clock,
    model,
    stripe,
    request,
    payments,
    /** A paid PaymentIntent. */
    async paid() {
      const { id } = intentOf(await payments.create(request));
      return intentOf(await payments.confirm(id, "r1/confirm/2"));
    },
    [Symbol.asyncDispose]: server.close,
  };
}

/** The adapter in front of a server that answers anything the test likes. */
async function paymentsBefore(answer: RequestListener) {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const stripe = stripeClient({ secretKey: "sk_test_local", baseUrl: `http://127.0.0.1:${port}`, timeoutMilliseconds: 200 });
  return {
    payments: stripePayments({ stripe, stage: "test" }),
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answering(status: number, body: unknown): RequestListener {
  return (_, response) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

function intentOf(answer: PaymentAnswer) {
  if (answer.kind === "intent") return answer.intent;
  throw new Error(`Refused: ${JSON.stringify(answer.error)}`);
}

describe("payments by Stripe", () => {
  it("are created without moving money, and say which recharge and stage they are of", async () => {
    await using world = await paymentsWith("pm_card_visa");

    const intent = intentOf(await world.payments.create(world.request));

    expect(intent).toEqual({
      id: expect.stringMatching(/^pi_/),
      status: "requires_confirmation",
      amount: { amount: 5000, currency: "CNY" },
      amountReceived: 0,
      methodId: world.request.method.id,
      lastError: undefined,
      rechargeId: "r1",
    });
    expect(await world.stripe.paymentIntents.retrieve(intent.id)).toMatchObject({
      customer: world.request.method.customerId,
      payment_method: world.request.method.id,
      allowed_payment_method_types: ["card"],
      currency: "cny",
      metadata: { rechargeId: "r1", stage: "test" },
    });
    expect(world.model.listCharges()).toEqual([]);
  });

  it("are created once for one idempotency key", async () => {
    await using world = await paymentsWith("pm_card_visa");

    const first = intentOf(await world.payments.create(world.request));
    const second = intentOf(await world.payments.create(world.request));

    expect(second.id).toBe(first.id);
  });

  it("are paid by confirming, with the customer away", async () => {
    await using world = await paymentsWith("pm_card_authenticationRequiredSetupForOffSession"); // on-session it would ask for the customer
    const { id } = intentOf(await world.payments.create(world.request));

    const paid = intentOf(await world.payments.confirm(id, "r1/confirm/2"));

    expect(paid).toMatchObject({ id, status: "succeeded", amountReceived: 5000 });
    expect(intentOf(await world.payments.retrieve(id))).toEqual(paid);
  });

  it("are confirmed under the key of this try: the old key repeats the old failure", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create(world.request));
    world.model.chooseNext("error-500");

    for (const _again of [1, 2]) expect(await meaningOf(world.payments.confirm(id, "r1/confirm/2"))).toEqual({ kind: "unknown" });

    expect(intentOf(await world.payments.confirm(id, "r1/confirm/3")).status).toBe("succeeded");
  });

  it("tell why a card was declined, at once and later", async () => {
    await using world = await paymentsWith("pm_card_visa_chargeDeclinedLostCard");
    const { id } = intentOf(await world.payments.create(world.request));

    const answer = await world.payments.confirm(id, "r1/confirm/2");

    const error = { type: "card_error", code: "card_declined", declineCode: "lost_card", adviceCode: "do_not_try_again" };
    expect(answer).toEqual({ kind: "refused", error: { status: 402, ...error } });
    expect(intentOf(await world.payments.retrieve(id))).toMatchObject({ status: "requires_payment_method", lastError: error });
  });

  it("have no decline code where the issuer gave none", async () => {
    await using world = await paymentsWith("pm_card_chargeDeclinedExpiredCard");
    const { id } = intentOf(await world.payments.create(world.request));

    expect(await world.payments.confirm(id, "r1/confirm/2")).toEqual({ kind: "refused", error: { status: 402, type: "card_error", code: "expired_card" } });
  });

  it("are refused, not left open, when the issuer asks for the customer", async () => {
    await using world = await paymentsWith("pm_card_authenticationRequired");
    const { id } = intentOf(await world.payments.create(world.request));

    const answer = await world.payments.confirm(id, "r1/confirm/2");

    expect(answer).toMatchObject({ kind: "refused", error: { type: "card_error", code: "authentication_required" } });
    expect(intentOf(await world.payments.retrieve(id)).status).toBe("requires_payment_method");
  });

  it("are refused when the sum is too small", async () => {
    await using world = await paymentsWith("pm_card_visa");

    const answer = await world.payments.create({ ...world.request, amount: { amount: 399, currency: "CNY" } });

    expect(answer).toEqual({ kind: "refused", error: { status: 400, type: "invalid_request_error", code: "amount_too_small", param: "amount" } });
  });

  it("are canceled, and stay canceled when asked again", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create(world.request));

    expect(intentOf(await world.payments.cancel(id)).status).toBe("canceled");
    expect(intentOf(await world.payments.cancel(id)).status).toBe("canceled");
    expect(await world.stripe.paymentIntents.retrieve(id)).toMatchObject({ cancellation_reason: "abandoned" });
  });

  it("show themselves as paid when they are to be canceled too late", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create(world.request));
    await world.payments.confirm(id, "r1/confirm/2");

    expect(intentOf(await world.payments.cancel(id))).toMatchObject({ status: "succeeded", amountReceived: 5000 });
  });

  it("show themselves as processing when they cannot be canceled for now", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create(world.request));
    world.model.chooseNext("processing");
    await world.payments.confirm(id, "r1/confirm/2");

    expect(intentOf(await world.payments.cancel(id)).status).toBe("processing");
  });

  it("are refused when they are unknown to Stripe", async () => {
    await using world = await paymentsWith("pm_card_visa");

    expect(await world.payments.retrieve("pi_0")).toEqual({
      kind: "refused",
      error: { status: 404, type: "invalid_request_error", code: "resource_missing", param: "intent" },
    });
  });

  it.each(["lose-reply", "lose-request", "error-500"] as const)("are unknown after %s, until somebody asks again", async (outcome) => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create(world.request));
    world.model.chooseNext(outcome);

    expect(await meaningOf(world.payments.confirm(id, "r1/confirm/2"))).toEqual({ kind: "unknown" });

    expect(intentOf(await world.payments.retrieve(id)).status).toBe(outcome === "lose-reply" ? "succeeded" : "requires_confirmation");
  });
});

describe("pay requests", () => {
  it.each(["wechat_pay", "alipay"] as const)("by %s wait for the customer, without a saved method, until they are paid", async (payRequest) => {
    await using world = await paymentsWith("pm_card_visa");
    const method = { ...world.request.method, payRequest };

    const asked = intentOf(await world.payments.create({ ...world.request, method }));

    expect(asked).toMatchObject({ status: "requires_payment_method", lastError: undefined, rechargeId: "r1" });
    const shown = await world.stripe.paymentIntents.retrieve(asked.id);
    expect(shown).toMatchObject({ customer: method.customerId, payment_method: null, allowed_payment_method_types: [payRequest] });
    const clientSecret = (await world.payments.clientSecret(asked.id)) ?? "";
    expect(world.model.confirmAsCustomer(clientSecret, payRequest).status).toBe("requires_action");
    expect(intentOf(await world.payments.retrieve(asked.id)).status).toBe("requires_action");
    world.model.authenticate(asked.id, "succeed");
    expect(intentOf(await world.payments.retrieve(asked.id))).toMatchObject({ status: "succeeded", amountReceived: 5000 });
  });

  it("are not paid by a card", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create({ ...world.request, method: { ...world.request.method, payRequest: "wechat_pay" } }));
    const clientSecret = (await world.payments.clientSecret(id)) ?? "";

    expect(() => world.model.confirmAsCustomer(clientSecret, "pm_card_visa")).toThrow("not allowed for this PaymentIntent");
  });

  it("have no client secret where Stripe knows no PaymentIntent", async () => {
    await using world = await paymentsWith("pm_card_visa");

    expect(await world.payments.clientSecret("pi_0")).toBeUndefined();
  });
});

describe("an Alipay that its owner authorised for charges with them away", () => {
  async function withAlipay() {
    const world = await paymentsWith("pm_card_visa");
    const { customerId } = world.request.method;
    const wallet = stripeWallet({ stripe: world.stripe, stage: "test" });
    const { id, clientSecret } = await wallet.createSetupIntent(customerId, "sub-1", "alipay");
    world.model.authenticateSetup(world.model.confirmSetupAsCustomer(clientSecret, "alipay").id, "succeed");
    const { paymentMethodId = "" } = (await wallet.findSetupIntent(id)) ?? {};
    const method = { id: paymentMethodId, customerId, cardKey: paymentMethodId, brand: "alipay", lastFour: "" };
    return { ...world, request: { ...world.request, method }, setupIntentId: id };
  }

  it("is set up for just that", async () => {
    await using world = await withAlipay();

    expect(await world.stripe.setupIntents.retrieve(world.setupIntentId)).toMatchObject({
      usage: "off_session",
      allowed_payment_method_types: ["alipay"],
      metadata: { subscriberId: "sub-1", stage: "test" },
      mandate: expect.stringMatching(/^mandate_/),
    });
    expect(await world.payments.findMethod(world.request.method.id)).toEqual({ ...world.request.method, expiry: undefined });
  });

  it("is charged like a card, by a PaymentIntent for Alipay alone", async () => {
    await using world = await withAlipay();

    const { id } = intentOf(await world.payments.create(world.request));
    const { allowed_payment_method_types: types, payment_method, status } = await world.stripe.paymentIntents.retrieve(id);
    expect({ types, payment_method, status }).toEqual({ types: ["alipay"], payment_method: world.request.method.id, status: "requires_confirmation" });
    expect(await meaningOf(world.payments.confirm(id, "r1/confirm/2"))).toEqual({ kind: "paid" });
  });

  it("is declined for good, and nobody's any more, when they took that back", async () => {
    await using world = await withAlipay();
    const { id } = intentOf(await world.payments.create(world.request));
    world.model.revoke(world.request.method.id);

    const declined = { kind: "declined", code: "payment_intent_mandate_invalid", severity: "hard" };
    expect(await meaningOf(world.payments.confirm(id, "r1/confirm/2"))).toEqual(declined);
    expect(await meaningOf(world.payments.cancel(id))).toEqual({ kind: "canceled" });
    expect(world.model.listCharges()).toEqual([]);
    expect(await world.payments.findMethod(world.request.method.id)).toBeUndefined();
  });

  it("is there as long as Stripe says nothing else of it", async () => {
    const method = { id: "pm_1", object: "payment_method", type: "alipay", customer: "cus_1", alipay: {} };
    const setups = (mandate: unknown) => ({ object: "list", has_more: false, data: [{ id: "seti_1", mandate }] });
    const foundWith = async (list: object) => {
      await using world = await paymentsBefore((request, response) =>
        answering(200, request.url?.startsWith("/v1/setup_intents") === true ? list : method)(request, response),
      );
      return (await world.payments.findMethod("pm_1"))?.id;
    };
    expect(await foundWith(setups(null))).toBe("pm_1");
    expect(await foundWith({ ...setups(null), data: [] })).toBe("pm_1");
    for (const status of ["active", "pending"]) expect(await foundWith(setups({ id: "mandate_1", status }))).toBe("pm_1");
    expect(await foundWith(setups({ id: "mandate_1", status: "inactive" }))).toBeUndefined();
  });
});

describe("the PaymentIntents of a recharge", () => {
  const since = NOW;

  it("are found by its id, oldest first, among those of the customer and the stage", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { payments, request, stripe, clock } = world;
    const other = stripePayments({ stripe, stage: "other" });
    const create = async (made: PaymentRequest, by = payments) => {
      clock.now += 1000;
      return intentOf(await by.create(made));
    };
    const first = await create(request);
    await create({ ...request, rechargeId: "r2", idempotencyKey: "r2/create/1" });
    await create({ ...request, idempotencyKey: "other/create/1" }, other);
    const second = await create({ ...request, idempotencyKey: "r1/create/2" });

    expect(await payments.findCreated({ rechargeId: "r1", customerId: request.method.customerId, since })).toEqual([first, second]);
    expect(await payments.findCreated({ rechargeId: "r1", customerId: "cus_0", since })).toEqual([]);
    expect(intentOf(await other.retrieve(first.id)).rechargeId).toBeUndefined();
  });

  it("are found from the second on in which they were made", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = intentOf(await world.payments.create(world.request));
    const foundSince = (at: string) => world.payments.findCreated({ rechargeId: "r1", customerId: world.request.method.customerId, since: at });

    expect(await foundSince("2026-11-23T08:00:00.999Z")).toMatchObject([{ id }]);
    expect(await foundSince("2026-11-23T08:00:01.000Z")).toEqual([]);
  });

  it("are found behind hundreds of others", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { payments, request } = world;
    const { id } = intentOf(await payments.create(request));
    for (let number = 0; number < 230; number++) await payments.create({ ...request, rechargeId: `x${number}`, idempotencyKey: `x${number}` });

    expect(await payments.findCreated({ rechargeId: "r1", customerId: request.method.customerId, since })).toMatchObject([{ id }]);
  });

  it("are unknown in a list without an end", async () => {
    const page = Array.from({ length: 100 }, (_, index) => ({ ...intent, id: `pi_${index}` }));
    await using world = await paymentsBefore(answering(200, { object: "list", has_more: true, data: page }));

    await expect(world.payments.findCreated({ rechargeId: "r1", customerId: "cus_1", since })).rejects.toThrow(OutcomeUnknown);
    expect(world.requests()).toBeLessThanOrEqual(10);
  });
});

describe("refunds by Stripe", () => {
  it("give all of it back, say which recharge and stage they are of, and are listed", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = await world.paid();
    expect(await world.payments.listRefunds(id)).toEqual([]);

    const answer = await world.payments.refund(id, "r1", "r1/refund/3");

    const refund = { id: expect.stringMatching(/^re_/), status: "succeeded", amount: cny(5000), at: NOW };
    expect(answer).toEqual({ kind: "refund", refund });
    expect(await world.payments.listRefunds(id)).toEqual([refund]);
    expect((await world.stripe.refunds.list({ payment_intent: id })).data).toMatchObject([{ metadata: { rechargeId: "r1", stage: "test" } }]);
  });

  it("are made once for one key, and never twice", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = await world.paid();

    const [first, again] = [await world.payments.refund(id, "r1", "r1/refund/3"), await world.payments.refund(id, "r1", "r1/refund/3")];
    const another = await world.payments.refund(id, "r1", "r1/refund/4");

    expect(again).toEqual(first);
    expect(another).toMatchObject({ kind: "refused", error: { status: 400, code: "charge_already_refunded" } });
    expect(await world.payments.listRefunds(id)).toHaveLength(1);
  });

  it("show that they are pending, and how they end", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = await world.paid();
    world.model.chooseNext("fail-later", "refund");
    await world.payments.refund(id, "r1", "r1/refund/3");
    world.clock.now += 10_000;
    world.model.chooseNext("pending", "refund");
    await world.payments.refund(id, "r1", "r1/refund/4");

    expect((await world.payments.listRefunds(id)).map(({ status }) => status)).toEqual(["failed", "pending"]); // oldest first
    world.clock.now += 10_000;
    expect((await world.payments.listRefunds(id)).map(({ status }) => status)).toEqual(["failed", "succeeded"]);
  });

  it("are refused where nothing was taken, or another holds the money", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const unpaid = intentOf(await world.payments.create({ ...world.request, idempotencyKey: "r0/create/1" }));
    const { id } = await world.paid();
    world.model.dispute(id, { reason: "fraudulent" });

    expect(await world.payments.refund(unpaid.id, "r1", "a")).toMatchObject({ kind: "refused", error: { status: 400, type: "invalid_request_error" } });
    expect(await world.payments.refund(id, "r1", "b")).toMatchObject({ kind: "refused", error: { code: "charge_disputed" } });
  });

  it.each(["lose-reply", "lose-request"] as const)("are unknown after %s, until they are listed", async (outcome) => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = await world.paid();
    world.model.chooseNext(outcome, "refund");

    await expect(world.payments.refund(id, "r1", "r1/refund/3")).rejects.toThrow(OutcomeUnknown);

    expect(await world.payments.listRefunds(id)).toHaveLength(outcome === "lose-reply" ? 1 : 0);
  });
});

describe("disputes at Stripe", () => {
  it("are listed with what they are about and how they stand", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id } = await world.paid();
    expect(await world.payments.listDisputes(id)).toEqual([]);
    const dispute = world.model.dispute(id, { reason: "fraudulent" });

    expect(await world.payments.listDisputes(id)).toEqual([{ id: dispute.id, status: "needs_response", amount: cny(5000), at: NOW }]);
    world.model.closeDispute(dispute.id, "lost");
    expect(await world.payments.listDisputes(id)).toMatchObject([{ status: "lost" }]);
  });
});

describe("a way to pay", () => {
  it("is shown as Stripe has it now", async () => {
    await using world = await paymentsWith("pm_card_visa");
    const { id, customerId } = world.request.method;
    const before = await world.payments.findMethod(id);
    world.model.updateCard(id, { expMonth: 1, expYear: 2031, lastFour: "1881" });
    const after = await world.payments.findMethod(id);

    const expiry = { month: expect.any(Number), year: expect.any(Number) };
    expect(before).toEqual({ id, customerId, cardKey: expect.stringMatching(/./), brand: "visa", lastFour: "4242", expiry });
    expect(after).toEqual({ ...before, cardKey: expect.stringMatching(/./), lastFour: "1881", expiry: { month: 1, year: 2031 } });
    expect(after?.cardKey).not.toBe(before?.cardKey); // another number has another fingerprint
  });

  it("is nobody's once it was detached, or where Stripe knows none", async () => {
    await using world = await paymentsWith("pm_card_visa");
    await world.stripe.paymentMethods.detach(world.request.method.id);

    expect(await world.payments.findMethod(world.request.method.id)).toBeUndefined();
    expect(await world.payments.findMethod("pm_0")).toBeUndefined();
  });

  it("without a fingerprint is counted by its own id", async () => {
    const card = { brand: "visa", last4: "4242", fingerprint: null, exp_month: 2, exp_year: 2028 };
    const method = { id: "pm_1", object: "payment_method", type: "card", customer: "cus_1", card };
    await using world = await paymentsBefore(answering(200, method));

    expect(await world.payments.findMethod("pm_1")).toEqual({
      id: "pm_1",
      customerId: "cus_1",
      cardKey: "pm_1",
      brand: "visa",
      lastFour: "4242",
      expiry: { month: 2, year: 2028 },
    });
  });
});

describe("a question that Stripe does not answer clearly is open", () => {
  const questions: readonly [string, (payments: Payments) => Promise<unknown>][] = [
    ["findCreated", (payments) => payments.findCreated({ rechargeId: "r1", customerId: "cus_1", since: NOW })],
    ["listRefunds", (payments) => payments.listRefunds("pi_1")],
    ["listDisputes", (payments) => payments.listDisputes("pi_1")],
    ["clientSecret", (payments) => payments.clientSecret("pi_1")],
    ["findMethod", (payments) => payments.findMethod("pm_1")],
  ];

  it.each(questions)("%s", async (_, ask) => {
    const answers: readonly RequestListener[] = [
      answering(500, { error: { type: "api_error" } }),
      answering(429, { error: { type: "invalid_request_error", code: "rate_limit" } }),
      answering(401, { error: { type: "invalid_request_error" } }),
      answering(502, "<html>Bad gateway</html>"),
      answering(200, "OK"),
      answering(200, "null"),
      answering(200, {}),
      answering(200, { object: "list", has_more: false, data: [{}] }),
      (request) => request.destroy(),
      () => {},
    ];
    for (const answer of answers) {
      await using world = await paymentsBefore(answer);
      await expect(ask(world.payments)).rejects.toThrow(OutcomeUnknown);
    }
  });

  it.each([
    ["a refund without a status", { id: "re_1", object: "refund", status: null, amount: 5000, currency: "cny", created: 1 }],
    ["a refund of half a cent", { id: "re_1", object: "refund", status: "succeeded", amount: 0.5, currency: "cny", created: 1 }],
    ["another object", { id: "ch_1", object: "charge", status: "succeeded", amount: 5000, currency: "cny", created: 1 }],
  ])("a refund that is answered with %s", async (_, body) => {
    await using world = await paymentsBefore(answering(200, body));

    await expect(world.payments.refund("pi_1", "r1", "k")).rejects.toThrow(OutcomeUnknown);
  });
});

/** What an answer, or the lack of one, means for a payment of CNY 50.00. */
async function meaningOf(answer: Promise<PaymentAnswer>): Promise<PaymentOutcome> {
  try {
    return paymentOutcome(await answer, cny(5000));
  } catch (error) {
    if (error instanceof OutcomeUnknown) return { kind: "unknown" };
    throw error;
  }
}

const intent = { id: "pi_1", object: "payment_intent", status: "succeeded", amount: 5000, amount_received: 5000, currency: "cny" };

describe("an answer of Stripe's is unknown", () => {
  it.each([
    ["an error of its own", 500, { error: { type: "api_error", message: "?" } }],
    ["a gateway's error page", 502, "<html>Bad gateway</html>"],
    ["a PaymentIntent that comes as an error", 503, { error: { type: "api_error", payment_intent: intent } }],
    ["too many requests", 429, { error: { type: "invalid_request_error", code: "rate_limit" } }],
    ["a lock", 429, { error: { type: "invalid_request_error", code: "lock_timeout" } }],
    ["a key in use", 409, { error: { type: "idempotency_error", code: "idempotency_key_in_use" } }],
    ["a key used for something else", 400, { error: { type: "idempotency_error" } }],
    ["a decline without a type", 402, { error: { message: "Your card was declined." } }],
    ["a success that is no JSON", 200, "OK"],
    ["a success that is nothing", 200, "null"],
    ["a PaymentIntent without a status", 200, { ...intent, status: undefined }],
    ["a PaymentIntent without an id", 200, { ...intent, id: undefined }],
    ["a PaymentIntent that hides what was received", 200, { ...intent, amount_received: undefined }],
    ["a PaymentIntent with half a cent", 200, { ...intent, amount: 0.5 }],
    ["another object", 200, { ...intent, id: "ch_1" }],
  ])("when it is %s", async (_, status, body) => {
    await using world = await paymentsBefore(answering(status, body));

    expect(await meaningOf(world.payments.confirm("pi_1", "k"))).toEqual({ kind: "unknown" });

    expect(world.requests()).toBe(1); // whether to ask again is not for the SDK to decide
  });

  it("when the connection breaks", async () => {
    await using world = await paymentsBefore((request) => request.destroy());

    await expect(world.payments.confirm("pi_1", "k")).rejects.toThrow(OutcomeUnknown);
  });

  it("when it never comes", async () => {
    await using world = await paymentsBefore(() => {});

    await expect(world.payments.confirm("pi_1", "k")).rejects.toThrow(OutcomeUnknown);
  });

  it("when nobody listens", async () => {
    const world = await paymentsBefore(() => {});
    await world[Symbol.asyncDispose]();

    await expect(world.payments.confirm("pi_1", "k")).rejects.toThrow(OutcomeUnknown);
  });

  it("and says what it was", async () => {
    await using world = await paymentsBefore(answering(502, "<html>Bad gateway</html>"));

    await expect(world.payments.retrieve("pi_1")).rejects.toMatchObject({ cause: { type: "StripeAPIError" } });
  });

  it("when a cancel was refused and how it stands cannot be seen", async () => {
    const refuse = answering(400, { error: { type: "invalid_request_error", code: "payment_intent_unexpected_state" } });
    const fail = answering(500, { error: { type: "api_error" } });
    await using world = await paymentsBefore((request, response) => (request.method === "POST" ? refuse : fail)(request, response));

    expect(await meaningOf(world.payments.cancel("pi_1"))).toEqual({ kind: "unknown" });
  });
});

describe("a fault of our configuration", () => {
  it.each([
    ["a key that Stripe does not know", 401],
    ["a key without the permission", 403],
  ])("is no decline and no refusal: %s", async (_, status) => {
    await using world = await paymentsBefore(answering(status, { error: { type: "invalid_request_error", message: "?" } }));

    expect(await meaningOf(world.payments.confirm("pi_1", "k"))).toEqual({ kind: "fault", code: "invalid_request_error" });
  });

  it("does not outlive the function that waits: a try ends after 10 s, and the SDK itself makes only one", () => {
    const stripe = stripeClient({ secretKey: "sk_test_local" });
    expect([stripe.getApiField("timeout"), stripe.getApiField("maxNetworkRetries")]).toEqual([10_000, 0]);
  });

  it.each(["ftp://stripe.example", "https://stripe.example/v1"])("shows at once: the base URL %s", (baseUrl) => {
    expect(() => stripeClient({ secretKey: "sk_test_local", baseUrl })).toThrow("base URL");
  });
});
