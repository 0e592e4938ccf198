import { describe, expect, it } from "@jest/globals";
import { SECURITY_HEADERS } from "../../functions/api/pipeline.ts";
import { CallerUnknown } from "../../functions/domain/ports.ts";
import { applyMove } from "../../functions/domain/recharge.ts";
import { cny, esimWithRule, ICCID, NOW, OTHER_ICCID, reading, SUBSCRIBER } from "../builders.ts";
import { apiWorld, listIn, problemIn, STRANGER, STRANGERS_ICCID, silentCarrier, strangersLine, withOpenRecharge } from "./api-world.ts";

const list = { method: "GET", path: "/v1/esims" };
const bare = { currency: "CNY", rule: null, openRecharge: null, balance: cny(999), balanceReadAt: NOW };

describe("the list of eSIMs", () => {
  it("shows the caller's lines as the carrier lists them, with what is available on each", async () => {
    const world = await apiWorld();
    world.carrier.setBalance(OTHER_ICCID, -20);
    expect(await world.send(list)).toEqual({
      status: 200,
      headers: { "content-type": "application/json", ...SECURITY_HEADERS },
      body: {
        data: [
          { ...bare, iccid: ICCID },
          { ...bare, iccid: OTHER_ICCID, balance: cny(-20) },
        ],
      },
    });
    expect(world.writes()).toBe(0);
  });

  it("is empty for somebody without a line", async () => {
    const { send } = await apiWorld();
    expect(await send({ ...list, sub: "sub-nobody" })).toMatchObject({ status: 200, body: { data: [] } });
  });

  it("finds lines by the address that the issuer has verified", async () => {
    const { send, carrier } = await apiWorld();
    const iccid = "8986012345678900041";
    carrier.addLine({ iccid, owner: { email: "sub-bob@example.com" }, currency: "CNY", available: 999, drainPerMinute: 0 });
    expect(listIn(await send({ ...list, sub: "sub-bob" })).data).toEqual([{ ...bare, iccid }]);
  });

  it("shows a balance that the carrier does not say as null", async () => {
    const { send, ports } = await apiWorld();
    const carrier = { ...ports.carrier, getBalances: async () => new Map([[ICCID, reading(999)]]) };
    expect(listIn(await send(list, { carrier })).data).toMatchObject([
      { iccid: ICCID, balance: cny(999) },
      { iccid: OTHER_ICCID, balance: null, balanceReadAt: null },
    ]);
  });

  it("shows how a rule stands and what is left of its month", async () => {
    const { send, store } = await apiWorld();
    const spend = { month: "2026-11", monthAmounts: [cny(5000)], day: "2026-11-23", dayCount: 1, lastEndedAt: NOW };
    await store({ ...esimWithRule(), spend: { [SUBSCRIBER]: spend, [STRANGER]: { ...spend, monthAmounts: [cny(1)] } } });
    await store({ ...esimWithRule(), iccid: OTHER_ICCID, spend: { [SUBSCRIBER]: { ...spend, month: "2026-10", day: "2026-10-31" } } });
    expect(listIn(await send(list)).data).toMatchObject([
      { iccid: ICCID, rule: { status: { state: "active" }, leftThisMonth: cny(15_000) } },
      { iccid: OTHER_ICCID, rule: { status: { state: "active" }, leftThisMonth: cny(20_000) } },
    ]);
  });

  it("shows the recharge that is open", async () => {
    const { send, store } = await apiWorld();
    const open = withOpenRecharge(esimWithRule(), "re_1");
    await store(applyMove(open, "re_1", { type: "created", paymentIntentId: "pi_1" }, NOW));
    const [line] = listIn(await send(list)).data;
    expect(line?.openRecharge).toEqual({ rechargeId: "re_1", amount: cny(5000), state: "confirming", reservedAt: NOW });
  });

  it("tells the new holder of a line nothing of the former payer's rule and recharge", async () => {
    const { send, store } = await apiWorld();
    await store(withOpenRecharge({ ...strangersLine(), iccid: ICCID }, "re_1"));
    expect(listIn(await send(list)).data).toContainEqual({ ...bare, iccid: ICCID });
  });

  it("does not show somebody else's line, though the caller pays for it", async () => {
    const { send, store } = await apiWorld();
    await store({ ...esimWithRule(), iccid: STRANGERS_ICCID });
    expect(listIn(await send(list)).data.map((line) => line.iccid)).toEqual([ICCID, OTHER_ICCID]);
  });

  it("asks the issuer again about a caller whom nobody could write to, and only about such", async () => {
    const { send, ports, askedIssuer } = await apiWorld();
    await ports.subscribers.putProfile({ subscriberId: SUBSCRIBER });
    await ports.subscribers.putChoices(SUBSCRIBER, { language: "zh-CN" });
    await send(list);
    await send(list);
    expect(askedIssuer).toHaveLength(1);
    expect(await ports.subscribers.getProfile(SUBSCRIBER)).toMatchObject({ email: `${SUBSCRIBER}@example.com`, language: "zh-CN" });
  });

  it("is not to be had with a token whose holder the issuer does not name", async () => {
    const { send } = await apiWorld();
    const identity = { whoIs: () => Promise.reject(new CallerUnknown("The issuer does not say who holds this token")) };
    expect(problemIn(await send(list, { identity }))).toMatchObject({ status: 403, code: "caller-unknown" });
  });

  it("is not to be had while the carrier does not answer", async () => {
    const { send } = await apiWorld();
    expect(problemIn(await send(list, { carrier: silentCarrier }))).toMatchObject({ status: 503, code: "try-again" });
  });
});
