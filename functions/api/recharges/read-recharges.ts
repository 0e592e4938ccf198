import type { Bill } from "../../domain/bill.ts";
import type { OpenRecharge } from "../../domain/esim.ts";
import { type Iccid, lastFour } from "../../domain/iccid.ts";
import type { Esims, Recharges } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";

export interface ReadRechargesPorts {
  readonly recharges: Recharges;
  readonly esims: Esims;
}

/** The caller's ended recharges, newest first: the bill records. Open ones stand in GET /v1/esims. */
export async function listRecharges({ recharges }: Pick<ReadRechargesPorts, "recharges">, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { items, next } = await recharges.listBills(request.subscriberId, request.page);
  return { status: 200, body: { data: items.map(endedView), next } };
}

/** One recharge, ended or open. */
export async function readRecharge({ recharges, esims }: ReadRechargesPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { rechargeId = "" } = request.params;
  const start = await recharges.getStart(rechargeId);
  if (start?.subscriberId === request.subscriberId) {
    // The line first: a recharge that ends in between leaves its bill before it leaves the line.
    const open = (await esims.load(start.iccid))?.open;
    const bill = await recharges.getBill(rechargeId);
    if (bill !== undefined) return { status: 200, body: endedView(bill) };
    if (open?.rechargeId === rechargeId) return { status: 200, body: openView(start.iccid, open) };
  }
  throw new HttpProblem(404, "not-found", "You have no such recharge");
}

function endedView({ subscriberId: _caller, lineHash: _ours, end, ...bill }: Bill) {
  return { ...bill, status: end };
}

function openView(iccid: Iccid, { rechargeId, amount, method, ruleVersion, consent, reading, reservedAt, state }: OpenRecharge) {
  return {
    rechargeId,
    lineLastFour: lastFour(iccid),
    status: state.name === "ended" ? state.end : state.name,
    amount,
    method: { id: method.id, brand: method.brand, lastFour: method.lastFour },
    ruleVersion,
    consent,
    reading,
    reservedAt,
  };
}
