import { join } from "node:path";
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, Runtime, Tracing } from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { EnvironmentOf, FunctionName } from "../../functions/contracts/environment.ts";

/** An API function may run as long as API Gateway waits for it. Source: HTTP API quotas, 30 s. */
export const API_TIMEOUT_SECONDS = 29;

/** What a function calls itself. Some of these services would answer without TLS, too. Not `*`: what Lambda does in the role's name is its own affair. */
const SPOKEN_TO_OVER_TLS = ["dynamodb:*", "events:*", "secretsmanager:*", "ses:*", "sns:*", "sqs:*"];

export interface ServiceFunctionProps<Name extends FunctionName> {
  /** The function in functions/ that runs, and by that what its environment must hold. */
  readonly name: Name;
  /** Folder of all bundles. */
  readonly bundles: string;
  readonly environment: EnvironmentOf<Name>;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
}

/** One function of the service: its bundle, exactly the environment that its contract names, and a role of its own that may write to its own log and nothing else. */
export class ServiceFunction<Name extends FunctionName> extends LambdaFunction {
  readonly memoryMegabytes: number;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps<Name>) {
    const logGroup = new LogGroup(scope, `${id}Logs`, { retention: RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY });
    // The CDK's own role may write to every log of the account.
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    super(scope, id, {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(join(props.bundles, props.name)),
      handler: "index.handler",
      environment: { ...props.environment, POWERTOOLS_SERVICE_NAME: props.name },
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMegabytes,
      logGroup,
      role,
      tracing: Tracing.ACTIVE,
    });
    this.memoryMegabytes = props.memoryMegabytes;
    logGroup.grantWrite(role);
    role.addToPolicy(
      new PolicyStatement({ effect: Effect.DENY, actions: SPOKEN_TO_OVER_TLS, resources: ["*"], conditions: { Bool: { "aws:SecureTransport": "false" } } }),
    );
    Validations.of(this).acknowledge({
      id: "Serverless-LambdaDLQ",
      reason: "Nobody invokes it asynchronously: API Gateway waits for its answer, or Lambda polls its queue, which has dead letters of its own.",
    });
    Validations.of(role).acknowledge({
      id: "AwsSolutions-IAM5[Resource::*]",
      reason: "X-Ray's segments have no ARN, so that its two write actions can name none.",
    });
  }
}
