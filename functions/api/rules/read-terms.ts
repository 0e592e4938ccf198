import type { Subscribers } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";

/** Terms that the caller agreed to, as they were then. */
export async function readTerms({ subscribers }: { readonly subscribers: Subscribers }, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const terms = await subscribers.getTerms(request.subscriberId, request.params.termsHash ?? "");
  if (terms === undefined) throw new HttpProblem(404, "not-found", "You have not agreed to such terms");
  return { status: 200, body: terms };
}
