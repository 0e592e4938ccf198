import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import * as z from "zod/mini";
import { DRAINING_LINE, QUIET_LINE } from "../../local/demo-data.ts";
import { DemoSubscriber } from "../../local/demo-subscriber.ts";
import { testAssembly } from "../assembly.ts";
import { endLocal, type LocalProcess, runLocal, temporaryFolder } from "./local-process.ts";

/** Two cards from their saving to their last day, on the local stack: one whose bank asks for its holder each time, and one that expires. */

const TIMEOUT_MILLISECONDS = 180_000;
const POLL_MILLISECONDS = 250;
const DAY_MINUTES = 24 * 60;
const MINUTE = 60_000;
/** The cooldown, and a turn of the wheel. */
const UNTIL_SEEN_MINUTES = 31;
const { iccid } = QUIET_LINE;

const outbox = z.array(z.object({ channel: z.string(), subject: z.string(), text: z.string() }));
const clock = z.object({ now: z.string() });

describe("on the local stack", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let stack: LocalProcess;
  let url: string;
  /** The last moment of the timeline that a test has dealt with. */
  let seenUpTo = 0;

  /** Signed in anew: her tokens are good for a quarter of an hour, and days pass here. */
  async function ada(): Promise<DemoSubscriber> {
    return new DemoSubscriber(url, await (await fetch(`${url}/local/token`)).text());
  }

  async function until(what: string): Promise<string> {
    for (let waited = 0; waited < TIMEOUT_MILLISECONDS; waited += POLL_MILLISECONDS) {
      const found = (await (await ada()).timeline(seenUpTo)).find((entry) => entry.what === what && (entry.iccid === iccid || entry.iccid === undefined));
      if (found !== undefined) {
        seenUpTo = found.sequence;
        return found.rechargeId ?? "";
      }
      await sleep(POLL_MILLISECONDS);
    }
    throw new Error(`${what} did not come:\n${stack.output()}`);
  }

  async function mailOf(subject: RegExp, says = /./): Promise<string> {
    for (let waited = 0; waited < TIMEOUT_MILLISECONDS; waited += POLL_MILLISECONDS) {
      const found = z.parse(outbox, await (await fetch(`${url}/local/outbox`)).json()).filter((mail) => subject.test(mail.subject) && says.test(mail.text));
      if (found.length > 0) return found.map(({ text }) => text).join("\n");
      await sleep(POLL_MILLISECONDS);
    }
    throw new Error(`No mail says ${subject}`);
  }

  async function now(): Promise<number> {
    return Date.parse(z.parse(clock, await (await fetch(`${url}/local/clock`)).json()).now);
  }

  async function becomesLow(): Promise<void> {
    await (await ada()).setLine(iccid, { available: 900 });
    await (await ada()).advance(UNTIL_SEEN_MINUTES);
  }

  beforeAll(async () => {
    folder = temporaryFolder();
    stack = runLocal("start", ["--assembly", testAssembly(), "--state", join(folder.path, "state"), "--port", "0"]);
    url = String((await stack.until(/Ready at (\S+)/))[1]);
    await (await ada()).setLine(DRAINING_LINE.iccid, { available: 100_000, drainPerMinute: 0 });
  }, TIMEOUT_MILLISECONDS);

  afterAll(async () => {
    await endLocal(stack, "SIGKILL");
    folder[Symbol.dispose]();
  });

  it(
    "a card whose bank asks for its holder is charged when she has passed the check, by the same payment, and cannot be charged when she lets it pass",
    async () => {
      const card = await (await ada()).saveTestCard("pm_card_authenticationRequired");
      await (await ada()).saveRule(iccid, card);
      await becomesLow();
      const rechargeId = await until("RechargeActionRequired");
      expect(await (await ada()).taken()).toEqual([]);
      expect(await mailOf(/confirm/i)).toMatch(/CNY|¥/);

      const { clientSecret } = await (await ada()).rechargeWaiting(seenUpTo - 1);
      await (await ada()).payAs(clientSecret, card);
      expect(await until("RechargeSucceeded")).toBe(rechargeId);
      expect([await (await ada()).taken(), await (await ada()).credited()]).toEqual([[5000], [5000]]);

      await becomesLow();
      const second = await until("RechargeActionRequired");
      const left = await (await ada()).rechargeWaiting(seenUpTo - 1);
      await (await ada()).advance(DAY_MINUTES + 1);
      expect(await until("RechargeExpired")).toBe(second);
      await expect((await ada()).payAs(left.clientSecret, card)).rejects.toThrow("409"); // canceled: nobody can pay it any more
      expect(await (await ada()).taken()).toEqual([5000]);
    },
    TIMEOUT_MILLISECONDS,
  );

  it(
    "a card that expires is announced 30 and 7 days before, declined after, and the line goes on with the next one",
    async () => {
      const card = await (await ada()).putTestCard("pm_card_chargeDeclinedExpiredCard");
      await (await ada()).changeCard(iccid, card);
      await (await ada()).setLine(iccid, { available: 90_000 });
      const { data: methods } = (await (await ada()).api.GET("/v1/payment-methods")).data ?? { data: [] };
      const { month = 1, year = 2000 } = methods.find(({ paymentMethodId }) => paymentMethodId === card)?.expiry ?? {};
      const ends = Date.UTC(year, month, 1);

      for (const days of [30, 7]) {
        await (await ada()).advance(Math.ceil((ends - days * DAY_MINUTES * MINUTE - (await now())) / MINUTE) + DAY_MINUTES / 2);
        await until("PaymentMethodExpiring");
      }
      expect(await mailOf(/expires/i, /0069/)).toContain("expires soon"); // other cards of hers expire as well, and their mails may come first

      await (await ada()).advance(Math.ceil((ends - (await now())) / MINUTE) + DAY_MINUTES);
      const before = await (await ada()).taken();
      await becomesLow();
      const declined = await until("RechargeDeclined");
      expect((await (await ada()).bills()).find((bill) => bill.rechargeId === declined)).toMatchObject({ status: "declined", reason: "expired_card" });
      expect(await (await ada()).taken()).toEqual(before);

      const next = await (await ada()).saveTestCard("pm_card_mastercard");
      await (await ada()).changeCard(iccid, next); // a card that was chosen anew has nothing to rest for
      await until("RechargeSucceeded");
      expect(await (await ada()).taken()).toEqual([...before, 5000]);
    },
    TIMEOUT_MILLISECONDS,
  );
});
