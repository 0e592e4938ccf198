import type { Bill } from "../../functions/domain/bill.ts";
import type { Esim, OpenRecharge } from "../../functions/domain/esim.ts";
import type { At, ChargeSeen, Evidence, TopUpSeen } from "./evidence.ts";

/**
 * Judges a run by what could be seen of it from outside, with nothing of the domain but the shapes of what it stores.
 *
 * It knows what was promised (docs/proof.md), not how that is done.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A worker lives so long: what it asked about before it acted, it asked within that time. */
const WORKER = 60 * SECOND;

/** The slowest carrier repeats a reading for a quarter of an hour, and a check's report of it is good for five minutes more. */
const READING = 20 * MINUTE;

/** A recharge as the lines' stored states show it. */
interface Life {
  readonly rechargeId: string;
  readonly iccid: string;
  readonly subscriberId: string;
  readonly amount: number;
  readonly currency: string;
  readonly reservedAt: number;
  /** In which it counts, by what lasted. */
  readonly month: string;
  /** Its payer wanted it there and then, or it stands in for one that was declined; missing where a rule made it. */
  readonly origin?: "payer" | "backup";
  /** The first state of the line in which it was more than announced: what it was decided on. */
  readonly first: At<{ readonly esim: Esim }>;
  readonly end?: { readonly at: number; readonly name: string };
  /** A restore of the tables took the memory of it away. */
  readonly isForgotten: boolean;
  readonly paid: readonly ChargeSeen[];
  readonly credits: readonly TopUpSeen[];
  readonly bill?: Bill;
}

interface Case {
  readonly seen: Evidence;
  readonly lives: ReadonlyMap<string, Life>;
  readonly writesOf: ReadonlyMap<string, readonly At<{ readonly esim: Esim }>[]>;
}

type Law = (given: Case) => string[];

/** The laws by name, so that a break names the one it broke. */
export const LAWS: Readonly<Record<string, Law>> = {
  "one charge per recharge": oneCharge,
  "one open recharge per line": oneOpen,
  "every charge is credited, or given back, or in review": everyChargeEnds,
  "no credit without its charge": everyCreditIsPaid,
  "never over a cap": withinCaps,
  "never within the cooldown": afterCooldown,
  "no card is asked again too soon": cardsRest,
  "the rule stood when the card was charged": stillWanted,
  "what its payer called off is neither tried again nor stood in for": calledOffForGood,
  "who wants to be told before a charge is told in time": toldInTime,
  "nobody's line is recharged by another": ownLine,
  "another's line is paid for as agreed": asAgreed,
  "nothing is charged that an operator has stopped": notStopped,
  "only a low and fresh balance is recharged": lowAndFresh,
  "a line that is to be left alone is left alone": leftAlone,
  "a decline is kept before its end": declinesKept,
  "what ended unpaid can not be paid any more": unpaidIsCanceled,
  "every event is told": everythingTold,
  "no event tells what did not happen": nothingInvented,
  "bills, Stripe and the carrier agree to the cent": billsAgree,
  "the limits count what was taken and not given back": limitsCount,
  "a no that may become a yes is nobody's reason to give back": refundsAreCertain,
  "everything ends": everythingEnds,
  "a person is asked what the carrier was asked before": reviewsAreNeeded,
  "no line starves": noLineStarves,
};

/** All that is not as it must be. */
export function breaksOf(seen: Evidence): string[] {
  const given = caseOf(seen);
  return Object.entries(LAWS).flatMap(([name, law]) => law(given).map((what) => `${name}: ${what}`));
}

function caseOf(seen: Evidence): Case {
  const writesOf = grouped(seen.writes, ({ esim }) => esim.iccid);
  const charges = grouped(seen.charges, ({ rechargeId }) => rechargeId);
  const topUps = grouped(seen.topUps, ({ reference }) => reference);
  const bills = new Map(seen.bills.map((bill) => [bill.rechargeId, bill]));
  const lives = new Map<string, Life>();
  for (const [rechargeId, writes] of grouped(seen.writes, ({ esim }) => esim.open?.rechargeId ?? "")) {
    const first = writes.find(({ esim: { open: each } }) => each?.state.name !== "announced") ?? writes[0];
    const open = first?.esim.open;
    if (first === undefined || open === undefined) continue;
    const { subscriberId, amount, reservedAt, origin } = open;
    lives.set(rechargeId, {
      rechargeId,
      origin,
      iccid: first.esim.iccid,
      subscriberId,
      amount: amount.amount,
      currency: amount.currency,
      reservedAt: Date.parse(reservedAt),
      // What a restore took back may have been made once more, in another month.
      month: writes.findLast(({ at }) => !isUndone(seen, at))?.esim.open?.period.month ?? open.period.month,
      first,
      end: writes.flatMap((write) => (isUndone(seen, write.at) ? [] : endOf(write)))[0],
      isForgotten: writes.every(({ at }) => isUndone(seen, at)),
      paid: (charges.get(rechargeId) ?? []).filter(({ paid }) => paid),
      credits: remembered(
        seen,
        rechargeId,
        (topUps.get(rechargeId) ?? []).filter(({ isRefused }) => !isRefused),
      ),
      bill: bills.get(rechargeId),
    });
  }
  return { seen, lives, writesOf };
}

