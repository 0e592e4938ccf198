import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** A program of local/ in a process of its own, as npm runs it. */
export interface LocalProcess {
  readonly process: ChildProcess;
  /** All that it has written. */
  output(): string;
  /** Resolves with the first match in the output; rejects when the program ends without one. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts `node local/<program>.ts`, in a process group of its own and without the AWS variables of this machine. */
export function runLocal(program: "start" | "demo" | "sam" | "invoke", args: readonly string[]): LocalProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_")));
  const child = spawn(process.execPath, [join(ROOT, `local/${program}.ts`), ...args], { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? 1)));
  return {
    process: child,
    output: () => output,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          waiting.delete(look);
          resolve(match);
        };
        waiting.add(look);
        look();
        void ended.then((code) => reject(new Error(`It ended (${code}) before ${pattern} was seen:\n${output}`)));
      }),
  };
}

/** Ends the program and everything that it started, whatever state it is in. */
export async function endLocal({ process: child, ended }: LocalProcess, signal: NodeJS.Signals = "SIGINT"): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(signal === "SIGKILL" ? -child.pid : child.pid, signal);
  return ended;
}

/** A folder that is gone when the test is over. */
export function temporaryFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), "auto-recharge-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
