import type { MethodUseBody } from "../../contracts/payment-methods.ts";
import { type MethodUse, type MethodUses, useOf, withUse } from "../../domain/method-uses.ts";
import type { Subscribers } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { methodView } from "./list-methods.ts";

/** A person has two hands: more changes at once are no person's. */
const TRIES = 5;

/** Makes a saved way to pay the default or the backup, or neither. Rules that were saved keep theirs, and none is resumed. */
export async function setMethodUse({ subscribers }: { readonly subscribers: Subscribers }, request: ApiRequest<MethodUseBody>): Promise<ApiResponse> {
  const { subscriberId, params, body } = request;
  const { paymentMethodId = "" } = params;
  await refuseClosing({ subscribers }, subscriberId);
  const method = (await subscribers.listMethods(subscriberId)).find(({ id }) => id === paymentMethodId);
  if (method === undefined) throw new HttpProblem(404, "not-found", "You have no such way to pay");
  if (body.use === "backup" && method.payRequest !== undefined) {
    throw new HttpProblem(422, "cannot-be-backup", "A backup is charged with you away, and this way to pay asks you each time", [
      { pointer: "/use", detail: 'must be "default" or "none" for what asks you each time' },
    ]);
  }
  const uses = await putUse(subscribers, subscriberId, paymentMethodId, body.use);
  return { status: 200, body: methodView(method, uses) };
}

/** Puts what a way to pay is used for; gives what is used for what then. Whatever is chosen for another one in between stands. */
export async function putUse(subscribers: Subscribers, subscriberId: string, paymentMethodId: string, use: MethodUse): Promise<MethodUses> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const was = await subscribers.getWallet(subscriberId);
    if (useOf(was, paymentMethodId) === use) return was;
    const next = withUse(was, paymentMethodId, use);
    if (await subscribers.putWallet(subscriberId, was, next)) return next;
  }
  throw new HttpProblem(503, "try-again", "Your ways to pay are being changed right now; nothing was changed", [], { "retry-after": "1" });
}