function endOf({ at, esim }: At<{ readonly esim: Esim }>) {
  const state = esim.open?.state;
  return state?.name === "ended" ? [{ at, name: state.end }] : [];
}

/** Whether what was stored at one time was taken back by a restore, by another time or ever. */
function isUndone({ restores }: Evidence, at: number, by = Number.POSITIVE_INFINITY): boolean {
  return restores.some((restore) => at > restore.to && at < restore.at && restore.at <= by);
}

/** A carrier that remembers no order credits again what a restore made us forget that we had ordered: it cannot be asked, and is not counted. */
function remembered(seen: Evidence, rechargeId: string, credits: readonly TopUpSeen[]): readonly TopUpSeen[] {
  if (seen.answersAreFinal || credits.length === 0) return credits;
  const forgotten = seen.orders.filter(({ at, reference }) => reference === rechargeId && isUndone(seen, at));
  return credits.slice(Math.min(forgotten.length, credits.length - 1));
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) {
    const group = groups.get(keyOf(each));
    if (group === undefined) groups.set(keyOf(each), [each]);
    else group.push(each);
  }
  return groups;
}

function oneCharge({ seen }: Case): string[] {
  const paid = grouped(
    seen.charges.filter((charge) => charge.paid),
    ({ rechargeId }) => rechargeId,
  );
  return [...paid].filter(([, charges]) => charges.length > 1).map(([rechargeId, { length }]) => `${rechargeId} was charged ${length} times`);
}

function oneOpen({ seen, writesOf, lives }: Case): string[] {
  return [...writesOf.values()].flatMap((writes) =>
    writes.flatMap(({ esim }, index) => {
      const before = writes[index - 1];
      const open = before?.esim.open;
      if (before === undefined || open === undefined || open.rechargeId === esim.open?.rechargeId) return [];
      if (seen.restores.some(({ at }) => at >= before.at && at <= (writes[index]?.at ?? 0))) return [];
      if (open.state.name !== "ended") return [`${open.rechargeId} left its line while it was ${open.state.name}`];
      const life = lives.get(open.rechargeId);
      return life?.bill === undefined && !isUndone(seen, before.at) ? [`${open.rechargeId} left its line without a bill`] : [];
    }),
  );
}

function everyChargeEnds({ seen, lives }: Case): string[] {
  /** A refund that failed after it had succeeded, as banks may say weeks later: the operator was told. */
  const failedRefunds = seen.published.flatMap(({ event }) => (event.name === "RechargeAdjusted" && event.kind === "refund-failed" ? [event.rechargeId] : []));
  const inHands = new Set([...openInTheEnd(seen), ...failedRefunds, ...givenByHand(seen)]);
  return [...lives.values()].flatMap(({ rechargeId, paid, credits, isForgotten }) => {
    const [charge] = paid;
    if (charge === undefined) return [];
    const found: string[] = [];
    if (credits.length > 1) found.push(`${rechargeId} was credited ${credits.length} times`);
    if (credits.length > 0 && charge.refunded > 0 && !charge.wasTouched) found.push(`${rechargeId} was credited and given back`);
    if (isForgotten || credits.length > 0) return found;
    if (!inHands.has(rechargeId) && charge.refunded < charge.amount && !charge.wasTouched)
      found.push(`${rechargeId} was charged and neither credited nor given back`);
    return found;
  });
}

/** Stripe could not give it back, and a person says that they did so by another way. */
function givenByHand({ writes }: Evidence): Set<string> {
  return new Set(
    writes.flatMap(({ esim: { open } }) => {
      const isRefundFailed = open?.state.name === "needs-review" && open.state.reason === "refund-failed";
      return isRefundFailed && open.resolution?.as === "refunded" ? [open.rechargeId] : [];
    }),
  );
}

