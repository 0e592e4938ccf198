import type { Result } from "./stripe-world.ts";

/** What Stripe's API says of an error. Source: https://docs.stripe.com/api/errors */
export interface ErrorBody {
  readonly type: "api_error" | "card_error" | "idempotency_error" | "invalid_request_error";
  readonly message: string;
  readonly code?: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly param?: string;
  readonly charge?: string;
  readonly payment_intent?: object;
  readonly payment_method?: object;
  readonly setup_intent?: object;
}

/** Stops a request with an error of Stripe's. */
export class StripeRefusal extends Error {
  override name = "StripeRefusal";
  readonly status: number;
  readonly error: ErrorBody;

  constructor(status: number, error: ErrorBody) {
    super(error.message);
    this.status = status;
    this.error = error;
  }
}

export function invalidRequest(message: string, details: Omit<Partial<ErrorBody>, "type" | "message"> = {}, status = 400): StripeRefusal {
  return new StripeRefusal(status, { type: "invalid_request_error", message, ...details });
}

/** What an endpoint answers, be it a refusal. */
export function resultOf(act: () => Result): Result {
  try {
    return act();
  } catch (refusal) {
    if (!(refusal instanceof StripeRefusal)) throw refusal;
    return { status: refusal.status, body: { error: refusal.error } };
  }
}
