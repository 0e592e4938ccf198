import { isBusyFor, leftBy } from "../domain/erasure.ts";
import type { Esim } from "../domain/esim.ts";
import type { Iccid } from "../domain/iccid.ts";
import { type Clock, type Esims, type Ids, type Log, type Pokes, UnreadableLine } from "../domain/ports.ts";
import { type LinesOfPorts, linesOf } from "./lines-of.ts";
import { record } from "./record.ts";

export interface DropRulesPorts extends LinesOfPorts {
  readonly esims: Esims;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/**
 * Deletes every rule of a subscriber, calls off what is not paid, and has the lines looked at on which something of theirs is not over.
 *
 * Gives whether there is such a line. Only deletes what it finds: broken off anywhere, it is begun again.
 */
export async function dropRules(ports: DropRulesPorts, subscriberId: string): Promise<boolean> {
  let isBusy = false;
  for (const iccid of await linesOf(ports, subscriberId)) {
    const line = await readable(ports, iccid);
    if (line === "unreadable") isBusy = true;
    else if (line !== undefined && (await dropRule(ports, line, subscriberId))) isBusy = true;
  }
  return isBusy;
}

/** A line that cannot be read is charged nothing, and does not keep the rules of the others. */
async function readable({ esims, log }: DropRulesPorts, iccid: Iccid): Promise<Esim | "unreadable" | undefined> {
  try {
    return await esims.load(iccid);
  } catch (error) {
    if (!(error instanceof UnreadableLine)) throw error;
    log.error("unreadable-line", { error: error.message });
    return "unreadable";
  }
}

/** Gives whether something of theirs is not over on the line. */
export async function dropRule(ports: DropRulesPorts, line: Esim, subscriberId: string): Promise<boolean> {
  const { esim } = await record(ports, line, (current) => leftBy(current, subscriberId, ports.clock.now()));
  if (!isBusyFor(esim, subscriberId)) return false;
  // What there is to do stands in the saved item: if this poke is lost, the sweeper finds it.
  await ports.pokes.send([{ iccid: esim.iccid }]).catch((error: unknown) => ports.log.warn("poke-failed", { error }));
  return true;
}
