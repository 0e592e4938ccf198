import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventBridgeClient, ListRulesCommand, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { GetSecretValueCommand, ListSecretsCommand, ResourceNotFoundException, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { GetAccountCommand, SESv2Client, SendEmailCommand, type SendEmailCommandInput } from "@aws-sdk/client-sesv2";
import { PublishCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { type AwsEndpoints, OUTBOX, type OutboxMail, secretsFile, startAwsEndpoints } from "../../local/cloud/aws-endpoints.ts";
import { InvalidPutEvents, type PutEventsAnswer } from "../../local/cloud/event-bus.ts";
import { memoryRecords, type Records } from "../../local/records.ts";

const putEventsInput = z.object({ Entries: z.array(z.unknown()) });

let folder: string;
let aws: AwsEndpoints;
let put: unknown[][];
let results: PutEventsAnswer["Entries"];
let observed: OutboxMail[];
let outbox: Records;
let events: EventBridgeClient;
let secrets: SecretsManagerClient;
let mail: SESv2Client;
let phone: SNSClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aws-"));
  const secretsPath = join(folder, "secrets.json");
  writeFileSync(secretsPath, JSON.stringify({ "dev/Stripe": { apiKey: "sk_test_1" }, plain: "text" }));
  put = [];
  results = [{ EventId: "1" }];
  observed = [];
  outbox = memoryRecords();
  aws = await startAwsEndpoints({
    putEvents: async (request) => {
      const { Entries } = putEventsInput.parse(request);
      if (Entries.length > 10) throw new InvalidPutEvents("At most ten");
      put.push(Entries);
      return { FailedEntryCount: 1, Entries: results };
    },
    getSecret: secretsFile(secretsPath),
    outbox,
    observeMail: (sent) => observed.push(sent),
  });
  const connection = { endpoint: aws.endpoint, region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  events = new EventBridgeClient(connection);
  secrets = new SecretsManagerClient(connection);
  mail = new SESv2Client(connection);
  phone = new SNSClient(connection);
});

afterEach(async () => {
  for (const client of [events, secrets, mail, phone]) client.destroy();
  await aws.close();
  rmSync(folder, { recursive: true });
});

describe("the local EventBridge", () => {
  const entry = { Source: "auto-recharge", DetailType: "RuleSaved", Detail: '{"id":"名"}', EventBusName: "auto-recharge" };

  it("passes events on, and says of each whether it was taken", async () => {
    results = [{ EventId: "1" }, { ErrorCode: "ThrottlingException", ErrorMessage: "later" }];
    const answer = await events.send(new PutEventsCommand({ Entries: [{ ...entry, Time: new Date(5000), Resources: ["a"] }, entry] }));
    expect(put).toEqual([[{ ...entry, Time: 5, Resources: ["a"] }, entry]]);
    expect(answer).toMatchObject({ FailedEntryCount: 1, Entries: results });
  });

  it("refuses a request that the bus refuses, and whatever it does not do", async () => {
    await expect(events.send(new PutEventsCommand({ Entries: Array.from({ length: 11 }, () => entry) }))).rejects.toMatchObject({
      name: "ValidationException",
      message: "At most ten",
    });
    await expect(events.send(new ListRulesCommand({}))).rejects.toMatchObject({
      name: "UnknownOperationException",
      message: "AWSEvents.ListRules is not supported by the local stack",
    });
  });
});

describe("the local Secrets Manager", () => {
  const read = async (SecretId: string) => (await secrets.send(new GetSecretValueCommand({ SecretId }))).SecretString;

  it("reads secrets by name and by ARN", async () => {
    expect(await read("dev/Stripe")).toBe('{"apiKey":"sk_test_1"}');
    expect(await read("arn:aws:secretsmanager:us-east-1:000000000000:secret:dev/Stripe-a1b2c3")).toBe('{"apiKey":"sk_test_1"}');
    expect(await read("arn:aws:secretsmanager:us-east-1:000000000000:secret:plain")).toBe("text");
  });

  it("tells addresses of this machine by the name by which it was asked: from a container it has another", async () => {
    writeFileSync(join(folder, "secrets.json"), JSON.stringify({ carrier: { baseUrl: "http://127.0.0.1:4000/v1", other: "https://api.stripe.com" } }));
    expect(await read("carrier")).toBe('{"baseUrl":"http://127.0.0.1:4000/v1","other":"https://api.stripe.com"}');
    const named = new SecretsManagerClient({
      endpoint: aws.endpoint.replace("127.0.0.1", "localhost"),
      region: "us-east-1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    });
    const { SecretString } = await named.send(new GetSecretValueCommand({ SecretId: "carrier" }));
    named.destroy();
    expect(SecretString).toBe('{"baseUrl":"http://localhost:4000/v1","other":"https://api.stripe.com"}');
  });

  it("says when there is no such secret", async () => {
    await expect(read("dev/Carrier")).rejects.toBeInstanceOf(ResourceNotFoundException);
    await expect(read("dev/Carrier")).rejects.toThrow("dev/Carrier");
  });

  it("refuses whatever it does not do", async () => {
    await expect(secrets.send(new ListSecretsCommand({}))).rejects.toThrow("secretsmanager.ListSecrets is not supported by the local stack");
    await expect(secrets.send(new GetSecretValueCommand({ SecretId: "plain", VersionStage: "AWSPREVIOUS" }))).rejects.toThrow("VersionStage");
  });

  it("says so when its own part fails", async () => {
    rmSync(join(folder, "secrets.json"));
    const once = new SecretsManagerClient({
      endpoint: aws.endpoint,
      region: "us-east-1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      maxAttempts: 1,
    });
    await expect(once.send(new GetSecretValueCommand({ SecretId: "plain" }))).rejects.toThrow(/In the local stack: .*secrets\.json/);
    once.destroy();
  });
});

describe("the local SES", () => {
  const message: SendEmailCommandInput = {
    FromEmailAddress: "recharge@example.com",
    Destination: { ToAddresses: ["anna@example.com"] },
    Content: { Simple: { Subject: { Data: "Recharged ¥50" }, Body: { Text: { Data: "Your line was recharged." } } } },
  };

  it("keeps mails instead of sending them, and tells of them", async () => {
    const { MessageId } = await mail.send(new SendEmailCommand(message));
    const kept = outbox.list<OutboxMail>(OUTBOX);
    expect(kept).toMatchObject([
      { id: MessageId, channel: "email", from: "recharge@example.com", to: ["anna@example.com"], subject: "Recharged ¥50", text: "Your line was recharged." },
    ]);
    expect(observed).toMatchObject(kept);
  });

  it("refuses templates and whatever else it does not do", async () => {
    const template = { ...message, Content: { Template: { TemplateName: "Welcome" } } };
    await expect(mail.send(new SendEmailCommand(template))).rejects.toThrow("Content.Template");
    await expect(mail.send(new GetAccountCommand({}))).rejects.toMatchObject({
      name: "UnknownOperationException",
      message: "GET /v2/email/account is not supported by the local stack",
    });
    expect(observed).toEqual([]);
  });
});

describe("the local SNS", () => {
  const smsType = { "AWS.SNS.SMS.SMSType": { DataType: "String", StringValue: "Transactional" } };
  const message = { PhoneNumber: "+8613800000000", Message: "尾号0017的eSIM：已充值 ¥50.00。<&>", MessageAttributes: smsType };

  it("keeps text messages among the mails instead of sending them, and tells of them", async () => {
    const { MessageId } = await phone.send(new PublishCommand(message));
    const kept = outbox.list<OutboxMail>(OUTBOX);
    expect(kept).toMatchObject([{ id: MessageId, channel: "sms", to: [message.PhoneNumber], subject: "", text: message.Message }]);
    expect(observed).toMatchObject(kept);
  });

  it("refuses what is no phone number, topics and whatever else it does not do", async () => {
    await expect(phone.send(new PublishCommand({ ...message, PhoneNumber: "13800000000" }))).rejects.toThrow("PhoneNumber");
    const TopicArn = "arn:aws:sns:us-east-1:000000000000:Alarms";
    await expect(phone.send(new PublishCommand({ TopicArn, Message: "x" }))).rejects.toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("TopicArn"),
    });
    await expect(phone.send(new SubscribeCommand({ TopicArn, Protocol: "sms" }))).rejects.toThrow("Action=Subscribe is not supported by the local stack");
    expect(observed).toEqual([]);
  });
});
