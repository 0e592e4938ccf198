import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import type { Records } from "./records.ts";

/** Small texts that are made once and are the same at every later start. */
export function keptIn(records: Records): (name: string, make: () => string | Promise<string>) => Promise<string> {
  return async (name, make) => {
    const known = records.get<{ text: string }>("kept", name)?.text;
    if (known !== undefined) return known;
    const text = await make();
    records.put("kept", name, { text });
    return text;
  };
}

/** A secret that nobody guesses. */
export function randomKey(): string {
  return randomBytes(32).toString("hex");
}

/** A port that nobody uses right now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
