import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { secretsFile } from "./cloud/aws-endpoints.ts";
import type { TimelineEntry } from "./timeline.ts";

const texts = z.record(z.string(), z.string());

const runningStack = z.object({
  /** Of the API. */
  url: z.string(),
  region: z.string(),
  endpoints: texts,
  clock: z.object({ execArgv: z.readonly(z.array(z.string())), env: texts }),
  functions: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      arn: z.string(),
      folder: z.string(),
      handler: z.string(),
      runtime: z.string(),
      memoryMegabytes: z.number(),
      timeoutSeconds: z.number(),
      environment: texts,
      logFormat: z.optional(z.enum(["Text", "JSON"])),
      logLevel: z.optional(z.string()),
    }),
  ),
  /** Those that ask for no token. */
  publicRoutes: z.array(z.object({ routeKey: z.string(), functionName: z.string() })),
  /** The queues on which functions work, by URL. */
  workQueues: z.array(z.string()),
});

/** What a local stack that runs tells those who run its functions themselves: the functions as its templates have them, and all that they need around them. */
export type RunningStack = z.infer<typeof runningStack>;

const FILE = "running.json";
export const SECRETS_FILE = "secrets.json";

/** No local stack runs on a state folder. */
export class NotRunning extends Error {
  override name = "NotRunning";
}

/** To be called once everything answers. */
export function writeRunning(path: (name: string) => string, stack: RunningStack): void {
  writeFileSync(path(FILE), JSON.stringify(z.parse(runningStack, stack), null, 2));
}

/** The stack that runs on a state folder. Throws NotRunning when there is none, or none any more. */
export async function readRunning(stateFolder: string): Promise<RunningStack> {
  try {
    const stack = z.parse(runningStack, JSON.parse(readFileSync(join(stateFolder, FILE), "utf8")));
    await localTime(stack);
    return stack;
  } catch (cause) {
    throw new NotRunning(`No local stack runs on ${stateFolder}`, { cause });
  }
}

const time = z.object({
  now: z.pipe(
    z.iso.datetime(),
    z.transform((text) => Date.parse(text)),
  ),
  speed: z.number(),
});

/** The time that the stack's functions see, in milliseconds since 1970, and how fast it passes. */
export async function localTime({ url }: Pick<RunningStack, "url">): Promise<z.infer<typeof time>> {
  return z.parse(time, await (await fetch(`${url}/local/clock`)).json());
}

/** Resolves with the text of a control's answer. */
export async function localText({ url }: Pick<RunningStack, "url">, path: string): Promise<string> {
  const answer = await fetch(`${url}/local/${path}`);
  if (!answer.ok) throw new Error(`/local/${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.text();
}

/** The secret that functions find by a variable with its ARN. */
export function localSecret({ functions }: RunningStack, stateFolder: string, variable: string): unknown {
  const arn = functions.map(({ environment }) => environment[variable]).find((value) => value !== undefined);
  return JSON.parse((arn !== undefined && secretsFile(join(stateFolder, SECRETS_FILE))(arn)) || "null");
}

/** What happened after a number of the stack's timeline, oldest first. */
export async function readTimeline(stack: Pick<RunningStack, "url">, after = 0): Promise<readonly TimelineEntry[]> {
  return JSON.parse(await localText(stack, `timeline?after=${after}`)); // our own, over our own wire
}
