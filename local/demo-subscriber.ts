import * as z from "zod/mini";
import { type ApiClient, apiClient } from "../web/api-client/client.ts";
import type { AdjustedBill, Bill, OpenRecharge, RequestedRecharge, RuleStatus } from "../web/api-client/schema.ts";
import { demoRule } from "./demo-data.ts";

/** The demo subscriber's app, which calls the API by its generated client, and the hand that plays the world; both over HTTP. */

/** An answer that a step did not expect. */
export class Unexpected extends Error {
  override name = "Unexpected";
}

export const money = z.object({ amount: z.number(), currency: z.string() });
const entry = z.object({
  sequence: z.number(),
  what: z.string(),
  iccid: z.optional(z.string()),
  rechargeId: z.optional(z.string()),
  note: z.optional(z.string()),
});
const charge = z.object({ paid: z.boolean(), amount: z.number() });

/** The body of a good answer. Throws Unexpected on any other. */
export function good<Body>({ data, error, response }: { readonly data?: Body; readonly error?: unknown; readonly response: Response }): NonNullable<Body> {
  if (data !== undefined && data !== null) return data;
  throw new Unexpected(`${response.url} answered ${response.status}: ${JSON.stringify(error)}`);
}

export class DemoSubscriber {
  readonly #url: string;
  readonly #token: string;
  readonly api: ApiClient;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
    this.api = apiClient(url, () => token);
  }

  /** A control of the local stack. */
  async #control(method: string, path: string, body?: object): Promise<unknown> {
    const reply = await fetch(`${this.#url}/local${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { "content-type": "application/json" }) },
      body: body && JSON.stringify(body),
    });
    const text = await reply.text();
    if (reply.status !== 200) throw new Unexpected(`${method} /local${path} answered ${reply.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Below CNY 10, recharge CNY 50. A line that has a rule already keeps it. */
  async saveRule(iccid: string, methodId: string): Promise<void> {
    const consent = await this.#agreeTo(iccid, methodId);
    const answer = await this.api.POST("/v1/rules", { body: { ...demoRule(iccid, methodId), consent } });
    if (answer.response.status !== 409) good(answer);
  }

  async changeCard(iccid: string, methodId: string): Promise<void> {
    const { iccid: _line, ...settings } = demoRule(iccid, methodId);
    const consent = await this.#agreeTo(iccid, methodId);
    const params = { path: { iccid }, header: await this.#versionOf(iccid) };
    good(await this.api.PUT("/v1/rules/{iccid}", { params, body: { ...settings, consent } }));
  }

  /** She reads what the rule means, and agrees. */
  async #agreeTo(iccid: string, methodId: string): Promise<{ readonly termsHash: string }> {
    return { termsHash: good(await this.api.POST("/v1/rules/preview", { body: demoRule(iccid, methodId) })).terms.hash };
  }

  async #versionOf(iccid: string): Promise<{ readonly "If-Match": string }> {
    const answer = await this.api.GET("/v1/rules/{iccid}", { params: { path: { iccid } } });
    good(answer);
    return { "If-Match": answer.response.headers.get("etag") ?? "" };
  }

  async bills(): Promise<readonly Bill[]> {
    return good(await this.api.GET("/v1/recharges")).data;
  }

  async recharge(rechargeId: string): Promise<AdjustedBill | OpenRecharge | RequestedRecharge> {
    return good(await this.api.GET("/v1/recharges/{rechargeId}", { params: { path: { rechargeId } } }));
  }

  /** The recharge that asked for the customer after this moment of the timeline, as their browser reads it. */
  async rechargeWaiting(after: number): Promise<{ readonly status: string; readonly clientSecret: string }> {
    const asked = (await this.timeline(after)).find((each) => each.what === "RechargeActionRequired");
    const recharge = await this.recharge(asked?.rechargeId ?? "");
    const clientSecret = "action" in recharge ? recharge.action?.clientSecret : undefined;
    if (clientSecret === undefined) throw new Unexpected(`Recharge ${recharge.rechargeId} does not wait for its payer`);
    return { status: recharge.status, clientSecret };
  }

  /** What the payment page does for a customer who passes their bank's check. */
  async payAs(clientSecret: string, methodId: string): Promise<void> {
    await this.#control("POST", "/stripe/customer", { clientSecret, pays: methodId });
  }

  async dispute(rechargeId: string): Promise<void> {
    await this.#control("POST", "/stripe/disputes", { rechargeId });
  }

  async adjustments(rechargeId: string): Promise<string[]> {
    const recharge = await this.recharge(rechargeId);
    return "adjustments" in recharge ? recharge.adjustments.map(({ kind }) => kind) : [];
  }

  async refuseNextTopUp(): Promise<void> {
    await this.#control("POST", "/carrier/next", { outcome: "refuse" });
  }

  async loseNextTopUpsAnswer(): Promise<void> {
    await this.#control("POST", "/carrier/next", { outcome: "credit-but-lose-reply" });
  }

  async resume(iccid: string): Promise<void> {
    good(await this.api.PATCH("/v1/rules/{iccid}", { params: { path: { iccid }, header: await this.#versionOf(iccid) }, body: { status: "active" } }));
  }

  async ruleStatus(iccid: string): Promise<RuleStatus> {
    return good(await this.api.GET("/v1/rules/{iccid}", { params: { path: { iccid } } })).status;
  }

  /** A card that is there already, however its bank would have taken it: gives its id. */
  async putTestCard(testCard: string): Promise<string> {
    return z.parse(z.object({ id: z.string() }), await this.#control("POST", `/cards/${testCard}`)).id;
  }

  /** A card entered in Stripe's own fields, as the web app does it. */
  async saveTestCard(testCard: string): Promise<string> {
    const { setupIntentId, clientSecret } = good(await this.api.POST("/v1/payment-methods/setup-intents"));
    await this.payAs(clientSecret, testCard);
    return good(await this.api.POST("/v1/payment-methods", { body: { type: "card", setupIntentId } })).paymentMethodId;
  }

  /** An Alipay that she lets be charged with her away, as she tells Alipay on the page to which the web app leads her. */
  async saveAlipay(): Promise<string> {
    const { setupIntentId, clientSecret } = good(await this.api.POST("/v1/payment-methods/setup-intents/alipay"));
    await this.payAs(clientSecret, "alipay");
    return good(await this.api.POST("/v1/payment-methods", { body: { type: "alipay", setupIntentId } })).paymentMethodId;
  }

  /** She takes that back, at Alipay. */
  async revokeAtAlipay(methodId: string): Promise<void> {
    await this.#control("POST", `/stripe/methods/${methodId}/revoke`);
  }

  async setLine(iccid: string, change: { available?: number; drainPerMinute?: number }): Promise<void> {
    await this.#control("POST", `/lines/${iccid}`, change);
  }

  async advance(minutes: number): Promise<void> {
    await this.#control("POST", "/clock", { advanceMinutes: minutes });
  }

  async timeline(after = 0): Promise<z.infer<typeof entry>[]> {
    return z.parse(z.array(entry), await this.#control("GET", `/timeline?after=${after}`));
  }

  /** Amounts that were really taken at Stripe, in minor units. */
  async taken(): Promise<number[]> {
    const charges = z.parse(z.array(charge), await this.#control("GET", "/stripe/charges"));
    return charges.filter(({ paid }) => paid).map(({ amount }) => amount);
  }

  /** Amounts that were really credited at the carrier, in minor units. */
  async credited(): Promise<number[]> {
    const topUps = z.parse(z.array(z.object({ amount: money, refusal: z.optional(z.string()) })), await this.#control("GET", "/carrier/top-ups"));
    return topUps.filter(({ refusal }) => refusal === undefined).map(({ amount }) => amount.amount);
  }
}
