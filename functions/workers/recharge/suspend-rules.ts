import type { PaymentFact } from "../../domain/adjustments.ts";
import type { Bill } from "../../domain/bill.ts";
import { suspendRule } from "../../domain/esim.ts";
import type { SuspensionReason } from "../../domain/rule.ts";
import { record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";
import { publishPending } from "./recharge-line.ts";

/** A charge of this card was disputed: the subscriber's rules that use it stop now, everybody else's before their next charge. */
export async function suspendRulesOfCard(ports: RechargePorts, { subscriberId, method }: Bill, dispute: PaymentFact): Promise<void> {
  const stored = await ports.subscribers.getMethod(subscriberId, method.id);
  if (stored === undefined) return; // it was removed, and its rules with it
  await ports.cards.putDecline(stored.cardKey, { rechargeId: dispute.objectId, at: ports.clock.now(), code: "dispute", severity: "dispute" });
  await suspendRules(ports, subscriberId, "payment-disputed", async (paymentMethodId) => {
    const used = await ports.subscribers.getMethod(subscriberId, paymentMethodId);
    return used?.cardKey === stored.cardKey;
  });
}

/** Suspends the rules of a subscriber that pay in a certain way. */
export async function suspendRules(
  ports: RechargePorts,
  subscriberId: string,
  reason: SuspensionReason,
  isMeant: (paymentMethodId: string) => Promise<boolean> | boolean,
): Promise<void> {
  let page: string | undefined;
  do {
    const { items, next } = await ports.esims.listBySubscriber(subscriberId, page);
    for (const esim of await ports.esims.loadMany(items)) {
      const { rule } = esim;
      if (esim.subscriberId !== subscriberId || rule === undefined || !(await isMeant(rule.paymentMethodId))) continue;
      const suspended = await record(ports, esim, (current) =>
        // Another way to pay, or another payer, was chosen meanwhile: not what is meant.
        current.subscriberId === subscriberId && current.rule?.paymentMethodId === rule.paymentMethodId
          ? suspendRule(current, reason, ports.clock.now())
          : current,
      );
      await publishPending(ports, suspended.esim);
    }
    page = next;
  } while (page !== undefined);
}
