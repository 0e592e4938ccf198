import { describe, expect, it } from "@jest/globals";
import { httpCarrier } from "../../functions/adapters/http-carrier.ts";
import { money } from "../../functions/domain/money.ts";
import { type Carrier, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { instant } from "../../functions/domain/time.ts";
import { type TopUpAnswer, topUpOutcome, UNKNOWN_REFERENCE } from "../../functions/domain/top-up-outcomes.ts";
import { type CarrierModel, type CarrierModelOptions, carrierModel } from "../../local/carrier/carrier-model.ts";
import { startCarrierServer } from "../../local/carrier/carrier-server.ts";
import { FATES, FAULTS, type Fault } from "../../local/carrier/next-outcomes.ts";
import { memoryRecords } from "../../local/records.ts";
import { cny, ICCID, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import { inProcessCarrier } from "../fakes/in-process-carrier.ts";

const SECRET = "shared-secret";
const ORDER = { iccid: ICCID, amount: cny(5000), reference: "r-1" };
const CREDITED = { kind: "credited", reference: "r-1", at: NOW };
const UNSEEN = { kind: "other", status: 404, problem: UNKNOWN_REFERENCE };

interface World {
  readonly model: CarrierModel;
  readonly carrier: Carrier;
  /** The same carrier, for whose answer we wait for half a second only. */
  readonly hasty: Carrier;
  readonly advanceMinutes: (minutes: number) => void;
  /** What a line has now, whatever the carrier reads out. */
  readonly available: (iccid?: string) => number | undefined;
}

function newModel(options: Partial<CarrierModelOptions>) {
  const clock = { now: Date.parse(NOW) };
  const model = carrierModel({ records: memoryRecords(), now: () => clock.now, ...options });
  for (const iccid of [ICCID, OTHER_ICCID]) model.addLine({ iccid, owner: { subscriberId: SUBSCRIBER }, currency: "CNY", available: 1000, drainPerMinute: 0 });
  return { model, clock };
}

/** A carrier with two lines of CNY 10.00, asked over HTTP. What is to come too late comes after a minute. */
async function withCarrier(options: Partial<CarrierModelOptions>, run: (world: World) => Promise<void>): Promise<void> {
  const { model, clock } = newModel(options);
  const server = await startCarrierServer({ model, secret: SECRET, slowMilliseconds: 60_000 });
  const patientFor = (timeoutMilliseconds?: number) => {
    const clockNow = { now: () => instant(clock.now) };
    return httpCarrier({ baseUrl: server.url, secret: SECRET, answersAreFinal: model.answersAreFinal, clock: clockNow, timeoutMilliseconds });
  };
  const advanceMinutes = (minutes: number) => {
    clock.now += minutes * 60_000;
  };
  const available = (wanted = ICCID) => model.listLines().find(({ iccid }) => iccid === wanted)?.available;
  try {
    await run({ model, carrier: patientFor(), hasty: patientFor(500), advanceMinutes, available });
  } finally {
    await server.close();
  }
}

/** What a call comes to for us: the answer, or that there was none. */
async function heard(call: Promise<TopUpAnswer>): Promise<TopUpAnswer | "no answer"> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof OutcomeUnknown) return "no answer";
    throw error;
  }
}

