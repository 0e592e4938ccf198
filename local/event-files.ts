import { existsSync, globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { Stripe } from "stripe";
import * as z from "zod/mini";
import { secrets } from "../functions/contracts/environment.ts";
import { SCENE_FILE, sceneValues } from "./event-scene.ts";
import { localSecret, localText, localTime, type RunningStack } from "./running-stack.ts";

/** The events in test/events: what each function gets, in the shape in which AWS hands it over. */

const FOLDER = join(import.meta.dirname, "../test/events");

/** All event files, by path from the current folder, each with the name of its function in functions/. */
export function listEventFiles(): { readonly file: string; readonly service: string }[] {
  return globSync("*/*.json", { cwd: FOLDER })
    .sort()
    .map((path) => ({ file: relative(process.cwd(), join(FOLDER, path)), service: path.split(/[\\/]/)[0] ?? "" }));
}

/** The status with which the request of a file is refused, which stands at the end of its name: `begin-alipay-setup.422.json`. */
export function refusalIn(file: string): number | undefined {
  const [, status] = /\.(4\d\d)\.json$/.exec(file) ?? [];
  return status === undefined ? undefined : Number(status);
}

/** A function by the id of its construct (`CheckBalances`), or by its name in functions/ (`check-balances`). */
export function functionNamed({ functions }: RunningStack, name: string): RunningStack["functions"][number] {
  const found = functions.find(({ id, environment }) => id === name || environment.POWERTOOLS_SERVICE_NAME === name);
  if (found === undefined) throw new Error(`There is no function ${name}; there are ${functions.map(({ id }) => id).join(", ")}`);
  return found;
}

const SIGNATURE = "{{stripeSignature}}";
const signed = z.looseObject({ headers: z.looseObject({ "stripe-signature": z.literal(SIGNATURE) }), body: z.string() });

/**
 * Reads an event file, and puts in what only a running stack knows: `{{token}}` is an access token of the demo subscriber's, `{{stripeSignature}}` signs
 * the body now with the secret of the stack's webhook endpoint, and the others are those of the scene.
 */
export async function readEvent(file: string, stack: RunningStack, stateFolder: string): Promise<unknown> {
  const text = readFileSync(file, "utf8");
  const scene = join(stateFolder, SCENE_FILE);
  const values: Record<string, string> = existsSync(scene) ? z.parse(sceneValues, JSON.parse(readFileSync(scene, "utf8"))) : {};
  if (text.includes("{{token}}")) values.token = await localText(stack, "token");
  const filled = text.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => {
    if (placeholder === SIGNATURE) return placeholder;
    if (values[name] === undefined)
      throw new Error(`${file} needs ${placeholder}, which this stack does not know: let npm run invoke or npm run sam start one`);
    return values[name];
  });
  const event: unknown = JSON.parse(filled);
  const unsigned = z.safeParse(signed, event);
  if (!unsigned.success) return event;
  const { headers, body } = unsigned.data;
  return { ...unsigned.data, headers: { ...headers, "stripe-signature": await signatureOf(body, stack, stateFolder) } };
}

async function signatureOf(payload: string, stack: RunningStack, stateFolder: string): Promise<string> {
  const { webhookSecrets: [secret] = [] } = z.parse(secrets.stripe, localSecret(stack, stateFolder, "STRIPE_SECRET_ARN"));
  if (secret === undefined) throw new Error("This stack has no webhook endpoint at Stripe, so nothing can be signed as Stripe does");
  const { now } = await localTime(stack);
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: Math.floor(now / 1000) });
}
