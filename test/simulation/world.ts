import * as z from "zod/mini";
import { receiveEvent } from "../../functions/api/stripe-webhook/receive-event.ts";
import { noticedEvent } from "../../functions/contracts/events.ts";
import { checkRequest, rechargeMessage, reconcileMessage } from "../../functions/contracts/messages.ts";
import type { PaymentMethod } from "../../functions/domain/esim.ts";
import type { DomainEvent } from "../../functions/domain/events.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import type { Esims, Events, Log, ReconcileRequests } from "../../functions/domain/ports.ts";
import { lookShard, SHORTEST_TIER, slotKey } from "../../functions/domain/slots.ts";
import { instant } from "../../functions/domain/time.ts";
import { checkBalances } from "../../functions/workers/check-balances/check-balances.ts";
import { notify } from "../../functions/workers/notify/notify.ts";
import { planChecks } from "../../functions/workers/plan-checks/plan-checks.ts";
import { look } from "../../functions/workers/recharge/look.ts";
import type { RechargePorts } from "../../functions/workers/recharge/ports.ts";
import { planReconcile, type ReconcileEvery } from "../../functions/workers/reconcile/plan-reconcile.ts";
import { reconcile } from "../../functions/workers/reconcile/reconcile.ts";
import { sweep } from "../../functions/workers/sweep/sweep.ts";
import { luhnCheckDigit } from "../builders.ts";
import { noMetrics } from "../fakes/metrics.ts";
import { callsOver } from "./calls.ts";
import type { At, Evidence } from "./evidence.ts";
import { drawFaults, type Faults, type System } from "./faults.ts";
import { queueOver } from "./queue.ts";
import { randomFrom } from "./random.ts";
import { schedulerFrom } from "./scheduler.ts";
import { simulatedCarrier } from "./simulated-carrier.ts";
import { SIMULATED_STAGE, simulatedStripe } from "./simulated-stripe.ts";
import { simulatedTables } from "./simulated-tables.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Of the functions, as infra/service-stack.ts gives them. */
const SECONDS = { api: 29, recharge: 60, check: 60, plan: 60, sweep: 60, notify: 30, reconcile: 60 };

/** Just before months, years and clocks change. */
const STARTS: readonly [string, ...string[]] = [
  "2026-11-29T20:00:00Z",
  "2026-12-30T12:00:00Z",
  "2026-02-27T01:00:00Z",
  "2026-03-28T09:00:00Z",
  "2026-10-31T05:00:00Z",
  "2026-06-10T00:00:00Z",
];
export const TIME_ZONES: readonly [string, ...string[]] = ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "Europe/Berlin", "UTC"];
const CARDS: readonly [string, ...string[]] = ["pm_card_visa", "pm_card_mastercard", "pm_card_unionpay", "pm_card_authenticationRequired"];
const made = z.object({ id: z.string(), card: z.optional(z.object({ fingerprint: z.string() })) });

export interface SimulatedSubscriber {
  readonly subscriberId: string;
  readonly methods: readonly [PaymentMethod, ...PaymentMethod[]];
}

/** What a run may be given instead of the real thing: planted faults, and faults of ours. */
export interface Overrides {
  readonly faults?: (drawn: Faults) => Faults;
  /** Gets the ports of the recharge function, and gives those that it will have. */
  readonly ports?: (ports: RechargePorts) => RechargePorts;
  readonly look?: typeof look;
}

export type World = Awaited<ReturnType<typeof buildWorld>>;

