import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { environments } from "../../functions/contracts/environment.ts";
import { RESOURCE_SERVER, type Route, SCOPES } from "../../functions/contracts/route.ts";
import { PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "../../functions/contracts/routes.ts";
import { SIZES } from "../../infra/sizes.ts";
import { testAssembly } from "../assembly.ts";
import { pointer, readStacks, readTemplates } from "./templates.ts";

/** What the stacks promise to an operator, whatever they are made of. */

const DATA = "AutoRecharge-dev-Data";
const SERVICE = "AutoRecharge-dev-Service";
const RUNBOOK = join(import.meta.dirname, "../../docs/runbook.md");
const DAY_SECONDS = 24 * 60 * 60;
/** The log of the API's requests. */
const API_LOG = "AccessLogD598EBE9";

const templates = readTemplates(testAssembly());

describe("what must outlive everything", () => {
  const inData = templates.all.filter(({ stack }) => stack === DATA);

  it.each(inData)("$id stays when its stack is deleted or it is replaced", (resource) => {
    expect(resource).toMatchObject({ DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
  });

  it("the Data stack cannot be deleted by mistake", () => {
    expect(readStacks(testAssembly())).toContainEqual(expect.objectContaining({ name: DATA, terminationProtection: true }));
  });

  it.each(templates.ofType("AWS::DynamoDB::GlobalTable"))(
    "the table $id can be restored, cannot be deleted, and costs what is used",
    ({ stack, Properties }) => {
      expect(stack).toBe(DATA);
      expect(Properties).toMatchObject({
        BillingMode: "PAY_PER_REQUEST",
        Replicas: [{ DeletionProtectionEnabled: true, PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
      });
    },
  );

  it("people sign up by themselves with e-mail or phone, and cannot be deleted with the pool", () => {
    expect(templates.ofType("AWS::Cognito::UserPool").map(({ Properties }) => Properties)).toMatchObject([
      {
        AdminCreateUserConfig: { AllowAdminCreateUserOnly: false },
        UsernameAttributes: ["email", "phone_number"],
        UsernameConfiguration: { CaseSensitive: false },
        DeletionProtection: "ACTIVE",
      },
    ]);
  });

  it("people may have a second factor, and never one by text message, nor a new address before it is verified", () => {
    expect(templates.ofType("AWS::Cognito::UserPool").map(({ Properties }) => Properties)).toMatchObject([
      {
        MfaConfiguration: "OPTIONAL",
        EnabledMfas: ["SOFTWARE_TOKEN_MFA"],
        UserAttributeUpdateSettings: { AttributesRequireVerificationBeforeUpdate: ["email", "phone_number"] },
      },
    ]);
  });

  it("the bus keeps our events of the last 30 days", () => {
    const [bus] = templates.ofType("AWS::Events::EventBus");
    const archives = templates.read("AWS::Events::Archive", z.object({ SourceArn: pointer, EventPattern: z.unknown(), RetentionDays: z.int() }));
    expect(archives.map(({ properties }) => properties)).toEqual([{ SourceArn: bus?.id, EventPattern: { source: ["auto-recharge"] }, RetentionDays: 30 }]);
  });

  // A changed logical id makes CloudFormation create a second, empty thing and forget the first: people, bills and keys would be gone.
  it("keeps the logical ids under which people, bills and keys were first stored", () => {
    const stateful = inData.filter(({ Type }) => !["AWS::IAM::Role", "AWS::SNS::TopicPolicy"].includes(Type)).map(({ id }) => id);
    expect(stateful.toSorted()).toEqual([
      "Alarms04B5A0BF",
      "BusArchiveD76499E2",
      "BusEA82B648",
      "CardsB3AD5C31",
      "CarrierSecretCF012858",
      "ControlsFF3AAC4A",
      "Esims8F2EBCA9",
      "LineHashSecret06D93EED",
      "MailIdentity4365A1C5",
      "NativeClientBranding",
      "PayLinkSecretBB4CBF75",
      "Recharges68E0ABCA",
      "StripeSecret80A38A68",
      "SubscribersF56A45C7",
      "UserPool6BA7E5F2",
      "UserPoolNativeClientBD79C0CC",
      "UserPoolResourceServer05D1463A",
      "UserPoolSignInDomain9E1A538D",
      "UserPoolWebClient4C9370B0",
      "WebClientBranding",
    ]);
  });

  // CloudFormation replaces a table by an empty one, or refuses, when one of these changes.
  it("keeps the keys under which items were first stored", () => {
    const key = z.array(z.object({ AttributeName: z.string() }));
    const index = z.object({ IndexName: z.string(), KeySchema: key });
    const keysOf = (schema: z.infer<typeof key>) => schema.map(({ AttributeName }) => AttributeName).join("+");
    const tables = templates.read("AWS::DynamoDB::GlobalTable", z.object({ KeySchema: key, GlobalSecondaryIndexes: z.optional(z.array(index)) }));
    const described = tables.map(({ id, properties: { KeySchema, GlobalSecondaryIndexes = [] } }) => {
      const indexes = GlobalSecondaryIndexes.map(({ IndexName, KeySchema: ofIndex }) => `${IndexName}: ${keysOf(ofIndex)}`);
      return [id.slice(0, -8), [keysOf(KeySchema), ...indexes]];
    });
    expect(Object.fromEntries(described)).toEqual({
      Esims: ["iccid", "bySubscriber: subscriberId+iccid", "slots: slot+slotHash", "look: lookShard+lookAt"],
      Recharges: ["rechargeId+part", "bySubscriber: subscriberId+endedAt"],
      Subscribers: ["subscriberId+part", "byMethod: paymentMethodId"],
      Cards: ["cardKey+rechargeId"],
      Controls: ["name"],
    });
  });

  it("the bus keeps its name, and secrets and tables have none that a replacement could collide with", () => {
    expect(templates.ofType("AWS::Events::EventBus").map(({ Properties }) => Properties.Name)).toEqual(["auto-recharge-dev"]);
    expect(new Set(templates.ofType("AWS::SecretsManager::Secret").map(({ Properties }) => Properties.Name))).toEqual(new Set([undefined]));
    expect(new Set(templates.ofType("AWS::DynamoDB::GlobalTable").map(({ Properties }) => Properties.TableName))).toEqual(new Set([undefined]));
  });

  it("only the Data stack exports anything, so that all others can be deleted", () => {
    const exporting = Object.entries(templates.exports).filter(([, outputs]) => outputs.length > 0);
    expect(exporting.map(([stack]) => stack)).toEqual([DATA]);
  });
});

describe("an app that people sign in with", () => {
  const clients = templates.read(
    "AWS::Cognito::UserPoolClient",
    z.looseObject({ AllowedOAuthScopes: z.array(z.unknown()), CallbackURLs: z.array(z.string()), RefreshTokenValidity: z.int() }),
  );

  it("is the web app or one on a phone", () => {
    expect(clients.map(({ id }) => id)).toEqual(["UserPoolWebClient4C9370B0", "UserPoolNativeClientBD79C0CC"]);
    expect(clients.map(({ properties }) => properties.CallbackURLs)).toEqual([["http://localhost:8787/"], ["com.example.recharge.dev://signed-in"]]);
  });

  it.each(clients)("has no secret to lose and no way but the code, forgets soon, and renews with new tokens only: $id", ({ properties }) => {
    expect(properties).toMatchObject({
      GenerateSecret: false,
      AllowedOAuthFlows: ["code"],
      ExplicitAuthFlows: ["ALLOW_USER_SRP_AUTH"],
      AccessTokenValidity: 15,
      IdTokenValidity: 15,
      TokenValidityUnits: { AccessToken: "minutes", IdToken: "minutes", RefreshToken: "minutes" },
      RefreshTokenRotation: { Feature: "ENABLED", RetryGracePeriodSeconds: 60 },
      EnableTokenRevocation: true,
      PreventUserExistenceErrors: "ENABLED",
    });
    expect(properties.RefreshTokenValidity).toBeLessThanOrEqual(60 * 24 * 60);
  });

  it.each(clients)("may ask for every scope of the API: $id", ({ properties }) => {
    const asked = properties.AllowedOAuthScopes.map((scope) => JSON.stringify(scope));
    for (const scope of Object.keys(SCOPES)) expect(asked).toContainEqual(expect.stringContaining(`/${scope}"`));
    expect(asked).toHaveLength(3 + Object.keys(SCOPES).length);
  });

  it("finds the pages of managed login, which show an error without a branding", () => {
    expect(templates.ofType("AWS::Cognito::UserPoolDomain").map(({ Properties }) => Properties.ManagedLoginVersion)).toEqual([2]);
    const branded = templates.read("AWS::Cognito::ManagedLoginBranding", z.object({ ClientId: pointer, UseCognitoProvidedValues: z.literal(true) }));
    expect(branded.map(({ properties }) => properties.ClientId).toSorted()).toEqual(clients.map(({ id }) => id).toSorted());
  });
});

const queueSchema = z.object({
  VisibilityTimeout: z.optional(z.int()),
  MessageRetentionPeriod: z.int(),
  RedrivePolicy: z.optional(z.object({ deadLetterTargetArn: pointer, maxReceiveCount: z.int() })),
});
const queues = templates.read("AWS::SQS::Queue", queueSchema);
const deadLetterIds = new Set(queues.flatMap(({ properties }) => properties.RedrivePolicy?.deadLetterTargetArn ?? []));
const deadLetters = queues.filter(({ id }) => deadLetterIds.has(id));
const workQueues = queues.filter(({ id }) => !deadLetterIds.has(id));
/** Queues that no function reads: they wait for a person. */
const inboxes = workQueues.filter(({ id }) => /^(BreakFound|NeedsReview|PaymentAdjusted)Queue/.test(id));

const functionSchema = z.object({
  Timeout: z.int(),
  MemorySize: z.int(),
  ReservedConcurrentExecutions: z.optional(z.int()),
  Role: pointer,
  LoggingConfig: z.object({ LogGroup: pointer }),
  Environment: z.object({ Variables: z.looseObject({ POWERTOOLS_SERVICE_NAME: z.string() }) }),
});
const functions = templates.read("AWS::Lambda::Function", functionSchema).map(({ id, properties }) => ({
  id,
  ...properties,
  name: properties.Environment.Variables.POWERTOOLS_SERVICE_NAME,
  variables: Object.keys(properties.Environment.Variables),
}));

const mappings = templates.read(
  "AWS::Lambda::EventSourceMapping",
  z.object({ EventSourceArn: pointer, FunctionName: pointer, BatchSize: z.int(), ScalingConfig: z.object({ MaximumConcurrency: z.int() }) }),
);

describe("a queue", () => {
  it.each(templates.ofType("AWS::SQS::Queue"))("$id is encrypted at rest", ({ Properties }) => {
    expect(Properties).toMatchObject({ SqsManagedSseEnabled: true });
  });

  const policies = templates.read(
    "AWS::SQS::QueuePolicy",
    z.object({ Queues: z.array(pointer), PolicyDocument: z.object({ Statement: z.array(z.unknown()) }) }),
  );

  it.each(queues)("$id is spoken to over TLS only", ({ id }) => {
    const statements = policies.filter(({ properties }) => properties.Queues.includes(id)).flatMap(({ properties }) => properties.PolicyDocument.Statement);
    expect(statements).toContainEqual({
      Effect: "Deny",
      Principal: { AWS: "*" },
      Action: "sqs:*",
      Resource: { "Fn::GetAtt": [id, "Arn"] },
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
  });

  it.each(workQueues)(
    "$id gives a message up after five deliveries, none that waits for a person while they look, and keeps it for 14 days beside it",
    (queue) => {
      const { stack, properties } = queue;
      expect(properties.RedrivePolicy?.maxReceiveCount).toBe(inboxes.includes(queue) ? 1000 : 5);
      expect(deadLetters).toContainEqual({
        stack,
        id: properties.RedrivePolicy?.deadLetterTargetArn,
        properties: expect.objectContaining({ MessageRetentionPeriod: 14 * DAY_SECONDS }),
      });
    },
  );

  it.each(deadLetters)("$id keeps nobody else's messages", ({ id }) => {
    expect(workQueues.filter(({ properties }) => properties.RedrivePolicy?.deadLetterTargetArn === id)).toHaveLength(1);
  });

  it("that waits for a person is read by no function, and rings", () => {
    const fed = mappings.map((mapping) => mapping.properties.EventSourceArn);
    expect(workQueues.filter(({ id }) => !fed.includes(id)).map(({ id }) => id)).toEqual(inboxes.map(({ id }) => id));
    expect(inboxes.map(({ id }) => id.replace(/[0-9A-F]{8}$/, ""))).toEqual(["BreakFoundQueue", "NeedsReviewQueue", "PaymentAdjustedQueue"]);
    const watched = JSON.stringify(templates.ofType("AWS::CloudWatch::Alarm").map(({ Properties }) => Properties.Dimensions));
    for (const { id } of inboxes) expect(watched).toContain(id);
  });

  it("that waits for a person gets what a person must act on, and nothing else", () => {
    const rules = templates.read("AWS::Events::Rule", z.object({ EventPattern: z.unknown(), Targets: z.array(z.object({ Arn: pointer })) }));
    const patterns = inboxes.map((inbox) =>
      rules.filter(({ properties }) => properties.Targets.some(({ Arn }) => Arn === inbox.id)).map(({ properties }) => properties.EventPattern),
    );
    const ours = { source: ["auto-recharge"] };
    expect(patterns).toEqual([
      [{ ...ours, "detail-type": ["ReconciliationBreakFound"] }],
      [{ ...ours, "detail-type": ["RechargeNeedsReview"] }],
      [{ ...ours, "detail-type": ["RechargeAdjusted", "BillAdjusted"], detail: { kind: ["dispute-opened", "refund-failed", "paid-after-end"] } }],
    ]);
  });

  it.each(workQueues.filter((queue) => !inboxes.includes(queue)))(
    "$id feeds one function, and hides a message for six times as long as that may run",
    ({ id, properties }) => {
      const fed = mappings.filter((mapping) => mapping.properties.EventSourceArn === id).map((mapping) => mapping.properties.FunctionName);
      expect(fed).toHaveLength(1);
      const timeout = functions.find((each) => each.id === fed[0])?.Timeout;
      expect(properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * (timeout ?? Number.POSITIVE_INFINITY));
    },
  );

  it.each(templates.ofType("AWS::Lambda::EventSourceMapping"))("$id gives back only what failed, and is bounded", ({ Properties }) => {
    expect(Properties).toMatchObject({
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      BatchSize: expect.any(Number),
      ScalingConfig: { MaximumConcurrency: expect.any(Number) },
    });
  });
});

describe("an alarm", () => {
  const alarmSchema = z.object({
    AlarmActions: z.array(z.unknown()),
    AlarmDescription: z.string(),
    MetricName: z.optional(z.string()),
    Dimensions: z.optional(z.array(z.object({ Name: z.string(), Value: z.unknown() }))),
    Threshold: z.number(),
    ComparisonOperator: z.string(),
  });
  const alarms = templates.read("AWS::CloudWatch::Alarm", alarmSchema);

  it.each(deadLetters)("goes off at the first message in $id", ({ id }) => {
    expect(
      alarms.filter(({ properties }) => properties.Dimensions?.some(({ Value }) => pointer.safeParse(Value).data === id)).map(({ properties }) => properties),
    ).toMatchObject([
      {
        MetricName: "ApproximateNumberOfMessagesVisible",
        Threshold: 0,
        ComparisonOperator: "GreaterThanThreshold",
        AlarmActions: [{ "Fn::ImportValue": expect.stringContaining("RefAlarms") }],
      },
    ]);
  });

  it.each(deadLetters)("on $id leads to what to do about dead letters", ({ id }) => {
    const about = alarms.filter(({ properties }) => properties.Dimensions?.some(({ Value }) => pointer.safeParse(Value).data === id));
    expect(about.map(({ properties }) => properties.AlarmDescription.split("#")[1])).toEqual(["dead-letters"]);
  });

  it.each(alarms)("$id says who is hurt and which heading of the runbook helps", ({ properties }) => {
    const [, whoIsHurt, anchor] = /^(.+)\bSee docs\/runbook\.md#([\w-]+)$/.exec(properties.AlarmDescription) ?? [];
    expect(whoIsHurt).toMatch(/subscriber/i);
    expect(headingAnchors(readFileSync(RUNBOOK, "utf8"))).toContain(anchor);
  });

  it("stands behind every heading of the runbook that says when it rings, what it means, how to look and how to mend", () => {
    const sections = readFileSync(RUNBOOK, "utf8").split(/^(?=## )/m);
    const ringing = sections.filter((section) => section.includes("**Rings:**"));
    const anchors = new Set(alarms.map(({ properties }) => properties.AlarmDescription.split("#")[1]));
    expect(new Set(ringing.flatMap(headingAnchors))).toEqual(anchors);
    for (const section of ringing.filter((each) => !each.startsWith("## Kill switch")))
      for (const part of ["**What it means.**", "**How to look.**", "**How to mend.**"]) expect(section).toContain(part);
  });
});

describe("the runbook", () => {
  const runbook = readFileSync(RUNBOOK, "utf8");

  it("says how many functions at once the queues take at the most", () => {
    const most = Object.values(SIZES).reduce((sum, { queue }) => sum + (queue?.maxConcurrency ?? 0), 0);
    expect(runbook).toContain(`Ours take ${most} for the queues at the most`);
  });

  it("says of each queue, once, who is hurt by its dead letters", () => {
    const [, table = ""] = /^## Dead letters$(.*?)^## /ms.exec(runbook) ?? [];
    const named = [...table.matchAll(/^\| ([A-Z][\w, ]+) \|/gm)].flatMap(([, names = ""]) => names.split(", "));
    const queued = workQueues
      .map((queue) => queue.id.slice(0, -8))
      .map((id) => (/^(BreakFound|NeedsReview|PaymentAdjusted)Queue$/.test(id) ? id.slice(0, -5) : id));
    expect(named.toSorted()).toEqual(queued.toSorted());
  });
});

/** The anchors that GitHub gives to the headings of a page. */
function headingAnchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}\p{Mark}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("a delivery", () => {
  const targetSchema = z.object({
    Arn: pointer,
    DeadLetterConfig: z.object({ Arn: pointer }),
    RetryPolicy: z.object({ MaximumEventAgeInSeconds: z.int(), MaximumRetryAttempts: z.int() }),
  });
  const byRules = templates
    .read("AWS::Events::Rule", z.object({ State: z.literal("ENABLED"), Targets: z.array(targetSchema).check(z.minLength(1)) }))
    .flatMap(({ id, properties }) => properties.Targets.map((target) => ({ id, target })));
  const bySchedules = templates
    .read("AWS::Scheduler::Schedule", z.object({ State: z.literal("ENABLED"), ScheduleExpression: z.string(), Target: targetSchema }))
    .map(({ id, properties }) => ({ id, every: properties.ScheduleExpression, target: properties.Target }));

  it("of a schedule wakes up the planner and the sweeper each minute, the reconciler each hour and each day, the eraser and the reminder each day", () => {
    expect(Object.fromEntries(bySchedules.map(({ id, every }) => [id.replace(/[0-9A-F]{8}$/, ""), every]))).toEqual({
      PlanChecksQueueSchedule: "rate(1 minute)",
      SweepQueueSchedule: "rate(1 minute)",
      RemindQueueSchedule: "rate(1 day)",
      ReconcileQueueHourlySchedule: "rate(1 hour)",
      ReconcileQueueDailySchedule: "rate(1 day)",
      EraseQueueDailySchedule: "rate(1 day)",
    });
  });

  it.each([...byRules, ...bySchedules])("of $id goes into a queue and, when that fails for long enough, to the queue's dead letters", ({ target }) => {
    const queue = workQueues.find(({ id }) => id === target.Arn);
    expect(queue?.properties.RedrivePolicy?.deadLetterTargetArn).toBe(target.DeadLetterConfig.Arn);
  });

  it.each(byRules)("of the rule $id is tried for a day, as an event tells of money", ({ target }) => {
    expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: DAY_SECONDS, MaximumRetryAttempts: 185 });
  });

  it.each(bySchedules)("of the schedule $id is tried for an hour, as later ticks overtake it", ({ target }) => {
    expect(target.RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 60 });
  });

  it("never wakes a function without a queue, where a failure would be retried twice and then forgotten", () => {
    const invoked = templates.read("AWS::Lambda::Permission", z.object({ Principal: z.string() })).map(({ properties }) => properties.Principal);
    expect(new Set(invoked)).toEqual(new Set(["apigateway.amazonaws.com"]));
    expect(templates.all.filter(({ Type }) => /^AWS::(Lambda::EventInvokeConfig|SNS::Subscription|Pipes|StepFunctions|S3::Bucket)/.test(Type))).toEqual([]);
  });
});

describe("a function", () => {
  const byApi = new Set(
    templates.read("AWS::ApiGatewayV2::Integration", z.object({ IntegrationUri: pointer })).map(({ properties }) => properties.IntegrationUri),
  );
  const logGroups = templates.read("AWS::Logs::LogGroup", z.object({ RetentionInDays: z.int() }));

  it.each(templates.ofType("AWS::Lambda::Function"))("$id runs on the runtime it was tested on", ({ Properties }) => {
    expect(Properties).toMatchObject({ Runtime: "nodejs24.x", Architectures: ["arm64"], Handler: "index.handler" });
  });

  it.each(functions)("$name has the memory, the time and the concurrency that were chosen for it, with a reason", ({ id, name, ...deployed }) => {
    const [chosen] = Object.entries(SIZES).flatMap(([each, size]) => (each === name ? [size] : []));
    expect(chosen?.because).toMatch(/^[A-Z].{30,}\.$/);
    expect(deployed).toMatchObject({ MemorySize: chosen?.memoryMegabytes, Timeout: chosen?.timeoutSeconds });
    expect(deployed.ReservedConcurrentExecutions).toBeUndefined(); // a new account could not deploy it: infra/sizes.ts
    const fed = mappings.filter(({ properties }) => properties.FunctionName === id);
    expect(fed.map(({ properties: { BatchSize, ScalingConfig } }) => ({ batchSize: BatchSize, maxConcurrency: ScalingConfig.MaximumConcurrency }))).toEqual(
      chosen?.queue === undefined ? [] : [chosen.queue],
    );
    expect(byApi.has(id)).toBe(chosen?.queue === undefined); // the throttle of its routes is the bound there
  });

  it.each(functions)("$name ends before those who wait for it give up", ({ id, Timeout }) => {
    expect(Timeout).toBeLessThanOrEqual(byApi.has(id) ? 29 : 60);
  });

  it("has a role of its own", () => {
    expect(new Set(functions.map(({ Role }) => Role)).size).toBe(functions.length);
  });

  it("has a log of its own; these and the API's are all logs that there are, and each is kept for 30 days", () => {
    const logs = functions.map(({ LoggingConfig }) => LoggingConfig.LogGroup);
    expect(new Set(logs).size).toBe(functions.length);
    expect([...logs, API_LOG].toSorted()).toEqual(logGroups.map(({ id }) => id).toSorted());
    expect(new Set(logGroups.map(({ properties }) => properties.RetentionInDays))).toEqual(new Set([30]));
  });

  it.each(templates.ofType("AWS::Lambda::Function"))("$id is traced", ({ Properties }) => {
    expect(Properties).toMatchObject({ TracingConfig: { Mode: "Active" } });
  });

  it("is deployed for each environment in the contracts, once", () => {
    expect(functions.map(({ name }) => name).toSorted()).toEqual(Object.keys(environments).toSorted());
  });

  it.each(Object.entries(environments))(
    "%s gets exactly the variables that its contract names, and its name and namespace for log and metrics",
    (name, { shape }) => {
      expect(functions.find((each) => each.name === name)?.variables.toSorted()).toEqual(
        [...Object.keys(shape), "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME"].toSorted(),
      );
    },
  );
});

describe("Alipay", () => {
  it("asks each time, until an operator switches on what Stripe has to allow first", () => {
    const schema = z.object({ Environment: z.object({ Variables: z.object({ REUSABLE_ALIPAY: z.optional(z.string()) }) }) });
    const told = templates.read("AWS::Lambda::Function", schema).flatMap(({ properties }) => properties.Environment.Variables.REUSABLE_ALIPAY ?? []);
    expect(told).toEqual(["off"]);
  });
});

describe("the API", () => {
  const routeSchema = z.object({
    RouteKey: z.string(),
    AuthorizationType: z.string(),
    AuthorizerId: z.optional(pointer),
    AuthorizationScopes: z.optional(z.array(z.string())),
    Target: z.object({ "Fn::Join": z.tuple([z.literal(""), z.tuple([z.literal("integrations/"), pointer])]) }),
  });
  const routes = templates.read("AWS::ApiGatewayV2::Route", routeSchema).map(({ properties }) => properties);
  const open = [...PUBLIC_ROUTES, ...WEBHOOK_ROUTES].map(({ method, path }): string => `${method} ${path}`);
  const integrations = templates.read("AWS::ApiGatewayV2::Integration", z.object({ IntegrationUri: pointer }));

  /** The function in functions/ that answers a route. */
  function functionOf({ Target }: z.infer<typeof routeSchema>): string | undefined {
    const integration = integrations.find(({ id }) => id === Target["Fn::Join"][1][1]);
    return functions.find(({ id }) => id === integration?.properties.IntegrationUri)?.name;
  }

  it("has the routes of the contracts and no others, each with the scope, if any, and the function that the contract names", () => {
    const promised = [
      ...ROUTES.map((route) => [`${route.method} ${route.path}`, { scopes: [`${RESOURCE_SERVER}/${route.scope}`], function: route.function }] as const),
      ...[...PUBLIC_ROUTES, ...WEBHOOK_ROUTES].map((route) => [`${route.method} ${route.path}`, { scopes: undefined, function: route.function }] as const),
    ];
    const deployed = routes.map((route) => [route.RouteKey, { scopes: route.AuthorizationScopes, function: functionOf(route) }]);
    expect(Object.fromEntries(deployed)).toEqual(Object.fromEntries(promised));
  });

  it("asks nobody for a token who has a link, reads how to call it or signs what he sends, and asks everybody else", () => {
    expect(routes.filter(({ AuthorizationType }) => AuthorizationType === "NONE").map(({ RouteKey }) => RouteKey)).toEqual(open);
  });

  it.each(routes.filter(({ RouteKey }) => !open.includes(RouteKey)))(
    "answers $RouteKey only to a token of the issuer",
    ({ AuthorizationType, AuthorizerId }) => {
      const authorizers = templates.ofType("AWS::ApiGatewayV2::Authorizer").filter(({ id }) => id === AuthorizerId);
      expect(AuthorizationType).toBe("JWT");
      expect(authorizers.map(({ Properties }) => Properties)).toMatchObject([
        {
          AuthorizerType: "JWT",
          IdentitySource: ["$request.header.Authorization"],
          JwtConfiguration: {
            Issuer: { "Fn::ImportValue": expect.stringContaining("UserPool6BA7E5F2ProviderURL") },
            Audience: ["UserPoolWebClient", "UserPoolNativeClient"].map((client) => ({ "Fn::ImportValue": expect.stringContaining(client) })),
          },
        },
      ]);
    },
  );

  const [apiStage] = templates.read(
    "AWS::ApiGatewayV2::Stage",
    z.object({
      DefaultRouteSettings: z.unknown(),
      RouteSettings: z.record(z.string(), z.unknown()),
      AccessLogSettings: z.object({ DestinationArn: pointer, Format: z.string() }),
    }),
  );

  it("takes so many requests a second of a route, fewer without a token, and fewest of those that reach a bank each time", () => {
    expect(apiStage?.properties.DefaultRouteSettings).toEqual({ ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 });
    const limited = ROUTES.filter(({ limit }: Route) => typeof limit?.perHour === "number" && limit.counts !== "asking").map(
      ({ method, path }) => `${method} ${path}`,
    );
    expect(limited).toContain("POST /v1/payment-methods/setup-intents");
    expect(limited).not.toContain("GET /v1/esims");
    expect(limited).not.toContain("GET /v1/recharges/{rechargeId}"); // pages poll it
    expect(apiStage?.properties.RouteSettings).toEqual({
      ...Object.fromEntries(limited.map((routeKey) => [routeKey, { ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 }])),
      ...Object.fromEntries(PUBLIC_ROUTES.map(({ method, path }) => [`${method} ${path}`, { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 }])),
    });
  });

  it("is there before a stage names its routes, which would be refused otherwise", () => {
    const routeIds = templates
      .read("AWS::ApiGatewayV2::Route", z.object({ RouteKey: z.string() }))
      .filter(({ properties }) => Object.keys(apiStage?.properties.RouteSettings ?? {}).includes(properties.RouteKey))
      .map(({ id }) => id);
    expect(routeIds.length).toBeGreaterThan(PUBLIC_ROUTES.length);
    expect(templates.ofType("AWS::ApiGatewayV2::Stage").map(({ DependsOn }) => DependsOn?.toSorted())).toEqual([routeIds.toSorted()]);
  });

  it("writes down each request as JSON, and nothing of who asked: no path, no address, no agent, no claim", () => {
    expect(apiStage?.properties.AccessLogSettings.DestinationArn).toBe(API_LOG);
    const format = z.parse(z.record(z.string(), z.string()), JSON.parse(apiStage?.properties.AccessLogSettings.Format ?? ""));
    expect(Object.values(format).toSorted()).toEqual([
      "$context.error.responseType",
      "$context.integration.requestId",
      "$context.integrationLatency",
      "$context.integrationStatus",
      "$context.requestId",
      "$context.requestTime",
      "$context.responseLatency",
      "$context.responseLength",
      "$context.routeKey",
      "$context.status",
    ]);
  });

  it("can be called from the stage's pages in a browser, with a token and without cookies", () => {
    expect(templates.ofType("AWS::ApiGatewayV2::Api").map(({ Properties }) => Properties.CorsConfiguration)).toEqual([
      {
        AllowOrigins: ["http://localhost:8787"],
        AllowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
        AllowHeaders: ["authorization", "content-type", "idempotency-key", "if-match"],
        ExposeHeaders: ["etag", "location", "retry-after"],
        MaxAge: 7200,
      },
    ]);
  });

  it("is deployed by the Service stack alone", () => {
    expect(new Set(templates.ofType("AWS::ApiGatewayV2::Route").map(({ stack }) => stack))).toEqual(new Set([SERVICE]));
  });
});
