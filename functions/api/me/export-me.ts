import type * as z from "zod/mini";
import type { exportReply } from "../../contracts/me.ts";
import type { Bill } from "../../domain/bill.ts";
import { type Esim, ruleOf } from "../../domain/esim.ts";
import { grantOf } from "../../domain/family.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Clock, Esims, RechargeStep, Recharges } from "../../domain/ports.ts";
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
    paymentMethods: methods.map((method) => methodView(method, uses)),
    terms: terms.map(termsView),
    lines,
    recharges,
    notices,
    hold: hold && { at: hold.at, why: hold.why }, // who put it is another person
    next,
  };
  return { status: 200, body };
}

async function shownLines(ports: ExportPorts, subscriberId: string): Promise<Export["lines"]> {
  const iccids = await linesOf(ports, subscriberId);
  const stored = new Map((await ports.esims.loadMany(iccids)).map((esim) => [esim.iccid, esim]));
  return iccids.map((iccid) => lineView(iccid, stored.get(iccid), subscriberId));
}

/** What is theirs on a line; nothing but its number where all that was is gone. */
function lineView(iccid: Iccid, esim: Esim | undefined, subscriberId: string): Export["lines"][number] {
  const { open, requested } = esim ?? {};
  const rule = ruleOf(esim, subscriberId);
  const spend = esim?.spend[subscriberId];
  const grant = grantOf(esim ?? {}, subscriberId);
  return {
    iccid,
    rule: rule && ruleView(iccid, rule),
    spend: spend && { ...spend, monthAmounts: [...spend.monthAmounts] },
    openRecharge: open?.subscriberId === subscriberId ? openView(iccid, open) : undefined,
    requestedRecharge: requested?.subscriberId === subscriberId ? requestedView(iccid, requested) : undefined,
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
  const { start, steps, adjustments } = await recharges.getHistory(bill.rechargeId);
  const isOthersLine = bill.family !== undefined;
  return {
    bill: { ...endedView(bill), adjustments: adjustments.map(({ rechargeId: _this, ...told }) => told) },
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
