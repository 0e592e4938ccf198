import { beforeEach, describe, expect, it } from "@jest/globals";
import { CallerUnknown, OutcomeUnknown, type Profile } from "../../functions/domain/ports.ts";
import { ICCID, METHOD, SUBSCRIBER } from "../builders.ts";
import { type ApiCall, type ApiWorld, apiWorld, newRule, ruleSettingsBody } from "./api-world.ts";

const OLD = { subscriberId: SUBSCRIBER, email: "ada@old.example.com", phoneNumber: "+8613800000001" };
const NEW = { subscriberId: SUBSCRIBER, email: "ada@new.example.com", phoneNumber: "+8613800000002" };

const CREATE: ApiCall = { method: "POST", path: "/v1/rules", body: newRule() };
const REPLACE: ApiCall = { method: "PUT", path: `/v1/rules/${ICCID}`, body: ruleSettingsBody({ noticeMinutes: 60 }), headers: { "if-match": '"1"' } };
const ADD: ApiCall = { method: "POST", path: "/v1/payment-methods", body: { type: "alipay" } };
const CHOOSE: ApiCall = { method: "PATCH", path: "/v1/me", body: { language: "zh-CN" } };

let world: ApiWorld;
beforeEach(async () => {
  world = await apiWorld();
  await world.ports.subscribers.putProfile(OLD);
});

const kept = () => world.ports.subscribers.getProfile(SUBSCRIBER);
const saying = (whoIs: () => Promise<Profile>) => ({ identity: { whoIs } });

describe("an address that was changed at the issuer", () => {
  it.each([
    ["a rule is saved", CREATE],
    ["a way to pay is saved", ADD],
    ["they choose how to be told", CHOOSE],
  ])("is followed when %s", async (_, call) => {
    expect(
      (
        await world.send(
          call,
          saying(async () => NEW),
        )
      ).status,
    ).toBeLessThan(300);
    expect(await kept()).toMatchObject(NEW);
  });

  it("is followed when a rule is changed", async () => {
    await world.send(
      CREATE,
      saying(async () => OLD),
    );
    expect(
      (
        await world.send(
          REPLACE,
          saying(async () => NEW),
        )
      ).status,
    ).toBe(200);
    expect(await kept()).toMatchObject(NEW);
  });

  it("is not asked for by calls that save nothing of the kind", async () => {
    for (const path of ["/v1/me", "/v1/esims", "/v1/rules", "/v1/recharges", "/v1/payment-methods"]) await world.send({ method: "GET", path });
    await world.send({ method: "PATCH", path: `/v1/payment-methods/${METHOD.id}`, body: { use: "default" } });
    expect(world.askedIssuer).toEqual([]);
  });

  it.each<[string, () => Promise<Profile>]>([
    ["does not answer", () => Promise.reject(new OutcomeUnknown("The issuer is away"))],
    ["does not say who holds the token", () => Promise.reject(new CallerUnknown("The token lacks the scope openid"))],
    ["names no address", async () => ({ subscriberId: SUBSCRIBER })],
  ])("stays for now where the issuer %s: the rule is saved all the same", async (_, whoIs) => {
    expect((await world.send(CREATE, saying(whoIs))).status).toBe(201);
    expect(await kept()).toEqual(OLD);
  });

  it("is not kept of somebody who is closing their account", async () => {
    const { subscribers } = world.ports;
    let asked = 0;
    // They close it just after it was asked whether they do.
    const getClosing = async (id: string) => (asked++ === 0 ? undefined : ((await subscribers.getClosing(id)) ?? { since: "2026-11-23T08:00:00.000Z" }));
    await world.send(ADD, { ...saying(async () => NEW), subscribers: { ...subscribers, getClosing } });
    expect(await kept()).toEqual(OLD);
  });
});
