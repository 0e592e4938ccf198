import type { Esim, Origin } from "../../domain/esim.ts";
import { grantOf, hasEnded } from "../../domain/family.ts";
import type { CarrierEsim } from "../../domain/ports.ts";
import type { SuspensionReason } from "../../domain/rule.ts";
import type { RechargePorts } from "./ports.ts";

/**
 * The line if this subscriber may pay for it, and what it takes; asked before every charge.
 *
 * The carrier's word decides: that it is theirs, or, where its holder lets them pay for it, that it is still that holder's. Undefined: not any more.
 * A rule on a line of somebody else's ends with that even if the line became its payer's own; what they want there and then does not (`origin`).
 */
export async function lineOf(
  { carrier, subscribers, clock }: RechargePorts,
  esim: Esim,
  subscriberId: string,
  origin?: Origin,
): Promise<CarrierEsim | undefined> {
  const { iccid } = esim;
  const grant = grantOf(esim, subscriberId);
  if (grant !== undefined) {
    const line = hasEnded(grant, clock.now()) ? undefined : await carrier.findLine(iccid);
    if (line?.holder === grant.holder) return line;
    if (origin !== "payer") return undefined;
  }
  const profile = (await subscribers.getProfile(subscriberId)) ?? { subscriberId };
  return (await carrier.listEsims(profile)).find((line) => line.iccid === iccid);
}

/** Why a rule stops whose payer may not pay for its line any more. */
export function lostBecause({ family, subscriberId }: Esim): SuspensionReason {
  return grantOf({ family }, subscriberId) === undefined ? "line-not-yours" : "family-ended";
}
