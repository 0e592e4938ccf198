import * as z from "zod/mini";

function textLike(form: RegExp, error: string) {
  return z.string().check(z.regex(form, { error }));
}

/** Forms that AWS gives to what it makes; whether it is there only AWS knows. */
const table = textLike(/^[\w.-]{3,255}$/, "must be the name of a table");
const secretArn = textLike(/^arn:[\w-]+:secretsmanager:\S+$/, "must be the ARN of a secret");
const url = z.url({ protocol: /^https?$/, error: "must be an address that starts with https:// or http://" });

const esimsTable = { ESIMS_TABLE: table };
const rechargesTable = { RECHARGES_TABLE: table };
const subscribersTable = { SUBSCRIBERS_TABLE: table };
const cardsTable = { CARDS_TABLE: table };
const controlsTable = { CONTROLS_TABLE: table };
const rechargeQueue = { RECHARGE_QUEUE_URL: url };
const checkQueue = { CHECK_BALANCES_QUEUE_URL: url };
const eraseQueue = { ERASE_QUEUE_URL: url };
const bus = { EVENT_BUS_NAME: textLike(/^[\w./-]{1,256}$/, "must be the name of an event bus") };
/** `CARRIER_ANSWERS`: `final` if the carrier keeps its first answer per reference, `once` if it cannot promise that. */
const carrier = { CARRIER_SECRET_ARN: secretArn, CARRIER_ANSWERS: z.enum(["final", "once"], { error: "must be final or once" }) };
/** What an operator lets anybody recharge at once, by currency, in minor units: `CNY:50000,USD:7000`, or `none`. */
const largest = {
  LARGEST_RECHARGES: textLike(/^(none|[A-Z]{3}:[1-9]\d{0,8}(,[A-Z]{3}:[1-9]\d{0,8})*)$/, "must be none, or amounts such as CNY:50000,USD:7000"),
};
/** How often an hour a subscriber may use each route that asks the carrier, the issuer or Stripe. */
const requests = { REQUESTS_PER_HOUR: textLike(/^[1-9]\d{0,8}$/, "must be a whole number from 1 to 999999999") };
/** `STAGE`: what our objects at Stripe carry in their metadata; an account may serve several stages. */
const stripe = { STRIPE_SECRET_ARN: secretArn, STAGE: textLike(/^[a-z][a-z0-9-]*$/, "must be the name of a stage") };

/** `API_URL`: where links in notices lead. */
const payLinks = { PAY_LINK_SECRET_ARN: secretArn, API_URL: url };

