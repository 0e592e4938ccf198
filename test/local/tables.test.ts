import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeTableCommand, DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { readProperties } from "../../local/cloud/supported-resources.ts";
import { ensureTables, type LocalTables, startTables, type TableDefinition, type TablesConnection } from "../../local/cloud/tables.ts";

/** As the CDK writes a TableV2. */
const PROPERTIES = readProperties("AWS::DynamoDB::GlobalTable", {
  AttributeDefinitions: [
    { AttributeName: "iccid", AttributeType: "S" },
    { AttributeName: "subscriberId", AttributeType: "S" },
  ],
  BillingMode: "PAY_PER_REQUEST",
  GlobalSecondaryIndexes: [
    {
      IndexName: "bySubscriber",
      KeySchema: [
        { AttributeName: "subscriberId", KeyType: "HASH" },
        { AttributeName: "iccid", KeyType: "RANGE" },
      ],
      Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["judge"] },
    },
  ],
  KeySchema: [{ AttributeName: "iccid", KeyType: "HASH" }],
  Replicas: [{ Region: "us-east-1", DeletionProtectionEnabled: true, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
  TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
});
const ESIMS: TableDefinition = { name: "Esims", properties: PROPERTIES };

let folder: string;
let tables: LocalTables[];
let clients: DynamoDBClient[];

async function start(options: { path?: string } = {}) {
  const started = await startTables(options);
  tables.push(started);
  const connection: TablesConnection = { endpoint: started.endpoint, region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  const client = new DynamoDBClient(connection);
  clients.push(client);
  return { ...started, connection, client };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tables-"));
  tables = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await Promise.all(tables.map((started) => started.close()));
  rmSync(folder, { recursive: true });
});

describe("the local tables", () => {
  it("are made with the keys and indexes of the template", async () => {
    const { connection, client } = await start();
    await ensureTables(connection, [ESIMS, { ...ESIMS, name: "Others" }]);
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(["Esims", "Others"]);
    await client.send(
      new PutItemCommand({ TableName: "Esims", Item: { iccid: { S: "8944" }, subscriberId: { S: "anna" }, judge: { N: "1" }, rule: { S: "not projected" } } }),
    );
    const query = new QueryCommand({
      TableName: "Esims",
      IndexName: "bySubscriber",
      KeyConditionExpression: "subscriberId = :s",
      ExpressionAttributeValues: { ":s": { S: "anna" } },
    });
    expect((await client.send(query)).Items).toEqual([{ iccid: { S: "8944" }, subscriberId: { S: "anna" }, judge: { N: "1" } }]);
  });

  it("are left alone when they exist, even if they are described in another order", async () => {
    const { connection, client } = await start();
    await ensureTables(connection, [ESIMS]);
    const made = (await client.send(new DescribeTableCommand({ TableName: "Esims" }))).Table?.TableId;
    await ensureTables(connection, [{ name: "Esims", properties: { ...PROPERTIES, AttributeDefinitions: PROPERTIES.AttributeDefinitions.toReversed() } }]);
    expect((await client.send(new DescribeTableCommand({ TableName: "Esims" }))).Table?.TableId).toBe(made);
  });

  it("are refused when the template wants other keys or indexes", async () => {
    const { connection } = await start();
    await ensureTables(connection, [ESIMS]);
    const bySubscriber = [{ AttributeName: "subscriberId", KeyType: "HASH" } as const];
    const withIndex = (change: object) => ({ GlobalSecondaryIndexes: PROPERTIES.GlobalSecondaryIndexes?.map((index) => ({ ...index, ...change })) });
    for (const other of [
      { KeySchema: bySubscriber },
      { GlobalSecondaryIndexes: undefined },
      withIndex({ Projection: { ProjectionType: "ALL", NonKeyAttributes: ["judge"] } }),
      withIndex({ KeySchema: bySubscriber }),
      withIndex({ IndexName: "byPayer" }),
    ]) {
      await expect(ensureTables(connection, [{ name: "Esims", properties: { ...PROPERTIES, ...other } }])).rejects.toThrow("Start with --fresh");
    }
  });

  it("keep what was written when the stack is killed", async () => {
    const path = join(folder, "db");
    const program = `
      const { startTables, ensureTables } = await import(${JSON.stringify(new URL("../../local/cloud/tables.ts", import.meta.url).href)});
      const { DynamoDBClient, PutItemCommand } = await import(${JSON.stringify(import.meta.resolve("@aws-sdk/client-dynamodb"))});
      const { endpoint } = await startTables({ path: ${JSON.stringify(path)} });
      const connection = { endpoint, region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
      await ensureTables(connection, [${JSON.stringify(ESIMS)}]);
      await new DynamoDBClient(connection).send(new PutItemCommand({ TableName: "Esims", Item: { iccid: { S: "8944" } } }));
      process.kill(process.pid, "SIGKILL");`;
    expect(spawnSync(process.execPath, ["--input-type=module", "-e", program]).signal).toBe("SIGKILL");

    const { connection, client } = await start({ path });
    await ensureTables(connection, [ESIMS]);
    expect((await client.send(new GetItemCommand({ TableName: "Esims", Key: { iccid: { S: "8944" } } }))).Item).toEqual({ iccid: { S: "8944" } });
  });

  it("hold an item and its index entries together, whenever the stack is killed", async () => {
    const path = join(folder, "db");
    const { connection, client } = await start({ path });
    await ensureTables(connection, [ESIMS]);
    const put = (subscriberId: string) =>
      client.send(new PutItemCommand({ TableName: "Esims", Item: { iccid: { S: "8944" }, subscriberId: { S: subscriberId } } }));
    await put("anna");

    // What lies on the disk at each turn of the loop is what a kill would leave there.
    let isWritten = false;
    const writing = put("bert").then(() => {
      isWritten = true;
    });
    const killed: string[] = [];
    while (!isWritten) {
      killed.push(join(folder, `killed-${killed.length}`));
      cpSync(path, killed.at(-1) ?? "", { recursive: true });
      await new Promise(setImmediate);
    }
    await writing;

    const found: string[] = [];
    for (const copy of killed) {
      const { client: later } = await start({ path: copy });
      const { Item } = await later.send(new GetItemCommand({ TableName: "Esims", Key: { iccid: { S: "8944" } } }));
      const { Items } = await later.send(new ScanCommand({ TableName: "Esims", IndexName: "bySubscriber" }));
      found.push(`${Item?.subscriberId?.S}: ${(Items ?? []).map((entry) => entry.subscriberId?.S).join(", ")}`);
    }
    expect(found).toContain("anna: anna");
    expect(new Set(found)).toEqual(new Set(found.filter((each) => ["anna: anna", "bert: bert"].includes(each))));
  });

  it("survive a caller that is killed within its request", async () => {
    const { endpoint, client } = await start();
    const socket = connect(Number(new URL(endpoint).port), "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
    await client.send(new ListTablesCommand({})); // by now the server has seen the beginning
    socket.destroy();
    await once(socket, "close");
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual([]);
  });
});
