import { type Esim, newEsim, type RuleDecision, type RuleRefusal } from "../../domain/esim.ts";
import { THRESHOLD_STAYS_HOURS } from "../../domain/family.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Esims, Log, Pokes } from "../../domain/ports.ts";
import type { Rule } from "../../domain/rule.ts";
import { HttpProblem } from "../problem.ts";

/** The machine may write the same line at any moment; it never takes long. */
const TRIES = 5;

export const REFUSALS: Readonly<Record<RuleRefusal, () => HttpProblem>> = {
  "rule-exists": () => new HttpProblem(409, "rule-exists", "This line has a rule already; change it with PUT"),
  "no-rule": noSuchRule,
  "consent-needed": consentNeeded,
  "no-grant": noSuchLine,
  "threshold-too-soon": () =>
    new HttpProblem(409, "threshold-too-soon", `This line is not yours: its threshold can be changed ${THRESHOLD_STAYS_HOURS} hours after you last did`, [
      { pointer: "/threshold/amount", detail: "must be as it was for now: how low the line is can be asked once a day" },
    ]),
  "version-mismatch": () => new HttpProblem(412, "rule-changed", "The rule was changed since you read it; read it again"),
};

/** Also the answer for somebody else's line: nobody learns that it exists. */
export function noSuchRule(): HttpProblem {
  return new HttpProblem(404, "not-found", "You have no rule for this line");
}

export function noSuchLine(): HttpProblem {
  return new HttpProblem(404, "not-found", "You have no such line");
}

export function consentNeeded(): HttpProblem {
  return new HttpProblem(409, "consent-needed", "You have not agreed to these settings: ask POST /v1/rules/preview again what they mean", [
    { pointer: "/consent/termsHash", detail: "must be the `terms.hash` that POST /v1/rules/preview gives for these settings" },
  ]);
}

/**
 * Saves a decision about a line's rule, and has the line looked at. A write of the machine in between costs another try, never the change.
 *
 * `prepare`: what must be kept before the change is; done for no change that is refused.
 */
export async function changeRule(
  { esims, pokes, log }: { readonly esims: Esims; readonly pokes: Pokes; readonly log: Log },
  iccid: Iccid,
  writeId: string,
  decide: (esim: Esim) => RuleDecision,
  prepare: () => Promise<void> = async () => {},
): Promise<Rule> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const decision = decide((await esims.load(iccid)) ?? newEsim(iccid));
    if (decision.kind === "refused") throw REFUSALS[decision.reason]();
    await prepare();
    if ((await esims.save(decision.esim, writeId)) === undefined) continue;
    // The event waits in the saved item: if this poke is lost, the sweeper finds it.
    await pokes.send([{ iccid, judge: true }]).catch((error: unknown) => log.warn("poke-failed", { error }));
    return decision.rule;
  }
  throw new HttpProblem(503, "try-again", "The line is being changed right now; nothing was saved", [], { "retry-after": "1" });
}
