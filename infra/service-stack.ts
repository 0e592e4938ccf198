import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps, Validations } from "aws-cdk-lib";
import { type AddRoutesOptions, CfnRoute, CfnStage, CorsHttpMethod, HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { FilterPattern, type IFilterPattern, type ILogGroup, LogGroup, MetricFilter, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { FunctionName } from "../functions/contracts/environment.ts";
import { NOTICED_EVENTS } from "../functions/contracts/events.ts";
import { METHODS, RESOURCE_SERVER, type Route } from "../functions/contracts/route.ts";
import { PUBLIC_ROUTES, ROUTES, WEBHOOK_ROUTES } from "../functions/contracts/routes.ts";
import { stripeWebhookRoutes } from "../functions/contracts/stripe-events.ts";
import type { AdjustmentKind } from "../functions/domain/events.ts";
import { OperatorInbox } from "./constructs/operator-inbox.ts";
import { ServiceFunction } from "./constructs/service-function.ts";
import { WorkQueue } from "./constructs/work-queue.ts";
import type { DataStack } from "./data-stack.ts";
import type { Stage } from "./stages.ts";
import { metricsNamespace, watch } from "./watching.ts";

const READ = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"];
const GET = ["dynamodb:GetItem"];
const QUERY = ["dynamodb:Query"];
/** It reads a whole table: where somebody is to be forgotten, and once a day where all are gone through. */
const SCAN = ["dynamodb:Scan"];
const PUT = ["dynamodb:PutItem"];
const UPDATE = ["dynamodb:UpdateItem"];
const DELETE = ["dynamodb:DeleteItem"];

/** What a person must act on. What was given back on purpose, and how a bank decided, stands in the bill's adjustments. */
const FOR_THE_OPERATOR: readonly AdjustmentKind[] = ["dispute-opened", "refund-failed", "paid-after-end"];

export interface ServiceStackProps extends StackProps {
  readonly stage: Stage;
  readonly data: DataStack;
  /** Folder of the functions' bundles. */
  readonly bundles: string;
}

/** Everything that computes: routes, queues, schedules, functions, and who may touch what. Can be deleted and made again without a loss. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    super(scope, id, props);
    const { stage, data, bundles } = props;
    const { esims, recharges, subscribers, cards, controls, bus, alarms } = data;
    const issuer = stage.issuer ?? { url: data.userPool.userPoolProviderUrl, audiences: [data.webClient.userPoolClientId, data.nativeClient.userPoolClientId] };
    const stripe = { STRIPE_SECRET_ARN: data.stripeSecret.secretArn, STAGE: stage.name };
    const largestRecharges = Object.entries(stage.largestRecharges).map(([currency, amount]) => `${currency}:${amount}`);
    const largest = { LARGEST_RECHARGES: largestRecharges.join(",") || "none" };
    const requests = { REQUESTS_PER_HOUR: String(stage.requestsPerHour) };
    const carrier = { CARRIER_SECRET_ARN: data.carrierSecret.secretArn, CARRIER_ANSWERS: stage.carrier.answers };

    const queue = (queueId: string, worker: FunctionName, whoIsHurt: string) => new WorkQueue(this, queueId, { worker, alarms, whoIsHurt });
    const planChecksQueue = queue("PlanChecksQueue", "plan-checks", "Every subscriber: low balances are not looked for.");
    const checkBalancesQueue = queue("CheckBalancesQueue", "check-balances", "The subscribers of some slots: their balances were not read.");
    const rechargeQueue = queue("RechargeQueue", "recharge", "The subscribers of some lines: a recharge does not go on by itself.");
    const sweepQueue = queue("SweepQueue", "sweep", "Subscribers whose recharge was interrupted: nobody takes it up again.");
    const notifyQueue = queue("NotifyQueue", "notify", "Some subscribers: they were not told what happened to their money.");
    const remindQueue = queue("RemindQueue", "remind", "Some subscribers: they were not told that a card expires, or what a month came to.");

    const reconcileQueue = queue("ReconcileQueue", "reconcile", "Subscribers whose money went astray: the books were not compared, and nobody would see it.");

    const eraseQueue = queue("EraseQueue", "erase", "Subscribers who closed their account: what we hold of them is not erased.");

    const rules = new ServiceFunction(this, "Rules", {
      name: "rules",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        ISSUER_URL: issuer.url,
        ...requests,
        ...carrier,
        ...largest,
      },
    });
    esims.grant(rules, ...READ, ...PUT);
    subscribers.grant(rules, ...GET, ...PUT, ...UPDATE);
    cards.grant(rules, ...QUERY, ...DELETE);
    data.carrierSecret.grantRead(rules);
    rechargeQueue.queue.grantSendMessages(rules);

    const listing = new ServiceFunction(this, "EsimsList", {
      name: "esims",
      bundles,
      environment: { ESIMS_TABLE: esims.tableName, SUBSCRIBERS_TABLE: subscribers.tableName, ISSUER_URL: issuer.url, ...carrier, ...requests },
    });
    esims.grant(listing, "dynamodb:BatchGetItem", ...QUERY);
    subscribers.grant(listing, ...GET, ...UPDATE);
    data.carrierSecret.grantRead(listing);

    const family = new ServiceFunction(this, "Family", {
      name: "family",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        LINE_HASH_SECRET_ARN: data.lineHashSecret.secretArn,
        ISSUER_URL: issuer.url,
        ...requests,
        ...carrier,
      },
    });
    esims.grant(family, ...READ, ...PUT);
    subscribers.grant(family, ...GET, ...PUT, ...UPDATE, ...DELETE);
    for (const secret of [data.carrierSecret, data.lineHashSecret]) secret.grantRead(family);
    rechargeQueue.queue.grantSendMessages(family);

    const rechargesApi = new ServiceFunction(this, "RechargesApi", {
      name: "recharges",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        ISSUER_URL: issuer.url,
        ...requests,
        ...carrier,
        ...stripe,
        ...largest,
      },
    });
    esims.grant(rechargesApi, ...GET, ...PUT);
    recharges.grant(rechargesApi, ...GET, ...QUERY, ...PUT);
    subscribers.grant(rechargesApi, ...GET, ...UPDATE);
    cards.grant(rechargesApi, ...QUERY);
    rechargeQueue.queue.grantSendMessages(rechargesApi);
    for (const secret of [data.stripeSecret, data.carrierSecret]) secret.grantRead(rechargesApi);

    const paymentMethods = new ServiceFunction(this, "PaymentMethods", {
      name: "payment-methods",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        REUSABLE_ALIPAY: stage.reusableAlipay ? "on" : "off",
        ISSUER_URL: issuer.url,
        ...requests,
        ...stripe,
      },
    });
    esims.grant(paymentMethods, "dynamodb:BatchGetItem", ...QUERY);
    subscribers.grant(paymentMethods, ...GET, ...QUERY, ...PUT, ...UPDATE, ...DELETE);
    rechargeQueue.queue.grantSendMessages(paymentMethods);
    data.stripeSecret.grantRead(paymentMethods);

    const me = new ServiceFunction(this, "Me", {
      name: "me",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        ERASE_QUEUE_URL: eraseQueue.queue.queueUrl,
        ISSUER_URL: issuer.url,
        ...requests,
      },
    });
    esims.grant(me, ...READ, ...PUT);
    recharges.grant(me, ...QUERY);
    cards.grant(me, ...QUERY);
    subscribers.grant(me, ...GET, ...QUERY, ...PUT, ...UPDATE);
    rechargeQueue.queue.grantSendMessages(me);
    eraseQueue.queue.grantSendMessages(me);

    const api = new HttpApi(this, "Api", {
      apiName: `auto-recharge-${stage.name}`,
      corsPreflight: {
        allowOrigins: [...stage.webOrigins],
        allowMethods: METHODS.map((method) => CorsHttpMethod[method]),
        allowHeaders: ["authorization", "content-type", "idempotency-key", "if-match"],
        exposeHeaders: ["etag", "location", "retry-after"],
        maxAge: Duration.hours(2), // the longest that Chrome believes
      },
    });
    const payLinks = { PAY_LINK_SECRET_ARN: data.payLinkSecret.secretArn, API_URL: api.apiEndpoint };

    const pay = new ServiceFunction(this, "Pay", {
      name: "pay",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        ...payLinks,
        ...stripe,
      },
    });
    esims.grant(pay, ...GET, ...PUT);
    recharges.grant(pay, ...GET);
    subscribers.grant(pay, ...GET);
    rechargeQueue.queue.grantSendMessages(pay);
    for (const secret of [data.stripeSecret, data.payLinkSecret]) secret.grantRead(pay);

    const apiDocs = new ServiceFunction(this, "ApiDocs", {
      name: "api-docs",
      bundles,
      environment: { ISSUER_URL: issuer.url },
    });

    const stripeWebhook = new ServiceFunction(this, "StripeWebhook", {
      name: "stripe-webhook",
      bundles,
      environment: { RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl, ...stripe },
    });
    rechargeQueue.queue.grantSendMessages(stripeWebhook);
    data.stripeSecret.grantRead(stripeWebhook);

    const planChecks = new ServiceFunction(this, "PlanChecks", {
      name: "plan-checks",
      bundles,
      environment: {
        CONTROLS_TABLE: controls.tableName,
        CHECK_BALANCES_QUEUE_URL: checkBalancesQueue.queue.queueUrl,
        HASH_RANGES: String(stage.hashRanges),
      },
    });
    controls.grant(planChecks, ...GET, ...PUT);
    checkBalancesQueue.queue.grantSendMessages(planChecks);
    planChecksQueue.tickEveryMinute();
    planChecksQueue.deliverTo(planChecks);

    const checkBalances = new ServiceFunction(this, "CheckBalances", {
      name: "check-balances",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        CHECK_BALANCES_QUEUE_URL: checkBalancesQueue.queue.queueUrl,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        EVENT_BUS_NAME: bus.eventBusName,
        ...carrier,
      },
    });
    esims.grant(checkBalances, ...QUERY);
    checkBalancesQueue.queue.grantSendMessages(checkBalances);
    rechargeQueue.queue.grantSendMessages(checkBalances);
    bus.grantPutEventsTo(checkBalances);
    data.carrierSecret.grantRead(checkBalances);
    checkBalancesQueue.deliverTo(checkBalances);

    const recharge = new ServiceFunction(this, "Recharge", {
      name: "recharge",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        CONTROLS_TABLE: controls.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        EVENT_BUS_NAME: bus.eventBusName,
        LINE_HASH_SECRET_ARN: data.lineHashSecret.secretArn,
        CARRIER_READ_INTERVAL_SECONDS: String(stage.carrier.readIntervalSeconds),
        ...carrier,
        ...stripe,
      },
    });
    esims.grant(recharge, ...GET, ...QUERY, ...PUT, ...UPDATE);
    recharges.grant(recharge, ...GET, ...QUERY, ...PUT);
    subscribers.grant(recharge, ...GET, ...QUERY, ...PUT, ...DELETE);
    cards.grant(recharge, ...QUERY, ...PUT, ...DELETE);
    controls.grant(recharge, ...GET);
    rechargeQueue.queue.grantSendMessages(recharge);
    bus.grantPutEventsTo(recharge);
    for (const secret of [data.stripeSecret, data.carrierSecret, data.lineHashSecret]) secret.grantRead(recharge);
    rechargeQueue.listenTo(bus, ["LowBalanceDetected"]);
    rechargeQueue.deliverTo(recharge);

    const sweep = new ServiceFunction(this, "Sweep", {
      name: "sweep",
      bundles,
      environment: { ESIMS_TABLE: esims.tableName, RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl },
    });
    esims.grant(sweep, ...QUERY);
    rechargeQueue.queue.grantSendMessages(sweep);
    sweepQueue.tickEveryMinute();
    sweepQueue.deliverTo(sweep);

    const notify = new ServiceFunction(this, "Notify", {
      name: "notify",
      bundles,
      environment: { SUBSCRIBERS_TABLE: subscribers.tableName, MAIL_FROM: stage.mailFrom, ...payLinks },
    });
    subscribers.grant(notify, ...GET, ...PUT);
    // While SES is in its sandbox, IAM is asked about the recipient's identity, too (cloudposse/terraform-aws-ses#40): the condition holds the sender instead.
    // Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsesv2.html
    const anyIdentity = this.formatArn({ service: "ses", resource: "identity", resourceName: "*" });
    notify.addToRolePolicy(
      new PolicyStatement({ actions: ["ses:SendEmail"], resources: [anyIdentity], conditions: { StringEquals: { "ses:FromAddress": stage.mailFrom } } }),
    );
    Validations.of(notify.role ?? notify).acknowledge({
      id: "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ses:<AWS::Region>:<AWS::AccountId>:identity/*]",
      reason: "Whoever may get a mail is not known beforehand, and SES's sandbox asks about them as identities; the sender is held by a condition.",
    });
    data.payLinkSecret.grantRead(notify);
    // A phone number has no ARN, so that nothing narrower lets it send text messages; no topic is a phone, so that it can publish to none.
    // Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
    notify.addToRolePolicy(new PolicyStatement({ actions: ["sns:Publish"], notResources: [`arn:${this.partition}:sns:*:*:*`] }));
    notifyQueue.listenTo(bus, NOTICED_EVENTS);
    notifyQueue.deliverTo(notify);

    const remind = new ServiceFunction(this, "Remind", {
      name: "remind",
      bundles,
      environment: {
        SUBSCRIBERS_TABLE: subscribers.tableName,
        RECHARGES_TABLE: recharges.tableName,
        REMIND_QUEUE_URL: remindQueue.queue.queueUrl,
        EVENT_BUS_NAME: bus.eventBusName,
      },
    });
    subscribers.grant(remind, ...SCAN, ...GET, ...QUERY);
    recharges.grant(remind, ...QUERY);
    remindQueue.queue.grantSendMessages(remind);
    bus.grantPutEventsTo(remind);
    remindQueue.tickEvery(Duration.days(1), "Schedule");
    remindQueue.deliverTo(remind);

    const reconcile = new ServiceFunction(this, "Reconcile", {
      name: "reconcile",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        CONTROLS_TABLE: controls.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        RECONCILE_QUEUE_URL: reconcileQueue.queue.queueUrl,
        EVENT_BUS_NAME: bus.eventBusName,
        ...stripe,
        ...carrier,
      },
    });
    esims.grant(reconcile, ...GET);
    recharges.grant(reconcile, ...QUERY);
    controls.grant(reconcile, ...GET, ...PUT);
    rechargeQueue.queue.grantSendMessages(reconcile);
    reconcileQueue.queue.grantSendMessages(reconcile);
    bus.grantPutEventsTo(reconcile);
    for (const secret of [data.stripeSecret, data.carrierSecret]) secret.grantRead(reconcile);
    reconcileQueue.tickEvery(Duration.hours(1), "HourlySchedule", { every: "hour" });
    reconcileQueue.tickEvery(Duration.days(1), "DailySchedule", { every: "day" });
    reconcileQueue.deliverTo(reconcile);
    this.countLines("ReconciliationBreaks", stage, reconcile.logGroup, FilterPattern.stringValue("$.code", "=", "reconciliation-break"));
    new OperatorInbox(this, "BreakFound", {
      bus,
      detailTypes: ["ReconciliationBreakFound"],
      alarms,
      whoIsHurt: "Perhaps a subscriber's money: Stripe, the carrier and our records do not agree.",
      heading: "reconciliation-breaks",
    });

    const erase = new ServiceFunction(this, "Erase", {
      name: "erase",
      bundles,
      environment: {
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        ERASE_QUEUE_URL: eraseQueue.queue.queueUrl,
        ...stripe,
      },
    });
    esims.grant(erase, ...GET, ...QUERY, ...SCAN, ...PUT, ...DELETE);
    recharges.grant(erase, ...QUERY, ...SCAN, ...DELETE);
    subscribers.grant(erase, ...GET, ...QUERY, ...DELETE);
    cards.grant(erase, ...QUERY, ...DELETE);
    rechargeQueue.queue.grantSendMessages(erase);
    eraseQueue.queue.grantSendMessages(erase);
    data.stripeSecret.grantRead(erase);
    eraseQueue.tickEvery(Duration.days(1), "DailySchedule");
    eraseQueue.deliverTo(erase);

    new OperatorInbox(this, "NeedsReview", {
      bus,
      detailTypes: ["RechargeNeedsReview"],
      alarms,
      whoIsHurt: "A subscriber who has paid, or may have paid, and was not credited: a person must look.",
      heading: "needs-review",
    });

    new OperatorInbox(this, "PaymentAdjusted", {
      bus,
      detailTypes: ["RechargeAdjusted", "BillAdjusted"],
      detail: { kind: FOR_THE_OPERATOR },
      alarms,
      whoIsHurt: "A subscriber who contests a charge, paid for a recharge that had ended, or did not get a refund: a person must look.",
      heading: "disputes-and-late-refunds",
    });

    const authorizer = new HttpJwtAuthorizer("Jwt", issuer.url, { jwtAudience: [...issuer.audiences] });
    const integrations = new Map<FunctionName, HttpLambdaIntegration>([
      ["rules", new HttpLambdaIntegration("RulesIntegration", rules)],
      ["esims", new HttpLambdaIntegration("EsimsIntegration", listing)],
      ["family", new HttpLambdaIntegration("FamilyIntegration", family)],
      ["recharges", new HttpLambdaIntegration("RechargesIntegration", rechargesApi)],
      ["payment-methods", new HttpLambdaIntegration("PaymentMethodsIntegration", paymentMethods)],
      ["me", new HttpLambdaIntegration("MeIntegration", me)],
      ["pay", new HttpLambdaIntegration("PayIntegration", pay)],
      ["api-docs", new HttpLambdaIntegration("ApiDocsIntegration", apiDocs)],
      ["stripe-webhook", new HttpLambdaIntegration("StripeWebhookIntegration", stripeWebhook)],
    ]);
    const addRoute = (route: Route, access: Pick<AddRoutesOptions, "authorizer" | "authorizationScopes">) => {
      const integration = integrations.get(route.function);
      if (integration === undefined) throw new Error(`No function answers ${route.method} ${route.path}`);
      return api.addRoutes({ path: route.path, methods: [HttpMethod[route.method]], integration, ...access });
    };
    for (const route of ROUTES) addRoute(route, { authorizer, authorizationScopes: [`${RESOURCE_SERVER}/${route.scope}`] });
    const addOpenRoute = (route: Route, reason: string) => {
      for (const added of addRoute(route, {})) Validations.of(added).acknowledge({ id: "AwsSolutions-APIG4", reason });
    };
    for (const route of PUBLIC_ROUTES) addOpenRoute(route, "Whoever has the signed link in a notice has no token; the documentation is for everybody.");
    for (const route of WEBHOOK_ROUTES) addOpenRoute(route, "Stripe has no token: it signs what it sends, and nothing is believed without that.");
    const log = accessLog(this, stage);
    settleStage(api, stage, log);
    const { method, path } = stripeWebhookRoutes.receiveStripeEvent;
    const answeredWell = FilterPattern.all(
      FilterPattern.stringValue("$.routeKey", "=", `${method} ${path}`),
      FilterPattern.stringValue("$.status", "=", "200"),
    );
    const webhooks = {
      taken: this.countLines("WebhooksTaken", stage, log, answeredWell),
      refused: this.countLines("WebhooksRefused", stage, stripeWebhook.logGroup, FilterPattern.stringValue("$.code", "=", "webhook-refused")),
    };
    new CfnOutput(this, "ApiUrl", { value: api.apiEndpoint });

    for (const { tableArn } of [esims, recharges, subscribers]) {
      const exported: unknown = this.resolve(data.exportValue(tableArn));
      Validations.of(this).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${Object(exported)["Fn::ImportValue"]}/index/*]`,
        reason: "The indexes of one table: they show nothing that the table itself does not, and whoever may query one may query the other.",
      });
    }

    // What the operator's command line (ops/) works on.
    const tables = { esims: esims.tableName, recharges: recharges.tableName, subscribers: subscribers.tableName, controls: controls.tableName };
    const queues = this.node.children.flatMap((child) =>
      child instanceof WorkQueue || child instanceof OperatorInbox
        ? [[child.node.id, { url: child.queue.queueUrl, deadLettersUrl: child.deadLetters.queueUrl }] as const]
        : [],
    );
    const functions = this.node.children.filter((child) => child instanceof ServiceFunction);
    for (const each of functions) each.addEnvironment("POWERTOOLS_METRICS_NAMESPACE", metricsNamespace(stage.name));
    watch(this, {
      stage: stage.name,
      functions,
      queues: new Map(this.node.children.flatMap((child) => (child instanceof WorkQueue || child instanceof OperatorInbox ? [[child.node.id, child]] : []))),
      tables: [esims, recharges, subscribers, cards, controls],
      api,
      webhooks,
      alarms,
    });
    new CfnOutput(this, "Operations", { value: this.toJsonString({ tables, queues: Object.fromEntries(queues) }) });
  }

  /** Counts lines of a log without a word from the function; 0 while the log goes on without them. */
  private countLines(name: string, stage: Stage, logGroup: ILogGroup, filterPattern: IFilterPattern): MetricFilter {
    return new MetricFilter(this, name, {
      logGroup,
      metricNamespace: metricsNamespace(stage.name),
      metricName: name,
      filterPattern,
      metricValue: "1",
      defaultValue: 0,
    });
  }
}

/**
 * Of all subscribers together, for what each may do only so often: thousands of made-up accounts reach Stripe no faster.
 *
 * Stripe takes 25 calls a second of an endpoint in a sandbox; each of ours makes one or two.
 */
const LIMITED_PER_SECOND = 10;

/**
 * Of everybody together, for what needs no token: whoever floods it must not take the functions that subscribers need.
 *
 * A million lines open some ten pay links a second at their worst hour, since few of them are paid for by link; the documentation is read by developers.
 */
const OPEN_PER_SECOND = 50;

/** How many requests a second a route takes; undefined where the stage's own rate holds, as for Stripe, which comes in bursts. */
function rateOf(route: Route): number | undefined {
  if (typeof route.limit?.perHour === "number" && route.limit.counts !== "asking") return LIMITED_PER_SECOND;
  return PUBLIC_ROUTES.some((open) => open === route) ? OPEN_PER_SECOND : undefined;
}

/**
 * One line for each request: what was asked for, how it ended, how long it took; nothing of who asked.
 *
 * No path (it names lines and carries links), no address, no agent, no claim. `functionRequestId` finds the function's own lines.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
const ACCESS_LOG_FIELDS = {
  time: "$context.requestTime",
  requestId: "$context.requestId",
  routeKey: "$context.routeKey",
  status: "$context.status",
  refusedBecause: "$context.error.responseType",
  functionStatus: "$context.integrationStatus",
  functionRequestId: "$context.integration.requestId",
  milliseconds: "$context.responseLatency",
  functionMilliseconds: "$context.integrationLatency",
  bytes: "$context.responseLength",
} as const;

/** Under /aws/vendedlogs/, since each log elsewhere lengthens a policy of the account, which must stay below 5,120 characters. Source: API Gateway's page on it. */
function accessLog(scope: Construct, stage: Stage): LogGroup {
  return new LogGroup(scope, "AccessLog", {
    logGroupName: `/aws/vendedlogs/auto-recharge-${stage.name}/api`,
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

/** Tells the API how many requests each route may take a second, with bursts of twice as many, and where to write them down. */
function settleStage(api: HttpApi, { requestsPerSecond }: Stage, log: LogGroup): void {
  const stage = api.defaultStage?.node.defaultChild;
  if (!(stage instanceof CfnStage)) throw new Error("The API has no stage to throttle");
  stage.accessLogSettings = { destinationArn: log.logGroupArn, format: JSON.stringify(ACCESS_LOG_FIELDS) };
  stage.defaultRouteSettings = { throttlingRateLimit: requestsPerSecond, throttlingBurstLimit: 2 * requestsPerSecond };
  const rates = [...ROUTES, ...PUBLIC_ROUTES].flatMap((route: Route) => {
    const rate = rateOf(route);
    return rate === undefined ? [] : [[`${route.method} ${route.path}`, rate] as const];
  });
  // In CloudFormation's own spelling, since the CDK leaves this map as it is.
  stage.routeSettings = Object.fromEntries(rates.map(([routeKey, rate]) => [routeKey, { ThrottlingRateLimit: rate, ThrottlingBurstLimit: 2 * rate }]));
  // A stage that names a route which is not there yet is refused.
  for (const child of api.node.findAll()) {
    if (child instanceof CfnRoute && rates.some(([routeKey]) => routeKey === child.routeKey)) stage.addResourceDependency(child);
  }
}
