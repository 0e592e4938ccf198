import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Controls } from "../../functions/domain/ports.ts";
import type { MakeStore } from "./store-contract.ts";

const MINUTE = 29_915_520; // 2026-11-17T16:00Z

/** What every store of a stage's single records promises. */
export function describeControls(name: string, make: MakeStore<Controls>): void {
  describe(`the planner's cursor ${name}`, () => {
    let store: Controls;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ store, close } = await make());
    });
    afterEach(() => close?.());

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
}
