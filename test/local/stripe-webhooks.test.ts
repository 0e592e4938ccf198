import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import { Stripe } from "stripe";
import * as z from "zod/mini";
import type { StripeModel } from "../../local/stripe/stripe-model.ts";
import { sendWebhook, startWebhookSender } from "../../local/stripe/webhook-sender.ts";
import { aStripe, recordsOverSuddenDeath, refusalOf } from "./local-stripe.ts";

const MINUTE_MILLISECONDS = 60 * 1000;
const HOUR_MILLISECONDS = 60 * MINUTE_MILLISECONDS;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;
/** Nothing is sent there: such tests tell the model themselves what came of it. */
const NOWHERE = "https://example.com/webhooks/stripe";

/** Receives webhooks over HTTP and answers with these statuses, the last one for ever; undefined is no answer. */
async function aReceiver(...statuses: [...(number | undefined)[], number | undefined]) {
  const received: { readonly signature: string; readonly body: string }[] = [];
  const waiting: (() => void)[] = [];
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    received.push({ signature: String(request.headers["stripe-signature"]), body: await text(request) });
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    if (status !== undefined) response.writeHead(status, { location: "/elsewhere" }).end("thanks");
    for (const wake of waiting.splice(0)) wake();
  }
  const server = createServer((request, response) => void receive(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.parse(z.object({ port: z.number() }), server.address());
  return {
    url: `http://127.0.0.1:${port}/webhooks/stripe`,
    received,
    next: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    [Symbol.asyncDispose]: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

/** Sends what is due over HTTP, once. */
async function sendDue(model: StripeModel, signal?: AbortSignal): Promise<void> {
  for (const delivery of model.dueDeliveries()) model.delivered(delivery.id, await sendWebhook(delivery, signal));
}

/** Answers all that is due in the endpoint's place. */
function answerDue(model: StripeModel, status: number | undefined): void {
  for (const { id } of model.dueDeliveries()) model.delivered(id, status);
}

/** The types of the events that are due, oldest first. */
function dueTypes(model: StripeModel): string[] {
  return model.dueDeliveries().map(({ body }) => z.parse(z.object({ type: z.string() }), JSON.parse(body)).type);
}

/** As a receiver reads a webhook, by its own clock. Throws when the signature is wrong or too old. */
function construct({ body, signature }: { readonly body: string; readonly signature: string }, secret: string | undefined, now: number): Stripe.Event {
  return Stripe.webhooks.constructEvent(body, signature, secret ?? "", 300, undefined, now);
}

describe("an event of the local Stripe", () => {
  it("shows the object as it was then, and the request that changed it", async () => {
    await using local = await aStripe();
    const created = await local.stripe.customers.create({ name: "Mei" }, { idempotencyKey: "k" });
    await local.stripe.customers.update(created.id, { name: "Jun" });

    const [updated, event] = (await local.stripe.events.list()).data;

    expect(event).toMatchObject({
      object: "event",
      type: "customer.created",
      api_version: Stripe.API_VERSION,
      created: local.clock.now / 1000,
      data: { object: { id: created.id, name: "Mei" } },
      livemode: false,
      pending_webhooks: 0,
      request: { id: created.lastResponse.requestId, idempotency_key: "k" },
    });
    expect(updated).toMatchObject({ type: "customer.updated", data: { object: { name: "Jun" }, previous_attributes: { name: "Mei" } } });
    expect(await local.stripe.events.retrieve(event?.id ?? "")).toEqual(event);
  });

  it("is made once, though its request is replayed", async () => {
    await using local = await aStripe();
    const create = () => local.stripe.customers.create({}, { idempotencyKey: "k" });
    await create();
    await create();

    expect((await local.stripe.events.list()).data).toHaveLength(1);
  });

  it("is listed by type, group of types and time, page by page", async () => {
    await using local = await aStripe();
    const startedAt = local.clock.now / 1000;
    await local.saved("pm_card_visa");
    local.clock.now += 10_000;
    await local.stripe.setupIntents.create({ payment_method: "pm_card_visa", confirm: true });
    const types = async (filter: Stripe.EventListParams) => (await local.stripe.events.list(filter)).data.map(({ type }) => type);

    expect(await types({ type: "setup_intent.*" })).toEqual(["setup_intent.succeeded", "setup_intent.created"]);
    expect(await types({ type: "customer.created" })).toEqual(["customer.created"]);
    expect(await types({ types: ["customer.created", "payment_method.attached"] })).toEqual(["payment_method.attached", "customer.created"]);
    expect(await types({ created: { gt: startedAt } })).toEqual(["setup_intent.succeeded", "setup_intent.created"]);
    expect(await types({ created: startedAt })).toEqual(["payment_method.attached", "customer.created"]);
    expect(await local.stripe.events.list({ limit: 1 }).autoPagingToArray({ limit: 100 })).toHaveLength(4);
    expect(await refusalOf(types({ type: "customer.created", types: ["customer.updated"] }))).toMatchObject({ statusCode: 400, param: "type" });
  });
});

describe("a webhook endpoint of the local Stripe", () => {
  it("shows its secret once", async () => {
    await using local = await aStripe();

    const { secret, ...endpoint } = await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"], metadata: { stage: "dev" } });

    expect(secret).toMatch(/^whsec_\w+$/);
    expect(endpoint).toMatchObject({ url: NOWHERE, enabled_events: ["*"], status: "enabled", api_version: null, metadata: { stage: "dev" } });
    expect(await local.stripe.webhookEndpoints.retrieve(endpoint.id)).toEqual(endpoint);
    expect((await local.stripe.webhookEndpoints.list()).data).toEqual([endpoint]);
  });

  it("gets the types that it names, from then on", async () => {
    await using local = await aStripe();
    await local.stripe.customers.create();
    const { id } = await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["customer.deleted"] });
    await local.stripe.customers.create();
    expect(dueTypes(local.model)).toEqual([]);

    await local.stripe.webhookEndpoints.update(id, { enabled_events: ["customer.created", "payment_method.attached"], description: "both" });
    await local.saved("pm_card_visa");

    expect(dueTypes(local.model)).toEqual(["customer.created", "payment_method.attached"]);
    expect(await local.stripe.webhookEndpoints.retrieve(id)).toMatchObject({ url: NOWHERE, description: "both" });
  });

  it("gets nothing of what happens while it is disabled", async () => {
    await using local = await aStripe();
    const { id } = await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });

    expect(await local.stripe.webhookEndpoints.update(id, { disabled: true })).toMatchObject({ status: "disabled" });
    await local.stripe.customers.create();
    expect(await local.stripe.webhookEndpoints.update(id, { disabled: false })).toMatchObject({ status: "enabled" });
    expect(dueTypes(local.model)).toEqual([]);
  });

  it("gets no further try of an event that came due while it was disabled or deleted", async () => {
    await using local = await aStripe();
    const disabled = await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    const deleted = await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    await local.stripe.customers.create();

    await local.stripe.webhookEndpoints.update(disabled.id, { disabled: true });
    expect(await local.stripe.webhookEndpoints.del(deleted.id)).toMatchObject({ id: deleted.id, deleted: true });
    expect(dueTypes(local.model)).toEqual([]);
    await local.stripe.webhookEndpoints.update(disabled.id, { disabled: false });

    expect(dueTypes(local.model)).toEqual([]);
    expect(await refusalOf(local.stripe.webhookEndpoints.retrieve(deleted.id))).toMatchObject({ statusCode: 404 });
  });

  it.each([
    ["no URL", { url: "webhooks", enabled_events: ["*"] }, "url"],
    ["a URL that is not HTTP", { url: "ftp://example.com", enabled_events: ["*"] }, "url"],
    ["a group of events", { url: NOWHERE, enabled_events: ["customer.*"] }, "enabled_events[0]"],
    ["no events", { url: NOWHERE }, "enabled_events"],
    ["another version of the API", { url: NOWHERE, enabled_events: ["*"], api_version: "2019-01-01" }, "api_version"],
  ])("is refused with %s", async (_, params, param) => {
    await using local = await aStripe();

    expect(await refusalOf(local.stripe.rawRequest("POST", "/v1/webhook_endpoints", params))).toMatchObject({ statusCode: 400, param });
  });
});

