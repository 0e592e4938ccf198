import { expect, it } from "@jest/globals";
import { describeDynamoDb } from "./dynamodb-contract.ts";
import { reasonAgainstDynamoDbLocal, startDynamoDbLocal } from "./dynamodb-local.ts";

const reason = reasonAgainstDynamoDbLocal();

if (reason === undefined) {
  describeDynamoDb("DynamoDB Local", startDynamoDbLocal);
} else {
  console.warn(`LEFT OUT: the stores' contracts on DynamoDB Local. ${reason}.`);
  it("is left out for want of Java alone, and never in CI", () => {
    expect([reason, process.env.CI]).toEqual([expect.stringMatching(/needs Java/), undefined]);
  });
}
