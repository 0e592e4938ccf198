import { readFileSync } from "node:fs";
import { dynamoDb } from "../functions/adapters/dynamodb-client.ts";
import { dynamoDbControls } from "../functions/adapters/dynamodb-controls.ts";
import { dynamoDbEsims } from "../functions/adapters/dynamodb-esims.ts";
import { dynamoDbRecharges } from "../functions/adapters/dynamodb-recharges.ts";
import { dynamoDbSubscribers } from "../functions/adapters/dynamodb-subscribers.ts";
import { sqs, sqsPokes } from "../functions/adapters/sqs-messages.ts";
import { randomIds, systemClock } from "../functions/adapters/system.ts";
import { sqsDeadLetters } from "./dead-letters.ts";
import { type Operations, readOutputs } from "./operations.ts";
import { type OpsPorts, UsageError } from "./verb.ts";
import { readOrder } from "./verbs.ts";

/** `npm run ops`: reads the command, finds the stage, acts. Exit code 2: the command made no sense; 1: it failed. */

function connect({ tables, queues }: Operations): OpsPorts {
  const database = dynamoDb();
  const messages = sqs();
  const queueNamed = (name: string) => {
    const queue = queues[name];
    if (queue === undefined) throw new UsageError(`This stage has no queue "${name}"; it has: ${Object.keys(queues).join(" ")}`);
    return queue;
  };
  return {
    esims: dynamoDbEsims(database, tables.esims),
    recharges: dynamoDbRecharges(database, tables.recharges),
    subscribers: dynamoDbSubscribers(database, tables.subscribers),
    controls: dynamoDbControls(database, tables.controls),
    pokes: sqsPokes(messages, queueNamed("RechargeQueue").url),
    deadLettersOf: (name) => sqsDeadLetters(messages, queueNamed(name)),
    clock: systemClock,
    ids: randomIds,
    print: (line) => console.log(line),
  };
}

function readOutputsFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UsageError(`There is no outputs file ${file}: npm run deploy writes outputs.json, npm start .local/state/outputs.json; name it with --outputs`);
  }
}

async function main(): Promise<void> {
  const order = readOrder(process.argv.slice(2), process.env);
  if (typeof order === "string") return console.log(order);
  const { operations, environment } = readOutputs(readOutputsFile(order.outputs));
  Object.assign(process.env, environment); // before the clients are made, which read it
  await order.act(connect(operations));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
