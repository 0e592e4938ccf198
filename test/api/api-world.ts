import type { Context, APIGatewayProxyEventV2WithJWTAuthorizer as Event } from "aws-lambda";
import { Stripe } from "stripe";
import * as z from "zod/mini";
import { hmacPayLinks } from "../../functions/adapters/hmac-pay-links.ts";
import { stripeWallet } from "../../functions/adapters/stripe-wallet.ts";
import { stripeSignatures } from "../../functions/adapters/stripe-webhooks.ts";
import { answerDocument, answerPage } from "../../functions/api/api-docs/answer-docs.ts";
import { listEsims } from "../../functions/api/esims/list-esims.ts";
import { codeHash } from "../../functions/api/family/code-hash.ts";
import { endFamilyGrant } from "../../functions/api/family/end-family-grant.ts";
import { giveFamilyGrant } from "../../functions/api/family/give-family-grant.ts";
import { listFamilyLines } from "../../functions/api/family/list-family-lines.ts";
import { requestCode } from "../../functions/api/family/request-code.ts";
import { changeMe, readMe } from "../../functions/api/me/change-me.ts";
import { type CloseAccountPorts, closeAccount } from "../../functions/api/me/close-account.ts";
import { exportMe } from "../../functions/api/me/export-me.ts";
import { callOffPayLink, readPayLink } from "../../functions/api/pay/answer-link.ts";
import { callOffOnPage, type ShowPagePorts, showPayPage } from "../../functions/api/pay/show-page.ts";
import { addMethod, beginAlipaySetup, beginSetup } from "../../functions/api/payment-methods/add-method.ts";
import { listMethods } from "../../functions/api/payment-methods/list-methods.ts";
import { removeMethod } from "../../functions/api/payment-methods/remove-method.ts";
import { setMethodUse } from "../../functions/api/payment-methods/use-method.ts";
import { type ApiRoute, apiHandler, route } from "../../functions/api/pipeline.ts";
import { cancelRecharge } from "../../functions/api/recharges/cancel-recharge.ts";
import { listRecharges, type ReadRechargesPorts, readRecharge } from "../../functions/api/recharges/read-recharges.ts";
import { type RechargeNowPorts, rechargeNow } from "../../functions/api/recharges/recharge-now.ts";
import { previewRule } from "../../functions/api/rules/preview-rule.ts";
import { listRules, readRule } from "../../functions/api/rules/read-rules.ts";
import { readTerms } from "../../functions/api/rules/read-terms.ts";
import { createLineRule, replaceLineRule, type SaveRulePorts } from "../../functions/api/rules/save-rule.ts";
import { deleteLineRule, setLineRuleState } from "../../functions/api/rules/set-rule-state.ts";
import { receiveEvent, type StripeWebhookPorts } from "../../functions/api/stripe-webhook/receive-event.ts";
import { apiDocsRoutes } from "../../functions/contracts/api-docs.ts";
import { esimRoutes } from "../../functions/contracts/esims.ts";
import { familyRoutes } from "../../functions/contracts/family.ts";
import { meRoutes } from "../../functions/contracts/me.ts";
import { payLinkRoutes } from "../../functions/contracts/pay-links.ts";
import { paymentMethodRoutes } from "../../functions/contracts/payment-methods.ts";
import { rechargeRoutes } from "../../functions/contracts/recharges.ts";
import { previewBody, ruleRoutes } from "../../functions/contracts/rules.ts";
import { stripeWebhookRoutes } from "../../functions/contracts/stripe-events.ts";
import { type Esim, newEsim } from "../../functions/domain/esim.ts";
import type { FamilyGrant } from "../../functions/domain/family.ts";
import {
  type Cards,
  type Codes,
  type EraseRequest,
  OutcomeUnknown,
  type Poke,
  type Quotas,
  type Recharges,
  type Subscribers,
  type Wallet,
} from "../../functions/domain/ports.ts";
import { applyReserved } from "../../functions/domain/recharge.ts";
import { instant } from "../../functions/domain/time.ts";
import { carrierModel } from "../../local/carrier/carrier-model.ts";
import { memoryRecords } from "../../local/records.ts";
import { stripeModel } from "../../local/stripe/stripe-model.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, OTHER_ICCID, reading, SUBSCRIBER } from "../builders.ts";
import { consentTo } from "../consent.ts";
import { inProcessCarrier } from "../fakes/in-process-carrier.ts";
import { inProcessStripe } from "../fakes/in-process-stripe.ts";
import { memoryCards, memoryEsims, memoryQuotas, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import { checkDocumented, document } from "./documented.ts";

export const STRANGER = "sub-eve";
export const STRANGERS_ICCID = "8986012345678900033";

export interface ApiPorts extends SaveRulePorts, RechargeNowPorts, CloseAccountPorts, ShowPagePorts {
  readonly cards: Cards;
  readonly recharges: Recharges;
  readonly payments: ReadRechargesPorts["payments"];
  readonly wallet: Wallet;
  readonly subscribers: Subscribers;
  readonly quotas: Quotas;
  readonly requestsPerHour: number;
  readonly codes: Codes;
  readonly hash: (text: string) => string;
  readonly reusableAlipay: boolean;
}

/** What is sent to every line. */
export const CODE = "048215";

export const ISSUER_URL = "https://issuer.example.com/";
export const STAGE = "dev";
export const WEBHOOK_SECRET = "whsec_now";

/** Of a stage whose operator has written these secrets of webhooks, if any. */
export function stripeWebhookRoute(ports: Omit<StripeWebhookPorts, "findVerifier" | "stage">, secrets: readonly string[] | undefined): ApiRoute {
  const findVerifier = async () => secrets && stripeSignatures(secrets);
  return { ...stripeWebhookRoutes.receiveStripeEvent, respond: (event) => receiveEvent({ ...ports, findVerifier, stage: STAGE }, event) };
}

/** The header with which Stripe signs a text. */
export function stripeSignature(
  text: string,
  { secret = WEBHOOK_SECRET, at = Date.parse(NOW) / 1000 }: { readonly secret?: string; readonly at?: number } = {},
): string {
  return Stripe.webhooks.generateTestHeaderString({ payload: text, secret, timestamp: at });
}

export type ApiFunction = "rules" | "esims" | "family" | "recharges" | "payment-methods" | "me" | "pay" | "api-docs" | "stripe-webhook";

/** The routes of each function as its handler.ts lists them; routes.test.ts holds both to the contract. */
export function apiRoutes(ports: ApiPorts): Readonly<Record<ApiFunction, readonly ApiRoute[]>> {
  return {
    rules: [
      route(ruleRoutes.createRule, (request) => createLineRule(ports, request)),
      route(ruleRoutes.previewRule, (request) => previewRule(ports, request)),
      route(ruleRoutes.listRules, (request) => listRules(ports, request)),
      route(ruleRoutes.readRule, (request) => readRule(ports, request)),
      route(ruleRoutes.replaceRule, (request) => replaceLineRule(ports, request)),
      route(ruleRoutes.setRuleState, (request) => setLineRuleState(ports, request)),
      route(ruleRoutes.deleteRule, (request) => deleteLineRule(ports, request)),
      route(ruleRoutes.readTerms, (request) => readTerms(ports, request)),
    ],
    esims: [route(esimRoutes.listEsims, (request) => listEsims(ports, request))],
    family: [
      route(familyRoutes.requestFamilyCode, (request) => requestCode(ports, request)),
      route(familyRoutes.listFamilyLines, (request) => listFamilyLines(ports, request)),
      route(familyRoutes.putFamilyLine, (request) => giveFamilyGrant(ports, request)),
      route(familyRoutes.deleteFamilyLine, (request) => endFamilyGrant(ports, request)),
    ],
    recharges: [
      route(rechargeRoutes.rechargeNow, (request) => rechargeNow(ports, request)),
      route(rechargeRoutes.cancelRecharge, (request) => cancelRecharge(ports, request)),
      route(rechargeRoutes.listRecharges, (request) => listRecharges(ports, request)),
      route(rechargeRoutes.readRecharge, (request, admit) => readRecharge(ports, request, admit)),
    ],
    "payment-methods": [
      route(paymentMethodRoutes.beginSetup, (request) => beginSetup(ports, request)),
      route(paymentMethodRoutes.beginAlipaySetup, (request) => beginAlipaySetup(ports, request)),
      route(paymentMethodRoutes.addPaymentMethod, (request) => addMethod(ports, request)),
      route(paymentMethodRoutes.listPaymentMethods, (request) => listMethods(ports, request)),
      route(paymentMethodRoutes.setPaymentMethodUse, (request) => setMethodUse(ports, request)),
      route(paymentMethodRoutes.removePaymentMethod, (request) => removeMethod(ports, request)),
    ],
    me: [
      route(meRoutes.readMe, (request) => readMe(ports, request)),
      route(meRoutes.changeMe, (request) => changeMe(ports, request)),
      route(meRoutes.exportMe, (request) => exportMe(ports, request)),
      route(meRoutes.closeAccount, (request) => closeAccount(ports, request)),
    ],
    pay: [
      { ...payLinkRoutes.readPayLink, respond: (event) => readPayLink(ports, event) },
      { ...payLinkRoutes.callOffPayLink, respond: (event) => callOffPayLink(ports, event) },
      { ...payLinkRoutes.showPayPage, respond: (event) => showPayPage(ports, event) },
      { ...payLinkRoutes.callOffOnPage, respond: (event) => callOffOnPage(ports, event) },
    ],
    "api-docs": [
      { ...apiDocsRoutes.readOpenApi, respond: async () => answerDocument(document, ISSUER_URL) },
      { ...apiDocsRoutes.readApiPage, respond: async () => answerPage(document, ISSUER_URL) },
    ],
    "stripe-webhook": [stripeWebhookRoute(ports, [WEBHOOK_SECRET])],
  };
}

export interface ApiCall {
  readonly method: string;
  readonly path: string;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** The token's subject; empty: the token names nobody. */
  readonly sub?: string;
  readonly isBase64Encoded?: boolean;
}

/** What an HTTP API hands to a function after its authorizer has verified the token. */
export function apiEvent({ method, path, body, headers = {}, query, sub = SUBSCRIBER, isBase64Encoded = false }: ApiCall): Event {
  return {
    version: "2.0",
    routeKey: `${method} ${path}`,
    rawPath: path,
    rawQueryString: new URLSearchParams(query).toString(),
    headers: { authorization: `Bearer token-of-${sub}`, ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    queryStringParameters: query && { ...query },
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    isBase64Encoded,
    requestContext: {
      accountId: "000000000000",
      apiId: "api",
      authorizer: { principalId: "", integrationLatency: 0, jwt: { claims: sub === "" ? {} : { sub }, scopes: [] } },
      domainName: "api.test",
      domainPrefix: "api",
      http: { method, path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "jest" },
      requestId: "request-1",
      routeKey: `${method} ${path}`,
      stage: "$default",
      time: "23/Nov/2026:08:00:00 +0000",
      timeEpoch: Date.parse(NOW),
    },
  };
}

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: "api",
  functionVersion: "1",
  invokedFunctionArn: "arn",
  memoryLimitInMB: "256",
  awsRequestId: "request-1",
  logGroupName: "group",
  logStreamName: "stream",
  getRemainingTimeInMillis: () => 30_000,
  done: () => {},
  fail: () => {},
  succeed: () => {},
};

/** An answer as a client sees it. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed where it is JSON; undefined when there is none. */
  readonly body: unknown;
}

