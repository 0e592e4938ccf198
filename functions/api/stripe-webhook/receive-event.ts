import type { APIGatewayProxyStructuredResultV2 as Result } from "aws-lambda";
import * as z from "zod/mini";
import { STRIPE_EVENT_TYPES, type StripeEvent, stripeEvent } from "../../contracts/stripe-events.ts";
import { type Clock, type Log, OutcomeUnknown, type Poke, type Pokes } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import type { SentBody } from "../json-body.ts";
import { HttpProblem } from "../problem.ts";
import { pokeForEvent } from "./poke-for-event.ts";

export interface StripeWebhookPorts {
  /** Tells whether Stripe sent a text, judged by the secrets that there are now; undefined where there are none yet. */
  readonly findVerifier: () => Promise<((signed: { readonly text: string; readonly signature: string; readonly now: Instant }) => boolean) | undefined>;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly log: Log;
  readonly stage: string;
}

/** Many times the largest event of the types that we listen to. */
const LONGEST_BODY = 256 * 1024;

/**
 * Takes an event of Stripe's: all it does is ask the recharge function to look, so events may come late, twice and in any order.
 *
 * Whatever is not answered with 200 is sent again by Stripe, for up to three days. Source: https://docs.stripe.com/webhooks#retries
 */
export async function receiveEvent({ findVerifier, pokes, clock, log, stage }: StripeWebhookPorts, request: SentBody): Promise<Result> {
  const text = textOf(request);
  const isFromStripe = await findVerifier();
  if (isFromStripe === undefined) throw new HttpProblem(503, "webhooks-not-set-up", "The secret of this stage's webhooks is not known yet");
  if (!isFromStripe({ text, signature: request.headers["stripe-signature"] ?? "", now: clock.now() })) {
    log.warn("webhook-refused");
    throw new HttpProblem(400, "not-from-stripe", "Nothing shows that Stripe has just sent this");
  }
  const event = readEvent(text);
  if (event === "unreadable") {
    log.error("webhook-unreadable");
    throw new HttpProblem(400, "unreadable-event", "This is not an event as Stripe describes them");
  }
  const poke = event && pokeForEvent(event, stage);
  if (poke !== undefined) await send(pokes, poke);
  return { statusCode: 200 };
}

function textOf({ body = "", isBase64Encoded }: SentBody): string {
  const text = isBase64Encoded ? Buffer.from(body, "base64").toString() : body;
  if (Buffer.byteLength(text) > LONGEST_BODY) throw new HttpProblem(413, "body-too-large", `The body must be no longer than ${LONGEST_BODY} bytes`);
  return text;
}

/** Undefined for one that we do not listen to. */
function readEvent(text: string): StripeEvent | "unreadable" | undefined {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    return "unreadable";
  }
  const named = z.safeParse(z.object({ type: z.string() }), told);
  if (!named.success) return "unreadable";
  if (!STRIPE_EVENT_TYPES.some((type) => type === named.data.type)) return undefined;
  return z.safeParse(stripeEvent, told).data ?? "unreadable";
}

async function send(pokes: Pokes, poke: Poke): Promise<void> {
  try {
    await pokes.send([poke]);
  } catch (cause) {
    throw new OutcomeUnknown("The queue did not take the poke", { cause });
  }
}
