import { ArnFormat, Duration, RemovalPolicies, Stack, type StackProps, Validations } from "aws-cdk-lib";
import {
  AccountRecovery,
  CfnManagedLoginBranding,
  CfnUserPool,
  FeaturePlan,
  ManagedLoginVersion,
  Mfa,
  OAuthScope,
  ResourceServerScope,
  UserPool,
  type UserPoolClient,
} from "aws-cdk-lib/aws-cognito";
import { AttributeType, ProjectionType, type TablePropsV2, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus } from "aws-cdk-lib/aws-events";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { EmailIdentity, Identity } from "aws-cdk-lib/aws-ses";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { EVENT_SOURCE } from "../functions/contracts/events.ts";
import { RESOURCE_SERVER, SCOPES } from "../functions/contracts/route.ts";
import type { Stage } from "./stages.ts";

const ARCHIVE_DAYS = 30;

/**
 * How long a token that was stolen, or signed out, goes on opening the API: its authorizer looks at signatures and never asks Cognito.
 *
 * 15 minutes is three times the least that Cognito allows; an app renews its token four times an hour.
 */
const ACCESS_MINUTES = 15;
/** How long one need not sign in again. A page's storage is read by whatever script gets into the page, a phone's is the app's own. */
const REFRESH_DAYS = { web: 1, native: 60 } as const;
/** How long a refresh token that was used goes on working: a phone that lost the answer asks again. The most that Cognito allows. */
const REFRESH_GRACE_SECONDS = 60;
/** Long, and of any characters. Source: NIST SP 800-63B, 5.1.1.2 */
const PASSWORD_LENGTH = 12;

export interface DataStackProps extends StackProps {
  readonly stage: Stage;
}

/**
 * What must outlive everything: nothing here is deleted with its stack, and no logical id may ever change.
 *
 * Keys and projections of tables and indexes cannot be changed later either.
 */
export class DataStack extends Stack {
  /** One item per line: `functions/adapters/esim-item.ts`. */
  readonly esims: TableV2;
  /** Starts and bills of recharges. */
  readonly recharges: TableV2;
  /** Profiles, ways to pay, sent notices. */
  readonly subscribers: TableV2;
  /** Declines per card. */
  readonly cards: TableV2;
  /** Single records of the stage. */
  readonly controls: TableV2;
  readonly bus: EventBus;
  readonly userPool: UserPool;
  /** The web app: public, so by code and PKCE only. */
  readonly webClient: UserPoolClient;
  /** Apps on phones: the same, with their own return addresses and longer sessions. */
  readonly nativeClient: UserPoolClient;
  /** JSON `{ "secretKey": "sk_...", "publishableKey"?: "pk_...", "webhookSecrets"?: ["whsec_..."], "baseUrl"?: "https://..." }`, written by the operator. */
  readonly stripeSecret: Secret;
  /** JSON `{ "baseUrl": "https://...", "secret": "..." }`, written by the operator. */
  readonly carrierSecret: Secret;
  /** JSON `{ "key": "..." }`, made once and never rotated: the bills of a line are grouped by it. */
  readonly lineHashSecret: Secret;
  /** JSON `{ "key": "...", "previousKey"?: "..." }`, made once; may be rotated, and the previous key kept for a day. */
  readonly payLinkSecret: Secret;
  readonly alarms: Topic;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    super(scope, id, props);
    const { stage } = props;
    const string = (name: string) => ({ name, type: AttributeType.STRING });
    const table = (name: string, tableProps: TablePropsV2) =>
      new TableV2(this, name, {
        ...tableProps,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: true,
      });

