import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import * as z from "zod/mini";
import type { Records } from "../records.ts";
import { type EventBus, InvalidPutEvents } from "./event-bus.ts";

const getSecretValueInput = z.strictObject({ SecretId: z.string(), VersionStage: z.optional(z.literal("AWSCURRENT")) });
const content = z.strictObject({ Data: z.string(), Charset: z.optional(z.string()) });
const addresses = z.optional(z.array(z.string()));
const sendEmailInput = z.strictObject({
  FromEmailAddress: z.string(),
  Destination: z.strictObject({ ToAddresses: z.array(z.string()).check(z.minLength(1)), CcAddresses: addresses, BccAddresses: addresses }),
  ReplyToAddresses: addresses,
  Content: z.strictObject({
    Simple: z.strictObject({ Subject: content, Body: z.strictObject({ Text: z.optional(content), Html: z.optional(content) }) }),
  }),
});

const attribute = "MessageAttributes.entry.1";
const publishInput = z.strictObject({
  Action: z.literal("Publish"),
  Version: z.literal("2010-03-31"),
  PhoneNumber: z.string().check(z.regex(/^\+[1-9]\d{6,14}$/)),
  Message: z.string().check(z.minLength(1), z.maxLength(1600)),
  [`${attribute}.Name`]: z.optional(z.literal("AWS.SNS.SMS.SMSType")),
  [`${attribute}.Value.DataType`]: z.optional(z.literal("String")),
  [`${attribute}.Value.StringValue`]: z.optional(z.enum(["Transactional", "Promotional"])),
});

/** A mail or a text message that was not sent but kept: what its reader would have got. */
export interface OutboxMail {
  readonly id: string;
  /** Of a text message `sms`; it has no sender and no subject. */
  readonly channel: "email" | "sms";
  /** Local time, ISO 8601. */
  readonly at: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text?: string;
  readonly html?: string;
}

/** The kind under which mails are kept in the records. */
export const OUTBOX = "mail";

export interface AwsEndpointsOptions {
  /** Answers the JSON of the request. */
  readonly putEvents: EventBus["putEvents"];
  /** By name or ARN; undefined when there is no such secret. */
  readonly getSecret: (id: string) => string | undefined;
  readonly outbox: Records;
  /** Is told of every mail and text message once it is kept. */
  readonly observeMail?: (mail: OutboxMail) => void;
}

export interface AwsEndpoints {
  /** For `AWS_ENDPOINT_URL_EVENTBRIDGE`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_ENDPOINT_URL_SESV2` and `AWS_ENDPOINT_URL_SNS`. */
  readonly endpoint: string;
  close(): Promise<void>;
}

