import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Bill } from "../../functions/domain/bill.ts";
import type { Decline } from "../../functions/domain/declines.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import type { AuditEntry, Cards, Controls, Esims, Hold, KillSwitch, Recharges, Subscribers } from "../../functions/domain/ports.ts";
import { esimWithRule, METHOD, NOW, SUBSCRIBER } from "../builders.ts";
import type { LossyProxy } from "./lossy-proxy.ts";
import { ADJUSTMENT, FULL_BILL, FULL_START, STEP } from "./recharges-contract.ts";

export interface Stores {
  readonly esims: Esims;
  readonly recharges: Recharges;
  readonly subscribers: Subscribers;
  readonly cards: Cards;
  readonly controls: Controls;
}

const DONE = 200;
const CONDITION_FAILED = 400;

const NEW_LINE: Esim = { ...esimWithRule(), version: 0 };
const { iccid: ICCID } = NEW_LINE;
const DECLINE: Decline = { rechargeId: "r-1", at: NOW, code: "insufficient_funds", severity: "soft" };
const OTHER_BILL: Bill = { ...FULL_BILL, ruleVersion: FULL_BILL.ruleVersion + 1 };
const PROFILE = { subscriberId: SUBSCRIBER, email: "ada@example.com", phoneNumber: "+8613800000000" };
const HOLD: Hold = { at: NOW, by: "grace", why: "?" };
const KILL_SWITCH: KillSwitch = { ...HOLD, on: true };
const ENTRY: AuditEntry = { ...HOLD, id: "a-1", verb: "pause", subject: SUBSCRIBER };
const MINUTE = 29_915_520; // 2026-11-17T16:00Z

/**
 * What a store promises when the engine has written and its reply does not arrive, so that the SDK writes once more.
 *
 * `far` reaches the engine through the proxy, `near` without it.
 */
