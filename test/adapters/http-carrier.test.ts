import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { httpCarrier } from "../../functions/adapters/http-carrier.ts";
import { balanceQuery, signCarrierRequest, UNKNOWN_REFERENCE } from "../../functions/contracts/carrier.ts";
import { money } from "../../functions/domain/money.ts";
import { type Carrier, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { type CarrierModel, carrierModel } from "../../local/carrier/carrier-model.ts";
import { startCarrierServer } from "../../local/carrier/carrier-server.ts";
import { memoryRecords } from "../../local/records.ts";
import { luhnCheckDigit } from "../builders.ts";

const NOW = "2026-11-23T16:00:00.000Z";
const SECRET = "shared-secret";
const CNY_50 = money(5000, "CNY");

function iccid(number: number): string {
  const payload = `8986${String(number).padStart(14, "0")}`;
  return `${payload}${luhnCheckDigit(payload)}`;
}

const LINE = iccid(1);
const HOLDER = { subscriberId: "lin", email: "lin@example.com" };

function carrierAt(baseUrl: string, options: { now?: string; secret?: string; timeoutMilliseconds?: number } = {}): Carrier {
  const { now = NOW, secret = SECRET, timeoutMilliseconds } = options;
  return httpCarrier({ baseUrl, secret, answersAreFinal: true, clock: { now: () => now }, timeoutMilliseconds });
}

/** The local carrier, with one line of CNY 9.40. */
async function withLocalCarrier(run: (world: { model: CarrierModel; carrier: Carrier; url: string }) => Promise<void>): Promise<void> {
  const model = carrierModel({ records: memoryRecords(), now: () => Date.parse(NOW) });
  model.addLine({ iccid: LINE, owner: { subscriberId: "lin" }, currency: "CNY", available: 940, drainPerMinute: 0 });
  const server = await startCarrierServer({ model, secret: SECRET });
  try {
    await run({ model, carrier: carrierAt(server.url), url: server.url });
  } finally {
    await server.close();
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers as no carrier should. */
async function withServer(handler: Handler, run: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await run(`http://127.0.0.1:${z.object({ port: z.number() }).parse(server.address()).port}`);
  } finally {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
}

function answering(status: number, body: string | object, headers: Record<string, string> = {}): Handler {
  return (_, response) => response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
}

const OPERATIONS: [string, (carrier: Carrier) => Promise<unknown>][] = [
  ["listEsims", (carrier) => carrier.listEsims(HOLDER)],
  ["getBalances", (carrier) => carrier.getBalances([LINE])],
  ["topUp", (carrier) => carrier.topUp({ iccid: LINE, amount: CNY_50, reference: "r-1" })],
  ["findTopUp", (carrier) => carrier.findTopUp("r-1")],
];

async function expectNobodyKnows(carrier: Carrier): Promise<void> {
  for (const [, operation] of OPERATIONS) {
    const error = await operation(carrier).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(String(error)).not.toMatch(/\d{18}|@/);
  }
}

describe("httpCarrier, at a carrier that works", () => {
  it("credits a line", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      expect(await carrier.topUp({ iccid: LINE, amount: CNY_50, reference: "r-1" })).toEqual({ kind: "credited", at: NOW });
      expect(model.listLines()).toMatchObject([{ iccid: LINE, available: 5940 }]);
    }));

  it("credits once for a reference, however often it asks", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      const order = { iccid: LINE, amount: CNY_50, reference: "r-1" };
      const answers = await Promise.all([carrier.topUp(order), carrier.topUp(order), carrier.topUp(order)]);

      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(model.listLines()).toMatchObject([{ available: 5940 }]);
      expect(model.listTopUps()).toHaveLength(1);
    }));

  it("hands on a refusal with the carrier's code, and the same one ever after", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      model.chooseNext("refuse");
      const order = { iccid: LINE, amount: CNY_50, reference: "r-1" };
      const refused = { kind: "refused", code: "line-barred" };

      expect(await carrier.topUp(order)).toEqual(refused);
      expect(await carrier.topUp(order)).toEqual(refused);
      expect(await carrier.findTopUp("r-1")).toEqual(refused);
    }));

  it("finds a top-up whose reply was lost", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      model.chooseNext("credit-but-lose-reply");

      await expect(carrier.topUp({ iccid: LINE, amount: CNY_50, reference: "r-1" })).rejects.toThrow("gave no answer");
      expect(await carrier.findTopUp("r-1")).toEqual({ kind: "credited", at: NOW });
    }));

  it.each(["lose-request", "error-500"] as const)("finds no top-up after %s, and may order it again", (outcome) =>
    withLocalCarrier(async ({ carrier, model }) => {
      const order = { iccid: LINE, amount: CNY_50, reference: "r-1" };
      model.chooseNext(outcome);

      await expect(carrier.topUp(order)).rejects.toThrow(OutcomeUnknown);
      expect(await carrier.findTopUp("r-1")).toBeUndefined();
      expect(await carrier.topUp(order)).toEqual({ kind: "credited", at: NOW });
    }),
  );

  it("does not take a reference that belongs to another amount for a refusal", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      await carrier.topUp({ iccid: LINE, amount: CNY_50, reference: "r-1" });

      await expect(carrier.topUp({ iccid: LINE, amount: money(6000, "CNY"), reference: "r-1" })).rejects.toThrow("answered 409");
      expect(model.listLines()).toMatchObject([{ available: 5940 }]);
    }));

  it("lists the lines of a subscriber, and none for a stranger", () =>
    withLocalCarrier(async ({ carrier }) => {
      expect(await carrier.listEsims(HOLDER)).toEqual([{ iccid: LINE, currency: "CNY" }]);
      expect(await carrier.listEsims({ subscriberId: "somebody-else" })).toEqual([]);
    }));

  it("reads balances, and leaves out a line that the carrier does not know", () =>
    withLocalCarrier(async ({ carrier }) => {
      expect([...(await carrier.getBalances([LINE, iccid(2)]))]).toEqual([[LINE, { balance: money(940, "CNY"), readAt: NOW }]]);
    }));

  it("learns nothing when its clock is off by more than the tolerance, or its secret is wrong", () =>
    withLocalCarrier(async ({ url }) => {
      await expectNobodyKnows(carrierAt(url, { now: "2026-11-23T16:05:01.000Z" }));
      await expectNobodyKnows(carrierAt(url, { secret: "another" }));
    }));
});

