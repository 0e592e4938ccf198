import * as z from "zod/mini";
import { DEFAULT_COOLDOWN_MINUTES, DEFAULT_TIMES_PER_DAY, SHORTEST_COOLDOWN_MINUTES, type SuspensionReason } from "../domain/rule.ts";
import { isTimeZone } from "../domain/time.ts";
import { iccid } from "./iccid.ts";
import { balance, nonNegativeMoney, positiveMoney } from "./money.ts";
import { pageOf } from "./parameters.ts";
import type { SubscriberRoutes } from "./route.ts";

/** The version of the terms of automatic recharging that a subscriber agrees to today. */
export const TERMS_VERSION = "2026-11-01";

const MINUTES_PER_WEEK = 10_080;

function wholeNumber(least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).check(z.gte(least, { error }), z.lte(most, { error }));
}

const topUp = z.discriminatedUnion(
  "type",
  [z.strictObject({ type: z.literal("fixed"), amount: positiveMoney }), z.strictObject({ type: z.literal("target"), target: positiveMoney })],
  {
    error: (issue) =>
      issue.code === "invalid_union" ? 'must be "fixed" or "target"' : 'must be { "type": "fixed", "amount": {...} } or { "type": "target", "target": {...} }',
  },
);

const settings = {
  threshold: nonNegativeMoney,
  topUp,
  limits: z.strictObject(
    {
      perMonth: positiveMoney,
      timesPerDay: z._default(wholeNumber(1, 24), DEFAULT_TIMES_PER_DAY),
      cooldownMinutes: z._default(wholeNumber(SHORTEST_COOLDOWN_MINUTES, MINUTES_PER_WEEK), DEFAULT_COOLDOWN_MINUTES),
    },
    { error: 'must be an object with at least the monthly cap, e.g. { "perMonth": { "amount": 20000, "currency": "CNY" } }' },
  ),
  paymentMethodId: z
    .string({ error: "must be the id of a saved way to pay, e.g. pm_1Nv0FG" })
    .check(z.regex(/^pm_[A-Za-z0-9_]{1,100}$/, { error: "must be the id of a saved way to pay, e.g. pm_1Nv0FG" })),
  timeZone: z
    .string({ error: "must be an IANA time zone, e.g. Asia/Shanghai" })
    .check(z.refine(isTimeZone, { error: "must be an IANA time zone, e.g. Asia/Shanghai" })),
  consent: z.strictObject(
    { termsVersion: z.literal(TERMS_VERSION, { error: `must be "${TERMS_VERSION}", the version of the terms that is in force` }) },
    { error: `must be { "termsVersion": "${TERMS_VERSION}" }` },
  ),
};

export const ruleBody = z.strictObject(settings, { error: "must be a JSON object with all settings of the rule" }).check(z.meta({ id: "RuleSettings" }));
export type RuleBody = z.infer<typeof ruleBody>;

export const newRuleBody = z
  .strictObject({ iccid, ...settings }, { error: "must be a JSON object with the iccid and all settings of the rule" })
  .check(z.meta({ id: "NewRule" }));
export type NewRuleBody = z.infer<typeof newRuleBody>;

export const ruleStateBody = z.strictObject(
  { status: z.enum(["active", "paused"], { error: 'must be "active" or "paused"' }) },
  { error: 'must be { "status": "active" } or { "status": "paused" }' },
);
export type RuleStateBody = z.infer<typeof ruleStateBody>;

const SUSPENSION_REASONS = {
  "card-refused-for-good": "card-refused-for-good",
  "declined-too-often": "declined-too-often",
  "line-not-yours": "line-not-yours",
  "currency-changed": "currency-changed",
  "payment-method-gone": "payment-method-gone",
  "amount-not-offered": "amount-not-offered",
  "carrier-refused": "carrier-refused",
  "payment-disputed": "payment-disputed",
  "paused-by-operator": "paused-by-operator",
} as const satisfies { readonly [Reason in SuspensionReason]: Reason };

