import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { holdsData, type StatefulChange, statefulChanges, type Template } from "./stateful-changes.ts";
import { UsageError } from "./verb.ts";

export const DEPLOY_HELP = `npm run deploy -- --stage <name>: shows what would change in AWS, asks, and deploys: first the stack Data, then Service
A change that replaces or removes what holds data (tables, user pool, bus, secrets, queues, ...), or takes its protection, is named and asked for by itself.
  --stage <name>            a stage of infra/stages.ts
  --yes                     deploys without asking, for machines; never answers for a change that can lose data
  --accept-stateful <id>    accepts such a change, by the id that it was named with; once for each
  --outputs <file>          where the outputs are written, which npm run ops reads (outputs.json)
  --help                    this text
It uses your own AWS credentials, as the CDK does (AWS_PROFILE, AWS_REGION). Exit code 0: deployed; 1: not, or not all; 2: the command made no sense.`;

/** What a command line asks for. */
export interface DeployOrder {
  readonly stage: string;
  readonly yes: boolean;
  /** Ids of the changes that may lose data and are wanted. */
  readonly accepted: readonly string[];
  readonly outputs: string;
}

const typed = z.object({
  stage: z.string({ error: "--stage must name a stage: a deployment has no default" }),
  yes: z.boolean(),
  accepted: z.array(z.string()),
  outputs: z.string().check(z.minLength(1, { error: "--outputs must name a file" })),
});

/** Reads the command line; `stages` are those that there are. Gives a text to print where only help is wanted. Throws UsageError. */
export function readDeployOrder(args: readonly string[], stages: readonly string[]): DeployOrder | string {
  const { values } = parse(args);
  if (values.help) return DEPLOY_HELP;
  const result = z.safeParse(typed, { ...values, accepted: values["accept-stateful"] });
  if (!result.success) throw new UsageError(result.error.issues.map(({ message }) => message).join("; "));
  const { stage } = result.data;
  if (!stages.includes(stage)) throw new UsageError(`There is no stage "${stage}" in infra/stages.ts; there are: ${stages.join(", ")}`);
  return result.data;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        stage: { type: "string" },
        yes: { type: "boolean", default: false },
        "accept-stateful": { type: "string", multiple: true, default: [] },
        outputs: { type: "string", default: "outputs.json" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split(/\. |\n/)[0] ?? error.message) : String(error));
  }
}

/** A stack as it was synthesized. */
export interface SynthesizedStack {
  readonly name: string;
  readonly template: Template;
}

/** What a deployment needs of the world. */
export interface DeployPorts {
  /** Runs the CDK's command line before the operator's eyes; gives its exit code. */
  readonly cdk: (args: readonly string[]) => Promise<number>;
  /** The stacks of a folder that the CDK synthesized, each after those that it depends on. */
  readonly readStacks: (assembly: string) => readonly SynthesizedStack[];
  /** The template that a stack was last deployed with; undefined where there is no such stack. */
  readonly deployedTemplate: (stackName: string) => Promise<Template | undefined>;
  /** Undefined when nobody is there to answer. */
  readonly ask: (question: string) => Promise<string | undefined>;
  readonly print: (line: string) => void;
}

/**
 * Deploys one stage; false when somebody or something said no, which was printed.
 *
 * It deploys the very assembly that was shown and judged. Throws UsageError where a change was accepted that there is not: it would lie in wait in a script.
 */
export async function deploy(ports: DeployPorts, { stage, yes, accepted, outputs }: DeployOrder, assembly: string): Promise<boolean> {
  const { cdk, readStacks, deployedTemplate, print } = ports;
  const refuse = (why: string) => {
    print(`${why} Nothing was deployed.`);
    return false;
  };
  if ((await cdk(["synth", "--quiet", "--context", `stage=${stage}`, "--output", assembly])) !== 0) return refuse("The stacks cannot be synthesized.");
  const stacks = readStacks(assembly);
  const names = stacks.map(({ name }) => name);
  const changes: StatefulChange[] = [];
  for (const { name, template } of stacks) {
    const deployed = await deployedTemplate(name);
    if (deployed === undefined) print(`${name} is not there yet: it is made.`);
    else changes.push(...statefulChanges(deployed, template));
  }
  if ((await cdk(["diff", "--app", assembly, "--fail-on", "never", ...names])) !== 0) return refuse("The CDK cannot say what would change.");
  changes.push(...(await changesOnlyTheCdkSees(ports, stacks, changes, assembly)));

  const unknown = accepted.filter((id) => !changes.some(({ logicalId }) => logicalId === id));
  if (unknown.length > 0) throw new UsageError(`--accept-stateful names ${unknown.join(", ")}, which this deployment does not put at risk: take it out`);
  if (!(await isWanted(ports, stage, yes, accepted, changes))) return refuse("It was not confirmed.");

  // Shown and confirmed: the CDK need not ask again.
  const isDeployed = (await cdk(["deploy", "--app", assembly, "--require-approval", "never", "--outputs-file", outputs, ...names])) === 0;
  print(isDeployed ? `Stage ${stage} is deployed; its outputs are in ${outputs}.` : "The deployment failed. See docs/deploy.md#when-a-deployment-fails");
  return isDeployed;
}

/**
 * Asks the CDK, too, whether a stack that holds data loses something: it looks at a change set in the account, where it can make one, and so sees what two templates do not show.
 *
 * It says yes or no for a whole stack, so it counts only where nothing was found there.
 */
async function changesOnlyTheCdkSees(
  { cdk }: DeployPorts,
  stacks: readonly SynthesizedStack[],
  found: readonly StatefulChange[],
  assembly: string,
): Promise<readonly StatefulChange[]> {
  const seen: StatefulChange[] = [];
  for (const { name, template } of stacks.filter((stack) => holdsData(stack.template))) {
    const isKnown = found.some(({ logicalId }) => logicalId in template.Resources);
    if (isKnown || (await cdk(["diff", "--app", assembly, "--quiet", "--exclusively", "--fail-on", "destructive", name])) === 0) continue;
    seen.push({ logicalId: name, type: "stack", says: "the CDK finds a replacement or a removal in it (shown above), which the templates do not show" });
  }
  return seen;
}

async function isWanted(
  { ask, print }: DeployPorts,
  stage: string,
  yes: boolean,
  accepted: readonly string[],
  changes: readonly StatefulChange[],
): Promise<boolean> {
  if (changes.length === 0) print("Nothing that holds data is replaced, removed or less protected.");
  else print("\nTHIS CAN LOSE DATA:");
  for (const { logicalId, type, says } of changes) print(`  ${logicalId} (${type}) ${says}${accepted.includes(logicalId) ? " [accepted]" : ""}`);
  const open = changes.filter(({ logicalId }) => !accepted.includes(logicalId));
  if (open.length > 0) {
    const answer = await ask(`\nType the stage's name to have it so: `);
    if (answer === undefined) print(`Nobody is there to ask. Where it is wanted: ${open.map(({ logicalId }) => `--accept-stateful ${logicalId}`).join(" ")}`);
    return answer === stage;
  }
  if (yes) return true;
  const answer = await ask(`\nDeploy stage ${stage}? (yes) `);
  if (answer === undefined) print("Nobody is there to ask: say --yes.");
  return answer === "yes";
}