/** An answer that a plain AWS SDK client throws, under this name and with this text. */
class AwsError extends Error {
  readonly status: number;
  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

/**
 * Answers what functions ask of EventBridge, Secrets Manager, SES and SNS with plain AWS SDK clients: PutEvents, GetSecretValue, SendEmail and Publish to a phone.
 *
 * Everything else, and every parameter that is not known here, is refused with an error that names it.
 */
export async function startAwsEndpoints(options: AwsEndpointsOptions): Promise<AwsEndpoints> {
  const keep = (kept: OutboxMail) => {
    options.outbox.put(OUTBOX, kept.id, kept);
    options.observeMail?.(kept);
    return { MessageId: kept.id };
  };
  const operations: Readonly<Record<string, (body: unknown, host: string) => Promise<object>>> = {
    "AWSEvents.PutEvents": (body) =>
      options.putEvents(body).catch((error: unknown) => {
        throw error instanceof InvalidPutEvents ? new AwsError("ValidationException", error.message) : error;
      }),
    "secretsmanager.GetSecretValue": async (body, host) => {
      const { SecretId } = read("GetSecretValue", getSecretValueInput, body);
      const value = options.getSecret(SecretId);
      if (value === undefined) throw new AwsError("ResourceNotFoundException", `Secrets Manager can't find the specified secret: ${SecretId}`);
      // Stripe and the carrier are where we are: whoever reaches us by another name, from a container, reaches them by that.
      const SecretString = value.replaceAll("http://127.0.0.1:", `http://${host}:`);
      return { ARN: SecretId, Name: SecretId, SecretString, VersionStages: ["AWSCURRENT"] };
    },
    "POST /v2/email/outbound-emails": async (body) => {
      const { FromEmailAddress, Destination, Content } = read("SendEmail", sendEmailInput, body);
      return keep({
        id: randomUUID(),
        channel: "email",
        at: new Date().toISOString(),
        from: FromEmailAddress,
        to: Object.values(Destination).flatMap((some) => some ?? []),
        subject: Content.Simple.Subject.Data,
        text: Content.Simple.Body.Text?.Data,
        html: Content.Simple.Body.Html?.Data,
      });
    },
    "Action=Publish": async (body) => {
      const { PhoneNumber, Message } = read("Publish", publishInput, body);
      return keep({ id: randomUUID(), channel: "sms", at: new Date().toISOString(), from: "", to: [PhoneNumber], subject: "", text: Message });
    },
  };

  async function answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    try {
      const sent = await text(request);
      const operation = operationOf(request, sent);
      const run = operations[operation];
      if (run === undefined) throw new AwsError("UnknownOperationException", `${operation} is not supported by the local stack`);
      const { hostname } = new URL(`http://${request.headers.host}`);
      return { status: 200, body: await run(isForm(request) ? Object.fromEntries(new URLSearchParams(sent)) : JSON.parse(sent), hostname) };
    } catch (error) {
      const { name, message, status } = error instanceof AwsError ? error : new AwsError("InternalFailure", `In the local stack: ${String(error)}`, 500);
      return { status, body: { __type: name, message } };
    }
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      const id = randomUUID();
      const [type, content] = isForm(request)
        ? ["text/xml", queryAnswer(body, id)]
        : [request.headers["content-type"] ?? "application/json", JSON.stringify(body)];
      response.writeHead(status, { "content-type": type, "x-amzn-requestid": id }).end(content);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The AWS endpoints do not listen on a port");
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Secrets kept in a JSON file, by name: a text, or an object as the functions' secrets are. Read at every call, so that an edit counts at once.
 *
 * An ARN finds its secret by the name within it, with or without the six characters that AWS adds.
 */
export function secretsFile(path: string): (id: string) => string | undefined {
  const schema = z.record(z.string(), z.union([z.string(), z.record(z.string(), z.unknown())]));
  return (id) => {
    const secrets = schema.parse(JSON.parse(readFileSync(path, "utf8")));
    const name = id.startsWith("arn:") ? id.split(":").slice(6).join(":") : id;
    const value = secrets[name] ?? secrets[name.replace(/-[^-]{6}$/, "")];
    return typeof value === "object" ? JSON.stringify(value) : value;
  };
}

/** SNS speaks AWS's query protocol: forms in, XML out. Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
function isForm(request: IncomingMessage): boolean {
  return request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true;
}

function operationOf(request: IncomingMessage, sent: string): string {
  if (isForm(request)) return `Action=${new URLSearchParams(sent).get("Action")}`;
  const target = request.headers["x-amz-target"];
  return typeof target === "string" ? target : `${request.method} ${request.url}`;
}

function queryAnswer(body: object, requestId: string): string {
  const element = (name: string, content: string) => `<${name}>${content}</${name}>`;
  const escaped = (value: unknown) => String(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  if ("__type" in body && "message" in body) {
    const error = element("Type", "Sender") + element("Code", escaped(body.__type)) + element("Message", escaped(body.message));
    return element("ErrorResponse", element("Error", error) + element("RequestId", requestId));
  }
  const fields = Object.entries(body).map(([name, value]) => element(name, escaped(value)));
  return element("PublishResponse", element("PublishResult", fields.join("")) + element("ResponseMetadata", element("RequestId", requestId)));
}

function read<Schema extends z.ZodMiniType>(operation: string, schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => {
    const keys = issue.code === "unrecognized_keys" ? issue.keys : [];
    return `${[...issue.path, ...keys].join(".")} (${issue.code})`;
  });
  throw new AwsError("ValidationException", `${operation}: not supported by the local stack: ${problems.join(", ")}`);
}
