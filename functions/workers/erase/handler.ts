import { dynamoDbCards } from "../../adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsEraseRequests, sqsPokes } from "../../adapters/sqs-messages.ts";
import { walletFromSecret } from "../../adapters/stripe-secret.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { eraseMessage } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { erase, resumeErasing } from "./erase.ts";

const environment = readEnvironment("erase", process.env);
const database = dynamoDb();
const queues = sqs();
const log = powertoolsLog("erase");
const wallet = walletFromSecret(secretsManager(), environment);
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  cards: dynamoDbCards(database, environment.CARDS_TABLE),
  pokes: sqsPokes(queues, environment.RECHARGE_QUEUE_URL),
  eraseRequests: sqsEraseRequests(queues, environment.ERASE_QUEUE_URL),
  clock: systemClock,
  ids: randomIds,
  log,
};

export const handler = queueHandler(log, eraseMessage, async (message) =>
  "scheduledTime" in message ? resumeErasing(local) : erase({ ...local, wallet: await wallet() }, message),
);
