import type * as z from "zod/mini";
import type { billReply, openRechargeReply, requestedReply } from "../../contracts/recharges.ts";
import type { Bill } from "../../domain/bill.ts";
import type { Esim, OpenRecharge, PaymentMethod, Requested } from "../../domain/esim.ts";
import { mayBePaid } from "../../domain/family.ts";
import { type Iccid, lastFour } from "../../domain/iccid.ts";
import type { Clock, Esims, Payments, Recharges } from "../../domain/ports.ts";
import { grantView } from "../family/grant-view.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";

export interface ReadRechargesPorts {
  readonly recharges: Recharges;
  readonly esims: Esims;
  /** Made when it is needed: most reads are of recharges that wait for nobody. */
  readonly payments: () => Promise<Pick<Payments, "clientSecret">>;
  readonly clock: Clock;
}

/** The caller's ended recharges, newest first: the bill records. Open ones stand in GET /v1/esims. */
export async function listRecharges({ recharges }: Pick<ReadRechargesPorts, "recharges">, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { items, next } = await recharges.listBills(request.subscriberId, request.page);
  return { status: 200, body: { data: items.map(endedView), next } };
}

/** One recharge, ended (with what happened to it since) or open (with what the customer needs to act, if it waits for them). `admit` throws when Stripe was asked too often. */
export async function readRecharge(ports: ReadRechargesPorts, request: ApiRequest<undefined>, admit: () => Promise<void>): Promise<ApiResponse> {
  const { recharges, esims } = ports;
  const { rechargeId = "" } = request.params;
  const start = await recharges.getStart(rechargeId);
  // The line first: a recharge that ends in between leaves its bill before it leaves the line.
  const esim = start?.subscriberId === request.subscriberId ? await esims.load(start.iccid) : undefined;
  const { open, requested } = esim ?? {};
  const { bill, adjustments } = await recharges.getHistory(rechargeId);
  if (bill?.subscriberId === request.subscriberId) {
    return { status: 200, body: { ...endedView(bill), adjustments: adjustments.map(({ rechargeId: _this, ...told }) => told) } };
  }
  if (esim !== undefined && open?.rechargeId === rechargeId) {
    return { status: 200, body: { ...openView(esim.iccid, open), ...(await actionOf(ports, esim, open, admit)) } };
  }
  if (start !== undefined && requested?.rechargeId === rechargeId) return { status: 200, body: requestedView(start.iccid, requested) };
  throw new HttpProblem(404, "not-found", "You have no such recharge");
}

export function endedView({ subscriberId: _caller, lineHash: _ours, end, origin, family, reading, ...bill }: Bill): z.input<typeof billReply> {
  return { ...bill, ...shownOf({ family, reading }), origin: origin ?? "rule", status: end };
}

/** Who pays for somebody else's line sees on which terms, and not its balance. */
function shownOf({ family, reading }: Pick<Bill, "family" | "reading">) {
  return family === undefined ? { reading } : { family: grantView(family) };
}

export function requestedView(iccid: Iccid, { rechargeId, amount, method, cancelRequested }: Requested): z.input<typeof requestedReply> {
  return { rechargeId, lineLastFour: lastFour(iccid), status: "requested", amount, method: methodView(method), isCalledOff: cancelRequested !== undefined };
}

function methodView({ id, brand, lastFour: digits }: PaymentMethod) {
  return { id, brand, lastFour: digits };
}

/** What lets the customer's browser pay this very PaymentIntent, and until when. Never kept, and given to its payer only, while they may pay for the line. */
async function actionOf(
  { payments, clock }: ReadRechargesPorts,
  esim: Esim,
  open: OpenRecharge,
  admit: () => Promise<void>,
): Promise<Pick<z.input<typeof openRechargeReply>, "action">> {
  const { state } = open;
  const now = clock.now();
  if (state.name !== "awaiting-customer" || state.expiresAt <= now || !mayBePaid(esim, open, now)) return {};
  await admit();
  const clientSecret = await (await payments()).clientSecret(state.paymentIntentId);
  return { action: { expiresAt: state.expiresAt, clientSecret } };
}

export function openView(iccid: Iccid, open: OpenRecharge): z.input<typeof openRechargeReply> {
  const { rechargeId, amount, method, origin, ruleVersion, consent, family, reading, reservedAt, state, cancelRequested } = open;
  return {
    rechargeId,
    lineLastFour: lastFour(iccid),
    status: state.name === "ended" ? state.end : state.name,
    amount,
    method: methodView(method),
    chargeAt: state.name === "announced" ? state.chargeAt : undefined,
    isCalledOff: cancelRequested !== undefined,
    origin: origin ?? "rule",
    ruleVersion,
    consent,
    ...shownOf({ family, reading }),
    reservedAt,
  };
}
