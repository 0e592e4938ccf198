import type { Context, SQSEvent } from "aws-lambda";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../../adapters/dynamodb-controls.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { eventBridge, eventBridgeEvents } from "../../adapters/eventbridge-events.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { readSecret, secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes, sqsReconcileRequests } from "../../adapters/sqs-messages.ts";
import { stripeLedger } from "../../adapters/stripe-ledger.ts";
import { stripeClient, stripePayments } from "../../adapters/stripe-payments.ts";
import { keptFor, systemClock } from "../../adapters/system.ts";
import { readEnvironment, secrets } from "../../contracts/environment.ts";
import { reconcileMessage } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { planReconcile } from "./plan-reconcile.ts";
import { reconcile } from "./reconcile.ts";

const SECRET_MINUTES = 5;

const environment = readEnvironment("reconcile", process.env);
const database = dynamoDb();
const messages = sqs();
const secretsClient = secretsManager();
const log = powertoolsLog("reconcile");
const carrier = carrierFromSecret(secretsClient, environment, systemClock);
const stripe = keptFor(SECRET_MINUTES, async () => {
  const access = { stripe: stripeClient(await readSecret(secretsClient, environment.STRIPE_SECRET_ARN, secrets.stripe)), stage: environment.STAGE };
  return { payments: stripePayments(access), ledger: stripeLedger(access) };
});
const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  controls: dynamoDbControls(database, environment.CONTROLS_TABLE),
  events: eventBridgeEvents(eventBridge(), environment.EVENT_BUS_NAME),
  pokes: sqsPokes(messages, environment.RECHARGE_QUEUE_URL),
  reconcileRequests: sqsReconcileRequests(messages, environment.RECONCILE_QUEUE_URL),
  clock: systemClock,
  log,
};

export const handler = (event: SQSEvent, context: Context) =>
  queueHandler(log, reconcileMessage, async (message) => {
    if ("every" in message) return planReconcile(local, message);
    return reconcile({ ...local, ...(await stripe()), carrier: await carrier(), timeLeft: () => context.getRemainingTimeInMillis() }, message);
  })(event);
