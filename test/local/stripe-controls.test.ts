import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { carrierModel } from "../../local/carrier/carrier-model.ts";
import { memoryRecords } from "../../local/records.ts";
import { type Ask, withControlsOf } from "./local-controls.ts";
import { aQuickStripe } from "./local-stripe.ts";

type World = ReturnType<typeof aQuickStripe> & { readonly post: (path: string, body: object) => ReturnType<Ask> };

/** The controls of a stack of which nothing but the local Stripe and an idle carrier is there. */
async function withControls(run: (world: World) => Promise<void>): Promise<void> {
  const stripe = aQuickStripe();
  const carrier = carrierModel({ records: memoryRecords(), now: () => stripe.clock.now });
  await withControlsOf({ carrier, stripe: stripe.model }, (ask) => run({ ...stripe, post: (path, body) => ask(path, "POST", body) }));
}

describe("the controls of the local Stripe", () => {
  it("let the customer pay by the link, and pass or fail what the bank asks", () =>
    withControls(async ({ post, intentWith }) => {
      const { id, clientSecret } = await intentWith("pm_card_visa");
      const pay = (more: object) => post("/local/stripe/customer", { clientSecret, ...more });

      expect(await pay({ pays: "pm_card_threeDSecure2Required", passes: false })).toEqual({ status: 200, body: { id, status: "requires_payment_method" } });
      expect(await pay({ pays: "pm_card_threeDSecure2Required" })).toEqual({ status: 200, body: { id, status: "succeeded" } });
      expect(await pay({})).toMatchObject({ status: 409, body: { detail: expect.stringContaining("succeeded") } });
      expect(await post("/local/stripe/customer", { clientSecret: "pi_1_secret_2" })).toMatchObject({ status: 409 });
      expect(await pay({ pays: 5 })).toMatchObject({ status: 400 });
    }));

  it("let a cardholder contest what was taken for a recharge, and the bank decide", () =>
    withControls(async ({ post, paid, model }) => {
      expect(await post("/local/stripe/disputes", { rechargeId: "r1" })).toMatchObject({ status: 404 });
      const { charge } = await paid();

      const { body } = await post("/local/stripe/disputes", { rechargeId: "r1", reason: "product_not_received" });
      expect(body).toMatchObject({ charge, reason: "product_not_received", status: "needs_response" });
      expect(model.listCharges()).toMatchObject([{ id: charge, disputed: true }]);

      const { id } = z.parse(z.object({ id: z.string() }), body);
      expect(await post(`/local/stripe/disputes/${id}`, { status: "undecided" })).toMatchObject({ status: 400 });
      expect(await post(`/local/stripe/disputes/${id}`, { status: "lost" })).toMatchObject({ status: 200, body: { id, status: "lost" } });
      expect(await post(`/local/stripe/disputes/${id}`, { status: "won" })).toMatchObject({ status: 409 });
      expect(await post("/local/stripe/disputes/du_1", { status: "won" })).toMatchObject({ status: 409 });
    }));
});
