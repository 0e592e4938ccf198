import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { formatMoney, money } from "../functions/domain/money.ts";
import { DRAINING_LINE, QUIET_LINE } from "./demo-data.ts";
import { DemoSubscriber, Unexpected } from "./demo-subscriber.ts";
import { startLocalStack } from "./stack.ts";
import { synthesize } from "./synthesize.ts";
import { timelineLine } from "./timeline.ts";

/** `npm run demo`: one story from the first rule to a dispute, played on the synthesized stacks. Exits 0 when every step came true, else 1. */

/** At 60 times the speed an event needs about two seconds; a machine may be busy. */
const LONGEST_WAIT_SECONDS = 30;
const { iccid } = QUIET_LINE;

/** `--state` keeps what the story left behind, such as the functions' logs. */
const { values } = parseArgs({
  options: { assembly: { type: "string" }, state: { type: "string" }, "wait-seconds": { type: "string", default: String(LONGEST_WAIT_SECONDS) } },
});

function say(text: string): void {
  console.log(`\n# ${text}`);
}

function expectSame(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) throw new Unexpected(`${what}: expected ${JSON.stringify(expected)}, but it is ${JSON.stringify(actual)}`);
  console.log(`  ok  ${what}`);
}

/** Waits until the timeline shows all of these for the demo's line or for no line, each after the one before; gives the last one's number. */
async function waitFor(ada: DemoSubscriber, after: number, ...happenings: string[]): Promise<number> {
  const deadline = performance.now() + Number(values["wait-seconds"]) * 1000;
  let last = after;
  for (const what of happenings) {
    for (;;) {
      const found = (await ada.timeline(last)).find((entry) => entry.what === what && (entry.iccid ?? iccid) === iccid);
      if (found !== undefined) {
        last = found.sequence;
        break;
      }
      if (performance.now() > deadline) throw new Unexpected(`There was no "${what}" within ${values["wait-seconds"]} s`);
      await sleep(100);
    }
  }
  return last;
}

async function standing(ada: DemoSubscriber): Promise<unknown[]> {
  const status = await ada.ruleStatus(iccid);
  return [status.state, "reason" in status ? status.reason : undefined];
}

async function latest(ada: DemoSubscriber): Promise<number> {
  return (await ada.timeline()).at(-1)?.sequence ?? 0;
}

/** From the first rule to a declined card; gives the id of the first recharge. */
async function play(ada: DemoSubscriber, card: string): Promise<string> {
  await ada.setLine(DRAINING_LINE.iccid, { available: 3000, drainPerMinute: 0 }); // not part of this story

  say("Ada saves a rule for a line with CNY 30.00: below CNY 10, recharge CNY 50");
  await ada.saveRule(iccid, card);
  const saved = await waitFor(ada, 0, "RuleSaved");
  expectSame("nothing is taken from a line that is well", await ada.taken(), []);

  say("The line is used up, CNY 1 a minute, until a check finds it low");
  await ada.setLine(iccid, { available: 1100, drainPerMinute: 100 });
  const recharged = await waitFor(ada, saved, "LowBalanceDetected", "created", "charged", "credited", "RechargeSucceeded", "mail");
  await ada.setLine(iccid, { drainPerMinute: 0 });
  const fifty = money(5000, "CNY");
  expectSame(`Stripe took ${formatMoney(fifty)}, once`, await ada.taken(), [fifty.amount]);
  expectSame(`the carrier credited ${formatMoney(fifty)}, once`, await ada.credited(), [fifty.amount]);
  const [bill] = await ada.bills();
  expectSame("the bill record says so", [bill?.status, bill?.charged, bill?.credited], ["succeeded", fifty, fifty]);

  say("The next checks, over two hours, do nothing");
  for (let check = 0; check < 8; check++) {
    const before = await latest(ada);
    await ada.advance(15);
    await waitFor(ada, before, "balance read");
  }
  const since = (await ada.timeline(recharged)).filter((entry) => !["balance read", "mail"].includes(entry.what));
  expectSame(
    "nothing happened",
    since.map((entry) => entry.what),
    [],
  );
  expectSame("nothing more was taken", await ada.taken(), [fifty.amount]);

  say("Ada changes to a card that her bank declines, and the line is low again");
  const declining = await ada.saveTestCard("pm_card_chargeCustomerFail");
  const changed = await latest(ada);
  await ada.changeCard(iccid, declining); // before the line is low: a check in between would charge the other card
  await ada.setLine(iccid, { available: 500 });
  await ada.advance(20); // a check is due
  const declined = await waitFor(ada, changed, "created", "declined", "canceled", "RechargeDeclined", "mail");
  expectSame("nothing was taken", await ada.taken(), [fifty.amount]);
  const [second] = await ada.bills();
  expectSame("the bill record says so", [second?.status, second?.charged, second?.credited], ["declined", money(0, "CNY"), money(0, "CNY")]);

  say("Half an hour later the line is still low, but the card may not be asked again yet");
  await ada.advance(30);
  await sleep(1500); // a check, if there were one, would be seen by now
  const isRepeated = (what: string, rechargeId?: string) => what === "RechargeDeclined" && rechargeId === second?.rechargeId; // events come at least once
  const asked = (await ada.timeline(declined)).filter(
    ({ what, rechargeId }) => ["created", "charged", "declined", "RechargeDeclined"].includes(what) && !isRepeated(what, rechargeId),
  );
  expectSame("the card was left alone", asked, []);
  return bill?.rechargeId ?? "";
}

