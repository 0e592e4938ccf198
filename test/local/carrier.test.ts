import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { signCarrierRequest } from "../../functions/contracts/carrier.ts";
import { money } from "../../functions/domain/money.ts";
import { type CarrierFact, type CarrierLine, type CarrierModel, carrierModel } from "../../local/carrier/carrier-model.ts";
import { startCarrierServer } from "../../local/carrier/carrier-server.ts";
import { fileRecords, memoryRecords } from "../../local/records.ts";

const START = Date.parse("2026-11-23T16:00:00.000Z");
const LINE = "8986000000000000002";
const OTHER_LINE = "8986000000000000010";
const SECRET = "shared-secret";

function line(changes: Partial<CarrierLine> = {}): CarrierLine {
  return { iccid: LINE, owner: { subscriberId: "lin" }, currency: "CNY", available: 1000, drainPerMinute: 0, ...changes };
}

function order(reference: string, amount = 5000) {
  return { iccid: LINE, amount: money(amount, "CNY"), reference };
}

/** A model with one line, whose clock the test moves. */
function newModel(changes: Partial<CarrierLine> = {}) {
  const clock = { now: START };
  const facts: CarrierFact[] = [];
  const records = memoryRecords();
  const model = carrierModel({ records, now: () => clock.now, observe: (fact) => facts.push(fact) });
  model.addLine(line(changes));
  return { model, clock, facts, records };
}

function availableOn(model: CarrierModel, iccid = LINE): number | undefined {
  return model.queryBalances([iccid]).balances[0]?.available.amount;
}

describe("the carrier's list of top-ups", () => {
  const MINUTE = 60_000;
  const at = (minute: number) => new Date(START + minute * MINUTE).toISOString();

  it("holds the first moment of a range, and not the last", () => {
    const { model, clock } = newModel();
    for (const minute of [0, 1, 2, 3]) {
      clock.now = START + minute * MINUTE;
      model.topUp(order(`r-${minute}`));
    }
    expect(model.queryTopUps({ from: at(1), to: at(3) })?.topUps.map(({ reference }) => reference)).toEqual(["r-1", "r-2"]);
  });

  it("shows a late credit when it was credited, and not before", () => {
    const { model, clock } = newModel();
    model.chooseNext("credit-later-but-lose-reply");
    model.topUp(order("r-1"));
    const whole = { from: at(0), to: at(60) };
    expect(model.queryTopUps(whole)).toEqual({ topUps: [] });
    clock.now = START + 30 * MINUTE;
    expect(model.queryTopUps(whole)?.topUps).toMatchObject([{ reference: "r-1", status: "credited", at: at(10) }]);
  });

  it("shows what a carrier without a memory credited twice, twice", () => {
    const model = carrierModel({ records: memoryRecords(), now: () => START, answersAreFinal: false });
    model.addLine(line());
    for (const _again of [1, 2]) model.topUp(order("r-1"));
    expect(model.queryTopUps({ from: at(0), to: at(1) })?.topUps).toHaveLength(2);
  });

  it("says nothing of what was added elsewhere", () => {
    const { model } = newModel();
    model.creditElsewhere(LINE, 5000);
    expect(model.queryTopUps({ from: at(0), to: at(1) })).toEqual({ topUps: [] });
  });
});