/** Hands a function what a gateway has made of a request, and gives its result. */
export function callGateway(handler: ReturnType<typeof apiHandler>, event: unknown) {
  return handler(event as Event, context); // made by the local gateway in API Gateway's format
}

/** Calls a function as the HTTP API does. */
export async function callApi(handler: ReturnType<typeof apiHandler>, call: ApiCall): Promise<ApiAnswer> {
  const { statusCode = 0, headers = {}, body } = await handler(apiEvent(call), context);
  const isJson = String(headers["content-type"]).includes("json");
  return { status: statusCode, headers, body: body !== undefined && isJson ? JSON.parse(body) : body };
}

const problem = z.object({
  type: z.string().check(z.regex(/^urn:auto-recharge:problem:[a-z-]+$/)),
  title: z.string().check(z.minLength(1)),
  status: z.int(),
  detail: z.string().check(z.minLength(1)),
  errors: z.optional(z.array(z.strictObject({ pointer: z.string().check(z.regex(/^(\/[^/]*)*$/)), detail: z.string().check(z.minLength(1)) }))),
});

/** The problem that an answer tells of; throws when the answer is not one of RFC 9457. `code` is the last part of its type. */
export function problemIn({ status, headers, body }: ApiAnswer) {
  if (headers["content-type"] !== "application/problem+json") throw new Error(`${status} is not a problem: ${JSON.stringify(body)}`);
  const told = z.parse(problem, body);
  if (told.status !== status) throw new Error(`The problem says ${told.status}, the answer ${status}`);
  return { status, code: told.type.slice("urn:auto-recharge:problem:".length), detail: told.detail, errors: told.errors ?? [] };
}

