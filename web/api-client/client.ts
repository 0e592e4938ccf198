import createClient, { type Client } from "openapi-fetch";
import type { paths } from "./schema.ts";

export type ApiClient = Client<paths>;

/** Calls the API as its OpenAPI document describes it, for the holder of an access token. The token is asked for at each call, since it is renewed. */
export function apiClient(url: string, accessToken: () => string | Promise<string>): ApiClient {
  const client = createClient<paths>({ baseUrl: url });
  client.use({
    async onRequest({ request }) {
      request.headers.set("authorization", `Bearer ${await accessToken()}`);
      return request;
    },
  });
  return client;
}
