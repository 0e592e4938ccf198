import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";
import { dynamoDbCards } from "../functions/adapters/dynamodb-cards.ts";
import { dynamoDb } from "../functions/adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../functions/adapters/dynamodb-controls.ts";
import { dynamoDbEsims } from "../functions/adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../functions/adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../functions/adapters/dynamodb-subscribers.ts";
import { stripePayments } from "../functions/adapters/stripe-payments.ts";
import { randomIds } from "../functions/adapters/system.ts";
import { LINES_PER_QUERY } from "../functions/contracts/carrier.ts";
import { noticedEvent } from "../functions/contracts/events.ts";
import type { DomainEvent } from "../functions/domain/events.ts";
import type { Iccid } from "../functions/domain/iccid.ts";
import { slotKey } from "../functions/domain/slots.ts";
import { instant } from "../functions/domain/time.ts";
import { checkBalances } from "../functions/workers/check-balances/check-balances.ts";
import { notify } from "../functions/workers/notify/notify.ts";
import { rechargeLine } from "../functions/workers/recharge/recharge-line.ts";
import { carrierModel } from "../local/carrier/carrier-model.ts";
import { ensureTables } from "../local/cloud/tables.ts";
import { memoryRecords } from "../local/records.ts";
import { stripeModel } from "../local/stripe/stripe-model.ts";
import { synthesize } from "../local/synthesize.ts";
import { type Cost, meterCapacity } from "../test/adapters/capacity-meter.ts";
import { ACCESS, CONNECTION, deployedTables, TABLE_NAMES } from "../test/adapters/deployed-tables.ts";
import { reasonAgainstDynamoDbLocal, startDynamoDbLocal } from "../test/adapters/dynamodb-local.ts";
import { iccidOf } from "../test/adapters/store-contract.ts";
import { typicalLine } from "../test/adapters/typical-line.ts";
import { apiWorld, newRule } from "../test/api/api-world.ts";
import { ICCID, METHOD, NOW } from "../test/builders.ts";
import { inProcessCarrier } from "../test/fakes/in-process-carrier.ts";
import { answerOf, inProcessStripe, stripeOver } from "../test/fakes/in-process-stripe.ts";
import { noMetrics } from "../test/fakes/metrics.ts";
import { CPU_MILLISECONDS, MEASURED, type Measured } from "./measured.ts";

// What the real steps write and read, counted by Amazon's DynamoDB Local on the tables as they are deployed.

/** Write units of one successful recharge, without its history: why it was made, and its steps. */
const RECHARGE_BUDGET = 16;
/** Write units of a check that finds all lines well. */
const CHECK_BUDGET = 0;
const HEALTHY_LINES = 200;
/** So many times a step is done again to see what it costs a warm process. */
const WARM_RUNS = 50;
const MONTH_MILLISECONDS = 31 * 24 * 60 * 60 * 1000;

const reason = reasonAgainstDynamoDbLocal();
if (reason !== undefined) {
  console.error(reason);
  process.exit(1);
}
Object.assign(process.env, ACCESS);
const assembly = await mkdtemp(join(tmpdir(), "auto-recharge-bench-"));
await synthesize(assembly);
const engine = await startDynamoDbLocal();
const client = dynamoDb(engine.endpoint);
try {
  const deployed = deployedTables(assembly);
  await ensureTables(
    { ...CONNECTION, endpoint: engine.endpoint },
    TABLE_NAMES.map((name) => ({ name, properties: deployed(name) })),
  );
  const isWithin = await measure(meterCapacity(client));
  process.exitCode = isWithin ? 0 : 1;
} finally {
  client.destroy();
  await engine.close();
  await rm(assembly, { recursive: true });
}

