import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { EVENT_SOURCE } from "../contracts/events.ts";
import type { DomainEvent } from "../domain/events.ts";
import type { Events } from "../domain/ports.ts";
import { AWS_LIMITS } from "./aws-limits.ts";

const ENTRIES_PER_CALL = 10; // PutEvents' limit
const TRIES = 3;

/** Publishes on an EventBridge bus. Entries fail one by one there, so only those that failed are sent again. */
export function eventBridgeEvents(client: Pick<EventBridgeClient, "send">, busName: string): Events {
  async function publishSome(events: readonly DomainEvent[]): Promise<void> {
    let left = events;
    let reason = "";
    for (let attempt = 1; attempt <= TRIES && left.length > 0; attempt++) {
      const reply = await client.send(
        new PutEventsCommand({
          Entries: left.map((event) => ({
            EventBusName: busName,
            Source: EVENT_SOURCE,
            DetailType: event.name,
            Time: new Date(event.at),
            Detail: JSON.stringify(event),
          })),
        }),
      );
      const results = reply.Entries ?? [];
      reason = results.find((entry) => entry.ErrorCode !== undefined)?.ErrorCode ?? "no answer for an entry";
      left = left.filter((_, index) => results[index]?.EventId === undefined);
    }
    if (left.length > 0) throw new Error(`EventBridge refused ${left.length} of ${events.length} events: ${reason}`);
  }

  return {
    async publish(events) {
      for (let i = 0; i < events.length; i += ENTRIES_PER_CALL) await publishSome(events.slice(i, i + ENTRIES_PER_CALL));
    },
  };
}

export function eventBridge(): EventBridgeClient {
  return new EventBridgeClient(AWS_LIMITS);
}
