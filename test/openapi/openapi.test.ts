import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { OpenApiOperation, openApi } from "../../functions/contracts/openapi.ts";
import { PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "../../functions/contracts/routes.ts";
import { schemaFaults } from "../api/documented.ts";
import { generatedFiles } from "./generated.ts";

const files = await generatedFiles();
const document: ReturnType<typeof openApi> = JSON.parse(files[0]?.text ?? "");
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): readonly [string, { path: string; method: string; operation: OpenApiOperation }] => [
    operation.operationId,
    { path, method, operation },
  ]),
);

describe("what is made of the route table", () => {
  it.each(files.map(({ path, text }) => [relative(process.cwd(), path), path, text]))(
    "%s is committed as it is now (else: npm run openapi)",
    (_, path, text) => {
      expect(readFileSync(path, "utf8") === text).toBe(true);
    },
  );

  it("is an OpenAPI document", async () => {
    const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect([valid, errors]).toEqual([true, undefined]);
  });

  it("has every route, each under a name of its own", () => {
    const all = [...ROUTES, ...PUBLIC_ROUTES, ...WEBHOOK_ROUTES];
    expect(operations.map(([name, { method, path }]) => `${name}: ${method.toUpperCase()} ${path}`).toSorted()).toEqual(
      all.map(({ operation, method, path }) => `${operation}: ${method} ${path}`).toSorted(),
    );
    expect(new Set(operations.map(([name]) => name)).size).toBe(all.length);
  });
});

describe.each(operations)("the examples of %s", (_, { path, method, operation }) => {
  const where = ["paths", path, method];
  const contents = [
    ...(operation.requestBody === undefined ? [] : [{ pointer: [...where, "requestBody", "content"], content: operation.requestBody.content }]),
    ...Object.entries(operation.responses).map(([status, { content = {} }]) => ({ pointer: [...where, "responses", status, "content"], content })),
  ];

  it("are as their schemas say", () => {
    for (const { pointer, content } of contents) {
      for (const [type, { examples = {} }] of Object.entries(content)) {
        for (const [name, { value }] of Object.entries(examples)) expect([name, schemaFaults([...pointer, type, "schema"], value)]).toEqual([name, undefined]);
      }
    }
  });
});
