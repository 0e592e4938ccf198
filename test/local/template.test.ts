import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "@jest/globals";
import { App, CfnOutput, Duration, RemovalPolicy, Stack, Tags } from "aws-cdk-lib";
import { type CfnStage, CorsHttpMethod, HttpApi, HttpMethod, HttpStage } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Alarm, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { OAuthScope, ResourceServerScope, UserPool } from "aws-cdk-lib/aws-cognito";
import { AttributeType, ProjectionType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus, Rule } from "aws-cdk-lib/aws-events";
import { SqsQueue } from "aws-cdk-lib/aws-events-targets";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { ContextAttribute, Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { SqsSendMessage } from "aws-cdk-lib/aws-scheduler-targets";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { EmailIdentity, Identity } from "aws-cdk-lib/aws-ses";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { listFunctions } from "../../local/cloud/functions.ts";
import { readHttpApi } from "../../local/cloud/http-api.ts";
import { loadStacks } from "../../local/cloud/template.ts";
import { UnsupportedTemplate } from "../../local/cloud/unsupported-template.ts";

const root = mkdtempSync(join(tmpdir(), "template-"));
afterAll(() => rmSync(root, { recursive: true }));

const ISSUER = "http://127.0.0.1:9/issuer";
const options = {
  queueUrl: (name: string) => `http://127.0.0.1:9/000000000000/${name}`,
  attributes: (_type: string, attribute: string) => ({ ProviderURL: ISSUER, ApiEndpoint: "http://127.0.0.1:8" })[attribute],
};

/** Two stacks with every kind of resource that the product deploys, as the CDK writes them. */
function synthesize(): string {
  const app = new App({ outdir: join(root, "cdk") });
  const data = new Stack(app, "Data", { stackName: "sample-data" });
  const table = new TableV2(data, "Lines", {
    partitionKey: { name: "iccid", type: AttributeType.STRING },
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    timeToLiveAttribute: "expiresAt",
    removalPolicy: RemovalPolicy.RETAIN,
    globalSecondaryIndexes: [
      {
        indexName: "slots",
        partitionKey: { name: "slot", type: AttributeType.STRING },
        sortKey: { name: "hash", type: AttributeType.NUMBER },
        projectionType: ProjectionType.INCLUDE,
        nonKeyAttributes: ["judge"],
      },
    ],
  });
  const bus = new EventBus(data, "Bus", { eventBusName: "sample" });
  bus.archive("Archive", { eventPattern: { source: ["sample"] }, retention: Duration.days(30) });
  const pool = new UserPool(data, "Pool", { signInAliases: { email: true, phone: true }, selfSignUpEnabled: true, deletionProtection: true });
  const scope = new ResourceServerScope({ scopeName: "manage", scopeDescription: "everything" });
  const server = pool.addResourceServer("Server", { identifier: "sample", scopes: [scope] });
  const client = pool.addClient("Web", {
    oAuth: {
      flows: { authorizationCodeGrant: true },
      scopes: [OAuthScope.OPENID, OAuthScope.resourceServer(server, scope)],
      callbackUrls: ["http://127.0.0.1/"],
    },
  });
  pool.addDomain("Domain", { cognitoDomain: { domainPrefix: "sample-dev" } });
  const secret = new Secret(data, "Keys", { generateSecretString: { secretStringTemplate: "{}", generateStringKey: "key" } });
  const alarms = new Topic(data, "Alarms", { enforceSSL: true });
  alarms.addSubscription(new EmailSubscription("operator@example.com"));
  new EmailIdentity(data, "Mail", { identity: Identity.domain("example.com") });

  const service = new Stack(app, "Service", { stackName: "sample-service" });
  const deadLetters = new Queue(service, "DeadLetters", { retentionPeriod: Duration.days(14), enforceSSL: true });
  const queue = new Queue(service, "Work", { visibilityTimeout: Duration.seconds(180), deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 } });
  new Rule(service, "Low", {
    eventBus: bus,
    eventPattern: { source: ["sample"] },
    targets: [new SqsQueue(queue, { deadLetterQueue: deadLetters, retryAttempts: 10 })],
  });
  const input = ScheduleTargetInput.fromObject({ at: ContextAttribute.scheduledTime });
  new Schedule(service, "Every", {
    schedule: ScheduleExpression.rate(Duration.minutes(1)),
    target: new SqsSendMessage(queue, { input, deadLetterQueue: deadLetters }),
  });
  const work = new LambdaFunction(service, "Worker", {
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    code: Code.fromAsset(codeFolder),
    handler: "index.handler",
    memorySize: 512,
    timeout: Duration.seconds(30),
    tracing: Tracing.ACTIVE,
    loggingFormat: LoggingFormat.JSON,
    logGroup: new LogGroup(service, "Logs"),
    role: new Role(service, "WorkerRole", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") }), // the CDK's own has a managed policy
    environment: {
      ESIMS_TABLE: table.tableName,
      EVENT_BUS_NAME: bus.eventBusName,
      KEYS_SECRET_ARN: secret.secretArn,
      WORK_QUEUE_URL: queue.queueUrl,
      ISSUER_URL: pool.userPoolProviderUrl,
    },
  });
  work.addEventSource(new SqsEventSource(queue, { reportBatchItemFailures: true, maxConcurrency: 5, batchSize: 10, maxBatchingWindow: Duration.seconds(1) }));
  table.grantReadWriteData(work);
  const corsPreflight = {
    allowOrigins: ["https://app.example.com"],
    allowMethods: [CorsHttpMethod.GET],
    allowHeaders: ["authorization"],
    maxAge: Duration.minutes(10),
  };
  const api = new HttpApi(service, "Api", { createDefaultStage: false, corsPreflight });
  const stage = new HttpStage(service, "Stage", { httpApi: api, stageName: "$default", autoDeploy: true, throttle: { rateLimit: 50, burstLimit: 100 } });
  (stage.node.defaultChild as CfnStage).routeSettings = { "POST /webhooks/stripe": { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 } };
  const authorizer = new HttpJwtAuthorizer("Jwt", pool.userPoolProviderUrl, { jwtAudience: [client.userPoolClientId] });
  const integration = new HttpLambdaIntegration("Integration", work);
  api.addRoutes({ path: "/v1/rules/{iccid}", methods: [HttpMethod.GET], integration, authorizer, authorizationScopes: ["sample/manage"] });
  api.addRoutes({ path: "/webhooks/stripe", methods: [HttpMethod.POST], integration });
  new Alarm(service, "Dead", {
    metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: "Maximum" }),
    threshold: 1,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  }).addAlarmAction(new SnsAction(alarms));
  new CfnOutput(service, "Url", { value: api.apiEndpoint });
  Tags.of(app).add("app", "sample");
  return app.synth().directory;
}

