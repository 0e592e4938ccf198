import type { RuleStateBody } from "../../contracts/rules.ts";
import { cardStanding } from "../../domain/declines.ts";
import { deleteRule, ruleOf, setRuleState } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Cards, Clock, Esims, Ids, Log, Pokes, Subscribers } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { changeRule } from "./change-rule.ts";
import { ruleResponse } from "./rule-view.ts";

export interface RuleStatePorts {
  readonly esims: Esims;
  readonly subscribers: Subscribers;
  readonly cards: Cards;
  readonly pokes: Pokes;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Pauses or resumes a rule. Resuming lifts a suspension, unless the card is refused for good. */
export async function setLineRuleState(ports: RuleStatePorts, request: ApiRequest<RuleStateBody>): Promise<ApiResponse> {
  const { subscriberId, body, params } = request;
  const { iccid = "" } = params;
  const version = request.expectedVersion();
  if (body.status === "active") await giveCardAnotherTry(ports, iccid, subscriberId, version);
  const writeId = ports.ids.next();
  const now = ports.clock.now();
  const rule = await changeRule(ports, iccid, writeId, (esim) => setRuleState(esim, { subscriberId, state: body.status, writeId }, version, now));
  return ruleResponse(200, iccid, rule);
}

/** Forgets the soft declines of a card that was declined too often, or the dispute of one of its charges, as the subscriber now asks for another try. Throws 409 if it may never be tried again. */
async function giveCardAnotherTry({ esims, subscribers, cards, clock }: RuleStatePorts, iccid: Iccid, subscriberId: string, version: number): Promise<void> {
  const rule = ruleOf(await esims.load(iccid), subscriberId);
  if (rule?.version !== version) return; // about to be refused
  const method = await subscribers.getMethod(subscriberId, rule.paymentMethodId);
  if (method === undefined) throw new HttpProblem(409, "payment-method-gone", "The rule's way to pay was removed; choose another with PUT first");
  const standing = cardStanding(await cards.listDeclines(method.cardKey), clock.now());
  if (standing.kind !== "exhausted") return;
  if (standing.reason === "card-refused-for-good") {
    throw new HttpProblem(409, "card-refused-for-good", "The bank refuses this card for good; choose another with PUT first");
  }
  await cards.clear(method.cardKey, clock.now());
}

export async function deleteLineRule(
  ports: Pick<RuleStatePorts, "esims" | "pokes" | "clock" | "ids" | "log">,
  request: ApiRequest<undefined>,
): Promise<ApiResponse> {
  const { iccid = "" } = request.params;
  const version = request.expectedVersion();
  const now = ports.clock.now();
  await changeRule(ports, iccid, ports.ids.next(), (esim) => deleteRule(esim, request.subscriberId, version, now));
  return { status: 204 };
}
