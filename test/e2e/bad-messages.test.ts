import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { installClock, type LocalClock } from "../../local/clock.ts";
import { secretsFile, startAwsEndpoints } from "../../local/cloud/aws-endpoints.ts";
import { startEventSource } from "../../local/cloud/event-source.ts";
import { functionHost, listFunctions } from "../../local/cloud/functions.ts";
import { startQueues } from "../../local/cloud/queues.ts";
import { ensureTables, startTables } from "../../local/cloud/tables.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { memoryRecords } from "../../local/records.ts";
import { testAssembly } from "../assembly.ts";
import { ICCID } from "../builders.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";

/** Bad messages in the queues of the synthesized stacks, worked on by the bundled functions: nothing waits behind them, and they end where an operator looks. */

const REGION = "us-east-1";
const HOUR_MILLISECONDS = 60 * 60 * 1000; // longer than any queue hides a message
const EMAIL = "ada@example.com";

interface Bad {
  readonly says: string;
  readonly body: string;
  /** What the log says of it. */
  readonly reason: string;
}

const { LowBalanceDetected, RechargeSucceeded, RuleSaved } = SAMPLE_EVENTS;
const envelope = (detail: object, changes: object = {}) => JSON.stringify({ source: "auto-recharge", "detail-type": "Event", detail, ...changes });
const lacks = (places: string) => `The message lacks a proper value in: ${places}`;
const POKES = "iccid; or in: paymentIntentId; or in: paymentMethodId; or in:";
const TICK = JSON.stringify({ scheduledTime: "2026-11-23T08:00:00Z" });

const ANYWHERE: readonly Bad[] = [
  { says: "no JSON", body: `${ICCID} of ${EMAIL}`, reason: "The message is not JSON" },
  { says: "half of a message", body: `{"iccid":"${ICCID}","email":"${EMAIL}"`, reason: "The message is not JSON" },
  { says: "a huge message", body: `${ICCID} ${EMAIL} `.repeat(20_000), reason: "The message is not JSON" },
];
const badTick = [
  { says: "no tick", body: JSON.stringify({ iccid: ICCID, email: EMAIL }), reason: lacks("scheduledTime") },
  { says: "no object", body: JSON.stringify([ICCID]), reason: lacks("the whole") },
  { says: "a placeholder", body: '{"scheduledTime":"<aws.scheduler.scheduled-time>"}', reason: lacks("scheduledTime") },
];

/** A message that each queue's function works on, unless that takes Stripe or a carrier, and such as it cannot. A new queue needs them here. */
const MESSAGES: Readonly<Record<string, { readonly good?: string; readonly bad: readonly Bad[] }>> = {
  "plan-checks": { good: TICK, bad: badTick },
  sweep: { good: TICK, bad: badTick },
  remind: {
    good: TICK,
    bad: [
      ...badTick,
      { says: "a subscriber who is none", body: JSON.stringify({ scheduledTime: "2026-11-23T08:00:00Z", subscriberId: 7 }), reason: lacks("subscriberId") },
    ],
  },
  reconcile: {
    bad: [
      { says: "no tick and no list", body: JSON.stringify({ iccid: ICCID, email: EMAIL }), reason: lacks("scheduledTime, every; or in: list, from, to") },
      { says: "a tick of another schedule", body: TICK, reason: lacks("every; or in: list, from, to") },
    ],
  },
  erase: {
    good: TICK,
    bad: [
      { says: "no subscriber", body: JSON.stringify({ iccid: ICCID, email: EMAIL }), reason: lacks("scheduledTime; or in: subscriberId") },
      { says: "a subscriber who is nobody", body: JSON.stringify({ subscriberId: "", email: EMAIL }), reason: lacks("subscriberId") },
      { says: "a stage that there is not", body: JSON.stringify({ subscriberId: EMAIL, stage: ICCID }), reason: lacks("scheduledTime; or in: stage") },
    ],
  },
  "check-balances": {
    good: JSON.stringify({ slot: "15m#3", from: "00000000", to: "ffffffff" }),
    bad: [
      { says: "no slot", body: JSON.stringify({ iccid: ICCID, from: "00000000", to: "ffffffff" }), reason: lacks("slot") },
      { says: "a slot that no tier has", body: JSON.stringify({ slot: `2h#${ICCID}`, from: 0, to: "ffff" }), reason: lacks("slot, from, to") },
    ],
  },
  recharge: {
    good: JSON.stringify({ iccid: ICCID }),
    bad: [
      { says: "no line", body: JSON.stringify({ judge: true, email: EMAIL }), reason: lacks(`${POKES} source, detail-type, detail`) },
      { says: "a payment of another kind", body: JSON.stringify({ paymentIntentId: `ch_${ICCID}` }), reason: lacks("paymentIntentId") },
      { says: "a card for a line", body: JSON.stringify({ iccid: "4242424242424242" }), reason: lacks("iccid") },
      {
        says: "an event that it does not know",
        body: envelope(RuleSaved),
        reason: lacks(`${POKES} detail.name, detail.balance, detail.readAt, detail.cycle`),
      },
      {
        says: "a balance that is a fraction",
        body: envelope({ ...LowBalanceDetected, balance: { amount: 9.5, currency: "CNY" } }),
        reason: lacks(`${POKES} detail.balance.amount`),
      },
    ],
  },
  notify: {
    good: envelope(RechargeSucceeded),
    bad: [
      { says: "an event that it does not know", body: envelope(LowBalanceDetected), reason: lacks("detail.name") },
      { says: "somebody else's event", body: envelope(RechargeSucceeded, { source: EMAIL }), reason: lacks("source") },
      { says: "an event without its sum", body: envelope({ ...RechargeSucceeded, amount: EMAIL }), reason: lacks("detail.amount") },
    ],
  },
};

