import { type Esim, ruleOf } from "../../domain/esim.ts";
import type { Carrier, CarrierEsim, Esims } from "../../domain/ports.ts";
import { leftThisMonth } from "../../domain/spend.ts";
import type { Instant } from "../../domain/time.ts";
import { type KnownSubscriberPorts, knownSubscriber } from "../known-subscriber.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";

export interface ListEsimsPorts extends KnownSubscriberPorts {
  readonly esims: Esims;
  readonly carrier: Carrier;
  readonly clock: { now(): Instant };
}

/** The caller's lines, as the carrier lists them, with what is available on each right now and how its rule stands. */
export async function listEsims({ esims, carrier, clock, ...ports }: ListEsimsPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const profile = await knownSubscriber(ports, request);
  const lines = await carrier.listEsims(profile);
  const iccids = lines.map((line) => line.iccid);
  const [balances, stored] = await Promise.all([carrier.getBalances(iccids), esims.loadMany(iccids)]);
  const known = new Map(stored.map((esim) => [esim.iccid, esim]));
  const data = lines.map((line) => {
    const reading = balances.get(line.iccid); // the carrier may list a line and not say its balance
    return {
      ...lineView(line, known.get(line.iccid), request.subscriberId, clock.now()),
      balance: reading?.balance ?? null,
      balanceReadAt: reading?.readAt ?? null,
    };
  });
  return { status: 200, body: { data } };
}

function lineView({ iccid, currency }: CarrierEsim, esim: Esim | undefined, subscriberId: string, now: Instant) {
  const rule = ruleOf(esim, subscriberId);
  const open = esim?.open?.subscriberId === subscriberId ? esim.open : undefined;
  return {
    iccid,
    currency,
    rule: rule === undefined ? null : { status: rule.status, leftThisMonth: leftThisMonth(esim?.spend[subscriberId], rule.limits, rule.consent.timeZone, now) },
    openRecharge: open === undefined ? null : { rechargeId: open.rechargeId, amount: open.amount, state: open.state.name, reservedAt: open.reservedAt },
  };
}
