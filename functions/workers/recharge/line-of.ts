import type { CarrierEsim } from "../../domain/ports.ts";
import type { RechargePorts } from "./ports.ts";

/** The carrier's word on whose line it is and what it takes, asked before every charge. Undefined: not theirs any more. */
export async function lineOf({ carrier, subscribers }: RechargePorts, iccid: string, subscriberId: string): Promise<CarrierEsim | undefined> {
  const profile = (await subscribers.getProfile(subscriberId)) ?? { subscriberId };
  return (await carrier.listEsims(profile)).find((line) => line.iccid === iccid);
}
