import * as z from "zod/mini";
import { UnreadableMessage } from "../functions/workers/queue-handler.ts";
import type { DeadLetter } from "./dead-letters.ts";
import { QUEUE_CONTRACTS } from "./queue-contracts.ts";
import { audit, by, CHANGING, CHANGING_HELP, defineVerb, needed, type OpsPorts, UsageError } from "./verb.ts";

const QUEUES = [...QUEUE_CONTRACTS.keys()].join(" ");
const MESSAGES_PER_CALL = 10; // ReceiveMessage's limit
const MOST_MESSAGES = 100_000;

const wholeNumber = `--limit must be a whole number from 1 to ${MOST_MESSAGES}`;

export const redriveVerb = defineVerb({
  help: `redrive <queue> [--limit <n>] [--yes]: sends the dead letters of a queue back to it, and shows each of them
A message that its reader would refuse stays where it is. Every other one is safe, however old it is: a poke only says "look", and a report of
an earlier cycle is judged anew. Mend the cause first. Queues: ${QUEUES}
  --limit <n>       looks at this many at the most (1000)
  --yes             moves them; without it they are only shown
${CHANGING_HELP}`,
  words: ["queue"],
  options: { ...CHANGING, limit: { type: "string", default: "1000" }, yes: { type: "boolean", default: false } },
  input: z.object({
    queue: needed("Name the queue"),
    limit: z.pipe(
      z.string().check(z.regex(/^\d{1,6}$/, { error: wholeNumber })),
      z.pipe(z.transform(Number), z.number().check(z.gte(1, { error: wholeNumber }), z.lte(MOST_MESSAGES, { error: wholeNumber }))),
    ),
    yes: z.boolean(),
    by,
  }),
  act: redrive,
});

export interface RedriveInput {
  readonly queue: string;
  readonly limit: number;
  readonly yes: boolean;
  readonly by: string;
}

/** Moves dead letters back to their queue: sent first and removed then, so that a crash can double a message, which is harmless, but not lose one. */
export async function redrive(ports: OpsPorts, { queue, limit, yes, by: who }: RedriveInput): Promise<void> {
  const describe = QUEUE_CONTRACTS.get(queue);
  if (describe === undefined) throw new UsageError(`There is no queue "${queue}"; there are: ${QUEUES}`);
  const letters = ports.deadLettersOf(queue);
  if (yes) await audit(ports, { by: who, verb: "redrive", subject: queue, why: `at most ${limit} messages` });

  const moved = new Set<string>();
  const staying = new Map<string, DeadLetter>();
  let refused = 0;
  try {
    while (moved.size + staying.size < limit) {
      const received = await letters.receive(Math.min(MESSAGES_PER_CALL, limit - moved.size - staying.size));
      const unseen = received.filter(({ messageId }) => !moved.has(messageId) && !staying.has(messageId));
      // Of one that came again only the newest receipt is good; one that was moved is gone, even if SQS gives it once more.
      for (const letter of received) if (!moved.has(letter.messageId)) staying.set(letter.messageId, letter);
      if (unseen.length === 0) break;
      for (const letter of unseen) {
        const reading = readLetter(letter, describe);
        if (reading.isRefused) refused += 1;
        else if (yes) {
          await letters.sendBack(letter.body);
          await letters.remove(letter.receipt);
          staying.delete(letter.messageId);
          moved.add(letter.messageId);
        }
        const what = reading.isRefused ? "stays" : yes ? "moved" : "would move";
        ports.print(`${what.padEnd(10)}  ${letter.messageId}  sent ${letter.sentAt}  ${reading.text}`);
      }
    }
  } finally {
    // One that cannot be released is there again by itself, some minutes later.
    await Promise.allSettled([...staying.values()].map(({ receipt }) => letters.release(receipt)));
  }
  const good = yes ? `${moved.size} moved` : `${staying.size - refused} would move (say --yes to move them)`;
  ports.print(`${queue}: ${good}, ${refused} refused by its contract${refused > 0 ? ", which stay among the dead letters" : ""}`);
}

function readLetter({ body }: DeadLetter, describe: (body: string) => string): { readonly isRefused: boolean; readonly text: string } {
  try {
    return { isRefused: false, text: describe(body) };
  } catch (error) {
    if (error instanceof UnreadableMessage) return { isRefused: true, text: error.message };
    throw error;
  }
}
