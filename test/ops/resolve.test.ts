import { describe, expect, it } from "@jest/globals";
import { resolve } from "../../ops/resolve.ts";
import { ICCID, NOW } from "../builders.ts";
import { OPERATOR, openRecharge, opsWorld, RECHARGE, rechargeStart } from "./ops-world.ts";

const SEEN = { rechargeId: RECHARGE, as: "credited", note: "seen at the carrier", yes: true, by: OPERATOR } as const;

async function worldInReview(changes: Parameters<typeof openRecharge>[0] = {}) {
  const world = opsWorld();
  await world.recharges.putStart(rechargeStart());
  await world.store({ open: openRecharge(changes), lookAt: "2026-11-24T08:00:00.000Z" });
  return world;
}

describe("resolve", () => {
  it("writes what the operator found out into the line, has it looked at now, and keeps it in the audit", async () => {
    const { ports, pokes, written } = await worldInReview();
    await resolve(ports, SEEN);
    const line = await ports.esims.load(ICCID);
    expect(line?.open?.resolution).toEqual({ as: "credited", by: OPERATOR, at: NOW, note: "seen at the carrier" });
    expect(line?.lookAt).toBe(NOW);
    expect(pokes).toEqual([{ iccid: ICCID }]);
    expect((await written()).audit).toMatchObject([{ by: OPERATOR, verb: "resolve", subject: RECHARGE, why: "as credited: seen at the carrier" }]);
  });

  it("is in the audit also when the recharge function cannot be told", async () => {
    const { ports, written } = await worldInReview();
    const send = async () => {
      throw new Error("SQS is away");
    };
    await expect(resolve({ ...ports, pokes: { send } }, SEEN)).rejects.toThrow("SQS is away");
    expect((await written()).audit).toMatchObject([{ verb: "resolve", subject: RECHARGE }]);
  });

  it("only says what would happen without --yes", async () => {
    const { ports, written, text } = await worldInReview();
    const before = await written();
    await resolve(ports, { ...SEEN, yes: false });
    expect(await written()).toEqual(before);
    expect((await ports.esims.load(ICCID))?.open?.resolution).toBeUndefined();
    expect(text()).toContain("ends as succeeded");
    expect(text()).toContain("Nothing was written");
  });

  it("refuses one that does not wait for a review", async () => {
    const { ports, written } = await worldInReview({ state: { name: "crediting", paymentIntentId: "pi_1", paidAt: NOW } });
    const before = await written();
    await expect(resolve(ports, SEEN)).rejects.toThrow("it does not wait for a review");
    expect(await written()).toEqual(before);
  });

  it("refuses one whose line has gone on to another recharge", async () => {
    const { ports } = await worldInReview({ rechargeId: "recharge-2" });
    await expect(resolve(ports, SEEN)).rejects.toThrow("it does not wait for a review");
  });

  it("refuses nothing-taken for one that was paid", async () => {
    const { ports } = await worldInReview();
    await expect(resolve(ports, { ...SEEN, as: "nothing-taken" })).rejects.toThrow("it was paid");
  });

  it("refuses one that nobody knows", async () => {
    await expect(resolve(opsWorld().ports, SEEN)).rejects.toThrow(`There is no recharge ${RECHARGE}`);
  });

  it("does not force its word on a line that was changed since it was read", async () => {
    const { ports, pokes, written } = await worldInReview();
    const esims = { ...ports.esims, save: async () => undefined };
    await expect(resolve({ ...ports, esims }, SEEN)).rejects.toThrow("changed at this very moment");
    expect(pokes).toEqual([]);
    expect((await written()).audit).toEqual([]);
  });
});
