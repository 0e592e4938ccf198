import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { BatchGetItemCommand, DynamoDBClient, GetItemCommand, ListTablesCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { DeleteMessageBatchCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type AwsFront, startAwsFront } from "../../local/cloud/aws-front.ts";
import type { Decision } from "../../local/cloud/permissions.ts";

const ROLE = "arn:aws:iam::000000000000:role/work";
const REGION = "us-east-1";
const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:000000000000:${resource}`;

let front: AwsFront;
let upstream: Server;
let reached: { readonly authorization: string | undefined; readonly host: string | undefined; readonly body: string }[];
let asked: string[];
let decision: Decision;

beforeAll(async () => {
  upstream = createServer((request, response) => {
    void text(request).then((body) => {
      reached.push({ authorization: request.headers.authorization, host: request.headers.host, body });
      const isForm = request.headers["content-type"]?.includes("form") === true;
      response.writeHead(200, { "content-type": isForm ? "text/xml" : "application/x-amz-json-1.0" });
      response.end(isForm ? "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>" : "{}");
    });
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const address = upstream.address();
  const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  front = await startAwsFront();
  front.open({
    region: REGION,
    roleArns: new Map([["work", ROLE]]),
    permissions: {
      roles: [],
      decide: async (role, action, resource, context = {}) => {
        asked.push([role, action, resource, ...Object.entries(context).map(([key, value]) => `${key}=${value}`)].join(" "));
        return decision;
      },
    },
    upstreams: { dynamodb: url, sqs: url, events: url, secretsmanager: url, ses: url, sns: url },
  });
});
beforeEach(() => {
  reached = [];
  asked = [];
  decision = "denied";
});
afterAll(async () => {
  await front.close();
  upstream.close();
});

const connection = (accessKeyId = "work") => ({
  endpoint: front.endpoint,
  region: REGION,
  credentials: { accessKeyId, secretAccessKey: "any" },
  maxAttempts: 1,
});
const Key = { iccid: { S: "1" } };
const key = { Keys: [Key] };
const QueueUrl = () => `${front.endpoint}/000000000000/work-queue`;
const Entries = [{ EventBusName: "bus", Source: "s", DetailType: "d", Detail: "{}" }];
const SecretId = arn("secretsmanager", "secret:stripe-a1b2c3");
const mail = {
  FromEmailAddress: "Recharge <recharge@example.com>",
  Destination: { ToAddresses: ["ada@example.com"] },
  Content: { Simple: { Subject: { Data: "s" }, Body: { Text: { Data: "t" } } } },
};

const CALLS = [
  {
    says: "an item read",
    call: (keyId?: string) => new DynamoDBClient(connection(keyId)).send(new GetItemCommand({ TableName: "lines", Key })),
    asks: [`dynamodb:GetItem ${arn("dynamodb", "table/lines")}`],
    error: { name: "AccessDeniedException", status: 400 },
  },
  {
    says: "an index queried",
    call: (keyId?: string) =>
      new DynamoDBClient(connection(keyId)).send(new QueryCommand({ TableName: "lines", IndexName: "look", KeyConditionExpression: "a = :a" })),
    asks: [`dynamodb:Query ${arn("dynamodb", "table/lines/index/look")}`],
    error: { name: "AccessDeniedException", status: 400 },
  },
  {
    says: "items read from two tables",
    call: (keyId?: string) => new DynamoDBClient(connection(keyId)).send(new BatchGetItemCommand({ RequestItems: { lines: key, cards: key } })),
    asks: [`dynamodb:BatchGetItem ${arn("dynamodb", "table/lines")}`, `dynamodb:BatchGetItem ${arn("dynamodb", "table/cards")}`],
    error: { name: "AccessDeniedException", status: 400 },
  },
  {
    says: "a message sent",
    call: (keyId?: string) => new SQSClient({ ...connection(keyId), md5: false }).send(new SendMessageCommand({ QueueUrl: QueueUrl(), MessageBody: "m" })),
    asks: [`sqs:SendMessage ${arn("sqs", "work-queue")}`],
    error: { name: "AccessDenied", status: 403 },
  },
  {
    says: "a batch of messages removed",
    call: (keyId?: string) =>
      new SQSClient(connection(keyId)).send(new DeleteMessageBatchCommand({ QueueUrl: QueueUrl(), Entries: [{ Id: "1", ReceiptHandle: "r" }] })),
    asks: [`sqs:DeleteMessage ${arn("sqs", "work-queue")}`],
    error: { name: "AccessDenied", status: 403 },
  },
  {
    says: "an event put",
    call: (keyId?: string) => new EventBridgeClient(connection(keyId)).send(new PutEventsCommand({ Entries })),
    asks: [`events:PutEvents ${arn("events", "event-bus/bus")}`],
    error: { name: "AccessDeniedException", status: 400 },
  },
  {
    says: "a secret read",
    call: (keyId?: string) => new SecretsManagerClient(connection(keyId)).send(new GetSecretValueCommand({ SecretId })),
    asks: [`secretsmanager:GetSecretValue ${SecretId}`],
    error: { name: "AccessDeniedException", status: 400 },
  },
  {
    says: "a mail sent",
    call: (keyId?: string) => new SESv2Client(connection(keyId)).send(new SendEmailCommand(mail)),
    // The recipient too: while SES is in its sandbox, IAM is asked about whoever was verified there.
    asks: ["example.com", "ada@example.com"].map((identity) => `ses:SendEmail ${arn("ses", `identity/${identity}`)} ses:FromAddress=recharge@example.com`),
    error: { name: "AccessDeniedException", status: 403 },
  },
  {
    says: "a text message sent",
    call: (keyId?: string) => new SNSClient(connection(keyId)).send(new PublishCommand({ PhoneNumber: "+8613800000000", Message: "m" })),
    asks: ["sns:Publish *"],
    error: { name: "AuthorizationErrorException", status: 403 },
  },
];

describe("a call of a function", () => {
  it.each(CALLS)("is refused as the service does where its role does not grant it: $says", async ({ call, asks, error }) => {
    await expect(call()).rejects.toMatchObject({
      name: error.name,
      message: expect.stringMatching(/^User: arn:aws:sts::000000000000:assumed-role\/work\/work is not authorized to perform: \S+ on resource: \S+ because/),
      $metadata: { httpStatusCode: error.status },
    });
    expect(asked).toEqual([`${ROLE} ${asks[0]}`]);
    expect(reached).toEqual([]);
  });

  it.each(CALLS)("passes where its role grants all of it, as the operator's and with the host that it called: $says", async ({ call, asks }) => {
    decision = "allowed";
    await call();
    expect(asked).toEqual(asks.map((each) => `${ROLE} ${each}`));
    expect(reached).toEqual([{ authorization: expect.stringContaining("Credential=local/"), host: new URL(front.endpoint).host, body: expect.any(String) }]);
  });

  it("is refused where nobody knows what it asks for", async () => {
    decision = "allowed";
    await expect(new DynamoDBClient(connection()).send(new ListTablesCommand({}))).rejects.toThrow("DynamoDB_20120810.ListTables is not supported");
    expect(reached).toEqual([]);
  });
});

describe("a call of somebody else", () => {
  it("passes when it is the operator's, whatever roles say", async () => {
    await new DynamoDBClient(connection("local")).send(new ListTablesCommand({}));
    expect(asked).toEqual([]);
    expect(reached).toHaveLength(1);
  });

  it("is refused when nobody knows the key", async () => {
    decision = "allowed";
    await expect(CALLS[0]?.call("stranger")).rejects.toMatchObject({ name: "UnrecognizedClientException" });
    expect(reached).toEqual([]);
  });

  it("is refused without a signature", async () => {
    const reply = await fetch(front.endpoint, { method: "POST", headers: { "x-amz-target": "DynamoDB_20120810.GetItem" }, body: "{}" });
    expect(reply.status).toBe(400);
    expect(reached).toEqual([]);
  });
});
