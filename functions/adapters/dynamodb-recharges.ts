import { isDeepStrictEqual } from "node:util";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { balance as storedMoney } from "../contracts/money.ts";
import type { Bill } from "../domain/bill.ts";
import { BillConflict, type RechargeStart, type Recharges } from "../domain/ports.ts";
import { keyText, pageKey, pageMark } from "./dynamodb-client.ts";
import { storedConsent, storedReading } from "./esim-item.ts";

const PAGE_SIZE = 50;
const START = "step#000";
const BILL = "bill";

const at = z.iso.datetime();
const start = z.object({ rechargeId: z.string(), iccid: z.string(), subscriberId: z.string(), at }) satisfies z.ZodMiniType<RechargeStart>;
const bill = z.object({
  rechargeId: z.string(),
  subscriberId: z.string(),
  lineLastFour: z.string(),
  lineHash: z.string(),
  end: z.enum(["succeeded", "declined", "cancelled"]),
  reason: z.optional(z.string()),
  amount: storedMoney,
  charged: storedMoney,
  credited: storedMoney,
  method: z.object({ id: z.string(), brand: z.string(), lastFour: z.string() }),
  paymentIntentId: z.optional(z.string()),
  ruleVersion: z.int(),
  consent: storedConsent,
  reading: storedReading,
  reservedAt: at,
  paidAt: z.optional(at),
  endedAt: at,
}) satisfies z.ZodMiniType<Bill>;
const billKey = z.strictObject({ rechargeId: keyText, part: z.literal(BILL), subscriberId: keyText, endedAt: keyText });

/** Recharges in DynamoDB: parts that are put once under the recharge's id. Only bills carry `endedAt`, so only they are in the index. */
export function dynamoDbRecharges(client: DynamoDBDocumentClient, table: string): Recharges {
  async function read(rechargeId: string, part: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { rechargeId, part }, ConsistentRead: true }));
    return Item;
  }

  async function putIfAbsent(part: string, item: RechargeStart | Bill): Promise<"put" | "exists"> {
    try {
      await client.send(new PutCommand({ TableName: table, Item: { ...item, part }, ConditionExpression: "attribute_not_exists(rechargeId)" }));
      return "put";
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return "exists";
      throw error;
    }
  }

  async function getBill(rechargeId: string): Promise<Bill | undefined> {
    const item = await read(rechargeId, BILL);
    return item === undefined ? undefined : z.parse(bill, item);
  }

  return {
    async putStart(item) {
      await putIfAbsent(START, item);
    },

    async getStart(rechargeId) {
      const item = await read(rechargeId, START);
      return item === undefined ? undefined : z.parse(start, item);
    },

    async putBill(item) {
      if ((await putIfAbsent(BILL, item)) === "put") return;
      if (!isDeepStrictEqual(await getBill(item.rechargeId), z.parse(bill, JSON.parse(JSON.stringify(item))))) {
        throw new BillConflict(`Recharge ${item.rechargeId} has another bill already`);
      }
    },

    getBill,

    async listBills(subscriberId, page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: "bySubscriber",
          KeyConditionExpression: "subscriberId = :subscriberId",
          ExpressionAttributeValues: { ":subscriberId": subscriberId },
          // Whatever a mark says, only this subscriber's bills are listed.
          ExclusiveStartKey: pageKey(page, (value) => ({ ...z.parse(billKey, value), subscriberId })),
          ScanIndexForward: false,
          Limit: PAGE_SIZE,
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(bill, item)), next: pageMark(LastEvaluatedKey) };
    },
  };
}
