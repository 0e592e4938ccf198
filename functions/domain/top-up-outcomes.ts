import type { Instant } from "./time.ts";

/**
 * What the carrier answered when it was asked to top up, or what became of a top-up, in its own words.
 *
 * That nothing came, or not all of it, is no answer: the adapter throws then.
 */
export type TopUpAnswer =
  | { readonly kind: "credited"; readonly reference: string; readonly at: Instant }
  | { readonly kind: "refused"; readonly reference: string; readonly code: string }
  /** Anything else: the HTTP status, and the `type` of the problem where the body has one. A 200 whose body breaks the contract is one of these. */
  | { readonly kind: "other"; readonly status: number; readonly problem?: string };

/** The `type` by which the carrier itself says that it has never seen a reference; any other 404 says nothing. */
export const UNKNOWN_REFERENCE = "urn:auto-recharge:carrier:unknown-reference";

/** What an answer means for a recharge that is paid. */
export type TopUpOutcome =
  | { readonly kind: "credited" }
  /** The carrier's final no. */
  | { readonly kind: "refused"; readonly code: string }
  /** The carrier never saw this reference, and no order under it is under way. */
  | { readonly kind: "unseen" }
  /** The reference belongs to another order: asking again will never help. */
  | { readonly kind: "conflict" }
  /** Our request or our access is wrong: nothing was done, and nothing can be until somebody mends that. */
  | { readonly kind: "fault"; readonly status: number }
  /** Neither credited nor certainly not: ask again. No status: the answer was about another reference. */
  | { readonly kind: "unknown"; readonly status?: number };

/** What we asked: to top up, or what became of an order. */
export type TopUpQuestion = "top-up" | "find";

/** Statuses by which a request is turned away before anything is done: 400, 401 and 422 by the carrier itself, the others by a gateway before it. */
const FAULTS: ReadonlySet<number> = new Set([400, 401, 403, 405, 413, 415, 422]);

/**
 * What an answer about this reference means. Never takes anything but the carrier's own word for a credit or a refusal.
 *
 * Source: docs/carrier-api.yaml, "What your answers mean to us".
 */
export function topUpOutcome(question: TopUpQuestion, reference: string, answer: TopUpAnswer): TopUpOutcome {
  if (answer.kind === "other") return otherOutcome(question, answer.status, answer.problem);
  if (answer.reference !== reference) return { kind: "unknown" };
  return answer.kind === "credited" ? { kind: "credited" } : { kind: "refused", code: answer.code };
}

function otherOutcome(question: TopUpQuestion, status: number, problem: string | undefined): TopUpOutcome {
  // A proxy or a wrong base URL answers 404 too; taken at its word, it would have a line credited twice.
  if (question === "find" && status === 404 && problem === UNKNOWN_REFERENCE) return { kind: "unseen" };
  if (question === "top-up" && status === 409) return { kind: "conflict" };
  return FAULTS.has(status) ? { kind: "fault", status } : { kind: "unknown", status };
}
