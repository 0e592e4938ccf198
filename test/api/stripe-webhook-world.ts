import { apiHandler } from "../../functions/api/pipeline.ts";
import type { Poke } from "../../functions/domain/ports.ts";
import { instant } from "../../functions/domain/time.ts";
import { NOW } from "../builders.ts";
import { type ApiAnswer, callApi, stripeSignature, stripeWebhookRoute, WEBHOOK_SECRET } from "./api-world.ts";
import { checkDocumented } from "./documented.ts";

interface Around {
  /** Undefined: the operator has written none. */
  readonly secrets?: readonly string[] | undefined;
  readonly now?: () => number;
  /** The queue, before it takes anything. */
  readonly sendPokes?: () => Promise<void>;
}

interface SentWebhook {
  readonly body: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isBase64Encoded?: boolean;
}

/** The function `stripe-webhook` in front of a queue in memory. */
export function stripeWebhookWorld(around: Around = {}) {
  const { now = () => Date.parse(NOW), sendPokes = async () => {} } = around;
  const pokes: Poke[] = [];
  const logged: string[] = [];
  const note = (code: string) => void logged.push(code);
  const log = { info: note, warn: note, error: note };
  const send = async (sent: readonly Poke[]) => {
    await sendPokes();
    pokes.push(...sent);
  };
  const route = stripeWebhookRoute({ pokes: { send }, clock: { now: () => instant(now()) }, log }, "secrets" in around ? around.secrets : [WEBHOOK_SECRET]);
  const handler = apiHandler(log, [route]);
  const post = async ({ headers = {}, ...sent }: SentWebhook): Promise<ApiAnswer> => {
    const answer = await callApi(handler, { ...route, headers: { "content-type": "application/json; charset=utf-8", ...headers }, ...sent });
    checkDocumented(route, answer);
    return answer;
  };
  return {
    pokes,
    logged,
    post,
    /** Sends a text with this header, or as Stripe would. */
    postSigned: (text: string, header = stripeSignature(text)) => post({ body: text, headers: { "stripe-signature": header } }),
  };
}
