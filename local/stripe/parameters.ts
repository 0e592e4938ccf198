import { Stripe } from "stripe";
import * as z from "zod/mini";
import type { Form } from "./form.ts";
import { invalidRequest } from "./stripe-refusal.ts";

/** What each endpoint of the model accepts; everything else is refused, so that nothing is ignored in silence. Source: https://docs.stripe.com/api */

const boolean = z.pipe(
  z.enum(["true", "false"]),
  z.transform((text) => text === "true"),
);
const integer = z.pipe(z.string().check(z.regex(/^\d{1,12}$/)), z.transform(Number));
const metadata = z._default(z.record(z.string().check(z.maxLength(40)), z.string().check(z.maxLength(500))), {});
const list = z.pipe(
  z.record(z.string().check(z.regex(/^\d+$/)), z.string()),
  z.transform((numbered) => Object.values(numbered)),
);
const text = z.optional(z.string());
const httpUrl = z.url({ protocol: /^https?$/ });

const pageParameters = {
  limit: z._default(z.pipe(integer, z.number().check(z.minimum(1), z.maximum(100))), 10),
  starting_after: text,
};

const createdRange = z.optional(
  z.union([integer, z.strictObject({ gt: z.optional(integer), gte: z.optional(integer), lt: z.optional(integer), lte: z.optional(integer) })]),
);

const expand = z.optional(list);

const confirmOnly = { off_session: z.optional(boolean), error_on_requires_action: z.optional(boolean), return_url: text };

export const noParameters = z.strictObject({});
export const createCustomer = z.strictObject({ email: text, name: text, phone: text, description: text, metadata });
export const updateCustomer = createCustomer;
export const listCustomers = z.strictObject({ ...pageParameters, email: text });
export const attachMethod = z.strictObject({ customer: z.string() });
export const updateMethod = z.strictObject({
  billing_details: z.optional(z.strictObject({ email: text, name: text, phone: text })),
  card: z.optional(z.strictObject({ exp_month: z.optional(integer), exp_year: z.optional(integer) })),
  metadata,
});
export const listMethods = z.strictObject({ ...pageParameters, type: text });
export const createIntent = z.strictObject({
  amount: integer,
  currency: z.string(),
  customer: text,
  payment_method: text,
  allowed_payment_method_types: z.optional(list),
  description: text,
  metadata,
  confirm: z._default(boolean, false),
  ...confirmOnly,
});
export const retrieveIntent = z.strictObject({ expand });
export const listIntents = z.strictObject({ ...pageParameters, customer: text, created: createdRange, expand });
export const updateIntent = z.strictObject({ amount: z.optional(integer), payment_method: text, description: text, metadata });
export const confirmIntent = z.strictObject({ payment_method: text, ...confirmOnly });
export const cancelIntent = z.strictObject({
  cancellation_reason: z.optional(z.enum(["duplicate", "fraudulent", "requested_by_customer", "abandoned"])),
});
export const listCharges = z.strictObject({ ...pageParameters, customer: text, payment_intent: text, created: createdRange });
export const createRefund = z.strictObject({
  charge: text,
  payment_intent: text,
  amount: z.optional(integer),
  reason: z.optional(z.enum(["duplicate", "fraudulent", "requested_by_customer"])),
  metadata,
});
export const listRefunds = z.strictObject({ ...pageParameters, charge: text, payment_intent: text, created: createdRange });
export const listDisputes = listRefunds;
export const createSetup = z.strictObject({
  customer: text,
  payment_method: text,
  allowed_payment_method_types: z.optional(list),
  usage: z._default(z.enum(["off_session", "on_session"]), "off_session"),
  description: text,
  metadata,
  confirm: z._default(boolean, false),
  return_url: text,
});
export const listSetups = z.strictObject({ ...pageParameters, customer: text, payment_method: text, created: createdRange, expand });
export const confirmSetup = z.strictObject({ payment_method: text, return_url: text });
export const cancelSetup = z.strictObject({ cancellation_reason: z.optional(z.enum(["abandoned", "duplicate", "requested_by_customer"])) });
export const listEvents = z.strictObject({ ...pageParameters, type: text, types: z.optional(list.check(z.maxLength(20))), created: createdRange });

/** All, or single types: groups are for lists of events only. */
const enabledEvents = z.pipe(list, z.array(z.string().check(z.regex(/^(\*|[a-z_.]+)$/))).check(z.minLength(1)));
export const createEndpoint = z.strictObject({
  url: httpUrl,
  enabled_events: enabledEvents,
  description: text,
  metadata,
  api_version: z.optional(z.literal(Stripe.API_VERSION)),
});
export const listEndpoints = z.strictObject(pageParameters);
export const updateEndpoint = z.strictObject({
  url: z.optional(httpUrl),
  enabled_events: z.optional(enabledEvents),
  description: text,
  metadata,
  disabled: z.optional(boolean),
});

/** Throws Stripe's error for the first parameter that is unknown, missing or wrong. */
export function readParameters<T>(schema: z.ZodMiniType<T>, form: Form): T {
  const result = schema.safeParse(form);
  if (result.success) return result.data;
  const { issues } = result.error;
  const unknown = issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys.map((key) => nameOf([...issue.path, key])) : []));
  if (unknown.length > 0) {
    throw invalidRequest(`Received unknown parameter${unknown.length > 1 ? "s" : ""}: ${unknown.join(", ")}`, {
      code: "parameter_unknown",
      param: unknown[0],
    });
  }
  const [first = "", ...rest] = (issues[0]?.path ?? []).map(String);
  const param = nameOf([first, ...rest]);
  if (form[first] === undefined) throw invalidRequest(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  throw invalidRequest(`Invalid ${param}: ${rest.length === 0 && typeof form[first] === "string" ? form[first] : "see the API reference"}`, { param });
}

/** As Stripe writes what is nested: `card[exp_month]`. */
function nameOf([first, ...rest]: readonly PropertyKey[]): string {
  return [String(first), ...rest.map((name) => `[${String(name)}]`)].join("");
}
