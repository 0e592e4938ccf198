import * as z from "zod/mini";
import { LANGUAGES } from "../domain/choices.ts";
import { TERMS_VERSION } from "../domain/terms.ts";
import { iccid } from "./iccid.ts";
import { balance, positiveMoney } from "./money.ts";
import { pageOf } from "./parameters.ts";
import { ASKS_OUTSIDE, type SubscriberRoutes } from "./route.ts";

/** Each costs a message. A person who mistypes a number needs a few; a line has a limit of its own. */
const CODES_PER_HOUR = 10;

/** The latest day on which a payer and a holder must agree anew. */
export const LONGEST_GRANT_DAYS = 366;

const moment = z.iso.datetime();

/** What a payer sees of a line that is somebody else's. */
export const grantTerms = z
  .object({
    until: moment.check(z.describe("From then on nothing is charged for the line")),
    lifetimeCap: balance.check(z.describe("The most that may ever be charged for it")),
    spent: balance.check(z.describe("What was charged for it, less what was given back")),
    consent: z.optional(z.object({ termsVersion: z.string(), at: moment }).check(z.describe("By which the caller agreed to pay for it"))),
  })
  .register(z.globalRegistry, { id: "FamilyTerms", description: "The line is somebody else's, who lets the caller pay for it." });

export const codeRequestBody = z
  .strictObject(
    {
      iccid,
      language: z._default(z.enum(LANGUAGES, { error: 'must be "zh-CN" or "en", the language of the message' }), "zh-CN"),
    },
    { error: 'must be { "iccid": "..." }' },
  )
  .register(z.globalRegistry, { id: "FamilyCodeRequest" });
export type CodeRequestBody = z.infer<typeof codeRequestBody>;

export const grantBody = z
  .strictObject(
    {
      code: z
        .string({ error: "must be the six digits that were sent to the line" })
        .check(z.regex(/^\d{6}$/, { error: "must be the six digits that were sent to the line" })),
      until: z.iso.datetime({ error: "must be a time in UTC, e.g. 2027-06-30T16:00:00Z" }),
      lifetimeCap: positiveMoney,
      consent: z.strictObject(
        { termsVersion: z.literal(TERMS_VERSION, { error: `must be "${TERMS_VERSION}", the version of the terms that is in force` }) },
        { error: `must be { "termsVersion": "${TERMS_VERSION}" }` },
      ),
    },
    { error: "must be a JSON object with the code, the end, the lifetime cap and the consent" },
  )
  .register(z.globalRegistry, { id: "NewFamilyLine" });
export type GrantBody = z.infer<typeof grantBody>;

const familyLine = z
  .object({
    iccid: z.string(),
    ...grantTerms.def.shape,
    consent: z.object({ termsVersion: z.string(), at: moment }),
  })
  .register(z.globalRegistry, { id: "FamilyLine", description: "A line of somebody else's that the caller pays for. They never see its balance." });

export const familyRoutes = {
  requestFamilyCode: {
    method: "POST",
    path: "/v1/family-lines",
    scope: "family:write",
    function: "family",
    summary: "Ask the holder of a line to let me pay for it",
    description:
      "The carrier sends a one-time code to the line, good for ten minutes; who has it from the line's holder proves that they agree. The answer is always the same, whether there is such a line or not. " +
      "A line gets a code every two minutes at most, and five a day, whoever asks.",
    limit: { perHour: CODES_PER_HOUR },
    body: codeRequestBody,
    replies: { 202: { says: "If there is such a line, and it had not too many codes, one is on its way." } },
    problems: ["account-closing"],
  },
  listFamilyLines: {
    method: "GET",
    path: "/v1/family-lines",
    scope: "esims:read",
    function: "family",
    summary: "List the lines of others that I pay for",
    description: "A page may hold fewer lines than the next one, and even none.",
    query: ["page"],
    replies: { 200: { says: "A page of them.", body: pageOf(familyLine) } },
    problems: [],
  },
  putFamilyLine: {
    method: "PUT",
    path: "/v1/family-lines/{iccid}",
    scope: "family:write",
    function: "family",
    limit: ASKS_OUTSIDE,
    summary: "Pay for a line of somebody else's from now on",
    description:
      "With the code that its holder got. Rules can then be saved for the line, and end with it. Sent again with a new code it changes the end and the cap; what was spent goes on counting. " +
      "A rule that was suspended meanwhile is resumed by hand.",
    body: grantBody,
    replies: { 200: { says: "What the caller may pay for the line.", body: familyLine } },
    problems: ["caller-unknown", "not-found", "wrong-code", "code-expired", "grant-makes-no-sense", "line-has-a-rule", "account-closing"],
  },
  deleteFamilyLine: {
    method: "DELETE",
    path: "/v1/family-lines/{iccid}",
    scope: "family:write",
    function: "family",
    summary: "Pay for a line of somebody else's no more",
    description: "The rule goes with it. An open recharge goes on to its end: unpaid, unless it is being paid already.",
    replies: { 204: { says: "The caller does not pay for the line any more." } },
    problems: ["not-found"],
  },
} as const satisfies SubscriberRoutes;
