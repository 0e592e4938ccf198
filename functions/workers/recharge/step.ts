import type { Esim, OpenRecharge } from "../../domain/esim.ts";
import { applyMove } from "../../domain/recharge.ts";
import type { Move } from "../../domain/recharge-states.ts";
import { type Recorded, record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";

/** The line after one thing was done, or that the world must be waited for. */
export type Step = Promise<Recorded | "wait">;

/** Records what was found out about an open recharge. */
export function move(ports: RechargePorts, esim: Esim, open: OpenRecharge, found: Move): Step {
  return record(ports, esim, (current) => applyMove(current, open.rechargeId, found, ports.clock.now()));
}
