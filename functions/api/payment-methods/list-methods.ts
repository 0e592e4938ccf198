import type * as z from "zod/mini";
import type { paymentMethodReply } from "../../contracts/payment-methods.ts";
import { methodType, type SavedMethod } from "../../domain/esim.ts";
import { type MethodUses, useOf } from "../../domain/method-uses.ts";
import type { Subscribers } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";

/** The caller's saved ways to pay, and what each is used for. */
export async function listMethods({ subscribers }: { readonly subscribers: Subscribers }, { subscriberId }: ApiRequest<undefined>): Promise<ApiResponse> {
  const [methods, uses] = await Promise.all([subscribers.listMethods(subscriberId), subscribers.getWallet(subscriberId)]);
  return { status: 200, body: { data: methods.map((method) => methodView(method, uses)) } };
}

export function methodView(method: SavedMethod, uses: MethodUses): z.infer<typeof paymentMethodReply> {
  const { id, brand, lastFour, expiry, payRequest } = method;
  return { paymentMethodId: id, type: methodType(method), brand, lastFour, asksEachTime: payRequest !== undefined, use: useOf(uses, id), expiry };
}
