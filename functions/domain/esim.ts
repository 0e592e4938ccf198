import type { LineEvent } from "./events.ts";
import { type FamilyGrant, type FrozenGrant, grantOf, hasEnded, withThreshold } from "./family.ts";
import type { Iccid } from "./iccid.ts";
import type { Money } from "./money.ts";
import type { RechargeState } from "./recharge-states.ts";
import { type Consent, needsConsent, type Rule, type RuleSettings, type RuleStatus, type SuspensionReason } from "./rule.ts";
import { SHORTEST_TIER, type Tier } from "./slots.ts";
import type { Period, Spend } from "./spend.ts";
import { type Instant, plusMinutes } from "./time.ts";

/** A saved way to pay, as the subscriber's record holds it; never a card number. */
export interface PaymentMethod {
  /** Stripe's `pm_...` */
  readonly id: string;
  /** Stripe's `cus_...` */
  readonly customerId: string;
  /** What declines are counted by: the card's fingerprint, or the method's own id where it has none, as Alipay. */
  readonly cardKey: string;
  readonly brand: string;
  readonly lastFour: string;
  /** It cannot be charged with the customer away: every recharge is a pay request, which they confirm themselves. */
  readonly payRequest?: "wechat_pay" | "alipay";
}

/** What kind of way to pay this is, in Stripe's words. Only a card has a brand of its own: everything else is called by its kind. */
export function methodType({ payRequest, brand }: Pick<PaymentMethod, "payRequest" | "brand">): "card" | "alipay" | "wechat_pay" {
  return payRequest ?? (brand === "alipay" ? brand : "card");
}

/** A way to pay as its owner sees it. `expiry`: the last month in which a card can be used. */
export interface SavedMethod extends PaymentMethod {
  readonly expiry?: { readonly month: number; readonly year: number };
}

/** A balance as the carrier told it: what is available, and when it was read. */
export interface Reading {
  readonly balance: Money;
  readonly readAt: Instant;
}

/** A worker's time. `attempts`: leases taken since the last progress; `crashes`: those of them whose worker did not even say that it cannot tell. */
export interface Lease {
  readonly until: Instant;
  readonly attempts: number;
  readonly crashes: number;
}

/** An operator's word on a recharge that needs a review; the recharge function acts on it. */
export interface Resolution {
  readonly as: "credited" | "refunded" | "nothing-taken";
  readonly by: string;
  readonly at: Instant;
  readonly note: string;
  /** The carrier is gone for good: what it would say is not waited for. */
  readonly withoutCarrier?: boolean;
}

/**
 * Who wanted a recharge: its payer, there and then; or, when the rule's way to pay was declined, the backup that they named, once.
 *
 * Missing: the rule, as the line was low.
 */
export type Origin = "payer" | "backup";

/** A recharge that is to be reserved as soon as the line is looked at. */
export interface Requested {
  readonly rechargeId: string;
  readonly origin: Origin;
  readonly subscriberId: string;
  readonly amount: Money;
  readonly method: PaymentMethod;
  /** Of the rule; 0 where the payer wanted it, as no rule stands behind it. */
  readonly ruleVersion: number;
  readonly consent: Consent;
  /** The balance on which the declined one was decided; missing where the payer wanted it, whatever the balance is. */
  readonly reading?: Reading;
  /** Of what was declined. */
  readonly check?: string;
  readonly at: Instant;
  /** As of an open one. */
  readonly cancelRequested?: { readonly by: string; readonly at: Instant };
}

/** The one recharge that a line may have open. Everything it was decided on is frozen in it. */
export interface OpenRecharge {
  /** Random; names the recharge at Stripe (metadata) and at the carrier (reference). Never contains an ICCID. */
  readonly rechargeId: string;
  readonly subscriberId: string;
  readonly origin?: Origin;
  readonly amount: Money;
  readonly method: PaymentMethod;
  /** 0: no rule stands behind it. */
  readonly ruleVersion: number;
  readonly consent: Consent;
  /** The line is somebody else's: by what its payer pays for it. */
  readonly family?: FrozenGrant;
  readonly period: Period;
  /** The balance on which it was decided; missing where its payer wanted it, whatever the balance is. */
  readonly reading?: Reading;
  /** The check that it comes of: names it from that check's log to Stripe and its bill. */
  readonly check?: string;
  readonly reservedAt: Instant;
  /** Keeps two workers from calling out at once; nothing depends on it for correctness. `attempts`: leases taken since the last progress. */
  readonly lease: Lease;
  readonly state: RechargeState;
  /** When it was last told that it is unclear, or waits for a review. */
  readonly toldAt?: Instant;
  /** How long its customer was first told to have; a payment of theirs that fails gives them no more. */
  readonly actBy?: Instant;
  readonly resolution?: Resolution;
  /** Its payer does not want it any more; the recharge function acts on it. */
  readonly cancelRequested?: { readonly by: string; readonly at: Instant };
}

