import { randomUUID } from "node:crypto";
import type { Stripe } from "stripe";
import type * as z from "zod/mini";
import type { Records } from "../records.ts";
import { charges } from "./charges.ts";
import { customers } from "./customers.ts";
import { disputes } from "./disputes.ts";
import { type EventRequest, events } from "./events.ts";
import type { Form } from "./form.ts";
import { type NextOutcome, nextOutcomes, type Operation } from "./next-outcomes.ts";
import * as parameters from "./parameters.ts";
import { paymentIntents } from "./payment-intents.ts";
import { type CardUpdate, paymentMethods } from "./payment-methods.ts";
import { refunds } from "./refunds.ts";
import { setupIntents } from "./setup-intents.ts";
import { type StripeFact, storedPayments } from "./stored-payments.ts";
import { invalidRequest, resultOf, StripeRefusal } from "./stripe-refusal.ts";
import { KIND, type Result, type StripeWorld } from "./stripe-world.ts";
import { type DueDelivery, webhookDeliveries } from "./webhook-deliveries.ts";
import { webhookEndpoints } from "./webhook-endpoints.ts";

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
  /** All that it has: `POST /v1/customers/:id`. */
  readonly endpoints: readonly string[];
  /** Everything that an answer tells of is in the records before it is given. */
  handle(request: StripeRequest): StripeReply;
  /** Queued: one outcome for each coming call of an operation, which is a confirmation where none is named. */
  chooseNext<O extends Operation = "confirm">(outcome: NextOutcome<O>, operation?: O): void;
  /** The customer passes, or fails, what their bank asks of them. Gives the PaymentIntent as it is then. */
  authenticate(paymentIntentId: string, how: "succeed" | "fail"): Stripe.PaymentIntent;
  /**
   * What Stripe.js does for a customer who holds the client secret and pays with a saved card, a test card by its name, or by `wechat_pay` or `alipay`.
   *
   * Gives the PaymentIntent as it is then; throws a StripeRefusal where it cannot be confirmed.
   */
  confirmAsCustomer(clientSecret: string, means: string): Stripe.PaymentIntent;
  /** The like for a SetupIntent, which saves the card, or `alipay`. */
  confirmSetupAsCustomer(clientSecret: string, means: string): Stripe.SetupIntent;
  authenticateSetup(setupIntentId: string, how: "succeed" | "fail"): Stripe.SetupIntent;
  /** The customer takes back at Alipay what they authorised there. */
  revoke(paymentMethodId: string): Stripe.Mandate;
  /** The card network says that a saved card was replaced. */
  updateCard(paymentMethodId: string, update: CardUpdate): void;
  /** The cardholder contests a paid charge. `reason` is Stripe's: `fraudulent`, `product_not_received`, ... */
  dispute(paymentIntentId: string, about: { readonly reason: string }): Stripe.Dispute;
  closeDispute(id: string, status: "won" | "lost"): Stripe.Dispute;
  /** Every time a card was asked, oldest first; `paid` tells whether money was taken. */
  listCharges(): Stripe.Charge[];
  /** Of every idempotency key, at once: as Stripe may when they are 24 hours old. */
  forgetKeys(): void;
  /** The webhooks that are to be sent now, each a POST. Whoever sends them tells `delivered`; what nobody tells of stays due. */
  dueDeliveries(): DueDelivery[];
  /** The status of the endpoint's answer; undefined when there was none in time. */
  delivered(deliveryId: string, status: number | undefined): void;
  /** Sends an event again to every endpoint that listens to it, though it may have arrived. */
  resendEvent(eventId: string): void;
  /** Gives an endpoint a new secret; for so many hours, at Stripe up to 24, the old one signs too. */
  rollWebhookSecret(endpointId: string, bothForHours: number): string;
}

export interface StripeModelOptions {
  readonly records: Records;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Told of every fact when it is in the records. */
  readonly observe?: (fact: StripeFact) => void;
  /** Unique texts, of which ids are made. */
  readonly ids?: () => string;
  /** How long a payment stays `processing`, or a refund unsettled, where that was chosen. */
  readonly processingSeconds?: number;
}

/** Stripe may forget a key after 24 hours. Source: https://docs.stripe.com/api/idempotent_requests */
const KEY_MILLISECONDS = 24 * 60 * 60 * 1000;
const KEY_CHARACTERS = 255;

