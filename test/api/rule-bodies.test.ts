import { describe, expect, it } from "@jest/globals";
import { LARGEST_AMOUNT } from "../../functions/contracts/money.ts";
import { cny, esimWithRule, ICCID } from "../builders.ts";
import { type ApiCall, type ApiWorld, apiWorld, newRule, problemIn, ruleSettingsBody, withField } from "./api-world.ts";

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

describe("a good body", () => {
  it.each(names)("is taken by %s", async (name) => {
    const { send } = await worldFor(name);
    const { good, call } = routes[name];
    expect((await send(call(good))).status).toBeLessThan(300);
    const again = await worldFor(name);
    const { headers } = call(good);
    expect((await again.send({ ...call(good), headers: { ...headers, "content-type": 'application/json; charset="UTF-8"' } })).status).toBeLessThan(300);
  });

  it.each([
    ["threshold", cny(0)],
    ["threshold", cny(1)],
    ["topUp", { type: "target", target: cny(8000) }],
    ["limits", { perMonth: cny(LARGEST_AMOUNT), timesPerDay: 24, cooldownMinutes: 10_080 }],
    ["limits", { perMonth: cny(5000), timesPerDay: 1, cooldownMinutes: 15 }],
    ["noticeMinutes", 0],
    ["noticeMinutes", 30],
    ["noticeMinutes", 1440],
    ["timeZone", "UTC"],
    ["timeZone", "America/Argentina/Buenos_Aires"],
    ["timeZone", "America/Port-au-Prince"],
  ])("may have at %s %j", async (field, value) => {
    const { send } = await worldFor("POST /v1/rules");
    expect((await send(routes["POST /v1/rules"].call(newRule({ [field]: value })))).status).toBe(201);
  });
});

/** What each field must not be, beside what bad-input.test.ts puts into every field; and a word of what would be right. */
const bad: readonly (readonly [pointer: string, right: RegExp, values: readonly unknown[]])[] = [
  ["/threshold/amount", /between 0 and 99999999/, [-1, LARGEST_AMOUNT + 1]],
  ["/threshold/currency", /ISO 4217/, ["YUAN", 156]],
  ["/topUp/amount/amount", /between 1 and 99999999/, [0, LARGEST_AMOUNT + 1]],
  ["/limits/perMonth/amount", /between 1 and 99999999/, [0, LARGEST_AMOUNT + 1]],
  ["/limits/timesPerDay", /whole number from 1 to 24/, [0, 25, "3"]],
  ["/limits/cooldownMinutes", /whole number from 15 to 10080/, [14, 15.5, 10_081, "60"]],
  ["/paymentMethodId", /saved way to pay/, ["card_1", "pm_", "pm_a b", `pm_${"x".repeat(101)}`]],
  // the last text once took a regular expression for ever
  ["/timeZone", /IANA time zone/, ["+08:00", "Shanghai", "Mars/Phobos", "GMT+8", `A${"-".repeat(200)}!`]],
  ["/noticeMinutes", /0 for no notice .* from 30 to 1440/, [29, 1441, -30, 30.5, "60"]],
  ["/consent/termsHash", /gives for these settings/, ["2026-11-28", "A".repeat(42), `${"A".repeat(42)}+`]],
];
const rows = bad.flatMap(([pointer, right, values]) => values.map((value) => ({ pointer, right, value })));

describe.each(settingsRoutes)("%s", (name) => {
  const { good, call } = routes[name];

  it.each(rows)("says what would be right at $pointer instead of $value", async ({ pointer, right, value }) => {
    const told = await refusal(name, call(withField(good, pointer.split("/").slice(1), value)));
    expect(told).toMatchObject({ status: 400, code: "invalid-body", errors: [{ pointer, detail: expect.stringMatching(right) }] });
  });

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

  it("tells of all faults at once", async () => {
    const told = await refusal(name, call({ ...good, threshold: cny(-1), timeZone: "Mars/Phobos", limits: { perMonth: cny(0), timesPerDay: 0 } }));
    expect(told.errors.map((error) => error.pointer)).toEqual(["/threshold/amount", "/limits/perMonth/amount", "/limits/timesPerDay", "/timeZone"]);
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