/** Everything of one seed: two models, the stores, the queues and our functions, moved by one scheduler. */
export async function buildWorld(seed: number, overrides: Overrides = {}, tell: (at: number, text: () => string) => void = () => {}) {
  const random = randomFrom(seed);
  const startsAt = Date.parse(random.pick(STARTS)) + random.int(0, 6 * 60) * MINUTE;
  const scheduler = schedulerFrom(startsAt);
  const { now } = scheduler;
  const convergesAt = startsAt + random.int(6, 30) * HOUR;
  /** The planner makes up for the minutes in between. */
  const tickMinutes = random.pick([15, 30, 60, 60]);
  const drawn = drawFaults(random, now, { from: startsAt, to: convergesAt });
  const faults = overrides.faults?.(drawn) ?? drawn;
  const skewMilliseconds = random.pick([0, 0, 2000, 30_000]);
  const say = (text: () => string) => tell(now(), text);
  const calls = callsOver(scheduler, random, faults, skewMilliseconds, say);
  const clock = { now: () => instant(calls.clockOf()) };
  const ids = { next: () => random.id() };
  const log: Log = { info: () => {}, warn: () => {}, error: (code) => say(() => `log: ${code}`) };

  // What is seen.
  const published: At<{ event: DomainEvent }>[] = [];
  /** PaymentIntents whose link a customer was given once. */
  const links = new Set<string>();
  /** What somebody does as soon as the next line is found low, or has something open written. */
  const ambushes: ((iccid: Iccid) => void)[] = [];

  function call<T>(system: System, what: string, isChange: boolean, act: () => T | Promise<T>): Promise<T> {
    return calls.make({
      system,
      what,
      changes: isChange,
      mayRepeat: true,
      act,
      patienceMilliseconds: 3000,
      lost: () => new Error(`${what}: no answer`),
      refuse: () => {
        throw new Error(`${what}: throttled`);
      },
      garble: () => {
        throw new Error(`${what}: an answer that cannot be read`);
      },
    });
  }

  const tables = simulatedTables({
    faults,
    now,
    say,
    call: (what, isChange, act) => call("database", what, isChange, act),
    written: (esim) => {
      if (esim.open?.state.name === "awaiting-customer") links.add(esim.open.state.paymentIntentId);
      scheduleSweep(esim.lookAt);
      if (esim.open !== undefined) springAmbush(esim.iccid);
    },
  });
  const { esims, recharges, subscribers, cards, controls } = tables;

  const shared = { scheduler, random, faults, calls, say };
  const stripe = simulatedStripe({ ...shared, deliver: deliverWebhook, beforeCancel: payAtLastMoment });
  const carrierAtWork = simulatedCarrier(shared);
  const { payments } = stripe;
  const { carrier } = carrierAtWork;

  // The queues, the bus and our functions.
  const pokes: RechargePorts["pokes"] = {
    send: (sent, delaySeconds) =>
      call("queues", "pokes.send", true, () => {
        for (const poke of sent) rechargeQueue.send(poke, delaySeconds);
      }),
  };
  const events: Events = {
    publish: (told) =>
      call("bus", "events.publish", true, () => {
        for (const event of told) publish(event);
      }),
  };
  const rechargePorts: RechargePorts = {
    esims,
    recharges,
    subscribers,
    cards,
    controls,
    payments,
    carrier,
    events,
    pokes,
    clock,
    ids,
    log,
    metrics: noMetrics,
    hashLine: (iccid) => `hash of ${iccid}`,
    readIntervalSeconds: 300,
  };
  const portsInUse = overrides.ports?.(rechargePorts) ?? rechargePorts;
  const lookInUse = overrides.look ?? look;
  const mail = { send: () => call("mail", "mail.send", true, () => {}) };
  const textMessages = { send: () => call("mail", "textMessages.send", true, () => {}) };

  const rechargeQueue = queueOver({
    ...shared,
    name: "recharge",
    timeoutSeconds: SECONDS.recharge,
    work: async (body) => lookInUse(portsInUse, rechargeMessage.parse(body)),
  });
  const checkQueue = queueOver({
    ...shared,
    name: "check-balances",
    timeoutSeconds: SECONDS.check,
    work: async (body) =>
      checkBalances({ esims, carrier, events, checkRequests, pokes, clock, ids, log, metrics: noMetrics, timeLeft: () => 60_000 }, checkRequest.parse(body)),
  });
  const notifyQueue = queueOver({
    ...shared,
    name: "notify",
    timeoutSeconds: SECONDS.notify,
    work: async (body) => notify({ subscribers, mail, textMessages, clock, log }, noticedEvent.parse(body)),
  });
  const reconcileRequests: ReconcileRequests = {
    send: (requests, delaySeconds) =>
      call("queues", "reconcileRequests.send", true, () => {
        for (const request of requests) reconcileQueue.send(request, delaySeconds);
      }),
  };
  const reconcilePorts = { esims, recharges, controls, payments, ledger: stripe.ledger, carrier, events, pokes, reconcileRequests, clock, log };
  const reconcileQueue = queueOver({
    ...shared,
    name: "reconcile",
    timeoutSeconds: SECONDS.reconcile,
    work: async (body) => {
      const message = reconcileMessage.parse(body);
      await ("every" in message ? planReconcile(reconcilePorts, message) : reconcile({ ...reconcilePorts, timeLeft: () => 60_000 }, message));
    },
  });
  const checkRequests = {
    // Slots in which no line can stand are left out: checking them does nothing.
    send: (requests: readonly { readonly slot: string }[]) =>
      call("queues", "checkRequests.send", true, () => {
        for (const request of requests) if (slots.has(request.slot)) checkQueue.send(request);
      }),
  };

  /** While our own calls are on their way: they take up to some hundred milliseconds. */
  function springAmbush(iccid: Iccid): void {
    const act = ambushes.shift();
    if (act !== undefined) scheduler.at(now() + random.int(1, random.pick([50, 500, 5000])), () => act(iccid));
  }

  function publish(event: DomainEvent): void {
    if (event.name === "LowBalanceDetected") springAmbush(event.iccid);
    published.push({ at: now(), event });
    say(() => `TOLD: ${event.name} ${event.id}`);
    if (event.name === "LowBalanceDetected") rechargeQueue.send({ source: "auto-recharge", "detail-type": event.name, detail: event });
    else if (noticedEvent.safeParse(event).success) notifyQueue.send(event);
  }

  const webhookPorts = { findVerifier: async () => () => true, pokes, clock, log, stage: SIMULATED_STAGE };

  function deliverWebhook(body: string, delay: number, attempt = 1): void {
    const late = faults.happens("late-delivery") ? random.int(1, 3 * DAY) : 0;
    scheduler.at(now() + delay + late + random.int(1, 3000), () =>
      calls.run(
        "stripe-webhook",
        SECONDS.api * 1000,
        async () => void (await receiveEvent(webhookPorts, { body, headers: {}, isBase64Encoded: false })),
        (fault) => {
          if (fault !== undefined && attempt < 5) deliverWebhook(body, 5 * MINUTE * 2 ** attempt, attempt + 1);
        },
      ),
    );
  }

  function payAtLastMoment(paymentIntentId: string): void {
    if (!links.has(paymentIntentId) || !faults.happens("last-moment-payment")) return;
    say(() => `AT STRIPE: the customer pays ${paymentIntentId} at the last moment`);
    const methods = people.flatMap((person) => person.methods);
    try {
      stripe.payAsCustomer(paymentIntentId, methods, true);
    } catch (error) {
      say(() => `STRIPE refuses: ${String(error)}`);
    }
  }

  // People and their lines.
  const subscriberCount = random.int(1, 3);
  const people: SimulatedSubscriber[] = [];
  for (let index = 0; index < subscriberCount; index++) people.push(await newSubscriber(index));
  const [firstPerson] = people;
  if (firstPerson === undefined) throw new Error("Nobody is there");
  const iccids: Iccid[] = Array.from({ length: random.int(1, 4) }, (_, index) => {
    const payload = `8986012345${String(10_000_000 + index)}`;
    return `${payload}${luhnCheckDigit(payload)}`;
  });
  const slots = new Set(iccids.map((iccid) => slotKey(iccid, SHORTEST_TIER))); // in no other does any line stand yet
  const shards = new Set(iccids.map(lookShard));
  for (const iccid of iccids) {
    const owner = people[random.int(0, people.length - 1)] ?? firstPerson;
    const topUpAmounts = random.chance(0.2) ? [3000, 5000, 10_000] : undefined;
    const line = { iccid, owner: { subscriberId: owner.subscriberId }, currency: "CNY", topUpAmounts };
    carrierAtWork.addLine({ ...line, available: random.int(0, 6000), drainPerMinute: random.pick([0, 2, 10, 40]) });
  }

  async function newSubscriber(index: number): Promise<SimulatedSubscriber> {
    const subscriberId = `sub-${index + 1}`;
    const customer = stripe.ask("POST", "/v1/customers", {}, made);
    const method = async (card: string): Promise<PaymentMethod> => {
      const { id, card: details } = stripe.ask("POST", `/v1/payment_methods/${card}/attach`, { customer: customer.id }, made);
      const saved = { id, customerId: customer.id, cardKey: details?.fingerprint ?? id, brand: "visa", lastFour: "4242" };
      await tables.put("subscribers", "putMethod", [subscriberId, saved]);
      return saved;
    };
    const payRequest = async (): Promise<PaymentMethod> => {
      const id = `pm_request_${index}`;
      const saved = { id, customerId: customer.id, cardKey: id, brand: "wechat_pay", lastFour: "", payRequest: "wechat_pay" } as const;
      await tables.put("subscribers", "putMethod", [subscriberId, saved]);
      return saved;
    };
    const profile = { subscriberId, email: `${subscriberId}@example.com` };
    await tables.put("subscribers", "putProfile", [profile]);
    const methods = [await method(random.pick(CARDS)), random.chance(0.2) ? await payRequest() : await method(random.pick(CARDS))] as const;
    if (random.chance(0.5)) await tables.put("subscribers", "putWallet", [subscriberId, {}, { default: methods[0].id, backup: methods[1].id }]);
    return { subscriberId, methods };
  }

  say(
    () =>
      `${people.length} subscriber(s), ${iccids.length} line(s), a carrier whose answers are ${carrier.answersAreFinal ? "" : "not "}final, clocks up to ${skewMilliseconds} ms wrong, checks every ${tickMinutes} minutes.`,
  );

  // Time goes on.
  let checkedUntil = Number.POSITIVE_INFINITY;
  const planned = new Set<number>();
  const sweepEsims: Esims = { ...esims, listDue: (shard, ...rest) => (shards.has(shard) ? esims.listDue(shard, ...rest) : Promise.resolve({ items: [] })) };

  /** The sweeper runs every minute; only the minutes in which it finds something are acted out. */
  function scheduleSweep(lookAt: string | undefined): void {
    if (lookAt === undefined) return;
    const minute = Math.ceil(Math.max(Date.parse(lookAt), now()) / MINUTE) * MINUTE;
    if (planned.has(minute)) return;
    planned.add(minute);
    scheduler.at(minute + random.int(0, 2000), () => {
      planned.delete(minute);
      if (!faults.happens("skipped-tick"))
        calls.run(
          "sweep",
          SECONDS.sweep * 1000,
          () => sweep({ esims: sweepEsims, pokes, clock, metrics: noMetrics }),
          () => {},
        );
      // What is still due then is found a few minutes later: each look moves the next one, unless it was lost.
      scheduler.at(minute + 4 * MINUTE, lookAgain);
    });
  }

  function lookAgain(): void {
    const due = tables.writtenLast().filter(({ lookAt }) => lookAt !== undefined && Date.parse(lookAt) <= now());
    if (due.length > 0) scheduleSweep(instant(now()));
  }

  function tick(): void {
    if (now() >= checkedUntil) return;
    scheduler.at(now() + tickMinutes * MINUTE, tick);
    stripe.lookAround();
    if (faults.happens("skipped-tick")) return;
    calls.run(
      "plan-checks",
      SECONDS.plan * 1000,
      () => planChecks({ controls, checkRequests, clock, metrics: noMetrics, hashRanges: 1 }, instant(now())),
      () => {},
    );
  }

  /** Until all refunds have come to their end. */
  function compareBooks(every: ReconcileEvery): void {
    if (now() >= checkedUntil + (every === "day" ? 2 * DAY : 0)) return;
    scheduler.at(now() + (every === "hour" ? HOUR : DAY), () => compareBooks(every));
    if (!faults.happens("skipped-tick")) reconcileQueue.send({ every, scheduledTime: instant(now()) });
  }

  async function evidence(): Promise<Evidence> {
    return {
      convergesAt,
      checkedUntil: Math.min(checkedUntil, now()),
      skewMilliseconds,
      ...stripe.seen(),
      ...carrierAtWork.seen(),
      published,
      ...tables.seen,
      ...(await tables.read(
        iccids,
        people.map(({ subscriberId }) => subscriberId),
      )),
    };
  }

  return {
    random,
    scheduler,
    faults,
    calls,
    clock,
    say,
    convergesAt,
    startsAt,
    stripe,
    carrier: carrierAtWork.model,
    giveLineTo: carrierAtWork.setOwner,
    iccids,
    people,
    ports: {
      ...rechargePorts,
      largestRecharges: {},
      identity: { whoIs: () => call("issuer", "identity.whoIs", false, () => ({})) },
    },
    queues: [rechargeQueue, checkQueue, notifyQueue, reconcileQueue],
    links,
    ambushes,
    tables,
    start: () => {
      tick();
      compareBooks("day");
      if (random.chance(0.1)) compareBooks("hour"); // it costs as much as all the rest
    },
    /** No line is checked any more: only what was sent before still arrives. */
    stopChecking: () => {
      checkedUntil = now();
    },
    evidence,
  };
}
