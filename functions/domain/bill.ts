import type { OpenRecharge, PaymentMethod, Reading } from "./esim.ts";
import { type Iccid, lastFour } from "./iccid.ts";
import { type Money, money } from "./money.ts";
import type { RechargeEnd } from "./recharge-states.ts";
import type { Consent } from "./rule.ts";
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
  /** Why it ended unpaid; Stripe's decline code for a decline. */
  readonly reason?: string;
  /** What was to be recharged. */
  readonly amount: Money;
  /** What was taken from the subscriber, and what the line was credited. */
  readonly charged: Money;
  readonly credited: Money;
  readonly method: Pick<PaymentMethod, "id" | "brand" | "lastFour">;
  readonly paymentIntentId?: string;
  /** Why it was made: the rule as it was, the consent it stood on, the balance it was judged on. */
  readonly ruleVersion: number;
  readonly consent: Consent;
  readonly reading: Reading;
  readonly reservedAt: Instant;
  readonly paidAt?: Instant;
  readonly endedAt: Instant;
}

/** The bill of a recharge whose end is decided. The same end gives the same bill, whoever writes it and however often. */
export function billOf(iccid: Iccid, lineHash: string, open: OpenRecharge): Bill {
  const { state, amount, method } = open;
  if (state.name !== "ended") throw new Error(`Recharge ${open.rechargeId} is ${state.name}: it has no bill yet`);
  const moved = state.end === "succeeded" ? amount : money(0, amount.currency);
  return {
    rechargeId: open.rechargeId,
    subscriberId: open.subscriberId,
    lineLastFour: lastFour(iccid),
    lineHash,
    end: state.end,
    reason: state.end === "succeeded" ? undefined : state.end === "declined" ? state.code : state.reason,
    amount,
    charged: moved,
    credited: moved,
    method: { id: method.id, brand: method.brand, lastFour: method.lastFour },
    paymentIntentId: state.paymentIntentId,
    ruleVersion: open.ruleVersion,
    consent: open.consent,
    reading: open.reading,
    reservedAt: open.reservedAt,
    paidAt: state.end === "succeeded" ? state.paidAt : undefined,
    endedAt: state.at,
  };
}
