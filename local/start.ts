import { join } from "node:path";
import { parseArgs } from "node:util";
import { FASTEST } from "./controls.ts";
import { DEMO_PASSWORD, DEMO_USER, DRAIN_PER_MINUTE, DRAINING_LINE, QUIET_LINE } from "./demo-data.ts";
import { DemoSubscriber } from "./demo-subscriber.ts";
import { startLocalStack } from "./stack.ts";
import { synthesize } from "./synthesize.ts";
import { timelineLine } from "./timeline.ts";

/** `npm start`: the stacks on this machine, until Ctrl-C. */

const HELP = `npm start [-- options]: the synthesized stacks, run on this machine
  --fresh          forget what the last start left behind
  --port <n>       port of the API (8787)
  --speed <n>      local seconds in a real second (60: a minute of a line's life takes a second; from 1 to 3600, but
                   beyond some hundred a small machine falls behind)
  --state <dir>    where things are kept between starts (.local/state)
  --assembly <dir> run this cloud assembly instead of synthesizing one
STRIPE_SECRET_KEY  a Stripe test key (sk_test_...): charges at Stripe instead of at the local model
STRIPE_PUBLISHABLE_KEY  its pk_test_..., for the page of pay links
DYNAMODB_ENDPOINT  another engine than the embedded one, e.g. DynamoDB Local at http://127.0.0.1:8000`;

const ROOT = join(import.meta.dirname, "..");

function readOptions() {
  return parseArgs({
    options: {
      fresh: { type: "boolean", default: false },
      port: { type: "string", default: "8787" },
      speed: { type: "string", default: "60" },
      state: { type: "string", default: join(ROOT, ".local/state") },
      assembly: { type: "string" },
      help: { type: "boolean", default: false },
    },
  }).values;
}

function numberIn(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least || value > most) throw new Error(`--${name} must be a number from ${least} to ${most}`);
  return value;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return console.log(HELP);
  const stripeTestKey = process.env.STRIPE_SECRET_KEY || undefined;
  if (stripeTestKey !== undefined && !/^[sr]k_test_/.test(stripeTestKey))
    throw new Error("STRIPE_SECRET_KEY must be a test key (sk_test_...): nothing here may charge anybody");
  const port = Math.trunc(numberIn("port", options.port, 0, 65_535));
  const speed = numberIn("speed", options.speed, 1, FASTEST);

  const assembly = options.assembly ?? join(ROOT, ".local/cdk.out");
  if (options.assembly === undefined) {
    console.log("Synthesizing the stacks ...");
    await synthesize(assembly);
  }

  const stack = await startLocalStack({
    assembly,
    stateFolder: options.state,
    fresh: options.fresh,
    port,
    speed,
    stripeTestKey,
    stripePublishableKey: process.env.STRIPE_PUBLISHABLE_KEY || undefined,
    dynamoDbEndpoint: process.env.DYNAMODB_ENDPOINT || undefined,
    tell: (entry) => console.log(timelineLine(entry)),
  }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    const taken = "port" in error ? error.port : port;
    throw new Error(
      taken === port
        ? `Port ${port} is taken by another program: choose another with --port`
        : `Port ${String(taken)}, which the tokens of this state folder name, is taken by another program: end that, or start with --fresh`,
    );
  });
  const stop = async () => {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    console.log("\nStopping ...");
    await stack.close();
    process.exit(0);
  };
  const onSignal = () => void stop();
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);

  await stack.once("demo-rule", async () => {
    const ada = new DemoSubscriber(stack.url, stack.demo.token);
    await ada.saveRule(DRAINING_LINE.iccid, stack.demo.methodId);
    await ada.setLine(DRAINING_LINE.iccid, { drainPerMinute: DRAIN_PER_MINUTE });
  });
  console.log(`
Ready at ${stack.url}  (a minute here takes ${(60 / speed).toFixed(speed > 60 ? 2 : 0)} s; ${stripeTestKey === undefined ? "the local model of Stripe" : "Stripe's test mode"})
  line …${DRAINING_LINE.iccid.slice(-4)} is being used up; it was given a rule: below CNY 10, recharge CNY 50
  line …${QUIET_LINE.iccid.slice(-4)} was given none: save one with curl, as the README shows
  sign-in: ${stack.issuer} (OpenID Connect), as ${DEMO_USER.email} with the password ${DEMO_PASSWORD}
  token: curl -s ${stack.url}/local/token     controls: curl -s ${stack.url}/local/     Ctrl-C stops
`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
