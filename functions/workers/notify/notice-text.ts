import type { NoticedEvent } from "../../contracts/events.ts";
import { lastFour } from "../../domain/iccid.ts";
import { formatMoney } from "../../domain/money.ts";

/** A notice as plain text. */
export interface Notice {
  readonly subject: string;
  readonly text: string;
}

const SUSPENDED_BECAUSE: Readonly<Record<Extract<NoticedEvent, { name: "RuleSuspended" }>["reason"], string>> = {
  "card-refused-for-good": "your bank refuses the card for good. Choose another card, then resume the rule.",
  "declined-too-often": "the card was declined several times. Check the card or choose another, then resume the rule.",
  "line-not-yours": "the carrier no longer lists this line as yours.",
  "currency-changed": "the line's currency changed. Save the rule again in the new currency, then resume it.",
  "payment-method-gone": "its way to pay was removed. Choose another, then resume the rule.",
  "amount-not-offered": "your carrier no longer adds this amount to the line. Choose another amount, then resume the rule.",
};

/** What to tell the subscriber. Says what happened, how much, and what (if anything) they should do; every line ends with whether money was taken. */
export function noticeText(event: NoticedEvent): Notice {
  const line = `eSIM …${lastFour(event.iccid)}`;
  switch (event.name) {
    case "RechargeSucceeded":
      return {
        subject: `${line}: recharged with ${formatMoney(event.amount)}`,
        text: `We charged ${formatMoney(event.amount)} and credited it to your ${line}.\nRecharge ${event.rechargeId}`,
      };
    case "RechargeDeclined":
      return {
        subject: `${line}: your bank declined ${formatMoney(event.amount)}`,
        text: `Your ${line} is low, and your bank declined the recharge of ${formatMoney(event.amount)} (${event.reason}). Nothing was taken.\n${
          event.nextTryAt === undefined ? "We will not try this card again by itself." : `We will try again after ${event.nextTryAt}.`
        }\nRecharge ${event.rechargeId}`,
      };
    case "RechargeCancelled":
      return {
        subject: `${line}: recharge of ${formatMoney(event.amount)} cancelled`,
        text: `The recharge of ${formatMoney(event.amount)} for your ${line} was cancelled (${event.reason}). Nothing was taken.\nRecharge ${event.rechargeId}`,
      };
    case "RechargeNeedsReview":
      return {
        subject: `${line}: we are looking into your recharge of ${formatMoney(event.amount)}`,
        text: `The recharge of ${formatMoney(event.amount)} for your ${line} could not be completed (${event.reason}). ${event.reason.startsWith("payment-") ? "We are finding out what was taken" : "Your payment was taken, and is not lost"}. A person looks into it now; no further charge is made meanwhile.\nRecharge ${event.rechargeId}`,
      };
    case "RuleSuspended":
      return {
        subject: `${line}: automatic recharge suspended`,
        text: `Automatic recharge of your ${line} is suspended: ${SUSPENDED_BECAUSE[event.reason]} Nothing was taken.`,
      };
    case "CapReached": {
      const limit = event.limit === "perMonth" ? `${formatMoney(event.perMonth)} a month` : `${event.timesPerDay} recharges a day`;
      return {
        subject: `${line}: ${event.limit === "perMonth" ? "monthly" : "daily"} limit reached`,
        text: `Your ${line} is low (${formatMoney(event.balance)}), and another recharge would pass your limit of ${limit}. Nothing was taken. The limit starts anew at ${event.until}; you can raise it at any time.`,
      };
    }
  }
}
