import { describe, expect, it } from "@jest/globals";
import { apiHandler } from "../../functions/api/pipeline.ts";
import type { Route } from "../../functions/contracts/route.ts";
import { ROUTES } from "../../functions/contracts/routes.ts";
import { instant } from "../../functions/domain/time.ts";
import { cny, METHOD, NOW } from "../builders.ts";
import { apiRoutes, apiWorld, problemIn, STRANGER, STRANGERS_ICCID } from "./api-world.ts";

const limited = ROUTES.flatMap((route: Route) => (route.limit === undefined ? [] : [{ ...route, perHour: route.limit.perHour }]));

/** For each limited route a request that its function takes, whatever becomes of it. */
const CALLS: Readonly<Record<string, object | undefined>> = {
  "POST /v1/payment-methods/setup-intents": undefined,
  "POST /v1/payment-methods/setup-intents/alipay": undefined,
  "POST /v1/payment-methods": { type: "card", setupIntentId: "seti_none" },
  "POST /v1/recharges": { iccid: STRANGERS_ICCID, amount: cny(3000) },
  "POST /v1/family-lines": { iccid: STRANGERS_ICCID },
};
const callOf = ({ method, path }: Route, sub?: string) => ({ method, path, body: CALLS[`${method} ${path}`], sub });

describe("what a thief of cards would do often", () => {
  it("is limited: saving a card", () => {
    expect(limited.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(Object.keys(CALLS)));
  });

  it.each(limited)("can be done $perHour times an hour: $method $path", async (route) => {
    const world = await apiWorld();
    for (let i = 0; i < route.perHour; i++) expect((await world.send(callOf(route))).status).not.toBe(429);
    const refused = await world.send(callOf(route));
    expect(problemIn(refused)).toMatchObject({ status: 429, code: "too-many-requests" });
    expect(refused.headers["retry-after"]).toBe("3600"); // NOW begins an hour
    expect((await world.send(callOf(route, STRANGER))).status).not.toBe(429);

    const clock = (at: number) => ({ clock: { now: () => instant(Date.parse(NOW) + at) } });
    const late = await world.send(callOf(route), clock(3_599_000));
    expect([late.status, late.headers["retry-after"]]).toEqual([429, "1"]);
    expect((await world.send(callOf(route), clock(3_600_000))).status).not.toBe(429);
  });

  it("reaches Stripe no more once it is refused", async () => {
    const world = await apiWorld();
    const refuse = { quotas: { take: async () => false } };
    const wallet = { ...world.ports.wallet, createSetupIntent: () => Promise.reject(new Error("Stripe was asked")) };
    const answer = await world.send({ method: "POST", path: "/v1/payment-methods/setup-intents" }, { ...refuse, wallet });
    expect([answer.status, world.logged]).toEqual([429, []]);
  });
});

describe("a request that makes no sense", () => {
  it("is not counted: it costs no write", async () => {
    const world = await apiWorld();
    const quotas = { take: () => Promise.reject(new Error("It was counted")) };
    for (const call of [{ body: { type: "gold" } }, { body: { type: "alipay" }, sub: "" }]) {
      const { status } = await world.send({ method: "POST", path: "/v1/payment-methods", ...call }, { quotas });
      expect([400, 403]).toContain(status);
    }
  });
});

describe("what is not limited", () => {
  it("is not counted", async () => {
    const world = await apiWorld();
    const quotas = { take: () => Promise.reject(new Error("It was counted")) };
    expect((await world.send({ method: "GET", path: "/v1/payment-methods" }, { quotas })).body).toMatchObject({ data: [{ paymentMethodId: METHOD.id }] });
  });
});

describe("a function with a limited route", () => {
  it("does not load without a place to count", async () => {
    const { ports } = await apiWorld();
    expect(() => apiHandler(ports.log, apiRoutes(ports)["payment-methods"])).toThrow("has nowhere to count");
  });
});
