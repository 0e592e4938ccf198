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

/** A mail that was not sent but kept: what its reader would have got. */
export interface OutboxMail {
  readonly id: string;
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
  /** Is told of every mail once it is kept. */
  readonly observeMail?: (mail: OutboxMail) => void;
}

export interface AwsEndpoints {
  /** For `AWS_ENDPOINT_URL_EVENTBRIDGE`, `AWS_ENDPOINT_URL_SECRETS_MANAGER` and `AWS_ENDPOINT_URL_SESV2`. */
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
 * Answers what functions ask of EventBridge, Secrets Manager and SES with plain AWS SDK clients: PutEvents, GetSecretValue and SendEmail.
 *
 * Everything else, and every parameter that is not known here, is refused with an error that names it.
 */
export async function startAwsEndpoints(options: AwsEndpointsOptions): Promise<AwsEndpoints> {
  const operations: Readonly<Record<string, (body: unknown) => Promise<object>>> = {
    "AWSEvents.PutEvents": (body) =>
      options.putEvents(body).catch((error: unknown) => {
        throw error instanceof InvalidPutEvents ? new AwsError("ValidationException", error.message) : error;
      }),
    "secretsmanager.GetSecretValue": async (body) => {
      const { SecretId } = read("GetSecretValue", getSecretValueInput, body);
      const value = options.getSecret(SecretId);
      if (value === undefined) throw new AwsError("ResourceNotFoundException", `Secrets Manager can't find the specified secret: ${SecretId}`);
      return { ARN: SecretId, Name: SecretId, SecretString: value, VersionStages: ["AWSCURRENT"] };
    },
    "POST /v2/email/outbound-emails": async (body) => {
      const { FromEmailAddress, Destination, Content } = read("SendEmail", sendEmailInput, body);
      const mail: OutboxMail = {
        id: randomUUID(),
        at: new Date().toISOString(),
        from: FromEmailAddress,
        to: Object.values(Destination).flatMap((some) => some ?? []),
        subject: Content.Simple.Subject.Data,
        text: Content.Simple.Body.Text?.Data,
        html: Content.Simple.Body.Html?.Data,
      };
      options.outbox.put(OUTBOX, mail.id, mail);
      options.observeMail?.(mail);
      return { MessageId: mail.id };
    },
  };

  async function answer(request: IncomingMessage): Promise<{ status: number; body: object }> {
    try {
      const operation = operationOf(request);
      const run = operations[operation];
      if (run === undefined) throw new AwsError("UnknownOperationException", `${operation} is not supported by the local stack`);
      return { status: 200, body: await run(JSON.parse(await text(request))) };
    } catch (error) {
      const { name, message, status } = error instanceof AwsError ? error : new AwsError("InternalFailure", `In the local stack: ${String(error)}`, 500);
      return { status, body: { __type: name, message } };
    }
  }

  const server = createServer((request, response) => {
    void answer(request).then(({ status, body }) => {
      const type = request.headers["content-type"] ?? "application/json";
      response.writeHead(status, { "content-type": type, "x-amzn-requestid": randomUUID() }).end(JSON.stringify(body));
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

function operationOf(request: IncomingMessage): string {
  const target = request.headers["x-amz-target"];
  return typeof target === "string" ? target : `${request.method} ${request.url}`;
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
