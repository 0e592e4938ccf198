import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Stripe } from "stripe";
import { secrets } from "../contracts/environment.ts";
import type { Payments, Wallet } from "../domain/ports.ts";
import { readSecret } from "./secrets-manager.ts";
import { stripeClient, stripePayments } from "./stripe-payments.ts";
import { stripeWallet } from "./stripe-wallet.ts";
import { keptFor } from "./system.ts";

const SECRET_MINUTES = 5;

interface StripeEnvironment {
  readonly STRIPE_SECRET_ARN: string;
  readonly STAGE: string;
}

/** Stripe, with the key that its secret holds now. */
export function paymentsFromSecret(
  client: Pick<SecretsManagerClient, "send">,
  environment: StripeEnvironment,
  httpClient?: Stripe.HttpClient,
): () => Promise<Payments> {
  return fromSecret(client, environment, stripePayments, httpClient);
}

/** The like for ways to pay. */
export function walletFromSecret(client: Pick<SecretsManagerClient, "send">, environment: StripeEnvironment): () => Promise<Wallet> {
  return fromSecret(client, environment, stripeWallet);
}

/** Stripe.js must come from Stripe itself. Source: https://docs.stripe.com/js/including */
const STRIPE_JS = "https://js.stripe.com/v3/";

/** What a page of ours needs to reach Stripe from the browser. */
export function stripePageFromSecret(
  client: Pick<SecretsManagerClient, "send">,
  { STRIPE_SECRET_ARN }: StripeEnvironment,
): () => Promise<{ readonly publishableKey?: string; readonly scriptUrl: string }> {
  return keptFor(SECRET_MINUTES, async () => {
    const { publishableKey, scriptUrl = STRIPE_JS } = await readSecret(client, STRIPE_SECRET_ARN, secrets.stripe);
    return { publishableKey, scriptUrl };
  });
}

function fromSecret<T>(
  client: Pick<SecretsManagerClient, "send">,
  { STRIPE_SECRET_ARN, STAGE }: StripeEnvironment,
  make: (access: { readonly stripe: Stripe; readonly stage: string }) => T,
  httpClient?: Stripe.HttpClient,
): () => Promise<T> {
  return keptFor(SECRET_MINUTES, async () => {
    const secret = await readSecret(client, STRIPE_SECRET_ARN, secrets.stripe);
    return make({ stripe: stripeClient({ ...secret, httpClient }), stage: STAGE });
  });
}
