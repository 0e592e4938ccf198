import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { AuditEntry, Controls, KillSwitch, Wheel } from "../domain/ports.ts";

const WHEEL = "wheel";
const KILL_SWITCH = "kill-switch";
const AUDIT = "audit#";
/** Of up to 1 MB each: what operators do by hand in decades. */
const MOST_AUDIT_PAGES = 20;

const at = z.iso.datetime();
const told = z.object({ at: z.string() });
const wheel = z.object({ plannedThrough: z.int() }) satisfies z.ZodMiniType<Wheel>;
const killSwitch = z.object({ on: z.boolean(), at, by: z.string(), why: z.string() }) satisfies z.ZodMiniType<KillSwitch>;
const auditEntry = z.object({
  at,
  id: z.string(),
  by: z.string(),
  verb: z.string(),
  subject: z.string(),
  why: z.string(),
}) satisfies z.ZodMiniType<AuditEntry>;

/** The few single records of a stage, in DynamoDB: `wheel`, `kill-switch`, `audit#<time>#<id>` and `break#<id>`. */
export function dynamoDbControls(client: DynamoDBDocumentClient, table: string): Controls {
  async function read(name: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { name }, ConsistentRead: true }));
    return Item;
  }

  async function putIfAbsent(name: string, fields: object): Promise<void> {
    try {
      await client.send(
        new PutCommand({
          TableName: table,
          Item: { ...fields, name },
          ConditionExpression: "attribute_not_exists(#name)",
          ExpressionAttributeNames: { "#name": "name" },
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error; // it was put before
    }
  }

  return {
    async getKillSwitch() {
      const item = await read(KILL_SWITCH);
      return item === undefined ? undefined : z.parse(killSwitch, item);
    },

    async putKillSwitch(item) {
      await client.send(new PutCommand({ TableName: table, Item: { ...item, name: KILL_SWITCH } }));
    },

    putAudit: (entry) => putIfAbsent(`${AUDIT}${entry.at}#${entry.id}`, entry),

    // A scan, since only a person asks, and the table holds little else.
    async listAudit() {
      const entries: AuditEntry[] = [];
      let from: Record<string, unknown> | undefined;
      for (let pages = 0; pages < MOST_AUDIT_PAGES; pages++) {
        const { Items, LastEvaluatedKey } = await client.send(
          new ScanCommand({
            TableName: table,
            FilterExpression: "begins_with(#name, :audit)",
            ExpressionAttributeNames: { "#name": "name" },
            ExpressionAttributeValues: { ":audit": AUDIT },
            ConsistentRead: true,
            ExclusiveStartKey: from,
          }),
        );
        entries.push(...(Items ?? []).map((item) => z.parse(auditEntry, item)));
        if (LastEvaluatedKey === undefined) return entries.sort((a, b) => (`${a.at}#${a.id}` > `${b.at}#${b.id}` ? -1 : 1));
        from = LastEvaluatedKey;
      }
      throw new Error(`The audit entries go on after ${MOST_AUDIT_PAGES} pages`);
    },

    async breakToldAt(breakId) {
      const item = await read(`break#${breakId}`);
      return item === undefined ? undefined : z.parse(told, item).at;
    },

    putBreakTold: (breakId, toldAt) => putIfAbsent(`break#${breakId}`, { at: toldAt }),

    async getWheel() {
      const item = await read(WHEEL);
      return item === undefined ? undefined : z.parse(wheel, item);
    },

    async putWheel({ plannedThrough }) {
      try {
        await client.send(
          new PutCommand({
            TableName: table,
            Item: { name: WHEEL, plannedThrough },
            ConditionExpression: "attribute_not_exists(#name) or plannedThrough < :plannedThrough",
            ExpressionAttributeNames: { "#name": "name" },
            ExpressionAttributeValues: { ":plannedThrough": plannedThrough },
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error; // another planner is ahead: nothing to do
      }
    },
  };
}
