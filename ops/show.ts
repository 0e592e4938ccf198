import * as z from "zod/mini";
import type { Bill } from "../functions/domain/bill.ts";
import type { Esim, OpenRecharge } from "../functions/domain/esim.ts";
import type { FrozenGrant } from "../functions/domain/family.ts";
import { type Iccid, lastFour } from "../functions/domain/iccid.ts";
import { formatMoney, type Money } from "../functions/domain/money.ts";
import { type Adjustment, type Esims, type RechargeStart, type RechargeStep, UnreadableLine } from "../functions/domain/ports.ts";
import type { Consent, Limits, TopUp } from "../functions/domain/rule.ts";
import { leftThisMonth, periodAt } from "../functions/domain/spend.ts";
import { ASKED_BY_PAYER } from "../functions/domain/terms.ts";
import { describeAudit } from "./audit.ts";
import { defineVerb, needed, type OpsPorts, UsageError } from "./verb.ts";

export const showVerb = defineVerb({
  help: `show <rechargeId>: all that is known of a recharge: why it was made, what was asked of whom, how it stands, what came after`,
  words: ["rechargeId"],
  input: z.object({ rechargeId: needed("Name the recharge: list shows the ids of the open ones, a bill that of an ended one") }),
  act: show,
});

/** Prints the whole history of a recharge, so that "why was I charged?" can be answered. */
export async function show(ports: OpsPorts, { rechargeId }: { readonly rechargeId: string }): Promise<void> {
  const { esims, recharges, controls, print } = ports;
  const { start, steps, bill, adjustments } = await recharges.getHistory(rechargeId);
  if (start === undefined && bill === undefined && steps.length === 0) throw new UsageError(`There is no recharge ${rechargeId}`);
  const esim = start && (await readLine(esims, start.iccid));
  const open = typeof esim === "object" && esim.open?.rechargeId === rechargeId ? esim.open : undefined;
  const actions = (await controls.listAudit()).filter(({ subject }) => subject === rechargeId).reverse();

  const tell = (title: string, lines: readonly string[]) => {
    print(`\n${title}`);
    for (const line of lines) print(`  ${line}`);
  };
  print(`Recharge ${rechargeId}`);
  const forgotten = ["What was known when it was reserved is not kept any more.", ...(bill === undefined ? [] : [describeConsent(bill.consent)])];
  if (start === undefined) tell("Why it was made", forgotten);
  else tell("Why it was made", describeStart(start));
  tell("What was asked, and what came back", steps.length === 0 ? ["Nothing."] : steps.map(describeStep));
  if (esim === "unreadable") tell("How it stands", ["The line cannot be read. See docs/runbook.md#unreadable-line"]);
  else tell("How it stands", describeStanding(open, bill));
  const grant = open?.family ?? bill?.family;
  if (grant !== undefined) tell("By whose leave", describeGrant(grant));
  if (adjustments.length > 0) tell("What came after", adjustments.map(describeAdjustment));
  if (actions.length > 0) tell("What operators did", actions.map(describeAudit));
}

async function readLine(esims: Esims, iccid: Iccid): Promise<Esim | "unreadable" | undefined> {
  try {
    return await esims.load(iccid);
  } catch (error) {
    if (error instanceof UnreadableLine) return "unreadable";
    throw error;
  }
}

function describeStart({ iccid, subscriberId, at, amount, rule, consent, reading, check, origin, spend, declines }: RechargeStart): string[] {
  const day = periodAt(spend, consent.timeZone, at).day;
  const today = spend?.day === day ? spend.dayCount : 0;
  const last = spend === undefined ? "there was none before" : `the last one ended at ${spend.lastEndedAt}`;
  return [
    `Reserved at ${at}: ${formatMoney(amount)} for line …${lastFour(iccid)} of subscriber ${subscriberId}.`,
    ...(origin === "backup" ? ["It stands in for one that the bank had declined, by the backup that its payer named."] : []),
    reading === undefined
      ? "Its payer wanted it, whatever the balance was."
      : `The balance was ${formatMoney(reading.balance)}, read at ${reading.readAt}; ${check === undefined ? "it was read when the line was looked at" : `the check ${check} reported it`}.`,
    ...(rule === undefined
      ? []
      : [`The rule, in version ${rule.version}: below ${formatMoney(rule.threshold)}, recharge ${describeTopUp(rule.topUp)}, with ${rule.paymentMethodId}.`]),
    describeConsent(consent),
    ...(rule === undefined ? [] : describeLimits(rule.limits, leftThisMonth(spend, rule.limits, consent.timeZone, at), today)),
    `Before it ${last}. Declines of the card that counted: ${declines}.`,
  ];
}

