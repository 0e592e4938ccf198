import { isDeepStrictEqual } from "node:util";
import * as z from "zod/mini";
import { PATH_PARAMETERS } from "./parameters.ts";
import { PROBLEM_PREFIX, PROBLEMS, type ProblemCode, problemReply } from "./problems.ts";
import { type QueryParameter, RESOURCE_SERVER, type Reply, type ReplyHeader, type RequestHeader, type Route, SCOPES } from "./route.ts";
import { type Operation, PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "./routes.ts";

/** The OpenAPI document, as far as we write and read it. Source: https://spec.openapis.org/oas/v3.1.1 */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: { readonly [path: string]: { readonly [method: string]: OpenApiOperation } };
  readonly components: { readonly schemas: { readonly [name: string]: JsonSchema }; readonly securitySchemes: { readonly signIn: SignIn } };
}

/** `openIdConnectUrl`: in the committed document its path only; the function that serves it puts the stage's issuer before it. */
export interface SignIn {
  readonly type: string;
  readonly openIdConnectUrl: string;
  readonly description: string;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly { readonly [scheme: string]: readonly string[] }[];
  readonly parameters: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: OpenApiContent };
  readonly responses: { readonly [status: string]: OpenApiResponse };
}

export interface OpenApiParameter {
  readonly name: string;
  /** `path`, `query` or `header`. */
  readonly in: string;
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface OpenApiResponse {
  readonly description: string;
  readonly headers?: { readonly [name: string]: { readonly required: boolean; readonly description: string; readonly schema: JsonSchema } };
  readonly content?: OpenApiContent;
}

export interface OpenApiContent {
  readonly [type: string]: {
    readonly schema: JsonSchema;
    readonly examples?: { readonly [name: string]: { readonly summary: string; readonly value: unknown } };
  };
}

export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** A call that was made, and its answer. */
export interface Example {
  /** What it shows, in some words: unlike any other of its operation. */
  readonly says: string;
  /** What was sent. */
  readonly body?: unknown;
  readonly status: number;
  readonly type?: string;
  readonly answer?: unknown;
}

export interface Examples {
  readonly [operation: string]: readonly Example[];
}

const JSON_TYPE = "application/json";
const HTML_TYPE = "text/html";
const PROBLEM_TYPE = "application/problem+json";

const QUERY: { readonly [Name in QueryParameter]: string } = { page: "The `next` of this list's last answer; without it the list begins at its beginning." };
const REQUEST_HEADERS: { readonly [Name in RequestHeader]: { readonly name: string; readonly description: string; readonly pattern?: string } } = {
  "if-match": { name: "If-Match", description: "The ETag of what is changed, as it was read.", pattern: '^"(0|[1-9][0-9]{0,14})"$' },
  "idempotency-key": {
    name: "Idempotency-Key",
    description: "The caller's own name of this one wish, e.g. a UUID: sent again with it, it is the same wish.",
    pattern: "^[!-~]{8,255}$",
  },
  "stripe-signature": { name: "Stripe-Signature", description: "Stripe's signature of the body." },
};
const REPLY_HEADERS: { readonly [Name in ReplyHeader]: { readonly name: string; readonly description: string } } = {
  etag: { name: "ETag", description: "Its version: send it in `If-Match` to change it." },
  location: { name: "Location", description: "Where it can be read." },
};
/** What the gateway answers by itself, without a word of the functions. */
const GATEWAY: { readonly [status: number]: string } = {
  401: "There is no token, or it is not valid.",
  403: "The token lacks the scope of this route.",
  413: "The body is larger than the gateway takes.",
  429: "Too many requests: try again later.",
  500: "Something went wrong on our side.",
  503: "No answer came in time: try again later.",
};

const gatewayReply = z.object({ message: z.string() }).register(z.globalRegistry, { id: "GatewayMessage" });

/** The document of the API, made of the route table and of the very schemas that judge what is sent and what is answered. */
export function openApi(examples: Examples = {}): OpenApi {
  const schemas = schemaBook();
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const route of [...ROUTES, ...PUBLIC_ROUTES, ...WEBHOOK_ROUTES]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route, schemas, examples[route.operation] ?? []) };
  }
  const scopes = Object.entries(SCOPES).map(([scope, says]) => `- \`${RESOURCE_SERVER}/${scope}\`: ${says}`);
  return {
    openapi: "3.1.1",
    info: {
      title: "auto-recharge",
      version: "1",
      description:
        "Automatic recharge of prepaid eSIM lines. Money is always a whole number of minor units with its currency. A refusal is told as problem+json (RFC 9457) with a stable `type`; what the gateway answers by itself has only a `message`. Every example is a real answer.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: schemas.all,
      securitySchemes: {
        signIn: {
          type: "openIdConnect",
          openIdConnectUrl: "/.well-known/openid-configuration",
          description: ["An access token of the stage's issuer, by code and PKCE, with the scope of the route:", "", ...scopes].join("\n"),
        },
      },
    },
  };
}

