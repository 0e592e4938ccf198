import { createLineRule } from "../../functions/api/rules/save-rule.ts";
import { receiveEvent } from "../../functions/api/stripe-webhook/receive-event.ts";
import { noticedEvent } from "../../functions/contracts/events.ts";
import { type RechargeMessage, rechargeMessage } from "../../functions/contracts/messages.ts";
import { previewBody } from "../../functions/contracts/rules.ts";
import { STRIPE_EVENT_TYPES } from "../../functions/contracts/stripe-events.ts";
import type { DomainEvent } from "../../functions/domain/events.ts";
import { type CheckRequests, type Log, OutcomeUnknown, type Pokes } from "../../functions/domain/ports.ts";
import { instant } from "../../functions/domain/time.ts";
import { checkBalances } from "../../functions/workers/check-balances/check-balances.ts";
import { notify } from "../../functions/workers/notify/notify.ts";
import { planChecks } from "../../functions/workers/plan-checks/plan-checks.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import type { RechargePorts } from "../../functions/workers/recharge/ports.ts";
import { sweep } from "../../functions/workers/sweep/sweep.ts";
import { carrierModel } from "../../local/carrier/carrier-model.ts";
import { DEMO_USER, demoRule, QUIET_LINE, saveTestCard } from "../../local/demo-data.ts";
import { memoryRecords } from "../../local/records.ts";
import { stripeModel } from "../../local/stripe/stripe-model.ts";
import { NOW } from "../builders.ts";
import { consentTo } from "../consent.ts";
import { inProcessCarrier } from "../fakes/in-process-carrier.ts";
import { inProcessPayments, inProcessStripe } from "../fakes/in-process-stripe.ts";
import { memoryCards, memoryControls, memoryEsims, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import { noMetrics } from "../fakes/metrics.ts";
import { type EndState, endState, type Seen, type Stage, type Story } from "./ten-stories.ts";

const { iccid } = QUIET_LINE;
const subscriberId = DEMO_USER.sub;
const MINUTE = 60_000;

/** Of the adapter that stands between us and Stripe in process. */
const STAGE = "test";

/** Longer than any step takes by itself; in local time. */
const PATIENCE_MINUTES = 120;
/** More than are ever on their way at one moment: beyond it they feed each other. */
const MOST_ARRIVALS = 100;

/** Plays a story undisturbed. `happened`: what there was to see on the way, each thing once, in the words of the local stack's timeline. */
export async function playInProcess({ name, steps }: Story): Promise<{ readonly end: EndState; readonly happened: readonly string[] }> {
  const stage = await inProcessStage();
  for (const step of steps) {
    for (let minutes = 0; !(await step.take(stage)); minutes++) {
      if (minutes === PATIENCE_MINUTES) throw new Error(`In process, "${step.name}" does not come true within ${minutes} minutes of the story "${name}"`);
      await stage.passMinutes(1);
    }
  }
  return { end: endState(await stage.look()), happened: [...new Set(stage.happened())] };
}

/** The stage without a cloud: our steps on stores in memory, one after the other, and nothing dies. */
async function inProcessStage(): Promise<Stage & { readonly happened: () => readonly string[] }> {
  let time = Date.parse(NOW);
  let ids = 0;
  const happened: string[] = [];
  const note = ({ type }: { readonly type: string }) => void happened.push(type);
  const stripe = stripeModel({ records: memoryRecords(), now: () => time, observe: note });
  const carrier = carrierModel({ records: memoryRecords(), now: () => time, observe: note });
  const client = inProcessStripe(stripe);
  const customer = await client.customers.create({});
  await client.webhookEndpoints.create({ url: "https://in-process.test", enabled_events: STRIPE_EVENT_TYPES });
  carrier.addLine(QUIET_LINE);

  const queue: { readonly due: number; readonly message: RechargeMessage }[] = [];
  const enqueue = (message: RechargeMessage, delaySeconds = 0) => void queue.push({ due: time + delaySeconds * 1000, message });
  const events: string[] = [];
  const mails: string[] = [];
  const log: Log = { info: () => {}, warn: () => {}, error: () => {} };
  const pokes: Pokes = {
    send: async (sent, delaySeconds) => {
      for (const poke of sent) enqueue(poke, delaySeconds);
    },
  };
  const ports: RechargePorts = {
    esims: memoryEsims(),
    subscribers: memorySubscribers(),
    recharges: memoryRecharges(),
    cards: memoryCards(),
    controls: memoryControls(),
    payments: inProcessPayments(stripe),
    carrier: inProcessCarrier(carrier),
    events: {
      publish: async (told) => {
        for (const event of told) await deliver(event);
      },
    },
    pokes,
    clock: { now: () => instant(time) },
    ids: {
      next: () => {
        ids += 1;
        return `id-${ids}`;
      },
    },
    log,
    metrics: noMetrics,
    hashLine: () => "hash",
    readIntervalSeconds: 300,
  };
  const mail = {
    send: async ({ subject }: { readonly subject: string }) => {
      happened.push("mail");
      mails.push(subject);
    },
  };
  const textMessages = {
    send: () => Promise.reject(new Error("Nobody here chose text messages")),
  };
  const checkRequests: CheckRequests = {
    send: async (requests) => {
      for (const request of requests) await checkBalances({ ...ports, checkRequests, timeLeft: () => MINUTE }, request);
    },
  };

  async function deliver(event: DomainEvent): Promise<void> {
    happened.push(event.name);
    events.push(event.name);
    if (event.name === "LowBalanceDetected") enqueue(rechargeMessage.parse({ source: "auto-recharge", "detail-type": event.name, detail: event }));
    const noticed = noticedEvent.safeParse(event);
    if (noticed.success) await notify({ ...ports, mail, textMessages }, noticed.data);
  }

  /** What is due arrives: Stripe's webhooks, and messages. */
  async function settle(): Promise<void> {
    const webhookPorts = { ...ports, findVerifier: async () => () => true, stage: STAGE };
    for (let arrivals = 0; arrivals < MOST_ARRIVALS; arrivals++) {
      for (const { id, body } of stripe.dueDeliveries()) {
        const { statusCode } = { statusCode: undefined, ...(await receiveEvent(webhookPorts, { body, headers: {}, isBase64Encoded: false })) };
        stripe.delivered(id, statusCode);
      }
      const next = queue.findIndex(({ due }) => due <= time);
      const [found] = next < 0 ? [] : queue.splice(next, 1);
      if (found === undefined) return;
      await look(ports, found.message).catch((error: unknown) => {
        if (!(error instanceof OutcomeUnknown)) throw error; // the sweeper asks again
      });
    }
    throw new Error(`Messages do not come to an end within ${MOST_ARRIVALS}; still waiting: ${JSON.stringify(queue)}`);
  }

  async function passMinutes(minutes: number): Promise<void> {
    time += Math.max(minutes, 0) * MINUTE;
    await planChecks({ ...ports, checkRequests, hashRanges: 1 }, instant(time));
    await sweep(ports);
    await settle();
  }

  const bills = async () => (await ports.recharges.listBills(subscriberId)).items.map((bill) => ({ ...bill, status: String(bill.end) }));
  const openState = async () => (await ports.esims.load(iccid))?.open?.state;
  const waiting = async () => {
    const state = await openState();
    if (state?.name !== "awaiting-customer") throw new Error("Nobody waits for the customer");
    return state;
  };

  return {
    happened: () => happened,
    async saveRule(testCard) {
      await ports.subscribers.putProfile({ subscriberId, email: DEMO_USER.email });
      const method = await saveTestCard(client, customer.id, testCard);
      await ports.subscribers.putMethod(subscriberId, method);
      const identity = { whoIs: async () => ({ subscriberId, email: DEMO_USER.email }) };
      const request = { subscriberId, accessToken: "token", params: {}, page: undefined, expectedVersion: () => 0, idempotencyKey: () => "" };
      const body = previewBody.parse(demoRule(iccid, method.id));
      await createLineRule({ ...ports, identity, largestRecharges: {} }, { ...request, body: { ...body, consent: consentTo(body, method) } });
      await settle();
      return events.includes("RuleSaved");
    },
    async choose(next) {
      if ("stripe" in next) stripe.chooseNext(next.stripe);
      else carrier.chooseNext(next.carrier);
    },
    setBalance: async (available) => carrier.setBalance(iccid, available),
    passMinutes,
    async passExpiry(minutes) {
      const { expiresAt } = await waiting();
      await passMinutes((Date.parse(expiresAt) - time) / MINUTE + minutes);
    },
    status: async () => (await openState())?.name ?? (await bills())[0]?.status,
    async payAsCustomer(testCard) {
      const { paymentIntentId } = await waiting();
      const confirmed = stripe.confirmAsCustomer((await ports.payments.clientSecret(paymentIntentId)) ?? "", testCard);
      if (confirmed.status === "requires_action") stripe.authenticate(confirmed.id, "succeed");
      await settle();
    },
    async dispute() {
      const [bill] = await bills();
      stripe.dispute(bill?.paymentIntentId ?? "", { reason: "fraudulent" });
      await settle();
    },
    isQuiet: async () => queue.length === 0,
    async look(): Promise<Seen> {
      const ended = await bills();
      const histories = await Promise.all(ended.map(({ rechargeId }) => ports.recharges.getHistory(rechargeId)));
      return {
        bills: ended,
        adjustments: histories.flatMap(({ adjustments }) => adjustments),
        openState: (await openState())?.name,
        rule: (await ports.esims.load(iccid))?.rule?.status,
        charges: stripe.listCharges(),
        topUps: carrier.listTopUps(),
        events,
        mails,
      };
    },
  };
}
