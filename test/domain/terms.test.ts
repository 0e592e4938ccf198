import { describe, expect, it } from "@jest/globals";
import { termsHash } from "../../functions/api/rules/terms-hash.ts";
import type { PaymentMethod } from "../../functions/domain/esim.ts";
import { money } from "../../functions/domain/money.ts";
import type { RuleSettings } from "../../functions/domain/rule.ts";
import { ruleWords } from "../../functions/domain/rule-words.ts";
import { canonicalTerms, TERMS_TEXT, TERMS_VERSION, termsOf } from "../../functions/domain/terms.ts";
import { cny, ICCID, METHOD, OTHER_ICCID, ruleSettings } from "../builders.ts";

const ZONE = "Asia/Shanghai";
const ALIPAY: PaymentMethod = { ...METHOD, id: "pm_2", brand: "alipay", lastFour: "", payRequest: "alipay" };

describe("the words of a rule", () => {
  it("say when, how much, by what, within which limits, with which notice and by whose clock", () => {
    const { en, "zh-CN": chinese } = ruleWords(ICCID, ruleSettings(), METHOD, ZONE);
    expect(en).toEqual([
      "When the balance of the line that ends in 0017 is below CNY 10.00, it is recharged with CNY 50.00.",
      "Each recharge is charged to your Visa card that ends in 4242, without asking you again.",
      "If your bank declines it for now and you have named a backup way to pay, the same amount is charged to that once, within the same limits.",
      "At most CNY 200.00 is charged in a month, at most 3 times a day, and not within 60 minutes of the last recharge.",
      "You are not told before a charge, only after it.",
      "Months and days are counted in the time zone Asia/Shanghai.",
    ]);
    expect(chinese).toHaveLength(en.length);
    const facts = [["0017", "CNY 10.00", "CNY 50.00"], ["4242", "Visa"], ["备用支付方式"], ["CNY 200.00", "3", "60"], [], ["Asia/Shanghai"]];
    for (const [index, each] of facts.entries()) for (const fact of each) expect(chinese[index]).toContain(fact);
    expect(chinese.join("")).not.toMatch(/[,;:]/); // the marks of Chinese text are others
  });

  it("name an Alipay that is charged by itself without digits", () => {
    const { en, "zh-CN": chinese } = ruleWords(ICCID, ruleSettings(), { ...ALIPAY, payRequest: undefined }, ZONE);
    expect([en[1], chinese[1]]).toEqual(["Each recharge is charged to your Alipay, without asking you again.", "每次充值从您的支付宝扣款，无需您再次确认。"]);
  });

  it("say up to what, by which request, and how long before", () => {
    const settings: RuleSettings = {
      ...ruleSettings({ topUp: { type: "target", target: cny(8000) }, noticeMinutes: 120 }),
      limits: { perMonth: money(500, "JPY"), timesPerDay: 1, cooldownMinutes: 15 },
    };
    const { en, "zh-CN": chinese } = ruleWords(OTHER_ICCID, settings, ALIPAY, "UTC");
    expect(en.slice(0, 5)).toEqual([
      "When the balance of the line that ends in 0025 is below CNY 10.00, it is recharged up to CNY 80.00.",
      "For each recharge you are asked to pay with Alipay; nothing is taken before you confirm.",
      expect.stringMatching(/backup way to pay.* once/),
      "At most JPY 500 is charged in a month, at most once a day, and not within 15 minutes of the last recharge.",
      "You are told 120 minutes before each charge, and can skip it.",
    ]);
    expect(chinese[1]).toContain("支付宝");
    expect(chinese[4]).toContain("120");
  });

  it("call a card as Stripe does where people have no other name for it", () => {
    for (const told of Object.values(ruleWords(ICCID, ruleSettings(), { ...METHOD, brand: "cartes_bancaires" }, ZONE)))
      expect(told[1]).toContain("cartes_bancaires");
  });
});

describe("the terms of a rule", () => {
  const terms = termsOf(ICCID, ruleSettings(), METHOD, ZONE);

  it("are today's text in both languages, with the very settings", () => {
    expect(terms).toMatchObject({
      version: TERMS_VERSION,
      text: TERMS_TEXT,
      settings: { iccid: ICCID, threshold: cny(1000), method: { id: METHOD.id }, timeZone: ZONE },
    });
    expect(JSON.stringify(terms)).not.toMatch(/cus_1|fp_1/);
  });

  it("say in both languages that a backup may be charged in the place of a way to pay that was declined", () => {
    expect(TERMS_TEXT.en).toMatch(/declines it for now .* backup way to pay, the same amount may be charged to that once, within the same limits/);
    expect(TERMS_TEXT["zh-CN"]).toMatch(/暂时拒绝.*备用支付方式.*同等金额一次/);
  });

  it("have another version when their text is another: whoever changes the text changes this line too", () => {
    expect([TERMS_VERSION, termsHash(terms)]).toEqual(["2026-11-28", "Ig20K3T-eogcx5M7fjI-aGJYf37Txr_NYTedKgmp9hk"]);
  });

  const limits = ruleSettings().limits;
  it.each<[string, Partial<RuleSettings>, Partial<PaymentMethod>?, string?, string?]>([
    ["another line", {}, {}, ZONE, OTHER_ICCID],
    ["another threshold", { threshold: cny(1001) }],
    ["another currency", { threshold: money(1000, "USD") }],
    ["another amount", { topUp: { type: "fixed", amount: cny(5001) } }],
    ["a target of the same sum", { topUp: { type: "target", target: cny(5000) } }],
    ["another cap", { limits: { ...limits, perMonth: cny(20_001) } }],
    ["another number of times a day", { limits: { ...limits, timesPerDay: 2 } }],
    ["another pause", { limits: { ...limits, cooldownMinutes: 61 } }],
    ["a notice", { noticeMinutes: 30 }],
    ["another way to pay", {}, { id: "pm_2" }],
    ["a card of another brand", {}, { brand: "mastercard" }],
    ["a card with another number", {}, { lastFour: "0341" }],
    ["another time zone", {}, {}, "UTC"],
  ])("have another hash with %s", (_, changes, card = {}, zone = ZONE, iccid = ICCID) => {
    expect(termsHash(termsOf(iccid, ruleSettings(changes), { ...METHOD, ...card }, zone))).not.toBe(termsHash(terms));
  });

  it("have another hash with another text or version", () => {
    for (const changed of [
      { ...terms, version: "2027-01-01" },
      { ...terms, text: { ...terms.text, en: "No." } },
      { ...terms, text: { ...terms.text, "zh-CN": "否" } },
    ]) {
      expect(termsHash(changed)).not.toBe(termsHash(terms));
    }
  });

  it("have the same hash however the same settings are written", () => {
    const { iccid, ...rest } = terms.settings;
    expect(canonicalTerms({ ...terms, settings: { ...rest, noticeMinutes: 0, iccid } })).toBe(canonicalTerms(terms));
    expect(termsHash(terms)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});
