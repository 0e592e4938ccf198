import type { environments, FunctionName } from "../functions/contracts/environment.ts";

export type VariableName = { [Name in FunctionName]: keyof (typeof environments)[Name]["shape"] }[FunctionName];

interface Values {
  readonly good: string;
  /** There, and not what the variable must be. */
  readonly wrong: readonly string[];
  /** What is said of those. */
  readonly says: string;
}

const table = { wrong: [" ", "Es", "the table", "arn:aws:dynamodb:us-east-1:111122223333:table/Esims", "x".repeat(256)], says: "must be the name of a table" };
const url = {
  wrong: [" ", "Recharge", "Recharge:1", "sqs.us-east-1.amazonaws.com/1/Recharge", "ftp://example.org/"],
  says: "must be an address that starts with https:// or http://",
};
const secretArn = { wrong: [" ", "Carrier", "arn:aws:s3:::carrier", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"], says: "must be the ARN of a secret" };
const secretNamed = (name: string) => ({ good: `arn:aws:secretsmanager:us-east-1:111122223333:secret:${name}-a1b2c3`, ...secretArn });

/** A good value for each variable of any function, and wrong ones: a variable that is missing here does not compile. */
export const VALUES: Readonly<Record<VariableName, Values>> = {
  ESIMS_TABLE: { good: "Esims", ...table },
  RECHARGES_TABLE: { good: "Recharges", ...table },
  SUBSCRIBERS_TABLE: { good: "Subscribers", ...table },
  CARDS_TABLE: { good: "Cards", ...table },
  CONTROLS_TABLE: { good: "Controls", ...table },
  RECHARGE_QUEUE_URL: { good: "https://sqs.us-east-1.amazonaws.com/111122223333/Recharge", ...url },
  CHECK_BALANCES_QUEUE_URL: { good: "http://127.0.0.1:9324/000000000000/CheckBalances", ...url },
  RECONCILE_QUEUE_URL: { good: "https://sqs.us-east-1.amazonaws.com/111122223333/Reconcile", ...url },
  ERASE_QUEUE_URL: { good: "https://sqs.us-east-1.amazonaws.com/111122223333/Erase", ...url },
  API_URL: { good: "https://abc123.execute-api.us-east-1.amazonaws.com", ...url },
  REMIND_QUEUE_URL: { good: "https://sqs.us-east-1.amazonaws.com/111122223333/Remind", ...url },
  EVENT_BUS_NAME: {
    good: "auto-recharge-dev",
    wrong: [" ", "arn:aws:events:us-east-1:111122223333:event-bus/x", "the bus"],
    says: "must be the name of an event bus",
  },
  CARRIER_SECRET_ARN: secretNamed("Carrier"),
  CARRIER_ANSWERS: { good: "once", wrong: ["maybe", "Final", "true"], says: "must be final or once" },
  ISSUER_URL: { good: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc", ...url },
  HASH_RANGES: { good: "1", wrong: ["0", "01", "257", "300", "1000", "-1", "1.5", "1e2", " 1", "two"], says: "must be a whole number from 1 to 256" },
  LARGEST_RECHARGES: {
    good: "CNY:50000,USD:7000",
    wrong: ["CNY", "CNY:0", "cny:1", "CNY:1;USD:2", "CNY:1,"],
    says: "must be none, or amounts such as CNY:50000,USD:7000",
  },
  REQUESTS_PER_HOUR: { good: "1200", wrong: ["0", "-1", "1.5", "1e3", "many", " "], says: "must be a whole number from 1 to 999999999" },
  REUSABLE_ALIPAY: { good: "off", wrong: ["true", "On", "1"], says: "must be on or off" },
  STAGE: { good: "dev", wrong: [" ", "Prod", "prod 1"], says: "must be the name of a stage" },
  STRIPE_SECRET_ARN: secretNamed("Stripe"),
  PAY_LINK_SECRET_ARN: secretNamed("PayLink"),
  LINE_HASH_SECRET_ARN: secretNamed("LineHash"),
  CARRIER_READ_INTERVAL_SECONDS: {
    good: "300",
    wrong: ["900", "999", "1000", "-1", "1.5", "5m", " "],
    says: "must be a whole number of seconds from 0 to 899",
  },
  MAIL_FROM: { good: "notices@example.org", wrong: [" ", "notices", "@example.org", "a@b@c"], says: "must be an e-mail address" },
};

export const GOOD_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(VALUES).map(([variable, { good }]) => [variable, good]));
