import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { readEvent } from "./event-files.ts";
import { setScene } from "./event-scene.ts";
import { startRelay } from "./relay.ts";
import { localTime, type RunningStack, readRunning, SECRETS_FILE } from "./running-stack.ts";
import { samTemplate } from "./sam-template.ts";
import { startLocalStack } from "./stack.ts";
import { synthesize } from "./synthesize.ts";

/** `npm run sam`: what the SAM CLI needs to run the functions in Docker, and a local stack around them until Ctrl-C. */

const HELP = `npm run sam [-- options]: writes .local/sam/template.json for the SAM CLI, around a local stack that runs until Ctrl-C
  --host <name>     how a container reaches this machine (host.docker.internal, which Docker Desktop knows). An address of this
                    machine, such as 172.17.0.1 of Docker on Linux: the stack is relayed to that, too
  --state <dir>     use the local stack that runs there instead of starting one, at real time: npm start -- --fresh --speed 1
  --assembly <dir>  run this cloud assembly instead of synthesizing one
  --output <dir>    where the template and the stack's state go (.local/sam)
npm run --silent sam -- --event <file>: prints an event file with what stands in double braces filled in, signed now, for sam local invoke -e -`;

const { values: options } = parseArgs({
  options: {
    host: { type: "string", default: "host.docker.internal" },
    state: { type: "string" },
    assembly: { type: "string" },
    output: { type: "string", default: join(import.meta.dirname, "../.local/sam") },
    event: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

/** How far the stack's time may be from that of the containers: half of what signatures are good for. */
const MOST_SECONDS_APART = 150;

/** A container has the real time: signatures and tokens of another one would be refused. */
async function checkTime(stack: RunningStack, realNow: number): Promise<void> {
  const { now, speed } = await localTime(stack);
  if (speed !== 1 || Math.abs(now - realNow) > MOST_SECONDS_APART * 1000)
    throw new Error("The clock of that stack does not tell the real time, which containers have: start it with npm start -- --fresh --speed 1");
}

/** The ports of everything that a function may call. */
function portsOf(stack: RunningStack, stateFolder: string): number[] {
  const texts = [JSON.stringify(stack), readFileSync(join(stateFolder, SECRETS_FILE), "utf8")];
  return [...new Set(texts.flatMap((text) => [...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port))))];
}

async function startOwn(stateFolder: string): Promise<() => Promise<void>> {
  const assembly = options.assembly ?? join(options.output, "cdk.out");
  if (options.assembly === undefined) {
    console.log("Synthesizing the stacks ...");
    await synthesize(assembly);
  }
  const stack = await startLocalStack({ assembly, stateFolder, fresh: true, port: 0, speed: 1, tell: () => {} });
  await setScene(stack, stateFolder);
  return stack.close;
}

async function main(): Promise<void> {
  if (options.help) return console.log(HELP);
  const { host, output } = options;
  const stateFolder = options.state ?? join(output, "state");
  if (options.event !== undefined) return console.log(JSON.stringify(await readEvent(options.event, await readRunning(stateFolder), stateFolder), null, 2));

  mkdirSync(output, { recursive: true });
  const realNow = Date.now(); // before a stack puts its own clock in its place
  const startedAt = performance.now();
  const stop = options.state === undefined ? await startOwn(stateFolder) : undefined;
  const stack = await readRunning(stateFolder);
  await checkTime(stack, realNow + performance.now() - startedAt);
  const relay = isIP(host) === 0 || host === "127.0.0.1" ? undefined : await startRelay(host, portsOf(stack, stateFolder));

  const template = samTemplate(stack, { host, folder: output, architecture: process.arch === "arm64" ? "arm64" : "x86_64" });
  const file = join(output, "template.json");
  writeFileSync(file, `${JSON.stringify(template, null, 2)}\n`);
  const t = `-t ${relative(process.cwd(), file)}`;
  console.log(`
Wrote ${relative(process.cwd(), file)}: ${stack.functions.length} functions, and the ${stack.publicRoutes.length} routes that ask for no token. For example:
  sam local invoke Recharge ${t} -e test/events/recharge/low-balance-detected.json
  npm run --silent sam -- --event test/events/rules/list-rules.json | sam local invoke Rules ${t} -e -
  sam local start-api ${t}
`);
  if (stop === undefined && relay === undefined) return;
  console.log(`The functions reach this machine as ${host}, and the local stack at ${stack.url}. Ctrl-C stops it`);
  const end = async () => {
    await relay?.close();
    await stop?.();
    process.exit(0);
  };
  process.once("SIGINT", () => void end()).once("SIGTERM", () => void end());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
