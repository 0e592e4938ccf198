import type { PreviewBody } from "../../contracts/rules.ts";
import { type AtOnce, decideAtOnce } from "../../domain/at-once.ts";
import { newEsim, type Reading, ruleOf } from "../../domain/esim.ts";
import { isBelow, type Money } from "../../domain/money.ts";
import type { Cards, Clock, Esims } from "../../domain/ports.ts";
import { needsConsent, worstCasePerMonth } from "../../domain/rule.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { REFUSALS } from "./change-rule.ts";
import { type CheckedRulePorts, checkedRule } from "./checked-rule.ts";

export interface PreviewRulePorts extends CheckedRulePorts {
  readonly esims: Esims;
  readonly cards: Cards;
  readonly clock: Clock;
}

/** Says what settings mean before they are saved: in plain words, at once, at worst, and what is agreed to. Saves nothing. */
export async function previewRule(ports: PreviewRulePorts, request: ApiRequest<PreviewBody>): Promise<ApiResponse> {
  const { subscriberId } = request;
  const { iccid, ...body } = request.body;
  const { line, byGrant, method, settings, timeZone, terms } = await checkedRule(ports, request, iccid, body);
  const [esim = newEsim(iccid), balances, declines, hold] = await Promise.all([
    ports.esims.load(iccid),
    byGrant ? new Map<string, Reading>() : ports.carrier.getBalances([iccid]), // what it would do at once would tell the balance, too
    ports.cards.listDeclines(method.cardKey),
    ports.subscribers.getHold(subscriberId),
  ]);
  const reading = balances.get(iccid); // the carrier may list a line and not say its balance
  const rule = ruleOf(esim, subscriberId);

  const now = ports.clock.now();
  const input = {
    subscriberId,
    settings,
    consent: { termsVersion: terms.version, termsHash: terms.termsHash, at: now, timeZone },
    writeId: "preview",
    byGrant,
  };
  const atOnce = decideAtOnce(esim, input, reading, { declines, topUpAmounts: line.topUpAmounts, isHeld: hold !== undefined }, now);
  if (atOnce.kind === "refused") throw REFUSALS[atOnce.reason]();

  return {
    status: 200,
    body: {
      words: terms.words,
      now: { ...shownBalance(reading, settings.threshold), ...shownAtOnce(atOnce) },
      worstCasePerMonth: worstCasePerMonth(settings),
      terms: { version: terms.version, text: terms.text, hash: terms.termsHash },
      consentNeeded: rule === undefined || needsConsent(rule, settings, timeZone),
    },
  };
}

/** Here it is decided who sees the balance of a line: whoever the carrier lists it for, and nobody who pays for it by a grant; `checkedRule` has asked. */
function shownBalance(reading: Reading | undefined, threshold: Money) {
  if (reading === undefined) return { balance: null, readAt: null, isLow: null };
  const { balance, readAt } = reading;
  return { balance, readAt, isLow: balance.currency === threshold.currency && isBelow(balance, threshold) };
}

function shownAtOnce(atOnce: Exclude<AtOnce, { kind: "refused" }>) {
  if (atOnce.kind === "charge") return { wouldCharge: atOnce.amount, whyNot: null };
  return { wouldCharge: null, whyNot: { reason: atOnce.reason, until: atOnce.until } };
}
