/** What differs between the stages, and nothing else. One stage per synth: `-c stage=prod`, or `STAGE=prod`. */
export interface Stage {
  readonly name: string;
  /** Account and region to deploy to; without them the credentials of the deployment decide. */
  readonly env?: { readonly account: string; readonly region: string };
  /** Where notices come from; its domain (or the address itself) must be verified at SES. */
  readonly mailFrom: string;
  /** Codes for signing in come from there, too: only once that domain is verified at SES. Until then Cognito's own mailer sends them, 50 a day at most. */
  readonly signInMailThroughSes: boolean;
  /** First part of the sign-in page's host name; must be free in the region. */
  readonly signInDomainPrefix: string;
  /** Where the sign-in page may return to, after signing in and out; the first is the web app. */
  readonly callbackUrls: readonly string[];
  /** The like for apps on phones: links that the system gives to the app (preferred, as nobody else can claim them), or a scheme of its own. */
  readonly nativeCallbackUrls: readonly string[];
  /** Pages that may call the API from a browser: scheme, host and port. */
  readonly webOrigins: readonly string[];
  /** An operator's own issuer instead of the user pool: a token's `aud`, or its `client_id` where it has none, must be among the audiences. */
  readonly issuer?: { readonly url: string; readonly audiences: readonly string[] };
  /** Of all callers of a route together; more are told to come later. */
  readonly requestsPerSecond: number;
  /** Of one subscriber, of each route that asks the carrier, the issuer or Stripe; more are told to come later. An app that looks every three seconds stays below 1200. */
  readonly requestsPerHour: number;
  readonly carrier: {
    /** `final`: the carrier keeps its first answer for a reference, for 30 days at least; `once`: it cannot promise that. */
    readonly answers: "final" | "once";
    /** Within this time the carrier repeats the same reading. */
    readonly readIntervalSeconds: number;
  };
  /** The most that anybody may recharge at once, by currency, in minor units; any amount in a currency that is not here. */
  readonly largestRecharges: Readonly<Record<string, number>>;
  /**
   * Whether subscribers may save Alipay for charges with them away. Stripe must have allowed recurring Alipay for the account first: until then every try fails there.
   *
   * Off, Alipay asks for each recharge. Switched off again, what was saved goes on being charged until its owner removes it.
   */
  readonly reusableAlipay: boolean;
  /** Into how many parts each slot of the wheel is cut (1 to 256); more where a minute's lines do not fit one checker. */
  readonly hashRanges: number;
}

export const STAGES: Readonly<Record<string, Stage>> = {
  dev: {
    name: "dev",
    mailFrom: "recharge@dev.example.com",
    signInMailThroughSes: false,
    signInDomainPrefix: "auto-recharge-dev",
    callbackUrls: ["http://localhost:8787/"],
    nativeCallbackUrls: ["com.example.recharge.dev://signed-in"],
    webOrigins: ["http://localhost:8787"],
    requestsPerSecond: 1000,
    requestsPerHour: 1200,
    carrier: { answers: "final", readIntervalSeconds: 300 },
    largestRecharges: { CNY: 50_000, USD: 7_000, EUR: 7_000 },
    reusableAlipay: false,
    hashRanges: 1,
  },
  prod: {
    name: "prod",
    mailFrom: "recharge@example.com",
    signInMailThroughSes: false,
    signInDomainPrefix: "auto-recharge-prod",
    callbackUrls: ["https://recharge.example.com/"],
    nativeCallbackUrls: ["https://recharge.example.com/app/signed-in", "com.example.recharge://signed-in"],
    webOrigins: ["https://recharge.example.com"],
    requestsPerSecond: 1000,
    requestsPerHour: 1200,
    carrier: { answers: "final", readIntervalSeconds: 300 },
    largestRecharges: { CNY: 50_000, USD: 7_000, EUR: 7_000 },
    reusableAlipay: false,
    hashRanges: 1,
  },
};

/**
 * The CDK's context. It is set here, after the CLI's own, and not in cdk.json, so that `cdk synth` and `node infra/app.ts` give the same templates.
 */
export const CDK_CONTEXT = {
  "aws:cdk:enable-path-metadata": true,
  "aws:cdk:enable-asset-metadata": true, // SAM finds the functions' code by it
  "@aws-cdk/aws-iam:minimizePolicies": true,
  "@aws-cdk/core:checkSecretUsage": true,
  "@aws-cdk/core:validateAgainstDefaultRules": true, // the built-in check of the templates fails the synthesis
  "@aws-cdk/aws-events:eventsTargetQueueSameAccount": true,
  "@aws-cdk/aws-cloudwatch-actions:changeLambdaPermissionLogicalIdForLambdaAction": true,
  "@aws-cdk/core:enablePartitionLiterals": true,
  "@aws-cdk/core:explicitStackTags": true,
  "@aws-cdk/core:defaultCrossStackReferences": "strong", // the Data stack must not lose what the Service stack uses
} as const;

export function stageNamed(name: string): Stage {
  const stage = STAGES[name];
  if (stage === undefined) throw new Error(`There is no stage "${name}" in infra/stages.ts; there are: ${Object.keys(STAGES).join(", ")}`);
  return stage;
}