describe("a carrier whose answers are final", () => {
  it("credits once, whatever became of the first answer", () =>
    withCarrier({}, async ({ model, carrier, available }) => {
      model.chooseNext("credit-but-error-500");

      expect(await carrier.topUp(ORDER)).toMatchObject({ kind: "other", status: 500 });
      expect([await carrier.findTopUp("r-1"), await carrier.topUp(ORDER)]).toEqual([CREDITED, CREDITED]);
      expect(available()).toBe(6000);
    }));

  it("says that an order is under way until it is credited, and takes no other under its reference", () =>
    withCarrier({}, async ({ model, carrier, available, advanceMinutes }) => {
      model.chooseNext("credit-later-but-lose-reply");
      expect(await heard(carrier.topUp(ORDER))).toBe("no answer");

      expect(await carrier.findTopUp("r-1")).toMatchObject({ kind: "other", status: 503 });
      expect(await carrier.topUp(ORDER)).toMatchObject({ kind: "other", status: 503 });
      expect(await carrier.topUp({ ...ORDER, iccid: OTHER_ICCID })).toMatchObject({ kind: "other", status: 409 });
      expect(available()).toBe(1000);

      advanceMinutes(10);
      const at = "2026-11-23T08:10:00.000Z";
      expect([await carrier.findTopUp("r-1"), await carrier.topUp(ORDER)]).toEqual([
        { ...CREDITED, at },
        { ...CREDITED, at },
      ]);
      expect([available(), available(OTHER_ICCID)]).toEqual([6000, 1000]);
    }));
});

describe("a carrier whose answers are not final", () => {
  it("credits again for every repeat, and never knows a reference", () =>
    withCarrier({ answersAreFinal: false }, async ({ model, carrier, available }) => {
      expect([await carrier.topUp(ORDER), await carrier.topUp(ORDER), await carrier.findTopUp("r-1")]).toEqual([CREDITED, CREDITED, UNSEEN]);
      expect(available()).toBe(11_000);
      expect(model.listTopUps()).toHaveLength(2);
      expect(carrier.answersAreFinal).toBe(false);
    }));

  it("may find what it credited, but nothing that it refused", () =>
    withCarrier({ answersAreFinal: false, findsCredits: true }, async ({ model, carrier }) => {
      model.chooseNext("refuse", "credit-but-lose-reply");
      await carrier.topUp(ORDER);
      expect(await carrier.findTopUp("r-1")).toEqual(UNSEEN);

      expect(await heard(carrier.topUp({ ...ORDER, reference: "r-2" }))).toBe("no answer");
      expect(await carrier.findTopUp("r-2")).toEqual({ ...CREDITED, reference: "r-2" });
    }));

  it("credits twice when its first order is late and it is asked again meanwhile", () =>
    withCarrier({ answersAreFinal: false, findsCredits: true }, async ({ model, carrier, available, advanceMinutes }) => {
      model.chooseNext("credit-later-but-error-503");
      await carrier.topUp(ORDER);
      expect(await carrier.findTopUp("r-1")).toEqual(UNSEEN);
      expect(await carrier.topUp(ORDER)).toEqual(CREDITED);
      expect(available()).toBe(6000);

      advanceMinutes(10);
      expect(available()).toBe(11_000);
    }));
});

describe("a carrier that is slow", () => {
  it.each([
    ["slow", 1000],
    ["credit-but-slow", 6000],
  ] as const)("answers nobody in time (%s), and holds up no one else", (outcome, left) =>
    withCarrier({}, async ({ model, carrier, hasty, available }) => {
      model.chooseNext(outcome);
      const waiting = heard(hasty.topUp(ORDER));
      expect((await carrier.getBalances([OTHER_ICCID])).size).toBe(1);
      expect([await waiting, available()]).toEqual(["no answer", left]);
    }),
  );

  it("answers as it should when one waits for long enough", async () => {
    const { model, clock } = newModel({});
    const server = await startCarrierServer({ model, secret: SECRET, slowMilliseconds: 20 });
    try {
      model.chooseNext("credit-but-slow");
      const carrier = httpCarrier({ baseUrl: server.url, secret: SECRET, answersAreFinal: true, clock: { now: () => instant(clock.now) } });
      expect(await carrier.topUp(ORDER)).toEqual(CREDITED);
    } finally {
      await server.close();
    }
  });
});

