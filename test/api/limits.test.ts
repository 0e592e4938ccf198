import { describe, expect, it } from "@jest/globals";
import { apiHandler } from "../../functions/api/pipeline.ts";
import { rechargeRoutes } from "../../functions/contracts/recharges.ts";
import type { Route } from "../../functions/contracts/route.ts";
import { ROUTES } from "../../functions/contracts/routes.ts";
import { applyMove } from "../../functions/domain/recharge.ts";
import { instant } from "../../functions/domain/time.ts";
import { cny, ICCID, METHOD, NOW, SUBSCRIBER } from "../builders.ts";
import { type ApiCall, type ApiPorts, apiRoutes, apiWorld, problemIn, STRANGER, STRANGERS_ICCID } from "./api-world.ts";
import { goodCallOf, knownCaller } from "./good-calls.ts";

/** Of the stage, for routes that only ask outside. */
const OF_THE_STAGE = 5;
const limited = ROUTES.flatMap((route: Route) => {
  if (route.limit === undefined) return [];
  const { perHour } = route.limit;
  return [{ ...route, perHour: perHour === "stage" ? OF_THE_STAGE : perHour }];
});

/** For each limited route a request that its function takes, whatever becomes of it. */
const CALLS: Readonly<Record<string, object | undefined>> = {
  "POST /v1/payment-methods/setup-intents": undefined,
  "POST /v1/payment-methods/setup-intents/alipay": undefined,
  "POST /v1/payment-methods": { type: "card", setupIntentId: "seti_none" },
  "POST /v1/recharges": { iccid: STRANGERS_ICCID, amount: cny(3000) },
  "POST /v1/family-lines": { iccid: STRANGERS_ICCID },
};
const callOf = (route: Route, sub?: string) => {
  const body = CALLS[`${route.method} ${route.path}`];
  return { ...goodCallOf(route), ...(body !== undefined && { body, headers: {} }), sub };
};

/** A caller with all that a route may ask about, an open recharge that waits for them, and what was asked outside. */
async function askingWorld(route: Route) {
  const world = await knownCaller(route);
  const asked: string[] = [];
  const watch = <Port extends object>(name: string, port: Port): Port =>
    new Proxy(port, {
      get(target, method) {
        asked.push(`${name}.${String(method)}`);
        return Reflect.get(target, method);
      },
    });
  const { ports } = world;
  const line = await ports.esims.load(ICCID);
  if (line?.open !== undefined) {
    const created = applyMove(line, line.open.rechargeId, { type: "created", paymentIntentId: "pi_1" }, NOW);
    await ports.esims.save(applyMove(created, line.open.rechargeId, { type: "awaiting", paymentIntentId: "pi_1", at: NOW }, NOW), "seed");
  }
  const watched = {
    identity: watch("issuer", ports.identity),
    carrier: watch("carrier", ports.carrier),
    wallet: watch("Stripe", ports.wallet),
    payments: async () => watch("Stripe", { clientSecret: async () => "pi_1_secret_1" }),
  };
  return {
    asked,
    send: (call: ApiCall, changes: Partial<ApiPorts> = {}) => world.send(call, { ...watched, ...changes }),
    forget: () => ports.subscribers.putProfile({ subscriberId: SUBSCRIBER }),
  };
}

describe("what asks the carrier, the issuer or Stripe", () => {
  it.each(ROUTES.map((route: Route) => [`${route.method} ${route.path}`, route] as const))(
    "has a limit for each subscriber, and nothing else has: %s",
    async (_, route) => {
      const world = await askingWorld(route);
      await world.send(goodCallOf(route));
      const byUnknown = await askingWorld(route);
      await byUnknown.forget();
      await byUnknown.send(goodCallOf(route));
      const asks = world.asked.length + byUnknown.asked.length > 0;
      expect([asks, route.limit !== undefined]).toEqual([asks, asks]);
    },
  );
});

describe("what is limited", () => {
  it("is what a thief of cards would do often", () => {
    expect(limited.map(({ method, path }) => `${method} ${path}`)).toEqual(expect.arrayContaining(Object.keys(CALLS)));
  });

  it.each(limited)("can be done $perHour times an hour: $method $path", async (route) => {
    const world = await (route.limit?.counts === "asking" ? askingWorld(route) : apiWorld());
    const send = (call: ApiCall, changes = {}) => world.send(call, { requestsPerHour: OF_THE_STAGE, ...changes });
    for (let i = 0; i < route.perHour; i++) expect((await send(callOf(route))).status).not.toBe(429);
    const refused = await send(callOf(route));
    expect(problemIn(refused)).toMatchObject({ status: 429, code: "too-many-requests" });
    expect(refused.headers["retry-after"]).toBe("3600"); // NOW begins an hour
    expect((await send(callOf(route, STRANGER))).status).not.toBe(429);

    const clock = (at: number) => ({ clock: { now: () => instant(Date.parse(NOW) + at) } });
    const late = await send(callOf(route), clock(3_599_000));
    expect([late.status, late.headers["retry-after"]]).toEqual([429, "1"]);
    expect((await send(callOf(route), clock(3_600_000))).status).not.toBe(429);
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

describe("a recharge that is read again and again", () => {
  const READ: ApiCall = { method: "GET", path: "/v1/recharges/re_1" };
  const uncounted = { quotas: { take: () => Promise.reject(new Error("It was counted")) } };

  it("is not counted while Stripe is not asked about it", async () => {
    const world = await knownCaller(READ);
    expect((await world.send(READ, uncounted)).body).toMatchObject({ rechargeId: "re_1", status: "reserved" });
  });

  it("can be looked at every second until the hour of its checkout is over", async () => {
    expect(rechargeRoutes.readRecharge.limit.perHour).toBeGreaterThan(3600);
  });
});

describe("a function with a limited route", () => {
  it("does not load without a place to count", async () => {
    const { ports } = await apiWorld();
    expect(() => apiHandler(ports.log, apiRoutes(ports)["payment-methods"])).toThrow("has nowhere to count");
  });
});
