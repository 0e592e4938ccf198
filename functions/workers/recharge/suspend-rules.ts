import type { PaymentFact } from "../../domain/adjustments.ts";
import { type Esim, suspendRule } from "../../domain/esim.ts";
import type { Iccid } from "../../domain/iccid.ts";
import { type RechargeStart, UnreadableLine } from "../../domain/ports.ts";
import type { SuspensionReason } from "../../domain/rule.ts";
import { linesOf } from "../lines-of.ts";
import { record } from "../record.ts";
import type { RechargePorts } from "./ports.ts";
import { publishPending } from "./recharge-line.ts";

/** A charge of this card was disputed: the subscriber's rules that use it stop now, everybody else's before their next charge. */
export async function suspendRulesOfCard(ports: RechargePorts, { subscriberId, cardKey }: RechargeStart, dispute: PaymentFact): Promise<void> {
  await ports.cards.putDecline(cardKey, { rechargeId: dispute.objectId, at: ports.clock.now(), code: "dispute", severity: "dispute" });
  await suspendRules(ports, subscriberId, "payment-disputed", async (paymentMethodId) => {
    const used = await ports.subscribers.getMethod(subscriberId, paymentMethodId);
    return used?.cardKey === cardKey;
  });
}

/** A line that cannot be read is charged nothing, and does not keep the others from being suspended. */
async function readable({ esims, log }: RechargePorts, iccid: Iccid): Promise<Esim | undefined> {
  try {
    return await esims.load(iccid);
  } catch (error) {
    if (!(error instanceof UnreadableLine)) throw error;
    log.error("unreadable-line", { error: error.message });
    return undefined;
  }
}

/** Suspends the rules of a subscriber that pay in a certain way. */
export async function suspendRules(
  ports: RechargePorts,
  subscriberId: string,
  reason: SuspensionReason,
  isMeant: (paymentMethodId: string) => Promise<boolean> | boolean,
): Promise<void> {
  for (const iccid of await linesOf(ports, subscriberId)) {
    const esim = await readable(ports, iccid);
    const rule = esim?.rule;
    if (esim?.subscriberId !== subscriberId || rule === undefined || !(await isMeant(rule.paymentMethodId))) continue;
    const suspended = await record(ports, esim, (current) =>
      // Another way to pay, or another payer, was chosen meanwhile: not what is meant.
      current.subscriberId === subscriberId && current.rule?.paymentMethodId === rule.paymentMethodId
        ? suspendRule(current, reason, ports.clock.now())
        : current,
    );
    await publishPending(ports, suspended.esim);
  }
}
