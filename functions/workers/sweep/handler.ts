import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { powertoolsMetrics } from "../../adapters/powertools-metrics.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { tick } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { sweep } from "./sweep.ts";

const environment = readEnvironment("sweep", process.env);
const ports = {
  esims: dynamoDbEsims(dynamoDb(), environment.ESIMS_TABLE),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  clock: systemClock,
  metrics: powertoolsMetrics("sweep"),
};

export const handler = queueHandler(powertoolsLog("sweep"), tick, () => sweep(ports));
