import { randomUUID } from "node:crypto";
import { GetCommand, PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { dynamoDbCards } from "../../functions/adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../functions/adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../../functions/adapters/dynamodb-controls.ts";
import { dynamoDbEsims } from "../../functions/adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../functions/adapters/dynamodb-quotas.ts";
import { dynamoDbRecharges } from "../../functions/adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../functions/adapters/dynamodb-subscribers.ts";
import type { Iccid } from "../../functions/domain/iccid.ts";
import { ensureTables, type LocalTables } from "../../local/cloud/tables.ts";
import { testAssembly } from "../assembly.ts";
import { NOW, SUBSCRIBER } from "../builders.ts";
import { meterCapacity } from "./capacity-meter.ts";
import { describeCards } from "./cards-contract.ts";
import { describeControls } from "./controls-contract.ts";
import { ACCESS, CONNECTION, deployedTables, type TableName } from "./deployed-tables.ts";
import { describeEsims } from "./esims-contract.ts";
import { type LossyProxy, startLossyProxy } from "./lossy-proxy.ts";
import { describeLostReplies, type Stores } from "./lost-replies-contract.ts";
import { describeQuotas } from "./quotas-contract.ts";
import { ADJUSTMENT, describeRecharges, FULL_BILL, FULL_START, STEP } from "./recharges-contract.ts";
import { describeSubscribers } from "./subscribers-contract.ts";
import { typicalLine } from "./typical-line.ts";

/** The engines on one machine never tell an old state, so a forgotten `ConsistentRead` would show on AWS only: here it is refused. */
function refuseStaleReads(input: object): void {
  const reads = "RequestItems" in input ? Object.values(input.RequestItems ?? {}) : [input];
  for (const read of reads) {
    if (!("IndexName" in read) && !("ConsistentRead" in read && read.ConsistentRead === true)) throw new Error("A store reads without ConsistentRead");
  }
}

function strictClient(endpoint: string) {
  const client = dynamoDb(endpoint);
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) => {
        if (/^(Get|BatchGet|Query|Scan)/.test(commandName)) refuseStaleReads(args.input);
        return next(args);
      },
    { step: "initialize" },
  );
  return client;
}