    this.esims = table("Esims", {
      partitionKey: string("iccid"),
      globalSecondaryIndexes: [
        { indexName: "bySubscriber", partitionKey: string("subscriberId"), sortKey: string("iccid"), projectionType: ProjectionType.KEYS_ONLY },
        {
          indexName: "slots",
          partitionKey: string("slot"),
          sortKey: string("slotHash"),
          projectionType: ProjectionType.INCLUDE,
          nonKeyAttributes: ["judge", "subscriberId"],
        },
        { indexName: "look", partitionKey: string("lookShard"), sortKey: string("lookAt"), projectionType: ProjectionType.KEYS_ONLY },
      ],
    });
    this.recharges = table("Recharges", {
      partitionKey: string("rechargeId"),
      sortKey: string("part"),
      timeToLiveAttribute: "expiresAt",
      globalSecondaryIndexes: [
        { indexName: "bySubscriber", partitionKey: string("subscriberId"), sortKey: string("endedAt"), projectionType: ProjectionType.ALL },
      ],
    });
    this.subscribers = table("Subscribers", {
      partitionKey: string("subscriberId"),
      sortKey: string("part"),
      timeToLiveAttribute: "expiresAt",
      globalSecondaryIndexes: [{ indexName: "byMethod", partitionKey: string("paymentMethodId"), projectionType: ProjectionType.KEYS_ONLY }],
    });
    this.cards = table("Cards", { partitionKey: string("cardKey"), sortKey: string("rechargeId") });
    this.controls = table("Controls", { partitionKey: string("name") });

    this.bus = new EventBus(this, "Bus", { eventBusName: `auto-recharge-${stage.name}` });
    this.bus.archive("Archive", { eventPattern: { source: [EVENT_SOURCE] }, retention: Duration.days(ARCHIVE_DAYS) });

    this.userPool = new UserPool(this, "UserPool", {
      selfSignUpEnabled: true,
      signInAliases: { email: true, phone: true },
      signInCaseSensitive: false, // Ada@example.com is ada@example.com; cannot be changed later
      autoVerify: { email: true, phone: true },
      keepOriginal: { email: true, phone: true }, // a new address counts once it is verified: lines are found by it
      // Whoever wants a second factor takes an app. None by text message: it could be read after a SIM swap, costs the operator money for whoever
      // registers, and would go to the very line that may have run dry.
      mfa: Mfa.OPTIONAL,
      mfaSecondFactor: { otp: true, sms: false },
      accountRecovery: AccountRecovery.EMAIL_AND_PHONE_WITHOUT_MFA, // by mail where there is an address: a number may change hands
      passwordPolicy: { minLength: PASSWORD_LENGTH, requireDigits: false, requireLowercase: false, requireUppercase: false, requireSymbols: false },
      featurePlan: FeaturePlan.ESSENTIALS, // the least that has managed login
      deletionProtection: true,
    });
    Validations.of(this.userPool).acknowledge(
      {
        id: "AwsSolutions-COG1",
        reason:
          "Length counts, and recipes of characters make passwords worse (NIST SP 800-63B, 5.1.1.2): 12 characters of any kind, where the rule asks for 8.",
      },
      { id: "AwsSolutions-COG2", reason: "A second factor is the subscriber's choice: who must have one to recharge a prepaid line would not come." },
      {
        id: "AwsSolutions-COG8",
        reason:
          "Threat protection needs the plan Plus: a third more for each person who signs in, and nobody free of charge. docs/security.md says when to take it.",
      },
      {
        id: "AwsSolutions-IAM5[Resource::*]",
        reason: "Codes go to phone numbers, which have no ARN; only Cognito can take the role, and only with this pool's external id.",
      },
    );
    const scopes = Object.entries(SCOPES).map(([scopeName, scopeDescription]) => new ResourceServerScope({ scopeName, scopeDescription }));
    const resourceServer = this.userPool.addResourceServer("ResourceServer", { identifier: RESOURCE_SERVER, scopes });
    /** A public client; its pages need a branding, or managed login shows an error instead. */
    const client = (clientId: string, urls: readonly string[], refreshDays: number) => {
      const added = this.userPool.addClient(clientId, {
        generateSecret: false,
        oAuth: {
          flows: { authorizationCodeGrant: true },
          callbackUrls: [...urls],
          logoutUrls: [...urls],
          scopes: [OAuthScope.OPENID, OAuthScope.EMAIL, OAuthScope.PHONE, ...scopes.map((each) => OAuthScope.resourceServer(resourceServer, each))],
        },
        authFlows: { userSrp: true }, // no flow that sends a password, and none that renews without rotation
        accessTokenValidity: Duration.minutes(ACCESS_MINUTES),
        idTokenValidity: Duration.minutes(ACCESS_MINUTES),
        refreshTokenValidity: Duration.days(refreshDays),
        refreshTokenRotationGracePeriod: Duration.seconds(REFRESH_GRACE_SECONDS),
        enableTokenRevocation: true,
        preventUserExistenceErrors: true,
      });
      const { userPoolId } = this.userPool;
      new CfnManagedLoginBranding(this, `${clientId}Branding`, { userPoolId, clientId: added.userPoolClientId, useCognitoProvidedValues: true });
      return added;
    };
    this.webClient = client("WebClient", stage.callbackUrls, REFRESH_DAYS.web);
    this.nativeClient = client("NativeClient", stage.nativeCallbackUrls, REFRESH_DAYS.native);
    this.userPool.addDomain("SignInDomain", {
      cognitoDomain: { domainPrefix: stage.signInDomainPrefix },
      managedLoginVersion: ManagedLoginVersion.NEWER_MANAGED_LOGIN,
    });

