import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { environments } from "../../functions/contracts/environment.ts";
import { PUBLIC_ROUTES, WEBHOOK_ROUTES } from "../../functions/contracts/routes.ts";
import { functionHost, listFunctions } from "../../local/cloud/functions.ts";
import { readHttpApi } from "../../local/cloud/http-api.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import type { RunningStack } from "../../local/running-stack.ts";
import { samTemplate } from "../../local/sam-template.ts";
import { testAssembly } from "../assembly.ts";
import { readTemplates } from "../infra/templates.ts";

const graph = loadStacks(testAssembly(), {
  queueUrl: (name) => `http://127.0.0.1:4566/000000000000/${name}`,
  attributes: (type) => (type === "AWS::Cognito::UserPool" ? "http://127.0.0.1:4567" : "http://127.0.0.1:8787"),
});
const stack: RunningStack = {
  url: "http://127.0.0.1:8787",
  region: graph.region,
  endpoints: { AWS_ENDPOINT_URL: "http://127.0.0.1:4568", AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:4566" },
  clock: { execArgv: [], env: {} },
  functions: listFunctions(graph),
  publicRoutes: readHttpApi(graph).routes.filter(({ jwt }) => jwt === undefined),
  workQueues: [],
};
const folder = mkdtempSync(join(tmpdir(), "sam-template-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** As the SAM CLI would read it back. Strict: what is not known here is not known to be right. Source: the pages that local/sam-template.ts names. */
const template = z.strictObject({
  AWSTemplateFormatVersion: z.literal("2010-09-09"),
  Transform: z.literal("AWS::Serverless-2016-10-31"),
  Description: z.string(),
  Resources: z.record(
    z.string().check(z.regex(/^[A-Za-z0-9]{1,255}$/)), // what CloudFormation takes for a logical id
    z.strictObject({
      Type: z.literal("AWS::Serverless::Function"),
      Properties: z.strictObject({
        FunctionName: z.string().check(z.maxLength(64)),
        CodeUri: z.string(),
        Handler: z.string(),
        Runtime: z.literal("nodejs24.x"),
        Architectures: z.tuple([z.enum(["arm64", "x86_64"])]),
        MemorySize: z.int(),
        Timeout: z.int(),
        Environment: z.strictObject({ Variables: z.record(z.string().check(z.regex(/^[A-Z][A-Z0-9_]*$/)), z.string().check(z.minLength(1))) }),
        Events: z.optional(
          z.record(
            z.string().check(z.regex(/^[A-Za-z0-9]+$/)),
            z.strictObject({
              Type: z.literal("HttpApi"),
              Properties: z.strictObject({
                Method: z.enum(["GET", "POST"]),
                Path: z.string().check(z.startsWith("/")),
                PayloadFormatVersion: z.literal("2.0"),
              }),
            }),
          ),
        ),
      }),
    }),
  ),
});
const written = z.parse(template, JSON.parse(JSON.stringify(samTemplate(stack, { host: "host.docker.internal", folder, architecture: "arm64" }))));
const functions = Object.entries(written.Resources).map(([id, { Properties }]) => ({ id, ...Properties }));
const deployed = readTemplates(testAssembly()).read(
  "AWS::Lambda::Function",
  z.object({
    Handler: z.string(),
    Runtime: z.string(),
    MemorySize: z.int(),
    Timeout: z.int(),
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
  }),
);

describe("the template for SAM", () => {
  it("has every function, as the deployed templates describe it", () => {
    const services = functions.map(({ Environment }) => Environment.Variables.POWERTOOLS_SERVICE_NAME);
    expect(new Set(services)).toEqual(new Set(Object.keys(environments)));
    const same = deployed.map(({ id, properties: { Environment, ...settings } }) => ({
      id: id.slice(0, -8),
      ...settings,
      given: Object.keys(Environment.Variables),
    }));
    for (const { given, ...settings } of same) {
      const found = functions.find(({ id }) => id === settings.id);
      expect(found).toMatchObject(settings);
      expect(Object.keys(found?.Environment.Variables ?? {})).toEqual(expect.arrayContaining([...given, ...Object.keys(stack.endpoints)]));
    }
    expect(same).toHaveLength(functions.length);
  });

  it("leaves nothing for SAM to resolve, which it would not", () => {
    expect(JSON.stringify(written)).not.toMatch(/"(Ref|Fn::\w+|Condition)":|\$\{|\{\{resolve:/);
  });

  it("finds the code of each", () => {
    for (const { CodeUri, Handler } of functions) expect(existsSync(resolve(folder, CodeUri, `${Handler.split(".")[0]}.cjs`))).toBe(true);
  });

  it("tells each function what it is told on the local stack, from where a container sees it", async () => {
    const code = mkdtempSync(join(folder, "code-"));
    writeFileSync(join(code, "index.cjs"), "exports.handler = async () => process.env;");
    const host = functionHost({ ...stack, functions: stack.functions.map((described) => ({ ...described, folder: code })), onLog: () => {} });
    try {
      for (const { id, FunctionName, Environment } of functions) {
        const local = z.parse(z.record(z.string(), z.string()), await host.invoke(FunctionName, {}));
        const told = Object.entries(local).filter(([name]) => !OF_THE_RUNTIME.test(name));
        const moved = told.map(([name, value]) => [name, value.replace("//127.0.0.1:", "//host.docker.internal:")]);
        expect([id, Environment.Variables]).toEqual([id, Object.fromEntries(moved)]);
      }
    } finally {
      await host.close();
    }
    expect(JSON.stringify(written.Resources)).not.toContain("127.0.0.1");
  });

  it("has the routes that ask for no token, and no others: SAM asks no authorizer", () => {
    const routes = functions.flatMap(({ Environment, Events = {} }) =>
      Object.values(Events).map(({ Properties: { Method, Path } }) => `${Environment.Variables.POWERTOOLS_SERVICE_NAME} ${Method} ${Path}`),
    );
    const open = [...PUBLIC_ROUTES, ...WEBHOOK_ROUTES].map(({ function: name, method, path }) => `${name} ${method} ${path}`);
    expect(routes.toSorted()).toEqual(open.toSorted());
  });
});

/** What Lambda's runtime sets, in a container as on AWS. */
const OF_THE_RUNTIME = /^(_HANDLER|LAMBDA_TASK_ROOT|LANG|TZ|AWS_EXECUTION_ENV|AWS_LAMBDA_\w+)$/;
