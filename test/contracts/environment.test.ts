import { describe, expect, it } from "@jest/globals";
import { environments, type FunctionName, readEnvironment, WrongEnvironment } from "../../functions/contracts/environment.ts";

type VariableName = { [Name in FunctionName]: keyof (typeof environments)[Name]["shape"] }[FunctionName];

/** A good value for each variable of any function, and one that is there and wrong: a variable that is missing here does not compile. */
const VALUES: Readonly<Record<VariableName, { readonly good: string; readonly wrong: string }>> = {
  ESIMS_TABLE: { good: "Esims", wrong: "" },
  RECHARGES_TABLE: { good: "Recharges", wrong: "" },
  SUBSCRIBERS_TABLE: { good: "Subscribers", wrong: "" },
  CARDS_TABLE: { good: "Cards", wrong: "" },
  CONTROLS_TABLE: { good: "Controls", wrong: "" },
  RECHARGE_QUEUE_URL: { good: "https://sqs.us-east-1.amazonaws.com/111122223333/Recharge", wrong: "Recharge" },
  CHECK_BALANCES_QUEUE_URL: { good: "https://sqs.us-east-1.amazonaws.com/111122223333/CheckBalances", wrong: "CheckBalances" },
  EVENT_BUS_NAME: { good: "auto-recharge-dev", wrong: "" },
  CARRIER_SECRET_ARN: { good: "arn:aws:secretsmanager:us-east-1:111122223333:secret:Carrier-a1b2c3", wrong: "" },
  CARRIER_ANSWERS: { good: "once", wrong: "maybe" },
  ISSUER_URL: { good: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc", wrong: "us-east-1_abc" },
  HASH_RANGES: { good: "1", wrong: "0" },
  STAGE: { good: "dev", wrong: "" },
  STRIPE_SECRET_ARN: { good: "arn:aws:secretsmanager:us-east-1:111122223333:secret:Stripe-a1b2c3", wrong: "" },
  LINE_HASH_SECRET_ARN: { good: "arn:aws:secretsmanager:us-east-1:111122223333:secret:LineHash-a1b2c3", wrong: "" },
  CARRIER_READ_INTERVAL_SECONDS: { good: "300", wrong: "900" },
  MAIL_FROM: { good: "notices@example.org", wrong: "" },
};

const GOOD = Object.fromEntries(Object.entries(VALUES).map(([variable, { good }]) => [variable, good]));

const FUNCTIONS: { readonly [Name in FunctionName]: Name } = {
  rules: "rules",
  esims: "esims",
  recharges: "recharges",
  "plan-checks": "plan-checks",
  "check-balances": "check-balances",
  recharge: "recharge",
  sweep: "sweep",
  notify: "notify",
};

function faultOf(name: FunctionName, variables: Readonly<Record<string, string | undefined>>): string {
  try {
    readEnvironment(name, variables);
  } catch (error) {
    if (error instanceof WrongEnvironment) return error.message;
    throw error;
  }
  return "no fault";
}

describe.each(Object.values(FUNCTIONS))("the environment of %s", (name) => {
  const variables = Object.entries(VALUES).filter(([variable]) => variable in environments[name].shape);

  it("is read from the variables that it names, and from no others", () => {
    expect(readEnvironment(name, { ...GOOD, PATH: "/bin", AWS_REGION: "us-east-1" })).toEqual(
      Object.fromEntries(variables.map(([variable, { good }]) => [variable, good])),
    );
  });

  it("is refused with every missing variable named at once", () => {
    const faults = Object.keys(environments[name].shape).map((variable) => `${variable} is missing`);
    expect(faultOf(name, {})).toBe(`The function ${name} cannot start: ${faults.join(", ")}`);
  });

  it("is refused when one variable is missing, which it names", () => {
    for (const [variable] of variables) {
      expect(faultOf(name, { ...GOOD, [variable]: undefined })).toBe(`The function ${name} cannot start: ${variable} is missing`);
    }
  });

  it("is refused when one variable is wrong, which it names", () => {
    for (const [variable, { wrong }] of variables) {
      expect(faultOf(name, { ...GOOD, [variable]: wrong })).toBe(`The function ${name} cannot start: ${variable} is not valid`);
    }
  });
});

describe("a variable", () => {
  const isTaken = (name: FunctionName, variable: VariableName, value: string) => faultOf(name, { ...GOOD, [variable]: value }) === "no fault";

  it("cuts slots into 1 to 256 ranges", () => {
    for (const value of ["1", "9", "10", "99", "100", "199", "249", "256"]) expect(isTaken("plan-checks", "HASH_RANGES", value)).toBe(true);
    for (const value of ["", "0", "01", "257", "300", "1000", "-1", "1.5", "1e2", " 1", "two"])
      expect(isTaken("plan-checks", "HASH_RANGES", value)).toBe(false);
  });

  it("takes a reading for new for 0 to 899 seconds", () => {
    for (const value of ["0", "60", "300", "899"]) expect(isTaken("recharge", "CARRIER_READ_INTERVAL_SECONDS", value)).toBe(true);
    for (const value of ["", "900", "999", "1000", "-1", "1.5", "5m"]) expect(isTaken("recharge", "CARRIER_READ_INTERVAL_SECONDS", value)).toBe(false);
  });

  it("says how long a carrier stands by its answers", () => {
    for (const value of ["final", "once"]) expect(isTaken("recharge", "CARRIER_ANSWERS", value)).toBe(true);
    for (const value of ["", "true", "Final"]) expect(isTaken("recharge", "CARRIER_ANSWERS", value)).toBe(false);
  });

  it("is not quoted when it is wrong", () => expect(faultOf("sweep", { ...GOOD, RECHARGE_QUEUE_URL: "s3cret" })).not.toContain("s3cret"));
});