function openInTheEnd({ lines }: Evidence): string[] {
  return lines.flatMap(({ open }) => (open === undefined ? [] : [open.rechargeId]));
}

function everyCreditIsPaid({ seen, lives }: Case): string[] {
  return seen.topUps
    .filter(({ isRefused }) => !isRefused)
    .flatMap(({ reference, iccid, amount, currency, at }) => {
      const life = lives.get(reference);
      const charge = life?.paid[0];
      if (life === undefined || charge === undefined || charge.at > at + SECOND) return [`${reference} was credited and not paid`];
      if (life.iccid !== iccid) return [`${reference} was credited to another line`];
      const isSame = charge.amount === amount && charge.currency === currency && life.amount === amount && life.currency === currency;
      return isSame ? [] : [`${reference} was to be ${life.amount}, was charged ${charge.amount} and credited ${amount}`];
    });
}

/** The paid recharges of each payer on each line, in the order in which they were reserved: by the true time, which their workers' clocks need not show. */
function paidOnes({ lives }: Case): Life[][] {
  const paid = [...lives.values()].filter((life) => life.paid.length > 0).sort((a, b) => a.first.at - b.first.at);
  return [...grouped(paid, ({ iccid, subscriberId }) => `${iccid} ${subscriberId}`).values()];
}

/** What the limits had to count when this one was reserved: what was given back counts no more, what was forgotten cannot. */
function countedBefore(lives: readonly Life[], index: number): Life[] {
  return lives.slice(0, index).filter(({ paid, end, isForgotten }) => paid[0]?.refunds.length === 0 && end?.name !== "refunded" && !isForgotten);
}

function withinCaps(given: Case): string[] {
  return paidOnes(given).flatMap((lives) => {
    const found: string[] = [];
    const keys = new Map<Life, { readonly day: string; readonly month: string }>();
    for (const [index, life] of lives.entries()) {
      const { rechargeId, first, reservedAt, amount } = life;
      const { rule, open } = first.esim;
      if (open === undefined) continue;
      const counted = countedBefore(lives, index);
      const booked = lives.slice(0, index).filter(({ end, isForgotten }) => end?.name === "succeeded" && !isForgotten);
      // Nobody gets a month or a day twice by moving: the counted one never goes back, not even when what was booked last is given back.
      const today = dayIn(open.consent.timeZone, reservedAt);
      const day = latest([...booked.map((each) => keys.get(each)?.day ?? ""), today]);
      const month = latest([...booked.map((each) => keys.get(each)?.month ?? ""), today.slice(0, 7)]);
      keys.set(life, { day, month });
      const inMonth = counted.filter((each) => keys.get(each)?.month === month);
      const inDay = counted.filter((each) => keys.get(each)?.day === day);
      const sum = inMonth.reduce((total, each) => total + each.amount, amount);
      // What its payer wants there and then is bound by nothing, and counts.
      if (rule === undefined || life.origin === "payer") continue;
      if (sum > rule.limits.perMonth.amount) found.push(`${rechargeId} made it ${sum} in ${month}, with a cap of ${rule.limits.perMonth.amount}`);
      if (inDay.length + 1 > rule.limits.timesPerDay)
        found.push(`${rechargeId} was number ${inDay.length + 1} on ${day}, with ${rule.limits.timesPerDay} allowed`);
    }
    return found;
  });
}

function afterCooldown(given: Case): string[] {
  const { seen } = given;
  return paidOnes(given).flatMap((lives) =>
    lives.flatMap(({ rechargeId, first, reservedAt, isForgotten, origin }, index) => {
      if (isForgotten || origin !== undefined) return []; // what it came after may have ended once more since
      const last = countedBefore(lives, index)
        .filter((each) => each.end?.name === "succeeded")
        .at(-1);
      const cooldown = (first.esim.rule?.limits.cooldownMinutes ?? 0) * MINUTE;
      if (last?.end === undefined || reservedAt >= last.end.at + cooldown - WORKER - 2 * seen.skewMilliseconds) return [];
      return [`${rechargeId} came ${Math.round((reservedAt - last.end.at) / MINUTE)} minutes after the last, with ${cooldown / MINUTE} to wait`];
    }),
  );
}