/** The hash names the very terms; it is missing where no rule was agreed to, and in consents from before there were any. */
function describeConsent({ at, termsVersion, termsHash, timeZone }: Consent): string {
  if (termsVersion === ASKED_BY_PAYER) return `Asked for by its payer at ${at}, time zone ${timeZone}.`;
  return `Agreed to at ${at}: terms ${termsVersion}${termsHash === undefined ? "" : ` (hash ${termsHash})`}, time zone ${timeZone}.`;
}

function describeLimits({ perMonth, timesPerDay, cooldownMinutes }: Limits, left: Money, today: number): string[] {
  return [
    `Limits then: ${formatMoney(left)} left of ${formatMoney(perMonth)} in the month; ${today} of ${timesPerDay} recharges in the day; ${cooldownMinutes} minutes between two.`,
  ];
}

function describeTopUp(topUp: TopUp): string {
  return topUp.type === "fixed" ? formatMoney(topUp.amount) : `up to ${formatMoney(topUp.target)}`;
}

function describeStep({ at, state, asked, answer }: RechargeStep): string {
  return `${at}  ${state}: asked ${asked}, got ${inWords(answer) || "an empty answer"}`;
}

/** `intent.status succeeded, intent.amount.amount 5000`: every value with the path to it. */
function inWords(value: unknown, path = ""): string {
  if (typeof value !== "object" || value === null) return `${path} ${String(value)}`.trim();
  return Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => inWords(inner, path === "" ? key : `${path}.${key}`))
    .filter((text) => text !== "")
    .join(", ");
}

/** Whoever paid may only pay for this line of somebody else's on these terms. */
function describeGrant({ since, until, cap, spent }: FrozenGrant): string[] {
  return [
    `The line is somebody else's, who agreed at ${since}, until ${until}.`,
    `Up to ${formatMoney(cap)} in all; ${formatMoney(spent)} had been spent when this was reserved.`,
  ];
}

function describeStanding(open: OpenRecharge | undefined, bill: Bill | undefined): string[] {
  const lines: string[] = [];
  if (open !== undefined) {
    const { name, ...facts } = open.state;
    lines.push(`Open, ${name}: ${inWords(facts) || "no payment was stored yet"}.`);
    if (open.resolution !== undefined)
      lines.push(`Resolved by ${open.resolution.by} at ${open.resolution.at} as ${open.resolution.as}: ${open.resolution.note}`);
  }
  if (bill !== undefined) {
    const { charged, credited, refunded, method, period } = bill;
    lines.push(`Ended at ${bill.endedAt}: ${bill.end}${bill.reason === undefined ? "" : ` (${bill.reason})`}.`);
    lines.push(`Charged ${formatMoney(charged)}, credited ${formatMoney(credited)}, refunded ${formatMoney(refunded)}; ${method.brand} …${method.lastFour}.`);
    lines.push(`Payment ${bill.paymentIntentId ?? "none"}, paid ${bill.paidAt ?? "never"}. Counts in ${period.month}, on ${period.day}.`);
  }
  return lines.length === 0 ? ["Nothing is open, and there is no bill: another change of the line overtook it, and nothing was taken."] : lines;
}

function describeAdjustment({ at, kind, amount, adjustmentId }: Adjustment): string {
  return `${at}  ${kind} ${formatMoney(amount)} (${adjustmentId})`;
}