type SchemaBook = ReturnType<typeof schemaBook>;

/**
 * JSON Schemas of our schemas; those that are registered with an id stand in the components, and are referred to.
 *
 * `register` and not `check(z.meta(...))` gives an id: what is checked once more, say by a description, would take the id along.
 */
function schemaBook() {
  const all: Record<string, JsonSchema> = {};
  const of = (schema: z.core.$ZodType, io: "input" | "output"): JsonSchema => {
    const { $schema: _dialect, $defs = {}, ...json } = inComponents(z.toJSONSchema(schema, { io, override: ({ jsonSchema }) => tidy(jsonSchema) }));
    for (const [name, definition] of Object.entries($defs as { readonly [name: string]: JsonSchema })) {
      if (all[name] !== undefined && !isDeepStrictEqual(all[name], definition)) throw new Error(`Two schemas are named ${name}`);
      all[name] = definition;
    }
    return json;
  };
  return { all, of };
}

function inComponents(json: object): JsonSchema {
  return JSON.parse(JSON.stringify(json).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** Leaves out what says nothing to a reader: the bounds of JavaScript's whole numbers, and the pattern of a format. */
function tidy(json: z.core.JSONSchema.BaseSchema): void {
  delete json.id;
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
  if (json.format !== undefined) delete json.pattern;
}

function operationOf(route: Operation, schemas: SchemaBook, examples: readonly Example[]): OpenApiOperation {
  const { operation, summary, description, body, scope } = route;
  const sent = examples.filter((example) => example.status < 300 && example.body !== undefined);
  return {
    operationId: operation,
    tags: [route.function],
    summary,
    ...(description !== undefined && { description }),
    security: scope === undefined ? [] : [{ signIn: [`${RESOURCE_SERVER}/${scope}`] }],
    parameters: parametersOf(route, schemas),
    ...(body !== undefined && {
      requestBody: { required: true, content: { [JSON_TYPE]: { schema: schemas.of(body, "input"), ...shown(sent, (example) => example.body) } } },
    }),
    responses: { ...goodResponses(route, schemas, examples), ...refusals(route, schemas, examples) },
  };
}

function parametersOf({ path, query = [], headers = [] }: Route, schemas: SchemaBook): OpenApiParameter[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]): OpenApiParameter => {
    const schema = Object.entries(PATH_PARAMETERS).find(([known]) => known === name)?.[1];
    if (schema === undefined) throw new Error(`Nothing says what {${name}} in ${path} may be: see parameters.ts`);
    return { name, in: "path", required: true, schema: schemas.of(schema, "input") };
  });
  const inQuery = query.map((name): OpenApiParameter => ({ name, in: "query", required: false, description: QUERY[name], schema: { type: "string" } }));
  const inHeaders = headers.map((header): OpenApiParameter => {
    const { name, description, pattern } = REQUEST_HEADERS[header];
    return { name, in: "header", required: true, description, schema: { type: "string", ...(pattern !== undefined && { pattern }) } };
  });
  return [...inPath, ...inQuery, ...inHeaders];
}

