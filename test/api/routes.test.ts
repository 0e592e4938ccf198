import { describe, expect, it } from "@jest/globals";
import type { Route } from "../../functions/contracts/route.ts";
import { PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "../../functions/contracts/routes.ts";
import { ICCID } from "../builders.ts";
import { GOOD_ENVIRONMENT } from "../environment-values.ts";
import { type ApiFunction, apiRoutes, apiWorld, callApi, problemIn } from "./api-world.ts";

// handler.ts reads its environment when it is imported; nothing here is ever called.
Object.assign(process.env, GOOD_ENVIRONMENT, { AWS_REGION: "eu-west-1" });

const handlers = {
  rules: (await import("../../functions/api/rules/handler.ts")).handler,
  esims: (await import("../../functions/api/esims/handler.ts")).handler,
  family: (await import("../../functions/api/family/handler.ts")).handler,
  recharges: (await import("../../functions/api/recharges/handler.ts")).handler,
  "payment-methods": (await import("../../functions/api/payment-methods/handler.ts")).handler,
  me: (await import("../../functions/api/me/handler.ts")).handler,
  pay: (await import("../../functions/api/pay/handler.ts")).handler,
  "api-docs": (await import("../../functions/api/api-docs/handler.ts")).handler,
  "stripe-webhook": (await import("../../functions/api/stripe-webhook/handler.ts")).handler,
};
const all = [...ROUTES, ...PUBLIC_ROUTES, ...WEBHOOK_ROUTES];
const functions: readonly ApiFunction[] = ["rules", "esims", "family", "recharges", "payment-methods", "me", "pay", "api-docs", "stripe-webhook"];
/** How far a request gets that has no subject, no link of ours, and a body that is too large: no further than to its route. */
const stopped = (route: Route) =>
  route.scope !== undefined ? "no-subject" : route.function === "stripe-webhook" ? "body-too-large" : route.function === "pay" ? "no such link" : 200;
const shown = ({ method, path }: Pick<Route, "method" | "path">) => `${method} ${path}`;

describe("the routes of the API", () => {
  it("all belong to a function that these tests know", () => {
    expect(new Set<string>(all.map((route) => route.function))).toEqual(new Set(functions));
  });

  it.each(functions)("are those of the contract in these tests' %s", async (name) => {
    const { ports } = await apiWorld();
    expect(apiRoutes(ports)[name].map(shown)).toEqual(all.filter((route) => route.function === name).map(shown));
  });

  it.each(functions)("are answered by the deployed function %s, and no others", async (name) => {
    for (const route of all) {
      const path = route.path.replace("{iccid}", ICCID).replace("{rechargeId}", "re_1").replace("{paymentMethodId}", "pm_1");
      const hasBody = route.method !== "GET" && route.method !== "DELETE";
      const body = hasBody ? { huge: "x".repeat(300_000) } : undefined;
      const answer = await callApi(handlers[name], { method: route.method, path, sub: "", body });
      const isNoLink = answer.status === 404 && /no such link/i.test(JSON.stringify(answer.body));
      const told = answer.status === 200 ? 200 : isNoLink ? "no such link" : problemIn(answer).code;
      expect([shown(route), told]).toEqual([shown(route), route.function === name ? stopped(route) : "not-found"]);
    }
  });
});

describe("any request", () => {
  it("to a route that does not exist is a 404", async () => {
    const { send } = await apiWorld();
    for (const [method, path] of [
      ["GET", "/v1/nothing"],
      ["PUT", "/v1/rules"],
      ["GET", "/"],
    ] as const) {
      expect(problemIn(await send({ method, path }))).toMatchObject({ status: 404, code: "not-found", detail: "There is no such route" });
    }
  });

  it("is answered with what must not be kept by a cache", async () => {
    const { send } = await apiWorld();
    for (const path of ["/v1/rules", "/v1/nothing"]) expect((await send({ method: "GET", path })).headers["cache-control"]).toBe("no-store");
  });

  it.each([
    ["a good one", { method: "GET", path: "/v1/rules" }],
    ["one without a body", { method: "DELETE", path: "/v1/payment-methods/pm_1" }],
    ["one to no route", { method: "GET", path: "/v1/nothing" }],
    ["a bad one", { method: "POST", path: "/v1/rules", body: {} }],
    ["one of nobody", { method: "GET", path: "/v1/rules", sub: "" }],
    ["a webhook that Stripe did not send", { method: "POST", path: "/webhooks/stripe", body: {} }],
  ])("is answered with what a browser may only hand to its program: %s", async (_, call) => {
    const { send } = await apiWorld();
    expect((await send(call)).headers).toMatchObject({
      "cache-control": "no-store",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=63072000; includeSubDomains",
      "x-content-type-options": "nosniff",
    });
  });

  it("that fails for a fault of ours is a 500 that gives nothing away and is logged", async () => {
    const world = await apiWorld();
    const load = () => Promise.reject(new Error("table of account 1234 is gone"));
    const answer = await world.send({ method: "GET", path: `/v1/rules/${ICCID}` }, { esims: { ...world.ports.esims, load } });
    expect(problemIn(answer)).toEqual({ status: 500, code: "internal", detail: "Something went wrong on our side", errors: [] });
    expect(world.logged).toEqual(["request-failed"]);
  });
});