/** What each function is given. The stacks are type-checked against this, and a function that lacks a variable stops at start-up and names it. */
export const environments = {
  rules: z.object({ ...esimsTable, ...subscribersTable, ...cardsTable, ...rechargeQueue, ...carrier, ...largest, ...requests, ISSUER_URL: url }),
  esims: z.object({ ...esimsTable, ...subscribersTable, ...carrier, ...requests, ISSUER_URL: url }),
  family: z.object({ ...esimsTable, ...subscribersTable, ...rechargeQueue, ...carrier, ...requests, ISSUER_URL: url, LINE_HASH_SECRET_ARN: secretArn }),
  recharges: z.object({
    ...esimsTable,
    ...rechargesTable,
    ...subscribersTable,
    ...cardsTable,
    ...rechargeQueue,
    ...carrier,
    ...stripe,
    ...largest,
    ...requests,
    ISSUER_URL: url,
  }),
  "payment-methods": z.object({
    ...esimsTable,
    ...subscribersTable,
    ...rechargeQueue,
    ...stripe,
    ...requests,
    ISSUER_URL: url,
    /** Whether Alipay may be saved for charges with its owner away, which Stripe has to allow the account first. */
    REUSABLE_ALIPAY: z.enum(["on", "off"], { error: "must be on or off" }),
  }),
  me: z.object({ ...esimsTable, ...rechargesTable, ...subscribersTable, ...cardsTable, ...rechargeQueue, ...eraseQueue, ...requests, ISSUER_URL: url }),
  pay: z.object({ ...esimsTable, ...rechargesTable, ...subscribersTable, ...rechargeQueue, ...stripe, ...payLinks }),
  "api-docs": z.object({ ISSUER_URL: url }),
  "stripe-webhook": z.object({ ...rechargeQueue, ...stripe }),
  "plan-checks": z.object({
    ...controlsTable,
    ...checkQueue,
    HASH_RANGES: textLike(/^([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-6])$/, "must be a whole number from 1 to 256"),
  }),
  "check-balances": z.object({ ...esimsTable, ...checkQueue, ...rechargeQueue, ...bus, ...carrier }),
  recharge: z.object({
    ...esimsTable,
    ...rechargesTable,
    ...subscribersTable,
    ...cardsTable,
    ...controlsTable,
    ...rechargeQueue,
    ...bus,
    ...carrier,
    ...stripe,
    LINE_HASH_SECRET_ARN: secretArn,
    /** A balance that the carrier read within this many seconds is as good as a new one; below 900, the shortest cooldown. */
    CARRIER_READ_INTERVAL_SECONDS: textLike(/^[1-8]?\d{1,2}$/, "must be a whole number of seconds from 0 to 899"),
  }),
  sweep: z.object({ ...esimsTable, ...rechargeQueue }),
  reconcile: z.object({
    ...esimsTable,
    ...rechargesTable,
    ...controlsTable,
    ...rechargeQueue,
    ...bus,
    ...carrier,
    ...stripe,
    RECONCILE_QUEUE_URL: url,
  }),
  erase: z.object({ ...esimsTable, ...rechargesTable, ...subscribersTable, ...cardsTable, ...rechargeQueue, ...eraseQueue, ...stripe }),
  remind: z.object({ ...subscribersTable, ...rechargesTable, ...bus, REMIND_QUEUE_URL: url }),
  notify: z.object({ ...subscribersTable, ...payLinks, MAIL_FROM: textLike(/^[^@]+@[^@]+$/, "must be an e-mail address") }),
} as const;

export type FunctionName = keyof typeof environments;
export type EnvironmentOf<Name extends FunctionName> = z.infer<(typeof environments)[Name]>;

/** A function was deployed without what it needs; the message names every variable at fault. */
export class WrongEnvironment extends Error {
  override name = "WrongEnvironment";
}

/** Reads a function's environment, or stops it. */
export function readEnvironment<Name extends FunctionName>(name: Name, variables: Readonly<Record<string, string | undefined>>): EnvironmentOf<Name> {
  const result = z.safeParse(environments[name], variables);
  if (result.success) return result.data as EnvironmentOf<Name>; // TypeScript cannot follow the index through safeParse
  const faults = result.error.issues.map(({ path, message }) => {
    const value = variables[String(path[0])];
    return `${path.join(".")} ${value === undefined ? "is missing" : value === "" ? "is empty" : message}`;
  });
  throw new WrongEnvironment(`The function ${name} cannot start: ${faults.join(", ")}`);
}

/** LARGEST_RECHARGES, by currency. */
export function largestRecharges(text: string): Readonly<Record<string, number>> {
  const entries = text === "none" ? [] : text.split(",").map((entry) => entry.split(":"));
  return Object.fromEntries(entries.map(([currency, amount]) => [currency, Number(amount)]));
}

const text = z.string().check(z.minLength(1));

/** The secrets' JSON, as an operator writes it into Secrets Manager. */
export const secrets = {
  /**
   * `webhookSecrets`: of the endpoint at Stripe, `whsec_...`; two while one takes the other's place. Without it no webhook can be verified.
   *
   * `publishableKey`: `pk_...`, for the page of a pay link; without it that page cannot take a confirmation. `scriptUrl`: another Stripe.js than Stripe's own.
   */
  stripe: z.object({
    secretKey: text,
    baseUrl: z.optional(url),
    webhookSecrets: z.optional(z.array(text).check(z.minLength(1), z.maxLength(2))),
    publishableKey: z.optional(text),
    scriptUrl: z.optional(url),
  }),
  carrier: z.object({ baseUrl: url, secret: text }),
  lineHash: z.object({ key: text }),
  /** `previousKey`: of links that were sent before the key was changed; may go after a day, which no link outlives. */
  payLink: z.object({ key: text, previousKey: z.optional(text) }),
} as const;
