import * as z from "zod/mini";
import { CHANNELS, LANGUAGES } from "../domain/choices.ts";
import { isTimeZone } from "../domain/time.ts";
import { grantTerms } from "./family.ts";
import { balance } from "./money.ts";
import { paymentMethodReply } from "./payment-methods.ts";
import { adjustedBillReply, openRechargeReply, requestedReply, stateName } from "./recharges.ts";
import { ASKS_OUTSIDE, type SubscriberRoutes } from "./route.ts";
import { ruleReply, termsReply } from "./rules.ts";

const moment = z.iso.datetime();

const yesOrNo = z.boolean({ error: "must be true or false" });
const LANGUAGE = `must be one of ${LANGUAGES.join(", ")}, or null for none chosen`;
const TIME_ZONE = "must be an IANA time zone, e.g. Asia/Shanghai, or null for none chosen";
const CHANNEL = `must be a list of one or both of ${CHANNELS.join(", ")}, each once`;

/** JSON Merge Patch: what is not named stays, `null` takes a choice back. Source: RFC 7396 */
export const meChanges = z
  .strictObject(
    {
      language: z.optional(z.nullable(z.enum(LANGUAGES, { error: LANGUAGE }))),
      timeZone: z.optional(z.nullable(z.string({ error: TIME_ZONE }).check(z.refine(isTimeZone, { error: TIME_ZONE })))),
      notices: z.optional(
        z.nullable(
          z.strictObject(
            {
              channels: z.optional(
                z.array(z.enum(CHANNELS, { error: CHANNEL }), { error: CHANNEL }).check(
                  z.minLength(1, { error: CHANNEL }),
                  z.refine((channels) => new Set(channels).size === channels.length, { error: CHANNEL }),
                ),
              ),
              succeeded: z.optional(yesOrNo),
              monthlySummary: z.optional(yesOrNo),
            },
            { error: 'must be an object with any of channels, succeeded and monthlySummary, e.g. { "succeeded": false }, or null for none chosen' },
          ),
        ),
      ),
    },
    { error: "must be a JSON object with any of language, timeZone and notices" },
  )
  .register(z.globalRegistry, { id: "MeChanges", description: "What is not named stays; `null` takes a choice back." });
export type MeChanges = z.infer<typeof meChanges>;

const closing = z
  .object({ since: moment })
  .check(
    z.describe(
      "The account is being closed: nothing new is begun, what is open goes on to its end, then all but the bills and a pause by the operator is erased",
    ),
  );

export const meReply = z
  .object({
    subscriberId: z.string(),
    email: z.optional(z.string()).check(z.describe("As the issuer verified it")),
    phoneNumber: z.optional(z.string()).check(z.describe("As the issuer verified it")),
    verifiedAt: z.optional(moment).check(z.describe("When the issuer last confirmed all of these addresses")),
    language: z.enum(LANGUAGES),
    timeZone: z.string().check(z.describe("The one that was chosen, else that of the rule that was saved last, else UTC")),
    notices: z
      .object({ channels: z.array(z.enum(CHANNELS)), succeeded: z.boolean(), monthlySummary: z.boolean() })
      .check(z.describe("Which notices are sent, and how; what is about money at risk is told in any case")),
    closing: z.optional(closing),
  })
  .register(z.globalRegistry, { id: "Me" });

const spend = z.object({ month: z.string(), monthAmounts: z.array(balance), day: z.string(), dayCount: z.int(), lastEndedAt: moment });
const topUp = z.discriminatedUnion("type", [z.object({ type: z.literal("fixed"), amount: balance }), z.object({ type: z.literal("target"), target: balance })]);

const whyReply = z
  .object({
    iccid: z.string(),
    at: moment,
    rule: z.optional(
      z.object({
        version: z.int(),
        threshold: balance,
        topUp,
        limits: z.object({ perMonth: balance, timesPerDay: z.int(), cooldownMinutes: z.int() }),
        paymentMethodId: z.string(),
        noticeMinutes: z.optional(z.int()),
      }),
    ),
    origin: z.optional(z.enum(["payer", "backup"])),
    reading: z.optional(z.object({ balance, readAt: moment })),
    spend: z.optional(spend),
    declines: z.int(),
  })
  .check(z.describe("Why it was made: the rule as it was, the balance, and what its limits had counted; kept for 400 days"));

