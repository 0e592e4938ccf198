import { App } from "aws-cdk-lib";
import { bundleFunctions } from "./bundles.ts";
import { checkStacks } from "./checks.ts";
import { DataStack } from "./data-stack.ts";
import { ServiceStack } from "./service-stack.ts";
import { CDK_CONTEXT, stageNamed } from "./stages.ts";

/** Synthesizes one stage's stacks into `CDK_OUTDIR`, or cdk.out. Run by the CDK's CLI and by `npm run synth`. */
const outdir = process.env.CDK_OUTDIR ?? "cdk.out";
const app = new App({ outdir, analyticsReporting: false, postCliContext: CDK_CONTEXT });
const stage = stageNamed(String(app.node.tryGetContext("stage") ?? process.env.STAGE ?? "dev"));
const bundles = bundleFunctions();
try {
  const data = new DataStack(app, `AutoRecharge-${stage.name}-Data`, { stage, env: stage.env, terminationProtection: true });
  new ServiceStack(app, `AutoRecharge-${stage.name}-Service`, { stage, data, bundles: bundles.folder, env: stage.env });
  checkStacks(app);
  app.synth();
} finally {
  bundles.remove();
}
if (process.env.CDK_OUTDIR === undefined) console.log(`Synthesized stage ${stage.name} into ${outdir}`);
