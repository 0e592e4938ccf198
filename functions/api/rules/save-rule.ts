import type { NewRuleBody, RuleBody } from "../../contracts/rules.ts";
import { createRule, type RuleDecision, type RuleInput, replaceRule } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Carrier, Clock, Esims, Ids, Log, Pokes } from "../../domain/ports.ts";
import { type RuleSettings, ruleProblems } from "../../domain/rule.ts";
import { type KnownSubscriberPorts, knownSubscriber } from "../known-subscriber.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { changeRule } from "./change-rule.ts";
import { ruleResponse } from "./rule-view.ts";

export interface SaveRulePorts extends KnownSubscriberPorts {
  readonly esims: Esims;
  readonly carrier: Carrier;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** The most that the operator lets anybody recharge at once, by currency, in minor units; any amount where it is missing. */
  readonly largestRecharges: Readonly<Record<string, number>>;
}

/** Saves the first rule of a line that the carrier says is the caller's. */
export async function createLineRule(ports: SaveRulePorts, request: ApiRequest<NewRuleBody>): Promise<ApiResponse> {
  const { iccid, ...body } = request.body;
  const input = await checkedInput(ports, request, iccid, body);
  const now = ports.clock.now();
  const rule = await changeRule(ports, iccid, input.writeId, (esim) => createRule(esim, input, now));
  return ruleResponse(201, iccid, rule);
}

/** Replaces the settings of a rule, on the version that the caller read. */
export async function replaceLineRule(ports: SaveRulePorts, request: ApiRequest<RuleBody>): Promise<ApiResponse> {
  const { iccid = "" } = request.params;
  const version = request.expectedVersion();
  const input = await checkedInput(ports, request, iccid, request.body);
  const now = ports.clock.now();
  const rule = await changeRule(ports, iccid, input.writeId, (esim): RuleDecision => replaceRule(esim, input, version, now));
  return ruleResponse(200, iccid, rule);
}

/** The settings as they will be saved: of the caller's own line and way to pay, making sense together. */
async function checkedInput(ports: SaveRulePorts, request: ApiRequest<unknown>, iccid: Iccid, body: RuleBody): Promise<RuleInput> {
  const { subscriberId } = request;
  await refuseClosing(ports, subscriberId);
  const profile = await knownSubscriber(ports, request);
  const line = (await ports.carrier.listEsims(profile)).find((esim) => esim.iccid === iccid);
  if (line === undefined) throw new HttpProblem(404, "not-found", "You have no such line");

  const { consent, timeZone, ...settings } = body;
  const problems = ruleProblems(settings satisfies RuleSettings, { ...line, most: ports.largestRecharges[line.currency] });
  if ((await ports.subscribers.getMethod(subscriberId, settings.paymentMethodId)) === undefined) {
    problems.push({ pointer: "/paymentMethodId", detail: "must be one of your saved ways to pay" });
  }
  if (problems.length > 0) throw new HttpProblem(422, "rule-makes-no-sense", "This rule would never do what it says", problems);

  const writeId = ports.ids.next();
  return { subscriberId, settings, consent: { termsVersion: consent.termsVersion, at: ports.clock.now(), timeZone }, writeId };
}
