import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { testAssembly } from "../assembly.ts";
import { permissionsPage } from "./permissions-table.ts";
import { pointer, readTemplates } from "./templates.ts";

/** Who may do what, as promises. The whole of it stands in docs/permissions.md. */

const templates = readTemplates(testAssembly());

const oneOrMore = <Schema extends z.ZodMiniType>(schema: Schema) =>
  z.union([
    z.array(schema),
    z.pipe(
      schema,
      z.transform((one) => [one]),
    ),
  ]);
const statementSchema = z.object({
  Effect: z.enum(["Allow", "Deny"]),
  Action: oneOrMore(z.string()),
  Resource: z.optional(oneOrMore(z.unknown())),
  NotResource: z.optional(oneOrMore(z.unknown())),
  Principal: z.optional(z.unknown()),
  Condition: z.optional(z.unknown()),
});
type Statement = z.infer<typeof statementSchema>;

/** The statements of every policy in a resource, wherever they stand in it. */
function statementsIn(value: unknown): Statement[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "Statement" ? z.parse(z.array(statementSchema), inner) : statementsIn(inner)));
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** X-Ray's segments have no ARN. */
function isTracing(actions: readonly string[]): boolean {
  return actions.every((action) => ["xray:PutTelemetryRecords", "xray:PutTraceSegments"].includes(action));
}

const allowed = templates.all.flatMap(({ id, Properties }) =>
  statementsIn(Properties)
    .filter(({ Effect }) => Effect === "Allow")
    .map((statement) => ({ id, ...statement })),
);

