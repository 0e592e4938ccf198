import type { Records } from "../records.ts";
import { type ErrorBody, resultOf } from "./stripe-refusal.ts";
import { KIND, type Result } from "./stripe-world.ts";

/** What a test or a person can have happen at Stripe next. */

/**
 * How any call can go wrong.
 *
 * `error-500`, `rate-limited` and `lock-timeout` do nothing; only the first is remembered by an idempotency key, as limits come before keys. With
 * `lose-request` nothing happens, with `lose-reply` all that was asked for; both leave the caller without an answer.
 * Source: https://docs.stripe.com/error-low-level
 */
const FAULTS = ["error-500", "rate-limited", "lock-timeout", "lose-reply", "lose-request"] as const;
type Fault = (typeof FAULTS)[number];

/** What can be chosen for each operation, besides any decline for a confirmation. */
export const OUTCOMES = {
  create: [...FAULTS],
  retrieve: [...FAULTS],
  /** `processing` is paid in the end. */
  confirm: [...FAULTS, "succeed", "authentication-required", "processing", "processing-then-failed"],
  /** As Stripe does in rare cases: also what is processing is canceled. */
  cancel: [...FAULTS, "cancel-processing"],
  /** `fail-later` seems to have succeeded at first. */
  refund: [...FAULTS, "pending", "pending-then-failed", "fail-later"],
} as const;

export type Operation = keyof typeof OUTCOMES;

export interface ChosenDecline {
  readonly type: "decline";
  readonly declineCode: string;
  readonly adviceCode?: string;
}

type Choice = { readonly [O in Operation]: Exclude<(typeof OUTCOMES)[O][number], Fault> | (O extends "confirm" ? ChosenDecline : never) };

export type NextOutcome<O extends Operation = "confirm"> = Fault | Choice[O];

export type NextOutcomes = ReturnType<typeof nextOutcomes>;

/** Outcomes in wait, kept on record, so that a killed process goes on with them. */
export function nextOutcomes(records: Records) {
  function waiting<O extends Operation>(operation: O): readonly NextOutcome<O>[] {
    return records.get<{ readonly outcomes: readonly NextOutcome<O>[] }>(KIND.nextOutcomes, operation)?.outcomes ?? [];
  }

  return {
    choose<O extends Operation = "confirm">(outcome: NextOutcome<O>, operation?: O): void {
      const chosenFor = operation ?? "confirm";
      records.put(KIND.nextOutcomes, chosenFor, { outcomes: [...waiting(chosenFor), outcome] });
    },

    /** Does what is asked in the way that was chosen for it, if one was. Each outcome is used up by one call, also by one that is refused. */
    attempt<O extends Operation>(operation: O, act: (chosen?: Choice[O]) => Result): Result {
      const [next, ...rest] = waiting(operation);
      if (next === undefined) return act();
      records.put(KIND.nextOutcomes, operation, { outcomes: rest });
      return isFault(next) ? goWrong(next, act) : act(next);
    },
  };
}

function isFault(outcome: string | object): outcome is Fault {
  return FAULTS.some((fault) => fault === outcome);
}

function goWrong(fault: Fault, act: () => Result): Result {
  switch (fault) {
    case "error-500":
      return refusal(500, { type: "api_error", message: "An unexpected error occurred." });
    case "rate-limited":
      return refusal(429, { type: "invalid_request_error", code: "rate_limit", message: "Request rate limit exceeded." });
    case "lock-timeout":
      return refusal(429, {
        type: "invalid_request_error",
        code: "lock_timeout",
        message: "This object cannot be accessed right now because another API request or Stripe process is currently accessing it.",
      });
    case "lose-request":
      return { body: {}, lost: "request" };
    case "lose-reply":
      return { ...resultOf(act), lost: "reply" };
  }
}

function refusal(status: number, error: ErrorBody): Result {
  return { status, body: { error } };
}
