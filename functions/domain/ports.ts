import type { Bill } from "./bill.ts";
import type { ChoiceChanges, Choices, Known, Language } from "./choices.ts";
import type { Decline } from "./declines.ts";
import type { Esim, Origin, PaymentMethod, Reading, SavedMethod } from "./esim.ts";
import type { AdjustmentKind, DomainEvent } from "./events.ts";
import type { Iccid } from "./iccid.ts";
import type { MethodUses } from "./method-uses.ts";
import type { Money } from "./money.ts";
import type { Dispute, PaymentAnswer, PaymentIntent, Refund, RefundAnswer } from "./payment-outcomes.ts";
import type { StateName } from "./recharge-states.ts";
import type { Consent, RuleSettings } from "./rule.ts";
import type { Spend } from "./spend.ts";
import type { AgreedTerms } from "./terms.ts";
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

/** A source of one-time codes of six digits that cannot be guessed. */
export interface Codes {
  next(): string;
}

/** What a log line says besides its code. The fields that every line has by itself are not to be given: they would take the place of what is searched for. */
export type LogFields = { readonly [field: string]: unknown } & {
  readonly [own in "code" | "level" | "message" | "service" | "timestamp"]?: never;
};

/** Structured log lines; `code` is stable and searchable. Never gets an ICCID, an e-mail address or a phone number. */
export interface Log {
  info(code: string, fields?: LogFields): void;
  warn(code: string, fields?: LogFields): void;
  error(code: string, fields?: LogFields): void;
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
  /** It is quiet only as long as it stays low. */
  readonly quietWhileLow?: boolean;
}

/** Part of a slot: `from` and `to` are bounds of the sort key, both included. */
export interface SlotRange {
  readonly slot: string;
  readonly from: string;
  readonly to: string;
}

/** What the index of lines with something to do shows of one. */
export interface DueLine {
  readonly iccid: Iccid;
  readonly lookAt: Instant;
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
  listDue(shard: string, now: Instant, page?: string): Promise<Page<DueLine>>;
  /** Every line that holds anything of a subscriber: as its payer, as a former one whose counters it keeps, or as the payer of what is open or requested. Reads the whole table, a page at a time; a page may be empty. */
  findOf(subscriberId: string, page?: string): Promise<Page<Iccid>>;
  /** Forgets the line, provided that the stored version is still `esim.version`; false when somebody else wrote since it was read. */
  remove(esim: Esim): Promise<boolean>;
  /** Moves the look of a stored line that cannot be read, so that it is not met every minute; leaves everything else, and a line without a look, as it is. */
  postpone(iccid: Iccid, lookAt: Instant): Promise<void>;
}

/** What is stored of a line is not a line: a fault of ours, or of a hand in the table. */
export class UnreadableLine extends Error {
  override name = "UnreadableLine";
}

/** Which line and payer a recharge belongs to, and why it was made; put before the line is reserved. One that no recharge followed was overtaken by another change. */
export interface RechargeStart {
  readonly rechargeId: string;
  readonly iccid: Iccid;
  readonly subscriberId: string;
  readonly at: Instant;
  readonly amount: Money;
  readonly origin?: Origin;
  /** The rule as it was then; missing where its payer wanted it and no rule stands behind it. */
  readonly rule?: RuleSettings & { readonly version: number };
  readonly consent: Consent;
  /** The balance on which it was decided; missing where its payer wanted it, whatever the balance is. */
  readonly reading?: Reading;
  /** The check that reported the balance, as its log names it; missing where it was read on another occasion. */
  readonly check?: string;
  /** What the declines of its card are counted by. */
  readonly cardKey: string;
  /** What the limits had counted of this payer on this line. */
  readonly spend?: Spend;
  /** Declines of the card that counted then. */
  readonly declines: number;
  /** Of the request by which its payer wanted it: the same one again is no other wish. */
  readonly requestHash?: string;
}

/** One thing that was asked for a recharge and what came back, without anything that would let money move or names a person. */
export interface RechargeStep {
  readonly rechargeId: string;
  /** Random; several workers may be at one recharge. */
  readonly stepId: string;
  readonly at: Instant;
  readonly state: StateName;
  /** `payments.confirm`, `carrier.topUp`, `operator.resolve`, ... */
  readonly asked: string;
  readonly answer: { readonly [field: string]: unknown };
}

/** Something that happened to the payment of an ended recharge. */
export interface Adjustment {
  readonly rechargeId: string;
  /** `<Stripe's object id>/<what became of it>`: each fact is kept once. */
  readonly adjustmentId: string;
  readonly kind: AdjustmentKind;
  readonly amount: Money;
  readonly at: Instant;
}