/** How long a card rests after its first decline in a row, by declines so far. */
const REST_HOURS: Readonly<Record<number, number>> = { 1: 1, 2: 3, 3: 7 };

function cardsRest({ seen, lives }: Case): string[] {
  return seen.confirms.flatMap(({ at, rechargeId }) => {
    const cardKey = lives.get(rechargeId)?.first.esim.open?.method.cardKey;
    const known = seen.declines.filter((each) => each.cardKey === cardKey && each.at < at - WORKER && !isUndone(seen, each.at, at));
    const byRecharge = new Map(known.map((each) => [each.decline.rechargeId, each]).reverse() as [string, (typeof known)[number]][]);
    const standing = [...byRecharge.values()].filter(
      ({ at: put, decline }) =>
        decline.severity === "hard" ||
        !seen.clears.some(
          (clear) => clear.cardKey === cardKey && !isUndone(seen, clear.at, at) && clear.at >= put && clear.at <= at && clear.upTo >= decline.at,
        ),
    );
    const tell = (why: string) => [`${rechargeId} asked a card at ${new Date(at).toISOString()} ${why}`];
    if (standing.some(({ decline }) => decline.severity === "hard")) return tell("that was refused for good");
    if (standing.some(({ decline }) => decline.severity === "dispute")) return tell("of which a charge was contested");
    if (standing.filter(({ decline }) => decline.severity === "soft").length >= 4) return tell("after four declines");
    const times = standing.map(({ decline }) => Date.parse(decline.at)).sort((a, b) => a - b);
    const [first, last] = [times[0], times.at(-1)];
    if (first === undefined || last === undefined) return [];
    const hours = REST_HOURS[times.length];
    const until = hours === undefined ? last + 72 * HOUR : first + hours * HOUR;
    return at + WORKER + 2 * seen.skewMilliseconds < until ? tell(`that was to rest until ${new Date(until).toISOString()}`) : [];
  });
}

function stillWanted({ seen, writesOf, lives }: Case): string[] {
  return seen.confirms.flatMap(({ at, rechargeId }) => {
    const life = lives.get(rechargeId);
    if (life === undefined) return [`${rechargeId} was confirmed and stands in no line`];
    const writes = writesOf.get(life.iccid) ?? [];
    const lastBefore = writes.findLastIndex((write) => write.at <= at - WORKER);
    const around = writes.filter((write, index) => write.at <= at && index >= lastBefore);
    const isWanted = around.some(({ esim }) => esim.open?.rechargeId === rechargeId && isWantedIn(esim));
    // The write that lets a worker confirm is judged by itself: nothing can come between.
    const mayConfirm = writes.filter((write, index) => write.at <= at && isFirstConfirming(write.esim, writes[index - 1]?.esim, rechargeId));
    return isWanted && mayConfirm.some(({ esim }) => isWantedIn(esim)) ? [] : [`${rechargeId} was confirmed although its rule was paused, changed or gone`];
  });
}

function isFirstConfirming({ open }: Esim, before: Esim | undefined, rechargeId: string): boolean {
  const isBefore = before?.open?.rechargeId === rechargeId && before.open.state.name === "confirming";
  return open?.rechargeId === rechargeId && open.state.name === "confirming" && !isBefore;
}

function isWantedIn(esim: Esim): boolean {
  const { rule, subscriberId, open } = esim;
  const isRulesOwn = subscriberId === open?.subscriberId && rule?.version === open?.ruleVersion;
  return rule?.status.state === "active" && isRulesOwn && open?.cancelRequested === undefined && open?.family?.since === familyOf(esim)?.since;
}

/** The write that frees a line says at once what stands in for what ended there. */
function calledOffForGood({ seen, writesOf }: Case): string[] {
  return [...writesOf.values()].flatMap((writes) =>
    writes.flatMap(({ at, esim: { open, requested } }, index) => {
      const before = writes[index - 1];
      const isTriedAgain =
        open?.cancelRequested !== undefined && open.state.name === "ended" && open.state.end === "declined" && open.state.retryAt !== undefined;
      if (isTriedAgain) return [`${open.rechargeId} was called off, and is to be tried again`];
      if (before?.esim.open?.cancelRequested === undefined || requested?.origin !== "backup") return [];
      if (seen.restores.some((restore) => restore.at >= before.at && restore.at <= at)) return [];
      return [`${before.esim.open.rechargeId} was called off, and is stood in for`];
    }),
  );
}

