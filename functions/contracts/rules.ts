import * as z from "zod/mini";
import type { WhyNot } from "../domain/at-once.ts";
import { DEFAULT_COOLDOWN_MINUTES, DEFAULT_TIMES_PER_DAY, SHORTEST_COOLDOWN_MINUTES, type SuspensionReason } from "../domain/rule.ts";
import { isTimeZone } from "../domain/time.ts";
import { iccid } from "./iccid.ts";
import { balance, nonNegativeMoney, positiveMoney } from "./money.ts";
import { pageOf, TERMS_HASH } from "./parameters.ts";
import { ASKS_OUTSIDE, type SubscriberRoutes } from "./route.ts";

const MINUTES_PER_WEEK = 10_080;
const MINUTES_PER_DAY = 1440;
/** A notice that comes later than this helps nobody. */
const SHORTEST_NOTICE_MINUTES = 30;

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

const NOTICE = `must be 0 for no notice before a charge, or a whole number from ${SHORTEST_NOTICE_MINUTES} to ${MINUTES_PER_DAY}`;
const PAYMENT_METHOD = "must be the id of a saved way to pay, e.g. pm_1Nv0FG";

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
  /** The default one where it is missing. */
  paymentMethodId: z.optional(z.string({ error: PAYMENT_METHOD }).check(z.regex(/^pm_[A-Za-z0-9_]{1,100}$/, { error: PAYMENT_METHOD }))),
  noticeMinutes: z._default(
    z.union(
      [
        z.literal(0, { error: NOTICE }),
        z.int({ error: NOTICE }).check(z.gte(SHORTEST_NOTICE_MINUTES, { error: NOTICE }), z.lte(MINUTES_PER_DAY, { error: NOTICE })),
      ],
      {
        error: NOTICE,
      },
    ),
    0,
  ),
  timeZone: z
    .string({ error: "must be an IANA time zone, e.g. Asia/Shanghai" })
    .check(z.refine(isTimeZone, { error: "must be an IANA time zone, e.g. Asia/Shanghai" })),
};

const TERMS = "must be the `terms.hash` that POST /v1/rules/preview gives for these settings";
const consent = z.strictObject(
  { termsHash: z.string({ error: TERMS }).check(z.regex(TERMS_HASH, { error: TERMS })) },
  { error: 'must be { "termsHash": "..." } with the `terms.hash` that POST /v1/rules/preview gives for these settings' },
);

export const ruleBody = z
  .strictObject({ ...settings, consent: z.optional(consent) }, { error: "must be a JSON object with all settings of the rule" })
  .register(z.globalRegistry, { id: "RuleSettings" });
export type RuleBody = z.infer<typeof ruleBody>;

export const newRuleBody = z
  .strictObject({ iccid, ...settings, consent }, { error: "must be a JSON object with the iccid and all settings of the rule" })
  .register(z.globalRegistry, { id: "NewRule" });
export type NewRuleBody = z.infer<typeof newRuleBody>;

export const previewBody = z
  .strictObject({ iccid, ...settings }, { error: "must be a JSON object with the iccid and all settings of the rule" })
  .register(z.globalRegistry, { id: "RulePreviewSettings" });
export type PreviewBody = z.infer<typeof previewBody>;

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
  "family-ended": "family-ended",
  "family-limit-reached": "family-limit-reached",
} as const satisfies { readonly [Reason in SuspensionReason]: Reason };

const moment = z.iso.datetime();

export const ruleStatus = z
  .discriminatedUnion("state", [
    z.object({ state: z.literal("active") }),
    z.object({ state: z.literal("paused"), at: moment }),
    z.object({ state: z.literal("suspended"), at: moment, reason: z.enum(SUSPENSION_REASONS) }),
  ])
  .register(z.globalRegistry, {
    id: "RuleStatus",
    description: "A paused rule was stopped by its owner, a suspended one by us: both rest until their owner resumes them.",
  });

export const ruleReply = z
  .object({
    iccid: z.string(),
    threshold: balance,
    topUp: z.discriminatedUnion("type", [z.object({ type: z.literal("fixed"), amount: balance }), z.object({ type: z.literal("target"), target: balance })]),
    limits: z.object({ perMonth: balance, timesPerDay: z.int(), cooldownMinutes: z.int() }),
    paymentMethodId: z.string(),
    noticeMinutes: z.int(),
    timeZone: z.string(),
    consent: z.object({ termsVersion: z.string(), termsHash: z.optional(z.string()), at: moment }),
    version: z.int().check(z.describe("The number in the rule's ETag")),
    status: ruleStatus,
    createdAt: moment,
    updatedAt: moment,
  })
  .register(z.globalRegistry, { id: "Rule" });

