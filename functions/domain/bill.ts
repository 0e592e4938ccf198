import type { OpenRecharge, Origin, PaymentMethod, Reading } from "./esim.ts";
import type { FrozenGrant } from "./family.ts";
import { type Iccid, lastFour } from "./iccid.ts";
import { isSameMoney, type Money, money } from "./money.ts";
import type { RechargeEnd } from "./recharge-states.ts";
import type { Consent } from "./rule.ts";
import type { Period } from "./spend.ts";
import type { Instant } from "./time.ts";

/**
 * The record of an ended recharge. Never changes.
 *
 * Names the line only by its last four digits and a keyed hash, so that it can outlive the subscriber's account.
 */
export interface Bill {
  readonly rechargeId: string;
  readonly subscriberId: string;
  readonly lineLastFour: string;
  /** Keyed hash of the ICCID: groups the bills of one line without naming it. */
  readonly lineHash: string;
  readonly end: RechargeEnd;
  /** Why it did not succeed; Stripe's decline code for a decline, the carrier's code for a refund. */
  readonly reason?: string;
  /** What was to be recharged. */
  readonly amount: Money;
  /** What was taken from the subscriber, and what the line was credited. */
  readonly charged: Money;
  readonly credited: Money;
  /** What was given back before it ended; later refunds are adjustments. */
  readonly refunded: Money;
  readonly method: Pick<PaymentMethod, "id" | "brand" | "lastFour">;
  readonly paymentIntentId?: string;
  /** Why it was made: the rule as it was, the consent it stood on, the balance it was judged on. */
  readonly origin?: Origin;
  readonly ruleVersion: number;
  readonly consent: Consent;
  /** The line is somebody else's: by what its payer paid for it, as it was when the recharge was reserved. */
  readonly family?: FrozenGrant;
  /** The month and day in which it counts towards the limits. */
  readonly period: Period;
  readonly reading?: Reading;
  /** The check that it came of. */
  readonly check?: string;
  readonly reservedAt: Instant;
  readonly paidAt?: Instant;
  readonly endedAt: Instant;
}

/** The bill of a recharge whose end is decided. The same end gives the same bill, whoever writes it and however often. */
export function billOf(iccid: Iccid, lineHash: string, open: OpenRecharge): Bill {
  const { state, amount, method } = open;
  if (state.name !== "ended") throw new Error(`Recharge ${open.rechargeId} is ${state.name}: it has no bill yet`);
  const nothing = money(0, amount.currency);
  const [charged, credited, refunded] = sumsOf(state, amount, nothing);
  return {
    rechargeId: open.rechargeId,
    subscriberId: open.subscriberId,
    lineLastFour: lastFour(iccid),
    lineHash,
    end: state.end,
    reason: "code" in state ? state.code : "reason" in state ? state.reason : undefined,
    amount,
    charged,
    credited,
    refunded,
    method: { id: method.id, brand: method.brand, lastFour: method.lastFour },
    paymentIntentId: state.paymentIntentId,
    origin: open.origin,
    ruleVersion: open.ruleVersion,
    consent: open.consent,
    ...(open.family !== undefined && { family: open.family }),
    period: open.period,
    reading: open.reading,
    check: open.check,
    reservedAt: open.reservedAt,
    paidAt: "paidAt" in state ? state.paidAt : undefined,
    endedAt: state.at,
  };
}

function sumsOf(state: Extract<OpenRecharge["state"], { name: "ended" }>, amount: Money, nothing: Money): readonly [Money, Money, Money] {
  switch (state.end) {
    case "succeeded":
      return [amount, amount, nothing];
    case "refunded": {
      const taken = state.taken ?? amount;
      return [taken, nothing, taken];
    }
    case "declined":
    case "cancelled":
    case "expired":
      return [nothing, nothing, nothing];
  }
}

/** Whether two bills of one recharge tell of the same money, the same payer and the same payment. */
export function saysTheSame(a: Bill, b: Bill): boolean {
  const sums = (["charged", "credited", "refunded"] as const).every((sum) => isSameMoney(a[sum], b[sum]));
  return sums && a.subscriberId === b.subscriberId && a.lineHash === b.lineHash && a.paymentIntentId === b.paymentIntentId;
}
