import type { Bill } from "./bill.ts";
import type { Decline } from "./declines.ts";
import type { Esim, PaymentMethod, Reading } from "./esim.ts";
import type { DomainEvent } from "./events.ts";
import type { Iccid } from "./iccid.ts";
import type { Money } from "./money.ts";
import type { PaymentAnswer } from "./payment-outcomes.ts";
import type { Instant } from "./time.ts";
import type { TopUpAnswer } from "./top-up-outcomes.ts";

/** What the steps need of the world. Adapters implement these; fakes stand in for them in tests. */

export interface Clock {
  now(): Instant;
}

/** A source of random ids that cannot be guessed. */
export interface Ids {
  next(): string;
}

/** Structured log lines; `code` is stable and searchable. Never gets an ICCID, an e-mail address or a phone number. */
export interface Log {
  info(code: string, fields?: object): void;
  warn(code: string, fields?: object): void;
  error(code: string, fields?: object): void;
}

/** One page of a list; `next` continues it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** A line as the slot wheel's index shows it: enough to judge a balance without reading the item. May be a moment old. */
export interface SlotLine {
  readonly iccid: Iccid;
  readonly subscriberId: string;
  readonly threshold: Money;
  readonly cycle: number;
  readonly quietUntil?: Instant;
}

/** Part of a slot: `from` and `to` are bounds of the sort key, both included. */
export interface SlotRange {
  readonly slot: string;
  readonly from: string;
  readonly to: string;
}

export interface Esims {
  /** Strongly consistent. */
  load(iccid: Iccid): Promise<Esim | undefined>;
  /** Strongly consistent; each line once, and lines that are not stored are left out. */
  loadMany(iccids: readonly Iccid[]): Promise<Esim[]>;
  /**
   * Writes the line, provided that the stored version is still `esim.version`, and gives it back as it is stored.
   *
   * Undefined: somebody else wrote since it was read. A conflict with this very write (its reply was lost, and the SDK sent it again) is no conflict.
   */
  save(esim: Esim, writeId: string): Promise<Esim | undefined>;
  /** The lines a subscriber pays for, by ICCID. */
  listBySubscriber(subscriberId: string, page?: string): Promise<Page<Iccid>>;
  listSlot(range: SlotRange, page?: string): Promise<Page<SlotLine>>;
  /** The lines of a shard whose time to look has come. */
  listDue(shard: string, now: Instant, page?: string): Promise<Page<Iccid>>;
}

/** Which line and payer a recharge belongs to; put before Stripe hears of it. */
export interface RechargeStart {
  readonly rechargeId: string;
  readonly iccid: Iccid;
  readonly subscriberId: string;
  readonly at: Instant;
}

/** A different bill is stored under the same id: must never happen, so it is a fault that alarms. */
export class BillConflict extends Error {
  override name = "BillConflict";
}

export interface Recharges {
  putStart(start: RechargeStart): Promise<void>;
  getStart(rechargeId: string): Promise<RechargeStart | undefined>;
  /** Put-if-absent; the same bill again changes nothing. Throws BillConflict on another one. */
  putBill(bill: Bill): Promise<void>;
  getBill(rechargeId: string): Promise<Bill | undefined>;
  /** Newest first. */
  listBills(subscriberId: string, page?: string): Promise<Page<Bill>>;
}

/** How to reach a subscriber, as the issuer verified it. */
export interface Profile {
  readonly subscriberId: string;
  readonly email?: string;
  readonly phoneNumber?: string;
}

export interface Subscribers {
  getProfile(subscriberId: string): Promise<Profile | undefined>;
  putProfile(profile: Profile): Promise<void>;
  getMethod(subscriberId: string, paymentMethodId: string): Promise<PaymentMethod | undefined>;
  putMethod(subscriberId: string, method: PaymentMethod): Promise<void>;
  wasNoticed(subscriberId: string, eventId: string): Promise<boolean>;
  /** Remembers a sent notice for 90 days. */
  putNotice(subscriberId: string, eventId: string, at: Instant): Promise<void>;
}

