import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { readEventPattern } from "./event-pattern.ts";
import { UnsupportedTemplate } from "./unsupported-template.ts";

/** The account of every local ARN. */
export const LOCAL_ACCOUNT = "000000000000";

/** A resource in its stack: what its local names are made of. */
export interface Placed {
  readonly stackName: string;
  readonly logicalId: string;
  readonly region: string;
  /** As the template says, else made of the stack's name and the logical id, as CloudFormation does. */
  readonly name: string;
  /** A property that has to be a text. */
  text(property: string): string;
  queueUrl(queueName: string): string;
}

type NameOf = (at: Placed) => string;
/** What Ref and Fn::GetAtt give. `given`: only the running stack knows it, so it is asked for through the `attributes` argument of `loadStacks`. */
interface Names {
  /** The property that names the resource, where it may be named. */
  readonly namedBy?: string;
  /** Characters that AWS allows in the name. */
  readonly nameLimit?: number;
  /** The name unless said otherwise. */
  readonly ref?: NameOf;
  readonly attributes?: Readonly<Record<string, NameOf | "given">>;
}

/** Something that a resource points at, and that must be in these templates. */
interface Reference {
  readonly property: string;
  readonly type: string;
  /** Its Ref or its ARN. */
  readonly value: string | undefined;
}

interface InterpretedResource<Schema extends z.ZodMiniType> extends Names {
  readonly properties: Schema;
  readonly pointsAt: (properties: unknown) => readonly Reference[];
}

function interpreted<Schema extends z.ZodMiniType>(
  entry: Names & { readonly properties: Schema; readonly pointsAt?: (properties: z.infer<Schema>) => readonly Reference[] },
): InterpretedResource<Schema> {
  const { pointsAt } = entry;
  return { ...entry, pointsAt: (properties) => pointsAt?.(z.parse(entry.properties, properties)) ?? [] };
}

/** A property that is accepted although nothing on this machine acts on it; the reason is for whoever reads the table. */
function withoutEffect(_reason: string) {
  return z.optional(z.unknown());
}

const text = z.string().check(z.minLength(1));
const wholeNumber = (from: number, to: number) => z.int().check(z.gte(from), z.lte(to));
const tags = withoutEffect("labels for bills and owners");
const atRest = withoutEffect("encryption at rest");
const backup = withoutEffect("protection against loss in the cloud");

const arnIn =
  (service: string, resource: string): NameOf =>
  (at) =>
    `arn:aws:${service}:${at.region}:${LOCAL_ACCOUNT}:${resource}${at.name}`;
const globalArn =
  (service: string, resource: string): NameOf =>
  (at) =>
    `arn:aws:${service}::${LOCAL_ACCOUNT}:${resource}${at.name}`;
const name: NameOf = (at) => at.name;

/** An id that AWS would make up; here the same at every start. */
function madeUpId(length: number): NameOf {
  return (at) =>
    BigInt(`0x${createHash("sha256").update(`${at.stackName}/${at.logicalId}`).digest("hex")}`)
      .toString(36)
      .slice(0, length);
}

const keySchema = z.array(z.strictObject({ AttributeName: text, KeyType: z.enum(["HASH", "RANGE"]) })).check(z.minLength(1), z.maxLength(2));
const projection = z.strictObject({ ProjectionType: z.enum(["ALL", "KEYS_ONLY", "INCLUDE"]), NonKeyAttributes: z.optional(z.array(text)) });
/** What AWS::DynamoDB::GlobalTable and AWS::DynamoDB::Table have in common. */
const table = {
  TableName: z.optional(text),
  AttributeDefinitions: z.array(z.strictObject({ AttributeName: text, AttributeType: z.enum(["S", "N", "B"]) })),
  KeySchema: keySchema,
  BillingMode: z.literal("PAY_PER_REQUEST"),
  GlobalSecondaryIndexes: z.optional(z.array(z.strictObject({ IndexName: text, KeySchema: keySchema, Projection: projection }))),
  TimeToLiveSpecification: z.optional(z.strictObject({ AttributeName: text, Enabled: z.boolean() })),
  SSESpecification: atRest,
};
const tableNames = { namedBy: "TableName", nameLimit: 255, attributes: { Arn: arnIn("dynamodb", "table/") } };

