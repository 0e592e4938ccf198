import { isDeepStrictEqual } from "node:util";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { balance as storedMoney } from "../contracts/money.ts";
import type { Bill } from "../domain/bill.ts";
import { type Adjustment, BillConflict, type RechargeStart, type RechargeStep, type Recharges } from "../domain/ports.ts";
import { epochMilliseconds, type Instant } from "../domain/time.ts";
import { keyText, pageKey, pageMark } from "./dynamodb-client.ts";
import { storedConsent, storedGrant, storedOrigin, storedPeriod, storedReading, storedRuleSettings, storedSpend } from "./esim-item.ts";

const PAGE_SIZE = 50;
/** A history is short: some steps an hour at most, of some hundred bytes each. A page of DynamoDB's is up to 1 MB. */
const MOST_HISTORY_PAGES = 20;
const START = "step#000";
const BILL = "bill";
const STEP = "step#";
const ADJUSTMENT = "adjustment#";

const at = z.iso.datetime();
const start = z.object({
  rechargeId: z.string(),
  iccid: z.string(),
  subscriberId: z.string(),
  at,
  amount: storedMoney,
  origin: z.optional(storedOrigin),
  rule: z.optional(storedRuleSettings),
  consent: storedConsent,
  reading: z.optional(storedReading),
  check: z.optional(z.string()),
  spend: z.optional(storedSpend),
  cardKey: z.string(),
  declines: z.int(),
  requestHash: z.optional(z.string()),
}) satisfies z.ZodMiniType<RechargeStart>;
const step = z.object({
  rechargeId: z.string(),
  stepId: z.string(),
  at,
  state: z.enum(["announced", "reserved", "confirming", "processing", "awaiting-customer", "crediting", "refunding", "closing", "needs-review", "ended"]),
  asked: z.string(),
  answer: z.record(z.string(), z.unknown()),
}) satisfies z.ZodMiniType<RechargeStep>;
const adjustment = z.object({
  rechargeId: z.string(),
  adjustmentId: z.string(),
  kind: z.enum(["refunded", "refund-failed", "dispute-opened", "dispute-won", "dispute-lost", "paid-after-end"]),
  amount: storedMoney,
  at,
}) satisfies z.ZodMiniType<Adjustment>;
const tableKey = z.strictObject({ rechargeId: keyText, part: keyText });
const keyOfPart = z.object({ rechargeId: z.string(), part: z.string() });
const partOf = z.object({ part: z.string() });
const bill = z.object({
  rechargeId: z.string(),
  subscriberId: z.string(),
  lineLastFour: z.string(),
  lineHash: z.string(),
  end: z.enum(["succeeded", "declined", "cancelled", "expired", "refunded"]),
  reason: z.optional(z.string()),
  amount: storedMoney,
  charged: storedMoney,
  credited: storedMoney,
  refunded: storedMoney,
  method: z.object({ id: z.string(), brand: z.string(), lastFour: z.string() }),
  paymentIntentId: z.optional(z.string()),
  origin: z.optional(storedOrigin),
  ruleVersion: z.int(),
  consent: storedConsent,
  family: z.optional(storedGrant),
  period: storedPeriod,
  reading: z.optional(storedReading),
  check: z.optional(z.string()),
  reservedAt: at,
  paidAt: z.optional(at),
  endedAt: at,
}) satisfies z.ZodMiniType<Bill>;
const billKey = z.strictObject({ rechargeId: keyText, part: z.literal(BILL), subscriberId: keyText, endedAt: keyText });

/** Why a recharge was made, and its steps, are kept for so long; bills and adjustments for good. */
export const HISTORY_DAYS = 400;

function withExpiry<Part extends { readonly at: Instant }>(part: Part): Part & { readonly expiresAt: number } {
  return { ...part, expiresAt: Math.floor(epochMilliseconds(part.at) / 1000) + HISTORY_DAYS * 24 * 60 * 60 }; // TTL wants seconds
}

/** Recharges in DynamoDB: parts that are put once under the recharge's id. Only bills carry `endedAt`, so only they are in the index. */
export function dynamoDbRecharges(client: DynamoDBDocumentClient, table: string): Recharges {
  async function read(rechargeId: string, part: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { rechargeId, part }, ConsistentRead: true }));
    return Item;
  }

  async function putIfAbsent(part: string, item: object): Promise<"put" | "exists"> {
    try {
      await client.send(new PutCommand({ TableName: table, Item: { ...item, part }, ConditionExpression: "attribute_not_exists(rechargeId)" }));
      return "put";
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return "exists";
      throw error;
    }
  }

  /** The parts of a recharge whose names begin so, by their names. */
  async function readAll(rechargeId: string, prefix = ""): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let from: Record<string, unknown> | undefined;
    for (let pages = 0; pages < MOST_HISTORY_PAGES; pages++) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: prefix === "" ? "rechargeId = :rechargeId" : "rechargeId = :rechargeId and begins_with(part, :prefix)",
          ExpressionAttributeValues: { ":rechargeId": rechargeId, ...(prefix !== "" && { ":prefix": prefix }) },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      );
      items.push(...(Items ?? []));
      if (LastEvaluatedKey === undefined) return items;
      from = LastEvaluatedKey;
    }
    throw new Error(`The history of recharge ${rechargeId} goes on after ${MOST_HISTORY_PAGES} pages`);
  }

  async function getBill(rechargeId: string): Promise<Bill | undefined> {
    const item = await read(rechargeId, BILL);
    return item === undefined ? undefined : z.parse(bill, item);
  }

  return {
    async putStart(item) {
      await putIfAbsent(START, withExpiry(item));
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

    async putStep(item) {
      await putIfAbsent(`${STEP}${item.at}#${item.stepId}`, withExpiry(item));
    },

    async putAdjustment(item) {
      await putIfAbsent(`${ADJUSTMENT}${item.adjustmentId}`, item);
    },

    async getHistory(rechargeId) {
      const parts = (await readAll(rechargeId)).map((item) => ({ part: z.parse(partOf, item).part, item }));
      const of = (prefix: string) => parts.filter(({ part }) => part.startsWith(prefix) && part !== START).map(({ item }) => item);
      const one = (name: string) => parts.find(({ part }) => part === name)?.item;
      const [first, last] = [one(START), one(BILL)];
      return {
        start: first && z.parse(start, first),
        steps: of(STEP).map((item) => z.parse(step, item)),
        bill: last && z.parse(bill, last),
        adjustments: of(ADJUSTMENT).map((item) => z.parse(adjustment, item)),
      };
    },

    async findStarts(subscriberId, page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new ScanCommand({
          TableName: table,
          // Only bills are in the index: an entry for each start would cost every recharge a write.
          FilterExpression: "part = :start and subscriberId = :subscriberId",
          ProjectionExpression: "rechargeId, part",
          ExpressionAttributeValues: { ":start": START, ":subscriberId": subscriberId },
          ConsistentRead: true,
          ExclusiveStartKey: pageKey(page, (value) => z.parse(tableKey, value)),
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(keyOfPart, item).rechargeId), next: pageMark(LastEvaluatedKey) };
    },

    async eraseHistory(rechargeId) {
      // The start is the first of them by name: it goes last, so that whoever was broken off finds the recharge again.
      const parts = (await readAll(rechargeId, STEP)).map((item) => z.parse(partOf, item).part).toReversed();
      for (const part of parts) await client.send(new DeleteCommand({ TableName: table, Key: { rechargeId, part } }));
    },
  };
}
