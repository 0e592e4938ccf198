import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import { isNamedBy } from "./events.ts";
import type { createEndpoint, listEndpoints, updateEndpoint } from "./parameters.ts";
import { KIND, mergeMetadata, noSuch, pageOf, type Result, type StripeWorld, seconds } from "./stripe-world.ts";

interface StoredEndpoint {
  readonly endpoint: Stripe.WebhookEndpoint;
  readonly secrets: readonly SigningSecret[];
}

interface SigningSecret {
  readonly secret: string;
  /** Epoch milliseconds; missing for the one that is not being replaced. */
  readonly until?: number;
}

/** Where Stripe sends events, and what it signs them with. Source: https://docs.stripe.com/api/webhook_endpoints */
export function webhookEndpoints({ records, now, newId }: Omit<StripeWorld, "emit">) {
  const put = (stored: StoredEndpoint) => records.put(KIND.endpoint, stored.endpoint.id, stored);
  const list = () => records.list<StoredEndpoint>(KIND.endpoint);

  function load(id: string): StoredEndpoint {
    const stored = records.get<StoredEndpoint>(KIND.endpoint, id);
    if (stored === undefined) throw noSuch("webhook endpoint", id, "webhook_endpoint", 404);
    return stored;
  }

  return {
    /** The only answer that shows the secret. */
    create({ url, enabled_events, description, metadata, api_version }: z.output<typeof createEndpoint>): Result {
      const endpoint: Stripe.WebhookEndpoint = {
        id: newId("we_"),
        object: "webhook_endpoint",
        api_version: api_version ?? null,
        application: null,
        created: seconds(now()),
        description: description ?? null,
        enabled_events,
        livemode: false,
        metadata,
        status: "enabled",
        url,
      };
      const secret = newId("whsec_");
      put({ endpoint, secrets: [{ secret }] });
      return { body: { ...endpoint, secret } };
    },

    retrieve: (id: string): Result => ({ body: load(id).endpoint }),

    list(page: z.output<typeof listEndpoints>): Result {
      const all = list().map(({ endpoint }) => endpoint);
      return pageOf("/v1/webhook_endpoints", all, page);
    },

    update(id: string, { disabled, metadata, ...changes }: z.output<typeof updateEndpoint>): Result {
      const { endpoint, secrets } = load(id);
      const status = disabled === undefined ? endpoint.status : disabled ? "disabled" : "enabled";
      const updated = { ...endpoint, ...changes, status, metadata: mergeMetadata(endpoint.metadata, metadata) };
      put({ endpoint: updated, secrets });
      return { body: updated };
    },

    delete(id: string): Result {
      load(id);
      records.remove(KIND.endpoint, id);
      return { body: { id, object: "webhook_endpoint", deleted: true } };
    },

    /** Gives the endpoint a new secret; the old one signs too for a while. Source: https://docs.stripe.com/webhooks#roll-endpoint-secrets */
    rollSecret(id: string, bothForHours: number): string {
      const { endpoint, secrets } = load(id);
      const secret = newId("whsec_");
      const until = now() + bothForHours * 60 * 60 * 1000;
      put({ endpoint, secrets: [{ secret }, ...secrets.map((old) => ({ until, ...old }))] });
      return secret;
    },

    /** The ids of the enabled endpoints that want events of this type. */
    listListening: (type: string): string[] =>
      list()
        .map(({ endpoint }) => endpoint)
        .filter(({ status, enabled_events }) => status === "enabled" && isNamedBy(enabled_events, type))
        .map(({ id }) => id),

    findEnabled(id: string): { readonly url: string; readonly secrets: string[] } | undefined {
      const stored = records.get<StoredEndpoint>(KIND.endpoint, id);
      if (stored?.endpoint.status !== "enabled") return undefined;
      const valid = stored.secrets.filter(({ until = Infinity }) => until > now());
      return { url: stored.endpoint.url, secrets: valid.map(({ secret }) => secret) };
    },
  };
}
