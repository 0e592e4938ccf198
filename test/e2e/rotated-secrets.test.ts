import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { stripeSignature } from "../api/api-world.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

/** An operator writes new secrets while the stack runs; nothing is deployed or started again. */

const secretsFile = z.record(z.string(), z.record(z.string(), z.unknown()));
const ROTATED = "whsec_rotated";

let folder: ReturnType<typeof temporaryFolder>;
let stack: LocalProcess;
let url: string;
beforeAll(async () => {
  folder = temporaryFolder();
  stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0", "--speed", "1"]);
  url = String((await stack.until(/Ready at (\S+)/))[1]);
});
afterAll(async () => {
  await endLocal(stack, "SIGKILL");
  folder[Symbol.dispose]();
});

const pass = (advanceMinutes: number) => fetch(`${url}/local/clock`, { method: "POST", body: JSON.stringify({ advanceMinutes }) });

/** Changes the secret with this name in the CDK app; gives it as it was. */
function write(name: string, changes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const file = join(folder.path, "state/secrets.json");
  const all = z.parse(secretsFile, JSON.parse(readFileSync(file, "utf8")));
  const [id, before] = Object.entries(all).find(([each]) => each.includes(name)) ?? [];
  if (id === undefined || before === undefined) throw new Error(`There is no secret ${name}`);
  writeFileSync(file, JSON.stringify({ ...all, [id]: { ...before, ...changes } }));
  return before;
}

async function webhookSignedWith(secret: string): Promise<number> {
  const { now } = z.object({ now: z.string() }).parse(await (await fetch(`${url}/local/clock`)).json());
  const text = JSON.stringify({ type: "customer.created" });
  const signature = stripeSignature(text, { secret, at: Math.floor(Date.parse(now) / 1000) });
  return (await fetch(`${url}/webhooks/stripe`, { method: "POST", body: text, headers: { "stripe-signature": signature } })).status;
}

async function linesStatus(): Promise<number> {
  const token = await (await fetch(`${url}/local/token`)).text();
  return (await fetch(`${url}/v1/esims`, { headers: { authorization: `Bearer ${token}` } })).status;
}

describe("a secret that is written anew", () => {
  it("counts for webhooks after five minutes", async () => {
    const { webhookSecrets } = write("StripeSecret", {});
    const [old = ""] = z.parse(z.array(z.string()), webhookSecrets);
    expect(await webhookSignedWith(old)).toBe(200);
    write("StripeSecret", { webhookSecrets: [ROTATED] });
    expect([await webhookSignedWith(old), await webhookSignedWith(ROTATED)]).toEqual([200, 400]);
    await pass(5);
    expect([await webhookSignedWith(old), await webhookSignedWith(ROTATED)]).toEqual([400, 200]);
  });

  it("counts for requests to the carrier after five minutes: one that the carrier does not know is refused, until the right one is back", async () => {
    expect(await linesStatus()).toBe(200);
    const { secret } = write("CarrierSecret", { secret: "nobody knows this one" });
    expect(await linesStatus()).toBe(200);
    await pass(5);
    expect(await linesStatus()).toBe(503);
    write("CarrierSecret", { secret });
    await pass(5);
    expect(await linesStatus()).toBe(200);
  });
});
