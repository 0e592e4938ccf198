import * as z from "zod/mini";
import { UsageError } from "./verb.ts";

const queue = z.object({ url: z.string(), deadLettersUrl: z.string() });

/** Where a stage's things are: the output `Operations` of its Service stack. */
const operations = z.object({
  tables: z.object({ esims: z.string(), recharges: z.string(), subscribers: z.string(), controls: z.string() }),
  queues: z.record(z.string(), queue),
});
export type Operations = z.infer<typeof operations>;

/** Outputs by stack, as `cdk deploy --outputs-file` writes them. The local stack adds `environment`: where it stands in for AWS. */
const outputsFile = z.record(z.string(), z.record(z.string(), z.string()));

export interface Located {
  readonly operations: Operations;
  /** AWS's own variables, to be set before any client is made; empty for a stage in AWS. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Throws UsageError when the text is not such a file, or names no stage, or more than one. */
export function readOutputs(text: string): Located {
  const { environment = {}, ...stacks } = parseAs(outputsFile, text, "The outputs file is not what cdk deploy writes");
  const found = Object.values(stacks).flatMap(({ Operations }) => (Operations === undefined ? [] : [Operations]));
  const [only] = found;
  if (only === undefined) throw new UsageError("The outputs file has no output Operations: deploy the Service stack with --outputs-file");
  if (found.length > 1) throw new UsageError("The outputs file names more than one stage: keep one file for each");
  return { operations: parseAs(operations, only, "The output Operations is not of this version"), environment };
}

function parseAs<Shape extends z.ZodMiniType>(shape: Shape, text: string, fault: string): z.output<Shape> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(fault);
  }
  const result = z.safeParse(shape, value);
  if (!result.success) throw new UsageError(fault);
  return result.data;
}
