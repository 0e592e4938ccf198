import { createRule, type Esim, type Reading, type RuleInput, type RuleRefusal, replaceRule, ruleOf } from "./esim.ts";
import type { Money } from "./money.ts";
import { decideRecharge, isFromBeforeLastCredit, type LineFacts, type RechargeDecision } from "./recharge.ts";
import type { SuspensionReason } from "./rule.ts";
import type { Instant } from "./time.ts";

type LeftReason = Extract<RechargeDecision, { kind: "leave" | "wait" }>["reason"];

/** Why settings would charge nothing when they are saved. */
export type WhyNot = LeftReason | SuspensionReason | "balance-unknown" | "balance-outdated";

/** What saving settings leads to at once. `until`: when the line may be judged again. */
export type AtOnce =
  | { readonly kind: "charge"; readonly amount: Money }
  | { readonly kind: "nothing"; readonly reason: WhyNot; readonly until?: Instant }
  /** They would not be saved. */
  | { readonly kind: "refused"; readonly reason: RuleRefusal };

function nothing(reason: WhyNot, until?: Instant): AtOnce {
  return { kind: "nothing", reason, until };
}

/** Decides by the same rules as the recharge function does, on the line as saving would leave it. `isHeld`: the operator has paused the subscriber. */
export function decideAtOnce(
  esim: Esim,
  input: RuleInput,
  reading: Reading | undefined,
  { isHeld, ...facts }: LineFacts & { readonly isHeld: boolean },
  now: Instant,
): AtOnce {
  const rule = ruleOf(esim, input.subscriberId);
  const saved = rule === undefined ? createRule(esim, input, now) : replaceRule(esim, input, rule.version, now);
  if (saved.kind === "refused") return saved;
  if (reading === undefined) return nothing("balance-unknown");
  const decision = decideRecharge(saved.esim, reading.balance, facts, now);
  if (decision.kind === "leave") return nothing(isAnothers(esim, decision.reason, input.subscriberId) ? "quiet" : decision.reason);
  if (isFromBeforeLastCredit(esim, reading)) return nothing("balance-outdated");
  if (isHeld) return nothing("paused-by-operator");
  switch (decision.kind) {
    case "recharge":
      return { kind: "charge", amount: decision.amount };
    case "wait":
      return nothing(decision.reason, decision.until);
    case "suspend":
      return nothing(decision.reason);
    case "wake":
      throw new Error("Saving a rule ends its quiet");
  }
}

/** What a line's former payer has open is nobody else's business. */
function isAnothers({ open }: Esim, reason: LeftReason, subscriberId: string): boolean {
  return reason === "already-open" && open?.subscriberId !== subscriberId;
}
