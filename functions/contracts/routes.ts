import type { FunctionName } from "./environment.ts";

/** The scopes of the resource server; a token must carry the one of its route. */
export const SCOPES = {
  "rules:read": "Read the rules of my lines",
  "rules:write": "Change the rules of my lines",
  "esims:read": "See my lines and their balances",
  "recharges:read": "See my recharges",
  "payment-methods:read": "See my ways to pay",
  "payment-methods:write": "Add, choose and remove my ways to pay",
} as const;

export type Scope = keyof typeof SCOPES;

/** Identifier of the resource server: scopes read `auto-recharge/rules:read` in tokens. */
export const RESOURCE_SERVER = "auto-recharge";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One route of the API: `{...}` in the path are parameters. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly scope: Scope;
  readonly function: FunctionName;
}

/** The API. The stacks make these routes; each function answers exactly its own. */
export const ROUTES = [
  { method: "POST", path: "/v1/rules", scope: "rules:write", function: "rules" },
  { method: "GET", path: "/v1/rules", scope: "rules:read", function: "rules" },
  { method: "GET", path: "/v1/rules/{iccid}", scope: "rules:read", function: "rules" },
  { method: "PUT", path: "/v1/rules/{iccid}", scope: "rules:write", function: "rules" },
  { method: "PATCH", path: "/v1/rules/{iccid}", scope: "rules:write", function: "rules" },
  { method: "DELETE", path: "/v1/rules/{iccid}", scope: "rules:write", function: "rules" },
  { method: "GET", path: "/v1/esims", scope: "esims:read", function: "esims" },
  { method: "GET", path: "/v1/recharges", scope: "recharges:read", function: "recharges" },
  { method: "GET", path: "/v1/recharges/{rechargeId}", scope: "recharges:read", function: "recharges" },
  { method: "POST", path: "/v1/payment-methods/setup-intents", scope: "payment-methods:write", function: "payment-methods" },
  { method: "POST", path: "/v1/payment-methods", scope: "payment-methods:write", function: "payment-methods" },
  { method: "GET", path: "/v1/payment-methods", scope: "payment-methods:read", function: "payment-methods" },
  { method: "DELETE", path: "/v1/payment-methods/{paymentMethodId}", scope: "payment-methods:write", function: "payment-methods" },
] as const satisfies readonly Route[];

/** Called by systems that sign what they send: no token, the function itself verifies the signature. */
export const WEBHOOK_ROUTES = [{ method: "POST", path: "/webhooks/stripe", function: "stripe-webhook" }] as const satisfies readonly Omit<Route, "scope">[];