const SECRETS = { secretKey: "sk_test_local", baseUrl: "http://127.0.0.1:9", secret: "secret", key: "key" };

let folder: string;
let clock: LocalClock;
let closers: (() => unknown)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bad-messages-"));
  clock = installClock({ file: join(folder, "clock") });
  closers = [];
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
  clock.close();
  rmSync(folder, { recursive: true });
});

const logLine = z.object({ message: z.literal("message-failed"), messageId: z.string(), error: z.object({ name: z.string(), message: z.string() }) });
type Failure = z.infer<typeof logLine>;

/** The queue of a function of the stacks, with the function behind it. */
async function startQueue(service: string, stripeSecret: object | string = SECRETS) {
  const queues = await startQueues({ region: REGION });
  closers.push(queues.close);
  const graph = loadStacks(testAssembly(), { region: REGION, queueUrl: queues.urlOf, attributes: () => "http://127.0.0.1:9" });
  const definitions = graph.list("AWS::SQS::Queue");
  await queues.ensure(definitions);
  const tables = await startTables();
  closers.push(tables.close);
  const database = { endpoint: tables.endpoint, region: REGION, credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  await ensureTables(database, graph.list("AWS::DynamoDB::GlobalTable"));
  const secrets = graph.list("AWS::SecretsManager::Secret").map(({ name }) => [name, name.includes("StripeSecret") ? stripeSecret : SECRETS]); // several are read at once: one alone is wrong
  writeFileSync(join(folder, "secrets.json"), JSON.stringify(Object.fromEntries(secrets)));
  const endpoints = await startAwsEndpoints({
    putEvents: () => Promise.reject(new Error("Nothing here is worth an event")),
    getSecret: secretsFile(join(folder, "secrets.json")),
    outbox: memoryRecords(),
  });
  closers.push(endpoints.close);

  const lines: string[] = [];
  const functions = listFunctions(graph).filter(({ environment }) => environment.POWERTOOLS_SERVICE_NAME === service);
  const host = functionHost({
    functions,
    region: REGION,
    endpoints: { AWS_ENDPOINT_URL: endpoints.endpoint, AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint, AWS_ENDPOINT_URL_SQS: queues.endpoint },
    onLog: ({ line }) => lines.push(line),
  });
  closers.push(host.close);
  const mapping = graph.list("AWS::Lambda::EventSourceMapping").find(({ properties }) => functions.some(({ name }) => properties.FunctionName.endsWith(name)));
  const queue = definitions.find(({ arn }) => arn === mapping?.properties.EventSourceArn);
  const redrive = queue?.properties.RedrivePolicy;
  if (mapping === undefined || queue === undefined || redrive === undefined) throw new Error(`${service} has no queue with dead letters`);
  const faults: unknown[] = [];
  const source = startEventSource({
    mapping,
    queue: queues.consume(queue.name),
    invoke: host.invoke,
    region: REGION,
    onError: (error) => faults.push(error),
  });
  closers.push(source.stop);

  return {
    lines,
    faults,
    deliveries: redrive.maxReceiveCount,
    send: (body: string) => queues.send(queue.name, body),
    waiting: () => queues.peek(queue.name),
    dead: () => queues.peek(redrive.deadLetterTargetArn),
    failures: (): Failure[] =>
      lines.flatMap((line) => {
        const failure = z.safeParse(logLine, line.startsWith("{") ? JSON.parse(line) : undefined);
        return failure.success ? [failure.data] : [];
      }),
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

describe("the queues of the stacks", () => {
  it("all have their bad messages here", () => {
    const graph = loadStacks(testAssembly(), { region: REGION, queueUrl: (queue) => `http://127.0.0.1:9/${queue}`, attributes: () => "http://127.0.0.1:9" });
    const fed = graph.list("AWS::Lambda::EventSourceMapping").map(({ properties }) => properties.FunctionName);
    const services = listFunctions(graph).filter(({ name }) => fed.some((each) => each.endsWith(name)));
    expect(new Set(services.map(({ environment }) => environment.POWERTOOLS_SERVICE_NAME))).toEqual(new Set(Object.keys(MESSAGES)));
  });
});

describe.each(Object.entries(MESSAGES))("bad messages to %s", (service, { good, bad }) => {
  it("hold up no good one, and end among the dead letters with their reason in the log", async () => {
    const queue = await startQueue(service);
    const all = [...ANYWHERE, ...bad];
    const sent = new Map<string, Bad>();
    for (const each of all) sent.set(await queue.send(each.body), each);
    if (good !== undefined) await queue.send(good);

    // The clock stands as good as still: what is bad stays hidden after its first try, and the good one is done.
    await until(() => queue.waiting().length === all.length && queue.failures().length === all.length);
    expect(new Set(queue.waiting().map(({ body }) => body))).toEqual(new Set(all.map(({ body }) => body)));

    for (let delivery = 2; delivery <= queue.deliveries; delivery++) {
      expect(queue.dead()).toEqual([]);
      clock.advance(HOUR_MILLISECONDS);
      await until(() => queue.failures().length === all.length * delivery);
    }
    await until(() => queue.waiting().every(({ state }) => state !== "visible"));
    clock.advance(HOUR_MILLISECONDS);
    await until(() => queue.waiting().length === 0);

    expect(new Map(queue.dead().map(({ messageId, body }) => [messageId, body]))).toEqual(new Map([...sent].map(([id, { body }]) => [id, body])));
    for (const [messageId, { says, reason }] of sent) {
      const told = queue.failures().filter((failure) => failure.messageId === messageId);
      expect([says, told.map(({ error }) => error)]).toEqual([
        says,
        Array.from({ length: queue.deliveries }, () => ({ name: "UnreadableMessage", message: reason })),
      ]);
    }
    expect(queue.lines.join("\n")).not.toMatch(new RegExp(`${ICCID}|${EMAIL}|4242424242424242`));
    expect(queue.faults).toEqual([]);
  });
});

describe("a secret that is not what a function needs", () => {
  it.each([
    ["that is no JSON", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", /^The secret \S+StripeSecret\S* is not JSON$/],
    ["that lacks its fields", { baseUrl: "http://127.0.0.1:9", secret: "s", key: "k" }, /^The secret \S+StripeSecret\S* lacks a proper value in: secretKey$/],
  ])("is named in the log with what is missing: one %s", async (_, secret, reason) => {
    const queue = await startQueue("recharge", secret);
    await queue.send(JSON.stringify({ iccid: ICCID }));
    await until(() => queue.failures().length === 1);
    expect(queue.failures()[0]?.error).toEqual({ name: "WrongSecret", message: expect.stringMatching(reason) });
    expect(queue.lines.join("\n")).not.toContain("sk_live");
  });
});
