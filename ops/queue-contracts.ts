import type * as z from "zod/mini";
import { domainEvent, envelopeOf, noticedEvent } from "../functions/contracts/events.ts";
import { checkRequest, eraseMessage, type RechargeMessage, rechargeMessage, reconcileMessage, remindRequest, tick } from "../functions/contracts/messages.ts";
import type { DomainEvent } from "../functions/domain/events.ts";
import { lastFour } from "../functions/domain/iccid.ts";
import { readMessage } from "../functions/workers/queue-handler.ts";

/** Says in words what a message of a queue is. Throws UnreadableMessage on one that the queue's reader would refuse. */
export type DescribeMessage = (body: string) => string;

function messages<Shape extends z.ZodMiniType>(shape: Shape, describe: (message: z.output<Shape>) => string): DescribeMessage {
  return (body) => describe(readMessage(shape, body));
}

const ticks = messages(tick, ({ scheduledTime }) => `the tick of ${scheduledTime}`);
const events = messages(envelopeOf(domainEvent), ({ detail }) => describeEvent(detail));

/** By the name of the queue's construct in infra/service-stack.ts. */
export const QUEUE_CONTRACTS: ReadonlyMap<string, DescribeMessage> = new Map(
  Object.entries({
    PlanChecksQueue: ticks,
    CheckBalancesQueue: messages(checkRequest, ({ slot, from, to }) => `the check of slot ${slot}, ${from} to ${to}`),
    RechargeQueue: messages(rechargeMessage, describeRechargeMessage),
    SweepQueue: ticks,
    NotifyQueue: messages(envelopeOf(noticedEvent), ({ detail }) => describeEvent(detail)),
    RemindQueue: messages(remindRequest, ({ scheduledTime, page, subscriberId }) => {
      const whom = subscriberId === undefined ? (page === undefined ? "" : ", for the rest of the subscribers") : `, for subscriber ${subscriberId}`;
      return `the tick of ${scheduledTime}${whom}`;
    }),
    ReconcileQueue: messages(reconcileMessage, (message) =>
      "list" in message
        ? `the comparison of ${message.list}, ${message.from} to ${message.to}`
        : `the tick of ${message.scheduledTime}, for every ${message.every}`,
    ),
    EraseQueue: messages(eraseMessage, (message) =>
      "subscriberId" in message
        ? `the erasing of ${message.subscriberId}${message.stage === undefined ? "" : `, from its ${message.stage} on`}`
        : `the tick of ${message.scheduledTime}`,
    ),
    NeedsReview: events,
    PaymentAdjusted: events,
    BreakFound: events,
  }),
);

function describeRechargeMessage(message: RechargeMessage): string {
  if ("iccid" in message) return `a poke of line …${lastFour(message.iccid)}`;
  if ("paymentIntentId" in message) return `a poke of payment ${message.paymentIntentId}`;
  if ("paymentMethodId" in message) return `a poke of the way to pay ${message.paymentMethodId}`;
  return describeEvent(message.detail);
}

function describeEvent(event: DomainEvent): string {
  const about = "iccid" in event ? `line …${lastFour(event.iccid)}` : "objectId" in event ? event.objectId : `subscriber ${event.subscriberId}`;
  return [event.name, "of", about, "rechargeId" in event && event.rechargeId !== undefined ? `(recharge ${event.rechargeId})` : "", "at", event.at]
    .filter((word) => word !== "")
    .join(" ");
}
