import { describe, expect, it } from "@jest/globals";
import { NOTICED_EVENTS, type NoticedEvent } from "../../functions/contracts/events.ts";
import { LANGUAGES, type Language } from "../../functions/domain/choices.ts";
import { money } from "../../functions/domain/money.ts";
import { renderNotice } from "../../functions/workers/notify/render-notice.ts";
import { ICCID } from "../builders.ts";
import {
  actionRequired,
  adjusted,
  announced,
  cancelled,
  capReached,
  declined,
  expired,
  expiring,
  HALF_PAST_NINE,
  inReview,
  linkIn,
  monthEnded,
  refunded,
  SAMPLE_NOTICES,
  SUSPENSIONS,
  succeeded,
  suspended,
} from "../notices/sample-notices.ts";

const SHANGHAI = "Asia/Shanghai";

/** What each notice says: its subject, and sentences of its text, in English and in Chinese. */
const SAID: readonly (readonly [what: string, event: NoticedEvent, english: readonly string[], chinese: readonly string[]])[] = [
  [
    "a recharge",
    succeeded,
    [
      "eSIM …0017: recharged with CN¥50.00",
      "We charged CN¥50.00 and credited it to the eSIM ending in 0017.",
      "Was money taken? CN¥50.00 was charged.",
      "nothing for you to do",
    ],
    ["eSIM …0017：已充值 ¥50.00", "我们已为尾号 0017 的 eSIM 充值 ¥50.00，款项已到账。", "是否扣款：已扣款 ¥50.00。", "您无需进行任何操作。"],
  ],
  [
    "a decline that is tried again",
    declined("insufficient_funds", HALF_PAST_NINE),
    [
      "eSIM …0017: payment of CN¥50.00 declined",
      "There is not enough money on the card or account.",
      "Nothing was taken.",
      "If you have named a backup way to pay, it may be charged at once. Otherwise, if the line is still low, we will try again after November 23, 2026 at 5:30 PM (GMT+8).",
    ],
    ["eSIM …0017：¥50.00 的付款被拒绝", "卡内或账户余额不足。", "没有扣款。", "我们会在 2026年11月23日 17:30（GMT+8）之后再次尝试。"],
  ],
  [
    "the last decline",
    declined("lost_card"),
    ["eSIM …0017: payment of CN¥50.00 declined", "The bank does not tell us why", "Nothing was taken.", "We will not try this way to pay again by ourselves."],
    ["eSIM …0017：¥50.00 的付款被拒绝", "银行没有告知我们原因", "没有扣款。", "我们不会再自动使用该付款方式扣款。"],
  ],
  [
    "what was taken back at Alipay",
    declined("payment_intent_mandate_invalid"),
    ["eSIM …0017: payment of CN¥50.00 declined", "The bank, or Alipay, was told not to allow such payments.", "Nothing was taken."],
    ["eSIM …0017：¥50.00 的付款被拒绝", "发卡银行或支付宝已按要求停止此类付款。", "没有扣款。"],
  ],
  [
    "a cancelled recharge",
    cancelled("payment-method-unusable"),
    ["eSIM …0017: recharge of CN¥50.00 cancelled", "its way to pay cannot be used any more", "Nothing was taken.", "Please choose another way to pay."],
    ["eSIM …0017：¥50.00 的充值已取消", "所用的付款方式已无法使用", "没有扣款。", "请您更换付款方式。"],
  ],
  [
    "a recharge that waits",
    actionRequired(false),
    [
      "eSIM …0017: confirm your recharge of CN¥50.00",
      "until November 23, 2026 at 5:30 PM (GMT+8)",
      "Nothing was taken yet.",
      "Open your account and confirm the payment",
    ],
    ["eSIM …0017：请确认 ¥50.00 的充值", "截止时间为 2026年11月23日 17:30（GMT+8）", "尚未扣款。", "请您登录账户确认或拒绝付款。"],
  ],
  [
    "one that still waits",
    actionRequired(true),
    ["eSIM …0017: reminder: confirm your recharge of CN¥50.00", "November 23, 2026 at 5:30 PM (GMT+8)"],
    ["eSIM …0017：提醒：请确认 ¥50.00 的充值", "2026年11月23日 17:30（GMT+8）"],
  ],
  [
    "a charge to come",
    announced,
    ["eSIM …0017: we will charge CN¥50.00", "after November 23, 2026 at 5:30 PM (GMT+8), unless you skip it", "Nothing was taken yet.", "To skip this one"],
    ["eSIM …0017：即将扣款 ¥50.00", "我们将在 2026年11月23日 17:30（GMT+8）之后扣款 ¥50.00", "尚未扣款。", "如需跳过本次充值"],
  ],
  [
    "one that waited in vain",
    expired,
    ["eSIM …0017: recharge of CN¥50.00 expired", "was not paid, and cannot be paid any more", "Nothing was taken."],
    ["eSIM …0017：¥50.00 的充值已过期", "未完成付款，已无法再付款", "没有扣款。"],
  ],
  [
    "one that was given back",
    refunded,
    ["eSIM …0017: CN¥50.00 given back", "your carrier did not accept the recharge", "CN¥50.00 was charged, and all of it was given back"],
    ["eSIM …0017：已退款 ¥50.00", "运营商未接受此次充值", "曾扣款 ¥50.00，已全额原路退回。"],
  ],
  [
    "a review of what was paid",
    inReview("carrier-unclear"),
    [
      "eSIM …0017: we are looking into your recharge of CN¥50.00",
      "your carrier has not confirmed that the line was credited",
      "Your payment was taken, and is not lost.",
      "no further charge is made",
    ],
    ["eSIM …0017：我们正在核查您 ¥50.00 的充值", "运营商尚未确认充值是否到账", "您的款项已扣除，不会丢失。", "不会再为该 eSIM 扣款"],
  ],
  [
    "a review of what may have been paid",
    inReview("payment-unclear"),
    [
      "eSIM …0017: we are looking into your recharge of CN¥50.00",
      "not certain yet whether the payment went through",
      "We are finding out whether money was taken.",
    ],
    ["eSIM …0017：我们正在核查您 ¥50.00 的充值", "尚不确定付款是否成功", "我们正在核实是否已扣款。"],
  ],
  ["a refund", adjusted("refunded"), ["eSIM …0017: CN¥20.00 given back", "CN¥20.00 was given back."], ["eSIM …0017：已退款 ¥20.00", "已退回 ¥20.00。"]],
  [
    "a refund that failed",
    adjusted("refund-failed"),
    ["eSIM …0017: CN¥20.00 could not be given back yet", "is still with us, and is not lost", "a person is looking into it"],
    ["eSIM …0017：¥20.00 暂时未能退回", "¥20.00 仍在我们这里，不会丢失。", "工作人员正在处理"],
  ],
  [
    "a dispute",
    adjusted("dispute-opened"),
    ["eSIM …0017: charge of CN¥20.00 disputed", "Your bank decides about the CN¥20.00.", "Rules that use this card are suspended."],
    ["eSIM …0017：¥20.00 的扣款存在争议", "这笔 ¥20.00 将由您的银行裁定。", "使用该卡的规则已暂停。"],
  ],
  [
    "a dispute that left the charge",
    adjusted("dispute-won"),
    ["eSIM …0017: dispute of CN¥20.00 closed", "The CN¥20.00 stays charged."],
    ["eSIM …0017：¥20.00 的争议已结束", "这笔 ¥20.00 的扣款保持不变。"],
  ],
  [
    "a dispute that took it back",
    adjusted("dispute-lost"),
    ["eSIM …0017: dispute of CN¥20.00 closed", "Your bank gave the CN¥20.00 back."],
    ["eSIM …0017：¥20.00 的争议已结束", "您的银行已将 ¥20.00 退还给您。"],
  ],
  [
    "a payment after the end",
    adjusted("paid-after-end"),
    ["eSIM …0017: CN¥20.00 will be given back", "CN¥20.00 was taken, and will be given back in full."],
    ["eSIM …0017：¥20.00 将退还给您", "已扣款 ¥20.00，将全额退还给您。"],
  ],
  [
    "a month's cap",
    capReached("perMonth"),
    [
      "eSIM …0017: monthly limit reached",
      "your limit of CN¥200.00 a month",
      "Nothing was taken.",
      "The limit starts anew on December 1, 2026 at 12:00 AM (GMT+8).",
    ],
    ["eSIM …0017：已达到每月充值上限", "每月 ¥200.00", "没有扣款。", "上限将于 2026年12月1日 00:00（GMT+8）重新计算。"],
  ],
  [
    "a day's cap",
    capReached("timesPerDay"),
    ["eSIM …0017: daily limit reached", "your limit of 3 recharges a day"],
    ["eSIM …0017：已达到每日充值上限", "每天 3 次"],
  ],
  [
    "a suspended rule",
    suspended("declined-too-often"),
    ["eSIM …0017: automatic recharge suspended", "its card was declined several times", "Nothing is taken meanwhile.", "then resume the rule"],
    ["eSIM …0017：自动充值已暂停", "该规则所用的卡多次被拒绝", "在此期间不会扣款。", "然后恢复规则"],
  ],
  [
    "a card that ends",
    expiring,
    ["Your Visa card ending in 4242 expires soon", "can be used until December 31, 2026", "nothing was taken", "Please add a new card before"],
    ["您尾号 4242 的 Visa 卡即将到期", "有效期至 2026年12月31日", "没有扣款", "请您在此之前添加新卡"],
  ],
  [
    "a month",
    monthEnded,
    ["Your recharges of October 2026", "3 recharges, CN¥150.00; 1 recharge, ¥1,200", "CN¥150.00 and ¥1,200 was charged in all, less what was given back."],
    ["您 2026年10月的充值汇总", "充值 3 次，共 ¥150.00；充值 1 次，共 JP¥1,200", "扣除退款后，共扣款 ¥150.00、JP¥1,200。"],
  ],
];

