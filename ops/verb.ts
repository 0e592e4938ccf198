import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import * as z from "zod/mini";
import type { AuditEntry, Clock, Controls, Esims, Ids, Pokes, Recharges, Subscribers } from "../functions/domain/ports.ts";
import type { DeadLetters } from "./dead-letters.ts";

/** The command makes no sense as it was typed: one line says why, and nothing was done. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** What the verbs need of the world. */
export interface OpsPorts {
  readonly esims: Esims;
  readonly recharges: Pick<Recharges, "getStart" | "getHistory">;
  readonly subscribers: Pick<Subscribers, "getHold" | "putHold" | "removeHold" | "listLines">;
  readonly controls: Pick<Controls, "getKillSwitch" | "putKillSwitch" | "putAudit" | "listAudit">;
  readonly pokes: Pokes;
  /** Throws UsageError when the stage has no such queue. */
  readonly deadLettersOf: (queue: string) => DeadLetters;
  readonly clock: Clock;
  readonly ids: Ids;
  /** A line for the operator, at once: what comes after it may fail. */
  readonly print: (line: string) => void;
}

/** A command that makes sense, ready to be carried out. */
export interface Order {
  /** The file that says where the stage is. */
  readonly outputs: string;
  act(ports: OpsPorts): Promise<void>;
}

export interface Verb {
  /** The first line is the usage. */
  readonly help: string;
  /** Reads what follows the verb. Throws UsageError. Undefined: only its help was asked for. */
  read(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Order | undefined;
}

export interface VerbDefinition<Input extends z.ZodMiniType> {
  readonly help: string;
  /** Names of the words after the verb, in their order. */
  readonly words?: readonly string[];
  readonly options?: ParseArgsOptionsConfig;
  /** Words and options by name. */
  readonly input: Input;
  act(ports: OpsPorts, input: z.output<Input>): Promise<void>;
}

const COMMON = { outputs: { type: "string", default: "outputs.json" }, help: { type: "boolean", default: false } } as const;
const COMMON_HELP = `  --outputs <file>  where the stage is: what "cdk deploy --outputs-file" wrote, or the local stack (outputs.json)`;

/** For verbs that change something: `by` is then among the input, and falls back to the name in USER. */
export const CHANGING = { by: { type: "string" } } as const satisfies ParseArgsOptionsConfig;
export const CHANGING_HELP = "  --by <name>       who does it, for the audit (your user name)";

/** A text that must be there; `error` says what is missing. */
export function needed(error: string) {
  return z.string({ error }).check(z.minLength(1, { error }));
}

export const by = needed("--by must say who does it, as USER is not set");

export function defineVerb<Input extends z.ZodMiniType>({ help, words = [], options = {}, input, act }: VerbDefinition<Input>): Verb {
  return {
    help: `${help}\n${COMMON_HELP}`,
    read(args, environment) {
      const { values, positionals } = parseStrictly(args, options);
      if (values.help === true) return undefined;
      if (positionals.length > words.length) throw new UsageError(`"${positionals[words.length]}" is one word too many`);
      const named = Object.fromEntries(words.map((word, index) => [word, positionals[index]]));
      const result = z.safeParse(input, { ...values, by: values.by ?? environment.USER, ...named });
      if (!result.success) throw new UsageError(result.error.issues.map(({ message }) => message).join("; "));
      const { data } = result;
      return { outputs: String(values.outputs), act: (ports) => act(ports, data) };
    },
  };
}

interface Typed {
  readonly values: { readonly [option: string]: unknown };
  readonly positionals: readonly string[];
}

function parseStrictly(args: readonly string[], options: ParseArgsOptionsConfig): Typed {
  try {
    return parseArgs({ args: [...args], options: { ...COMMON, ...options }, allowPositionals: true });
  } catch (error) {
    // Node adds, after the first sentence, how a word that starts with a dash would be written: of no use here.
    throw new UsageError(error instanceof Error ? (error.message.split(/\. |\n/)[0] ?? error.message) : String(error));
  }
}

/** Writes down what an operator does. */
export async function audit({ controls, clock, ids }: Pick<OpsPorts, "controls" | "clock" | "ids">, entry: Omit<AuditEntry, "at" | "id">): Promise<void> {
  await controls.putAudit({ at: clock.now(), id: ids.next(), ...entry });
}
