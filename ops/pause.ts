import * as z from "zod/mini";
import type { Hold } from "../functions/domain/ports.ts";
import { linesOf } from "../functions/workers/lines-of.ts";
import { audit, by, CHANGING, CHANGING_HELP, defineVerb, needed, type OpsPorts } from "./verb.ts";

const subscriberId = needed("Name the subscriber: the sub of their token, as list shows it");

export const pauseVerb = defineVerb({
  help: `pause <subscriberId> --why <text>: stops every recharge of one subscriber that is not being paid yet, at once
What is being paid goes on to its end. A rule of theirs that comes due meanwhile is suspended, and they are told.
  --why <text>      the reason
${CHANGING_HELP}`,
  words: ["subscriberId"],
  options: { ...CHANGING, why: { type: "string" } },
  input: z.object({ subscriberId, why: needed("--why must say why"), by }),
  act: pause,
});

export const resumeVerb = defineVerb({
  help: `resume <subscriberId> [--yes]: lifts the pause of a subscriber
A rule that was suspended meanwhile stays so until its subscriber resumes it.
  --yes             does it, as charges begin again; without it the pause is only shown
${CHANGING_HELP}`,
  words: ["subscriberId"],
  options: { ...CHANGING, yes: { type: "boolean", default: false } },
  input: z.object({ subscriberId, yes: z.boolean(), by }),
  act: resume,
});

export interface PauseInput {
  readonly subscriberId: string;
  readonly why: string;
  readonly by: string;
}

/** Holds a subscriber, and has their lines looked at, so that what is reserved ends now and not at its next look. */
export async function pause(ports: OpsPorts, { subscriberId: subscriber, why, by: who }: PauseInput): Promise<void> {
  const { subscribers, pokes, clock, print } = ports;
  const hold = { at: clock.now(), by: who, why };
  await subscribers.putHold(subscriber, hold); // first: it says itself who did it, and must not wait
  await audit(ports, { by: who, verb: "pause", subject: subscriber, why });

  // Every line of theirs: to look at one that has nothing open costs a read, and changes nothing.
  const lines = await linesOf(ports, subscriber);
  await pokes.send(lines.map((iccid) => ({ iccid })));
  print(`${describe(subscriber, hold)} Their ${lines.length} lines are looked at now.`);
  if (lines.length === 0) print("Nobody with this id has a rule: is it the right one?");
}

export async function resume(
  ports: OpsPorts,
  { subscriberId: subscriber, yes, by: who }: { readonly subscriberId: string; readonly yes: boolean; readonly by: string },
): Promise<void> {
  const { subscribers, print } = ports;
  const hold = await subscribers.getHold(subscriber);
  print(describe(subscriber, hold));
  if (hold === undefined) return;
  if (!yes) return print("Nothing was written: say --yes to lift it, and charges begin again.");
  await audit(ports, { by: who, verb: "resume", subject: subscriber, why: `paused by ${hold.by} at ${hold.at}: ${hold.why}` }); // first: the act leaves no trace
  await subscribers.removeHold(subscriber);
  print("The pause is lifted. Rules that were suspended meanwhile wait for their subscriber.");
}

function describe(subscriber: string, hold: Hold | undefined): string {
  return hold === undefined ? `Subscriber ${subscriber} is not paused.` : `Subscriber ${subscriber} is paused since ${hold.at}, by ${hold.by}: ${hold.why}.`;
}
