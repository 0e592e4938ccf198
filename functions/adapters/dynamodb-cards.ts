import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { DeleteCommand, type DynamoDBDocumentClient, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { Decline } from "../domain/declines.ts";
import type { Cards } from "../domain/ports.ts";
import { storedSeverity } from "./esim-item.ts";

const decline = z.object({ rechargeId: z.string(), at: z.iso.datetime(), code: z.string(), severity: storedSeverity }) satisfies z.ZodMiniType<Decline>;

/** Declines in DynamoDB: one item each, under the card. A card holds few: see domain/declines.ts. */
export function dynamoDbCards(client: DynamoDBDocumentClient, table: string): Cards {
  async function listDeclines(cardKey: string): Promise<Decline[]> {
    const { Items } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "cardKey = :cardKey",
        ExpressionAttributeValues: { ":cardKey": cardKey },
        ConsistentRead: true,
      }),
    );
    return (Items ?? []).map((item) => z.parse(decline, item));
  }

  async function forget(cardKey: string, isForgotten: (decline: Decline) => boolean): Promise<void> {
    for (const { rechargeId } of (await listDeclines(cardKey)).filter(isForgotten)) {
      await client.send(new DeleteCommand({ TableName: table, Key: { cardKey, rechargeId } }));
    }
  }

  return {
    listDeclines,

    async putDecline(cardKey, item) {
      try {
        await client.send(new PutCommand({ TableName: table, Item: { ...item, cardKey }, ConditionExpression: "attribute_not_exists(cardKey)" }));
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },

    clear: (cardKey, upTo) => forget(cardKey, ({ severity, at }) => severity !== "hard" && at <= upTo),

    erase: (cardKey) => forget(cardKey, () => true),
  };
}
