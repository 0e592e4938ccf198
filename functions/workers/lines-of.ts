import type { Iccid } from "../domain/iccid.ts";
import type { Esims, Subscribers } from "../domain/ports.ts";

export interface LinesOfPorts {
  readonly esims: Pick<Esims, "listBySubscriber">;
  readonly subscribers: Pick<Subscribers, "listLines">;
}

/** Of 100 lines each: far more than anybody pays for. */
const MOST_PAGES = 100;

/**
 * Every line on which a subscriber may have something: a rule, a grant, a recharge that is wanted or open.
 *
 * What can lead to a recharge is noted under its payer first (`putLine`), and the notes are read as they are: so this finds what was begun a moment ago, and what is open on a line
 * that somebody else pays for. The index by payer, which may be late and knows one payer of a line, has the others, and those from before there were notes.
 */
export async function linesOf({ esims, subscribers }: LinesOfPorts, subscriberId: string): Promise<Iccid[]> {
  const found = new Set(await subscribers.listLines(subscriberId));
  let page: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const { items, next } = await esims.listBySubscriber(subscriberId, page);
    for (const iccid of items) found.add(iccid);
    page = next;
    if (page === undefined) return [...found];
  }
  throw new Error(`A subscriber's lines go on after ${MOST_PAGES} pages`);
}
