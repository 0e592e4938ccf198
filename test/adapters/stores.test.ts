import { randomUUID } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { dynamoDb } from "../../functions/adapters/dynamodb-client.ts";
import { dynamoDbEsims } from "../../functions/adapters/dynamodb-esims.ts";
import { itemOf } from "../../functions/adapters/esim-item.ts";
import { type Esim, newEsim, withEvent } from "../../functions/domain/esim.ts";
import { applyMove, applyReserved } from "../../functions/domain/recharge.ts";
import { startTables } from "../../local/cloud/tables.ts";
import { cny, METHOD, NOW, reading } from "../builders.ts";
import { memoryCards, memoryControls, memoryEsims, memoryQuotas, memoryRecharges, memorySubscribers } from "../fakes/memory-stores.ts";
import { SAMPLE_EVENTS } from "../sample-events.ts";
import { describeCards } from "./cards-contract.ts";
import { describeControls } from "./controls-contract.ts";
import { describeDynamoDb } from "./dynamodb-contract.ts";
import { describeEsims } from "./esims-contract.ts";
import { describeQuotas } from "./quotas-contract.ts";
import { describeRecharges } from "./recharges-contract.ts";
import { iccidOf } from "./store-contract.ts";
import { describeSubscribers } from "./subscribers-contract.ts";
import { typicalLine } from "./typical-line.ts";

describeEsims("in memory", async () => {
  const store = memoryEsims();
  return { store, spoil: async (iccid, fields) => store.spoil(iccid, fields) };
});
describeRecharges("in memory", async () => ({ store: memoryRecharges() }));
describeSubscribers("in memory", async () => ({ store: memorySubscribers() }));
describeCards("in memory", async () => ({ store: memoryCards() }));
describeControls("in memory", async () => ({ store: memoryControls() }));
describeQuotas("in memory", async () => ({ store: memoryQuotas() }));

describeDynamoDb("dynalite", () => startTables());

describe("lines that DynamoDB leaves unread, since it is busy", () => {
  /** Reads one line per call, and from some call on none. */
  function busyEsims({ stuckFrom = Number.POSITIVE_INFINITY }: { readonly stuckFrom?: number } = {}) {
    const client = dynamoDb("http://127.0.0.1");
    let calls = 0;
    client.middlewareStack.add(
      () =>
        async ({ input }) => {
          calls += 1;
          const keys = "RequestItems" in input ? (Object.values(input.RequestItems ?? {})[0]?.Keys ?? []) : [];
          const [read, left] = calls < stuckFrom ? [keys.slice(0, 1), keys.slice(1)] : [[], keys];
          const items = read.map(({ iccid }: Record<string, unknown>) => itemOf(newEsim(String(iccid)), 1, "write"));
          return { response: {}, output: { $metadata: {}, Responses: { Esims: items }, UnprocessedKeys: left.length === 0 ? {} : { Esims: { Keys: left } } } };
        },
      { step: "initialize", priority: "high" },
    );
    return { store: dynamoDbEsims(client, "Esims"), calls: () => calls };
  }

  it("are asked for again until they have come", async () => {
    const { store, calls } = busyEsims();
    const iccids = [1, 2, 3].map(iccidOf);
    expect((await store.loadMany(iccids)).map((esim) => esim.iccid)).toEqual(iccids);
    expect(calls()).toBe(3);
  });

  it("are a fault after five tries: a line that is left out would pass for one that is not stored", async () => {
    const { store, calls } = busyEsims({ stuckFrom: 2 });
    await expect(store.loadMany([1, 2, 3].map(iccidOf))).rejects.toThrow("left 2 lines unread after 5 tries");
    expect(calls()).toBe(5);
  });
});

const MAP_BYTES = 3;

/**
 * What DynamoDB counts for a value: a map's or list's own bytes and one for each element, names and texts in UTF-8, a byte for two digits of a number.
 *
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
function bytesOf(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(Math.abs(value)).length / 2) + 2;
  if (typeof value !== "object" || value === null) return 1;
  const elements = Object.entries(value).map(([name, element]) => 1 + (Array.isArray(value) ? 0 : Buffer.byteLength(name)) + bytesOf(element));
  return elements.reduce((sum, bytes) => sum + bytes, MAP_BYTES);
}

describe("the item of a line", () => {
  const sizeOf = (esim: Esim) => bytesOf(JSON.parse(JSON.stringify(itemOf(esim, 1234, randomUUID())))) - MAP_BYTES; // the item itself is no map

  it("stays under a kilobyte, one write unit, while it is only watched", () => expect(sizeOf(typicalLine())).toBeLessThan(1024));

  it("stays under two kilobytes with a recharge open, from its reservation to its end", () => {
    const rechargeId = randomUUID();
    const method = { ...METHOD, id: "pm_1Nv0FGQ9RKHgCVdK00dK5vWm", customerId: "cus_9s6XKzkNRiz8i3", cardKey: "Xt5EWLLDS7FJjR1c" };
    const period = { month: "2026-11", day: "2026-11-23" };
    const reserved = applyReserved(typicalLine(), { rechargeId, amount: cny(5000), period, method, reading: reading(-250) }, NOW);
    const confirming = applyMove(reserved, rechargeId, { type: "created", paymentIntentId: "pi_3MtwBwLkdIwHu7ix28a3tqPa" }, NOW);
    const paid = applyMove(confirming, rechargeId, { type: "paid", at: NOW }, NOW);
    const ended = applyMove(paid, rechargeId, { type: "credited", at: NOW }, NOW);
    const lines = { reserved, confirming, paid, ended, "with two events waiting": withEvent(ended, SAMPLE_EVENTS.RuleSaved, NOW) };
    const tooLong = Object.entries(lines)
      .map(([name, line]) => ({ name, bytes: sizeOf(line) }))
      .filter(({ bytes }) => bytes >= 2048);
    expect(tooLong).toEqual([]);
  });
});
