import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { testAssembly } from "../assembly.ts";
import { readTimeline, runMainJob } from "./main-job.ts";

/** What the local stack is for: a fault in the wiring, planted into a copy of the assembly, stops the start or the main job. */

const ROOT = join(import.meta.dirname, "../..");
const SERVICE = "AutoRecharge-dev-Service";
const DATA = "AutoRecharge-dev-Data";

/** Each stack keeps two processors busy for a second or two. */
const STACKS_AT_ONCE = 3;
/** The main job takes 3 s alone, and may take its time on a busy machine. */
const PATIENCE_MILLISECONDS = 30_000;
/** A job that fails takes all its time, so it gets less. */
const FAILING_MILLISECONDS = 6_000;
/** All of them in turns, on a slow machine. */
const ALL_MILLISECONDS = 300_000;

const templateSchema = z.looseObject({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z._default(z.record(z.string(), z.unknown()), {}) })),
});
type Template = z.infer<typeof templateSchema>;

interface Fault {
  readonly says: string;
  readonly plant: (template: Template) => void;
  /** Of the template; the Service stack's unless said otherwise. */
  readonly stack?: string;
  /** What the refusal says, or what the timeline tells of how far the main job came. */
  readonly shows: RegExp;
}

/** The logical id of the resource with this id in the CDK app: that and eight hex digits. */
function idOf({ Resources }: Template, name: string): string {
  const [id, ...more] = Object.keys(Resources).filter((each) => each.slice(0, -8) === name);
  if (id === undefined || more.length > 0) throw new Error(`There must be one resource ${name} to plant a fault in`);
  return id;
}

function propertiesOf(template: Template, name: string): Record<string, unknown> {
  const properties = template.Resources[idOf(template, name)]?.Properties;
  if (properties === undefined) throw new Error(`${name} has no properties`);
  return properties;
}

const policySchema = z.looseObject({ Statement: z.array(z.looseObject({ Action: z.union([z.string(), z.array(z.string())]) })) });

/** Takes an action out of a policy, whatever it was granted on. */
function takeGrant(template: Template, policy: string, action: string): void {
  const properties = propertiesOf(template, policy);
  const { Statement, ...document } = z.parse(policySchema, properties.PolicyDocument);
  const kept = Statement.map((statement) => ({ ...statement, Action: [statement.Action].flat().filter((each) => each !== action) }));
  if (kept.flatMap(({ Action }) => Action).length === Statement.flatMap(({ Action }) => Action).length) throw new Error(`${policy} does not grant ${action}`);
  properties.PolicyDocument = { ...document, Statement: kept.filter(({ Action }) => Action.length > 0) };
}

/** The policy of the role that a schedule sends with. */
function policyOfSchedule(template: Template, schedule: string): string {
  const { Target } = z.parse(z.object({ Target: z.object({ RoleArn: z.object({ "Fn::GetAtt": z.array(z.string()) }) }) }), propertiesOf(template, schedule));
  return `${Target.RoleArn["Fn::GetAtt"][0]?.slice(0, -8)}DefaultPolicy`;
}

const REFUSED_AT_START: readonly Fault[] = [
  {
    says: "a resource of a type that it does not know",
    plant: ({ Resources }) => {
      Resources.Stream = { Type: "AWS::Kinesis::Stream", Properties: {} };
    },
    shows: /Stack AutoRecharge-dev-Service, Stream \(AWS::Kinesis::Stream\): .*does not know this resource type/,
  },
  {
    says: "a property that it does not know",
    plant: (template) => {
      propertiesOf(template, "RechargeQueue").FifoQueue = true;
    },
    shows: /Stack AutoRecharge-dev-Service, RechargeQueue\w{8} \(AWS::SQS::Queue\): .*does not know the property FifoQueue/,
  },
  {
    says: "an operator that it does not know in an event pattern",
    plant: (template) => {
      propertiesOf(template, "RechargeQueueRule").EventPattern = { "detail-type": [{ wildcard: "Low*" }] };
    },
    shows: /Stack AutoRecharge-dev-Service, RechargeQueueRule\w{8} \(AWS::Events::Rule\): .*EventPattern.*detail-type: the operator wildcard/,
  },
  {
    says: "a rule whose queue is not in the template",
    plant: (template) => {
      propertiesOf(template, "RechargeQueueRule").Targets = [{ Id: "Target0", Arn: { "Fn::GetAtt": ["NoQueue", "Arn"] } }];
    },
    shows: /Stack AutoRecharge-dev-Service, RechargeQueueRule\w{8} \(AWS::Events::Rule\): points at NoQueue, which is not in this template/,
  },
  {
    says: "a function that may not read its queue",
    plant: (template) => takeGrant(template, "RechargeRoleDefaultPolicy", "sqs:ReceiveMessage"),
    shows: /RechargeSqsEventSource\S+ would not work: its role may not sqs:ReceiveMessage on \S+RechargeQueue/,
  },
  {
    says: "a schedule that may not send to its queue",
    plant: (template) => takeGrant(template, policyOfSchedule(template, "PlanChecksQueueSchedule"), "sqs:SendMessage"),
    shows: /PlanChecksQueueSchedule\w{8} would not work: its role may not sqs:SendMessage on \S+PlanChecksQueue/,
  },
  {
    says: "a rule whose queue is in none of the stacks",
    plant: (template) => {
      propertiesOf(template, "RechargeQueueRule").Targets = [{ Id: "Target0", Arn: "arn:aws:sqs:us-east-1:000000000000:elsewhere" }];
    },
    shows:
      /Stack AutoRecharge-dev-Service, RechargeQueueRule\w{8} \(AWS::Events::Rule\): Targets\.0\.Arn is \S+elsewhere, and there is no such AWS::SQS::Queue/,
  },
];

