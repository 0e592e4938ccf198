import type { Stripe } from "stripe";
import type { StripeModel } from "../../local/stripe/stripe-model.ts";
import { answerOf, type StripeAnswer, stripeOver } from "../fakes/in-process-stripe.ts";
import type { Calls } from "./calls.ts";
import type { Random } from "./random.ts";

/** Longer than that the recharge function does not wait for Stripe. Source: functions/adapters/stripe-payments.ts */
const PATIENCE_MILLISECONDS = 10_000;

const REFUSALS: readonly [StripeAnswer, ...StripeAnswer[]] = [
  refusal(409, { type: "invalid_request_error", code: "lock_timeout" }),
  refusal(429, { type: "invalid_request_error", code: "rate_limit" }),
  refusal(500, { type: "api_error" }),
  // A gateway's page, which is no JSON.
  { status: 503, headers: {} },
];

/** What is told of each request: `POST /v1/refunds`. */
export interface Listeners {
  readonly asked: (request: string) => void;
  readonly arrived: (request: string) => void;
  readonly dealtWith: () => void;
}

/** Stripe's SDK talking to the model in this process, with whatever `calls` does to a request in between. */
export function linkedStripe(model: StripeModel, calls: Calls, random: Random, { asked, arrived, dealtWith }: Listeners): Stripe {
  return stripeOver((request) => {
    const { method, path } = request;
    const what = `${method} ${path}`;
    asked(what);
    return calls.make<StripeAnswer>({
      system: "stripe",
      what,
      changes: method === "POST",
      mayRepeat: true,
      patienceMilliseconds: PATIENCE_MILLISECONDS,
      act: () => {
        arrived(what);
        const answer = answerOf(model.handle(request));
        dealtWith();
        return answer;
      },
      lost: () => new Error("The connection was lost"),
      refuse: () => random.pick(REFUSALS),
      garble: () => ({ status: 200, headers: {} }),
    });
  });
}

function refusal(status: number, error: object): StripeAnswer {
  return { status, headers: {}, body: { error } };
}