function toldInTime({ seen, lives }: Case): string[] {
  const told = new Map<string, number>();
  for (const { at, event } of seen.published) if (event.name === "RechargeAnnounced" && !told.has(event.rechargeId)) told.set(event.rechargeId, at);
  return seen.confirms.flatMap(({ at, rechargeId }) => {
    const { first, origin } = lives.get(rechargeId) ?? {};
    const notice = (first?.esim.rule?.noticeMinutes ?? 0) * MINUTE;
    if (origin !== undefined || notice === 0) return [];
    const toldAt = told.get(rechargeId) ?? Number.POSITIVE_INFINITY;
    return at + WORKER + 2 * seen.skewMilliseconds < toldAt + notice ? [`${rechargeId} was confirmed before its payer had the time to skip it`] : [];
  });
}

/** What lets this payer pay for a line of somebody else's. */
function familyOf({ family, open }: Esim): Esim["family"] {
  return open?.family !== undefined && family?.subscriberId === open.subscriberId ? family : undefined;
}

/** Within the lifetime of the worker that reserved it, and of each that had the card charged, the carrier said that the line is the payer's, or still its holder's who lets them pay. */
function ownLine({ seen, lives }: Case): string[] {
  const isOwn = ({ iccid, subscriberId, first }: Life, at: number) => {
    const holder = familyOf(first.esim)?.holder;
    const turns = seen.owners.filter((turn) => turn.iccid === iccid && turn.at <= at);
    const since = turns.findLastIndex((turn) => turn.at <= at - WORKER);
    return turns.slice(Math.max(since, 0)).some((turn) => turn.subscriberId === subscriberId || (holder !== undefined && turn.holder === holder));
  };
  // What was requested is reserved unseen, and dropped then where the line is somebody else's; so is what was announced.
  const isJudged = ({ origin, first }: Life) => origin === undefined && first.esim.open?.state.name !== "ended";
  const reserved = [...lives.values()].filter((life) => isJudged(life) && !isOwn(life, life.first.at));
  const confirmed = seen.confirms.flatMap(({ at, rechargeId }) => {
    const life = lives.get(rechargeId);
    return life === undefined || isOwn(life, at) ? [] : [life];
  });
  return [...reserved, ...confirmed].map(({ rechargeId }) => `${rechargeId} was made for a line of somebody else's`);
}

/** Not more than its payer agreed to in all, and not after the time they agreed to. */
function asAgreed(given: Case): string[] {
  const { seen, lives, writesOf } = given;
  const grantIn = (esim: Esim, since: string | undefined) => (since !== undefined && esim.family?.since === since ? [esim.family] : []);
  const tooMuch = paidOnes(given).flatMap((ofPayer) =>
    ofPayer.flatMap((life, index) => {
      const { rechargeId, iccid, amount, first, paid } = life;
      const since = first.esim.open?.family?.since;
      const paidAt = (paid[0]?.at ?? first.at) + SECOND; // Stripe tells whole seconds
      if (since === undefined) return [];
      // Agreed to anew, the sum may be another; what was spent goes on counting.
      const agreed = (writesOf.get(iccid) ?? []).flatMap(({ at, esim }) => (at >= first.at && at <= paidAt ? grantIn(esim, since) : []));
      const most = Math.max(...agreed.map(({ cap }) => cap.amount));
      const before = countedBefore(ofPayer, index).filter((each) => each.first.esim.open?.family?.since === since);
      const sum = before.reduce((total, each) => total + each.amount, amount);
      return sum > most ? [`${rechargeId} made it ${sum} for a line of somebody else's, with ${most} agreed`] : [];
    }),
  );
  const tooLate = seen.confirms.flatMap(({ at, rechargeId }) => {
    const life = lives.get(rechargeId);
    const since = life?.first.esim.open?.family?.since;
    if (life === undefined || since === undefined) return [];
    const agreed = (writesOf.get(life.iccid) ?? []).flatMap((write) => (write.at <= at ? grantIn(write.esim, since) : []));
    const until = Math.max(...agreed.map((grant) => Date.parse(grant.until)));
    return at > until + WORKER + seen.skewMilliseconds ? [`${rechargeId} was confirmed when its payer's agreement was over`] : [];
  });
  return [...tooMuch, ...tooLate];
}

