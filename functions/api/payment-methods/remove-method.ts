import type { Esims, Pokes, Subscribers, Wallet } from "../../domain/ports.ts";
import { linesOf } from "../../workers/lines-of.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { putUse } from "./use-method.ts";

export interface RemoveMethodPorts {
  readonly subscribers: Subscribers;
  readonly wallet: Wallet;
  readonly esims: Esims;
  readonly pokes: Pokes;
}

/**
 * Removes a way to pay: at Stripe first, so that nothing can be charged by it any more; then the recharge function suspends the rules that use it.
 *
 * Broken off anywhere, it is still in the list, and can be removed again.
 */
export async function removeMethod(ports: RemoveMethodPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { subscribers, wallet, pokes } = ports;
  const { subscriberId, params } = request;
  const { paymentMethodId = "" } = params;
  const method = await subscribers.getMethod(subscriberId, paymentMethodId);
  if (method === undefined) throw new HttpProblem(404, "not-found", "You have no such way to pay");
  const rechargeId = await findOpenRecharge(ports, subscriberId, paymentMethodId);
  if (rechargeId !== undefined) {
    throw new HttpProblem(409, "payment-method-in-use", `Recharge ${rechargeId} uses this way to pay: remove it when that has ended`);
  }
  if (method.payRequest === undefined) await wallet.detach(paymentMethodId);
  await pokes.send([{ paymentMethodId, subscriberId }]);
  await putUse(subscribers, subscriberId, paymentMethodId, "none");
  await subscribers.removeMethod(subscriberId, paymentMethodId);
  return { status: 204 };
}

/** Of the caller's, by this way to pay; also one that is only wanted yet. */
async function findOpenRecharge({ esims, subscribers }: RemoveMethodPorts, subscriberId: string, paymentMethodId: string): Promise<string | undefined> {
  for (const { open, requested } of await esims.loadMany(await linesOf({ esims, subscribers }, subscriberId))) {
    const going = open?.state.name === "ended" ? requested : (open ?? requested);
    if (going?.method.id === paymentMethodId) return going.rechargeId;
  }
  return undefined;
}
