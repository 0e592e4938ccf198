import { beforeEach, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { paymentMethodReply, setupIntentReply } from "../../functions/contracts/payment-methods.ts";
import type { Esim } from "../../functions/domain/esim.ts";
import { CallerUnknown, OutcomeUnknown } from "../../functions/domain/ports.ts";
import { esimWithRule, ICCID, METHOD, NOW, SUBSCRIBER } from "../builders.ts";
import { inProcessStripe } from "../fakes/in-process-stripe.ts";
import { type ApiWorld, apiWorld, listIn, previewSettings, problemIn, ruleSettingsBody, STRANGER, withOpenRecharge } from "./api-world.ts";

const PATH = "/v1/payment-methods";

describe("ways to pay", () => {
  let world: ApiWorld;
  beforeEach(async () => {
    world = await apiWorld();
    await world.ports.subscribers.removeMethod(SUBSCRIBER, METHOD.id);
  });

  async function begin(sub = SUBSCRIBER) {
    const answer = await world.send({ method: "POST", path: `${PATH}/setup-intents`, sub });
    expect(answer.status).toBe(201);
    return z.parse(setupIntentReply, answer.body);
  }

  /** A card entered in the browser, up to where we are told of it. */
  async function setUp(testCard = "pm_card_visa", sub = SUBSCRIBER) {
    const { setupIntentId, clientSecret } = await begin(sub);
    const { id, status } = world.stripe.confirmSetupAsCustomer(clientSecret, testCard);
    if (status === "requires_action") world.stripe.authenticateSetup(id, "succeed");
    return setupIntentId;
  }

  /** The caller's cards, as Stripe has them. */
  async function attached() {
    const customerId = await world.ports.subscribers.getCustomer(SUBSCRIBER);
    const reply = world.stripe.handle({ method: "GET", path: `/v1/customers/${customerId}/payment_methods`, form: {}, authorization: "Bearer sk_test_1" });
    return z.parse(z.object({ data: z.array(z.object({ id: z.string() })) }), "body" in reply ? reply.body : {}).data.map(({ id }) => id);
  }

  const save = (body: object, changes: Parameters<ApiWorld["send"]>[1] = {}, sub = SUBSCRIBER) =>
    world.send({ method: "POST", path: PATH, body, sub }, changes);
  const saveCard = async (testCard?: string) => save({ type: "card", setupIntentId: await setUp(testCard) });
  const list = async (sub = SUBSCRIBER) => listIn(await world.send({ method: "GET", path: PATH, sub })).data;
  const remove = (id: string, changes: Parameters<ApiWorld["send"]>[1] = {}, sub = SUBSCRIBER) =>
    world.send({ method: "DELETE", path: `${PATH}/${id}`, sub }, changes);
  const saved = async (testCard?: string) => z.parse(paymentMethodReply, (await saveCard(testCard)).body).paymentMethodId;

  it("are saved as cards through Stripe's own fields, and listed without anything that could pay", async () => {
    expect(await list()).toEqual([]);
    const answer = await saveCard();
    expect(answer).toMatchObject({ status: 201, body: { type: "card", brand: "visa", lastFour: "4242" } });
    const [listed] = await list();
    expect(listed).toEqual(answer.body);
    expect(Object.keys(listed ?? {}).toSorted()).toEqual(["asksEachTime", "brand", "expiry", "lastFour", "paymentMethodId", "type", "use"]);
  });

  it("are set up for charges with their owner away, for one customer per subscriber", async () => {
    await begin();
    await begin();
    const { setupIntentId } = await begin();
    const setups = world.stripe.handle({ method: "GET", path: "/v1/setup_intents", form: {}, authorization: "Bearer sk_test_1" });
    const { data } = z.parse(
      z.object({ data: z.array(z.object({ id: z.string(), customer: z.string(), usage: z.string() })) }),
      "body" in setups ? setups.body : {},
    );
    expect(data).toHaveLength(3);
    expect(new Set(data.map(({ customer }) => customer))).toEqual(new Set([await world.ports.subscribers.getCustomer(SUBSCRIBER)]));
    expect(data.find(({ id }) => id === setupIntentId)?.usage).toBe("off_session");
  });

  it("that two browsers begin at once belong to the one customer that is kept", async () => {
    await Promise.all([begin(), begin()]);
    const kept = await world.ports.subscribers.getCustomer(SUBSCRIBER);
    const first = await saved();
    expect((await world.ports.subscribers.getMethod(SUBSCRIBER, first))?.customerId).toBe(kept);
  });

  it("are answered with what is there when they are saved again", async () => {
    const setupIntentId = await setUp();
    const [first, again] = [await save({ type: "card", setupIntentId }), await save({ type: "card", setupIntentId })];
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
  });

  it("are one when the same card is entered twice: the second is let go at Stripe", async () => {
    const first = await saved();
    const again = await saveCard();
    expect(again).toMatchObject({ status: 200, body: { paymentMethodId: first } });
    expect(await list()).toHaveLength(1);
    expect(await attached()).toEqual([first]);
  });

  it("are two when a card was renewed: the new one takes the place of the one that ends, whose rules keep it", async () => {
    const [first, second] = [await saved(), await saved("pm_card_mastercard")];
    for (const [id, what] of [
      [first, "backup"],
      [second, "default"],
    ] as const) {
      await use(id, what);
    }
    await world.store(esimWithRule({ paymentMethodId: first }));
    for (const [expMonth, expYear] of [
      [1, 2040],
      [12, 2041],
    ] as const) {
      const before = await uses();
      const setupIntentId = await setUp();
      const renewed = (await attached()).find((id) => !(id in before)) ?? "";
      world.stripe.updateCard(renewed, { expMonth, expYear });
      const answer = await save({ type: "card", setupIntentId });
      expect(answer).toMatchObject({ status: 201, body: { paymentMethodId: renewed, expiry: { month: expMonth, year: expYear }, use: "backup" } });
      expect(await uses()).toMatchObject({ [renewed]: "backup", [first]: "none", [second]: "default" });
      const again = await saveCard(); // the plastic that ends sooner
      expect(again.status).toBe(200);
    }
    expect(await list()).toHaveLength(4);
    expect((await attached()).toSorted()).toEqual(Object.keys(await uses()).toSorted());
    const kept = await world.ports.subscribers.listMethods(SUBSCRIBER);
    expect(new Set(kept.filter(({ lastFour }) => lastFour === "4242").map(({ cardKey }) => cardKey)).size).toBe(1); // its declines count on
    expect((await world.ports.esims.load(ICCID))?.rule?.paymentMethodId).toBe(first);
  });

  it("that were renewed keep what they were used for, also when saving them was broken off", async () => {
    const first = await saved();
    const setupIntentId = await setUp();
    const renewed = (await attached()).find((id) => id !== first) ?? "";
    world.stripe.updateCard(renewed, { expMonth: 1, expYear: 2040 });
    const putMethod = () => Promise.reject(new Error("the table is away"));
    const card = { type: "card", setupIntentId };
    expect(problemIn(await save(card, { subscribers: { ...world.ports.subscribers, putMethod } })).status).toBe(500);
    expect((await save(card)).body).toMatchObject({ paymentMethodId: renewed, use: "default" });
    expect(await uses()).toEqual({ [first]: "none", [renewed]: "default" });
  });

  it("are several when the cards differ", async () => {
    await saved();
    await saved("pm_card_mastercard");
    expect(new Set((await list()).map(({ brand }) => brand))).toEqual(new Set(["mastercard", "visa"]));
  });

  it("are not saved before their owner has finished", async () => {
    const { setupIntentId } = await begin();
    const { code, detail } = problemIn(await save({ type: "card", setupIntentId }));
    expect(code).toBe("setup-not-finished");
    expect(detail).toContain("requires_payment_method");
    expect(await list()).toEqual([]);
  });

  it("are not saved before their bank is content", async () => {
    const { setupIntentId, clientSecret } = await begin();
    const { id, status } = world.stripe.confirmSetupAsCustomer(clientSecret, "pm_card_authenticationRequired");
    expect(status).toBe("requires_action");
    expect(problemIn(await save({ type: "card", setupIntentId })).code).toBe("setup-not-finished");
    world.stripe.authenticateSetup(id, "succeed");
    expect((await save({ type: "card", setupIntentId })).status).toBe(201);
  });

  it.each(["seti_nobodys", "theirs"])("are not saved from a setup of somebody else's, or of nobody's: %s", async (which) => {
    const setupIntentId = which === "theirs" ? await setUp("pm_card_visa", STRANGER) : which;
    for (const customer of ["none yet", "one"]) {
      if (customer === "one") await begin();
      const problem = problemIn(await save({ type: "card", setupIntentId }));
      expect(problem).toMatchObject({ status: 422, code: "no-such-setup", errors: [{ pointer: "/setupIntentId" }] });
    }
    expect(await list()).toEqual([]);
  });

  it.each([undefined, 7, "", "pi_1", "seti_", "seti_1/2", `seti_${"x".repeat(101)}`])("are not saved from what is no setup: %j", async (setupIntentId) => {
    const { status, errors } = problemIn(await save({ type: "card", setupIntentId }));
    expect(status).toBe(400);
    expect(errors).toEqual([{ pointer: "/setupIntentId", detail: expect.stringMatching(/POST \/v1\/payment-methods\/setup-intents gave/) }]);
  });

  it("of which WeChat Pay names no setup", async () => {
    const { status, errors } = problemIn(await save({ type: "wechat_pay", setupIntentId: "seti_1" }));
    expect([status, errors]).toEqual([400, [{ pointer: "/setupIntentId", detail: "is only for a card or Alipay" }]]);
  });

  it.each([
    ["is away", new OutcomeUnknown("The issuer is away")],
    ["does not say who they are", new CallerUnknown("The token lacks the scope openid")],
  ])("are answered as saved though the issuer %s, and their owner is not known yet", async (_, error) => {
    const answer = await save({ type: "wechat_pay" }, { identity: { whoIs: () => Promise.reject(error) } });
    expect(answer).toMatchObject({ status: 201, body: { type: "wechat_pay" } });
    expect(await list()).toEqual([answer.body]);
  });

  it.each(["alipay", "wechat_pay"])("are also requests that are confirmed each time: %s, once", async (type) => {
    const [first, again] = [await save({ type }), await save({ type })];
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(first.body).toMatchObject({ type, brand: type, lastFour: "", asksEachTime: true });
    expect(again.body).toEqual(first.body);
    const [kept] = await world.ports.subscribers.listMethods(SUBSCRIBER);
    expect(kept).toMatchObject({ payRequest: type, customerId: await world.ports.subscribers.getCustomer(SUBSCRIBER) });
  });

  describe("that are an Alipay which may be charged with its owner away", () => {
    const ALIPAY_SETUPS = `${PATH}/setup-intents/alipay`;
    const off = { reusableAlipay: false };
    const beginAlipay = async () => z.parse(setupIntentReply, (await world.send({ method: "POST", path: ALIPAY_SETUPS })).body);

    /** Up to where its owner is back from Alipay. */
    async function setUpAlipay(how: "succeed" | "fail" = "succeed") {
      const { setupIntentId, clientSecret } = await beginAlipay();
      world.stripe.authenticateSetup(world.stripe.confirmSetupAsCustomer(clientSecret, "alipay").id, how);
      return setupIntentId;
    }
    const saveAlipay = async () => save({ type: "alipay", setupIntentId: await setUpAlipay() });
    const savedAlipay = async () => z.parse(paymentMethodReply, (await saveAlipay()).body).paymentMethodId;
    const isAttached = async (id: string) => (await inProcessStripe(world.stripe).paymentMethods.retrieve(id)).customer !== null;

    it("are saved when it was authorised at Alipay, and kept as what is charged by itself", async () => {
      const { setupIntentId, clientSecret } = await beginAlipay();
      const asking = world.stripe.confirmSetupAsCustomer(clientSecret, "alipay");
      expect(asking).toMatchObject({ usage: "off_session", payment_method_types: ["alipay"], next_action: { type: "redirect_to_url" } });
      expect(problemIn(await save({ type: "alipay", setupIntentId })).code).toBe("setup-not-finished");

      world.stripe.authenticateSetup(asking.id, "succeed");
      const answer = await save({ type: "alipay", setupIntentId });
      expect(answer).toMatchObject({ status: 201, body: { type: "alipay", brand: "alipay", lastFour: "", asksEachTime: false, use: "default" } });
      expect(await list()).toEqual([answer.body]);
      const [kept] = await world.ports.subscribers.listMethods(SUBSCRIBER);
      expect(kept).toEqual({ id: kept?.id, customerId: kept?.customerId, cardKey: kept?.id, brand: "alipay", lastFour: "" });
      expect((await save({ type: "alipay", setupIntentId })).status).toBe(200);
    });

    it("are not saved when their owner did not authorise it", async () => {
      expect(problemIn(await save({ type: "alipay", setupIntentId: await setUpAlipay("fail") })).code).toBe("setup-not-finished");
      expect(await list()).toEqual([]);
    });

    it("can be used in a rule, and be the backup", async () => {
      await saved();
      const paymentMethodId = await savedAlipay();
      const body = previewSettings({ paymentMethodId });
      const shown = z.object({ terms: z.object({ hash: z.string() }), words: z.object({ en: z.array(z.string()) }) });
      const { terms, words } = z.parse(shown, (await world.send({ method: "POST", path: "/v1/rules/preview", body })).body);
      expect(words.en).toContain("Each recharge is charged to your Alipay, without asking you again.");
      const rule = { ...body, consent: { termsHash: terms.hash } };
      expect((await world.send({ method: "POST", path: "/v1/rules", body: rule })).status).toBe(201);
      expect((await use(paymentMethodId, "backup")).body).toMatchObject({ use: "backup" });
    });

    it("are saved beside an Alipay that asks each time", async () => {
      await save({ type: "alipay" });
      await saveAlipay();
      const listed = await list();
      expect(listed).toHaveLength(2);
      for (const asksEachTime of [true, false]) expect(listed).toContainEqual(expect.objectContaining({ type: "alipay", asksEachTime }));
    });

    it("are one while the authorisation stands: the second is let go at Stripe", async () => {
      const first = await savedAlipay();
      const setupIntentId = await setUpAlipay();
      const { paymentMethodId: second = "" } = (await world.ports.wallet.findSetupIntent(setupIntentId)) ?? {};
      expect(await save({ type: "alipay", setupIntentId })).toMatchObject({ status: 200, body: { paymentMethodId: first } });
      expect(await list()).toHaveLength(1);
      expect([await isAttached(first), await isAttached(second), world.pokes]).toEqual([true, false, []]);
    });

    it("take the place of one that its owner took back at Alipay, whose rules are looked at", async () => {
      const first = await savedAlipay();
      world.stripe.revoke(first);
      const again = await saveAlipay();
      expect(again).toMatchObject({ status: 201, body: { use: "default" } });
      expect(z.parse(paymentMethodReply, again.body).paymentMethodId).not.toBe(first);
      expect(world.pokes).toEqual([{ paymentMethodId: first, subscriberId: SUBSCRIBER }]);
    });

    it("are not saved as something else than what was set up", async () => {
      for (const [type, setupIntentId] of [
        ["card", await setUpAlipay()],
        ["alipay", await setUp()],
      ] as const) {
        const problem = problemIn(await save({ type, setupIntentId }));
        expect(problem).toMatchObject({ status: 422, code: "no-such-setup", errors: [{ pointer: "/setupIntentId" }] });
        expect(problem.errors[0]?.detail).toContain(type === "card" ? "alipay was set up" : "card was set up");
      }
      expect(await list()).toEqual([]);
    });

    it("are refused where the operator does not offer that, which says what would be right; an Alipay that asks each time is taken there", async () => {
      const setupIntentId = await setUpAlipay();
      const refused = problemIn(await world.send({ method: "POST", path: ALIPAY_SETUPS }, off));
      expect(refused).toMatchObject({ status: 422, code: "alipay-asks-each-time", detail: expect.stringContaining('{ "type": "alipay" }') });
      expect(problemIn(await save({ type: "alipay", setupIntentId }, off))).toMatchObject({
        status: 422,
        code: "alipay-asks-each-time",
        errors: [{ pointer: "/setupIntentId", detail: "must be left out: Alipay is saved here only to ask you for each recharge" }],
      });
      expect(problemIn(await save({ type: "card", setupIntentId }, off)).code).toBe("no-such-setup");
      expect(await list()).toEqual([]);
      expect(await save({ type: "alipay" }, off)).toMatchObject({ status: 201, body: { asksEachTime: true } });
    });

    it("are removed at Stripe like a card", async () => {
      const id = await savedAlipay();
      expect((await remove(id)).status).toBe(204);
      expect(await isAttached(id)).toBe(false);
    });
  });

  it("are twenty at most", async () => {
    for (let number = 0; number < 20; number++) await world.ports.subscribers.putMethod(SUBSCRIBER, { ...METHOD, id: `pm_${number}`, cardKey: `fp_${number}` });
    expect(problemIn(await world.send({ method: "POST", path: `${PATH}/setup-intents` })).code).toBe("too-many-payment-methods");
    expect(problemIn(await save({ type: "alipay" })).code).toBe("too-many-payment-methods");
  });

  it("can be used in a rule at once", async () => {
    const paymentMethodId = await saved();
    const rule = { iccid: ICCID, ...ruleSettingsBody({ paymentMethodId }) };
    expect((await world.send({ method: "POST", path: "/v1/rules", body: rule })).status).toBe(201);
  });

  const use = (id: string, what: string, changes: Parameters<ApiWorld["send"]>[1] = {}, sub = SUBSCRIBER) =>
    world.send({ method: "PATCH", path: `${PATH}/${id}`, body: { use: what }, sub }, changes);
  const uses = async () => Object.fromEntries((await list()).map(({ paymentMethodId, use: what }) => [paymentMethodId, what]));

  it("are the default if they are the first, and nothing if they come later", async () => {
    const first = await saved();
    const second = await saved("pm_card_mastercard");
    expect(await uses()).toEqual({ [first]: "default", [second]: "none" });
    expect((await saveCard()).body).toMatchObject({ paymentMethodId: first, use: "default" });
  });

  it("are the default if they are the first, also when saving them was broken off", async () => {
    const putMethod = () => Promise.reject(new Error("the table is away"));
    expect(problemIn(await save({ type: "alipay" }, { subscribers: { ...world.ports.subscribers, putMethod } })).status).toBe(500);
    const { paymentMethodId, use: what } = z.parse(paymentMethodReply, (await save({ type: "alipay" })).body);
    expect(what).toBe("default");
    expect(await uses()).toEqual({ [paymentMethodId]: "default" });
  });

  it("become the default or the backup in the place of another, and are never both", async () => {
    const [first, second, third] = [await saved(), await saved("pm_card_mastercard"), await saved("pm_card_authenticationRequired")];
    expect(await use(second, "backup")).toMatchObject({ status: 200, body: { paymentMethodId: second, use: "backup" } });
    expect(await uses()).toEqual({ [first]: "default", [second]: "backup", [third]: "none" });
    expect((await use(third, "backup")).status).toBe(200);
    expect(await uses()).toEqual({ [first]: "default", [second]: "none", [third]: "backup" });
    await use(third, "default");
    expect(await uses()).toEqual({ [first]: "none", [second]: "none", [third]: "default" });
    await use(third, "backup");
    expect(await uses()).toEqual({ [first]: "none", [second]: "none", [third]: "backup" });
    for (const _again of [1, 2]) expect((await use(third, "none")).body).toMatchObject({ use: "none" });
    expect(await uses()).toEqual({ [first]: "none", [second]: "none", [third]: "none" });
    expect(world.pokes).toEqual([]); // nothing is resumed
  });

  it("that ask the customer each time can be the default, and no backup", async () => {
    await saved();
    for (const type of ["alipay", "wechat_pay"]) {
      const { paymentMethodId } = z.parse(paymentMethodReply, (await save({ type })).body);
      expect(problemIn(await use(paymentMethodId, "backup"))).toMatchObject({ status: 422, code: "cannot-be-backup", errors: [{ pointer: "/use" }] });
      expect((await use(paymentMethodId, "default")).body).toMatchObject({ use: "default" });
    }
  });

  it("whose bank asks for its customer each time can be used for anything: each recharge waits for them", async () => {
    const wary = await saved("pm_card_authenticationRequired");
    for (const what of ["backup", "default"]) expect((await use(wary, what)).body).toMatchObject({ use: what });
  });

  it("of somebody else, or that are not there, are used for nothing", async () => {
    const own = await saved();
    for (const id of ["pm_eve", "pm_none"]) expect(problemIn(await use(id, "default"))).toMatchObject({ status: 404, code: "not-found" });
    expect(problemIn(await use(own, "backup", {}, STRANGER)).status).toBe(404);
    expect(await world.ports.subscribers.getWallet(SUBSCRIBER)).toEqual({ default: own });
  });

  it("are used as was chosen last, and what was chosen for others meanwhile stands", async () => {
    const [first, second] = [await saved(), await saved("pm_card_mastercard")];
    const { subscribers } = world.ports;
    let others = 1;
    const busy = {
      ...subscribers,
      async putWallet(...[subscriberId, was, next]: Parameters<typeof subscribers.putWallet>) {
        if (others > 0) await subscribers.putWallet(subscriberId, was, { default: undefined, backup: first });
        others -= 1;
        return subscribers.putWallet(subscriberId, was, next);
      },
    };
    expect((await use(second, "default", { subscribers: busy })).status).toBe(200);
    expect(await uses()).toEqual({ [first]: "backup", [second]: "default" });
    const putWallet = async () => false;
    expect(problemIn(await use(first, "none", { subscribers: { ...subscribers, putWallet } }))).toMatchObject({ status: 503, code: "try-again" });
  });

  it("are used for nothing any more when they are removed, so that the next first one is the default", async () => {
    const [first, second] = [await saved(), await saved("pm_card_mastercard")];
    await use(second, "backup");
    await remove(first);
    expect(await world.ports.subscribers.getWallet(SUBSCRIBER)).toEqual({ backup: second });
    await remove(second);
    expect(await world.ports.subscribers.getWallet(SUBSCRIBER)).toEqual({});
    const next = await saved();
    expect(await uses()).toEqual({ [next]: "default" });
  });

  it("that are removed can be charged by nobody any more, and the recharge function is told", async () => {
    const id = await saved();
    expect((await remove(id)).status).toBe(204);
    expect(await list()).toEqual([]);
    expect(await world.ports.wallet.findMethod(id)).toBeUndefined();
    expect(world.pokes).toEqual([{ paymentMethodId: id, subscriberId: SUBSCRIBER }]);
    expect(problemIn(await remove(id)).status).toBe(404);
  });

  it("are removed also when Stripe had let them go before", async () => {
    const id = await saved();
    await world.ports.wallet.detach(id);
    expect((await remove(id)).status).toBe(204);
  });

  it("stay when Stripe does not answer, and can be removed again", async () => {
    const id = await saved();
    const detach = async () => {
      throw new OutcomeUnknown("Stripe gave no clear answer");
    };
    expect(problemIn(await remove(id, { wallet: { ...world.ports.wallet, detach } }))).toMatchObject({ status: 503, code: "try-again" });
    expect(await list()).toHaveLength(1);
    expect((await remove(id)).status).toBe(204);
  });

  it("stay when the recharge function cannot be told", async () => {
    const id = await saved();
    const pokes = {
      send: async () => {
        throw new Error("SQS is away");
      },
    };
    expect(problemIn(await remove(id, { pokes })).status).toBe(500);
    expect(await list()).toHaveLength(1);
    expect((await remove(id)).status).toBe(204);
  });

  it("are not removed while an open recharge uses them", async () => {
    await world.ports.subscribers.putMethod(SUBSCRIBER, METHOD);
    await world.store(withOpenRecharge(esimWithRule(), "re_1"));
    const { status, code, detail } = problemIn(await remove(METHOD.id));
    expect([status, code]).toEqual([409, "payment-method-in-use"]);
    expect(detail).toContain("re_1");
    expect(await list()).toHaveLength(1);
    expect(world.pokes).toEqual([]);
    const other = await saved();
    expect((await remove(other)).status).toBe(204);
  });

  it("can be removed as soon as the recharge that used them has its end", async () => {
    await world.ports.subscribers.putMethod(SUBSCRIBER, METHOD);
    const esim = withOpenRecharge(esimWithRule(), "re_1");
    const ended: Esim = { ...esim, open: esim.open && { ...esim.open, state: { name: "ended", end: "cancelled", reason: "kill-switch", at: NOW } } };
    await world.store(ended);
    expect((await remove(METHOD.id)).status).toBe(204);
  });

  it("of somebody else are nobody's business", async () => {
    expect(problemIn(await remove("pm_eve")).status).toBe(404);
    expect(await list(STRANGER)).toHaveLength(1);
    expect(await list()).toEqual([]);
  });
});
