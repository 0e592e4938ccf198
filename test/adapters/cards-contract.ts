import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Decline } from "../../functions/domain/declines.ts";
import type { Cards } from "../../functions/domain/ports.ts";
import { NOW } from "../builders.ts";
import type { MakeStore } from "./store-contract.ts";

const CARD = "fp_1";
const SOFT: Decline = { rechargeId: "r-1", at: NOW, code: "insufficient_funds", severity: "soft" };
const HARD: Decline = { rechargeId: "r-2", at: "2026-11-23T09:00:00.000Z", code: "stolen_card", severity: "hard" };

/** What every store of cards' declines promises. */
export function describeCards(name: string, make: MakeStore<Cards>): void {
  describe(`the cards ${name}`, () => {
    let store: Cards;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ store, close } = await make());
    });
    afterEach(() => close?.());

    /** The order of declines means nothing: sorted by recharge. */
    const declinesOf = async (cardKey: string) => (await store.listDeclines(cardKey)).toSorted((a, b) => (a.rechargeId < b.rechargeId ? -1 : 1));

    it("have no declines at first", async () => expect(await store.listDeclines(CARD)).toEqual([]));

    it("remember their declines, each card its own", async () => {
      await store.putDecline(CARD, HARD);
      await store.putDecline(CARD, SOFT);
      await store.putDecline("fp_2", SOFT);
      expect(await declinesOf(CARD)).toEqual([SOFT, HARD]);
      expect(await declinesOf("fp_2")).toEqual([SOFT]);
    });

    it("count a decline once per recharge, as it was told first", async () => {
      await store.putDecline(CARD, SOFT);
      await Promise.all([store.putDecline(CARD, SOFT), store.putDecline(CARD, { ...HARD, rechargeId: SOFT.rechargeId })]);
      expect(await store.listDeclines(CARD)).toEqual([SOFT]);
    });

    it("forget the soft declines of the one card that is cleared, and count anew", async () => {
      await store.putDecline(CARD, SOFT);
      await store.putDecline("fp_2", SOFT);
      await store.clear(CARD, SOFT.at);
      await store.clear(CARD, SOFT.at);
      expect(await store.listDeclines(CARD)).toEqual([]);
      expect(await store.listDeclines("fp_2")).toEqual([SOFT]);
      await store.putDecline(CARD, HARD);
      expect(await store.listDeclines(CARD)).toEqual([HARD]);
    });

    it.each(["outage", "dispute"] as const)("forget an entry of the kind %s, too", async (severity) => {
      await store.putDecline(CARD, { ...SOFT, severity });
      expect(await store.listDeclines(CARD)).toMatchObject([{ severity }]);
      await store.clear(CARD, SOFT.at);
      expect(await store.listDeclines(CARD)).toEqual([]);
    });

    it("forget all of a card that is erased, hard ones too, and nothing of another", async () => {
      for (const decline of [SOFT, HARD]) await store.putDecline(CARD, decline);
      await store.putDecline("fp_2", HARD);
      for (const _again of [1, 2]) await store.erase(CARD);
      expect(await store.listDeclines(CARD)).toEqual([]);
      expect(await store.listDeclines("fp_2")).toEqual([HARD]);
    });

    it("never forget a hard decline, nor one that came later", async () => {
      const later = { ...SOFT, rechargeId: "later", at: "2999-01-01T00:00:00.000Z" };
      for (const decline of [SOFT, HARD, later]) await store.putDecline(CARD, decline);
      await store.clear(CARD, HARD.at > SOFT.at ? HARD.at : SOFT.at);
      const kept = await store.listDeclines(CARD);
      expect(kept.map(({ rechargeId }) => rechargeId).sort()).toEqual([HARD.rechargeId, "later"].sort());
    });
  });
}