const codeFolder = join(root, "code");
mkdirSync(codeFolder);
writeFileSync(join(codeFolder, "index.cjs"), "exports.handler = async () => {};");

describe("stacks as the CDK synthesizes them", () => {
  const graph = loadStacks(synthesize(), options);

  it("give every reference a local value, across stacks", () => {
    const [worker] = listFunctions(graph);
    const [queue, deadLetters] = ["Work", "DeadLetters"].map((id) => graph.list("AWS::SQS::Queue").find(({ logicalId }) => logicalId.startsWith(id)));
    expect(worker?.environment).toEqual({
      ESIMS_TABLE: graph.list("AWS::DynamoDB::GlobalTable")[0]?.name,
      EVENT_BUS_NAME: "sample",
      KEYS_SECRET_ARN: expect.stringMatching(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:sample-data-Keys\w+-\w{6}$/),
      WORK_QUEUE_URL: `http://127.0.0.1:9/000000000000/${queue?.name}`,
      ISSUER_URL: ISSUER,
    });
    expect(queue?.arn).toBe(`arn:aws:sqs:us-east-1:000000000000:${queue?.name}`);
    expect(queue?.properties.RedrivePolicy).toEqual({ deadLetterTargetArn: deadLetters?.arn, maxReceiveCount: 5 });
    expect(graph.list("AWS::CloudWatch::Alarm")[0]?.properties.AlarmActions).toEqual([graph.list("AWS::SNS::Topic")[0]?.arn]);
    expect(graph.outputs["sample-service"]).toEqual({ Url: "http://127.0.0.1:8" });
  });

  it("lead from a function to the folder of its code", () => {
    const [worker] = listFunctions(graph);
    expect(worker).toMatchObject({ handler: "index.handler", memoryMegabytes: 512, timeoutSeconds: 30, logFormat: "JSON" });
    expect(worker?.folder).toMatch(/asset\.[0-9a-f]{64}$/);
  });

  it("lead from a route to its function and to who may call it", () => {
    const { routes, cors } = readHttpApi(graph);
    const audience = graph.list("AWS::Cognito::UserPoolClient").map(({ ref }) => ref);
    const functionName = graph.list("AWS::Lambda::Function")[0]?.arn;
    expect(routes).toEqual([
      {
        routeKey: "GET /v1/rules/{iccid}",
        functionName,
        timeoutMilliseconds: 30_000,
        jwt: { issuer: ISSUER, audience, scopes: ["sample/manage"] },
        throttle: { perSecond: 50, burst: 100 },
      },
      { routeKey: "POST /webhooks/stripe", functionName, timeoutMilliseconds: 30_000, jwt: undefined, throttle: { perSecond: 5, burst: 10 } },
    ]);
    expect(cors).toEqual({
      allowOrigins: ["https://app.example.com"],
      allowMethods: ["GET"],
      allowHeaders: ["authorization"],
      exposeHeaders: [],
      maxAgeSeconds: 600,
    });
  });
});

