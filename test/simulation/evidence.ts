import type { Bill } from "../../functions/domain/bill.ts";
import type { Decline } from "../../functions/domain/declines.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import type { DomainEvent } from "../../functions/domain/events.ts";
import type { Adjustment } from "../../functions/domain/ports.ts";

/** Something, and when it happened by the true time, in epoch milliseconds. */
export type At<T> = T & { readonly at: number };

/** A card that was asked for money, or a refund, as Stripe lists it; amounts in minor units. */
export interface ChargeSeen {
  readonly rechargeId: string;
  readonly paymentIntentId: string;
  readonly at: number;
  readonly paid: boolean;
  readonly amount: number;
  readonly currency: string;
  /** Of those that did not fail. */
  readonly refunded: number;
  /** Stripe's status of each refund. */
  readonly refunds: readonly string[];
  /** When Stripe first said of all of it that it was given back; a bank may say otherwise weeks later. */
  readonly givenBackAt?: number;
  /** Some of it was given back by hand, or contested: not by us. */
  readonly wasTouched: boolean;
}

export interface TopUpSeen {
  readonly reference: string;
  readonly iccid: string;
  readonly at: number;
  readonly amount: number;
  readonly currency: string;
  readonly isRefused: boolean;
}

/** What can be seen from outside of a run: what Stripe took, what the carrier credited, what was written and what was told. */
export interface Evidence {
  readonly convergesAt: number;
  /** After this no balance was checked any more. */
  readonly checkedUntil: number;
  /** By how much a worker's clock may be wrong. */
  readonly skewMilliseconds: number;
  /** What the carrier promises: a repeated order is no second one. */
  readonly answersAreFinal: boolean;
  readonly charges: readonly ChargeSeen[];
  readonly topUps: readonly TopUpSeen[];
  /** Orders as they reached the carrier, whatever became of them. */
  readonly orders: readonly At<{ readonly reference: string }>[];
  /** When our code ordered a top-up, or asked what became of one, whether that arrived or not. */
  readonly asks: readonly At<{ readonly reference: string }>[];
  /** Whose each line was at the carrier, from when on. */
  readonly owners: readonly At<{ readonly iccid: string; readonly subscriberId?: string; readonly holder?: string }>[];
  /** When payments were canceled. */
  readonly canceledAt: ReadonlyMap<string, number>;
  /** When our code asked Stripe to charge, whether that arrived or not. */
  readonly confirms: readonly At<{ readonly rechargeId: string }>[];
  /** Every state of a line that was ever stored, in the order of the writes. */
  readonly writes: readonly At<{ readonly esim: Esim }>[];
  /** What the tables hold in the end. */
  readonly lines: readonly Esim[];
  readonly bills: readonly Bill[];
  readonly adjustments: readonly Adjustment[];
  readonly published: readonly At<{ readonly event: DomainEvent }>[];
  readonly declines: readonly At<{ readonly cardKey: string; readonly decline: Decline }>[];
  /** Declines of a card up to a time were forgotten: after a success, or by a subscriber's hand. */
  readonly clears: readonly At<{ readonly cardKey: string; readonly upTo: string }>[];
  readonly killSwitches: readonly At<{ readonly on: boolean }>[];
  readonly holds: readonly At<{ readonly subscriberId: string; readonly on: boolean }>[];
  /** The tables were brought back to an earlier moment. */
  readonly restores: readonly At<{ readonly to: number }>[];
  /** In the end, by line: what is available at the carrier, whose it is there. */
  readonly balances: ReadonlyMap<string, { readonly available: number; readonly ownerId?: string; readonly holder?: string }>;
}
