import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Route } from "../../functions/contracts/route.ts";
import { ROUTES, WEBHOOK_ROUTES } from "../../functions/contracts/routes.ts";
import { ICCID } from "../builders.ts";
import { type ApiAnswer, type ApiCall, isObject, newRule, problemIn, STRANGER, withField } from "./api-world.ts";
import { GOOD, GOOD_WEBHOOKS, type GoodCall, worldFor } from "./good-calls.ts";

/** Every route with every kind of bad input: a problem that helps, and nothing written, sent or moved. */

/** What would be right, by the end of a field's pointer: the first that fits. */
const RIGHT: readonly (readonly [pointer: RegExp, detail: RegExp])[] = [
  [/^\/iccid$/, /18 to 22 digits|must start with 89|check digit/],
  [/currency$/, /ISO 4217 code in upper case, e\.g\. CNY/],
  [/^\/code$/, /six digits/],
  [/^\/until$/, /time in UTC|in the future, and at the latest/],
  [/(amount|perMonth|lifetimeCap)\/amount$/, /whole number of minor units|between 1 and 99999999 minor units/],
  [/threshold\/amount$/, /whole number of minor units|between 0 and 99999999 minor units/],
  [/threshold$|amount$|perMonth$|lifetimeCap$/, /such as { "amount": 5000, "currency": "CNY" }/],
  [/timesPerDay$/, /whole number from 1 to 24/],
  [/cooldownMinutes$/, /whole number from 15 to 10080/],
  [/topUp$/, /"type": "fixed".*"type": "target"/],
  [/topUp\/type$/, /"fixed" or "target"/],
  [/^\/type$/, /"card", "alipay" or "wechat_pay"/],
  [/limits$/, /"perMonth"/],
  [/paymentMethodId$/, /id of a saved way to pay, e\.g\. pm_/],
  [/timeZone$/, /IANA time zone, e\.g\. Asia\/Shanghai/],
  [/termsVersion$/, /2026-11-28/],
  [/consent$|termsHash$/, /`terms\.hash` that POST \/v1\/rules\/preview gives|"termsVersion": "2026-11-28"/],
  [/noticeMinutes$/, /0 for no notice .* from 30 to 1440/],
  [/use$/, /"default", "backup" or "none"/],
  [/status$/, /"active" or "paused"/],
  [/language$/, /zh-CN, en|"zh-CN" or "en"/],
  [/channels$/, /email, sms/],
  [/succeeded$|monthlySummary$/, /true or false/],
  [/notices$/, /channels, succeeded and monthlySummary/],
];

const CARD = "4242424242424242";
const WRONG_ICCIDS = [
  "898601234567890001X",
  "89860123456789017",
  `${ICCID}0000`,
  "8986012345678900018",
  "8986 0123 4567 8900 017",
  "８９８６０１２３４５６７８９０００１７",
  CARD,
  "4242424242424242424",
  "3586012345678900017",
  "..%2f..%2fesims",
  "%38%39",
  `${ICCID}\u0000`,
  `${ICCID}\n`,
  "",
];
const WRONG_TEXTS = ["", " ", "\u0000", CARD, "4242 4242 4242 4242", "../../etc/passwd", "%2e%2e%2f", "４２", "__proto__", "<script>", "x".repeat(10_000)];
/** In the place of a sum; the last is written into the text, as no number of JavaScript's is so large. */
const WRONG_NUMBERS = [-1, 0.5, 5000.01, 1e21, 2 ** 53, -(2 ** 53), "5000", "NaN", "1e3", "", "@1e400"];

function wrongValues(pointer: string, value: unknown): readonly unknown[] {
  if (typeof value === "number") return [null, true, [], {}, ...WRONG_NUMBERS];
  if (typeof value === "boolean") return [null, 5, "true", [], {}];
  if (Array.isArray(value)) return [null, true, 5, "text", [], {}];
  if (typeof value !== "string") return [null, true, 5, "text", [], [{}]];
  const own = pointer === "/iccid" ? WRONG_ICCIDS : pointer.endsWith("/currency") ? ["cny", "Cny", "ZZZ", "CN", "ＣＮＹ", "CNY "] : [];
  return [null, true, 5, [], {}, ...WRONG_TEXTS, ...own];
}

