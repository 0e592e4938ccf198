import type * as z from "zod/mini";
import type { FunctionName } from "./environment.ts";
import type { ProblemCode } from "./problems.ts";

/** The scopes of the resource server; a token must carry the one of its route. */
export const SCOPES = {
  "rules:read": "Read the rules of my lines",
  "rules:write": "Change the rules of my lines",
  "esims:read": "See my lines and their balances",
  "family:write": "Pay for lines of somebody else's, who must agree",
  "recharges:read": "See my recharges",
  "recharges:write": "Recharge my lines now, and call off what is not paid",
  "payment-methods:read": "See my ways to pay",
  "payment-methods:write": "Add, choose and remove my ways to pay",
  "me:read": "See what is held of me",
  "me:write": "Change my language and notices, and close my account",
} as const;

export type Scope = keyof typeof SCOPES;

/** Identifier of the resource server: scopes read `auto-recharge/rules:read` in tokens. */
export const RESOURCE_SERVER = "auto-recharge";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

export type QueryParameter = "page";
export type RequestHeader = "idempotency-key" | "if-match" | "stripe-signature";
export type ReplyHeader = "etag" | "location";

/** A good answer. */
export interface Reply {
  /** What it means, for who reads the documentation. */
  readonly says: string;
  /** Of its body, which has none where this is missing: what the schema does not name never leaves us. */
  readonly body?: z.core.$ZodType;
  /** Of the body; JSON unless set. */
  readonly type?: "text/html";
  /** Always sent with it, and no others. */
  readonly headers?: readonly ReplyHeader[];
}

/**
 * How often a subscriber may do something.
 *
 * For what costs money or tells a secret by trial, and for what asks the carrier, the issuer or Stripe, all of which serve others too; counting costs a write. Well-formed requests count, whatever becomes of them.
 */
export interface Limit {
  /** Hours begin with those of UTC. `stage`: as the stage says for what only asks outside. */
  readonly perHour: number | "stage";
  /** Only requests for which somebody outside is really asked are counted, by the step that asks. For what is polled, and mostly answered by ourselves. */
  readonly counts?: "asking";
}

export const ASKS_OUTSIDE = { perHour: "stage" } as const satisfies Limit;

/** One route of the API: all that a caller must know of it. The stacks, the functions, the OpenAPI document and its client are made of it. */
export interface Route {
  readonly method: Method;
  /** `{...}` are parameters: `parameters.ts` says what they may be. */
  readonly path: string;
  readonly function: FunctionName;
  /** Missing where no token is asked for. */
  readonly scope?: Scope;
  /** Missing where we answer by ourselves, and nothing is gained by doing it often. Whoever has done it too often gets 429 (`too-many-requests`) with `Retry-After`. */
  readonly limit?: Limit;
  /** For the documentation. */
  readonly summary: string;
  readonly description?: string;
  readonly query?: readonly QueryParameter[];
  readonly headers?: readonly RequestHeader[];
  readonly body?: z.core.$ZodType;
  /** By status. */
  readonly replies: { readonly [status: number]: Reply };
  /** Its own: what every route of its kind answers (a body that is none, a version that was not named, ...) is known without. */
  readonly problems: readonly ProblemCode[];
}

/** One that is answered to a caller who has signed in. */
export type SubscriberRoute = Route & { readonly scope: Scope };

/** The routes of a resource by their names, which are also those of the operations in the OpenAPI document. */
export interface Routes {
  readonly [name: string]: Route;
}
export interface SubscriberRoutes {
  readonly [name: string]: SubscriberRoute;
}
