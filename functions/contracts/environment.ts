import * as z from "zod/mini";

const text = z.string().check(z.minLength(1));
const url = z.url();

const esimsTable = { ESIMS_TABLE: text };
const rechargesTable = { RECHARGES_TABLE: text };
const subscribersTable = { SUBSCRIBERS_TABLE: text };
const cardsTable = { CARDS_TABLE: text };
const controlsTable = { CONTROLS_TABLE: text };
const rechargeQueue = { RECHARGE_QUEUE_URL: url };
const checkQueue = { CHECK_BALANCES_QUEUE_URL: url };
const bus = { EVENT_BUS_NAME: text };
/** `CARRIER_ANSWERS`: `final` if the carrier keeps its first answer per reference, `once` if it cannot promise that. */
const carrier = { CARRIER_SECRET_ARN: text, CARRIER_ANSWERS: z.enum(["final", "once"]) };

/** What each function is given. The stacks are type-checked against this, and a function that lacks a variable stops at start-up and names it. */
export const environments = {
  rules: z.object({ ...esimsTable, ...subscribersTable, ...cardsTable, ...rechargeQueue, ...carrier, ISSUER_URL: url }),
  esims: z.object({ ...esimsTable, ...subscribersTable, ...carrier, ISSUER_URL: url }),
  recharges: z.object({ ...esimsTable, ...rechargesTable }),
  "plan-checks": z.object({ ...controlsTable, ...checkQueue, HASH_RANGES: z.string().check(z.regex(/^([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-6])$/)) }),
  "check-balances": z.object({ ...esimsTable, ...checkQueue, ...rechargeQueue, ...bus, ...carrier }),
  recharge: z.object({
    ...esimsTable,
    ...rechargesTable,
    ...subscribersTable,
    ...cardsTable,
    ...rechargeQueue,
    ...bus,
    ...carrier,
    STAGE: text,
    STRIPE_SECRET_ARN: text,
    LINE_HASH_SECRET_ARN: text,
    /** A balance that the carrier read within this many seconds is as good as a new one; below 900, the shortest cooldown. */
    CARRIER_READ_INTERVAL_SECONDS: z.string().check(z.regex(/^[1-8]?\d{1,2}$/)),
  }),
  sweep: z.object({ ...esimsTable, ...rechargeQueue }),
  notify: z.object({ ...subscribersTable, MAIL_FROM: text }),
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
  const faults = result.error.issues.map(
    (issue) => `${issue.path.join(".")} ${variables[String(issue.path[0])] === undefined ? "is missing" : "is not valid"}`,
  );
  throw new WrongEnvironment(`The function ${name} cannot start: ${faults.join(", ")}`);
}

/** The secrets' JSON, as an operator writes it into Secrets Manager. */
export const secrets = {
  stripe: z.object({ secretKey: text, baseUrl: z.optional(url) }),
  carrier: z.object({ baseUrl: url, secret: text }),
  lineHash: z.object({ key: text }),
} as const;
