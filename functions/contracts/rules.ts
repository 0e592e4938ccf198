import * as z from "zod/mini";
import { iccidProblem } from "../domain/iccid.ts";
import { DEFAULT_COOLDOWN_MINUTES, DEFAULT_TIMES_PER_DAY, SHORTEST_COOLDOWN_MINUTES } from "../domain/rule.ts";
import { isTimeZone } from "../domain/time.ts";
import { nonNegativeMoney, positiveMoney } from "./money.ts";

/** The version of the terms of automatic recharging that a subscriber agrees to today. */
export const TERMS_VERSION = "2026-11-01";

export const iccid = z.string({ error: "must be a text of 18 to 22 digits" }).check(
  z.superRefine((text, context) => {
    const problem = iccidProblem(text);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
);

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

/** PUT /v1/rules/{iccid} */
export const ruleBody = z.strictObject(settings, { error: "must be a JSON object with all settings of the rule" });
export type RuleBody = z.infer<typeof ruleBody>;

/** POST /v1/rules */
export const newRuleBody = z.strictObject({ iccid, ...settings }, { error: "must be a JSON object with the iccid and all settings of the rule" });
export type NewRuleBody = z.infer<typeof newRuleBody>;

/** PATCH /v1/rules/{iccid} */
export const ruleStateBody = z.strictObject(
  { status: z.enum(["active", "paused"], { error: 'must be "active" or "paused"' }) },
  { error: 'must be { "status": "active" } or { "status": "paused" }' },
);
export type RuleStateBody = z.infer<typeof ruleStateBody>;
