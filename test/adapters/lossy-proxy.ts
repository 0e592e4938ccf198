import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

/** Stands between a store and its engine, and can lose the reply to a write: the engine has done it, and the connection ends without a word. */
export interface LossyProxy {
  readonly endpoint: string;
  /** Loses the replies to the next writes; `meanwhile` happens after the first of them is done and before its reply is lost. */
  loseReplies(count: number, meanwhile?: () => Promise<unknown>): void;
  /** The engine's status for each write that came since then. */
  statuses(): readonly number[];
  close(): Promise<void>;
}

export async function startLossyProxy(engine: string): Promise<LossyProxy> {
  let toLose = 0;
  let happens: (() => Promise<unknown>) | undefined;
  let statuses: number[] = [];

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = String(request.headers["x-amz-target"]);
    const { authorization = "", "x-amz-date": date = "" } = request.headers;
    const headers = { "x-amz-target": target, "x-amz-date": String(date), authorization, "content-type": "application/x-amz-json-1.0" };
    const reply = await fetch(engine, { method: "POST", headers, body: new Uint8Array(await buffer(request)) });
    const body = await reply.text();
    if (/\.(Put|Update|Delete)Item$/.test(target)) {
      statuses.push(reply.status);
      if (toLose > 0) {
        toLose -= 1;
        const meanwhile = happens;
        happens = undefined;
        await meanwhile?.();
        request.socket.destroy();
        return;
      }
    }
    response.writeHead(reply.status, { "content-type": "application/x-amz-json-1.0" }).end(body);
  }

  const server = createServer((request, response) => void pass(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy does not listen on a port");

  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    loseReplies(count, meanwhile) {
      toLose = count;
      happens = meanwhile;
      statuses = [];
    },
    statuses: () => statuses,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