describe("the carrier's model", () => {
  it("uses up a balance as its clock goes on, the same however often it is looked at", () => {
    const watched = newModel({ drainPerMinute: 7 });
    const left = newModel({ drainPerMinute: 7 });
    for (let second = 1; second <= 600; second++) {
      watched.clock.now = START + second * 1000;
      availableOn(watched.model);
    }
    left.clock.now = START + 600_000;

    expect(availableOn(watched.model)).toBe(930);
    expect(availableOn(left.model)).toBe(930);
  });

  it("stops at nothing, and a credit then counts in full", () => {
    const { model, clock } = newModel({ available: 50, drainPerMinute: 100 });
    clock.now = START + 3_600_000;

    expect(availableOn(model)).toBe(0);
    model.topUp(order("r-1"));
    expect(availableOn(model)).toBe(5000);
  });

  it("leaves a debt alone", () => {
    const { model, clock } = newModel({ available: -30, drainPerMinute: 100 });
    clock.now = START + 60_000;

    expect(availableOn(model)).toBe(-30);
  });

  it("gives nothing back when its clock goes back", () => {
    const { model, clock } = newModel({ drainPerMinute: 60 });
    clock.now = START - 3_600_000;

    expect(availableOn(model)).toBe(1000);
  });

  it("goes on from what was left when the drain changes", () => {
    const { model, clock } = newModel({ drainPerMinute: 100 });
    clock.now = START + 60_000;
    model.setDrain(LINE, 200);
    clock.now = START + 120_000;

    expect(availableOn(model)).toBe(700);
  });

  it("keeps a line that is added again as it is", () => {
    const { model } = newModel();
    model.setBalance(LINE, 123);
    model.addLine(line());

    expect(availableOn(model)).toBe(123);
  });

  it("has a line with its new owner and no other, in the order in which lines came", () => {
    const { model } = newModel();
    model.addLine(line({ iccid: OTHER_LINE }));
    const iccidsOf = (subscriberId: string) => model.queryEsims({ subscriberId }).esims.map(({ iccid }) => iccid);
    model.setBalance(LINE, 1);
    expect(iccidsOf("lin")).toEqual([LINE, OTHER_LINE]);

    model.setOwner(LINE, { subscriberId: "wei" });
    expect([iccidsOf("lin"), iccidsOf("wei")]).toEqual([[OTHER_LINE], [LINE]]);

    model.removeLine(LINE);
    expect([iccidsOf("lin"), iccidsOf("wei")]).toEqual([[OTHER_LINE], []]);
    expect(model.listLines()).toHaveLength(1);
  });

  it("knows what was ordered for a line that vanished", () => {
    const { model } = newModel();
    model.topUp(order("r-1"));
    model.removeLine(LINE);

    expect(model.findTopUp("r-1")).toMatchObject({ status: "credited" });
    expect(model.topUp(order("r-2"))).toMatchObject({ said: { status: "refused", code: "unknown-line" } });
    expect(availableOn(model)).toBeUndefined();
  });

  it("credits a late order once, as of the time when it was due, however late anybody looks and although it was started anew", () => {
    const { model, clock, facts, records } = newModel({ drainPerMinute: 60 });
    model.chooseNext("credit-later-but-error-503");
    model.topUp(order("r-1"));
    clock.now = START + 9 * 60_000;
    expect([availableOn(model), model.listTopUps()]).toEqual([460, []]);
    expect(facts).toMatchObject([{ type: "unanswered", reference: "r-1", because: "credit-later-but-error-503" }]);

    const restarted = carrierModel({ records, now: () => clock.now });
    clock.now = START + 60 * 60_000;
    for (const each of [model, restarted]) {
      expect(each.listTopUps()).toMatchObject([{ reference: "r-1", at: "2026-11-23T16:10:00.000Z" }]);
      expect(availableOn(each)).toBe(400 + 5000 - 50 * 60);
    }
    expect(facts).toMatchObject([{ type: "unanswered" }, { type: "credited", at: "2026-11-23T16:10:00.000Z", available: money(5400, "CNY") }]);
  });

  it("finds a person by the first thing that it knows", () => {
    const { model } = newModel({ owner: { email: "lin@example.com" } });
    model.addLine(line({ iccid: OTHER_LINE, owner: { phoneNumber: "+8613800138000" } }));

    expect(model.queryEsims({ subscriberId: "unheard-of", email: "lin@example.com", phoneNumber: "+8613800138000" }).esims).toEqual([
      { iccid: LINE, currency: "CNY" },
    ]);
  });

  it.each([
    ["an unknown line", { ...order("r-1"), iccid: OTHER_LINE }, "unknown-line"],
    ["another currency", { ...order("r-1"), amount: money(5000, "JPY") }, "wrong-currency"],
    ["an amount that the line does not take", order("r-1", 4999), "amount-not-offered"],
  ])("refuses %s for good", (_, refused, code) => {
    const { model, records } = newModel({ topUpAmounts: [3000, 5000] });
    const result = { said: { reference: "r-1", status: "refused", code } };

    expect(model.topUp(refused)).toEqual(result);
    model.addLine(line({ iccid: OTHER_LINE }));
    expect(carrierModel({ records, now: model.now }).topUp(refused)).toEqual(result);
    expect(availableOn(model)).toBe(1000);
  });

  it("gives a reference to one line and one amount only", () => {
    const { model } = newModel();
    model.addLine(line({ iccid: OTHER_LINE }));
    model.topUp(order("r-1"));

    expect(model.topUp({ ...order("r-1"), iccid: OTHER_LINE })).toEqual({ said: "conflict" });
    expect(model.topUp(order("r-1", 6000))).toEqual({ said: "conflict" });
    expect([availableOn(model), availableOn(model, OTHER_LINE)]).toEqual([6000, 1000]);
  });

  it("plays the chosen outcomes in turn, not counting repeats", () => {
    const { model } = newModel();
    model.chooseNext("credit", "refuse", "error-500");

    expect([order("r-1"), order("r-1"), order("r-2"), order("r-3"), order("r-3")].map((next) => model.topUp(next))).toMatchObject([
      { said: { status: "credited" } },
      { said: { status: "credited" } },
      { said: { status: "refused" } },
      { said: "nothing", fault: "error-500" },
      { said: { status: "credited" } },
    ]);
    expect(model.listTopUps().map(({ reference }) => reference)).toEqual(["r-1", "r-2", "r-3"]);
  });

  it("tells what happened, for a timeline", () => {
    const { model, facts } = newModel();
    model.chooseNext("credit", "refuse", "lose-request");
    for (const next of [order("r-1"), order("r-2"), order("r-3"), order("r-1"), order("r-1", 1)]) model.topUp(next);

    expect(facts).toMatchObject([
      { type: "credited", reference: "r-1", iccid: LINE, amount: money(5000, "CNY"), available: money(6000, "CNY") },
      { type: "refused", reference: "r-2", code: "line-barred" },
      { type: "unanswered", reference: "r-3", because: "lose-request" },
      { type: "repeated", reference: "r-1" },
      { type: "conflict", reference: "r-1" },
    ]);
  });

  it("has an answer and its credit on record before anybody hears of them", () => {
    const records = memoryRecords();
    const now = () => START;
    const seen: unknown[] = [];
    const observe = () => {
      const afterCrash = carrierModel({ records, now });
      seen.push(afterCrash.findTopUp("r-1"), availableOn(afterCrash));
    };
    const model = carrierModel({ records, now, observe });
    model.addLine(line());
    model.topUp(order("r-1"));

    expect(seen).toEqual([{ reference: "r-1", status: "credited", at: "2026-11-23T16:00:00.000Z" }, 6000]);
  });

  it("goes on after a restart where it was: balances, drains, first answers, chosen outcomes", () => {
    const folder = mkdtempSync(join(tmpdir(), "carrier-"));
    try {
      const before = fileRecords(join(folder, "records.sqlite"));
      const first = carrierModel({ records: before, now: () => START });
      first.addLine(line({ drainPerMinute: 60 }));
      first.topUp(order("r-1"));
      first.chooseNext("refuse");
      first.failNext("findTopUp", "slow");
      before.close();

      const after = fileRecords(join(folder, "records.sqlite"));
      const second = carrierModel({ records: after, now: () => START + 60_000 });
      second.addLine(line());
      expect(availableOn(second)).toBe(5940);
      expect(second.topUp(order("r-1"))).toEqual({
        said: { reference: "r-1", status: "credited", at: "2026-11-23T16:00:00.000Z" },
      });
      expect(second.topUp(order("r-2"))).toMatchObject({ said: { status: "refused" } });
      expect(second.takeFault("findTopUp")).toBe("slow");
      expect(availableOn(second)).toBe(5940);
      after.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the carrier's server", () => {
  interface Sent {
    readonly method: "GET" | "POST";
    readonly path: string;
    readonly body?: string;
    readonly timestamp: string;
  }

  /** Signs one request, and sends another. */
  async function ask(signed: Partial<Sent>, sent: Partial<Sent> = signed) {
    const defaults: Sent = { method: "POST", path: "/v1/balances/query", timestamp: String(START / 1000) };
    const request = { ...defaults, ...sent };
    const { model } = newModel();
    const server = await startCarrierServer({ model, secret: SECRET });
    try {
      const response = await fetch(`${server.url}${request.path}`, {
        method: request.method,
        body: request.body,
        headers: { "x-timestamp": request.timestamp, "x-signature": signCarrierRequest(SECRET, { body: "", ...defaults, ...signed }) },
      });
      const body: unknown = await response.json();
      return { status: response.status, type: response.headers.get("content-type"), body };
    } finally {
      await server.close();
    }
  }

  const body = JSON.stringify({ iccids: [LINE] });

  it("answers what is signed", async () => {
    expect(await ask({ body })).toMatchObject({ status: 200, type: "application/json" });
  });

  it.each<[string, Partial<Sent>, Partial<Sent>]>([
    ["its body was altered", { body }, { body: body.replace(LINE, OTHER_LINE) }],
    ["its path was altered", { body }, { body, path: "/v1/esims/query" }],
    ["a query was added", { body }, { body, path: "/v1/balances/query?all" }],
    ["its method was altered", { method: "GET", path: "/v1/top-ups/r-1" }, { method: "POST", path: "/v1/top-ups/r-1" }],
    ["its timestamp was altered", { body }, { body, timestamp: String(START / 1000 + 1) }],
    ["it is too old", { body, timestamp: String(START / 1000 - 301) }, { body, timestamp: String(START / 1000 - 301) }],
    ["it is from the future", { body, timestamp: String(START / 1000 + 301) }, { body, timestamp: String(START / 1000 + 301) }],
    ["its timestamp is no number", { body, timestamp: "now" }, { body, timestamp: "now" }],
  ])("refuses a request when %s", async (_, signed, sent) => {
    expect(await ask(signed, sent)).toMatchObject({ status: 401, type: "application/problem+json", body: { status: 401 } });
  });

  it("refuses a request without a signature", async () => {
    const server = await startCarrierServer({ model: newModel().model, secret: SECRET });
    try {
      expect((await fetch(`${server.url}/v1/top-ups/r-1`)).status).toBe(401);
    } finally {
      await server.close();
    }
  });

  it("says what is wrong with a body, and where", async () => {
    expect(await ask({ body: "{" })).toMatchObject({ status: 400, type: "application/problem+json" });
    expect(await ask({ body: JSON.stringify({ iccids: [LINE, "1"] }) })).toMatchObject({
      status: 422,
      type: "application/problem+json",
      body: { errors: [{ pointer: "/iccids/1" }] },
    });
    expect(await ask({ path: "/v1/esims/query", body: "{}" })).toMatchObject({ status: 422 });
    expect(await ask({ path: "/v1/top-ups", body: JSON.stringify(order("r-1", -5000)) })).toMatchObject({ status: 422 });
  });

  it("serves every operation of its document", async () => {
    const document = readFileSync(new URL("../../docs/carrier-api.yaml", import.meta.url), "utf8");
    const operations = [...document.matchAll(/^ {2}(\/\S+):\n {4}(get|post):$/gm)].map(([, path = "", method]) => ({ path, method }));
    const answers = operations.map(({ path, method }) =>
      method === "get" ? ask({ method: "GET", path: path.replace("{reference}", "r-1") }) : ask({ path, body: "{}" }),
    );

    expect(await Promise.all(answers)).toMatchObject([
      ...Array.from({ length: 5 }, () => ({ status: 422 })),
      { status: 404, body: { type: "urn:auto-recharge:carrier:unknown-reference" } },
    ]);
  });

  it("says what is wrong with the range of a list", async () => {
    expect(await ask({ method: "GET", path: "/v1/top-ups?from=yesterday&to=today" })).toMatchObject({ status: 422, type: "application/problem+json" });
  });

  it("knows neither other routes nor references that it never saw, and tells one from the other", async () => {
    expect(await ask({ method: "GET", path: "/v1/top-ups/r-1" })).toMatchObject({
      status: 404,
      body: { type: "urn:auto-recharge:carrier:unknown-reference" },
    });
    expect(await ask({ method: "GET", path: "/v1/top-up/r-1" })).toMatchObject({ status: 404, body: { type: "urn:auto-recharge:carrier:unknown-route" } });
  });
});
