import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { httpCarrier } from "../../functions/adapters/http-carrier.ts";
import { balanceQuery, signCarrierRequest } from "../../functions/contracts/carrier.ts";
import { money } from "../../functions/domain/money.ts";
import { type Carrier, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { UNKNOWN_REFERENCE } from "../../functions/domain/top-up-outcomes.ts";
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

const CREDITED = { kind: "credited", reference: "r-1", at: NOW };
const ORDER = { iccid: LINE, amount: CNY_50, reference: "r-1" };

type Operation = (carrier: Carrier) => Promise<unknown>;
const ABOUT_LINES: readonly Operation[] = [
  (carrier) => carrier.listEsims(HOLDER),
  (carrier) => carrier.getBalances([LINE]),
  (carrier) => carrier.findLine(LINE),
];
const SEND_CODE: Operation = (carrier) => carrier.sendCode({ iccid: LINE, code: "048215", language: "en" });
const ABOUT_TOP_UPS: readonly Operation[] = [(carrier) => carrier.topUp(ORDER), (carrier) => carrier.findTopUp("r-1")];
const ALL = [...ABOUT_LINES, ...ABOUT_TOP_UPS, SEND_CODE];

/** Nobody can tell, and nothing is said that must not be logged. */
async function expectUnknown(carrier: Carrier, operations: readonly Operation[], saying: RegExp): Promise<void> {
  for (const operation of operations) {
    const error = await operation(carrier).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(String(error)).toMatch(saying);
    expect(String(error)).not.toMatch(/\d{18}|@/);
  }
}

/** Questions about lines are unknown and say the status; about a top-up the carrier's word is handed on, which is neither a credit nor a refusal. */
async function expectNoWord(carrier: Carrier, status: number, problem?: string): Promise<void> {
  await expectUnknown(carrier, ABOUT_LINES, new RegExp(`answered ${status}\\b`));
  for (const operation of ABOUT_TOP_UPS) expect(await operation(carrier)).toEqual({ kind: "other", status, problem });
}

describe("httpCarrier, at a carrier that works", () => {
  it("credits a line", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      expect(await carrier.topUp(ORDER)).toEqual(CREDITED);
      expect(model.listLines()).toMatchObject([{ iccid: LINE, available: 5940 }]);
    }));

  it("credits once for a reference, however often it asks", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      const answers = await Promise.all([carrier.topUp(ORDER), carrier.topUp(ORDER), carrier.topUp(ORDER)]);

      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(model.listLines()).toMatchObject([{ available: 5940 }]);
      expect(model.listTopUps()).toHaveLength(1);
    }));

  it("hands on a refusal with the carrier's code, and the same one ever after", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      model.chooseNext("refuse");
      const refused = { kind: "refused", reference: "r-1", code: "line-barred" };

      expect(await carrier.topUp(ORDER)).toEqual(refused);
      expect(await carrier.topUp(ORDER)).toEqual(refused);
      expect(await carrier.findTopUp("r-1")).toEqual(refused);
    }));

  it("finds any line with a name for whoever holds it, which changes when the line changes hands, and no line where there is none", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      const found = await carrier.findLine(LINE);
      expect(found).toEqual({ iccid: LINE, currency: "CNY", holder: expect.stringMatching(/^holder-/) });
      expect(await carrier.findLine(LINE)).toEqual(found);
      model.setTopUpAmounts(LINE, [5000]);
      expect(await carrier.findLine(LINE)).toEqual({ ...found, topUpAmounts: [5000] });
      model.setOwner(LINE, { email: "wei@example.com" });
      expect((await carrier.findLine(LINE))?.holder).not.toBe(found?.holder);
      expect(await carrier.findLine(iccid(2))).toBeUndefined();
    }));

  it("has a code brought to a line, and to none that there is not", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      await SEND_CODE(carrier);
      await carrier.sendCode({ iccid: iccid(2), code: "123456", language: "zh-CN" });
      expect(model.listMessages()).toMatchObject([
        { iccid: LINE, code: "048215", language: "en", at: NOW, text: expect.stringMatching(/^048215 is your code/) },
      ]);
    }));

  it("finds a top-up whose reply was lost", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      model.chooseNext("credit-but-lose-reply");

      await expect(carrier.topUp(ORDER)).rejects.toThrow("gave no answer");
      expect(await carrier.findTopUp("r-1")).toEqual(CREDITED);
    }));

  it("finds no top-up after a lost request, and may order it again", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      model.chooseNext("lose-request");

      await expect(carrier.topUp(ORDER)).rejects.toThrow(OutcomeUnknown);
      expect(await carrier.findTopUp("r-1")).toEqual({ kind: "other", status: 404, problem: UNKNOWN_REFERENCE });
      expect(await carrier.topUp(ORDER)).toEqual(CREDITED);
    }));

  it("hands on that a reference belongs to another amount", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      await carrier.topUp(ORDER);

      expect(await carrier.topUp({ ...ORDER, amount: money(6000, "CNY") })).toMatchObject({ kind: "other", status: 409 });
      expect(model.listLines()).toMatchObject([{ available: 5940 }]);
    }));

  it("lists the lines of a subscriber, and none for a stranger", () =>
    withLocalCarrier(async ({ carrier }) => {
      expect(await carrier.listEsims(HOLDER)).toEqual([{ iccid: LINE, currency: "CNY" }]);
      expect(await carrier.listEsims({ subscriberId: "somebody-else" })).toEqual([]);
    }));

  it("hands on the only amounts that a line takes", () =>
    withLocalCarrier(async ({ carrier, model }) => {
      model.setTopUpAmounts(LINE, [3000, 5000]);

      expect(await carrier.listEsims(HOLDER)).toEqual([{ iccid: LINE, currency: "CNY", topUpAmounts: [3000, 5000] }]);
    }));

  it("reads balances, and leaves out a line that the carrier does not know", () =>
    withLocalCarrier(async ({ carrier }) => {
      expect([...(await carrier.getBalances([LINE, iccid(2)]))]).toEqual([[LINE, { balance: money(940, "CNY"), readAt: NOW }]]);
    }));

  it("learns nothing when its clock is off by more than the tolerance, or its secret is wrong", () =>
    withLocalCarrier(async ({ url }) => {
      const problem = "urn:auto-recharge:carrier:bad-signature";
      await expectNoWord(carrierAt(url, { now: "2026-11-23T16:05:01.000Z" }), 401, problem);
      await expectNoWord(carrierAt(url, { secret: "another" }), 401, problem);
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
    await withServer(redirect, (url) => expectNoWord(carrierAt(url), 307));

    expect(calls).toBe(ABOUT_LINES.length + ABOUT_TOP_UPS.length);
  });
});