/** All that is kept of a recharge. */
export interface RechargeHistory {
  readonly start?: RechargeStart;
  /** Oldest first. */
  readonly steps: readonly RechargeStep[];
  readonly bill?: Bill;
  readonly adjustments: readonly Adjustment[];
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
  putStep(step: RechargeStep): Promise<void>;
  /** Put-if-absent; the same fact again changes nothing. */
  putAdjustment(adjustment: Adjustment): Promise<void>;
  getHistory(rechargeId: string): Promise<RechargeHistory>;
  /** The recharges of a subscriber whose start is kept, also those without a bill. Reads the whole table, a page at a time; a page may be empty. */
  findStarts(subscriberId: string, page?: string): Promise<Page<string>>;
  /** Forgets the start and the steps; the bill and its adjustments stay. */
  eraseHistory(rechargeId: string): Promise<void>;
}

/** How to reach a subscriber, as the issuer verified it, and what they chose. */
export interface Profile extends Choices, Known {
  readonly subscriberId: string;
  /** When the issuer last confirmed all addresses that are kept here. */
  readonly verifiedAt?: Instant;
}

/** The operator has paused a subscriber: nothing of theirs is charged. */
export interface Hold {
  readonly at: Instant;
  readonly by: string;
  readonly why: string;
}

/** A subscriber has asked to be forgotten: nothing new is begun for them, and what is open goes on to its end. */
export interface Closing {
  readonly since: Instant;
}

/** A notice that was sent. */
export interface SentNotice {
  readonly eventId: string;
  readonly at: Instant;
}

/** A one-time code that was sent to a line; only its keyed hash is kept. */
export interface SentCode {
  readonly hash: string;
  readonly validUntil: Instant;
  readonly triesLeft: number;
}

export interface Subscribers {
  getProfile(subscriberId: string): Promise<Profile | undefined>;
  /** Puts how to reach them; what they chose stays as it is. */
  putProfile(profile: Omit<Profile, keyof Choices | "ruleTimeZone">): Promise<void>;
  /** Puts in which time zone they are told of times while they chose none. */
  putRuleTimeZone(subscriberId: string, timeZone: string): Promise<void>;
  /** Puts what is given of their choices, and takes back those that are null; the others, and how to reach them, stay as they are. */
  putChoices(subscriberId: string, changes: ChoiceChanges): Promise<void>;
  /** Everybody who has a profile, in no order; a page may be empty and not the last. */
  listSubscribers(page?: string): Promise<Page<string>>;
  /** Their customer at Stripe. */
  getCustomer(subscriberId: string): Promise<string | undefined>;
  /** Put-if-absent; gives the one that is kept. */
  putCustomer(subscriberId: string, customerId: string): Promise<string>;
  /** Strongly consistent, as is the list. */
  getMethod(subscriberId: string, paymentMethodId: string): Promise<PaymentMethod | undefined>;
  listMethods(subscriberId: string): Promise<SavedMethod[]>;
  putMethod(subscriberId: string, method: SavedMethod): Promise<void>;
  /** Puts it as it is now, unless it was removed meanwhile. */
  refreshMethod(subscriberId: string, method: SavedMethod): Promise<void>;
  removeMethod(subscriberId: string, paymentMethodId: string): Promise<void>;
  /** Strongly consistent; empty where nothing was chosen. May name one that is gone: ask `getMethod`. */
  getWallet(subscriberId: string): Promise<MethodUses>;
  /** Puts what is used for what, provided that it still is as it was read; says whether that held. */
  putWallet(subscriberId: string, was: MethodUses, next: MethodUses): Promise<boolean>;
  /** Notes that they may have a recharge on a line: by a rule, or as they want one now. Put before that is; again, it changes nothing. Stays until they are forgotten. */
  putLine(subscriberId: string, iccid: Iccid): Promise<void>;
  /** Strongly consistent; by ICCID. */
  listLines(subscriberId: string): Promise<Iccid[]>;
  /** Who saved this way to pay; the index may be a moment old. */
  listHolders(paymentMethodId: string): Promise<string[]>;
  /** Put-if-absent: terms of one hash are the same terms. */
  putTerms(subscriberId: string, terms: AgreedTerms): Promise<void>;
  getTerms(subscriberId: string, termsHash: string): Promise<AgreedTerms | undefined>;
  /** By their hashes. */
  listTerms(subscriberId: string): Promise<AgreedTerms[]>;
  getHold(subscriberId: string): Promise<Hold | undefined>;
  putHold(subscriberId: string, hold: Hold): Promise<void>;
  removeHold(subscriberId: string): Promise<void>;
  /** Counts a code for a line towards its limits, whoever asks for it; false when it may have none now. `line`: a keyed hash. */
  takeCodeTurn(line: string, now: Instant): Promise<boolean>;
  /** Takes the place of an earlier code of this subscriber's for this line. */
  putCode(subscriberId: string, line: string, code: SentCode): Promise<void>;
  /** Takes one of the tries that are left and gives the code with what is left after; undefined when there is none, it is used up or its time is over. */
  takeCodeTry(subscriberId: string, line: string, now: Instant): Promise<SentCode | undefined>;
  removeCode(subscriberId: string, line: string): Promise<void>;
  wasNoticed(subscriberId: string, eventId: string): Promise<boolean>;
  /** Remembers a sent notice for 90 days. */
  putNotice(subscriberId: string, eventId: string, at: Instant): Promise<void>;
  listNotices(subscriberId: string): Promise<SentNotice[]>;
  /** Strongly consistent. */
  getClosing(subscriberId: string): Promise<Closing | undefined>;
  /** Put-if-absent; gives the one that is kept. */
  putClosing(subscriberId: string, closing: Closing): Promise<Closing>;
  /** The subscribers who are being forgotten. */
  listClosing(page?: string): Promise<Page<string>>;
  /** Forgets all that is above, but that they are closing, which is removed last, and the operator's hold: nobody lifts that by closing their account and coming back. */
  erase(subscriberId: string): Promise<void>;
  removeClosing(subscriberId: string): Promise<void>;
}

