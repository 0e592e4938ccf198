import * as z from "zod/mini";
import { demoRule } from "./demo-data.ts";

/** The demo subscriber's app, and the hand that plays the world, both over HTTP. */

/** An answer that a step did not expect. */
export class Unexpected extends Error {
  override name = "Unexpected";
}

export const money = z.object({ amount: z.number(), currency: z.string() });
/** What is read here of a bill record. */
export const bill = z.object({
  rechargeId: z.string(),
  lineLastFour: z.string(),
  status: z.string(),
  reason: z.optional(z.string()),
  amount: money,
  charged: money,
  credited: money,
  refunded: money,
});
const entry = z.object({
  sequence: z.number(),
  what: z.string(),
  iccid: z.optional(z.string()),
  rechargeId: z.optional(z.string()),
  note: z.optional(z.string()),
});
const waiting = z.object({ status: z.string(), action: z.object({ clientSecret: z.string() }) });
const ruleStatus = z.object({ status: z.object({ state: z.string(), reason: z.optional(z.string()) }) });
const adjusted = z.object({ adjustments: z.array(z.object({ kind: z.string() })) });
const preview = z.object({ terms: z.object({ hash: z.string() }) });
const setup = z.object({ setupIntentId: z.string(), clientSecret: z.string() });
const charge = z.object({ paid: z.boolean(), amount: z.number() });

export class DemoSubscriber {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async #ask(
    method: string,
    path: string,
    expected: number | readonly number[],
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<{ json: unknown; etag: string }> {
    const reply = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    const text = await reply.text();
    const statuses = [expected].flat();
    if (!statuses.includes(reply.status)) throw new Unexpected(`${method} ${path} answered ${reply.status} instead of ${statuses.join(" or ")}: ${text}`);
    return { json: text === "" ? undefined : JSON.parse(text), etag: reply.headers.get("etag") ?? "" };
  }

  /** Below CNY 10, recharge CNY 50. A line that has a rule already keeps it. */
  async saveRule(iccid: string, methodId: string): Promise<void> {
    const consent = await this.#agreeTo(iccid, methodId);
    await this.#ask("POST", "/v1/rules", [201, 409], { ...demoRule(iccid, methodId), consent });
  }

  async changeCard(iccid: string, methodId: string): Promise<void> {
    const { etag } = await this.#ask("GET", `/v1/rules/${iccid}`, 200);
    const { iccid: _line, ...settings } = demoRule(iccid, methodId);
    const consent = await this.#agreeTo(iccid, methodId);
    await this.#ask("PUT", `/v1/rules/${iccid}`, 200, { ...settings, consent }, { "if-match": etag });
  }

  /** She reads what the rule means, and agrees. */
  async #agreeTo(iccid: string, methodId: string): Promise<object> {
    const { json } = await this.#ask("POST", "/v1/rules/preview", 200, demoRule(iccid, methodId));
    return { termsHash: z.parse(preview, json).terms.hash };
  }

  async bills(): Promise<z.infer<typeof bill>[]> {
    const { json } = await this.#ask("GET", "/v1/recharges", 200);
    return z.parse(z.object({ data: z.array(bill) }), json).data;
  }

  /** The recharge that asked for the customer after this moment of the timeline, as their browser reads it. */
  async rechargeWaiting(after: number): Promise<{ readonly status: string; readonly clientSecret: string }> {
    const asked = (await this.timeline(after)).find((each) => each.what === "RechargeActionRequired");
    const { status, action } = z.parse(waiting, (await this.#ask("GET", `/v1/recharges/${asked?.rechargeId ?? ""}`, 200)).json);
    return { status, clientSecret: action.clientSecret };
  }

  /** What the payment page does for a customer who passes their bank's check. */
  async payAs(clientSecret: string, methodId: string): Promise<void> {
    await this.#ask("POST", "/local/stripe/customer", 200, { clientSecret, pays: methodId });
  }

  async dispute(rechargeId: string): Promise<void> {
    await this.#ask("POST", "/local/stripe/disputes", 200, { rechargeId });
  }

  async adjustments(rechargeId: string): Promise<string[]> {
    return z.parse(adjusted, (await this.#ask("GET", `/v1/recharges/${rechargeId}`, 200)).json).adjustments.map(({ kind }) => kind);
  }

  async refuseNextTopUp(): Promise<void> {
    await this.#ask("POST", "/local/carrier/next", 200, { outcome: "refuse" });
  }

  async resume(iccid: string): Promise<void> {
    const { etag } = await this.#ask("GET", `/v1/rules/${iccid}`, 200);
    await this.#ask("PATCH", `/v1/rules/${iccid}`, 200, { status: "active" }, { "if-match": etag });
  }

  async ruleStatus(iccid: string): Promise<unknown[]> {
    const { status } = z.parse(ruleStatus, (await this.#ask("GET", `/v1/rules/${iccid}`, 200)).json);
    return [status.state, status.reason];
  }

  /** A card that is there already, however its bank would have taken it: gives its id. */
  async putTestCard(testCard: string): Promise<string> {
    return z.parse(z.object({ id: z.string() }), (await this.#ask("POST", `/local/cards/${testCard}`, 200)).json).id;
  }

  /** A card entered in Stripe's own fields, as the web app does it. */
  async saveTestCard(testCard: string): Promise<string> {
    const { setupIntentId, clientSecret } = z.parse(setup, (await this.#ask("POST", "/v1/payment-methods/setup-intents", 201)).json);
    await this.#ask("POST", "/local/stripe/customer", 200, { clientSecret, pays: testCard });
    const saved = await this.#ask("POST", "/v1/payment-methods", [200, 201], { type: "card", setupIntentId });
    return z.parse(z.object({ paymentMethodId: z.string() }), saved.json).paymentMethodId;
  }

  async setLine(iccid: string, change: { available?: number; drainPerMinute?: number }): Promise<void> {
    await this.#ask("POST", `/local/lines/${iccid}`, 200, change);
  }

  async advance(minutes: number): Promise<void> {
    await this.#ask("POST", "/local/clock", 200, { advanceMinutes: minutes });
  }

  async timeline(after = 0): Promise<z.infer<typeof entry>[]> {
    return z.parse(z.array(entry), (await this.#ask("GET", `/local/timeline?after=${after}`, 200)).json);
  }

  /** Amounts that were really taken at Stripe, in minor units. */
  async taken(): Promise<number[]> {
    const charges = z.parse(z.array(charge), (await this.#ask("GET", "/local/stripe/charges", 200)).json);
    return charges.filter(({ paid }) => paid).map(({ amount }) => amount);
  }

  /** Amounts that were really credited at the carrier, in minor units. */
  async credited(): Promise<number[]> {
    const topUps = z.parse(z.array(z.object({ amount: money, refusal: z.optional(z.string()) })), (await this.#ask("GET", "/local/carrier/top-ups", 200)).json);
    return topUps.filter(({ refusal }) => refusal === undefined).map(({ amount }) => amount.amount);
  }
}
