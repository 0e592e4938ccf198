import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startAwsEndpoints } from "../../local/cloud/aws-endpoints.ts";
import { functionHost, listFunctions } from "../../local/cloud/functions.ts";
import { readHttpApi, startHttpApi } from "../../local/cloud/http-api.ts";
import { startQueues } from "../../local/cloud/queues.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { keptIn } from "../../local/kept.ts";
import { memoryRecords } from "../../local/records.ts";
import { startWebhookSender } from "../../local/stripe/webhook-sender.ts";
import { keptWebhookEndpoint } from "../../local/webhook-endpoint.ts";
import { testAssembly } from "../assembly.ts";
import { aQuickStripe } from "./local-stripe.ts";

/** The deployed function, route and queue, between the local Stripe and a queue that nobody reads. */

const TIMEOUT_MILLISECONDS = 60_000;
const open: (() => unknown)[] = [];

async function startParts() {
  const records = memoryRecords();
  const stripe = aQuickStripe(records);
  stripe.clock.now = Date.now(); // the function's own clock is the real one
  const kept = keptIn(records);
  const endpoint = await keptWebhookEndpoint(stripe.stripe, kept);

  const queues = await startQueues();
  open.push(queues.close);
  const graph = loadStacks(testAssembly(), { queueUrl: queues.urlOf, attributes: () => "http://127.0.0.1:9" });
  await queues.ensure(graph.list("AWS::SQS::Queue"));
  let secret: object = { secretKey: "sk_test_local" };
  const endpoints = await startAwsEndpoints({
    putEvents: () => Promise.reject(new Error("Nothing is to be published")),
    getSecret: () => JSON.stringify(secret),
    outbox: records,
  });
  open.push(endpoints.close);
  const lines: string[] = [];
  const startHost = () =>
    functionHost({
      functions: listFunctions(graph),
      region: graph.region,
      endpoints: { AWS_ENDPOINT_URL: endpoints.endpoint, AWS_ENDPOINT_URL_SQS: queues.endpoint },
      onLog: ({ line }) => lines.push(line),
    });
  let host = startHost();
  open.push(() => host.close());
  const errors: unknown[] = [];
  const api = await startHttpApi({ ...readHttpApi(graph), invoke: (name, event) => host.invoke(name, event), port: 0, onError: (error) => errors.push(error) });
  open.push(api.close);
  await endpoint.moveTo(api.url);

  const queue = graph.list("AWS::SQS::Queue").find(({ logicalId }) => /^RechargeQueue[0-9A-F]{8}$/.test(logicalId));
  return {
    ...stripe,
    api,
    kept,
    endpoint,
    lines,
    errors,
    async writeSecret(changes: object) {
      secret = { ...secret, ...changes };
      await host.close();
      host = startHost(); // a function keeps a secret for minutes
    },
    poked: () => queues.peek(queue?.name ?? "").map(({ body }): unknown => JSON.parse(body)),
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(20);
}

describe("the deployed webhook function", () => {
  let parts: Awaited<ReturnType<typeof startParts>>;
  beforeAll(async () => {
    parts = await startParts();
  }, TIMEOUT_MILLISECONDS);
  afterAll(async () => {
    for (const close of open.reverse()) await close();
  });

  it(
    "leaves to Stripe what it cannot verify yet",
    async () => {
      const { payment_method } = await parts.saved("pm_card_visa");
      await parts.stripe.paymentMethods.detach(payment_method);
      const [delivery] = parts.model.dueDeliveries();
      const response = await fetch(delivery?.url ?? "", { method: "POST", headers: delivery?.headers, body: delivery?.body });
      expect([response.status, response.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
      expect(parts.poked()).toEqual([]);

      await parts.writeSecret({ webhookSecrets: [parts.endpoint.secret] });
      const sender = startWebhookSender({ model: parts.model });
      await until(() => parts.poked().length > 0);
      await sender.close();
      expect(parts.poked()).toEqual([{ paymentMethodId: payment_method }]);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "turns away whoever is not Stripe, and needs no token of those who are",
    async () => {
      const before = parts.poked().length;
      const response = await fetch(`${parts.api.url}/webhooks/stripe`, {
        method: "POST",
        headers: { "content-type": "application/json", "stripe-signature": `t=${Math.floor(Date.now() / 1000)},v1=${"0".repeat(64)}` },
        body: '{"type":"payment_intent.succeeded"}',
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        type: "urn:auto-recharge:problem:not-from-stripe",
        title: "not from stripe",
        status: 400,
        detail: "Nothing shows that Stripe has just sent this",
      });
      expect([parts.poked().length, parts.errors]).toEqual([before, []]);
      expect(parts.lines.filter((line) => line.includes("webhook-refused"))).toHaveLength(1);
    },
    TIMEOUT_MILLISECONDS,
  );

  it("is the same endpoint at the next start, with the same secret", async () => {
    expect((await keptWebhookEndpoint(parts.stripe, parts.kept)).secret).toBe(parts.endpoint.secret);
    const { data } = await parts.stripe.webhookEndpoints.list();
    expect(data).toMatchObject([{ url: `${parts.api.url}/webhooks/stripe`, status: "enabled" }]);
  });
});
