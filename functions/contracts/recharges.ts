import * as z from "zod/mini";
import type { AdjustmentKind } from "../domain/events.ts";
import type { RechargeEnd, StateName } from "../domain/recharge-states.ts";
import { grantTerms } from "./family.ts";
import { iccid } from "./iccid.ts";
import { balance, positiveMoney } from "./money.ts";
import { pageOf } from "./parameters.ts";
import type { SubscriberRoutes } from "./route.ts";

const moment = z.iso.datetime();

const ENDS = {
  succeeded: "succeeded",
  declined: "declined",
  cancelled: "cancelled",
  expired: "expired",
  refunded: "refunded",
} as const satisfies { readonly [End in RechargeEnd]: End };

const OPEN_STATES = {
  announced: "announced",
  reserved: "reserved",
  confirming: "confirming",
  processing: "processing",
  "awaiting-customer": "awaiting-customer",
  crediting: "crediting",
  refunding: "refunding",
  closing: "closing",
  "needs-review": "needs-review",
} as const satisfies { readonly [Open in Exclude<StateName, "ended">]: Open };

const ADJUSTMENT_KINDS = {
  refunded: "refunded",
  "refund-failed": "refund-failed",
  "dispute-opened": "dispute-opened",
  "dispute-won": "dispute-won",
  "dispute-lost": "dispute-lost",
  "paid-after-end": "paid-after-end",
} as const satisfies { readonly [Kind in AdjustmentKind]: Kind };

/** Where an open recharge stands; `ended` for the moment between its end and its bill. */
export const stateName = z.enum({ ...OPEN_STATES, ended: "ended" });

/** What every view of a recharge shows. */
const recharge = {
  rechargeId: z.string(),
  lineLastFour: z.string().check(z.describe("The last four digits of the line's ICCID")),
  amount: balance.check(z.describe("What is, or was, to be recharged")),
  method: z.object({ id: z.string(), brand: z.string(), lastFour: z.string() }),
  origin: z
    .enum({ rule: "rule", payer: "payer", backup: "backup" })
    .check(z.describe("Who wanted it: a rule whose line was low; its payer, there and then; or the backup of a way to pay that was declined")),
  ruleVersion: z.int().check(z.describe("0 where no rule stands behind it")),
  consent: z
    .object({ termsVersion: z.string(), termsHash: z.optional(z.string()), at: moment, timeZone: z.string() })
    .check(
      z.describe(
        "What the recharge stands on: GET /v1/terms/{termsHash} shows it; `asked-by-payer` as the version where its payer asked for this one themselves",
      ),
    ),
  reading: z.optional(
    z.object({ balance, readAt: moment }).check(z.describe("The balance on which it was decided; missing where the line is somebody else's")),
  ),
  family: z.optional(
    grantTerms.check(z.describe("The line is somebody else's, who lets the caller pay for it: on these terms, as they were when it was decided")),
  ),
  reservedAt: moment,
};

const bill = {
  ...recharge,
  status: z.enum(ENDS),
  reason: z.optional(z.string().check(z.describe("Why it did not succeed"))),
  charged: balance,
  credited: balance,
  refunded: balance.check(z.describe("What was given back before it ended; later refunds are adjustments")),
  paymentIntentId: z.optional(z.string()),
  period: z.object({ month: z.string(), day: z.string() }).check(z.describe("The month and day in which it counts towards the limits")),
  paidAt: z.optional(moment),
  endedAt: moment,
};

export const billReply = z.object(bill).register(z.globalRegistry, { id: "Bill", description: "An ended recharge. It never changes any more." });

const adjustmentReply = z
  .object({ adjustmentId: z.string(), kind: z.enum(ADJUSTMENT_KINDS), amount: balance, at: moment })
  .register(z.globalRegistry, { id: "Adjustment", description: "Something that happened to the payment since the recharge ended." });

export const adjustedBillReply = z.object({ ...bill, adjustments: z.array(adjustmentReply) }).register(z.globalRegistry, { id: "AdjustedBill" });

