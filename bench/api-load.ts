import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { demoRule } from "../local/demo-data.ts";
import { synthesize } from "../local/synthesize.ts";
import { iccidOf } from "../test/adapters/store-contract.ts";
import { endLocal, runLocal } from "../test/e2e/local-process.ts";

// Rules read and written by many at once on the local stack, beside a handler that answers a constant: gateway, authorizer, token and process are the same.
// What a machine does in a second says little; how much longer a rule takes than nothing at all says what our code costs. Ends with 1 at the first error.

const HELP = `npm run bench:load [-- options]
  --seconds <n>      how long rules are read and written (60); the bare handler gets half as long, before and after
  --concurrency <n>  how many callers there are at a time, each with a line of their own (32)`;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    concurrency: { type: "string", default: "32" },
    help: { type: "boolean", default: false },
  },
});
const SERVICE_TEMPLATE = "AutoRecharge-dev-Service.template.json";
const BARE_ROUTE = "/bare";
/** Longer than any answer may take. */
const TIMEOUT_MILLISECONDS = 30_000;

/** What came of one kind of request. */
interface Tally {
  readonly milliseconds: number[];
  /** What went wrong, and how often. */
  readonly errors: Map<string, number>;
}
const newTally = (): Tally => ({ milliseconds: [], errors: new Map() });

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`--${name} must be a whole number from 1 to ${most}`);
  return value;
}

const template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z._default(z.record(z.string(), z.unknown()), {}), Metadata: z.optional(z.record(z.string(), z.unknown())) }),
  ),
});

const limitedEnvironment = z.object({ Variables: z.looseObject({ REQUESTS_PER_HOUR: z.string() }) });

/** A copy of the assembly with one more function and route, and without throttling and a subscriber's share: how fast a route may be called is no property of the code. */
async function withBareHandler(assembly: string, folder: string): Promise<void> {
  await cp(assembly, folder, { recursive: true });
  const file = join(folder, SERVICE_TEMPLATE);
  const service = z.parse(template, JSON.parse(await readFile(file, "utf8")));
  const all = Object.entries(service.Resources);
  const [, route] = all.find(([, { Type, Properties }]) => Type === "AWS::ApiGatewayV2::Route" && Properties.RouteKey === "GET /v1/rules/{iccid}") ?? [];
  const [, integration] = all.find(([, { Type }]) => Type === "AWS::ApiGatewayV2::Integration") ?? [];
  const [, handler] = all.find(([id, { Type }]) => Type === "AWS::Lambda::Function" && /^Rules[0-9A-F]{8}$/.test(id)) ?? [];
  if (route === undefined || integration === undefined || handler === undefined) throw new Error("The stacks have no route to put the bare handler beside");
  const { Environment: _none, ...settings } = handler.Properties;
  const arn = { "Fn::GetAtt": ["BareFunction", "Arn"] };
  Object.assign(service.Resources, {
    BareFunction: { Type: handler.Type, Properties: settings, Metadata: { "aws:asset:path": "asset.bare" } },
    BareIntegration: { Type: integration.Type, Properties: { ...integration.Properties, IntegrationUri: arn } },
    BareRoute: {
      Type: route.Type,
      Properties: { ...route.Properties, RouteKey: `GET ${BARE_ROUTE}`, Target: { "Fn::Join": ["", ["integrations/", { Ref: "BareIntegration" }]] } },
    },
  });
  for (const [, { Properties }] of all) {
    const variables = z.safeParse(limitedEnvironment, Properties.Environment).data?.Variables;
    if (variables !== undefined) Properties.Environment = { Variables: { ...variables, REQUESTS_PER_HOUR: "999999999" } };
  }
  for (const [, { Type, Properties }] of all.filter(([, each]) => each.Type === "AWS::ApiGatewayV2::Stage" && each.Properties.StageName === "$default")) {
    if (Type === "AWS::ApiGatewayV2::Stage") for (const setting of ["DefaultRouteSettings", "RouteSettings"]) delete Properties[setting];
  }
  await mkdir(join(folder, "asset.bare"));
  const constant = 'exports.handler = async () => ({ statusCode: 200, headers: { "content-type": "application/json" }, body: "{}" });\n';
  await writeFile(join(folder, "asset.bare/index.cjs"), constant);
  await writeFile(file, JSON.stringify(service));
}

