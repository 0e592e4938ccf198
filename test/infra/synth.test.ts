import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { testAssembly } from "../assembly.ts";
import { readStacks, readTemplates } from "./templates.ts";

const ROOT = join(import.meta.dirname, "../..");
const APP = [join(ROOT, "infra/app.ts")];
const CDK = [join(ROOT, "node_modules/aws-cdk/bin/cdk"), "synth", "--quiet"];
/** One takes 5 s alone; they share the machine with each other and with other tests. */
const SYNTHS_MILLISECONDS = 180_000;

const work = mkdtempSync(join(tmpdir(), "auto-recharge-synth-"));
const folder = (name: string) => join(work, name);

interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs node in this project as somebody without an AWS account would: no variables but these. */
function run(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), // the CDK's CLI runs "node infra/app.ts", and must find this Node
    HOME: work,
    CDK_DISABLE_CLI_TELEMETRY: "true",
    ...variables,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, args, { cwd: ROOT, env }, (_error, stdout, stderr) => resolve({ exitCode: child.exitCode ?? 1, stdout, stderr }));
    child.once("error", reject);
  });
}

/** Written by the CDK only when a synthesis was slow, and no part of what is deployed. */
const HOW_LONG_IT_TOOK = "performance-counters.json";

/** Every file of an assembly with a hash of what is in it. */
function contentsOf(assembly: string): Readonly<Record<string, string>> {
  const files = globSync("**", { cwd: assembly }).filter((path) => path !== HOW_LONG_IT_TOOK && statSync(join(assembly, path)).isFile());
  return Object.fromEntries(
    files.map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(assembly, path)))
        .digest("hex"),
    ]),
  );
}

/** The property by which a thing is found in an account and region, so that two stages must not use the same; `none` where it is found within another. */
const NAMES: Readonly<Record<string, string>> = {
  "AWS::ApiGatewayV2::Api": "Name",
  "AWS::ApiGatewayV2::Authorizer": "none",
  "AWS::ApiGatewayV2::Integration": "none",
  "AWS::ApiGatewayV2::Route": "none",
  "AWS::ApiGatewayV2::Stage": "none",
  "AWS::CloudWatch::Alarm": "AlarmName",
  "AWS::CloudWatch::Dashboard": "DashboardName",
  "AWS::Cognito::ManagedLoginBranding": "none",
  "AWS::Cognito::UserPool": "UserPoolName",
  "AWS::Cognito::UserPoolClient": "none",
  "AWS::Cognito::UserPoolDomain": "Domain",
  "AWS::Cognito::UserPoolResourceServer": "none",
  "AWS::DynamoDB::GlobalTable": "TableName",
  "AWS::Events::Archive": "ArchiveName",
  "AWS::Events::EventBus": "Name",
  "AWS::Events::Rule": "Name",
  "AWS::IAM::Policy": "none",
  "AWS::IAM::Role": "RoleName",
  "AWS::Lambda::EventSourceMapping": "none",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Lambda::Permission": "none",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::Logs::MetricFilter": "none",
  "AWS::Scheduler::Schedule": "Name",
  "AWS::SecretsManager::Secret": "Name",
  "AWS::SES::EmailIdentity": "EmailIdentity",
  "AWS::SNS::Topic": "TopicName",
  "AWS::SNS::TopicPolicy": "none",
  "AWS::SQS::Queue": "QueueName",
  "AWS::SQS::QueuePolicy": "none",
};

function namesIn(assembly: string): string[] {
  const given = readTemplates(assembly).all.flatMap(({ Type, Properties }) => {
    const property = NAMES[Type];
    if (property === undefined) throw new Error(`How is a ${Type} named? Two stages must not meet in it: say so in NAMES`);
    const name = Properties[property];
    return name === undefined ? [] : [`${Type} ${JSON.stringify(name)}`];
  });
  return [...readStacks(assembly).map(({ name }) => `stack ${name}`), ...given];
}

describe("the synthesis", () => {
  let results: Readonly<Record<"again" | "cli" | "prod" | "unknown", Awaited<ReturnType<typeof run>>>>;

  beforeAll(async () => {
    const [again, cli, prod, unknown] = await Promise.all([
      run(APP, { CDK_OUTDIR: folder("again") }),
      run([...CDK, "-o", folder("cli")]),
      run([...CDK, "-o", folder("prod"), "-c", "stage=prod"]),
      run(APP, { CDK_OUTDIR: folder("unknown"), STAGE: "staging" }),
    ]);
    results = { again, cli, prod, unknown };
  }, SYNTHS_MILLISECONDS);
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it("has nothing to say: no finding of the rules is left unexplained, and nothing warns", () => {
    expect(results.again).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    expect(results.cli.stderr).not.toMatch(/warning|error/i);
  });

  it("gives the same files to the byte when it is repeated", () => {
    expect(results.again).toMatchObject({ exitCode: 0 });
    expect(contentsOf(folder("again"))).toEqual(contentsOf(testAssembly()));
  });

  it("gives the same files to the byte from the CDK's CLI, without an account", () => {
    expect(results.cli).toMatchObject({ exitCode: 0 });
    expect(contentsOf(folder("cli"))).toEqual(contentsOf(testAssembly()));
  });

  it("makes the prod stage, which shares no name with dev", () => {
    expect(results.prod).toMatchObject({ exitCode: 0 });
    const [prod, dev] = [namesIn(folder("prod")), namesIn(testAssembly())];
    expect(prod).toHaveLength(dev.length);
    expect(dev).toContain('AWS::Logs::LogGroup "/aws/vendedlogs/auto-recharge-dev/api"');
    expect(prod.filter((name) => dev.includes(name))).toEqual([]);
  });

  it("refuses a stage that there is not, and names those that there are", () => {
    expect(results.unknown).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('There is no stage "staging" in infra/stages.ts; there are: dev, prod'),
    });
  });
});
