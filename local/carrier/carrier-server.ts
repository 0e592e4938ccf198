import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import * as z from "zod/mini";
import {
  balanceQuery,
  esimQuery,
  SIGNATURE_HEADER,
  SIGNATURE_TOLERANCE_SECONDS,
  signCarrierRequest,
  TIMESTAMP_HEADER,
  topUpOrder,
} from "../../functions/contracts/carrier.ts";
import type { CarrierModel } from "./carrier-model.ts";

export interface CarrierServerOptions {
  readonly model: CarrierModel;
  readonly secret: string;
  /** Any free one unless given. */
  readonly port?: number;
  /** How old a request may be by the carrier's clock; asked for each, since that clock may run fast and be moved on while a request is under way. */
  readonly toleranceSeconds?: () => number;
}

export interface CarrierServer {
  readonly url: string;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

/** Serves a carrier model as docs/carrier-api.yaml says, on this machine only. */
export async function startCarrierServer({
  model,
  secret,
  port = 0,
  toleranceSeconds = () => SIGNATURE_TOLERANCE_SECONDS,
}: CarrierServerOptions): Promise<CarrierServer> {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const reply = isSigned(request, body, secret, model.now(), toleranceSeconds())
      ? answer(model, request, body)
      : problem(401, "bad-signature", "Missing, wrong or too old");
    if (reply === "no-reply") {
      request.socket.destroy();
      return;
    }
    const type = reply.status === 200 ? "application/json" : "application/problem+json";
    response.writeHead(reply.status, { "content-type": type, "cache-control": "no-store" }).end(JSON.stringify(reply.body));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      console.error("The local carrier broke:", error);
      request.socket.destroy();
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The local carrier listens on no port");

  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function isSigned(request: IncomingMessage, body: Uint8Array, secret: string, nowMilliseconds: number, toleranceSeconds: number): boolean {
  const timestamp = request.headers[TIMESTAMP_HEADER.toLowerCase()];
  const signature = request.headers[SIGNATURE_HEADER.toLowerCase()];
  if (typeof timestamp !== "string" || typeof signature !== "string" || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(nowMilliseconds / 1000 - Number(timestamp)) > toleranceSeconds) return false;
  const right = Buffer.from(signCarrierRequest(secret, { timestamp, method: request.method ?? "", path: request.url ?? "", body }));
  const given = Buffer.from(signature);
  return given.length === right.length && timingSafeEqual(given, right);
}

function answer(model: CarrierModel, request: IncomingMessage, body: Buffer): Reply | "no-reply" {
  const route = `${request.method} ${request.url}`;
  switch (route) {
    case "POST /v1/esims/query":
      return withBody(esimQuery, body, (who) => ok(model.queryEsims(who)));
    case "POST /v1/balances/query":
      return withBody(balanceQuery, body, ({ iccids }) => ok(model.queryBalances(iccids)));
    case "POST /v1/top-ups":
      return withBody(topUpOrder, body, (order) => {
        const result = model.topUp(order);
        switch (result.kind) {
          case "answer":
            return ok(result.reply);
          case "conflict":
            return problem(409, "reference-taken", "This reference belongs to a top-up of another line or amount");
          case "error":
            return problem(500, "broken", "Something broke; whether the line was credited is another question");
          case "no-reply":
            return "no-reply";
        }
      });
    default:
  }
  const reference = /^GET \/v1\/top-ups\/([A-Za-z0-9_-]{1,64})$/.exec(route)?.[1];
  if (reference === undefined) return problem(404, "unknown-route", "There is nothing here");
  const reply = model.findTopUp(reference);
  return reply === undefined ? problem(404, "unknown-reference", "This reference was never seen here") : ok(reply);
}

function withBody<Schema extends z.ZodMiniType>(schema: Schema, body: Buffer, act: (document: z.infer<Schema>) => Reply | "no-reply"): Reply | "no-reply" {
  let document: unknown;
  try {
    document = JSON.parse(body.toString("utf8"));
  } catch {
    return problem(400, "malformed-json", "The body is not JSON");
  }
  const result = z.safeParse(schema, document);
  if (result.success) return act(result.data);
  const errors = result.error.issues.map((issue) => ({ pointer: issue.path.map((key) => `/${String(key)}`).join(""), detail: issue.message }));
  return problem(422, "invalid-body", "The body is not what docs/carrier-api.yaml asks for", { errors });
}

function ok(body: object): Reply {
  return { status: 200, body };
}

function problem(status: number, name: string, title: string, more: object = {}): Reply {
  return { status, body: { type: `urn:auto-recharge:carrier:${name}`, title, status, ...more } };
}
