import type { Esim } from "../domain/esim.ts";
import type { Esims, Ids } from "../domain/ports.ts";

const TRIES = 5;

/** A line after a worker wrote what it knows. `own`: this worker's write brought it where it is, so what comes next was not begun by anybody else. */
export interface Recorded {
  readonly esim: Esim;
  readonly own: boolean;
}

/**
 * Writes what a worker found out, and never drops it: on a conflict the line is read again and the finding applied to what it is now.
 *
 * `apply` gives the same line back when there is nothing to change; then nothing is written.
 */
export async function record({ esims, ids }: { readonly esims: Esims; readonly ids: Ids }, esim: Esim, apply: (esim: Esim) => Esim): Promise<Recorded> {
  let current = esim;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const next = apply(current);
    if (next === current) return { esim: current, own: false };
    const saved = await esims.save(next, ids.next());
    if (saved !== undefined) return { esim: saved, own: true };
    const reloaded = await esims.load(esim.iccid);
    if (reloaded === undefined) throw new Error("The line vanished while it was being worked on");
    current = reloaded;
  }
  throw new Error(`The line was changed by others ${TRIES} times in a row`);
}
