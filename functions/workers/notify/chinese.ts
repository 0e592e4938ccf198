import type { NoticedEvent } from "../../contracts/events.ts";
import type { AdjustmentKind } from "../../domain/events.ts";
import { lastFour } from "../../domain/iccid.ts";
import type { CancelReason, ReviewReason } from "../../domain/recharge-states.ts";
import type { SuspensionReason } from "../../domain/rule.ts";
import type { Formats } from "./formats.ts";
import { type DeclineKind, declineKind, isPaid } from "./reasons.ts";
import type { Told, Words } from "./told.ts";

const NOTHING_TAKEN = "没有扣款。";
const NOTHING_TO_DO = "您无需进行任何操作。";
const TRIED_AGAIN = "您无需进行任何操作：如果余额仍然不足，我们稍后会再次尝试充值。";
/** What its payer wanted there and then is theirs to want again. */
const ASK_AGAIN = "您无需进行任何操作。我们不会自动再次尝试：如果您仍需充值，可以稍后重新发起。";
const OTHER_METHOD = "请您更换付款方式。";

/** After 的: a Latin name takes a space before it. */
const BRANDS: ReadonlyMap<string, string> = new Map([
  ["visa", " Visa 卡"],
  ["mastercard", "万事达卡"],
  ["amex", "美国运通卡"],
  ["unionpay", "银联卡"],
  ["jcb", " JCB 卡"],
  ["discover", " Discover 卡"],
  ["diners", "大来卡"],
]);

const DECLINED: Readonly<Record<DeclineKind, string>> = {
  funds: "卡内或账户余额不足。",
  limit: "已达到该卡的交易限额。",
  expired: "该卡已过有效期。",
  details: "卡片信息有误或已变更。",
  unsupported: "该卡不支持此类付款。",
  unavailable: "暂时无法连接到发卡银行。",
  revoked: "发卡银行或支付宝已按要求停止此类付款。",
  confirm: "发卡银行要求您本人确认付款。",
  unknown: "银行没有告知我们原因，您可以向银行咨询。",
};

const CANCELLED: ReadonlyMap<string, { readonly why: string; readonly toDo: string }> = new Map(
  Object.entries({
    "rule-changed": { why: "充值规则在此期间被修改、暂停或删除", toDo: NOTHING_TO_DO },
    "line-lost": { why: "您已不能再为该 eSIM 付款，或该金额已超出允许的总额", toDo: "如与实际情况不符，请您联系运营商或该 eSIM 的持有人。" },
    outdated: { why: "未能及时完成", toDo: TRIED_AGAIN },
    "by-subscriber": { why: "您已选择取消", toDo: NOTHING_TO_DO },
    "balance-recovered": { why: "余额已恢复充足", toDo: NOTHING_TO_DO },
    "limit-reached": { why: "已达到您在规则中设定的上限", toDo: "您可以随时在规则中提高上限。" },
    "card-declined-elsewhere": { why: "所用的卡目前无法扣款", toDo: OTHER_METHOD },
    "kill-switch": { why: "充值服务目前暂停", toDo: TRIED_AGAIN },
    "paused-by-operator": { why: "您账户的充值已被暂停", toDo: "请您向运营商咨询原因。" },
    "resolved-by-operator": { why: "经人工核实，没有发生付款", toDo: NOTHING_TO_DO },
    "payment-method-unusable": { why: "所用的付款方式已无法使用", toDo: OTHER_METHOD },
    "amount-refused": { why: "无法收取该金额", toDo: "请您选择其他金额。" },
    "payment-fault": { why: "我们的系统出现问题", toDo: TRIED_AGAIN },
    "payment-canceled-elsewhere": { why: "该笔付款已被取消", toDo: TRIED_AGAIN },
    "payment-unclear": { why: "付款结果长时间无法确定，现已确认付款未成功", toDo: TRIED_AGAIN },
  } satisfies Record<CancelReason, object>),
);

const REVIEWED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "carrier-refused": "运营商未接受此次充值",
    "carrier-unclear": "运营商尚未确认充值是否到账",
    "carrier-conflict": "运营商无法匹配此次充值",
    "payment-mismatch": "付款与订单不一致",
    "refund-failed": "款项未能自动退回",
    "refund-by-hand": "正在人工为您退款",
    "payment-unclear": "尚不确定付款是否成功",
    "refund-unclear": "尚不确定款项是否已退回",
    "worker-fault": "我们的系统出现问题",
  } satisfies Record<ReviewReason | "refund-unclear" | "worker-fault", string>),
);

