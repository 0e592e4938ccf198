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
  "carrier-refused": "your carrier refused what was to be added to the line. Ask your carrier why, then resume the rule.",
  "payment-disputed": "a charge of its card was disputed. When that is settled, resume the rule.",
  "paused-by-operator": "we have paused recharges of your account. Ask your operator why.",
};

const ADJUSTED: Readonly<Record<Extract<NoticedEvent, { name: "RechargeAdjusted" }>["kind"], { readonly subject: string; readonly text: string }>> = {
  refunded: { subject: "given back", text: "was given back to the way you paid." },
  "refund-failed": {
    subject: "could not be given back",
    text: "could not be given back: your bank did not take it. A person looks into it, and your money is not lost.",
  },
  "dispute-opened": { subject: "disputed", text: "is disputed at your bank. Rules that use this card are suspended." },
  "dispute-won": { subject: "dispute closed", text: "stays charged: your bank closed the dispute in favour of the charge." },
  "dispute-lost": { subject: "dispute closed", text: "was given back by your bank." },
  "paid-after-end": { subject: "is given back", text: "was paid after the recharge had ended. It is given back in full." },
};

/** Whether a review was begun when the payment was certain. */
function isPaid(reason: string): boolean {
  return reason.startsWith("carrier-") || reason.startsWith("refund-");
}

/** What to tell the subscriber. Says what happened, how much, and what (if anything) they should do; each says whether money was taken. */
export function noticeText(event: NoticedEvent): Notice {
  const line = "iccid" in event ? `eSIM …${lastFour(event.iccid)}` : "";
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
    case "RechargeActionRequired":
      return {
        subject: `${line}: ${event.isReminder ? "reminder: " : ""}confirm your recharge of ${formatMoney(event.amount)}`,
        text: `Your ${line} is low, and the recharge of ${formatMoney(event.amount)} needs you: open your account and confirm the payment before ${event.expiresAt}. Nothing was taken yet.\nRecharge ${event.rechargeId}`,
      };
    case "RechargeAnnounced":
      return {
        subject: `${line}: we will charge ${formatMoney(event.amount)}`,
        text: `Your ${line} is low. We will charge ${formatMoney(event.amount)} after ${event.chargeAt}, unless you skip it before. Nothing was taken yet.\nRecharge ${event.rechargeId}`,
      };
    case "PaymentMethodExpiring":
      return {
        subject: `Your ${event.brand} …${event.lastFour} expires soon`,
        text: `Your ${event.brand} …${event.lastFour} can be used until the end of ${event.expiry.month}/${event.expiry.year}, in ${event.daysLeft} days. Add another way to pay before, so that your lines are recharged further.`,
      };
    case "MonthEnded":
      return {
        subject: `Your recharges of ${event.month}`,
        text: event.totals.map(({ recharges, charged }) => `${recharges} recharges, ${formatMoney(charged)}`).join("\n"),
      };
    case "RechargeExpired":
      return {
        subject: `${line}: recharge of ${formatMoney(event.amount)} expired`,
        text: `The recharge of ${formatMoney(event.amount)} for your ${line} was not confirmed in time. Nothing was taken, and it cannot be paid any more. We ask again at the next low, or after 7 days.\nRecharge ${event.rechargeId}`,
      };
    case "RechargeRefunded":
      return {
        subject: `${line}: ${formatMoney(event.amount)} given back`,
        text: `We charged ${formatMoney(event.amount)} for your ${line}, but your carrier refused the recharge (${event.reason}). All of it was given back to the way you paid.\nRecharge ${event.rechargeId}`,
      };
    case "RechargeAdjusted": {
      const { subject, text } = ADJUSTED[event.kind];
      return {
        subject: `${line}: ${formatMoney(event.amount)} ${subject}`,
        text: `${formatMoney(event.amount)} of a recharge of your ${line} ${text}\nRecharge ${event.rechargeId}`,
      };
    }
    case "RechargeNeedsReview":
      return {
        subject: `${line}: we are looking into your recharge of ${formatMoney(event.amount)}`,
        text: `The recharge of ${formatMoney(event.amount)} for your ${line} could not be completed (${event.reason}). ${isPaid(event.reason) ? "Your payment was taken, and is not lost" : "We are finding out what was taken"}. A person looks into it now; no further charge is made meanwhile.\nRecharge ${event.rechargeId}`,
      };
    case "RuleSuspended":
      return {
        subject: `${line}: automatic recharge suspended`,
        text: `Automatic recharge of your ${line} is suspended: ${SUSPENDED_BECAUSE[event.reason]} Nothing is taken meanwhile.`,
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
