import type { PayLinkReply } from "../../contracts/pay-links.ts";
import type { Language } from "../../domain/choices.ts";

/** What can be wrong with a link, and what a fault of ours looks like. */
export type PayProblem = "not-found" | "link-expired" | "link-over" | "too-late" | "try-again";

/** Every word of the pages of pay links. */
export interface PayWords {
  readonly titles: Readonly<Record<PayLinkReply["status"] | PayProblem, string>>;
  readonly texts: Readonly<Record<PayLinkReply["status"] | PayProblem, string>>;
  readonly rows: {
    readonly line: string;
    readonly amount: string;
    readonly why: string;
    readonly method: string;
    readonly until: string;
    readonly chargedAt: string;
  };
  readonly below: (threshold: string) => string;
  readonly asked: string;
  readonly methods: { readonly alipay: string; readonly wechat_pay: string };
  readonly buttons: { readonly confirm: string; readonly decline: string; readonly skip: string };
  /** Said by the page's script. */
  readonly failed: string;
  readonly waiting: string;
  readonly needsScript: string;
  readonly useApp: string;
}

export const PAY_WORDS: Readonly<Record<Language, PayWords>> = {
  en: {
    titles: {
      "awaiting-customer": "Confirm your recharge",
      announced: "A recharge is coming",
      "called-off": "Called off",
      "in-progress": "Nothing to do here",
      "not-found": "No such link",
      "link-expired": "The time is over",
      "link-over": "It is over",
      "too-late": "Too late",
      "try-again": "Please try again",
    },
    texts: {
      "awaiting-customer": "Nothing was taken yet. It is paid only if you confirm it.",
      announced: "It is charged by itself, unless you skip it before.",
      "called-off": "It is called off, and nothing will be taken. If it was paid at this very moment, your line is credited.",
      "in-progress": "It is being dealt with. You will be told how it ended.",
      "not-found": "This link leads nowhere. Perhaps a part of it is missing: open it from the message once more.",
      "link-expired": "Nothing can be paid by this link any more.",
      "link-over": "What this link was for has ended. Nothing is to be paid by it any more.",
      "too-late": "It is being paid, or was paid: it cannot be called off any more.",
      "try-again": "Something does not answer right now. Nothing was changed.",
    },
    rows: { line: "For", amount: "Amount", why: "Why", method: "Way to pay", until: "Until", chargedAt: "Charged after" },
    below: (threshold) => `The balance is below ${threshold}`,
    asked: "You asked for it",
    methods: { alipay: "Alipay", wechat_pay: "WeChat Pay" },
    buttons: { confirm: "Confirm and pay", decline: "Decline", skip: "Skip this one" },
    failed: "It was not paid:",
    waiting: "One moment…",
    needsScript: "To confirm, this page needs JavaScript. You can decline without it.",
    useApp: "To confirm, open your account.",
  },
  "zh-CN": {
    titles: {
      "awaiting-customer": "确认充值",
      announced: "即将充值",
      "called-off": "已取消",
      "in-progress": "无需操作",
      "not-found": "链接无效",
      "link-expired": "已过期",
      "link-over": "已结束",
      "too-late": "无法取消",
      "try-again": "请稍后再试",
    },
    texts: {
      "awaiting-customer": "尚未扣款。只有在您确认后才会付款。",
      announced: "除非您在此之前跳过，否则将自动扣款。",
      "called-off": "已取消，不会扣款。如果恰在此刻付款成功，金额将充入您的线路。",
      "in-progress": "正在处理。完成后我们会通知您结果。",
      "not-found": "此链接无效，可能不完整：请从消息中重新打开。",
      "link-expired": "此链接已过期，无法再用它付款。",
      "link-over": "此链接对应的充值已结束，无需再付款。",
      "too-late": "正在付款或已付款，无法再取消。",
      "try-again": "系统暂时没有响应，未做任何更改。",
    },
    rows: { line: "充值线路", amount: "金额", why: "原因", method: "付款方式", until: "截止时间", chargedAt: "扣款时间" },
    below: (threshold) => `余额低于 ${threshold}`,
    asked: "由您发起",
    methods: { alipay: "支付宝", wechat_pay: "微信支付" },
    buttons: { confirm: "确认并付款", decline: "拒绝", skip: "跳过这一次" },
    failed: "付款未成功：",
    waiting: "请稍候…",
    needsScript: "确认付款需要启用 JavaScript。拒绝则不需要。",
    useApp: "请打开您的账户进行确认。",
  },
};

/** The payer's language; else the first of ours that their browser asks for. */
export function languageOf(chosen: Language | undefined, acceptLanguage = ""): Language {
  if (chosen !== undefined) return chosen;
  const wanted = acceptLanguage
    .slice(0, 200)
    .toLowerCase()
    .split(",")
    .map((part) => part.trim());
  return wanted.find((part) => /^(?:zh|en)\b/.test(part))?.startsWith("zh") === true ? "zh-CN" : "en";
}
