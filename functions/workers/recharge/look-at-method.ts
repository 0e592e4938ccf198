import type { MethodPoke } from "../../domain/ports.ts";
import type { RechargePorts } from "./ports.ts";
import { suspendRules } from "./suspend-rules.ts";

/** Stripe says that a way to pay changed: what is kept of it follows, and where it is nobody's any more, the rules that use it stop and their owners are told. */
export async function lookAtMethod(ports: RechargePorts, { paymentMethodId, subscriberId: owner }: MethodPoke): Promise<void> {
  const { subscribers, payments } = ports;
  const holders = new Set([...(await subscribers.listHolders(paymentMethodId)), ...(owner === undefined ? [] : [owner])]);
  if (holders.size === 0) return; // another stage's, or removed before
  const method = await payments.findMethod(paymentMethodId);
  for (const subscriberId of holders) {
    if (method !== undefined) {
      const kept = await subscribers.getMethod(subscriberId, paymentMethodId);
      // A pay request stays one, and is counted as before: Stripe tells only of what it was last paid with.
      if (kept !== undefined && kept.payRequest === undefined) await subscribers.refreshMethod(subscriberId, method);
      continue;
    }
    // The rules first: once it is removed, nobody finds them by it.
    await suspendRules(ports, subscriberId, "payment-method-gone", (used) => used === paymentMethodId);
    await subscribers.removeMethod(subscriberId, paymentMethodId);
  }
}
