import type { NoticedEvent } from "../../contracts/events.ts";
import { type Channel, choicesOf, type NoticeChoices } from "../../domain/choices.ts";
import type { Clock, Log, Mail, PayLinks, Profile, Subscribers, TextMessages } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { type Notice, renderNotice } from "./render-notice.ts";

export interface NotifyPorts {
  readonly subscribers: Subscribers;
  readonly mail: Mail;
  readonly textMessages: TextMessages;
  /** Missing where there is no page to which a link could lead. */
  readonly payLinks?: PayLinks;
  readonly clock: Clock;
  readonly log: Log;
}

/** A notice of what its reader can still stop, or must do, and they have no address: it ends among the dead letters, where a person sees it. */
export class NobodyReached extends Error {
  override name = "NobodyReached";
}

/**
 * Tells the subscriber what happened, once per event and channel, in their language and time zone.
 *
 * Sends first and remembers then: a crash in between tells twice, never not at all. What reached nobody is not remembered: they may have an address when it comes again.
 */
export async function notify(ports: NotifyPorts, event: NoticedEvent): Promise<void> {
  const { subscribers, clock, log } = ports;
  const { subscriberId, id } = event;
  if (await subscribers.wasNoticed(subscriberId, id)) return;
  // It came late, or was redriven: nobody can do any more what it asks for.
  const deadline = deadlineOf(event);
  if (deadline !== undefined && deadline <= clock.now()) return log.warn("notice-outdated", { subscriberId, event: event.name });
  const profile = await subscribers.getProfile(subscriberId);
  // Erased since it happened, for one: nothing is written of whoever is not known, as an event's id may name their line.
  if (profile === undefined) return log.error("notice-undeliverable", { subscriberId, event: event.name });
  const choices = choicesOf(profile);
  if (isWanted(event, choices.notices)) {
    const addresses = addressesOf(profile, choices.notices.channels);
    if (addresses.length === 0) {
      log.error("notice-undeliverable", { subscriberId, event: event.name });
      if (deadline === undefined) return;
      throw new NobodyReached(`Nobody could be told of ${event.name}`);
    }
    await sendTo(ports, event, addresses, renderNotice(event, choices, await linkOf(ports, event, deadline)));
  }
  await subscribers.putNotice(subscriberId, id, clock.now());
}

/** Until when the reader can act. */
function deadlineOf(event: NoticedEvent): Instant | undefined {
  if (event.name === "RechargeActionRequired") return event.expiresAt;
  return event.name === "RechargeAnnounced" ? event.chargeAt : undefined;
}

async function linkOf({ payLinks }: NotifyPorts, event: NoticedEvent, expiresAt: Instant | undefined): Promise<string | undefined> {
  return "rechargeId" in event && expiresAt !== undefined ? payLinks?.urlFor({ rechargeId: event.rechargeId, expiresAt }) : undefined;
}

/** What is about money at risk cannot be switched off. */
function isWanted({ name }: NoticedEvent, { succeeded, monthlySummary }: NoticeChoices): boolean {
  if (name === "RechargeSucceeded") return succeeded;
  return name === "MonthEnded" ? monthlySummary : true;
}

interface Address {
  readonly channel: Channel;
  readonly to: string;
}

/** Where a subscriber is told. As if they had chosen nothing if no channel of their choice reaches them: better than not at all. */
function addressesOf({ email, phoneNumber }: Profile, channels: readonly Channel[]): Address[] {
  const known: Readonly<Record<Channel, string | undefined>> = { email, sms: phoneNumber };
  const reach = (channel: Channel): Address[] => (known[channel] === undefined ? [] : [{ channel, to: known[channel] }]);
  const chosen = channels.flatMap(reach);
  return chosen.length > 0 ? chosen : choicesOf({ email, phoneNumber }).notices.channels.flatMap(reach);
}

/** Of several channels each is remembered by itself, so that one that fails is tried again alone. */
async function sendTo({ subscribers, mail, textMessages, clock }: NotifyPorts, event: NoticedEvent, addresses: readonly Address[], notice: Notice) {
  const { subject, text, html, sms } = notice;
  const send = ({ channel, to }: Address) => (channel === "email" ? mail.send({ to, subject, text, html }) : textMessages.send({ to, text: sms }));
  const results = await Promise.allSettled(
    addresses.map(async (address) => {
      if (addresses.length === 1) return send(address);
      const part = `${event.id}#${address.channel}`;
      if (await subscribers.wasNoticed(event.subscriberId, part)) return;
      await send(address);
      await subscribers.putNotice(event.subscriberId, part, clock.now());
    }),
  );
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
