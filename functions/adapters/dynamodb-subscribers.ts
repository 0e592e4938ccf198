import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  type PutCommandInput,
  QueryCommand,
  ScanCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { CHANNELS, LANGUAGES, type NoticeChoices } from "../domain/choices.ts";
import type { SavedMethod } from "../domain/esim.ts";
import { withCodeTurn } from "../domain/line-codes.ts";
import type { MethodUses } from "../domain/method-uses.ts";
import type { Closing, Hold, Profile, SentCode, SentNotice, Subscribers } from "../domain/ports.ts";
import type { AgreedTerms } from "../domain/terms.ts";
import { epochMilliseconds, type Instant } from "../domain/time.ts";
import { keyText, pageKey, pageMark } from "./dynamodb-client.ts";
import { storedMethod, storedRuleSettings } from "./esim-item.ts";

const DAY_SECONDS = 24 * 60 * 60;
/** That an event was told is remembered for so long. */
export const NOTICE_DAYS = 90;
const PAGE_SIZE = 100;
const NOTICE = "notice#";
const LINE = "line#";
/** Who is being forgotten stands under this key, by their own id: found without reading through everybody. No issuer gives such an id. */
const CLOSING = "#closing";
/** Of up to 1 MB each: more than anybody can have, as notices are kept for 90 days. */
const MOST_PAGES = 20;
/** Of all kinds, so that a page is some hundred subscribers at the most, and below the 1 MB that DynamoDB gives at once. */
const SCANNED_ITEMS = 1000;

/** TTL wants seconds. */
function expiry(at: Instant, days: number): number {
  return Math.floor(epochMilliseconds(at) / 1000) + days * DAY_SECONDS;
}

const notices = z.object({
  channels: z.readonly(z.array(z.enum(CHANNELS)).check(z.minLength(1))),
  succeeded: z.boolean(),
  monthlySummary: z.boolean(),
}) satisfies z.ZodMiniType<NoticeChoices>;
const profile = z.object({
  subscriberId: z.string(),
  email: z.optional(z.string()),
  phoneNumber: z.optional(z.string()),
  verifiedAt: z.optional(z.iso.datetime()),
  ruleTimeZone: z.optional(z.string()),
  language: z.optional(z.enum(LANGUAGES)),
  timeZone: z.optional(z.string()),
  notices: z.optional(notices),
}) satisfies z.ZodMiniType<Profile>;

const hold = z.object({ at: z.iso.datetime(), by: z.string(), why: z.string() }) satisfies z.ZodMiniType<Hold>;
const sentCode = z.object({ hash: z.string(), validUntil: z.iso.datetime(), triesLeft: z.int() }) satisfies z.ZodMiniType<SentCode>;
const codeTurns = z.object({ sentAt: z.array(z.iso.datetime()) });
const customer = z.object({ customerId: z.string() });
const savedMethod = z.extend(storedMethod, { expiry: z.optional(z.object({ month: z.int(), year: z.int() })) }) satisfies z.ZodMiniType<SavedMethod>;
const inBoth = <Told extends z.ZodMiniType>(told: Told) => z.object({ "zh-CN": told, en: told });
const terms = z.object({
  termsHash: z.string(),
  version: z.string(),
  text: inBoth(z.string()),
  words: inBoth(z.array(z.string())),
  settings: z.extend(z.omit(storedRuleSettings, { paymentMethodId: true, version: true }), {
    iccid: z.string(),
    method: z.pick(storedMethod, { id: true, brand: true, lastFour: true }),
    timeZone: z.string(),
  }),
}) satisfies z.ZodMiniType<AgreedTerms>;
const USES = ["default", "backup"] as const;
const wallet = z.object({ default: z.optional(z.string()), backup: z.optional(z.string()) }) satisfies z.ZodMiniType<MethodUses>;
const closing = z.object({ since: z.iso.datetime() }) satisfies z.ZodMiniType<Closing>;
const closingKey = z.strictObject({ subscriberId: z.literal(CLOSING), part: keyText });
const line = z.object({ iccid: z.string() });
const named = z.object({ part: z.string() });
const notice = z.object({ part: z.string(), at: z.iso.datetime() });
const holder = z.object({ subscriberId: z.string() });
const scannedKey = z.strictObject({ subscriberId: keyText, part: z.string() });

/**
 * What we know of a subscriber, in DynamoDB: `profile`, `customer`, `hold`, `wallet`, `method#<pm>`, `line#<iccid>`, `terms#<hash>`, `notice#<event id>` and `code#<line's hash>`
 * under the subscriber's id; who is closing under one key; `codes` under `line#<line's hash>`.
 */