function lowAndFresh({ seen, lives }: Case): string[] {
  const credits = [...grouped([...lives.values()], ({ iccid }) => iccid).values()];
  return credits.flatMap((ofLine) =>
    ofLine.flatMap(({ rechargeId, first, reservedAt }) => {
      const { rule, open } = first.esim;
      // Who wants it there and then may have it; a backup stands on the balance of what was declined; what was announced and dropped stands on none.
      if (open?.origin !== undefined || open?.state.name === "ended") return [];
      if (rule === undefined || open?.reading === undefined) return [`${rechargeId} was reserved without a rule`];
      const { balance, readAt } = open.reading;
      if (balance.currency === rule.threshold.currency && balance.amount >= rule.threshold.amount) return [`${rechargeId} was made for a line that was well`];
      const isOld = ofLine.some(
        ({ end, bill }) => end?.name === "succeeded" && end.at < first.at && !isUndone(seen, end.at) && bill !== undefined && readAt <= bill.endedAt,
      );
      if (isOld) return [`${rechargeId} was made on a balance from before the last credit`];
      const age = reservedAt - Date.parse(readAt); // not when it was written: a write may arrive hours late, and takes the line where a restore made room for it
      const isStale = age > READING + WORKER + seen.skewMilliseconds;
      return isStale ? [`${rechargeId} was made on a balance that was ${Math.round(age / MINUTE)} minutes old`] : [];
    }),
  );
}

/** The record on which it was reserved said nothing of a time to wait for. */
function leftAlone({ seen, lives, writesOf }: Case): string[] {
  return [...lives.values()].flatMap(({ rechargeId, iccid, first, origin }) => {
    if (origin !== undefined) return [];
    const writes = writesOf.get(iccid) ?? [];
    const { quietUntil, quietWhileLow } = writes[writes.findIndex(({ at, esim }) => at === first.at && esim === first.esim) - 1]?.esim ?? {};
    // One that is quiet only while it is low may have been seen well since.
    if (quietUntil === undefined || quietWhileLow === true || Date.parse(quietUntil) <= first.at + 2 * seen.skewMilliseconds) return [];
    return [`${rechargeId} was made for a line that was to be left alone until ${quietUntil}`];
  });
}

function declinesKept({ seen, lives }: Case): string[] {
  const kept = new Map(seen.declines.toReversed().map(({ at, decline }) => [decline.rechargeId, at])); // the first of each
  return [...lives.values()].flatMap(({ rechargeId, end }) => {
    if (end?.name !== "declined") return [];
    return (kept.get(rechargeId) ?? Number.POSITIVE_INFINITY) <= end.at ? [] : [`${rechargeId} ended declined, and its card does not remember it`];
  });
}

function unpaidIsCanceled({ seen, lives }: Case): string[] {
  const paidEnds = new Set(["succeeded", "refunded"]);
  return seen.bills.flatMap(({ rechargeId, end, paymentIntentId }) => {
    const canceledAt = seen.canceledAt.get(paymentIntentId ?? "") ?? Number.POSITIVE_INFINITY;
    if (paidEnds.has(end) || paymentIntentId === undefined || canceledAt <= (lives.get(rechargeId)?.end?.at ?? 0)) return [];
    return [`${rechargeId} ended ${end}, and its payment is not canceled`];
  });
}

function notStopped({ seen, lives }: Case): string[] {
  return seen.confirms.flatMap(({ at, rechargeId }) => {
    const isStopped = isOnSince(seen.killSwitches, at - WORKER, at);
    if (isStopped) return [`${rechargeId} was confirmed under the kill switch`];
    const { subscriberId } = lives.get(rechargeId) ?? {};
    const isHeld = isOnSince(
      seen.holds.filter((hold) => hold.subscriberId === subscriberId),
      at - WORKER,
      at,
    );
    return isHeld ? [`${rechargeId} was confirmed although its subscriber was paused`] : [];
  });
}

/** Whether it was on at the one time, and off at none until the other. */
function isOnSince(turns: readonly At<{ readonly on: boolean }>[], from: number, to: number): boolean {
  return turns.findLast(({ at }) => at <= from)?.on === true && !turns.some(({ at, on }) => at > from && at <= to && !on);
}

const END_EVENTS: Readonly<Record<string, string>> = {
  succeeded: "RechargeSucceeded",
  declined: "RechargeDeclined",
  cancelled: "RechargeCancelled",
  expired: "RechargeExpired",
  refunded: "RechargeRefunded",
};