const list = z.object({ data: z.array(z.record(z.string(), z.unknown())), next: z.optional(z.string()) });

/** What an answer lists, and the mark of the next page. */
export function listIn(answer: ApiAnswer) {
  return z.parse(list, answer.body);
}

/** A body that POST /v1/rules takes: below CNY 10, recharge CNY 50, agreed to. */
export function newRule(changes: object = {}) {
  return agreed({ iccid: ICCID, ...SETTINGS, ...changes });
}

/** A body that PUT /v1/rules/{iccid} takes, agreed to. */
export function ruleSettingsBody(changes: object = {}, iccid = ICCID) {
  const { iccid: _line, ...body } = agreed({ iccid, ...SETTINGS, ...changes });
  return body;
}

const SETTINGS = {
  threshold: cny(1000),
  topUp: { type: "fixed", amount: cny(5000) },
  limits: { perMonth: cny(20_000) },
  paymentMethodId: METHOD.id,
  timeZone: "Asia/Shanghai",
};

/** What POST /v1/rules/preview takes. */
export function previewSettings(changes: object = {}) {
  return { iccid: ICCID, ...SETTINGS, ...changes };
}

/** Settings with the consent to just them, unless they have another; a card of theirs looks like METHOD. What is no rule is not agreed to either. */
function agreed<Body extends object>(body: Body): Body & { readonly consent: { readonly termsHash: string } } {
  const { data } = z.safeParse(previewBody, body);
  const consent = data === undefined ? { termsHash: "A".repeat(43) } : consentTo(data, { ...METHOD, id: data.paymentMethodId ?? METHOD.id });
  return { consent, ...body };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A body in which the field at the path has another value; undefined leaves it out. */
export function withField(body: object, [name = "", ...rest]: readonly string[], value?: unknown): object {
  const inner: unknown = Object.entries(body).find(([each]) => each === name)?.[1];
  return { ...body, [name]: rest.length > 0 && isObject(inner) ? withField(inner, rest, value) : value };
}

/** A line with a recharge reserved for its payer. */
export function withOpenRecharge(esim: Esim, rechargeId: string): Esim {
  const period = { month: "2026-11", day: "2026-11-23" };
  return applyReserved(esim, { rechargeId, amount: cny(5000), period, method: METHOD, reading: reading(999) }, NOW);
}

/** Two lines of the caller and one of a stranger at the local carrier, a card each, and the whole API on stores in memory. */
export async function apiWorld() {
  const carrier = carrierModel({ records: memoryRecords(), now: () => Date.parse(NOW) });
  const line = { currency: "CNY", available: 999, drainPerMinute: 0 };
  carrier.addLine({ ...line, iccid: ICCID, owner: { subscriberId: SUBSCRIBER } });
  carrier.addLine({ ...line, iccid: OTHER_ICCID, owner: { subscriberId: SUBSCRIBER } });
  carrier.addLine({ ...line, iccid: STRANGERS_ICCID, owner: { subscriberId: STRANGER } });

  const pokes: Poke[] = [];
  const eraseRequests: (EraseRequest & { readonly delaySeconds: number })[] = [];
  const logged: string[] = [];
  const askedIssuer: string[] = [];
  const log = (code: string) => void logged.push(code);
  let ids = 0;
  const esims = memoryEsims();
  const subscribers = memorySubscribers();
  await subscribers.putMethod(SUBSCRIBER, METHOD);
  await subscribers.putMethod(STRANGER, { ...METHOD, id: "pm_eve" });

  let stripeIds = 0;
  const stripe = stripeModel({
    records: memoryRecords(),
    now: () => Date.parse(NOW),
    ids: () => {
      stripeIds += 1;
      return String(stripeIds);
    },
  });
  const ports: ApiPorts = {
    wallet: stripeWallet({ stripe: inProcessStripe(stripe), stage: STAGE }),
    esims,
    subscribers,
    quotas: memoryQuotas(),
    requestsPerHour: 1200,
    carrier: inProcessCarrier(carrier),
    codes: { next: () => CODE },
    hash: (text) => `hash of ${text}`,
    cards: memoryCards(),
    recharges: memoryRecharges(),
    payments: async () => {
      throw new Error("Only what waits for its customer is asked of Stripe");
    },
    pokes: { send: async (sent) => void pokes.push(...sent) },
    identity: {
      async whoIs(accessToken, subscriberId) {
        askedIssuer.push(accessToken);
        return { subscriberId, email: `${subscriberId}@example.com` };
      },
    },
    clock: { now: () => instant(Date.parse(NOW)) },
    ids: {
      next: () => {
        ids += 1;
        return `id-${ids}`;
      },
    },
    log: { info: log, warn: log, error: log },
    largestRecharges: { CNY: 50_000 },
    reusableAlipay: true,
    eraseRequests: { send: async (sent, delaySeconds = 0) => void eraseRequests.push(...sent.map((request) => ({ ...request, delaySeconds }))) },
    payLinks: hmacPayLinks({ keys: async () => ({ key: "key of dev" }), apiUrl: "https://api.test" }),
    stripePage: async () => ({ publishableKey: "pk_test_1", scriptUrl: "https://js.stripe.com/v3/" }),
    nonces: { next: () => "nonce" },
  };

  return {
    ports,
    carrier,
    stripe,
    pokes,
    eraseRequests,
    logged,
    askedIssuer,
    writes: esims.writes,
    spoil: esims.spoil,
    /** Calls the API, with some of its ports replaced. Throws when the answer is not as the OpenAPI document says. */
    async send(call: ApiCall, changes: Partial<ApiPorts> = {}) {
      const all = { ...ports, ...changes };
      const answer = await callApi(apiHandler(all.log, Object.values(apiRoutes(all)).flat(), all), call);
      checkDocumented(call, answer);
      return answer;
    },
    /** Puts a line into the store as a worker or an earlier call left it; gives it back as it is stored. */
    store: async (esim: Esim): Promise<Esim> => {
      const stored = await esims.save({ ...esim, version: 0 }, "seed");
      if (stored === undefined) throw new Error("There is such a line already");
      return stored;
    },
    /** The caller pays for the stranger's line, and has a code with which they may change on which terms. */
    familyLine: async (changes: Partial<FamilyGrant> = {}): Promise<Esim> => {
      const line = { hash: codeHash(ports.hash, { subscriberId: SUBSCRIBER, iccid: STRANGERS_ICCID, code: CODE }), triesLeft: 5 };
      await subscribers.putCode(SUBSCRIBER, ports.hash(STRANGERS_ICCID), { ...line, validUntil: "2026-11-23T08:10:00.000Z" });
      const holder = carrier.queryLine(STRANGERS_ICCID).line?.holder ?? "nobody";
      const consent = { termsVersion: "2026-11-28", at: NOW };
      const terms = { since: NOW, until: "2027-06-30T16:00:00.000Z", cap: cny(50_000), spent: cny(0) };
      const stored = await esims.save(
        { ...newEsim(STRANGERS_ICCID), subscriberId: SUBSCRIBER, family: { subscriberId: SUBSCRIBER, holder, consent, ...terms, ...changes } },
        "seed",
      );
      if (stored === undefined) throw new Error("There is such a line already");
      return stored;
    },
    line: async (iccid = ICCID): Promise<Esim> => {
      const stored = await esims.load(iccid);
      if (stored === undefined) throw new Error("There is no such line");
      return stored;
    },
  };
}

export type ApiWorld = Awaited<ReturnType<typeof apiWorld>>;

/** The line of `esimWithRule`, with another number and payer. */
export function strangersLine(): Esim {
  return { ...esimWithRule(), iccid: STRANGERS_ICCID, subscriberId: STRANGER };
}

/** A carrier that answers nothing. */
export const silentCarrier = {
  answersAreFinal: true,
  listEsims: noAnswer,
  findLine: noAnswer,
  sendCode: noAnswer,
  getBalances: noAnswer,
  topUp: noAnswer,
  findTopUp: noAnswer,
  listTopUps: noAnswer,
};

async function noAnswer(): Promise<never> {
  throw new OutcomeUnknown("The carrier did not answer within 8 s");
}
