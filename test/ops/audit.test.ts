import { describe, expect, it } from "@jest/globals";
import { printAudit } from "../../ops/audit.ts";
import { NOW } from "../builders.ts";
import { OPERATOR, opsWorld } from "./ops-world.ts";

describe("audit", () => {
  it("tells what was done, the newest first", async () => {
    const { ports, printed } = opsWorld();
    const entry = { by: OPERATOR, verb: "kill-switch", subject: "on", why: "fire" };
    await ports.controls.putAudit({ ...entry, at: NOW, id: "a" });
    await ports.controls.putAudit({ ...entry, at: "2026-11-24T08:00:00.000Z", id: "b", subject: "off", why: "mended" });
    await printAudit(ports);
    expect(printed).toEqual(["2026-11-24T08:00:00.000Z  grace  kill-switch off: mended", `${NOW}  grace  kill-switch on: fire`]);
  });

  it("says when nothing was", async () => {
    const { ports, printed } = opsWorld();
    await printAudit(ports);
    expect(printed).toEqual(["Nothing was done by hand so far."]);
  });
});
