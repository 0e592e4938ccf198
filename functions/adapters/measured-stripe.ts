import { Stripe } from "stripe";
import type { Metrics } from "../domain/metrics.ts";
import { measured } from "./measured-calls.ts";

/** The SDK's own client of HTTP; each request is measured until its answer begins, each of a list's pages by itself. */
export function measuredStripeClient(metrics: Metrics): Stripe.HttpClient {
  const client = Stripe.createNodeHttpClient();
  client.makeRequest = measured(metrics, "Stripe", client.makeRequest.bind(client), (response) => response.getStatusCode());
  return client;
}
