import { dynamoDbCards } from "../../adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../adapters/dynamodb-quotas.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { oidcIdentity } from "../../adapters/oidc-identity.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { paymentsFromSecret } from "../../adapters/stripe-secret.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { largestRecharges, readEnvironment } from "../../contracts/environment.ts";
import { rechargeRoutes } from "../../contracts/recharges.ts";
import { apiHandler, route } from "../pipeline.ts";
import { cancelRecharge } from "./cancel-recharge.ts";
import { listRecharges, readRecharge } from "./read-recharges.ts";
import { rechargeNow } from "./recharge-now.ts";

const environment = readEnvironment("recharges", process.env);
const database = dynamoDb();
const secrets = secretsManager();
const log = powertoolsLog("recharges");
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  cards: dynamoDbCards(database, environment.CARDS_TABLE),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  identity: oidcIdentity(environment.ISSUER_URL),
  payments: paymentsFromSecret(secrets, environment),
  largestRecharges: largestRecharges(environment.LARGEST_RECHARGES),
  clock: systemClock,
  ids: randomIds,
  log,
};
const carrier = carrierFromSecret(secrets, environment, systemClock);

const quotas = { quotas: dynamoDbQuotas(database, environment.SUBSCRIBERS_TABLE), clock: systemClock, requestsPerHour: Number(environment.REQUESTS_PER_HOUR) };

const routes = [
  route(rechargeRoutes.rechargeNow, async (request) => rechargeNow({ ...local, carrier: await carrier() }, request)),
  route(rechargeRoutes.cancelRecharge, (request) => cancelRecharge(local, request)),
  route(rechargeRoutes.listRecharges, (request) => listRecharges(local, request)),
  route(rechargeRoutes.readRecharge, (request, admit) => readRecharge(local, request, admit)),
];
export const handler = apiHandler(log, routes, quotas);
