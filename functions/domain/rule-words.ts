import { methodType, type PaymentMethod } from "./esim.ts";
import { type Iccid, lastFour } from "./iccid.ts";
import { formatMoney } from "./money.ts";
import type { RuleSettings } from "./rule.ts";

/** The same in every language that subscribers are spoken to in. */
export interface InBoth<Told> {
  readonly "zh-CN": Told;
  readonly en: Told;
}

export type Sentences = readonly string[];

/** How people call what Stripe calls otherwise; a card brand that is missing here is called as Stripe calls it. */
const BRANDS: ReadonlyMap<string, InBoth<string>> = new Map([
  ["visa", { "zh-CN": "Visa", en: "Visa" }],
  ["mastercard", { "zh-CN": "万事达", en: "Mastercard" }],
  ["amex", { "zh-CN": "美国运通", en: "American Express" }],
  ["unionpay", { "zh-CN": "银联", en: "UnionPay" }],
  ["jcb", { "zh-CN": "JCB", en: "JCB" }],
  ["alipay", { "zh-CN": "支付宝", en: "Alipay" }],
  ["wechat_pay", { "zh-CN": "微信支付", en: "WeChat Pay" }],
]);

/** What a rule's backup may be charged: said in every rule, since one may be named later. */
const BACKUP: InBoth<string> = {
  "zh-CN": "如果银行暂时拒绝某笔扣款，且您设置了备用支付方式，将从备用支付方式扣取同等金额一次，且不超过同样的上限。",
  en: "If your bank declines it for now and you have named a backup way to pay, the same amount is charged to that once, within the same limits.",
};

/** A rule in plain words: when, how much, by what, within which limits, with which notice, by whose clock. */
export function ruleWords(iccid: Iccid, settings: Omit<RuleSettings, "paymentMethodId">, method: PaymentMethod, timeZone: string): InBoth<Sentences> {
  return { "zh-CN": inChinese(iccid, settings, method, timeZone), en: inEnglish(iccid, settings, method, timeZone) };
}

function inEnglish(
  iccid: Iccid,
  { threshold, topUp, limits, noticeMinutes = 0 }: Omit<RuleSettings, "paymentMethodId">,
  method: PaymentMethod,
  timeZone: string,
) {
  const low = `When the balance of the line that ends in ${lastFour(iccid)} is below ${formatMoney(threshold)}`;
  const brand = BRANDS.get(method.brand)?.en ?? method.brand;
  const isCard = methodType(method) === "card";
  const { perMonth, timesPerDay, cooldownMinutes } = limits;
  return [
    topUp.type === "fixed" ? `${low}, it is recharged with ${formatMoney(topUp.amount)}.` : `${low}, it is recharged up to ${formatMoney(topUp.target)}.`,
    method.payRequest === undefined
      ? `Each recharge is charged to your ${isCard ? `${brand} card that ends in ${method.lastFour}` : brand}, without asking you again.`
      : `For each recharge you are asked to pay with ${brand}; nothing is taken before you confirm.`,
    BACKUP.en,
    `At most ${formatMoney(perMonth)} is charged in a month, at most ${timesPerDay === 1 ? "once" : `${timesPerDay} times`} a day, and not within ${cooldownMinutes} minutes of the last recharge.`,
    noticeMinutes === 0 ? "You are not told before a charge, only after it." : `You are told ${noticeMinutes} minutes before each charge, and can skip it.`,
    `Months and days are counted in the time zone ${timeZone}.`,
  ];
}

function inChinese(
  iccid: Iccid,
  { threshold, topUp, limits, noticeMinutes = 0 }: Omit<RuleSettings, "paymentMethodId">,
  method: PaymentMethod,
  timeZone: string,
) {
  const low = `尾号 ${lastFour(iccid)} 的号码余额低于 ${formatMoney(threshold)} 时`;
  const brand = BRANDS.get(method.brand)?.["zh-CN"] ?? method.brand;
  const isCard = methodType(method) === "card";
  const { perMonth, timesPerDay, cooldownMinutes } = limits;
  return [
    topUp.type === "fixed" ? `${low}，自动充值 ${formatMoney(topUp.amount)}。` : `${low}，自动充值至 ${formatMoney(topUp.target)}。`,
    method.payRequest === undefined
      ? `每次充值从您${isCard ? `尾号 ${method.lastFour} 的${brand}卡` : `的${brand}`}扣款，无需您再次确认。`
      : `每次充值都会请您使用${brand}付款，未经您确认不会扣款。`,
    BACKUP["zh-CN"],
    `每月最多扣款 ${formatMoney(perMonth)}，每天最多 ${timesPerDay} 次，距上次充值不足 ${cooldownMinutes} 分钟不再充值。`,
    noticeMinutes === 0 ? "扣款前不另行通知，扣款后通知您。" : `每次扣款前 ${noticeMinutes} 分钟通知您，您可以跳过该次扣款。`,
    `月和日按时区 ${timeZone} 计算。`,
  ];
}
