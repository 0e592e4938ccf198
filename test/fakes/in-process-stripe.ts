import { Stripe } from "stripe";
import { stripeClient, stripePayments } from "../../functions/adapters/stripe-payments.ts";
import type { Payments } from "../../functions/domain/ports.ts";
import { parseForm } from "../../local/stripe/form.ts";
import type { StripeModel } from "../../local/stripe/stripe-model.ts";

/** Stripe's SDK talking to the local model without a network between them. */
export function inProcessStripe(model: StripeModel): Stripe {
  return stripeClient({ secretKey: "sk_test_inprocess", httpClient: inProcessHttpClient(model) });
}

export function inProcessPayments(model: StripeModel): Payments {
  return stripePayments({ stripe: inProcessStripe(model), stage: "test" });
}

class InProcessResponse extends Stripe.HttpClientResponse {
  readonly #body: object | undefined;

  constructor(status: number, headers: Record<string, string>, body: object | undefined) {
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

  /** Undefined: the connection broke within the reply. */
  override async toJSON() {
    if (this.#body === undefined) throw new Error("The connection was lost");
    return JSON.parse(JSON.stringify(this.#body));
  }
}

function inProcessHttpClient(model: StripeModel) {
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
      const reply = model.handle({
        method,
        path: url.pathname,
        form: parseForm(method === "POST" ? (body ?? "") : url.search),
        authorization: header("authorization"),
        idempotencyKey: header("idempotency-key"),
      });
      return reply.kind === "lost" ? new InProcessResponse(200, {}, undefined) : new InProcessResponse(reply.status, { ...reply.headers }, reply.body);
    }
  }
  return new InProcessHttpClient();
}