/** One use of what a subscriber may do only so often. */
export interface QuotaUse {
  readonly subscriberId: string;
  /** What is done. */
  readonly name: string;
  readonly perHour: number;
  readonly now: Instant;
}

/** Counts uses in hours of UTC. */
export interface Quotas {
  /** Takes one use of this hour; false where none is left. A use whose answer was lost may count twice, never not at all. */
  take(use: QuotaUse): Promise<boolean>;
}

export interface Cards {
  listDeclines(cardKey: string): Promise<Decline[]>;
  /** Put-if-absent by rechargeId: however often it is told, a decline counts once. */
  putDecline(cardKey: string, decline: Decline): Promise<void>;
  /** Forgets the declines up to a moment; a hard one is for good, and one that came later stands. */
  clear(cardKey: string, upTo: Instant): Promise<void>;
  /** Forgets all of them. Only for what can never be charged again. */
  erase(cardKey: string): Promise<void>;
}

/** The planner's cursor: every slot due up to and including this epoch minute has been sent out. */
export interface Wheel {
  readonly plannedThrough: number;
}

/** Stops everything that is not confirming yet, for the whole stage. */
export interface KillSwitch {
  readonly on: boolean;
  readonly at: Instant;
  readonly by: string;
  readonly why: string;
}

/** What an operator did, for whoever asks later. */
export interface AuditEntry {
  readonly at: Instant;
  /** Random. */
  readonly id: string;
  readonly by: string;
  readonly verb: string;
  /** A rechargeId, a subscriberId, the name of a queue; never an ICCID. */
  readonly subject: string;
  readonly why: string;
}