function everythingTold({ seen, lives }: Case): string[] {
  const told = new Set(seen.published.map(({ event }) => event.id));
  const toldNames = new Set(seen.published.map(({ event }) => `${event.name} ${"rechargeId" in event ? event.rechargeId : ""}`));
  const kept = seen.writes.filter(({ at }) => !isUndone(seen, at));
  const neverBegun = droppedOnAnnouncement(kept);
  const pending = kept.flatMap(({ esim }) => esim.pendingEvents).filter((event) => event.name !== "RechargeAnnounced" || !neverBegun.has(event.rechargeId));
  const untold = [...new Set(pending.map(({ id }) => id))].filter((id) => !told.has(id)).map((id) => `${id} was never told`);
  const silent = [...lives.values()]
    .filter(({ end, rechargeId }) => end !== undefined && !isUndone(seen, end.at) && !toldNames.has(`${END_EVENTS[end.name]} ${rechargeId}`))
    .map(({ rechargeId, end }) => `${rechargeId} ended ${end?.name} and nobody was told`);
  return [...untold, ...silent];
}

/** Cancelled while they were announced, and nothing in between: their end is told, and that they would come need not be any more. */
function droppedOnAnnouncement(writes: readonly At<{ readonly esim: Esim }>[]): Set<string> {
  const states = grouped(
    writes.flatMap(({ esim: { open } }) => open ?? []),
    ({ rechargeId }) => rechargeId,
  );
  const isDropped = ({ state }: OpenRecharge) => state.name === "ended" && state.end === "cancelled";
  const dropped = [...states].filter(([, opens]) => opens.some(isDropped) && opens.every((open) => open.state.name === "announced" || isDropped(open)));
  return new Set(dropped.map(([rechargeId]) => rechargeId));
}

const NOTHING_TAKEN: ReadonlySet<string> = new Set(["RechargeDeclined", "RechargeCancelled", "RechargeExpired"]);

function nothingInvented({ seen, lives }: Case): string[] {
  const firstPending = new Map<string, number>();
  const byHand = givenByHand(seen);
  for (const { at, esim } of seen.writes) for (const { id } of esim.pendingEvents) if (!firstPending.has(id)) firstPending.set(id, at);
  return seen.published.flatMap(({ at, event }) => {
    if (event.name === "LowBalanceDetected" || event.name === "ReconciliationBreakFound") return [];
    if ((firstPending.get(event.id) ?? Number.POSITIVE_INFINITY) > at) return [`${event.id} was told before it was stored`];
    if (!("rechargeId" in event)) return [];
    const { rechargeId } = event;
    const { paid = [] } = lives.get(rechargeId) ?? {};
    const isCredited = seen.topUps.some((topUp) => topUp.reference === rechargeId && !topUp.isRefused && topUp.at <= at);
    const isPaid = paid.some((charge) => charge.at <= at);
    if (event.name === "RechargeSucceeded" && !(isPaid && isCredited)) return [`${event.id} was told, and it is not so`];
    if (NOTHING_TAKEN.has(event.name) && paid.length > 0 && !isUndone(seen, at)) return [`${event.id} was told, and money was taken`];
    const isGivenBack = isPaid && (paid.every(({ givenBackAt, wasTouched }) => (givenBackAt ?? at + 1) <= at || wasTouched) || byHand.has(rechargeId));
    return event.name === "RechargeRefunded" && !isGivenBack ? [`${event.id} was told, and nothing was given back`] : [];
  });
}

function billsAgree({ seen, lives }: Case): string[] {
  const found = [...lives.values()].flatMap(({ rechargeId, end, bill, paid, credits, isForgotten }) => {
    if (isForgotten || end === undefined || isUndone(seen, end.at)) return [];
    if (bill === undefined) return [`${rechargeId} ended ${end.name} without a bill`];
    const taken = paid.reduce((sum, { amount }) => sum + amount, 0);
    const credited = credits.reduce((sum, { amount }) => sum + amount, 0);
    const says = [bill.end, bill.charged.amount, bill.credited.amount, bill.refunded.amount].join(" ");
    const is = [end.name, taken, credited, end.name === "refunded" ? taken : 0].join(" ");
    return says === is ? [] : [`${rechargeId}: the bill says ${says}, and it is ${is}`];
  });
  const unknown = seen.bills
    .filter(({ rechargeId }) => lives.get(rechargeId)?.end === undefined)
    .map(({ rechargeId }) => `${rechargeId} has a bill and never ended`);
  return [...found, ...unknown];
}

