import { describe, expect, it } from "@jest/globals";
import { plusMinutes } from "../../functions/domain/time.ts";
import { setKillSwitch } from "../../ops/kill-switch.ts";
import { ICCID, NOW } from "../builders.ts";
import { OPERATOR, opsWorld } from "./ops-world.ts";

describe("kill-switch", () => {
  it("on stops at once, and says who did it and why", async () => {
    const { ports, written, text } = opsWorld();
    await setKillSwitch(ports, { state: "on", why: "carrier credits twice", by: OPERATOR });
    expect(await written()).toMatchObject({
      killSwitch: { on: true, at: NOW, by: OPERATOR, why: "carrier credits twice" },
      audit: [{ by: OPERATOR, verb: "kill-switch", subject: "on", why: "carrier credits twice" }],
    });
    expect(text()).toContain(`The kill switch is ON: nothing new is charged, since ${NOW}, by ${OPERATOR}: carrier credits twice`);
  });

  it("on has all lines looked at on which something is open, wherever their next look is, and off has none", async () => {
    const { ports, pokes, store } = opsWorld();
    await store({ lookAt: plusMinutes(NOW, 64) });
    await setKillSwitch(ports, { state: "on", why: "fire", by: OPERATOR });
    expect(pokes).toEqual([{ iccid: ICCID }]);
    await setKillSwitch(ports, { state: "off", why: "mended", by: OPERATOR, yes: true });
    expect(pokes).toHaveLength(1);
  });

  it("on does not wait for the audit", async () => {
    const { ports, written } = opsWorld();
    const controls = { ...ports.controls, putAudit: () => Promise.reject(new Error("throttled")) };
    await expect(setKillSwitch({ ...ports, controls }, { state: "on", why: "fire", by: OPERATOR })).rejects.toThrow("throttled");
    expect((await written()).killSwitch).toMatchObject({ on: true });
  });

  it("off changes nothing without --yes", async () => {
    const { ports, written, text } = opsWorld();
    await setKillSwitch(ports, { state: "on", why: "fire", by: OPERATOR });
    const before = await written();
    await setKillSwitch(ports, { state: "off", why: "mended", by: OPERATOR, yes: false });
    expect(await written()).toEqual(before);
    expect(text()).toContain("Nothing was written: say --yes");
  });

  it("off with --yes lets recharges run again", async () => {
    const { ports, written } = opsWorld();
    await setKillSwitch(ports, { state: "on", why: "fire", by: OPERATOR });
    await setKillSwitch(ports, { state: "off", why: "mended", by: OPERATOR, yes: true });
    expect(await written()).toMatchObject({ killSwitch: { on: false, why: "mended" }, audit: [{ subject: "off" }, { subject: "on" }] });
  });

  it("status only tells", async () => {
    const { ports, written, printed } = opsWorld();
    await setKillSwitch(ports, { state: "status" });
    await setKillSwitch(ports, { state: "on", why: "fire", by: OPERATOR });
    await setKillSwitch(ports, { state: "status" });
    expect(printed).toEqual([
      "The kill switch was never thrown: recharges run.",
      expect.stringContaining("is ON"),
      "0 lines are looked at now.",
      expect.stringContaining("is ON"),
    ]);
    expect((await written()).audit).toHaveLength(1);
  });
});
