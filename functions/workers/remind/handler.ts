import type { Context, SQSEvent } from "aws-lambda";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { eventBridge, eventBridgeEvents } from "../../adapters/eventbridge-events.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { sqs, sqsRemindRequests } from "../../adapters/sqs-messages.ts";
import { systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { remindRequest } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { remind } from "./remind.ts";

const environment = readEnvironment("remind", process.env);
const database = dynamoDb();
const log = powertoolsLog("remind");
const ports = {
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  events: eventBridgeEvents(eventBridge(), environment.EVENT_BUS_NAME),
  remindRequests: sqsRemindRequests(sqs(), environment.REMIND_QUEUE_URL),
  clock: systemClock,
  log,
};

export const handler = (event: SQSEvent, context: Context) =>
  queueHandler(log, remindRequest, (request) => remind({ ...ports, timeLeft: () => context.getRemainingTimeInMillis() }, request))(event);
