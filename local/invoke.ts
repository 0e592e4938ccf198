import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { functionNamed, listEventFiles, readEvent, refusalIn } from "./event-files.ts";
import { setScene } from "./event-scene.ts";
import { type EventRun, httpAnswer, type Invocation, runTwice } from "./run-event.ts";
import { type RunningStack, readRunning } from "./running-stack.ts";
import { type LocalStack, startLocalStack } from "./stack.ts";
import { synthesize } from "./synthesize.ts";
import { timelineLine } from "./timeline.ts";

/** `npm run invoke`: gives a function an event, as Lambda would, in a process of its own. Exits 0 when all went well, else 1. */

const HELP = `npm run invoke -- <Function> <event file>: gives a function an event twice, and tells what came of it
npm run invoke -- --all: the same for every file in test/events
  Its bundle, handler, environment, memory limit and timeout are those of the deployed function; around it is a local stack that is started for it,
  always in the same state.
  --state <dir>     use the local stack that runs there instead: .local/state is that of npm start
  --assembly <dir>  run this cloud assembly instead of synthesizing one`;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    state: { type: "string" },
    assembly: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** What to do, with a stack around it. */
type OnStack = <Result>(act: (stack: RunningStack, stateFolder: string) => Promise<Result>) => Promise<Result>;

/** Sets the scene once in a folder; each act then has a copy of that, so that none sees what another has done. */
async function freshStacks(folder: string): Promise<OnStack> {
  const assembly = options.assembly ?? join(folder, "cdk.out");
  if (options.assembly === undefined) await synthesize(assembly);
  const started = async <Result>(stateFolder: string, act: (stack: LocalStack) => Promise<Result>): Promise<Result> => {
    // At real time, so that no schedule comes in between.
    const stack = await startLocalStack({ assembly, stateFolder, port: 0, speed: 1, tell: () => {} });
    try {
      return await act(stack);
    } finally {
      await stack.close();
    }
  };
  const scene = join(folder, "scene");
  await started(scene, (stack) => setScene(stack, scene));
  return async (act) => {
    const copy = join(folder, "state");
    rmSync(copy, { recursive: true, force: true });
    cpSync(scene, copy, { recursive: true });
    return started(copy, async () => act(await readRunning(copy), copy));
  };
}

function inShort({ milliseconds, answer }: Invocation): string {
  const http = z.safeParse(httpAnswer, answer).data;
  return `${milliseconds.toFixed(0).padStart(5)} ms  ${http === undefined ? JSON.stringify(answer) : `${http.statusCode} ${http.body ?? ""}`}`;
}

function tellAll({ cold, warm, log, happened, fault }: EventRun, { memoryMegabytes, timeoutSeconds }: RunningStack["functions"][number]): void {
  console.log(`With ${memoryMegabytes} MB and ${timeoutSeconds} s, twice in one process:\n`);
  if (cold !== undefined) console.log(`cold ${inShort(cold)}`);
  if (warm !== undefined) console.log(`warm ${inShort(warm)}`);
  const part = (title: string, lines: readonly string[]) => console.log(`\n${title}${lines.length === 0 ? " nothing" : `\n  ${lines.join("\n  ")}`}`);
  part("Its log:", log);
  part("What happened:", happened.map(timelineLine));
  console.log(fault === undefined ? "\nThe end is the same after both." : `\nFAILED: ${fault}`);
}

function tellBriefly(file: string, { cold, warm, log, fault }: EventRun): void {
  const time = (invocation: Invocation | undefined) => `${invocation?.milliseconds.toFixed(0) ?? "-"} ms`.padStart(8);
  console.log(`${fault === undefined ? "ok    " : "FAILED"}  cold ${time(cold)}  warm ${time(warm)}  ${file}`);
  if (fault === undefined) return;
  for (const line of [fault, ...[cold, warm].flatMap((each) => (each === undefined ? [] : [inShort(each)])), ...log]) console.log(`        ${line}`);
}

async function main(): Promise<number> {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const [name, given] = positionals;
  if (options.all ? positionals.length > 0 : name === undefined || given === undefined || positionals.length > 2) throw new Error(HELP);
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-invoke-"));
  try {
    const { state } = options;
    const onStack: OnStack = state === undefined ? await freshStacks(folder) : async (act) => act(await readRunning(state), state);
    const run = (service: string, file: string, tell: (run: EventRun, described: RunningStack["functions"][number]) => void) =>
      onStack(async (stack, stateFolder) => {
        const described = functionNamed(stack, service);
        const result = await runTwice(stack, described, await readEvent(file, stack, stateFolder), refusalIn(file));
        tell(result, described);
        return result.fault === undefined;
      });
    if (name !== undefined && given !== undefined) return (await run(name, given, tellAll)) ? 0 : 1;
    let failed = 0;
    const files = listEventFiles();
    for (const { service, file } of files) if (!(await run(service, file, (result) => tellBriefly(file, result)))) failed += 1;
    console.log(`\n${files.length - failed} of ${files.length} events: a good answer, and the same end when it came twice`);
    return failed === 0 && files.length > 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
