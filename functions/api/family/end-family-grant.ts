import { endGrant } from "../../domain/give-grant.ts";
import type { Clock, Esims, Ids, Log, Pokes } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { changeLine } from "./change-line.ts";

export interface EndGrantPorts {
  readonly esims: Esims;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** The caller does not pay for the line any more; their rule goes with it. */
export async function endFamilyGrant(ports: EndGrantPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { iccid = "" } = request.params;
  const now = ports.clock.now();
  await changeLine(ports, iccid, (esim) => {
    const ended = endGrant(esim, request.subscriberId, now);
    if (ended === undefined) throw new HttpProblem(404, "not-found", "You pay for no such line");
    return ended;
  });
  return { status: 204 };
}
