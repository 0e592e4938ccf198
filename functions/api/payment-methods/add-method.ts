import type { NewPaymentMethodBody } from "../../contracts/payment-methods.ts";
import { methodType, type SavedMethod } from "../../domain/esim.ts";
import { useOf } from "../../domain/method-uses.ts";
import { CallerUnknown, type Ids, OutcomeUnknown, type Pokes, type Subscribers, type Wallet } from "../../domain/ports.ts";
import type { Problem } from "../../domain/rule.ts";
import { followedSubscriber, type KnownSubscriberPorts } from "../known-subscriber.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { methodView } from "./list-methods.ts";
import { putUse } from "./use-method.ts";

export interface AddMethodPorts extends KnownSubscriberPorts {
  readonly subscribers: Subscribers;
  readonly wallet: Wallet;
  readonly pokes: Pokes;
  readonly ids: Ids;
  /** Whether the operator lets Alipay be charged with its owner away. */
  readonly reusableAlipay: boolean;
}

/** More than anybody needs, and few enough to be read at once. */
const MOST_METHODS = 20;

/** Begins to save a card: its owner enters it at Stripe, with the secret of this SetupIntent. */
export function beginSetup(ports: AddMethodPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  return begin(ports, request, "card");
}

/** The like for an Alipay that may be charged with its owner away: they authorise that at Alipay, to which the secret leads. */
export function beginAlipaySetup(ports: AddMethodPorts, request: ApiRequest<undefined>): Promise<ApiResponse> {
  if (!ports.reusableAlipay) throw alipayAsksEachTime();
  return begin(ports, request, "alipay");
}

async function begin(ports: AddMethodPorts, { subscriberId }: ApiRequest<undefined>, type: "card" | "alipay"): Promise<ApiResponse> {
  await refuseClosing(ports, subscriberId);
  await roomFor(ports, subscriberId);
  const { id, clientSecret } = await ports.wallet.createSetupIntent(await customerOf(ports, subscriberId), subscriberId, type);
  return { status: 201, body: { setupIntentId: id, clientSecret } };
}

/**
 * Saves what was set up. The same way to pay is saved once: asked again, or with the same card entered again, it is answered with the one that is there.
 *
 * A card that was renewed is saved beside the one that ends: rules were agreed to for that, and keep it until their payer agrees to another.
 */
export async function addMethod(ports: AddMethodPorts, request: ApiRequest<NewPaymentMethodBody>): Promise<ApiResponse> {
  const { subscriberId, body } = request;
  await refuseClosing(ports, subscriberId);
  const saved = await ports.subscribers.listMethods(subscriberId);
  const response = await add(ports, subscriberId, body, saved);
  await follow(ports, request);
  return response;
}

/** What is saved is answered as saved, whatever the issuer says. */
async function follow(ports: AddMethodPorts, request: ApiRequest<NewPaymentMethodBody>): Promise<void> {
  try {
    await followedSubscriber(ports, request);
  } catch (error) {
    if (!(error instanceof OutcomeUnknown || error instanceof CallerUnknown)) throw error;
  }
}

async function add(
  ports: AddMethodPorts,
  subscriberId: string,
  { type, setupIntentId }: NewPaymentMethodBody,
  saved: readonly SavedMethod[],
): Promise<ApiResponse> {
  if (type !== "card" && setupIntentId === undefined) return addPayRequest(ports, subscriberId, type, saved);
  if (type === "alipay" && !ports.reusableAlipay) {
    throw alipayAsksEachTime([{ pointer: "/setupIntentId", detail: "must be left out: Alipay is saved here only to ask you for each recharge" }]);
  }
  return addSetUp(ports, subscriberId, { type, setupIntentId: setupIntentId ?? "" }, saved);
}

function alipayAsksEachTime(errors: readonly Problem[] = []): HttpProblem {
  return new HttpProblem(
    422,
    "alipay-asks-each-time",
    'Alipay cannot be charged with you away here: save it with POST /v1/payment-methods { "type": "alipay" }, and it asks you for each recharge',
    errors,
  );
}