export function describeLostReplies(make: () => Promise<{ readonly near: Stores; readonly far: Stores; readonly proxy: LossyProxy }>): void {
  describe("a write whose reply is lost", () => {
    let near: Stores;
    let far: Stores;
    let proxy: LossyProxy;

    beforeEach(async () => {
      ({ near, far, proxy } = await make());
    });

    describe("has happened, although the SDK's second try finds its own write in the way", () => {
      it("when a line is created", async () => {
        proxy.loseReplies(1);
        const created = await far.esims.save(NEW_LINE, "create");
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(created).toEqual({ ...NEW_LINE, version: 1 });
        expect(await near.esims.load(ICCID)).toEqual(created);
      });

      it("when a line is changed", async () => {
        await near.esims.save(NEW_LINE, "create");
        proxy.loseReplies(1);
        const changed = await far.esims.save({ ...NEW_LINE, version: 1, cycle: 1 }, "change");
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(changed).toEqual({ ...NEW_LINE, version: 2, cycle: 1 });
        expect(await near.esims.load(ICCID)).toEqual(changed);
      });

      it("when a recharge starts", async () => {
        proxy.loseReplies(1);
        await far.recharges.putStart(FULL_START);
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(await near.recharges.getStart(FULL_START.rechargeId)).toEqual(FULL_START);
      });

      it("when a bill is put", async () => {
        proxy.loseReplies(1);
        await far.recharges.putBill(FULL_BILL);
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(await near.recharges.getBill(FULL_BILL.rechargeId)).toEqual(FULL_BILL);
      });

      it("when a step, or a fact about an ended recharge, is put", async () => {
        for (const put of [() => far.recharges.putStep(STEP), () => far.recharges.putAdjustment(ADJUSTMENT)]) {
          proxy.loseReplies(1);
          await put();
          expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        }
        expect(await near.recharges.getHistory(STEP.rechargeId)).toMatchObject({ steps: [STEP], adjustments: [ADJUSTMENT] });
      });

      it("when what an operator did, or that a break was told, is put", async () => {
        for (const put of [() => far.controls.putAudit(ENTRY), () => far.controls.putBreakTold("b-1", NOW)]) {
          proxy.loseReplies(1);
          await put();
          expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        }
        expect(await near.controls.listAudit()).toEqual([ENTRY]);
        expect(await near.controls.breakToldAt("b-1")).toBe(NOW);
      });

      it("when a decline is counted", async () => {
        proxy.loseReplies(1);
        await far.cards.putDecline("fp_1", DECLINE);
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(await near.cards.listDeclines("fp_1")).toEqual([DECLINE]);
      });

      it("when the planner's cursor moves", async () => {
        proxy.loseReplies(1);
        await far.controls.putWheel({ plannedThrough: MINUTE });
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(await near.controls.getWheel()).toEqual({ plannedThrough: MINUTE });
      });
    });

    describe("is done again where that changes nothing", () => {
      it("when declines are cleared", async () => {
        await near.cards.putDecline("fp_1", DECLINE);
        proxy.loseReplies(1);
        await far.cards.clear("fp_1", NOW);
        expect(proxy.statuses()).toEqual([DONE, DONE]);
        expect(await near.cards.listDeclines("fp_1")).toEqual([]);
      });

      it("when something about a subscriber is put", async () => {
        const { subscribers } = far;
        const puts = [
          () => subscribers.putProfile(PROFILE),
          () => subscribers.putChoices(SUBSCRIBER, { language: "en" }),
          () => subscribers.putRuleTimeZone(SUBSCRIBER, "Asia/Shanghai"),
          () => subscribers.putMethod(SUBSCRIBER, METHOD),
          () => subscribers.putNotice(SUBSCRIBER, "r-1/RechargeSucceeded", NOW),
          () => subscribers.putHold(SUBSCRIBER, HOLD),
        ];
        for (const put of puts) {
          proxy.loseReplies(1);
          await put();
          expect(proxy.statuses()).toEqual([DONE, DONE]);
        }
        expect(await near.subscribers.getProfile(SUBSCRIBER)).toEqual({ ...PROFILE, language: "en", ruleTimeZone: "Asia/Shanghai" });
        expect(await near.subscribers.getMethod(SUBSCRIBER, METHOD.id)).toEqual(METHOD);
        expect(await near.subscribers.wasNoticed(SUBSCRIBER, "r-1/RechargeSucceeded")).toBe(true);
        expect(await near.subscribers.getHold(SUBSCRIBER)).toEqual(HOLD);
      });

      it("when something about a subscriber is removed", async () => {
        await near.subscribers.putMethod(SUBSCRIBER, METHOD);
        await near.subscribers.putHold(SUBSCRIBER, HOLD);
        for (const remove of [() => far.subscribers.removeMethod(SUBSCRIBER, METHOD.id), () => far.subscribers.removeHold(SUBSCRIBER)]) {
          proxy.loseReplies(1);
          await remove();
          expect(proxy.statuses()).toEqual([DONE, DONE]);
        }
        expect(await near.subscribers.getMethod(SUBSCRIBER, METHOD.id)).toBeUndefined();
        expect(await near.subscribers.getHold(SUBSCRIBER)).toBeUndefined();
      });

      it("when the kill switch is thrown", async () => {
        proxy.loseReplies(1);
        await far.controls.putKillSwitch(KILL_SWITCH);
        expect(proxy.statuses()).toEqual([DONE, DONE]);
        expect(await near.controls.getKillSwitch()).toEqual(KILL_SWITCH);
      });

      it("when a line is met later", async () => {
        await near.esims.save({ ...NEW_LINE, lookAt: NOW }, "create");
        const later = "2026-11-24T08:00:00.000Z";
        proxy.loseReplies(1);
        await far.esims.postpone(ICCID, later);
        expect(proxy.statuses()).toEqual([DONE, DONE]);
        expect((await near.esims.load(ICCID))?.lookAt).toBe(later);
      });
    });

    describe("and after which somebody else writes before the second try", () => {
      it("is known by the rule's own writeId, which the machine leaves alone", async () => {
        const saving: Esim = { ...NEW_LINE, rule: { ...esimWithRule().rule, writeId: "of the rule" } };
        proxy.loseReplies(1, () => near.esims.save({ ...saving, version: 1, cycle: 1 }, "the machine"));
        expect(await far.esims.save(saving, "of the rule")).toEqual({ ...saving, version: 2, cycle: 1 });
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
      });

      it("is a conflict when the machine wrote: it reads again, and applies what it knows to what is there now", async () => {
        await near.esims.save(NEW_LINE, "create");
        const other: Esim = { ...NEW_LINE, version: 2, cycle: 2 };
        proxy.loseReplies(1, () => near.esims.save(other, "another worker"));
        expect(await far.esims.save({ ...NEW_LINE, version: 1, cycle: 1 }, "a worker")).toBeUndefined();
        expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED]);
        expect(await near.esims.load(ICCID)).toEqual({ ...other, version: 3 });
      });

      it("never turns the planner's cursor back", async () => {
        proxy.loseReplies(1, () => near.controls.putWheel({ plannedThrough: MINUTE + 5 }));
        await far.controls.putWheel({ plannedThrough: MINUTE });
        expect(await near.controls.getWheel()).toEqual({ plannedThrough: MINUTE + 5 });
      });

      it("leaves the bill that was first", async () => {
        proxy.loseReplies(1, () => near.recharges.putBill(OTHER_BILL).catch(() => {}));
        await far.recharges.putBill(FULL_BILL);
        expect(await near.recharges.getBill(FULL_BILL.rechargeId)).toEqual(FULL_BILL);
      });
    });

    it("is a fault, and never a conflict, when no try is answered: nobody knows what was written", async () => {
      proxy.loseReplies(3);
      await expect(far.esims.save(NEW_LINE, "create")).rejects.toThrow();
      expect(proxy.statuses()).toEqual([DONE, CONDITION_FAILED, CONDITION_FAILED]);
    });
  });
}
