import type { NoticedEvent } from "../../contracts/events.ts";
import type { AdjustmentKind } from "../../domain/events.ts";
import { lastFour } from "../../domain/iccid.ts";
import type { CancelReason, ReviewReason } from "../../domain/recharge-states.ts";
import type { SuspensionReason } from "../../domain/rule.ts";
import type { Formats } from "./formats.ts";
import { type DeclineKind, declineKind, isPaid } from "./reasons.ts";
import type { Told, Words } from "./told.ts";

const NOTHING_TAKEN = "Nothing was taken.";
const NOTHING_TO_DO = "There is nothing for you to do.";
const TRIED_AGAIN = "There is nothing for you to do: if the line is still low, the recharge is tried again later.";
/** What its payer wanted there and then is theirs to want again. */
const ASK_AGAIN = "There is nothing for you to do. It is not tried again by itself: if you still want it, you can recharge the line again later.";
const OTHER_METHOD = "Please choose another way to pay.";

const BRANDS: ReadonlyMap<string, string> = new Map([
  ["visa", "Visa card"],
  ["mastercard", "Mastercard"],
  ["amex", "American Express card"],
  ["unionpay", "UnionPay card"],
  ["jcb", "JCB card"],
  ["discover", "Discover card"],
  ["diners", "Diners Club card"],
]);

const DECLINED: Readonly<Record<DeclineKind, string>> = {
  funds: "There is not enough money on the card or account.",
  limit: "A limit of the card is reached.",
  expired: "The card has expired.",
  details: "The details of the card are not right, or not any more.",
  unsupported: "The card cannot be used for such payments.",
  unavailable: "The bank could not be reached.",
  revoked: "The bank, or Alipay, was told not to allow such payments.",
  confirm: "The bank wants you to confirm the payment yourself.",
  unknown: "The bank does not tell us why; it can tell you.",
};

const CANCELLED: ReadonlyMap<string, { readonly why: string; readonly toDo: string }> = new Map(
  Object.entries({
    "rule-changed": { why: "its rule was changed, paused or deleted meanwhile", toDo: NOTHING_TO_DO },
    "line-lost": {
      why: "you can no longer pay for this line, or no longer this much",
      toDo: "If that is wrong, please ask your carrier, or whoever holds the line.",
    },
    outdated: { why: "it could not be made in time", toDo: TRIED_AGAIN },
    "by-subscriber": { why: "you asked for that", toDo: NOTHING_TO_DO },
    "balance-recovered": { why: "the line is not low any more", toDo: NOTHING_TO_DO },
    "limit-reached": { why: "a limit of your rule left no room for it", toDo: "You can raise the limit in the rule at any time." },
    "card-declined-elsewhere": { why: "its card cannot be charged at the moment", toDo: OTHER_METHOD },
    "kill-switch": { why: "recharges are stopped at the moment", toDo: TRIED_AGAIN },
    "paused-by-operator": { why: "recharges of your account are paused", toDo: "Please ask your operator why." },
    "resolved-by-operator": { why: "we looked into it, and no payment was made", toDo: NOTHING_TO_DO },
    "payment-method-unusable": { why: "its way to pay cannot be used any more", toDo: OTHER_METHOD },
    "amount-refused": { why: "this amount cannot be charged", toDo: "Please choose another amount." },
    "payment-fault": { why: "something went wrong on our side", toDo: TRIED_AGAIN },
    "payment-canceled-elsewhere": { why: "its payment was cancelled", toDo: TRIED_AGAIN },
    "payment-unclear": { why: "for long it was not certain whether the payment went through, and now it is certain that it did not", toDo: TRIED_AGAIN },
  } satisfies Record<CancelReason, object>),
);

const REVIEWED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "carrier-refused": "your carrier did not accept it",
    "carrier-unclear": "your carrier has not confirmed that the line was credited",
    "carrier-conflict": "your carrier could not assign it",
    "payment-mismatch": "the payment differs from what was ordered",
    "refund-failed": "the money could not be given back automatically",
    "refund-by-hand": "the money is being given back by hand",
    "payment-unclear": "it is not certain yet whether the payment went through",
    "refund-unclear": "it is not certain yet whether the money was given back",
    "worker-fault": "something went wrong on our side",
  } satisfies Record<ReviewReason | "refund-unclear" | "worker-fault", string>),
);

