import type { FrozenGrant } from "../../domain/family.ts";

/** What a payer sees of the terms on which they pay for somebody else's line. */
export function grantView({ until, cap, spent, consent }: FrozenGrant) {
  return { until, lifetimeCap: cap, spent, consent };
}
