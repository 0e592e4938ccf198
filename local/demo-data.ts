import type { Stripe } from "stripe";
import type { SavedMethod } from "../functions/domain/esim.ts";
import type { CarrierLine } from "./carrier/carrier-model.ts";
import type { IssuerUser } from "./cloud/issuer-users.ts";

/** What the local stack starts with, so that there is something to see: Ada, her two lines and her card. */

export const DEMO_USER = {
  sub: "a0d1e2f3-0000-4000-8000-00000000ada1",
  email: "ada@example.com",
  emailVerified: true,
  phoneNumber: "+8613800000001",
  phoneNumberVerified: true,
} as const satisfies IssuerUser;

/** With which Ada signs in as a browser does; good on this machine only. */
export const DEMO_PASSWORD = "ada-tops-up-her-line";

/** Ada's mother, whose line Ada may pay for if she agrees. */
export const LIN_USER = {
  sub: "a0d1e2f3-0000-4000-8000-0000000011a1",
  email: "lin@example.com",
  emailVerified: true,
  phoneNumber: "+8613800000002",
  phoneNumberVerified: true,
} as const satisfies IssuerUser;

export const LINS_LINE: CarrierLine = {
  iccid: "8986012345678900058",
  owner: { subscriberId: LIN_USER.sub, email: LIN_USER.email },
  currency: "CNY",
  available: 3000,
  drainPerMinute: 0,
};

/** How fast the first line is used up once it has its rule, in minor units: CNY 1 in two minutes. Ten minutes until it is low: its rule is at work by then. */
export const DRAIN_PER_MINUTE = 50;

export const DRAINING_LINE: CarrierLine = {
  iccid: "8986012345678900017",
  owner: { subscriberId: DEMO_USER.sub, email: DEMO_USER.email },
  currency: "CNY",
  available: 1500,
  drainPerMinute: 0,
};

export const QUIET_LINE: CarrierLine = {
  iccid: "8986012345678900025",
  owner: { subscriberId: DEMO_USER.sub, email: DEMO_USER.email },
  currency: "CNY",
  available: 3000,
  drainPerMinute: 0,
};

/** The rule of the draining line, still to be agreed to: below CNY 10, recharge CNY 50. */
export function demoRule(iccid: string, paymentMethodId: string) {
  return {
    iccid,
    threshold: { amount: 1000, currency: "CNY" },
    topUp: { type: "fixed" as const, amount: { amount: 5000, currency: "CNY" } },
    limits: { perMonth: { amount: 100_000, currency: "CNY" }, timesPerDay: 24, cooldownMinutes: 15 },
    paymentMethodId,
    timeZone: "Asia/Shanghai",
  };
}

/** Saves one of Stripe's test cards for a customer: at Stripe itself with a test key, or at the local model. */
export async function saveTestCard(stripe: Stripe, customerId: string, testCard: string): Promise<SavedMethod> {
  const { id, card } = await stripe.paymentMethods.attach(testCard, { customer: customerId });
  const expiry = card && { month: card.exp_month, year: card.exp_year };
  return { id, customerId, cardKey: card?.fingerprint ?? id, brand: card?.brand ?? "card", lastFour: card?.last4 ?? "", expiry };
}