/** What Stripe or a card network does by itself has no request. */
const NO_REQUEST: EventRequest = { id: null, idempotency_key: null };

const TOO_MANY_REQUESTS = 429;

interface Remembered {
  readonly key: string;
  readonly request: string;
  readonly at: number;
  readonly status: number;
  readonly body: object;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly pattern: RegExp;
  /** Checks the parameters, and gives what is then to be done. */
  readonly prepare: (form: Form, id: string) => () => Result;
}

function route<T>(method: string, path: string, schema: z.ZodMiniType<T>, act: (input: T, id: string) => Result): Route {
  const pattern = new RegExp(`^${path.replace(":id", "([^/]+)")}$`);
  return {
    method,
    path,
    pattern,
    prepare: (form, id) => {
      const input = parameters.readParameters(schema, form);
      return () => act(input, id);
    },
  };
}

/**
 * A small Stripe that keeps state: customers, saved test cards, SetupIntents, PaymentIntents, charges, refunds, disputes and idempotency keys.
 *
 * Says no to every endpoint and parameter that it does not know, in Stripe's words.
 */
export function stripeModel({ records, now, observe = () => {}, ids = shortUuid, processingSeconds = 10 }: StripeModelOptions): StripeModel {
  // Every request is dealt with before the next: so no idempotency key is ever in use by another one (409).
  let current: EventRequest = NO_REQUEST;
  const base = { records, now, newId: (prefix: string) => prefix + ids() };
  const endpoints = webhookEndpoints(base);
  const deliveries = webhookDeliveries(base, endpoints);
  const log = events({ world: base, deliveries, request: () => current });
  const world: StripeWorld = { ...base, emit: log.emit };
  const cards = paymentMethods(world);
  const clients = customers(world, cards);
  const setups = setupIntents(world, cards);
  const next = nextOutcomes(records);
  const stored = storedPayments(world, observe);
  const payments = paymentIntents({ world, payments: stored, methods: cards, next, processingSeconds });
  const asked = charges(stored);
  const givenBack = refunds({ world, payments: stored, next, pendingSeconds: processingSeconds });
  const contested = disputes(world, stored);

  const routes: readonly Route[] = [
    route("POST", "/v1/customers", parameters.createCustomer, (input) => clients.create(input)),
    route("GET", "/v1/customers", parameters.listCustomers, (page) => clients.list(page)),
    route("GET", "/v1/customers/:id", parameters.noParameters, (_, id) => clients.retrieve(id)),
    route("POST", "/v1/customers/:id", parameters.updateCustomer, (input, id) => clients.update(id, input)),
    route("DELETE", "/v1/customers/:id", parameters.noParameters, (_, id) => clients.delete(id)),
    route("GET", "/v1/customers/:id/payment_methods", parameters.listMethods, (page, id) => cards.list(id, page)),
    route("GET", "/v1/payment_methods/:id", parameters.noParameters, (_, id) => cards.retrieve(id)),
    route("POST", "/v1/payment_methods/:id", parameters.updateMethod, (input, id) => cards.update(id, input)),
    route("POST", "/v1/payment_methods/:id/attach", parameters.attachMethod, (input, id) => cards.attach(id, input)),
    route("POST", "/v1/payment_methods/:id/detach", parameters.noParameters, (_, id) => cards.detach(id)),
    route("POST", "/v1/setup_intents", parameters.createSetup, (input) => setups.create(input)),
    route("GET", "/v1/setup_intents", parameters.listSetups, (page) => setups.list(page)),
    route("GET", "/v1/setup_intents/:id", parameters.noParameters, (_, id) => setups.retrieve(id)),
    route("POST", "/v1/setup_intents/:id/confirm", parameters.confirmSetup, (input, id) => setups.confirm(id, input)),
    route("POST", "/v1/setup_intents/:id/cancel", parameters.cancelSetup, (input, id) => setups.cancel(id, input)),
    route("POST", "/v1/payment_intents", parameters.createIntent, (input) => payments.create(input)),
    route("GET", "/v1/payment_intents", parameters.listIntents, (page) => payments.list(page)),
    route("GET", "/v1/payment_intents/:id", parameters.retrieveIntent, (input, id) => payments.retrieve(id, input)),
    route("POST", "/v1/payment_intents/:id", parameters.updateIntent, (input, id) => payments.update(id, input)),
    route("POST", "/v1/payment_intents/:id/confirm", parameters.confirmIntent, (input, id) => payments.confirm(id, input)),
    route("POST", "/v1/payment_intents/:id/cancel", parameters.cancelIntent, (input, id) => payments.cancel(id, input)),
    route("GET", "/v1/charges", parameters.listCharges, (page) => asked.list(page)),
    route("GET", "/v1/charges/:id", parameters.noParameters, (_, id) => asked.retrieve(id)),
    route("POST", "/v1/refunds", parameters.createRefund, (input) => givenBack.create(input)),
    route("GET", "/v1/refunds", parameters.listRefunds, (page) => givenBack.list(page)),
    route("GET", "/v1/refunds/:id", parameters.noParameters, (_, id) => givenBack.retrieve(id)),
    route("GET", "/v1/disputes", parameters.listDisputes, (page) => contested.list(page)),
    route("GET", "/v1/disputes/:id", parameters.noParameters, (_, id) => contested.retrieve(id)),
    route("GET", "/v1/events", parameters.listEvents, (page) => log.list(page)),
    route("GET", "/v1/events/:id", parameters.noParameters, (_, id) => log.retrieve(id)),
    route("POST", "/v1/webhook_endpoints", parameters.createEndpoint, (input) => endpoints.create(input)),
    route("GET", "/v1/webhook_endpoints", parameters.listEndpoints, (page) => endpoints.list(page)),
    route("GET", "/v1/webhook_endpoints/:id", parameters.noParameters, (_, id) => endpoints.retrieve(id)),
    route("POST", "/v1/webhook_endpoints/:id", parameters.updateEndpoint, (input, id) => endpoints.update(id, input)),
    route("DELETE", "/v1/webhook_endpoints/:id", parameters.noParameters, (_, id) => endpoints.delete(id)),
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
    if (key.length > KEY_CHARACTERS) throw invalidRequest(`Idempotency keys can be at most ${KEY_CHARACTERS} characters long.`);
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
    current = { id: base.newId("req_"), idempotency_key: request.idempotencyKey ?? null };
    try {
      const reply = reactTo(request);
      return reply.kind === "lost" ? reply : { ...reply, headers: { ...reply.headers, "request-id": current.id ?? "" } };
    } finally {
      current = NO_REQUEST;
    }
  }

  function reactTo(request: StripeRequest): StripeReply {
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
    const { status = 200, body, lost } = resultOf(act);
    if (lost === "request") return { kind: "lost" };
    // Limits come before keys.
    if (key !== undefined && status !== TOO_MANY_REQUESTS)
      records.put(KIND.idempotency, key, { key, request: describe(request), at: now(), status, body } satisfies Remembered);
    return lost === "reply" ? { kind: "lost" } : answer(status, body, {});
  }

  /** What is changed, what tells of it and the key that stands for it are on disk together, or not at all. */
  const whole =
    <Arguments extends unknown[], T>(act: (...given: Arguments) => T) =>
    (...given: Arguments): T =>
      records.atomically(() => act(...given));

  return {
    endpoints: routes.map(({ method, path }) => `${method} ${path}`),
    handle: whole(handle),
    chooseNext: next.choose,
    authenticate: whole(payments.authenticate),
    confirmAsCustomer: whole(payments.confirmAsCustomer),
    confirmSetupAsCustomer: whole(setups.confirmAsCustomer),
    authenticateSetup: whole(setups.authenticate),
    revoke: whole(cards.revoke),
    updateCard: whole(cards.updateCard),
    dispute: whole(contested.open),
    closeDispute: whole(contested.close),
    listCharges: whole(asked.listAll),
    forgetKeys() {
      for (const { key } of records.list<Remembered>(KIND.idempotency)) records.remove(KIND.idempotency, key);
    },
    dueDeliveries: whole(() => {
      stored.list(); // what has come due by itself makes events, too
      return deliveries.listDue();
    }),
    delivered: deliveries.settle,
    resendEvent: (id) => deliveries.enqueue(log.load(id)),
    rollWebhookSecret: endpoints.rollSecret,
  };
}

function refused(refusal: unknown): StripeReply {
  if (!(refusal instanceof StripeRefusal)) throw refusal;
  return answer(refusal.status, { error: refusal.error }, {});
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
