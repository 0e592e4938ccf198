import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbQuotas } from "../../adapters/dynamodb-quotas.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { oidcIdentity } from "../../adapters/oidc-identity.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { walletFromSecret } from "../../adapters/stripe-secret.ts";
import { randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { paymentMethodRoutes } from "../../contracts/payment-methods.ts";
import { apiHandler, route } from "../pipeline.ts";
import { addMethod, beginAlipaySetup, beginSetup } from "./add-method.ts";
import { listMethods } from "./list-methods.ts";
import { removeMethod } from "./remove-method.ts";
import { setMethodUse } from "./use-method.ts";

const environment = readEnvironment("payment-methods", process.env);
const database = dynamoDb();
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  identity: oidcIdentity(environment.ISSUER_URL),
  clock: systemClock,
  ids: randomIds,
  reusableAlipay: environment.REUSABLE_ALIPAY === "on",
};
const wallet = walletFromSecret(secretsManager(), environment);
const ports = async () => ({ ...local, wallet: await wallet() });

const quotas = { quotas: dynamoDbQuotas(database, environment.SUBSCRIBERS_TABLE), clock: systemClock, requestsPerHour: Number(environment.REQUESTS_PER_HOUR) };
const routes = [
  route(paymentMethodRoutes.beginSetup, async (request) => beginSetup(await ports(), request)),
  route(paymentMethodRoutes.beginAlipaySetup, async (request) => beginAlipaySetup(await ports(), request)),
  route(paymentMethodRoutes.addPaymentMethod, async (request) => addMethod(await ports(), request)),
  route(paymentMethodRoutes.listPaymentMethods, (request) => listMethods(local, request)),
  route(paymentMethodRoutes.setPaymentMethodUse, (request) => setMethodUse(local, request)),
  route(paymentMethodRoutes.removePaymentMethod, async (request) => removeMethod(await ports(), request)),
];

export const handler = apiHandler(powertoolsLog("payment-methods"), routes, quotas);
