// The program of a function's child process: loads the handler, then answers one invocation at a time, as Lambda's runtime does.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What the host sends. */
export interface InvokeMessage {
  readonly type: "invoke";
  readonly requestId: string;
  readonly functionArn: string;
  readonly timeoutMilliseconds: number;
  readonly event: unknown;
}

/** What the process answers: `ready` once (or `unready`, and then it ends), then a result or an error per invocation. */
export type ProcessMessage =
  | { readonly type: "ready" }
  | { readonly type: "unready"; readonly because: string }
  | { readonly type: "result"; readonly requestId: string; readonly result: unknown }
  | { readonly type: "error"; readonly requestId: string; readonly name: string; readonly message: string; readonly stack: string };

type Handler = (event: unknown, context: object) => unknown;

/** Lambda looks for these in this order. */
const EXTENSIONS = [".js", ".mjs", ".cjs"];

async function loadHandler(): Promise<Handler> {
  const { LAMBDA_TASK_ROOT: folder = ".", _HANDLER: name = "" } = process.env;
  const dot = name.lastIndexOf(".");
  const file = EXTENSIONS.map((extension) => join(folder, name.slice(0, dot) + extension)).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`There is no file for the handler ${name} in ${folder}`);
  const loaded: Readonly<Record<string, unknown>> = await import(pathToFileURL(file).href);
  // What a CommonJS bundle exports may only be found on the default export.
  const exported = loaded[name.slice(dot + 1)] ?? Object(loaded.default)[name.slice(dot + 1)];
  if (!isHandler(exported)) throw new Error(`${file} does not export the function ${name.slice(dot + 1)}`);
  if (exported.length > 2) throw new Error(`The handler ${name} takes a callback, which nodejs24.x does not give: make it async`);
  return exported;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

function contextOf(message: InvokeMessage, startedAt: number) {
  return {
    awsRequestId: message.requestId,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: message.functionArn,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    // By the real clock, as the host's timeout: `Date` may tell another time.
    getRemainingTimeInMillis: () => Math.max(0, Math.round(startedAt + message.timeoutMilliseconds - performance.now())),
  };
}

async function answer(handler: Handler, message: InvokeMessage): Promise<void> {
  const { requestId } = message;
  try {
    const result = await handler(message.event, contextOf(message, performance.now()));
    tell({ type: "result", requestId, result: result ?? null });
  } catch (error) {
    const { name, message: text, stack = "" } = error instanceof Error ? error : new Error(String(error));
    // What the runtime writes on AWS into the function's log. docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
    const fault = JSON.stringify({ errorType: name, errorMessage: text, stack: stack.split("\n") });
    process.stderr.write(`${new Date().toISOString()}\t${requestId}\tERROR\tInvoke Error \t${fault}\n`);
    tell({ type: "error", requestId, name, message: text, stack });
  }
}

function tell(message: ProcessMessage): void {
  process.send?.(message);
}

// The host is gone, killed perhaps: end with everything that the function has started. The process leads its own group.
const end = () => process.kill(-process.pid, "SIGKILL");
process.on("disconnect", end);
if (!process.connected) end(); // it went before this could be heard

const handler = await loadHandler().catch((error: unknown) => {
  tell({ type: "unready", because: String(error) });
  throw error; // into the log, with its stack
});
process.on("message", (message: InvokeMessage) => void answer(handler, message));
tell({ type: "ready" });
