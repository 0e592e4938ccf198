import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";

/** What one call cost. */
export interface Cost {
  readonly kind: "read" | "write";
  readonly table: string;
  /** Undefined: the table itself. */
  readonly index?: string;
  /** Of the item that was put, where the table's sort key is called that. */
  readonly part?: string;
  /** DynamoDB's read or write units. */
  readonly units: number;
}

const capacity = z.object({ CapacityUnits: z.number() });
const consumed = z.object({ TableName: z.string(), Table: capacity, GlobalSecondaryIndexes: z.optional(z.record(z.string(), capacity)) });
const putPart = z.object({ Item: z.object({ part: z.string() }) });
/** A batch tells of each table. */
const output = z.object({ ConsumedCapacity: z.union([consumed, z.array(consumed)]) });

/** Has DynamoDB say what every call of this client costs; gives the list, which grows with every call. */
export function meterCapacity(client: DynamoDBDocumentClient): readonly Cost[] {
  const costs: Cost[] = [];
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: "INDEXES" } });
        const kind: Cost["kind"] = /^(Get|BatchGet|Query)/.test(commandName) ? "read" : "write";
        const part = z.safeParse(putPart, args.input).data?.Item.part;
        const told = [z.parse(output, result.output).ConsumedCapacity].flat();
        costs.push(...told.flatMap(costsOf).map((cost) => ({ ...cost, kind, part })));
        return result;
      },
    { step: "initialize" },
  );
  return costs;
}

function costsOf({ TableName: table, Table, GlobalSecondaryIndexes = {} }: z.infer<typeof consumed>) {
  const indexes = Object.entries(GlobalSecondaryIndexes).map(([index, { CapacityUnits: units }]) => ({ table, index, units }));
  return [{ table, units: Table.CapacityUnits }, ...indexes];
}