async function addSetUp(
  ports: AddMethodPorts,
  subscriberId: string,
  { type, setupIntentId }: Required<NewPaymentMethodBody>,
  saved: readonly SavedMethod[],
): Promise<ApiResponse> {
  const { wallet } = ports;
  const setup = await wallet.findSetupIntent(setupIntentId);
  // Somebody else's is none: nobody learns that it exists.
  if (setup?.customerId === undefined || setup.customerId !== (await ports.subscribers.getCustomer(subscriberId))) throw noSuchSetup();
  if (setup.status !== "succeeded" || setup.paymentMethodId === undefined) {
    throw new HttpProblem(409, "setup-not-finished", `It is not set up yet (Stripe says ${setup.status}): finish that in the browser, then send this again`);
  }
  const known = saved.find(({ id }) => id === setup.paymentMethodId);
  const method = known ?? (await wallet.findMethod(setup.paymentMethodId));
  if (method === undefined) throw new HttpProblem(409, "payment-method-gone", "It was removed, or it is saved already under another id: see the list");
  if (methodType(method) !== type) throw noSuchSetup(`must be of the type that you named: ${methodType(method)} was set up by this one`);
  if (known !== undefined) return knownResponse(ports, subscriberId, known);

  const alike = saved.filter((each) => isAlike(each, method));
  for (const each of alike) {
    if (!(await standsFor(ports, each, method))) continue;
    await wallet.detach(method.id);
    return knownResponse(ports, subscriberId, each);
  }
  // Taken back at Alipay: the recharge function suspends the rules that use it, and takes it off the list.
  if (type === "alipay") await ports.pokes.send(alike.map(({ id }) => ({ paymentMethodId: id, subscriberId })));
  return save(ports, subscriberId, method, saved, alike);
}

function noSuchSetup(detail = "must be the setupIntentId that POST /v1/payment-methods/setup-intents gave you"): HttpProblem {
  return new HttpProblem(422, "no-such-setup", "You have not begun such a setup", [{ pointer: "/setupIntentId", detail }]);
}

/** Whether two ways to pay are one card, or both an Alipay that may be charged with its owner away: whose account, Stripe does not tell. */
function isAlike(one: SavedMethod, other: SavedMethod): boolean {
  return one.cardKey === other.cardKey || (one.payRequest === undefined && methodType(one) === "alipay" && methodType(other) === "alipay");
}

/** Whether what is saved makes another one like it needless: a card that ends no sooner, an Alipay that may still be charged. */
async function standsFor({ wallet }: AddMethodPorts, one: SavedMethod, other: SavedMethod): Promise<boolean> {
  return methodType(other) === "card" ? !endsBefore(one.expiry, other.expiry) : (await wallet.findMethod(one.id)) !== undefined;
}

async function addPayRequest(ports: AddMethodPorts, subscriberId: string, type: "alipay" | "wechat_pay", saved: readonly SavedMethod[]): Promise<ApiResponse> {
  const known = saved.find(({ payRequest }) => payRequest === type);
  if (known !== undefined) return knownResponse(ports, subscriberId, known);
  const id = `pm_${type}_${ports.ids.next().replaceAll("-", "")}`; // none of Stripe's: it makes one anew for each payment
  const customerId = await customerOf(ports, subscriberId);
  return save(ports, subscriberId, { id, customerId, cardKey: id, brand: type, lastFour: "", payRequest: type }, saved);
}

/** Whether a card ends sooner than another: entered again with a later end, it was renewed. One whose end is not known may have ended. */
function endsBefore(one: SavedMethod["expiry"], other: SavedMethod["expiry"]): boolean {
  if (one === undefined || other === undefined) return other !== undefined;
  return one.year < other.year || (one.year === other.year && one.month < other.month);
}

/**
 * The first one becomes the default, one that takes the place of others what they were: chosen before it is saved, so that an attempt that is broken off
 * leaves none that is not.
 */
async function save(
  { subscribers }: AddMethodPorts,
  subscriberId: string,
  method: SavedMethod,
  saved: readonly SavedMethod[],
  replaced: readonly SavedMethod[] = [],
): Promise<ApiResponse> {
  if (saved.length >= MOST_METHODS) throw tooMany();
  const was = await subscribers.getWallet(subscriberId);
  const use = saved.length === 0 ? "default" : replaced.map(({ id }) => useOf(was, id)).find((each) => each !== "none");
  const uses = use === undefined ? was : await putUse(subscribers, subscriberId, method.id, use);
  await subscribers.putMethod(subscriberId, method);
  return { status: 201, body: methodView(method, uses) };
}

async function knownResponse({ subscribers }: AddMethodPorts, subscriberId: string, known: SavedMethod): Promise<ApiResponse> {
  return { status: 200, body: methodView(known, await subscribers.getWallet(subscriberId)) };
}

async function roomFor({ subscribers }: AddMethodPorts, subscriberId: string): Promise<void> {
  if ((await subscribers.listMethods(subscriberId)).length >= MOST_METHODS) throw tooMany();
}

function tooMany(): HttpProblem {
  return new HttpProblem(409, "too-many-payment-methods", `You have ${MOST_METHODS} ways to pay already: remove one first`);
}

/** The caller's customer at Stripe, made at the first need. Of two that are made at once one stays; nothing is ever paid through the other, which goes. */
async function customerOf({ subscribers, wallet }: AddMethodPorts, subscriberId: string): Promise<string> {
  const known = await subscribers.getCustomer(subscriberId);
  if (known !== undefined) return known;
  const made = await wallet.createCustomer(subscriberId);
  const kept = await subscribers.putCustomer(subscriberId, made);
  if (kept !== made) await wallet.deleteCustomer(made);
  return kept;
}
