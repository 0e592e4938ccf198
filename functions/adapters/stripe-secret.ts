import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { secrets } from "../contracts/environment.ts";
import type { Payments } from "../domain/ports.ts";
import { readSecret } from "./secrets-manager.ts";
import { stripeClient, stripePayments } from "./stripe-payments.ts";
import { keptFor } from "./system.ts";

const SECRET_MINUTES = 5;

/** Stripe, with the key that its secret holds now. */
export function paymentsFromSecret(
  client: Pick<SecretsManagerClient, "send">,
  environment: { readonly STRIPE_SECRET_ARN: string; readonly STAGE: string },
): () => Promise<Payments> {
  return keptFor(SECRET_MINUTES, async () => {
    const secret = await readSecret(client, environment.STRIPE_SECRET_ARN, secrets.stripe);
    return stripePayments({ stripe: stripeClient(secret), stage: environment.STAGE });
  });
}
