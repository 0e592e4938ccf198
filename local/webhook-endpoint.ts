import type { Stripe } from "stripe";
import { STRIPE_EVENT_TYPES, stripeWebhookRoutes } from "../functions/contracts/stripe-events.ts";

/** The stack's endpoint at Stripe. */
export interface WebhookEndpoint {
  readonly secret: string;
  /** Tells Stripe where the API is now. */
  moveTo(apiUrl: string): Promise<void>;
}

const { path } = stripeWebhookRoutes.receiveStripeEvent;

/** Makes the endpoint at the first start: its secret is shown only then, and what Stripe has still to send waits for the endpoint's later starts. */
export async function keptWebhookEndpoint(
  { webhookEndpoints }: Stripe,
  kept: (name: string, make: () => Promise<string>) => Promise<string>,
): Promise<WebhookEndpoint> {
  const idAndSecret = await kept("webhook-endpoint", async () => {
    const { id, secret } = await webhookEndpoints.create({ url: `http://127.0.0.1${path}`, enabled_events: STRIPE_EVENT_TYPES });
    return `${id} ${secret}`;
  });
  const [id = "", secret = ""] = idAndSecret.split(" ");
  return {
    secret,
    moveTo: async (apiUrl) => void (await webhookEndpoints.update(id, { url: apiUrl + path, enabled_events: STRIPE_EVENT_TYPES })),
  };
}