/** The ways in which a recharge can go that are neither smooth nor over at once. */
async function playEnds(ada: DemoSubscriber, card: string, firstRechargeId: string): Promise<void> {
  const fifty = money(5000, "CNY");
  const statuses = async () => (await ada.bills()).map(({ status }) => status);

  say("Ada takes a card whose bank asks for her at every payment");
  const wary = await ada.saveTestCard("pm_card_authenticationRequired");
  const wanted = await latest(ada);
  await ada.changeCard(iccid, wary);
  const asked = await waitFor(ada, wanted, "created", "RechargeActionRequired", "mail");
  expectSame("nothing was taken without her", await ada.taken(), [fifty.amount]);

  say("She opens the recharge, and passes her bank's check: a webhook tells of it");
  const waiting = await ada.rechargeWaiting(wanted);
  expectSame("it waits for her", waiting.status, "awaiting-customer");
  await ada.payAs(waiting.clientSecret, wary);
  await waitFor(ada, asked, "charged", "credited", "RechargeSucceeded", "mail");
  expectSame(
    "the same payment went through, once",
    [await ada.taken(), await ada.credited()],
    [
      [fifty.amount, fifty.amount],
      [fifty.amount, fifty.amount],
    ],
  );

  say("Back to the first card. The next time, the carrier refuses to credit what was charged");
  await ada.refuseNextTopUp();
  const before = await latest(ada);
  await ada.changeCard(iccid, card);
  await ada.setLine(iccid, { available: 500 });
  await ada.advance(20); // the cooldown is over, and a check is due
  await waitFor(ada, before, "charged", "refused", "RechargeRefunded", "mail");
  const [refunded] = await ada.bills();
  expectSame(
    "all of it was given back, and the bill record says so",
    [refunded?.status, refunded?.charged, refunded?.credited, refunded?.refunded],
    ["refunded", fifty, money(0, "CNY"), fifty],
  );

  expectSame("her rule is suspended, as it would be charged and given back again", await standing(ada), ["suspended", "carrier-refused"]);

  say(
    "The carrier has mended that, and Ada resumes her rule. The line is credited, but the carrier's answer gets lost; at the next look it tells that it was done",
  );
  await ada.loseNextTopUpsAnswer();
  const mended = await latest(ada);
  await ada.resume(iccid); // the line is low still
  await waitFor(ada, mended, "charged", "credited", "unanswered", "RechargeSucceeded", "mail");
  expectSame("it was credited once", await ada.credited(), [fifty.amount, fifty.amount, fifty.amount]);

  say("Then Ada contests the first charge at her bank");
  const bills = await statuses();
  const contested = await latest(ada);
  await ada.dispute(firstRechargeId);
  await waitFor(ada, contested, "RechargeAdjusted", "mail");
  expectSame("her rule is suspended until she resumes it", await standing(ada), ["suspended", "payment-disputed"]);
  expectSame("the dispute stands beside the bill", await ada.adjustments(firstRechargeId), ["dispute-opened"]);
  expectSame("no bill record changed", await statuses(), bills);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "auto-recharge-demo-"));
  const assembly = values.assembly ?? join(folder, "cdk.out");
  try {
    if (values.assembly === undefined) {
      console.log("Synthesizing the stacks ...");
      await synthesize(assembly);
    }
    const tell = (entry: Parameters<typeof timelineLine>[0]) => console.log(timelineLine(entry));
    const stack = await startLocalStack({ assembly, stateFolder: values.state ?? join(folder, "state"), port: 0, speed: 60, tell });
    try {
      const ada = new DemoSubscriber(stack.url, stack.demo.token);
      await playEnds(ada, stack.demo.methodId, await play(ada, stack.demo.methodId));
    } finally {
      await stack.close();
    }
    console.log("\nEvery step came true.");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(`\nThe story broke: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
