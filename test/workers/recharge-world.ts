import { expect } from "@jest/globals";
import type { Stripe } from "stripe";
import { newEsim, type SavedMethod, setRuleState } from "../../functions/domain/esim.ts";
import type { DomainEvent } from "../../functions/domain/events.ts";
import type { Log, Poke } from "../../functions/domain/ports.ts";
import type { RuleSettings } from "../../functions/domain/rule.ts";
import { instant } from "../../functions/domain/time.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import type { RechargePorts } from "../../functions/workers/recharge/ports.ts";
import { rechargeLine } from "../../functions/workers/recharge/recharge-line.ts";
import { carrierModel } from "../../local/carrier/carrier-model.ts";
import { memoryRecords } from "../../local/records.ts";
import { type StripeModel, stripeModel } from "../../local/stripe/stripe-model.ts";
import { idOf } from "../../local/stripe/stripe-objects.ts";
import { esimWithRule, ICCID, METHOD, NOW, SUBSCRIBER } from "../builders.ts";
import { inProcessCarrier } from "../fakes/in-process-carrier.ts";
import { inProcessPayments, inProcessStripe } from "../fakes/in-process-stripe.ts";
import { memoryCards, memoryControls, memoryEsims, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import { keptMetrics } from "../fakes/metrics.ts";

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** One line with a rule, its payer's card at the local Stripe, its balance at the local carrier, and a clock that a test moves. */
export async function rechargeWorld({
  card = "pm_card_visa",
  balance = 999,
  settings = {},
  answersAreFinal = true,
  refuse = false,
  stores = { esims: memoryEsims(), recharges: memoryRecharges(), subscribers: memorySubscribers(), cards: memoryCards() },
}: {
  /** A test card, or an `alipay` that may be charged with its owner away. */
  readonly card?: string;
  readonly balance?: number;
  readonly settings?: Partial<RuleSettings>;
  readonly answersAreFinal?: boolean;
  /** The carrier refuses the first top-up. */
  readonly refuse?: boolean;
  readonly stores?: Pick<RechargePorts, "esims" | "recharges" | "subscribers" | "cards">;
} = {}) {
  let time = Date.parse(NOW);
  const now = () => time;
  const stripe = stripeModel({ records: memoryRecords(), now });
  const carrier = carrierModel({ records: memoryRecords(), now });
  const published: DomainEvent[] = [];
  const pokes: (Poke & { readonly delaySeconds: number })[] = [];
  let ids = 0;

  const client = inProcessStripe(stripe);
  const customer = await client.customers.create({});
  const attached = card === "alipay" ? undefined : await client.paymentMethods.attach(card, { customer: customer.id });
  const method =
    attached === undefined
      ? await savedAlipay(stripe, client, customer.id)
      : { ...METHOD, id: attached.id, customerId: customer.id, cardKey: attached.card?.fingerprint ?? attached.id };

  carrier.addLine({ iccid: ICCID, owner: { subscriberId: SUBSCRIBER }, currency: "CNY", available: balance, drainPerMinute: 0 });
  if (refuse) carrier.chooseNext("refuse");
  const { esims, subscribers } = stores;
  const { rule, ...esim } = esimWithRule({ paymentMethodId: method.id, ...settings });
  await esims.save({ ...esim, rule, version: 0 }, "seed");
  await subscribers.putProfile({ subscriberId: SUBSCRIBER, email: "ada@example.com" });
  await subscribers.putMethod(SUBSCRIBER, method);

  const metrics = keptMetrics();
  const ports: RechargePorts = {
    ...stores,
    controls: memoryControls(),
    payments: inProcessPayments(stripe),
    carrier: inProcessCarrier(carrier, answersAreFinal),
    events: { publish: async (events) => void published.push(...events) },
    pokes: { send: async (sent, delaySeconds = 0) => void pokes.push(...sent.map((poke) => ({ ...poke, delaySeconds }))) },
    clock: { now: () => instant(time) },
    ids: {
      next: () => {
        ids += 1;
        return `id-${ids}`;
      },
    },
    log: silentLog,
    metrics,
    hashLine: () => "hash",
    readIntervalSeconds: 300,
  };

  return {
    ports,
    stripe,
    client,
    carrier,
    published,
    measured: metrics.measured,
    pokes,
    method,
    look: (changes: Partial<RechargePorts> = {}, judge = true) => rechargeLine({ ...ports, ...changes }, { iccid: ICCID, judge }),
    /** A webhook said that something happened to this payment, or way to pay. */
    lookAtPayment: (paymentIntentId: string) => look(ports, { paymentIntentId }),
    lookAtMethod: (paymentMethodId: string) => look(ports, { paymentMethodId }),
    advanceMinutes: (minutes: number) => {
      time += minutes * 60_000;
    },
    line: async () => {
      const stored = await esims.load(ICCID);
      if (stored === undefined) throw new Error("The line is gone");
      return { open: undefined, lookAt: undefined, quietUntil: undefined, ...stored };
    },
    /** The subscriber pauses the rule. */
    pause: async () => {
      const stored = await esims.load(ICCID);
      const paused = setRuleState(stored ?? newEsim(ICCID), { subscriberId: SUBSCRIBER, state: "paused", writeId: "pause" }, 1, instant(time));
      if (paused.kind !== "changed") throw new Error(paused.reason);
      await esims.save(paused.esim, "pause");
    },
    /** What was really taken and credited, in minor units. */
    taken: () =>
      stripe
        .listCharges()
        .filter((charge) => charge.paid)
        .map((charge) => charge.amount),
    credited: () =>
      carrier
        .listTopUps()
        .filter((topUp) => topUp.refusal === undefined)
        .map((topUp) => topUp.amount.amount),
    eventNames: () => published.map((event) => event.name),
    bills: async () => (await ports.recharges.listBills(SUBSCRIBER)).items,
  };
}

export type RechargeWorld = Awaited<ReturnType<typeof rechargeWorld>>;

/** An Alipay whose owner has authorised charges with them away, as Stripe and we have it then. */
export async function savedAlipay(stripe: StripeModel, client: Stripe, customer: string): Promise<SavedMethod> {
  const { client_secret } = await client.setupIntents.create({ customer, allowed_payment_method_types: ["alipay"] });
  const { id } = stripe.confirmSetupAsCustomer(client_secret ?? "", "alipay");
  const method = await inProcessPayments(stripe).findMethod(idOf(stripe.authenticateSetup(id, "succeed").payment_method) ?? "");
  if (method === undefined) throw new Error("Alipay was not saved");
  return method;
}

/** Whatever happened before: looked at often enough, the line is free again, charged once, credited once, and has said so. */
export async function expectOneRecharge(world: RechargeWorld): Promise<void> {
  expect(world.taken()).toEqual([5000]);
  expect(world.credited()).toEqual([5000]);
  const line = await world.line();
  expect(line).toMatchObject({ open: undefined, cycle: 1, pendingEvents: [], lookAt: undefined });
  expect(line.spend[SUBSCRIBER]).toMatchObject({ monthAmounts: [{ amount: 5000 }], dayCount: 1 });
  expect(await world.bills()).toMatchObject([{ end: "succeeded", charged: { amount: 5000 }, credited: { amount: 5000 } }]);
  expect(new Set(world.eventNames())).toEqual(new Set(["RechargeSucceeded"]));
}
