import type { Identity, Profile, Subscribers } from "../domain/ports.ts";

export interface KnownSubscriberPorts {
  readonly subscribers: Subscribers;
  readonly identity: Identity;
}

/** Who the caller is: as we know them, or, at their first call, as the issuer verified them; then we know them. */
export async function knownSubscriber(
  { subscribers, identity }: KnownSubscriberPorts,
  caller: { readonly subscriberId: string; readonly accessToken: string },
): Promise<Profile> {
  const known = await subscribers.getProfile(caller.subscriberId);
  if (known?.email !== undefined) return known; // without an address nobody could be told anything: perhaps there is one by now
  const profile = await identity.whoIs(caller.accessToken, caller.subscriberId);
  await subscribers.putProfile(profile);
  return { ...known, ...profile };
}
