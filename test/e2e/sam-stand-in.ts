import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod/mini";
import { functionHost } from "../../local/cloud/functions.ts";

// Plays `sam local invoke` where there is no Docker: runs a function of a template with the variables that the template has, and prints its answer.

const template = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Properties: z.object({
        FunctionName: z.string(),
        CodeUri: z.string(),
        Handler: z.string(),
        MemorySize: z.number(),
        Timeout: z.number(),
        Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
      }),
    }),
  ),
});

/** A container has nobody at its own 127.0.0.1. */
const ALONE = `data:text/javascript,${encodeURIComponent(`
  import { Socket } from "node:net";
  const { connect } = Socket.prototype;
  Socket.prototype.connect = function (...given) {
    const [{ host }] = [given[0]].flat();
    if (host === "127.0.0.1" || host === "localhost") throw new Error("Nobody is at " + host + " in a container");
    return connect.apply(this, given);
  };`)}`;

/** Runs an invocation as in a container of its own; rejects with FunctionError. */
export async function samLocalInvoke(file: string, id: string, event: unknown): Promise<unknown> {
  const found = z.parse(template, JSON.parse(readFileSync(file, "utf8"))).Resources[id];
  if (found === undefined) throw new Error(`${id} is not in ${file}`);
  const { FunctionName, CodeUri, Handler, MemorySize, Timeout, Environment } = found.Properties;
  const described = {
    name: FunctionName,
    arn: FunctionName,
    folder: resolve(dirname(file), CodeUri),
    handler: Handler,
    memoryMegabytes: MemorySize,
    timeoutSeconds: Timeout,
  };
  const host = functionHost({
    functions: [{ ...described, environment: Environment.Variables }],
    region: Environment.Variables.AWS_REGION ?? "",
    endpoints: {},
    clock: { execArgv: ["--import", ALONE], env: {} },
    onLog: ({ line }) => process.stderr.write(`${line}\n`),
  });
  try {
    return await host.invoke(FunctionName, event);
  } finally {
    await host.close();
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { template: { type: "string", short: "t", default: "" }, event: { type: "string", short: "e", default: "" } },
  });
  const [local, invoke, id = ""] = positionals;
  if (local !== "local" || invoke !== "invoke") throw new Error("Only sam local invoke is played");
  const event: unknown = JSON.parse(readFileSync(values.event === "-" ? 0 : values.event, "utf8"));
  console.log(JSON.stringify(await samLocalInvoke(values.template, id, event)));
}
