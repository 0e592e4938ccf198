import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ResourceNotFoundException,
  type TableDescription,
} from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import dynaliteInternals from "dynalite/db/index.js";
import type { PropertiesOf } from "./supported-resources.ts";

/** Where a DynamoDB is, and as whom to speak to it: DynamoDB Local keeps tables apart by region and access key. */
export type TablesConnection = Required<Pick<DynamoDBClientConfig, "endpoint" | "region" | "credentials">>;

/** A table of the template, with its resolved properties. Time to live, backups, encryption and deletion protection have no effect here. */
export interface TableDefinition {
  readonly name: string;
  readonly properties: TableShape;
}

type TableShape = Pick<PropertiesOf<"AWS::DynamoDB::Table">, "KeySchema" | "AttributeDefinitions" | "GlobalSecondaryIndexes">;

export interface LocalTables {
  /** For `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** How long an engine may take to make a table: dynalite takes milliseconds, DynamoDB itself up to half a minute. */
const LONGEST_CREATION_SECONDS = 60;

/**
 * Writes an item and its index entries at once.
 *
 * By itself dynalite 4.0.0 writes entry by entry, and the item last: killed in between, it leaves a line that no index names, and that nobody ever looks at
 * again. At AWS the item is what is written, and the indexes follow from it whatever happens.
 */
dynaliteInternals.updateIndexes = (store, table, existing, item, done) => {
  const { puts, deletes } = dynaliteInternals.getIndexActions(table.GlobalSecondaryIndexes ?? [], existing, item, table);
  const entry = ({ index, key }: { index: string; key: string }) => `index-global~${table.TableName}~${index}~${key}`;
  const own = (stored: object) => `item-${table.TableName}~${dynaliteInternals.createKey(stored, table)}`;
  const operations = [
    ...deletes.map((action) => ({ type: "del", key: entry(action) }) as const),
    ...puts.map((action) => ({ type: "put", key: entry(action), value: action.item }) as const),
    ...(item === null ? [] : [{ type: "put", key: own(item), value: item } as const]),
    ...(item === null && existing !== undefined ? [{ type: "del", key: own(existing) } as const] : []),
  ];
  store.db.batch(operations, done);
};

/** Starts an embedded DynamoDB engine (dynalite): in memory, or kept in a folder, of which there must be no second user. */
export async function startTables({ path }: { readonly path?: string } = {}): Promise<LocalTables> {
  const server = dynalite({ path, createTableMs: 0 });
  // dynalite throws when a caller goes away within its request, and a function that is out of time does: that must not end the stack.
  server.on("request", (request) => request.removeAllListeners("error").on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("dynalite does not listen on a port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = new Promise<void>((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())));
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Makes the tables that are missing, at any engine that speaks DynamoDB.
 *
 * Throws when a table exists with other keys or indexes: what is in it was written for those.
 */
export async function ensureTables(connection: TablesConnection, tables: readonly TableDefinition[]): Promise<void> {
  const client = new DynamoDBClient(connection);
  try {
    for (const { name, properties } of tables) {
      const existing = await describe(client, name);
      if (existing === undefined) await create(client, name, properties);
      else refuseOtherShape(name, describeShape(properties), describeShape(existing));
    }
    for (const { name } of tables) await waitUntilActive(client, name);
  } finally {
    client.destroy();
  }
}

async function create(client: DynamoDBClient, name: string, { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes }: TableShape): Promise<void> {
  const indexes = GlobalSecondaryIndexes?.length === 0 ? undefined : GlobalSecondaryIndexes; // engines refuse an empty list
  const shape = { KeySchema, AttributeDefinitions, GlobalSecondaryIndexes: indexes };
  await client.send(new CreateTableCommand({ TableName: name, BillingMode: "PAY_PER_REQUEST", ...shape }));
}

async function describe(client: DynamoDBClient, name: string): Promise<TableDescription | undefined> {
  try {
    return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

function refuseOtherShape(name: string, needed: string, existing: string): void {
  if (needed === existing) return;
  throw new Error(
    `The table ${name} has other keys or indexes than the template. Start with --fresh to begin with empty tables.\nIt has   ${existing}\nit needs ${needed}`,
  );
}

/** One text for all ways to say the same: order matters only within a key. */
function describeShape({ KeySchema, AttributeDefinitions = [], GlobalSecondaryIndexes = [] }: TableDescription | TableShape): string {
  const key = (schema: TableDescription["KeySchema"] = []) => schema.map(({ AttributeName }) => AttributeName).join("+");
  const attributes = AttributeDefinitions.map(({ AttributeName, AttributeType }) => `${AttributeName}:${AttributeType}`).sort();
  const indexes = GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection }) =>
    [`index ${IndexName} on ${key(KeySchema)} with`, Projection?.ProjectionType, ...(Projection?.NonKeyAttributes ?? []).toSorted()].join(" "),
  ).sort();
  return [`key ${key(KeySchema)} (${attributes.join(", ")})`, ...indexes].join("; ");
}

async function waitUntilActive(client: DynamoDBClient, name: string): Promise<void> {
  const giveUpAt = performance.now() + LONGEST_CREATION_SECONDS * 1000;
  while (performance.now() < giveUpAt) {
    if ((await describe(client, name))?.TableStatus === "ACTIVE") return;
    await wait(10);
  }
  throw new Error(`The table ${name} was not ready after ${LONGEST_CREATION_SECONDS} s`);
}