type Path = readonly string[];
const pointerOf = (path: Path) => path.map((name) => `/${name}`).join("");

/** Every field of a body with its value, the objects within too. */
function fieldsOf(body: object, path: Path = []): readonly (readonly [path: Path, value: unknown])[] {
  return Object.entries(body).flatMap(([name, value]) => [[[...path, name], value] as const, ...(isObject(value) ? fieldsOf(value, [...path, name]) : [])]);
}

interface BadBody {
  readonly says: string;
  readonly text: string;
  readonly status: number;
  /** Or what matches it. */
  readonly code: unknown;
  /** Of the field at fault. */
  readonly pointer?: string;
  /** What the problem says of it. */
  readonly right?: RegExp;
}

function badBodies(good: object, { optional: missing = [], nullable = [] }: Pick<GoodCall, "optional" | "nullable">): BadBody[] {
  const text = JSON.stringify(good);
  const fields = fieldsOf(good);
  const objects: readonly Path[] = [[], ...fields.flatMap(([path, value]) => (isObject(value) ? [path] : []))];
  const rightAt = (pointer: string) => RIGHT.find(([end]) => end.test(pointer))?.[1];
  const malformed = { status: 400, code: "malformed-json" };
  const invalid = { status: 400, code: "invalid-body" };

  const texts = ["{", "", " \n", "NaN", "{} {}", `${text},`, text.slice(0, -1), `\uFEFF${text}`, text.replaceAll('"', "'"), '{"a":NaN}', "\u0000", '{"\\x":1}'];
  const noObjects = ["[]", "null", '"text"', "5", "true", "[{}]", "[".repeat(20_000) + "]".repeat(20_000)];
  const names: readonly (readonly [name: string, told: string])[] = [
    ["extra", "extra"],
    ["__proto__", "__proto__"],
    ["constructor", "constructor"],
    ["a/b~c", "a~1b~0c"],
    [CARD, "…"],
    ["4242-4242-4242-4242", "…"],
  ];
  return [
    ...texts.map((each) => ({ says: `malformed JSON: ${JSON.stringify(each.slice(0, 20))}`, text: each, ...malformed })),
    ...noObjects.map((each) => ({ says: `no object: ${each.slice(0, 20)}`, text: each, ...invalid, pointer: "", right: /^must be (a JSON object|{)/ })),
    ...fields
      .map(([path]) => [path, pointerOf(path)] as const)
      .filter(([, pointer]) => !missing.includes(pointer))
      .map(([path, pointer]) => ({ says: `no ${pointer}`, text: JSON.stringify(withField(good, path)), ...invalid, pointer, right: rightAt(pointer) })),
    ...fields.flatMap(([path, value]) =>
      wrongValues(pointerOf(path), value)
        .filter((wrong) => wrong !== null || !nullable.includes(pointerOf(path)))
        .map((wrong) => ({
          says: `${JSON.stringify(wrong).slice(0, 30)} at ${pointerOf(path)}`,
          text: JSON.stringify(withField(good, path, wrong)).replace('"@1e400"', "1e400"),
          ...invalid,
          pointer: pointerOf(path),
          right: rightAt(pointerOf(path)),
        })),
    ),
    ...objects.flatMap((path) =>
      names.map(([name, told]) => ({
        says: `the unknown field ${name} in ${pointerOf(path) || "the body"}`,
        text: JSON.stringify(withField(good, [...path, "@name"], { nested: {} })).replace('"@name"', JSON.stringify(name)),
        ...invalid,
        pointer: `${pointerOf(path)}/${told}`,
        right: /^is not a field of this body$/,
      })),
    ),
    { says: "nothing but depth", text: `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`, ...invalid, pointer: "/a", right: /^is not a field/ },
    { says: "more than 64 KB", text: JSON.stringify({ ...good, extra: "x".repeat(70_000) }), status: 413, code: "body-too-large" },
    ...fields.flatMap(([path]) =>
      path.at(-1) === "currency"
        ? [
            {
              says: `another currency at ${pointerOf(path)}`,
              text: JSON.stringify(withField(good, path, "USD")),
              status: 422,
              code: expect.stringMatching(/^(rule|recharge|grant)-makes-no-sense$/),
              pointer: pointerOf(path),
              right: /^must be CNY, the currency of this line$/,
            },
          ]
        : [],
    ),
  ];
}

const CONTENT_TYPES = [
  "",
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/jsonp",
  "application/json-seq",
  "multipart/form-data; boundary=application/json",
  "application/json; charset=gbk",
  "application/json; charset=utf-16le",
  "application/json,application/json",
];

const KEYS: readonly (readonly [value: string | undefined, status: number, code: string])[] = [
  [undefined, 428, "idempotency-key-required"],
  ...["", "short", " leading-space", "with a space", "１２３４５６７８９", `${"k".repeat(256)}`, "tab\tinside-it"].map(
    (value) => [value, 400, "invalid-idempotency-key"] as const,
  ),
];

const IF_MATCHES: readonly (readonly [value: string | undefined, status: number, code: string])[] = [
  [undefined, 428, "if-match-required"],
  ...["", "1", 'W/"1"', "*", '"1", "2"', '"1","1"', '""', '"01"', '"-1"', '"1.0"', '"1e0"', '" 1"', '"１"', '"9007199254740993"', `"${"1".repeat(5000)}"`].map(
    (value) => [value, 400, "invalid-if-match"] as const,
  ),
  ['"0"', 412, "rule-changed"],
  ['"2"', 412, "rule-changed"],
  ['"999999999999999"', 412, "rule-changed"],
];

const mark = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const PAGES = [
  "",
  "rubbish",
  "0",
  "-1",
  CARD,
  "../..",
  "\u0000",
  "Ｍ".repeat(8000),
  mark({ iccid: ICCID, subscriberId: STRANGER }),
  mark([]),
  mark("x".repeat(5000)),
  "W10,W10",
];

const WRONG_RECHARGE_IDS = ["re.1", "re 1", "x".repeat(65), "%2e%2e", "..%2f..", "\u0000", "４２", CARD, "pi_1", "../rules"];

/** What nobody asked for and what changes nothing. */
const ODDITIES: readonly (readonly [says: string, extra: Partial<ApiCall>])[] = [
  ["unknown parameters in the query", { query: { limit: "-1", offset: "1e400", ["__proto__"]: "x", [CARD]: "" } }],
  ["a query of 8 KB", { query: { filter: "x".repeat(8000) } }],
  [
    "odd headers",
    { headers: { accept: "text/html", "content-length": "-1", "content-encoding": "gzip", "x-http-method-override": "DELETE", cookie: "a=\u0000" } },
  ],
  ["a header of 8 KB", { headers: { "x-long": "x".repeat(8000) } }],
];
const UNASKED_BODIES: readonly (readonly [says: string, extra: Partial<ApiCall>])[] = ["{", "[]", '{"status":"active"}', "x".repeat(100_000)].map((body) => [
  `an unasked body ${body.slice(0, 20)}`,
  { body },
]);

/** The problem with which a bad call is refused, and by which nothing was done. */
async function refusal(call: ApiCall) {
  const { acts, logged, send } = await worldFor(call);
  const answer = await send(call);
  const told = problemIn(answer);
  // What a one-time code costs is a try.
  expect(acts.filter((act) => act !== "takeCodeTry")).toEqual([]);
  // The caller's mistakes are no faults of ours, and are kept by nobody.
  expect(logged).toEqual([]);
  expect(JSON.stringify(answer)).not.toMatch(/4242.?4242.?4242/);
  return told;
}

it("is put into every route", () => {
  const names = (routes: readonly Route[]) => routes.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(Object.keys(GOOD))).toEqual(new Set(names(ROUTES)));
  expect(new Set(Object.keys(GOOD_WEBHOOKS))).toEqual(new Set(names(WEBHOOK_ROUTES)));
});

