import { createHash } from "node:crypto";
import { canonicalTerms, type Terms } from "../../domain/terms.ts";

/** Names these very terms: SHA-256 of all that they say, in base64url. */
export function termsHash(terms: Terms): string {
  return createHash("sha256").update(canonicalTerms(terms)).digest("base64url");
}
