import { type FamilyGrant, grantOf, hasEnded } from "../domain/family.ts";
import type { Iccid } from "../domain/iccid.ts";
import type { Carrier, CarrierEsim, Clock, Esims, Profile } from "../domain/ports.ts";
import { HttpProblem } from "./problem.ts";

export interface PayableLinePorts {
  readonly carrier: Pick<Carrier, "listEsims" | "findLine">;
  readonly esims: Pick<Esims, "load">;
  readonly clock: Clock;
}

/** A line that somebody may pay for: their own, or (`grant`) one whose holder lets them, if it is still the same holder. Undefined: neither. */
export async function payableLine(
  { carrier, esims, clock }: PayableLinePorts,
  profile: Profile,
  iccid: Iccid,
): Promise<(CarrierEsim & { readonly grant?: FamilyGrant }) | undefined> {
  const own = (await carrier.listEsims(profile)).find((esim) => esim.iccid === iccid);
  if (own !== undefined) return own;
  const grant = grantOf((await esims.load(iccid)) ?? {}, profile.subscriberId);
  if (grant === undefined || hasEnded(grant, clock.now())) return undefined;
  const line = await carrier.findLine(iccid);
  return line?.holder === grant.holder ? { ...line, grant } : undefined;
}

/** Also of somebody else's. One that the carrier knows by an address is found only where the issuer confirms that now. */
export function noPayableLine(): HttpProblem {
  return new HttpProblem(
    404,
    "not-found",
    "You have no such line; one that is yours by e-mail address or phone number needs a token with the scopes email and phone",
  );
}