describe.each(Object.entries(GOOD))("%s", (name, { pages = false, optional: missing, nullable, ...call }) => {
  it("answers a good call", async () => {
    const { send } = await worldFor(call);
    expect((await send(call)).status).toBeLessThan(300);
  });

  const { body } = call;
  if (body !== undefined) {
    it.each(badBodies(body, { optional: missing, nullable }))("refuses $says", async ({ text, status, code, pointer, right }) => {
      const told = await refusal({ ...call, body: text });
      expect(told).toMatchObject({ status, code });
      expect(told.detail).toMatch(/must|is not what|would never|cannot be made/);
      if (pointer === undefined) return;
      expect(told.errors).toContainEqual({ pointer, detail: expect.stringMatching(right ?? /nobody has said what would be right/) });
      for (const error of told.errors) expect(error.detail).toMatch(/^(must be|must start with|is not a field|has a wrong check digit)/);
    });

    it("refuses no body at all", async () => {
      const headers = { ...call.headers, "content-type": "application/json" };
      expect(await refusal({ ...call, body: undefined, headers })).toMatchObject({ status: 400, code: "malformed-json" });
    });

    it.each(CONTENT_TYPES)("refuses the content type %j", async (type) => {
      const told = await refusal({ ...call, headers: { ...call.headers, "content-type": type } });
      expect(told).toMatchObject({ status: 415, code: "json-required", detail: "Send the body as application/json, in UTF-8" });
    });

    it("takes a body that the gateway took for binary, and refuses a bad one", async () => {
      const encoded = (text: string) => ({ ...call, body: Buffer.from(text).toString("base64"), isBase64Encoded: true });
      const { send } = await worldFor(call);
      expect((await send(encoded(JSON.stringify(body)))).status).toBeLessThan(300);
      expect(await refusal(encoded("{"))).toMatchObject({ status: 400, code: "malformed-json" });
      expect(await refusal({ ...call, body: JSON.stringify(body), isBase64Encoded: true })).toMatchObject({ status: 400, code: "malformed-json" });
    });

    it("tells of 50 faults at the most, and shortly", async () => {
      const rubbish = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}${"x".repeat(150)}`, i]));
      const told = await refusal({ ...call, body: rubbish });
      expect(told.errors).toHaveLength(50);
      expect(JSON.stringify(told).length).toBeLessThan(10_000);
    });

    it("is never at a loss for any JSON in any place", async () => {
      const paths = fieldsOf(body).map(([path]) => path);
      const bodies = fc.oneof(
        fc.jsonValue(),
        fc.string({ unit: "binary" }),
        fc.tuple(fc.constantFrom(...paths), fc.jsonValue({ noUnicodeString: false })).map(([path, value]) => withField(body, path, value)),
      );
      await neverFails(bodies.map((each) => ({ ...call, body: typeof each === "string" ? each : JSON.stringify(each) })));
    });
  }

  if (name.includes("{iccid}"))
    it.each(WRONG_ICCIDS.filter((iccid) => iccid !== ""))("knows no line %j", async (iccid) => {
      expect(await refusal({ ...call, path: call.path.replace(/[^/]+$/, () => iccid) })).toMatchObject({ status: 404, code: "not-found" });
    });

  if (name.includes("{rechargeId}"))
    it.each(WRONG_RECHARGE_IDS)("knows no recharge %j", async (rechargeId) => {
      expect(await refusal({ ...call, path: call.path.replace("re_1", rechargeId) })).toMatchObject({ status: 404, code: "not-found" });
    });

  if (call.headers !== undefined && "idempotency-key" in call.headers)
    it.each(KEYS)("refuses Idempotency-Key: %s", async (value, status, code) => {
      const headers: Readonly<Record<string, string>> = value === undefined ? {} : { "idempotency-key": value };
      expect(await refusal({ ...call, headers })).toMatchObject({ status, code, detail: expect.stringContaining("UUID") });
    });

  if (call.headers !== undefined && "if-match" in call.headers)
    it.each(IF_MATCHES)("refuses If-Match: %s", async (value, status, code) => {
      const headers: Readonly<Record<string, string>> = value === undefined ? {} : { "if-match": value };
      const told = await refusal({ ...call, headers });
      expect(told).toMatchObject({ status, code, detail: expect.stringMatching(/ETag|read it again/) });
    });

  if (pages)
    it.each(PAGES)("refuses the page mark %j", async (page) => {
      const told = await refusal({ ...call, query: { page } });
      expect(told).toMatchObject({ status: 400, code: "invalid-page", detail: expect.stringContaining("`next`") });
    });

  it.each([...ODDITIES, ...(body === undefined ? UNASKED_BODIES : [])])("is not put off by %s", async (_, { headers, ...extra }) => {
    const answerTo = async (each: ApiCall): Promise<ApiAnswer> => (await worldFor(each)).send(each);
    expect(await answerTo({ ...call, ...extra, headers: { ...call.headers, ...headers } })).toEqual(await answerTo(call));
  });

  it("is never at a loss for any header, query and path", async () => {
    const text = fc.string({ unit: "binary", maxLength: 40 });
    const odd = fc.record({ page: text, ifMatch: text, tail: text.filter((each) => !each.includes("/")) });
    await neverFails(
      odd.map(({ page, ifMatch: value, tail }) => ({ ...call, path: `${call.path}${tail}`, query: { page, [value]: page }, headers: { "if-match": value } })),
    );
  });
});

describe.each(Object.entries(GOOD_WEBHOOKS))("%s", (_name, { path, body, sign }) => {
  const good = JSON.stringify(body);
  const sent = (text: string, headers: ApiCall["headers"], extra: Partial<ApiCall> = {}): ApiCall => ({ method: "POST", path, body: text, headers, ...extra });

  /** What is done, if anything, for a call; what was noted of it in the log. */
  async function outcomeOf(call: ApiCall) {
    const { acts, logged, send } = await worldFor(call);
    const answer = await send(call);
    if (answer.status !== 200) expect([acts, problemIn(answer).status]).toEqual([[], answer.status]);
    expect(JSON.stringify([answer, logged])).not.toMatch(/4242.?4242.?4242/);
    return { status: answer.status, acts };
  }

  it("answers a good call, also one that the gateway took for binary", async () => {
    expect(await outcomeOf(sent(good, sign(good)))).toEqual({ status: 200, acts: ["send"] });
    const encoded = Buffer.from(good).toString("base64");
    expect(await outcomeOf(sent(encoded, sign(good), { isBase64Encoded: true }))).toEqual({ status: 200, acts: ["send"] });
    expect(await outcomeOf(sent(good, sign(good), { isBase64Encoded: true }))).toEqual({ status: 400, acts: [] });
  });

  it.each([...badBodies(body, {}), { says: "no body at all", text: "" }])("refuses whoever has not signed $says", async ({ text }) => {
    for (const headers of [{}, sign(`${text}\n`)]) expect((await outcomeOf(sent(text, headers))).status).toBe(400);
  });

  it.each(badBodies(body, {}))("asks for nothing that no queue would take when it is signed with $says", async ({ text }) => {
    expect([200, 400]).toContain((await outcomeOf(sent(text, sign(text)))).status);
  });

  it.each(ODDITIES)("is not put off by %s", async (_, { headers, ...extra }) => {
    expect(await outcomeOf(sent(good, { ...headers, ...sign(good) }, extra))).toEqual({ status: 200, acts: ["send"] });
  });

  it("is never at a loss for any JSON in any place, and any header", async () => {
    const paths = fieldsOf(body).map(([field]) => field);
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.tuple(fc.constantFrom(...paths), fc.jsonValue({ noUnicodeString: false })).map(([field, value]) => JSON.stringify(withField(body, field, value))),
    );
    const headers = fc.record(Object.fromEntries(Object.keys(sign("")).map((name) => [name, fc.string({ unit: "binary", maxLength: 100 })])));
    await fc.assert(
      fc.asyncProperty(texts, headers, async (text, unsigned) => {
        expect((await outcomeOf(sent(text, unsigned))).status).toBe(400);
        expect([200, 400]).toContain((await outcomeOf(sent(text, sign(text)))).status);
      }),
      { seed: 20_261_123, numRuns: 100 },
    );
  });
});

/** Whatever is sent is answered, or refused with nothing done. */
async function neverFails(calls: fc.Arbitrary<ApiCall>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(calls, async (call) => {
      const { acts, logged, send } = await worldFor(call);
      const answer = await send(call);
      expect(answer.status).toBeLessThan(500);
      expect(logged).toEqual([]);
      if (answer.status >= 300) expect([acts, problemIn(answer).status]).toEqual([[], answer.status]);
    }),
    { seed: 20_261_123, numRuns: 100 },
  );
}

describe("a card number", () => {
  it("is not repeated where it stands for a saved way to pay either", async () => {
    const told = await refusal({ ...GOOD["POST /v1/rules"], body: newRule({ paymentMethodId: `pm_${CARD}` }) });
    expect(told).toMatchObject({ status: 422, errors: [{ pointer: "/paymentMethodId", detail: "must be one of your saved ways to pay" }] });
  });
});
