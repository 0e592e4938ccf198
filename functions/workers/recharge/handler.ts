import { createHmac } from "node:crypto";
import { dynamoDbCards } from "../../adapters/dynamodb-cards.ts";
import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../../adapters/dynamodb-controls.ts";
import { dynamoDbEsims } from "../../adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../../adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { eventBridge, eventBridgeEvents } from "../../adapters/eventbridge-events.ts";
import { carrierFromSecret } from "../../adapters/http-carrier-secret.ts";
import { measuredStripeClient } from "../../adapters/measured-stripe.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { powertoolsMetrics } from "../../adapters/powertools-metrics.ts";
import { readSecret, secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { paymentsFromSecret } from "../../adapters/stripe-secret.ts";
import { keptFor, randomIds, systemClock } from "../../adapters/system.ts";
import { readEnvironment, secrets } from "../../contracts/environment.ts";
import { rechargeMessage } from "../../contracts/messages.ts";
import { queueHandler } from "../queue-handler.ts";
import { look } from "./look.ts";
import type { RechargePorts } from "./ports.ts";

const SECRET_MINUTES = 5;

const environment = readEnvironment("recharge", process.env);
const database = dynamoDb();
const secretsClient = secretsManager();
const log = powertoolsLog("recharge");
const metrics = powertoolsMetrics("recharge");
const carrier = carrierFromSecret(secretsClient, environment, systemClock, metrics);
const payments = paymentsFromSecret(secretsClient, environment, measuredStripeClient(metrics));
// Never rotated: the bills of a line must stay together.
const lineHashKey = keptFor(SECRET_MINUTES, async () => (await readSecret(secretsClient, environment.LINE_HASH_SECRET_ARN, secrets.lineHash)).key);

const local = {
  esims: dynamoDbEsims(database, environment.ESIMS_TABLE),
  recharges: dynamoDbRecharges(database, environment.RECHARGES_TABLE),
  subscribers: dynamoDbSubscribers(database, environment.SUBSCRIBERS_TABLE),
  cards: dynamoDbCards(database, environment.CARDS_TABLE),
  controls: dynamoDbControls(database, environment.CONTROLS_TABLE),
  events: eventBridgeEvents(eventBridge(), environment.EVENT_BUS_NAME),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  clock: systemClock,
  ids: randomIds,
  log,
  metrics,
  readIntervalSeconds: Number(environment.CARRIER_READ_INTERVAL_SECONDS),
};

async function ports(): Promise<RechargePorts> {
  const [carrierNow, paymentsNow, key] = await Promise.all([carrier(), payments(), lineHashKey()]);
  const hashLine = (iccid: string) => createHmac("sha256", key).update(iccid).digest("hex");
  return { ...local, carrier: carrierNow, payments: paymentsNow, hashLine };
}

export const handler = queueHandler(log, rechargeMessage, async (message) => look(await ports(), message));
