import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { readAssembly } from "../../local/cloud/assembly.ts";
import { holdsData, statefulChanges, type Template, template } from "../../ops/stateful-changes.ts";
import { testAssembly } from "../assembly.ts";

type Resources = Template["Resources"];
type Resource = Resources[string];

/** A fresh copy of what a stack's template says, which a test may change. */
function templateOf(stack: "Data" | "Service"): Template {
  const found = readAssembly(testAssembly()).stacks.find(({ stackName }) => stackName.endsWith(`-${stack}`));
  return z.parse(template, structuredClone(found?.template));
}

/** The one resource of a type, or the one whose logical id starts so; the whole id but its hash, where there is one. */
function find({ Resources }: Template, type: string, start = ""): readonly [id: string, resource: Resource] {
  const started = Object.entries(Resources).filter(([id, { Type }]) => Type === type && id.startsWith(start));
  const whole = started.filter(([id]) => id.slice(0, -8) === start);
  const found = whole.length > 0 ? whole : started;
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources are a ${type} ${start}: this test has lost its object`);
  return only;
}

const TABLE = "AWS::DynamoDB::GlobalTable";
const [ESIMS] = find(templateOf("Data"), TABLE, "Esims");

/** What a deployment says that comes with one change of a resource, next to how the stacks are. */
function saysOf(stack: "Data" | "Service", type: string, start: string, change: (resource: Resource, all: Resources, id: string) => void): string[] {
  const [deployed, next] = [templateOf(stack), templateOf(stack)];
  const [id, resource] = find(next, type, start);
  change(resource, next.Resources, id);
  return statefulChanges(deployed, next).map(({ logicalId, says }) => `${logicalId.startsWith(start) ? start : logicalId} ${says}`);
}

const set = (name: string, value: unknown) => (resource: Resource) => {
  resource.Properties = { ...resource.Properties, [name]: value };
};

describe("a deployment puts at risk", () => {
  it.each(["Data", "Service"] as const)("nothing of %s when nothing changes", (stack) => {
    expect(statefulChanges(templateOf(stack), templateOf(stack))).toEqual([]);
  });

  it("a table whose key changes", () => {
    const says = saysOf("Data", TABLE, "Esims", set("KeySchema", [{ AttributeName: "subscriberId", KeyType: "HASH" }]));
    expect(says).toEqual(["Esims is replaced by a new one, as KeySchema changes: the stage goes on with an empty table"]);
  });

  it("a table whose logical id is renamed", () => {
    const says = saysOf("Data", TABLE, "Esims", (resource, all, id) => {
      delete all[id];
      all.Lines = resource;
    });
    expect(says).toEqual(["Esims leaves the stack, and stays in the account: the stage goes on with an empty table"]);
  });

  it("a table that is removed", () => {
    const says = saysOf("Data", TABLE, "Cards", (_, all, id) => delete all[id]);
    expect(says).toEqual(["Cards leaves the stack, and stays in the account: the stage goes on with an empty table"]);
  });

  it("a table that becomes something else under its id", () => {
    expect(saysOf("Data", TABLE, "Cards", (resource) => Object.assign(resource, { Type: "AWS::SQS::Queue" }))).toEqual([
      "Cards becomes AWS::SQS::Queue: the stage goes on with an empty table",
    ]);
  });

  it.each([
    ["AWS::Events::EventBus", "Name", "rules, archive and consumers outside stay at the old one"],
    ["AWS::SES::EmailIdentity", "EmailIdentity", "no mail is sent until the new one is verified"],
    ["AWS::Cognito::UserPoolDomain", "Domain", "whatever refers to it has to follow"],
    ["AWS::SNS::Topic", "TopicName", "whoever subscribed to it hears nothing any more"],
    ["AWS::ApiGatewayV2::Api", "ProtocolType", "its address changes"],
  ])("%s when its %s changes", (type, property, meaning) => {
    const stack = type === "AWS::ApiGatewayV2::Api" ? "Service" : "Data";
    const says = saysOf(stack, type, "", set(property, "other"));
    expect(says.some((each) => each.includes(`replaced by a new one, as ${property} changes`) && each.includes(meaning))).toBe(true);
  });

  it.each(["AWS::Cognito::UserPool", "AWS::Events::Archive", "AWS::Cognito::ManagedLoginBranding"])("%s when it is removed", (type) => {
    const start = type === "AWS::Cognito::ManagedLoginBranding" ? "WebClient" : "";
    expect(saysOf("Data", type, start, (_, all, id) => delete all[id])).toContainEqual(expect.stringContaining("leaves the stack"));
  });

  it("a queue of the Service stack that is removed, with what waits in it", () => {
    expect(saysOf("Service", "AWS::SQS::Queue", "NotifyQueueDeadLetters", (_, all, id) => delete all[id])).toContainEqual(
      "NotifyQueueDeadLetters is deleted: the messages in it are lost: work, dead letters, or what waits for a person",
    );
  });

  it("a secret whose value would be made anew", () => {
    expect(saysOf("Data", "AWS::SecretsManager::Secret", "LineHashSecret", set("GenerateSecretString", { PasswordLength: 64 }))).toEqual([
      "LineHashSecret GenerateSecretString changes: its value is overwritten by a new one",
    ]);
  });

  it("a user pool in which people would sign in by something else", () => {
    expect(saysOf("Data", "AWS::Cognito::UserPool", "", set("UsernameAttributes", ["email"]))).toEqual([
      " UsernameAttributes changes: Cognito cannot change it: it takes a new user pool",
    ]);
  });

  it("an index that goes, that finds by another key, or that holds something else", () => {
    const indexes = z.parse(z.array(z.looseObject({ IndexName: z.string() })), find(templateOf("Data"), TABLE, "Esims")[1].Properties.GlobalSecondaryIndexes);
    const changed = indexes.slice(1).map((index) => (index.IndexName === "look" ? { ...index, Projection: { ProjectionType: "ALL" } } : index));
    expect(saysOf("Data", TABLE, "Esims", set("GlobalSecondaryIndexes", changed))).toEqual([
      `Esims loses its index ${indexes[0]?.IndexName}`,
      "Esims its index look is made anew: until that is done nothing is found by it",
    ]);
  });

  it("a table whose key gets another type, or whose items would be deleted at another time", () => {
    const retyped = [{ AttributeName: "iccid", AttributeType: "N" }];
    expect(saysOf("Data", TABLE, "Esims", set("AttributeDefinitions", retyped))).toContain("Esims its key iccid gets another type: it takes a new table");
    expect(saysOf("Data", TABLE, "Esims", set("TimeToLiveSpecification", { AttributeName: "at", Enabled: true }))).toEqual([
      "Esims TimeToLiveSpecification changes: other items than now are deleted when their time is over",
    ]);
  });

  it("what loses its protection", () => {
    const unprotected = (resource: Resource) => {
      const [replica] = z.parse(z.array(z.looseObject({})), resource.Properties.Replicas);
      set("Replicas", [{ ...replica, DeletionProtectionEnabled: false, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: false } }])(resource);
      resource.DeletionPolicy = "Delete";
    };
    expect(saysOf("Data", TABLE, "Esims", unprotected)).toEqual([
      "Esims loses its protection by DeletionPolicy",
      "Esims loses its protection by deletion protection",
      "Esims loses its protection by point-in-time recovery",
    ]);
    expect(saysOf("Data", "AWS::Cognito::UserPool", "", set("DeletionProtection", "INACTIVE"))).toEqual([" loses its protection by deletion protection"]);
  });

  const replicas = (change: object) => (resource: Resource) => {
    const [replica] = z.parse(z.array(z.looseObject({})), resource.Properties.Replicas);
    set("Replicas", [{ ...replica, ...change }])(resource);
  };
  const recovery = (days?: number) => ({ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: days } });
  const [QUEUE, ARCHIVE] = ["AWS::SQS::Queue", "AWS::Events::Archive"];

  it.each([
    ["a table that can be restored for fewer days", TABLE, "Esims", replicas(recovery(7)), "keeps for 7 days what it keeps for 35 days now"],
    ["an archive that keeps events for fewer days", ARCHIVE, "Bus", set("RetentionDays", 3), "keeps for 3 days what it keeps for 30 days now"],
    ["an archive that takes other events", ARCHIVE, "Bus", set("EventPattern", { source: ["other"] }), "EventPattern changes: other events than now are kept"],
    [
      "dead letters that are kept for a shorter time",
      QUEUE,
      "NotifyQueueDeadLetters",
      set("MessageRetentionPeriod", 2 * 86_400),
      "keeps for 2 days what it keeps for 14 days now",
    ],
    [
      "a queue that keeps for SQS's own time",
      QUEUE,
      "NeedsReviewQueue",
      set("MessageRetentionPeriod", undefined),
      "keeps for 4 days what it keeps for 14 days now",
    ],
    ["a queue without its dead letters", QUEUE, "RechargeQueue", set("RedrivePolicy", undefined), "loses its protection by dead letters"],
  ])("%s", (_, type, start, change, says) => {
    expect(saysOf(type === QUEUE ? "Service" : "Data", type, start, change)).toEqual([`${start} ${says}`]);
  });
});

describe("a deployment puts nothing at risk", () => {
  it("when something is kept for longer", () => {
    expect(saysOf("Data", "AWS::Events::Archive", "", set("RetentionDays", 0))).toEqual([]); // for good
    expect(saysOf("Service", "AWS::SQS::Queue", "NotifyQueue", set("MessageRetentionPeriod", 14 * 86_400))).toEqual([]);
  });

  it("when something is added", () => {
    const [deployed, next] = [templateOf("Data"), templateOf("Data")];
    next.Resources.Promotions = find(next, TABLE, "Cards")[1];
    expect(statefulChanges(deployed, next)).toEqual([]);
  });

  it("when a table gets another index", () => {
    const [deployed, next] = [templateOf("Data"), templateOf("Data")];
    const { Properties } = find(deployed, TABLE, "Esims")[1];
    const indexes = z.parse(z.array(z.unknown()), Properties.GlobalSecondaryIndexes);
    find(deployed, TABLE, "Esims")[1].Properties = { ...Properties, GlobalSecondaryIndexes: indexes.slice(1) };
    expect(statefulChanges(deployed, next)).toEqual([]);
  });

  it("when functions, roles, routes and alarms are replaced or removed", () => {
    const [deployed, next] = [templateOf("Service"), templateOf("Service")];
    for (const type of ["AWS::Lambda::Function", "AWS::IAM::Role", "AWS::ApiGatewayV2::Route", "AWS::CloudWatch::Alarm"])
      for (const [id, { Type }] of Object.entries(next.Resources)) if (Type === type) delete next.Resources[id];
    expect(Object.keys(next.Resources).length).toBeLessThan(Object.keys(deployed.Resources).length);
    expect(statefulChanges(deployed, next)).toEqual([]);
  });

  it("when a mail's wording of the user pool changes", () => {
    expect(saysOf("Data", "AWS::Cognito::UserPool", "", set("EmailVerificationSubject", "Your code"))).toEqual([]);
  });
});

describe("what holds data", () => {
  it("is the Data stack, and not the Service stack", () => {
    expect([holdsData(templateOf("Data")), holdsData(templateOf("Service"))]).toEqual([true, false]);
    expect(templateOf("Data").Resources).toHaveProperty(ESIMS);
  });
});