const moment = z.iso.datetime();

export const ruleStatus = z
  .discriminatedUnion("state", [
    z.object({ state: z.literal("active") }),
    z.object({ state: z.literal("paused"), at: moment }),
    z.object({ state: z.literal("suspended"), at: moment, reason: z.enum(SUSPENSION_REASONS) }),
  ])
  .check(z.meta({ id: "RuleStatus", description: "A paused rule was stopped by its owner, a suspended one by us: both rest until their owner resumes them." }));

export const ruleReply = z
  .object({
    iccid: z.string(),
    threshold: balance,
    topUp: z.discriminatedUnion("type", [z.object({ type: z.literal("fixed"), amount: balance }), z.object({ type: z.literal("target"), target: balance })]),
    limits: z.object({ perMonth: balance, timesPerDay: z.int(), cooldownMinutes: z.int() }),
    paymentMethodId: z.string(),
    timeZone: z.string(),
    consent: z.object({ termsVersion: z.string(), at: moment }),
    version: z.int().check(z.describe("The number in the rule's ETag")),
    status: ruleStatus,
    createdAt: moment,
    updatedAt: moment,
  })
  .check(z.meta({ id: "Rule" }));

const ruleNow = { says: "The rule as it is now.", body: ruleReply, headers: ["etag"] } as const;

export const ruleRoutes = {
  createRule: {
    method: "POST",
    path: "/v1/rules",
    scope: "rules:write",
    function: "rules",
    summary: "Save the first rule of a line",
    description: "The line must be the caller's, as the carrier says. A line that is low already is recharged at once.",
    body: newRuleBody,
    replies: { 201: { says: "The rule that was saved.", body: ruleReply, headers: ["etag", "location"] } },
    problems: ["caller-unknown", "not-found", "account-closing", "rule-exists", "rule-makes-no-sense"],
  },
  listRules: {
    method: "GET",
    path: "/v1/rules",
    scope: "rules:read",
    function: "rules",
    summary: "List my rules",
    description: "By ICCID. A page may hold fewer rules than the next one, and even none.",
    query: ["page"],
    replies: { 200: { says: "A page of the caller's rules.", body: pageOf(ruleReply) } },
    problems: [],
  },
  readRule: {
    method: "GET",
    path: "/v1/rules/{iccid}",
    scope: "rules:read",
    function: "rules",
    summary: "Read the rule of a line",
    replies: { 200: ruleNow },
    problems: ["not-found"],
  },
  replaceRule: {
    method: "PUT",
    path: "/v1/rules/{iccid}",
    scope: "rules:write",
    function: "rules",
    summary: "Replace the settings of a rule",
    description: "All of them. Whether the rule is active stays as it is: saving settings resumes nothing.",
    headers: ["if-match"],
    body: ruleBody,
    replies: { 200: ruleNow },
    problems: ["caller-unknown", "not-found", "account-closing", "rule-changed", "rule-makes-no-sense"],
  },
  setRuleState: {
    method: "PATCH",
    path: "/v1/rules/{iccid}",
    scope: "rules:write",
    function: "rules",
    summary: "Pause or resume a rule",
    description: "Resuming also lifts a suspension, unless the rule's card is refused for good.",
    headers: ["if-match"],
    body: ruleStateBody,
    replies: { 200: ruleNow },
    problems: ["not-found", "card-refused-for-good", "payment-method-gone", "rule-changed"],
  },
  deleteRule: {
    method: "DELETE",
    path: "/v1/rules/{iccid}",
    scope: "rules:write",
    function: "rules",
    summary: "Delete a rule",
    description: "What was spent goes on to count. An open recharge goes on to its end: unpaid, unless it is being paid already.",
    headers: ["if-match"],
    replies: { 204: { says: "There is no such rule any more." } },
    problems: ["not-found", "rule-changed"],
  },
} as const satisfies SubscriberRoutes;
