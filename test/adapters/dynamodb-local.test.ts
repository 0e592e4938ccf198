import { it } from "@jest/globals";
import { describeDynamoDb } from "./dynamodb-contract.ts";
import { reasonAgainstDynamoDbLocal, startDynamoDbLocal } from "./dynamodb-local.ts";

const reason = reasonAgainstDynamoDbLocal();

if (reason === undefined) {
  describeDynamoDb("DynamoDB Local", startDynamoDbLocal);
} else if (process.env.CI !== undefined) {
  it("holds the stores to their contracts on DynamoDB Local", () => {
    throw new Error(reason);
  });
} else {
  console.warn(`SKIPPED: the stores' contracts on DynamoDB Local. ${reason}.`);
  it.skip(`SKIPPED, the stores' contracts on DynamoDB Local: ${reason}`, () => {});
}
