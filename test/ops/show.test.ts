import { describe, expect, it } from "@jest/globals";
import { billOf } from "../../functions/domain/bill.ts";
import { UnreadableLine } from "../../functions/domain/ports.ts";
import { show } from "../../ops/show.ts";
import { cny, ICCID, NOW, SUBSCRIBER } from "../builders.ts";
import { OPERATOR, openRecharge, opsWorld, RECHARGE, rechargeStart } from "./ops-world.ts";

const PAID_AT = "2026-11-23T08:00:02.000Z";
const ENDED_AT = "2026-11-23T08:00:05.000Z";
const ended = openRecharge({ state: { name: "ended", end: "succeeded", paymentIntentId: "pi_1", paidAt: PAID_AT, at: ENDED_AT } });

describe("show", () => {
  it("answers why the subscriber was charged: rule and consent, balance and check, limits as they were", async () => {
    const { ports, recharges, text } = opsWorld();
    const spend = { month: "2026-11", monthAmounts: [cny(5000)], day: "2026-11-23", dayCount: 1, lastEndedAt: "2026-11-23T06:00:00.000Z" };
    await recharges.putStart(rechargeStart({ check: "check-7", spend, declines: 2 }));
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain(`Reserved at ${NOW}: CNY 50.00 for line …0017 of subscriber ${SUBSCRIBER}.`);
    expect(text()).toContain(`The balance was CNY 5.00, read at ${NOW}; the check check-7 reported it.`);
    expect(text()).toContain("The rule, in version 1: below CNY 10.00, recharge CNY 50.00, with pm_1.");
    expect(text()).toContain(`Agreed to at ${NOW}: terms 2026-11-28, time zone Asia/Shanghai.`);
    expect(text()).toContain("Limits then: CNY 150.00 left of CNY 200.00 in the month; 1 of 3 recharges in the day;");
    expect(text()).toContain("60 minutes between two.");
    expect(text()).toContain("Before it the last one ended at 2026-11-23T06:00:00.000Z. Declines of the card that counted: 2.");
    expect(text()).not.toContain(ICCID);
  });

  it("names the very terms that were agreed to, by their hash", async () => {
    const { ports, recharges, text } = opsWorld();
    const consent = { termsVersion: "2026-11-28", termsHash: "h".repeat(43), at: NOW, timeZone: "Asia/Shanghai" };
    await recharges.putStart(rechargeStart({ consent }));
    await recharges.putBill(billOf(ICCID, "hash", { ...ended, rechargeId: "erased", consent }));
    await show(ports, { rechargeId: RECHARGE });
    await show(ports, { rechargeId: "erased" });
    expect(text().split("(hash ")).toHaveLength(3);
    expect(text()).toContain(`Agreed to at ${NOW}: terms 2026-11-28 (hash ${"h".repeat(43)}), time zone Asia/Shanghai.`);
  });

  it("says of one that its payer asked for themselves that nobody agreed to terms", async () => {
    const { ports, recharges, text } = opsWorld();
    await recharges.putStart(
      rechargeStart({ origin: "payer", rule: undefined, consent: { termsVersion: "asked-by-payer", at: NOW, timeZone: "Asia/Shanghai" } }),
    );
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain(`Asked for by its payer at ${NOW}, time zone Asia/Shanghai.`);
    expect(text()).not.toContain("Agreed to");
  });

  it.each(["open", "ended"])("tells by whose leave an %s one was paid for a line of somebody else's", async (how) => {
    const { ports, recharges, store, text } = opsWorld();
    const family = { since: "2026-11-01T08:00:00.000Z", until: "2027-06-30T16:00:00.000Z", cap: cny(20_000), spent: cny(5000) };
    await recharges.putStart(rechargeStart());
    if (how === "open") await store({ open: openRecharge({ family }) });
    else await recharges.putBill(billOf(ICCID, "hash", { ...ended, family }));
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain("The line is somebody else's, who agreed at 2026-11-01T08:00:00.000Z, until 2027-06-30T16:00:00.000Z.");
    expect(text()).toContain("Up to CNY 200.00 in all; CNY 50.00 had been spent when this was reserved.");
  });

  it("counts what was spent in another month or on another day as nothing", async () => {
    const { ports, recharges, text } = opsWorld();
    const spend = { month: "2026-10", monthAmounts: [cny(20_000)], day: "2026-10-31", dayCount: 3, lastEndedAt: "2026-10-31T06:00:00.000Z" };
    await recharges.putStart(rechargeStart({ spend }));
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain("CNY 200.00 left of CNY 200.00 in the month; 0 of 3 recharges in the day;");
    expect(text()).toContain("it was read when the line was looked at");
  });

  it("tells every step with what was asked and what came back, in their order", async () => {
    const { ports, recharges, printed } = opsWorld();
    await recharges.putStart(rechargeStart());
    const step = { rechargeId: RECHARGE, stepId: "b", state: "confirming", asked: "payments.confirm" } as const;
    await recharges.putStep({ ...step, at: PAID_AT, answer: { kind: "intent", intent: { id: "pi_1", status: "succeeded", amount: cny(5000) } } });
    await recharges.putStep({ ...step, at: NOW, stepId: "a", answer: { unknown: "no answer" } });
    await show(ports, { rechargeId: RECHARGE });
    expect(printed.filter((line) => line.includes("asked payments"))).toEqual([
      `  ${NOW}  confirming: asked payments.confirm, got unknown no answer`,
      `  ${PAID_AT}  confirming: asked payments.confirm, got kind intent, intent.id pi_1, intent.status succeeded, intent.amount.amount 5000, intent.amount.currency CNY`,
    ]);
  });

  it("tells how an open one stands, and the word of an operator that waits to be acted on", async () => {
    const { ports, recharges, store, text } = opsWorld();
    await recharges.putStart(rechargeStart());
    await store({ open: openRecharge({ resolution: { as: "credited", by: OPERATOR, at: NOW, note: "seen at the carrier" } }) });
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain(`Open, needs-review: paymentIntentId pi_1, paidAt ${NOW}, reason carrier-unclear, since ${NOW}.`);
    expect(text()).toContain(`Resolved by ${OPERATOR} at ${NOW} as credited: seen at the carrier`);
  });

  it("tells the bill of an ended one, what came after, and what operators did, each once and in order", async () => {
    const { ports, recharges, text, printed } = opsWorld();
    await recharges.putStart(rechargeStart());
    await recharges.putBill(billOf(ICCID, "hash", ended));
    await recharges.putAdjustment({ rechargeId: RECHARGE, adjustmentId: "dp_1/dispute-opened", kind: "dispute-opened", amount: cny(5000), at: ENDED_AT });
    for (const [id, subject] of [
      ["a", RECHARGE],
      ["b", "recharge-2"],
      ["c", RECHARGE],
    ] as const)
      await ports.controls.putAudit({ at: NOW, id, by: OPERATOR, verb: "resolve", subject, why: `why-${id}` });
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain(`Ended at ${ENDED_AT}: succeeded.`);
    expect(text()).toContain("Charged CNY 50.00, credited CNY 50.00, refunded CNY 0.00; visa …4242.");
    expect(text()).toContain(`Payment pi_1, paid ${PAID_AT}. Counts in 2026-11, on 2026-11-23.`);
    expect(text()).toContain(`${ENDED_AT}  dispute-opened CNY 50.00 (dp_1/dispute-opened)`);
    expect(printed.filter((line) => line.includes("why-")).map((line) => line.slice(-5))).toEqual(["why-a", "why-c"]);
  });

  it("does not take another recharge that is open on the same line for this one", async () => {
    const { ports, recharges, store, text } = opsWorld();
    await recharges.putStart(rechargeStart());
    await store({ open: openRecharge({ rechargeId: "recharge-2" }) });
    await show(ports, { rechargeId: RECHARGE });
    expect(text()).toContain("Nothing is open, and there is no bill");
  });

  it("tells what it knows although the line cannot be read", async () => {
    const { ports, recharges, text } = opsWorld();
    await recharges.putStart(rechargeStart());
    const esims = { ...ports.esims, load: () => Promise.reject(new UnreadableLine("line …0017")) };
    await show({ ...ports, esims }, { rechargeId: RECHARGE });
    expect(text()).toContain("Reserved at");
    expect(text()).toContain("docs/runbook.md#unreadable-line");
  });

  it("says when there is no such recharge", async () => {
    await expect(show(opsWorld().ports, { rechargeId: "recharge-9" })).rejects.toThrow("There is no recharge recharge-9");
  });
});
