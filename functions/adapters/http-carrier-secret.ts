import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { secrets } from "../contracts/environment.ts";
import type { Metrics } from "../domain/metrics.ts";
import type { Carrier, Clock } from "../domain/ports.ts";
import { httpCarrier } from "./http-carrier.ts";
import { readSecret } from "./secrets-manager.ts";
import { keptFor } from "./system.ts";

const SECRET_MINUTES = 5;

/** The carrier at the address and with the key that its secret holds now. Without `metrics`, its answers are not measured. */
export function carrierFromSecret(
  client: Pick<SecretsManagerClient, "send">,
  environment: { readonly CARRIER_SECRET_ARN: string; readonly CARRIER_ANSWERS: "final" | "once" },
  clock: Clock,
  metrics?: Metrics,
): () => Promise<Carrier> {
  return keptFor(SECRET_MINUTES, async () => {
    const secret = await readSecret(client, environment.CARRIER_SECRET_ARN, secrets.carrier);
    return httpCarrier({ ...secret, answersAreFinal: environment.CARRIER_ANSWERS === "final", clock, metrics });
  });
}
