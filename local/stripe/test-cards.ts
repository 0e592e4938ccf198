import { createHash } from "node:crypto";

/** How an issuer refuses, in Stripe's words. Source: https://docs.stripe.com/declines/codes */
export interface CardDecline {
  readonly code: string;
  readonly declineCode?: string;
  readonly adviceCode?: string;
  readonly message: string;
}

export interface TestCard {
  readonly brand: string;
  readonly lastFour: string;
  readonly decline?: CardDecline;
  /** When the issuer asks for the cardholder; never when missing. */
  readonly authentication?: "always" | "on-session";
}

/** A decline with the code that Stripe's documentation gives for it, as an issuer would send it. */
export function declineOf(declineCode: string, adviceCode?: string): CardDecline {
  const message = declineCode === "insufficient_funds" ? "Your card has insufficient funds." : "Your card was declined.";
  return { code: "card_declined", declineCode, adviceCode, message };
}

export const AUTHENTICATION_REQUIRED: CardDecline = {
  code: "authentication_required",
  declineCode: "authentication_required",
  message: "Your card was declined. This transaction requires authentication.",
};

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
    pm_card_chargeCustomerFail: { ...genericDecline, lastFour: "0341" },
    pm_card_chargeDeclined: genericDecline,
    pm_card_visa_chargeDeclined: genericDecline,
    pm_card_chargeDeclinedInsufficientFunds: insufficientFunds,
    pm_card_visa_chargeDeclinedInsufficientFunds: insufficientFunds,
    pm_card_chargeDeclinedExpiredCard: { brand: "visa", lastFour: "0069", decline: { code: "expired_card", message: "Your card has expired." } },
    pm_card_chargeDeclinedLostCard: lostCard,
    pm_card_visa_chargeDeclinedLostCard: lostCard,
    pm_card_chargeDeclinedStolenCard: stolenCard,
    pm_card_visa_chargeDeclinedStolenCard: stolenCard,
    pm_card_authenticationRequired: { brand: "visa", lastFour: "3184", authentication: "always" },
    // Asks until it was set up by a SetupIntent; attaching it is not setting it up.
    pm_card_authenticationRequiredOnSetup: { brand: "visa", lastFour: "3155", authentication: "always" },
    pm_card_authenticationRequiredSetupForOffSession: { brand: "visa", lastFour: "0446", authentication: "on-session" },
  } satisfies Record<string, TestCard>),
);

export function testCardNamed(name: string): TestCard | undefined {
  return TEST_CARDS.get(name);
}

/** The same for the same card number, whatever payment method holds it. */
export function fingerprintOf(card: TestCard): string {
  return createHash("sha256").update(`${card.brand} ${card.lastFour}`).digest("hex").slice(0, 16);
}
