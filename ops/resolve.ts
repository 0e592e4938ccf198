import * as z from "zod/mini";
import type { Resolution } from "../functions/domain/esim.ts";
import { lastFour } from "../functions/domain/iccid.ts";
import { formatMoney } from "../functions/domain/money.ts";
import { applyResolution, resolutionProblem } from "../functions/domain/recharge.ts";
import { audit, by, CHANGING, CHANGING_HELP, defineVerb, needed, type OpsPorts, UsageError } from "./verb.ts";

const CONSEQUENCES: Readonly<Record<Resolution["as"], string>> = {
  credited: "ends as succeeded: it was paid, and the line has the credit",
  refunded: "is given back in full, unless Stripe has a refund of it or could not make one, and ends as refunded when the money is back",
  "nothing-taken": "ends as cancelled when its payment is seen canceled; if it was paid after all, it goes on",
};

export const resolveVerb = defineVerb({
  help: `resolve <rechargeId> --as credited|refunded|nothing-taken --note <text> [--yes]: says how a recharge in review really stands
The recharge function then acts on it, within seconds:
${Object.entries(CONSEQUENCES)
  .map(([as, consequence]) => `  ${as.padEnd(16)}  it ${consequence}`)
  .join("\n")}
  --note <text>     what you found out, and where
  --carrier-gone    for refunded: gives back although the carrier does not say whether it credited. Without it that is waited for
  --yes             does it; without it nothing is written
${CHANGING_HELP}`,
  words: ["rechargeId"],
  options: {
    ...CHANGING,
    as: { type: "string" },
    note: { type: "string" },
    "carrier-gone": { type: "boolean", default: false },
    yes: { type: "boolean", default: false },
  },
  input: z.object({
    rechargeId: needed("Name the recharge: list --review shows their ids"),
    as: z.enum(["credited", "refunded", "nothing-taken"], { error: "--as must be credited, refunded or nothing-taken" }),
    note: needed("--note must say what you found out"),
    "carrier-gone": z.boolean(),
    yes: z.boolean(),
    by,
  }),
  act: (ports, { "carrier-gone": withoutCarrier, ...input }) => resolve(ports, { ...input, withoutCarrier }),
});

export interface ResolveInput {
  readonly rechargeId: string;
  readonly as: Resolution["as"];
  readonly note: string;
  /** Does not wait for the carrier's word on what is to be given back. */
  readonly withoutCarrier?: boolean;
  readonly yes: boolean;
  readonly by: string;
}

/** Writes an operator's word on a recharge that needs a review. A line that was changed since it was read is not forced: what was decided may no longer be right. */
export async function resolve(ports: OpsPorts, { rechargeId, as, note, withoutCarrier = false, yes, by: who }: ResolveInput): Promise<void> {
  const { esims, recharges, pokes, clock, ids, print } = ports;
  const start = await recharges.getStart(rechargeId);
  if (start === undefined) throw new UsageError(`There is no recharge ${rechargeId}`);
  const esim = await esims.load(start.iccid);
  const problem = resolutionProblem(esim?.open?.rechargeId === rechargeId ? esim.open : undefined, as);
  if (problem !== undefined) throw new UsageError(`Recharge ${rechargeId} cannot be resolved as ${as}: ${problem}`);
  const now = clock.now();
  const next = esim && applyResolution(esim, rechargeId, { as, by: who, at: now, note, ...(withoutCarrier && { withoutCarrier }) }, now);
  if (next === undefined) throw new Error(`Recharge ${rechargeId} takes no resolution`);

  print(`Recharge ${rechargeId} of ${formatMoney(start.amount)}, line …${lastFour(start.iccid)}, ${CONSEQUENCES[as]}.`);
  if (!yes) return print("Nothing was written: say --yes to do it.");
  if ((await esims.save(next, ids.next())) === undefined)
    throw new Error("The line was changed at this very moment: look at the recharge again, and repeat it");
  await audit(ports, { by: who, verb: "resolve", subject: rechargeId, why: `as ${as}: ${note}` });
  await pokes.send([{ iccid: start.iccid }]);
  print(`Written. "show ${rechargeId}" tells what came of it.`);
}