describe("a stage that throttles a route which is not there", () => {
  it("is refused, as AWS does", () => {
    const graph = loadResources({
      Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "sample", ProtocolType: "HTTP" } },
      Stage: {
        Type: "AWS::ApiGatewayV2::Stage",
        Properties: {
          ApiId: { Ref: "Api" },
          StageName: "$default",
          AutoDeploy: true,
          RouteSettings: { "GET /nothing": { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1 } },
        },
      },
    });
    expect(() => readHttpApi(graph)).toThrow("Stage throttles GET /nothing, which is no route");
  });
});

/** Writes a cloud assembly and loads it. */
function loadAssembly(artifacts: object, templates: Readonly<Record<string, object>>) {
  const folder = mkdtempSync(join(root, "assembly-"));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ version: "55.0.0", artifacts }));
  for (const [file, template] of Object.entries(templates)) writeFileSync(join(folder, file), JSON.stringify(template));
  return loadStacks(folder, options);
}

function stack(stackName: string, dependencies: readonly string[] = []) {
  return { type: "aws:cloudformation:stack", properties: { templateFile: `${stackName}.json`, stackName }, dependencies };
}

/** Loads one stack. */
function load(template: object) {
  return loadAssembly({ Sample: stack("sample") }, { "sample.json": template });
}

function loadResources(Resources: object) {
  return load({ Resources });
}

/** What the user pool client is called is as good as any text to look at. */
function resolved(value: unknown): unknown {
  const resources = { Queue: { Type: "AWS::SQS::Queue" }, Bus: { Type: "AWS::Events::EventBus", Properties: { Name: value } } };
  return loadResources(resources).list("AWS::Events::EventBus")[0]?.properties.Name;
}

describe("intrinsic functions", () => {
  it.each<[string, unknown, string]>([
    ["Ref of a resource", { Ref: "Queue" }, "http://127.0.0.1:9/000000000000/sample-Queue"],
    ["Ref of a pseudo parameter", { Ref: "AWS::AccountId" }, "000000000000"],
    ["Fn::GetAtt", { "Fn::GetAtt": ["Queue", "QueueName"] }, "sample-Queue"],
    ["Fn::Join", { "Fn::Join": ["/", ["a", { Ref: "AWS::NoValue" }, { Ref: "AWS::Region" }]] }, "a/us-east-1"],
    ["Fn::Select of Fn::Split", { "Fn::Select": [1, { "Fn::Split": ["|", "a|b|c"] }] }, "b"],
    ["Fn::Sub", { "Fn::Sub": `\${!a}-\${AWS::StackName}-\${Queue.QueueName}` }, `\${a}-sample-sample-Queue`],
    ["Fn::Sub with variables", { "Fn::Sub": [`\${A}!`, { A: { Ref: "AWS::URLSuffix" } }] }, "amazonaws.com!"],
  ])("%s is resolved", (_name, value, expected) => {
    expect(resolved(value)).toBe(expected);
  });

  it("leave a property out for AWS::NoValue", () => {
    const [queue] = loadResources({ Queue: { Type: "AWS::SQS::Queue", Properties: { DelaySeconds: { Ref: "AWS::NoValue" } } } }).list("AWS::SQS::Queue");
    expect(queue?.properties).toEqual({});
  });

  it("take the defaults of parameters", () => {
    const graph = load({
      Parameters: { Delay: { Type: "Number", Default: 5 } },
      Resources: { Queue: { Type: "AWS::SQS::Queue", Properties: { DelaySeconds: { Ref: "Delay" } } } },
    });
    expect(graph.list("AWS::SQS::Queue")[0]?.properties.DelaySeconds).toBe(5);
  });
});

describe("an assembly", () => {
  const exporting = { Outputs: { Name: { Value: "bus-of-data", Export: { Name: "data:Name" } } } };
  const importing = { Resources: { Bus: { Type: "AWS::Events::EventBus", Properties: { Name: { "Fn::ImportValue": "data:Name" } } } } };
  const templates = { "data.json": exporting, "service.json": importing };

  it("is loaded in the order of its dependencies, however it is written", () => {
    const graph = loadAssembly({ Service: stack("service", ["Data"]), Data: stack("data") }, templates);
    expect(graph.list("AWS::Events::EventBus")[0]?.name).toBe("bus-of-data");
  });

  it.each<[string, object, string]>([
    ["a stack that imports without depending", { Service: stack("service"), Data: stack("data") }, "imports data:Name"],
    ["a circle", { Service: stack("service", ["Data"]), Data: stack("data", ["Service"]) }, "depend on each other in a circle"],
    ["an assembly inside it", { Dev: { type: "cdk:cloud-assembly" } }, "does not run the artifact Dev (cdk:cloud-assembly)"],
  ])("is refused for %s", (_name, artifacts, message) => {
    expect(() => loadAssembly(artifacts, templates)).toThrow(UnsupportedTemplate);
    expect(() => loadAssembly(artifacts, templates)).toThrow(message);
  });
});