export interface Controls {
  /** Strongly consistent, as all of these: a switch that was thrown holds for the next charge. */
  getKillSwitch(): Promise<KillSwitch | undefined>;
  putKillSwitch(killSwitch: KillSwitch): Promise<void>;
  putAudit(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  listAudit(): Promise<AuditEntry[]>;
  /** When a break of the books was first told. */
  breakToldAt(breakId: string): Promise<Instant | undefined>;
  putBreakTold(breakId: string, at: Instant): Promise<void>;
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
  readonly check?: string;
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
  /** The PaymentIntents that were made for a recharge since a moment, oldest first: read after a write, so never by Stripe's search. */
  findCreated(request: { readonly rechargeId: string; readonly customerId: string; readonly since: Instant }): Promise<PaymentIntent[]>;
  /** Gives all of it back. Stripe refuses to give back more than was taken. */
  refund(paymentIntentId: string, rechargeId: string, idempotencyKey: string): Promise<RefundAnswer>;
  /** Oldest first. */
  listRefunds(paymentIntentId: string): Promise<Refund[]>;
  listDisputes(paymentIntentId: string): Promise<Dispute[]>;
  /** With it the customer's browser can pay, or pass the issuer's check; undefined when Stripe does not know the PaymentIntent. Never kept, never logged. */
  clientSecret(paymentIntentId: string): Promise<string | undefined>;
  /** The way to pay as Stripe has it now; undefined when it is nobody's any more, or may not be charged any more. */
  findMethod(paymentMethodId: string): Promise<SavedMethod | undefined>;
}

/** A card's way from its owner's browser to us. */
export interface SetupIntent {
  /** Stripe's: `succeeded` when the card is saved. */
  readonly status: string;
  readonly customerId?: string;
  readonly paymentMethodId?: string;
}

/** Stripe's side of a subscriber's ways to pay. Every call throws OutcomeUnknown when nobody can tell what happened; each may be made again. */
export interface Wallet {
  /** Gives the customer's id. */
  createCustomer(subscriberId: string): Promise<string>;
  /** For a way to pay that may be charged with its owner away. The secret lets a browser save one for this customer; never kept, never logged. */
  createSetupIntent(customerId: string, subscriberId: string, type: "card" | "alipay"): Promise<{ readonly id: string; readonly clientSecret: string }>;
  findSetupIntent(setupIntentId: string): Promise<SetupIntent | undefined>;
  /** Undefined when it is nobody's, or may not be charged any more. */
  findMethod(paymentMethodId: string): Promise<SavedMethod | undefined>;
  /** Nothing can be charged by it any more, and it can never be saved again. */
  detach(paymentMethodId: string): Promise<void>;
  /** The customer, and all that Stripe keeps to charge them by. Payments stay in its books. */
  deleteCustomer(customerId: string): Promise<void>;
}

/** A line of a subscriber, as the carrier lists it. */
export interface CarrierEsim {
  readonly iccid: Iccid;
  readonly currency: string;
  /** The only amounts that the carrier adds to this line, in minor units of its currency; any amount when missing. */
  readonly topUpAmounts?: readonly number[];
}

/** A line and whoever holds it. `holder`: the carrier's name for them, the same as long as the line stays theirs, and another one when it changes hands. */
export interface HeldEsim extends CarrierEsim {
  readonly holder: string;
}

/** What proves to us that whoever holds a line wants what somebody else asks for. */
export interface CodeMessage {
  readonly iccid: Iccid;
  /** Six digits. */
  readonly code: string;
  readonly language: Language;
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
  /** A line, whoever holds it; undefined when there is none of that number. */
  findLine(iccid: Iccid): Promise<HeldEsim | undefined>;
  /** Has a text message with a one-time code brought to a line. Says nothing about whether there is such a line. */
  sendCode(message: CodeMessage): Promise<void>;
  /** What is available on each line; a line that the carrier does not know is missing. */
  getBalances(iccids: readonly Iccid[]): Promise<ReadonlyMap<Iccid, Reading>>;
  topUp(request: TopUpRequest): Promise<TopUpAnswer>;
  findTopUp(reference: string): Promise<TopUpAnswer>;
  /** What was credited and refused in a time, a page at a time; undefined when this carrier offers no such list. */
  listTopUps(range: TimeRange, page?: string): Promise<Page<ListedTopUp> | undefined>;
}

/** `from` is in it, `to` is not. */
export interface TimeRange {
  readonly from: Instant;
  readonly to: Instant;
}

/** A top-up as the carrier lists it. */
export interface ListedTopUp extends TopUpRequest {
  readonly status: "credited" | "refused";
  readonly at: Instant;
}

/** What became of the last try to pay a PaymentIntent. */
export interface LedgerCharge {
  readonly id: string;
  readonly at: Instant;
  readonly isDisputed: boolean;
  /** Given back so far, in minor units. */
  readonly refunded: number;
}

/** A payment as Stripe's books have it. */
export interface LedgerPayment extends Omit<PaymentIntent, "lastError"> {
  readonly rechargeId: string;
  /** When the PaymentIntent was made. */
  readonly at: Instant;
  readonly charge?: LedgerCharge;
}

export type LedgerList = "payments" | "charges" | "refunds" | "disputes";

/** An entry of such a list. `rechargeId`: missing where the entry does not say it, and the PaymentIntent must be asked. */
export interface LedgerEntry {
  readonly paymentIntentId: string;
  readonly rechargeId?: string;
}

/** Stripe's books, read by its lists: its search lags behind. Every call throws OutcomeUnknown when Stripe does not answer. */
export interface PaymentLedger {
  /** What was made in a time, newest first; may name PaymentIntents of other stages. */
  list(list: LedgerList, range: TimeRange, page?: string): Promise<Page<LedgerEntry>>;
  /** Undefined when Stripe does not know it, or it is not of this stage. */
  find(paymentIntentId: string): Promise<LedgerPayment | undefined>;
}

/** Work for the reconciler: a list that is to be gone through, or the rest of one. */
export interface ReconcileRequest extends TimeRange {
  readonly list: LedgerList | "top-ups";
  readonly page?: string;
  /** Pages that were gone through before. */
  readonly pagesDone?: number;
}

export interface ReconcileRequests {
  send(requests: readonly ReconcileRequest[], delaySeconds?: number): Promise<void>;
}

/** What a link in a notice opens without signing in: one recharge, until it expires. */
export interface PayLink {
  readonly rechargeId: string;
  readonly expiresAt: Instant;
}

export interface PayLinks {
  urlFor(link: PayLink): Promise<string>;
  /** Undefined for a token that this stage did not make; one that expired is read as any other. */
  read(token: string): Promise<PayLink | undefined>;
}

export interface Events {
  /** Resolves when every event is on the bus; throws otherwise, and then any of them may be on it. */
  publish(events: readonly DomainEvent[]): Promise<void>;
}

/** Asks the recharge function to look at a line. `judge`: also judge its balance. */
export interface LinePoke {
  readonly iccid: Iccid;
  readonly judge?: boolean;
  /** It met this lease (its end) and was sent once more. If it meets a later one it is let go: that worker began after what it tells of, and pokes must not pile up. */
  readonly again?: Instant;
}

/** Asks it to look at a payment, open or ended. */
export interface PaymentPoke {
  readonly paymentIntentId: string;
  /** Missing where the event did not say it. */
  readonly rechargeId?: string;
}

/** Asks it to look at a way to pay. `subscriberId`: whose it was, where that cannot be found any more. */
export interface MethodPoke {
  readonly paymentMethodId: string;
  readonly subscriberId?: string;
}

export type Poke = LinePoke | PaymentPoke | MethodPoke;

export interface Pokes {
  send(pokes: readonly Poke[], delaySeconds?: number): Promise<void>;
}

/** Work for the balance checker: part of a slot, or the rest of one. */
export interface CheckRequest extends SlotRange {
  readonly page?: string;
}

/** Which part of erasing a subscriber comes next; each begins where `page` says. */
export type EraseStage = "lines" | "bills" | "starts" | "account";

/** Work for the eraser: everything that is kept of a subscriber who is closing. */
export interface EraseRequest {
  readonly subscriberId: string;
  /** Missing: nothing is erased yet, and what is open is waited for. */
  readonly stage?: EraseStage;
  /** Which closing the stage belongs to: a message that comes late must not erase what its subscriber has opened anew, and is about to close by itself. */
  readonly since?: Instant;
  readonly page?: string;
  /** How often it was found that something is still open. */
  readonly tries?: number;
}

export interface EraseRequests {
  send(requests: readonly EraseRequest[], delaySeconds?: number): Promise<void>;
}

export interface CheckRequests {
  send(requests: readonly CheckRequest[]): Promise<void>;
}

/** The issuer does not say who holds this access token: it was revoked, or lacks the scope `openid`. */
export class CallerUnknown extends Error {
  override name = "CallerUnknown";
}

/** What the issuer says of somebody's addresses: null for one that is not verified, or that they have not; nothing of one for which the token does not ask. */
export interface IssuerWord {
  readonly email?: string | null | undefined;
  readonly phoneNumber?: string | null | undefined;
}

/** The issuer's word on who holds this access token (OpenID Connect userinfo). Throws CallerUnknown, or OutcomeUnknown when the issuer does not answer. */
export interface Identity {
  whoIs(accessToken: string, subscriberId: string): Promise<IssuerWord>;
}

export interface Mail {
  /** `html` says the same as `text`. */
  send(message: { readonly to: string; readonly subject: string; readonly text: string; readonly html: string }): Promise<void>;
}

export interface TextMessages {
  send(message: { readonly to: string; readonly text: string }): Promise<void>;
}

/** Links that open one recharge to its payer without signing in: to confirm it, decline it or skip it. Signed, and good until `expiresAt`. */
export interface PayLinks {
  urlFor(link: { readonly rechargeId: string; readonly expiresAt: Instant }): Promise<string>;
  /** Undefined for a token that is not ours. */
  read(token: string): Promise<{ readonly rechargeId: string; readonly expiresAt: Instant } | undefined>;
}

/** Work for `remind`: the subscribers from `page` on, or one of them who could not be served with the others. */
export interface RemindRequest {
  /** The day's tick. */
  readonly scheduledTime: Instant;
  readonly page?: string;
  readonly subscriberId?: string;
}

export interface RemindRequests {
  send(requests: readonly RemindRequest[]): Promise<void>;
}