const stepsReply = z
  .array(z.object({ at: moment, state: stateName, asked: z.string(), answer: z.record(z.string(), z.unknown()) }))
  .check(z.describe("What was asked of Stripe and the carrier, and what came back; kept for 400 days"));
/** What every recharge of an export tells beside itself. */
const history = { why: z.optional(whyReply), steps: stepsReply };

const declineReply = z
  .object({ at: moment, code: z.string(), severity: z.enum(["soft", "hard", "outage", "dispute"]) })
  .check(z.describe("Kept of the card or account itself, whoever has saved it"));

export const exportReply = z
  .object({
    exportedAt: moment,
    profile: meReply,
    paymentMethods: z.array(
      z.object({ ...paymentMethodReply.def.shape, declines: z.array(declineReply).check(z.describe("What counts against it: see `severity`")) }),
    ),
    terms: z.array(termsReply).check(z.describe("What you agreed to, by the hashes that your rules and recharges name")),
    lines: z
      .array(
        z.object({
          iccid: z.string(),
          rule: z.optional(ruleReply),
          spend: z.optional(spend),
          openRecharge: z.optional(z.object({ ...openRechargeReply.def.shape, ...history })),
          requestedRecharge: z.optional(z.object({ ...requestedReply.def.shape, ...history })),
          family: z.optional(grantTerms),
        }),
      )
      .check(z.describe("The lines that you pay for, or did, with what the limits have counted")),
    recharges: z
      .array(
        z.object({
          bill: adjustedBillReply,
          ...history,
        }),
      )
      .check(z.describe("Your ended recharges, newest first; `next` where there are earlier ones")),
    notices: z.array(z.object({ eventId: z.string(), at: moment })).check(z.describe("The notices that were sent to you in the last 90 days")),
    hold: z.optional(z.object({ at: moment, why: z.string() })).check(z.describe("The operator has paused recharges of your account")),
    next: z.optional(z.string()).check(z.describe("Send it as the parameter `page` for the same document with earlier recharges")),
  })
  .register(z.globalRegistry, { id: "Export", description: "Everything that is held of you." });

/** Each reads through hundreds of histories. */
const EXPORTS_PER_HOUR = 60;

export const meRoutes = {
  readMe: {
    method: "GET",
    path: "/v1/me",
    scope: "me:read",
    function: "me",
    limit: ASKS_OUTSIDE,
    summary: "Who I am here, and what I chose",
    replies: { 200: { says: "The caller.", body: meReply } },
    problems: ["caller-unknown"],
  },
  changeMe: {
    method: "PATCH",
    path: "/v1/me",
    scope: "me:write",
    function: "me",
    limit: ASKS_OUTSIDE,
    summary: "Choose language, time zone and notices",
    description: "A JSON Merge Patch: what is not named stays, `null` takes a choice back. An address that was changed at the issuer is taken over, too.",
    body: meChanges,
    replies: { 200: { says: "The caller as they are now.", body: meReply } },
    problems: ["caller-unknown", "account-closing"],
  },
  exportMe: {
    method: "GET",
    path: "/v1/me/export",
    scope: "me:read",
    function: "me",
    summary: "Everything that is held of me",
    description: "One document; up to 200 ended recharges, and where earlier ones are.",
    query: ["page"],
    limit: { perHour: EXPORTS_PER_HOUR },
    replies: { 200: { says: "All of it.", body: exportReply } },
    problems: ["caller-unknown"],
  },
  closeAccount: {
    method: "DELETE",
    path: "/v1/me",
    scope: "me:write",
    function: "me",
    summary: "Close my account and have me forgotten",
    description:
      "Rules go at once, and what waits for a payment is withdrawn. Recharges that are being paid, or under review, go on to their end; then everything is erased but the bills " +
      "and a pause by the operator, which name nobody. The account to sign in with belongs to the issuer, and is deleted there.",
    replies: { 202: { says: "It is under way, and cannot be called off. Asked again, it is the same.", body: z.object({ closing }) } },
    problems: [],
  },
} as const satisfies SubscriberRoutes;