const SUSPENDED: Readonly<Record<SuspensionReason, { readonly why: string; readonly toDo: string }>> = {
  "card-refused-for-good": { why: "该规则所用的付款方式已被永久拒绝", toDo: "请您更换付款方式，或重新授权支付宝并选用它，然后恢复规则。" },
  "declined-too-often": { why: "该规则所用的卡多次被拒绝", toDo: "请您检查该卡或更换一张卡，然后恢复规则。" },
  "line-not-yours": { why: "运营商的记录显示该 eSIM 已不在您名下", toDo: "如与实际情况不符，请您联系运营商。" },
  "currency-changed": { why: "该 eSIM 的币种已变更", toDo: "请您按新币种重新保存规则，然后恢复规则。" },
  "payment-method-gone": { why: "该规则所用的付款方式已被移除，或已不能再扣款", toDo: "请您选择其他付款方式，然后恢复规则。" },
  "amount-not-offered": { why: "运营商不再为该 eSIM 提供此充值金额", toDo: "请您选择其他金额，然后恢复规则。" },
  "carrier-refused": { why: "运营商拒绝了对该 eSIM 的充值", toDo: "请您向运营商咨询原因，然后恢复规则。" },
  "payment-disputed": { why: "所用的卡有一笔扣款存在争议", toDo: "争议解决后，请您恢复规则。" },
  "paused-by-operator": { why: "我们已暂停您账户的充值", toDo: "请您向运营商咨询原因。" },
  "family-ended": {
    why: "您已不能再为该他人的 eSIM 付款",
    toDo: "如需继续，请其持有人用新的验证码再次确认；如该 eSIM 现已在您名下，请您重新保存规则，然后恢复规则。",
  },
  "family-limit-reached": { why: "再充值一次将超过您为该他人的 eSIM 设定的总额", toDo: "如需提高总额，请其持有人用新的验证码再次确认，然后恢复规则。" },
};

const ADJUSTED: Readonly<Record<AdjustmentKind, (amount: string, line: string) => Omit<Told, "short">>> = {
  refunded: (amount, line) => ({
    subject: `已退款 ${amount}`,
    happened: `${line}的一笔充值已退款 ${amount}，款项将原路退回。`,
    taken: `已退回 ${amount}。`,
    toDo: "您无需进行任何操作。银行可能需要几天时间才能显示该笔退款。",
    tone: "good",
  }),
  "refund-failed": (amount, line) => ({
    subject: `${amount} 暂时未能退回`,
    happened: `${line}的一笔充值应退 ${amount}，但您的银行没有接受这笔退款。`,
    taken: `${amount} 仍在我们这里，不会丢失。`,
    toDo: "您无需进行任何操作：工作人员正在处理。",
    tone: "attention",
  }),
  "dispute-opened": (amount, line) => ({
    subject: `${amount} 的扣款存在争议`,
    happened: `${line}的一笔 ${amount} 扣款在您的银行被提出争议。`,
    taken: `这笔 ${amount} 将由您的银行裁定。`,
    toDo: "使用该卡的规则已暂停。如果争议不是您提出的，请您联系银行。",
    tone: "attention",
  }),
  "dispute-won": (amount, line) => ({
    subject: `${amount} 的争议已结束`,
    happened: `您的银行就${line}的一笔 ${amount} 扣款争议作出裁定：扣款有效。`,
    taken: `这笔 ${amount} 的扣款保持不变。`,
    toDo: "您可以恢复被暂停的规则。",
    tone: "neutral",
  }),
  "dispute-lost": (amount, line) => ({
    subject: `${amount} 的争议已结束`,
    happened: `您的银行就${line}的一笔 ${amount} 扣款争议作出裁定：款项应退还给您。`,
    taken: `您的银行已将 ${amount} 退还给您。`,
    toDo: "如果您希望继续使用该卡，请恢复被暂停的规则。",
    tone: "neutral",
  }),
  "paid-after-end": (amount, line) => ({
    subject: `${amount} 将退还给您`,
    happened: `${line}有一笔已经结束的充值又收到了 ${amount} 的付款。`,
    taken: `已扣款 ${amount}，将全额退还给您。`,
    toDo: NOTHING_TO_DO,
    tone: "attention",
  }),
};