describe("a carrier with limits", () => {
  it("takes so many calls in a second of its clock, and does nothing for the others", () =>
    withCarrier({ callsPerSecond: 2 }, async ({ carrier, available, advanceMinutes }) => {
      const orders = ["r-1", "r-2", "r-3"].map((reference) => ({ ...ORDER, reference }));
      const answers = [];
      for (const order of orders) answers.push(await carrier.topUp(order));
      expect(answers).toMatchObject([{ kind: "credited" }, { kind: "credited" }, { kind: "other", status: 429 }]);
      await expect(carrier.getBalances([ICCID])).rejects.toThrow("answered 429");
      expect(available()).toBe(11_000);

      advanceMinutes(1);
      expect(await carrier.topUp({ ...ORDER, reference: "r-3" })).toMatchObject({ kind: "credited" });
    }));

  it("is too busy for as many calls as one chooses", () =>
    withCarrier({}, async ({ model, carrier }) => {
      model.failNext("findTopUp", "error-429", "error-429");

      expect(await carrier.findTopUp("r-1")).toMatchObject({ status: 429 });
      expect(await carrier.findTopUp("r-1")).toMatchObject({ status: 429 });
      expect(await carrier.findTopUp("r-1")).toEqual(UNSEEN);
    }));

  it("adds only the amounts that it offers for a line", () =>
    withCarrier({}, async ({ model, carrier, available }) => {
      model.setTopUpAmounts(ICCID, [3000, 10_000]);

      expect(await carrier.listEsims({ subscriberId: SUBSCRIBER })).toEqual([
        { iccid: ICCID, currency: "CNY", topUpAmounts: [3000, 10_000] },
        { iccid: OTHER_ICCID, currency: "CNY" },
      ]);
      expect(await carrier.topUp(ORDER)).toEqual({ kind: "refused", reference: "r-1", code: "amount-not-offered" });
      expect(await carrier.topUp({ ...ORDER, amount: cny(3000), reference: "r-2" })).toMatchObject({ kind: "credited" });
      expect(available()).toBe(4000);
    }));
});

describe("a carrier that repeats its readings", () => {
  it("tells the old balance with its old time, also after a top-up, until its interval is over", () =>
    withCarrier({ readIntervalSeconds: 300 }, async ({ carrier, advanceMinutes, available }) => {
      const read = async () => (await carrier.getBalances([ICCID])).get(ICCID);
      expect(await read()).toEqual({ balance: cny(1000), readAt: NOW });
      await carrier.topUp(ORDER);
      advanceMinutes(4);
      expect(await read()).toEqual({ balance: cny(1000), readAt: NOW });
      expect(available()).toBe(6000);

      advanceMinutes(1);
      expect(await read()).toEqual({ balance: cny(6000), readAt: "2026-11-23T08:05:00.000Z" });
    }));
});

describe("a line at the carrier", () => {
  it("may change its currency, and is then topped up in that one only", () =>
    withCarrier({}, async ({ model, carrier }) => {
      model.setCurrency(ICCID, "USD");

      expect((await carrier.getBalances([ICCID])).get(ICCID)?.balance).toEqual(money(1000, "USD"));
      expect(await carrier.listEsims({ subscriberId: SUBSCRIBER })).toContainEqual({ iccid: ICCID, currency: "USD" });
      expect(await carrier.topUp(ORDER)).toMatchObject({ kind: "refused", code: "wrong-currency" });
    }));

  it("may go to another person", () =>
    withCarrier({}, async ({ model, carrier }) => {
      model.setOwner(ICCID, { email: "wei@example.com" });

      expect(await carrier.listEsims({ subscriberId: SUBSCRIBER })).toEqual([{ iccid: OTHER_ICCID, currency: "CNY" }]);
      expect(await carrier.listEsims({ subscriberId: "wei", email: "wei@example.com" })).toEqual([{ iccid: ICCID, currency: "CNY" }]);
    }));

  it("may vanish", () =>
    withCarrier({}, async ({ model, carrier }) => {
      model.removeLine(ICCID);

      expect([...(await carrier.getBalances([ICCID, OTHER_ICCID])).keys()]).toEqual([OTHER_ICCID]);
      expect(await carrier.listEsims({ subscriberId: SUBSCRIBER })).toHaveLength(1);
      expect(await carrier.topUp(ORDER)).toMatchObject({ kind: "refused", code: "unknown-line" });
    }));

  it("may be topped up by its holder elsewhere, which no list of ours shows", () =>
    withCarrier({}, async ({ model, carrier }) => {
      model.creditElsewhere(ICCID, 2000);

      expect((await carrier.getBalances([ICCID])).get(ICCID)?.balance).toEqual(cny(3000));
      expect(model.listTopUps()).toEqual([]);
    }));
});

