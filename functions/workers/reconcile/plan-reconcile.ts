import type { Clock, ReconcileRequest, ReconcileRequests } from "../../domain/ports.ts";
import { type Instant, plusMinutes } from "../../domain/time.ts";

/** How often the books are compared: each time further back than once before, so that a run that failed is made up for. */
export type ReconcileEvery = "hour" | "day";

const DAY_HOURS = 24;

/** How far back each list is read, in hours: refunds can fail for weeks, and disputes last for months. */
const HOURS: { readonly [Every in ReconcileEvery]: { readonly [List in ReconcileRequest["list"]]: number } } = {
  hour: { payments: 3, charges: 3, refunds: 3, disputes: 3, "top-ups": 3 },
  day: { payments: 4 * DAY_HOURS, charges: 4 * DAY_HOURS, refunds: 30 * DAY_HOURS, disputes: 120 * DAY_HOURS, "top-ups": 4 * DAY_HOURS },
};

/** What is younger may be under way. */
const SETTLED_MINUTES = 10;

/** One list after the other, or two that name the same payment would tell of it at the same moment, each. */
const LISTS_APART_SECONDS = 60;

/** Sends out each list that is to be gone through. */
export async function planReconcile(
  { reconcileRequests, clock }: { readonly reconcileRequests: ReconcileRequests; readonly clock: Clock },
  { scheduledTime, every }: { readonly scheduledTime: Instant; readonly every: ReconcileEvery },
): Promise<void> {
  const now = clock.now();
  const to = plusMinutes(scheduledTime < now ? scheduledTime : now, -SETTLED_MINUTES);
  const lists: readonly ReconcileRequest["list"][] = ["payments", "charges", "refunds", "disputes", "top-ups"];
  for (const [index, list] of lists.entries()) {
    await reconcileRequests.send([{ list, from: plusMinutes(to, -HOURS[every][list] * 60), to }], index * LISTS_APART_SECONDS);
  }
}
