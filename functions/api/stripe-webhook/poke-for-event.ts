import { paymentMethodId, rechargeId } from "../../contracts/messages.ts";
import type { StripeEvent } from "../../contracts/stripe-events.ts";
import type { Poke } from "../../domain/ports.ts";

/** What an event says to look at; undefined when that is nothing of this stage's. */
export function pokeForEvent(event: StripeEvent, stage: string): Poke | undefined {
  const { object } = event.data;
  if (object.object === "payment_method" || object.object === "mandate") {
    const id = paymentMethodId.safeParse(object.object === "mandate" ? object.payment_method : object.id).data; // older ways to pay, `card_...` and `src_...`, are none of ours
    return id === undefined ? undefined : { paymentMethodId: id };
  }
  const metadata = object.metadata ?? {};
  const isOurs = metadata.stage === stage;
  const ours = isOurs ? { rechargeId: rechargeId.safeParse(metadata.rechargeId).data } : {};
  if (object.object === "payment_intent") return isOurs ? { paymentIntentId: object.id, ...ours } : undefined;
  // What somebody made in Stripe's dashboard says no stage: the payment itself does.
  const isOthers = metadata.stage !== undefined && !isOurs;
  return isOthers || typeof object.payment_intent !== "string" ? undefined : { paymentIntentId: object.payment_intent, ...ours };
}
