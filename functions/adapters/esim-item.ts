import * as z from "zod/mini";
import { lineEvent } from "../contracts/events.ts";
import { balance as storedMoney } from "../contracts/money.ts";
import type { Esim } from "../domain/esim.ts";
import { lastFour } from "../domain/iccid.ts";
import { type SlotLine, UnreadableLine } from "../domain/ports.ts";
import type { Consent } from "../domain/rule.ts";
import { lookShard, slotHash, slotKey } from "../domain/slots.ts";

/** The stored shape of a line, and the index attributes that are made of it. */

const at = z.iso.datetime();
const CONSENT_FIELDS = ["termsVersion", "termsHash", "at", "timeZone"] as const satisfies readonly (keyof Consent)[];
const consent = z.object({ termsVersion: z.string(), termsHash: z.optional(z.string()), at, timeZone: z.string() });

const settings = {
  threshold: storedMoney,
  topUp: z.discriminatedUnion("type", [
    z.object({ type: z.literal("fixed"), amount: storedMoney }),
    z.object({ type: z.literal("target"), target: storedMoney }),
  ]),
  limits: z.object({ perMonth: storedMoney, timesPerDay: z.int(), cooldownMinutes: z.int() }),
  paymentMethodId: z.string(),
  noticeMinutes: z.optional(z.int()),
  version: z.int(),
};

const rule = z.object({
  ...settings,
  writeId: z.string(),
  status: z.discriminatedUnion("state", [
    z.object({ state: z.literal("active") }),
    z.object({ state: z.literal("paused"), at }),
    z.object({
      state: z.literal("suspended"),
      at,
      reason: z.enum([
        "card-refused-for-good",
        "declined-too-often",
        "line-not-yours",
        "currency-changed",
        "payment-method-gone",
        "amount-not-offered",
        "carrier-refused",
        "payment-disputed",
        "paused-by-operator",
        "family-ended",
        "family-limit-reached",
      ]),
    }),
  ]),
  consent,
  createdAt: at,
  updatedAt: at,
});

export const storedSeverity = z.enum(["soft", "hard", "outage", "dispute"]);
const declined = { end: z.literal("declined"), code: z.string(), severity: storedSeverity, retryAt: z.optional(at) };
const cancelled = {
  end: z.literal("cancelled"),
  reason: z.enum([
    "rule-changed",
    "line-lost",
    "by-subscriber",
    "balance-recovered",
    "limit-reached",
    "outdated",
    "card-declined-elsewhere",
    "kill-switch",
    "paused-by-operator",
    "resolved-by-operator",
    "payment-method-unusable",
    "amount-refused",
    "payment-fault",
    "payment-canceled-elsewhere",
    "payment-unclear",
  ]),
};
const expired = { end: z.literal("expired") };
const paymentIntentId = z.string();
const closing = { name: z.literal("closing"), paymentIntentId };
const ended = { name: z.literal("ended"), paymentIntentId: z.optional(paymentIntentId), at };

const state = z.union([
  z.object({ name: z.literal("announced"), chargeAt: at }),
  z.object({ name: z.literal("reserved") }),
  z.object({ name: z.literal("confirming"), paymentIntentId }),
  z.object({ name: z.literal("processing"), paymentIntentId }),
  z.object({ name: z.literal("awaiting-customer"), paymentIntentId, remindAt: z.optional(at), expiresAt: at }),
  z.object({ name: z.literal("crediting"), paymentIntentId, paidAt: at }),
  z.object({ name: z.literal("refunding"), paymentIntentId, paidAt: at, code: z.string(), taken: z.optional(storedMoney) }),
  z.object({ ...closing, ...declined }),
  z.object({ ...closing, ...cancelled }),
  z.object({ ...closing, ...expired }),
  z.object({
    name: z.literal("needs-review"),
    paymentIntentId,
    paidAt: z.optional(at),
    reason: z.enum(["carrier-refused", "carrier-unclear", "carrier-conflict", "payment-mismatch", "refund-failed", "refund-by-hand", "payment-unclear"]),
    since: at,
  }),
  z.object({ ...ended, end: z.literal("succeeded"), paidAt: at }),
  z.object({ ...ended, end: z.literal("refunded"), paidAt: at, code: z.string(), taken: z.optional(storedMoney) }),
  z.object({ ...ended, ...declined }),
  z.object({ ...ended, ...cancelled }),
  z.object({ ...ended, ...expired }),
]);

export const storedMethod = z.object({
  id: z.string(),
  customerId: z.string(),
  cardKey: z.string(),
  brand: z.string(),
  lastFour: z.string(),
  payRequest: z.optional(z.enum(["wechat_pay", "alipay"])),
});
export const storedReading = z.object({ balance: storedMoney, readAt: at });
export const storedConsent = consent;
export const storedPeriod = z.object({ month: z.string(), day: z.string() });
export const storedRuleSettings = z.object(settings);
export const storedSpend = z.object({
  ...storedPeriod.shape,
  monthAmounts: z.array(storedMoney),
  dayCount: z.int(),
  lastEndedAt: at,
  refunds: z.optional(z.array(z.string())),
});

