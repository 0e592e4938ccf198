import type * as z from "zod/mini";
import type { exportReply } from "../../contracts/me.ts";
import type { Bill } from "../../domain/bill.ts";
import { type Esim, ruleOf } from "../../domain/esim.ts";
import { grantOf } from "../../domain/family.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Cards, Clock, Esims, RechargeHistory, RechargeStep, Recharges } from "../../domain/ports.ts";
import { linesOf } from "../../workers/lines-of.ts";
import { grantView } from "../family/grant-view.ts";
import { type KnownSubscriberPorts, knownSubscriber } from "../known-subscriber.ts";
import { methodView } from "../payment-methods/list-methods.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { endedView, openView, requestedView } from "../recharges/read-recharges.ts";
import { termsView } from "../rules/read-terms.ts";
import { ruleView } from "../rules/rule-view.ts";
import { meView } from "./me-view.ts";

export interface ExportPorts extends KnownSubscriberPorts {
  readonly esims: Esims;
  readonly recharges: Recharges;
  readonly cards: Pick<Cards, "listDeclines">;
  readonly clock: Clock;
}

type Export = z.input<typeof exportReply>;

/** Of 50 bills each: 200 recharges of some 15 KB with all their steps are 3 MB, and Lambda answers with 6 MB at the most. */
const BILL_PAGES = 4;

/** Everything that we hold of the caller, and nothing of anybody else; earlier recharges by `next`. */
export async function exportMe(ports: ExportPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { subscriberId } = request;
  const { subscribers } = ports;
  const [profile, closing, methods, uses, terms, notices, hold, lines, { recharges, next }] = await Promise.all([
    knownSubscriber(ports, request),
    subscribers.getClosing(subscriberId),
    subscribers.listMethods(subscriberId),
    subscribers.getWallet(subscriberId),
    subscribers.listTerms(subscriberId),
    subscribers.listNotices(subscriberId),
    subscribers.getHold(subscriberId),
    shownLines(ports, subscriberId),
    rechargesOf(ports, subscriberId, request.page),
  ]);
  const body: Export = {
    exportedAt: ports.clock.now(),
    profile: meView(profile, closing),
    paymentMethods: await Promise.all(methods.map(async (method) => ({ ...methodView(method, uses), declines: await declinesOf(ports, method.cardKey) }))),
    terms: terms.map(termsView),
    lines,
    recharges,
    notices,
    hold: hold && { at: hold.at, why: hold.why }, // who put it is another person
    next,
  };
  return { status: 200, body };
}

/** A card's declines may come of recharges of others who have saved it: which ones is nobody else's business. */
async function declinesOf({ cards }: ExportPorts, cardKey: string) {
  return (await cards.listDeclines(cardKey)).map(({ at, code, severity }) => ({ at, code, severity }));
}

async function shownLines(ports: ExportPorts, subscriberId: string): Promise<Export["lines"]> {
  const iccids = await linesOf(ports, subscriberId);
  const stored = new Map((await ports.esims.loadMany(iccids)).map((esim) => [esim.iccid, esim]));
  return Promise.all(iccids.map((iccid) => lineView(ports, iccid, stored.get(iccid), subscriberId)));
}

/** What is theirs on a line; nothing but its number where all that was is gone. */
async function lineView({ recharges }: ExportPorts, iccid: Iccid, esim: Esim | undefined, subscriberId: string): Promise<Export["lines"][number]> {
  const open = esim?.open?.subscriberId === subscriberId ? esim.open : undefined;
  const requested = esim?.requested?.subscriberId === subscriberId ? esim.requested : undefined;
  const rule = ruleOf(esim, subscriberId);
  const spend = esim?.spend[subscriberId];
  const grant = grantOf(esim ?? {}, subscriberId);
  return {
    iccid,
    rule: rule && ruleView(iccid, rule),
    spend: spend && { ...spend, monthAmounts: [...spend.monthAmounts] },
    openRecharge: open && { ...openView(iccid, open), ...historyView(await recharges.getHistory(open.rechargeId), open.family !== undefined) },
    requestedRecharge: requested && {
      ...requestedView(iccid, requested),
      ...historyView(await recharges.getHistory(requested.rechargeId), grant !== undefined),
    },
    family: grant && grantView(grant),
  };
}

async function rechargesOf({ recharges }: ExportPorts, subscriberId: string, from: string | undefined) {
  const ended: Export["recharges"] = [];
  let page = from;
  for (let pages = 0; pages < BILL_PAGES; pages++) {
    const { items, next } = await recharges.listBills(subscriberId, page);
    for (const bill of items) ended.push(await rechargeOf(recharges, bill));
    page = next;
    if (page === undefined) break;
  }
  return { recharges: ended, next: page };
}

async function rechargeOf(recharges: Recharges, bill: Bill): Promise<Export["recharges"][number]> {
  const history = await recharges.getHistory(bill.rechargeId);
  return {
    bill: { ...endedView(bill), adjustments: history.adjustments.map(({ rechargeId: _this, ...told }) => told) },
    ...historyView(history, bill.family !== undefined),
  };
}

function historyView({ start, steps }: RechargeHistory, isOthersLine: boolean) {
  return {
    why: start && {
      ...start,
      reading: isOthersLine ? undefined : start.reading,
      spend: start.spend && { ...start.spend, monthAmounts: [...start.spend.monthAmounts] },
    },
    steps: steps.map((step) => stepView(step, isOthersLine)),
  };
}

/** What an operator decided is shown; who they are is not the caller's. Nor is the balance of a line of somebody else's. */
function stepView({ at, state, asked, answer }: RechargeStep, isOthersLine: boolean) {
  if (asked === "judge" && isOthersLine) return { at, state, asked, answer: {} };
  const { by: _person, ...shown } = answer;
  return { at, state, asked, answer: asked.startsWith("operator.") ? shown : answer };
}