/** One line: everything that must change together. One stored item, changed only on the version that was read. */
export interface Esim {
  readonly iccid: Iccid;
  /** The stored item's version; 0 when nothing is stored yet. Only the store raises it. */
  readonly version: number;
  /** Who pays; outlives the rule, as the counters do. */
  readonly subscriberId?: string;
  readonly rule?: Rule;
  /** Its holder lets somebody else pay for it. */
  readonly family?: FamilyGrant;
  readonly open?: OpenRecharge;
  /** Only while nothing is open. */
  readonly requested?: Requested;
  /** Per payer. */
  readonly spend: { readonly [subscriberId: string]: Spend };
  /** Goes up by one when a recharge ends: a report of an earlier cycle is old news. */
  readonly cycle: number;
  readonly tier: Tier;
  /** The checker passes the line over until then. */
  readonly quietUntil?: Instant;
  /** The quiet ends sooner when the balance is seen at or above the threshold: one pay request per low. */
  readonly quietWhileLow?: boolean;
  /** The outbox: events that are true and not yet published. */
  readonly pendingEvents: readonly LineEvent[];
  /** When somebody must look at the line at the latest; present whenever a recharge is open or requested, or an event is pending. */
  readonly lookAt?: Instant;
}

/** How long a saved change may wait for its poke before the sweeper looks after it. */
const LOOK_AFTER_SAVE_MINUTES = 1;
/** A look that comes as soon as this is left where it is: moving it costs two writes in the index. */
const SOON_MINUTES = 5;

export function newEsim(iccid: Iccid): Esim {
  return { iccid, version: 0, spend: {}, cycle: 0, tier: SHORTEST_TIER, pendingEvents: [] };
}

/** Adds an event to the outbox, in the same write as the state that it tells of. */
export function withEvent(esim: Esim, event: LineEvent, now: Instant): Esim {
  if (esim.pendingEvents.some(({ id }) => id === event.id)) return esim;
  const isSoon = esim.lookAt !== undefined && esim.lookAt <= plusMinutes(now, SOON_MINUTES);
  return { ...esim, pendingEvents: [...esim.pendingEvents, event], lookAt: isSoon ? esim.lookAt : plusMinutes(now, LOOK_AFTER_SAVE_MINUTES) };
}

/** Removes published events from the outbox. */
export function applyPublished(esim: Esim, published: readonly LineEvent[]): Esim {
  const ids = new Set(published.map((event) => event.id));
  const pendingEvents = esim.pendingEvents.filter((event) => !ids.has(event.id));
  if (pendingEvents.length === esim.pendingEvents.length) return esim;
  const done = pendingEvents.length === 0 && esim.open === undefined && esim.requested === undefined;
  return { ...esim, pendingEvents, lookAt: done ? undefined : esim.lookAt };
}

/** How long after a bus has refused a line's events it is tried again. */
const PUBLISH_AGAIN_MINUTES = 10;

/** The bus did not take the events of a line on which nothing is open: they are tried again a little later. */
export function applyUnpublished(esim: Esim, now: Instant): Esim {
  if (esim.open !== undefined || esim.pendingEvents.length === 0) return esim;
  return { ...esim, lookAt: plusMinutes(now, PUBLISH_AGAIN_MINUTES) };
}

export type RuleRefusal = "rule-exists" | "no-rule" | "no-grant" | "version-mismatch" | "consent-needed" | "threshold-too-soon";
export type RuleDecision = { readonly kind: "changed"; readonly esim: Esim; readonly rule: Rule } | { readonly kind: "refused"; readonly reason: RuleRefusal };

