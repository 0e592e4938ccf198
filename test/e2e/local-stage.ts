import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod/mini";
import type { EventName } from "../../functions/domain/events.ts";
import { DRAINING_LINE, QUIET_LINE } from "../../local/demo-data.ts";
import { DemoSubscriber, good, money } from "../../local/demo-subscriber.ts";
import { type Seen, type Stage, WELL } from "./ten-stories.ts";

/** The line of the stories. The stack's other line, which it uses up by itself, is set to rest and left out of what is seen. */
const { iccid } = QUIET_LINE;
/** How long what was asked for may need to arrive. */
const ARRIVAL_SECONDS = 10;
const POLL_MILLISECONDS = 50;
const MINUTE = 60_000;
/** The queues that the schedules fill every minute, which are hardly ever empty, and the operator's, which only a person empties. */
const NEVER_EMPTY = /(PlanChecks|CheckBalances|Sweep|NeedsReview|PaymentAdjusted|BreakFound)Queue[0-9A-F]{8}$/;

/** Depends on the date of the test, and on no story. */
const BROUGHT_BY_TIME: ReadonlySet<string> = new Set<EventName>(["PaymentMethodExpiring", "MonthEnded"]);

/** What the stories compare of a bill record. */
const seenBill = z.object({
  rechargeId: z.string(),
  lineLastFour: z.string(),
  status: z.string(),
  reason: z.optional(z.string()),
  amount: money,
  charged: money,
  credited: money,
  refunded: money,
});
const seenAdjustments = z.array(z.object({ kind: z.string(), amount: money }));
const charges = z.array(
  z.object({ metadata: z.record(z.string(), z.string()), paid: z.boolean(), amount: z.number(), amount_refunded: z.number(), disputed: z.boolean() }),
);
const topUps = z.array(z.object({ reference: z.string(), iccid: z.string(), amount: money, refusal: z.optional(z.string()) }));
const entries = z.array(z.object({ source: z.string(), what: z.string(), iccid: z.optional(z.string()) }));
const mails = z.array(z.object({ subject: z.string() }));
const depths = z.record(z.string(), z.number());
const clock = z.object({ now: z.string() });

/** What the teller of a story remembers from one life of the stack to the next. */
export interface Memory {
  methodId?: string;
}

/** The stage on the local stack, as it is in one of its lives: over HTTP only. Everything throws when the stack dies. */
export async function localStage(url: string, memory: Memory): Promise<Stage> {
  const token = await (await fetch(`${url}/local/token`)).text();
  const ada = new DemoSubscriber(url, token);

  async function ask(path: string, body?: object): Promise<unknown> {
    const method = body === undefined ? "GET" : "POST";
    const reply = await fetch(url + path, { method, headers: { authorization: `Bearer ${token}` }, body: body && JSON.stringify(body) });
    if (!reply.ok) throw new Error(`${path} answered ${reply.status}: ${await reply.text()}`);
    return reply.json();
  }
  const openRecharge = async () => good(await ada.api.GET("/v1/esims")).data.find((line) => line.iccid === iccid)?.openRecharge ?? undefined;
  const allBills = async () => z.parse(z.array(seenBill), await ada.bills());
  const isOfLine = ({ lineLastFour }: { readonly lineLastFour: string }) => iccid.endsWith(lineLastFour);
  const action = async () => {
    const recharge = await ada.recharge((await openRecharge())?.rechargeId ?? "");
    return "action" in recharge ? recharge.action : undefined;
  };
  const allCharges = async () => z.parse(charges, await ask("/local/stripe/charges"));
  const events = async () =>
    z
      .parse(entries, await ask("/local/timeline"))
      .filter(({ source, what }) => source === "events" && !BROUGHT_BY_TIME.has(what))
      .filter((entry) => (entry.iccid ?? iccid) === iccid) // what is told of no line might be of this one
      .map(({ what }) => what);
  const isQuiet = async () => !Object.entries(z.parse(depths, await ask("/local/queues"))).some(([name, depth]) => depth > 0 && !NEVER_EMPTY.test(name));

  // The line first: a recharge that ends in between leaves its bill before it leaves the line.
  const status = async () => (await openRecharge())?.state ?? (await allBills()).find(isOfLine)?.status;

  return {
    async saveRule(testCard) {
      await ada.setLine(DRAINING_LINE.iccid, { available: WELL, drainPerMinute: 0 });
      memory.methodId ??= await ada.putTestCard(testCard);
      await ada.saveRule(iccid, memory.methodId);
      // Also the look at the line that follows the saving is over then: whoever finds it low is a check.
      return (await events()).includes("RuleSaved") && isQuiet();
    },
    async choose(next) {
      if ("stripe" in next) await ask("/local/stripe/next", { outcome: next.stripe });
      else await ask("/local/carrier/next", { outcome: next.carrier });
    },
    setBalance: (available) => ada.setLine(iccid, { available }),
    async passMinutes(minutes) {
      await ada.advance(minutes);
      const giveUpAt = performance.now() + ARRIVAL_SECONDS * 1000;
      while ((await status()) === undefined && performance.now() < giveUpAt) await sleep(POLL_MILLISECONDS);
    },
    async passExpiry(minutes) {
      const waiting = await action();
      if (waiting === undefined) throw new Error("Nobody waits for the customer");
      const { now } = z.parse(clock, await ask("/local/clock"));
      const left = (Date.parse(waiting.expiresAt) - Date.parse(now)) / MINUTE + minutes;
      if (left > 0) await ada.advance(left);
    },
    status,
    async payAsCustomer(testCard) {
      if ((await allCharges()).some(({ paid }) => paid)) return;
      const clientSecret = (await action())?.clientSecret;
      if (clientSecret !== undefined) await ada.payAs(clientSecret, testCard);
    },
    async dispute() {
      if ((await allCharges()).some(({ disputed }) => disputed)) return;
      await ada.dispute((await allBills()).find(isOfLine)?.rechargeId ?? "");
    },
    isQuiet,
    async look(): Promise<Seen> {
      const [all, open] = [await allBills(), await openRecharge()];
      const others = new Set(all.filter((bill) => !isOfLine(bill)).map(({ rechargeId }) => rechargeId));
      const own = all.filter(isOfLine);
      const adjustments = await Promise.all(
        own.map(async ({ rechargeId }) => {
          const recharge = await ada.recharge(rechargeId);
          return "adjustments" in recharge ? z.parse(seenAdjustments, recharge.adjustments).map((adjustment) => ({ rechargeId, ...adjustment })) : [];
        }),
      );
      return {
        bills: own,
        adjustments: adjustments.flat(),
        openState: open?.state,
        rule: await ada.ruleStatus(iccid),
        charges: (await allCharges()).filter(({ metadata }) => !others.has(metadata.rechargeId ?? "")),
        topUps: z.parse(topUps, await ask("/local/carrier/top-ups")).filter((topUp) => topUp.iccid === iccid),
        events: await events(),
        mails: z.parse(mails, await ask("/local/outbox")).flatMap(({ subject }) => (subject.includes(`…${iccid.slice(-4)}`) ? [subject] : [])),
      };
    },
  };
}