export const openRechargeReply = z
  .object({
    ...recharge,
    status: z.enum({ ...OPEN_STATES, ...ENDS }),
    chargeAt: z.optional(moment.check(z.describe("When an announced recharge is charged, unless it is skipped before"))),
    isCalledOff: z.boolean().check(z.describe("Its payer does not want it any more; it ends unpaid, unless it was paid before that is seen")),
    action: z.optional(
      z
        .object({ expiresAt: moment, clientSecret: z.optional(z.string()) })
        .check(z.describe("What the customer's browser needs to pay this very PaymentIntent at Stripe, and until when")),
    ),
  })
  .register(z.globalRegistry, { id: "OpenRecharge" });

/** One that waits to be reserved. */
export const requestedReply = z
  .object({
    rechargeId: z.string(),
    lineLastFour: z.string(),
    status: z.literal("requested"),
    amount: balance,
    method: recharge.method,
    isCalledOff: z.boolean(),
  })
  .register(z.globalRegistry, { id: "RequestedRecharge", description: "Noted, and about to be made: read it again in a second." });

const paymentMethodId = z
  .string({ error: "must be the id of a saved way to pay, e.g. pm_1Nv0FG" })
  .check(z.regex(/^pm_[A-Za-z0-9_]{1,100}$/, { error: "must be the id of a saved way to pay, e.g. pm_1Nv0FG" }));

/** POST /v1/recharges */
export const newRechargeBody = z
  .strictObject(
    { iccid, amount: positiveMoney, paymentMethodId: z.optional(paymentMethodId) },
    { error: 'must be { "iccid": "89...", "amount": {...} }, and "paymentMethodId" unless it is your default' },
  )
  .register(z.globalRegistry, { id: "NewRecharge" });
export type NewRechargeBody = z.infer<typeof newRechargeBody>;

/** Each costs calls to Stripe and the carrier. Nobody fills up a line every other minute. */
const RECHARGES_PER_HOUR = 30;

/** A page that looks every second until the hour of its checkout is over, and some more. */
const SECRETS_PER_HOUR = 4000;

export const rechargeRoutes = {
  rechargeNow: {
    method: "POST",
    path: "/v1/recharges",
    scope: "recharges:write",
    function: "recharges",
    summary: "Recharge a line now",
    description:
      "Its payer confirms it in their browser or app, within an hour, with the client secret that reading it gives. Not bound by the line's rule, towards whose limits it counts. The same Idempotency-Key is the same recharge, however often it is sent.",
    limit: { perHour: RECHARGES_PER_HOUR },
    headers: ["idempotency-key"],
    body: newRechargeBody,
    replies: { 202: { says: "It is being made: read it at its Location.", body: z.object({ rechargeId: z.string() }), headers: ["location"] } },
    problems: ["caller-unknown", "not-found", "account-closing", "recharge-open", "recharge-makes-no-sense", "idempotency-key-reused"],
  },
  cancelRecharge: {
    method: "POST",
    path: "/v1/recharges/{rechargeId}/cancel",
    scope: "recharges:write",
    function: "recharges",
    summary: "Call off a recharge that is not paid",
    description: "Also skips one that was announced. It ends when its payment is seen canceled; one that was paid before that is credited.",
    replies: { 202: { says: "Noted: read it to see how it ended." } },
    problems: ["not-found", "recharge-too-far"],
  },
  listRecharges: {
    method: "GET",
    path: "/v1/recharges",
    scope: "recharges:read",
    function: "recharges",
    summary: "List my ended recharges",
    description: "The bill records, newest first. Open recharges stand in the list of lines.",
    query: ["page"],
    replies: { 200: { says: "A page of bill records.", body: pageOf(billReply) } },
    problems: [],
  },
  readRecharge: {
    method: "GET",
    path: "/v1/recharges/{rechargeId}",
    scope: "recharges:read",
    function: "recharges",
    limit: { perHour: SECRETS_PER_HOUR, counts: "asking" },
    summary: "Read one recharge",
    description: "Ended, with what happened to its payment since; or open, with what its payer needs to act if it waits for them.",
    replies: { 200: { says: "The recharge.", body: z.union([adjustedBillReply, openRechargeReply, requestedReply]) } },
    problems: ["not-found"],
  },
} as const satisfies SubscriberRoutes;
