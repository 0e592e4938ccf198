import { writeFileSync } from "node:fs";
import { OPERATOR_KEY_ID } from "./cloud/aws-front.ts";
import type { StackGraph } from "./cloud/template.ts";

/**
 * Writes what `npm run ops -- --outputs <file>` reads: the stacks' outputs, as `cdk deploy --outputs-file` writes them, and beside them where this machine
 * stands in for AWS.
 */
export function writeOutputs(file: string, { outputs, region }: StackGraph, endpoints: Readonly<Record<string, string>>): void {
  const environment = {
    ...endpoints,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: OPERATOR_KEY_ID,
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_SESSION_TOKEN: "local",
    AWS_PROFILE: "", // the operator's own would be preferred to these
  };
  writeFileSync(file, JSON.stringify({ ...outputs, environment }, null, 2));
}
