import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Quotas } from "../domain/ports.ts";
import { quotaHour } from "../domain/quota.ts";

/** Counters in the table of subscribers, in DynamoDB: `quota#<name>#<hour>` under the subscriber's id, one conditional write for each use. */
export function dynamoDbQuotas(client: DynamoDBDocumentClient, table: string): Quotas {
  return {
    async take({ subscriberId, name, perHour, now }) {
      const { hour, endsAtEpochSeconds } = quotaHour(now);
      try {
        await client.send(
          new UpdateCommand({
            TableName: table,
            Key: { subscriberId, part: `quota#${name}#${hour}` },
            UpdateExpression: "ADD used :one SET expiresAt = :expiresAt",
            ConditionExpression: "attribute_not_exists(used) OR used < :perHour",
            ExpressionAttributeValues: { ":one": 1, ":expiresAt": endsAtEpochSeconds, ":perHour": perHour }, // TTL wants seconds
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return false;
      }
    },
  };
}
