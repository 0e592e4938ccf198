import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import { buffer } from "node:stream/consumers";
import * as z from "zod/mini";
import type { Permissions } from "./permissions.ts";
import { LOCAL_ACCOUNT } from "./supported-resources.ts";

/** The access key id of whoever stands outside of the stacks: operators, the local stack itself, tests. They may do everything. */
export const OPERATOR_KEY_ID = "local";

/** The services that functions speak to, as signatures name them. */
const SERVICES = ["dynamodb", "sqs", "events", "secretsmanager", "ses", "sns"] as const;
type Service = (typeof SERVICES)[number];

/** What a front decides by, and passes on to. */
export interface FrontSettings {
  readonly region: string;
  /** Where requests go that may pass. */
  readonly upstreams: Readonly<Record<Service, string>>;
  /** Who may call, by access key id. */
  readonly roleArns: ReadonlyMap<string, string>;
  readonly permissions: Permissions;
}

export interface AwsFront {
  /** For `AWS_ENDPOINT_URL`. */
  readonly endpoint: string;
  /** Whoever called before waits until then: the templates name the front's address, and are read before anything is known of their roles. */
  open(settings: FrontSettings): void;
  close(): Promise<void>;
}

/** One thing that a request would do. */
interface Act {
  readonly action: string;
  readonly resource: string;
  /** IAM's condition keys, where the service gives some. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A refusal: `code` for clients, and what it says. */
interface Refusal {
  readonly code: string;
  readonly message: string;
}

/**
 * The one way from functions to AWS's services: asks IAM's question before any of them answers.
 *
 * The access key id in a request's signature names the caller, and the caller's role decides. Signatures are not computed again: whoever can listen here has all keys anyway.
 */
export async function startAwsFront(): Promise<AwsFront> {
  const { promise: opened, resolve: open } = Promise.withResolvers<FrontSettings>();
  const agent = new Agent({ keepAlive: true });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [body, settings] = await Promise.all([buffer(request), opened]);
    const { keyId, service } = readSignature(request);
    const known = SERVICES.find((each) => each === service);
    if (known === undefined) return refuse(response, "dynamodb", notSupported(`${service ?? "An unsigned"} request ${operationOf(request)}`));
    const refusal = keyId === OPERATOR_KEY_ID ? undefined : await judge(settings, known, keyId ?? "", request, body);
    if (refusal !== undefined) return refuse(response, known, refusal);
    forward(request, body, settings.upstreams[known], agent, response);
  }