async function measure(costs: readonly Cost[]): Promise<boolean> {
  let time = Date.parse(NOW);
  const now = () => time;
  const stripe = stripeModel({ records: memoryRecords(), now, ids: () => randomUUID().replaceAll("-", "").slice(0, 24) }); // as long as Stripe's
  const carrier = carrierModel({ records: memoryRecords(), now });
  /** Of the last step. */
  const calls = { stripe: 0, carrier: 0, cpuMicroseconds: 0 };
  const carrierPort = counted(inProcessCarrier(carrier), () => {
    calls.carrier++;
  });
  const countedStripe = stripeOver(async (request) => {
    calls.stripe++;
    return answerOf(stripe.handle(request));
  });
  const asked: Iccid[] = [];
  const api = await apiWorld();
  const published: DomainEvent[] = [];
  const stores = {
    esims: dynamoDbEsims(client, "Esims"),
    recharges: dynamoDbRecharges(client, "Recharges"),
    subscribers: dynamoDbSubscribers(client, "Subscribers"),
    cards: dynamoDbCards(client, "Cards"),
    controls: dynamoDbControls(client, "Controls"),
  };
  const ports = {
    ...api.ports,
    ...stores,
    carrier: {
      ...carrierPort,
      getBalances: (iccids: readonly Iccid[]) => {
        asked.push(...iccids);
        return carrierPort.getBalances(iccids);
      },
    },
    payments: stripePayments({ stripe: countedStripe, stage: "test" }),
    events: { publish: async (events: readonly DomainEvent[]) => void published.push(...events) },
    checkRequests: { send: async () => {} },
    clock: { now: () => instant(time) },
    ids: randomIds, // as long as in production: what an item costs depends on its size
    metrics: noMetrics,
    hashLine: () => "0".repeat(64),
    readIntervalSeconds: 300,
    timeLeft: () => 60_000,
  };

  const { subscriberId = "" } = typicalLine();
  const sdk = inProcessStripe(stripe);
  const customer = await sdk.customers.create({});
  const attached = await sdk.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  const method = { ...METHOD, id: attached.id, customerId: customer.id, cardKey: attached.card?.fingerprint ?? attached.id };
  await stores.subscribers.putMethod(subscriberId, method);
  carrier.addLine({ iccid: ICCID, owner: { subscriberId }, currency: "CNY", available: 10_000, drainPerMinute: 0 });

  async function cost(step: () => Promise<unknown>): Promise<readonly Cost[]> {
    const before = costs.length;
    Object.assign(calls, { stripe: 0, carrier: 0 });
    const cpu = process.cpuUsage();
    await step();
    const { user, system } = process.cpuUsage(cpu);
    calls.cpuMicroseconds = user + system;
    return costs.slice(before);
  }

  /** One minute of the slot wheel; gives what the checker reported. */
  async function check(slot: string) {
    published.length = 0;
    await checkBalances(ports, { slot, from: "00000000", to: "ffffffff" });
    return published.flatMap((event) => (event.name === "LowBalanceDetected" ? [{ ...event, check: event.id }] : []));
  }

  async function recharge(): Promise<readonly Cost[]> {
    carrier.setBalance(ICCID, 500);
    const [report] = await check(slotKey(ICCID, "15m"));
    const costs = await cost(() => rechargeLine(ports, { iccid: ICCID, judge: true, report }));
    if (!published.some((event) => event.name === "RechargeSucceeded")) throw new Error("The line was not recharged");
    return costs;
  }

  const body = newRule({ paymentMethodId: method.id });
  const apiPorts = { ...ports, payments: api.ports.payments };
  const saving = await cost(() => api.send({ method: "POST", path: "/v1/rules", body, sub: subscriberId }, apiPorts));
  print("the API saves a first rule", saving);
  print("the recharge function publishes that", await cost(() => rechargeLine(ports, { iccid: ICCID, judge: true })));

  await recharge(); // measured is a later one, as most are: the line has its counters
  time += MONTH_MILLISECONDS;
  const all = await recharge();
  const rechargeCalls = { ...calls, events: published.length };
  const isHistory = ({ part = "" }: Cost) => part.startsWith("step#");
  const withoutHistory = all.filter((each) => !isHistory(each));
  print("a recharge, from LowBalanceDetected until the line is free again", withoutHistory);
  const isRechargeWithin = isAtMost(RECHARGE_BUDGET, withoutHistory);
  print("its history: why it was made, and its steps", all.filter(isHistory));

  const told = published.find((event) => event.name === "RechargeSucceeded");
  const tell = (id: string) =>
    cost(() => notify({ ...ports, mail: { send: async () => {} }, textMessages: { send: async () => {} } }, { ...z.parse(noticedEvent, told), id }));
  const telling = await tell(told?.id ?? "");
  print("the notify function tells the subscriber of it", telling);

  const slot = "24h#7";
  const healthy: string[] = [];
  for (let number = 0; healthy.length < HEALTHY_LINES; number++) if (slotKey(iccidOf(number), "24h") === slot) healthy.push(iccidOf(number));
  for (const iccid of healthy) {
    carrier.addLine({ iccid, owner: { subscriberId }, currency: "CNY", available: 10_000, drainPerMinute: 0 });
    await stores.esims.save({ ...typicalLine(), iccid, version: 0, tier: "24h" }, randomIds.next());
  }
  asked.length = 0;
  const checking = await cost(() => check(slot));
  const checkCalls = { ...calls };
  if (asked.length !== HEALTHY_LINES || published.length > 0) throw new Error("The check did not find all lines, and all of them well");
  print(`a check of ${HEALTHY_LINES} lines that are well`, checking);
  console.log(`  ${unitsOf("read", checking) / HEALTHY_LINES} read units a line`);
  const isCheckWithin = isAtMost(CHECK_BUDGET, checking);

  /** What a step costs the processor, in milliseconds: the mean of many. */
  async function warm(step: (run: number) => Promise<unknown>): Promise<number> {
    let microseconds = 0;
    for (let run = 0; run < WARM_RUNS; run++) {
      await step(run);
      microseconds += calls.cpuMicroseconds;
    }
    return Math.ceil(microseconds / WARM_RUNS / 1000);
  }
  const cpu = {
    recharge: await warm(async () => {
      time += MONTH_MILLISECONDS;
      await recharge();
    }),
    check: Math.ceil((await warm(() => cost(() => check(slot)))) / (HEALTHY_LINES / LINES_PER_QUERY)),
    notice: await warm((run) => tell(`${told?.id}/${run}`)),
  };
  console.log(
    `\nmilliseconds of a warm processor, with the models of Stripe and the carrier: ${JSON.stringify(cpu)} (${JSON.stringify(CPU_MILLISECONDS)} in the costs)`,
  );

  const pages = HEALTHY_LINES / LINES_PER_QUERY;
  const measured: Measured = {
    recharge: {
      writeUnits: unitsOf("write", withoutHistory),
      historyWriteUnits: unitsOf("write", all.filter(isHistory)),
      readUnits: unitsOf("read", all),
      databaseCalls: callsOf(all),
      stripeCalls: rechargeCalls.stripe,
      carrierCalls: rechargeCalls.carrier,
      events: rechargeCalls.events,
    },
    check: {
      writeUnits: unitsOf("write", checking) / pages,
      readUnits: unitsOf("read", checking) / pages,
      lines: LINES_PER_QUERY,
      databaseCalls: callsOf(checking) / pages,
      carrierCalls: checkCalls.carrier / pages,
    },
    notice: { writeUnits: unitsOf("write", telling), readUnits: unitsOf("read", telling), databaseCalls: callsOf(telling) },
  };
  return isAsTheCostsSay(measured) && isCheckWithin && isRechargeWithin;
}

