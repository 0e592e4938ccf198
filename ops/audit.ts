import * as z from "zod/mini";
import type { AuditEntry } from "../functions/domain/ports.ts";
import { defineVerb, type OpsPorts } from "./verb.ts";

export const auditVerb = defineVerb({
  help: "audit: what operators have done, the newest first",
  input: z.object({}),
  act: printAudit,
});

export async function printAudit({ controls, print }: Pick<OpsPorts, "controls" | "print">): Promise<void> {
  const entries = await controls.listAudit();
  for (const entry of entries) print(describeAudit(entry));
  if (entries.length === 0) print("Nothing was done by hand so far.");
}

export function describeAudit({ at, by, verb, subject, why }: AuditEntry): string {
  return `${at}  ${by}  ${verb} ${subject}: ${why}`;
}
