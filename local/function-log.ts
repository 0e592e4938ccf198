import { appendFileSync } from "node:fs";
import * as z from "zod/mini";

/** Keeps every line that a function writes in a file, and tells of the faults among them. */
export function functionLog(file: string, tellFault: (note: string) => void): (written: { readonly function: string; readonly line: string }) => void {
  return ({ function: name, line }) => {
    appendFileSync(file, `${name} ${line}\n`);
    const fault = faultIn(line);
    if (fault !== undefined) tellFault(`${name.split("-").at(-1)}: ${fault}`);
  };
}

const logLine = z.object({ level: z.enum(["ERROR", "CRITICAL"]), message: z.string(), error: z.optional(z.object({ message: z.string() })) });

/** What went wrong, if a function's log line says so. */
function faultIn(line: string): string | undefined {
  try {
    const { message, error } = z.parse(logLine, JSON.parse(line));
    return error === undefined ? message : `${message}: ${error.message}`;
  } catch {
    return /^\d{4}-.*\bERROR\b/.test(line) ? line.slice(0, 300) : undefined;
  }
}
