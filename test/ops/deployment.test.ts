import { describe, expect, it } from "@jest/globals";
import { DEPLOY_HELP, type DeployOrder, type DeployPorts, deploy, readDeployOrder } from "../../ops/deployment.ts";
import { type Template, template } from "../../ops/stateful-changes.ts";
import { UsageError } from "../../ops/verb.ts";

const STAGES = ["dev", "prod"];

describe("npm run deploy", () => {
  it("explains itself and every option with --help, whatever else is missing", () => {
    expect(readDeployOrder(["--help"], STAGES)).toBe(DEPLOY_HELP);
    for (const option of ["--stage", "--yes", "--accept-stateful", "--outputs", "--help"]) expect(DEPLOY_HELP).toContain(`\n  ${option}`);
  });

  it("takes the stage, what was accepted, and where the outputs go", () => {
    expect(readDeployOrder(["--stage", "dev"], STAGES)).toEqual({ stage: "dev", yes: false, accepted: [], outputs: "outputs.json" });
    expect(readDeployOrder(["--stage", "prod", "--yes", "--accept-stateful", "A", "--accept-stateful", "B", "--outputs", "prod.json"], STAGES)).toEqual({
      stage: "prod",
      yes: true,
      accepted: ["A", "B"],
      outputs: "prod.json",
    });
  });

  it.each([
    [[], "--stage must name a stage: a deployment has no default"],
    [["--stage", "staging"], 'There is no stage "staging" in infra/stages.ts; there are: dev, prod'],
    [["--stage", "toString"], 'There is no stage "toString"'],
    [["--stage"], "Option '--stage <value>' argument missing"],
    [["--stage", "dev", "--accept-stateful"], "Option '--accept-stateful <value>' argument missing"],
    [["--stage", "dev", "--outputs", ""], "--outputs must name a file"],
    [["--stage", "dev", "-c", "stage=prod"], "Unknown option '-c'"],
    [["prod"], "Unexpected argument 'prod'"],
  ])("says in one line what is wrong with %j", (args, message) => {
    const read = () => readDeployOrder(args, STAGES);
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
    expect(read).not.toThrow("\n");
  });
});

const DATA = "AutoRecharge-prod-Data";
const SERVICE = "AutoRecharge-prod-Service";
const table = (key: string) => ({
  Type: "AWS::DynamoDB::GlobalTable",
  DeletionPolicy: "Retain",
  UpdateReplacePolicy: "Retain",
  Properties: { KeySchema: [{ AttributeName: key, KeyType: "HASH" }] },
});
const stackOf = (...tables: readonly string[]): Template => template.parse({ Resources: Object.fromEntries(tables.map((name) => [name, table("id")])) });
const EMPTY = stackOf();

/** A world in which `deployed` stands in the account and `next` is what is synthesized. */
function world({
  deployed = { [DATA]: stackOf("Esims"), [SERVICE]: EMPTY },
  next = stackOf("Esims"),
  answer,
  failing = [],
}: {
  readonly deployed?: Readonly<Record<string, Template>>;
  readonly next?: Template;
  /** What the operator types; undefined: nobody is there. */
  readonly answer?: string;
  /** Words of the commands of the CDK that end with 1. */
  readonly failing?: readonly string[];
} = {}) {
  const commands: string[] = [];
  const asked: string[] = [];
  const printed: string[] = [];
  const ports: DeployPorts = {
    cdk: async (args) => {
      commands.push(args.join(" "));
      return failing.some((word) => args.includes(word)) ? 1 : 0;
    },
    readStacks: () => [
      { name: DATA, template: next },
      { name: SERVICE, template: EMPTY },
    ],
    deployedTemplate: async (name) => deployed[name],
    ask: async (question) => {
      asked.push(question.trim());
      return answer;
    },
    print: (line) => printed.push(line),
  };
  const order: DeployOrder = { stage: "prod", yes: false, accepted: [], outputs: "outputs.json" };
  return {
    commands,
    asked,
    printed: () => printed.join("\n"),
    isDeployed: () => commands.some((command) => command.startsWith("deploy ")),
    run: (more: Partial<DeployOrder> = {}) => deploy(ports, { ...order, ...more }, "assembly"),
  };
}