function refused(reason: RuleRefusal): RuleDecision {
  return { kind: "refused", reason };
}

/** The subscriber's rule on this line; undefined when the rule is another's, which is nobody else's business. */
export function ruleOf(esim: Esim | undefined, subscriberId: string): Rule | undefined {
  return esim?.subscriberId === subscriberId ? esim.rule : undefined;
}

export interface RuleInput {
  readonly subscriberId: string;
  readonly settings: RuleSettings;
  readonly consent: Consent;
  readonly writeId: string;
  /** The line is somebody else's: it is paid for by the grant that it holds. Else it is the subscriber's own, and nobody else pays for it any more. */
  readonly byGrant?: boolean;
}

/** The line as it is for whoever saves a rule; undefined when the grant by which they would is over. */
function forPayer(esim: Esim, { subscriberId, byGrant = false }: Pick<RuleInput, "subscriberId" | "byGrant">, now: Instant): Esim | undefined {
  if (byGrant) return grantOf(esim, subscriberId) === undefined ? undefined : esim;
  if (esim.family === undefined) return esim;
  const line = { ...esim, family: undefined };
  return esim.family.subscriberId === subscriberId ? line : loseRule(line, "family-ended", now);
}

/** What is to become of a rule: with a new consent, or without one, as long as the old one covers it. */
export type RuleChange = RuleInput | (Omit<RuleInput, "consent"> & { readonly consent?: undefined; readonly timeZone: string });

/** Saves a subscriber's first rule of a line. A rule of the line's former payer gives way, as the line is not theirs any more, and they are told. */
export function createRule(esim: Esim, input: RuleInput, now: Instant): RuleDecision {
  if (ruleOf(esim, input.subscriberId) !== undefined) return refused("rule-exists");
  const allowed = forPayer(esim, input, now);
  if (allowed === undefined) return refused("no-grant");
  const line = withThreshold(allowed, input.subscriberId, input.settings.threshold, now);
  if (line === undefined) return refused("threshold-too-soon");
  const taken = loseRule(line, "line-not-yours", now);
  // Versions go on where a deleted rule stopped, so that no ETag of the old one fits the new one.
  const rule: Rule = {
    ...input.settings,
    version: esim.version + 1,
    writeId: input.writeId,
    status: { state: "active" },
    consent: input.consent,
    createdAt: now,
    updatedAt: now,
  };
  return changed({ ...taken, subscriberId: input.subscriberId }, rule, "RuleSaved", now);
}

/** Replaces all settings of a rule. Its status stays: saving settings resumes nothing. Refused where nobody agreed to what they allow. */
export function replaceRule(esim: Esim, input: RuleChange, expectedVersion: number, now: Instant): RuleDecision {
  const rule = ruleOf(esim, input.subscriberId);
  if (rule === undefined) return refused("no-rule");
  if (rule.version !== expectedVersion) return refused("version-mismatch");
  if (input.consent === undefined && (losesGrant(esim, input) || isOfLostGrant(esim, rule, now) || needsConsent(rule, input.settings, input.timeZone)))
    return refused("consent-needed");
  const allowed = forPayer(esim, input, now);
  if (allowed === undefined) return refused("no-grant");
  const line = withThreshold(allowed, input.subscriberId, input.settings.threshold, now);
  if (line === undefined) return refused("threshold-too-soon");
  const next = { ...rule, ...input.settings, consent: input.consent ?? rule.consent, version: rule.version + 1, writeId: input.writeId, updatedAt: now };
  return changed(line, next, "RuleSaved", now);
}

/** Whether the rule was agreed to with a grant's end and cap, which would not bind it any more: the line is its payer's own by now. */
function losesGrant(esim: Esim, { subscriberId, byGrant = false }: Pick<RuleInput, "subscriberId" | "byGrant">): boolean {
  return !byGrant && grantOf(esim, subscriberId) !== undefined;
}

/** Whether it ended with a grant that is gone or over, and nobody has agreed to it since. */
function isOfLostGrant(esim: Esim, { status, consent }: Rule, now: Instant): boolean {
  const isEnded = status.state === "suspended" && status.reason === "family-ended";
  const grant = grantOf(esim, esim.subscriberId);
  return isEnded && (grant === undefined || hasEnded(grant, now)) && consent.at < status.at;
}