describe("httpCarrier, on the wire", () => {
  it("asks for at most 100 balances at a time, each line once, and for none not at all", async () => {
    const sizes: number[] = [];
    const count = async (request: IncomingMessage, response: ServerResponse) => {
      sizes.push(balanceQuery.parse(JSON.parse(await text(request))).iccids.length);
      response.end('{"balances":[]}');
    };
    await withServer(
      (request, response) => void count(request, response),
      async (url) => {
        const lines = Array.from({ length: 250 }, (_, i) => iccid(i));
        await carrierAt(url).getBalances([...lines, ...lines]);
        await carrierAt(url).getBalances([]);
      },
    );

    expect(sizes).toEqual([100, 100, 50]);
  });

  it("ignores readings of lines that it did not ask for", async () => {
    const reading = { available: CNY_50, readAt: NOW };
    const body = { balances: [LINE, iccid(2)].map((line) => ({ iccid: line, ...reading })) };
    await withServer(answering(200, body), async (url) => {
      expect([...(await carrierAt(url).getBalances([LINE])).keys()]).toEqual([LINE]);
    });
  });

  it("takes an odd reading for a missing one, and reads the others", async () => {
    const odd = [{ iccid: LINE }, { iccid: iccid(2), available: { amount: 0.5, currency: "CNY" }, readAt: NOW }, null, "89"];
    const body = { balances: [...odd, { iccid: iccid(3), available: CNY_50, readAt: NOW }] };
    await withServer(answering(200, body), async (url) => {
      expect([...(await carrierAt(url).getBalances([LINE, iccid(2), iccid(3)])).keys()]).toEqual([iccid(3)]);
    });
  });

  it("signs the whole path of a base URL that has one of its own", async () => {
    const seen: unknown[] = [];
    const look: Handler = ({ url = "", method = "", headers }, response) => {
      const right = signCarrierRequest(SECRET, { timestamp: String(headers["x-timestamp"]), method, path: url, body: "" });
      seen.push({ url, isRight: headers["x-signature"] === right });
      response.writeHead(404).end(JSON.stringify({ type: UNKNOWN_REFERENCE }));
    };
    await withServer(look, async (url) => {
      await carrierAt(`${url}/mvno/`).findTopUp("r-1");
    });

    expect(seen).toEqual([{ url: "/mvno/v1/top-ups/r-1", isRight: true }]);
  });

  it("follows no redirect", async () => {
    let calls = 0;
    const redirect: Handler = (request, response) => {
      calls += 1;
      answering(307, "", { location: "/elsewhere" })(request, response);
    };
    await withServer(redirect, (url) => expectNobodyKnows(carrierAt(url)));

    expect(calls).toBe(OPERATIONS.length);
  });
});

