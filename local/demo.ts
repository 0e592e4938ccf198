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

/** `npm run demo`: one story from the first rule to a declined card, played on the synthesized stacks. Exits 0 when every step came true, else 1. */

/** At 60 times the speed an event needs about two seconds; a machine may be busy. */
const LONGEST_WAIT_SECONDS = 30;
const { iccid } = QUIET_LINE;

const { values } = parseArgs({ options: { assembly: { type: "string" }, "wait-seconds": { type: "string", default: String(LONGEST_WAIT_SECONDS) } } });

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

async function latest(ada: DemoSubscriber): Promise<number> {
  return (await ada.timeline()).at(-1)?.sequence ?? 0;
}

async function play(ada: DemoSubscriber, card: string): Promise<void> {
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
  const declining = await ada.saveTestCard("pm_card_chargeDeclined");
  await ada.setLine(iccid, { available: 500 });
  const changed = await latest(ada);
  await ada.changeCard(iccid, declining);
  const declined = await waitFor(ada, changed, "created", "declined", "canceled", "RechargeDeclined", "mail");
  expectSame("nothing was taken", await ada.taken(), [fifty.amount]);
  const [second] = await ada.bills();
  expectSame("the bill record says so", [second?.status, second?.charged, second?.credited], ["declined", money(0, "CNY"), money(0, "CNY")]);

  say("Half an hour later the line is still low, but the card may not be asked again yet");
  await ada.advance(30);
  await sleep(1500); // a check, if there were one, would be seen by now
  const asked = (await ada.timeline(declined)).filter((entry) => ["created", "charged", "declined", "RechargeDeclined"].includes(entry.what));
  expectSame("the card was left alone", asked, []);
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
    const stack = await startLocalStack({ assembly, stateFolder: join(folder, "state"), port: 0, speed: 60, tell });
    try {
      await play(new DemoSubscriber(stack.url, stack.demo.token), stack.demo.methodId);
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