export function dynamoDbSubscribers(client: DynamoDBDocumentClient, table: string): Subscribers {
  async function read(subscriberId: string, part: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key: { subscriberId, part }, ConsistentRead: true }));
    return Item;
  }

  async function put(subscriberId: string, part: string, fields: object): Promise<void> {
    await client.send(new PutCommand({ TableName: table, Item: { ...fields, subscriberId, part } }));
  }

  /** Whether the condition held. */
  async function putIf(condition: string, subscriberId: string, part: string, fields: object, terms: Partial<PutCommandInput> = {}): Promise<boolean> {
    try {
      await client.send(new PutCommand({ TableName: table, Item: { ...fields, subscriberId, part }, ConditionExpression: condition, ...terms }));
      return true;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return false;
    }
  }

  /** Sets some fields of an item, takes those away that are undefined, and leaves the others as they are. */
  async function update(subscriberId: string, part: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const names = Object.keys(fields);
    if (names.length === 0) return;
    const [set, gone] = [names.filter((name) => fields[name] !== undefined), names.filter((name) => fields[name] === undefined)];
    const clauses = [
      ...(set.length > 0 ? [`SET ${set.map((name) => `#${name} = :${name}`).join(", ")}`] : []),
      ...(gone.length > 0 ? [`REMOVE ${gone.map((name) => `#${name}`).join(", ")}`] : []),
    ];
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: { subscriberId, part },
        UpdateExpression: clauses.join(" "),
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        ...(set.length > 0 && { ExpressionAttributeValues: Object.fromEntries(set.map((name) => [`:${name}`, fields[name]])) }),
      }),
    );
  }

  async function remove(subscriberId: string, part: string): Promise<void> {
    await client.send(new DeleteCommand({ TableName: table, Key: { subscriberId, part } }));
  }

  /** The items of a subscriber whose part begins so, strongly consistent. */
  async function list(subscriberId: string, prefix: string): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let from: Record<string, unknown> | undefined;
    for (let pages = 0; pages < MOST_PAGES; pages++) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: prefix === "" ? "subscriberId = :subscriberId" : "subscriberId = :subscriberId and begins_with(part, :part)",
          ExpressionAttributeValues: { ":subscriberId": subscriberId, ...(prefix !== "" && { ":part": prefix }) },
          ConsistentRead: true,
          ExclusiveStartKey: from,
        }),
      );
      items.push(...(Items ?? []));
      if (LastEvaluatedKey === undefined) return items;
      from = LastEvaluatedKey;
    }
    throw new Error(`What is kept of a subscriber goes on after ${MOST_PAGES} pages`);
  }

  return {
    async getProfile(subscriberId) {
      const item = await read(subscriberId, "profile");
      return item === undefined ? undefined : z.parse(profile, item);
    },
    putProfile: ({ subscriberId, email, phoneNumber, verifiedAt }) => update(subscriberId, "profile", { email, phoneNumber, verifiedAt }),
    putRuleTimeZone: (subscriberId, ruleTimeZone) => update(subscriberId, "profile", { ruleTimeZone }),
    putChoices: (subscriberId, { language, timeZone, notices: chosen }) => {
      const given = Object.entries({ language, timeZone, notices: chosen }).filter(([, choice]) => choice !== undefined);
      return update(subscriberId, "profile", Object.fromEntries(given.map(([name, choice]) => [name, choice ?? undefined])));
    },
    async listSubscribers(page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new ScanCommand({
          TableName: table,
          FilterExpression: "part = :part",
          ExpressionAttributeValues: { ":part": "profile" },
          ProjectionExpression: "subscriberId",
          ConsistentRead: true,
          Limit: SCANNED_ITEMS,
          ExclusiveStartKey: pageKey(page, (value) => z.parse(scannedKey, value)),
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(holder, item).subscriberId), next: pageMark(LastEvaluatedKey) };
    },
    async getCustomer(subscriberId) {
      const item = await read(subscriberId, "customer");
      return item === undefined ? undefined : z.parse(customer, item).customerId;
    },
    async putCustomer(subscriberId, customerId) {
      if (await putIf("attribute_not_exists(part)", subscriberId, "customer", { customerId })) return customerId;
      return z.parse(customer, await read(subscriberId, "customer")).customerId;
    },
    async getMethod(subscriberId, paymentMethodId) {
      const item = await read(subscriberId, `method#${paymentMethodId}`);
      return item === undefined ? undefined : z.parse(storedMethod, item);
    },
    // `paymentMethodId` is the key of the index by which a Stripe event finds its subscriber.
    putMethod: (subscriberId, method) => put(subscriberId, `method#${method.id}`, { ...method, paymentMethodId: method.id }),
    async refreshMethod(subscriberId, method) {
      await putIf("attribute_exists(part)", subscriberId, `method#${method.id}`, { ...method, paymentMethodId: method.id });
    },
    listMethods: async (subscriberId) => (await list(subscriberId, "method#")).map((item) => z.parse(savedMethod, item)),
    removeMethod: (subscriberId, paymentMethodId) => remove(subscriberId, `method#${paymentMethodId}`),
    async getWallet(subscriberId) {
      return z.parse(wallet, (await read(subscriberId, "wallet")) ?? {});
    },
    putWallet(subscriberId, was, next) {
      const chosen = Object.entries(was).filter(([, id]) => id !== undefined);
      const condition = USES.map((use) => (was[use] === undefined ? `attribute_not_exists(#${use})` : `#${use} = :${use}`)).join(" AND ");
      return putIf(condition, subscriberId, "wallet", next, {
        ExpressionAttributeNames: Object.fromEntries(USES.map((use) => [`#${use}`, use])), // both are words of DynamoDB's own
        ...(chosen.length > 0 && { ExpressionAttributeValues: Object.fromEntries(chosen.map(([use, id]) => [`:${use}`, id])) }),
      });
    },
    putLine: (subscriberId, iccid) => update(subscriberId, `${LINE}${iccid}`, { iccid }),
    listLines: async (subscriberId) => (await list(subscriberId, LINE)).map((item) => z.parse(line, item).iccid),
    async listHolders(paymentMethodId) {
      // One page holds thousands: at Stripe a way to pay is one customer's.
      const { Items } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: "byMethod",
          KeyConditionExpression: "paymentMethodId = :paymentMethodId",
          ExpressionAttributeValues: { ":paymentMethodId": paymentMethodId },
        }),
      );
      return (Items ?? []).map((item) => z.parse(holder, item).subscriberId);
    },
    async putTerms(subscriberId, item) {
      await putIf("attribute_not_exists(part)", subscriberId, `terms#${item.termsHash}`, item);
    },
    async getTerms(subscriberId, termsHash) {
      const item = await read(subscriberId, `terms#${termsHash}`);
      return item === undefined ? undefined : z.parse(terms, item);
    },
    listTerms: async (subscriberId) => (await list(subscriberId, "terms#")).map((item) => z.parse(terms, item)),
    async getHold(subscriberId) {
      const item = await read(subscriberId, "hold");
      return item === undefined ? undefined : z.parse(hold, item);
    },
    putHold: (subscriberId, item) => put(subscriberId, "hold", item),
    removeHold: (subscriberId) => remove(subscriberId, "hold"),
    async takeCodeTurn(line, now) {
      const before = await read(`line#${line}`, "codes");
      const sentAt = withCodeTurn(before === undefined ? [] : z.parse(codeTurns, before).sentAt, now);
      if (sentAt === undefined) return false;
      try {
        // Somebody who took a turn since this was read leaves none for now.
        await client.send(
          new PutCommand({
            TableName: table,
            Item: { subscriberId: `line#${line}`, part: "codes", sentAt, lastAt: now, expiresAt: expiry(now, 1) },
            ...(before === undefined
              ? { ConditionExpression: "attribute_not_exists(part)" }
              : { ConditionExpression: "lastAt = :before", ExpressionAttributeValues: { ":before": before.lastAt } }),
          }),
        );
        return true;
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return false;
      }
    },
    putCode: (subscriberId, line, code) => put(subscriberId, `code#${line}`, { ...code, expiresAt: expiry(code.validUntil, 1) }),
    async takeCodeTry(subscriberId, line, now) {
      try {
        const { Attributes } = await client.send(
          new UpdateCommand({
            TableName: table,
            Key: { subscriberId, part: `code#${line}` },
            UpdateExpression: "set triesLeft = triesLeft - :one",
            ConditionExpression: "triesLeft >= :one and validUntil > :now",
            ExpressionAttributeValues: { ":one": 1, ":now": now },
            ReturnValues: "ALL_NEW",
          }),
        );
        return z.parse(sentCode, Attributes);
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return undefined;
      }
    },
    removeCode: (subscriberId, line) => remove(subscriberId, `code#${line}`),
    wasNoticed: async (subscriberId, eventId) => (await read(subscriberId, `${NOTICE}${eventId}`)) !== undefined,
    async putNotice(subscriberId, eventId, at) {
      await put(subscriberId, `${NOTICE}${eventId}`, { at, expiresAt: expiry(at, NOTICE_DAYS) });
    },
    async listNotices(subscriberId) {
      const found = (await list(subscriberId, NOTICE)).map((item) => z.parse(notice, item));
      return found.map(({ part, at }): SentNotice => ({ eventId: part.slice(NOTICE.length), at }));
    },
    async getClosing(subscriberId) {
      const item = await read(CLOSING, subscriberId);
      return item === undefined ? undefined : z.parse(closing, item);
    },
    async putClosing(subscriberId, item) {
      if (await putIf("attribute_not_exists(part)", CLOSING, subscriberId, item)) return item;
      return z.parse(closing, await read(CLOSING, subscriberId));
    },
    async listClosing(page) {
      const { Items, LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: "subscriberId = :closing",
          ExpressionAttributeValues: { ":closing": CLOSING },
          ConsistentRead: true,
          ExclusiveStartKey: pageKey(page, (value) => z.parse(closingKey, value)),
          Limit: PAGE_SIZE,
        }),
      );
      return { items: (Items ?? []).map((item) => z.parse(named, item).part), next: pageMark(LastEvaluatedKey) };
    },
    async erase(subscriberId) {
      for (const { part } of (await list(subscriberId, "")).map((item) => z.parse(named, item))) if (part !== "hold") await remove(subscriberId, part);
    },
    removeClosing: (subscriberId) => remove(CLOSING, subscriberId),
  };
}
