import { createHash } from "node:crypto";
import type { NewRechargeBody } from "../../contracts/recharges.ts";
import { sumProblem } from "../../domain/charge.ts";
import { choicesOf } from "../../domain/choices.ts";
import { newEsim, type PaymentMethod, type Requested, ruleOf, withoutGrantOf } from "../../domain/esim.ts";
import { exceedsGrant, type FamilyGrant } from "../../domain/family.ts";
import { formatMoney, isSameMoney, type Money, minus } from "../../domain/money.ts";
import type { Cards, Carrier, Clock, Esims, Ids, Log, Pokes, Profile, RechargeStart, Recharges, Subscribers } from "../../domain/ports.ts";
import { requestRecharge } from "../../domain/recharge.ts";
import type { Problem } from "../../domain/rule.ts";
import { ASKED_BY_PAYER } from "../../domain/terms.ts";
import { type KnownSubscriberPorts, presentSubscriber } from "../known-subscriber.ts";
import { noPayableLine, payableLine } from "../payable-line.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";

export interface RechargeNowPorts extends KnownSubscriberPorts {
  readonly esims: Esims;
  readonly recharges: Recharges;
  readonly subscribers: Subscribers;
  readonly cards: Cards;
  readonly carrier: Carrier;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The most that the operator lets anybody recharge at once, by currency, in minor units; any amount where it is missing. */
  readonly largestRecharges: Readonly<Record<string, number>>;
}

/** The machine may write the same line at any moment; it never takes long. */
const TRIES = 5;

/**
 * Notes that the caller wants a line recharged now; the recharge function makes it.
 *
 * The recharge's id is made of the caller and their Idempotency-Key: sent again, it is the same one, for as long as its bill is kept.
 */
export async function rechargeNow(ports: RechargeNowPorts, request: ApiRequest<NewRechargeBody>): Promise<ApiResponse> {
  const { subscriberId, body } = request;
  const rechargeId = createHash("sha256").update(`${subscriberId}\n${request.idempotencyKey()}`).digest("hex").slice(0, 32);
  const start = await ports.recharges.getStart(rechargeId);
  if (start !== undefined && !(await isSameRequest(ports, start, request))) throw keyReused();
  // Sent again it is answered as before, whatever has changed since: what it used up itself, the default, whose line it is.
  if (start === undefined || !(await stands(ports, start))) await want(ports, request, rechargeId);
  // If this poke is lost, the sweeper finds the wish in the item.
  await ports.pokes.send([{ iccid: body.iccid }]).catch((error: unknown) => ports.log.warn("poke-failed", { error }));
  return { status: 202, body: { rechargeId }, headers: { location: `/v1/recharges/${rechargeId}` } };
}

/** The same name for another wish is a mistake of the caller's. From before the request was kept: by what it came to. */
async function isSameRequest(ports: RechargeNowPorts, start: RechargeStart, { subscriberId, body }: ApiRequest<NewRechargeBody>): Promise<boolean> {
  const { iccid, amount, requestHash, cardKey } = start;
  if (requestHash !== undefined) return requestHash === hashOf(body);
  if (iccid !== body.iccid || !isSameMoney(amount, body.amount)) return false;
  return (await methodFor(ports, subscriberId, body.paymentMethodId))?.cardKey === cardKey;
}

/** Of the body as it was sent: a way to pay that it left out is not the default of that day. */
function hashOf({ iccid, amount, paymentMethodId }: NewRechargeBody): string {
  return createHash("sha256")
    .update(JSON.stringify([iccid, amount.amount, amount.currency, paymentMethodId]))
    .digest("hex")
    .slice(0, 32);
}

function keyReused(): HttpProblem {
  return new HttpProblem(422, "idempotency-key-reused", "This Idempotency-Key was sent with another line, sum or way to pay: use a new one for each wish");
}

/** Whether it is wanted, open or ended; else it was never saved. The line first: one that ends in between leaves its bill before it leaves the line. */
async function stands({ esims, recharges }: RechargeNowPorts, { rechargeId, iccid }: RechargeStart): Promise<boolean> {
  const { open, requested } = (await esims.load(iccid)) ?? {};
  return open?.rechargeId === rechargeId || requested?.rechargeId === rechargeId || (await recharges.getBill(rechargeId)) !== undefined;
}

async function want(ports: RechargeNowPorts, request: ApiRequest<NewRechargeBody>, rechargeId: string): Promise<void> {
  const { subscriberId, body } = request;
  await refuseClosing(ports, subscriberId);
  const profile = await presentSubscriber(ports, request);
  const line = await payableLine(ports, profile, body.iccid);
  if (line === undefined) throw noPayableLine();
  const method = await methodFor(ports, subscriberId, body.paymentMethodId);
  const problems = problemsOf(ports, body.amount, line, method);
  if (method === undefined || problems.length > 0) throw new HttpProblem(422, "recharge-makes-no-sense", "This recharge cannot be made", problems);
  await note(ports, request, line, { rechargeId, subscriberId, amount: body.amount, method }, profile);
}

