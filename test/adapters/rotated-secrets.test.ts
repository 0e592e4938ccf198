import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { carrierFromSecret } from "../../functions/adapters/http-carrier-secret.ts";
import { paymentsFromSecret, walletFromSecret } from "../../functions/adapters/stripe-secret.ts";
import { systemClock } from "../../functions/adapters/system.ts";
import { SIGNATURE_HEADER, signCarrierRequest, TIMESTAMP_HEADER } from "../../functions/contracts/carrier.ts";
import { installClock, type LocalClock } from "../../local/clock.ts";

const MINUTE = 60_000;
const ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:Rotated-a1b2c3";

let folder: string;
let clock: LocalClock;
let server: Server;
let baseUrl: string;
/** With which key the last request came. */
let key: string | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rotated-"));
  clock = installClock({ file: join(folder, "clock") });
  clock.setSpeed(1e-9); // stands still, unless a test moves it
  server = createServer((request, response) => {
    key = keyOf(request.headers, request.url ?? "");
    request.resume();
    response.writeHead(404).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  baseUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  clock.close();
  rmSync(folder, { recursive: true });
});

/** Stripe is told the key; the carrier gets a signature that only its key makes. */
function keyOf(headers: NodeJS.Dict<string | string[]>, path: string): string | undefined {
  if (typeof headers.authorization === "string") return headers.authorization.replace("Bearer ", "");
  const timestamp = String(headers[TIMESTAMP_HEADER.toLowerCase()]);
  return ["old", "new"].find((secret) => signCarrierRequest(secret, { timestamp, method: "GET", path, body: "" }) === headers[SIGNATURE_HEADER.toLowerCase()]);
}

/** Secrets Manager, whose one secret somebody changes. */
function rotating() {
  let text = "";
  let reads = 0;
  const client = new SecretsManagerClient({ region: "us-east-1" });
  client.middlewareStack.add(
    () => async () => {
      reads += 1;
      return { response: {}, output: { $metadata: {}, SecretString: text } };
    },
    { step: "initialize" },
  );
  const write = (now: "old" | "new") => {
    text = JSON.stringify({ secretKey: now, secret: now, baseUrl });
  };
  write("old");
  return { client, write, reads: () => reads };
}

const environment = { STRIPE_SECRET_ARN: ARN, CARRIER_SECRET_ARN: ARN, CARRIER_ANSWERS: "final", STAGE: "dev" } as const;
const users: [name: string, use: (client: SecretsManagerClient) => () => Promise<unknown>][] = [
  ["payments", (client) => use(paymentsFromSecret(client, environment), (payments) => payments.retrieve("pi_1"))],
  ["ways to pay", (client) => use(walletFromSecret(client, environment), (wallet) => wallet.findMethod("pm_1"))],
  ["the carrier", (client) => use(carrierFromSecret(client, environment, systemClock), (carrier) => carrier.findTopUp("r-1"))],
];

/** Calls out with what there is now; that nothing good is answered does not matter here. */
function use<Port>(find: () => Promise<Port>, call: (port: Port) => Promise<unknown>): () => Promise<unknown> {
  return async () => {
    const port = await find();
    return call(port).catch(() => undefined);
  };
}

describe("a secret that was rotated", () => {
  it.each(users)("is used for %s after five minutes, in the same process, and asked for no more often", async (_, make) => {
    const { client, write, reads } = rotating();
    const call = make(client);
    await call();
    expect([key, reads()]).toEqual(["old", 1]);
    write("new");
    clock.advance(5 * MINUTE - 1);
    await call();
    expect([key, reads()]).toEqual(["old", 1]);
    clock.advance(1);
    await call();
    expect([key, reads()]).toEqual(["new", 2]);
  });
});
