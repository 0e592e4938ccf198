import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { CloudFormationClient, CloudFormationServiceException, GetTemplateCommand } from "@aws-sdk/client-cloudformation";
import * as z from "zod/mini";
import { AWS_LIMITS } from "../functions/adapters/aws-limits.ts";
import { STAGES } from "../infra/stages.ts";
import { readAssembly } from "../local/cloud/assembly.ts";
import { type DeployPorts, deploy, readDeployOrder } from "./deployment.ts";
import { template } from "./stateful-changes.ts";
import { UsageError } from "./verb.ts";

/** `npm run deploy`: the CDK's command line, and a question in between. */

const ROOT = join(import.meta.dirname, "..");

/** Runs the `cdk` of the PATH, which npm points at this project's, in the region in which the deployed templates were read. */
function runCdk(region: string): DeployPorts["cdk"] {
  const env = { ...process.env, AWS_REGION: region, AWS_DEFAULT_REGION: region };
  return (args) =>
    new Promise((resolve, reject) => {
      const child = spawn("cdk", args, { cwd: ROOT, env, stdio: "inherit" });
      child.once("error", () => reject(new UsageError("There is no program cdk: use npm run deploy, after npm ci")));
      child.once("close", (code) => resolve(code ?? 1));
    });
}

/** The template as it was given to CloudFormation, not what became of it there. */
function deployedTemplates(client: CloudFormationClient): DeployPorts["deployedTemplate"] {
  return async (StackName) => {
    try {
      const { TemplateBody } = await client.send(new GetTemplateCommand({ StackName, TemplateStage: "Original" }));
      return z.parse(template, JSON.parse(TemplateBody ?? ""));
    } catch (error) {
      if (error instanceof CloudFormationServiceException && error.name === "ValidationError" && error.message.includes("does not exist")) return undefined;
      throw new Error(
        `What is deployed as ${StackName} cannot be read (cloudformation:GetTemplate): ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

async function regionOf(stage: string): Promise<string> {
  const told = STAGES[stage]?.env?.region || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION; // a variable may be empty
  try {
    return told || (await new CloudFormationClient().config.region()); // the profile's
  } catch {
    throw new UsageError("In which region? Set env of the stage in infra/stages.ts, or AWS_REGION, or the profile's region");
  }
}

async function main(): Promise<void> {
  const order = readDeployOrder(process.argv.slice(2), Object.keys(STAGES));
  if (typeof order === "string") return console.log(order);
  const region = await regionOf(order.stage);
  const assembly = mkdtempSync(join(tmpdir(), "auto-recharge-deploy-"));
  const client = new CloudFormationClient({ region, ...AWS_LIMITS });
  try {
    const ports: DeployPorts = {
      cdk: runCdk(region),
      readStacks: (folder) =>
        readAssembly(folder).stacks.map(({ stackName, template: synthesized }) => ({ name: stackName, template: z.parse(template, synthesized) })),
      deployedTemplate: deployedTemplates(client),
      ask,
      print: (line) => console.log(line),
    };
    if (!(await deploy(ports, order, assembly))) process.exitCode = 1;
  } finally {
    client.destroy();
    rmSync(assembly, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
