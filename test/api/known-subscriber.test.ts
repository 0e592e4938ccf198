import { beforeEach, describe, expect, it } from "@jest/globals";
import { CallerUnknown, type IssuerWord, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { instant } from "../../functions/domain/time.ts";
import { cny, ICCID, METHOD, NOW, OTHER_ICCID, SUBSCRIBER } from "../builders.ts";
import { type ApiCall, type ApiWorld, apiWorld, listIn, newRule, previewSettings, problemIn, ruleSettingsBody, STRANGERS_ICCID } from "./api-world.ts";

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
const saying = (whoIs: () => Promise<IssuerWord>) => ({ identity: { whoIs } });
const hoursLater = (hours: number) => ({ clock: { now: () => instant(Date.parse(NOW) + hours * 3_600_000) } });
/** As the adapter tells of a token without the scopes email and phone. */
const saysNothing = saying(async () => ({}));
const away = saying(() => Promise.reject(new OutcomeUnknown("The issuer is away")));
const unnamed = saying(() => Promise.reject(new CallerUnknown("The token lacks the scope openid")));
const LIST: ApiCall = { method: "GET", path: "/v1/esims" };

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
    for (const hours of [5, 6, 7, 11, 12]) await world.send(LIST, { identity: issuer, ...hoursLater(hours) });
    expect(asked).toBe(2);
    expect(await kept()).toMatchObject({ email: NEW.email, phoneNumber: NEW.phoneNumber, verifiedAt: instant(Date.parse(NOW) + 12 * 3_600_000) });
  });

  it("does not keep lines from being shown while the issuer is away", async () => {
    expect(listIn(await world.send(LIST, { ...away, ...hoursLater(7 * 24 - 1) })).data).toHaveLength(2);
  });

  it("shows no lines by an address that was confirmed a week ago, or nobody knows when, while the issuer is away: it may be another's by now", async () => {
    const tryAgain = { status: 503, code: "try-again" };
    expect(problemIn(await world.send(LIST, { ...away, ...hoursLater(7 * 24) }))).toMatchObject(tryAgain);
    await world.ports.subscribers.putProfile({ ...OLD, verifiedAt: undefined });
    expect(problemIn(await world.send(LIST, away))).toMatchObject(tryAgain);
  });

  it("is not waited for at each listing while the issuer is away", async () => {
    let asked = 0;
    const issuer = saying(() => {
      asked += 1;
      return Promise.reject(new OutcomeUnknown("The issuer is away"));
    });
    for (const hours of [7, 7.01, 7.02, 7.1]) expect((await world.send(LIST, { ...issuer, ...hoursLater(hours) })).status).toBe(200);
    expect(asked).toBe(2);
  });

  it.each([
    ["does not answer", away],
    ["names no address", saysNothing],
  ])("stays for now where the issuer %s: the rule of a line that is known by their sub is saved all the same", async (_, issuer) => {
    expect((await world.send(CREATE, issuer)).status).toBe(201);
    expect(await kept()).toMatchObject(OLD);
  });

  it("stays where the issuer does not say who holds the token, and nothing is saved", async () => {
    expect(problemIn(await world.send(CREATE, unnamed))).toMatchObject({ status: 403, code: "caller-unknown" });
    expect(await kept()).toEqual(OLD);
  });

  it.each([
    ["does not answer", away],
    ["does not say who holds the token", unnamed],
  ])("does not keep them from choosing how to be told where the issuer %s", async (_, issuer) => {
    expect((await world.send(CHOOSE, issuer)).status).toBe(200);
    expect(await kept()).toMatchObject(OLD);
  });

  it("keeps nothing from being saved that the issuer cannot confirm right now, if it did lately; else it is asked for again", async () => {
    expect(problemIn(await world.send(CREATE, { ...away, ...hoursLater(6) }))).toMatchObject({ status: 503, code: "try-again" });
    expect((await world.send(CREATE, { ...away, ...hoursLater(5) })).status).toBe(201);
  });

  it.each<[string, IssuerWord, object]>([
    ["is not verified any more", { email: null, phoneNumber: OLD.phoneNumber }, { email: undefined, phoneNumber: OLD.phoneNumber }],
    ["is gone", { email: OLD.email, phoneNumber: null }, { email: OLD.email, phoneNumber: undefined }],
  ])("is forgotten when it %s", async (_, word, expected) => {
    await world.send(
      CHOOSE,
      saying(async () => word),
    );
    expect(await kept()).toEqual({ ...OLD, language: "zh-CN", ...expected });
  });

  it("is not taken for confirmed where nothing is said of it, and is not taken away", async () => {
    const issuer = saying(async () => ({ email: OLD.email }));
    expect((await world.send(LIST, { ...issuer, ...hoursLater(7) })).status).toBe(200);
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

describe("whose line it is", () => {
  const PREVIEW: ApiCall = { method: "POST", path: "/v1/rules/preview", body: previewSettings({ iccid: STRANGERS_ICCID }) };
  const CREATE_STRANGERS = { ...CREATE, body: newRule({ iccid: STRANGERS_ICCID }) };
  const RECHARGE_STRANGERS = { ...RECHARGE, body: { iccid: STRANGERS_ICCID, amount: cny(3000), paymentMethodId: METHOD.id } };
  const SAVING: [string, ApiCall][] = [
    ["previewed", PREVIEW],
    ["given a rule", CREATE_STRANGERS],
    ["recharged", RECHARGE_STRANGERS],
  ];
  const to = (iccid: string, owner: { readonly email?: string; readonly phoneNumber?: string }) => world.carrier.setOwner(iccid, owner);
  beforeEach(() => {
    for (const iccid of [ICCID, OTHER_ICCID]) to(iccid, { email: "nobody@example.com" }); // the carrier does not know them by their sub
  });

  it.each(SAVING)("is decided by the number that the caller has now: one that is another's by now is not %s", async (_, call) => {
    to(STRANGERS_ICCID, { phoneNumber: OLD.phoneNumber });
    const answer = await world.send(
      call,
      saying(async () => NEW),
    );
    expect(answer.status).toBe(404);
  });

  describe.each<[string, IssuerWord]>([
    ["that the issuer does not confirm", { email: null, phoneNumber: null }],
    ["of which the issuer says nothing with this token", {}],
    ["beside an address that is confirmed", { email: NEW.email }],
  ])("is not decided by an old number %s", (_, word) => {
    const issuer = saying(async () => word);
    beforeEach(async () => {
      await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, phoneNumber: OLD.phoneNumber });
      to(STRANGERS_ICCID, { phoneNumber: OLD.phoneNumber });
    });

    it.each(SAVING)("the line is not %s", async (_did, call) => {
      expect((await world.send(call, issuer)).status).toBe(404);
    });

    it("the line is not shown", async () => {
      expect(listIn(await world.send(LIST, issuer)).data).toEqual([]);
    });
  });

  it("is not decided by an old address where the issuer confirms a number alone", async () => {
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, email: OLD.email });
    to(STRANGERS_ICCID, { email: OLD.email });
    const issuer = saying(async () => ({ email: null, phoneNumber: NEW.phoneNumber }));
    expect(listIn(await world.send(LIST, issuer)).data).toEqual([]);
    expect((await world.send(CREATE_STRANGERS, issuer)).status).toBe(404);
  });

  it("is not decided by any old address where the issuer does not say who holds the token", async () => {
    to(STRANGERS_ICCID, { phoneNumber: OLD.phoneNumber });
    for (const call of [LIST, CREATE_STRANGERS, RECHARGE_STRANGERS])
      expect(problemIn(await world.send(call, { ...unnamed, ...hoursLater(7) })).code).toBe("caller-unknown");
  });

  it("stays the caller's under a number of which one of their tokens says nothing: only that token does not show it", async () => {
    to(ICCID, { phoneNumber: OLD.phoneNumber });
    const without = saying(async () => ({ email: OLD.email }));
    expect(listIn(await world.send(LIST, { ...without, ...hoursLater(7) })).data).toEqual([]);
    const withAll = saying(async () => ({ email: OLD.email, phoneNumber: OLD.phoneNumber }));
    expect(listIn(await world.send(LIST, { ...withAll, ...hoursLater(7) })).data).toHaveLength(1);
    expect((await kept())?.verifiedAt).toBe(instant(Date.parse(NOW) + 7 * 3_600_000));
  });

  it("is the caller's under a number that they have just taken", async () => {
    to(ICCID, { phoneNumber: NEW.phoneNumber });
    const issuer = saying(async () => NEW);
    expect((await world.send(CREATE, issuer)).status).toBe(201);
  });
});

describe("who signed up by phone", () => {
  const byPhone = { subscriberId: SUBSCRIBER, phoneNumber: "+8613800000001" };

  it("is known without any address where the issuer confirms none, and is asked about again", async () => {
    world = await apiWorld();
    const issuer = saying(async () => ({ email: null, phoneNumber: null }));
    expect((await world.send({ method: "GET", path: "/v1/me" }, issuer)).status).toBe(200);
    await world.send(
      { method: "GET", path: "/v1/me" },
      saying(async () => byPhone),
    );
    expect(await kept()).toMatchObject(byPhone);
  });

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
