import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { type CarrierModel, carrierModel } from "../../local/carrier/carrier-model.ts";
import { FATES, QUESTION_FAULTS } from "../../local/carrier/next-outcomes.ts";
import { memoryRecords } from "../../local/records.ts";
import { cny, ICCID, NOW } from "../builders.ts";
import { type Ask, withControlsOf } from "./local-controls.ts";

/** The controls of a stack of which nothing but the carrier is there. */
async function withControls(run: (world: { readonly model: CarrierModel; readonly ask: Ask }) => Promise<void>): Promise<void> {
  const model = carrierModel({ records: memoryRecords(), now: () => Date.parse(NOW) });
  model.addLine({ iccid: ICCID, owner: { subscriberId: "lin" }, currency: "CNY", available: 1000, drainPerMinute: 0 });
  await withControlsOf({ carrier: model, stripe: undefined }, (ask) => run({ model, ask }));
}

const ORDER = { iccid: ICCID, amount: cny(5000), reference: "r-1" };

describe("the local carrier's controls", () => {
  it("are listed, with every way in which an answer can go wrong", () =>
    withControls(async ({ ask }) => {
      const { body } = await ask("/local/");
      const { controls: listed } = z.object({ controls: z.record(z.string(), z.string()) }).parse(body);

      expect(Object.keys(listed)).toEqual(
        expect.arrayContaining(["GET /local/lines", "POST /local/lines/{iccid}", "DELETE /local/lines/{iccid}", "POST /local/carrier/next"]),
      );
      for (const fault of QUESTION_FAULTS) expect(listed["POST /local/carrier/next"]).toContain(fault);
    }));

  it("choose every outcome of the next top-up", () =>
    withControls(async ({ ask, model }) => {
      for (const [outcome, { does, fault }] of FATES) {
        expect(await ask("/local/carrier/next", "POST", { outcome })).toEqual({ status: 200, body: { operation: "topUp", outcome } });
        const { said, fault: met } = model.topUp({ ...ORDER, reference: outcome });
        const word = { credit: { status: "credited" }, refuse: { status: "refused" }, "credit-later": "under-way", nothing: "nothing" }[does];
        expect({ said, met }).toMatchObject({ said: word, met: fault });
      }
    }));

  it.each(["queryEsims", "queryLine", "sendCode", "queryBalances", "findTopUp"] as const)("choose every fault of the next %s", (operation) =>
    withControls(async ({ ask, model }) => {
      for (const outcome of QUESTION_FAULTS) {
        expect(await ask("/local/carrier/next", "POST", { operation, outcome })).toMatchObject({ status: 200 });
        expect([model.takeFault(operation), model.takeFault(operation)]).toEqual([outcome, undefined]);
      }
    }),
  );

  it("give somebody a line of their own", () =>
    withControls(async ({ ask, model }) => {
      const iccid = "8986012345678900033";
      const added = await ask("/local/lines", "POST", { iccid, owner: { email: "lin@example.com" }, available: 700, topUpAmounts: [5000] });
      expect(added).toMatchObject({ status: 200, body: { iccid, available: 700 } });
      expect(model.queryEsims({ subscriberId: "new", email: "lin@example.com" })).toMatchObject({ esims: [{ iccid, currency: "CNY" }] });
      expect(await ask("/local/lines", "POST", { iccid, owner: { email: "eve@example.com" } })).toMatchObject({ status: 409 });
      for (const wrong of [{}, { iccid: "1", owner: {} }, { iccid: "8986012345678900041" }]) {
        expect(await ask("/local/lines", "POST", wrong)).toMatchObject({ status: 400 });
      }
    }));

  it.each([{ outcome: "explode" }, { operation: "findTopUp", outcome: "refuse" }, { operation: "delete", outcome: "slow" }, {}])(
    "refuse %j, and say what there is",
    (body) =>
      withControls(async ({ ask, model }) => {
        expect(await ask("/local/carrier/next", "POST", body)).toMatchObject({ status: 400, body: { detail: expect.stringContaining("credit-but-<fault>") } });
        expect(model.topUp(ORDER)).toMatchObject({ said: { status: "credited" } });
      }),
  );

  it("change everything about a line", () =>
    withControls(async ({ ask, model }) => {
      const changes = { available: 900, drainPerMinute: 50, currency: "USD", topUpAmounts: [3000, 5000], owner: { email: "wei@example.com" } };

      expect(await ask(`/local/lines/${ICCID}`, "POST", changes)).toEqual({ status: 200, body: { iccid: ICCID, ...changes } });
      expect(model.listLines()).toEqual([{ iccid: ICCID, ...changes }]);
    }));

  it.each([{ currency: "RMB" }, { topUpAmounts: [49.5] }, { owner: { name: "Lin" } }, { available: "900" }])("change nothing about a line for %j", (change) =>
    withControls(async ({ ask, model }) => {
      const before = model.listLines();

      expect(await ask(`/local/lines/${ICCID}`, "POST", change)).toMatchObject({ status: 400 });
      expect(model.listLines()).toEqual(before);
    }),
  );

  it("make a line vanish, and then know it no more", () =>
    withControls(async ({ ask }) => {
      expect(await ask(`/local/lines/${ICCID}`, "DELETE")).toEqual({ status: 200, body: [] });
      expect(await ask(`/local/lines/${ICCID}`, "DELETE")).toMatchObject({ status: 404 });
    }));
});