const SUSPENDED: Readonly<Record<SuspensionReason, { readonly why: string; readonly toDo: string }>> = {
  "card-refused-for-good": {
    why: "its way to pay is refused for good",
    toDo: "Please choose another, or authorise Alipay anew and choose that, then resume the rule.",
  },
  "declined-too-often": { why: "its card was declined several times", toDo: "Please check the card or choose another, then resume the rule." },
  "line-not-yours": { why: "the carrier no longer lists this line as yours", toDo: "If that is wrong, please ask your carrier." },
  "currency-changed": { why: "the currency of the line changed", toDo: "Please save the rule again in the new currency, then resume it." },
  "payment-method-gone": { why: "its way to pay was removed, or may not be charged any more", toDo: "Please choose another, then resume the rule." },
  "amount-not-offered": { why: "your carrier no longer offers this amount for the line", toDo: "Please choose another amount, then resume the rule." },
  "carrier-refused": { why: "your carrier refused what was to be added to the line", toDo: "Please ask your carrier why, then resume the rule." },
  "payment-disputed": { why: "a charge of its card was disputed", toDo: "When that is settled, please resume the rule." },
  "paused-by-operator": { why: "we have paused recharges of your account", toDo: "Please ask your operator why." },
  "family-ended": {
    why: "you may not pay for this line of somebody else's any more",
    toDo: "If you want to, its holder has to agree again, with a new code. If the line is yours by now, please save the rule again, then resume it.",
  },
  "family-limit-reached": {
    why: "another recharge would be more than you want to pay for this line of somebody else's in all",
    toDo: "If you want to pay more, its holder has to agree again, with a new code; then please resume the rule.",
  },
};

const ADJUSTED: Readonly<Record<AdjustmentKind, (amount: string, line: string) => Omit<Told, "short">>> = {
  refunded: (amount, line) => ({
    subject: `${amount} given back`,
    happened: `${amount} of a recharge of the ${line} was given back to the way you paid.`,
    taken: `${amount} was given back.`,
    toDo: "There is nothing for you to do. It may take your bank some days to show it.",
    tone: "good",
  }),
  "refund-failed": (amount, line) => ({
    subject: `${amount} could not be given back yet`,
    happened: `${amount} of a recharge of the ${line} could not be given back: your bank did not take it.`,
    taken: `${amount} is still with us, and is not lost.`,
    toDo: "There is nothing for you to do: a person is looking into it.",
    tone: "attention",
  }),
  "dispute-opened": (amount, line) => ({
    subject: `charge of ${amount} disputed`,
    happened: `A charge of ${amount} for the ${line} is disputed at your bank.`,
    taken: `Your bank decides about the ${amount}.`,
    toDo: "Rules that use this card are suspended. If you did not dispute it, please ask your bank.",
    tone: "attention",
  }),
  "dispute-won": (amount, line) => ({
    subject: `dispute of ${amount} closed`,
    happened: `Your bank closed the dispute about ${amount} for the ${line} in favour of the charge.`,
    taken: `The ${amount} stays charged.`,
    toDo: "You can resume the suspended rules.",
    tone: "neutral",
  }),
  "dispute-lost": (amount, line) => ({
    subject: `dispute of ${amount} closed`,
    happened: `Your bank closed the dispute about ${amount} for the ${line} in your favour.`,
    taken: `Your bank gave the ${amount} back.`,
    toDo: "If you want to go on with this card, resume the suspended rules.",
    tone: "neutral",
  }),
  "paid-after-end": (amount, line) => ({
    subject: `${amount} will be given back`,
    happened: `${amount} was paid for a recharge of the ${line} that had already ended.`,
    taken: `${amount} was taken, and will be given back in full.`,
    toDo: NOTHING_TO_DO,
    tone: "attention",
  }),
};

