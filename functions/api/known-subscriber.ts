import { CallerUnknown, type Clock, type Identity, OutcomeUnknown, type Profile, type Subscribers } from "../domain/ports.ts";
import { type Instant, plusMinutes } from "../domain/time.ts";

export interface KnownSubscriberPorts {
  readonly subscribers: Subscribers;
  readonly identity: Identity;
  readonly clock: Clock;
}

interface Caller {
  readonly subscriberId: string;
  readonly accessToken: string;
}

/** So long the issuer's word is good enough to show somebody the lines under an address. */
const RECENT_MINUTES = 6 * 60;

/** Who the caller is: as we know them, or, while we know no address of theirs, as the issuer verified them; then we know them, unless they are being forgotten. */
export async function knownSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  return known !== undefined && hasAddress(known) ? known : askIssuer(ports, caller, known);
}

/** The same, and as the issuer said some hours ago at the earliest. For calls that show what belongs to an address, which may be another's by now. */
export async function recentSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  if (known === undefined || !hasAddress(known)) return askIssuer(ports, caller, known);
  return isRecent(known, ports.clock.now()) ? known : follow(ports, caller, known);
}

/** The same, and as the issuer says right now. For calls that decide by an address whose line it is, or save what notices will be about. */
export async function presentSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  return known !== undefined && hasAddress(known) ? follow(ports, caller, known) : askIssuer(ports, caller, known);
}

function hasAddress({ email, phoneNumber }: Profile): boolean {
  return email !== undefined || phoneNumber !== undefined;
}

function isRecent({ verifiedAt }: Profile, now: Instant): boolean {
  return verifiedAt !== undefined && now < plusMinutes(verifiedAt, RECENT_MINUTES);
}

async function askIssuer(ports: KnownSubscriberPorts, caller: Caller, known: Profile | undefined): Promise<Profile> {
  const said = await ports.identity.whoIs(caller.accessToken, caller.subscriberId);
  return keep(ports, { ...known, ...said });
}

/** An issuer that does not answer, or that names no address (a token without that scope), changes nothing: an old address is better than none. */
async function follow(ports: KnownSubscriberPorts, caller: Caller, known: Profile): Promise<Profile> {
  const said = await ports.identity.whoIs(caller.accessToken, caller.subscriberId).catch((error: unknown) => {
    if (error instanceof OutcomeUnknown || error instanceof CallerUnknown) return undefined;
    throw error;
  });
  if (said === undefined) return known;
  const email = said.email ?? known.email; // a number alone takes no address of mail away
  const next = hasAddress(said) ? { ...known, email, phoneNumber: said.phoneNumber } : known;
  const isSame = next.email === known.email && next.phoneNumber === known.phoneNumber;
  return isSame && isRecent(known, ports.clock.now()) ? known : keep(ports, next);
}

async function keep({ subscribers, clock }: KnownSubscriberPorts, profile: Profile): Promise<Profile> {
  const { subscriberId, email, phoneNumber } = profile;
  if ((await subscribers.getClosing(subscriberId)) === undefined) await subscribers.putProfile({ subscriberId, email, phoneNumber, verifiedAt: clock.now() });
  return profile;
}
