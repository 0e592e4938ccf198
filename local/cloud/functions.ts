import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { InvokeMessage, ProcessMessage } from "./function-process.ts";
import type { Resource, StackGraph } from "./template.ts";

/** A function as its template describes it. */
export interface LocalFunction {
  readonly name: string;
  readonly arn: string;
  /** The folder with its code. */
  readonly folder: string;
  /** A file and its export: `index.handler`. */
  readonly handler: string;
  readonly memoryMegabytes: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFormat?: "Text" | "JSON" | undefined;
  readonly logLevel?: string | undefined;
}

/** A function of the stacks. */
export interface DeployedFunction extends LocalFunction {
  /** The id of its construct in infra/: its logical id without the eight digits that the CDK adds. */
  readonly id: string;
  readonly runtime: string;
  /** Who it is to AWS. */
  readonly roleArn: string;
}

/** What surrounds the functions. */
export interface Surroundings {
  readonly region: string;
  /** Where the local services are, e.g. `AWS_ENDPOINT_URL_DYNAMODB`: added to every function's environment. */
  readonly endpoints: Readonly<Record<string, string>>;
}

export interface FunctionHostOptions extends Surroundings {
  readonly functions: readonly LocalFunction[];
  /** Makes the functions see the local clock: `LocalClock.forChildren`. */
  readonly clock?: { readonly execArgv: readonly string[]; readonly env: Readonly<Record<string, string>> };
  /** Gets every line that a function writes. */
  readonly onLog: (line: { readonly function: string; readonly line: string }) => void;
}

/** A function threw, ran out of time or ended; `errorType` is what Lambda calls it. */
export class FunctionError extends Error {
  override name = "FunctionError";
  readonly errorType: string;

  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

/** Runs an invocation to its end and gives its result as JSON would carry it. Rejects with FunctionError. */
export type InvokeFunction = (nameOrArn: string, event: unknown) => Promise<unknown>;

export interface FunctionHost {
  readonly invoke: InvokeFunction;
  /** Ends all processes; what is still running is rejected. */
  close(): Promise<void>;
}

/** Lambda's own defaults. */
const DEFAULT_MEMORY_MEGABYTES = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;
/** Invocations of one function at a time; more of them wait, as a machine has fewer processors than Lambda. */
const MOST_PROCESSES = 4;
/** Lambda gives 10 s for loading the code, on a machine that does nothing else. */
const LOADING_MILLISECONDS = 30_000;
const PROGRAM = fileURLToPath(new URL("./function-process.ts", import.meta.url));

/** The functions of the templates, with the folders of their code. */
export function listFunctions(graph: StackGraph): DeployedFunction[] {
  return graph.list("AWS::Lambda::Function").map((resource: Resource<"AWS::Lambda::Function">) => {
    const { Role, Handler, MemorySize, Timeout, Environment, LoggingConfig, Runtime } = resource.properties;
    return {
      id: resource.logicalId.slice(0, -8),
      runtime: Runtime,
      name: resource.name,
      arn: resource.arn,
      roleArn: Role,
      folder: graph.codeFolder(resource),
      handler: Handler,
      memoryMegabytes: MemorySize ?? DEFAULT_MEMORY_MEGABYTES,
      timeoutSeconds: Timeout ?? DEFAULT_TIMEOUT_SECONDS,
      environment: Environment?.Variables ?? {},
      logFormat: LoggingConfig?.LogFormat,
      logLevel: LoggingConfig?.ApplicationLogLevel,
    };
  });
}

/**
 * Runs functions in child processes: one invocation at a time in each, kept warm, up to four for a function.
 *
 * A process sees the template's environment, what Lambda itself sets, and the endpoints; nothing of ours.
 */
export function functionHost(options: FunctionHostOptions): FunctionHost {
  const pools = new Map(options.functions.map((described) => [described.name, functionPool(described, options)]));
  const poolOf = (nameOrArn: string) => {
    const pool = pools.get(nameOrArn.slice(nameOrArn.lastIndexOf(":") + 1));
    if (pool === undefined) throw new Error(`There is no function ${nameOrArn}; there are ${[...pools.keys()].join(", ")}`);
    return pool;
  };
  return {
    invoke: async (nameOrArn, event) => poolOf(nameOrArn).invoke(event),
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.close()))),
  };
}

function functionPool(described: LocalFunction, options: FunctionHostOptions) {
  const idle: FunctionProcess[] = [];
  const all = new Set<FunctionProcess>();
  const waiting: (() => void)[] = [];
  let busy = 0;
  let isClosed = false;

  function takeProcess(): FunctionProcess {
    const warm = idle.pop();
    if (warm !== undefined) return warm;
    const started = startProcess(described, options, () => {
      all.delete(started);
      if (idle.includes(started)) idle.splice(idle.indexOf(started), 1);
    });
    all.add(started);
    return started;
  }

  return {
    async invoke(event: unknown): Promise<unknown> {
      if (busy >= MOST_PROCESSES) await new Promise<void>((resume) => waiting.push(resume));
      else busy += 1;
      try {
        if (isClosed) throw closed(described.name);
        const used = takeProcess();
        try {
          return await used.run(event);
        } finally {
          if (all.has(used)) idle.push(used); // a handler that threw stays warm, too
        }
      } finally {
        const next = waiting.shift(); // who waits takes over our place, so that `busy` stays
        if (next === undefined) busy -= 1;
        else next();
      }
    },
    async close(): Promise<void> {
      isClosed = true;
      await Promise.all([...all].map((running) => running.end()));
    },
  };
}

