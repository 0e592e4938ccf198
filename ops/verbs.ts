import { auditVerb } from "./audit.ts";
import { killSwitchVerb } from "./kill-switch.ts";
import { listVerb } from "./list.ts";
import { pauseVerb, resumeVerb } from "./pause.ts";
import { redriveVerb } from "./redrive.ts";
import { resolveVerb } from "./resolve.ts";
import { showVerb } from "./show.ts";
import { type Order, UsageError, type Verb } from "./verb.ts";

export const VERBS: Readonly<Record<string, Verb>> = {
  list: listVerb,
  show: showVerb,
  resolve: resolveVerb,
  "kill-switch": killSwitchVerb,
  pause: pauseVerb,
  resume: resumeVerb,
  redrive: redriveVerb,
  audit: auditVerb,
};

export const HELP = `npm run ops -- <verb> ...: the operator's hands. "npm run ops -- <verb> --help" says more
${Object.values(VERBS)
  .map(({ help }) => `  ${help.split("\n")[0]}`)
  .join("\n")}`;

/** What a command line asks for: an order, or a text to print. Throws UsageError. */
export function readOrder([name = "", ...args]: readonly string[], environment: Readonly<Record<string, string | undefined>>): Order | string {
  if (name === "" || name === "--help" || name === "help") return HELP;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) throw new UsageError(`There is no verb "${name}"; there are: ${Object.keys(VERBS).join(" ")}`);
  return verb.read(args, environment) ?? verb.help;
}