  const server = createServer((request, response) => {
    // A function that is out of time goes away within its request.
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The front of the AWS endpoints does not listen on a port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    open,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}

/** Why a caller gets no answer; undefined when it may have one. */
async function judge(
  { region, roleArns, permissions }: FrontSettings,
  service: Service,
  keyId: string,
  request: IncomingMessage,
  body: Buffer,
): Promise<Refusal | undefined> {
  const roleArn = roleArns.get(keyId);
  if (roleArn === undefined) return { code: "UnrecognizedClientException", message: "The security token included in the request is invalid." };
  const acts = actsOf(service, region, request, body);
  if (acts === undefined) return notSupported(operationOf(request));
  for (const { action, resource, context } of acts) {
    if ((await permissions.decide(roleArn, action, resource, context)) === "allowed") continue;
    const user = `${roleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")}/${keyId}`;
    const because = `because no identity-based policy allows the ${action} action`;
    return { code: DENIED[service], message: `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ${because}` };
  }
  return undefined;
}

function notSupported(what: string): Refusal {
  return { code: "UnknownOperationException", message: `${what} is not supported by the local stack` };
}

/** Who signed a request, and for which service. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function readSignature({ headers }: IncomingMessage): { readonly keyId?: string | undefined; readonly service?: string | undefined } {
  const [, keyId, service] = /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/\d{8}\/[^/,]+\/([^/,]+)\/aws4_request\b/.exec(headers.authorization ?? "") ?? [];
  return { keyId, service };
}

function operationOf({ headers, method, url }: IncomingMessage): string {
  const target = headers["x-amz-target"];
  return typeof target === "string" ? target : `${method} ${url}`;
}

const tableInput = z.object({ TableName: z.string(), IndexName: z.optional(z.string()) });
const batchInput = z.object({ RequestItems: z.record(z.string(), z.unknown()) });
const queueInput = z.object({ QueueUrl: z.string() });
const eventsInput = z.object({ Entries: z.array(z.object({ EventBusName: z._default(z.string(), "default") })) });
const secretInput = z.object({ SecretId: z.string() });
const mailInput = z.object({ FromEmailAddress: z.string(), Destination: z.object({ ToAddresses: z.array(z.string()) }) });

/** What IAM is asked about a request; undefined for what the local stack does not know. Source: AWS's Service Authorization Reference */
function actsOf(service: Service, region: string, request: IncomingMessage, body: Buffer): readonly Act[] | undefined {
  const text = body.toString();
  const operation = operationOf(request).split(".").at(-1) ?? "";
  /** Of something that a caller may name by its name, or by its ARN as it is. */
  const arn = (kind: string, name: string) => (name.startsWith("arn:") ? name : `arn:aws:${service}:${region}:${LOCAL_ACCOUNT}:${kind}${name}`);
  const read = <Schema extends z.ZodMiniType>(schema: Schema, toActs: (input: z.infer<Schema>) => readonly Act[]) => {
    const parsed = z.safeParse(schema, JSON.parse(text));
    return parsed.success ? toActs(parsed.data) : undefined;
  };
  switch (service) {
    case "dynamodb": {
      const action = `dynamodb:${operation}`;
      if (operation.startsWith("Batch"))
        return read(batchInput, ({ RequestItems }) => Object.keys(RequestItems).map((name) => ({ action, resource: arn("table/", name) })));
      return read(tableInput, ({ TableName, IndexName }) => [
        { action, resource: arn("table/", TableName) + (IndexName === undefined ? "" : `/index/${IndexName}`) },
      ]);
    }
    case "sqs":
      // The batches of an action are allowed with the action.
      return read(queueInput, ({ QueueUrl }) => [{ action: `sqs:${operation.replace(/Batch$/, "")}`, resource: arn("", QueueUrl.split("/").at(-1) ?? "") }]);
    case "events":
      return read(eventsInput, ({ Entries }) =>
        Entries.map(({ EventBusName }) => ({ action: `events:${operation}`, resource: arn("event-bus/", EventBusName) })),
      );
    case "secretsmanager":
      return read(secretInput, ({ SecretId }) => [{ action: `secretsmanager:${operation}`, resource: arn("secret:", SecretId) }]);
    case "ses":
      if (operationOf(request) !== "POST /v2/email/outbound-emails") return undefined;
      return read(mailInput, ({ FromEmailAddress, Destination }) => {
        const address = /[^<\s]+@[^>\s]+/.exec(FromEmailAddress)?.[0] ?? "";
        // The stages' senders are domains. In its sandbox SES knows recipients as identities, too, and asks about them: cloudposse/terraform-aws-ses#40, aws/aws-sdk-js#3641.
        const identities = [address.split("@")[1] ?? "", ...Destination.ToAddresses];
        return identities.map((identity) => ({ action: "ses:SendEmail", resource: arn("identity/", identity), context: { "ses:FromAddress": address } }));
      });
    case "sns": {
      const form = new URLSearchParams(text);
      return [{ action: `sns:${form.get("Action")}`, resource: form.get("TopicArn") ?? "*" }]; // a phone number has no ARN
    }
  }
}

/** What each service calls it. SNS: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html; SQS: the query protocol's code, which its clients are still told */
const DENIED: Readonly<Record<Service, string>> = {
  dynamodb: "AccessDeniedException",
  sqs: "AccessDenied",
  events: "AccessDeniedException",
  secretsmanager: "AccessDeniedException",
  ses: "AccessDeniedException",
  sns: "AuthorizationError",
};

/** Answers in the service's own shape, so that its client throws what it would throw on AWS. */
function refuse(response: ServerResponse, service: Service, { code, message }: Refusal): void {
  const id = randomUUID();
  const json = JSON.stringify({ __type: code, message, Message: message });
  if (service === "sns") {
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</Message></Error>`;
    response.writeHead(403, { "content-type": "text/xml", "x-amzn-requestid": id });
    response.end(`<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">${error}<RequestId>${id}</RequestId></ErrorResponse>`);
    return;
  }
  const shapes: Readonly<Record<Exclude<Service, "sns">, { readonly status: number; readonly headers: Readonly<Record<string, string>> }>> = {
    dynamodb: { status: 400, headers: { "content-type": "application/x-amz-json-1.0" } },
    sqs: { status: 403, headers: { "content-type": "application/x-amz-json-1.0", "x-amzn-query-error": `${code};Sender` } },
    events: { status: 400, headers: { "content-type": "application/x-amz-json-1.1" } },
    secretsmanager: { status: 400, headers: { "content-type": "application/x-amz-json-1.1" } },
    ses: { status: 403, headers: { "content-type": "application/json", "x-amzn-errortype": code } },
  };
  response.writeHead(shapes[service].status, { ...shapes[service].headers, "x-amzn-requestid": id }).end(json);
}

/** Passes a request on as the operator's, since DynamoDB Local keeps tables apart by access key, and with the host under which its caller knows this machine. A service that does not answer looks like a broken connection. */
function forward({ method, url, headers }: IncomingMessage, body: Buffer, upstream: string, agent: Agent, response: ServerResponse): void {
  const authorization = headers.authorization?.replace(/Credential=[^/]+/, `Credential=${OPERATOR_KEY_ID}`);
  const passed = send(new URL(url ?? "/", upstream), { method, headers: { ...headers, authorization }, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on("error", () => response.destroy()).pipe(response);
  });
  passed.on("error", () => response.destroy());
  response.on("close", () => passed.destroy());
  passed.end(body);
}
