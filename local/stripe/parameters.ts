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

const pageParameters = {
  limit: z._default(z.pipe(integer, z.number().check(z.minimum(1), z.maximum(100))), 10),
  starting_after: text,
};

const confirmOnly = { off_session: z.optional(boolean), error_on_requires_action: z.optional(boolean), return_url: text };

export const noParameters = z.strictObject({});
export const createCustomer = z.strictObject({ email: text, name: text, phone: text, description: text, metadata });
export const listCustomers = z.strictObject({ ...pageParameters, email: text });
export const attachMethod = z.strictObject({ customer: z.string() });
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
export const listIntents = z.strictObject({ ...pageParameters, customer: text });
export const confirmIntent = z.strictObject({ payment_method: text, ...confirmOnly });
export const cancelIntent = z.strictObject({
  cancellation_reason: z.optional(z.enum(["duplicate", "fraudulent", "requested_by_customer", "abandoned"])),
});

/** Throws Stripe's error for the first parameter that is unknown, missing or wrong. */
export function readParameters<T>(schema: z.ZodMiniType<T>, form: Form): T {
  const result = schema.safeParse(form);
  if (result.success) return result.data;
  const { issues } = result.error;
  const unknown = issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
  if (unknown.length > 0) {
    throw invalidRequest(`Received unknown parameter${unknown.length > 1 ? "s" : ""}: ${unknown.join(", ")}`, {
      code: "parameter_unknown",
      param: unknown[0],
    });
  }
  const [first = "", ...rest] = (issues[0]?.path ?? []).map(String);
  const param = first + rest.map((name) => `[${name}]`).join("");
  if (form[first] === undefined) throw invalidRequest(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  throw invalidRequest(`Invalid ${param}: ${rest.length === 0 && typeof form[first] === "string" ? form[first] : "see the API reference"}`, { param });
}
