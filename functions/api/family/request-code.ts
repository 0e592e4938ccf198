import type { CodeRequestBody } from "../../contracts/family.ts";
import { CODE_MINUTES, CODE_TRIES } from "../../domain/line-codes.ts";
import type { Carrier, Clock, Codes, Log, Subscribers } from "../../domain/ports.ts";
import { plusMinutes } from "../../domain/time.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { codeHash } from "./code-hash.ts";

export interface RequestCodePorts {
  readonly subscribers: Pick<Subscribers, "takeCodeTurn" | "putCode" | "getClosing">;
  readonly carrier: Pick<Carrier, "sendCode">;
  readonly clock: Clock;
  readonly codes: Codes;
  readonly log: Log;
  /** Keyed: six digits alone would be found by trying all of them. */
  readonly hash: (text: string) => string;
}

/**
 * Has a one-time code brought to a line, so that its holder can let the caller pay for it.
 *
 * Does and answers the same for every line: nobody finds out by it which lines there are, or whether somebody else has asked.
 */
export async function requestCode(
  { subscribers, carrier, clock, codes, log, hash }: RequestCodePorts,
  request: ApiRequest<CodeRequestBody>,
): Promise<ApiResponse> {
  const { subscriberId, body } = request;
  const { iccid, language } = body;
  await refuseClosing({ subscribers }, subscriberId);
  const now = clock.now();
  const line = hash(iccid);
  const accepted = { status: 202 };
  if (!(await subscribers.takeCodeTurn(line, now))) {
    log.warn("family-code-limited", { subscriberId });
    return accepted;
  }
  const code = codes.next();
  // Kept before it is sent: a code that arrives is good.
  await subscribers.putCode(subscriberId, line, {
    hash: codeHash(hash, { subscriberId, iccid, code }),
    validUntil: plusMinutes(now, CODE_MINUTES),
    triesLeft: CODE_TRIES,
  });
  await carrier.sendCode({ iccid, code, language });
  return accepted;
}
