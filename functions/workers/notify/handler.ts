import { dynamoDb } from "../../adapters/dynamodb-client.ts";
import { dynamoDbSubscribers } from "../../adapters/dynamodb-subscribers.ts";
import { payLinksFromSecret } from "../../adapters/hmac-pay-links.ts";
import { powertoolsLog } from "../../adapters/powertools-log.ts";
import { secretsManager } from "../../adapters/secrets-manager.ts";
import { ses, sesMail } from "../../adapters/ses-mail.ts";
import { sns, snsTextMessages } from "../../adapters/sns-text-messages.ts";
import { systemClock } from "../../adapters/system.ts";
import { readEnvironment } from "../../contracts/environment.ts";
import { envelopeOf, noticedEvent } from "../../contracts/events.ts";
import { queueHandler } from "../queue-handler.ts";
import { notify } from "./notify.ts";

const environment = readEnvironment("notify", process.env);
const log = powertoolsLog("notify");
const ports = {
  subscribers: dynamoDbSubscribers(dynamoDb(), environment.SUBSCRIBERS_TABLE),
  mail: sesMail(ses(), environment.MAIL_FROM),
  textMessages: snsTextMessages(sns()),
  payLinks: payLinksFromSecret(secretsManager(), environment),
  clock: systemClock,
  log,
};

export const handler = queueHandler(log, envelopeOf(noticedEvent), ({ detail }) => notify(ports, detail));