describe("an answer that goes wrong", () => {
  const FAILURES: readonly (readonly [fault: Fault, says: RegExp])[] = [
    ["lose-reply", /gave no answer/],
    ["garbled", /answered 200 with something/],
    ["html", /answered 200 with something/],
    ["error-401", /answered 401/],
    ["error-404", /answered 404/],
    ["error-429", /answered 429/],
    ["error-503", /answered 503/],
  ];

  it.each(FAILURES)("tells nothing about lines, once, after %s", (fault, says) =>
    withCarrier({}, async ({ model, carrier }) => {
      model.failNext("queryEsims", fault);
      model.failNext("queryBalances", fault);

      await expect(carrier.listEsims({ subscriberId: SUBSCRIBER })).rejects.toThrow(says);
      await expect(carrier.getBalances([ICCID])).rejects.toThrow(says);
      expect(await carrier.listEsims({ subscriberId: SUBSCRIBER })).toHaveLength(2);
      expect(await carrier.getBalances([ICCID])).toHaveProperty("size", 1);
    }),
  );

  it("may tell of no lines, or of another currency", () =>
    withCarrier({}, async ({ model, carrier }) => {
      model.failNext("queryEsims", "missing-lines");
      model.failNext("queryBalances", "missing-lines", "other-currency");

      expect(await carrier.listEsims({ subscriberId: SUBSCRIBER })).toEqual([]);
      expect([...(await carrier.getBalances([ICCID]))]).toEqual([]);
      expect((await carrier.getBalances([ICCID])).get(ICCID)?.balance).toEqual(money(1000, "USD"));
    }));

  it.each(FAULTS)("never looks like a credit, a refusal or a top-up that was not seen: %s", (fault) =>
    withCarrier({}, async ({ model, carrier, hasty, available }) => {
      model.chooseNext(fault, `credit-but-${fault}`);
      model.failNext("findTopUp", fault);
      for (const question of ["top-up", "top-up", "find"] as const) {
        const answer = await heard(question === "find" ? hasty.findTopUp("r-1") : hasty.topUp(ORDER));
        const meaning = answer === "no answer" ? "unknown" : topUpOutcome(question, "r-1", answer).kind;
        expect(["unknown", "fault", "conflict"]).toContain(meaning);
      }

      expect(await carrier.findTopUp("r-1")).toEqual(CREDITED);
      expect(available()).toBe(6000);
    }),
  );
});

describe("the carrier's model, called in process", () => {
  it.each([...FATES.keys()].filter((outcome) => !outcome.endsWith("slow")))("is heard as over HTTP: %s", (outcome) =>
    withCarrier({}, async ({ model, carrier }) => {
      const twin = newModel({}).model;
      const twinCarrier = inProcessCarrier(twin);
      for (const each of [model, twin]) each.chooseNext(outcome);

      expect([await heard(twinCarrier.topUp(ORDER)), await heard(twinCarrier.findTopUp("r-1"))]).toEqual([
        await heard(carrier.topUp(ORDER)),
        await heard(carrier.findTopUp("r-1")),
      ]);
      expect(twin.listLines()).toEqual(model.listLines());
    }),
  );
});
