import type * as z from "zod/mini";
import type { termsReply } from "../../contracts/rules.ts";
import type { Subscribers } from "../../domain/ports.ts";
import type { AgreedTerms } from "../../domain/terms.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";

/** Terms that the caller agreed to, as they were then. */
export async function readTerms({ subscribers }: { readonly subscribers: Subscribers }, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const terms = await subscribers.getTerms(request.subscriberId, request.params.termsHash ?? "");
  if (terms === undefined) throw new HttpProblem(404, "not-found", "You have not agreed to such terms");
  return { status: 200, body: termsView(terms) };
}

/** What was said and agreed to; the settings are in the words. */
export function termsView({ termsHash, version, words, text }: AgreedTerms): z.input<typeof termsReply> {
  return { termsHash, version, words: { "zh-CN": [...words["zh-CN"]], en: [...words.en] }, text };
}
