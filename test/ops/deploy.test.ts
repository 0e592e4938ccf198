import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { readAssembly } from "../../local/cloud/assembly.ts";
import { testAssembly } from "../assembly.ts";

// The whole program as npm runs it, with another cdk on the PATH and another CloudFormation: what is before the CDK's command line. That itself, and AWS, were never run.

const ROOT = join(import.meta.dirname, "../..");
const work = mkdtempSync(join(tmpdir(), "auto-recharge-deploy-test-"));
const called = join(work, "called");
const programs = join(work, "bin");

/** Keeps what it was told, "synthesizes" the assembly of this run, and fails at the words in FAIL_AT. */
const FAKE_CDK = `#!${process.execPath}
const { appendFileSync, cpSync } = require("node:fs");
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(called)}, args.join(" ") + " in " + process.env.AWS_REGION + "\\n");
if (args[0] === "synth") cpSync(${JSON.stringify(testAssembly())}, args[args.indexOf("--output") + 1], { recursive: true });
process.exit(args.includes(process.env.FAIL_AT) ? 1 : 0);
`;

/** What CloudFormation has, by stack. */
const deployed = new Map<string, string>();
let cloudFormation: Server;

beforeAll(async () => {
  mkdirSync(programs);
  writeFileSync(join(programs, "cdk"), FAKE_CDK);
  chmodSync(join(programs, "cdk"), 0o755);
  const text = (value: string) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  cloudFormation = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      const asked = new URLSearchParams(body);
      const name = asked.get("StackName") ?? "";
      const template = deployed.get(name);
      response.setHeader("content-type", "text/xml");
      if (asked.get("Action") !== "GetTemplate" || asked.get("TemplateStage") !== "Original") return response.writeHead(500).end();
      if (template === "denied") {
        return response.writeHead(403).end("<ErrorResponse><Error><Code>AccessDenied</Code><Message>not yours</Message></Error></ErrorResponse>");
      }
      if (template === undefined) {
        const message = `Stack with id ${name} does not exist`;
        return response.writeHead(400).end(`<ErrorResponse><Error><Code>ValidationError</Code><Message>${message}</Message></Error></ErrorResponse>`);
      }
      return response.end(`<GetTemplateResponse><GetTemplateResult><TemplateBody>${text(template)}</TemplateBody></GetTemplateResult></GetTemplateResponse>`);
    });
  });
  await new Promise<void>((resolve) => cloudFormation.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  deployed.clear();
  rmSync(called, { force: true });
});
afterAll(async () => {
  await new Promise((resolve) => cloudFormation.close(resolve));
  rmSync(work, { recursive: true, force: true });
});

/** `node ops/deploy.ts`, with nobody at the terminal. */
function runDeploy(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<{ readonly code: number; readonly output: string }> {
  const { port } = cloudFormation.address() as AddressInfo;
  const env = {
    PATH: [programs, dirname(process.execPath)].join(delimiter),
    HOME: work,
    TMPDIR: work,
    AWS_REGION: "ap-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
    ...variables,
  };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(ROOT, "ops/deploy.ts"), ...args], { cwd: work, env }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? 1, output: `${stdout}${stderr}` }),
    );
    child.stdin?.end();
  });
}

const commands = () => readFileSync(called, "utf8").trim().split("\n");
const [data, service] = readAssembly(testAssembly()).stacks;
const DATA = data?.stackName ?? "";
const SERVICE = service?.stackName ?? "";

/** As if this commit had been deployed, with one more table. */
function deployAll({ besides }: { readonly besides?: string } = {}): void {
  for (const { stackName, template } of readAssembly(testAssembly()).stacks) deployed.set(stackName, JSON.stringify(template));
  if (besides === undefined) return;
  const { Resources, ...rest } = JSON.parse(deployed.get(DATA) ?? "");
  deployed.set(DATA, JSON.stringify({ ...rest, Resources: { ...Resources, [besides]: { Type: "AWS::DynamoDB::GlobalTable", DeletionPolicy: "Retain" } } }));
}