function tell(event: NoticedEvent, { money, moment, shortMoment, month, lastDay }: Formats, hasLink: boolean): Told {
  const amount = "amount" in event ? money(event.amount) : "";
  const line = "iccid" in event ? `尾号 ${lastFour(event.iccid)} 的 eSIM ` : "";
  switch (event.name) {
    case "RechargeSucceeded":
      return {
        subject: `已充值 ${amount}`,
        happened: `我们已为${line}充值 ${amount}，款项已到账。`,
        taken: `已扣款 ${amount}。`,
        toDo: NOTHING_TO_DO,
        short: "扣款成功，充值已到账。",
        tone: "good",
      };
    case "RechargeDeclined": {
      const again = event.nextTryAt;
      return {
        subject: `${amount} 的付款被拒绝`,
        happened: `为${line}充值 ${amount} 的付款被拒绝。${DECLINED[declineKind(event.reason)]}`,
        taken: NOTHING_TAKEN,
        toDo:
          again === undefined
            ? "我们不会再自动使用该付款方式扣款。请您咨询银行，或更换付款方式。"
            : event.origin === "payer"
              ? ASK_AGAIN
              : event.origin === "backup"
                ? "如果余额仍然不足，我们稍后会再次尝试规则所用的付款方式。在此之前您可以更换付款方式。"
                : `如果您设置了备用付款方式，我们可能会立即改用该方式扣款；否则，如果余额仍然不足，我们会在 ${moment(again)}之后再次尝试。在此之前您可以更换付款方式。`,
        short: `${NOTHING_TAKEN}${again === undefined || event.origin !== undefined ? "请您检查付款方式。" : `可能改用备用付款方式，或在${shortMoment(again)}之后再试。`}`,
        tone: "attention",
      };
    }
    case "RechargeCancelled": {
      const { why, toDo } = CANCELLED.get(event.reason) ?? { why: undefined, toDo: "您可以在账户中查看这笔充值。" };
      return {
        subject: `${amount} 的充值已取消`,
        happened: `${line}的 ${amount} 充值已取消${why === undefined ? "" : `，原因：${why}`}。`,
        taken: NOTHING_TAKEN,
        toDo: toDo === TRIED_AGAIN && event.origin === "payer" ? ASK_AGAIN : toDo,
        short: NOTHING_TAKEN,
        tone: "neutral",
      };
    }
    case "RechargeActionRequired":
      return {
        subject: `${event.isReminder ? "提醒：" : ""}请确认 ${amount} 的充值`,
        happened: `${line}的 ${amount} 充值等待您确认，截止时间为 ${moment(event.expiresAt)}。`,
        taken: "尚未扣款。",
        toDo: `请您${hasLink ? "打开链接" : "登录账户"}确认或拒绝付款。如果您未作选择，这笔充值将过期，不会扣款。`,
        action: "确认或拒绝",
        short: `尚未扣款。请您在${shortMoment(event.expiresAt)}之前${hasLink ? "" : "登录账户"}确认或拒绝${hasLink ? "：" : "。"}`,
        tone: "attention",
      };
    case "RechargeAnnounced":
      return {
        subject: `即将扣款 ${amount}`,
        happened: `${line}余额不足。我们将在 ${moment(event.chargeAt)}之后扣款 ${amount}，除非您在此之前选择跳过。`,
        taken: "尚未扣款。",
        toDo: `如果您同意，则无需进行任何操作。如需跳过本次充值，请${hasLink ? "打开链接" : "登录账户"}。`,
        action: "跳过本次充值",
        short: `尚未扣款。如需跳过，请在${shortMoment(event.chargeAt)}之前${hasLink ? "打开：" : "登录账户操作。"}`,
        tone: "neutral",
      };
    case "RechargeExpired":
      return {
        subject: `${amount} 的充值已过期`,
        happened: `${line}的 ${amount} 充值未完成付款，已无法再付款。`,
        taken: NOTHING_TAKEN,
        toDo: event.origin === "payer" ? ASK_AGAIN : "您无需进行任何操作。下次余额不足时，或 7 天之后，我们会再次询问您。",
        short: `未完成付款。${NOTHING_TAKEN}`,
        tone: "neutral",
      };
    case "RechargeRefunded":
      return {
        subject: `已退款 ${amount}`,
        happened: `我们为${line}扣款 ${amount}，但运营商未接受此次充值。`,
        taken: `曾扣款 ${amount}，已全额原路退回。`,
        toDo: "银行可能需要几天时间才能显示该笔退款。请您向运营商咨询未接受充值的原因。",
        short: "运营商未接受此次充值，款项已全额退回。",
        tone: "attention",
      };
    case "RechargeAdjusted": {
      const told = ADJUSTED[event.kind](amount, line);
      return { ...told, short: told.taken };
    }
    case "RechargeNeedsReview": {
      const why = REVIEWED.get(event.reason);
      const taken = isPaid(event.reason) ? "您的款项已扣除，不会丢失。" : "我们正在核实是否已扣款。";
      return {
        subject: `我们正在核查您 ${amount} 的充值`,
        happened: `${line}的 ${amount} 充值未能完成${why === undefined ? "" : `，原因：${why}`}。`,
        taken,
        toDo: "您无需进行任何操作。工作人员正在处理，在此期间不会再为该 eSIM 扣款。",
        short: taken,
        tone: "attention",
      };
    }
    case "RuleSuspended": {
      const { why, toDo } = SUSPENDED[event.reason];
      return {
        subject: "自动充值已暂停",
        happened: `${line}的自动充值已暂停，原因：${why}。`,
        taken: "在此期间不会扣款。",
        toDo,
        short: `在此期间不会扣款。${toDo}`,
        tone: "attention",
      };
    }
    case "CapReached": {
      const isMonthly = event.limit === "perMonth";
      const limit = isMonthly ? `每月 ${money(event.perMonth)}` : `每天 ${event.timesPerDay} 次`;
      return {
        subject: `已达到${isMonthly ? "每月" : "每日"}充值上限`,
        happened: `${line}余额不足，但再次充值将超出您设定的上限（${limit}）。`,
        taken: NOTHING_TAKEN,
        toDo: `上限将于 ${moment(event.until)}重新计算。您可以随时在规则中提高上限。`,
        short: `余额不足，${NOTHING_TAKEN}您设定的上限为${limit}。`,
        tone: "attention",
      };
    }
    case "PaymentMethodExpiring": {
      const card = chinese.cardName(event.brand, event.lastFour);
      return {
        subject: `您${card}即将到期`,
        happened: `您${card}有效期至 ${lastDay(event.expiry)}，之后将无法再用它为您的 eSIM 充值。`,
        taken: "这只是提醒，没有扣款。",
        toDo: "请您在此之前添加新卡，并在规则中选用。",
        short: `有效期至${lastDay(event.expiry)}。请您添加新卡。`,
        tone: "attention",
      };
    }
    case "MonthEnded": {
      const sums = event.totals.map(({ recharges, charged }) => `充值 ${recharges} 次，共 ${money(charged)}`);
      return {
        subject: `您 ${month(event.month)}的充值汇总`,
        happened: `${month(event.month)}，您的 eSIM ${sums.join("；")}。`,
        taken: `扣除退款后，共扣款 ${event.totals.map(({ charged }) => money(charged)).join("、")}。`,
        toDo: "您无需进行任何操作。您可以在账户中查看每一笔账单。",
        short: `${sums.join("；")}。`,
        tone: "neutral",
      };
    }
  }
}

export const chinese: Words = {
  product: "自动充值",
  labels: { line: "号码", amount: "金额", card: "银行卡", taken: "是否扣款", toDo: "您需要做什么", recharge: "充值编号" },
  footer: "您收到此消息，是因为您的账户启用了自动充值。您可以在账户中选择接收哪些消息以及使用的语言。",
  colon: "：",
  lineName: (digits) => `eSIM …${digits}`,
  shortLineName: (digits) => `尾号${digits}的eSIM`,
  cardName: (brand, digits) => `尾号 ${digits} 的${BRANDS.get(brand) ?? "银行卡"}`,
  sentence: (subject) => subject,
  tell,
};
