import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { type App, Stack, Validations } from "aws-cdk-lib";
import { CfnQueue, Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks, type IApplyRule, ServerlessChecks } from "cdk-nag";
import type { IConstruct } from "constructs";
import * as z from "zod/mini";
import { checkStacks } from "../../infra/checks.ts";
import { stageNamed } from "../../infra/stages.ts";
import { appOf, emptyApp } from "./app-in-process.ts";

const folder = mkdtempSync(join(tmpdir(), "checks-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the synthesis", () => {
  it("fails on a finding that nobody has explained", () => {
    const app = emptyApp(folder);
    checkStacks(app);
    new Queue(new Stack(app, "Stack"), "Queue", { enforceSSL: true });
    expect(() => app.synth()).toThrow(/ERROR The SQS queue does not have a redrive policy configured/);
  });

  it("fails on a template that CloudFormation would refuse", () => {
    const app = emptyApp(folder);
    new CfnQueue(new Stack(app, "Stack"), "Queue", { visibilityTimeout: 1_000_000 });
    expect(() => app.synth()).toThrow(/ERROR VisibilityTimeout: 1000000 is greater than the maximum/);
  });

  it("goes through with what somebody has explained", () => {
    const app = emptyApp(folder);
    checkStacks(app);
    const queue = new Queue(new Stack(app, "Stack"), "Queue", { enforceSSL: true });
    Validations.of(queue).acknowledge({ id: "AwsSolutions-SQS3", reason: "a test" }, { id: "Serverless-SQSRedrivePolicy", reason: "a test" });
    expect(() => app.synth()).not.toThrow();
  });
});

interface Finding {
  readonly path: string;
  readonly id: string;
}

/** Everything that a pack finds, acknowledged or not. */
function findingsIn(app: App): Finding[] {
  const findings: Finding[] = [];
  const note = (pack: string, { node, rule, ruleSuffixOverride }: IApplyRule) => {
    const result = rule(node);
    const id = `${pack}-${ruleSuffixOverride ?? rule.name}`;
    if (Array.isArray(result)) findings.push(...result.map((each) => ({ path: node.node.path, id: `${id}[${each}]` })));
    else if (result === "Non-Compliant") findings.push({ path: node.node.path, id });
  };
  class AwsSolutions extends AwsSolutionsChecks {
    protected override applyRule(rule: IApplyRule) {
      note("AwsSolutions", rule);
    }
  }
  class Serverless extends ServerlessChecks {
    protected override applyRule(rule: IApplyRule) {
      note("Serverless", rule);
    }
  }
  for (const pack of [new AwsSolutions(app), new Serverless(app)]) pack.validateScope(app);
  return findings;
}

const acknowledged = z.record(z.string(), z.string());

/** What was acknowledged at a construct, with the reasons. */
function acknowledgementsAt({ node }: IConstruct) {
  return node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.entries(z.parse(acknowledged, data)))
    .map(([id, reason]) => ({ path: node.path, id: id.replace(/^Annotation::/, ""), reason }));
}

describe("what the rules find in the stacks", () => {
  const app = appOf(stageNamed("dev"), folder);
  app.synth(); // so that references from stack to stack are what a synthesis makes of them
  const findings = findingsIn(app);
  const acknowledgements = app.node.findAll().flatMap(acknowledgementsAt);
  const covers = (path: string, finding: Finding) => finding.path === path || finding.path.startsWith(`${path}/`);

  it("is explained, each thing at its resource or above", () => {
    expect(findings.length).toBeGreaterThan(50);
    expect(findings.filter((finding) => !acknowledgements.some(({ path, id }) => id === finding.id && covers(path, finding)))).toEqual([]);
  });

  it("is found indeed where it is explained: no explanation outlives its reason", () => {
    expect(acknowledgements.filter(({ path, id }) => !findings.some((finding) => finding.id === id && covers(path, finding)))).toEqual([]);
  });

  it("is explained in words", () => {
    for (const { reason } of acknowledgements) expect(reason).toMatch(/^[A-Z].{40,}\.$/);
  });
});
