import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { iccidProblem, passesLuhn } from "../../functions/domain/iccid.ts";
import { QUESTION_FAULTS } from "../../local/carrier/next-outcomes.ts";
import { readIssuerClients } from "../../local/cloud/issuer-clients.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { DEMO_USER, DRAINING_LINE, demoRule, QUIET_LINE } from "../../local/demo-data.ts";
import { testAssembly } from "../assembly.ts";
import { measuredMetrics } from "../infra/measured-metrics.ts";
import { SignInBrowser, signInWith } from "../local/sign-in-browser.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";
import { runMainJob } from "./main-job.ts";

/** What the functions write into their logs while all goes well, while everything goes wrong, and while somebody tries to get something in there. */

const CARD = "4242424242424242";
const LIN = { username: "lin.wang@example.com", password: "a line of my own" };
const LINS_PHONE = "+442079460958";
const LINS_LINE = "8986012345678900033";
const BROKEN_LINE = "8986012345678900058";

/** Names what a text tells of a person, by its kind and where. */
function personalDataIn(log: string): string[] {
  const text = log.replaceAll(/(?<="_aws":\{"Timestamp":)\d{13}(?=,)/g, "now"); // of a metric: one in ten passes for a card's number
  const found = (kind: string, pattern: RegExp, isOne: (match: string) => boolean = () => true) =>
    [...text.matchAll(pattern)].flatMap(({ 0: match, index }) => (isOne(match) ? [`${kind} in: ${text.slice(Math.max(0, index - 80), index + 80)}`] : []));
  const digitsOf = (match: string) => match.replaceAll(/\D/g, "");
  return [
    ...found("an ICCID", /89\d{16,20}/g, (match) => iccidProblem(match) === undefined),
    ...found("an e-mail address", /[\w.+-]+@[\w-]+\.[\w.-]+/g),
    ...found("a phone number", /\+\d{7,15}/g, (match) => !match.startsWith("+0")), // +0000 is a time zone
    ...found("a card-like number", /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])/g, (match) => passesLuhn(digitsOf(match))),
    // What this test has sent, wherever it stands.
    ...[DEMO_USER.email, DEMO_USER.phoneNumber.slice(1), LINS_PHONE.slice(1), LIN.username, LIN.password, CARD, LINS_LINE, BROKEN_LINE]
      .filter((told) => text.includes(told))
      .map((told) => `what was sent: ${told}`),
  ];
}

describe("the eye of this test", () => {
  it.each([
    `{"message":"line ${DRAINING_LINE.iccid} is low"}`,
    "mail to someone.else@mail.example.org failed",
    'phoneNumber: "+4915112345678"',
    "card 4000 0000 0000 9995 was declined",
    "5555-5555-5555-4444",
  ])("sees %s", (line) => expect(personalDataIn(line)).not.toEqual([]));

  it.each(["2026-11-28T15:31:37.779Z", "e0f0b7ec-3242-4a8b-9f57-eba0147268b6", "23/Nov/2026:16:00:00 +0000", "arn:aws:sqs:us-east-1:000000000000:x"])(
    "passes over %s",
    (line) => expect(personalDataIn(line)).toEqual([]),
  );
});

const outputs = z.looseObject({ environment: z.record(z.string(), z.string()), "AutoRecharge-dev-Service": z.object({ Operations: z.string() }) });
const operations = z.object({ tables: z.object({ esims: z.string() }), queues: z.record(z.string(), z.object({ url: z.string() })) });

