import * as z from "zod/mini";
import type { Esim, OpenRecharge } from "../functions/domain/esim.ts";
import { type Iccid, lastFour } from "../functions/domain/iccid.ts";
import { formatMoney } from "../functions/domain/money.ts";
import { type Esims, UnreadableLine } from "../functions/domain/ports.ts";
import { isParked } from "../functions/domain/recharge.ts";
import { LOOK_SHARDS } from "../functions/domain/slots.ts";
import type { Instant } from "../functions/domain/time.ts";
import { defineVerb, type OpsPorts, UsageError } from "./verb.ts";

/** Every line with something open has a time to look, and none is later than this. */
const END_OF_TIME: Instant = "9999-12-31T23:59:59.999Z";

export const listVerb = defineVerb({
  help: `list [--open | --review]: the recharges that have not ended
  --open            all of them (this is what it does without a flag)
  --review          only those that wait for a person`,
  options: { open: { type: "boolean", default: false }, review: { type: "boolean", default: false } },
  input: z.object({ open: z.boolean(), review: z.boolean() }),
  async act(ports, { open, review }) {
    if (open && review) throw new UsageError("Choose --open or --review");
    await list(ports, { onlyReview: review });
  },
});

/** Every line on which something is open or to be told, a page at a time. */
export async function* pagesOfBusyLines(esims: Pick<Esims, "listDue">): AsyncGenerator<readonly Iccid[]> {
  for (let shard = 0; shard < LOOK_SHARDS; shard++) {
    let page: string | undefined;
    do {
      const { items, next } = await esims.listDue(`look#${shard}`, END_OF_TIME, page);
      yield items.map(({ iccid }) => iccid);
      page = next;
    } while (page !== undefined);
  }
}

/** Prints the open recharges, the oldest first. A line that cannot be read is named too, as its recharge may be open. */
export async function list({ esims, print }: Pick<OpsPorts, "esims" | "print">, { onlyReview }: { readonly onlyReview: boolean }): Promise<void> {
  const lines: Esim[] = [];
  const unreadable: Iccid[] = [];
  for await (const iccids of pagesOfBusyLines(esims)) {
    const read = await readLines(esims, iccids);
    lines.push(...read.lines);
    unreadable.push(...read.unreadable);
  }

  const found = lines.flatMap(({ iccid, open }) => (open === undefined || (onlyReview && !waitsForPerson(open)) ? [] : [{ iccid, open }]));
  found.sort((a, b) => (a.open.reservedAt < b.open.reservedAt ? -1 : 1));
  for (const { iccid, open } of found) print(row(iccid, open));
  for (const iccid of unreadable) print(`unreadable: line …${lastFour(iccid)} cannot be read. See docs/runbook.md#unreadable-line`);
  print(`${found.length} ${onlyReview ? "waiting for a person" : "open"}${unreadable.length > 0 ? `, ${unreadable.length} unreadable` : ""}`);
}

/** One that cannot be read must not hide the others of its page. */
async function readLines(esims: Esims, iccids: readonly Iccid[]): Promise<{ readonly lines: readonly Esim[]; readonly unreadable: readonly Iccid[] }> {
  try {
    return { lines: await esims.loadMany(iccids), unreadable: [] };
  } catch (error) {
    if (!(error instanceof UnreadableLine)) throw error;
  }
  const lines: Esim[] = [];
  const unreadable: Iccid[] = [];
  for (const iccid of iccids) {
    try {
      const esim = await esims.load(iccid);
      if (esim !== undefined) lines.push(esim);
    } catch (error) {
      if (!(error instanceof UnreadableLine)) throw error;
      unreadable.push(iccid);
    }
  }
  return { lines, unreadable };
}

function waitsForPerson(open: OpenRecharge): boolean {
  return open.state.name === "needs-review" || isParked(open);
}

function row(iccid: Iccid, open: OpenRecharge): string {
  const { rechargeId, state, reservedAt, amount, subscriberId } = open;
  const name = isParked(open) ? `${state.name} (worker-fault)` : state.name;
  const standing = state.name === "needs-review" ? `needs-review (${state.reason}) since ${state.since}` : `${name}, open since ${reservedAt}`;
  return [rechargeId, standing, formatMoney(amount), `line …${lastFour(iccid)}`, subscriberId].join("  ");
}
