import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { dynamoDbSubscribers } from "../functions/adapters/dynamodb-subscribers.ts";
import { stripeClient } from "../functions/adapters/stripe-payments.ts";
import { SIGNATURE_TOLERANCE_SECONDS } from "../functions/contracts/carrier.ts";
import { RESOURCE_SERVER, SCOPES } from "../functions/contracts/route.ts";
import type { PaymentMethod } from "../functions/domain/esim.ts";
import { type CarrierModel, carrierModel } from "./carrier/carrier-model.ts";
import { startCarrierServer } from "./carrier/carrier-server.ts";
import { installClock, type LocalClock } from "./clock.ts";
import { startAlarms, watchable } from "./cloud/alarms.ts";
import { OUTBOX, type OutboxMail, secretsFile, startAwsEndpoints } from "./cloud/aws-endpoints.ts";
import { OPERATOR_KEY_ID, startAwsFront } from "./cloud/aws-front.ts";
import { eventBus } from "./cloud/event-bus.ts";
import { startEventSource } from "./cloud/event-source.ts";
import { functionHost, listFunctions } from "./cloud/functions.ts";
import { readHttpApi, startHttpApi } from "./cloud/http-api.ts";
import { startIssuer } from "./cloud/issuer.ts";
import { readIssuerClients, readPasswordLength } from "./cloud/issuer-clients.ts";
import type { IssuerUser } from "./cloud/issuer-users.ts";
import { readPermissions, refuseUselessRoles } from "./cloud/permissions.ts";
import { startQueues } from "./cloud/queues.ts";
import { startSchedules } from "./cloud/schedules.ts";
import { LOCAL_ACCOUNT } from "./cloud/supported-resources.ts";
import { ensureTables, startTables } from "./cloud/tables.ts";
import { loadStacks, type StackGraph } from "./cloud/template.ts";
import { UnsupportedTemplate } from "./cloud/unsupported-template.ts";
import { controls } from "./controls.ts";
import { DEMO_PASSWORD, DEMO_USER, DRAINING_LINE, LIN_USER, LINS_LINE, QUIET_LINE, saveTestCard } from "./demo-data.ts";
import { functionLog } from "./function-log.ts";
import { keptIn, randomKey } from "./kept.ts";
import { writeOutputs } from "./outputs.ts";
import { fileRecords } from "./records.ts";
import { SECRETS_FILE, writeRunning } from "./running-stack.ts";
import { takeStateFolder } from "./state-folder.ts";
import { type StripeModel, stripeModel } from "./stripe/stripe-model.ts";
import { startStripeServer } from "./stripe/stripe-server.ts";
import { startWebhookSender } from "./stripe/webhook-sender.ts";
import { alarmHappened, carrierHappened, eventHappened, mailHappened, stripeHappened, type Timeline, type TimelineEntry, timeline } from "./timeline.ts";
import { keptWebhookEndpoint } from "./webhook-endpoint.ts";

const REGION = "us-east-1";
const CREDENTIALS = { accessKeyId: OPERATOR_KEY_ID, secretAccessKey: "local" };
/** A demo token is good for a local month: at 60 times the speed, half a day. */
const TOKEN_SECONDS = 30 * 24 * 60 * 60;

export interface LocalStackOptions {
  /** A cloud assembly: what `npm run synth` makes. */
  readonly assembly: string;
  /** Where everything is kept between starts. */
  readonly stateFolder: string;
  /** Forgets what an earlier start left there. */
  readonly fresh?: boolean;
  /** Of the API; 0 takes any that is free. */
  readonly port: number;
  /** Local seconds that pass in a real second; a later start keeps the last one unless told otherwise. */
  readonly speed?: number;
  /** Talks to Stripe itself with this test key, instead of to the local model. */
  readonly stripeTestKey?: string;
  /** The public key that goes with it, for the page of pay links. */
  readonly stripePublishableKey?: string;
  /** Another engine than the embedded one, e.g. DynamoDB Local. */
  readonly dynamoDbEndpoint?: string;
  /** Hears of everything that happens. */
  readonly tell: (entry: TimelineEntry) => void;
}

