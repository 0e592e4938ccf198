import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { paymentsFromSecret } from "../../adapters/stripe-secret.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { rechargeRoutes } from "../../contracts/recharges.ts";
import { apiHandler, route } from "../pipeline.ts";
import { listRecharges, readRecharge } from "./read-recharges.ts";

const environment = readEnvironment("recharges", process.env);
const database = dynamoDb();
const ports = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  payments: paymentsFromSecret(secretsManager(), environment),
};

export const handler = apiHandler(powertoolsLog("recharges"), [
  route(rechargeRoutes.listRecharges, (request) => listRecharges(ports, request)),
  route(rechargeRoutes.readRecharge, (request) => readRecharge(ports, request)),
]);