function tell(event: NoticedEvent, { money, moment, shortMoment, month, lastDay }: Formats, hasLink: boolean): Told {
  const amount = "amount" in event ? money(event.amount) : "";
  const line = "iccid" in event ? `eSIM ending in ${lastFour(event.iccid)}` : "";
  switch (event.name) {
    case "RechargeSucceeded":
      return {
        subject: `recharged with ${amount}`,
        happened: `We charged ${amount} and credited it to the ${line}.`,
        taken: `${amount} was charged.`,
        toDo: NOTHING_TO_DO,
        short: `${amount} was charged and credited.`,
        tone: "good",
      };
    case "RechargeDeclined": {
      const again = event.nextTryAt;
      return {
        subject: `payment of ${amount} declined`,
        happened: `The payment of ${amount} for the ${line} was declined. ${DECLINED[declineKind(event.reason)]}`,
        taken: NOTHING_TAKEN,
        toDo:
          again === undefined
            ? "We will not try this way to pay again by ourselves. Please ask your bank, or choose another one."
            : event.origin === "payer"
              ? ASK_AGAIN
              : event.origin === "backup"
                ? "If the line is still low, we will try the way to pay of your rule again later. You can choose another one until then."
                : `If you have named a backup way to pay, it may be charged at once. Otherwise, if the line is still low, we will try again after ${moment(again)}. You can choose another way to pay until then.`,
        short: `${NOTHING_TAKEN} ${again === undefined || event.origin !== undefined ? "Please check your way to pay." : `We may charge your backup now, or try again after ${shortMoment(again)}.`}`,
        tone: "attention",
      };
    }
    case "RechargeCancelled": {
      const { why, toDo } = CANCELLED.get(event.reason) ?? { why: undefined, toDo: "You find the recharge in your account." };
      return {
        subject: `recharge of ${amount} cancelled`,
        happened: `The recharge of ${amount} for the ${line} was cancelled${why === undefined ? "" : `: ${why}`}.`,
        taken: NOTHING_TAKEN,
        toDo: toDo === TRIED_AGAIN && event.origin === "payer" ? ASK_AGAIN : toDo,
        short: NOTHING_TAKEN,
        tone: "neutral",
      };
    }
    case "RechargeActionRequired":
      return {
        subject: `${event.isReminder ? "reminder: " : ""}confirm your recharge of ${amount}`,
        happened: `The recharge of ${amount} for the ${line} waits for you until ${moment(event.expiresAt)}.`,
        taken: "Nothing was taken yet.",
        toDo: `${hasLink ? "Follow the link" : "Open your account"} and confirm the payment, or decline it. If you do neither, it expires and nothing is taken.`,
        action: "Confirm or decline",
        short: `Nothing was taken yet. ${hasLink ? "Confirm or decline it" : "Please do so in your account"} before ${shortMoment(event.expiresAt)}.`,
        tone: "attention",
      };
    case "RechargeAnnounced":
      return {
        subject: `we will charge ${amount}`,
        happened: `The ${line} is low. We will charge ${amount} after ${moment(event.chargeAt)}, unless you skip it before.`,
        taken: "Nothing was taken yet.",
        toDo: `If that is fine, there is nothing for you to do. ${hasLink ? "To skip this one, follow the link." : "To skip this one, open your account."}`,
        action: "Skip this one",
        short: `Nothing was taken yet. ${hasLink ? "To skip it" : "You can skip it in your account"} before ${shortMoment(event.chargeAt)}${hasLink ? ":" : "."}`,
        tone: "neutral",
      };
    case "RechargeExpired":
      return {
        subject: `recharge of ${amount} expired`,
        happened: `The recharge of ${amount} for the ${line} was not paid, and cannot be paid any more.`,
        taken: NOTHING_TAKEN,
        toDo: event.origin === "payer" ? ASK_AGAIN : "There is nothing for you to do. We ask again when the line is low the next time, or after 7 days.",
        short: `It was not paid. ${NOTHING_TAKEN}`,
        tone: "neutral",
      };
    case "RechargeRefunded":
      return {
        subject: `${amount} given back`,
        happened: `We charged ${amount} for the ${line}, but your carrier did not accept the recharge.`,
        taken: `${amount} was charged, and all of it was given back to the way you paid.`,
        toDo: "It may take your bank some days to show it. Please ask your carrier why it did not accept the recharge.",
        short: "Your carrier did not accept the recharge. All of it was given back.",
        tone: "attention",
      };
    case "RechargeAdjusted": {
      const told = ADJUSTED[event.kind](amount, line);
      return { ...told, short: told.taken };
    }
    case "RechargeNeedsReview": {
      const why = REVIEWED.get(event.reason);
      const taken = isPaid(event.reason) ? "Your payment was taken, and is not lost." : "We are finding out whether money was taken.";
      return {
        subject: `we are looking into your recharge of ${amount}`,
        happened: `The recharge of ${amount} for the ${line} could not be completed${why === undefined ? "" : `: ${why}`}.`,
        taken,
        toDo: "There is nothing for you to do. A person is looking into it, and no further charge is made for this line meanwhile.",
        short: taken,
        tone: "attention",
      };
    }
    case "RuleSuspended": {
      const { why, toDo } = SUSPENDED[event.reason];
      return {
        subject: "automatic recharge suspended",
        happened: `Automatic recharge of the ${line} is suspended: ${why}.`,
        taken: "Nothing is taken meanwhile.",
        toDo,
        short: `Nothing is taken meanwhile. ${toDo}`,
        tone: "attention",
      };
    }
    case "CapReached": {
      const isMonthly = event.limit === "perMonth";
      const limit = isMonthly ? `${money(event.perMonth)} a month` : `${event.timesPerDay} ${event.timesPerDay === 1 ? "recharge" : "recharges"} a day`;
      return {
        subject: `${isMonthly ? "monthly" : "daily"} limit reached`,
        happened: `The ${line} is low, and another recharge would pass your limit of ${limit}.`,
        taken: NOTHING_TAKEN,
        toDo: `The limit starts anew on ${moment(event.until)}. You can raise it in the rule at any time.`,
        short: `The line is low. ${NOTHING_TAKEN} Your limit: ${limit}.`,
        tone: "attention",
      };
    }
    case "PaymentMethodExpiring": {
      const card = english.cardName(event.brand, event.lastFour);
      return {
        subject: `your ${card} expires soon`,
        happened: `Your ${card} can be used until ${lastDay(event.expiry)}. After that your lines can no longer be recharged with it.`,
        taken: "This is only a reminder: nothing was taken.",
        toDo: "Please add a new card before, and choose it in your rules.",
        short: `It can be used until ${lastDay(event.expiry)}. Please add a new card.`,
        tone: "attention",
      };
    }
    case "MonthEnded": {
      const sums = event.totals.map(({ recharges, charged }) => `${recharges} ${recharges === 1 ? "recharge" : "recharges"}, ${money(charged)}`);
      return {
        subject: `your recharges of ${month(event.month)}`,
        happened: `In ${month(event.month)} your lines had ${sums.join("; ")}.`,
        taken: `${event.totals.map(({ charged }) => money(charged)).join(" and ")} was charged in all, less what was given back.`,
        toDo: "There is nothing for you to do. You find every bill in your account.",
        short: `${sums.join("; ")}.`,
        tone: "neutral",
      };
    }
  }
}

export const english: Words = {
  product: "Automatic recharge",
  labels: { line: "Line", amount: "Amount", card: "Card", taken: "Was money taken?", toDo: "What to do", recharge: "Recharge" },
  footer: "You get this message because automatic recharge is set up in your account. You can choose there which messages you get, and in which language.",
  colon: ": ",
  lineName: (digits) => `eSIM …${digits}`,
  shortLineName: (digits) => `eSIM ${digits}`,
  cardName: (brand, digits) => `${BRANDS.get(brand) ?? "card"} ending in ${digits}`,
  sentence: (subject) => `${subject.charAt(0).toUpperCase()}${subject.slice(1)}`,
  tell,
};
