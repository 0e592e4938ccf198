import type { RechargeMessage } from "../../contracts/messages.ts";
import { lookAtMethod } from "./look-at-method.ts";
import { lookAtPayment } from "./look-at-payment.ts";
import type { RechargePorts } from "./ports.ts";
import { rechargeLine } from "./recharge-line.ts";

/** Looks at what a message of the recharge queue names: a payment, a way to pay, or a line; a report of the checker also asks to judge, and brings the balance. */
export function look(ports: RechargePorts, message: RechargeMessage): Promise<void> {
  if ("paymentIntentId" in message) return lookAtPayment(ports, message);
  if ("paymentMethodId" in message) return lookAtMethod(ports, message);
  if ("iccid" in message) return rechargeLine(ports, { iccid: message.iccid, judge: message.judge === true, again: message.again });
  const { iccid, balance, readAt, cycle, check } = message.detail;
  return rechargeLine(ports, { iccid, judge: true, report: { balance, readAt, cycle, check } });
}
