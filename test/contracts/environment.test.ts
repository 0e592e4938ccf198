import { afterAll, describe, expect, it } from "@jest/globals";
import { environments, type FunctionName, readEnvironment, secrets, WrongEnvironment } from "../../functions/contracts/environment.ts";
import { functionHost, listFunctions } from "../../local/cloud/functions.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { testAssembly } from "../assembly.ts";
import { GOOD_ENVIRONMENT, VALUES, type VariableName } from "../environment-values.ts";

const FUNCTIONS: { readonly [Name in FunctionName]: Name } = {
  rules: "rules",
  esims: "esims",
  family: "family",
  recharges: "recharges",
  "payment-methods": "payment-methods",
  me: "me",
  pay: "pay",
  "api-docs": "api-docs",
  "stripe-webhook": "stripe-webhook",
  "plan-checks": "plan-checks",
  "check-balances": "check-balances",
  recharge: "recharge",
  sweep: "sweep",
  notify: "notify",
  reconcile: "reconcile",
  erase: "erase",
  remind: "remind",
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
  const cannotStart = (fault: string) => `The function ${name} cannot start: ${fault}`;

  it("is read from the variables that it names, and from no others", () => {
    expect(readEnvironment(name, { ...GOOD_ENVIRONMENT, PATH: "/bin", AWS_REGION: "us-east-1" })).toEqual(
      Object.fromEntries(variables.map(([variable, { good }]) => [variable, good])),
    );
  });

  it("is refused with every missing variable named at once", () => {
    const faults = Object.keys(environments[name].shape).map((variable) => `${variable} is missing`);
    expect(faultOf(name, {})).toBe(cannotStart(faults.join(", ")));
  });

  it.each(variables)("is refused without %s, or with one that is empty or wrong, which it names and does not quote", (variable, { wrong, says }) => {
    const faultWith = (value: string | undefined) => faultOf(name, { ...GOOD_ENVIRONMENT, [variable]: value });
    expect(faultWith(undefined)).toBe(cannotStart(`${variable} is missing`));
    expect(faultWith("")).toBe(cannotStart(`${variable} is empty`));
    for (const value of wrong) expect([value, faultWith(value)]).toEqual([value, cannotStart(`${variable} ${says}`)]);
  });
});

describe("a variable", () => {
  const isTaken = (name: FunctionName, variable: VariableName, value: string) => faultOf(name, { ...GOOD_ENVIRONMENT, [variable]: value }) === "no fault";

  it("cuts slots into 1 to 256 ranges", () => {
    for (const value of ["1", "9", "10", "99", "100", "199", "249", "256"]) expect(isTaken("plan-checks", "HASH_RANGES", value)).toBe(true);
  });

  it("takes a reading for new for 0 to 899 seconds", () => {
    for (const value of ["0", "60", "300", "899"]) expect(isTaken("recharge", "CARRIER_READ_INTERVAL_SECONDS", value)).toBe(true);
  });

  it("says how long a carrier stands by its answers", () => {
    for (const value of ["final", "once"]) expect(isTaken("recharge", "CARRIER_ANSWERS", value)).toBe(true);
  });
});

describe("the secret of Stripe", () => {
  const isTaken = (more: object) => secrets.stripe.safeParse({ secretKey: "sk_test_1", ...more }).success;

  it("holds the secrets of the webhooks too: one, or two while one takes the other's place, or none yet", () => {
    for (const webhookSecrets of [undefined, ["whsec_1"], ["whsec_1", "whsec_2"]]) expect(isTaken({ webhookSecrets })).toBe(true);
    for (const webhookSecrets of [null, "whsec_1", [], [""], ["a", "b", "c"], [1]])
      expect([webhookSecrets, isTaken({ webhookSecrets })]).toEqual([webhookSecrets, false]);
  });
});

describe("a function of the stacks", () => {
  const graph = loadStacks(testAssembly(), { region: "us-east-1", queueUrl: (queue) => `http://127.0.0.1:9/${queue}`, attributes: () => "http://127.0.0.1:9" });
  const deployed = listFunctions(graph);
  function nameOf({ POWERTOOLS_SERVICE_NAME: service }: Readonly<Record<string, string>>): FunctionName {
    const name = Object.values(FUNCTIONS).find((each) => each === service);
    if (name === undefined) throw new Error(`Nobody knows the function ${service}`);
    return name;
  }
  const hosts: { close(): Promise<void> }[] = [];
  afterAll(async () => void (await Promise.all(hosts.map((host) => host.close()))));

  /** What a bundled function ends with when it is started with these variables. */
  async function endsWith(described: (typeof deployed)[number], environment: Readonly<Record<string, string>>): Promise<string> {
    const host = functionHost({ functions: [{ ...described, environment }], region: "us-east-1", endpoints: {}, onLog: () => {} });
    hosts.push(host);
    return host.invoke(described.name, {}).then(
      () => "started",
      (error: unknown) => String(error),
    );
  }

  it("is one of these", () => {
    expect(new Set(deployed.map(({ environment }) => environment.POWERTOOLS_SERVICE_NAME))).toEqual(new Set(Object.values(FUNCTIONS)));
  });

  it.each(deployed)("has in $name what it needs and nothing else", ({ environment }) => {
    const { POWERTOOLS_SERVICE_NAME: _log, POWERTOOLS_METRICS_NAMESPACE: _metrics, ...variables } = environment;
    expect(readEnvironment(nameOf(environment), environment)).toEqual(variables);
  });

  it.each(deployed)("ends at its start without its variables, which it names: $name", async (described) => {
    const { environment } = described;
    const name = nameOf(environment);
    const missing = Object.keys(environments[name].shape).map((variable) => `${variable} is missing`);
    expect(await endsWith(described, {})).toContain(`The function ${name} cannot start: ${missing.join(", ")}`);
  });

  it.each(deployed)("ends at its start with an empty variable, which it names: $name", async (described) => {
    const { environment } = described;
    const name = nameOf(environment);
    const [variable = ""] = Object.keys(environments[name].shape);
    expect(await endsWith(described, { ...environment, [variable]: "" })).toContain(`The function ${name} cannot start: ${variable} is empty`);
  });
});
