import { ruleOf } from "../../domain/esim.ts";
import type { Esims } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { noSuchRule } from "./change-rule.ts";
import { ruleResponse, ruleView } from "./rule-view.ts";

export async function readRule({ esims }: { readonly esims: Esims }, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { iccid = "" } = request.params;
  const rule = ruleOf(await esims.load(iccid), request.subscriberId);
  if (rule === undefined) throw noSuchRule();
  return ruleResponse(200, iccid, rule);
}

/** The caller's rules, by ICCID. The index may be a moment old; the rules themselves are read as they are. */
export async function listRules({ esims }: { readonly esims: Esims }, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { items, next } = await esims.listBySubscriber(request.subscriberId, request.page);
  const lines = new Map((await esims.loadMany(items)).map((esim) => [esim.iccid, esim]));
  const data = items.flatMap((iccid) => {
    const rule = ruleOf(lines.get(iccid), request.subscriberId);
    return rule === undefined ? [] : [ruleView(iccid, rule)];
  });
  return { status: 200, body: { data, next } };
}
