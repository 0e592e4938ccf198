import { once } from "node:events";
import { createServer } from "node:http";
import * as z from "zod/mini";
import { carrierModel } from "../../local/carrier/carrier-model.ts";
import type { OutboxMail } from "../../local/cloud/aws-endpoints.ts";
import { controls } from "../../local/controls.ts";
import { memoryRecords } from "../../local/records.ts";
import type { LocalParts } from "../../local/stack.ts";

const untouched = (): never => {
  throw new Error("These controls touch nothing else");
};

const NOTHING_ELSE: Omit<LocalParts, "carrier" | "stripe"> = {
  clock: {
    now: untouched,
    speed: 1,
    advance: untouched,
    recentlyAdvanced: untouched,
    setSpeed: untouched,
    forChildren: { execArgv: [], env: {} },
    close: untouched,
  },
  timeline: { add: untouched, list: untouched },
  outbox: untouched,
  issuer: "http://127.0.0.1:9",
  token: untouched,
  saveCard: untouched,
  depths: untouched,
};

/** The controls of a stack of which nothing but this outbox is there. */
export function outboxControls(mails: readonly OutboxMail[]): ReturnType<typeof controls> {
  const carrier = carrierModel({ records: memoryRecords(), now: untouched, answersAreFinal: true });
  return controls({ ...NOTHING_ELSE, carrier, stripe: undefined, outbox: () => [...mails] });
}

export type Ask = (path: string, method?: string, body?: object) => Promise<{ readonly status: number; readonly body: unknown }>;

/** The controls of a stack of which nothing but these models is there. */
export async function withControlsOf(models: Pick<LocalParts, "carrier" | "stripe">, run: (ask: Ask) => Promise<void>): Promise<void> {
  const handle = controls({ ...NOTHING_ELSE, ...models });
  const server = createServer((request, response) => void handle(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = z.object({ port: z.number() }).parse(server.address());
  try {
    await run(async (path, method = "GET", body) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body: body && JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    });
  } finally {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
}
