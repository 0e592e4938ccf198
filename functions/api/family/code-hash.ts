import type { Iccid } from "../../domain/iccid.ts";

/** What is kept of a code: good for this payer and this line only. */
export function codeHash(
  hash: (text: string) => string,
  { subscriberId, iccid, code }: { readonly subscriberId: string; readonly iccid: Iccid; readonly code: string },
): string {
  return hash(`${subscriberId}/${iccid}/${code}`);
}
