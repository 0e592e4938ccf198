import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { type OpenApiOperation, openApi } from "../../functions/contracts/openapi.ts";

/** Without its examples, which are made by the tests that are judged by it. */
export const document = openApi();
const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/ } });
ajv.addSchema({ $id: "openapi", ...document });

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    // Fixed text before a variable, as the gateway matches.
    const form = new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`);
    return { method: method.toUpperCase(), path, form, variables: path.split("{").length, operation };
  }),
);

export interface DocumentedOperation {
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** What the OpenAPI document says of the route that takes a call; undefined where there is none. */
export function operationFor(call: { readonly method: string; readonly path: string }): DocumentedOperation | undefined {
  const found = operations.filter(({ method, form }) => method === call.method && form.test(call.path));
  return found.toSorted((a, b) => a.variables - b.variables)[0];
}

const compiled = new Map<string, ValidateFunction>();

/** Judges a value by a schema of the document; gives what is wrong with it, or nothing. */
export function schemaFaults(pointer: readonly string[], value: unknown): string | undefined {
  const reference = `openapi#/${pointer.map((name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")}`;
  const validate = compiled.get(reference) ?? ajv.compile({ $ref: reference });
  compiled.set(reference, validate);
  return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Throws when an answer is not among those that the OpenAPI document says a route may give: its status, type, headers and body. */
export function checkDocumented(call: { readonly method: string; readonly path: string }, { status, headers, body }: Answer): void {
  const found = operationFor(call);
  if (found === undefined) {
    if (status === 404) return;
    throw new Error(`${call.method} ${call.path} is in no document, and answered ${status}`);
  }
  const { path, operation } = found;
  const told = `${operation.operationId} answered ${status} ${JSON.stringify(body)}`;
  const response = operation.responses[status];
  if (response === undefined) throw new Error(`${told}: its document names no such status`);
  for (const [name, { required }] of Object.entries(response.headers ?? {})) {
    if (required && typeof headers[name.toLowerCase()] !== "string") throw new Error(`${told} without the header ${name}`);
  }
  if (response.content === undefined) {
    if (body !== undefined) throw new Error(`${told}: its document says that there is no body`);
    return;
  }
  const [type = ""] = String(headers["content-type"]).split(";");
  if (response.content[type] === undefined) throw new Error(`${told} as ${type}: its document names no such type`);
  const faults = schemaFaults(["paths", path, call.method.toLowerCase(), "responses", String(status), "content", type, "schema"], body);
  if (faults !== undefined) throw new Error(`${told}: ${faults}`);
}
