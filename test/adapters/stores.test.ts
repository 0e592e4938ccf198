import { randomUUID } from "node:crypto";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { dynamoDbCards } from "../../functions/adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../functions/adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../../functions/adapters/dynamodb-controls.ts";
import { dynamoDbEsims } from "../../functions/adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../../functions/adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../functions/adapters/dynamodb-subscribers.ts";
import { itemOf } from "../../functions/adapters/esim-item.ts";
import { type Esim, newEsim, withEvent } from "../../functions/domain/esim.ts";
import { applyMove, applyReserved } from "../../functions/domain/recharge.ts";
import { ensureTables, type LocalTables, startTables } from "../../local/cloud/tables.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { testAssembly } from "../assembly.ts";
import { cny, esimWithRule, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";
import { memoryCards, memoryControls, memoryEsims, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";
import { describeCards } from "./cards-contract.ts";
import { describeControls } from "./controls-contract.ts";
import { describeEsims } from "./esims-contract.ts";
import { describeRecharges } from "./recharges-contract.ts";
import { iccidOf } from "./store-contract.ts";
import { describeSubscribers } from "./subscribers-contract.ts";

type TableName = "Esims" | "Recharges" | "Subscribers" | "Cards" | "Controls";

const REGION = "us-east-1";
const ACCESS = { AWS_REGION: REGION, AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };

const ADDRESS = "http://127.0.0.1";
const stacks = loadStacks(testAssembly(), { queueUrl: (queue) => `${ADDRESS}/${queue}`, attributes: () => ADDRESS });

/** The table's definition as it is deployed: with its keys, indexes and projections. */
function deployed(table: TableName) {
  const found = stacks.list("AWS::DynamoDB::GlobalTable").filter(({ logicalId }) => new RegExp(`^${table}[0-9A-F]{8}$`).test(logicalId));
  const [definition] = found;
  if (definition === undefined || found.length > 1) throw new Error(`The stacks have ${found.length} tables ${table}`);
  return definition.properties;
}

describeEsims("in memory", async () => ({ store: memoryEsims() }));
describeRecharges("in memory", async () => ({ store: memoryRecharges() }));
describeSubscribers("in memory", async () => ({ store: memorySubscribers() }));
describeCards("in memory", async () => ({ store: memoryCards() }));
describeControls("in memory", async () => ({ store: memoryControls() }));

/** The engines on one machine never tell an old state, so a forgotten `ConsistentRead` would show on AWS only: here it is refused. */
function refuseStaleReads(input: object): void {
  const reads = "RequestItems" in input ? Object.values(input.RequestItems ?? {}) : [input];
  for (const read of reads) {
    if (!("IndexName" in read) && !("ConsistentRead" in read && read.ConsistentRead === true)) throw new Error("A store reads without ConsistentRead");
  }
}

/** Holds the DynamoDB stores to the contracts, on any engine that speaks DynamoDB. Every store gets a table of its own, which ends with the engine. */
function describeDynamoDb(name: string, start: () => Promise<LocalTables>): void {
  describe(`DynamoDB (${name})`, () => {
    let engine: LocalTables;
    let client: ReturnType<typeof dynamoDb>;

    beforeAll(async () => {
      Object.assign(process.env, ACCESS); // the adapter's client takes them from its function's environment
      engine = await start();
      client = dynamoDb(engine.endpoint);
      client.middlewareStack.add(
        (next, { commandName = "" }) =>
          (args) => {
            if (/^(Get|BatchGet|Query|Scan)/.test(commandName)) refuseStaleReads(args.input);
            return next(args);
          },
        { step: "initialize" },
      );
    });
    afterAll(async () => {
      client.destroy();
      await engine.close();
    });

    async function newTable(table: TableName): Promise<string> {
      const tableName = `${table}-${randomUUID()}`;
      const credentials = { accessKeyId: ACCESS.AWS_ACCESS_KEY_ID, secretAccessKey: ACCESS.AWS_SECRET_ACCESS_KEY };
      await ensureTables({ endpoint: engine.endpoint, region: REGION, credentials }, [{ name: tableName, properties: deployed(table) }]);
      return tableName;
    }

    describeEsims("in DynamoDB", async () => ({ store: dynamoDbEsims(client, await newTable("Esims")) }));
    describeRecharges("in DynamoDB", async () => ({ store: dynamoDbRecharges(client, await newTable("Recharges")) }));
    describeSubscribers("in DynamoDB", async () => ({ store: dynamoDbSubscribers(client, await newTable("Subscribers")) }));
    describeCards("in DynamoDB", async () => ({ store: dynamoDbCards(client, await newTable("Cards")) }));
    describeControls("in DynamoDB", async () => ({ store: dynamoDbControls(client, await newTable("Controls")) }));

    it("forgets a notice by the table's time to live, 90 days after it was sent, in seconds", async () => {
      const table = await newTable("Subscribers");
      await dynamoDbSubscribers(client, table).putNotice(SUBSCRIBER, "r-1/RechargeSucceeded", NOW);
      const Key = { subscriberId: SUBSCRIBER, part: "notice#r-1/RechargeSucceeded" };
      const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      const { AttributeName = "none", Enabled } = deployed("Subscribers").TimeToLiveSpecification ?? {};
      expect(Enabled).toBe(true);
      expect(Item?.[AttributeName]).toBe(Date.parse("2027-02-21T08:00:00.000Z") / 1000);
    });
  });
}

describeDynamoDb("dynalite", () => startTables());

describe("lines that DynamoDB leaves unread, since it is busy", () => {
  /** Reads one line per call, and from some call on none. */
  function busyEsims({ stuckFrom = Number.POSITIVE_INFINITY }: { readonly stuckFrom?: number } = {}) {
    const client = dynamoDb(ADDRESS);
    let calls = 0;
    client.middlewareStack.add(
      () =>
        async ({ input }) => {
          calls += 1;
          const keys = "RequestItems" in input ? (Object.values(input.RequestItems ?? {})[0]?.Keys ?? []) : [];
          const [read, left] = calls < stuckFrom ? [keys.slice(0, 1), keys.slice(1)] : [[], keys];
          const items = read.map(({ iccid }: Record<string, unknown>) => itemOf(newEsim(String(iccid)), 1, "write"));
          return { response: {}, output: { $metadata: {}, Responses: { Esims: items }, UnprocessedKeys: left.length === 0 ? {} : { Esims: { Keys: left } } } };
        },
      { step: "initialize", priority: "high" },
    );
    return { store: dynamoDbEsims(client, "Esims"), calls: () => calls };
  }

  it("are asked for again until they have come", async () => {
    const { store, calls } = busyEsims();
    const iccids = [1, 2, 3].map(iccidOf);
    expect((await store.loadMany(iccids)).map((esim) => esim.iccid)).toEqual(iccids);
    expect(calls()).toBe(3);
  });

  it("are a fault after five tries: a line that is left out would pass for one that is not stored", async () => {
    const { store, calls } = busyEsims({ stuckFrom: 2 });
    await expect(store.loadMany([1, 2, 3].map(iccidOf))).rejects.toThrow("left 2 lines unread after 5 tries");
    expect(calls()).toBe(5);
  });
});

const MAP_BYTES = 3;

/**
 * What DynamoDB counts for a value: a map's or list's own bytes and one for each element, names and texts in UTF-8, a byte for two digits of a number.
 *
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(Math.abs(value)).length / 2) + 2;
  if (typeof value !== "object" || value === null) return 1;
  const elements = Object.entries(value).map(([name, element]) => 1 + (Array.isArray(value) ? 0 : Buffer.byteLength(name)) + bytesOf(element));
  return elements.reduce((sum, bytes) => sum + bytes, MAP_BYTES);
}

describe("the item of a line", () => {
  const sizeOf = (esim: Esim) => bytesOf(JSON.parse(JSON.stringify(itemOf(esim, 1234, randomUUID())))) - MAP_BYTES; // the item itself is no map

  function typical(): Esim {
    const subscriberId = randomUUID();
    const { rule, ...line } = esimWithRule({ paymentMethodId: "pm_1Nv0FGQ9RKHgCVdK00dK5vWm" });
    const spend = { month: "2026-11", monthAmount: cny(15_000), day: "2026-11-22", dayCount: 1, lastEndedAt: NOW };
    return { ...line, subscriberId, rule: { ...rule, writeId: randomUUID() }, spend: { [subscriberId]: spend }, cycle: 12, quietUntil: NOW };
  }

  it("stays under a kilobyte, one write unit, while it is only watched", () => expect(sizeOf(typical())).toBeLessThan(1024));

  it("stays under two kilobytes with a recharge open, from its reservation to its end", () => {
    const rechargeId = randomUUID();
    const method = { ...METHOD, id: "pm_1Nv0FGQ9RKHgCVdK00dK5vWm", customerId: "cus_9s6XKzkNRiz8i3", cardKey: "Xt5EWLLDS7FJjR1c" };
    const period = { month: "2026-11", day: "2026-11-23" };
    const reserved = applyReserved(typical(), { rechargeId, amount: cny(5000), period, method, reading: reading(-250) }, NOW);
    const confirming = applyMove(reserved, rechargeId, { type: "created", paymentIntentId: "pi_3MtwBwLkdIwHu7ix28a3tqPa" }, NOW);
    const paid = applyMove(confirming, rechargeId, { type: "paid", at: NOW }, NOW);
    const ended = applyMove(paid, rechargeId, { type: "credited", at: NOW }, NOW);
    const lines = { reserved, confirming, paid, ended, "with two events waiting": withEvent(ended, SAMPLE_EVENTS.RuleSaved, NOW) };
    const tooLong = Object.entries(lines)
      .map(([name, line]) => ({ name, bytes: sizeOf(line) }))
      .filter(({ bytes }) => bytes >= 2048);
    expect(tooLong).toEqual([]);
  });
});
