import type { Route } from "../../functions/contracts/route.ts";
import type { PUBLIC_OPERATIONS, SUBSCRIBER_OPERATIONS, WEBHOOK_OPERATIONS } from "../../functions/contracts/routes.ts";
import { type Bill, billOf } from "../../functions/domain/bill.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import { applyMove } from "../../functions/domain/recharge.ts";
import { termsOf } from "../../functions/domain/terms.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, rechargeStart, ruleSettings, SUBSCRIBER } from "../builders.ts";
import {
  type ApiCall,
  type ApiPorts,
  type ApiWorld,
  apiWorld,
  CODE,
  newRule,
  previewSettings,
  ruleSettingsBody,
  STAGE,
  STRANGERS_ICCID,
  stripeSignature,
  withOpenRecharge,
} from "./api-world.ts";

type NameOf<Each extends Route> = Each extends Route ? `${Each["method"]} ${Each["path"]}` : never;
type RouteName = NameOf<(typeof SUBSCRIBER_OPERATIONS)[keyof typeof SUBSCRIBER_OPERATIONS]>;
type PublicName = NameOf<(typeof PUBLIC_OPERATIONS)[keyof typeof PUBLIC_OPERATIONS]>;
type WebhookName = NameOf<(typeof WEBHOOK_OPERATIONS)[keyof typeof WEBHOOK_OPERATIONS]>;

export interface GoodCall extends ApiCall {
  readonly body?: object;
  readonly pages?: boolean;
  /** Pointers of what may be missing, and of what may be null. */
  readonly optional?: readonly string[];
  readonly nullable?: readonly string[];
}

const limits = { perMonth: cny(20_000), timesPerDay: 3, cooldownMinutes: 60 };
const key = { headers: { "idempotency-key": "wish-0001" } };
const ifMatch = { headers: { "if-match": '"1"' } };

const optional = ["/limits/timesPerDay", "/limits/cooldownMinutes", "/paymentMethodId", "/noticeMinutes"];
const rules = "/v1/rules";
/** A way to pay that nothing uses. */
export const SPARE = "pm_spare";
const paymentMethods = "/v1/payment-methods";
const familyLines = "/v1/family-lines";
const rule = `/v1/rules/${ICCID}`;

/** What the known caller agreed to. */
export const TERMS = { ...termsOf(ICCID, ruleSettings(), METHOD, "Asia/Shanghai"), termsHash: "A".repeat(43) };

/** A good call of each route, of which all the bad ones, the strangers' and the OpenAPI document's examples are made: a new route needs one here, and gets every kind. */
export const GOOD: { readonly [Name in RouteName]: GoodCall } = {
  "POST /v1/rules": { method: "POST", path: rules, body: newRule({ limits }), optional },
  "POST /v1/rules/preview": { method: "POST", path: `${rules}/preview`, body: previewSettings({ limits, noticeMinutes: 60 }), optional },
  "GET /v1/rules": { method: "GET", path: rules, pages: true },
  "GET /v1/rules/{iccid}": { method: "GET", path: rule },
  "PUT /v1/rules/{iccid}": { method: "PUT", path: rule, body: ruleSettingsBody({ limits }), optional: [...optional, "/consent"], ...ifMatch },
  "PATCH /v1/rules/{iccid}": { method: "PATCH", path: rule, body: { status: "paused" }, ...ifMatch },
  "DELETE /v1/rules/{iccid}": { method: "DELETE", path: rule, ...ifMatch },
  "GET /v1/terms/{termsHash}": { method: "GET", path: `/v1/terms/${TERMS.termsHash}` },
  "POST /v1/family-lines": { method: "POST", path: familyLines, body: { iccid: STRANGERS_ICCID, language: "en" }, optional: ["/language"] },
  "GET /v1/family-lines": { method: "GET", path: familyLines, pages: true },
  "PUT /v1/family-lines/{iccid}": {
    method: "PUT",
    path: `${familyLines}/${STRANGERS_ICCID}`,
    body: { code: CODE, until: "2027-06-30T16:00:00Z", lifetimeCap: cny(50_000), consent: { termsVersion: "2026-11-28" } },
  },
  "DELETE /v1/family-lines/{iccid}": { method: "DELETE", path: `${familyLines}/${STRANGERS_ICCID}` },
  "GET /v1/esims": { method: "GET", path: "/v1/esims" },
  "GET /v1/recharges": { method: "GET", path: "/v1/recharges", pages: true },
  "POST /v1/recharges": {
    method: "POST",
    path: "/v1/recharges",
    body: { iccid: ICCID, amount: cny(5000), paymentMethodId: METHOD.id },
    optional: ["/paymentMethodId"],
    ...key,
  },
  "POST /v1/recharges/{rechargeId}/cancel": { method: "POST", path: "/v1/recharges/re_1/cancel" },
  "POST /v1/payment-methods/setup-intents": { method: "POST", path: `${paymentMethods}/setup-intents` },
  "POST /v1/payment-methods/setup-intents/alipay": { method: "POST", path: `${paymentMethods}/setup-intents/alipay` },
  "POST /v1/payment-methods": { method: "POST", path: paymentMethods, body: { type: "alipay" } },
  "GET /v1/payment-methods": { method: "GET", path: paymentMethods },
  "PATCH /v1/payment-methods/{paymentMethodId}": { method: "PATCH", path: `${paymentMethods}/${SPARE}`, body: { use: "backup" } },
  "DELETE /v1/payment-methods/{paymentMethodId}": { method: "DELETE", path: `${paymentMethods}/${SPARE}` },
  "GET /v1/me": { method: "GET", path: "/v1/me" },
  "PATCH /v1/me": {
    method: "PATCH",
    path: "/v1/me",
    body: { language: "zh-CN", timeZone: "Asia/Shanghai", notices: { channels: ["email"], succeeded: true, monthlySummary: false } },
    optional: ["/language", "/timeZone", "/notices", "/notices/channels", "/notices/succeeded", "/notices/monthlySummary"],
    nullable: ["/language", "/timeZone", "/notices"],
  },
  "GET /v1/me/export": { method: "GET", path: "/v1/me/export", pages: true },
  "DELETE /v1/me": { method: "DELETE", path: "/v1/me" },
  "GET /v1/recharges/{rechargeId}": { method: "GET", path: "/v1/recharges/re_1" },
};

