import type { OpenRecharge } from "../../domain/esim.ts";
import { type LedgerPayment, type ListedTopUp, OutcomeUnknown, type RechargeHistory } from "../../domain/ports.ts";
import { type Books, type Credit, type Payment, storedPayment } from "../../domain/reconciliation.ts";
import { plusMinutes } from "../../domain/time.ts";
import { topUpOutcome } from "../../domain/top-up-outcomes.ts";
import type { ReconcilePorts } from "./ports.ts";

/** What of a recharge was met in a list. */
export interface Sighting {
  readonly rechargeId: string;
  readonly paymentIntentId?: string;
  /** Its refunds and disputes are to be read in any case. */
  readonly isMoved?: boolean;
  readonly topUps?: readonly ListedTopUp[];
}

/** Reads all that the three books say about a recharge: ours first, so that the others cannot be behind. */
export async function readBooks(ports: ReconcilePorts, { rechargeId, paymentIntentId, isMoved = false, topUps = [] }: Sighting): Promise<Books> {
  const { history, open } = await readOurs(ports, rechargeId);
  const named = paymentIntentId ?? storedPayment({ history, open });
  const found = named === undefined ? undefined : await ports.ledger.find(named);
  const payment = found && (await readMoves(ports, found, isMoved || mayHaveMoved(found, history)));
  const books = { rechargeId, history, open, payment, topUps };
  if (topUps.some(({ status }) => status === "credited")) return { ...books, credit: "credited" };
  try {
    return { ...books, credit: await readCredit(ports, rechargeId, history, open) };
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    return { ...books, isCreditUnclear: true }; // what Stripe says is compared all the same
  }
}

async function readOurs({ recharges, esims }: ReconcilePorts, rechargeId: string): Promise<Pick<Books, "history" | "open">> {
  const history = await recharges.getHistory(rechargeId);
  if (history.start === undefined) return { history };
  const open = (await esims.load(history.start.iccid))?.open;
  if (open?.rechargeId === rechargeId) return { history, open };
  // It may have ended between the two questions; its bill is there before the line is free.
  return { history: history.bill === undefined ? await recharges.getHistory(rechargeId) : history };
}

/** Most payments are never touched again: two calls less for each of them. */
function mayHaveMoved({ charge }: LedgerPayment, { bill, adjustments }: RechargeHistory): boolean {
  return bill?.end === "refunded" || adjustments.length > 0 || (charge !== undefined && (charge.refunded > 0 || charge.isDisputed));
}

async function readMoves({ payments }: ReconcilePorts, payment: LedgerPayment, mayMove: boolean): Promise<Payment> {
  if (!mayMove) return { ...payment, refunds: [], disputes: [] };
  const [refunds, disputes] = await Promise.all([payments.listRefunds(payment.id), payments.listDisputes(payment.id)]);
  return { ...payment, refunds, disputes };
}

/** A carrier keeps its answers for 30 days. */
const ANSWERED_DAYS = 29;

/** The carrier's word on the reference, where it decides something. */
async function readCredit(ports: ReconcilePorts, rechargeId: string, { bill }: RechargeHistory, open: OpenRecharge | undefined): Promise<Credit | undefined> {
  const { carrier, clock } = ports;
  const isForgotten = bill !== undefined && clock.now() > plusMinutes(bill.endedAt, ANSWERED_DAYS * 24 * 60);
  if ((bill === undefined && open?.state.name !== "needs-review") || isForgotten) return undefined;
  const outcome = topUpOutcome("find", rechargeId, await carrier.findTopUp(rechargeId));
  switch (outcome.kind) {
    case "credited":
    case "refused":
      return outcome.kind;
    case "unseen":
      return carrier.answersAreFinal ? "unseen" : readListedCredit(ports, rechargeId, bill?.reservedAt ?? open?.reservedAt, bill?.endedAt);
    case "conflict":
    case "fault":
    case "unknown":
      throw new OutcomeUnknown(`The carrier leaves the top-up ${outcome.kind}`);
  }
}

/** The carrier's clock and ours may differ by as much. */
const SKEW_MINUTES = 15;
const MOST_PAGES = 20;

/** A carrier that does not know references may list them. Undefined where it does not, or where the list is too long. */
async function readListedCredit(
  { carrier, clock }: ReconcilePorts,
  rechargeId: string,
  reservedAt = clock.now(),
  endedAt = clock.now(),
): Promise<Credit | undefined> {
  const range = { from: plusMinutes(reservedAt, -SKEW_MINUTES), to: plusMinutes(endedAt, SKEW_MINUTES) };
  let page: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const list = await carrier.listTopUps(range, page);
    if (list === undefined) return undefined;
    const entry = list.items.find(({ reference }) => reference === rechargeId);
    if (entry !== undefined) return entry.status;
    page = list.next;
    if (page === undefined) return "unseen";
  }
  return undefined;
}
