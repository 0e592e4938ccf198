import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { Quotas, QuotaUse } from "../../functions/domain/ports.ts";
import { plusSeconds } from "../../functions/domain/time.ts";
import { NOW, SUBSCRIBER } from "../builders.ts";
import type { MakeStore } from "./store-contract.ts";

const USE: QuotaUse = { subscriberId: SUBSCRIBER, name: "POST /v1/payment-methods", perHour: 3, now: NOW };

/** What every store of quotas promises. `NOW` begins an hour. */
export function describeQuotas(name: string, make: MakeStore<Quotas>): void {
  describe(`the quotas ${name}`, () => {
    let store: Quotas;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ store, close } = await make());
    });
    afterEach(() => close?.());

    const takeAll = async () => {
      for (let i = 0; i < USE.perHour; i++) expect(await store.take(USE)).toBe(true);
    };

    it("are used up after their number", async () => {
      await takeAll();
      for (const _again of [1, 2]) expect(await store.take(USE)).toBe(false);
    });

    it("are not passed by uses that come at once", async () => {
      const taken = await Promise.all(Array.from({ length: 10 }, () => store.take(USE)));
      expect(taken.filter((isTaken) => isTaken)).toHaveLength(USE.perHour);
    });

    it("are there again when the hour is over, and not before", async () => {
      await takeAll();
      expect(await store.take({ ...USE, now: plusSeconds(NOW, 3599) })).toBe(false);
      expect(await store.take({ ...USE, now: plusSeconds(NOW, 3600) })).toBe(true);
    });

    it("are everybody's own, for each thing to do", async () => {
      await takeAll();
      expect(await store.take({ ...USE, subscriberId: "sub-eve" })).toBe(true);
      expect(await store.take({ ...USE, name: "POST /v1/payment-methods/setup-intents" })).toBe(true);
    });
  });
}
