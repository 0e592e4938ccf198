import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { Profile, Subscribers } from "../domain/ports.ts";
import { epochMilliseconds } from "../domain/time.ts";
import { storedMethod } from "./esim-item.ts";

const NOTICE_DAYS = 90;

const profile = z.object({
  subscriberId: z.string(),
  email: z.optional(z.string()),
  phoneNumber: z.optional(z.string()),
}) satisfies z.ZodMiniType<Profile>;

/** What we know of a subscriber, in DynamoDB: `profile`, `method#<pm>` and `notice#<event id>` under the subscriber's id. */
export function dynamoDbSubscribers(client: DynamoDBDocumentClient, table: string): Subscribers {
  async function read(subscriberId: string, part: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { subscriberId, part }, ConsistentRead: true }));
    return Item;
  }

  async function put(subscriberId: string, part: string, fields: object): Promise<void> {
    await client.send(new PutCommand({ TableName: table, Item: { ...fields, subscriberId, part } }));
  }

  return {
    async getProfile(subscriberId) {
      const item = await read(subscriberId, "profile");
      return item === undefined ? undefined : z.parse(profile, item);
    },
    putProfile: (item) => put(item.subscriberId, "profile", item),
    async getMethod(subscriberId, paymentMethodId) {
      const item = await read(subscriberId, `method#${paymentMethodId}`);
      return item === undefined ? undefined : z.parse(storedMethod, item);
    },
    // `paymentMethodId` is the key of the index by which a Stripe event finds its subscriber.
    putMethod: (subscriberId, method) => put(subscriberId, `method#${method.id}`, { ...method, paymentMethodId: method.id }),
    wasNoticed: async (subscriberId, eventId) => (await read(subscriberId, `notice#${eventId}`)) !== undefined,
    async putNotice(subscriberId, eventId, at) {
      const expiresAt = Math.floor(epochMilliseconds(at) / 1000) + NOTICE_DAYS * 24 * 60 * 60; // TTL wants seconds
      await put(subscriberId, `notice#${eventId}`, { at, expiresAt });
    },
  };
}