describe("a permission", () => {
  it("names its actions", () => {
    expect(allowed.filter(({ Action }) => Action.some((action) => action.includes("*")))).toEqual([]);
  });

  it("names its resources: nothing is open but a table's own indexes, the traces, who gets a mail of ours, and the numbers that Cognito sends codes to", () => {
    const open = allowed.filter(({ Resource = [] }) => textsIn(Resource).some((text) => text.includes("*") && text !== "/index/*"));
    const [traces, others] = [open.filter(({ Action }) => isTracing(Action)), open.filter(({ Action }) => !isTracing(Action))];
    const identities = {
      "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ":ses:", { Ref: "AWS::Region" }, ":", { Ref: "AWS::AccountId" }, ":identity/*"]],
    };
    expect(others).toEqual([
      // A phone number has no ARN; the role can be taken by this user pool only.
      { id: "UserPoolsmsRole4EA729DD", Effect: "Allow", Action: ["sns:Publish"], Resource: ["*"] },
      {
        id: expect.stringMatching(/^NotifyRoleDefaultPolicy[0-9A-F]{8}$/),
        Effect: "Allow",
        Action: ["ses:SendEmail"],
        Resource: [identities],
        Condition: { StringEquals: { "ses:FromAddress": "recharge@dev.example.com" } },
      },
    ]);
    expect(traces).toHaveLength(templates.ofType("AWS::Lambda::Function").length);
  });

  it("is taken back from a function that would speak without TLS", () => {
    const denied = templates
      .ofType("AWS::IAM::Policy")
      .map(({ id, Properties }) => [id, statementsIn(Properties).find(({ Effect }) => Effect === "Deny")] as const)
      .filter(([id]) => id.includes("RoleDefaultPolicy") && !id.includes("Schedule"));
    expect(denied).toHaveLength(templates.ofType("AWS::Lambda::Function").length);
    for (const [, statement] of denied) {
      expect(statement).toEqual({
        Effect: "Deny",
        Action: ["dynamodb:*", "events:*", "secretsmanager:*", "ses:*", "sns:*", "sqs:*"],
        Resource: ["*"],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      });
    }
    const services = (actions: readonly string[]) => new Set(actions.map((action) => action.split(":")[0]));
    const used = services(allowed.filter(({ id }) => denied.some(([each]) => each === id)).flatMap(({ Action }) => Action));
    expect(used).toEqual(services([...(denied[0]?.[1]?.Action ?? []), "logs:", "xray:"])); // those two are Lambda's own calls
  });

  it("leaves something out only where nothing can be named: a phone number has no ARN, and the notifier can publish to no topic", () => {
    const topics = { "Fn::Join": ["", ["arn:", { Ref: "AWS::Partition" }, ":sns:*:*:*"]] };
    const open = allowed.filter(({ NotResource }) => NotResource !== undefined);
    expect(open).toEqual([
      { id: expect.stringMatching(/^NotifyRoleDefaultPolicy[0-9A-F]{8}$/), Effect: "Allow", Action: ["sns:Publish"], NotResource: [topics] },
    ]);
  });

  it("is given to nobody unnamed", () => {
    expect(allowed.filter(({ Principal }) => textsIn(Principal).includes("*"))).toEqual([]);
  });

  it("comes from no managed policy", () => {
    const roles = templates.read("AWS::IAM::Role", z.object({ ManagedPolicyArns: z.optional(z.array(z.unknown())) }));
    expect(roles.flatMap(({ properties }) => properties.ManagedPolicyArns ?? [])).toEqual([]);
  });
});

describe("docs/permissions.md", () => {
  it("shows exactly what the roles grant: npm run permissions writes it, and whoever widens or narrows something shows it there", async () => {
    expect(readFileSync(join(import.meta.dirname, "../../docs/permissions.md"), "utf8")).toBe(await permissionsPage(testAssembly()));
  });
});

/** What a queue's or a topic's own policy allows a service to do. */
function allowedTo(service: string, type: string, targets: "Queues" | "Topics", id: string) {
  return templates
    .ofType(type)
    .filter(({ Properties }) => z.parse(z.array(pointer), Properties[targets]).includes(id))
    .flatMap(({ Properties }) => statementsIn(Properties))
    .filter(({ Effect, Principal }) => Effect === "Allow" && textsIn(Principal).includes(service));
}

describe("a service of AWS that delivers something", () => {
  const target = z.object({ Arn: pointer, DeadLetterConfig: z.object({ Arn: pointer }) });
  const rules = templates.read("AWS::Events::Rule", z.object({ Targets: z.array(target) }));
  const schedules = templates.read("AWS::Scheduler::Schedule", z.object({ Target: z.object({ ...target.shape, RoleArn: pointer }) }));
  const policies = templates.read("AWS::IAM::Policy", z.object({ Roles: z.array(pointer), PolicyDocument: z.unknown() }));

  it.each(rules)("lets the rule $id send to its queue and to the dead letters", ({ id, properties }) => {
    for (const { Arn, DeadLetterConfig } of properties.Targets) {
      for (const queue of [Arn, DeadLetterConfig.Arn]) {
        expect(allowedTo("events.amazonaws.com", "AWS::SQS::QueuePolicy", "Queues", queue)).toContainEqual(
          expect.objectContaining({
            Action: expect.arrayContaining(["sqs:SendMessage"]),
            Condition: { ArnEquals: { "aws:SourceArn": { "Fn::GetAtt": [id, "Arn"] } } },
          }),
        );
      }
    }
  });

  it.each(schedules)("lets the schedule $id send to its queue and to the dead letters, and to nothing else", ({ properties: { Target } }) => {
    const granted = policies.filter(({ properties }) => properties.Roles.includes(Target.RoleArn)).flatMap(({ properties }) => statementsIn(properties));
    const queues = granted.flatMap(({ Resource }) => z.parse(z.array(pointer), Resource));
    expect(granted).toMatchObject([{ Effect: "Allow", Action: ["sqs:SendMessage"] }]);
    expect(queues.toSorted()).toEqual([Target.Arn, Target.DeadLetterConfig.Arn].toSorted());
  });

  // A topic's own policy takes the place of SNS's, which lets the account's alarms in: without this every alarm would be silent.
  it("lets the alarms tell their topic", () => {
    const topics = templates.ofType("AWS::SNS::Topic").map(({ id }) => id);
    const statements = topics.map((id) => allowedTo("cloudwatch.amazonaws.com", "AWS::SNS::TopicPolicy", "Topics", id));
    expect(statements).toMatchObject([[{ Action: ["sns:Publish"], Resource: [{ Ref: topics[0] }] }]]);
  });
});

describe("a function that is called from outside", () => {
  const policies = templates.read("AWS::IAM::Policy", z.object({ Roles: z.array(pointer), PolicyDocument: z.unknown() }));
  const functions = templates.read(
    "AWS::Lambda::Function",
    z.object({ Role: pointer, Environment: z.object({ Variables: z.looseObject({ POWERTOOLS_SERVICE_NAME: z.string() }) }) }),
  );
  /** `dynamodb:GetItem Esims`, for each action and what it may be done on. */
  const allowedOn = ({ Action, Resource = [] }: Statement) => {
    const named = textsIn(Resource).flatMap((text) => /^(?:.*:ExportsOutput(?:FnGetAtt|Ref))?(\w+?)[0-9A-F]{8}/.exec(text)?.[1] ?? []);
    return [...new Set(named)].flatMap((name) => Action.map((action) => `${action} ${name}`));
  };
  const sendsTo = (queue: string) => ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"].map((action) => `${action} ${queue}`);
  const readsSecret = (secret: string) => ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"].map((action) => `${action} ${secret}`);
  const logsTo = (logs: string) => ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) => `${action} ${logs}`);

  it.each([
    ["stripe-webhook", [...sendsTo("RechargeQueue"), ...readsSecret("StripeSecret"), ...logsTo("StripeWebhookLogs")]],
    [
      "pay",
      [
        ...["Esims", "Recharges", "Subscribers"].map((table) => `dynamodb:GetItem ${table}`),
        "dynamodb:PutItem Esims",
        ...sendsTo("RechargeQueue"),
        ...["StripeSecret", "PayLinkSecret"].flatMap(readsSecret),
        ...logsTo("PayLogs"),
      ],
    ],
    [
      "rules",
      [
        ...["GetItem", "BatchGetItem", "Query", "PutItem"].map((action) => `dynamodb:${action} Esims`),
        ...["GetItem", "PutItem", "UpdateItem"].map((action) => `dynamodb:${action} Subscribers`),
        ...["Query", "DeleteItem"].map((action) => `dynamodb:${action} Cards`),
        ...sendsTo("RechargeQueue"),
        ...readsSecret("CarrierSecret"),
        ...logsTo("RulesLogs"),
      ],
    ],
  ])("%s may do what it is for, and nothing else", (name, promised) => {
    const role = functions.find(({ properties }) => properties.Environment.Variables.POWERTOOLS_SERVICE_NAME === name)?.properties.Role ?? "";
    const granted = policies.filter(({ properties }) => properties.Roles.includes(role)).flatMap(({ properties }) => statementsIn(properties));
    expect(granted.flatMap(allowedOn).toSorted()).toEqual([...promised].toSorted());
  });
});

describe("reading a whole table", () => {
  it("is for the eraser, and for the reminder, who walks through all subscribers: everybody else knows what they look for", () => {
    const scanning = allowed.filter(({ Action }) => Action.includes("dynamodb:Scan")).map(({ id }) => id.replace(/[0-9A-F]{8}$/, ""));
    expect(new Set(scanning)).toEqual(new Set(["EraseRoleDefaultPolicy", "RemindRoleDefaultPolicy"]));
  });
});