const environmentSchema = z.object({ Variables: z.record(z.string(), z.unknown()) });
const indexesSchema = z.array(z.looseObject({ IndexName: z.string() }));

const FAILING_THE_MAIN_JOB: readonly Fault[] = [
  {
    says: "a function that lacks a variable",
    plant: (template) => {
      const checkBalances = propertiesOf(template, "CheckBalances");
      const { EVENT_BUS_NAME: _dropped, ...Variables } = z.parse(environmentSchema, checkBalances.Environment).Variables;
      checkBalances.Environment = { Variables };
    },
    shows: /error .*The function check-balances cannot start: EVENT_BUS_NAME is missing/,
  },
  {
    says: "an event pattern with a misspelt name",
    plant: (template) => {
      propertiesOf(template, "RechargeQueueRule").EventPattern = { source: ["auto-recharge"], "detail-type": ["LowBalanceDetetced"] };
    },
    shows: /LowBalanceDetected(?!.*created)/s,
  },
  {
    says: "a rule that feeds another function's queue",
    plant: (template) => {
      propertiesOf(template, "RechargeQueueRule").Targets = [{ Id: "Target0", Arn: { "Fn::GetAtt": [idOf(template, "NotifyQueue"), "Arn"] } }];
    },
    shows: /LowBalanceDetected.*error Notify\w{8}: message-failed(?!.*created)/s,
  },
  {
    says: "a queue that no function reads",
    plant: ({ Resources }) => {
      const [mapping] = Object.keys(Resources).filter((id) => id.startsWith("NotifySqsEventSource"));
      if (mapping === undefined) throw new Error("Nothing feeds the queue to Notify");
      delete Resources[mapping];
    },
    shows: /charged.*RechargeSucceeded(?!.*mail)/s,
  },
  {
    says: "a missing schedule",
    plant: (template) => {
      delete template.Resources[idOf(template, "PlanChecksQueueSchedule")];
    },
    shows: /RuleSaved(?!.*LowBalanceDetected)/s,
  },
  {
    says: "a function that may not publish",
    plant: (template) => takeGrant(template, "CheckBalancesRoleDefaultPolicy", "events:PutEvents"),
    shows: /error CheckBalances\w{8}: .*User: \S+CheckBalances\w{8} is not authorized to perform: events:PutEvents(?!.*LowBalanceDetected)/s,
  },
  {
    says: "a function that may not write a table",
    plant: (template) => takeGrant(template, "RechargeRoleDefaultPolicy", "dynamodb:PutItem"),
    shows: /LowBalanceDetected.*User: \S+Recharge\w{8} is not authorized to perform: dynamodb:PutItem on resource: \S+(?!.*charged)/s,
  },
  {
    says: "a missing index of a table",
    stack: DATA,
    plant: (template) => {
      const esims = propertiesOf(template, "Esims");
      esims.GlobalSecondaryIndexes = z.parse(indexesSchema, esims.GlobalSecondaryIndexes).filter(({ IndexName }) => IndexName !== "slots");
    },
    shows: /error CheckBalances\w{8}: .*index: slots(?!.*LowBalanceDetected)/s,
  },
];

