import { beforeEach, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { hmacPayLinks } from "../../functions/adapters/hmac-pay-links.ts";
import { languageOf, PAY_WORDS } from "../../functions/api/pay/pay-words.ts";
import type { Esim, PaymentMethod } from "../../functions/domain/esim.ts";
import { applyMove, applyReserved } from "../../functions/domain/recharge.ts";
import { plusMinutes } from "../../functions/domain/time.ts";
import { cny, esimWithRule, ICCID, METHOD, NOW, reading, rechargeStart, SUBSCRIBER } from "../builders.ts";
import { type ApiAnswer, type ApiPorts, type ApiWorld, apiWorld, problemIn } from "./api-world.ts";
import { partsOf, pressConfirm } from "./pay-page-in-browser.ts";

const WECHAT: PaymentMethod = {
  id: "pm_wechat_pay_1",
  customerId: "cus_1",
  cardKey: "pm_wechat_pay_1",
  brand: "wechat_pay",
  lastFour: "",
  payRequest: "wechat_pay",
};
const SECRET = "pi_1_secret_2";
const EXPIRES = plusMinutes(NOW, 24 * 60);
const payments: ApiPorts["payments"] = async () => ({ clientSecret: async (id) => (id === "pi_1" ? SECRET : undefined) });

function awaiting(method = WECHAT, rechargeId = "re_1", line: Esim = esimWithRule()): Esim {
  const period = { month: "2026-11", day: "2026-11-23" };
  const reserved = applyReserved(line, { rechargeId, amount: cny(5000), period, method, reading: reading(-250) }, NOW);
  return applyMove(reserved, rechargeId, { type: "awaiting", paymentIntentId: "pi_1", at: NOW }, NOW);
}

let world: ApiWorld;
beforeEach(async () => {
  world = await apiWorld();
});

const pathOf = async (kind: "page" | "app", expiresAt = EXPIRES, links = world.ports.payLinks, rechargeId = "re_1") => {
  const page = (await links.urlFor({ rechargeId, expiresAt })).slice("https://api.test".length);
  return kind === "page" ? page : page.replace("/pay/", "/v1/pay-links/");
};
const send = (method: string, path: string, headers = {}) => world.send({ method, path, headers, sub: "" }, { payments });
const get = async (kind: "page" | "app", headers = {}) => send("GET", await pathOf(kind), headers);
const decline = async (kind: "page" | "app") => send("POST", `${await pathOf(kind)}/decline`, { "content-type": "application/x-www-form-urlencoded" });
const htmlOf = ({ body }: ApiAnswer) => z.parse(z.string(), body);

async function waiting(method?: PaymentMethod): Promise<void> {
  await world.store(awaiting(method));
  await world.ports.recharges.putStart(rechargeStart());
}

it("a link to a payment for somebody else's line shows nothing to pay by when its grant is over, however long the payment would wait", async () => {
  const terms = { since: NOW, until: plusMinutes(NOW, 48 * 60), cap: cny(50_000), spent: cny(0) };
  const family = { subscriberId: SUBSCRIBER, holder: "holder-1", ...terms, consent: { termsVersion: "t", at: NOW } };
  const line = awaiting(WECHAT, "re_1", { ...esimWithRule(), family });
  await world.ports.recharges.putStart(rechargeStart());
  const stored = await world.store(line);
  expect(await get("app")).toMatchObject({ body: { status: "awaiting-customer", action: { clientSecret: SECRET } } });
  await world.ports.esims.save({ ...stored, family: { ...family, until: NOW } }, "given-anew");
  const { body } = await get("app");
  expect(body).toMatchObject({ status: "in-progress" });
  expect(JSON.stringify(body)).not.toContain("action");
});

describe("a link to a payment that waits for its payer", () => {
  beforeEach(() => waiting());

  it("shows an app what is to be paid, and what Stripe's library needs", async () => {
    expect(await get("app")).toMatchObject({
      status: 200,
      body: {
        status: "awaiting-customer",
        lineLastFour: "0017",
        amount: cny(5000),
        threshold: cny(1000),
        method: { type: "wechat_pay", brand: "wechat_pay", lastFour: "" },
        until: EXPIRES,
        action: { clientSecret: SECRET, publishableKey: "pk_test_1" },
      },
    });
  });

  it("shows a person what, how much, why, until when and how", async () => {
    await world.ports.subscribers.putChoices(SUBSCRIBER, { language: "en", timeZone: "Asia/Shanghai" });
    const { title, rows } = partsOf(htmlOf(await get("page")));
    expect(title).toBe("Confirm your recharge");
    expect(rows).toEqual({
      For: "eSIM …0017",
      Amount: "CN¥50.00",
      Why: "The balance is below CN¥10.00",
      "Way to pay": "WeChat Pay",
      Until: "November 24, 2026 at 4:00 PM (Asia/Shanghai)",
    });
  });

  it("says until when in the time zone of the mail that led there: chosen, else of the rule that was saved last", async () => {
    const { subscribers } = world.ports;
    const until = async () => partsOf(htmlOf(await get("page"))).rows.Until;
    await subscribers.putProfile({ subscriberId: SUBSCRIBER });
    expect(await until()).toContain("(Asia/Shanghai)"); // of its own rule, where no other is known
    await subscribers.putRuleTimeZone(SUBSCRIBER, "Europe/Berlin");
    expect(await until()).toContain("(Europe/Berlin)");
    await subscribers.putChoices(SUBSCRIBER, { timeZone: "Asia/Tokyo" });
    expect(await until()).toContain("(Asia/Tokyo)");
  });

  it("speaks the payer's language, else their browser's", async () => {
    expect(partsOf(htmlOf(await get("page"))).title).toBe("Confirm your recharge");
    const chinese = partsOf(htmlOf(await get("page", { "accept-language": "zh-TW,zh;q=0.9,en;q=0.8" })));
    expect(chinese).toMatchObject({ title: "确认充值", rows: { 充值线路: "eSIM …0017", 金额: "¥50.00", 原因: "余额低于 ¥10.00", 付款方式: "微信支付" } });
    await world.ports.subscribers.putChoices(SUBSCRIBER, { language: "zh-CN" });
    expect(htmlOf(await get("page", { "accept-language": "en" }))).toContain('<html lang="zh-CN">');
  });

  it("shows nothing else of anybody: no balance, no line, no address, no subscriber", async () => {
    await world.ports.subscribers.putProfile({ subscriberId: SUBSCRIBER, email: "ada@example.com", phoneNumber: "+8613800000000" });
    for (const kind of ["page", "app"] as const) {
      expect(JSON.stringify((await get(kind)).body)).not.toMatch(new RegExp(`-250|-2\\.50|${ICCID}|ada|13800000000|cus_1|fp_1|re_1`));
    }
  });

  it("is changed by nobody who only looks at it", async () => {
    const line = await world.line();
    for (const kind of ["page", "app"] as const) await get(kind);
    expect(await world.line()).toEqual(line);
    expect([world.writes(), world.pokes]).toEqual([1, []]); // the one write of this test
  });

  it("runs only what we and Stripe wrote, is kept by no cache, and told to nobody", async () => {
    const { headers, body } = await get("page");
    expect(headers).toEqual({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "strict-transport-security": "max-age=63072000; includeSubDomains",
      "x-content-type-options": "nosniff",
      "x-robots-tag": "noindex, nofollow",
      "content-security-policy":
        "default-src 'none'; style-src 'nonce-nonce'; script-src 'nonce-nonce' https://js.stripe.com; connect-src 'self' https://api.stripe.com; " +
        "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    });
    const html = z.parse(z.string(), body);
    expect(html).not.toMatch(/\son\w+=|javascript:|style="/);
    const { scripts } = partsOf(html);
    expect(scripts.map(({ nonce, src }) => [nonce, src])).toEqual([
      ["nonce", "https://js.stripe.com/v3/"],
      ["nonce", undefined],
    ]);
    expect(html.match(/<script/g)).toHaveLength(scripts.length + 1); // and the one that is only data
  });

  it("can be declined without a script: noted, poked, and shown as called off, with no secret any more", async () => {
    const page = await pathOf("page");
    const { declinesAt = "" } = partsOf(htmlOf(await get("page")));
    const target = new URL(declinesAt, `https://api.test${page}`).pathname;
    const answer = await send("POST", target, { "content-type": "application/x-www-form-urlencoded" });
    expect(answer.status).toBe(200);
    expect(partsOf(htmlOf(answer))).toMatchObject({ title: "Called off", declinesAt: undefined, payment: undefined, scripts: [] });
    expect((await world.line()).open).toMatchObject({ cancelRequested: { at: NOW }, state: { name: "awaiting-customer" } });
    expect(world.pokes).toEqual([{ iccid: ICCID }]);
    expect((await get("app")).body).toMatchObject({ status: "called-off" });
    expect((await get("app")).body).not.toHaveProperty("action");
  });

  it("can be declined by an app, and again without a difference", async () => {
    const first = await decline("app");
    expect(first).toMatchObject({ status: 200, body: { status: "called-off" } });
    const line = await world.line();
    expect(await decline("app")).toEqual(first);
    expect(await world.line()).toEqual(line);
  });

  it("is declined although the poke is lost", async () => {
    const pokes = { send: () => Promise.reject(new Error("SQS is down")) };
    const answer = await world.send({ method: "POST", path: `${await pathOf("app")}/decline`, sub: "" }, { payments, pokes });
    expect(answer.status).toBe(200);
    expect(await world.line()).toMatchObject({ lookAt: NOW }); // the sweeper finds it
  });

  it("cannot be confirmed on our page while the operator has written no public key", async () => {
    const answer = await world.send(
      { method: "GET", path: await pathOf("page"), sub: "" },
      { payments, stripePage: async () => ({ scriptUrl: "https://js.stripe.com/v3/" }) },
    );
    expect(htmlOf(answer)).toContain(PAY_WORDS.en.useApp);
    expect(partsOf(htmlOf(answer))).toMatchObject({ payment: undefined, scripts: [], declinesAt: expect.any(String) });
  });
});

describe("a link to a charge that is announced", () => {
  const CHARGE_AT = plusMinutes(NOW, 120);
  beforeEach(async () => {
    const { open, ...line } = awaiting(METHOD);
    if (open === undefined) throw new Error("Nothing is open");
    await world.store({ ...line, open: { ...open, state: { name: "announced", chargeAt: CHARGE_AT } } });
    await world.ports.recharges.putStart(rechargeStart());
  });

  it("says when it will be charged, and can only be skipped", async () => {
    expect((await get("app")).body).toMatchObject({ status: "announced", until: CHARGE_AT, method: { type: "card", brand: "visa", lastFour: "4242" } });
    expect((await get("app")).body).not.toHaveProperty("action");
    const html = htmlOf(await get("page"));
    expect(partsOf(html)).toMatchObject({
      title: "A recharge is coming",
      rows: { "Charged after": "November 23, 2026 at 6:00 PM (Asia/Shanghai)" },
      scripts: [],
    });
    expect(html).toContain(PAY_WORDS.en.buttons.skip);
  });

  it("is skipped by its button", async () => {
    expect(partsOf(htmlOf(await decline("page"))).title).toBe("Called off");
    expect((await world.line()).open?.cancelRequested).toEqual({ by: "pay-link", at: NOW });
  });
});

describe("a link to a recharge that its payer asked for", () => {
  it("says so, and no threshold", async () => {
    const { open, ...line } = awaiting();
    if (open === undefined) throw new Error("Nothing is open");
    await world.store({ ...line, open: { ...open, origin: "payer" } });
    await world.ports.recharges.putStart(rechargeStart({ rule: undefined }));
    expect((await get("app")).body).not.toHaveProperty("threshold");
    expect(partsOf(htmlOf(await get("page"))).rows).toMatchObject({ Why: "You asked for it" });
  });
});

describe("the page in a browser", () => {
  /** A library that notes what it is asked, and answers this. */
  const library = (answer: object) => `
    const Stripe = (key) => new Proxy({}, { get: (_, name) => async (...given) => { calls.push([key, name, ...given]); return ${JSON.stringify(answer)}; } });
    const calls = []; fetch(calls);`;

  async function press(method: PaymentMethod, answer: object, query = "") {
    await waiting(method);
    const calls: unknown[][] = [];
    const url = `https://api.test${await pathOf("page")}`;
    const seen = await pressConfirm(htmlOf(await get("page")), {
      url: url + query,
      library: library(answer),
      fetch: (noted: unknown[][]) => calls.push(noted),
    });
    return { url, seen, calls: JSON.parse(JSON.stringify(calls[0])) as unknown };
  }

  it("shows WeChat's code for this very payment, and is loaded anew when it is paid", async () => {
    const { url, seen, calls } = await press(WECHAT, { paymentIntent: { status: "succeeded" } });
    expect(calls).toEqual([["pk_test_1", "confirmWechatPayPayment", SECRET, { payment_method_options: { wechat_pay: { client: "web" } } }]]);
    expect(seen).toMatchObject({ isShown: true, loaded: [url] });
  });

  it("leads to Alipay and back, and then forgets what Stripe added to its address", async () => {
    const { url, seen, calls } = await press({ ...WECHAT, brand: "alipay", payRequest: "alipay" }, {}, "?payment_intent_client_secret=x");
    expect(calls).toEqual([["pk_test_1", "confirmAlipayPayment", SECRET, { return_url: url }]]);
    expect(seen.loaded).toContain(`(address) ${url}`);
  });

  it("leads to Alipay with the one that is saved, where that could not be charged by itself", async () => {
    const { url, calls } = await press({ ...METHOD, id: "pm_ali", brand: "alipay", lastFour: "" }, {});
    expect(calls).toEqual([["pk_test_1", "confirmAlipayPayment", SECRET, { payment_method: "pm_ali", return_url: url }]]);
  });

  it("hands the saved card to the bank's check", async () => {
    const { calls } = await press(METHOD, { paymentIntent: { status: "succeeded" } });
    expect(calls).toEqual([["pk_test_1", "confirmCardPayment", SECRET, { payment_method: METHOD.id }]]);
  });

  it("says why it was not paid, and can be tried again", async () => {
    const { seen } = await press(METHOD, { error: { message: "Your card has insufficient funds." } });
    expect(seen).toMatchObject({ message: "It was not paid: Your card has insufficient funds.", loaded: [] });
  });

  it("stays as it was when the code was closed without paying", async () => {
    const { seen } = await press(WECHAT, { paymentIntent: { status: "requires_action" } });
    expect(seen).toMatchObject({ message: "", loaded: [] });
  });
});

describe("a link that leads nowhere", () => {
  const BAD: readonly (readonly [says: string, path: (kind: "page" | "app") => Promise<string>, status: number, code: string])[] = [
    ["that expired", (kind) => pathOf(kind, NOW), 410, "link-expired"],
    ["that was altered", async (kind) => (await pathOf(kind)).replace(/.$/, (last) => (last === "A" ? "B" : "A")), 404, "not-found"],
    ["that was cut", async (kind) => (await pathOf(kind)).slice(0, -10), 404, "not-found"],
    ["that is rubbish", async (kind) => (kind === "page" ? "/pay/x" : "/v1/pay-links/%00"), 404, "not-found"],
    [
      "of another stage",
      (kind) => pathOf(kind, EXPIRES, hmacPayLinks({ keys: async () => ({ key: "key of prod" }), apiUrl: "https://api.test" })),
      404,
      "not-found",
    ],
    ["to a recharge that never was", (kind) => pathOf(kind, EXPIRES, world.ports.payLinks, "re_9"), 410, "link-over"],
  ];

  it.each(BAD)("%s: a clear page, a clear problem, and nothing of anybody", async (_, path, status, code) => {
    await waiting();
    for (const [method, more] of [
      ["GET", ""],
      ["POST", "/decline"],
    ] as const) {
      expect(problemIn(await send(method, (await path("app")) + more))).toMatchObject({ status, code });
      const page = await send(method, (await path("page")) + more);
      expect(page).toMatchObject({
        status,
        headers: { "content-security-policy": expect.stringContaining("default-src 'none'"), "cache-control": "no-store" },
      });
      expect(htmlOf(page)).not.toMatch(/0017|50\.00|pi_1|<script/);
    }
    expect([world.writes(), world.pokes, world.logged]).toEqual([1, [], []]);
  });

  it("as its recharge has ended: also when another is open on the line by now", async () => {
    const ended = applyMove(awaiting(), "re_1", { type: "canceled", at: NOW }, NOW);
    const other = awaiting(WECHAT, "re_2");
    for (const line of [ended, other, esimWithRule()]) {
      world = await apiWorld();
      await world.ports.recharges.putStart(rechargeStart());
      await world.store(line);
      expect(problemIn(await get("app"))).toMatchObject({ status: 410, code: "link-over" });
      expect(problemIn(await decline("app"))).toMatchObject({ status: 410, code: "link-over" });
      expect(partsOf(htmlOf(await get("page"))).title).toBe("It is over");
      expect((await world.line()).open?.cancelRequested).toBeUndefined();
    }
  });

  it("any more, as it is being paid: it shows no secret, and declining is too late", async () => {
    await world.ports.recharges.putStart(rechargeStart());
    await world.store(applyMove(awaiting(), "re_1", { type: "paid", at: NOW }, NOW));
    expect((await get("app")).body).toMatchObject({ status: "in-progress" });
    expect((await get("app")).body).not.toHaveProperty("action");
    expect(partsOf(htmlOf(await get("page")))).toMatchObject({ title: "Nothing to do here", declinesAt: undefined, scripts: [] });
    expect(problemIn(await decline("app"))).toMatchObject({ status: 409, code: "too-late" });
    expect(partsOf(htmlOf(await decline("page"))).title).toBe("Too late");
  });

  it("right now, as something is down: says so, gives nothing away, and is logged", async () => {
    const down = { ...world.ports.recharges, getStart: () => Promise.reject(new Error("table of account 1234 is gone")) };
    const answer = await world.send({ method: "GET", path: await pathOf("page"), sub: "" }, { payments, recharges: down });
    expect(answer.status).toBe(500);
    expect(htmlOf(answer)).toContain("Please try again");
    expect(htmlOf(answer)).not.toContain("1234");
    expect(world.logged).toEqual(["request-failed"]);
  });
});

describe("the language of a page", () => {
  it.each([
    ["", "en"],
    ["fr-FR, zh;q=0.5", "zh-CN"],
    ["en-US,en;q=0.9,zh-CN;q=0.8", "en"],
    ["ZH", "zh-CN"],
    ["zhx,enx", "en"],
    [",".repeat(10_000), "en"],
  ])("asked for by %j is %s", (header, language) => expect(languageOf(undefined, header)).toBe(language));

  it("has the same words in both", () => {
    expect(Object.keys(PAY_WORDS["zh-CN"].texts)).toEqual(Object.keys(PAY_WORDS.en.texts));
    for (const { titles, texts } of Object.values(PAY_WORDS)) for (const text of [...Object.values(titles), ...Object.values(texts)]) expect(text).not.toBe("");
  });
});
