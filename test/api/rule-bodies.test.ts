import { describe, expect, it } from "@jest/globals";
import { LARGEST_AMOUNT } from "../../functions/contracts/money.ts";
import { cny, esimWithRule, ICCID } from "../builders.ts";
import { type ApiCall, type ApiWorld, apiWorld, newRule, problemIn, ruleSettingsBody } from "./api-world.ts";

/** What each route takes, and how it is called with any body. */
const routes = {
  "POST /v1/rules": { good: newRule(), call: (body: unknown): ApiCall => ({ method: "POST", path: "/v1/rules", body }) },
  "PUT /v1/rules/{iccid}": {
    good: ruleSettingsBody(),
    call: (body: unknown): ApiCall => ({ method: "PUT", path: `/v1/rules/${ICCID}`, body, headers: { "if-match": '"1"' } }),
  },
  "PATCH /v1/rules/{iccid}": {
    good: { status: "paused" },
    call: (body: unknown): ApiCall => ({ method: "PATCH", path: `/v1/rules/${ICCID}`, body, headers: { "if-match": '"1"' } }),
  },
} as const;

type RouteName = keyof typeof routes;
const names = ["POST /v1/rules", "PUT /v1/rules/{iccid}", "PATCH /v1/rules/{iccid}"] as const satisfies readonly RouteName[];
const settingsRoutes = ["POST /v1/rules", "PUT /v1/rules/{iccid}"] as const satisfies readonly RouteName[];

/** A world in which the body is all that is wrong: PUT and PATCH find a rule. */
async function worldFor(name: RouteName): Promise<ApiWorld & { readonly untouched: () => Promise<void> }> {
  const world = await apiWorld();
  if (name !== "POST /v1/rules") await world.store(esimWithRule());
  const before = [world.writes(), await world.ports.esims.load(ICCID)];
  return { ...world, untouched: async () => expect([[world.writes(), await world.ports.esims.load(ICCID)], world.pokes]).toEqual([before, []]) };
}

async function refusal(name: RouteName, call: ApiCall) {
  const world = await worldFor(name);
  const told = problemIn(await world.send(call));
  await world.untouched();
  expect(world.logged).toEqual([]); // the caller's mistakes are no faults of ours
  return told;
}

/** What a caller could do nothing with. */
const VAGUE = /invalid input|is not valid|wrong type|possible values/i;

/** A copy in which the field at the path has another value; without a value it is left out. */
function changed(body: object, path: readonly string[], value?: unknown): object {
  const [key = "", ...rest] = path;
  if (rest.length === 0) return value === undefined ? Object.fromEntries(Object.entries(body).filter(([name]) => name !== key)) : { ...body, [key]: value };
  const inner: unknown = Object.entries(body).find(([name]) => name === key)?.[1];
  if (typeof inner !== "object" || inner === null) throw new Error(`There is no object at ${key}`);
  return { ...body, [key]: changed(inner, rest, value) };
}

describe("a good body", () => {
  it.each(names)("is taken by %s", async (name) => {
    const { send } = await worldFor(name);
    const { good, call } = routes[name];
    expect((await send(call(good))).status).toBeLessThan(300);
    // As API Gateway hands over what it takes for binary, and with a charset.
    const again = await worldFor(name);
    const { headers } = call(good);
    const encoded = Buffer.from(JSON.stringify(good)).toString("base64");
    const sent = { ...call(encoded), isBase64Encoded: true, headers: { ...headers, "content-type": "application/json; charset=utf-8" } };
    expect((await again.send(sent)).status).toBeLessThan(300);
  });

  it.each([
    ["threshold", cny(0)],
    ["threshold", cny(1)],
    ["topUp", { type: "target", target: cny(1001) }],
    ["limits", { perMonth: cny(LARGEST_AMOUNT), timesPerDay: 24, cooldownMinutes: 10_080 }],
    ["limits", { perMonth: cny(5000), timesPerDay: 1, cooldownMinutes: 15 }],
    ["timeZone", "UTC"],
    ["timeZone", "America/Argentina/Buenos_Aires"],
    ["timeZone", "America/Port-au-Prince"],
  ])("may have at %s %j", async (field, value) => {
    const { send } = await worldFor("POST /v1/rules");
    expect((await send(routes["POST /v1/rules"].call(newRule({ [field]: value })))).status).toBe(201);
  });
});