describe("the logs of a whole run", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;
  let token: string;
  const stateFile = (name: string) => join(folder.path, "state", name);
  /** Nothing is there before a function has something to say. */
  const log = () => (existsSync(stateFile("functions.log")) ? readFileSync(stateFile("functions.log"), "utf8") : "");

  beforeAll(async () => {
    folder = temporaryFolder();
    stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0"]);
    url = String((await stack.until(/Ready at (\S+)/))[1]);
    token = await (await fetch(`${url}/local/token`)).text();
  });
  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  const play = async (path: string, body: object) => expect((await fetch(url + path, { method: "POST", body: JSON.stringify(body) })).ok).toBe(true);
  const send = (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
    fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
      body: typeof body === "string" || body === undefined ? body : JSON.stringify(body),
    });
  /** Waits until the log says so. */
  async function logged(pattern: RegExp): Promise<void> {
    const giveUpAt = performance.now() + 30_000;
    while (!pattern.test(log())) {
      if (performance.now() > giveUpAt) throw new Error(`The log does not say ${pattern}:\n${log()}`);
      await sleep(100);
    }
  }

  it("name nobody while the main job is done, and somebody registers and gets a rule", async () => {
    expect(await runMainJob(url, 60_000)).toBe("recharged");
    const { signIn } = z.object({ signIn: z.string() }).parse(await (await fetch(`${url}/local/`)).json());
    const stacks = loadStacks(testAssembly(), { queueUrl: (queue) => `${url}/${queue}`, attributes: () => url });
    const [client] = readIssuerClients(stacks);
    const app = { clientId: client?.clientId ?? "", redirectUri: client?.redirectUris[0] ?? "", scope: client?.scopes?.join(" ") };
    for (const username of [LIN.username, LINS_PHONE]) {
      const { access_token } = await signInWith(new SignInBrowser(signIn), signIn, "/signup", app, { ...LIN, username });
      expect((await send("GET", "/v1/esims", undefined, { authorization: `Bearer ${access_token}` })).status).toBe(200);
    }
    await play("/local/lines", { iccid: LINS_LINE, owner: { email: LIN.username } });
    expect(personalDataIn(log())).toEqual([]);
  });

  it("name nobody while requests are bad in every way", async () => {
    const rule = demoRule(QUIET_LINE.iccid, "pm_none");
    const bodies: unknown[] = [
      `{"iccid":"${QUIET_LINE.iccid}"`,
      { ...rule, iccid: CARD },
      { ...rule, [LIN.username]: LINS_PHONE },
      { ...rule, paymentMethodId: CARD, threshold: { amount: CARD, currency: LIN.username } },
      { ...rule, iccid: LINS_LINE },
    ];
    const requests: [method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>][] = [
      ...bodies.map((body): [string, string, unknown] => ["POST", "/v1/rules", body]),
      ["PUT", `/v1/rules/${LINS_LINE}`, rule, { "if-match": `"${LINS_PHONE}"` }],
      ["GET", `/v1/rules/${CARD}`],
      ["GET", `/v1/rules/${LINS_LINE}?page=${LIN.username}`],
      ["GET", `/v1/recharges?page=${Buffer.from(JSON.stringify({ subscriberId: LIN.username })).toString("base64url")}`],
      ["GET", `/v1/recharges/${CARD}`],
      ["DELETE", `/v1/payment-methods/pm_${CARD}`],
      ["POST", "/v1/payment-methods", { type: "card", setupIntentId: `seti_${CARD}` }],
      ["POST", "/v1/payment-methods", { type: CARD }],
      ["GET", "/v1/rules", undefined, { authorization: `Bearer ${LIN.username}` }],
      ["POST", "/webhooks/stripe", { type: "charge.refunded", billing_details: { email: LIN.username, phone: LINS_PHONE } }, { "stripe-signature": CARD }],
    ];
    for (const request of requests) expect((await send(...request)).status).toBeLessThan(500);
    expect(log()).toContain("webhook-refused");
    expect(personalDataIn(log())).toEqual([]);
  });

  it("name nobody while the carrier and Stripe answer badly, a line cannot be read, and messages are none", async () => {
    for (const outcome of QUESTION_FAULTS.filter((fault) => fault !== "slow")) {
      await play("/local/carrier/next", { operation: "queryEsims", outcome });
      await send("GET", "/v1/esims");
    }
    await play("/local/stripe/next", { operation: "create", outcome: "error-500" });
    await play("/local/carrier/next", { outcome: "refuse" });
    await play(`/local/lines/${DRAINING_LINE.iccid}`, { available: 0 });
    await play("/local/clock", { advanceMinutes: 60 });

    const { environment, "AutoRecharge-dev-Service": service } = z.parse(outputs, JSON.parse(readFileSync(stateFile("outputs.json"), "utf8")));
    const { tables, queues } = z.parse(operations, JSON.parse(service.Operations));
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const access = (endpoint: string | undefined) => ({ endpoint, region: environment.AWS_REGION, credentials });
    const database = DynamoDBDocumentClient.from(new DynamoDBClient(access(environment.AWS_ENDPOINT_URL_DYNAMODB)));
    const item = { iccid: BROKEN_LINE, subscriberId: DEMO_USER.sub, version: LIN.username, rule: { [LINS_PHONE]: CARD }, email: LIN.username };
    await database.send(new PutCommand({ TableName: tables.esims, Item: item }));
    expect((await send("GET", `/v1/rules/${BROKEN_LINE}`)).status).toBe(500);
    await logged(/request-failed/);

    const sqs = new SQSClient(access(environment.AWS_ENDPOINT_URL_SQS));
    const inboxes = ["NeedsReview", "PaymentAdjusted", "BreakFound"];
    for (const [, { url: QueueUrl }] of Object.entries(queues).filter(([name]) => !inboxes.includes(name))) {
      for (const MessageBody of [`${LIN.username} ${CARD}`, JSON.stringify({ iccid: BROKEN_LINE, email: LIN.username, name: LINS_PHONE })]) {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      }
    }
    await sqs.send(new SendMessageCommand({ QueueUrl: queues.RechargeQueue?.url, MessageBody: JSON.stringify({ iccid: BROKEN_LINE }) }));
    for (const pattern of [/is not JSON/, /lacks a proper value/, /unreadable-line/, /carrier-refused/]) await logged(pattern);
    database.destroy();
    sqs.destroy();
    expect(personalDataIn(log())).toEqual([]);
  }, 120_000);
});

const metricLine = z.object({
  service: z.string(),
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({ Namespace: z.literal("auto-recharge-dev"), Dimensions: z.array(z.array(z.string())), Metrics: z.array(z.object({ Name: z.string() })) }),
    ),
  }),
});

/** Each metric in a log, with the function and the names of its other dimensions: `RechargesEnded end service=recharge`. */
function measuredIn(log: string): Set<string> {
  const lines = log.split("\n").filter((line) => line.includes('"_aws"'));
  return new Set(
    lines.flatMap((line) => {
      const { service, _aws } = z.parse(metricLine, JSON.parse(line.slice(line.indexOf("{"))));
      const said = (dimension: string) => (dimension === "service" ? `service=${service}` : dimension);
      return _aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
        Metrics.map(({ Name }) => [Name, ...Dimensions.flat().map(said).toSorted()].join(" ")),
      );
    }),
  );
}

describe("the logs of npm run demo", () => {
  it("name nobody", async () => {
    using folder = temporaryFolder();
    const demo = runLocal("demo", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--wait-seconds", "90"]);
    const exitCode = await demo.ended;
    expect(demo.output()).toMatch(/\nEvery step came true\.\n$/); // what it said is shown when it did not
    expect(exitCode).toBe(0);
    const log = readFileSync(join(folder.path, "state/functions.log"), "utf8");
    expect(log).toContain("carrier-refused");
    expect(personalDataIn(log)).toEqual([]);
    // Alarms and dashboard read these and no others: test/infra/watching.test.ts
    expect(measuredIn(log)).toEqual(new Set(measuredMetrics()));
  }, 240_000);
});
