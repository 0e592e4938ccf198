import { CallerUnknown, type Identity, OutcomeUnknown, type Profile, type Subscribers } from "../domain/ports.ts";

export interface KnownSubscriberPorts {
  readonly subscribers: Subscribers;
  readonly identity: Identity;
}

interface Caller {
  readonly subscriberId: string;
  readonly accessToken: string;
}

/** Who the caller is: as we know them, or, at their first call, as the issuer verified them; then we know them, unless they are being forgotten. */
export async function knownSubscriber({ subscribers, identity }: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await subscribers.getProfile(caller.subscriberId);
  if (known?.email !== undefined) return known; // without an address nobody could be told anything: perhaps there is one by now
  const profile = await identity.whoIs(caller.accessToken, caller.subscriberId);
  if ((await subscribers.getClosing(caller.subscriberId)) === undefined) await subscribers.putProfile(profile);
  return { ...known, ...profile };
}

/**
 * Follows the issuer where a known caller has changed their address or phone there since. For calls that save what notices will be about: each asks the issuer once more.
 *
 * An issuer that does not answer, or that names no address (a token without that scope), changes nothing: an old address is better than none.
 */
export async function refreshContact({ subscribers, identity }: KnownSubscriberPorts, caller: Caller): Promise<void> {
  const known = await subscribers.getProfile(caller.subscriberId);
  if (known?.email === undefined) return; // `knownSubscriber` asks for whoever is not known yet
  const said = await identity.whoIs(caller.accessToken, caller.subscriberId).catch((error: unknown) => {
    if (error instanceof OutcomeUnknown || error instanceof CallerUnknown) return undefined;
    throw error;
  });
  if (said?.email === undefined || (said.email === known.email && said.phoneNumber === known.phoneNumber)) return;
  if ((await subscribers.getClosing(caller.subscriberId)) === undefined) await subscribers.putProfile(said);
}