/** What a month costs (`npm run costs`) is counted with these. */
function isAsTheCostsSay(measured: Measured): boolean {
  const isSame = isDeepStrictEqual(measured, MEASURED);
  console.log(`\n${isSame ? "As bench/measured.ts says" : "NOT AS bench/measured.ts SAYS"}: ${JSON.stringify(measured)}`);
  return isSame;
}

/** Requests to the database: what its indexes cost is told apart, and is none. */
function callsOf(costs: readonly Cost[]): number {
  return costs.filter(({ index }) => index === undefined).length;
}

/** The port, with a word for each call of it. */
function counted<Port extends object>(port: Port, onCall: () => void): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        onCall();
        return Reflect.apply(member, target, args);
      };
    },
  });
}

function isAtMost(budget: number, costs: readonly Cost[]): boolean {
  const units = unitsOf("write", costs);
  const isWithin = units <= budget;
  console.log(
    `  ${units} of at most ${budget} write units${budget > 0 ? ` (${Math.round((100 * units) / budget)} %)` : ""}: ${isWithin ? "good" : "TOO MANY"}`,
  );
  return isWithin;
}

function unitsOf(kind: Cost["kind"], costs: readonly Cost[]): number {
  return costs.filter((each) => each.kind === kind).reduce((sum, { units }) => sum + units, 0);
}

function print(title: string, costs: readonly Cost[]): void {
  const kindOf = (part?: string) => part?.replace(/^(step#(?=\d{4}-)|notice#|terms#).*/, "$1...");
  const places = Map.groupBy(costs, ({ table, index, part }) =>
    [table, index && `index ${index}`, kindOf(part)].filter((word) => word !== undefined).join(" "),
  );
  const row = (place: string, of: readonly Cost[]) =>
    `  ${place.padEnd(36)}${unitsOf("write", of).toFixed(1).padStart(8)}${unitsOf("read", of).toFixed(1).padStart(8)}`;
  console.log(`\n${title}\n  ${"".padEnd(36)}${"writes".padStart(8)}${"reads".padStart(8)}`);
  for (const [place, of] of places) console.log(row(place, of));
  console.log(row("total", costs));
}
