import type { Context, SQSEvent } from "aws-lambda";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { eventBridge, eventBridgeEvents } from "../../adapters/eventbridge-events.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { powertoolsMetrics } from "../../adapters/powertools-metrics.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsCheckRequests, sqsPokes } from "../../adapters/sqs-messages.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { checkRequest } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { checkBalances } from "./check-balances.ts";

const environment = readEnvironment("check-balances", process.env);
const log = powertoolsLog("check-balances");
const metrics = powertoolsMetrics("check-balances");
const messages = sqs();
const local = {
  esims: dynamoDbEsims(dynamoDb(), environment.ESIMS_TABLE),
  events: eventBridgeEvents(eventBridge(), environment.EVENT_BUS_NAME),
  checkRequests: sqsCheckRequests(messages, environment.CHECK_BALANCES_QUEUE_URL),
  pokes: sqsPokes(messages, environment.RECHARGE_QUEUE_URL),
  clock: systemClock,
  ids: randomIds,
  log,
  metrics,
};
const carrier = carrierFromSecret(secretsManager(), environment, systemClock, metrics);

export const handler = (event: SQSEvent, context: Context) =>
  queueHandler(log, checkRequest, async (request) =>
    checkBalances({ ...local, carrier: await carrier(), timeLeft: () => context.getRemainingTimeInMillis() }, request),
  )(event);