describe.each(names)("%s", (name) => {
  const { good, call } = routes[name];

  it.each([
    ["a text that is no JSON", "{"],
    ["an empty text", ""],
    ["JSON with something after it", "{} {}"],
    ["a field __proto__", JSON.stringify(good).replace("{", '{"__proto__":{"status":"active"},')],
    ["a field __proto__ further in", '{"limits":{"__proto__":{"perMonth":1}}}'],
    ["a field constructor with a prototype", '{"constructor":{"prototype":{}}}'],
  ])("refuses %s", async (_, body) => {
    expect(await refusal(name, call(body))).toMatchObject({ status: 400, code: "malformed-json", detail: expect.stringMatching(/must be JSON/) });
  });

  it("refuses a body that is missing", async () => {
    const { headers } = call(good);
    expect(await refusal(name, { ...call(undefined), headers: { ...headers, "content-type": "application/json" } })).toMatchObject({
      status: 400,
      code: "malformed-json",
    });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data; boundary=application/json", ""])(
    "refuses the content type %j",
    async (type) => {
      const told = await refusal(name, { ...call(good), headers: { ...call(good).headers, "content-type": type } });
      expect(told).toMatchObject({ status: 415, code: "json-required", detail: "Send the body as application/json" });
    },
  );

  it.each(["[]", "null", '"text"', "5", "true", "[{}]"])("refuses %s, which is no object", async (body) => {
    const told = await refusal(name, call(body));
    expect(told).toMatchObject({ status: 400, code: "invalid-body", errors: [{ pointer: "", detail: expect.stringMatching(/^must be (a JSON object|{)/) }] });
  });

  it("names a field that it does not know, as a JSON pointer", async () => {
    const told = await refusal(name, call({ ...good, extra: 1, "a/b~c": 2 }));
    expect(told).toMatchObject({ status: 400, code: "invalid-body" });
    expect(told.errors).toEqual([
      { pointer: "/extra", detail: "is not a field of this body" },
      { pointer: "/a~1b~0c", detail: "is not a field of this body" },
    ]);
  });

  it("answers a body of rubbish shortly", async () => {
    const rubbish = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`${i}${"x".repeat(1000)}`, i]));
    const told = await refusal(name, call({ ...good, ...rubbish }));
    expect(told.errors).toHaveLength(50);
    expect(JSON.stringify(told).length).toBeLessThan(10_000);
  });
});

/** Every field of the settings, with values that it must not have; and a word of what would be right. */
const amounts = ["5000", 50.5, -1, LARGEST_AMOUNT + 1, 1e300, Number.MAX_SAFE_INTEGER + 1, null, [], {}, true];
const currencies = ["cny", "CN", "YUAN", "", "ZZZ", 156, null, {}];
const objects = [null, 5, "text", [], true];
const bad: readonly (readonly [pointer: string, right: RegExp, values: readonly unknown[]])[] = [
  ["/threshold", /such as { "amount": 5000, "currency": "CNY" }/, objects],
  ["/threshold/amount", /whole number of minor units|between 0 and 99999999/, amounts],
  ["/threshold/currency", /ISO 4217/, currencies],
  ["/topUp", /"type": "fixed".*"type": "target"/, objects],
  ["/topUp/amount", /such as { "amount": 5000, "currency": "CNY" }/, objects],
  ["/topUp/amount/amount", /whole number of minor units|between 1 and 99999999/, [...amounts, 0]],
  ["/topUp/amount/currency", /ISO 4217/, currencies],
  ["/limits", /"perMonth"/, objects],
  ["/limits/perMonth", /such as { "amount": 5000, "currency": "CNY" }/, objects],
  ["/limits/perMonth/amount", /whole number of minor units|between 1 and 99999999/, [...amounts, 0]],
  ["/limits/perMonth/currency", /ISO 4217/, currencies],
  ["/paymentMethodId", /saved way to pay/, ["", "card_1", "pm_", "pm_a b", `pm_${"x".repeat(101)}`, "4242424242424242", 5, null, {}]],
  // the last text but two once took a regular expression for ever
  ["/timeZone", /IANA time zone/, ["", "+08:00", "Shanghai", "Mars/Phobos", "GMT+8", `A${"-".repeat(200)}!`, 8, null]],
  ["/consent", /"termsVersion"/, objects],
  ["/consent/termsVersion", /in force/, ["", "2025-01-01", 1, null]],
];
const optional: typeof bad = [
  ["/limits/timesPerDay", /whole number from 1 to 24/, [0, -1, 1.5, 25, "3", null, {}]],
  ["/limits/cooldownMinutes", /whole number from 15 to 10080/, [14, 0, -60, 15.5, 10_081, "60", null]],
];
const rows = [...bad, ...optional].flatMap(([pointer, right, values]) => values.map((value) => ({ pointer, right, value })));
const keysOf = (pointer: string) => pointer.split("/").slice(1);