describe("a webhook of the local Stripe", () => {
  it("is sent until it is accepted, signed anew each time", async () => {
    await using local = await aStripe();
    await using receiver = await aReceiver(500, 302, 200);
    const { secret } = await local.stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["customer.created"] });
    const { id } = await local.stripe.customers.create();
    const pending = async () => (await local.stripe.events.list()).data.map((event) => event.pending_webhooks);

    await sendDue(local.model);
    const firstAt = local.clock.now;
    local.clock.now += 5 * MINUTE_MILLISECONDS - 1;
    await sendDue(local.model);
    expect(receiver.received).toHaveLength(1);
    local.clock.now += 1;
    await sendDue(local.model);
    const secondAt = local.clock.now;
    expect(await pending()).toEqual([1]);
    local.clock.now += 10 * MINUTE_MILLISECONDS;
    await sendDue(local.model);
    local.clock.now += 3 * DAY_MILLISECONDS;
    await sendDue(local.model);

    expect(receiver.received).toHaveLength(3);
    expect(await pending()).toEqual([0]);
    const [first, second, third] = receiver.received;
    if (first === undefined || second === undefined || third === undefined) throw new Error("Three webhooks were expected");
    const event = construct(first, secret, firstAt);
    expect(event).toMatchObject({ type: "customer.created", data: { object: { id } }, pending_webhooks: 1 });
    expect(construct(second, secret, secondAt)).toEqual(event);
    expect(() => construct(first, secret, firstAt + 301_000)).toThrow("Timestamp outside the tolerance zone");
    expect(() => construct(third, "whsec_another", secondAt)).toThrow(Stripe.errors.StripeSignatureVerificationError);
    expect(() => construct({ ...third, body: third.body.replace("customer.created", "customer.deleted") }, secret, secondAt)).toThrow(
      Stripe.errors.StripeSignatureVerificationError,
    );
  });

  it("goes to every endpoint that listens, and counts down", async () => {
    await using local = await aStripe();
    await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["customer.created"] });
    await local.stripe.customers.create();
    const pending = async () => (await local.stripe.events.list()).data.map((event) => event.pending_webhooks);

    const [first, second] = local.model.dueDeliveries();
    expect(await pending()).toEqual([2]);
    local.model.delivered(second?.id ?? "", 204);
    expect(await pending()).toEqual([1]);
    local.model.delivered(first?.id ?? "", 200);
    expect(await pending()).toEqual([0]);
  });

  it.each([undefined, 199, 301, 400, 410, 500])("has failed with the answer %s", async (status) => {
    await using local = await aStripe();
    await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    await local.stripe.customers.create();

    answerDue(local.model, status);
    local.clock.now += DAY_MILLISECONDS;

    expect(dueTypes(local.model)).toEqual(["customer.created"]);
  });

  it("is tried for three days at growing intervals, and then given up", async () => {
    await using local = await aStripe();
    await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    await local.stripe.customers.create();
    const start = local.clock.now;
    const triedAtMinutes: number[] = [];

    for (; local.clock.now <= start + 7 * DAY_MILLISECONDS; local.clock.now += MINUTE_MILLISECONDS) {
      if (local.model.dueDeliveries().length === 0) continue;
      triedAtMinutes.push((local.clock.now - start) / MINUTE_MILLISECONDS);
      answerDue(local.model, 500);
    }

    expect(triedAtMinutes).toEqual([0, 5, 15, 35, 75, 155, 315, 635, 1275, 2555]);
    expect((await local.stripe.events.list()).data).toMatchObject([{ pending_webhooks: 1 }]);
  });

  it("stays due until somebody tells what came of it, over a sudden death too", async () => {
    await using records = await recordsOverSuddenDeath();
    await using receiver = await aReceiver(503, 200);
    await using first = await aStripe(records.before);
    const { secret } = await first.stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["*"] });
    await first.stripe.customers.create();
    await sendDue(first.model);
    first.clock.now += 5 * MINUTE_MILLISECONDS;
    for (const delivery of first.model.dueDeliveries()) await sendWebhook(delivery); // killed before it could note the answer

    await using second = await aStripe(records.after);
    expect(dueTypes(second.model)).toEqual([]);
    second.clock.now += 5 * MINUTE_MILLISECONDS;
    await sendDue(second.model);

    expect(dueTypes(second.model)).toEqual([]);
    const ids = receiver.received.map((webhook) => construct(webhook, secret, second.clock.now).id);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it("can arrive twice", async () => {
    await using local = await aStripe();
    await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    await local.stripe.customers.create();
    answerDue(local.model, 200);
    const [event] = (await local.stripe.events.list()).data;

    local.model.resendEvent(event?.id ?? "");

    expect(dueTypes(local.model)).toEqual(["customer.created"]);
  });

  it("tells what came due by itself", async () => {
    await using local = await aStripe();
    await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["payment_intent.succeeded"] });
    const { id } = await local.intentWith("pm_card_visa");
    local.model.chooseNext("processing");
    await local.stripe.paymentIntents.confirm(id);
    expect(dueTypes(local.model)).toEqual([]);

    local.clock.now += 30_000;

    expect(dueTypes(local.model)).toEqual(["payment_intent.succeeded"]);
  });

  it("is signed with both secrets while one replaces the other", async () => {
    await using local = await aStripe();
    const { id, secret: old } = await local.stripe.webhookEndpoints.create({ url: NOWHERE, enabled_events: ["*"] });
    await local.stripe.customers.create();
    const verifiedBy = (secret: string | undefined) => {
      const [due] = local.model.dueDeliveries();
      return construct({ body: due?.body ?? "", signature: due?.headers["stripe-signature"] ?? "" }, secret, local.clock.now);
    };

    const rolled = local.model.rollWebhookSecret(id, 24);

    local.clock.now += DAY_MILLISECONDS - 1;
    expect(verifiedBy(old)).toEqual(verifiedBy(rolled));
    local.clock.now += 1;
    expect(verifiedBy(rolled)).toMatchObject({ type: "customer.created" });
    expect(() => verifiedBy(old)).toThrow(Stripe.errors.StripeSignatureVerificationError);
  });
});

