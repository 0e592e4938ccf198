import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { AuditEntry, Controls, KillSwitch } from "../../functions/domain/ports.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { NOW } from "../builders.ts";
import { type MakeStore, seed } from "./store-contract.ts";

const MINUTE = 29_915_520; // 2026-11-17T16:00Z

const ON: KillSwitch = { on: true, at: NOW, by: "grace", why: "Stripe charges twice." };
const ENTRY: AuditEntry = { at: NOW, id: "a-1", by: "grace", verb: "kill-switch on", subject: "stage", why: "Stripe charges twice." };

/** What every store of a stage's single records promises. */
export function describeControls(name: string, make: MakeStore<Controls>): void {
  let store: Controls;
  let close: (() => Promise<void>) | undefined;

  beforeEach(async () => {
    ({ store, close } = await make());
  });
  afterEach(() => close?.());

  describe(`the planner's cursor ${name}`, () => {
    it("stands nowhere at first", async () => expect(await store.getWheel()).toBeUndefined());

    it("moves forward", async () => {
      await store.putWheel({ plannedThrough: MINUTE });
      await store.putWheel({ plannedThrough: MINUTE + 1440 });
      expect(await store.getWheel()).toEqual({ plannedThrough: MINUTE + 1440 });
    });

    it("never moves back, and a planner who is late is not told off", async () => {
      await store.putWheel({ plannedThrough: MINUTE });
      await store.putWheel({ plannedThrough: MINUTE - 1 });
      await store.putWheel({ plannedThrough: MINUTE });
      expect(await store.getWheel()).toEqual({ plannedThrough: MINUTE });
    });

    it("stands at the furthest of many who move it at the same moment", async () => {
      await Promise.all([3, 9, 1, 7, 5].map((minutes) => store.putWheel({ plannedThrough: MINUTE + minutes })));
      expect(await store.getWheel()).toEqual({ plannedThrough: MINUTE + 9 });
    });
  });

  describe(`the kill switch ${name}`, () => {
    it("was never touched at first", async () => expect(await store.getKillSwitch()).toBeUndefined());

    it("stands as it was thrown last", async () => {
      const off: KillSwitch = { on: false, at: "2026-11-23T09:00:00.000Z", by: "ada", why: "Mended." };
      await store.putKillSwitch(ON);
      expect(await store.getKillSwitch()).toEqual(ON);
      await store.putKillSwitch(off);
      expect(await store.getKillSwitch()).toEqual(off);
      await store.putKillSwitch(ON); // also by somebody whose clock is behind
      expect(await store.getKillSwitch()).toEqual(ON);
    });

    it("leaves the planner's cursor alone, and is left alone by it", async () => {
      await store.putKillSwitch(ON);
      await store.putWheel({ plannedThrough: MINUTE });
      expect(await store.getKillSwitch()).toEqual(ON);
      expect(await store.getWheel()).toEqual({ plannedThrough: MINUTE });
    });
  });

  describe(`what operators did ${name}`, () => {
    it("is nothing at first", async () => expect(await store.listAudit()).toEqual([]));

    it("is listed newest first, and nothing else is", async () => {
      const entries = [1, 5, 3, 2, 4].map((hour): AuditEntry => ({ ...ENTRY, at: `2026-11-2${hour}T08:00:00.000Z`, id: `a-${9 - hour}` }));
      for (const entry of entries) await store.putAudit(entry);
      await store.putKillSwitch(ON);
      await store.putWheel({ plannedThrough: MINUTE });
      await store.putBreakTold("audit", NOW);
      expect(await store.listAudit()).toEqual(entries.toSorted((a, b) => (a.at > b.at ? -1 : 1)));
    });

    it("is listed whole, though it is long", async () => {
      const entries = Array.from({ length: 150 }, (_, index): AuditEntry => ({ ...ENTRY, id: `a-${100 + index}`, why: "x".repeat(10_000) })); // 1.5 MB
      await seed(entries, store.putAudit);
      expect((await store.listAudit()).map(({ id }) => id)).toEqual(entries.map(({ id }) => id).reverse());
    });

    it("is kept once, and never changes", async () => {
      await store.putAudit(ENTRY);
      await store.putAudit(ENTRY);
      await store.putAudit({ ...ENTRY, why: "Another reason." });
      expect(await store.listAudit()).toEqual([ENTRY]);
    });
  });

  describe(`breaks of the books ${name}`, () => {
    it("were told once they are noted, however often they are, each its own", async () => {
      expect(await store.breakToldAt("charge-without-record/pi_1")).toBeUndefined();
      for (const at of [NOW, plusMinutes(NOW, 60)]) await store.putBreakTold("charge-without-record/pi_1", at);
      expect(await store.breakToldAt("charge-without-record/pi_1")).toBe(NOW);
      expect(await store.breakToldAt("charge-without-record/pi_2")).toBeUndefined();
    });
  });
}