const withLink = (event: NoticedEvent, language: Language, link: string | undefined) => renderNotice(event, { language, timeZone: SHANGHAI }, link);
const said = (event: NoticedEvent, language: Language) => withLink(event, language, linkIn(event));
const everyReason: readonly NoticedEvent[] = [
  ...SAMPLE_NOTICES,
  ...SUSPENSIONS.map(suspended),
  ...["carrier-refused", "carrier-conflict", "payment-mismatch", "refund-failed", "refund-by-hand", "refund-unclear", "worker-fault"].map(inReview),
  ...[
    "by-subscriber",
    "balance-recovered",
    "limit-reached",
    "outdated",
    "card-declined-elsewhere",
    "kill-switch",
    "paused-by-operator",
    "resolved-by-operator",
    "amount-refused",
    "payment-fault",
  ].map(cancelled),
  ...["do_not_honor", "card_velocity_exceeded", "expired_card", "incorrect_number", "processing_error", "stop_payment_order", "card_not_supported"].map(
    (code) => declined(code),
  ),
];

/** HTML as its reader sees it. */
function seen(html: string): string {
  const body = html.slice(html.indexOf("<body"));
  return body
    .replace(/<[^>]*>/g, " ")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

describe("a notice", () => {
  it("is here for every event that is noticed", () => {
    for (const events of [SAID.map(([, event]) => event), SAMPLE_NOTICES]) expect(new Set(events.map(({ name }) => name))).toEqual(new Set(NOTICED_EVENTS));
  });

  it.each(SAID)("of %s says which line, how much, whether money was taken and what to do, in English and Chinese", (_, event, english, chinese) => {
    for (const [language, [subject, ...sentences]] of [
      ["en", english],
      ["zh-CN", chinese],
    ] as const) {
      const notice = withLink(event, language, undefined);
      expect(notice.subject).toBe(subject);
      for (const sentence of sentences) {
        expect(notice.text).toContain(sentence);
        expect(seen(notice.html)).toContain(sentence.replace(/^Was money taken\? |^是否扣款：/, ""));
      }
      if ("rechargeId" in event) expect(notice.text).toContain(event.rechargeId);
    }
  });

  it.each(LANGUAGES)("says the same as text and as HTML, in %s", (language) => {
    for (const event of everyReason) {
      const { text, html } = said(event, language);
      const bare = (words: string) => words.replace(/https:\S+|[\s:：?-]/g, "");
      expect(bare(seen(html))).toBe(`${{ en: "Automaticrecharge", "zh-CN": "自动充值" }[language]}${bare(text)}`);
      expect(html).toMatch(new RegExp(`^<!doctype html>\n<html lang="${language}">`));
      expect(html).toContain(`<title>${said(event, language).subject.replaceAll("'", "&#39;")}</title>`);
    }
  });

  it.each(LANGUAGES)("names a line by its last four digits only, and no balance, in %s", (language) => {
    for (const event of everyReason) {
      const { subject, text, html, sms } = said(event, language);
      if ("iccid" in event) expect(subject).toMatch(/^eSIM …0017[:：] ?\S/);
      for (const each of [subject, text, html, sms]) {
        expect(each).not.toContain(ICCID);
        expect(each).not.toContain("7.77"); // of a line that may be somebody else's
        expect(each).not.toMatch(/undefined|NaN|\[object|null/);
      }
      expect(subject).not.toMatch(/[\r\n]/); // it becomes a mail header
    }
  });

  it.each(LANGUAGES)("shows no code of ours, of Stripe's or of the carrier's, known or unknown, in %s", (language) => {
    const unknown = [declined("brand_new_code"), cancelled("brand-new-reason"), inReview("brand-new-reason"), { ...refunded, reason: "E_42" }];
    const codes = /brand.new|E_42|line-closed|[a-z]+_[a-z]+|(?:rule|card|payment|refund|carrier|amount|line|kill|declined|currency)-[a-z]+/;
    for (const event of [...everyReason, ...unknown]) {
      const { subject, text, sms } = withLink(event, language, undefined);
      for (const each of [subject, text, sms]) expect(each).not.toMatch(codes);
      expect(text).not.toMatch(/[:：，,] *[.。]/); // a reason that is not there
    }
  });

  it("says of what its payer wanted there and then that it is theirs to want again, and of a backup that its rule goes on", () => {
    const again = [/we ask again|tried again later|try again after/i, /我们会再次询问|稍后会再次尝试充值|之后再次尝试/] as const;
    for (const [index, language] of (["en", "zh-CN"] as const).entries()) {
      const [promise] = [again[index] ?? /$^/];
      for (const event of [expired, cancelled("kill-switch"), cancelled("payment-canceled-elsewhere"), declined("insufficient_funds", HALF_PAST_NINE)]) {
        expect(said(event, language).text).toMatch(promise);
        const wanted = said({ ...event, origin: "payer" }, language);
        for (const each of [wanted.text, wanted.sms]) expect(each).not.toMatch(promise);
        expect(wanted.text).toMatch(language === "en" ? /not tried again by itself/ : /不会自动再次尝试/);
      }
      const backup = said({ ...declined("insufficient_funds", HALF_PAST_NINE), origin: "backup" }, language);
      for (const each of [backup.text, backup.sms]) expect(each).not.toMatch(promise);
      expect(backup.text).toMatch(language === "en" ? /the way to pay of your rule again later/ : /规则所用的付款方式/);
      expect(said(cancelled("line-lost"), language).text).not.toMatch(/rule was changed|规则在此期间被修改/);
      expect(said(cancelled("card-declined-elsewhere"), language).text).not.toMatch(/another line|另一张/); // it may be a dispute
    }
  });

  it("never tells a payer that their card counts as lost, stolen or fraudulent", () => {
    const generic = said(declined("generic_decline"), "en").text;
    for (const code of ["lost_card", "stolen_card", "fraudulent", "merchant_blacklist", "pickup_card", "restricted_card"])
      expect(said(declined(code), "en").text).toBe(generic);
  });

  it.each([
    ["UTC", "November 23, 2026 at 9:30 AM (UTC)", "2026年11月23日 09:30（UTC）"],
    ["Asia/Shanghai", "November 23, 2026 at 5:30 PM (GMT+8)", "2026年11月23日 17:30（GMT+8）"],
    ["America/New_York", "November 23, 2026 at 4:30 AM (EST)", "2026年11月23日 04:30（GMT-5）"],
    ["Asia/Kolkata", "November 23, 2026 at 3:00 PM (GMT+5:30)", "2026年11月23日 15:00（GMT+5:30）"],
  ])("tells times in the time zone of its reader: %s", (timeZone, english, chinese) => {
    expect(renderNotice(announced, { language: "en", timeZone }).text).toContain(english);
    expect(renderNotice(announced, { language: "zh-CN", timeZone }).text).toContain(chinese);
  });

  it.each([
    [money(5000, "CNY"), "CN¥50.00", "¥50.00"],
    [money(-20, "CNY"), "-CN¥0.20", "-¥0.20"],
    [money(123_456, "USD"), "$1,234.56", "US$1,234.56"],
    [money(500, "JPY"), "¥500", "JP¥500"],
    [money(1500, "KWD"), "KWD 1.500", "KWD 1.500"],
    [money(150_000, "HUF"), "HUF 1,500.00", "HUF 1,500.00"], // Stripe counts two decimals, whatever the runtime does
  ])("tells amounts as its reader is used to them: %j", (amount, english, chinese) => {
    expect(said({ ...succeeded, amount }, "en").subject).toBe(`eSIM …0017: recharged with ${english}`);
    expect(said({ ...succeeded, amount }, "zh-CN").subject).toBe(`eSIM …0017：已充值 ${chinese}`);
  });

  it("lets nothing that it was given become HTML", () => {
    const { html } = withLink({ ...succeeded, rechargeId: `<b>"x"</b>&'` }, "en", `https://example.com/?a=1&b="><script>`);
    expect(html).toContain("&lt;b&gt;&quot;x&quot;&lt;/b&gt;&amp;&#39;");
    expect(html).not.toMatch(/<b>|<script>/);
  });

  it.each(LANGUAGES)("leads to where the reader can act, in %s", (language) => {
    for (const [event, words] of [
      [actionRequired(false), { en: "Confirm or decline", "zh-CN": "确认或拒绝" }],
      [announced, { en: "Skip this one", "zh-CN": "跳过本次充值" }],
    ] as const) {
      const link = "https://recharge.example.com/pay/a.b?x=1&y=2";
      const { text, html, sms } = withLink(event, language, link);
      expect(text).toContain(`${words[language]}${language === "en" ? ":" : "："}\n${link}`);
      expect(html).toMatch(new RegExp(`<a href="https://recharge\\.example\\.com/pay/a\\.b\\?x=1&amp;y=2"[^>]*>${words[language]}</a>`));
      expect(sms.endsWith(` ${link}`)).toBe(true);
      expect(withLink(event, language, undefined).html).not.toContain("<a ");
    }
  });
});

describe("a text message", () => {
  it.each([
    [succeeded, "eSIM 0017: recharged with CN¥50.00. CN¥50.00 was charged and credited.", "尾号0017的eSIM：已充值 ¥50.00。扣款成功，充值已到账。"],
    [
      declined("insufficient_funds", HALF_PAST_NINE),
      "eSIM 0017: payment of CN¥50.00 declined. Nothing was taken. We may charge your backup now, or try again after Nov 23, 5:30 PM GMT+8.",
      "尾号0017的eSIM：¥50.00 的付款被拒绝。没有扣款。可能改用备用付款方式，或在11月23日17:30（GMT+8）之后再试。",
    ],
    [
      expiring,
      "Your Visa card ending in 4242 expires soon. It can be used until December 31, 2026. Please add a new card.",
      "您尾号 4242 的 Visa 卡即将到期。有效期至2026年12月31日。请您添加新卡。",
    ],
  ])("says in short what the mail says: %#", (event, english, chinese) => {
    expect(said(event, "en").sms).toBe(english);
    expect(said(event, "zh-CN").sms).toBe(chinese);
  });

  // Source: https://docs.aws.amazon.com/sns/latest/dg/sms_sms-characters.html: 153 characters of GSM 03.38, or 67 of UCS-2, in each part of several.
  it.each<[Language, number, RegExp]>([
    ["en", 153, /^[A-Za-z0-9 @£$¥\n:;.,'()+\-/?%&=_!#"<>*]*$/],
    ["zh-CN", 67, /^[^\n]*$/],
  ])("takes two parts at the most, without its link, in characters that cost no more than they must: %s", (language, part, characters) => {
    for (const event of everyReason) {
      for (const link of [linkIn(event), undefined]) {
        const sms = withLink(event, language, link).sms.replace(link ?? "", "");
        expect(sms).toMatch(characters);
        expect(sms.length).toBeLessThanOrEqual(2 * part);
      }
    }
  });
});