/** What became of a stack: it refused to start, it ran and the main job was tried, or (never, one hopes) it ended in between. */
type Outcome =
  | { readonly kind: "refused"; readonly exitCode: number | null; readonly message: string }
  | { readonly kind: "ran"; readonly mainJob: string; readonly story: string }
  | { readonly kind: "broke"; readonly error: unknown };

const work = mkdtempSync(join(tmpdir(), "auto-recharge-faults-"));
const children = new Set<ChildProcess>();

/** Runs the stack of an assembly, as `npm start` does, until the main job is over and, if it is to fail, until one can see how. */
async function runStack(name: string, assembly: string, mainJobMilliseconds: number, shows = /$/): Promise<Outcome> {
  const options = ["--assembly", assembly, "--state", join(work, `${name}-state`), "--port", "0", "--speed", "60", "--fresh"];
  const child = spawn(process.execPath, [join(ROOT, "local/start.ts"), ...options], { cwd: ROOT, env: {}, stdio: ["ignore", "pipe", "pipe"], detached: true });
  children.add(child);
  try {
    const stderr = text(child.stderr);
    const exited = once(child, "exit");
    const url = await readyAt(child.stdout);
    if (url === undefined) {
      const [exitCode] = await exited;
      return { kind: "refused", exitCode: z.parse(z.nullable(z.int()), exitCode), message: await stderr };
    }
    const mainJob = await runMainJob(url, mainJobMilliseconds);
    const giveUpAt = performance.now() + PATIENCE_MILLISECONDS;
    let story = await readStory(url);
    while (!shows.test(story) && performance.now() < giveUpAt) {
      await sleep(200);
      story = await readStory(url);
    }
    return { kind: "ran", mainJob, story };
  } finally {
    end(child);
  }
}

async function readStory(url: string): Promise<string> {
  return (await readTimeline(url)).map(({ what, note = "" }) => `${what} ${note}`).join("\n");
}

/** Where the API is, or undefined when the process ends before it says so. */
function readyAt(stdout: NodeJS.ReadableStream): Promise<string | undefined> {
  return new Promise((resolve) => {
    // Read to its end, since a process that nobody reads any more is stopped by its next line.
    createInterface({ input: stdout })
      .on("line", (line) => {
        const url = /^Ready at (\S+)/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      })
      .on("close", () => resolve(undefined));
  });
}

/** The stack leads a group of its own; its functions end when it is gone. */
function end(child: ChildProcess): void {
  children.delete(child);
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, "SIGKILL");
}

function plantedAssembly(name: string, { plant, stack = SERVICE }: Fault): string {
  const folder = join(work, name);
  cpSync(testAssembly(), folder, { recursive: true });
  const file = join(folder, `${stack}.template.json`);
  const template = z.parse(templateSchema, JSON.parse(readFileSync(file, "utf8")));
  plant(template);
  writeFileSync(file, JSON.stringify(template));
  return folder;
}

describe("the local stack", () => {
  const outcomes = new Map<string, Outcome>();

  const waiting = [
    { says: "healthy", run: () => runStack("healthy", testAssembly(), PATIENCE_MILLISECONDS) },
    ...[...FAILING_THE_MAIN_JOB, ...REFUSED_AT_START].map((fault, index) => ({
      says: fault.says,
      run: async () => runStack(`fault-${index}`, plantedAssembly(`fault-${index}`, fault), FAILING_MILLISECONDS, fault.shows),
    })),
  ];

  // All of them here, since jest would run one test after the other.
  beforeAll(async () => {
    const runInTurn = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        outcomes.set(next.says, await next.run().catch((error: unknown) => ({ kind: "broke", error })));
    };
    await Promise.all(Array.from({ length: STACKS_AT_ONCE }, runInTurn));
  }, ALL_MILLISECONDS);

  afterAll(() => {
    waiting.splice(0); // when the time was too short for all
    for (const child of children) end(child);
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
  });

  it("does the main job when it is wired as it was synthesized", () => {
    expect(outcomes.get("healthy")).toMatchObject({ kind: "ran", mainJob: "recharged" });
  });

  it.each(REFUSED_AT_START)("refuses to start with $says, and says where", ({ says, shows }) => {
    expect(outcomes.get(says)).toEqual({ kind: "refused", exitCode: 1, message: expect.stringMatching(shows) });
  });

  it.each(FAILING_THE_MAIN_JOB)("visibly fails to do the main job with $says", ({ says, shows }) => {
    expect(outcomes.get(says)).toEqual({ kind: "ran", mainJob: "not recharged", story: expect.stringMatching(shows) });
  });
});
