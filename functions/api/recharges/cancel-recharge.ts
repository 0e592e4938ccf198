import type { Clock, Esims, Ids, Log, Pokes, Recharges } from "../../domain/ports.ts";
import { applyCancelRequest } from "../../domain/recharge.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";

export interface CancelRechargePorts {
  readonly esims: Esims;
  readonly recharges: Pick<Recharges, "getStart">;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** The machine may write the same line at any moment; it never takes long. */
const TRIES = 5;

/** Notes that the caller does not want their open recharge any more; the recharge function acts on it. */
export async function cancelRecharge(ports: CancelRechargePorts, { subscriberId, params }: ApiRequest<undefined>): Promise<ApiResponse> {
  const { rechargeId = "" } = params;
  const start = await ports.recharges.getStart(rechargeId);
  if (start?.subscriberId !== subscriberId) throw new HttpProblem(404, "not-found", "You have no such recharge");
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const esim = await ports.esims.load(start.iccid);
    const next = esim && applyCancelRequest(esim, rechargeId, subscriberId, ports.clock.now());
    if (next === undefined) throw new HttpProblem(409, "recharge-too-far", "It has ended, or is being paid already: read it to see");
    if (next !== esim && (await ports.esims.save(next, ports.ids.next())) === undefined) continue;
    await ports.pokes.send([{ iccid: start.iccid }]).catch((error: unknown) => ports.log.warn("poke-failed", { error }));
    return { status: 202 };
  }
  throw new HttpProblem(503, "try-again", "The line is being changed right now; nothing was saved", [], { "retry-after": "1" });
}
