import type { Esim, Requested } from "../../domain/esim.ts";
import { applyRequested } from "../../domain/recharge.ts";
import { type Recorded, record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";

/**
 * Reserves what was requested: by its payer, or by the backup of a declined way to pay.
 *
 * Nothing was asked that speaks against it, so it is gone on with as if another worker had reserved it: whoever does that asks.
 */
export async function reserveRequested(ports: RechargePorts, esim: Esim, requested: Requested): Promise<Recorded> {
  const { iccid } = esim;
  const { rechargeId, origin, subscriberId, amount, method, consent, reading } = requested;
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
    cardKey: method.cardKey,
    spend,
    declines,
  });
  const reserved = await record(ports, esim, (current) => applyRequested(current, rechargeId, ports.clock.now()));
  return { ...reserved, own: false };
}

function ruleOf({ version, threshold, topUp, limits, paymentMethodId, noticeMinutes }: NonNullable<Esim["rule"]>) {
  return { version, threshold, topUp, limits, paymentMethodId, noticeMinutes };
}