async function methodFor({ subscribers }: RechargeNowPorts, subscriberId: string, chosen: string | undefined): Promise<PaymentMethod | undefined> {
  const id = chosen ?? (await subscribers.getWallet(subscriberId)).default;
  return id === undefined ? undefined : subscribers.getMethod(subscriberId, id);
}

type PayableLine = NonNullable<Awaited<ReturnType<typeof payableLine>>>;

function problemsOf({ largestRecharges }: RechargeNowPorts, amount: Money, line: PayableLine, method: PaymentMethod | undefined): Problem[] {
  const problems: Problem[] = [];
  const detail = sumProblem(amount, { ...line, most: largestRecharges[line.currency] }) ?? (line.grant && grantProblem(line.grant, amount));
  if (detail !== undefined) problems.push({ pointer: amount.currency === line.currency ? "/amount/amount" : "/amount/currency", detail });
  if (method === undefined)
    problems.push({ pointer: "/paymentMethodId", detail: "must be one of your saved ways to pay, or left out if you have chosen a default" });
  return problems;
}

/** The holder's limits bind what is wanted there and then, too. */
function grantProblem(grant: FamilyGrant, amount: Money): string | undefined {
  return exceedsGrant(grant, amount)
    ? `must be at most ${formatMoney(minus(grant.cap, grant.spent))}, what is left for this line of somebody else's`
    : undefined;
}

type Wish = Pick<Requested, "rechargeId" | "subscriberId" | "amount" | "method">;

async function note(ports: RechargeNowPorts, request: ApiRequest<NewRechargeBody>, { iccid, grant }: PayableLine, wish: Wish, profile: Profile): Promise<void> {
  const { esims, recharges, subscribers, cards, ids, clock } = ports;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const now = clock.now();
    const stored = (await esims.load(iccid)) ?? newEsim(iccid);
    const esim = grant === undefined ? withoutGrantOf(stored, wish.subscriberId, now) : stored;
    const consent = { termsVersion: ASKED_BY_PAYER, at: now, timeZone: ruleOf(esim, wish.subscriberId)?.consent.timeZone ?? choicesOf(profile).timeZone };
    const decision = requestRecharge(esim, { ...wish, origin: "payer", ruleVersion: 0, consent, at: now }, now);
    // After the line was read: one that has ended leaves its bill before it leaves the line.
    if (decision.kind === "repeated" || (await recharges.getBill(wish.rechargeId)) !== undefined) return refuseOther(ports, request, wish.rechargeId);
    if (decision.kind === "busy") throw rechargeOpen(decision.rechargeId);
    const spend = esim.spend[wish.subscriberId];
    const declines = (await cards.listDeclines(wish.method.cardKey)).length;
    // Both first, so that it can be read at its Location from now on, and is found on this line, whoever pays for that.
    await recharges.putStart({ ...startOf(wish), iccid, at: now, consent, spend, declines, requestHash: hashOf(request.body) });
    await refuseOther(ports, request, wish.rechargeId, wish.method);
    await subscribers.putLine(wish.subscriberId, iccid);
    if ((await esims.save(decision.esim, ids.next())) !== undefined) return;
  }
  throw new HttpProblem(503, "try-again", "The line is being changed right now; nothing was saved", [], { "retry-after": "1" });
}

/** Of those that were sent under one key at the same moment, the start that stands says which one it is. `method`: what it would be saved with, where it was not saved yet. */
async function refuseOther(ports: RechargeNowPorts, request: ApiRequest<NewRechargeBody>, rechargeId: string, method?: PaymentMethod): Promise<void> {
  const start = await ports.recharges.getStart(rechargeId);
  if (start === undefined) return; // erased since
  const isSameMethod = method === undefined || method.cardKey === start.cardKey; // left out, the default may have been another
  if (!isSameMethod || !(await isSameRequest(ports, start, request))) throw keyReused();
}

function rechargeOpen(rechargeId: string | undefined): HttpProblem {
  if (rechargeId === undefined) return new HttpProblem(409, "recharge-open", "Somebody else's recharge of this line is open: wait for its end");
  return new HttpProblem(409, "recharge-open", `Recharge ${rechargeId} of this line is open: wait for its end`, [], {
    location: `/v1/recharges/${rechargeId}`,
  });
}

function startOf({ rechargeId, subscriberId, amount, method }: Wish) {
  return { rechargeId, subscriberId, origin: "payer", amount, cardKey: method.cardKey } as const;
}
