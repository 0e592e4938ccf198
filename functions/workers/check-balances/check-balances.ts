import type { Reading } from "../../domain/esim.ts";
import type { LowBalanceDetected } from "../../domain/events.ts";
import type { Metrics } from "../../domain/metrics.ts";
import { isBelow } from "../../domain/money.ts";
import type { Carrier, CheckRequest, CheckRequests, Clock, Esims, Events, Ids, Log, Pokes, SlotLine } from "../../domain/ports.ts";
import { epochMinute, type Instant } from "../../domain/time.ts";

export interface CheckBalancesPorts {
  readonly esims: Esims;
  readonly carrier: Carrier;
  readonly events: Events;
  readonly checkRequests: CheckRequests;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Milliseconds left for this invocation. */
  readonly timeLeft: () => number;
}

/** A page may cost a query, the carrier's 8 s for a bulk read, and a publication: what does not fit is sent on as a new message. */
const MILLISECONDS_FOR_A_PAGE = 20_000;

/**
 * Reads the balances of a slot's lines in bulk and reports the low ones. A line that is well costs no write.
 *
 * Judges by the index, which may be a moment old: the recharge function judges again before money moves.
 */
export async function checkBalances(ports: CheckBalancesPorts, request: CheckRequest): Promise<void> {
  let page = request.page;
  do {
    if (ports.timeLeft() < MILLISECONDS_FOR_A_PAGE) return ports.checkRequests.send([{ ...request, page }]);
    const { items, next } = await ports.esims.listSlot(request, page);
    await checkLines(ports, items);
    page = next;
  } while (page !== undefined);
}

async function checkLines({ carrier, events, pokes, clock, ids, log, metrics }: CheckBalancesPorts, lines: readonly SlotLine[]): Promise<void> {
  const now = clock.now();
  const isQuiet = ({ quietUntil }: SlotLine) => quietUntil !== undefined && quietUntil > now;
  // A line that is quiet only while it is low is read too: the end of its low is what it waits for.
  const awake = lines.filter((line) => !isQuiet(line) || line.quietWhileLow === true);
  if (awake.length === 0) return;
  const balances = await carrier.getBalances(awake.map((line) => line.iccid));
  const missing = awake.filter((line) => !isQuiet(line) && !balances.has(line.iccid));
  if (missing.length > 0) {
    log.error("balance-missing", { lines: missing.length });
    await pokes.send(missing.map(({ iccid }) => ({ iccid, judge: true }))); // is it still the payer's? If not, they are told
  }
  const read = awake.flatMap((line) => {
    const reading = balances.get(line.iccid);
    return reading === undefined ? [] : [{ line, reading, low: isLow(line, reading) }];
  });
  const recovered = read.filter(({ line, low }) => isQuiet(line) && !low);
  if (recovered.length > 0) await pokes.send(recovered.map(({ line }) => ({ iccid: line.iccid, judge: true })));
  const low = read.filter((each) => each.low && !isQuiet(each.line)).map(({ line, reading }) => lowBalance(line, reading, ids.next(), now));
  if (low.length === 0) return;
  metrics.put({ LinesFoundLow: low.length }, {});
  log.info("low-balances", { checks: low.map(({ check }) => check) });
  await events.publish(low);
}

/** A line whose currency changed is reported too: the recharge function suspends its rule and says so. */
function isLow(line: SlotLine, { balance }: Reading): boolean {
  return balance.currency !== line.threshold.currency || isBelow(balance, line.threshold);
}

function lowBalance({ iccid, subscriberId, cycle }: SlotLine, { balance, readAt }: Reading, check: string, now: Instant): LowBalanceDetected {
  return { name: "LowBalanceDetected", id: `${iccid}/${cycle}/${epochMinute(now)}`, version: 1, at: now, iccid, subscriberId, balance, readAt, cycle, check };
}
