import { createHash } from "node:crypto";

/** How an issuer refuses, in Stripe's words. Source: https://docs.stripe.com/declines/codes */
export interface CardDecline {
  readonly code: string;
  readonly declineCode?: string;
  readonly adviceCode?: string;
  readonly message: string;
  /** Stripe itself held the payment to be fraud, and did not ask the issuer. */
  readonly blocked?: boolean;
}

/**
 * Ways to pay whose customer confirms each payment; only Alipay can be saved for others, by a SetupIntent, at accounts that Stripe has allowed it.
 *
 * Source: https://docs.stripe.com/payments/payment-methods/payment-method-support
 */
export type PayRequestType = "wechat_pay" | "alipay";

/** What can be paid with: a card, or an account that stands in for one. */
export interface TestCard {
  readonly brand: string;
  readonly lastFour: string;
  /** Missing for a card. */
  readonly type?: PayRequestType;
  readonly decline?: CardDecline;
  /** It can be set up all the same; other cards decline that, too. */
  readonly declinesOnlyCharges?: boolean;
  /** When the issuer asks for the cardholder; never when missing. A card that is `unless-set-up` is asked about on-session even then. */
  readonly authentication?: "always" | "on-session" | "unless-set-up";
}

/** Declines that are also error codes of their own; all others are a `card_declined`. Source: https://docs.stripe.com/error-codes */
const ERROR_CODES: ReadonlySet<string> = new Set(["authentication_required", "expired_card", "incorrect_cvc", "incorrect_number", "processing_error"]);

const MESSAGES: Readonly<Record<string, string>> = {
  authentication_required: "Your card was declined. This transaction requires authentication.",
  card_velocity_exceeded: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
  expired_card: "Your card has expired.",
  incorrect_cvc: "Your card's security code is incorrect.",
  insufficient_funds: "Your card has insufficient funds.",
  processing_error: "An error occurred while processing your card. Try again in a little bit.",
};

/** A decline with the code that Stripe's documentation gives for it, as an issuer would send it. */
export function declineOf(declineCode: string, adviceCode?: string): CardDecline {
  const code = ERROR_CODES.has(declineCode) ? declineCode : "card_declined";
  return { code, declineCode, adviceCode, message: MESSAGES[declineCode] ?? "Your card was declined." };
}

/** Of Stripe's test cards, those with an error code of their own carry no decline code. */
function errorOf(code: string): CardDecline {
  return { ...declineOf(code), declineCode: undefined };
}

/** Whether the issuer wants the cardholder to take part in this payment. */
export function asksForCardholder({ authentication }: TestCard, { offSession, setUp }: { readonly offSession: boolean; readonly setUp: boolean }): boolean {
  switch (authentication) {
    case undefined:
      return false;
    case "always":
      return true;
    case "on-session":
      return !offSession;
    case "unless-set-up":
      return !(offSession && setUp);
  }
}

const genericDecline: TestCard = { brand: "visa", lastFour: "0002", decline: declineOf("generic_decline", "try_again_later") };
const insufficientFunds: TestCard = { brand: "visa", lastFour: "9995", decline: declineOf("insufficient_funds", "try_again_later") };
const lostCard: TestCard = { brand: "visa", lastFour: "9987", decline: declineOf("lost_card", "do_not_try_again") };
const stolenCard: TestCard = { brand: "visa", lastFour: "9979", decline: declineOf("stolen_card", "do_not_try_again") };

/**
 * Stripe's test payment methods by name. Source: https://docs.stripe.com/testing
 *
 * One thing differs on purpose: Stripe itself refuses to attach the declining cards to a customer, except
 * `pm_card_chargeCustomerFail`. Here all can be attached, since a card that was good when it was saved may be refused later.
 */
const TEST_CARDS: ReadonlyMap<string, TestCard> = new Map(
  Object.entries({
    pm_card_visa: { brand: "visa", lastFour: "4242" },
    pm_card_mastercard: { brand: "mastercard", lastFour: "4444" },
    pm_card_unionpay: { brand: "unionpay", lastFour: "0005" },
    pm_card_chargeCustomerFail: { ...genericDecline, lastFour: "0341", declinesOnlyCharges: true },
    pm_card_chargeDeclined: genericDecline,
    pm_card_visa_chargeDeclined: genericDecline,
    pm_card_chargeDeclinedInsufficientFunds: insufficientFunds,
    pm_card_visa_chargeDeclinedInsufficientFunds: insufficientFunds,
    pm_card_chargeDeclinedExpiredCard: { brand: "visa", lastFour: "0069", decline: errorOf("expired_card") },
    pm_card_chargeDeclinedIncorrectCvc: { brand: "visa", lastFour: "0127", decline: errorOf("incorrect_cvc") },
    pm_card_chargeDeclinedProcessingError: { brand: "visa", lastFour: "0119", decline: errorOf("processing_error") },
    pm_card_visa_chargeDeclinedVelocityLimitExceeded: { brand: "visa", lastFour: "6975", decline: declineOf("card_velocity_exceeded") },
    pm_card_radarBlock: { brand: "visa", lastFour: "0019", decline: { ...declineOf("fraudulent"), blocked: true } },
    pm_card_chargeDeclinedLostCard: lostCard,
    pm_card_visa_chargeDeclinedLostCard: lostCard,
    pm_card_chargeDeclinedStolenCard: stolenCard,
    pm_card_visa_chargeDeclinedStolenCard: stolenCard,
    pm_card_authenticationRequired: { brand: "visa", lastFour: "3184", authentication: "always" },
    pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: {
      brand: "visa",
      lastFour: "8260",
      authentication: "always",
      decline: declineOf("insufficient_funds", "try_again_later"),
      declinesOnlyCharges: true,
    },
    pm_card_threeDSecure2Required: { brand: "visa", lastFour: "3220", authentication: "always" },
    // Asks until it was set up by a SetupIntent; attaching it is not setting it up.
    pm_card_authenticationRequiredOnSetup: { brand: "visa", lastFour: "3155", authentication: "unless-set-up" },
    pm_card_authenticationRequiredSetupForOffSession: { brand: "visa", lastFour: "0446", authentication: "on-session" },
  } satisfies Record<string, TestCard>),
);

export function payRequestOf(type: PayRequestType): TestCard {
  return { brand: type, lastFour: "", type, authentication: type === "alipay" ? "unless-set-up" : "always" };
}

export function testCardNamed(name: string): TestCard | undefined {
  return TEST_CARDS.get(name);
}

/** The same for the same card number, whatever payment method holds it. */
export function fingerprintOf(card: TestCard): string {
  return createHash("sha256").update(`${card.brand} ${card.lastFour}`).digest("hex").slice(0, 16);
}
