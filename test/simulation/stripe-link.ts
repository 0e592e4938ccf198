import { Stripe } from "stripe";
import { stripeClient } from "../../functions/adapters/stripe-payments.ts";
import { parseForm } from "../../local/stripe/form.ts";
import type { StripeModel, StripeReply } from "../../local/stripe/stripe-model.ts";
import type { Calls } from "./calls.ts";
import type { Random } from "./random.ts";

type Answer = { readonly status: number; readonly headers: Record<string, string>; readonly body: object | undefined };

/** Longer than that the recharge function does not wait for Stripe. Source: functions/adapters/stripe-payments.ts */
const PATIENCE_MILLISECONDS = 10_000;

const REFUSALS: readonly [Answer, ...Answer[]] = [
  refusal(409, { type: "invalid_request_error", code: "lock_timeout" }),
  refusal(429, { type: "invalid_request_error", code: "rate_limit" }),
  refusal(500, { type: "api_error" }),
  // A gateway's page, which is no JSON.
  { status: 503, headers: {}, body: undefined },
];

/** What is told of each request: `POST /v1/refunds`. */
export interface Listeners {
  readonly asked: (request: string) => void;
  readonly arrived: (request: string) => void;
  readonly dealtWith: () => void;
}

/** Stripe's SDK talking to the model in this process, with whatever `calls` does to a request in between. */
export function linkedStripe(model: StripeModel, calls: Calls, random: Random, listeners: Listeners): Stripe {
  class LinkedHttpClient extends Stripe.HttpClient {
    override getClientName() {
      return "simulated";
    }

    override async makeRequest(_host: string, _port: string, path: string, method: string, headers: object, body: string | null) {
      const url = new URL(path, "http://stripe.test");
      const header = (name: string) => {
        const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
        return found === undefined ? undefined : String(found);
      };
      const request = {
        method,
        path: url.pathname,
        form: parseForm(method === "POST" ? (body ?? "") : url.search),
        authorization: header("authorization"),
        idempotencyKey: header("idempotency-key"),
      };
      const what = `${method} ${url.pathname}`;
      listeners.asked(what);
      const answer = await calls.make<Answer>({
        system: "stripe",
        what,
        changes: method === "POST",
        mayRepeat: true,
        patienceMilliseconds: PATIENCE_MILLISECONDS,
        act: () => {
          listeners.arrived(what);
          const reply = answerOf(model.handle(request));
          listeners.dealtWith();
          return reply;
        },
        lost: () => new Error("The connection was lost"),
        refuse: () => random.pick(REFUSALS),
        garble: () => ({ status: 200, headers: {}, body: undefined }),
      });
      return new LinkedResponse(answer);
    }
  }
  return stripeClient({ secretKey: "sk_test_simulated", httpClient: new LinkedHttpClient() });
}

function refusal(status: number, error: object): Answer {
  return { status, headers: {}, body: { error } };
}

function answerOf(reply: StripeReply): Answer {
  return reply.kind === "lost" ? { status: 200, headers: {}, body: undefined } : { status: reply.status, headers: { ...reply.headers }, body: reply.body };
}

class LinkedResponse extends Stripe.HttpClientResponse {
  readonly #body: object | undefined;

  constructor({ status, headers, body }: Answer) {
    super(status, headers);
    this.#body = body;
  }

  override getRawResponse() {
    return this;
  }

  override toStream(onEnd: () => void) {
    onEnd();
    return this;
  }

  /** Undefined: what came is no JSON. */
  override async toJSON() {
    if (this.#body === undefined) throw new Error("Unexpected end of JSON input");
    return JSON.parse(JSON.stringify(this.#body));
  }
}
