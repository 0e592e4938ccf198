import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { applyDue, applyMove, isFromBeforeLastCredit, isUntoldTooLong, lineAgainstAnnounced } from "../../domain/recharge.ts";
import type { CancelReason, RechargeState } from "../../domain/recharge-states.ts";
import { plusMinutes } from "../../domain/time.ts";
import { record } from "../record.ts";
import { lineOf } from "./line-of.ts";
import { findMade } from "./pay.ts";
import type { RechargePorts } from "./ports.ts";
import { stopOf } from "./standing.ts";
import { move, type Step } from "./step.ts";

type Announced = Extract<RechargeState, { name: "announced" }>;

/** How long after its time an announced recharge may still be judged: then it is dropped, and the next check decides anew. */
const LATE_MINUTES = 60;

/** Drops what its payer skipped, or what the rule does not want any more; when the time has come, judges the line again on the balance that it has now. */
export async function waitForNotice(ports: RechargePorts, esim: Esim, open: OpenRecharge, { chargeAt }: Announced): Step {
  const now = ports.clock.now();
  const dropped = (reason: CancelReason) => move(ports, esim, open, { type: "dropped", reason, at: ports.clock.now() });
  // The next check announces anew what could not be told.
  const against = lineAgainstAnnounced(esim, open) ?? (isUntoldTooLong(esim, open, now) ? "outdated" : undefined);
  if (against === undefined && now < chargeAt) return "wait";
  // A line that came back from a backup may have been charged for this since: that one is gone on with.
  const made = await findMade(ports, open);
  if (made.length > 0) return goOn(ports, esim, open);
  if (against !== undefined) return dropped(against);
  if (now > plusMinutes(chargeAt, LATE_MINUTES)) return dropped("outdated");
  return judgeAgain(ports, esim, open, dropped);
}

/** As if another worker had reserved it: whoever takes that over finds what was made. */
async function goOn(ports: RechargePorts, esim: Esim, open: OpenRecharge): Step {
  const { amount, period, reading, rechargeId, reservedAt } = open;
  if (reading === undefined) throw new Error(`Recharge ${rechargeId} was announced without a reading`);
  // It stays as old as it is: what was made is looked for from then on.
  const due = { type: "due", amount, period, reading, at: reservedAt } as const;
  const recorded = await record(ports, esim, (current) => applyMove(current, rechargeId, due, ports.clock.now()));
  return { ...recorded, own: false };
}

async function judgeAgain(ports: RechargePorts, esim: Esim, open: OpenRecharge, dropped: (reason: CancelReason) => Step): Step {
  const { carrier, subscribers, cards, recharges, clock, ids } = ports;
  const { iccid } = esim;
  const { rechargeId, subscriberId, method } = open;
  const line = await lineOf(ports, esim, subscriberId);
  if (line === undefined) return dropped("line-lost"); // the next judgement suspends the rule
  const reading = (await carrier.getBalances([iccid])).get(iccid);
  if (reading === undefined || isFromBeforeLastCredit(esim, reading)) return "wait";
  const stop = await stopOf(ports, subscriberId);
  if (stop !== undefined) return dropped(stop);
  if ((await subscribers.getMethod(subscriberId, method.id)) === undefined) return dropped("payment-method-unusable");
  const declines = await cards.listDeclines(method.cardKey);
  const answer = { balance: reading.balance, readAt: reading.readAt };
  await recharges.putStep({ rechargeId, stepId: ids.next(), at: clock.now(), state: open.state.name, asked: "judge", answer });
  return record(ports, esim, (current) => applyDue(current, rechargeId, { reading, declines, topUpAmounts: line.topUpAmounts }, clock.now()));
}
