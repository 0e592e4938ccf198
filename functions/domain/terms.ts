import type { PaymentMethod } from "./esim.ts";
import type { Iccid } from "./iccid.ts";
import type { RuleSettings } from "./rule.ts";
import { type InBoth, ruleWords, type Sentences } from "./rule-words.ts";

/** The version of the terms of automatic recharging that a subscriber agrees to today: another text is another version. */
export const TERMS_VERSION = "2026-11-28";

/** In place of a version, where a payer asked for one recharge there and then: no terms of automatic recharging stand behind it, but their own word. */
export const ASKED_BY_PAYER = "asked-by-payer";

export const TERMS_TEXT: InBoth<string> = {
  "zh-CN":
    "我同意：按上述规则为该号码自动充值，每次充值无需我再次确认，即可从规则所列的支付方式扣款，且不超过规则所列的上限。" +
    "如果银行暂时拒绝某笔扣款，而我设置了备用支付方式，则可从备用支付方式扣取同等金额一次，且不超过同样的上限。" +
    "我可以随时暂停或删除该规则，此后不再扣款；此前已扣的款项仍然有效。运营商最终拒绝入账的款项将全额退还。",
  en:
    "I agree that this line is recharged automatically by the rule above: each recharge may be charged to the way to pay that the rule names, " +
    "without asking me again, within the rule's limits. If my bank declines it for now and I have named a backup way to pay, the same amount may be charged to that once, " +
    "within the same limits. I can pause or delete the rule at any time, and nothing is charged from then on; what was charged " +
    "before stays charged. What my carrier refuses for good to credit is given back in full.",
};

/** What a subscriber agrees to when they save a rule: the general text, and the very settings. */
export interface Terms {
  readonly version: string;
  readonly text: InBoth<string>;
  /** The settings as they were told in plain words. */
  readonly words: InBoth<Sentences>;
  readonly settings: Omit<RuleSettings, "paymentMethodId"> & {
    readonly iccid: Iccid;
    readonly method: Pick<PaymentMethod, "id" | "brand" | "lastFour">;
    readonly timeZone: string;
  };
}

/** Terms that somebody agreed to, under the hash that their consents name. */
export interface AgreedTerms extends Terms {
  readonly termsHash: string;
}

/** Today's terms of these settings. */
export function termsOf(iccid: Iccid, { paymentMethodId: _named, ...settings }: RuleSettings, method: PaymentMethod, timeZone: string): Terms {
  const { id, brand, lastFour } = method;
  return {
    version: TERMS_VERSION,
    text: TERMS_TEXT,
    words: ruleWords(iccid, settings, method, timeZone),
    settings: { iccid, ...settings, method: { id, brand, lastFour }, timeZone },
  };
}

/** All that the hash of terms stands for, in one order: no two terms are written alike, and the same terms always are. */
export function canonicalTerms({ version, text, settings }: Terms): string {
  const { iccid, threshold, topUp, limits, method, noticeMinutes, timeZone } = settings;
  const sum = topUp.type === "fixed" ? topUp.amount : topUp.target;
  return JSON.stringify([
    ["version", version],
    ["zh-CN", text["zh-CN"]],
    ["en", text.en],
    ["iccid", iccid],
    ["threshold", threshold.amount, threshold.currency],
    ["topUp", topUp.type, sum.amount, sum.currency],
    ["perMonth", limits.perMonth.amount, limits.perMonth.currency],
    ["timesPerDay", limits.timesPerDay],
    ["cooldownMinutes", limits.cooldownMinutes],
    ["method", method.id, method.brand, method.lastFour],
    ["noticeMinutes", noticeMinutes ?? 0],
    ["timeZone", timeZone],
  ]);
}