describe("the sender of the local Stripe's webhooks", () => {
  it("sends what happens while it runs, and what was left before", async () => {
    await using local = await aStripe();
    await using receiver = await aReceiver(200);
    await local.stripe.webhookEndpoints.create({ url: receiver.url, enabled_events: ["customer.created"] });
    await local.stripe.customers.create({ name: "left" });

    const firstArrives = receiver.next();
    const sender = startWebhookSender({ model: local.model });
    await firstArrives;
    const secondArrives = receiver.next();
    await local.stripe.customers.create({ name: "new" });
    await secondArrives;
    await sender.close();

    expect(
      receiver.received.map(({ body }) => z.parse(z.object({ data: z.object({ object: z.object({ name: z.string() }) }) }), JSON.parse(body)).data.object.name),
    ).toEqual(["left", "new"]);
  });

  it("gives up on an endpoint that does not answer in time, and is not held up by it", async () => {
    await using local = await aStripe();
    await using silent = await aReceiver(undefined);
    await using quick = await aReceiver(200);
    await local.stripe.webhookEndpoints.create({ url: silent.url, enabled_events: ["*"] });
    await local.stripe.webhookEndpoints.create({ url: quick.url, enabled_events: ["*"] });
    const outcomes: (number | undefined)[] = [];
    const bothSettled = Promise.withResolvers<void>();
    const model = {
      dueDeliveries: local.model.dueDeliveries,
      delivered(id: string, status: number | undefined) {
        local.model.delivered(id, status);
        if (outcomes.push(status) === 2) bothSettled.resolve();
      },
    };
    await local.stripe.customers.create();

    const sender = startWebhookSender({ model, timeoutMilliseconds: 500 });
    await bothSettled.promise;
    await sender.close();

    expect(outcomes).toEqual([200, undefined]);
    expect(silent.received).toHaveLength(1);
    expect((await local.stripe.events.list()).data).toMatchObject([{ pending_webhooks: 1 }]);
  });

  it("does not count it against the endpoint that it was closed itself", async () => {
    await using local = await aStripe();
    await using silent = await aReceiver(undefined);
    await local.stripe.webhookEndpoints.create({ url: silent.url, enabled_events: ["*"] });
    await local.stripe.customers.create();

    const arrives = silent.next();
    const sender = startWebhookSender({ model: local.model });
    await arrives;
    await sender.close();

    expect(dueTypes(local.model)).toEqual(["customer.created"]);
  });

  it("takes an endpoint that is not there for one that did not answer", async () => {
    await using local = await aStripe();
    const { url } = local;
    await local[Symbol.asyncDispose]();

    expect(await sendWebhook({ url, headers: {}, body: "{}" })).toBeUndefined();
  });
});
