import type * as z from "zod/mini";
import type { paymentMethodReply } from "../../contracts/payment-methods.ts";
import type { SavedMethod } from "../../domain/esim.ts";
import { type MethodUses, useOf } from "../../domain/method-uses.ts";
import type { Subscribers } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";

/** The caller's saved ways to pay, and what each is used for. */
export async function listMethods({ subscribers }: { readonly subscribers: Subscribers }, { subscriberId }: ApiRequest<undefined>): Promise<ApiResponse> {
  const [methods, uses] = await Promise.all([subscribers.listMethods(subscriberId), subscribers.getWallet(subscriberId)]);
  return { status: 200, body: { data: methods.map((method) => methodView(method, uses)) } };
}

export function methodView({ id, brand, lastFour, expiry, payRequest }: SavedMethod, uses: MethodUses): z.infer<typeof paymentMethodReply> {
  return { paymentMethodId: id, type: payRequest ?? "card", brand, lastFour, use: useOf(uses, id), expiry };
}
