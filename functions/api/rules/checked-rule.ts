import type { PreviewBody } from "../../contracts/rules.ts";
import type { PaymentMethod } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Carrier, CarrierEsim, Clock, Esims, Profile, Subscribers } from "../../domain/ports.ts";
import { type RuleSettings, ruleProblems } from "../../domain/rule.ts";
import { type AgreedTerms, termsOf } from "../../domain/terms.ts";
import { type KnownSubscriberPorts, presentSubscriber } from "../known-subscriber.ts";
import { noPayableLine, payableLine } from "../payable-line.ts";
import type { ApiRequest } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { termsHash } from "./terms-hash.ts";

export interface CheckedRulePorts extends KnownSubscriberPorts {
  readonly esims: Esims;
  readonly clock: Clock;
  readonly carrier: Carrier;
  /** The most that the operator lets anybody recharge at once, by currency, in minor units; any amount where it is missing. */
  readonly largestRecharges: Readonly<Record<string, number>>;
}

/** Settings that may be saved, and what is agreed to by saving them. */
export interface CheckedRule {
  readonly profile: Profile;
  readonly line: CarrierEsim;
  /** The line is somebody else's, who lets the caller pay for it: its balance is not theirs to see. */
  readonly byGrant: boolean;
  readonly method: PaymentMethod;
  readonly settings: RuleSettings;
  readonly timeZone: string;
  readonly terms: AgreedTerms;
}

/** The settings of a body as they would be saved: of the caller's own way to pay and a line that they may pay for, making sense together. The preview and saving judge by this alone. */
export async function checkedRule(
  ports: CheckedRulePorts,
  request: ApiRequest<unknown>,
  iccid: Iccid,
  { timeZone, ...body }: Omit<PreviewBody, "iccid">,
): Promise<CheckedRule> {
  await refuseClosing(ports, request.subscriberId);
  const profile = await presentSubscriber(ports, request);
  const line = await payableLine(ports, profile, iccid);
  if (line === undefined) throw noPayableLine();

  const method = await chosenMethod(ports.subscribers, request.subscriberId, body.paymentMethodId);
  const problems = ruleProblems(body, { ...line, lifetimeCap: line.grant?.cap, most: ports.largestRecharges[line.currency] });
  if (method === undefined) {
    const detail =
      body.paymentMethodId === undefined ? "must be one of your saved ways to pay, since none is your default" : "must be one of your saved ways to pay";
    problems.push({ pointer: "/paymentMethodId", detail });
  }
  if (method === undefined || problems.length > 0) throw new HttpProblem(422, "rule-makes-no-sense", "This rule would never do what it says", problems);

  const { threshold, topUp, limits, noticeMinutes } = body;
  const settings = { threshold, topUp, limits, paymentMethodId: method.id, noticeMinutes: noticeMinutes === 0 ? undefined : noticeMinutes };
  const terms = termsOf(iccid, settings, method, timeZone);
  return { profile, line, byGrant: line.grant !== undefined, method, settings, timeZone, terms: { ...terms, termsHash: termsHash(terms) } };
}

async function chosenMethod(subscribers: Subscribers, subscriberId: string, named: string | undefined): Promise<PaymentMethod | undefined> {
  const id = named ?? (await subscribers.getWallet(subscriberId)).default;
  return id === undefined ? undefined : subscribers.getMethod(subscriberId, id);
}
