import { describe, expect, it } from "@jest/globals";
import { billOf } from "../../functions/domain/bill.ts";
import type { OpenRecharge } from "../../functions/domain/esim.ts";
import { applyReserved } from "../../functions/domain/recharge.ts";
import type { RechargeState } from "../../functions/domain/recharge-states.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, SUBSCRIBER } from "../builders.ts";

const LATER = "2026-11-23T09:00:00.000Z";

function recharge(state: RechargeState): OpenRecharge {
  const reservation = { rechargeId: "re-1", amount: cny(5000), period: { month: "2026-11", day: "2026-11-23" }, method: METHOD, reading: reading(999) };
  const { open } = applyReserved(esimWithRule(), reservation, NOW);
  if (open === undefined) throw new Error("Nothing was reserved");
  return { ...open, state };
}

const bill = (state: RechargeState) => billOf(ICCID, "hash", recharge(state));

describe("a bill", () => {
  it("of a recharge that succeeded says what was charged and credited, when, and why it was made", () => {
    expect(bill({ name: "ended", at: LATER, end: "succeeded", paidAt: NOW, paymentIntentId: "pi_1" })).toEqual({
      rechargeId: "re-1",
      subscriberId: SUBSCRIBER,
      lineLastFour: "0017",
      lineHash: "hash",
      end: "succeeded",
      reason: undefined,
      amount: cny(5000),
      charged: cny(5000),
      credited: cny(5000),
      refunded: cny(0),
      method: { id: METHOD.id, brand: METHOD.brand, lastFour: METHOD.lastFour },
      paymentIntentId: "pi_1",
      ruleVersion: 1,
      consent: esimWithRule().rule.consent,
      period: { month: "2026-11", day: "2026-11-23" },
      reading: reading(999),
      reservedAt: NOW,
      paidAt: NOW,
      endedAt: LATER,
    });
  });

  it.each([
    ["declined", { end: "declined", code: "insufficient_funds", severity: "soft" }, "insufficient_funds"],
    ["cancelled", { end: "cancelled", reason: "kill-switch" }, "kill-switch"],
    ["expired", { end: "expired" }, undefined],
  ] as const)("of a recharge that was %s says why, and that nothing moved", (end, because, reason) => {
    const unpaid = bill({ name: "ended", at: LATER, paymentIntentId: "pi_1", ...because });
    expect(unpaid).toMatchObject({ end, reason, amount: cny(5000), charged: cny(0), credited: cny(0), refunded: cny(0), endedAt: LATER });
    expect(unpaid.paidAt).toBeUndefined();
  });

  it("of a recharge that was refunded says that all came back, and why", () => {
    const refunded = bill({ name: "ended", at: LATER, end: "refunded", paidAt: NOW, code: "line-blocked", paymentIntentId: "pi_1" });
    expect(refunded).toMatchObject({ end: "refunded", reason: "line-blocked", charged: cny(5000), credited: cny(0), refunded: cny(5000), paidAt: NOW });
  });

  it("is made of no recharge that is open", () => expect(() => bill({ name: "crediting", paymentIntentId: "pi_1", paidAt: NOW })).toThrow("has no bill yet"));
});
