import { dynamoDbCards } from "../../adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../adapters/dynamodb-quotas.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { oidcIdentity } from "../../adapters/oidc-identity.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { sqs, sqsEraseRequests, sqsPokes } from "../../adapters/sqs-messages.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { meRoutes } from "../../contracts/me.ts";
import { apiHandler, route } from "../pipeline.ts";
import { changeMe, readMe } from "./change-me.ts";
import { closeAccount } from "./close-account.ts";
import { exportMe } from "./export-me.ts";

const environment = readEnvironment("me", process.env);
const database = dynamoDb();
const queues = sqs();
const log = powertoolsLog("me");
const ports = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  cards: dynamoDbCards(database, environment.CARDS_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  pokes: sqsPokes(queues, environment.RECHARGE_QUEUE_URL),
  eraseRequests: sqsEraseRequests(queues, environment.ERASE_QUEUE_URL),
  identity: oidcIdentity(environment.ISSUER_URL),
  clock: systemClock,
  ids: randomIds,
  log,
};

const quotas = { quotas: dynamoDbQuotas(database, environment.SUBSCRIBERS_TABLE), clock: systemClock, requestsPerHour: Number(environment.REQUESTS_PER_HOUR) };

const routes = [
  route(meRoutes.readMe, (request) => readMe(ports, request)),
  route(meRoutes.changeMe, (request) => changeMe(ports, request)),
  route(meRoutes.exportMe, (request) => exportMe(ports, request)),
  route(meRoutes.closeAccount, (request) => closeAccount(ports, request)),
];
export const handler = apiHandler(log, routes, quotas);
