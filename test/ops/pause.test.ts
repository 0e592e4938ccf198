import { describe, expect, it } from "@jest/globals";
import { pause, resume } from "../../ops/pause.ts";
import { iccidOf } from "../adapters/store-contract.ts";
import { ICCID, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import { OPERATOR, openRecharge, opsWorld } from "./ops-world.ts";

const FRAUD = { subscriberId: SUBSCRIBER, why: "fraud", by: OPERATOR };
const HOLD = { at: NOW, by: OPERATOR, why: "fraud" };

describe("pause", () => {
  it("holds the subscriber, has all their lines looked at, and keeps it in the audit", async () => {
    const { ports, pokes, store, written, text } = opsWorld();
    await store({ open: openRecharge() });
    await store({ iccid: OTHER_ICCID });
    await store({ iccid: iccidOf(7), subscriberId: "sub-bob" });
    await pause(ports, FRAUD);
    expect(await written()).toMatchObject({ hold: HOLD, audit: [{ by: OPERATOR, verb: "pause", subject: SUBSCRIBER, why: "fraud" }] });
    expect(pokes).toEqual([{ iccid: ICCID }, { iccid: OTHER_ICCID }]);
    expect(text()).toBe(`Subscriber sub-ada is paused since ${NOW}, by ${OPERATOR}: fraud. Their 2 lines are looked at now.`);
  });

  it("reaches a line that has another payer, on which they have something open", async () => {
    const { ports, pokes, store } = opsWorld();
    await store({ subscriberId: "sub-bob", open: openRecharge() });
    await pause({ ...ports, subscribers: { ...ports.subscribers, listLines: async () => [ICCID] } }, FRAUD);
    expect(pokes).toEqual([{ iccid: ICCID }]);
  });

  it("reaches every line of a subscriber with many", async () => {
    const { ports, pokes, store } = opsWorld();
    for (let index = 0; index < 250; index++) await store({ iccid: iccidOf(index) });
    await pause(ports, FRAUD);
    expect(new Set(pokes.map((poke) => ("iccid" in poke ? poke.iccid : ""))).size).toBe(250);
  });

  it("holds although the audit or the pokes fail", async () => {
    const { ports, written } = opsWorld();
    const controls = { ...ports.controls, putAudit: () => Promise.reject(new Error("throttled")) };
    await expect(pause({ ...ports, controls }, FRAUD)).rejects.toThrow("throttled");
    expect((await written()).hold).toEqual(HOLD);
  });

  it("wonders about somebody without a line", async () => {
    const { ports, text } = opsWorld();
    await pause(ports, FRAUD);
    expect(text()).toContain("is it the right one?");
  });
});

describe("resume", () => {
  it("only shows the pause without --yes", async () => {
    const { ports, written, text } = opsWorld();
    await ports.subscribers.putHold(SUBSCRIBER, HOLD);
    const before = await written();
    await resume(ports, { subscriberId: SUBSCRIBER, yes: false, by: OPERATOR });
    expect(await written()).toEqual(before);
    expect(text()).toContain(`is paused since ${NOW}, by ${OPERATOR}: fraud.`);
  });

  it("lifts it with --yes, after it was written down whose pause that was", async () => {
    const { ports, written } = opsWorld();
    await ports.subscribers.putHold(SUBSCRIBER, HOLD);
    await resume(ports, { subscriberId: SUBSCRIBER, yes: true, by: "alan" });
    const { hold, audit } = await written();
    expect(hold).toBeUndefined();
    expect(audit).toMatchObject([{ by: "alan", verb: "resume", subject: SUBSCRIBER, why: `paused by ${OPERATOR} at ${NOW}: fraud` }]);
  });

  it("has nothing to do for somebody who is not paused", async () => {
    const { ports, written, printed } = opsWorld();
    await resume(ports, { subscriberId: SUBSCRIBER, yes: true, by: OPERATOR });
    expect(printed).toEqual(["Subscriber sub-ada is not paused."]);
    expect((await written()).audit).toEqual([]);
  });
});
