import { type Esim, type OpenRecharge, type PaymentMethod, type Reading, suspendRule } from "../../domain/esim.ts";
import type { RechargeStart } from "../../domain/ports.ts";
import { applyAwake, applyReserved, applyWait, decideRecharge, isFromBeforeLastCredit, type LineFacts } from "../../domain/recharge.ts";
import { epochMilliseconds, type Instant } from "../../domain/time.ts";
import type { Recorded } from "../record.ts";
import { lineOf, lostBecause } from "./line-of.ts";
import type { RechargePorts } from "./ports.ts";
import type { Report } from "./recharge-line.ts";
import { stopOf } from "./standing.ts";

const TRIES = 5;

/**
 * Judges a free line on the balance it has now, and reserves a recharge if it is due. Every conflict judges again from the start.
 *
 * Undefined: another worker reserved meanwhile, and goes on.
 */
export async function judgeLine(ports: RechargePorts, esim: Esim, report: Report | undefined): Promise<Recorded | undefined> {
  let current = esim;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const judged = await judgeOnce(ports, current, report);
    if (judged === current) return { esim: current, own: false };
    const saved = await ports.esims.save(judged, ports.ids.next());
    if (saved !== undefined) return { esim: saved, own: true };
    const reloaded = await ports.esims.load(esim.iccid);
    if (reloaded === undefined || reloaded.open !== undefined) return undefined;
    current = reloaded;
  }
  throw new Error(`The line was changed by others ${TRIES} times in a row`);
}

async function judgeOnce(ports: RechargePorts, esim: Esim, report: Report | undefined): Promise<Esim> {
  const { rule, subscriberId } = esim;
  if (rule === undefined || subscriberId === undefined || rule.status.state !== "active") return esim;

  const reading = await readBalance(ports, esim, report);
  if (reading === undefined) {
    // A line that left the carrier is not the payer's any more; one that is still listed is the carrier's fault, and logged.
    return (await lineOf(ports, esim, subscriberId)) ? esim : suspendRule(esim, lostBecause(esim), ports.clock.now());
  }
  if (isFromBeforeLastCredit(esim, reading)) {
    ports.log.warn("balance-outdated", { subscriberId, readAt: reading.readAt });
    return esim; // the next check judges the next reading
  }
  // Most lines are well: they are left with one call to the carrier. What follows is asked only for a line that is low.
  const first = decideRecharge(esim, reading.balance, { declines: [] }, ports.clock.now());
  if (first.kind === "leave") return esim;
  if (first.kind === "wake") return applyAwake(esim);
  const stop = await stopOf(ports, subscriberId);
  if (stop === "paused-by-operator") return suspendRule(esim, stop, ports.clock.now());
  if (stop !== undefined) {
    ports.log.warn(stop, { subscriberId });
    return esim; // nothing is lost: a line that is low is still low at the check after the switch
  }
  const line = await lineOf(ports, esim, subscriberId);
  if (line === undefined) return suspendRule(esim, lostBecause(esim), ports.clock.now());
  const method = await ports.subscribers.getMethod(subscriberId, rule.paymentMethodId);
  if (method === undefined) return suspendRule(esim, "payment-method-gone", ports.clock.now());

  const declines = await ports.cards.listDeclines(method.cardKey);
  return decided(ports, esim, reading, method, { declines, topUpAmounts: line.topUpAmounts }, ports.clock.now());
}

async function decided(ports: RechargePorts, esim: Esim, reading: Judged, method: PaymentMethod, facts: LineFacts, now: Instant): Promise<Esim> {
  const decision = decideRecharge(esim, reading.balance, facts, now);
  switch (decision.kind) {
    case "leave":
      return esim;
    case "wake":
      return applyAwake(esim);
    case "wait":
      return applyWait(esim, decision, reading, now);
    case "suspend":
      return suspendRule(esim, decision.reason, now);
    case "recharge": {
      const { amount, period } = decision;
      const { balance, readAt, check } = reading;
      const reserved = applyReserved(esim, { rechargeId: ports.ids.next(), amount, period, method, reading: { balance, readAt }, check }, now);
      // Before the line is taken: whatever is charged later, why is on record. One that is overtaken here leaves its reasons and nothing else.
      if (reserved.open !== undefined) {
        ports.log.info("reserving", { rechargeId: reserved.open.rechargeId, check });
        await ports.recharges.putStart(startOf(esim, reserved.open, facts.declines.length));
      }
      return reserved;
    }
  }
}

function startOf({ iccid, rule, spend }: Esim, open: OpenRecharge, declines: number): RechargeStart {
  if (rule === undefined) throw new Error("A recharge without a rule");
  const { rechargeId, subscriberId, amount, method, consent, reading, check, reservedAt } = open;
  const { version, threshold, topUp, limits, paymentMethodId, noticeMinutes } = rule;
  const reasons = {
    rule: { version, threshold, topUp, limits, paymentMethodId, noticeMinutes },
    consent,
    reading,
    check,
    cardKey: method.cardKey,
    spend: spend[subscriberId],
    declines,
  };
  return { rechargeId, iccid, subscriberId, at: reservedAt, amount, ...reasons };
}

/** A balance, and the check that reported it, if one did. */
type Judged = Reading & { readonly check?: string };

/** The balance to judge: the report's, if it is of this cycle and the carrier would only repeat it; else a new one. */
async function readBalance(ports: RechargePorts, esim: Esim, report: Report | undefined): Promise<Judged | undefined> {
  const ageSeconds = report === undefined ? Number.POSITIVE_INFINITY : (epochMilliseconds(ports.clock.now()) - epochMilliseconds(report.readAt)) / 1000;
  if (report?.cycle === esim.cycle && ageSeconds >= 0 && ageSeconds < ports.readIntervalSeconds) return report;
  const reading = (await ports.carrier.getBalances([esim.iccid])).get(esim.iccid);
  if (reading === undefined) ports.log.error("balance-missing", { subscriberId: esim.subscriberId });
  return reading;
}
