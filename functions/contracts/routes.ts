import { apiDocsRoutes } from "./api-docs.ts";
import { esimRoutes } from "./esims.ts";
import { familyRoutes } from "./family.ts";
import { meRoutes } from "./me.ts";
import { payLinkRoutes } from "./pay-links.ts";
import { paymentMethodRoutes } from "./payment-methods.ts";
import { rechargeRoutes } from "./recharges.ts";
import type { Route, SubscriberRoute } from "./route.ts";
import { ruleRoutes } from "./rules.ts";
import { stripeWebhookRoutes } from "./stripe-events.ts";

/** The API for subscribers by the names of its operations. A function imports the routes of its own resource only, so that its bundle stays small. */
export const SUBSCRIBER_OPERATIONS = { ...ruleRoutes, ...esimRoutes, ...familyRoutes, ...rechargeRoutes, ...paymentMethodRoutes, ...meRoutes } as const;

/** What everybody may call. */
export const PUBLIC_OPERATIONS = { ...payLinkRoutes, ...apiDocsRoutes } as const;

/** What systems call that sign what they send: no token, the function itself verifies the signature. */
export const WEBHOOK_OPERATIONS = { ...stripeWebhookRoutes } as const;

/** A route with the name of its operation. */
export type Operation<Each extends Route = Route> = Each & { readonly operation: string };

function listed<Each extends Route>(routes: { readonly [operation: string]: Each }): readonly Operation<Each>[] {
  return Object.entries(routes).map(([operation, route]) => ({ ...route, operation }));
}

/** The stacks make these routes; each function answers exactly its own. */
export const ROUTES = listed<SubscriberRoute>(SUBSCRIBER_OPERATIONS);
export const PUBLIC_ROUTES = listed<Route>(PUBLIC_OPERATIONS);
export const WEBHOOK_ROUTES = listed<Route>(WEBHOOK_OPERATIONS);
