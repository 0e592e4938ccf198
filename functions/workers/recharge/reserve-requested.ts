import type { Esim, Reading, Requested } from "../../domain/esim.ts";
import type { Money } from "../../domain/money.ts";
import { applyRequestDropped, applyRequested, backupAmount } from "../../domain/recharge.ts";
import { type Recorded, record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";

/**
 * Reserves what was requested: by its payer, or by the backup of a declined way to pay.
 *
 * Nothing was asked that speaks against it, so it is gone on with as if another worker had reserved it: whoever does that asks.
 */
export async function reserveRequested(ports: RechargePorts, esim: Esim, requested: Requested): Promise<Recorded> {
  const { iccid } = esim;
  const { rechargeId, origin, subscriberId, method, consent, check } = requested;
  const judged = origin === "backup" ? await judgeBackup(ports, esim, requested) : { amount: requested.amount };
  // One that has its bill was made before, and came back from a backup of the table.
  if (judged === undefined || (await ports.recharges.getBill(rechargeId)) !== undefined) {
    return record(ports, esim, (current) => applyRequestDropped(current, rechargeId));
  }
  const { amount, reading } = judged;
  const now = ports.clock.now();
  const spend = esim.spend[subscriberId];
  const declines = (await ports.cards.listDeclines(method.cardKey)).length;
  const rule = origin === "backup" && esim.rule !== undefined ? ruleOf(esim.rule) : undefined;
  // Before the line is taken, as for every recharge: why it was made is on record.
  await ports.recharges.putStart({
    rechargeId,
    iccid,
    subscriberId,
    at: now,
    origin,
    amount,
    rule,
    consent,
    reading,
    check,
    cardKey: method.cardKey,
    spend,
    declines,
  });
  const reserved = await record(ports, esim, (current) => applyRequested(current, rechargeId, ports.clock.now(), judged));
  return { ...reserved, own: false };
}

/** What it stands in for was declined a moment ago, or long ago: the line is judged on the balance that it has now. Undefined: it is not wanted any more. */
async function judgeBackup({ carrier, clock }: RechargePorts, esim: Esim, requested: Requested): Promise<{ amount: Money; reading?: Reading } | undefined> {
  const reading = (await carrier.getBalances([esim.iccid])).get(esim.iccid);
  const amount = reading && backupAmount(esim, requested, reading, clock.now());
  return amount && { amount, reading };
}

function ruleOf({ version, threshold, topUp, limits, paymentMethodId, noticeMinutes }: NonNullable<Esim["rule"]>) {
  return { version, threshold, topUp, limits, paymentMethodId, noticeMinutes };
}
