import { createHmac } from "node:crypto";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../adapters/dynamodb-quotas.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { oidcIdentity } from "../../adapters/oidc-identity.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { readSecret, secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { keptFor, randomCodes, randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment, secrets } from "../../contracts/environment.ts";
import { familyRoutes } from "../../contracts/family.ts";
import { apiHandler, route } from "../pipeline.ts";
import { endFamilyGrant } from "./end-family-grant.ts";
import { giveFamilyGrant } from "./give-family-grant.ts";
import { listFamilyLines } from "./list-family-lines.ts";
import { requestCode } from "./request-code.ts";

const SECRET_MINUTES = 5;

const environment = readEnvironment("family", process.env);
const database = dynamoDb();
const secretsClient = secretsManager();
const log = powertoolsLog("family");
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  identity: oidcIdentity(environment.ISSUER_URL),
  clock: systemClock,
  ids: randomIds,
  codes: randomCodes,
  log,
};
const carrier = carrierFromSecret(secretsClient, environment, systemClock);
const lineHashKey = keptFor(SECRET_MINUTES, async () => (await readSecret(secretsClient, environment.LINE_HASH_SECRET_ARN, secrets.lineHash)).key);

async function ports() {
  const [carrierNow, key] = await Promise.all([carrier(), lineHashKey()]);
  return { ...local, carrier: carrierNow, hash: (text: string) => createHmac("sha256", key).update(text).digest("hex") };
}

const routes = [
  route(familyRoutes.requestFamilyCode, async (request) => requestCode(await ports(), request)),
  route(familyRoutes.listFamilyLines, (request) => listFamilyLines(local, request)),
  route(familyRoutes.putFamilyLine, async (request) => giveFamilyGrant(await ports(), request)),
  route(familyRoutes.deleteFamilyLine, (request) => endFamilyGrant(local, request)),
];
const quotas = { quotas: dynamoDbQuotas(database, environment.SUBSCRIBERS_TABLE), clock: systemClock, requestsPerHour: Number(environment.REQUESTS_PER_HOUR) };

export const handler = apiHandler(log, routes, quotas);