describe("httpCarrier, at a carrier that does not answer as agreed, says that nobody can tell", () => {
  const credited = { reference: "r-1", status: "credited", at: NOW };

  it.each<[string, Handler]>([
    ["a 500", answering(500, "")],
    ["a 500 with the body of a success", answering(500, credited)],
    ["a 503", answering(503, { type: "about:blank" })],
    ["a 429", answering(429, "")],
    ["a 400", answering(400, {})],
    ["a 401", answering(401, {})],
    ["a 402", answering(402, { status: "refused" })],
    ["a 409", answering(409, {})],
    ["a 422", answering(422, {})],
    ["a proxy's 404 in HTML", answering(404, "<h1>Not Found</h1>", { "content-type": "text/html" })],
    ["a gateway's 404 in JSON", answering(404, { message: "Not Found" })],
    ["somebody else's problem+json", answering(404, { type: "about:blank", status: 404 }, { "content-type": "application/problem+json" })],
    ["a 202", answering(202, credited)],
    ["an empty 200", answering(200, "")],
    ["garbage", answering(200, "\u0000\u0001{")],
    ["a page in HTML", answering(200, "<html></html>")],
    ["JSON of another shape", answering(200, { iccid: LINE, holder: "lin@example.com" })],
    ["an unknown status", answering(200, { ...credited, status: "pending", esims: [{ iccid: "1" }], balances: "none" })],
    ["a reset connection", (request) => request.socket.destroy()],
    ["half a body", (request, response) => response.writeHead(200, { "content-length": "100" }).write('{"reference":', () => request.socket.destroy())],
  ])("after %s", (_, handler) => withServer(handler, (url) => expectNobodyKnows(carrierAt(url))));

  it("when no answer comes in time", () =>
    withServer(
      () => {},
      (url) => expectNobodyKnows(carrierAt(url, { timeoutMilliseconds: 20 })),
    ));

  it("when the answer begins and never ends", () =>
    withServer(
      (_, response) => void response.writeHead(200).write("{"),
      (url) => expectNobodyKnows(carrierAt(url, { timeoutMilliseconds: 50 })),
    ));

  it("when nobody is there", async () => {
    let freed = "";
    await withServer(answering(200, ""), async (url) => {
      freed = url;
    });

    await expectNobodyKnows(carrierAt(freed));
  });

  it("when the answer is for another reference", () =>
    withServer(answering(200, credited), async (url) => {
      await expect(carrierAt(url).findTopUp("r-2")).rejects.toThrow(OutcomeUnknown);
      await expect(carrierAt(url).topUp({ iccid: LINE, amount: CNY_50, reference: "r-2" })).rejects.toThrow(OutcomeUnknown);
    }));
});
