import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { environments, type FunctionName } from "../../functions/contracts/environment.ts";
import { envelopeOf, NOTICED_EVENTS, noticedEvent } from "../../functions/contracts/events.ts";
import {
  checkRequest,
  eraseMessage,
  rechargeMessage,
  reconcileMessage,
  reconcileRequest,
  reconcileTick,
  remindRequest,
  tick,
} from "../../functions/contracts/messages.ts";
import { PATH_PARAMETERS } from "../../functions/contracts/parameters.ts";
import { RESOURCE_SERVER, type Route } from "../../functions/contracts/route.ts";
import { type Operation, PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "../../functions/contracts/routes.ts";
import { stripeEvent } from "../../functions/contracts/stripe-events.ts";
import { listEventFiles } from "../../local/event-files.ts";
import type { SceneValues } from "../../local/event-scene.ts";
import { QUEUE_CONTRACTS } from "../../ops/queue-contracts.ts";

/** What a running stack puts in, in its form. */
const VALUES: SceneValues & { readonly token: string; readonly stripeSignature: string } = {
  method: "pm_1PqrSt",
  spareMethod: "pm_2PqrSt",
  setupIntent: "seti_1PqrSt",
  agreedTerms: "A".repeat(43),
  newTerms: "B".repeat(43),
  endedRecharge: "0123456789abcdef0123456789abcdef",
  endedPayment: "pi_1PqrSt",
  openRecharge: "fedcba9876543210fedcba9876543210",
  openPayment: "pi_2PqrSt",
  payLink: `MTc5NTg5MjcxMCByZV8x.${"C".repeat(43)}`,
  familyCode: "123456",
  closedSince: "2026-11-28T08:00:00.000Z",
  token: "a.b.c",
  stripeSignature: "t=1795892710,v1=00",
};

const known: Readonly<Record<string, string>> = VALUES;
const FILES = listEventFiles().map(({ file, service }) => {
  const filled = readFileSync(file, "utf8").replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => known[name] ?? placeholder);
  return { file, service, event: JSON.parse(filled) as unknown };
});
const filesOf = (name: FunctionName) => FILES.filter(({ service }) => service === name);

/** Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html, format 2.0 */
const gatewayEvent = z.strictObject({
  version: z.literal("2.0"),
  routeKey: z.string(),
  rawPath: z.string(),
  rawQueryString: z.string(),
  headers: z.record(z.string().check(z.regex(/^[a-z-]+$/)), z.string()),
  queryStringParameters: z.optional(z.record(z.string(), z.string())),
  requestContext: z.strictObject({
    accountId: z.string(),
    apiId: z.string(),
    authorizer: z.optional(z.strictObject({ jwt: z.strictObject({ claims: z.record(z.string(), z.string()), scopes: z.array(z.string()) }) })),
    domainName: z.string(),
    domainPrefix: z.string(),
    http: z.strictObject({ method: z.string(), path: z.string(), protocol: z.string(), sourceIp: z.string(), userAgent: z.string() }),
    requestId: z.string(),
    routeKey: z.string(),
    stage: z.literal("$default"),
    time: z.string(),
    timeEpoch: z.int(),
  }),
  pathParameters: z.optional(z.record(z.string(), z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.literal(false),
});

/** Source: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html */
const sqsEvent = z.strictObject({
  Records: z
    .array(
      z.strictObject({
        messageId: z.uuid(),
        receiptHandle: z.string(),
        body: z.string(),
        attributes: z.strictObject({
          ApproximateReceiveCount: z.string(),
          SentTimestamp: z.string(),
          SenderId: z.string(),
          ApproximateFirstReceiveTimestamp: z.string(),
        }),
        messageAttributes: z.record(z.string(), z.never()),
        md5OfBody: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
        eventSource: z.literal("aws:sqs"),
        eventSourceARN: z.string(),
        awsRegion: z.string(),
      }),
    )
    .check(z.minLength(1), z.maxLength(10)),
});

/** Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html */
const eventBridgeEvent = z.strictObject({
  version: z.literal("0"),
  id: z.uuid(),
  "detail-type": z.string(),
  source: z.string(),
  account: z.string(),
  time: z.iso.datetime(),
  region: z.string(),
  resources: z.array(z.string()),
  detail: z.record(z.string(), z.unknown()),
});

type Kind = readonly [says: string, schema: z.ZodMiniType];
const each = (schemas: readonly z.ZodMiniType[]): Kind[] => schemas.map((schema, index) => [`form ${index + 1} of its messages`, schema]);
const shaped = (schema: z.ZodMiniType, more: z.ZodMiniType): z.ZodMiniType => z.intersection(schema, more);

const API_ROUTES: readonly Operation[] = [...ROUTES, ...PUBLIC_ROUTES];
type WorkerName = "plan-checks" | "check-balances" | "recharge" | "sweep" | "reconcile" | "erase" | "remind" | "notify";

/**
 * Every kind of message that a function's queue brings. A new one needs a file.
 *
 * But for the rest of a list: the mark of a page is made by whoever holds the list, and goes on there only.
 */
const MESSAGES: { readonly [Name in WorkerName]: { readonly queue: string; readonly schema: z.ZodMiniType; readonly kinds: readonly Kind[] } } = {
  "plan-checks": { queue: "PlanChecksQueue", schema: tick, kinds: [["a tick", tick]] },
  "check-balances": { queue: "CheckBalancesQueue", schema: checkRequest, kinds: [["a slot", checkRequest]] },
  recharge: { queue: "RechargeQueue", schema: rechargeMessage, kinds: each(rechargeMessage.def.options) },
  sweep: { queue: "SweepQueue", schema: tick, kinds: [["a tick", tick]] },
  reconcile: {
    queue: "ReconcileQueue",
    schema: reconcileMessage,
    kinds: [
      ...reconcileTick.def.shape.every.options.map((every): Kind => [`the tick of each ${every}`, z.looseObject({ every: z.literal(every) })]),
      ...reconcileRequest.def.shape.list.options.map((list): Kind => [`the list of ${list}`, z.looseObject({ list: z.literal(list) })]),
    ],
  },
  erase: {
    queue: "EraseQueue",
    schema: eraseMessage,
    kinds: [...each(eraseMessage.def.options), ["a subscriber of whom much is erased", z.looseObject({ stage: z.string() })]],
  },
  remind: {
    queue: "RemindQueue",
    schema: remindRequest,
    kinds: [
      ["a tick", z.strictObject({ scheduledTime: z.string() })],
      ["one subscriber", z.looseObject({ subscriberId: z.string() })],
    ],
  },
  notify: {
    queue: "NotifyQueue",
    schema: envelopeOf(noticedEvent),
    kinds: NOTICED_EVENTS.map(
      (name): Kind => [name, shaped(eventBridgeEvent, z.looseObject({ "detail-type": z.literal(name), detail: z.looseObject({ name: z.literal(name) }) }))],
    ),
  },
};

const withoutFiles = (kinds: readonly Kind[], messages: readonly unknown[]) =>
  kinds.filter(([, schema]) => !messages.some((message) => z.safeParse(schema, message).success)).map(([says]) => says);

describe("the event files", () => {
  it("are there for every function, and for nothing else", () => {
    expect(new Set(FILES.map(({ service }) => service))).toEqual(new Set(Object.keys(environments)));
  });

  it("name only values that a running stack has", () => {
    expect(FILES.flatMap(({ file, event }) => (JSON.stringify(event).includes("{{") ? [file] : []))).toEqual([]);
  });
});

describe("the requests", () => {
  const requests = FILES.filter(({ service }) => !Object.hasOwn(MESSAGES, service)).map((each) => ({ ...each, event: z.parse(gatewayEvent, each.event) }));
  const routeOf = (routeKey: string): Route | undefined => [...API_ROUTES, ...WEBHOOK_ROUTES].find(({ method, path }) => `${method} ${path}` === routeKey);

  it.each(API_ROUTES)("have one for $method $path, in a file of the operation's name", ({ method, path, operation, function: name }) => {
    const found = requests.filter(({ event }) => event.routeKey === `${method} ${path}`);
    const kebab = operation.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(found.map(({ service, file }) => [service, basename(file).split(".")[0]])).toEqual([[name, kebab]]);
  });

  it.each(requests)("are such as the gateway hands over and the function reads: $file", ({ service, event }) => {
    const { routeKey, rawPath, requestContext, pathParameters = {}, body } = event;
    const { authorizer, http } = requestContext;
    const route = routeOf(routeKey);
    expect(route?.function).toBe(service);
    expect([requestContext.routeKey, http.path, `${http.method} ${route?.path}`]).toEqual([routeKey, rawPath, routeKey]);
    expect(route?.path.replace(/\{(\w+)\}/g, (_, name: string) => pathParameters[name] ?? "")).toBe(rawPath);
    z.parse(z.partial(z.strictObject(PATH_PARAMETERS)), pathParameters);
    if (route?.scope === undefined) expect(authorizer).toBeUndefined();
    else {
      expect(authorizer?.jwt.scopes).toContain(`${RESOURCE_SERVER}/${route.scope}`);
      expect(authorizer?.jwt.claims).toMatchObject({ sub: expect.stringMatching(/./), scope: authorizer?.jwt.scopes.join(" ") });
      expect(event.headers.authorization).toBe(`Bearer ${VALUES.token}`);
    }
    expect(Object.keys(event.headers)).toEqual(expect.arrayContaining([...(route?.headers ?? [])]));
    if (route?.body === undefined) expect(body).toBeUndefined();
    else z.parse(route.body, JSON.parse(body ?? ""));
  });

  it("bring every form of Stripe's events, each as its function reads it", () => {
    const told = filesOf("stripe-webhook").map(({ event }) => JSON.parse(z.parse(gatewayEvent, event).body ?? "") as unknown);
    for (const event of told) z.parse(stripeEvent, event);
    expect(withoutFiles(each(stripeEvent.def.options), told)).toEqual([]);
  });
});

describe.each(Object.entries(MESSAGES))("the messages to %s", (name, { queue, schema, kinds }) => {
  const records = FILES.filter(({ service }) => service === name).flatMap(({ event }) => z.parse(sqsEvent, event).Records);
  const messages = records.map(({ body }) => JSON.parse(body) as unknown);

  it("come from its queue, and are such as it reads", () => {
    for (const { eventSourceARN, body } of records) {
      expect(eventSourceARN).toMatch(new RegExp(`^arn:aws:sqs:us-east-1:\\d{12}:AutoRecharge-dev-Service-${queue}$`));
      QUEUE_CONTRACTS.get(queue)?.(body);
    }
    for (const message of messages) z.parse(schema, message);
  });

  it("have every kind", () => expect(withoutFiles(kinds, messages)).toEqual([]));

  it("have EventBridge's envelope around our own events", () => {
    for (const message of messages)
      if (z.safeParse(z.looseObject({ detail: z.unknown() }), message).data?.detail !== undefined) z.parse(eventBridgeEvent, message);
  });
});
