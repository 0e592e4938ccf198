import { CallerUnknown, type Clock, type Identity, type IssuerWord, OutcomeUnknown, type Profile, type Subscribers } from "../domain/ports.ts";
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
/** So long it is good enough while the issuer is away: numbers are given to others only after they have lain idle for longer. */
const OLDEST_MINUTES = 7 * 24 * 60;
/** So long an issuer that did not answer is left alone by calls that can do without it: each would wait for it as long as the first. */
const REST_MINUTES = 2;
const restsUntil = new WeakMap<Identity, Instant>();

/** Who the caller is: as we know them, or, while we know no address of theirs, as the issuer verified them; then we know them, unless they are being forgotten. */
export async function knownSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  return hasAddress(known) ? known : (await ask(ports, caller, known)).kept;
}

/** The same, as the issuer says right now; as we know them where it says nothing. For calls that save how somebody is told. */
export async function followedSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  try {
    return (await ask(ports, caller, known)).kept;
  } catch (error) {
    if (hasAddress(known) && (error instanceof OutcomeUnknown || error instanceof CallerUnknown)) return known;
    throw error;
  }
}

/**
 * The caller with the addresses by which the carrier may show them lines: those that the issuer confirmed in the last hours.
 *
 * One that was confirmed this week is better than no lines while the issuer is away; where it answers, and does not confirm one, that may be another's by now.
 */
export async function recentSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const { identity, clock } = ports;
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  const now = clock.now();
  const isUsable = hasAddress(known) && isYoungerThan(OLDEST_MINUTES, known, now);
  if (isUsable && (isRecent(known, now) || now < (restsUntil.get(identity) ?? now))) return known;
  try {
    return (await ask(ports, caller, known)).confirmed;
  } catch (error) {
    if (!isUsable || !(error instanceof OutcomeUnknown)) throw error;
    restsUntil.set(identity, plusMinutes(now, REST_MINUTES));
    return known;
  }
}

/** The caller with the addresses that the issuer confirms right now; with recent ones while it is away. For calls that decide by an address whose line is charged for. */
export async function presentSubscriber(ports: KnownSubscriberPorts, caller: Caller): Promise<Profile> {
  const known = await ports.subscribers.getProfile(caller.subscriberId);
  try {
    return (await ask(ports, caller, known)).confirmed;
  } catch (error) {
    if (hasAddress(known) && error instanceof OutcomeUnknown && isRecent(known, ports.clock.now())) return known;
    throw error;
  }
}

function hasAddress(profile: Profile | undefined): profile is Profile {
  return profile?.email !== undefined || profile?.phoneNumber !== undefined;
}

function isRecent(profile: Profile, now: Instant): boolean {
  return isYoungerThan(RECENT_MINUTES, profile, now);
}

function isYoungerThan(minutes: number, { verifiedAt }: Profile, now: Instant): boolean {
  return verifiedAt !== undefined && now < plusMinutes(verifiedAt, minutes);
}

/** Asks the issuer, and keeps its word. `kept`: all that is known then; `confirmed`: with no address but those that it just confirmed. */
async function ask(ports: KnownSubscriberPorts, caller: Caller, known: Profile | undefined): Promise<Record<"kept" | "confirmed", Profile>> {
  const said = await ports.identity.whoIs(caller.accessToken, caller.subscriberId);
  const confirmed = { ...known, subscriberId: caller.subscriberId, email: said.email ?? undefined, phoneNumber: said.phoneNumber ?? undefined };
  return { kept: await keep(ports, known, after(known ?? { subscriberId: caller.subscriberId }, said, ports.clock.now())), confirmed };
}

/** An address of which nothing was said stays, and is as old as it was. */
function after(known: Profile, said: IssuerWord, now: Instant): Profile {
  const email = said.email === undefined ? known.email : (said.email ?? undefined);
  const phoneNumber = said.phoneNumber === undefined ? known.phoneNumber : (said.phoneNumber ?? undefined);
  const areConfirmed = email === (said.email ?? undefined) && phoneNumber === (said.phoneNumber ?? undefined);
  return { ...known, email, phoneNumber, verifiedAt: areConfirmed ? now : known.verifiedAt };
}

async function keep({ subscribers, clock }: KnownSubscriberPorts, known: Profile | undefined, next: Profile): Promise<Profile> {
  const { subscriberId, email, phoneNumber, verifiedAt } = next;
  const isSame = known !== undefined && email === known.email && phoneNumber === known.phoneNumber;
  if (isSame && (verifiedAt === known.verifiedAt || isRecent(known, clock.now()))) return known;
  if ((await subscribers.getClosing(subscriberId)) === undefined) await subscribers.putProfile({ subscriberId, email, phoneNumber, verifiedAt });
  return next;
}
