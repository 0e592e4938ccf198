import { type Esim, newEsim } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Esims, Ids, Log, Pokes } from "../../domain/ports.ts";
import { HttpProblem } from "../problem.ts";

/** The machine may write the same line at any moment; it never takes long. */
const TRIES = 5;

/** Saves a change of who pays for a line, and has the line looked at. A write of the machine in between costs another try, never the change. */
export async function changeLine(
  { esims, pokes, ids, log }: { readonly esims: Esims; readonly pokes: Pokes; readonly ids: Ids; readonly log: Log },
  iccid: Iccid,
  change: (esim: Esim) => Esim,
): Promise<Esim> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const changed = change((await esims.load(iccid)) ?? newEsim(iccid));
    const saved = await esims.save(changed, ids.next());
    if (saved === undefined) continue;
    await pokes.send([{ iccid }]).catch((error: unknown) => log.warn("poke-failed", { error })); // the sweeper finds what is to be done
    return saved;
  }
  throw new HttpProblem(503, "try-again", "The line is being changed right now; nothing was saved", [], { "retry-after": "1" });
}
