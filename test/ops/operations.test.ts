import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { loadStacks } from "../../local/cloud/template.ts";
import { writeOutputs } from "../../local/outputs.ts";
import { type Operations, readOutputs } from "../../ops/operations.ts";
import { QUEUE_CONTRACTS } from "../../ops/queue-contracts.ts";
import { UsageError } from "../../ops/verb.ts";
import { testAssembly } from "../assembly.ts";

const OPERATIONS: Operations = {
  tables: { esims: "Esims", recharges: "Recharges", subscribers: "Subscribers", controls: "Controls" },
  queues: { RechargeQueue: { url: "https://sqs/queue", deadLettersUrl: "https://sqs/dead" } },
};
const service = { ApiUrl: "https://api", Operations: JSON.stringify(OPERATIONS) };

describe("the outputs file", () => {
  it("of the CDK says where the stage is", () => {
    const file = JSON.stringify({ "AutoRecharge-prod-Data": { ExportsOutputRef: "x" }, "AutoRecharge-prod-Service": service });
    expect(readOutputs(file)).toEqual({ operations: OPERATIONS, environment: {} });
  });

  it("of the local stack says where this machine stands in for AWS, too", () => {
    const environment = { AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:1", AWS_REGION: "us-east-1" };
    expect(readOutputs(JSON.stringify({ service, environment })).environment).toEqual(environment);
  });

  it.each([
    ["not JSON", "is not what cdk deploy writes"],
    [JSON.stringify({ service: "x" }), "is not what cdk deploy writes"],
    [JSON.stringify({ data: { Table: "x" } }), "has no output Operations"],
    [JSON.stringify({ dev: service, prod: service }), "more than one stage"],
    [JSON.stringify({ dev: { Operations: "{}" } }), "is not of this version"],
  ])("is refused in a sentence when it is %s", (text, message) => {
    expect(() => readOutputs(text)).toThrow(UsageError);
    expect(() => readOutputs(text)).toThrow(message);
  });
});

describe("the stacks", () => {
  it("tell the operator's command line all tables and every queue that has dead letters, as the local stack writes them down", () => {
    const folder = mkdtempSync(join(tmpdir(), "auto-recharge-outputs-"));
    try {
      const graph = loadStacks(testAssembly(), { queueUrl: (name) => `http://queues/${name}`, attributes: () => "http://there" });
      writeOutputs(join(folder, "outputs.json"), graph, { AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:1" });
      const { operations, environment } = readOutputs(readFileSync(join(folder, "outputs.json"), "utf8"));

      expect(environment).toMatchObject({ AWS_ENDPOINT_URL_SQS: "http://127.0.0.1:1", AWS_ACCESS_KEY_ID: "local" });
      const tables = graph.list("AWS::DynamoDB::GlobalTable").map(({ name }) => name);
      for (const table of Object.values(operations.tables)) expect(tables).toContain(table);
      const urls = graph.list("AWS::SQS::Queue").map(({ name }) => `http://queues/${name}`);
      expect(
        Object.values(operations.queues)
          .flatMap(({ url, deadLettersUrl }) => [url, deadLettersUrl])
          .sort(),
      ).toEqual(urls.sort());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("have no queue whose messages the redrive would not understand, and it knows none that they lack", () => {
    const graph = loadStacks(testAssembly(), { queueUrl: (name) => name, attributes: () => "http://there" });
    const outputs = Object.values(graph.outputs).find(({ Operations }) => Operations !== undefined);
    const { operations } = readOutputs(JSON.stringify({ outputs }));
    expect(Object.keys(operations.queues).sort()).toEqual([...QUEUE_CONTRACTS.keys()].sort());
  });
});
