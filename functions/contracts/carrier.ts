import { createHash, createHmac } from "node:crypto";
import * as z from "zod/mini";
import { iccidProblem } from "../domain/iccid.ts";
import { epochMilliseconds, instant } from "../domain/time.ts";
import { currency, positiveMoney } from "./money.ts";

/** The bodies of docs/carrier-api.yaml. Unknown fields are let through and dropped, so that either side may say more one day. */

const iccid = z.string().check(z.refine((text) => iccidProblem(text) === undefined, { error: "must be an ICCID" }));

/** Our name for one top-up: the carrier's idempotency key. */
const reference = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "must be 1 to 64 letters, digits, - and _" }));

/** RFC 3339 with any offset, read as the Instant that the domain sorts by. */
const moment = z.pipe(
  z.iso.datetime({ offset: true }),
  z.transform((text) => instant(epochMilliseconds(text))),
);

/** How long an answer may take, its body included. Two calls fit into the 29 s of an API function, and into the 60 s of a worker with time to write down what it heard. */
export const ANSWER_TIMEOUT_SECONDS = 8;

/** The most lines that one question about balances may name. */
export const LINES_PER_QUERY = 100;

const name = z.string().check(z.minLength(1), z.maxLength(320)); // as long as an e-mail address can be

export const esimQuery = z
  .object({ subscriberId: z.optional(name), email: z.optional(name), phoneNumber: z.optional(name) })
  .check(z.refine((who) => Object.values(who).some((text) => text !== undefined), { error: "must name somebody" }));
export type EsimQuery = z.infer<typeof esimQuery>;

/** The only amounts that can be added to a line, in minor units of its currency. */
const topUpAmounts = z.array(z.int().check(z.positive())).check(z.minLength(1), z.maxLength(100));

const carrierEsim = { iccid, currency, topUpAmounts: z.optional(topUpAmounts) };

export const esimList = z.object({ esims: z.array(z.object(carrierEsim)) });
export type EsimList = z.infer<typeof esimList>;

export const lineQuery = z.object({ iccid });

/** Null where there is no line of that number: said, and not left out, as a rule stops by it. */
export const lineReply = z.object({ line: z.nullable(z.object({ ...carrierEsim, holder: z.string().check(z.minLength(1), z.maxLength(128)) })) });
export type LineReply = z.infer<typeof lineReply>;

export const codeMessage = z.object({ iccid, code: z.string().check(z.regex(/^\d{6}$/)), language: z.enum(["zh-CN", "en"]) });
export type CodeOrder = z.infer<typeof codeMessage>;

export const balanceQuery = z.object({ iccids: z.array(iccid).check(z.minLength(1), z.maxLength(LINES_PER_QUERY)) });

export const lineBalance = z.object({ iccid, available: z.object({ amount: z.int(), currency }), readAt: moment });
export const balanceList = z.object({ balances: z.array(lineBalance) });
export type BalanceList = z.infer<typeof balanceList>;

export const topUpOrder = z.object({ iccid, amount: positiveMoney, reference });
export type TopUpOrder = z.infer<typeof topUpOrder>;

/** The first answer for a reference, which never changes. */
export const topUpReply = z.discriminatedUnion("status", [
  z.object({ reference, status: z.literal("credited"), at: moment }),
  z.object({ reference, status: z.literal("refused"), code: z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/)) }),
]);
export type TopUpReply = z.infer<typeof topUpReply>;

const pageMark = z.optional(z.string().check(z.minLength(1), z.maxLength(1000)));

export const topUpQuery = z.object({ from: moment, to: moment, page: pageMark });
export type TopUpQuery = z.infer<typeof topUpQuery>;

const listedTopUp = z.object({ reference, iccid, amount: positiveMoney, status: z.enum(["credited", "refused"]), at: moment });
export const topUpList = z.object({ topUps: z.array(listedTopUp), next: pageMark });
export type TopUpList = z.infer<typeof topUpList>;

/** The body of an error. Source: RFC 9457 */
export const carrierProblem = z.object({ type: z.string() });

/** How far the carrier's clock and ours may be apart, and how long a captured request stays valid, in seconds. */
export const SIGNATURE_TOLERANCE_SECONDS = 300;

export const TIMESTAMP_HEADER = "X-Timestamp";
export const SIGNATURE_HEADER = "X-Signature";

/** What a signature covers, byte by byte as it is sent. */
export interface SignedRequest {
  /** Unix seconds, as in the header. */
  readonly timestamp: string;
  readonly method: string;
  /** With the query, as in the request line. */
  readonly path: string;
  /** Empty when there is none. */
  readonly body: string | Uint8Array;
}

/** The value of X-Signature. Source: docs/carrier-api.yaml, whose worked example the tests hold this to. */
export function signCarrierRequest(secret: string, { timestamp, method, path, body }: SignedRequest): string {
  const bodyHash = createHash("sha256").update(body).digest("hex");
  return `v1=${createHmac("sha256", secret).update(`${timestamp}\n${method}\n${path}\n${bodyHash}`).digest("hex")}`;
}
