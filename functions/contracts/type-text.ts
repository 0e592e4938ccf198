import type { JsonSchema } from "./openapi.ts";

/** How a reference to a schema of the components is written. */
type WriteReference = (name: string) => string;

const COMPONENTS = "#/components/schemas/";

/** A JSON Schema of the OpenAPI document as a type of TypeScript's: for the client, and for whoever reads the page. Throws on a keyword that it does not know, so that no type says less than its schema. */
export function typeText(schema: JsonSchema, reference: WriteReference, indent = ""): string {
  const { $ref, anyOf, oneOf, enum: names, const: constant, type } = schema;
  if (typeof $ref === "string") {
    const { $ref: _known, description: _told, ...more } = schema;
    const base = reference($ref.slice(COMPONENTS.length));
    return Object.keys(more).length === 0 ? base : `${base} & ${typeText({ type: "object", additionalProperties: false, ...more }, reference, indent)}`;
  }
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return choices.map((choice: JsonSchema) => typeText(choice, reference, indent)).join(" | ");
  if (Array.isArray(names)) return names.map((name) => JSON.stringify(name)).join(" | ");
  if (Array.isArray(type)) return type.map((one: unknown) => typeText({ ...schema, type: one }, reference, indent)).join(" | ");
  if (constant !== undefined) return JSON.stringify(constant);
  if (type === "object") return objectText(schema, reference, indent);
  if (type === "array") return `(${typeText(schema.items as JsonSchema, reference, indent)})[]`; // openapi-fetch takes readonly arrays for objects
  if (type === "integer" || type === "number") return "number";
  if (type === "string" || type === "boolean" || type === "null") return type;
  if (Object.keys(schema).length === 0) return "unknown";
  throw new Error(`No type is known for ${JSON.stringify(schema)}`);
}

function objectText({ properties = {}, required = [], additionalProperties }: JsonSchema, reference: WriteReference, indent: string): string {
  const inner = `${indent}  `;
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const fields = Object.entries(properties as { readonly [name: string]: JsonSchema }).map(([name, schema]) => {
    const told = typeof schema.description === "string" ? `${inner}/** ${schema.description} */\n` : "";
    return `${told}${inner}readonly ${/^\w+$/.test(name) ? name : JSON.stringify(name)}${needed.includes(name) ? "" : "?"}: ${typeText(schema, reference, inner)};\n`;
  });
  const others = typeof additionalProperties === "object" ? `${inner}readonly [name: string]: unknown;\n` : "";
  return `{\n${fields.join("")}${others}${indent}}`;
}
