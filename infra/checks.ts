import { type App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";

/**
 * Makes the synthesis fail on whatever the rules of AWS Solutions and of the Serverless lens find in the stacks, warnings too.
 *
 * What is left as it is on purpose is acknowledged beside its resource, with the reason (`Validations.of(...).acknowledge`). The CDK's own check of the
 * templates is switched on by `CDK_CONTEXT`.
 */
export function checkStacks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
}