const queueTarget = text.check(z.regex(/^arn:aws:sqs:/, "only an SQS queue can be the target: every asynchronous path is a queue"));
const deadLetterConfig = z.optional(z.strictObject({ Arn: queueTarget }));
const retryPolicy = z.optional(
  z.strictObject({ MaximumEventAgeInSeconds: z.optional(wholeNumber(60, 86_400)), MaximumRetryAttempts: z.optional(wholeNumber(0, 185)) }),
);
/** Requests a second, and how many may come at once. */
const throttling = z.strictObject({ ThrottlingRateLimit: z.number().check(z.gt(0)), ThrottlingBurstLimit: wholeNumber(1, 1_000_000) });
const state = z.optional(z.enum(["ENABLED", "DISABLED"]));
const eventPattern = z.record(z.string(), z.unknown()).check(
  z.superRefine((pattern, context) => {
    try {
      readEventPattern(pattern);
    } catch (error) {
      if (!(error instanceof UnsupportedTemplate)) throw error;
      context.addIssue({ code: "custom", message: error.message });
    }
  }),
);
const oneOrMore = z.union([text, z.array(text)]);
/** As IAM reads it: `permissions.ts` decides by it. */
const policyDocument = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z.array(
    z.strictObject({
      Sid: z.optional(text),
      Effect: z.enum(["Allow", "Deny"]),
      Action: oneOrMore,
      Resource: z.optional(oneOrMore),
      NotResource: z.optional(oneOrMore),
      Condition: z.optional(z.record(text, z.record(text, oneOrMore))),
    }),
  ),
});
const ruleArn: NameOf = (at) => `arn:aws:events:${at.region}:${LOCAL_ACCOUNT}:rule/${at.text("EventBusName")}/${at.name}`;
const topicArn = arnIn("sns", "");
/** Real ones end in six characters that AWS makes up; the CDK counts on them when it takes a secret's name out of its ARN. */
const secretArn: NameOf = (at) => `${arnIn("secretsmanager", "secret:")(at)}-${madeUpId(6)(at)}`;
const noRecipe = z.optional(z.literal(false, "the local issuer asks passwords for their length only"));
const issuersOwn = withoutEffect("the local issuer has its own accounts, codes and mails");

const anyAlarm = {
  AlarmName: z.optional(text),
  AlarmDescription: z.optional(text),
  EvaluationPeriods: wholeNumber(1, 1440),
  DatapointsToAlarm: z.optional(wholeNumber(1, 1440)),
  Threshold: z.number(),
  ComparisonOperator: z.enum(["GreaterThanThreshold", "GreaterThanOrEqualToThreshold"]),
  TreatMissingData: z.optional(z.enum(["notBreaching", "breaching", "ignore", "missing"])),
  ActionsEnabled: z.optional(z.literal(true)),
  AlarmActions: z.optional(z.array(text)),
  OKActions: z.optional(z.array(text)),
  Tags: tags,
};

/** The one kind of alarm that rings locally. */
const queueAlarm = z.strictObject({
  ...anyAlarm,
  Namespace: z.literal("AWS/SQS"),
  MetricName: z.literal("ApproximateNumberOfMessagesVisible"),
  Dimensions: z.tuple([z.strictObject({ Name: z.literal("QueueName"), Value: text })]),
  Statistic: z.enum(["Maximum", "Minimum", "Average", "Sum"]),
  Period: wholeNumber(10, 86_400),
});

const dimensions = z.optional(z.array(z.strictObject({ Name: text, Value: text })));
const statistic = { Stat: text, Period: wholeNumber(10, 86_400) };
const metric = z.strictObject({ Namespace: text, MetricName: text, Dimensions: dimensions });

