import { beforeEach, describe, expect, it } from "@jest/globals";
import { CallerUnknown, OutcomeUnknown, type Profile } from "../../functions/domain/ports.ts";
import { instant } from "../../functions/domain/time.ts";
import { cny, ICCID, METHOD, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import { type ApiCall, type ApiWorld, apiWorld, listIn, newRule, previewSettings, ruleSettingsBody, STRANGERS_ICCID } from "./api-world.ts";

const OLD = { subscriberId: SUBSCRIBER, email: "ada@old.example.com", phoneNumber: "+8613800000001", verifiedAt: NOW };
const NEW = { subscriberId: SUBSCRIBER, email: "ada@new.example.com", phoneNumber: "+8613800000002" };

const NEW_NUMBER = { subscriberId: SUBSCRIBER, phoneNumber: NEW.phoneNumber };

const CREATE: ApiCall = { method: "POST", path: "/v1/rules", body: newRule() };
const REPLACE: ApiCall = { method: "PUT", path: `/v1/rules/${ICCID}`, body: ruleSettingsBody({ noticeMinutes: 60 }), headers: { "if-match": '"1"' } };
const ADD: ApiCall = { method: "POST", path: "/v1/payment-methods", body: { type: "alipay" } };
const RECHARGE: ApiCall = {
  method: "POST",
  path: "/v1/recharges",
  body: { iccid: ICCID, amount: cny(3000), paymentMethodId: METHOD.id },
  headers: { "idempotency-key": "wish-0001" },
};
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
    ["a line is recharged", RECHARGE],
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

  it("is looked for by a call that shows lines where the issuer's word is some hours old, and no more often", async () => {
    let asked = 0;
    const issuer = {
      whoIs: async () => {
        asked += 1;
        return NEW;
      },
    };
    const hoursLater = (hours: number) => ({ identity: issuer, clock: { now: () => instant(Date.parse(NOW) + hours * 3_600_000) } });
    for (const hours of [5, 6, 7, 11, 12]) await world.send({ method: "GET", path: "/v1/esims" }, hoursLater(hours));
    expect(asked).toBe(2);
    expect(await kept()).toMatchObject({ email: NEW.email, phoneNumber: NEW.phoneNumber, verifiedAt: instant(Date.parse(NOW) + 12 * 3_600_000) });
  });

  it("does not keep lines from being shown while the issuer is away", async () => {
    await world.ports.subscribers.putProfile({ ...OLD, verifiedAt: undefined });
    const away = saying(() => Promise.reject(new OutcomeUnknown("The issuer is away")));
    expect(listIn(await world.send({ method: "GET", path: "/v1/esims" }, away)).data).toHaveLength(2);
  });

  it.each<[string, () => Promise<Profile>]>([
    ["does not answer", () => Promise.reject(new OutcomeUnknown("The issuer is away"))],
    ["does not say who holds the token", () => Promise.reject(new CallerUnknown("The token lacks the scope openid"))],
    ["names no address", async () => ({ subscriberId: SUBSCRIBER })],
  ])("stays for now where the issuer %s: the rule is saved all the same", async (_, whoIs) => {
    expect((await world.send(CREATE, saying(whoIs))).status).toBe(201);
    expect(await kept()).toMatchObject(OLD);
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

describe("whose line it is", () => {
  const to = (iccid: string, owner: { readonly email?: string; readonly phoneNumber?: string }) => world.carrier.setOwner(iccid, owner);
  beforeEach(() => {
    for (const iccid of [ICCID, OTHER_ICCID]) to(iccid, { email: "nobody@example.com" }); // the carrier does not know them by their sub
  });

  it.each<[string, ApiCall]>([
    ["previewed", { method: "POST", path: "/v1/rules/preview", body: previewSettings({ iccid: STRANGERS_ICCID }) }],
    ["given a rule", { ...CREATE, body: newRule({ iccid: STRANGERS_ICCID }) }],
    ["recharged", { ...RECHARGE, body: { iccid: STRANGERS_ICCID, amount: cny(3000), paymentMethodId: METHOD.id } }],
  ])("is decided by the number that the caller has now: one that is another's by now is not %s", async (_, call) => {
    to(STRANGERS_ICCID, { phoneNumber: OLD.phoneNumber });
    const answer = await world.send(
      call,
      saying(async () => NEW),
    );
    expect(answer.status).toBe(404);
  });

  it("is the caller's under a number that they have just taken", async () => {
    to(ICCID, { phoneNumber: NEW.phoneNumber });
    const issuer = saying(async () => NEW);
    expect((await world.send(CREATE, issuer)).status).toBe(201);
  });
});

describe("who signed up by phone", () => {
  const byPhone = { subscriberId: SUBSCRIBER, phoneNumber: "+8613800000001" };

  it("is known after their first call: the issuer is not asked at each", async () => {
    world = await apiWorld();
    let asked = 0;
    const issuer = saying(async () => {
      asked += 1;
      return byPhone;
    });
    for (const path of ["/v1/esims", "/v1/me", "/v1/esims"]) await world.send({ method: "GET", path }, issuer);
    expect(asked).toBe(1);
    expect((await world.send({ method: "GET", path: "/v1/me" }, issuer)).body).toMatchObject({ notices: { channels: ["sms"] } });
  });

  it.each([
    ["a number that they changed", byPhone, { ...byPhone, phoneNumber: "+8613800000002" }, { phoneNumber: "+8613800000002" }],
    ["an address that they added", byPhone, { ...byPhone, email: "ada@new.example.com" }, { email: "ada@new.example.com" }],
    ["a number alone, and keeps the address", OLD, NEW_NUMBER, { email: OLD.email, phoneNumber: NEW.phoneNumber }],
  ])("is followed to %s", async (_, was, is, expected) => {
    await world.ports.subscribers.putProfile(was);
    await world.send(
      CHOOSE,
      saying(async () => is),
    );
    expect(await kept()).toMatchObject(expected);
  });
});