    const generated = { secretStringTemplate: "{}", generateStringKey: "key" };
    const secret = (name: string, description: string, notRotated: string, generateSecretString?: typeof generated) => {
      const added = new Secret(this, name, { description, generateSecretString });
      Validations.of(added).acknowledge({ id: "AwsSolutions-SMG4", reason: notRotated });
      return added;
    };
    this.stripeSecret = secret(
      "StripeSecret",
      "Stripe's secret key: write it here before the first recharge",
      "Stripe makes the key, in its dashboard only; the operator rolls it there and writes it here, which needs no deployment.",
    );
    this.carrierSecret = secret(
      "CarrierSecret",
      "The carrier's address and signing secret: write them here before the first recharge",
      "The carrier must know the new secret first, and has no interface for that; the operator writes it here, which needs no deployment.",
    );
    this.lineHashSecret = secret(
      "LineHashSecret",
      "Groups the bills of a line without naming it; never rotate it",
      "Another key would part the bills of a line from its earlier ones for ever.",
      generated,
    );
    this.payLinkSecret = secret(
      "PayLinkSecret",
      "Signs the links in notices; may be rotated: move key to previousKey for a day",
      "Links live for a day, and a rotation must keep the old key for as long, which a rotating function of AWS's does not; the operator does it by hand.",
      generated,
    );

    const mailIdentity = new EmailIdentity(this, "MailIdentity", { identity: Identity.domain(stage.mailFrom.split("@")[1] ?? stage.mailFrom) });
    const pool = this.userPool.node.defaultChild;
    if (stage.signInMailThroughSes && pool instanceof CfnUserPool) {
      // The CDK's own `UserPoolEmail.withSES` wants to know the region when it synthesizes.
      pool.emailConfiguration = { emailSendingAccount: "DEVELOPER", from: stage.mailFrom, sourceArn: mailIdentity.emailIdentityArn };
    }
    this.alarms = new Topic(this, "Alarms", { enforceSSL: true });
    // The policy that enforceSSL makes takes the place of SNS's own, which would have let the alarms in.
    // Source: https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
    const ourAlarms = this.formatArn({ service: "cloudwatch", resource: "alarm", resourceName: "*", arnFormat: ArnFormat.COLON_RESOURCE_NAME });
    this.alarms.grantPublish(new ServicePrincipal("cloudwatch.amazonaws.com", { conditions: { ArnLike: { "aws:SourceArn": ourAlarms } } }));

    RemovalPolicies.of(this).retain();

    // Exported here, in one order: left to the references of the other stack, the CDK writes them in an order that differs from run to run.
    const tables = [this.esims, this.recharges, this.subscribers, this.cards, this.controls];
    const secrets = [this.stripeSecret, this.carrierSecret, this.lineHashSecret, this.payLinkSecret];
    for (const { tableName, tableArn } of tables) for (const value of [tableName, tableArn]) this.exportValue(value);
    for (const { secretArn } of secrets) this.exportValue(secretArn);
    const { eventBusName, eventBusArn } = this.bus;
    const { userPoolProviderUrl } = this.userPool;
    const clientIds = [this.webClient.userPoolClientId, this.nativeClient.userPoolClientId];
    for (const value of [eventBusName, eventBusArn, userPoolProviderUrl, ...clientIds, this.alarms.topicArn]) this.exportValue(value);
  }
}
