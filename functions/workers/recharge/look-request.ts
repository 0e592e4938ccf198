import type { RechargeMessage } from "../../contracts/messages.ts";
import type { LookRequest } from "./recharge-line.ts";

/** What a message of the recharge queue asks for: a poke says so itself; a report of the checker asks to judge, and brings the balance. */
export function lookRequestOf(message: RechargeMessage): LookRequest {
  if ("iccid" in message) return { iccid: message.iccid, judge: message.judge === true };
  const { iccid, balance, readAt, cycle } = message.detail;
  return { iccid, judge: true, report: { balance, readAt, cycle } };
}
