import type * as z from "zod/mini";
import type { ruleReply } from "../../contracts/rules.ts";
import type { Iccid } from "../../domain/iccid.ts";
import type { Rule } from "../../domain/rule.ts";
import type { ApiResponse } from "../pipeline.ts";

/** A rule as the API shows it: the fields of the body that saved it, and what became of it. */
export function ruleView(iccid: Iccid, rule: Rule): z.input<typeof ruleReply> {
  const { writeId: _ours, consent, ...shown } = rule;
  const { timeZone, ...agreed } = consent;
  return { iccid, ...shown, noticeMinutes: shown.noticeMinutes ?? 0, timeZone, consent: agreed };
}

/** A rule with its ETag, which later changes name in If-Match. */
export function ruleResponse(status: 200 | 201, iccid: Iccid, rule: Rule): ApiResponse {
  return {
    status,
    body: ruleView(iccid, rule),
    headers: { etag: `"${rule.version}"`, ...(status === 201 && { location: `/v1/rules/${iccid}` }) },
  };
}
