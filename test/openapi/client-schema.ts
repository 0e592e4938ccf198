import type { JsonSchema, OpenApi, OpenApiContent, OpenApiOperation } from "../../functions/contracts/openapi.ts";
import { typeText } from "../../functions/contracts/type-text.ts";

/** Names of types are their own references here. */
const type = (schema: JsonSchema, indent: string) => typeText(schema, (name) => name, indent);

/** The OpenAPI document as types, in the form that openapi-fetch reads. Source: https://openapi-ts.dev/openapi-fetch/ */
export function clientSchema({ paths, components }: OpenApi): string {
  const schemas = Object.entries(components.schemas).map(([name, schema]) => {
    const told = typeof schema.description === "string" ? `/** ${schema.description} */\n` : "";
    return `${told}export type ${name} = ${type(schema, "")};\n`;
  });
  const operations = Object.entries(paths).map(
    ([path, methods]) =>
      `  readonly ${JSON.stringify(path)}: {\n${Object.entries(methods)
        .map(([method, operation]) => `    /** ${operation.summary}. */\n    readonly ${method}: ${operationText(operation)};\n`)
        .join("")}  };\n`,
  );
  return `/** Written by \`npm run openapi\` from docs/openapi.json: change that, not this. */\n\n${schemas.join("\n")}\nexport interface paths {\n${operations.join("")}}\n`;
}

function operationText({ parameters, requestBody, responses }: OpenApiOperation): string {
  const places = ["query", "header", "path"].map((place) => {
    const fields = parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name, required, schema }) => `readonly ${JSON.stringify(name)}${required ? "" : "?"}: ${type(schema, "")}`);
    const isNeeded = parameters.some((parameter) => parameter.in === place && parameter.required);
    return `        readonly ${place}${isNeeded ? "" : "?"}: ${fields.length > 0 ? `{ ${fields.join("; ")} }` : "never"};\n`;
  });
  const answers = Object.entries(responses).map(([status, { content = {} }]) => `        readonly ${status}: { readonly content: ${contentText(content)} };\n`);
  return `{
      readonly parameters: {
${places.join("")}      };
${requestBody === undefined ? "      readonly requestBody?: never;\n" : `      readonly requestBody: { readonly content: ${contentText(requestBody.content)} };\n`}      readonly responses: {
${answers.join("")}      };
    }`;
}

function contentText(content: OpenApiContent): string {
  const fields = Object.entries(content).map(([name, { schema }]) => `readonly ${JSON.stringify(name)}: ${type(schema, "        ")}`);
  return fields.length === 0 ? "{ readonly [type in never]: never }" : `{ ${fields.join("; ")} }`;
}
