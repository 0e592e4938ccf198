import type { PayLinkReply } from "../../contracts/pay-links.ts";
import { type Esim, methodType, type OpenRecharge } from "../../domain/esim.ts";
import { mayBePaid } from "../../domain/family.ts";
import { lastFour } from "../../domain/iccid.ts";
import type { Clock, Esims, PayLinks, Payments, Profile, RechargeStart, Recharges, Subscribers } from "../../domain/ports.ts";
import type { Instant } from "../../domain/time.ts";
import { HttpProblem } from "../problem.ts";

/** How a browser reaches Stripe, as its secret has it now. */
export interface StripePage {
  /** Without it nothing can be confirmed on our page. */
  readonly publishableKey?: string;
  readonly scriptUrl: string;
}

export interface FindPaymentPorts {
  readonly payLinks: PayLinks;
  readonly recharges: Recharges;
  readonly esims: Esims;
  readonly subscribers: Subscribers;
  /** Made when it is needed: of most links the payment is not asked. */
  readonly payments: () => Promise<Pick<Payments, "clientSecret">>;
  readonly stripePage: () => Promise<StripePage>;
  readonly clock: Clock;
}

/** An open recharge that a link leads to. */
export interface FoundPayment {
  readonly esim: Esim;
  readonly open: OpenRecharge;
  readonly start: RechargeStart;
}

/** The open recharge of a link. Throws a problem that says nothing of anybody: the link is not ours, its time is over, or its recharge is. */
export async function findPayment({ payLinks, recharges, esims, clock }: FindPaymentPorts, token: string): Promise<FoundPayment> {
  const link = await payLinks.read(token);
  if (link === undefined) throw new HttpProblem(404, "not-found", "There is no such link: perhaps a part of it is missing");
  if (link.expiresAt <= clock.now()) throw new HttpProblem(410, "link-expired", "The time of this link is over; nothing can be paid by it any more");
  const start = await recharges.getStart(link.rechargeId);
  const esim = start && (await esims.load(start.iccid));
  const open = esim?.open;
  if (start === undefined || esim === undefined || open?.rechargeId !== link.rechargeId || open.state.name === "ended") {
    throw new HttpProblem(410, "link-over", "What this link was for has ended; nothing is to be paid or declined by it any more");
  }
  return { esim, open, start };
}

/** It is about to be closed. */
const IN_PROGRESS: Standing = { status: "in-progress" };

interface Standing {
  readonly status: PayLinkReply["status"];
  readonly until?: Instant;
}

/** What a link shows: nothing of its payer but how their way to pay ends, and no balance. */
export async function paymentView(ports: FindPaymentPorts, { esim, open, start }: FoundPayment): Promise<PayLinkReply> {
  const { amount, method } = open;
  const now = ports.clock.now();
  const standing = standingOf(open, now);
  const { status, until } = standing.status === "awaiting-customer" && !mayBePaid(esim, open, now) ? IN_PROGRESS : standing;
  return {
    status,
    until,
    lineLastFour: lastFour(esim.iccid),
    amount,
    threshold: open.origin === "payer" ? undefined : start.rule?.threshold,
    method: { type: methodType(method), brand: method.brand, lastFour: method.lastFour },
    ...(status === "awaiting-customer" && { action: await actionOf(ports, open) }),
  };
}

/** For their choice of words only. */
export function payerOf({ subscribers }: FindPaymentPorts, { open }: FoundPayment): Promise<Profile | undefined> {
  return subscribers.getProfile(open.subscriberId);
}

function standingOf({ state, cancelRequested }: OpenRecharge, now: Instant): Standing {
  const isCalledOff = cancelRequested !== undefined;
  switch (state.name) {
    case "announced":
      if (isCalledOff) return { status: "called-off" };
      return state.chargeAt <= now ? { status: "in-progress" } : { status: "announced", until: state.chargeAt };
    case "awaiting-customer":
      if (isCalledOff) return { status: "called-off" };
      return state.expiresAt <= now ? { status: "in-progress" } : { status: "awaiting-customer", until: state.expiresAt };
    case "reserved":
    case "confirming":
    case "closing":
      return { status: isCalledOff ? "called-off" : "in-progress" };
    case "processing":
    case "crediting":
    case "refunding":
    case "needs-review":
    case "ended":
      return { status: "in-progress" };
  }
}

/** The secret lets who has it pay this one payment: never kept, never logged, and gone from the page when it does not wait for its payer. */
async function actionOf({ payments, stripePage }: FindPaymentPorts, { state, method }: OpenRecharge): Promise<PayLinkReply["action"]> {
  if (state.name !== "awaiting-customer") return undefined;
  const [clientSecret, { publishableKey }] = await Promise.all([payments().then((stripe) => stripe.clientSecret(state.paymentIntentId)), stripePage()]);
  return clientSecret === undefined ? undefined : { clientSecret, publishableKey, paymentMethodId: method.payRequest === undefined ? method.id : undefined };
}