/** An alarm on what is not measured locally: what AWS itself measures of functions and APIs, and the functions' own metrics, which stand in their log. */
const unwatchedAlarm = z.strictObject({
  ...anyAlarm,
  Namespace: z.optional(text.check(z.refine((namespace) => namespace !== "AWS/SQS", "only the visible messages of queues are measured locally"))),
  MetricName: z.optional(text),
  Dimensions: dimensions,
  Statistic: z.optional(text),
  ExtendedStatistic: z.optional(text),
  Period: z.optional(wholeNumber(10, 86_400)),
  Metrics: z.optional(
    z.array(
      z.strictObject({
        Id: text,
        Label: z.optional(text),
        Expression: z.optional(text),
        ReturnData: z.optional(z.boolean()),
        MetricStat: z.optional(z.strictObject({ ...statistic, Metric: metric })),
      }),
    ),
  ),
});

/**
 * The resource types that work on this machine, with every property that they may have. An unknown property stops the start.
 *
 * To add a property: find out what it does on AWS, make the local stack do the same, and list it here; or list it as `withoutEffect`, with the reason.
 */
export const interpretedResources = {
  "AWS::DynamoDB::GlobalTable": interpreted({
    ...tableNames,
    properties: z.strictObject({
      ...table,
      Replicas: z
        .array(
          z.strictObject({
            Region: text,
            GlobalSecondaryIndexes: withoutEffect("repeats the names of the table's own indexes"),
            DeletionProtectionEnabled: backup,
            PointInTimeRecoverySpecification: backup,
            SSESpecification: atRest,
            Tags: tags,
          }),
        )
        .check(z.length(1, "there is one region on this machine")),
    }),
  }),
  "AWS::DynamoDB::Table": interpreted({
    ...tableNames,
    properties: z.strictObject({ ...table, DeletionProtectionEnabled: backup, PointInTimeRecoverySpecification: backup, Tags: tags }),
  }),

  "AWS::SQS::Queue": interpreted({
    namedBy: "QueueName",
    nameLimit: 80,
    ref: (at) => at.queueUrl(at.name),
    attributes: { Arn: arnIn("sqs", ""), QueueName: name, QueueUrl: (at) => at.queueUrl(at.name) },
    properties: z.strictObject({
      QueueName: z.optional(text),
      VisibilityTimeout: z.optional(wholeNumber(0, 43_200)),
      MessageRetentionPeriod: z.optional(wholeNumber(60, 1_209_600)),
      ReceiveMessageWaitTimeSeconds: z.optional(wholeNumber(0, 20)),
      DelaySeconds: z.optional(wholeNumber(0, 900)),
      MaximumMessageSize: z.optional(wholeNumber(1024, 1_048_576)),
      RedrivePolicy: z.optional(z.strictObject({ deadLetterTargetArn: queueTarget, maxReceiveCount: wholeNumber(1, 1000) })),
      RedriveAllowPolicy: withoutEffect("a permission"),
      SqsManagedSseEnabled: atRest,
      Tags: tags,
    }),
    pointsAt: ({ RedrivePolicy }) => [{ property: "RedrivePolicy.deadLetterTargetArn", type: "AWS::SQS::Queue", value: RedrivePolicy?.deadLetterTargetArn }],
  }),

  "AWS::Events::EventBus": interpreted({
    namedBy: "Name",
    nameLimit: 256,
    attributes: { Arn: arnIn("events", "event-bus/"), Name: name },
    properties: z.strictObject({ Name: text, Description: withoutEffect("a remark"), Tags: tags }),
  }),
  "AWS::Events::Rule": interpreted({
    namedBy: "Name",
    nameLimit: 64,
    ref: (at) => `${at.text("EventBusName")}|${at.name}`,
    attributes: { Arn: ruleArn },
    properties: z.strictObject({
      Name: z.optional(text),
      Description: withoutEffect("a remark"),
      EventBusName: text,
      EventPattern: eventPattern,
      State: state,
      Targets: z.array(z.strictObject({ Id: text, Arn: queueTarget, DeadLetterConfig: deadLetterConfig, RetryPolicy: retryPolicy })).check(z.minLength(1)),
      Tags: tags,
    }),
    pointsAt: ({ EventBusName, Targets }) => [
      { property: "EventBusName", type: "AWS::Events::EventBus", value: EventBusName },
      ...Targets.flatMap((target, index) => [
        { property: `Targets.${index}.Arn`, type: "AWS::SQS::Queue", value: target.Arn },
        { property: `Targets.${index}.DeadLetterConfig.Arn`, type: "AWS::SQS::Queue", value: target.DeadLetterConfig?.Arn },
      ]),
    ],
  }),

  "AWS::Scheduler::Schedule": interpreted({
    namedBy: "Name",
    nameLimit: 64,
    attributes: { Arn: arnIn("scheduler", "schedule/default/") },
    properties: z.strictObject({
      Name: z.optional(text),
      Description: withoutEffect("a remark"),
      ScheduleExpression: text.check(z.regex(/^rate\([1-9]\d{0,4} (minute|hour|day)s?\)$/, "only rates, such as rate(1 minute), are run locally")),
      ScheduleExpressionTimezone: withoutEffect("a rate is the same in every time zone"),
      FlexibleTimeWindow: z.strictObject({ Mode: z.literal("OFF") }),
      State: state,
      Target: z.strictObject({
        Arn: queueTarget,
        RoleArn: text,
        Input: z.optional(text),
        RetryPolicy: retryPolicy,
        DeadLetterConfig: deadLetterConfig,
        SqsParameters: z.optional(z.strictObject({})),
      }),
    }),
    pointsAt: ({ Target }) => [
      { property: "Target.Arn", type: "AWS::SQS::Queue", value: Target.Arn },
      { property: "Target.DeadLetterConfig.Arn", type: "AWS::SQS::Queue", value: Target.DeadLetterConfig?.Arn },
      { property: "Target.RoleArn", type: "AWS::IAM::Role", value: Target.RoleArn },
    ],
  }),

  "AWS::IAM::Role": interpreted({
    namedBy: "RoleName",
    nameLimit: 64,
    attributes: { Arn: globalArn("iam", "role/") },
    properties: z.strictObject({
      RoleName: z.optional(text),
      Description: withoutEffect("a remark"),
      AssumeRolePolicyDocument: withoutEffect("a role is taken by the function or schedule that names it"),
      Policies: z.optional(z.array(z.strictObject({ PolicyName: text, PolicyDocument: policyDocument }))),
      Tags: tags,
    }),
  }),
  "AWS::IAM::Policy": interpreted({
    properties: z.strictObject({ PolicyName: text, PolicyDocument: policyDocument, Roles: z.array(text).check(z.minLength(1)) }),
    pointsAt: ({ Roles }) => Roles.map((value, index) => ({ property: `Roles.${index}`, type: "AWS::IAM::Role", value })),
  }),

  "AWS::Lambda::Function": interpreted({
    namedBy: "FunctionName",
    nameLimit: 64,
    attributes: { Arn: arnIn("lambda", "function:") },
    properties: z.strictObject({
      FunctionName: z.optional(text),
      Description: withoutEffect("a remark"),
      Runtime: z.literal("nodejs24.x"),
      Architectures: withoutEffect("functions run on this machine's processor"),
      Code: z.strictObject({ S3Bucket: withoutEffect("the asset is taken from the cloud assembly"), S3Key: text }),
      Handler: text.check(z.regex(/^[\w/-]+\.\w+$/, "must be a file and the name of its export, such as index.handler")),
      Environment: z.optional(z.strictObject({ Variables: z.record(z.string(), z.string()) })),
      MemorySize: z.optional(wholeNumber(128, 10_240)),
      Timeout: z.optional(wholeNumber(1, 900)),
      LoggingConfig: z.optional(
        z.strictObject({
          LogFormat: z.optional(z.enum(["Text", "JSON"])),
          ApplicationLogLevel: z.optional(text),
          SystemLogLevel: withoutEffect("there are no lines of the platform"),
          LogGroup: withoutEffect("log lines go to the terminal"),
        }),
      ),
      Role: text,
      RecursiveLoop: withoutEffect("loops between services are not detected"),
      TracingConfig: withoutEffect("there is no tracing"),
      Tags: tags,
    }),
    pointsAt: ({ Role }) => [{ property: "Role", type: "AWS::IAM::Role", value: Role }],
  }),
  "AWS::Lambda::EventSourceMapping": interpreted({
    ref: madeUpId(32),
    attributes: { Id: madeUpId(32) },
    properties: z.strictObject({
      EventSourceArn: queueTarget,
      FunctionName: text,
      BatchSize: z.optional(wholeNumber(1, 10_000)),
      MaximumBatchingWindowInSeconds: z.optional(wholeNumber(0, 300)),
      ScalingConfig: z.optional(z.strictObject({ MaximumConcurrency: wholeNumber(2, 1000) })),
      FunctionResponseTypes: z.optional(z.array(z.literal("ReportBatchItemFailures"))),
      Enabled: z.optional(z.literal(true)),
      Tags: tags,
    }),
    pointsAt: ({ EventSourceArn, FunctionName }) => [
      { property: "EventSourceArn", type: "AWS::SQS::Queue", value: EventSourceArn },
      { property: "FunctionName", type: "AWS::Lambda::Function", value: FunctionName },
    ],
  }),

  "AWS::ApiGatewayV2::Api": interpreted({
    ref: madeUpId(10),
    attributes: { ApiId: madeUpId(10), ApiEndpoint: "given" },
    properties: z.strictObject({
      Name: text,
      ProtocolType: z.literal("HTTP"),
      CorsConfiguration: z.optional(
        z.strictObject({
          AllowOrigins: z.array(z.url({ error: "must be origins, each in full: nobody else's page may call" })).check(z.minLength(1)),
          AllowMethods: z.array(z.enum(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])),
          AllowHeaders: z.array(text.check(z.regex(/^[a-z-]+$/, "must be the name of a header, in small letters"))),
          ExposeHeaders: z.optional(z.array(text)),
          MaxAge: z.optional(wholeNumber(0, 86_400)),
        }),
      ),
      Description: withoutEffect("a remark"),
      DisableExecuteApiEndpoint: withoutEffect("the local gateway has one address"),
      Tags: tags,
    }),
  }),
  "AWS::ApiGatewayV2::Stage": interpreted({
    namedBy: "StageName",
    properties: z.strictObject({
      ApiId: text,
      StageName: z.literal("$default", "another stage would put its name before every path"),
      AutoDeploy: z.literal(true),
      Description: withoutEffect("a remark"),
      DefaultRouteSettings: z.optional(throttling),
      RouteSettings: z.optional(z.record(text, throttling)),
      AccessLogSettings: withoutEffect("there is no access log"),
      Tags: tags,
    }),
    pointsAt: ({ ApiId }) => [{ property: "ApiId", type: "AWS::ApiGatewayV2::Api", value: ApiId }],
  }),
  "AWS::ApiGatewayV2::Route": interpreted({
    ref: madeUpId(7),
    attributes: { RouteId: madeUpId(7) },
    properties: z.strictObject({
      ApiId: text,
      RouteKey: text.check(
        z.regex(
          /^(\$default|(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/|(\/([^/{}]+|\{\w+\}))*(\/\{\w+\+\})?))$/,
          "must be a method and a path, or $default",
        ),
      ),
      Target: text.check(z.startsWith("integrations/", "must be an integration")),
      AuthorizationType: z.optional(z.enum(["NONE", "JWT"])),
      AuthorizerId: z.optional(text),
      AuthorizationScopes: z.optional(z.array(text)),
    }),
    pointsAt: ({ ApiId, Target, AuthorizerId }) => [
      { property: "ApiId", type: "AWS::ApiGatewayV2::Api", value: ApiId },
      { property: "Target", type: "AWS::ApiGatewayV2::Integration", value: Target.slice("integrations/".length) },
      { property: "AuthorizerId", type: "AWS::ApiGatewayV2::Authorizer", value: AuthorizerId },
    ],
  }),
  "AWS::ApiGatewayV2::Integration": interpreted({
    ref: madeUpId(7),
    properties: z.strictObject({
      ApiId: text,
      IntegrationType: z.literal("AWS_PROXY"),
      IntegrationUri: text,
      PayloadFormatVersion: z.literal("2.0"),
      TimeoutInMillis: z.optional(wholeNumber(50, 30_000)),
    }),
    pointsAt: ({ ApiId, IntegrationUri }) => [
      { property: "ApiId", type: "AWS::ApiGatewayV2::Api", value: ApiId },
      { property: "IntegrationUri", type: "AWS::Lambda::Function", value: IntegrationUri },
    ],
  }),
  "AWS::ApiGatewayV2::Authorizer": interpreted({
    ref: madeUpId(6),
    attributes: { AuthorizerId: madeUpId(6) },
    properties: z.strictObject({
      ApiId: text,
      Name: text,
      AuthorizerType: z.literal("JWT"),
      IdentitySource: z.tuple([z.literal("$request.header.Authorization")]),
      JwtConfiguration: z.strictObject({ Issuer: z.url(), Audience: z.array(text).check(z.minLength(1)) }),
    }),
    pointsAt: ({ ApiId }) => [{ property: "ApiId", type: "AWS::ApiGatewayV2::Api", value: ApiId }],
  }),

  "AWS::SecretsManager::Secret": interpreted({
    namedBy: "Name",
    nameLimit: 512,
    ref: secretArn,
    attributes: { Id: secretArn },
    properties: z.strictObject({
      Name: z.optional(text),
      Description: withoutEffect("a remark"),
      GenerateSecretString: z.optional(
        z.strictObject({
          SecretStringTemplate: z.optional(text),
          GenerateStringKey: z.optional(text),
          PasswordLength: z.optional(wholeNumber(1, 4096)),
          ExcludeCharacters: z.optional(z.string()),
          ExcludePunctuation: z.optional(z.boolean()),
          ExcludeLowercase: z.optional(z.boolean()),
          ExcludeUppercase: z.optional(z.boolean()),
          ExcludeNumbers: z.optional(z.boolean()),
          IncludeSpace: z.optional(z.boolean()),
          RequireEachIncludedType: z.optional(z.boolean()),
        }),
      ),
      Tags: tags,
    }),
  }),

  "AWS::Cognito::UserPool": interpreted({
    ref: (at) => `${at.region}_${madeUpId(9)(at)}`,
    attributes: {
      Arn: (at) => `arn:aws:cognito-idp:${at.region}:${LOCAL_ACCOUNT}:userpool/${at.region}_${madeUpId(9)(at)}`,
      UserPoolId: (at) => `${at.region}_${madeUpId(9)(at)}`,
      ProviderURL: "given",
      ProviderName: "given",
    },
    properties: z.strictObject({
      UserPoolName: z.optional(text),
      UsernameAttributes: z.optional(z.array(z.enum(["email", "phone_number"]))),
      UsernameConfiguration: issuersOwn,
      AliasAttributes: issuersOwn,
      AccountRecoverySetting: issuersOwn,
      AdminCreateUserConfig: issuersOwn,
      AutoVerifiedAttributes: issuersOwn,
      EmailConfiguration: issuersOwn,
      EmailVerificationMessage: issuersOwn,
      EmailVerificationSubject: issuersOwn,
      EnabledMfas: issuersOwn,
      MfaConfiguration: issuersOwn,
      Policies: z.optional(
        z.strictObject({
          PasswordPolicy: z.strictObject({
            MinimumLength: wholeNumber(6, 99),
            RequireLowercase: noRecipe,
            RequireNumbers: noRecipe,
            RequireSymbols: noRecipe,
            RequireUppercase: noRecipe,
          }),
        }),
      ),
      Schema: issuersOwn,
      SmsConfiguration: issuersOwn,
      SmsVerificationMessage: issuersOwn,
      UserAttributeUpdateSettings: issuersOwn,
      VerificationMessageTemplate: issuersOwn,
      DeviceConfiguration: issuersOwn,
      UserPoolAddOns: withoutEffect("threat protection"),
      UserPoolTier: withoutEffect("a price plan"),
      DeletionProtection: backup,
      UserPoolTags: tags,
    }),
  }),
  "AWS::Cognito::UserPoolClient": interpreted({
    ref: madeUpId(26),
    attributes: { ClientId: madeUpId(26) },
    properties: z.strictObject({
      UserPoolId: text,
      ClientName: z.optional(text),
      AllowedOAuthFlows: z.optional(z.array(z.literal("code"))),
      AllowedOAuthFlowsUserPoolClient: z.optional(z.literal(true)),
      AllowedOAuthScopes: z.optional(z.array(text)),
      CallbackURLs: z.array(z.url()).check(z.minLength(1)),
      LogoutURLs: z.optional(z.array(z.url())),
      GenerateSecret: z.optional(z.literal(false, "the local issuer knows public clients only")),
      AccessTokenValidity: z.optional(wholeNumber(1, 86_400)),
      IdTokenValidity: z.optional(wholeNumber(1, 86_400)),
      RefreshTokenValidity: z.optional(wholeNumber(1, 315_360_000)),
      TokenValidityUnits: z.optional(
        z.strictObject({
          AccessToken: z.optional(z.enum(["seconds", "minutes", "hours", "days"])),
          IdToken: z.optional(z.enum(["seconds", "minutes", "hours", "days"])),
          RefreshToken: z.optional(z.enum(["seconds", "minutes", "hours", "days"])),
        }),
      ),
      SupportedIdentityProviders: z.optional(z.array(z.literal("COGNITO"))),
      ExplicitAuthFlows: issuersOwn,
      AuthSessionValidity: issuersOwn,
      PreventUserExistenceErrors: issuersOwn,
      EnableTokenRevocation: z.optional(z.literal(true, "refresh tokens can be revoked at the local issuer")),
      RefreshTokenRotation: z.optional(z.strictObject({ Feature: z.enum(["ENABLED", "DISABLED"]), RetryGracePeriodSeconds: z.optional(wholeNumber(0, 60)) })),
      ReadAttributes: issuersOwn,
      WriteAttributes: issuersOwn,
    }),
    pointsAt: ({ UserPoolId }) => [{ property: "UserPoolId", type: "AWS::Cognito::UserPool", value: UserPoolId }],
  }),
  "AWS::Cognito::UserPoolResourceServer": interpreted({
    namedBy: "Identifier",
    properties: z.strictObject({
      UserPoolId: text,
      Identifier: text,
      Name: text,
      Scopes: z.optional(z.array(z.strictObject({ ScopeName: text, ScopeDescription: text }))),
    }),
    pointsAt: ({ UserPoolId }) => [{ property: "UserPoolId", type: "AWS::Cognito::UserPool", value: UserPoolId }],
  }),
  "AWS::Cognito::UserPoolDomain": interpreted({
    namedBy: "Domain",
    properties: z.strictObject({ UserPoolId: text, Domain: text, ManagedLoginVersion: withoutEffect("the local issuer has its own sign-in page") }),
    pointsAt: ({ UserPoolId }) => [{ property: "UserPoolId", type: "AWS::Cognito::UserPool", value: UserPoolId }],
  }),

  "AWS::SNS::Topic": interpreted({
    namedBy: "TopicName",
    nameLimit: 256,
    ref: topicArn,
    attributes: { TopicArn: topicArn, TopicName: name },
    properties: z.strictObject({ TopicName: z.optional(text), DisplayName: z.optional(text), KmsMasterKeyId: atRest, Tags: tags }),
  }),
  "AWS::SNS::Subscription": interpreted({
    ref: (at) => `${at.text("TopicArn")}:${madeUpId(32)(at)}`,
    properties: z.strictObject({ TopicArn: text, Protocol: z.enum(["email", "email-json"]), Endpoint: text }),
    pointsAt: ({ TopicArn }) => [{ property: "TopicArn", type: "AWS::SNS::Topic", value: TopicArn }],
  }),
  "AWS::SES::EmailIdentity": interpreted({
    namedBy: "EmailIdentity",
    properties: z.strictObject({
      EmailIdentity: text,
      DkimAttributes: withoutEffect("local mail is not sent"),
      DkimSigningAttributes: withoutEffect("local mail is not sent"),
      FeedbackAttributes: withoutEffect("local mail is not sent"),
      MailFromAttributes: withoutEffect("local mail is not sent"),
      Tags: tags,
    }),
  }),

  "AWS::Logs::LogGroup": interpreted({
    namedBy: "LogGroupName",
    nameLimit: 512,
    attributes: { Arn: (at) => `${arnIn("logs", "log-group:")(at)}:*` },
    properties: z.strictObject({ LogGroupName: z.optional(text), RetentionInDays: withoutEffect("log lines go to the terminal"), Tags: tags }),
  }),
  "AWS::CloudWatch::Alarm": interpreted({
    namedBy: "AlarmName",
    nameLimit: 255,
    attributes: { Arn: arnIn("cloudwatch", "alarm:") },
    properties: z.union([queueAlarm, unwatchedAlarm]),
    pointsAt: ({ AlarmActions = [], OKActions = [] }) => [
      ...AlarmActions.map((value, index) => ({ property: `AlarmActions.${index}`, type: "AWS::SNS::Topic", value })),
      ...OKActions.map((value, index) => ({ property: `OKActions.${index}`, type: "AWS::SNS::Topic", value })),
    ],
  }),
};