export interface Cards {
  listDeclines(cardKey: string): Promise<Decline[]>;
  /** Put-if-absent by rechargeId: however often it is told, a decline counts once. */
  putDecline(cardKey: string, decline: Decline): Promise<void>;
  /** Forgets the declines up to a moment; a hard one is for good, and one that came later stands. */
  clear(cardKey: string, upTo: Instant): Promise<void>;
}

/** The planner's cursor: every slot due up to and including this epoch minute has been sent out. */
export interface Wheel {
  readonly plannedThrough: number;
}

export interface Controls {
  getWheel(): Promise<Wheel | undefined>;
  /** Moves the cursor forward; an older cursor changes nothing. */
  putWheel(wheel: Wheel): Promise<void>;
}

/** The answer did not come, or says nothing: it may have happened, or not. */
export class OutcomeUnknown extends Error {
  override name = "OutcomeUnknown";
}

export interface PaymentRequest {
  readonly rechargeId: string;
  readonly amount: Money;
  readonly method: PaymentMethod;
  /** Covers this one try. */
  readonly idempotencyKey: string;
}

/** Stripe. Every call throws OutcomeUnknown when nobody can tell what happened. */
export interface Payments {
  /** Makes a PaymentIntent that is not confirmed: no money can move yet. */
  create(request: PaymentRequest): Promise<PaymentAnswer>;
  /** Charges, with the customer away. */
  confirm(paymentIntentId: string, idempotencyKey: string): Promise<PaymentAnswer>;
  retrieve(paymentIntentId: string): Promise<PaymentAnswer>;
  cancel(paymentIntentId: string): Promise<PaymentAnswer>;
}

/** A line of a subscriber, as the carrier lists it. */
export interface CarrierEsim {
  readonly iccid: Iccid;
  readonly currency: string;
  /** The only amounts that the carrier adds to this line, in minor units of its currency; any amount when missing. */
  readonly topUpAmounts?: readonly number[];
}

export interface TopUpRequest {
  readonly iccid: Iccid;
  readonly amount: Money;
  /** The rechargeId. */
  readonly reference: string;
}

/** The operator's charging system. Every call throws OutcomeUnknown when nobody can tell what happened. */
export interface Carrier {
  /**
   * The first answer for a reference is final, is repeated for every later call and is kept for at least 30 days.
   * Where a carrier cannot promise that, a lost answer leads to a review instead of a second call.
   */
  readonly answersAreFinal: boolean;
  /** The lines of a person whom the carrier knows by one of these. */
  listEsims(who: Profile): Promise<CarrierEsim[]>;
  /** What is available on each line; a line that the carrier does not know is missing. */
  getBalances(iccids: readonly Iccid[]): Promise<ReadonlyMap<Iccid, Reading>>;
  topUp(request: TopUpRequest): Promise<TopUpAnswer>;
  findTopUp(reference: string): Promise<TopUpAnswer>;
}

export interface Events {
  /** Resolves when every event is on the bus; throws otherwise, and then any of them may be on it. */
  publish(events: readonly DomainEvent[]): Promise<void>;
}

/** Asks the recharge function to look at a line. `judge`: also judge its balance. */
export interface Poke {
  readonly iccid: Iccid;
  readonly judge?: boolean;
}

export interface Pokes {
  send(pokes: readonly Poke[], delaySeconds?: number): Promise<void>;
}

/** Work for the balance checker: part of a slot, or the rest of one. */
export interface CheckRequest extends SlotRange {
  readonly page?: string;
}

export interface CheckRequests {
  send(requests: readonly CheckRequest[]): Promise<void>;
}

/** The issuer does not say who holds this access token: it was revoked, or lacks the scope `openid`. */
export class CallerUnknown extends Error {
  override name = "CallerUnknown";
}

/** The issuer's word on who holds this access token (OpenID Connect userinfo). Throws CallerUnknown, or OutcomeUnknown when the issuer does not answer. */
export interface Identity {
  whoIs(accessToken: string, subscriberId: string): Promise<Profile>;
}

export interface Mail {
  send(message: { readonly to: string; readonly subject: string; readonly text: string }): Promise<void>;
}