describe.each(settingsRoutes)("%s", (name) => {
  const { good, call } = routes[name];

  it.each(rows)("says what would be right at $pointer instead of $value", async ({ pointer, right, value }) => {
    const told = await refusal(name, call(changed(good, keysOf(pointer), value)));
    expect(told).toMatchObject({ status: 400, code: "invalid-body" });
    // An object that lacks something is blamed for what it lacks.
    expect(told.errors.every((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`))).toBe(true);
    expect(told.errors.some((error) => error.pointer === pointer && right.test(error.detail))).toBe(true);
    for (const error of told.errors) expect(error.detail).not.toMatch(VAGUE);
  });

  it.each(bad.map(([pointer, right]) => ({ pointer, right })))("says that $pointer is needed", async ({ pointer, right }) => {
    const told = await refusal(name, call(changed(good, keysOf(pointer))));
    expect(told.errors).toEqual([{ pointer, detail: expect.stringMatching(right) }]);
  });

  it.each(["/threshold/extra", "/topUp/extra", "/topUp/target", "/topUp/amount/extra", "/limits/extra", "/limits/perDay", "/consent/at"])(
    "does not know the field %s",
    async (pointer) => {
      const told = await refusal(name, call(changed(good, keysOf(pointer), 1)));
      expect(told.errors).toEqual([{ pointer, detail: "is not a field of this body" }]);
    },
  );

  it.each([
    ["of no type", { amount: cny(5000) }, "/topUp/type"],
    ["of an unknown type", { type: "all" }, "/topUp/type"],
    ["of a type that is a list", { type: ["fixed"], amount: cny(5000) }, "/topUp/type"],
    ["to a target without the target", { type: "target" }, "/topUp/target"],
    ["to a target that is a number", { type: "target", target: 5000 }, "/topUp/target"],
    ["to a target of nothing", { type: "target", target: cny(0) }, "/topUp/target/amount"],
  ])("refuses a top-up %s", async (_, topUp, pointer) => {
    const told = await refusal(name, call({ ...good, topUp }));
    expect(told.errors.map((error) => error.pointer)).toEqual([pointer]);
    expect(told.errors[0]?.detail).toMatch(/^must be /);
  });

  it("refuses an amount beyond all numbers", async () => {
    const told = await refusal(name, call(JSON.stringify(good).replace("20000", "1e400")));
    expect(told.errors).toEqual([{ pointer: "/limits/perMonth/amount", detail: expect.stringMatching(/whole number/) }]);
  });

  it("tells of all faults at once", async () => {
    const told = await refusal(name, call({ ...good, threshold: cny(-1), timeZone: "Mars/Phobos", limits: { perMonth: cny(0), timesPerDay: 0 } }));
    expect(told.errors.map((error) => error.pointer)).toEqual(["/threshold/amount", "/limits/perMonth/amount", "/limits/timesPerDay", "/timeZone"]);
  });
});

describe("POST /v1/rules", () => {
  const { call } = routes["POST /v1/rules"];

  it.each([
    ["too short", "89860123456789017", /18 to 22 digits/],
    ["too long", "89860123456789000170000", /18 to 22 digits/],
    ["with a wrong check digit", "8986012345678900018", /check digit/],
    ["with letters", "898601234567890001X", /18 to 22 digits/],
    ["with blanks", "8986 0123 4567 8900 017", /18 to 22 digits/],
    ["of a card", "4242424242424242424", /start with 89/],
    ["that is a number", 8986012345678900, /text of 18 to 22 digits/],
    ["that is null", null, /text of 18 to 22 digits/],
    ["that is missing", undefined, /text of 18 to 22 digits/],
  ])("refuses an ICCID %s", async (_, iccid, right) => {
    expect((await refusal("POST /v1/rules", call(newRule({ iccid })))).errors).toEqual([{ pointer: "/iccid", detail: expect.stringMatching(right) }]);
  });
});

describe("PUT /v1/rules/{iccid}", () => {
  it("takes the line from its path only", async () => {
    const told = await refusal("PUT /v1/rules/{iccid}", routes["PUT /v1/rules/{iccid}"].call(newRule()));
    expect(told.errors).toEqual([{ pointer: "/iccid", detail: "is not a field of this body" }]);
  });
});

describe("PATCH /v1/rules/{iccid}", () => {
  it.each([undefined, "suspended", "Active", "", null, 1, ["paused"], { state: "paused" }])("refuses the status %j", async (status) => {
    const told = await refusal("PATCH /v1/rules/{iccid}", routes["PATCH /v1/rules/{iccid}"].call({ status }));
    expect(told.errors).toEqual([{ pointer: "/status", detail: 'must be "active" or "paused"' }]);
  });
});