export interface LocalStack {
  readonly url: string;
  /** Where people sign in. */
  readonly issuer: string;
  readonly demo: { readonly token: string; readonly methodId: string };
  /** Does something that was not done yet in this state folder. A crash in the middle does it again. */
  once(name: string, act: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** What the controls under /local/ work on. */
export interface LocalParts {
  readonly clock: LocalClock;
  readonly carrier: CarrierModel;
  /** Missing when Stripe itself is used. */
  readonly stripe: StripeModel | undefined;
  readonly timeline: Timeline;
  readonly outbox: () => OutboxMail[];
  /** Where people sign in: OpenID Connect discovery is below it. */
  readonly issuer: string;
  readonly token: (scopes?: readonly string[], user?: IssuerUser) => Promise<string>;
  readonly saveCard: (testCard: string) => Promise<PaymentMethod>;
  readonly depths: () => Record<string, number>;
}

/**
 * Runs the synthesized stacks on this machine: every route, queue, schedule, rule and function comes from the templates.
 *
 * Throws UnsupportedTemplate before anything is started when the templates hold something that would not work here as on AWS.
 */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const folder = takeStateFolder(options.stateFolder, options.fresh === true);
  const closers: (() => unknown)[] = [folder.release];
  const close = async () => {
    for (const end of closers.reverse().splice(0)) await end();
  };
  try {
    return await start(options, folder.path, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** A port that nobody uses right now. The functions are told the API's address before it listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("This machine gave no free port");
  return address.port;
}

async function start(options: LocalStackOptions, path: (name: string) => string, closers: (() => unknown)[], close: () => Promise<void>): Promise<LocalStack> {
  const port = options.port === 0 ? await freePort() : options.port;
  // Before anything else, so that nothing remembers another time.
  const clock = installClock({ file: path("clock.json") });
  closers.push(clock.close);
  if (options.speed !== undefined) clock.setSpeed(options.speed);

  const records = fileRecords(path("records.sqlite"));
  closers.push(records.close);
  const story = timeline(records, options.tell);
  let isStopping = false;
  const onError = (error: unknown) => {
    // What is still running at the end is cut off; its messages stay in their queues for the next start.
    if (isStopping) return;
    story.add({ source: "function", what: "error", note: error instanceof Error ? error.message : String(error) });
  };

  const kept = keptIn(records);
  const stripeMode = options.stripeTestKey === undefined ? "the local model of Stripe" : "Stripe's test mode";
  if ((await kept("stripe-mode", () => stripeMode)) !== stripeMode)
    throw new Error(`What is kept there was made with the other Stripe than ${stripeMode}: start with --fresh`);
  const stripe = options.stripeTestKey === undefined ? stripeModel({ records, now: clock.now, observe: (fact) => story.add(stripeHappened(fact)) }) : undefined;
  const stripeServer = stripe && (await startStripeServer({ model: stripe }));
  if (stripeServer !== undefined) closers.push(stripeServer.close);
  const stripeAccess = { secretKey: options.stripeTestKey ?? "sk_test_local", baseUrl: stripeServer?.url };
  const stripeApi = stripeClient(stripeAccess);
  const stripePage =
    stripe === undefined
      ? { publishableKey: options.stripePublishableKey }
      : { publishableKey: "pk_test_local", scriptUrl: `http://127.0.0.1:${port}/local/stripe.js` };
  // Stripe itself cannot reach this machine, and its signatures tell real time: without it every payment is looked at on schedule all the same.
  const webhook = stripe && (await keptWebhookEndpoint(stripeApi, kept));

  const queues = await startQueues({ dataDir: path("sqs"), region: REGION });
  closers.push(queues.close);

  const front = await startAwsFront();
  closers.push(front.close);
  // The templates are read twice: the issuer needs the client's id, and the rest needs the issuer's address.
  const load = (issuerUrl: string) =>
    loadStacks(options.assembly, {
      region: REGION,
      queueUrl: (name) => `${front.endpoint}/${LOCAL_ACCOUNT}/${name}`,
      attributes: (type) => (type === "AWS::Cognito::UserPool" ? issuerUrl : `http://127.0.0.1:${port}`),
    });
  const stacks = load("http://127.0.0.1");
  const clients = readIssuerClients(stacks);
  const clientId = webClientIn(clients);
  const permissions = readPermissions(stacks);
  await refuseUselessRoles(stacks, permissions);

  const carrier = carrierModel({ records, now: clock.now, answersAreFinal: answersAreFinal(stacks), observe: (fact) => story.add(carrierHappened(fact)) });
  const carrierSecret = await kept("carrier-secret", randomKey);
  const carrierServer = await startCarrierServer({
    model: readAloud(carrier, story),
    secret: carrierSecret,
    // As much real time as a carrier gives a request, however fast the clock runs, and whenever it is moved on.
    toleranceSeconds: () => SIGNATURE_TOLERANCE_SECONDS * Math.max(clock.speed, 1) + clock.recentlyAdvanced() / 1000,
  });
  closers.push(carrierServer.close);

  const resourceServer = { identifier: RESOURCE_SERVER, scopes: Object.keys(SCOPES) };
  // Its address is part of every token, and tokens outlive a restart: the first start takes a free port, the others the same.
  const issuer = await startIssuer({
    port: records.get<{ port: number }>("issuer", "address")?.port,
    records,
    clients,
    users: [DEMO_USER, LIN_USER].map((user) => ({ ...user, password: DEMO_PASSWORD })),
    passwordLength: readPasswordLength(stacks),
    resourceServer,
  });
  closers.push(issuer.close);
  records.put("issuer", "address", { port: Number(new URL(issuer.issuer).port) });
  const graph = load(issuer.issuer);

  const tables = options.dynamoDbEndpoint === undefined ? await startTables({ path: path("dynamodb") }) : undefined;
  if (tables !== undefined) closers.push(tables.close);
  const database = { endpoint: options.dynamoDbEndpoint ?? tables?.endpoint ?? "", region: REGION, credentials: CREDENTIALS };
  await ensureTables(database, [...graph.list("AWS::DynamoDB::GlobalTable"), ...graph.list("AWS::DynamoDB::Table")]);
  await queues.ensure(graph.list("AWS::SQS::Queue"));

  writeSecrets(path(SECRETS_FILE), graph, {
    StripeSecret: { ...stripeAccess, ...stripePage, ...(webhook && { webhookSecrets: [webhook.secret] }) },
    CarrierSecret: { baseUrl: carrierServer.url, secret: carrierSecret },
    PayLinkSecret: { key: await kept("pay-link-key", randomKey) },
    LineHashSecret: { key: await kept("line-hash-key", randomKey) },
  });
  const bus = eventBus({
    region: REGION,
    buses: graph.list("AWS::Events::EventBus"),
    rules: graph.list("AWS::Events::Rule"),
    send: queues.send,
    observe: (envelope) => story.add(eventHappened(envelope)),
    onError,
  });
  const endpoints = await startAwsEndpoints({
    putEvents: bus.putEvents,
    getSecret: secretsFile(path(SECRETS_FILE)),
    outbox: records,
    observeMail: (mail) => story.add(mailHappened(mail)),
  });
  closers.push(endpoints.close);

  const deployed = listFunctions(graph);
  front.open({
    region: REGION,
    roleArns: new Map(deployed.map(({ name, roleArn }) => [name, roleArn])),
    permissions,
    upstreams: {
      dynamodb: database.endpoint,
      sqs: queues.endpoint,
      events: endpoints.endpoint,
      secretsmanager: endpoints.endpoint,
      ses: endpoints.endpoint,
      sns: endpoints.endpoint,
    },
  });

  // One for all services: whatever is not known there is refused by name, and never sent to AWS.
  const endpointVariables = { AWS_ENDPOINT_URL: front.endpoint, AWS_ENDPOINT_URL_DYNAMODB: front.endpoint, AWS_ENDPOINT_URL_SQS: front.endpoint };
  writeOutputs(path("outputs.json"), graph, endpointVariables);
  const functions = { functions: deployed, region: REGION, endpoints: endpointVariables, clock: clock.forChildren };
  const host = functionHost({
    ...functions,
    onLog: functionLog(path("functions.log"), (note) => story.add({ source: "function", what: "error", note })),
  });

  const sources = graph.list("AWS::Lambda::EventSourceMapping").map((mapping) => {
    const queue = queues.consume(mapping.properties.EventSourceArn);
    return startEventSource({ mapping, queue, invoke: host.invoke, region: REGION, speed: () => clock.speed, onError });
  });
  // Together: a source waits for its invocations, and a function that hangs ends only with its host.
  closers.push(async () => {
    isStopping = true;
    await Promise.all([...sources.map((source) => source.stop()), host.close()]);
  });
  const alarms = startAlarms({
    alarms: watchable(graph.list("AWS::CloudWatch::Alarm")),
    depth: queues.depth,
    tell: (change) => story.add(alarmHappened(change)),
  });
  closers.push(alarms.close);

  const subscribers = dynamoDbSubscribers(
    DynamoDBDocumentClient.from(new DynamoDBClient(database), { marshallOptions: { removeUndefinedValues: true } }),
    tableNamed(graph, "Subscribers"),
  );
  const customerId = await kept("customer-id", async () => (await stripeApi.customers.create({ email: DEMO_USER.email })).id);
  const saveCard = async (testCard: string) => {
    await subscribers.putCustomer(DEMO_USER.sub, customerId);
    const method = await saveTestCard(stripeApi, customerId, testCard);
    await subscribers.putMethod(DEMO_USER.sub, method);
    return method;
  };
  const token = (scopes?: readonly string[], user: IssuerUser = DEMO_USER) =>
    issuer.issueToken({ sub: user.sub, clientId, scopes, expiresInSeconds: TOKEN_SECONDS });
  const handleLocal = controls({
    clock,
    carrier,
    stripe,
    timeline: story,
    issuer: issuer.issuer,
    outbox: () => records.list<OutboxMail>(OUTBOX),
    token,
    saveCard,
    depths: () => Object.fromEntries(graph.list("AWS::SQS::Queue").map(({ name }) => [name, queues.peek(name).length])),
  });
  const httpApi = readHttpApi(graph);
  const api = await startHttpApi({ ...httpApi, invoke: host.invoke, port, handleLocal, onError });
  closers.push(api.close);
  writeRunning(path, {
    ...functions,
    url: api.url,
    publicRoutes: httpApi.routes.filter(({ jwt }) => jwt === undefined),
    workQueues: graph.list("AWS::Lambda::EventSourceMapping").map(({ properties }) => queues.urlOf(properties.EventSourceArn)),
  });
  if (stripe !== undefined && webhook !== undefined) {
    await webhook.moveTo(api.url);
    closers.push(startWebhookSender({ model: stripe }).close);
  }

  const demoToken = await token();
  const methodId = await kept("demo-method", async () => {
    for (const line of [DRAINING_LINE, QUIET_LINE, LINS_LINE]) carrier.addLine(line);
    return (await saveCard("pm_card_visa")).id;
  });

  const schedules = startSchedules({ schedules: graph.list("AWS::Scheduler::Schedule"), send: queues.send, onError });
  closers.push(schedules.stop);
  const once = async (name: string, act: () => Promise<void>) => void (await kept(name, () => act().then(() => "done")));
  return { url: api.url, issuer: issuer.issuer, demo: { token: demoToken, methodId }, once, close };
}

/** The carrier, with every reading of a balance in the timeline: so one sees the checks that find nothing to do. */
function readAloud(carrier: CarrierModel, story: Timeline): CarrierModel {
  return {
    ...carrier,
    queryBalances(iccids) {
      const list = carrier.queryBalances(iccids);
      for (const { iccid, available } of list.balances) story.add({ source: "carrier", what: "balance read", iccid, amount: available });
      return list;
    },
  };
}

/** The client that the demo's tokens name. */
function webClientIn(clients: ReturnType<typeof readIssuerClients>): string {
  const client = clients.find(({ logicalId }) => logicalId.includes("WebClient"));
  if (client === undefined) throw new UnsupportedTemplate("The stacks have no AWS::Cognito::UserPoolClient named WebClient, so nobody could sign in here");
  return client.clientId;
}

/** Whether the stage's carrier promises final answers, as its functions are told: the local one is of the same kind. */
function answersAreFinal(graph: StackGraph): boolean {
  return listFunctions(graph).every(({ environment }) => environment.CARRIER_ANSWERS !== "once");
}

/** The resource whose id in the CDK app is `id`: its logical id is that and eight hex digits. */
function isNamed(id: string): (resource: { readonly logicalId: string }) => boolean {
  return ({ logicalId }) => logicalId.slice(0, -8) === id;
}

function tableNamed(graph: StackGraph, id: string): string {
  const table = graph.list("AWS::DynamoDB::GlobalTable").find(isNamed(id));
  if (table === undefined) throw new UnsupportedTemplate(`The stacks have no table ${id}`);
  return table.name;
}

/** Writes what an operator would write into Secrets Manager. */
function writeSecrets(file: string, graph: StackGraph, values: Readonly<Record<string, object>>): void {
  const named = graph.list("AWS::SecretsManager::Secret").map(({ name, logicalId }) => {
    const value = Object.entries(values).find(([id]) => isNamed(id)({ logicalId }))?.[1];
    if (value === undefined) throw new UnsupportedTemplate(`The local stack has no value for the secret ${logicalId}`);
    return [name, value] as const;
  });
  writeFileSync(file, JSON.stringify(Object.fromEntries(named), null, 2), { mode: 0o600 });
}
