import { randomUUID } from "node:crypto";
import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { Records } from "../records.ts";
import { customers } from "./customers.ts";
import type { Form } from "./form.ts";
import * as parameters from "./parameters.ts";
import { type NextOutcome, paymentIntents, type StripeFact } from "./payment-intents.ts";
import { type ErrorBody, invalidRequest, StripeRefusal } from "./stripe-refusal.ts";
import { KIND, type Result, type StripeWorld } from "./stripe-world.ts";

/** A request to Stripe's API, its query or body read by `parseForm`. */
export interface StripeRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly form: Form;
  /** The header: `Bearer sk_...`. */
  readonly authorization?: string;
  readonly idempotencyKey?: string;
}

/** `lost`: the caller never learns what happened; its connection breaks. */
export type StripeReply =
  | { readonly kind: "answer"; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: object }
  | { readonly kind: "lost" };

export interface StripeModel {
  /** Everything that an answer tells of is in the records before it is given. */
  handle(request: StripeRequest): StripeReply;
  /** Queued: one outcome for each coming confirmation. */
  chooseNext(outcome: NextOutcome): void;
  /** Every time a card was asked, oldest first; `paid` tells whether money was taken. */
  listCharges(): Stripe.Charge[];
}

export interface StripeModelOptions {
  readonly records: Records;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Told of every fact when it is in the records. */
  readonly observe?: (fact: StripeFact) => void;
  /** Unique texts, of which ids are made. */
  readonly ids?: () => string;
  /** How long a payment stays `processing` where that was chosen. */
  readonly processingSeconds?: number;
}

/** Stripe may forget a key after 24 hours. Source: https://docs.stripe.com/api/idempotent_requests */
const KEY_MILLISECONDS = 24 * 60 * 60 * 1000;

interface Remembered {
  readonly request: string;
  readonly at: number;
  readonly status: number;
  readonly body: object;
}

interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  /** Checks the parameters, and gives what is then to be done. */
  readonly prepare: (form: Form, id: string) => () => Result;
}

function route<T>(method: string, path: string, schema: z.ZodMiniType<T>, act: (input: T, id: string) => Result): Route {
  const pattern = new RegExp(`^${path.replace(":id", "([^/]+)")}$`);
  return {
    method,
    pattern,
    prepare: (form, id) => {
      const input = parameters.readParameters(schema, form);
      return () => act(input, id);
    },
  };
}

/**
 * A small Stripe that keeps state: customers, saved test cards, PaymentIntents and idempotency keys.
 *
 * Says no to every endpoint and parameter that it does not know, in Stripe's words.
 */
export function stripeModel({ records, now, observe = () => {}, ids = shortUuid, processingSeconds = 10 }: StripeModelOptions): StripeModel {
  const world: StripeWorld = { records, now, newId: (prefix) => prefix + ids() };
  const cards = customers(world);
  const payments = paymentIntents({ world, cards, observe, processingSeconds });

  const routes: readonly Route[] = [
    route("POST", "/v1/customers", parameters.createCustomer, (input) => cards.create(input)),
    route("GET", "/v1/customers", parameters.listCustomers, (page) => cards.list(page)),
    route("GET", "/v1/customers/:id", parameters.noParameters, (_, id) => cards.retrieve(id)),
    route("GET", "/v1/customers/:id/payment_methods", parameters.listMethods, (page, id) => cards.listMethods(id, page)),
    route("GET", "/v1/payment_methods/:id", parameters.noParameters, (_, id) => cards.retrieveMethod(id)),
    route("POST", "/v1/payment_methods/:id/attach", parameters.attachMethod, (input, id) => cards.attachMethod(id, input)),
    route("POST", "/v1/payment_intents", parameters.createIntent, (input) => payments.create(input)),
    route("GET", "/v1/payment_intents", parameters.listIntents, (page) => payments.list(page)),
    route("GET", "/v1/payment_intents/:id", parameters.noParameters, (_, id) => payments.retrieve(id)),
    route("POST", "/v1/payment_intents/:id/confirm", parameters.confirmIntent, (input, id) => payments.confirm(id, input)),
    route("POST", "/v1/payment_intents/:id/cancel", parameters.cancelIntent, (input, id) => payments.cancel(id, input)),
  ];

  function prepare({ method, path, form, authorization }: StripeRequest): () => Result {
    if (!/^Bearer [sr]k_\w+$/.test(authorization ?? "")) {
      throw invalidRequest("You did not provide an API key. Provide it in the Authorization header, using Bearer auth.", {}, 401);
    }
    for (const candidate of routes) {
      const match = candidate.method === method ? candidate.pattern.exec(path) : null;
      if (match !== null) return candidate.prepare(form, decodeURIComponent(match[1] ?? ""));
    }
    throw invalidRequest(`Unrecognized request URL (${method}: ${path}).`, {}, 404);
  }

  function recall(key: string, request: StripeRequest): Remembered | undefined {
    const remembered = records.get<Remembered>(KIND.idempotency, key);
    if (remembered === undefined) return undefined;
    if (now() - remembered.at >= KEY_MILLISECONDS) {
      records.remove(KIND.idempotency, key);
      return undefined;
    }
    if (remembered.request === describe(request)) return remembered;
    const message = `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}'.`;
    throw new StripeRefusal(400, { type: "idempotency_error", message });
  }

  function handle(request: StripeRequest): StripeReply {
    // Reading has no need of a key: Stripe ignores it there.
    const key = request.method === "POST" ? request.idempotencyKey : undefined;
    let act: () => Result;
    try {
      // What is refused before anything is done is not remembered, so the key stays free.
      act = prepare(request);
      const remembered = key === undefined ? undefined : recall(key, request);
      if (remembered !== undefined) return answer(remembered.status, remembered.body, { "idempotent-replayed": "true" });
    } catch (refusal) {
      return refused(refusal);
    }
    const { status = 200, body, lost } = perform(act);
    if (lost === "request") return { kind: "lost" };
    if (key !== undefined) records.put(KIND.idempotency, key, { request: describe(request), at: now(), status, body } satisfies Remembered);
    return lost === "reply" ? { kind: "lost" } : answer(status, body, {});
  }

  return { handle, chooseNext: payments.chooseNext, listCharges: payments.listCharges };
}

function perform(act: () => Result): Result {
  try {
    return act();
  } catch (refusal) {
    if (!(refusal instanceof StripeRefusal)) throw refusal;
    return { status: refusal.status, body: errorBody(refusal.error) };
  }
}

function refused(refusal: unknown): StripeReply {
  if (!(refusal instanceof StripeRefusal)) throw refusal;
  return answer(refusal.status, errorBody(refusal.error), {});
}

function errorBody(error: ErrorBody): object {
  return { error };
}

function answer(status: number, body: object, headers: Readonly<Record<string, string>>): StripeReply {
  return { kind: "answer", status, headers, body };
}

function describe({ method, path, form }: StripeRequest): string {
  return `${method} ${path} ${JSON.stringify(sorted(form))}`;
}

/** The same parameters in another order are the same request. */
function sorted(form: Form): object {
  const entries = Object.entries(form).map(([name, value]): [string, unknown] => [name, typeof value === "string" ? value : sorted(value)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shortUuid(): string {
  return randomUUID().replaceAll("-", "");
}