describe("httpCarrier, at a carrier that does not answer as agreed", () => {
  const credited = { reference: "r-1", status: "credited", at: NOW };

  it.each<[what: string, status: number, body: string | object]>([
    ["an empty 500", 500, ""],
    ["a 500 with the body of a success", 500, credited],
    ["a 503 without a type", 503, { title: "Closed" }],
    ["a 429", 429, ""],
    ["a 400", 400, {}],
    ["a 402 that says refused", 402, { reference: "r-1", status: "refused", code: "poor" }],
    ["a 403", 403, "<h1>Forbidden</h1>"],
    ["a 409", 409, {}],
    ["a proxy's 404 in HTML", 404, "<h1>Not Found</h1>"],
    ["a gateway's 404 in JSON", 404, { message: "Not Found" }],
    ["a 202 that says credited", 202, credited],
    ["a 201 that says credited", 201, credited],
    ["a redirect without an address", 302, credited],
  ])("takes %s for no more than its status", (_, status, body) => withServer(answering(status, body), (url) => expectNoWord(carrierAt(url), status)));

  it.each([200, 201, 400, 401, 404, 422, 429, 500, 501, 503])("takes a %i for no word that a code was sent", (status) =>
    withServer(answering(status, {}), (url) => expectUnknown(carrierAt(url), [SEND_CODE], new RegExp(`answered ${status}\\b`))),
  );

  it("does not take another line for the one that it asked for, nor silence for a line that is gone", async () => {
    const other = { iccid: iccid(2), currency: "CNY", holder: "h-1" };
    await withServer(answering(200, { line: other }), (url) => expectUnknown(carrierAt(url), [(carrier) => carrier.findLine(LINE)], /about another line/));
    await withServer(answering(200, {}), (url) => expectUnknown(carrierAt(url), [(carrier) => carrier.findLine(LINE)], /at \/line$/));
  });

  it("hands on the type of somebody else's problem", () =>
    withServer(answering(404, { type: "about:blank" }), (url) => expectNoWord(carrierAt(url), 404, "about:blank")));

  it.each<[what: string, body: string | object]>([
    ["an empty body", ""],
    ["garbage", "\u0000\u0001{"],
    ["a page in HTML", "<html></html>"],
    ["half of an answer", JSON.stringify(credited).slice(0, 30)],
    ["nothing but null", "null"],
    ["JSON of another shape", { iccid: LINE, holder: "lin@example.com" }],
    ["a status that nobody knows", { ...credited, status: "pending", esims: [{ iccid: "1" }], balances: "none" }],
    ["a credit without a time", { reference: "r-1", status: "credited" }],
    ["a refusal without a reason", { reference: "r-1", status: "refused" }],
    ["a refusal with a story for a reason", { reference: "r-1", status: "refused", code: "lin@example.com closed it" }],
  ])("takes a 200 with %s for neither a credit nor a refusal, and for no list", async (_, body) =>
    withServer(answering(200, body), async (url) => {
      await expectUnknown(carrierAt(url), ABOUT_LINES, /answered 200 with something/);
      for (const operation of ABOUT_TOP_UPS) expect(await operation(carrierAt(url))).toEqual({ kind: "other", status: 200 });
    }),
  );

  it("hands on which reference an answer is about", () =>
    withServer(answering(200, credited), async (url) => {
      expect(await carrierAt(url).findTopUp("r-2")).toEqual(CREDITED);
    }));
});

