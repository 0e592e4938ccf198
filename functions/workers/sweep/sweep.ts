import type { Metrics } from "../../domain/metrics.ts";
import type { Clock, Esims, Pokes } from "../../domain/ports.ts";
import { LOOK_SHARDS } from "../../domain/slots.ts";
import { epochMilliseconds } from "../../domain/time.ts";

export interface SweepPorts {
  readonly esims: Esims;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** At the most this many pages of lines a shard and minute; the rest is still due in the next one. */
const PAGES_PER_SHARD = 10;

/** Pokes every line whose time to look has come: whatever was lost (a poke, a worker, a reply), nothing waits for ever. Writes nothing. */
export async function sweep({ esims, pokes, clock, metrics }: SweepPorts): Promise<void> {
  const now = clock.now();
  let oldest = now;
  for (let shard = 0; shard < LOOK_SHARDS; shard++) {
    let page: string | undefined;
    for (let pages = 0; pages < PAGES_PER_SHARD; pages++) {
      const { items, next } = await esims.listDue(`look#${shard}`, now, page);
      if (items.length > 0) await pokes.send(items.map(({ iccid }) => ({ iccid })));
      for (const { lookAt } of items) if (lookAt < oldest) oldest = lookAt;
      page = next;
      if (page === undefined) break;
    }
  }
  metrics.put({ OldestDueSeconds: (epochMilliseconds(now) - epochMilliseconds(oldest)) / 1000 }, {});
}
