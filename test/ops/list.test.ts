import { describe, expect, it } from "@jest/globals";
import { UnreadableLine } from "../../functions/domain/ports.ts";
import { list } from "../../ops/list.ts";
import { readOrder } from "../../ops/verbs.ts";
import { iccidOf } from "../adapters/store-contract.ts";
import { ICCID, NOW, OTHER_ICCID } from "../builders.ts";
import { openRecharge, opsWorld, RECHARGE } from "./ops-world.ts";

const EARLIER = "2026-11-23T07:00:00.000Z";
const confirming = openRecharge({ rechargeId: "recharge-0", reservedAt: EARLIER, state: { name: "confirming", paymentIntentId: "pi_0" } });

async function worldWithTwo() {
  const world = opsWorld();
  await world.store({ open: openRecharge() });
  await world.store({ iccid: OTHER_ICCID, open: confirming, lookAt: "2026-12-24T00:00:00.000Z" });
  return world;
}

describe("list", () => {
  it("tells all open recharges, the oldest first, however late their next look is, and no line's whole number", async () => {
    const { ports, printed, text } = await worldWithTwo();
    await list(ports, { onlyReview: false });
    expect(printed).toEqual([
      `recharge-0  confirming, open since ${EARLIER}  CNY 50.00  line …0025  sub-ada`,
      `${RECHARGE}  needs-review (carrier-unclear) since ${NOW}  CNY 50.00  line …0017  sub-ada`,
      "2 open",
    ]);
    expect(text()).not.toContain(ICCID);
  });

  it("tells only those that wait for a person with --review", async () => {
    const { ports, printed } = await worldWithTwo();
    await list(ports, { onlyReview: true });
    expect(printed).toEqual([expect.stringContaining(RECHARGE), "1 waiting for a person"]);
  });

  it("tells with --review also what harms its workers, whatever its state", async () => {
    const { ports, printed, store } = opsWorld();
    await store({ open: { ...confirming, lease: { until: NOW, attempts: 9, crashes: 9 } } });
    await list(ports, { onlyReview: true });
    expect(printed).toEqual([expect.stringContaining("confirming (worker-fault), open since"), "1 waiting for a person"]);
  });

  it("leaves out lines that only wait for an event to be published", async () => {
    const { ports, printed, store } = opsWorld();
    await store({});
    await list(ports, { onlyReview: false });
    expect(printed).toEqual(["0 open"]);
  });

  it("reads every page of every shard", async () => {
    const { ports, printed, store } = opsWorld();
    for (let index = 0; index < 1100; index++) await store({ iccid: iccidOf(index), open: openRecharge({ rechargeId: `recharge-${index}` }) });
    await list(ports, { onlyReview: false });
    expect(printed.at(-1)).toBe("1100 open");
  });

  it("names a line that cannot be read by its last digits, and hides no other for it", async () => {
    const { ports, printed } = await worldWithTwo();
    const refuse = async () => {
      throw new UnreadableLine("line …0025");
    };
    const esims = {
      ...ports.esims,
      loadMany: async (iccids: readonly string[]) => (iccids.includes(OTHER_ICCID) ? refuse() : ports.esims.loadMany(iccids)),
      load: async (iccid: string) => (iccid === OTHER_ICCID ? refuse() : ports.esims.load(iccid)),
    };
    await list({ ...ports, esims }, { onlyReview: false });
    expect(printed).toEqual([
      expect.stringContaining(RECHARGE),
      "unreadable: line …0025 cannot be read. See docs/runbook.md#unreadable-line",
      "1 open, 1 unreadable",
    ]);
  });

  it("does not take a fault of the store for a line that cannot be read", async () => {
    const { ports } = await worldWithTwo();
    const esims = { ...ports.esims, loadMany: () => Promise.reject(new Error("throttled")) };
    await expect(list({ ...ports, esims }, { onlyReview: false })).rejects.toThrow("throttled");
  });

  it("takes one flag of the two", async () => {
    const order = readOrder(["list", "--open", "--review"], {});
    if (typeof order === "string") throw new Error(order);
    await expect(order.act(opsWorld().ports)).rejects.toThrow("Choose --open or --review");
  });
});