describe("a deployment", () => {
  it("shows the difference, asks, and deploys what was shown: Data before Service", async () => {
    const { run, commands, asked } = world({ answer: "yes" });
    expect(await run()).toBe(true);
    expect(asked).toEqual(["Deploy stage prod? (yes)"]);
    expect(commands).toEqual([
      "synth --quiet --context stage=prod --output assembly",
      `diff --app assembly --fail-on never ${DATA} ${SERVICE}`,
      `diff --app assembly --quiet --exclusively --fail-on destructive ${DATA}`,
      `deploy --app assembly --require-approval never --outputs-file outputs.json ${DATA} ${SERVICE}`,
    ]);
  });

  it("says of a stack that is not there yet that it is made, and still asks", async () => {
    const { run, asked, printed } = world({ deployed: {}, answer: "yes" });
    expect(await run()).toBe(true);
    expect(printed()).toContain(`${DATA} is not there yet: it is made.`);
    expect(asked).toHaveLength(1);
  });

  it.each(["no", "y", "", "prod"])("is not made when the operator answers %j", async (answer) => {
    const { run, isDeployed, printed } = world({ answer });
    expect(await run()).toBe(false);
    expect(isDeployed()).toBe(false);
    expect(printed()).toContain("Nothing was deployed.");
  });

  it("is not made when nobody is there to ask, unless --yes was said", async () => {
    const silent = world();
    expect(await silent.run()).toBe(false);
    expect(silent.isDeployed()).toBe(false);
    expect(silent.printed()).toContain("say --yes");

    const machine = world();
    expect(await machine.run({ yes: true })).toBe(true);
    expect(machine.asked).toEqual([]);
    expect(machine.isDeployed()).toBe(true);
  });

  it.each([
    ["synth", "The stacks cannot be synthesized."],
    ["never", "The CDK cannot say what would change."],
  ])("is not made when the CDK fails at %s", async (word, says) => {
    const { run, isDeployed, printed } = world({ failing: [word] });
    expect(await run({ yes: true })).toBe(false);
    expect(isDeployed()).toBe(false);
    expect(printed()).toContain(says);
  });

  it("that CloudFormation refuses is told as one that failed", async () => {
    const { run, printed } = world({ failing: ["deploy"] });
    expect(await run({ yes: true })).toBe(false);
    expect(printed()).toContain("The deployment failed. See docs/deploy.md#when-a-deployment-fails");
  });
});

describe("a deployment that can lose data", () => {
  const renamed = { next: stackOf("Lines") };

  it("names what is at risk, and is made when the operator types the stage's name", async () => {
    const { run, asked, printed, isDeployed } = world({ ...renamed, answer: "prod" });
    expect(await run()).toBe(true);
    expect(isDeployed()).toBe(true);
    expect(asked).toEqual(["Type the stage's name to have it so:"]);
    expect(printed()).toContain("Esims (AWS::DynamoDB::GlobalTable) leaves the stack, and stays in the account: the stage goes on with an empty table");
  });

  it.each(["yes", "", "dev", "PROD"])("is not made when they type %j", async (answer) => {
    const { run, isDeployed } = world({ ...renamed, answer });
    expect(await run()).toBe(false);
    expect(isDeployed()).toBe(false);
  });

  it("is not made by --yes, which does not answer that", async () => {
    const { run, isDeployed, printed } = world(renamed);
    expect(await run({ yes: true })).toBe(false);
    expect(isDeployed()).toBe(false);
    expect(printed()).toContain("Where it is wanted: --accept-stateful Esims");
  });

  it("is made without a person where each of its changes was accepted by name", async () => {
    const both = { deployed: { [DATA]: stackOf("Esims", "Cards"), [SERVICE]: EMPTY }, next: stackOf("Lines") };
    const half = world(both);
    expect(await half.run({ yes: true, accepted: ["Esims"] })).toBe(false);
    expect(half.isDeployed()).toBe(false);

    const whole = world(both);
    expect(await whole.run({ yes: true, accepted: ["Esims", "Cards"] })).toBe(true);
    expect(whole.printed()).toContain("[accepted]");
  });

  it("still asks whether to deploy at all where its changes were accepted, and --yes was not said", async () => {
    const { run, asked } = world({ ...renamed, answer: "yes" });
    expect(await run({ accepted: ["Esims"] })).toBe(true);
    expect(asked).toEqual(["Deploy stage prod? (yes)"]);
  });

  it("is seen by the CDK too, where the templates do not show it", async () => {
    const { run, isDeployed, printed } = world({ failing: ["destructive"] });
    expect(await run({ yes: true })).toBe(false);
    expect(isDeployed()).toBe(false);
    expect(printed()).toContain(`${DATA} (stack) the CDK finds a replacement or a removal in it`);

    const accepted = world({ failing: ["destructive"] });
    expect(await accepted.run({ yes: true, accepted: [DATA] })).toBe(true);
  });

  it("is refused as a mistake where something is accepted that is not at risk: it would lie in wait in a script", async () => {
    const { run, isDeployed } = world();
    await expect(run({ yes: true, accepted: ["Esims"] })).rejects.toThrow("--accept-stateful names Esims, which this deployment does not put at risk");
    expect(isDeployed()).toBe(false);
  });
});
