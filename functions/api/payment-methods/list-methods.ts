import type * as z from "zod/mini";
import type { paymentMethodReply } from "../../contracts/payment-methods.ts";
import type { SavedMethod } from "../../domain/esim.ts";
import type { Subscribers } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";

/** The caller's saved ways to pay. */
export async function listMethods({ subscribers }: { readonly subscribers: Subscribers }, { subscriberId }: ApiRequest<undefined>): Promise<ApiResponse> {
  return { status: 200, body: { data: (await subscribers.listMethods(subscriberId)).map(methodView) } };
}

export function methodView({ id, brand, lastFour, expiry, payRequest }: SavedMethod): z.infer<typeof paymentMethodReply> {
  return { paymentMethodId: id, type: payRequest ?? "card", brand, lastFour, expiry };
}
