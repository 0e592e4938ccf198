import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { readSecret, secretsManager } from "../../adapters/secrets-manager.ts";
import { sqs, sqsPokes } from "../../adapters/sqs-messages.ts";
import { stripeSignatures } from "../../adapters/stripe-webhooks.ts";
import { keptFor, systemClock } from "../../adapters/system.ts";
import { readEnvironment, secrets } from "../../contracts/environment.ts";
import { stripeWebhookRoutes } from "../../contracts/stripe-events.ts";
import { apiHandler } from "../pipeline.ts";
import { receiveEvent } from "./receive-event.ts";

const SECRET_MINUTES = 5;

const environment = readEnvironment("stripe-webhook", process.env);
const secretsClient = secretsManager();
const log = powertoolsLog("stripe-webhook");
const ports = {
  findVerifier: keptFor(SECRET_MINUTES, async () => {
    const { webhookSecrets } = await readSecret(secretsClient, environment.STRIPE_SECRET_ARN, secrets.stripe);
    return webhookSecrets && stripeSignatures(webhookSecrets);
  }),
  pokes: sqsPokes(sqs(), environment.RECHARGE_QUEUE_URL),
  clock: systemClock,
  log,
  stage: environment.STAGE,
};

export const handler = apiHandler(log, [{ ...stripeWebhookRoutes.receiveStripeEvent, respond: (event) => receiveEvent(ports, event) }]);
