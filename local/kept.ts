import { randomBytes } from "node:crypto";
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
