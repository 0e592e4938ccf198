import type { Ids, Log, Pokes } from "../../domain/ports.ts";
import { applyCancelRequest } from "../../domain/recharge.ts";
import { record } from "../../workers/record.ts";
import { HttpProblem } from "../problem.ts";
import { type FindPaymentPorts, type FoundPayment, findPayment } from "./find-payment.ts";

export interface CallOffPorts extends FindPaymentPorts {
  readonly pokes: Pokes;
  readonly ids: Ids;
  readonly log: Log;
}

/**
 * Notes that the payer does not want what a link is for; the recharge function then cancels its PaymentIntent, and ends it when it sees that.
 *
 * Asked again it is the same. Throws 409 when it is being paid.
 */
export async function callOff(ports: CallOffPorts, token: string): Promise<FoundPayment> {
  const found = await findPayment(ports, token);
  const { rechargeId } = found.open;
  let isTooLate = false;
  const { esim } = await record(ports, found.esim, (current) => {
    const next = applyCancelRequest(current, rechargeId, "pay-link", ports.clock.now());
    isTooLate = next === undefined;
    return next ?? current;
  });
  const { open } = esim;
  if (isTooLate || open === undefined) throw new HttpProblem(409, "too-late", "It is being paid, or was paid: it cannot be called off any more");
  // The wish stands in the saved item: if this poke is lost, the sweeper finds it.
  await ports.pokes.send([{ iccid: esim.iccid }]).catch((error: unknown) => ports.log.warn("poke-failed", { error }));
  return { ...found, esim, open };
}
