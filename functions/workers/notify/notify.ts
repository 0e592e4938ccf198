import type { NoticedEvent } from "../../contracts/events.ts";
import type { Clock, Log, Mail, Subscribers } from "../../domain/ports.ts";
import { noticeText } from "./notice-text.ts";

export interface NotifyPorts {
  readonly subscribers: Subscribers;
  readonly mail: Mail;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Tells the subscriber what happened, once per event.
 *
 * Sends first and remembers then: a crash in between tells twice, never not at all.
 */
export async function notify({ subscribers, mail, clock, log }: NotifyPorts, event: NoticedEvent): Promise<void> {
  const { subscriberId, id } = event;
  if (await subscribers.wasNoticed(subscriberId, id)) return;
  // It came late, or was redriven: nobody can do any more what it asks for.
  if (event.name === "RechargeActionRequired" && event.expiresAt <= clock.now()) return log.warn("notice-outdated", { subscriberId, event: event.name });
  const email = (await subscribers.getProfile(subscriberId))?.email;
  if (email === undefined) log.error("notice-undeliverable", { subscriberId, event: event.name });
  else await mail.send({ to: email, ...noticeText(event) });
  await subscribers.putNotice(subscriberId, id, clock.now());
}