describe("names", () => {
  it("are cut to what the service allows, and stay different", () => {
    const [first, second] = ["A", "B"].map((end) => `${"Long".repeat(20)}${end}`);
    const names = loadResources({ [`${first}`]: { Type: "AWS::SQS::Queue" }, [`${second}`]: { Type: "AWS::SQS::Queue" } })
      .list("AWS::SQS::Queue")
      .map(({ name }) => name);
    expect(names.map((name) => name.length)).toEqual([80, 80]);
    expect(new Set(names).size).toBe(2);
  });
});

describe("a template that this machine cannot run as AWS does is refused, by name:", () => {
  const queue = { Type: "AWS::SQS::Queue" };
  const rule = (target: unknown, more = {}) => ({
    Queue: queue,
    Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "bus" } },
    Rule: {
      Type: "AWS::Events::Rule",
      Properties: { EventBusName: { Ref: "Bus" }, EventPattern: { source: ["auto-recharge"] }, Targets: [{ Id: "a", Arn: target, ...more }] },
    },
  });
  const queueArn = { "Fn::GetAtt": ["Queue", "Arn"] };

  it("the same template without a fault is not", () => {
    expect(loadResources(rule(queueArn)).list("AWS::Events::Rule")).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    [
      "a resource type",
      { Resources: { Table: { Type: "AWS::RDS::DBCluster" } } },
      "Stack sample, Table (AWS::RDS::DBCluster): the local stack does not know this resource type",
    ],
    [
      "a property",
      { Resources: { Queue: { ...queue, Properties: { FifoQueue: true } } } },
      "Queue (AWS::SQS::Queue): the local stack does not know the property FifoQueue",
    ],
    [
      "a nested property",
      { Resources: rule(queueArn, { InputPath: "$.detail" }) },
      "Rule (AWS::Events::Rule): the local stack does not know the property Targets.0.InputPath",
    ],
    ["a value", { Resources: { Queue: { ...queue, Properties: { VisibilityTimeout: 99_999 } } } }, "Queue (AWS::SQS::Queue): property VisibilityTimeout:"],
    [
      "a target that is no queue",
      { Resources: rule("arn:aws:lambda:us-east-1:000000000000:function:x") },
      "property Targets.0.Arn: only an SQS queue can be the target",
    ],
    [
      "a queue of somewhere else",
      { Resources: rule("arn:aws:sqs:us-east-1:123456789012:theirs") },
      "Targets.0.Arn is arn:aws:sqs:us-east-1:123456789012:theirs, and there is no such AWS::SQS::Queue in these stacks",
    ],
    [
      "an intrinsic",
      { Resources: { Queue: { ...queue, Properties: { QueueName: { "Fn::Base64": "x" } } } } },
      "does not know the intrinsic function Fn::Base64",
    ],
    [
      "an attribute",
      { Resources: rule({ "Fn::GetAtt": ["Queue", "Color"] }) },
      "Queue (AWS::SQS::Queue): the local stack does not know the attribute Color, which Rule (AWS::Events::Rule) asks for",
    ],
    [
      "a reference to nothing",
      { Resources: rule({ "Fn::GetAtt": ["Gone", "Arn"] }) },
      "Rule (AWS::Events::Rule): points at Gone, which is not in this template",
    ],
    ["an import of nothing", { Resources: rule({ "Fn::ImportValue": "other:Arn" }) }, "imports other:Arn, which no stack that it depends on exports"],
    ["a secret in the template", { Resources: { Queue: { ...queue, Properties: { QueueName: "{{resolve:ssm:x}}" } } } }, "dynamic references"],
    ["a section", { Conditions: {}, Resources: {} }, "Stack sample: the local stack does not know the section Conditions"],
    ["a condition on a resource", { Resources: { Queue: { ...queue, Condition: "IsProd" } } }, "does not know the resource attribute Condition"],
    ["a parameter without a default", { Parameters: { Size: { Type: "Number" } }, Resources: {} }, "parameter Size: has no default"],
    [
      "a parameter out of SSM",
      { Parameters: { Ami: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/x" } }, Resources: {} },
      "does not know the parameter type",
    ],
  ])("%s", (_name, template, message) => {
    expect(() => load(template)).toThrow(UnsupportedTemplate);
    expect(() => load(template)).toThrow(message);
  });

  it("and it says what to do", () => {
    expect(() => loadResources({ Table: { Type: "AWS::RDS::DBCluster" } })).toThrow(/Take it out of infra\/, or teach local\/cloud\//);
  });
});