const WHY_NOT = {
  ...SUSPENSION_REASONS,
  "no-active-rule": "no-active-rule",
  "already-open": "already-open",
  quiet: "quiet",
  "balance-ok": "balance-ok",
  "cooling-down": "cooling-down",
  "daily-limit": "daily-limit",
  "cap-reached": "cap-reached",
  "card-backing-off": "card-backing-off",
  "balance-unknown": "balance-unknown",
  "balance-outdated": "balance-outdated",
} as const satisfies { readonly [Reason in WhyNot]: Reason };

const inBoth = <Told extends z.core.$ZodType>(told: Told) => z.object({ "zh-CN": told, en: told });

const previewReply = z
  .object({
    words: inBoth(z.array(z.string())).check(z.describe("The rule in plain words, a sentence each")),
    now: z
      .object({
        balance: z.nullable(balance),
        readAt: z.nullable(moment),
        isLow: z.nullable(z.boolean()),
        wouldCharge: z.nullable(balance),
        whyNot: z.nullable(z.object({ reason: z.enum(WHY_NOT), until: z.optional(moment) })),
      })
      .check(z.describe("What would happen at once: what would be charged, or why nothing")),
    worstCasePerMonth: balance.check(z.describe("The most that the limits allow to be charged in a month")),
    terms: z.object({ version: z.string(), text: inBoth(z.string()), hash: z.string() }).check(z.describe("What is agreed to by sending the hash as consent")),
    consentNeeded: z.boolean().check(z.describe("Whether these settings need a new consent to be saved")),
  })
  .register(z.globalRegistry, { id: "RulePreview" });

export const termsReply = z
  .object({ termsHash: z.string(), version: z.string(), words: inBoth(z.array(z.string())), text: inBoth(z.string()) })
  .register(z.globalRegistry, { id: "Terms", description: "What the caller agreed to: a rule in plain words, and the terms as they were then." });

const ruleNow = { says: "The rule as it is now.", body: ruleReply, headers: ["etag"] } as const;

export const ruleRoutes = {
  createRule: {
    method: "POST",
    path: "/v1/rules",
    scope: "rules:write",
    function: "rules",
    limit: ASKS_OUTSIDE,
    summary: "Save the first rule of a line",
    description:
      "The line must be the caller's, as the carrier says. A line that is low already is recharged at once. The caller agrees to the terms of POST /v1/rules/preview by their hash.",
    body: newRuleBody,
    replies: { 201: { says: "The rule that was saved.", body: ruleReply, headers: ["etag", "location"] } },
    problems: ["caller-unknown", "not-found", "account-closing", "rule-exists", "consent-needed", "threshold-too-soon", "rule-makes-no-sense"],
  },
  previewRule: {
    method: "POST",
    path: "/v1/rules/preview",
    scope: "rules:write",
    function: "rules",
    limit: ASKS_OUTSIDE,
    summary: "Review a rule before it is saved",
    description: "For a new rule, or for new settings of the rule that the line has. Judged exactly as saving does it; nothing is saved.",
    body: previewBody,
    replies: { 200: { says: "What these settings mean, and what is agreed to by saving them.", body: previewReply } },
    problems: ["caller-unknown", "not-found", "account-closing", "threshold-too-soon", "rule-makes-no-sense"],
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
    limit: ASKS_OUTSIDE,
    summary: "Replace the settings of a rule",
    description:
      "All of them. Whether the rule is active stays as it is: saving settings resumes nothing. Consent may be left out where nothing is raised: no amount, threshold or limit, no shorter pause or notice, no other way to pay or time zone; but not where the line is yours by now, and the rule was agreed to when somebody else let you pay for it.",
    headers: ["if-match"],
    body: ruleBody,
    replies: { 200: ruleNow },
    problems: ["caller-unknown", "not-found", "account-closing", "consent-needed", "threshold-too-soon", "rule-changed", "rule-makes-no-sense"],
  },
  setRuleState: {
    method: "PATCH",
    path: "/v1/rules/{iccid}",
    scope: "rules:write",
    function: "rules",
    summary: "Pause or resume a rule",
    description:
      "Resuming also lifts a suspension, unless the rule's card is refused for good. A rule that ended as nobody lets its payer pay for the line any more (`family-ended`) is agreed to anew first, with PUT.",
    headers: ["if-match"],
    body: ruleStateBody,
    replies: { 200: ruleNow },
    problems: ["not-found", "consent-needed", "card-refused-for-good", "payment-method-gone", "rule-changed"],
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
  readTerms: {
    method: "GET",
    path: "/v1/terms/{termsHash}",
    scope: "rules:read",
    function: "rules",
    summary: "Read terms that I agreed to",
    description: "The consent of a rule, and of each recharge, names them by their hash.",
    replies: { 200: { says: "The terms as they were agreed to.", body: termsReply } },
    problems: ["not-found"],
  },
} as const satisfies SubscriberRoutes;
