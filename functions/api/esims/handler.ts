import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../adapters/dynamodb-quotas.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { oidcIdentity } from "../../adapters/oidc-identity.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { esimRoutes } from "../../contracts/esims.ts";
import { apiHandler, route } from "../pipeline.ts";
import { listEsims } from "./list-esims.ts";

const environment = readEnvironment("esims", process.env);
const database = dynamoDb();
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  identity: oidcIdentity(environment.ISSUER_URL),
  clock: systemClock,
};
const carrier = carrierFromSecret(secretsManager(), environment, systemClock);
const quotas = { quotas: dynamoDbQuotas(database, environment.SUBSCRIBERS_TABLE), clock: systemClock, requestsPerHour: Number(environment.REQUESTS_PER_HOUR) };

export const handler = apiHandler(
  powertoolsLog("esims"),
  [route(esimRoutes.listEsims, async (request) => listEsims({ ...local, carrier: await carrier() }, request))],
  quotas,
);
