import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import { HttpApi, HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { Construct } from "constructs";
import type { FunctionName } from "../functions/contracts/environment.ts";
import { NOTICED_EVENTS } from "../functions/contracts/events.ts";
import { RESOURCE_SERVER, ROUTES } from "../functions/contracts/routes.ts";
import { OperatorInbox } from "./constructs/operator-inbox.ts";
import { API_TIMEOUT_SECONDS, ServiceFunction } from "./constructs/service-function.ts";
import { WorkQueue } from "./constructs/work-queue.ts";
import type { DataStack } from "./data-stack.ts";
import type { Stage } from "./stages.ts";

/** Longest runs, in seconds. A recharge: two calls to Stripe (10 s each), two to the carrier (8 s each), and the writes between them. */
const SECONDS = { recharge: 60, checkBalances: 60, planChecks: 30, sweep: 30, notify: 30 } as const;

const READ = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"];
const GET = ["dynamodb:GetItem"];
const QUERY = ["dynamodb:Query"];
const PUT = ["dynamodb:PutItem"];

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
    const issuer = stage.issuer ?? { url: data.userPool.userPoolProviderUrl, audience: data.webClient.userPoolClientId };
    const carrier = { CARRIER_SECRET_ARN: data.carrierSecret.secretArn, CARRIER_ANSWERS: stage.carrier.answers };

    const queue = (queueId: string, timeoutSeconds: number, whoIsHurt: string) => new WorkQueue(this, queueId, { timeoutSeconds, alarms, whoIsHurt });
    const planChecksQueue = queue("PlanChecksQueue", SECONDS.planChecks, "Every subscriber: low balances are not looked for.");
    const checkBalancesQueue = queue("CheckBalancesQueue", SECONDS.checkBalances, "The subscribers of some slots: their balances were not read.");
    const rechargeQueue = queue("RechargeQueue", SECONDS.recharge, "The subscribers of some lines: a recharge does not go on by itself.");
    const sweepQueue = queue("SweepQueue", SECONDS.sweep, "Subscribers whose recharge was interrupted: nobody takes it up again.");
    const notifyQueue = queue("NotifyQueue", SECONDS.notify, "Some subscribers: they were not told what happened to their money.");

    const rules = new ServiceFunction(this, "Rules", {
      name: "rules",
      bundles,
      timeoutSeconds: API_TIMEOUT_SECONDS,
      memoryMegabytes: 512,
      environment: {
        ESIMS_TABLE: esims.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        ISSUER_URL: issuer.url,
        ...carrier,
      },
    });
    esims.grant(rules, ...READ, ...PUT);
    subscribers.grant(rules, ...GET, ...PUT);
    cards.grant(rules, ...QUERY, "dynamodb:DeleteItem");
    data.carrierSecret.grantRead(rules);
    rechargeQueue.queue.grantSendMessages(rules);

    const listing = new ServiceFunction(this, "EsimsList", {
      name: "esims",
      bundles,
      timeoutSeconds: API_TIMEOUT_SECONDS,
      memoryMegabytes: 512,
      environment: { ESIMS_TABLE: esims.tableName, SUBSCRIBERS_TABLE: subscribers.tableName, ISSUER_URL: issuer.url, ...carrier },
    });
    esims.grant(listing, "dynamodb:BatchGetItem");
    subscribers.grant(listing, ...GET, ...PUT);
    data.carrierSecret.grantRead(listing);

    const rechargesRead = new ServiceFunction(this, "RechargesRead", {
      name: "recharges",
      bundles,
      timeoutSeconds: API_TIMEOUT_SECONDS,
      memoryMegabytes: 512,
      environment: { ESIMS_TABLE: esims.tableName, RECHARGES_TABLE: recharges.tableName },
    });
    esims.grant(rechargesRead, ...GET);
    recharges.grant(rechargesRead, ...GET, ...QUERY);

    const planChecks = new ServiceFunction(this, "PlanChecks", {
      name: "plan-checks",
      bundles,
      timeoutSeconds: SECONDS.planChecks,
      memoryMegabytes: 256,
      environment: {
        CONTROLS_TABLE: controls.tableName,
        CHECK_BALANCES_QUEUE_URL: checkBalancesQueue.queue.queueUrl,
        HASH_RANGES: String(stage.hashRanges),
      },
    });
    controls.grant(planChecks, ...GET, ...PUT);
    checkBalancesQueue.queue.grantSendMessages(planChecks);
    planChecksQueue.tickEveryMinute();
    planChecksQueue.deliverTo(planChecks, { batchSize: 1, maxConcurrency: 2 });

    const checkBalances = new ServiceFunction(this, "CheckBalances", {
      name: "check-balances",
      bundles,
      timeoutSeconds: SECONDS.checkBalances,
      memoryMegabytes: 512,
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
    // The carrier's rate is the limit here, not ours.
    checkBalancesQueue.deliverTo(checkBalances, { batchSize: 1, maxConcurrency: 5 });

    const recharge = new ServiceFunction(this, "Recharge", {
      name: "recharge",
      bundles,
      timeoutSeconds: SECONDS.recharge,
      memoryMegabytes: 512,
      environment: {
        STAGE: stage.name,
        ESIMS_TABLE: esims.tableName,
        RECHARGES_TABLE: recharges.tableName,
        SUBSCRIBERS_TABLE: subscribers.tableName,
        CARDS_TABLE: cards.tableName,
        RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl,
        EVENT_BUS_NAME: bus.eventBusName,
        STRIPE_SECRET_ARN: data.stripeSecret.secretArn,
        LINE_HASH_SECRET_ARN: data.lineHashSecret.secretArn,
        CARRIER_READ_INTERVAL_SECONDS: String(stage.carrier.readIntervalSeconds),
        ...carrier,
      },
    });
    esims.grant(recharge, ...GET, ...PUT);
    recharges.grant(recharge, ...GET, ...PUT);
    subscribers.grant(recharge, ...GET);
    cards.grant(recharge, ...QUERY, ...PUT, "dynamodb:DeleteItem");
    rechargeQueue.queue.grantSendMessages(recharge);
    bus.grantPutEventsTo(recharge);
    for (const secret of [data.stripeSecret, data.carrierSecret, data.lineHashSecret]) secret.grantRead(recharge);
    rechargeQueue.listenTo(bus, ["LowBalanceDetected"]);
    // Stripe allows about 25 calls a second to an endpoint: 10 invocations of one line after the other stay far below.
    rechargeQueue.deliverTo(recharge, { batchSize: 1, maxConcurrency: 10 });

    const sweep = new ServiceFunction(this, "Sweep", {
      name: "sweep",
      bundles,
      timeoutSeconds: SECONDS.sweep,
      memoryMegabytes: 256,
      environment: { ESIMS_TABLE: esims.tableName, RECHARGE_QUEUE_URL: rechargeQueue.queue.queueUrl },
    });
    esims.grant(sweep, ...QUERY);
    rechargeQueue.queue.grantSendMessages(sweep);
    sweepQueue.tickEveryMinute();
    sweepQueue.deliverTo(sweep, { batchSize: 1, maxConcurrency: 2 });

    const notify = new ServiceFunction(this, "Notify", {
      name: "notify",
      bundles,
      timeoutSeconds: SECONDS.notify,
      memoryMegabytes: 256,
      environment: { SUBSCRIBERS_TABLE: subscribers.tableName, MAIL_FROM: stage.mailFrom },
    });
    subscribers.grant(notify, ...GET, ...PUT);
    data.mailIdentity.grantSendEmail(notify);
    notifyQueue.listenTo(bus, NOTICED_EVENTS);
    notifyQueue.deliverTo(notify, { batchSize: 10, maxConcurrency: 5 });

    new OperatorInbox(this, "NeedsReview", {
      bus,
      detailTypes: ["RechargeNeedsReview"],
      alarms,
      alarmDescription: "A subscriber who has paid, or may have paid, and was not credited: a person must look. See docs/runbook.md#needs-review",
    });

    const api = new HttpApi(this, "Api", { apiName: `auto-recharge-${stage.name}` });
    const authorizer = new HttpJwtAuthorizer("Jwt", issuer.url, { jwtAudience: [issuer.audience] });
    const integrations = new Map<FunctionName, HttpLambdaIntegration>([
      ["rules", new HttpLambdaIntegration("RulesIntegration", rules)],
      ["esims", new HttpLambdaIntegration("EsimsIntegration", listing)],
      ["recharges", new HttpLambdaIntegration("RechargesIntegration", rechargesRead)],
    ]);
    for (const route of ROUTES) {
      const integration = integrations.get(route.function);
      if (integration === undefined) throw new Error(`No function answers ${route.method} ${route.path}`);
      api.addRoutes({
        path: route.path,
        methods: [HttpMethod[route.method]],
        integration,
        authorizer,
        authorizationScopes: [`${RESOURCE_SERVER}/${route.scope}`],
      });
    }
    new CfnOutput(this, "ApiUrl", { value: api.apiEndpoint });
  }
}