describe("the program npm run deploy", () => {
  it("deploys both stacks for the first time with --yes, in the region in which it looked", async () => {
    const { code, output } = await runDeploy(["--stage", "dev", "--yes"]);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(`${DATA} is not there yet: it is made.`) });
    expect(commands().map((command) => command.split(" ")[0])).toEqual(["synth", "diff", "diff", "deploy"]);
    expect(commands().at(-1)).toMatch(new RegExp(`--outputs-file outputs.json ${DATA} ${SERVICE} in ap-east-1$`));
  });

  it("finds nothing at risk when the same is deployed again", async () => {
    deployAll();
    const { code, output } = await runDeploy(["--stage", "dev", "--yes"]);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining("Nothing that holds data is replaced, removed or less protected.") });
  });

  it("does not remove a table with --yes, and does with its name", async () => {
    deployAll({ besides: "Promotions" });
    const refused = await runDeploy(["--stage", "dev", "--yes"]);
    expect(refused).toEqual({
      code: 1,
      output: expect.stringMatching(/Promotions .* leaves the stack[\s\S]*--accept-stateful Promotions\n[\s\S]*Nothing was deployed/),
    });
    expect(commands().filter((command) => command.startsWith("deploy"))).toEqual([]);
    expect(await runDeploy(["--stage", "dev", "--yes", "--accept-stateful", "Promotions"])).toMatchObject({ code: 0 });
  });

  it("deploys nothing when it may not see what is deployed", async () => {
    deployed.set(DATA, "denied");
    expect(await runDeploy(["--stage", "dev", "--yes"])).toEqual({
      code: 1,
      output: expect.stringContaining("cannot be read (cloudformation:GetTemplate): not yours"),
    });
    expect(commands()).toHaveLength(1);
  });

  it("ends with 1 when the deployment fails, and with nobody to ask", async () => {
    expect(await runDeploy(["--stage", "dev", "--yes"], { FAIL_AT: "deploy" })).toMatchObject({ code: 1 });
    expect(await runDeploy(["--stage", "dev"])).toEqual({ code: 1, output: expect.stringContaining("Nobody is there to ask: say --yes.") });
  });

  it("ends with 2 when the command makes no sense, where no region is named, and without the CDK", async () => {
    expect(await runDeploy([])).toEqual({ code: 2, output: "--stage must name a stage: a deployment has no default\n" });
    expect(await runDeploy(["--stage", "dev"], { AWS_REGION: "" })).toEqual({ code: 2, output: expect.stringContaining("In which region?") });
    expect(await runDeploy(["--stage", "dev"], { PATH: `${dirname(process.execPath)}-gone` })).toEqual({
      code: 2,
      output: expect.stringContaining("There is no program cdk"),
    });
  });

  it("leaves no synthesized stacks behind", async () => {
    await runDeploy(["--stage", "dev", "--yes"]);
    const folder = commands()[0]?.match(/--output (\S+)/)?.[1] ?? "";
    expect(folder).toContain("auto-recharge-deploy-");
    expect(() => readFileSync(join(folder, "manifest.json"))).toThrow("ENOENT");
  });
});

describe("the CDK's own command line", () => {
  const real = (deployedFile: string) =>
    new Promise<number>((resolve) => {
      const args = ["diff", "--app", join(work, "assembly"), "--quiet", "--exclusively", "--fail-on", "destructive", "--template", deployedFile, DATA];
      const env = { PATH: dirname(process.execPath), HOME: work, CDK_DISABLE_CLI_TELEMETRY: "true" };
      const child = execFile(process.execPath, [join(ROOT, "node_modules/aws-cdk/bin/cdk"), ...args], { cwd: work, env }, () => resolve(child.exitCode ?? 1));
    });

  it("takes our options for a second look, and ends with 1 at a removal only", async () => {
    cpSync(testAssembly(), join(work, "assembly"), { recursive: true });
    const template = (name: string) => {
      writeFileSync(join(work, name), deployed.get(DATA) ?? "");
      return join(work, name);
    };
    deployAll();
    expect(await real(template("same.json"))).toBe(0);
    deployAll({ besides: "Promotions" });
    expect(await real(template("removed.json"))).toBe(1);
  });
});
