import { choicesOf } from "../../domain/choices.ts";
import type { DomainEvent } from "../../domain/events.ts";
import type { Clock, Events, Log, Recharges, RemindRequest, RemindRequests, Subscribers } from "../../domain/ports.ts";
import { type AdjustedBill, expiryOf, monthEnded, monthToSumUp, summaryId } from "../../domain/reminders.ts";
import { monthIn } from "../../domain/time.ts";

export interface RemindPorts {
  readonly subscribers: Subscribers;
  readonly recharges: Recharges;
  readonly events: Events;
  readonly remindRequests: RemindRequests;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds left for this invocation. */
  readonly timeLeft: () => number;
}

/** A page is a scan and, ten at a time, some reads for each of its subscribers: what does not fit is sent on as a new message. */
const MILLISECONDS_FOR_A_PAGE = 30_000;
/** Of it, for some subscribers of the page: when less is left, each of the others gets a message of their own. */
const MILLISECONDS_FOR_SOME = 15_000;
/** Subscribers who are served at once. */
const AT_ONCE = 10;
/** Pages of 50 bills: 5,000 recharges in a month, of one payer. */
const MOST_BILL_PAGES = 100;

/**
 * Announces what time alone brings: saved cards that end, and months that are over. One who was told is not told again.
 *
 * Somebody who cannot be served holds up nobody else: they get a message of their own, which is tried again and ends among the dead letters.
 */
export async function remind(ports: RemindPorts, request: RemindRequest): Promise<void> {
  if (request.subscriberId !== undefined) return remindOne(ports, request.subscriberId);
  let page = request.page;
  do {
    if (ports.timeLeft() < MILLISECONDS_FOR_A_PAGE) return ports.remindRequests.send([{ ...request, page }]);
    const { items, next } = await ports.subscribers.listSubscribers(page);
    await remindAll(ports, request, items);
    page = next;
  } while (page !== undefined);
}

async function remindAll(ports: RemindPorts, { scheduledTime }: RemindRequest, subscriberIds: readonly string[]): Promise<void> {
  for (let i = 0; i < subscriberIds.length; i += AT_ONCE) {
    const each = (subscriberId: string) => ({ scheduledTime, subscriberId });
    if (ports.timeLeft() < MILLISECONDS_FOR_SOME) return ports.remindRequests.send(subscriberIds.slice(i).map(each));
    const some = subscriberIds.slice(i, i + AT_ONCE);
    const results = await Promise.allSettled(some.map((subscriberId) => remindOne(ports, subscriberId)));
    const failed = some.flatMap((subscriberId, index) => {
      const result = results[index];
      if (result?.status !== "rejected") return [];
      ports.log.warn("remind-failed", { subscriberId, error: result.reason });
      return [each(subscriberId)];
    });
    if (failed.length > 0) await ports.remindRequests.send(failed);
  }
}

async function remindOne(ports: RemindPorts, subscriberId: string): Promise<void> {
  const { subscribers, events, clock } = ports;
  const now = clock.now();
  const profile = await subscribers.getProfile(subscriberId);
  if (profile === undefined) return; // gone meanwhile
  const { timeZone } = choicesOf(profile);
  const methods = await subscribers.listMethods(subscriberId);
  const expiring = methods.map((method) => expiryOf(subscriberId, method, timeZone, now)).filter((event) => event !== undefined);
  const due: DomainEvent[] = [];
  for (const event of expiring) if (!(await subscribers.wasNoticed(subscriberId, event.id))) due.push(event);
  const month = monthToSumUp(timeZone, now);
  if (month !== undefined && !(await subscribers.wasNoticed(subscriberId, summaryId(subscriberId, month)))) {
    const event = monthEnded(subscriberId, month, await billsSince(ports, subscriberId, month, timeZone), timeZone, now);
    if (event !== undefined) due.push(event);
  }
  if (due.length > 0) await events.publish(due);
}

/** The bills of a month and of what followed it, with all that happened to their payments. */
async function billsSince({ recharges }: RemindPorts, subscriberId: string, month: string, timeZone: string): Promise<AdjustedBill[]> {
  const found: AdjustedBill[] = [];
  let page: string | undefined;
  for (let pages = 0; pages < MOST_BILL_PAGES; pages++) {
    const { items, next } = await recharges.listBills(subscriberId, page);
    const wanted = items.filter((bill) => monthIn(timeZone, bill.endedAt) >= month);
    found.push(...(await Promise.all(wanted.map(async (bill) => ({ bill, adjustments: (await recharges.getHistory(bill.rechargeId)).adjustments })))));
    if (next === undefined || wanted.length < items.length) return found; // newest first
    page = next;
  }
  throw new Error(`A month has more bills than ${MOST_BILL_PAGES} pages hold`);
}
