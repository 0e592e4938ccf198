import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import {
  ANSWER_TIMEOUT_SECONDS,
  SIGNATURE_HEADER,
  SIGNATURE_TOLERANCE_SECONDS,
  signCarrierRequest,
  TIMESTAMP_HEADER,
} from "../../functions/contracts/carrier.ts";
import { answerCarrierRequest, problem } from "./carrier-answers.ts";
import type { CarrierModel } from "./carrier-model.ts";

export interface CarrierServerOptions {
  readonly model: CarrierModel;
  readonly secret: string;
  /** Any free one unless given. */
  readonly port?: number;
  /** How old a request may be by the carrier's clock; asked for each, since that clock may run fast and be moved on while a request is under way. */
  readonly toleranceSeconds?: () => number;
  /** How long an answer takes that is to come too late, in real time. */
  readonly slowMilliseconds?: number;
}

export interface CarrierServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a carrier model as docs/carrier-api.yaml says, on this machine only. */
export async function startCarrierServer({
  model,
  secret,
  port = 0,
  toleranceSeconds = () => SIGNATURE_TOLERANCE_SECONDS,
  slowMilliseconds = (ANSWER_TIMEOUT_SECONDS + 2) * 1000,
}: CarrierServerOptions): Promise<CarrierServer> {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const { method = "", url: path = "" } = request;
    const answer = isSigned(request, body, secret, model.now(), toleranceSeconds())
      ? answerCarrierRequest(model, { method, path, body: body.toString("utf8") })
      : problem(401, "bad-signature", "Missing, wrong or too old");
    const send = () => response.writeHead(answer.status, { "content-type": answer.type, "cache-control": "no-store" }).end(answer.body);
    switch (answer.arrives) {
      case "at-once":
        send();
        return;
      case "too-late": {
        const timer = setTimeout(send, slowMilliseconds);
        response.once("close", () => clearTimeout(timer));
        return;
      }
      case "never":
        request.socket.destroy();
    }
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