const frozenGrant = { since: at, until: at, cap: storedMoney, spent: storedMoney };
const grantConsent = z.object({ termsVersion: z.string(), at });
export const storedGrant = z.object({ ...frozenGrant, consent: z.optional(grantConsent) });

const family = z.object({
  ...frozenGrant,
  subscriberId: z.string(),
  holder: z.string(),
  consent: grantConsent,
  refunds: z.optional(z.array(z.string())),
  threshold: z.optional(z.object({ is: storedMoney, since: at })),
});

export const storedOrigin = z.enum(["payer", "backup"]);
const wanted = {
  rechargeId: z.string(),
  subscriberId: z.string(),
  amount: storedMoney,
  method: storedMethod,
  ruleVersion: z.int(),
  consent,
  reading: z.optional(storedReading),
  check: z.optional(z.string()),
};
const cancelRequested = z.optional(z.object({ by: z.string(), at }));
const requested = z.object({ ...wanted, origin: storedOrigin, at, cancelRequested });

const open = z.object({
  ...wanted,
  origin: z.optional(storedOrigin),
  consent: z.optional(consent), // missing where it is the rule\'s, as it nearly always is
  family: z.optional(storedGrant),
  period: storedPeriod,
  reservedAt: at,
  lease: z.object({ until: at, attempts: z.int(), crashes: z.int() }),
  state,
  toldAt: z.optional(at),
  actBy: z.optional(at),
  cancelRequested,
  resolution: z.optional(
    z.object({ as: z.enum(["credited", "refunded", "nothing-taken"]), by: z.string(), at, note: z.string(), withoutCarrier: z.optional(z.boolean()) }),
  ),
});

const aggregate = z.object({
  iccid: z.string(),
  version: z.int(),
  subscriberId: z.optional(z.string()),
  rule: z.optional(rule),
  family: z.optional(family),
  open: z.optional(open),
  requested: z.optional(requested),
  spend: z.record(z.string(), storedSpend),
  cycle: z.int(),
  tier: z.enum(["15m", "1h", "6h", "24h"]),
  quietUntil: z.optional(at),
  quietWhileLow: z.optional(z.boolean()),
  pendingEvents: z.array(lineEvent),
  lookAt: z.optional(at),
});

/** Throws UnreadableLine, which names the line by its last four digits only. */
export function esimFrom(item: Record<string, unknown>): Esim {
  const parsed = z.safeParse(aggregate, item);
  const line = parsed.success ? withConsent(parsed.data) : undefined;
  if (line !== undefined) return line;
  throw new UnreadableLine(`What is stored of the line that ends in ${lastFour(String(item.iccid))} is not a line`, { cause: parsed.error });
}

function withConsent({ open: stored, ...line }: z.infer<typeof aggregate>): Esim | undefined {
  if (stored === undefined) return line;
  const agreed = stored.consent ?? line.rule?.consent;
  return agreed && { ...line, open: { ...stored, consent: agreed } };
}

/** The same line, shorter by what reading it puts back. */
function withoutRepetition(esim: Esim): object {
  const { rule: saved, open: going } = esim;
  if (saved === undefined || going === undefined || CONSENT_FIELDS.some((field) => saved.consent[field] !== going.consent[field])) return esim;
  return { ...esim, open: { ...going, consent: undefined } };
}

/** What the index `slots` shows of a line. */
const slotLine = z.object({
  iccid: z.string(),
  subscriberId: z.string(),
  judge: z.object({ threshold: storedMoney, cycle: z.int(), quietUntil: z.optional(at), quietWhileLow: z.optional(z.boolean()) }),
});

export function slotLineFrom(item: Record<string, unknown>): SlotLine {
  const { judge, ...line } = z.parse(slotLine, item);
  return { ...line, ...judge };
}

/** The writeId that the stored item carries: that of the last write, or of the last change to its rule. */
export function carriesWriteId(item: Record<string, unknown>, writeId: string): boolean {
  return item.writeId === writeId || z.safeParse(z.object({ rule: z.object({ writeId: z.literal(writeId) }) }), item).success;
}

/**
 * The item of a line. Both indexes are sparse: a line is in `slots` while its rule is active and nothing is open, and
 * in `look` while there is something to do. `judge` holds what the checker needs, so that a check reads no item.
 */
export function itemOf(esim: Esim, version: number, writeId: string): Record<string, unknown> {
  const { iccid, rule: saved, cycle, quietUntil, quietWhileLow, tier } = esim;
  const isWatched = saved?.status.state === "active" && esim.open === undefined;
  return {
    ...withoutRepetition(esim),
    version,
    writeId,
    ...(isWatched && {
      slot: slotKey(iccid, tier),
      slotHash: slotHash(iccid),
      judge: { threshold: saved.threshold, cycle, quietUntil, quietWhileLow },
    }),
    ...(esim.lookAt !== undefined && { lookShard: lookShard(iccid) }),
  };
}