describe("httpCarrier, without an answer, says that nobody can tell", () => {
  it.each<[what: string, handler: Handler, saying: RegExp]>([
    ["when the connection is reset", (request) => request.socket.destroy(), /gave no answer: /],
    [
      "when half of a body is missing",
      (request, response) => response.writeHead(200, { "content-length": "100" }).write("{", () => request.socket.destroy()),
      /gave no answer: /,
    ],
    [
      "when a body breaks off that did not say how long it is",
      (request, response) => response.writeHead(200).write("{", () => request.socket.destroy()),
      /gave no answer: /,
    ],
    ["when a 4xx breaks off", (request, response) => response.writeHead(401).write("{", () => request.socket.destroy()), /gave no answer: /],
    ["when it is not HTTP", (request) => request.socket.end("220 mail ready\r\n"), /gave no answer: /],
  ])("%s", (_, handler, saying) => withServer(handler, (url) => expectUnknown(carrierAt(url), ALL, saying)));

  it("when none comes in time", () =>
    withServer(
      () => {},
      (url) => expectUnknown(carrierAt(url, { timeoutMilliseconds: 20 }), ALL, /gave no answer: TimeoutError/),
    ));

  it("when it begins in time and never ends", () =>
    withServer(
      (_, response) => void response.writeHead(200).write("{"),
      (url) => expectUnknown(carrierAt(url, { timeoutMilliseconds: 50 }), ALL, /gave no answer: TimeoutError/),
    ));

  it("when it trickles in for ever", () => {
    const trickle: Handler = (_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 5);
      response.once("close", () => clearInterval(timer));
    };
    return withServer(trickle, (url) => expectUnknown(carrierAt(url, { timeoutMilliseconds: 50 }), ALL, /gave no answer: TimeoutError/));
  });

  it("when nobody is there", async () => {
    let freed = "";
    await withServer(answering(200, ""), async (url) => {
      freed = url;
    });

    await expectUnknown(carrierAt(freed), ALL, /gave no answer: ECONNREFUSED/);
  });

  it("when its name is not known", () => expectUnknown(carrierAt("http://carrier.invalid", { timeoutMilliseconds: 2000 }), ALL, /gave no answer: /));
});

describe("a carrier's list of top-ups", () => {
  const HOUR = { from: NOW, to: "2026-11-23T17:00:00.000Z" };

  it("is what it credited and refused in that time, page by page", async () => {
    await withLocalCarrier(async ({ model, carrier }) => {
      model.chooseNext("refuse");
      for (let number = 0; number < 60; number++) model.topUp({ ...ORDER, reference: `r-${number}` });
      const pages = [];
      let page: string | undefined;
      do {
        const list = await carrier.listTopUps(HOUR, page);
        pages.push(list?.items ?? []);
        page = list?.next;
      } while (page !== undefined);
      expect(pages.map(({ length }) => length)).toEqual([25, 25, 10]);
      expect(pages.flat().map(({ reference }) => reference)).toEqual(Array.from({ length: 60 }, (_, number) => `r-${number}`));
      expect(pages.flat().slice(0, 2)).toEqual([
        { ...ORDER, reference: "r-0", status: "refused", at: NOW },
        { ...ORDER, reference: "r-1", status: "credited", at: NOW },
      ]);
    });
  });

  it("is asked for in a signed request whose marks are written as a query takes them", async () => {
    const asked: string[] = [];
    const handler: Handler = (request, response) => {
      asked.push(request.url ?? "");
      const timestamp = String(Date.parse(NOW) / 1000);
      const isSigned = request.headers["x-signature"] === signCarrierRequest(SECRET, { timestamp, method: "GET", path: request.url ?? "", body: "" });
      response.writeHead(isSigned ? 200 : 401).end(JSON.stringify({ topUps: [] }));
    };
    await withServer(handler, async (url) => {
      expect(await carrierAt(url).listTopUps(HOUR, "a b&c=d")).toEqual({ items: [], next: undefined });
    });
    expect(asked).toEqual(["/v1/top-ups?from=2026-11-23T16%3A00%3A00.000Z&to=2026-11-23T17%3A00%3A00.000Z&page=a+b%26c%3Dd"]);
  });

  it.each([404, 405, 501])("is not offered by a carrier that answers %d", async (status) => {
    await withServer(answering(status, "<html>"), async (url) => expect(await carrierAt(url).listTopUps(HOUR)).toBeUndefined());
  });

  it.each<[string, number, unknown]>([
    ["503", 503, {}],
    ["401", 401, {}],
    ["a page of a proxy", 200, "<html>"],
    ["an entry without a reference", 200, { topUps: [{ iccid: LINE, amount: CNY_50, status: "credited", at: NOW }] }],
    ["an entry of another status", 200, { topUps: [{ ...ORDER, status: "pending", at: NOW }] }],
  ])("is unknown after %s, and the reason names no line", async (_, status, body) => {
    await withServer(answering(status, typeof body === "string" ? body : JSON.stringify(body)), async (url) => {
      const fault: unknown = await carrierAt(url)
        .listTopUps(HOUR)
        .catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(OutcomeUnknown);
      expect(String(fault)).not.toContain(LINE);
    });
  });
});
