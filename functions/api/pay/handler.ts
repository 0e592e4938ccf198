import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { payLinksFromSecret } from "../../adapters/hmac-pay-links.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { paymentsFromSecret, stripePageFromSecret } from "../../adapters/stripe-secret.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { payLinkRoutes } from "../../contracts/pay-links.ts";
import { apiHandler } from "../pipeline.ts";
import { callOffPayLink, readPayLink } from "./answer-link.ts";
import { callOffOnPage, showPayPage } from "./show-page.ts";

const environment = readEnvironment("pay", process.env);
const database = dynamoDb();
const secretsClient = secretsManager();
const log = powertoolsLog("pay");
const ports = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  payLinks: payLinksFromSecret(secretsClient, environment),
  payments: paymentsFromSecret(secretsClient, environment),
  stripePage: stripePageFromSecret(secretsClient, environment),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  clock: systemClock,
  ids: randomIds,
  nonces: randomIds,
  log,
};

export const handler = apiHandler(log, [
  { ...payLinkRoutes.readPayLink, respond: (event) => readPayLink(ports, event) },
  { ...payLinkRoutes.callOffPayLink, respond: (event) => callOffPayLink(ports, event) },
  { ...payLinkRoutes.showPayPage, respond: (event) => showPayPage(ports, event) },
  { ...payLinkRoutes.callOffOnPage, respond: (event) => callOffOnPage(ports, event) },
]);
