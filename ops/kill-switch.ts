import * as z from "zod/mini";
import type { KillSwitch } from "../functions/domain/ports.ts";
import { pagesOfBusyLines } from "./list.ts";
import { audit, by, CHANGING, CHANGING_HELP, defineVerb, needed, type OpsPorts } from "./verb.ts";

const why = needed("--why must say why");

export const killSwitchVerb = defineVerb({
  help: `kill-switch on|off|status [--why <text>] [--yes]: stops every recharge of the stage that is not being paid yet
Within seconds of "on" nothing new is charged; what is being paid goes on to its end, so that nobody pays for nothing.
  --why <text>      the reason, for on and off
  --yes             for off, as charges begin again: does it. On acts at once
${CHANGING_HELP}`,
  words: ["state"],
  options: { ...CHANGING, why: { type: "string" }, yes: { type: "boolean", default: false } },
  input: z.discriminatedUnion(
    "state",
    [z.object({ state: z.literal("on"), why, by }), z.object({ state: z.literal("off"), why, by, yes: z.boolean() }), z.object({ state: z.literal("status") })],
    { error: "Say on, off or status" },
  ),
  act: setKillSwitch,
});

export type KillSwitchInput =
  | { readonly state: "on"; readonly why: string; readonly by: string }
  | { readonly state: "off"; readonly why: string; readonly by: string; readonly yes: boolean }
  | { readonly state: "status" };

/** Throws the switch first and writes the audit after: the switch itself says who threw it, and must not wait. */
export async function setKillSwitch(ports: OpsPorts, input: KillSwitchInput): Promise<void> {
  const { controls, clock, print } = ports;
  if (input.state === "status") return print(describe(await controls.getKillSwitch()));
  if (input.state === "off" && !input.yes) {
    print(describe(await controls.getKillSwitch()));
    return print("Nothing was written: say --yes to switch it off, and charges begin again.");
  }
  const killSwitch = { on: input.state === "on", at: clock.now(), by: input.by, why: input.why };
  await controls.putKillSwitch(killSwitch);
  print(describe(killSwitch));
  if (killSwitch.on) await wake(ports);
  await audit(ports, { by: input.by, verb: "kill-switch", subject: input.state, why: input.why });
}

/** Has every open recharge looked at now: one that waits for its customer could be paid until its next look, which may be an hour away. */
async function wake({ esims, pokes, print }: OpsPorts): Promise<void> {
  let lines = 0;
  for await (const iccids of pagesOfBusyLines(esims)) {
    await pokes.send(iccids.map((iccid) => ({ iccid })));
    lines += iccids.length;
  }
  print(`${lines} lines are looked at now.`);
}

function describe(killSwitch: KillSwitch | undefined): string {
  if (killSwitch === undefined) return "The kill switch was never thrown: recharges run.";
  const { on, at, by: who, why: reason } = killSwitch;
  return `The kill switch is ${on ? "ON: nothing new is charged" : "off: recharges run"}, since ${at}, by ${who}: ${reason}`;
}
