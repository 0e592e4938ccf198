/** What a way to pay is used for: rules that name none take the default; the backup is tried once when a rule's own is declined. */
export type MethodUse = "default" | "backup" | "none";

/** Which of a subscriber's ways to pay (`pm_...`) is used for what. One that is gone may still be named: who takes it reads it first. */
export interface MethodUses {
  readonly default?: string;
  readonly backup?: string;
}

export function useOf(uses: MethodUses, paymentMethodId: string): MethodUse {
  if (uses.default === paymentMethodId) return "default";
  return uses.backup === paymentMethodId ? "backup" : "none";
}

/** One is never both, and takes the place of the one that was used so before. */
export function withUse(uses: MethodUses, paymentMethodId: string, use: MethodUse): MethodUses {
  const others = {
    default: uses.default === paymentMethodId ? undefined : uses.default,
    backup: uses.backup === paymentMethodId ? undefined : uses.backup,
  };
  return use === "none" ? others : { ...others, [use]: paymentMethodId };
}
