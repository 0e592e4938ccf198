import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../../adapters/dynamodb-controls.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { powertoolsMetrics } from "../../adapters/powertools-metrics.ts";
import { sqs, sqsCheckRequests } from "../../adapters/sqs-messages.ts";
import { systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { tick } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { planChecks } from "./plan-checks.ts";

const environment = readEnvironment("plan-checks", process.env);
const ports = {
  controls: dynamoDbControls(dynamoDb(), environment.CONTROLS_TABLE),
  checkRequests: sqsCheckRequests(sqs(), environment.CHECK_BALANCES_QUEUE_URL),
  clock: systemClock,
  metrics: powertoolsMetrics("plan-checks"),
  hashRanges: Number(environment.HASH_RANGES),
};

export const handler = queueHandler(powertoolsLog("plan-checks"), tick, ({ scheduledTime }) => planChecks(ports, scheduledTime));
