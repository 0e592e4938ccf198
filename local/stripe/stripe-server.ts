import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { parseForm } from "./form.ts";
import type { StripeModel } from "./stripe-model.ts";

export interface StripeServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** A promise of more bytes than will come: a connection that breaks after the head is not tried again by the SDK, unlike one that breaks before. */
const NEVER_SENT_BYTES = 1000;

/** Serves the model over HTTP on this machine only. `port` 0, or none, takes a free one. */
export async function startStripeServer({ model, port = 0 }: { readonly model: StripeModel; readonly port?: number }): Promise<StripeServer> {
  const server = createServer((request, response) => {
    reply(model, request, response).catch((fault: unknown) => {
      // A fault of the model's own: say so loudly, as no Stripe would.
      if (response.headersSent) response.destroy();
      else send(response, 500, {}, { error: { type: "api_error", message: `The local Stripe failed: ${String(fault)}` } });
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (!isTcp(address)) throw new Error("The local Stripe has no TCP address");
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

async function reply(model: StripeModel, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const body = await text(request);
  const key = request.headers["idempotency-key"];
  const answer = model.handle({
    method: request.method ?? "GET",
    path: url.pathname,
    form: parseForm(request.method === "POST" ? body : url.search),
    authorization: request.headers.authorization,
    idempotencyKey: typeof key === "string" ? key : undefined,
  });
  if (answer.kind === "lost") {
    response.writeHead(200, { "content-length": NEVER_SENT_BYTES });
    response.write("{", () => response.destroy());
    return;
  }
  send(response, answer.status, answer.headers, answer.body);
}

function send(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: object): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}