function everythingEnds({ seen }: Case): string[] {
  const told = new Set(seen.published.flatMap(({ event }) => (event.name === "RechargeNeedsReview" ? [event.rechargeId] : [])));
  return seen.lines.flatMap(({ iccid, open, requested, pendingEvents, lookAt }) => {
    const line = `…${iccid.slice(-4)}`;
    if (pendingEvents.length > 0) return [`${line} still has something to tell`];
    if (requested !== undefined) return [`${requested.rechargeId} is still to be made`];
    if (open === undefined) return lookAt === undefined ? [] : [`${line} is still to be looked at, for nothing`];
    if (open.state.name !== "needs-review") return [`${open.rechargeId} is still ${open.state.name}`];
    return told.has(open.rechargeId) ? [] : [`${open.rechargeId} waits for a review of which nobody was told`];
  });
}

/** By payer and line, in the month that was counted last. */
function limitsCount({ seen, lives }: Case): string[] {
  return seen.lines.flatMap(({ iccid, spend }) =>
    Object.entries(spend).flatMap(([subscriberId, { month, monthAmounts }]) => {
      const counted = [...lives.values()].filter(({ end, isForgotten, ...life }) => {
        const isHere = life.iccid === iccid && life.subscriberId === subscriberId && life.month === month;
        return isHere && end?.name === "succeeded" && !isForgotten;
      });
      const taken = counted.flatMap(({ paid }) => paid).reduce((sum, { amount, refunded }) => sum + amount - refunded, 0);
      const booked = monthAmounts.reduce((sum, { amount }) => sum + amount, 0);
      return taken === booked ? [] : [`…${iccid.slice(-4)} counts ${booked} for ${subscriberId} in ${month}, and it is ${taken}`];
    }),
  );
}

function refundsAreCertain({ seen }: Case): string[] {
  if (seen.answersAreFinal) return [];
  const hasty = seen.bills.filter(({ end, reason }) => end === "refunded" && reason !== "resolved-by-operator");
  return hasty.map(({ rechargeId }) => `${rechargeId} was given back, and its carrier may credit it yet`);
}

/** Whoever could not tell whether a line was credited had asked the carrier: not only those before. */
function reviewsAreNeeded({ seen, lives, writesOf }: Case): string[] {
  return [...lives.values()].flatMap(({ rechargeId, iccid }) => {
    const states = (writesOf.get(iccid) ?? []).flatMap(({ esim: { open } }) => (open?.rechargeId === rechargeId ? [open.state] : []));
    const review = states.find((state) => state.name === "needs-review");
    if (review?.name !== "needs-review" || review.reason !== "carrier-unclear") return [];
    const since = Date.parse(review.since);
    const wasAsked = seen.asks.some(({ at, reference }) => reference === rechargeId && Math.abs(since - at) < WORKER + seen.skewMilliseconds);
    return wasAsked ? [] : [`${rechargeId} was put under review, and nobody had asked the carrier`];
  });
}

/** A low line is found, judged and recharged, or has a reason not to be, within so long after all faults are over. */
const LONGEST_LOW = 3 * HOUR;

function noLineStarves({ seen, writesOf }: Case): string[] {
  const isStopped = seen.killSwitches.at(-1)?.on === true;
  return seen.lines.flatMap(({ iccid, rule, subscriberId, family, open, quietUntil }) => {
    const { available, ownerId, holder } = seen.balances.get(iccid) ?? {};
    const isAgreed = family?.subscriberId === subscriberId && family?.holder === holder && Date.parse(family?.until ?? "") > seen.checkedUntil;
    const isPayable = ownerId === subscriberId || isAgreed;
    if (isStopped || open !== undefined || rule?.status.state !== "active" || available === undefined || !isPayable) return [];
    const releasedAt = [...seen.killSwitches, ...seen.holds].map(({ at }) => at);
    const lastMovedAt = writesOf.get(iccid)?.at(-1)?.at ?? 0;
    const awakeSince = Math.max(seen.convergesAt, lastMovedAt, ...releasedAt, quietUntil === undefined ? 0 : Date.parse(quietUntil));
    if (available >= rule.threshold.amount || seen.checkedUntil - awakeSince < LONGEST_LOW) return [];
    return [`…${iccid.slice(-4)} has ${available}, below ${rule.threshold.amount}, and nothing happens`];
  });
}

function latest(keys: readonly string[]): string {
  return keys.reduce((a, b) => (a > b ? a : b), "");
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dayIn(timeZone: string, at: number): string {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("en-US", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  formats.set(timeZone, format);
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
}