function goodResponses({ replies }: Route, schemas: SchemaBook, examples: readonly Example[]): Record<string, OpenApiResponse> {
  const responseOf = ({ says, body, type, headers }: Reply, status: number): OpenApiResponse => ({
    description: says,
    ...(headers && {
      headers: Object.fromEntries(
        headers.map((header) => [REPLY_HEADERS[header].name, { required: true, description: REPLY_HEADERS[header].description, schema: { type: "string" } }]),
      ),
    }),
    ...(body && { content: { [type ?? JSON_TYPE]: { schema: schemas.of(body, "output"), ...answers(examples, status, type ?? JSON_TYPE) } } }),
  });
  return Object.fromEntries(Object.entries(replies).map(([status, reply]) => [status, responseOf(reply, Number(status))]));
}

/** Every way in which a route of this kind is refused, by status. */
function refusals(route: Route, schemas: SchemaBook, examples: readonly Example[]): Record<string, OpenApiResponse> {
  const codes = problemCodes(route);
  const byGateway = [...(route.scope === undefined ? [] : [401, 403]), ...(route.body === undefined ? [] : [413]), 429, 500, 503];
  const isPage = Object.values(route.replies).some(({ type }) => type === HTML_TYPE);
  const statuses = new Set([...codes.map((code) => PROBLEMS[code].status), ...byGateway]);
  return Object.fromEntries(
    [...statuses].map((status) => {
      const told = codes.filter((code) => PROBLEMS[code].status === status);
      const gatewaySays = byGateway.includes(status) ? GATEWAY[status] : undefined;
      const response: OpenApiResponse = {
        description: [...told.map((code) => `\`${code}\`: ${PROBLEMS[code].says}`), ...(gatewaySays === undefined ? [] : [gatewaySays])].join("\n\n"),
        content: {
          ...(told.length > 0 && isPage && { [HTML_TYPE]: { schema: { type: "string" } } }),
          ...(told.length > 0 && { [PROBLEM_TYPE]: { schema: problemSchema(told, schemas), ...answers(examples, status, PROBLEM_TYPE) } }),
          ...(gatewaySays !== undefined && { [JSON_TYPE]: { schema: schemas.of(gatewayReply, "output") } }),
        },
      };
      return [status, response];
    }),
  );
}

function problemSchema(codes: readonly ProblemCode[], schemas: SchemaBook): JsonSchema {
  return { ...schemas.of(problemReply, "output"), properties: { type: { enum: codes.map((code) => `${PROBLEM_PREFIX}${code}`) } } };
}

/** What a route names, and what all of its kind answer. Without a token no common step reads what is sent, so there a route names all of that itself. */
function problemCodes({ scope, path, query, headers, body, limit, problems }: Route): ProblemCode[] {
  if (scope === undefined) return [...new Set<ProblemCode>([...problems, "internal", "try-again"])];
  return [
    ...new Set<ProblemCode>([
      ...problems,
      ...(body ? (["malformed-json", "invalid-body", "body-too-large", "json-required"] as const) : []),
      ...(query?.includes("page") ? (["invalid-page"] as const) : []),
      ...(headers?.includes("if-match") ? (["if-match-required", "invalid-if-match"] as const) : []),
      ...(headers?.includes("idempotency-key") ? (["idempotency-key-required", "invalid-idempotency-key"] as const) : []),
      ...(limit ? (["too-many-requests"] as const) : []),
      ...(path.includes("{") ? (["not-found"] as const) : []),
      "no-subject",
      "internal",
      "try-again",
    ]),
  ];
}

function answers(examples: readonly Example[], status: number, type: string) {
  return shown(
    examples.filter((example) => example.status === status && example.type === type),
    (example) => example.answer,
  );
}

function shown(examples: readonly Example[], value: (example: Example) => unknown) {
  return (
    examples.length > 0 && {
      examples: Object.fromEntries(
        examples.map((example) => [example.says.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"), { summary: example.says, value: value(example) }]),
      ),
    }
  );
}
