import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { environments } from "../../functions/contracts/environment.ts";
import { DataStack } from "../../infra/data-stack.ts";
import { ServiceStack } from "../../infra/service-stack.ts";
import { CDK_CONTEXT, type Stage } from "../../infra/stages.ts";

/** An app as infra/app.ts makes it, below a folder, and without stacks. */
export function emptyApp(folder: string): App {
  return new App({ outdir: join(folder, "cdk.out"), analyticsReporting: false, postCliContext: CDK_CONTEXT });
}

/** The stacks of a stage, with functions of no code. */
export function appOf(stage: Stage, folder: string): App {
  const bundles = join(folder, "bundles");
  for (const name of Object.keys(environments)) {
    mkdirSync(join(bundles, name), { recursive: true });
    writeFileSync(join(bundles, name, "index.cjs"), "");
  }
  const app = emptyApp(folder);
  const data = new DataStack(app, "Data", { stage });
  new ServiceStack(app, "Service", { stage, data, bundles });
  return app;
}
