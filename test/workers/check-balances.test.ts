import { describe, expect, it } from "@jest/globals";
import type { DomainEvent } from "../../functions/domain/events.ts";
import { type Money, money } from "../../functions/domain/money.ts";
import { type CheckRequest, type LinePoke, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { slotHash, slotKey } from "../../functions/domain/slots.ts";
import { epochMinute, plusSeconds } from "../../functions/domain/time.ts";
import { type CheckBalancesPorts, checkBalances } from "../../functions/workers/check-balances/check-balances.ts";
import { cny, esimWithRule, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { memoryEsims } from "../fakes/memory-stores.ts";
import { keptMetrics } from "../fakes/metrics.ts";
import { linePokes } from "../line-pokes.ts";

const SLOT = slotKey(ICCID, "15m");
const WHOLE_SLOT: CheckRequest = { slot: SLOT, from: "00000000", to: "ffffffff" };

/** Other lines of the same slot: without check digits, which only the edge looks at. */
const NEIGHBOURS = Array.from({ length: 6000 }, (_, i) => `8986${String(i).padStart(14, "0")}`).filter((iccid) => slotKey(iccid, "15m") === SLOT);

async function neverAsked(): Promise<never> {
  throw new Error("The checker asks for balances, of lines that are awake, and for nothing else");
}

/** A slot wheel and a carrier that knows some balances. */
function checkerWorld() {
  const esims = memoryEsims();
  const published: DomainEvent[] = [];
  const asked: string[] = [];
  const requests: CheckRequest[] = [];
  const pokes: LinePoke[] = [];
  const logged: { readonly code: string; readonly fields?: object }[] = [];
  const log = (code: string, fields?: object) => void logged.push({ code, fields });
  const balances = new Map<string, Money>();
  const metrics = keptMetrics();

  const ports: CheckBalancesPorts = {
    esims,
    carrier: {
      answersAreFinal: true,
      listEsims: neverAsked,
      findLine: neverAsked,
      sendCode: neverAsked,
      topUp: neverAsked,
      findTopUp: neverAsked,
      listTopUps: neverAsked,
      async getBalances(iccids) {
        asked.push(...iccids);
        return new Map(
          iccids.flatMap((iccid) => {
            const balance = balances.get(iccid);
            return balance === undefined ? [] : [[iccid, { balance, readAt: NOW }] as const];
          }),
        );
      },
    },
    events: { publish: async (events) => void published.push(...events) },
    checkRequests: { send: async (sent) => void requests.push(...sent) },
    pokes: { send: async (sent) => void pokes.push(...linePokes(sent)) },
    clock: { now: () => NOW },
    ids: { next: () => `check-${published.length + 1}` },
    log: { info: () => {}, warn: log, error: log },
    metrics,
    timeLeft: () => 60_000,
  };

  return {
    ports,
    measured: metrics.measured,
    published,
    asked,
    requests,
    pokes,
    logged,
    writes: esims.writes,
    /** Stores a watched line; without a balance the carrier does not know it. */
    async watch(
      iccid: string,
      balance?: number,
      changes: { readonly quietUntil?: string; readonly quietWhileLow?: boolean; readonly cycle?: number } = {},
    ): Promise<void> {
      await esims.save({ ...esimWithRule(), iccid, version: 0, ...changes }, "seed");
      if (balance !== undefined) balances.set(iccid, cny(balance));
    },
    setBalance: (iccid: string, balance: Money) => void balances.set(iccid, balance),
    low: () => published.flatMap((event) => ("iccid" in event ? [event.iccid] : [])),
    check: (changes: Partial<CheckBalancesPorts> = {}, request = WHOLE_SLOT) => checkBalances({ ...ports, ...changes }, request),
  };
}

const [A = "", B = "", C = "", D = ""] = NEIGHBOURS;

describe("the balance checker", () => {
  it("reports the lines that are below their threshold, and no others", async () => {
    const world = checkerWorld();
    await world.watch(A, 999);
    await world.watch(B, 1000); // exactly at the threshold is not low
    await world.watch(C, 1001);
    await world.watch(D, -1);
    await world.check();
    expect(new Set(world.low())).toEqual(new Set([A, D]));
    expect(new Set(world.asked)).toEqual(new Set([A, B, C, D]));
  });

  it("reports what it saw, under an id that is the same when the check comes twice", async () => {
    const world = checkerWorld();
    await world.watch(ICCID, 999, { cycle: 4 });
    await world.check();
    await world.check();
    const event = {
      name: "LowBalanceDetected",
      id: `${ICCID}/4/${epochMinute(NOW)}`,
      version: 1,
      at: NOW,
      iccid: ICCID,
      subscriberId: SUBSCRIBER,
      balance: cny(999),
      readAt: NOW,
      cycle: 4,
    };
    expect(world.published).toEqual([
      { ...event, check: "check-1" },
      { ...event, check: "check-2" },
    ]);
    expect(world.measured).toEqual([
      ["LinesFoundLow", 1],
      ["LinesFoundLow", 1],
    ]);
  });

  it("writes nothing, whether a line is well or low", async () => {
    const world = checkerWorld();
    await world.watch(A, 100_000);
    await world.watch(B, 0);
    const before = world.writes();
    await world.check();
    expect([world.writes(), world.low()]).toEqual([before, [B]]);
  });

  it("does not even read a line that may not act yet", async () => {
    const world = checkerWorld();
    await world.watch(A, 0, { quietUntil: plusSeconds(NOW, 1) });
    await world.watch(B, 0, { quietUntil: NOW });
    await world.watch(C, 0, { quietUntil: plusSeconds(NOW, -1) });
    await world.check();
    expect(new Set(world.asked)).toEqual(new Set([B, C]));
    expect(new Set(world.low())).toEqual(new Set([B, C]));
  });

  it("asks the carrier nothing when no line is awake", async () => {
    const world = checkerWorld();
    await world.watch(A, 0, { quietUntil: plusSeconds(NOW, 1) });
    await world.check({ carrier: { ...world.ports.carrier, getBalances: neverAsked } });
    expect(world.published).toEqual([]);
  });

  it("has a line that is quiet only while it is low looked at when it is not any more, and reports it no sooner", async () => {
    const world = checkerWorld();
    const quiet = { quietUntil: plusSeconds(NOW, 60), quietWhileLow: true };
    await world.watch(A, 999, quiet);
    await world.watch(B, 1000, quiet);
    await world.watch(C, undefined, quiet);
    await world.check();
    expect(world.low()).toEqual([]);
    expect(world.pokes).toEqual([{ iccid: B, judge: true }]);
    expect(world.logged).toEqual([]);
  });

  it("logs how many lines the carrier does not know, naming none, has them looked at, and goes on", async () => {
    const world = checkerWorld();
    await world.watch(A);
    await world.watch(B);
    await world.watch(C, 0);
    await world.check();
    expect(world.low()).toEqual([C]);
    expect(world.logged).toEqual([{ code: "balance-missing", fields: { lines: 2 } }]);
    expect(new Set(world.pokes.map(({ iccid, judge }) => `${iccid} ${judge}`))).toEqual(new Set([`${A} true`, `${B} true`]));
  });

  it("reports a line whose currency changed, whatever is on it", async () => {
    const world = checkerWorld();
    await world.watch(A, 0);
    world.setBalance(A, money(100_000, "USD"));
    await world.check();
    expect(world.published).toMatchObject([{ iccid: A, balance: money(100_000, "USD") }]);
  });

  it("looks at its part of the slot only", async () => {
    const world = checkerWorld();
    for (const iccid of [A, B, C, D]) await world.watch(iccid, 0);
    const halves = [
      { ...WHOLE_SLOT, to: "7fffffff" },
      { ...WHOLE_SLOT, from: "80000000" },
    ];
    for (const half of halves) {
      world.asked.length = 0;
      await world.check({}, half);
      expect(world.asked).toEqual([A, B, C, D].filter((iccid) => half.from <= slotHash(iccid) && slotHash(iccid) <= half.to).sort(bySlotHash));
    }
    expect(new Set(world.low())).toEqual(new Set([A, B, C, D]));
    expect(world.low()).toHaveLength(4);
    await world.check({}, { ...WHOLE_SLOT, slot: "1h#0" });
    expect(world.low()).toHaveLength(4);
  });

  it("goes through a slot page by page, each line once", async () => {
    const world = checkerWorld();
    const lines = NEIGHBOURS.slice(0, 250);
    for (const iccid of lines) await world.watch(iccid, 0);
    await world.check();
    expect(world.low()).toHaveLength(250);
    expect(new Set(world.low())).toEqual(new Set(lines));
    expect(world.requests).toEqual([]);
  });

  it("sends the rest on when little time is left, and whoever takes it goes on there", async () => {
    const world = checkerWorld();
    const lines = NEIGHBOURS.slice(0, 250);
    for (const iccid of lines) await world.watch(iccid, 0);
    const times = [60_000, 19_999];
    await world.check({ timeLeft: () => times.shift() ?? 0 });
    expect(world.low()).toHaveLength(100);
    expect(world.requests).toEqual([{ ...WHOLE_SLOT, page: expect.any(String) }]);
    for (const request of world.requests.splice(0)) await world.check({}, request);
    expect(world.low()).toHaveLength(250);
    expect(new Set(world.low())).toEqual(new Set(lines));
  });

  it("sends all of it on when there is no time even for the first page", async () => {
    const world = checkerWorld();
    await world.watch(A, 0);
    await world.check({ timeLeft: () => 0 });
    expect([world.requests, world.asked]).toEqual([[WHOLE_SLOT], []]);
  });

  it("fails, so that its message comes again, when the carrier or the bus does not answer", async () => {
    const world = checkerWorld();
    await world.watch(A, 0);
    const getBalances = () => Promise.reject(new OutcomeUnknown("no answer"));
    await expect(world.check({ carrier: { ...world.ports.carrier, getBalances } })).rejects.toThrow(OutcomeUnknown);
    await expect(world.check({ events: { publish: () => Promise.reject(new Error("bus")) } })).rejects.toThrow("bus");
  });
});

function bySlotHash(a: string, b: string): number {
  return slotHash(a) < slotHash(b) ? -1 : 1;
}
