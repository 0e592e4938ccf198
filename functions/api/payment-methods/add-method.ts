import type { NewPaymentMethodBody } from "../../contracts/payment-methods.ts";
import type { SavedMethod } from "../../domain/esim.ts";
import { useOf } from "../../domain/method-uses.ts";
import type { Ids, Subscribers, Wallet } from "../../domain/ports.ts";
import type { ApiRequest, ApiResponse } from "../pipeline.ts";
import { HttpProblem } from "../problem.ts";
import { refuseClosing } from "../refuse-closing.ts";
import { methodView } from "./list-methods.ts";
import { putUse } from "./use-method.ts";

export interface AddMethodPorts {
  readonly subscribers: Subscribers;
  readonly wallet: Wallet;
  readonly ids: Ids;
}

/** More than anybody needs, and few enough to be read at once. */
const MOST_METHODS = 20;

/** Begins to save a card: its owner enters it at Stripe, with the secret of this SetupIntent. */
export async function beginSetup(ports: AddMethodPorts, { subscriberId }: ApiRequest<undefined>): Promise<ApiResponse> {
  await refuseClosing(ports, subscriberId);
  await roomFor(ports, subscriberId);
  const { id, clientSecret } = await ports.wallet.createSetupIntent(await customerOf(ports, subscriberId), subscriberId);
  return { status: 201, body: { setupIntentId: id, clientSecret } };
}

/**
 * Saves what was set up. The same way to pay is saved once: asked again, or with the same card entered again, it is answered with the one that is there.
 *
 * A card that was renewed is saved beside the one that ends: rules were agreed to for that, and keep it until their payer agrees to another.
 */
export async function addMethod(ports: AddMethodPorts, { subscriberId, body }: ApiRequest<NewPaymentMethodBody>): Promise<ApiResponse> {
  await refuseClosing(ports, subscriberId);
  const saved = await ports.subscribers.listMethods(subscriberId);
  const { type, setupIntentId = "" } = body;
  return type === "card" ? addCard(ports, subscriberId, setupIntentId, saved) : addPayRequest(ports, subscriberId, type, saved);
}

async function addCard(ports: AddMethodPorts, subscriberId: string, setupIntentId: string, saved: readonly SavedMethod[]): Promise<ApiResponse> {
  const { wallet } = ports;
  const setup = await wallet.findSetupIntent(setupIntentId);
  // Somebody else's is none: nobody learns that it exists.
  if (setup?.customerId === undefined || setup.customerId !== (await ports.subscribers.getCustomer(subscriberId))) {
    throw new HttpProblem(422, "no-such-setup", "You have not begun such a setup", [
      { pointer: "/setupIntentId", detail: "must be the setupIntentId that POST /v1/payment-methods/setup-intents gave you" },
    ]);
  }
  if (setup.status !== "succeeded" || setup.paymentMethodId === undefined) {
    throw new HttpProblem(
      409,
      "setup-not-finished",
      `The card is not set up yet (Stripe says ${setup.status}): finish that in the browser, then send this again`,
    );
  }
  const known = saved.find(({ id }) => id === setup.paymentMethodId);
  if (known !== undefined) return knownResponse(ports, subscriberId, known);
  const method = await wallet.findMethod(setup.paymentMethodId);
  if (method === undefined) throw new HttpProblem(409, "payment-method-gone", "This card was removed, or it is saved already under another id: see the list");
  const same = saved.find(({ cardKey, expiry }) => cardKey === method.cardKey && !endsBefore(expiry, method.expiry));
  if (same === undefined) return save(ports, subscriberId, method, saved);
  await wallet.detach(method.id);
  return knownResponse(ports, subscriberId, same);
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

/** The first one becomes the default, a renewed card what it was before: chosen before it is saved, so that an attempt that is broken off leaves none that is not. */
async function save({ subscribers }: AddMethodPorts, subscriberId: string, method: SavedMethod, saved: readonly SavedMethod[]): Promise<ApiResponse> {
  if (saved.length >= MOST_METHODS) throw tooMany();
  const was = await subscribers.getWallet(subscriberId);
  const use =
    saved.length === 0
      ? "default"
      : saved
          .filter(({ cardKey }) => cardKey === method.cardKey)
          .map(({ id }) => useOf(was, id))
          .find((each) => each !== "none");
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
