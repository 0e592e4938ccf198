import { type FamilyGrant, grantOf } from "../../domain/family.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Esims } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { grantView } from "./grant-view.ts";

/** The lines of others that the caller pays for. The index may be a moment old; the grants themselves are read as they are. */
export async function listFamilyLines({ esims }: { readonly esims: Esims }, request: ApiRequest<undefined>): Promise<ApiResponse> {
  const { items, next } = await esims.listBySubscriber(request.subscriberId, request.page);
  const lines = new Map((await esims.loadMany(items)).map((esim) => [esim.iccid, esim]));
  const data = items.flatMap((iccid) => {
    const grant = grantOf(lines.get(iccid) ?? {}, request.subscriberId);
    return grant === undefined ? [] : [familyLineView(iccid, grant)];
  });
  return { status: 200, body: { data, next } };
}

export function familyLineView(iccid: Iccid, grant: FamilyGrant) {
  return { iccid, ...grantView(grant), consent: grant.consent };
}