/** Holds the DynamoDB stores to the contracts, on any engine that speaks DynamoDB. Every store gets a table of its own, which ends with the engine. */
export function describeDynamoDb(name: string, start: () => Promise<LocalTables>): void {
  describe(`DynamoDB (${name})`, () => {
    const deployed = deployedTables(testAssembly());
    let engine: LocalTables;
    let proxy: LossyProxy;
    let client: ReturnType<typeof dynamoDb>;
    let farClient: ReturnType<typeof dynamoDb>;

    beforeAll(async () => {
      Object.assign(process.env, ACCESS); // the adapter's client takes them from its function's environment
      engine = await start();
      proxy = await startLossyProxy(engine.endpoint);
      client = strictClient(engine.endpoint);
      farClient = strictClient(proxy.endpoint);
    });
    afterAll(async () => {
      client.destroy();
      farClient.destroy();
      await proxy.close();
      await engine.close();
    });

    async function newTable(table: TableName): Promise<string> {
      const tableName = `${table}-${randomUUID()}`;
      await ensureTables({ ...CONNECTION, endpoint: engine.endpoint }, [{ name: tableName, properties: deployed(table) }]);
      return tableName;
    }

    describeEsims("in DynamoDB", async () => {
      const table = await newTable("Esims");
      const spoil = async (iccid: Iccid, fields: object) => {
        const { Item } = await client.send(new GetCommand({ TableName: table, Key: { iccid }, ConsistentRead: true }));
        await client.send(new PutCommand({ TableName: table, Item: { ...Item, ...fields } }));
      };
      return { store: dynamoDbEsims(client, table), spoil };
    });
    describeRecharges("in DynamoDB", async () => ({ store: dynamoDbRecharges(client, await newTable("Recharges")) }));
    describeSubscribers("in DynamoDB", async () => ({ store: dynamoDbSubscribers(client, await newTable("Subscribers")) }));
    describeCards("in DynamoDB", async () => ({ store: dynamoDbCards(client, await newTable("Cards")) }));
    describeControls("in DynamoDB", async () => ({ store: dynamoDbControls(client, await newTable("Controls")) }));
    describeQuotas("in DynamoDB", async () => ({ store: dynamoDbQuotas(client, await newTable("Subscribers")) }));

    describeLostReplies(async () => {
      const tables = {
        esims: await newTable("Esims"),
        recharges: await newTable("Recharges"),
        subscribers: await newTable("Subscribers"),
        cards: await newTable("Cards"),
        controls: await newTable("Controls"),
      };
      const storesBy = (way: typeof client): Stores => ({
        esims: dynamoDbEsims(way, tables.esims),
        recharges: dynamoDbRecharges(way, tables.recharges),
        subscribers: dynamoDbSubscribers(way, tables.subscribers),
        cards: dynamoDbCards(way, tables.cards),
        controls: dynamoDbControls(way, tables.controls),
      });
      return { near: storesBy(client), far: storesBy(farClient), proxy };
    });

    it("takes one write unit of the table for a line that is only watched", async () => {
      const meteredClient = dynamoDb(engine.endpoint);
      const costs = meterCapacity(meteredClient);
      const store = dynamoDbEsims(meteredClient, await newTable("Esims"));
      const line = { ...typicalLine(), version: 0 };
      await store.save(line, randomUUID());
      await store.save({ ...line, version: 1, cycle: line.cycle + 1 }, randomUUID());
      meteredClient.destroy();
      expect(costs.filter(({ index }) => index === undefined).map(({ units }) => units)).toEqual([1, 1]);
    });

    it("forgets why a recharge was made and its steps by the table's time to live, 400 days later, and never a bill", async () => {
      const table = await newTable("Recharges");
      const store = dynamoDbRecharges(client, table);
      await store.putStart(FULL_START);
      await store.putStep(STEP);
      await store.putBill(FULL_BILL);
      await store.putAdjustment(ADJUSTMENT);
      const { Items = [] } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      const { AttributeName = "none", Enabled } = deployed("Recharges").TimeToLiveSpecification ?? {};
      expect(Enabled).toBe(true);
      const kept = Items.map((item) => [String(item.part).slice(0, 5), item[AttributeName] === undefined ? "kept" : Number(item[AttributeName])]);
      const atSeconds = (at: string) => Date.parse(at) / 1000 + 400 * 24 * 60 * 60;
      expect(new Set(kept.map(String))).toEqual(new Set([`step#,${atSeconds(FULL_START.at)}`, `step#,${atSeconds(STEP.at)}`, "bill,kept", "adjus,kept"]));
    });

    it("forgets a notice by the table's time to live, 90 days after it was sent, in seconds", async () => {
      const table = await newTable("Subscribers");
      await dynamoDbSubscribers(client, table).putNotice(SUBSCRIBER, "r-1/RechargeSucceeded", NOW);
      const Key = { subscriberId: SUBSCRIBER, part: "notice#r-1/RechargeSucceeded" };
      const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      const { AttributeName = "none", Enabled } = deployed("Subscribers").TimeToLiveSpecification ?? {};
      expect(Enabled).toBe(true);
      expect(Item?.[AttributeName]).toBe(Date.parse("2027-02-21T08:00:00.000Z") / 1000);
    });

    it("forgets a quota by the table's time to live, when its hour is over", async () => {
      const table = await newTable("Subscribers");
      await dynamoDbQuotas(client, table).take({ subscriberId: SUBSCRIBER, name: "POST /v1/x", perHour: 1, now: "2026-11-23T08:59:59.999Z" });
      const { Items } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      const { AttributeName = "none" } = deployed("Subscribers").TimeToLiveSpecification ?? {};
      expect(Items?.map((item) => [item.part, item[AttributeName]])).toEqual([
        ["quota#POST /v1/x#2026-11-23T08", Date.parse("2026-11-23T09:00:00.000Z") / 1000],
      ]);
    });
  });
}
