import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { Esim } from "../domain/esim.ts";
import type { Iccid } from "../domain/iccid.ts";
import type { Esims } from "../domain/ports.ts";
import { keyText, pageKey, pageMark } from "./dynamodb-client.ts";
import { carriesWriteId, esimFrom, itemOf, slotLineFrom } from "./esim-item.ts";

const PAGE_SIZE = 100;
const GETS_PER_BATCH = 100; // DynamoDB's limit
const BATCH_TRIES = 5;

const subscriberKey = z.strictObject({ iccid: keyText, subscriberId: keyText });
const slotIndexKey = z.strictObject({ iccid: keyText, slot: keyText, slotHash: keyText });
const lookKey = z.strictObject({ iccid: keyText, lookShard: keyText, lookAt: keyText });
const tableKey = z.strictObject({ iccid: keyText });
const indexed = z.object({ iccid: z.string() });
const due = z.object({ iccid: z.string(), lookAt: z.string() });

/**
 * Lines in DynamoDB: one item each, written only on the version that was read.
 *
 * A line that cannot be read is never left out: to whoever asks for many it would pass for one that is not stored.
 */
export function dynamoDbEsims(client: DynamoDBDocumentClient, table: string): Esims {
  async function read(iccid: Iccid): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { iccid }, ConsistentRead: true }));
    return Item;
  }

  async function loadBatch(iccids: readonly Iccid[]): Promise<Esim[]> {
    const found: Esim[] = [];
    let keys: Record<string, unknown>[] = iccids.map((iccid) => ({ iccid }));
    for (let attempt = 1; keys.length > 0; attempt++) {
      if (attempt > BATCH_TRIES) throw new Error(`DynamoDB left ${keys.length} lines unread after ${BATCH_TRIES} tries`);
      const reply = await client.send(new BatchGetCommand({ RequestItems: { [table]: { Keys: keys, ConsistentRead: true } } }));
      found.push(...(reply.Responses?.[table] ?? []).map(esimFrom));
      keys = reply.UnprocessedKeys?.[table]?.Keys ?? [];
    }
    return found;
  }

  return {
    async load(iccid) {
      const item = await read(iccid);
      return item === undefined ? undefined : esimFrom(item);
    },

    async loadMany(iccids) {
      const keys = [...new Set(iccids)]; // DynamoDB refuses a batch that asks twice
      const batches: Esim[][] = [];
      for (let i = 0; i < keys.length; i += GETS_PER_BATCH) batches.push(await loadBatch(keys.slice(i, i + GETS_PER_BATCH)));
      return batches.flat();
    },

    async save(esim, writeId) {
      const version = esim.version + 1;
      try {
        await client.send(
          new PutCommand({
            TableName: table,
            Item: itemOf(esim, version, writeId),
            ...(esim.version === 0
              ? { ConditionExpression: "attribute_not_exists(iccid)" }
              : {
                  ConditionExpression: "#version = :read",
                  ExpressionAttributeNames: { "#version": "version" },
                  ExpressionAttributeValues: { ":read": esim.version },
                }),
          }),
        );
        return { ...esim, version };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const stored = await read(esim.iccid);
        return stored !== undefined && carriesWriteId(stored, writeId) ? esimFrom(stored) : undefined;
      }
    },

    async listBySubscriber(subscriberId, page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: "bySubscriber",
          KeyConditionExpression: "subscriberId = :subscriberId",
          ExpressionAttributeValues: { ":subscriberId": subscriberId },
          // Whatever a mark says, only this subscriber's lines are listed.
          ExclusiveStartKey: pageKey(page, (value) => ({ ...z.parse(subscriberKey, value), subscriberId })),
          Limit: PAGE_SIZE,
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(indexed, item).iccid), next: pageMark(LastEvaluatedKey) };
    },

    async listSlot({ slot, from, to }, page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: "slots",
          KeyConditionExpression: "slot = :slot and slotHash between :from and :to",
          ExpressionAttributeValues: { ":slot": slot, ":from": from, ":to": to },
          ExclusiveStartKey: pageKey(page, (value) => z.parse(slotIndexKey, value)),
          Limit: PAGE_SIZE,
        }),
      );
      return { items: (Items ?? []).map(slotLineFrom), next: pageMark(LastEvaluatedKey) };
    },

    async listDue(shard, now, page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: "look",
          KeyConditionExpression: "lookShard = :shard and lookAt <= :now",
          ExpressionAttributeValues: { ":shard": shard, ":now": now },
          ExclusiveStartKey: pageKey(page, (value) => z.parse(lookKey, value)),
          Limit: PAGE_SIZE,
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(due, item)), next: pageMark(LastEvaluatedKey) };
    },

    async findOf(subscriberId, page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new ScanCommand({
          TableName: table,
          // A former payer is in no index.
          FilterExpression:
            "subscriberId = :subscriberId or attribute_exists(spend.#subscriberId) or #open.subscriberId = :subscriberId or requested.subscriberId = :subscriberId",
          ProjectionExpression: "iccid",
          ExpressionAttributeNames: { "#subscriberId": subscriberId, "#open": "open" },
          ExpressionAttributeValues: { ":subscriberId": subscriberId },
          ConsistentRead: true,
          ExclusiveStartKey: pageKey(page, (value) => z.parse(tableKey, value)),
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(indexed, item).iccid), next: pageMark(LastEvaluatedKey) };
    },

    async remove({ iccid, version }) {
      try {
        await client.send(
          new DeleteCommand({
            TableName: table,
            Key: { iccid },
            ConditionExpression: "#version = :read",
            ExpressionAttributeNames: { "#version": "version" },
            ExpressionAttributeValues: { ":read": version },
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return (await read(iccid)) === undefined; // removed before: by this very call, whose reply was lost, or by another
      }
    },

    async postpone(iccid, lookAt) {
      try {
        await client.send(
          new UpdateCommand({
            TableName: table,
            Key: { iccid },
            UpdateExpression: "set lookAt = :lookAt",
            ConditionExpression: "attribute_exists(lookAt)",
            ExpressionAttributeValues: { ":lookAt": lookAt },
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error; // nothing is to be done on it any more
      }
    },
  };
}