interface InertResource extends Names {
  /** Why this has no effect on this machine. */
  readonly because: string;
}

/** The resource types that do nothing on this machine; their properties are not looked at. Everything that is in no table stops the start. */
export const inertResources: Readonly<Record<string, InertResource>> = {
  "AWS::SQS::QueuePolicy": { because: "lets services of AWS in, which are part of the local stack; functions have their roles" },
  "AWS::SNS::TopicPolicy": { because: "lets the alarms in, which are part of the local stack" },
  "AWS::Events::EventBusPolicy": { because: "lets other accounts in" },
  "AWS::SecretsManager::ResourcePolicy": { because: "lets other accounts in" },
  "AWS::Lambda::Permission": { because: "lets the API call, which is part of the local stack" },
  "AWS::Logs::MetricFilter": { because: "there are no metrics made of logs, and no alarms on them" },
  "AWS::Logs::QueryDefinition": { because: "a saved search over logs that are not kept" },
  "AWS::Events::Archive": {
    because: "a copy of the bus's events for replays; the timeline shows them locally",
    attributes: { Arn: arnIn("events", "archive/") },
  },
  "AWS::CloudWatch::Dashboard": { because: "there are no metrics to show" },
  "AWS::Cognito::ManagedLoginBranding": { because: "the local issuer has its own sign-in page" },
  "AWS::CDK::Metadata": { because: "tells AWS which constructs are in use" },
};

export type InterpretedType = keyof typeof interpretedResources;
export type PropertiesOf<Type extends InterpretedType> = z.infer<(typeof interpretedResources)[Type]["properties"]>;

export function isInterpreted(type: string): type is InterpretedType {
  return Object.hasOwn(interpretedResources, type);
}

/** Parses the resolved properties of a resource. Throws a ZodError. */
export function readProperties<Type extends InterpretedType>(type: Type, properties: unknown): PropertiesOf<Type> {
  // Said once more as a mapped type, through which TypeScript can follow the index.
  const table: { readonly [T in InterpretedType]: { readonly properties: z.ZodMiniType<PropertiesOf<T>> } } = interpretedResources;
  return z.parse(table[type].properties, properties);
}

/** The names of a type, whether it is interpreted or inert; undefined for a type that is in no table. */
export function namesOf(type: string): Names | undefined {
  return isInterpreted(type) ? interpretedResources[type] : Object.hasOwn(inertResources, type) ? inertResources[type] : undefined;
}

export function referencesOf(type: InterpretedType, properties: unknown): readonly Reference[] {
  return interpretedResources[type].pointsAt(properties);
}
