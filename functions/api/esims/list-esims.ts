import type * as z from "zod/mini";
import type { esimReply } from "../../contracts/esims.ts";
import { type Esim, ruleOf } from "../../domain/esim.ts";
import { grantOf } from "../../domain/family.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Carrier, CarrierEsim, Clock, Esims } from "../../domain/ports.ts";
import { leftThisMonth } from "../../domain/spend.ts";
import type { Instant } from "../../domain/time.ts";
import { grantView } from "../family/grant-view.ts";
import { type KnownSubscriberPorts, recentSubscriber } from "../known-subscriber.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";

export interface ListEsimsPorts extends KnownSubscriberPorts {
  readonly esims: Esims;
  readonly carrier: Carrier;
  readonly clock: Clock;
}

/** The caller's lines, as the carrier lists them, with what is available on each right now and how its rule stands; and, without that, lines of others that they pay for. */
export async function listEsims(ports: ListEsimsPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { esims, carrier, clock } = ports;
  const profile = await recentSubscriber(ports, request);
  const lines = await carrier.listEsims(profile);
  const iccids = lines.map((line) => line.iccid);
  const [balances, stored] = await Promise.all([carrier.getBalances(iccids), esims.loadMany(iccids)]);
  const known = new Map(stored.map((esim) => [esim.iccid, esim]));
  const data = lines.map((line): z.input<typeof esimReply> => {
    const reading = balances.get(line.iccid); // the carrier may list a line and not say its balance
    return {
      ...lineView(line, known.get(line.iccid), request.subscriberId, clock.now()),
      balance: reading?.balance ?? null,
      balanceReadAt: reading?.readAt ?? null,
    };
  });
  return { status: 200, body: { data: [...data, ...(await familyLines(esims, request.subscriberId, new Set(iccids), clock.now()))] } };
}

/** Of 100 lines each: more than anybody pays for. */
const MOST_PAGES = 10;

/** Whose balance is nobody's business but their holders': the carrier is not even asked for it. */
async function familyLines(esims: Esims, subscriberId: string, own: ReadonlySet<Iccid>, now: Instant): Promise<object[]> {
  const found: object[] = [];
  let page: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const { items, next } = await esims.listBySubscriber(subscriberId, page);
    for (const esim of await esims.loadMany(items.filter((iccid) => !own.has(iccid)))) {
      const grant = grantOf(esim, subscriberId);
      if (grant === undefined) continue;
      const line = { iccid: esim.iccid, currency: grant.cap.currency };
      found.push({ ...lineView(line, esim, subscriberId, now), balance: null, balanceReadAt: null, family: grantView(grant) });
    }
    if (next === undefined) break;
    page = next;
  }
  return found;
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
