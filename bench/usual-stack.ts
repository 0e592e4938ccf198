// What a function of this kind usually loads, for bench/cold-start.ts: every client that ours use, and the libraries that are usually taken around them.
import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics } from "@aws-lambda-powertools/metrics";
import { Tracer } from "@aws-lambda-powertools/tracer";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import middy from "@middy/core";
import { Stripe } from "stripe";
import { z } from "zod";

const tracer = new Tracer({ serviceName: "usual" });
const clients = [new DynamoDBClient(), new EventBridgeClient(), new SecretsManagerClient(), new SESv2Client(), new SNSClient(), new SQSClient()];
const used = {
  logger: new Logger({ serviceName: "usual" }),
  metrics: new Metrics({ serviceName: "usual", namespace: "usual" }),
  documents: DynamoDBDocumentClient.from(new DynamoDBClient()),
  stripe: new Stripe("sk_test_usual"),
  shape: z.object({ id: z.string() }),
};

export const handler = middy(async (event: unknown) => ({ event, tracer, clients, used }));