/** Sends one request and notes how it went; gives the answer's ETag, if it was a good one with one. */
async function timed(tally: Tally, status: number, url: string, request: RequestInit): Promise<string | undefined> {
  const startedAt = performance.now();
  const note = (fault: string) => void tally.errors.set(fault, (tally.errors.get(fault) ?? 0) + 1);
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    const text = await response.text();
    if (response.status !== status) return note(`${request.method ?? "GET"} was answered with ${response.status}: ${text.slice(0, 200)}`);
    tally.milliseconds.push(performance.now() - startedAt);
    return response.headers.get("etag") ?? undefined;
  } catch (error) {
    return note(`${request.method ?? "GET"}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Lets so many callers do the same again and again until the time is over. */
async function callFor(seconds: number, callers: number, call: (caller: number) => Promise<void>): Promise<void> {
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      while (performance.now() < end) await call(caller);
    }),
  );
}

interface Load {
  readonly url: string;
  readonly token: string;
  readonly seconds: number;
  readonly concurrency: number;
}

async function measure({ url, token, seconds, concurrency }: Load) {
  const authorization = `Bearer ${token}`;
  const headers = { authorization, "content-type": "application/json" };
  const play = async (path: string, body?: object): Promise<unknown> => {
    const response = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body ?? {}) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  const { id: methodId } = z.object({ id: z.string() }).parse(await play("/local/cards/pm_card_visa"));
  const { subscriber } = z.object({ subscriber: z.object({ sub: z.string() }) }).parse(await (await fetch(`${url}/local/`)).json());
  const iccids = Array.from({ length: concurrency }, (_, caller) => iccidOf(90_000 + caller));
  for (const iccid of iccids) {
    await play("/local/lines", { iccid, owner: { subscriberId: subscriber.sub }, available: 500_000 });
    const rule = demoRule(iccid, methodId);
    const { terms } = z.object({ terms: z.object({ hash: z.string() }) }).parse(await play("/v1/rules/preview", rule));
    await play("/v1/rules", { ...rule, consent: { termsHash: terms.hash } });
  }

  const [bare, reads, writes] = [newTally(), newTally(), newTally()];
  const callBare = () => callFor(seconds / 2, concurrency, async () => void (await timed(bare, 200, url + BARE_ROUTE, { headers })));
  await callFor(1, concurrency, async () => void (await timed(newTally(), 200, url + BARE_ROUTE, { headers }))); // every process has started
  await callBare();
  await callFor(seconds, concurrency, async (caller) => {
    const path = `${url}/v1/rules/${iccids[caller] ?? ""}`;
    const etag = await timed(reads, 200, path, { headers });
    if (etag === undefined) return;
    const { iccid: _line, ...settings } = demoRule("", methodId); // as she agreed to before: nothing is raised
    await timed(writes, 200, path, { method: "PUT", headers: { ...headers, "if-match": etag }, body: JSON.stringify(settings) });
  });
  await callBare();
  return { bare, reads, writes };
}

function atShare(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Prints what was measured; true when nothing went wrong. */
function report(tallies: Awaited<ReturnType<typeof measure>>, { seconds, concurrency }: Pick<Load, "seconds" | "concurrency">): boolean {
  const median = (tally: Tally) =>
    atShare(
      tally.milliseconds.toSorted((a, b) => a - b),
      0.5,
    );
  console.log(
    `${concurrency} callers, ${seconds} s of rules read and written, ${seconds} s of the bare handler around it; milliseconds, and the bare median as 1`,
  );
  console.log(["", "answers", "a second", "median", "95 %", "99 %", "ratio", "errors"].map((head) => head.padStart(10)).join(""));
  for (const [name, tally] of Object.entries(tallies)) {
    const sorted = tally.milliseconds.toSorted((a, b) => a - b);
    const times = [0.5, 0.95, 0.99].map((share) => atShare(sorted, share).toFixed(0));
    const errors = [...tally.errors.values()].reduce((sum, count) => sum + count, 0);
    const ratio = (median(tally) / median(tallies.bare)).toFixed(2);
    const cells = [name, sorted.length, (sorted.length / seconds).toFixed(0), ...times, ratio, errors];
    console.log(cells.map((cell) => String(cell).padStart(10)).join(""));
    for (const [fault, count] of tally.errors) console.log(`  ${count} x ${fault}`);
  }
  return Object.values(tallies).every(({ milliseconds, errors }) => errors.size === 0 && milliseconds.length > 0);
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const load = { seconds: wholeNumber("seconds", values.seconds, 3600), concurrency: wholeNumber("concurrency", values.concurrency, 100) };
  const folder = await mkdtemp(join(tmpdir(), "auto-recharge-load-"));
  try {
    await synthesize(join(folder, "cdk.out"));
    await withBareHandler(join(folder, "cdk.out"), join(folder, "assembly"));
    const stack = runLocal("start", ["--assembly", join(folder, "assembly"), "--state", join(folder, "state"), "--port", "0", "--speed", "1"]);
    try {
      const url = String((await stack.until(/Ready at (\S+)/))[1]);
      const token = await (await fetch(`${url}/local/token`)).text();
      process.exitCode = report(await measure({ url, token, ...load }), load) ? 0 : 1;
    } finally {
      await endLocal(stack, "SIGKILL");
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
