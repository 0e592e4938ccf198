import { type LedgerEntry, type ListedTopUp, OutcomeUnknown, type ReconcileRequest, UnreadableLine } from "../../domain/ports.ts";
import { type Books, type Break, breakEvent, breakId, findBreaks } from "../../domain/reconciliation.ts";
import { plusMinutes } from "../../domain/time.ts";
import type { ReconcilePorts } from "./ports.ts";
import { readBooks, type Sighting } from "./read-books.ts";

/** A page is up to 20 payments, 5 at a time, of up to 6 calls each; what does not fit is sent on as a new message. */
const MILLISECONDS_FOR_A_PAGE = 30_000;
const AT_ONCE = 5;
/** A million entries of 20 a page; a list that is longer goes round in circles. */
const MOST_PAGES = 50_000;

/**
 * Goes through one list of Stripe's or the carrier's, and tells of every recharge on which the books disagree.
 *
 * A message that comes back, or another list that names the same recharge, finds the same breaks: each is told once. What Stripe or the carrier
 * says nothing clear about holds up nothing else: the list is gone through to its end, and comes back.
 */
export async function reconcile(ports: ReconcilePorts, request: ReconcileRequest): Promise<void> {
  const topUps = new Map<string, readonly ListedTopUp[]>();
  let { page, pagesDone = 0 } = request;
  let unclear = 0;
  do {
    if (pagesDone >= MOST_PAGES) throw new Error(`The list of ${request.list} does not end`);
    if (ports.timeLeft() < MILLISECONDS_FOR_A_PAGE) return ports.reconcileRequests.send([{ ...request, page, pagesDone }]);
    const { sightings, next } = await listPage(ports, { ...request, page }, topUps);
    for (let i = 0; i < sightings.length; i += AT_ONCE) unclear += await compare(ports, sightings.slice(i, i + AT_ONCE));
    page = next;
    pagesDone += 1;
  } while (page !== undefined);
  if (unclear > 0) throw new OutcomeUnknown(`${unclear} of the list of ${request.list} could not be compared`);
}

interface SightedPage {
  readonly sightings: readonly Sighting[];
  readonly next?: string;
}

async function listPage(ports: ReconcilePorts, request: ReconcileRequest, topUps: Map<string, readonly ListedTopUp[]>): Promise<SightedPage> {
  const { list, page } = request;
  if (list === "top-ups") return listTopUps(ports, request, topUps);
  const { items, next } = await ports.ledger.list(list, request, page);
  const isMoved = list === "refunds" || list === "disputes";
  const ours = await Promise.all(uniqueBy(items, ({ paymentIntentId }) => paymentIntentId).map((entry) => sightingOf(ports, entry)));
  return { sightings: ours.flatMap((sighting) => (sighting === undefined ? [] : [{ ...sighting, isMoved }])), next };
}

/** Undefined: another stage's. */
async function sightingOf({ ledger }: ReconcilePorts, { paymentIntentId, rechargeId }: LedgerEntry): Promise<Sighting | undefined> {
  const id = rechargeId ?? (await ledger.find(paymentIntentId))?.rechargeId;
  return id === undefined ? undefined : { rechargeId: id, paymentIntentId };
}

/** `topUps`: what was listed before, so that a reference that is listed twice is noticed. */
async function listTopUps(ports: ReconcilePorts, request: ReconcileRequest, topUps: Map<string, readonly ListedTopUp[]>): Promise<SightedPage> {
  const listed = await ports.carrier.listTopUps(request, request.page);
  if (listed === undefined) {
    const detail = "The carrier does not list its top-ups: credits that nobody paid for cannot be found";
    await tell(ports, { kind: "carrier-listing-missing", objectId: request.to.slice(0, 10), detail }, false); // once a day
    return { sightings: [] };
  }
  for (const topUp of listed.items) topUps.set(topUp.reference, [...(topUps.get(topUp.reference) ?? []), topUp]);
  const references = uniqueBy(listed.items, ({ reference }) => reference).map(({ reference }) => reference);
  return { sightings: references.map((rechargeId) => ({ rechargeId, topUps: topUps.get(rechargeId) })), next: listed.next };
}