function closed(name: string): FunctionError {
  return new FunctionError("Runtime.Closed", `${name}: the local stack is stopping`);
}

interface FunctionProcess {
  run(event: unknown): Promise<unknown>;
  end(): Promise<void>;
}

function startProcess(described: LocalFunction, options: FunctionHostOptions, onEnd: () => void): FunctionProcess {
  const { name, arn, timeoutSeconds } = described;
  const child = fork(PROGRAM, {
    cwd: described.folder,
    env: environmentOf(described, options),
    execArgv: [`--max-old-space-size=${described.memoryMegabytes}`, ...(options.clock?.execArgv ?? [])],
    serialization: "json",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true, // leads a process group, so that what it starts ends with it
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", (line) => options.onLog({ function: name, line }));
  }
  /** Who waits for the process; one at a time. */
  let waiter: { readonly awaited: string; settle(answer: ProcessMessage | FunctionError): void } | undefined;
  /** Why we ended the process, if we did; and why it is gone. */
  let reason: FunctionError | undefined;
  let gone: FunctionError | undefined;
  /** What its code threw while it was loaded. */
  let loadFault = "";

  child.on("message", (message: ProcessMessage) => {
    if (reason !== undefined) return; // too late: it is being ended
    if (message.type === "unready") loadFault = `: ${message.because}`;
    else if (waiter?.awaited === (message.type === "ready" ? "ready" : message.requestId)) waiter.settle(message);
  });
  const exited = new Promise<void>((resolve) => {
    const leave = (how: string) => {
      gone = reason ?? new FunctionError("Runtime.ExitError", `${name}: its process ended: ${how}${loadFault}`);
      onEnd();
      waiter?.settle(gone);
      resolve();
    };
    child.once("error", (error) => leave(error.message));
    child.once("exit", (code, signal) => leave(signal ?? `exit code ${code}`));
  });

  /** The message that is awaited. Rejects when the process ends, and ends it when it takes too long. */
  function receive(awaited: string, milliseconds: number, tooLate: FunctionError): Promise<ProcessMessage> {
    return new Promise((resolve, reject) => {
      if (gone !== undefined) return reject(gone);
      const timer = setTimeout(() => {
        reason = tooLate;
        endGroup(child);
      }, milliseconds);
      waiter = {
        awaited,
        settle(answer) {
          clearTimeout(timer);
          waiter = undefined;
          if (answer instanceof FunctionError) reject(answer);
          else resolve(answer);
        },
      };
    });
  }

  const loaded = receive("ready", LOADING_MILLISECONDS, new FunctionError("Runtime.InitError", `${name}: its code did not load`));
  return {
    async run(event) {
      await loaded;
      const message: InvokeMessage = { type: "invoke", requestId: randomUUID(), functionArn: arn, timeoutMilliseconds: timeoutSeconds * 1000, event };
      const tooLate = new FunctionError("Sandbox.Timedout", `${name}: it did not answer within ${timeoutSeconds} s`);
      const answer = receive(message.requestId, message.timeoutMilliseconds, tooLate);
      child.send(message, () => {}); // a process that is gone is noticed when it exits
      const told = await answer;
      if (told.type === "error") throw new FunctionError(told.name, `${name}: ${told.stack === "" ? told.message : told.stack}`);
      return told.type === "result" ? told.result : undefined;
    },
    async end() {
      reason = closed(name);
      endGroup(child);
      await exited;
    },
  };
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return; // it could not be started
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // gone already
  }
}

/** What a function is told whatever runs it: the template's variables, where the local services are, and as whom to speak to them. */
export function givenVariables({ name, environment }: LocalFunction, { region, endpoints }: Surroundings): Record<string, string> {
  return {
    ...environment,
    ...endpoints,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: name, // by which the front of the AWS endpoints knows who calls
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_SESSION_TOKEN: "local",
  };
}

/** That, and what Lambda's runtime sets, as docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html lists it. */
function environmentOf(described: LocalFunction, options: FunctionHostOptions): Record<string, string> {
  const { name, handler, folder, memoryMegabytes, logFormat, logLevel } = described;
  return {
    ...givenVariables(described, options),
    ...options.clock?.env,
    ...(logFormat === undefined ? {} : { AWS_LAMBDA_LOG_FORMAT: logFormat }),
    ...(logLevel === undefined ? {} : { AWS_LAMBDA_LOG_LEVEL: logLevel }),
    _HANDLER: handler,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: "local",
    LAMBDA_TASK_ROOT: folder,
    LANG: "en_US.UTF-8",
    TZ: "UTC",
  };
}
