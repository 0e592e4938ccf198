import type { NewRuleBody, RuleBody } from "../../contracts/rules.ts";
import { createRule, replaceRule } from "../../domain/esim.ts";
import type { Clock, Esims, Ids, Log, Pokes } from "../../domain/ports.ts";
import type { Consent } from "../../domain/rule.ts";
import type { Instant } from "../../domain/time.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { changeRule, consentNeeded } from "./change-rule.ts";
import { type CheckedRule, type CheckedRulePorts, checkedRule } from "./checked-rule.ts";
import { ruleResponse } from "./rule-view.ts";

export interface SaveRulePorts extends CheckedRulePorts {
  readonly esims: Esims;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Saves the first rule of a line that the carrier says is the caller's, or whose holder lets them pay for it. */
export async function createLineRule(ports: SaveRulePorts, request: ApiRequest<NewRuleBody>): Promise<ApiResponse> {
  const { subscriberId } = request;
  const { iccid, consent: agreed, ...body } = request.body;
  const checked = await checkedRule(ports, request, iccid, body);
  const now = ports.clock.now();
  const consent = consentTo(checked, agreed.termsHash, now);
  const input = { subscriberId, settings: checked.settings, consent, writeId: ports.ids.next(), byGrant: checked.byGrant };
  const prepare = async () => {
    await keepTimeZone(ports, checked);
    await ports.subscribers.putLine(subscriberId, iccid);
    await ports.subscribers.putTerms(subscriberId, checked.terms);
  };
  const rule = await changeRule(ports, iccid, input.writeId, (esim) => createRule(esim, input, now), prepare);
  return ruleResponse(201, iccid, rule);
}

/** Replaces the settings of a rule, on the version that the caller read. What raises nothing may go on standing on the old consent. */
export async function replaceLineRule(ports: SaveRulePorts, request: ApiRequest<RuleBody>): Promise<ApiResponse> {
  const { subscriberId } = request;
  const { iccid = "" } = request.params;
  const version = request.expectedVersion();
  const { consent: agreed, ...body } = request.body;
  const checked = await checkedRule(ports, request, iccid, body);
  const now = ports.clock.now();
  const consent = agreed && consentTo(checked, agreed.termsHash, now);
  const { settings, timeZone } = checked;
  const change = { subscriberId, settings, writeId: ports.ids.next(), byGrant: checked.byGrant };
  const input = consent === undefined ? { ...change, timeZone } : { ...change, consent };
  const prepare = async () => {
    await keepTimeZone(ports, checked);
    if (consent !== undefined) await ports.subscribers.putTerms(subscriberId, checked.terms);
  };
  const rule = await changeRule(ports, iccid, input.writeId, (esim) => replaceRule(esim, input, version, now), prepare);
  return ruleResponse(200, iccid, rule);
}

async function keepTimeZone({ subscribers }: SaveRulePorts, { profile, timeZone }: CheckedRule): Promise<void> {
  if (profile.ruleTimeZone !== timeZone) await subscribers.putRuleTimeZone(profile.subscriberId, timeZone);
}

/** Throws a problem where what the caller agreed to is not what would be saved. */
function consentTo({ terms, timeZone }: CheckedRule, agreedHash: string, now: Instant): Consent {
  if (agreedHash !== terms.termsHash) throw consentNeeded();
  return { termsVersion: terms.version, termsHash: terms.termsHash, at: now, timeZone };
}
