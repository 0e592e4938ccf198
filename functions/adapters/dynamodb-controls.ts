import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { Controls } from "../domain/ports.ts";

const wheel = z.object({ plannedThrough: z.int() });

/** The few single records of a stage, in DynamoDB. */
export function dynamoDbControls(client: DynamoDBDocumentClient, table: string): Controls {
  return {
    async getWheel() {
      const { Item } = await client.send(new GetCommand({ TableName: table, Key: { name: "wheel" }, ConsistentRead: true }));
      return Item === undefined ? undefined : z.parse(wheel, Item);
    },

    async putWheel({ plannedThrough }) {
      try {
        await client.send(
          new PutCommand({
            TableName: table,
            Item: { name: "wheel", plannedThrough },
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