/** The token of a link to the open recharge of the known caller. */
export async function linkToken(rechargeId = "re_1", expiresAt = plusMinutes(NOW, 60)): Promise<string> {
  const { ports } = await apiWorld();
  return (await ports.payLinks.urlFor({ rechargeId, expiresAt })).split("/").at(-1) ?? "";
}

const TOKEN = await linkToken();
/** The same for what everybody may call. */
export const GOOD_PUBLIC: { readonly [Name in PublicName]: GoodCall } = {
  "GET /v1/pay-links/{token}": { method: "GET", path: `/v1/pay-links/${TOKEN}` },
  "POST /v1/pay-links/{token}/decline": { method: "POST", path: `/v1/pay-links/${TOKEN}/decline` },
  "GET /pay/{token}": { method: "GET", path: `/pay/${TOKEN}` },
  "POST /pay/{token}/decline": { method: "POST", path: `/pay/${TOKEN}/decline` },
  "GET /openapi.json": { method: "GET", path: "/openapi.json" },
  "GET /docs": { method: "GET", path: "/docs" },
};

/** Throws for a route that has none. */
export function goodCallOf({ method, path }: Route): GoodCall {
  const call = Object.entries({ ...GOOD, ...GOOD_PUBLIC }).find(([name]) => name === `${method} ${path}`)?.[1];
  if (call === undefined) throw new Error(`${method} ${path} has no good call`);
  return call;
}

export interface GoodWebhook {
  readonly path: string;
  readonly body: object;
  /** Says for a text that it comes from who may send it. */
  readonly sign: (text: string) => { readonly [header: string]: string };
}

const metadata = { rechargeId: "re_1", stage: STAGE };
/** The same for what other systems send to us. */
export const GOOD_WEBHOOKS: { readonly [Name in WebhookName]: GoodWebhook } = {
  "POST /webhooks/stripe": {
    path: "/webhooks/stripe",
    body: { object: "event", type: "payment_intent.succeeded", data: { object: { id: "pi_1", object: "payment_intent", metadata } } },
    sign: (text) => ({ "stripe-signature": stripeSignature(text) }),
  },
};

/** A line whose payer was told of a recharge, and may skip it. */
function withAnnouncedRecharge(rechargeId: string): Esim {
  const line = withOpenRecharge(esimWithRule(), rechargeId);
  if (line.open === undefined) throw new Error("The line is free");
  return { ...line, open: { ...line.open, state: { name: "announced", chargeAt: plusMinutes(NOW, 60) } } };
}

/** The bill of a recharge of CNY 50 that succeeded. */
function endedBill(rechargeId: string): Bill {
  const reserved = withOpenRecharge(esimWithRule(), rechargeId);
  const paid = applyMove(applyMove(reserved, rechargeId, { type: "created", paymentIntentId: "pi_1" }, NOW), rechargeId, { type: "paid", at: NOW }, NOW);
  const { open } = applyMove(paid, rechargeId, { type: "credited", at: NOW }, NOW);
  if (open === undefined) throw new Error("The line is free");
  return billOf(ICCID, "line-hash", open);
}

/** Ports in which every call is noted that does more than read, by its name. */
export function watched(ports: ApiPorts): { readonly ports: ApiPorts; readonly acts: readonly string[] } {
  const acts: string[] = [];
  const watch = <Port extends object>(port: Port): Port =>
    new Proxy(port, {
      get(target, name) {
        if (typeof name === "string" && !/^(load|list|get|find|was|answersAreFinal)/.test(name)) acts.push(name);
        return Reflect.get(target, name);
      },
    });
  const { esims, subscribers, cards, recharges, pokes, carrier, wallet, eraseRequests } = ports;
  return {
    acts,
    ports: {
      ...ports,
      esims: watch(esims),
      subscribers: watch(subscribers),
      cards: watch(cards),
      recharges: watch(recharges),
      pokes: watch(pokes),
      carrier: watch(carrier),
      wallet: watch(wallet),
      eraseRequests: watch(eraseRequests),
    },
  };
}

/** A caller who is known, with a bill, and with a rule and an open recharge where the route wants one. */
export async function knownCaller({ method, path }: Pick<ApiCall, "method" | "path">): Promise<ApiWorld> {
  const world = await apiWorld();
  await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: SPARE });
  await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, email: `${SUBSCRIBER}@example.com`, verifiedAt: NOW });
  await world.ports.recharges.putBill(endedBill("re_0"));
  await world.familyLine();
  if (method !== "POST" || /\/(cancel|decline)$/.test(path)) {
    await world.ports.recharges.putStart(rechargeStart());
    await world.ports.subscribers.putTerms(SUBSCRIBER, TERMS);
    await world.store(path.includes("pay/") || path.includes("pay-links") ? withAnnouncedRecharge("re_1") : withOpenRecharge(esimWithRule(), "re_1"));
  }
  return world;
}

/** The same, with all that is done noted. */
export async function worldFor(call: Pick<ApiCall, "method" | "path">) {
  const world = await knownCaller(call);
  const { ports, acts } = watched(world.ports);
  return { acts, logged: world.logged, send: (call: ApiCall) => world.send(call, ports) };
}