/** Pauses or resumes a rule; one that ended with its grant only when it was agreed to anew. */
export function setRuleState(
  esim: Esim,
  input: { readonly subscriberId: string; readonly state: "active" | "paused"; readonly writeId: string },
  expectedVersion: number,
  now: Instant,
): RuleDecision {
  const rule = ruleOf(esim, input.subscriberId);
  if (rule === undefined) return refused("no-rule");
  if (rule.version !== expectedVersion) return refused("version-mismatch");
  if (isOfLostGrant(esim, rule, now)) return refused("consent-needed");
  const status: RuleStatus = input.state === "active" ? { state: "active" } : { state: "paused", at: now };
  const next = { ...rule, status, version: rule.version + 1, writeId: input.writeId, updatedAt: now };
  return changed(esim, next, input.state === "active" ? "RuleSaved" : "RulePaused", now);
}

/** Deletes a rule; the counters stay, and an open recharge goes on to its end (unpaid, unless it is being paid already). */
export function deleteRule(esim: Esim, subscriberId: string, expectedVersion: number, now: Instant): RuleDecision {
  const rule = ruleOf(esim, subscriberId);
  if (rule === undefined) return refused("no-rule");
  if (rule.version !== expectedVersion) return refused("version-mismatch");
  const { esim: next } = changed(esim, { ...rule, version: rule.version + 1 }, "RuleDeleted", now);
  return { kind: "changed", esim: { ...next, rule: undefined }, rule };
}

/** Whether its payer cannot use the rule any more, and was told: it stands in nobody's way. */
export function isDead({ rule }: Esim): boolean {
  return rule?.status.state === "suspended" && (rule.status.reason === "line-not-yours" || rule.status.reason === "family-ended");
}

/** Stops a rule until the subscriber resumes it, and says so. */
export function suspendRule(esim: Esim, reason: SuspensionReason, now: Instant): Esim {
  return esim.rule?.status.state === "active" ? suspended(esim, reason, now) : esim;
}

/** The line without this subscriber's grant: it is their own by now, and nobody lets them pay for it. Their rule, which was bound by that, ends with it. */
export function withoutGrantOf(esim: Esim, subscriberId: string, now: Instant): Esim {
  if (grantOf(esim, subscriberId) === undefined) return esim;
  const line = { ...esim, family: undefined };
  const rule = ruleOf(esim, subscriberId);
  return rule === undefined || isOfLostGrant(line, rule, now) ? line : suspended(line, "family-ended", now);
}

/** Stops a rule whose line somebody else takes over, and says so also to whoever had paused it: there is nothing to resume any more. */
function loseRule(esim: Esim, reason: "line-not-yours" | "family-ended", now: Instant): Esim {
  return isDead(esim) ? esim : suspended(esim, reason, now);
}

function suspended(esim: Esim, reason: SuspensionReason, now: Instant): Esim {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined) return esim;
  const next: Rule = { ...rule, status: { state: "suspended", at: now, reason }, version: rule.version + 1, updatedAt: now };
  const event = { ...ruleEvent(esim, next, "RuleSuspended", now), reason } as const;
  return withEvent({ ...esim, rule: next }, event, now);
}

function ruleEvent<Name extends string>(esim: Esim, rule: Rule, name: Name, now: Instant) {
  const { iccid, subscriberId } = esim;
  if (subscriberId === undefined) throw new Error("A rule without a payer");
  return { name, id: `${iccid}/rule/${rule.version}/${name}`, version: 1, at: now, iccid, subscriberId, ruleVersion: rule.version } as const;
}

/**
 * Any change puts the line into the shortest tier and wakes the checker up: what was known about it may no longer hold.
 *
 * A line of somebody else's stays quiet: each change would ask anew whether it is low, and cost nothing.
 */
function changed(esim: Esim, rule: Rule, name: "RuleSaved" | "RulePaused" | "RuleDeleted", now: Instant) {
  const isOthers = grantOf(esim, esim.subscriberId) !== undefined;
  const awake = isOthers ? esim : { ...esim, quietUntil: undefined, quietWhileLow: undefined };
  const next = withEvent({ ...awake, rule, tier: SHORTEST_TIER }, ruleEvent(esim, rule, name, now), now);
  return { kind: "changed", esim: next, rule } as const;
}
