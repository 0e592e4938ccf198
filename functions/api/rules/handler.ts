import { dynamoDbCards } from "../../adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../adapters/dynamodb-quotas.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { oidcIdentity } from "../../adapters/oidc-identity.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { largestRecharges, readEnvironment } from "../../contracts/environment.ts";
import { ruleRoutes } from "../../contracts/rules.ts";
import { apiHandler, route } from "../pipeline.ts";
import { previewRule } from "./preview-rule.ts";
import { listRules, readRule } from "./read-rules.ts";
import { readTerms } from "./read-terms.ts";
import { createLineRule, replaceLineRule } from "./save-rule.ts";
import { deleteLineRule, setLineRuleState } from "./set-rule-state.ts";

const environment = readEnvironment("rules", process.env);
const database = dynamoDb();
const log = powertoolsLog("rules");
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  cards: dynamoDbCards(database, environment.CARDS_TABLE),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  identity: oidcIdentity(environment.ISSUER_URL),
  clock: systemClock,
  ids: randomIds,
  log,
  largestRecharges: largestRecharges(environment.LARGEST_RECHARGES),
};
const carrier = carrierFromSecret(secretsManager(), environment, systemClock);
const ports = async () => ({ ...local, carrier: await carrier() });
const quotas = { quotas: dynamoDbQuotas(database, environment.SUBSCRIBERS_TABLE), clock: systemClock, requestsPerHour: Number(environment.REQUESTS_PER_HOUR) };

export const handler = apiHandler(
  log,
  [
    route(ruleRoutes.createRule, async (request) => createLineRule(await ports(), request)),
    route(ruleRoutes.previewRule, async (request) => previewRule(await ports(), request)),
    route(ruleRoutes.listRules, (request) => listRules(local, request)),
    route(ruleRoutes.readRule, (request) => readRule(local, request)),
    route(ruleRoutes.replaceRule, async (request) => replaceLineRule(await ports(), request)),
    route(ruleRoutes.setRuleState, (request) => setLineRuleState(local, request)),
    route(ruleRoutes.deleteRule, (request) => deleteLineRule(local, request)),
    route(ruleRoutes.readTerms, (request) => readTerms(local, request)),
  ],
  quotas,
);
