import { Stripe } from "stripe";
import { stripeClient, stripePayments } from "../../functions/adapters/stripe-payments.ts";
import type { Payments } from "../../functions/domain/ports.ts";
import { parseForm } from "../../local/stripe/form.ts";
import type { StripeModel, StripeReply, StripeRequest } from "../../local/stripe/stripe-model.ts";

/** What comes back from Stripe: no body where what came is no JSON, or broke off. */
export interface StripeAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body?: object;
}

/** Stripe's SDK talking to the local model without a network between them. */
export function inProcessStripe(model: StripeModel): Stripe {
  return stripeOver(async (request) => answerOf(model.handle(request)));
}

/** Stripe's SDK with `answer` in the place of the network and what is behind it. */
export function stripeOver(answer: (request: StripeRequest) => Promise<StripeAnswer>): Stripe {
  return stripeClient({ secretKey: "sk_test_inprocess", httpClient: inProcessHttpClient(answer) });
}

export function answerOf(reply: StripeReply): StripeAnswer {
  return reply.kind === "lost" ? { status: 200, headers: {} } : { status: reply.status, headers: { ...reply.headers }, body: reply.body };
}

export function inProcessPayments(model: StripeModel): Payments {
  return stripePayments({ stripe: inProcessStripe(model), stage: "test" });
}

class InProcessResponse extends Stripe.HttpClientResponse {
  readonly #body: object | undefined;

  constructor({ status, headers, body }: StripeAnswer) {
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

  override async toJSON() {
    if (this.#body === undefined) throw new Error("The connection was lost");
    return JSON.parse(JSON.stringify(this.#body));
  }
}

function inProcessHttpClient(answer: (request: StripeRequest) => Promise<StripeAnswer>) {
  class InProcessHttpClient extends Stripe.HttpClient {
    override getClientName() {
      return "in-process";
    }

    override async makeRequest(_host: string, _port: string, path: string, method: string, headers: object, body: string | null) {
      const url = new URL(path, "http://stripe.test");
      const header = (name: string) => {
        const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
        return found === undefined ? undefined : String(found);
      };
      const form = parseForm(method === "POST" ? (body ?? "") : url.search);
      const request = { method, path: url.pathname, form, authorization: header("authorization"), idempotencyKey: header("idempotency-key") };
      return new InProcessResponse(await answer(request));
    }
  }
  return new InProcessHttpClient();
}