/** Gives how many of them nobody can tell about now. */
async function compare(ports: ReconcilePorts, sightings: readonly Sighting[]): Promise<number> {
  const read = await Promise.all(sightings.map((sighting) => findBreaksOf(ports, sighting)));
  for (const { breaks, books } of read) for (const found of breaks) await settle(ports, found, books); // one by one: two sightings may be of one recharge
  return read.filter(({ isUnclear }) => isUnclear === true).length;
}

interface Compared {
  readonly breaks: readonly Break[];
  readonly books?: Books;
  readonly isUnclear?: boolean;
}

async function findBreaksOf(ports: ReconcilePorts, sighting: Sighting): Promise<Compared> {
  const { rechargeId } = sighting;
  try {
    const books = await readBooks(ports, sighting);
    if (books.isCreditUnclear === true) ports.log.error("reconcile-unclear", { rechargeId });
    return { breaks: findBreaks(books, ports.clock.now()), books, isUnclear: books.isCreditUnclear };
  } catch (error) {
    if (!(error instanceof UnreadableLine)) {
      ports.log.error("reconcile-unclear", { rechargeId, error }); // it may pass: the message comes back
      return { breaks: [], isUnclear: true };
    }
    return { breaks: [{ kind: "line-unreadable", objectId: rechargeId, rechargeId, detail: "The line of this recharge cannot be read" }] };
  }
}

/**
 * Mends what is certain, and tells of the break.
 *
 * What a poke may mend is poked when it is first seen, and told when it is still there later. A crash between a mend and its event loses the
 * event: what was mended is no break any more.
 */
async function settle(ports: ReconcilePorts, found: Break, books: Books | undefined): Promise<void> {
  const { payment } = books ?? {};
  if (found.mend === "cancel" && payment !== undefined) return tell(ports, found, await isCanceled(ports, payment.id));
  if (found.mend === "poke" && payment !== undefined && !(await isStillThere(ports, found, payment.id))) return;
  await tell(ports, found, false);
}

async function isCanceled({ payments }: ReconcilePorts, paymentIntentId: string): Promise<boolean> {
  const answer = await payments.cancel(paymentIntentId);
  return answer.kind === "intent" && answer.intent.status === "canceled";
}

/** A poke is followed within minutes; several lists of one run may name the same recharge. */
const POKE_MINUTES = 30;

/** Pokes, and says whether an earlier poke should have mended it by now. */
async function isStillThere({ pokes, controls, clock }: ReconcilePorts, found: Break, paymentIntentId: string): Promise<boolean> {
  const now = clock.now();
  const poked = `${breakId(found)}/poked`;
  const pokedAt = await controls.breakToldAt(poked);
  if (pokedAt !== undefined && now < plusMinutes(pokedAt, POKE_MINUTES)) return false;
  await pokes.send([{ paymentIntentId, rechargeId: found.rechargeId }]);
  if (pokedAt === undefined) await controls.putBreakTold(poked, now);
  return pokedAt !== undefined && found.toldFrom !== undefined && now >= found.toldFrom;
}

/** Once: published before it is remembered, so that a crash in between tells twice, never not at all. */
async function tell({ controls, events, clock, log }: ReconcilePorts, found: Break, mended: boolean): Promise<void> {
  const id = breakId(found);
  if ((await controls.breakToldAt(id)) !== undefined) return;
  const { kind, objectId, rechargeId, detail } = found;
  const now = clock.now();
  log.error("reconciliation-break", { kind, objectId, rechargeId, mended, detail });
  await events.publish([breakEvent(found, mended, now)]);
  await controls.putBreakTold(id, now);
}

function uniqueBy<T>(all: readonly T[], keyOf: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [keyOf(one), one])).values()];
}
